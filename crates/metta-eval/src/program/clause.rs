//! Clauses: rules in the form in which they are matched and built.

use metta_atom::{Atom, Variable};
use metta_space::Declaration;
use rustc_hash::FxHashMap;

use crate::machine::RuleId;
use crate::program::OPEN;
use crate::terms::cell::{CODE, Cell, SymbolId, View};
use crate::terms::heap::Heap;

/// A term with slots for variables, built by one pass over its cells.
///
/// Addresses of expressions that contain slots are relative to the template;
/// expressions without variables stand in the code area and are shared.
#[derive(Debug)]
pub(crate) struct Template {
    cells: Box<[Cell]>,
    root: Cell,
    is_error: bool,
}

/// A rule `(= head body)`, or a declaration `(: left right)`.
#[derive(Debug)]
pub(crate) struct Clause {
    /// When it was added; alternatives come in this order.
    pub(crate) sequence: u64,
    /// The rule that this is, for who asks where an error came from.
    pub(crate) rule: RuleId,
    /// The left side as a tree in the code area, with `Local` cells for variables.
    head: Cell,
    body: Template,
    /// The names of the variables, one a slot.
    names: Box<[SymbolId]>,
}

impl Clause {
    pub(crate) fn compile(heap: &mut Heap, declaration: &Declaration, rule: RuleId) -> Clause {
        let mut slots = Slots::default();
        let head = code_tree(heap, &declaration.left, &mut slots);
        let body = template(heap, &declaration.right, &mut slots);
        Clause { sequence: declaration.sequence, rule, head, body, names: slots.names.into() }
    }

    /// Reports whether the body is an error as it stands.
    #[inline]
    pub(crate) fn makes_error(&self) -> bool {
        self.body.is_error
    }

    /// The left side: a tree in the code area with `Local` cells for variables.
    pub(crate) fn head(&self) -> Cell {
        self.head
    }

    /// The right side; see [`Clause::body_cell`] for its elements.
    pub(crate) fn body(&self) -> Cell {
        self.body.root
    }

    /// A cell of the right side, by the address that an expression of it that is not ground has.
    pub(crate) fn body_cell(&self, address: u32) -> Cell {
        self.body.cells[address as usize]
    }

    /// The names of the variables.
    pub(crate) fn names(&self) -> &[SymbolId] {
        &self.names
    }

    /// The right side, if it has no variables.
    pub(crate) fn body_as_constant(&self, heap: &Heap) -> Option<Cell> {
        let constant = self.body.cells.is_empty() && !matches!(self.body.root.view(), View::Local(_));
        constant.then(|| heap.deref(self.body.root))
    }

    /// Reports whether the head can match a call of `symbol` with so many arguments; [`OPEN`] stands for the
    /// calls whose head is no symbol, and that head counts as their first argument.
    pub(crate) fn takes(&self, heap: &Heap, symbol: SymbolId, arity: u32) -> bool {
        match self.head.view() {
            View::Local(_) => true,
            View::Expression { address, length } if symbol == OPEN => {
                length == arity && !matches!(heap.get(address).view(), View::Symbol(_))
            }
            View::Expression { address, length } => {
                length == arity + 1
                    && matches!(heap.get(address).view(), View::Local(_) | View::Symbol(_))
                    && (heap.get(address) == Cell::symbol(symbol)
                        || !matches!(heap.get(address).view(), View::Symbol(_)))
            }
            _ => false,
        }
    }

    /// Slots with no variable set.
    pub(crate) fn new_slots(&self) -> Vec<Cell> {
        vec![Cell::NONE; self.names.len()]
    }

    /// Reports whether the call could match, looking at arguments one level deep and binding nothing.
    pub(crate) fn may_match(&self, heap: &Heap, call: Cell) -> bool {
        match (self.head.slice(), call.slice()) {
            (Some((pattern, m)), Some((address, n))) => {
                m == n && (0..m).all(|i| fits(heap, heap.get(pattern + i), heap.element(address, i)))
            }
            _ => fits(heap, self.head, heap.deref(call)),
        }
    }

