//! The heap: terms, variables, the trail, boxed values and the code area.
//!
//! Invariant H1: a variable has a cell of its own, never an element of an
//! expression, so overlapping expressions always end at the same cell.
//! Invariant H2: a `Variable` cell is only found through a `Ref`; values that
//! travel are never `Variable` cells.

use std::sync::Arc;

use metta_atom::{Grounded, Number, StateId};
use num_traits::ToPrimitive;
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

use crate::states::States;
use crate::terms::cell::{CODE, Cell, MAX_LENGTH, SymbolId, View};
use crate::terms::matching::{Matched, Meeting};
use crate::terms::shared::Shared;
use crate::terms::symbols::SymbolTable;
use crate::terms::visits::Memo;

/// Levels and elements of a term that are copied by recursion.
const NEAR: u32 = 6;
const MOST_NEAR: u32 = 64;

/// Addresses have 31 bits; some are left for what is made between two checks.
pub(crate) const MAX_CELLS: usize = (1 << 31) - (1 << 27);

/// Terms and what is needed to undo their bindings.
#[derive(Debug)]
pub(crate) struct Heap {
    pub(crate) cells: Vec<Cell>,
    pub(crate) boxes: Vec<Grounded>,
    pub(crate) code: Shared<Cell>,
    pub(crate) code_boxes: Shared<Grounded>,
    /// Bound variables with the cell they had, oldest first.
    pub(crate) trail: Vec<(u32, Cell)>,
    /// Variables below this address outlive the newest choice point: their bindings are trailed.
    pub(crate) boundary: u32,
    pub(crate) symbols: SymbolTable,
    /// Whether some value matches in its own way; then no clause is compiled.
    pub(crate) has_matchers: bool,
    /// Cells that were taken for lists with room in front, since the last collection.
    pub(crate) copied: usize,
    /// Bytes behind the boxes, as far as they are known.
    outside: usize,
    /// Where values that match in their own way met something, in the unification under way.
    pub(crate) meetings: Vec<Meeting>,
    /// Whether a type that fits everything was made.
    pub(crate) has_fitting: bool,
    /// How many cells the ways of matching may take, and whether they took more.
    pub(crate) max_cells: usize,
    pub(crate) full: bool,
    /// The states of the world while it is being evaluated: they are equal when their contents are.
    pub(crate) states: States,
}

impl Heap {
    pub(crate) fn new() -> Self {
        Heap {
            cells: Vec::new(),
            boxes: Vec::new(),
            code: Shared::new(),
            code_boxes: Shared::new(),
            trail: Vec::new(),
            boundary: 0,
            symbols: SymbolTable::new(),
            has_matchers: false,
            copied: 0,
            outside: 0,
            meetings: Vec::new(),
            has_fitting: false,
            max_cells: MAX_CELLS,
            full: false,
            states: States::default(),
        }
    }

    /// The heap as it is when it is cut back to `top`, and the trail to `trail`.
    pub(crate) fn fork(&self, top: u32, trail: usize) -> Heap {
        let mut cells = self.cells[..top as usize].to_vec();
        for (address, old) in self.trail[trail..].iter().rev() {
            if let Some(cell) = cells.get_mut(*address as usize) {
                *cell = *old;
            }
        }
        Heap {
            cells,
            boxes: self.boxes.clone(),
            code: self.code.clone(),
            code_boxes: self.code_boxes.clone(),
            trail: self.trail[..trail].to_vec(),
            boundary: top,
            symbols: self.symbols.clone(),
            meetings: Vec::new(),
            states: self.states.clone(),
            ..*self
        }
    }

    /// Forgets all terms but the code.
    pub(crate) fn clear(&mut self) {
        self.cells.clear();
        self.boxes.clear();
        self.outside = 0;
        self.trail.clear();
        self.boundary = 0;
        self.states = States::default();
    }

    #[inline]
    pub(crate) fn top(&self) -> u32 {
        self.cells.len() as u32
    }

