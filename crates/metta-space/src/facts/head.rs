//! The newest facts, in the order in which they came.
//!
//! Invariant H1: a head that is read while it has more than [`FEW`] rows is sorted once, and
//! then gives way to the run; so no row is sorted twice as part of a head.

use std::sync::{Arc, OnceLock};

use metta_atom::Variable;

use super::Names;
use super::keys::Keys;
use super::run::{Room, Row, Run};
use super::table::Table;

/// Up to this many rows are compared one by one, and copied when a snapshot shares them.
pub(super) const FEW: usize = 64;

/// From this many rows on a head gives way to a run: sorting is best done in the cache.
pub(super) const MANY: usize = 1 << 17;

#[derive(Clone)]
struct Entry {
    hash: u64,
    sequence: u64,
    /// 0 when the fact is gone.
    count: u64,
    names: Names,
}

/// Facts in insertion order.
#[derive(Clone)]
pub(super) struct Head {
    keys: Keys,
    entries: Vec<Entry>,
    table: Table,
    /// How many rows are gone.
    gone: usize,
    sorted: OnceLock<Arc<Run>>,
}

impl Head {
    pub(super) fn new() -> Self {
        Head {
            keys: Keys::with_room(0, 0),
            entries: Vec::new(),
            table: Table::default(),
            gone: 0,
            sorted: OnceLock::new(),
        }
    }

    /// How many rows there are, those that are gone included.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn bytes(&self, row: u32) -> &[u8] {
        self.keys.get(row)
    }

    pub(super) fn count(&self, row: u32) -> u64 {
        self.entries[row as usize].count
    }

    pub(super) fn sequence(&self, row: u32) -> u64 {
        self.entries[row as usize].sequence
    }

    pub(super) fn names(&self, row: u32) -> &Names {
        &self.entries[row as usize].names
    }

    pub(super) fn find(&self, hash: u64, bytes: &[u8], names: &[Variable]) -> Option<u32> {
        self.table.find(hash, |row| {
            let entry = &self.entries[row as usize];
            entry.count > 0
                && self.keys.get(row) == bytes
                && entry.names.as_deref().unwrap_or_default() == names
        })
    }

    /// Adds a fact that is not there.
    pub(super) fn push(&mut self, hash: u64, bytes: &[u8], names: &[Variable], sequence: u64) {
        self.sorted.take();
        self.make_room();
        let row = self.entries.len() as u32;
        self.keys.push(bytes);
        let names = (!names.is_empty()).then(|| Arc::from(names));
        self.entries.push(Entry { hash, sequence, count: 1, names });
        self.table.insert(hash, row);
    }

    /// Changes the count of a row that is there.
    pub(super) fn set_count(&mut self, row: u32, count: u64) {
        self.sorted.take();
        self.entries[row as usize].count = count;
        if count > 0 {
            return;
        }
        self.gone += 1;
        while let Some(last) = self.entries.pop_if(|last| last.count == 0) {
            self.keys.pop();
            self.table.remove_newest(last.hash, self.entries.len() as u32);
            self.gone -= 1;
        }
        if self.gone > FEW / 2 && self.gone > self.entries.len() / 2 {
            self.drop_gone();
        }
    }

    /// Copies what is left; amortised over the removals.
    fn drop_gone(&mut self) {
        let mut keys = Keys::with_room(self.entries.len() - self.gone, self.keys.size_bytes());
        let mut entries = Vec::with_capacity(self.entries.len() - self.gone);
        for (row, entry) in (0..).zip(self.entries.drain(..)) {
            if entry.count > 0 {
                keys.push(self.keys.get(row));
                entries.push(entry);
            }
        }
        (self.keys, self.entries, self.gone) = (keys, entries, 0);
        self.rehash(self.entries.len());
    }

    fn make_room(&mut self) {
        if !self.table.has_room() {
            self.rehash(2 * self.entries.len() + FEW / 4);
        }
    }

    fn rehash(&mut self, room: usize) {
        self.table = Table::with_room(room);
        for (row, entry) in (0..).zip(&self.entries) {
            self.table.insert(entry.hash, row);
        }
    }

    /// Returns the head as a run, if it was sorted or is too long to be read without (H1).
    pub(super) fn sorted(&self) -> Option<&Arc<Run>> {
        if self.len() > FEW { Some(self.sort()) } else { None }
    }

    /// Reports whether the head was read since it was changed, and is long.
    pub(super) fn is_sorted(&self) -> bool {
        self.sorted.get().is_some()
    }

    /// Returns the head as a run, if it was sorted.
    pub(super) fn sorted_already(&self) -> Option<&Arc<Run>> {
        self.sorted.get()
    }

    /// Returns the head as a run.
    pub(super) fn sort(&self) -> &Arc<Run> {
        self.sorted.get_or_init(|| {
            let order = self.keys.order();
            let rows = order.into_iter().filter(|row| self.count(*row) > 0).map(|row| Row {
                bytes: self.bytes(row),
                names: self.names(row),
                count: self.count(row),
                sequence: self.sequence(row),
            });
            let first = self.entries.first().map_or(0, |entry| entry.sequence);
            let room = Room { rows: self.len() - self.gone, size_bytes: self.keys.size_bytes(), first };
            Arc::new(Run::build(rows, &room))
        })
    }

    /// About how many bytes it takes.
    pub(super) fn allocated(&self) -> usize {
        self.keys.allocated()
            + self.entries.capacity() * size_of::<Entry>()
            + self.table.allocated()
            + self.sorted.get().map_or(0, |run| run.allocated())
    }
}