    /// Matches the head with a call. A failure leaves bindings behind.
    pub(crate) fn match_head(&self, heap: &mut Heap, call: Cell, slots: &mut Vec<Cell>) -> bool {
        slots.clear();
        slots.resize(self.names.len(), Cell::NONE);
        let mut pending = vec![(self.head, call)];
        while let Some((pattern, term)) = pending.pop() {
            let term = heap.deref(term);
            match pattern.view() {
                View::Local(slot) => {
                    let known = slots[slot as usize];
                    if known == Cell::NONE {
                        slots[slot as usize] = term;
                    } else if !heap.unify(known, term) {
                        return false;
                    }
                }
                View::Expression { address: p, length: m } => match term.view() {
                    View::Expression { address: t, length: n } => {
                        if m != n {
                            return false;
                        }
                        // First element last on the stack, so that it is matched first.
                        pending.extend((0..m).rev().map(|i| (heap.get(p + i), heap.get(t + i))));
                    }
                    View::Ref(variable) => {
                        let built = self.build_pattern(heap, pattern, slots);
                        if heap.occurs(variable, built) {
                            return false;
                        }
                        heap.bind(variable, built);
                    }
                    _ if heap.matcher(term).is_some() => {
                        let built = self.build_pattern(heap, pattern, slots);
                        heap.meet(term, built);
                    }
                    _ => return false,
                },
                _ => {
                    if pattern != term && !heap.unify(pattern, term) {
                        return false;
                    }
                }
            }
        }
        true
    }

    /// Builds the part of the head that an unbound variable of the call stands for.
    fn build_pattern(&self, heap: &mut Heap, pattern: Cell, slots: &mut [Cell]) -> Cell {
        self.fill_slots(heap, slots);
        heap.rebuilt(pattern, |cell| match cell.view() {
            View::Local(slot) => slots[slot as usize],
            _ => cell,
        })
    }

    fn fill_slots(&self, heap: &mut Heap, slots: &mut [Cell]) {
        for (slot, name) in slots.iter_mut().zip(&self.names) {
            if *slot == Cell::NONE {
                *slot = heap.new_variable(*name, false);
            }
        }
    }

    /// Builds the body; variables that the head did not set become new ones.
    pub(crate) fn build_body(&self, heap: &mut Heap, slots: &mut [Cell]) -> Cell {
        self.fill_slots(heap, slots);
        let base = heap.top();
        for cell in &self.body.cells {
            let built = place(*cell, base, slots);
            heap.cells.push(built);
        }
        place(self.body.root, base, slots)
    }
}

/// A cell of a template as it stands in the heap.
fn place(cell: Cell, base: u32, slots: &[Cell]) -> Cell {
    match cell.view() {
        View::Local(slot) => slots[slot as usize],
        View::Expression { address, .. } if address & CODE == 0 && !cell.is_ground() => {
            cell.with_address(address + base)
        }
        _ => cell,
    }
}

/// Reports whether a pattern cell and a dereferenced term can be equal, one level deep.
fn fits(heap: &Heap, pattern: Cell, term: Cell) -> bool {
    match (pattern.view(), term.view()) {
        (View::Local(_), _) | (_, View::Ref(_)) => true,
        (View::Expression { length: m, address: p }, View::Expression { length: n, address: t }) => {
            m == n && (m == 0 || leaf_fits(heap, heap.get(p), heap.element(t, 0)))
        }
        _ => pattern == term || heap.leaves_equal(pattern, term) || meets(heap, pattern, term),
    }
}

/// Reports whether one of two terms matches in its own way.
fn meets(heap: &Heap, pattern: Cell, term: Cell) -> bool {
    heap.matcher(pattern).is_some() || heap.matcher(term).is_some()
}