    #[inline]
    pub(crate) fn get(&self, address: u32) -> Cell {
        if address & CODE == 0 { self.cells[address as usize] } else { self.code[(address & !CODE) as usize] }
    }

    /// The name of an unbound variable.
    pub(crate) fn name_of_variable(&self, address: u32) -> SymbolId {
        match self.get(address).view() {
            View::Variable { name, .. } => name,
            _ => crate::terms::symbols::VARIABLE,
        }
    }

    /// The elements of a slice.
    #[inline]
    pub(crate) fn slice(&self, address: u32, length: u32) -> &[Cell] {
        if address & CODE == 0 {
            &self.cells[address as usize..][..length as usize]
        } else {
            &self.code[(address & !CODE) as usize..][..length as usize]
        }
    }

    /// The elements of an expression; `None` for any other term.
    #[inline]
    pub(crate) fn elements(&self, term: Cell) -> Option<&[Cell]> {
        let (address, length) = term.slice()?;
        Some(self.slice(address, length))
    }

    /// Element `index` of an expression, dereferenced.
    #[inline]
    pub(crate) fn element(&self, address: u32, index: u32) -> Cell {
        self.deref(self.get(address + index))
    }

    /// Follows bindings; the answer is a `Ref` only for an unbound variable.
    #[inline]
    pub(crate) fn deref(&self, mut cell: Cell) -> Cell {
        while let View::Ref(address) = cell.view() {
            let next = self.cells[address as usize];
            if matches!(next.view(), View::Variable { .. }) {
                return cell;
            }
            cell = next;
        }
        cell
    }

    /// Makes a variable.
    pub(crate) fn new_variable(&mut self, name: SymbolId, original: bool) -> Cell {
        let address = self.top();
        self.cells.push(Cell::variable(name, original));
        Cell::reference(address)
    }

    /// Binds the unbound variable at `address`.
    #[inline]
    pub(crate) fn bind(&mut self, address: u32, value: Cell) {
        let old = std::mem::replace(&mut self.cells[address as usize], value);
        if address < self.boundary {
            self.trail.push((address, old));
        }
    }

    /// Lets a bound variable refer to `value`, which equals what it refers to, if no choice point is
    /// younger than the variable.
    #[inline]
    pub(crate) fn rebind(&mut self, mut cell: Cell, value: Cell) {
        while let View::Ref(address) = cell.view() {
            let next = self.cells[address as usize];
            if address >= self.boundary && next.is_expression() {
                self.cells[address as usize] = value;
                return;
            }
            if matches!(next.view(), View::Variable { .. }) {
                return;
            }
            cell = next;
        }
    }

    /// Undoes bindings until the trail has `length` entries.
    pub(crate) fn undo(&mut self, length: usize) {
        while self.trail.len() > length {
            if let Some((address, old)) = self.trail.pop() {
                self.cells[address as usize] = old;
            }
        }
    }

    /// Runs `attempt` with every binding trailed; undoes them unless it answers true.
    ///
    /// Where values match in several ways, the first is taken: see [`Heap::ways`] for all.
    pub(crate) fn attempt(&mut self, attempt: impl FnOnce(&mut Heap) -> bool) -> bool {
        match self.ways(attempt) {
            Matched::No => false,
            Matched::Once => true,
            Matched::InWays(ways) => {
                let first = ways.slice().map(|(address, _)| self.get(address));
                first.into_iter().for_each(|way| self.take_way(way));
                true
            }
        }
    }

    /// Runs `attempt` with every binding trailed; undoes them unless it answers true.
    pub(crate) fn attempt_once(&mut self, attempt: impl FnOnce(&mut Heap) -> bool) -> bool {
        let boundary = std::mem::replace(&mut self.boundary, u32::MAX);
        let mark = self.trail.len();
        let success = attempt(self);
        self.boundary = boundary;
        if success {
            self.tidy_trail(mark);
        } else {
            self.undo(mark);
        }
        success
    }

