//! Terms to and from atoms and space bytes.

use metta_atom::{Atom, BindingSet, Grounded, Number, SpaceId, StateId, Symbol, Variable};
use metta_space::Snapshot;
use metta_space::bytes::{Item, Reader, Writer};
use rustc_hash::FxHashMap;

use crate::interrupt::{Interrupt, PORTION, Pulse};
use crate::terms::cell::{Cell, View};
use crate::terms::collect::Marks;
use crate::terms::heap::Heap;
use crate::terms::visits::Memo;

/// Names for the variables of exported terms.
///
/// A variable of the evaluated top-level atom keeps its name. Any other gets a
/// number by first occurrence, so that printed results do not depend on where in
/// the heap a run happened to put it.
#[derive(Clone, Debug, Default)]
pub(crate) struct VariableNames {
    next: u64,
    names: FxHashMap<u32, Variable>,
    /// Elements of the tuples made by exports, those of shared parts counted once.
    pub(crate) made: u64,
}

impl VariableNames {
    /// How many variables have got names.
    pub(crate) fn given(&self) -> u64 {
        self.next
    }

    /// Counts names that another machine gave.
    pub(crate) fn count_given(&mut self, names: u64, made: u64) {
        self.next += names;
        self.made += made;
    }

    /// Forgets which variables have names, because addresses change their meaning; numbers go on.
    pub(crate) fn forget(&mut self) {
        self.names.clear();
    }

    /// Follows a collection: variables that live on keep their names.
    pub(crate) fn forward(&mut self, marks: &Marks<'_>) {
        let old = std::mem::take(&mut self.names).into_iter();
        self.names = old
            .filter(|(address, _)| marks.is_live(*address))
            .map(|(address, variable)| (marks.forward(address), variable))
            .collect();
    }

    /// The variables that have names, to be found by them.
    pub(crate) fn cells(&self) -> FxHashMap<Variable, Cell> {
        self.names.iter().map(|(address, name)| (name.clone(), Cell::reference(*address))).collect()
    }

    /// Those of these variables that have names, to be found by them.
    pub(crate) fn cells_among(&self, variables: &[Cell]) -> FxHashMap<Variable, Cell> {
        let named = variables.iter().filter_map(|cell| match cell.view() {
            View::Ref(address) => Some((self.names.get(&address)?.clone(), *cell)),
            _ => None,
        });
        named.collect()
    }

    fn name(&mut self, heap: &Heap, address: u32) -> Variable {
        if let Some(variable) = self.names.get(&address) {
            return variable.clone();
        }
        let variable = match heap.get(address).view() {
            View::Variable { name, original: true } => Variable::new(heap.symbols.symbol(name).clone()),
            View::Variable { name, original: false } => {
                self.next += 1;
                Variable::renamed(heap.symbols.symbol(name).clone(), self.next)
            }
            _ => Variable::new("_"),
        };
        self.names.insert(address, variable.clone());
        variable
    }
}

/// Bytes of a pattern after which its parts are left open: what is found is unified with the term anyway.
const MOST_PATTERN: usize = 1 << 14;
/// In a list of variables one that stands for a part that was left open.
const OPEN_PART: u32 = u32::MAX;

/// What a term is written for.
#[derive(Clone, Copy)]
enum Aim {
    /// To be stored or found as it is.
    Whole { limit_bytes: u64 },
    /// To look for what unifies with it.
    Pattern,
}

impl Aim {
    fn is_reached(self, out: &Writer) -> bool {
        match self {
            Aim::Whole { limit_bytes } => out.bytes().len() as u64 > limit_bytes,
            Aim::Pattern => out.bytes().len() >= MOST_PATTERN,
        }
    }
}

/// Writes a variable in the place of a part.
fn leave_open(out: &mut Writer, variables: &mut Vec<u32>) {
    variables.push(OPEN_PART);
    out.new_var();
}

/// A place in the heap to be filled with the following elements of a tuple.
struct Open {
    /// Where the next element goes.
    next: u32,
    left: u32,
    /// Where the cell of the expression itself stands, unless it is the root.
    owner: Option<u32>,
    /// How many variables had been met when it was opened.
    variables: usize,
}