/// Like [`fits`] for the heads of two expressions, without going deeper.
fn leaf_fits(heap: &Heap, pattern: Cell, term: Cell) -> bool {
    match (pattern.view(), term.view()) {
        (View::Local(_) | View::Expression { .. }, _) | (_, View::Ref(_) | View::Expression { .. }) => true,
        _ => pattern == term || heap.leaves_equal(pattern, term) || meets(heap, pattern, term),
    }
}

/// The slots given to the variables of a clause.
#[derive(Default)]
struct Slots {
    slots: FxHashMap<Variable, u32>,
    names: Vec<SymbolId>,
}

impl Slots {
    fn cell(&mut self, heap: &mut Heap, variable: &Variable) -> Cell {
        let next = self.names.len() as u32;
        let slot = *self.slots.entry(variable.clone()).or_insert(next);
        if slot == next {
            self.names.push(heap.symbols.intern_symbol(variable.name()));
        }
        Cell::local(slot)
    }
}

/// Copies an atom into the code area.
fn code_tree(heap: &mut Heap, atom: &Atom, slots: &mut Slots) -> Cell {
    let mut pending: Vec<(&Atom, u32)> = Vec::new();
    let root = code_node(heap, atom, slots, &mut pending);
    while let Some((atom, place)) = pending.pop() {
        let cell = code_node(heap, atom, slots, &mut pending);
        heap.code[place as usize] = cell;
    }
    root
}

fn code_node<'a>(
    heap: &mut Heap,
    atom: &'a Atom,
    slots: &mut Slots,
    pending: &mut Vec<(&'a Atom, u32)>,
) -> Cell {
    match atom {
        Atom::Expression(expression) if !expression.children().is_empty() => {
            let place = heap.code.len() as u32;
            let length = expression.children().len();
            heap.code.lengthen(length, Cell::UNIT);
            pending.extend(expression.children().iter().rev().zip((place..place + length as u32).rev()));
            Cell::expression(place | CODE, length as u32, expression.is_ground())
        }
        _ => leaf(heap, atom, slots),
    }
}

fn leaf(heap: &mut Heap, atom: &Atom, slots: &mut Slots) -> Cell {
    match atom {
        Atom::Symbol(symbol) => Cell::symbol(heap.symbols.intern_symbol(symbol)),
        Atom::Variable(variable) => slots.cell(heap, variable),
        Atom::Grounded(value) => match heap.immediate(value) {
            Some(cell) => cell,
            None => {
                heap.note_matcher(value);
                heap.code_boxes.push(value.clone());
                Cell::boxed((heap.code_boxes.len() as u32 - 1) | CODE)
            }
        },
        Atom::Expression(_) => Cell::UNIT,
    }
}

/// Makes a template: ground parts go to the code area, the rest is relative.
fn template(heap: &mut Heap, atom: &Atom, slots: &mut Slots) -> Template {
    let mut cells: Vec<Cell> = Vec::new();
    let mut pending: Vec<(&Atom, usize)> = Vec::new();
    let root = template_node(heap, atom, slots, &mut cells, &mut pending);
    while let Some((atom, place)) = pending.pop() {
        cells[place] = template_node(heap, atom, slots, &mut cells, &mut pending);
    }
    Template { cells: cells.into(), root, is_error: atom.is_error() }
}

fn template_node<'a>(
    heap: &mut Heap,
    atom: &'a Atom,
    slots: &mut Slots,
    cells: &mut Vec<Cell>,
    pending: &mut Vec<(&'a Atom, usize)>,
) -> Cell {
    match atom {
        Atom::Expression(expression) if !expression.is_ground() => {
            let place = cells.len();
            let length = expression.children().len();
            cells.resize(place + length, Cell::UNIT);
            pending.extend(expression.children().iter().rev().zip((place..place + length).rev()));
            Cell::expression(place as u32, length as u32, false)
        }
        Atom::Expression(_) => code_tree(heap, atom, slots),
        _ => leaf(heap, atom, slots),
    }
}