    /// Drops trail entries from `mark` on for variables that no choice point outlives.
    pub(crate) fn tidy_trail(&mut self, mark: usize) {
        let mut kept = mark;
        for i in mark..self.trail.len() {
            if self.trail[i].0 < self.boundary {
                self.trail[kept] = self.trail[i];
                kept += 1;
            }
        }
        self.trail.truncate(kept);
    }

    /// Makes an expression of the given elements.
    pub(crate) fn expression(&mut self, elements: &[Cell]) -> Cell {
        let address = self.top();
        let ground = elements.iter().all(|cell| cell.is_ground());
        self.cells.extend_from_slice(elements);
        Cell::expression(address, elements.len() as u32, ground)
    }

    /// Makes room for an expression, filled with units.
    pub(crate) fn allocate(&mut self, length: u32) -> u32 {
        let address = self.top();
        self.cells.resize(self.cells.len() + length as usize, Cell::UNIT);
        address
    }

    /// Clears the elements of a slice from `index` on.
    pub(crate) fn clear_elements(&mut self, slice: Cell, index: u32) {
        if let Some((address, length)) = slice.slice() {
            self.cells[(address + index) as usize..(address + length) as usize].fill(Cell::UNIT);
        }
    }

    /// Gives the elements at `source` the marks that their equals at `target` have got; reports whether all
    /// could be given.
    ///
    /// So an expression that was evaluated once is not evaluated again, at any depth. What stands in the
    /// code area cannot be marked, and what is ground only as long as its variables have values cannot be
    /// noted as ground.
    pub(crate) fn keep_marks(&mut self, source: u32, target: u32, length: u32) -> bool {
        let mut all = true;
        for i in 0..length {
            let (old, new) = (self.get(source + i), self.get(target + i));
            // An element may also be a bound variable, whose value has a place of its own.
            if !old.is_expression() || old == new {
                continue;
            }
            if source & CODE == 0 && old.is_ground() == new.is_ground() {
                self.cells[(source + i) as usize] = new;
            } else {
                all = false;
            }
        }
        all
    }

    /// The elements of an expression after the first; `UNIT` for none. Cost: O(1).
    pub(crate) fn tail(&self, list: Cell) -> Cell {
        match list.slice() {
            Some((address, length)) if length > 1 => {
                let tail = Cell::expression(address + 1, length - 1, list.is_ground());
                if list.has_evaluated_elements() { tail.with_evaluated_elements() } else { tail }
            }
            _ => Cell::UNIT,
        }
    }

    /// Puts `head` in front of the expression `tail`. Amortised O(1): the copy of a
    /// tail leaves free cells in front, which later calls use.
    #[inline]
    pub(crate) fn cons(&mut self, head: Cell, tail: Cell) -> Option<Cell> {
        let (address, length) = tail.slice()?;
        let in_heap = address & CODE == 0 && address > 0 && length > 0 && (length as usize) < MAX_LENGTH;
        if in_heap && let View::Room(room) = self.cells[address as usize - 1].view() {
            if room > 1 {
                self.cells[address as usize - 2] = Cell::room(room - 1);
            }
            self.cells[address as usize - 1] = head;
            return Some(tail.extended(head, address - 1));
        }
        self.cons_copied(head, tail)
    }

    /// Puts `head` in front of a copy of the expression `tail`.
    #[inline(never)]
    fn cons_copied(&mut self, head: Cell, tail: Cell) -> Option<Cell> {
        let (address, length) = tail.slice().filter(|(_, length)| (*length as usize) < MAX_LENGTH)?;
        // Short lists get no room: most are never extended again.
        let room = if length < 4 { 0 } else { length };
        if room > 0 {
            self.allocate(room);
            let last = self.cells.len() - 1;
            self.cells[last] = Cell::room(room);
            self.copied += 2 * room as usize;
        }
        let start = self.top();
        self.cells.push(head);
        for i in 0..length {
            let cell = self.get(address + i);
            self.cells.push(cell);
        }
        Some(tail.extended(head, start))
    }

