//! Terms kept aside while the heap is cut back: results being collected, errors held back.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::interrupt::{PORTION, Pulse};
use crate::terms::cell::{CODE, Cell, SymbolId, View};
use crate::terms::heap::Heap;
use crate::terms::visits::Memo;

/// Terms in an area of their own, in a form that moves back by adding an offset.
///
/// Invariant P1: an address in a parcel is relative to the parcel, except that a
/// `Local` cell refers to an older heap variable, one that was there before the
/// branch began and is unbound again after it.
#[derive(Debug, Default)]
pub(crate) struct Parcel {
    cells: Vec<Cell>,
    roots: Vec<Cell>,
}

/// Parts of a term still to be copied: where they are, where they go, and how many are left.
type Pending = SmallVec<[(u32, u32, u32); 8]>;

/// Longer tuples are not looked through first.
const MOST_FLAT: u32 = 16;

/// A copy under way.
struct Copy<'a> {
    heap: &'a Heap,
    old: u32,
    /// Where variables of the heap stand in the parcel.
    fresh: FxHashMap<u32, u32>,
    /// Where slices of the heap stand in the parcel.
    places: Memo<(u32, u32), u32>,
}

impl Parcel {
    pub(crate) fn bytes(&self) -> u64 {
        (size_of::<Cell>() * (self.cells.capacity() + self.roots.capacity())) as u64
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// All cells, for the collector.
    pub(crate) fn cells(&mut self) -> impl Iterator<Item = &mut Cell> {
        self.cells.iter_mut().chain(self.roots.iter_mut())
    }

    /// Reports whether a cell of a parcel refers to the heap: an older variable, or a box.
    pub(crate) fn is_outer(cell: Cell) -> bool {
        matches!(cell.view(), View::Local(_) | View::Boxed(_))
    }

    /// Copies a term in and returns how many cells that took. Variables below `old` stay the
    /// variables they are; others become new ones.
    pub(crate) fn push(&mut self, heap: &Heap, term: Cell, old: u32) -> u64 {
        let before = self.cells.len();
        if let Some(root) = self.push_flat(heap, term) {
            self.roots.push(root);
            return (self.cells.len() - before) as u64;
        }
        let mut copy = Copy { heap, old, fresh: FxHashMap::default(), places: Memo::default() };
        let mut pending: Pending = SmallVec::new();
        let root = self.copy_node(&mut copy, term, &mut pending);
        while let Some((source, place, left)) = pending.pop() {
            if left > 1 {
                pending.push((source + 1, place + 1, left - 1));
            }
            let cell = self.copy_node(&mut copy, heap.get(source), &mut pending);
            self.cells[place as usize] = cell;
        }
        self.roots.push(root);
        (self.cells.len() - before) as u64
    }

    /// Copies a leaf, or a tuple of leaves without variables; `None` for any other term.
    fn push_flat(&mut self, heap: &Heap, term: Cell) -> Option<Cell> {
        let term = heap.deref(term);
        let View::Expression { address, length } = term.view() else {
            return (!matches!(term.view(), View::Ref(_) | View::Bindings { .. })).then_some(term);
        };
        if length == 0 || address & CODE != 0 {
            return Some(term);
        }
        let elements = heap.slice(address, length);
        let flat = length <= MOST_FLAT && elements.iter().all(|cell| cell.address().is_none());
        flat.then(|| {
            let place = self.cells.len() as u32;
            self.cells.extend_from_slice(elements);
            term.with_address(place)
        })
    }

    fn copy_node(&mut self, copy: &mut Copy<'_>, cell: Cell, pending: &mut Pending) -> Cell {
        let cell = copy.heap.deref(cell);
        match cell.view() {
            View::Ref(address) if address < copy.old => Cell::local(address),
            View::Ref(address) => {
                let cells = &mut self.cells;
                let place = *copy.fresh.entry(address).or_insert_with(|| {
                    cells.push(copy.heap.get(address));
                    cells.len() as u32 - 1
                });
                Cell::reference(place)
            }
            View::Expression { address, length } | View::Bindings { address, length }
                if length > 0 && address & CODE == 0 =>
            {
                let place = copy.places.get(&(address, length)).unwrap_or_else(|| {
                    let place = self.cells.len() as u32;
                    self.cells.resize(self.cells.len() + length as usize, Cell::UNIT);
                    pending.push((address, place, length));
                    copy.places.note((address, length), &place);
                    place
                });
                cell.with_address(place)
            }
            _ => cell,
        }
    }

    /// Adds the terms of a parcel of a machine that began as a copy of this one.
    ///
    /// Symbols below `symbols` and code below `code` are those of both. Reports whether the terms could be
    /// added: older variables are known by their address, which is the same on both sides only if `unmoved`.
    pub(crate) fn receive(
        &mut self,
        other: &Parcel,
        (from, to): (&Heap, &mut Heap),
        (symbols, code, unmoved): (usize, usize, bool),
    ) -> bool {
        if !unmoved
            && other.cells.iter().chain(&other.roots).any(|cell| matches!(cell.view(), View::Local(_)))
        {
            return false;
        }
        let offset = self.cells.len() as u32;
        self.cells.extend_from_slice(&other.cells);
        let mut translate = |cells: &mut Vec<Cell>, cell: Cell| {
            let symbol = |to: &mut Heap, id: SymbolId| match (id.0 as usize) < symbols {
                true => id,
                false => to.symbols.intern_symbol(from.symbols.symbol(id)),
            };
            match cell.view() {
                View::Symbol(id) => Cell::symbol(symbol(to, id)),
                View::Operation(id) => Cell::operation(symbol(to, id)),
                View::Variable { name, original } => Cell::variable(symbol(to, name), original),
                View::Boxed(index) => to.grounded(from.boxed(index).clone()),
                View::Expression { address, length } if address & CODE != 0 => {
                    if (address & !CODE) as usize + length as usize <= code {
                        return cell;
                    }
                    let place = cells.len() as u32;
                    cells.extend_from_slice(from.slice(address, length));
                    cell.with_address(place)
                }
                View::Expression { length: 0, .. } | View::Bindings { length: 0, .. } => cell,
                View::Expression { address, .. } | View::Bindings { address, .. } => {
                    cell.with_address(address + offset)
                }
                View::Ref(address) => Cell::reference(address + offset),
                _ => cell,
            }
        };
        // What is taken from code lies behind the parcel, and refers to nothing but code.
        let mut next = offset as usize;
        while let Some(cell) = self.cells.get(next).copied() {
            self.cells[next] = translate(&mut self.cells, cell);
            next += 1;
        }
        for root in &other.roots {
            let root = translate(&mut self.cells, *root);
            self.roots.push(root);
        }
        while let Some(cell) = self.cells.get(next).copied() {
            self.cells[next] = translate(&mut self.cells, cell);
            next += 1;
        }
        true
    }

    /// Makes a tuple of all terms in the heap, in order; `None` if that was given up (U1).
    pub(crate) fn unpack(&self, heap: &mut Heap, pulse: &mut Pulse<'_>) -> Option<Cell> {
        let offset = heap.top();
        heap.cells.reserve(self.cells.len() + self.roots.len());
        for some in self.cells.chunks(PORTION).chain(self.roots.chunks(PORTION)) {
            if !pulse.goes_on(some.len() as u32) {
                return None;
            }
            heap.cells.extend(some.iter().map(|cell| moved(*cell, offset)));
        }
        let address = offset + self.cells.len() as u32;
        let ground = heap.cells[address as usize..].iter().all(|root| root.is_ground());
        Some(Cell::expression(address, self.roots.len() as u32, ground))
    }
}

/// The cell of a parcel as it stands in the heap at `offset`.
fn moved(cell: Cell, offset: u32) -> Cell {
    match cell.view() {
        View::Local(address) => Cell::reference(address),
        View::Expression { length: 0, .. } | View::Bindings { length: 0, .. } => cell,
        _ => match cell.address() {
            Some(address) if address & CODE == 0 => cell.with_address(address + offset),
            _ => cell,
        },
    }
}
