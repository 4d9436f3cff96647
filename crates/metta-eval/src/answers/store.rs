//! Calls with their answers, found by hash and compared cell by cell.

use std::hash::{Hash, Hasher};

use hashbrown::HashTable;
use metta_atom::Grounded;
use rustc_hash::FxHasher;

use crate::terms::cell::Cell;

/// Entries for which storage is kept when all are forgotten.
const KEPT: usize = 1 << 10;

/// Calls and answers of one generation.
#[derive(Clone, Debug, Default)]
pub(super) struct Store {
    index: HashTable<u32>,
    entries: Vec<Entry>,
    cells: Vec<Cell>,
    boxes: Vec<Grounded>,
    /// Bytes of the boxes, as far as they are known.
    outside: u64,
}

#[derive(Clone, Debug)]
struct Entry {
    hash: u64,
    reductions: u64,
    /// The cells of the call begin here, those of the answer follow.
    start: u32,
    call: u16,
    answer: u16,
    /// Its boxes begin here.
    boxes: u32,
}

/// The hash of a call.
pub(super) fn hash(call: &[Cell]) -> u64 {
    let mut hasher = FxHasher::default();
    for cell in call {
        cell.hash(&mut hasher);
    }
    hasher.finish()
}

impl Store {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn clear(&mut self) {
        if self.is_empty() {
            return;
        }
        if self.entries.len() > KEPT {
            *self = Store::default();
            return;
        }
        self.index.clear();
        self.entries.clear();
        self.cells.clear();
        self.boxes.clear();
        self.outside = 0;
    }

    pub(super) fn find(&self, hash: u64, call: &[Cell]) -> Option<u32> {
        let found = self.index.find(hash, |index| {
            let entry = &self.entries[*index as usize];
            entry.hash == hash && self.cells[entry.start as usize..][..usize::from(entry.call)] == *call
        });
        found.copied()
    }

    pub(super) fn reductions(&self, index: u32) -> u64 {
        self.entries[index as usize].reductions
    }

    /// The cells of an answer, and the boxes that they count in.
    pub(super) fn value(&self, index: u32) -> (&[Cell], &[Grounded]) {
        let entry = &self.entries[index as usize];
        let cells =
            &self.cells[entry.start as usize + usize::from(entry.call)..][..usize::from(entry.answer)];
        (cells, &self.boxes[entry.boxes as usize..])
    }

    /// Adds a call that is not there.
    pub(super) fn insert(
        &mut self,
        hash: u64,
        call: &[Cell],
        answer: &[Cell],
        boxes: Vec<Grounded>,
        reductions: u64,
    ) {
        let (Ok(call_length), Ok(answer_length)) = (u16::try_from(call.len()), u16::try_from(answer.len()))
        else {
            return;
        };
        let entry = Entry {
            hash,
            reductions,
            start: self.cells.len() as u32,
            call: call_length,
            answer: answer_length,
            boxes: self.boxes.len() as u32,
        };
        self.cells.extend_from_slice(call);
        self.cells.extend_from_slice(answer);
        self.outside += boxes.iter().map(bytes_of).sum::<u64>();
        self.boxes.extend(boxes);
        let index = self.entries.len() as u32;
        self.entries.push(entry);
        let entries = &self.entries;
        self.index.insert_unique(hash, index, |index| entries[*index as usize].hash);
    }

    pub(super) fn bytes(&self) -> u64 {
        let own = self.index.allocation_size()
            + self.entries.capacity() * size_of::<Entry>()
            + self.cells.capacity() * size_of::<Cell>()
            + self.boxes.capacity() * size_of::<Grounded>();
        own as u64 + self.outside
    }
}

/// Bytes behind a box.
fn bytes_of(value: &Grounded) -> u64 {
    match value {
        Grounded::Text(text) => text.len() as u64,
        Grounded::Number(metta_atom::Number::Big(number)) => number.bits() / 8,
        _ => 0,
    }
}