    /// The value behind a box.
    pub(crate) fn boxed(&self, index: u32) -> &Grounded {
        if index & CODE == 0 {
            &self.boxes[index as usize]
        } else {
            &self.code_boxes[(index & !CODE) as usize]
        }
    }

    /// Makes the cell of a grounded value. Values without an immediate form are boxed.
    pub(crate) fn grounded(&mut self, value: Grounded) -> Cell {
        match self.immediate(&value) {
            Some(cell) => cell,
            None => {
                self.outside += bytes_behind(&value);
                self.note_matcher(&value);
                self.boxes.push(value);
                Cell::boxed(self.boxes.len() as u32 - 1)
            }
        }
    }

    /// Notes that there is a value that matches in its own way.
    pub(crate) fn note_matcher(&mut self, value: &Grounded) {
        if let Grounded::Foreign(value) = value {
            self.has_matchers |= value.matching().is_some();
        }
    }

    /// The cell of a value that needs no box.
    pub(crate) fn immediate(&mut self, value: &Grounded) -> Option<Cell> {
        match value {
            Grounded::Bool(value) => Some(Cell::bool(*value)),
            Grounded::Number(Number::Int(value)) => Cell::int(*value),
            Grounded::Number(Number::Float(value)) => Cell::float(*value),
            Grounded::Operation(name) => Some(Cell::operation(self.symbols.intern_symbol(name))),
            Grounded::Space(id) => Some(Cell::space(id.0)),
            Grounded::State(id) => Some(Cell::state(id.0)),
            Grounded::Number(Number::Big(_))
            | Grounded::Text(_)
            | Grounded::Bindings(_)
            | Grounded::Foreign(_) => None,
        }
    }

    /// Makes the cell of a number.
    pub(crate) fn number(&mut self, value: Number) -> Cell {
        self.grounded(Grounded::Number(value))
    }

    /// Makes the cell of a string.
    pub(crate) fn text(&mut self, value: &str) -> Cell {
        self.grounded(Grounded::Text(value.into()))
    }

    /// Counts the bytes behind the boxes anew, after some boxes went.
    pub(crate) fn recount_outside(&mut self) {
        self.outside = self.boxes.iter().map(bytes_behind).sum();
    }

    /// Bytes behind the boxes: of strings and of big integers.
    pub(crate) fn outside(&self) -> usize {
        self.outside
    }

    /// The string that a cell holds, shared.
    pub(crate) fn shared_text(&self, cell: Cell) -> Option<Arc<str>> {
        match self.deref(cell).view() {
            View::Boxed(index) => match self.boxed(index) {
                Grounded::Text(text) => Some(Arc::clone(text)),
                _ => None,
            },
            _ => None,
        }
    }

    /// The number that a cell holds.
    pub(crate) fn as_number(&self, cell: Cell) -> Option<Number> {
        match cell.view() {
            View::Int(value) => Some(Number::Int(value)),
            View::Float(value) => Some(Number::Float(value)),
            View::Boxed(index) => match self.boxed(index) {
                Grounded::Number(number) => Some(number.clone()),
                _ => None,
            },
            _ => None,
        }
    }

    /// The string that a cell holds.
    pub(crate) fn as_text(&self, cell: Cell) -> Option<&str> {
        match cell.view() {
            View::Boxed(index) => match self.boxed(index) {
                Grounded::Text(text) => Some(text),
                _ => None,
            },
            _ => None,
        }
    }

    /// The integer that a cell holds, if it fits.
    pub(crate) fn as_i64(&self, cell: Cell) -> Option<i64> {
        match self.as_number(cell)? {
            Number::Int(value) => Some(value),
            Number::Big(value) => value.to_i64(),
            Number::Float(_) => None,
        }
    }

