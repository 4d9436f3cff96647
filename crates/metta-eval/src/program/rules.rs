//! The rules for one head, as a list that grows at its end.

use std::sync::Arc;

use rpds::VectorSync;

use crate::program::clause::Clause;
use crate::terms::cell::View;
use crate::terms::heap::Heap;

/// Rules, in the order in which their alternatives come. Cloning is O(1), and a clone never changes.
///
/// Invariant R1: of lists with the same number one begins with all of the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    clauses: VectorSync<Arc<Clause>>,
    number: u64,
    arities: Arities,
}

/// For which numbers of arguments there are rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Arities {
    /// Bit n is for n arguments, the highest for more.
    few: u64,
    /// How many rules are for more arguments.
    many: u32,
    /// Whether there are rules for any call.
    any: bool,
    /// Whether there are rules for what is no call of a symbol.
    others: bool,
}

const MOST: u32 = u64::BITS - 1;

impl Rules {
    /// Makes a list with a number of its own.
    pub(crate) fn new(heap: &Heap, number: u64, clauses: Vec<Arc<Clause>>) -> Rules {
        let mut rules = Rules { clauses: VectorSync::new_sync(), number, arities: Arities::default() };
        for clause in clauses {
            rules.push(heap, clause);
        }
        rules
    }

    pub(crate) fn push(&mut self, heap: &Heap, clause: Arc<Clause>) {
        self.arities.note(heap, &clause);
        self.clauses.push_back_mut(clause);
    }

    pub(crate) fn len(&self) -> usize {
        self.clauses.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.clauses.is_empty()
    }

    /// The rule at a place. Cost: O(log n).
    pub(crate) fn get(&self, index: usize) -> Option<&Arc<Clause>> {
        self.clauses.get(index)
    }

    /// The rules from a place on.
    pub(crate) fn from(&self, index: usize) -> impl Iterator<Item = &Arc<Clause>> {
        (index..self.len()).filter_map(|index| self.get(index))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Clause>> {
        self.clauses.iter()
    }

    /// Reports whether the list begins with all of `older`, which the same program made.
    pub(crate) fn extends(&self, older: &Rules) -> bool {
        // R1
        self.number == older.number && self.len() >= older.len()
    }

    pub(crate) fn arities(&self) -> Arities {
        self.arities
    }
}

impl Arities {
    /// Reports whether there are rules for calls with so many arguments.
    pub(crate) fn include(self, arity: u32) -> bool {
        self.any || self.few >> arity.min(MOST) & 1 == 1
    }

    /// In agreement with [`Clause::takes`].
    fn note(&mut self, heap: &Heap, clause: &Clause) {
        match clause.head().view() {
            View::Local(_) => self.any = true,
            View::Expression { address, length }
                if length > 0 && matches!(heap.get(address).view(), View::Local(_) | View::Symbol(_)) =>
            {
                self.few |= 1 << (length - 1).min(MOST);
                self.many += u32::from(length > MOST);
            }
            _ => self.others = true,
        }
    }
}
