//! Facts that come from outside in the order of their bytes.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::Arc;

use metta_atom::Variable;

use super::run::{Builder, Room, Row};
use super::{Facts, Names, Part};

/// Facts in the order of their bytes, and those with equal bytes in the order in which they were added.
pub(crate) struct Sorted {
    rows: Builder,
    copies: u64,
    distinct: u64,
    open: u64,
    /// The rank of the last fact, and the names under which its atom is there, if it has variables.
    last: Option<u64>,
    spellings: HashSet<Vec<Variable>>,
}

impl Sorted {
    /// Makes room for some facts.
    pub(crate) fn with_room(facts: usize) -> Self {
        Sorted {
            rows: Builder::new(&Room { rows: facts, size_bytes: 0, first: 1 }),
            copies: 0,
            distinct: 0,
            open: 0,
            last: None,
            spellings: HashSet::new(),
        }
    }

    /// Adds a fact whose bytes compare with those of the last one as `order` says; `false` when it does not belong there.
    pub(crate) fn push(
        &mut self,
        order: Ordering,
        bytes: &[u8],
        names: Vec<Variable>,
        count: u64,
        rank: u64,
    ) -> bool {
        if let Some(last) = self.last.replace(rank) {
            match order {
                Ordering::Greater => self.spellings.clear(),
                // The same atom with other names, added later.
                Ordering::Equal if last < rank && !names.is_empty() && !self.spellings.contains(&names) => {}
                Ordering::Equal | Ordering::Less => return false,
            }
        }
        let names: Names = (!names.is_empty()).then(|| {
            self.spellings.insert(names.clone());
            Arc::from(names)
        });
        self.rows.push(&Row { bytes, names: &names, count, sequence: rank + 1 });
        self.copies = self.copies.saturating_add(count);
        self.distinct += 1;
        self.open += u64::from(names.is_some());
        true
    }

    /// Makes the facts, whose sequence numbers follow from their ranks.
    pub(crate) fn finish(self) -> Facts {
        let mut facts = Facts::new();
        (facts.copies, facts.distinct, facts.open) = (self.copies, self.distinct, self.open);
        facts.next = self.distinct + 1;
        if self.distinct > 0 {
            let run = Arc::new(self.rows.finish());
            facts.parts = Arc::new(vec![Part { run, changed: 0, gone: 0 }]);
        }
        facts
    }
}