    /// Compares two leaves: numbers by value, boxes and states by content.
    #[inline(always)]
    pub(crate) fn leaves_equal(&self, a: Cell, b: Cell) -> bool {
        a == b || !(a.is_canonical() && b.is_canonical()) && self.contents_equal(a, b)
    }

    fn contents_equal(&self, a: Cell, b: Cell) -> bool {
        match (a.view(), b.view()) {
            (View::Boxed(x), View::Boxed(y)) => self.boxed(x) == self.boxed(y),
            (View::State(x), View::State(y)) => self.states.equal(StateId(x), StateId(y)),
            _ => match (self.as_number(a), self.as_number(b)) {
                (Some(x), Some(y)) => x == y,
                _ => false,
            },
        }
    }

    /// Reports whether a term is an error atom.
    #[inline]
    pub(crate) fn is_error(&self, term: Cell) -> bool {
        match term.slice() {
            Some((address, length)) if length > 0 => {
                let head = self.get(address);
                let error = crate::terms::symbols::cell(crate::terms::symbols::ERROR);
                head == error || head.is_reference() && self.deref(head) == error
            }
            _ => false,
        }
    }

    /// The head symbol of an expression.
    pub(crate) fn head_symbol(&self, term: Cell) -> Option<SymbolId> {
        match term.slice() {
            Some((address, length)) if length > 0 => match self.element(address, 0).view() {
                View::Symbol(id) => Some(id),
                _ => None,
            },
            _ => None,
        }
    }

    /// A term with bindings applied, which stays as it is when they are undone. Only parts that
    /// mention bound variables are copied; the others keep their marks.
    pub(crate) fn resolved(&mut self, term: Cell) -> Cell {
        let term = self.deref(term);
        if let Some(resolved) = self.resolved_near(term, NEAR, &mut MOST_NEAR.clone()) {
            return resolved;
        }
        let bound = self.parts_with_bound_variables(term);
        if bound.is_empty() { term } else { self.copied(term, |cell| cell, |_, part| bound.contains(&part)) }
    }

    /// Like [`Heap::resolved`] for terms of few levels and elements; `None` for others.
    fn resolved_near(&mut self, term: Cell, levels: u32, left: &mut u32) -> Option<Cell> {
        let Some((address, length)) = term.slice().filter(|_| !term.is_ground()) else { return Some(term) };
        *left = left.checked_sub(length).filter(|_| levels > 0)?;
        let mut elements: SmallVec<[Cell; 8]> = SmallVec::new();
        let mut changed = false;
        for index in 0..length {
            let written = self.get(address + index);
            let element = self.resolved_near(self.deref(written), levels - 1, left)?;
            changed |= element != written;
            elements.push(element);
        }
        Some(if changed { self.expression(&elements) } else { term })
    }

    /// The parts of a term in which a bound variable is mentioned, at any depth.
    fn parts_with_bound_variables(&self, term: Cell) -> FxHashSet<(u32, u32)> {
        /// A part under way: where it is, how much of it is left, and where that begins.
        struct Part {
            part: (u32, u32),
            next: u32,
            bound: bool,
        }
        let mut bound = FxHashSet::default();
        let mut known: FxHashMap<(u32, u32), bool> = FxHashMap::default();
        let open = |cell: Cell| match cell.view() {
            View::Expression { address, length } if !cell.is_ground() && length > 0 => {
                Some(Part { part: (address, length), next: address, bound: false })
            }
            _ => None,
        };
        let mut path: Vec<Part> = open(term).into_iter().collect();
        while let Some(top) = path.last_mut() {
            let (address, length) = top.part;
            if top.next == address + length {
                let (part, is_bound) = (top.part, top.bound);
                path.pop();
                if is_bound {
                    bound.insert(part);
                }
                known.insert(part, is_bound);
                if let Some(outer) = path.last_mut() {
                    outer.bound |= is_bound;
                }
                continue;
            }
            let written = self.get(top.next);
            top.next += 1;
            let cell = self.deref(written);
            top.bound |= cell != written;
            match cell.slice().and_then(|part| known.get(&part)) {
                Some(is_bound) => top.bound |= *is_bound,
                None => path.extend(open(cell)),
            }
        }
        bound
    }