impl Heap {
    /// Copies an atom into the heap. Variables that are the same stay the same through `variables`.
    pub(crate) fn import(
        &mut self,
        atom: &Atom,
        variables: &mut FxHashMap<Variable, Cell>,
        original: bool,
    ) -> Cell {
        // Variables first: they must not lie between the elements of a tuple (H1).
        self.import_variables(atom, variables, original);
        let root = self.import_node(atom, variables);
        let mut pending: Vec<(&Atom, u32)> = Vec::new();
        if let (Some(children), Some((address, _))) = (atom.children(), root.slice()) {
            pending.extend(children.iter().zip(address..));
        }
        let mut known: Memo<usize, Cell> = Memo::default();
        while let Some((atom, place)) = pending.pop() {
            let part = match atom {
                Atom::Expression(expression) => Some(expression.address()),
                _ => None,
            };
            if let Some(cell) = part.and_then(|part| known.get(&part)) {
                self.cells[place as usize] = cell;
                continue;
            }
            let cell = self.import_node(atom, variables);
            self.cells[place as usize] = cell;
            if let (Some(children), Some((address, _))) = (atom.children(), cell.slice()) {
                pending.extend(children.iter().zip(address..));
            }
            if let Some(part) = part {
                known.note(part, &cell);
            }
        }
        root
    }

    fn import_variables(&mut self, atom: &Atom, variables: &mut FxHashMap<Variable, Cell>, original: bool) {
        let mut pending = vec![atom];
        let mut known: Memo<usize, ()> = Memo::default();
        while let Some(atom) = pending.pop() {
            match atom {
                Atom::Variable(variable) if !variables.contains_key(variable) => {
                    let name = self.symbols.intern_symbol(variable.name());
                    let cell = self.new_variable(name, original && variable.number() == 0);
                    variables.insert(variable.clone(), cell);
                }
                Atom::Expression(expression)
                    if !expression.is_ground() && known.get(&expression.address()).is_none() =>
                {
                    known.note(expression.address(), &());
                    pending.extend(expression.children().iter().rev());
                }
                _ => {}
            }
        }
    }

    /// The cell of one atom; the elements of an expression are left to be filled in.
    fn import_node(&mut self, atom: &Atom, variables: &FxHashMap<Variable, Cell>) -> Cell {
        match atom {
            Atom::Symbol(symbol) => Cell::symbol(self.symbols.intern_symbol(symbol)),
            Atom::Variable(variable) => variables.get(variable).copied().unwrap_or(Cell::UNIT),
            Atom::Grounded(value) => self.grounded(value.clone()),
            Atom::Expression(expression) if expression.children().is_empty() => Cell::UNIT,
            Atom::Expression(expression) => {
                let length = expression.children().len() as u32;
                Cell::expression(self.allocate(length), length, expression.is_ground())
            }
        }
    }

    /// Copies an atom that stands alone into the heap.
    pub(crate) fn import_alone(&mut self, atom: &Atom) -> Cell {
        self.import(atom, &mut FxHashMap::default(), false)
    }

    /// Makes the atom of a term, with bindings applied. What is one part of the term is one part of
    /// the atom.
    pub(crate) fn export(&self, term: Cell, names: &mut VariableNames) -> Atom {
        self.export_while(term, names, &mut Pulse::new(&Interrupt::NEVER))
    }

    /// The same for as long as it is wanted. If it is given up the atom means nothing.
    pub(crate) fn export_while(&self, term: Cell, names: &mut VariableNames, pulse: &mut Pulse<'_>) -> Atom {
        enum Visit {
            Enter(Cell),
            Tuple { start: usize, part: (u32, u32) },
            Bindings(usize),
        }
        let mut pending = vec![Visit::Enter(term)];
        let mut done: Vec<Atom> = Vec::new();
        let mut known: Memo<(u32, u32), Atom> = Memo::default();
        while let Some(visit) = pending.pop() {
            if !pulse.goes_on(1) {
                return Atom::unit();
            }
            match visit {
                Visit::Enter(cell) => {
                    let cell = self.deref(cell);
                    match cell.view() {
                        View::Expression { address, length } => {
                            if let Some(atom) = known.get(&(address, length)) {
                                done.push(atom);
                                continue;
                            }
                            pending.push(Visit::Tuple { start: done.len(), part: (address, length) });
                            for some in self.slice(address, length).rchunks(PORTION) {
                                if !pulse.goes_on(some.len() as u32) {
                                    return Atom::unit();
                                }
                                pending.extend(some.iter().rev().map(|cell| Visit::Enter(*cell)));
                            }
                        }
                        View::Bindings { address, length } => {
                            pending.push(Visit::Bindings(done.len()));
                            pending.extend(
                                self.slice(address, length).iter().rev().map(|cell| Visit::Enter(*cell)),
                            );
                        }
                        View::Ref(address) => done.push(Atom::Variable(names.name(self, address))),
                        _ => done.push(self.export_leaf(cell)),
                    }
                }
                Visit::Tuple { start, part } => {
                    names.made += (done.len() - start) as u64 + 1;
                    let atom = Atom::expression(done.split_off(start));
                    known.note(part, &atom);
                    done.push(atom);
                }
                Visit::Bindings(start) => {
                    let set = pairs(done.split_off(start));
                    done.push(Atom::Grounded(Grounded::Bindings(set.into())));
                }
            }
        }
        done.pop().unwrap_or_else(Atom::unit)
    }

