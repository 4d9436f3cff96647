//! Facts of several spaces: what they share, what one has more of, and new spaces of them.

use std::collections::HashSet;
use std::sync::Arc;

use metta_atom::Variable;

use super::run::{Room, Row, Rows, Run};
use super::{Fact, Facts, Found, HEAD, Names, Part, Place, hash_of};

/// Facts with numbers of copies.
pub(crate) type Counted = Vec<(Found, u64)>;

/// A fact of a new space.
pub(crate) struct NewRow<'a> {
    /// What it is there, but for the count and the place in the order.
    pub(crate) fact: Fact<'a>,
    pub(crate) count: u64,
    pub(crate) sequence: u64,
}

impl Facts {
    /// Makes the facts of rows in the order of their bytes. No sequence number is above `last`, or above those.
    pub(crate) fn from_rows(rows: &[NewRow<'_>], last: u64) -> Self {
        let names = |row: &NewRow<'_>| (!row.fact.is_ground()).then(|| Arc::from(row.fact.variables()));
        let names: Vec<Names> = rows.iter().map(names).collect();
        let room = Room {
            rows: rows.len(),
            size_bytes: rows.iter().map(|row| row.fact.bytes.len()).sum(),
            first: rows.iter().map(|row| row.sequence).min().unwrap_or(1),
        };
        let mut facts = Facts::new();
        let built = rows.iter().zip(&names).map(|(row, names)| {
            let NewRow { fact, count, sequence } = row;
            Row { bytes: fact.bytes, names, count: *count, sequence: *sequence }
        });
        if !rows.is_empty() {
            let run = Arc::new(Run::build(built, &room));
            facts.parts = Arc::new(vec![Part { run, changed: 0, gone: 0 }]);
        }
        facts.copies = rows.iter().fold(0, |sum: u64, row| sum.saturating_add(row.count));
        facts.distinct = rows.len() as u64;
        facts.open = names.iter().flatten().count() as u64;
        facts.next = 1 + rows.iter().map(|row| row.sequence).max().unwrap_or(0).max(last);
        facts
    }

    /// The number that the next copy gets.
    pub(crate) fn next_sequence(&self) -> u64 {
        self.next
    }

    /// Returns a row of the first run, which is there.
    pub(crate) fn found_in_first(&self, row: u32) -> Option<Found> {
        self.found(0, self.run(0)?, row)
    }

    /// Returns the fact that is exactly this atom.
    pub(crate) fn find_exact(&self, bytes: &[u8], variables: &[Variable]) -> Option<Found> {
        match self.place(hash_of(bytes, variables), bytes, variables)? {
            Place::Head(row) => {
                // A long head is read as a run.
                let (sequence, count) = (self.head.sequence(row), self.head.count(row));
                Some(Found { sequence, count, part: HEAD, row })
            }
            Place::Run { part, row, count } => {
                let sequence = self.parts[part].run.sequence(row);
                Some(Found { sequence, count, part: part as u32, row })
            }
        }
    }

    /// Adds copies of a fact that is there, as copies that have no places of their own.
    pub(crate) fn add_more(&mut self, bytes: &[u8], variables: &[Variable], copies: u64) {
        self.change_count(bytes, variables, copies, |count| count.saturating_add(copies));
        self.copies = self.copies.saturating_add(copies);
    }

    /// Removes copies of a fact that has more.
    pub(crate) fn remove_more(&mut self, bytes: &[u8], variables: &[Variable], copies: u64) {
        self.change_count(bytes, variables, copies, |count| count - copies);
        self.copies -= copies;
    }

    fn change_count(&mut self, bytes: &[u8], names: &[Variable], copies: u64, to: impl Fn(u64) -> u64) {
        let hash = hash_of(bytes, names);
        match self.place(hash, bytes, names).filter(|_| copies > 0) {
            Some(Place::Head(row)) => self.set_head_count(hash, bytes, names, row, to(self.head.count(row))),
            Some(Place::Run { part, row, count }) => self.set_run_count(part, row, to(count)),
            None => {}
        }
    }

    /// Returns what `self` has more copies of than `older`, and the reverse: facts of `self` and facts of `older`,
    /// with how many. Looks at what the two do not share.
    pub(crate) fn changes_since(&self, older: &Facts) -> (Counted, Counted) {
        let (new, old) = self.not_shared(older);
        (self.more_than(&new, older), older.more_than(&old, self))
    }

    /// The facts of `self` and of `older` that may not be the same in the other.
    pub(crate) fn not_shared(&self, older: &Facts) -> (Vec<Found>, Vec<Found>) {
        let shared: HashSet<*const Rows> = {
            let runs = |facts: &Facts| facts.parts.iter().map(|part| part.run.identity()).collect();
            let (own, others): (HashSet<_>, HashSet<_>) = (runs(self), runs(older));
            own.intersection(&others).copied().collect()
        };
        let changed = self.changed_against(older);
        (self.unshared(&shared, &changed), older.unshared(&shared, &changed))
    }

    /// The sequence numbers of rows whose counts the two have changed in different ways.
    fn changed_against(&self, other: &Facts) -> HashSet<u64> {
        let number = |key: Vec<u8>| key.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let mut changed = HashSet::new();
        for (own, others) in [(self, other), (other, self)] {
            let differing = own.changes.iter().filter(|(key, count)| others.changes.get(key) != Some(*count));
            changed.extend(differing.map(|(key, _)| number(key)));
        }
        changed
    }

    /// The facts that are not in shared runs, and those in them whose counts have changed.
    fn unshared(&self, shared: &HashSet<*const Rows>, changed: &HashSet<u64>) -> Vec<Found> {
        let mut found = Vec::new();
        for (part, run) in self.runs() {
            let is_shared = shared.contains(&run.identity());
            if is_shared && changed.is_empty() {
                continue;
            }
            let rows = run.keys().all().filter(|row| !is_shared || changed.contains(&run.sequence(*row)));
            found.extend(rows.filter_map(|row| self.found(part, run, row)));
        }
        found.extend(self.loose_rows().map(|(found, _)| found));
        found
    }

    /// Those of some facts that `other` has fewer copies of, with how many fewer.
    fn more_than(&self, found: &[Found], other: &Facts) -> Counted {
        let more = found.iter().map(|found| {
            let fact = self.fact(found);
            let there = other.find_exact(fact.bytes, fact.variables()).map_or(0, |found| found.count);
            (*found, found.count.saturating_sub(there))
        });
        more.filter(|(_, more)| *more > 0).collect()
    }
}