    /// Copies a term with bindings applied and the given variables replaced by values.
    pub(crate) fn substituted(&mut self, term: Cell, substitutions: &[(Cell, Cell)]) -> Cell {
        self.rebuilt(term, |cell| {
            let found = substitutions.iter().find(|(variable, _)| *variable == cell);
            found.map_or(cell, |(_, value)| *value)
        })
    }

    /// Copies a term with bindings applied and every variable or slot in it given to `leaf`.
    /// Ground parts are shared with the original, and parts that are one part stay one.
    pub(crate) fn rebuilt(&mut self, term: Cell, leaf: impl Fn(Cell) -> Cell) -> Cell {
        let leaf = |cell: Cell| match cell.view() {
            View::Ref(_) | View::Local(_) => leaf(cell),
            _ => cell,
        };
        self.copied(term, leaf, |cell, _| !cell.is_ground())
    }

    /// Copies a term with bindings applied and every leaf given to `leaf`. Parts that `copies` denies are
    /// shared with the original.
    pub(crate) fn copied(
        &mut self,
        term: Cell,
        leaf: impl Fn(Cell) -> Cell,
        copies: impl Fn(Cell, (u32, u32)) -> bool,
    ) -> Cell {
        /// A part under way: what it is of, how much of it is left, and where its copy goes.
        struct Part {
            part: (u32, u32),
            next: u32,
            place: u32,
            ground: bool,
        }
        let mut path: Vec<Part> = Vec::new();
        let mut built: Memo<(u32, u32), Cell> = Memo::default();
        let open = |heap: &mut Heap, cell: Cell| {
            let cell = heap.deref(cell);
            match cell.slice().filter(|(_, length)| *length > 0) {
                None => Ok(leaf(cell)),
                Some(part) if !copies(cell, part) => Ok(cell),
                Some(part) => {
                    let place = heap.allocate(part.1);
                    Err(Part { part, next: 0, place, ground: true })
                }
            }
        };
        let mut next = term;
        loop {
            let known = self.deref(next).slice().and_then(|part| built.get(&part));
            let mut done = match known.map_or_else(|| open(self, next), Ok) {
                Ok(cell) => Some(cell),
                Err(part) => {
                    path.push(part);
                    None
                }
            };
            loop {
                let Some(top) = path.last_mut() else { return done.unwrap_or(term) };
                if let Some(cell) = done.take() {
                    self.cells[(top.place + top.next) as usize] = cell;
                    top.ground &= cell.is_ground();
                    top.next += 1;
                }
                let (address, length) = top.part;
                if top.next < length {
                    next = self.get(address + top.next);
                    break;
                }
                let copy = Cell::expression(top.place, length, top.ground);
                built.note((address, length), &copy);
                path.pop();
                done = Some(copy);
            }
        }
    }

    /// Bytes held, storage for growth included.
    pub(crate) fn bytes(&self) -> u64 {
        let cells = size_of::<Cell>() * (self.cells.capacity() + self.code.capacity());
        let trail = size_of::<(u32, Cell)>() * self.trail.capacity();
        let boxes = size_of::<Grounded>() * (self.boxes.capacity() + self.code_boxes.capacity());
        (cells + trail + boxes + self.outside) as u64
    }
}

/// Bytes of a value beyond its own size.
fn bytes_behind(value: &Grounded) -> usize {
    match value {
        Grounded::Text(text) => text.len(),
        Grounded::Number(Number::Big(number)) => number.bits() as usize / 8,
        Grounded::Bool(_)
        | Grounded::Number(_)
        | Grounded::Operation(_)
        | Grounded::Space(_)
        | Grounded::State(_)
        | Grounded::Bindings(_)
        | Grounded::Foreign(_) => 0,
    }
}