    fn export_leaf(&self, cell: Cell) -> Atom {
        match cell.view() {
            View::Symbol(id) => Atom::Symbol(self.symbols.symbol(id).clone()),
            View::Int(value) => Atom::integer(value),
            View::Float(value) => Atom::float(value),
            View::Boxed(index) => Atom::Grounded(self.boxed(index).clone()),
            View::Operation(id) => Atom::Grounded(Grounded::Operation(self.symbols.symbol(id).clone())),
            View::Space(id) => Atom::space(SpaceId(id)),
            View::State(id) => Atom::state(StateId(id)),
            View::Bool(value) => Atom::bool(value),
            View::Ref(_)
            | View::Variable { .. }
            | View::Expression { .. }
            | View::Bindings { .. }
            | View::Local(_)
            | View::Room(_) => Atom::unit(),
        }
    }

    /// Makes the term of an atom stored in a space; its variables are new ones.
    pub(crate) fn decode(&mut self, bytes: &[u8], names: &[Variable], space: &Snapshot) -> Cell {
        let mut variables: Vec<Cell> = Vec::with_capacity(names.len());
        for name in names {
            let name = self.symbols.intern_symbol(name.name());
            variables.push(self.new_variable(name, false));
        }
        let mut met = 0;
        let mut introduced = 0;
        let mut open: Vec<Open> = Vec::new();
        let mut root = Cell::UNIT;
        for item in Reader::new(bytes) {
            let cell = match item {
                Item::Arity(length) => {
                    let length = length as u32;
                    if length == 0 {
                        Cell::UNIT
                    } else {
                        Cell::expression(self.allocate(length), length, false)
                    }
                }
                Item::NewVar => {
                    introduced += 1;
                    met += 1;
                    self.stored_variable(&mut variables, introduced - 1)
                }
                Item::VarRef(index) => {
                    met += 1;
                    self.stored_variable(&mut variables, index)
                }
                leaf => self.decode_leaf(leaf, space),
            };
            let owner = open.last().map(|open| open.next);
            match open.last_mut() {
                Some(parent) => {
                    self.cells[parent.next as usize] = cell;
                    parent.next += 1;
                    parent.left -= 1;
                }
                None => root = cell,
            }
            if let Some((address, length)) = cell.slice().filter(|(_, length)| *length > 0) {
                open.push(Open { next: address, left: length, owner, variables: met });
            }
            while let Some(full) = open.pop_if(|open| open.left == 0) {
                if full.variables == met {
                    match full.owner {
                        Some(place) => self.cells[place as usize] = self.cells[place as usize].grounded(),
                        None => root = root.grounded(),
                    }
                }
            }
        }
        root
    }

    fn stored_variable(&mut self, variables: &mut Vec<Cell>, index: usize) -> Cell {
        while variables.len() <= index {
            let name = self.symbols.intern("_");
            let cell = self.new_variable(name, false);
            variables.push(cell);
        }
        variables[index]
    }

    fn decode_leaf(&mut self, item: Item<'_>, space: &Snapshot) -> Cell {
        match item {
            Item::Symbol(name) => Cell::symbol(self.symbols.intern(name)),
            Item::Operation(name) => Cell::operation(self.symbols.intern(name)),
            Item::Int(value) => self.number(Number::Int(value)),
            Item::Big(value) => self.number(Number::from_big(value)),
            Item::Float(value) => self.number(Number::Float(value)),
            Item::Text(text) => self.text(text),
            Item::Bool(value) => Cell::bool(value),
            Item::Space(id) => Cell::space(id.0),
            Item::State(id) => Cell::state(id.0),
            Item::Handle(id) => match space.handle(id) {
                Some(value) => self.grounded(value.clone()),
                None => Cell::UNIT,
            },
            Item::Arity(_) | Item::NewVar | Item::VarRef(_) => Cell::UNIT,
        }
    }

