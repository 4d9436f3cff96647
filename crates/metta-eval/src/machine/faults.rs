//! Which rule an error came from.
//!
//! The machine knows whose body it evaluates: a reduction sets `rule`, frames and choice
//! points keep it. When an error comes into being the rule is noted under a fingerprint of
//! the error, and asked for by that fingerprint should the error become a result. On the
//! way the term may have been copied, moved or bound further, so its address says nothing.
//!
//! Invariant M3: `rule` belongs to the body that the task is a part of. Leaving a frame and
//! going back to a choice point restore it, so it never names a callee that has returned.
//! What is noted is bounded, in entries and in the work for each.

use std::hash::{Hash, Hasher};

use metta_atom::{Atom, Grounded, Number, SpaceId};
use metta_space::{Key, Relation};
use rustc_hash::{FxHashMap, FxHasher};

use crate::machine::Machine;
use crate::terms::cell::{Cell, View};
use crate::terms::heap::Heap;

/// A rule of a space.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rule {
    /// `(= left right)` as it is stored.
    pub atom: Atom,
    /// The space that it was found in.
    pub space: SpaceId,
}

/// Where a result that is an `Error` came from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// The position of the error among the results, from 0.
    pub result: usize,
    /// The rule whose body was being evaluated when the error came into being; `None` for the
    /// expression itself. Rules of the standard library do not count: their caller is meant.
    pub rule: Option<Rule>,
    /// The declared types of the head of the expression at fault.
    pub signature: Vec<Atom>,
}

/// The number of a rule in its program; [`NO_RULE`] outside of all rules.
pub(crate) type RuleId = u32;

/// No rule of the program: the expression after `!`, or a rule of the library.
pub(crate) const NO_RULE: RuleId = 0;

/// Entries of one generation.
const MOST_NOTES: usize = 512;
/// Cells of an error that its fingerprint looks at.
const MOST_CELLS: usize = 64;

/// The rules of recent errors, by fingerprint: those of two generations, the younger first.
#[derive(Clone, Debug, Default)]
pub(super) struct Origins {
    /// How often one was noted.
    pub(super) noted: u64,
    recent: FxHashMap<u64, RuleId>,
    earlier: FxHashMap<u64, RuleId>,
}

impl Origins {
    pub(super) fn clear(&mut self) {
        self.recent.clear();
        self.earlier.clear();
    }

    fn note(&mut self, fingerprint: u64, rule: RuleId) {
        self.noted += 1;
        if self.recent.len() >= MOST_NOTES {
            self.earlier = std::mem::take(&mut self.recent);
        }
        self.recent.insert(fingerprint, rule);
    }

    fn find(&self, fingerprint: u64) -> Option<RuleId> {
        self.recent.get(&fingerprint).or_else(|| self.earlier.get(&fingerprint)).copied()
    }
}

impl Machine {
    /// Returns where the errors among the results came from, one for each in order.
    pub fn take_faults(&mut self) -> Vec<Fault> {
        std::mem::take(&mut self.faults)
    }

    /// Returns the rule whose body is being evaluated; `None` outside of all rules.
    pub fn rule(&self) -> Option<Rule> {
        self.program.rule(self.rule)
    }

    /// Notes that the current rule made `error`.
    #[cold]
    pub(crate) fn blame(&mut self, error: Cell) {
        self.answers.note_effect();
        for fingerprint in fingerprints(&self.heap, error) {
            self.origins.note(fingerprint, self.rule);
        }
    }

    /// Notes that an error came up in the current rule, unless it is known where it was made.
    #[cold]
    pub(super) fn blame_unless_known(&mut self, error: Cell) {
        self.answers.note_effect();
        let [exact, shape] = fingerprints(&self.heap, error);
        if self.origins.find(exact).is_none() {
            self.origins.note(exact, self.rule);
            self.origins.note(shape, self.rule);
        }
    }

    /// Notes the rule of an error that becomes the next result.
    #[cold]
    pub(super) fn note_fault(&mut self, error: Cell) {
        let found = fingerprints(&self.heap, error).into_iter().find_map(|print| self.origins.find(print));
        let rule = found.and_then(|id| self.program.rule(id));
        let signature = self.signature(error);
        self.faults.push(Fault { result: self.n_results as usize, rule, signature });
    }

    /// The declared types of the head of the expression in an error.
    fn signature(&self, error: Cell) -> Vec<Atom> {
        let Some((address, 2..)) = error.slice() else { return Vec::new() };
        let call = self.heap.element(address, 1);
        let head = match call.slice() {
            Some((address, length)) if length > 0 => self.heap.element(address, 0),
            _ => call,
        };
        match head.view() {
            View::Operation(id) => self.library.types(self.heap.symbols.name(id)),
            View::Symbol(id) => {
                let key = Key::Symbol(self.heap.symbols.name(id));
                let imports = self.world.imports(self.context).map(|(_, space)| space);
                let library = self.world.library(self.context).into_iter();
                let spaces = library.chain(imports).chain(self.world.space(self.context));
                let lists = spaces.filter_map(|space| space.declarations(Relation::HasType, key));
                lists
                    .flat_map(|list| list.iter().map(|known| known.right.clone()).collect::<Vec<_>>())
                    .collect()
            }
            _ => Vec::new(),
        }
    }
}

/// Two fingerprints of an error: of its leading cells, and of its shape alone, for an error
/// whose variables were bound after it was made.
fn fingerprints(heap: &Heap, error: Cell) -> [u64; 2] {
    let mut exact = FxHasher::default();
    let mut shape = FxHasher::default();
    let mut pending = vec![error];
    for _ in 0..MOST_CELLS {
        let Some(cell) = pending.pop() else { break };
        let cell = heap.deref(cell);
        hash_cell(heap, cell, &mut exact);
        if let View::Expression { address, length } = cell.view() {
            pending.extend(heap.slice(address, length).iter().take(MOST_CELLS).rev());
        }
    }
    for part in heap.elements(error).unwrap_or(&[]).iter().take(3) {
        let part = heap.deref(*part);
        part.slice().map_or(0, |(_, length)| length).hash(&mut shape);
        if let Some(symbol) = heap.head_symbol(part) {
            symbol.0.hash(&mut shape);
        }
    }
    // The two never meet: one bit tells them apart.
    [exact.finish() | 1, shape.finish() & !1]
}

fn hash_cell(heap: &Heap, cell: Cell, hasher: &mut FxHasher) {
    const LEADING_BYTES: usize = 64;
    match cell.view() {
        View::Ref(_) | View::Variable { .. } | View::Bindings { .. } => 0u8.hash(hasher),
        View::Expression { length, .. } => length.hash(hasher),
        View::Boxed(index) => match heap.boxed(index) {
            Grounded::Text(text) => {
                (text.len(), &text.as_bytes()[..text.len().min(LEADING_BYTES)]).hash(hasher);
            }
            Grounded::Number(Number::Big(number)) => number.bits().hash(hasher),
            _ => 1u8.hash(hasher),
        },
        _ => cell.hash(hasher),
    }
}
