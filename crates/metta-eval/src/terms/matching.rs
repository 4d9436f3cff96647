//! Values of the host that match in their own way (semantics 6).
//!
//! Unification notes where such a value meets anything but a variable, and goes on. When all
//! the rest fits, the values are asked in the order of these meetings.

use metta_atom::{Atom, BindingSet, Foreign, Grounded, Variable};
use rustc_hash::FxHashMap;

use crate::terms::cell::{Cell, View};
use crate::terms::convert::VariableNames;
use crate::terms::heap::{Heap, MAX_CELLS};

/// A value that matches in its own way, and what it met.
pub(crate) type Meeting = (Cell, Cell);

/// How many ways one match may have: more would take all memory, or all time.
const MAX_WAYS: usize = 1 << 20;

/// How two terms matched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Matched {
    No,
    /// In one way, whose bindings are made.
    Once,
    /// In several ways: an expression of binding sets, none of which is made.
    InWays(Cell),
}

/// One way to match, as far as it is known.
#[derive(Default)]
struct Way {
    /// Variables and values in turn.
    bindings: Vec<Cell>,
    /// What is left to ask, the next one last.
    open: Vec<Meeting>,
}

impl Heap {
    /// Runs `attempt` like [`Heap::attempt`], and tells every way in which it succeeds.
    pub(crate) fn ways(&mut self, attempt: impl FnOnce(&mut Heap) -> bool) -> Matched {
        let mut matched = Matched::Once;
        let success = self.attempt_once(|heap| {
            let success = attempt(heap);
            if success && !heap.meetings.is_empty() {
                matched = heap.ask_all();
            }
            success && matched != Matched::No
        });
        self.meetings.clear();
        if success { matched } else { Matched::No }
    }

    /// Makes the bindings of one of several ways.
    pub(crate) fn take_way(&mut self, way: Cell) {
        let View::Bindings { address, length } = way.view() else { return };
        let bindings = self.slice(address, length).to_vec();
        self.attempt_once(|heap| heap.bind_all(&bindings));
        // What met here was asked when the way was found.
        self.meetings.clear();
    }

    /// The value behind a cell, if it matches in its own way.
    pub(crate) fn matcher(&self, cell: Cell) -> Option<&std::sync::Arc<dyn Foreign>> {
        match cell.view() {
            View::Boxed(index) => match self.boxed(index) {
                Grounded::Foreign(value) if value.matching().is_some() => Some(value),
                _ => None,
            },
            _ => None,
        }
    }

    /// Notes a meeting of a value that matches in its own way; `false` when neither does.
    pub(crate) fn meet(&mut self, a: Cell, b: Cell) -> bool {
        if self.matcher(a).is_some() {
            self.meetings.push((a, b));
        } else if self.matcher(b).is_some() {
            self.meetings.push((b, a));
        } else {
            return false;
        }
        true
    }

    /// Finds every way in which all meetings succeed, depth first.
    fn ask_all(&mut self) -> Matched {
        let mut found: Vec<Vec<Cell>> = Vec::new();
        let mut pending = vec![Way { bindings: Vec::new(), open: self.open_meetings() }];
        let mut held_cells = 0;
        while let Some(mut way) = pending.pop() {
            if self.is_full(held_cells, found.len()) {
                break;
            }
            let mark = self.trail.len();
            self.bind_all(&way.bindings);
            self.meetings.clear();
            // The only way that is left: its bindings hold for whatever comes of it.
            let is_only = pending.is_empty() && found.is_empty();
            match way.open.pop() {
                None if is_only => return Matched::Once,
                None => {
                    held_cells += way.bindings.len();
                    found.push(way.bindings);
                }
                Some((value, other)) => {
                    if is_only {
                        way.bindings.clear();
                    }
                    let children = self.ask(value, other, way);
                    pending.extend(children.into_iter().rev());
                }
            }
            if !is_only {
                self.undo(mark);
            }
        }
        match &found[..] {
            [] => Matched::No,
            [bindings] => {
                self.bind_all(bindings);
                Matched::Once
            }
            _ => {
                let sets: Vec<Cell> = found.iter().map(|bindings| self.binding_set(bindings)).collect();
                Matched::InWays(self.expression(&sets))
            }
        }
    }

    /// Continues a way, whose bindings are made, with each answer of a value.
    fn ask(&mut self, value: Cell, other: Cell, way: Way) -> Vec<Way> {
        let Some(matcher) = self.matcher(value).cloned() else { return Vec::new() };
        let mut names = VariableNames::default();
        let other = self.export(other, &mut names);
        let answers = matcher.matching().map(|matching| matching.ways(&other)).unwrap_or_default();
        let mut children = Vec::with_capacity(answers.len());
        for answer in answers {
            let bindings = self.import_bindings(&answer, &mut names.cells());
            let mark = self.trail.len();
            let consistent = self.bind_all(&bindings);
            self.undo(mark);
            let met = self.open_meetings();
            if consistent {
                let all_bindings = [&way.bindings[..], &bindings].concat();
                children.push(Way { bindings: all_bindings, open: [&way.open[..], &met].concat() });
            }
        }
        children
    }

    /// Takes what was noted, the first last.
    fn open_meetings(&mut self) -> Vec<Meeting> {
        let mut open = std::mem::take(&mut self.meetings);
        open.reverse();
        open
    }

    /// Copies a binding set into the heap, as variables and values in turn.
    pub(crate) fn import_bindings(
        &mut self,
        set: &BindingSet,
        variables: &mut FxHashMap<Variable, Cell>,
    ) -> Vec<Cell> {
        let mut bindings = Vec::with_capacity(2 * set.0.len());
        for (variable, value) in &set.0 {
            for atom in [&Atom::Variable(variable.clone()), value] {
                let cell = self.import(atom, variables, false);
                bindings.push(cell);
            }
        }
        bindings
    }

    /// Makes a binding set of variables and values in turn.
    pub(crate) fn binding_set(&mut self, bindings: &[Cell]) -> Cell {
        let address = self.top();
        self.cells.extend_from_slice(bindings);
        Cell::bindings(address, bindings.len() as u32)
    }

    fn bind_all(&mut self, bindings: &[Cell]) -> bool {
        bindings.chunks_exact(2).all(|pair| self.unify(pair[0], pair[1]))
    }

    /// Sets how much memory the ways of matching may take.
    pub(crate) fn limit_ways(&mut self, limit_bytes: Option<u64>) {
        let limit_cells = limit_bytes.map_or(u64::MAX, |limit| limit / size_of::<Cell>() as u64);
        self.max_cells = usize::try_from(limit_cells).unwrap_or(usize::MAX).min(MAX_CELLS);
        self.full = false;
    }

    /// Reports whether the ways take more cells than there may be; the machine then ends the evaluation.
    fn is_full(&mut self, held_cells: usize, ways: usize) -> bool {
        let cells = self.cells.len() + self.boxes.len() + held_cells;
        self.full |= cells > self.max_cells || ways > MAX_WAYS;
        self.full
    }
}