    /// Writes a term as space bytes and lists its variables in order of introduction; `None` for one
    /// that takes more than `limit_bytes`.
    ///
    /// `handle` gives the number of a value that has no bytes of its own; without one it is
    /// written as a variable, in a pattern that any value fits.
    pub(crate) fn encode(
        &self,
        term: Cell,
        limit_bytes: u64,
        out: &mut Writer,
        handle: &mut dyn FnMut(&Grounded) -> Option<u64>,
    ) -> Option<Vec<u32>> {
        self.encode_as(Aim::Whole { limit_bytes }, term, out, handle)
    }

    /// Writes a term as the bytes of a pattern that everything fits which the term unifies with. Of a long
    /// term the parts that come late are left open, and so are states, which match by their content.
    pub(crate) fn encode_pattern(
        &self,
        term: Cell,
        out: &mut Writer,
        handle: &mut dyn FnMut(&Grounded) -> Option<u64>,
    ) {
        self.encode_as(Aim::Pattern, term, out, handle);
    }

    fn encode_as(
        &self,
        aim: Aim,
        term: Cell,
        out: &mut Writer,
        handle: &mut dyn FnMut(&Grounded) -> Option<u64>,
    ) -> Option<Vec<u32>> {
        let mut variables: Vec<u32> = Vec::new();
        // Runs of elements still to be written, innermost last.
        let mut pending: Vec<(u32, u32)> = Vec::new();
        let mut next = Some(term);
        loop {
            let cell = match next.take() {
                Some(cell) => cell,
                None => match pending.last_mut() {
                    None => return Some(variables),
                    Some((_, 0)) => {
                        pending.pop();
                        continue;
                    }
                    Some((address, left)) => {
                        let cell = self.get(*address);
                        *address += 1;
                        *left -= 1;
                        cell
                    }
                },
            };
            let cell = self.deref(cell);
            match cell.view() {
                View::Expression { length, .. } if length > 0 && aim.is_reached(out) => match aim {
                    Aim::Whole { .. } => return None,
                    Aim::Pattern => leave_open(out, &mut variables),
                },
                View::State(_) if matches!(aim, Aim::Pattern) => leave_open(out, &mut variables),
                View::Expression { address, length } => {
                    out.arity(length as usize);
                    pending.push((address, length));
                }
                View::Ref(address) => match variables.iter().position(|known| *known == address) {
                    Some(index) => out.var_ref(index),
                    None => {
                        variables.push(address);
                        out.new_var();
                    }
                },
                _ => self.encode_leaf(cell, out, handle),
            }
        }
    }

    fn encode_leaf(&self, cell: Cell, out: &mut Writer, handle: &mut dyn FnMut(&Grounded) -> Option<u64>) {
        let mut write = |value: &Grounded, out: &mut Writer| match handle(value) {
            Some(number) => out.handle(number),
            None => out.new_var(),
        };
        match cell.view() {
            View::Symbol(id) => out.symbol(self.symbols.name(id)),
            View::Operation(id) => out.operation(self.symbols.name(id)),
            View::Int(value) => out.int(value),
            View::Float(value) => out.float(value),
            View::Bool(value) => out.bool(value),
            View::Space(id) => out.space(SpaceId(id)),
            View::State(id) => out.state(StateId(id)),
            View::Boxed(index) => match self.boxed(index) {
                Grounded::Number(number) => out.number(number),
                Grounded::Text(text) => out.text(text),
                value => write(value, out),
            },
            View::Bindings { .. } => {
                let atom = self.export(cell, &mut VariableNames::default());
                if let Atom::Grounded(value) = &atom {
                    write(value, out);
                }
            }
            View::Ref(_)
            | View::Variable { .. }
            | View::Expression { .. }
            | View::Local(_)
            | View::Room(_) => {}
        }
    }

    /// The names under which the variables at these addresses are stored.
    pub(crate) fn stored_names(&self, addresses: &[u32], names: &mut VariableNames) -> Vec<Variable> {
        addresses.iter().map(|address| names.name(self, *address)).collect()
    }

    /// The text of a symbol.
    pub(crate) fn symbol_of(&self, cell: Cell) -> Option<&Symbol> {
        match cell.view() {
            View::Symbol(id) => Some(self.symbols.symbol(id)),
            _ => None,
        }
    }
}

/// Variables and values in turn become a binding set.
fn pairs(flat: Vec<Atom>) -> BindingSet {
    let mut set = BindingSet::default();
    let mut flat = flat.into_iter();
    while let (Some(variable), Some(value)) = (flat.next(), flat.next()) {
        if let Atom::Variable(variable) = variable {
            set.0.push((variable, value));
        }
    }
    set
}
