//! Facts that no longer change, in the order of their bytes.
//!
//! Invariant R1: the rows of a run are sorted by bytes, equal bytes by sequence.
//! Invariant R2: every row is in the table under the hash of its bytes and names.

use std::ops::{Deref, Range};
use std::sync::{Arc, OnceLock};

use metta_atom::Variable;

use super::column::Column;
use super::directory::Directory;
use super::index::{Index, Indexes, Layout};
use super::keys::Keys;
use super::table::Table;
use super::trie::Trie;
use super::{Names, hash_of, stored};

/// Sequence numbers, in four bytes each where they are not too far apart.
pub(super) enum Sequences {
    Near { first: u64, steps: Column<u32> },
    Far(Column<u64>),
}

impl Sequences {
    /// Makes room for `n` numbers from `first` on.
    pub(super) fn with_room(first: u64, n: usize) -> Self {
        Sequences::Near { first, steps: Column::with_room(n) }
    }

    pub(super) fn push(&mut self, sequence: u64) {
        if let Sequences::Near { first, steps } = self {
            let step = sequence.checked_sub(*first).and_then(|step| u32::try_from(step).ok());
            if let Some(step) = step {
                return steps.owned().push(step);
            }
            let sequences = steps.iter().map(|step| *first + u64::from(step)).collect();
            *self = Sequences::Far(Column::Owned(sequences));
        }
        if let Sequences::Far(sequences) = self {
            sequences.owned().push(sequence);
        }
    }

    #[inline]
    fn get(&self, row: usize) -> u64 {
        match self {
            Sequences::Near { first, steps } => first + u64::from(steps.get(row)),
            Sequences::Far(sequences) => sequences.get(row),
        }
    }

    fn allocated(&self) -> usize {
        match self {
            Sequences::Near { steps, .. } => steps.allocated(),
            Sequences::Far(sequences) => sequences.allocated(),
        }
    }
}

/// The counts of the rows with several copies.
pub(super) struct Counts {
    pub(super) rows: Column<u32>,
    pub(super) counts: Column<u64>,
    /// A bit for each 64 rows: whether one of them is here.
    blocks: OnceLock<Box<[u64]>>,
}

impl Counts {
    pub(super) fn new(rows: Column<u32>, counts: Column<u64>) -> Self {
        Counts { rows, counts, blocks: OnceLock::new() }
    }

    /// Adds a row behind the others, before any is asked for.
    fn push(&mut self, row: u32, count: u64) {
        self.rows.owned().push(row);
        self.counts.owned().push(count);
    }

    fn shrink(&mut self) {
        self.rows.owned().shrink_to_fit();
        self.counts.owned().shrink_to_fit();
    }

    #[inline]
    fn get(&self, row: u32) -> u64 {
        if self.rows.len() > 0 && self.is_near(row) { self.look_up(row) } else { 1 }
    }

    /// Reports whether a row among the 64 with this one is here.
    #[inline]
    fn is_near(&self, row: u32) -> bool {
        let block = row as usize / 64;
        self.blocks().get(block / 64).is_some_and(|word| word >> (block % 64) & 1 == 1)
    }

    #[inline(never)]
    fn look_up(&self, row: u32) -> u64 {
        self.rows.binary_search(row).map_or(1, |at| self.counts.get(at))
    }

    #[inline]
    fn blocks(&self) -> &[u64] {
        self.blocks.get_or_init(|| {
            let mut blocks = Vec::new();
            for row in self.rows.iter() {
                let block = row as usize / 64;
                if blocks.len() <= block / 64 {
                    blocks.resize(block / 64 + 1, 0);
                }
                blocks[block / 64] |= 1 << (block % 64);
            }
            blocks.into()
        })
    }

    fn allocated(&self) -> usize {
        let blocks = self.blocks.get().map_or(0, |blocks| size_of_val(&**blocks));
        self.rows.allocated() + self.counts.allocated() + blocks
    }
}

/// The names of the variables of rows that have some, by row.
pub(super) enum Spellings {
    Owned(Vec<(u32, Names)>),
    /// In a file until they are asked for.
    Mapped(stored::MappedNames),
}

impl Spellings {
    fn all(&self) -> &[(u32, Names)] {
        match self {
            Spellings::Owned(names) => names,
            Spellings::Mapped(names) => names.all(),
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Spellings::Owned(names) => names.is_empty(),
            Spellings::Mapped(names) => names.is_empty(),
        }
    }

    fn allocated(&self) -> usize {
        match self {
            Spellings::Owned(names) => names.capacity() * size_of::<(u32, Names)>(),
            Spellings::Mapped(_) => 0,
        }
    }

    /// The rows with their names.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &[Variable])> {
        self.all().iter().map(|(row, names)| (*row, names.as_deref().unwrap_or_default()))
    }
}

/// How much room a run needs.
pub(super) struct Room {
    pub(super) rows: usize,
    pub(super) size_bytes: usize,
    /// No sequence number is lower.
    pub(super) first: u64,
}

/// A fact on its way from one place to another.
pub(super) struct Row<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) names: &'a Names,
    pub(super) count: u64,
    pub(super) sequence: u64,
}

/// Sorted facts, and indexes of them.
///
/// Runs may share their rows: one without the indexes of another takes little.
pub(crate) struct Run {
    rows: Arc<Rows>,
    indexes: Indexes,
}

impl Deref for Run {
    type Target = Rows;

    fn deref(&self) -> &Rows {
        &self.rows
    }
}

/// Sorted facts.
pub(crate) struct Rows {
    pub(super) keys: Keys,
    pub(super) sequences: Sequences,
    pub(super) first: u64,
    /// The counts of rows with several copies.
    pub(super) counts: Counts,
    /// The names of variables, of rows that have some.
    pub(super) names: Spellings,
    pub(super) table: Table,
}

impl Run {
    /// Makes a run of rows, without indexes.
    pub(super) fn new(rows: Arc<Rows>) -> Self {
        Run { rows, indexes: Indexes::default() }
    }

    /// The same rows without the indexes.
    pub(super) fn without_indexes(&self) -> Self {
        Run::new(Arc::clone(&self.rows))
    }

    /// What is the same for runs that share their rows.
    pub(super) fn identity(&self) -> *const Rows {
        Arc::as_ptr(&self.rows)
    }

    /// The bytes that indexes take.
    pub(super) fn index_bytes(&self) -> usize {
        self.indexes.allocated()
    }

    /// Makes a run of rows that come in order (R1).
    pub(super) fn build<'a>(rows: impl Iterator<Item = Row<'a>>, room: &Room) -> Self {
        let mut builder = Builder::new(room);
        rows.for_each(|row| builder.push(&row));
        builder.finish()
    }

    /// Returns the index of `rows`, which are those that begin with the prefix of `layout`, when it is
    /// asked for again: one query alone is faster without.
    pub(crate) fn index(&self, rows: Range<u32>, layout: &Layout) -> Option<&Index> {
        self.indexes.index(&self.keys, rows, layout)
    }

    /// Returns the directory of the rows that begin with `prefix`, if there are many and it is asked for again.
    pub(crate) fn directory(&self, prefix: &[u8]) -> Option<&Directory> {
        self.indexes.directory(&self.keys, prefix)
    }

    /// Returns the trie of `rows`, which are those that begin with the prefix of `layout`; `None` when there is none for
    /// them, and when there are too many others.
    pub(crate) fn trie(&self, rows: Range<u32>, layout: &Layout) -> Option<&Trie> {
        self.indexes.trie(&self.keys, rows, layout)
    }
}

/// A run that is being made.
pub(super) struct Builder {
    keys: Keys,
    sequences: Sequences,
    first: u64,
    counts: Counts,
    names: Vec<(u32, Names)>,
    hashes: Vec<u64>,
}

impl Builder {
    pub(super) fn new(room: &Room) -> Self {
        Builder {
            keys: Keys::with_room(room.rows, room.size_bytes),
            sequences: Sequences::with_room(room.first, room.rows),
            first: room.first,
            counts: Counts::new(Column::with_room(0), Column::with_room(0)),
            names: Vec::new(),
            hashes: Vec::with_capacity(room.rows),
        }
    }

    /// Adds a row behind the others.
    pub(super) fn push(&mut self, fact: &Row<'_>) {
        let row = self.hashes.len() as u32;
        self.keys.push(fact.bytes);
        self.sequences.push(fact.sequence);
        if fact.count != 1 {
            self.counts.push(row, fact.count);
        }
        if fact.names.is_some() {
            self.names.push((row, fact.names.clone()));
        }
        self.hashes.push(hash_of(fact.bytes, fact.names.as_deref().unwrap_or_default()));
    }

    pub(super) fn finish(mut self) -> Run {
        self.keys.shrink();
        self.counts.shrink();
        self.names.shrink_to_fit();
        Run::new(Arc::new(Rows {
            keys: self.keys,
            sequences: self.sequences,
            first: self.first,
            counts: self.counts,
            names: Spellings::Owned(self.names),
            // R2
            table: Table::of(&self.hashes),
        }))
    }
}

impl Rows {
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// No sequence number is lower.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    pub(super) fn size_bytes(&self) -> usize {
        self.keys.size_bytes()
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Reports whether some row has variables.
    pub(crate) fn has_open(&self) -> bool {
        !self.names.is_empty()
    }

    #[inline]
    pub(crate) fn sequence(&self, row: u32) -> u64 {
        self.sequences.get(row as usize)
    }

    /// Reports whether no row has several copies.
    pub(super) fn is_single(&self) -> bool {
        self.counts.rows.len() == 0
    }

    /// The count that the row had when the run was made.
    #[inline]
    pub(super) fn count(&self, row: u32) -> u64 {
        self.counts.get(row)
    }

    pub(super) fn names(&self, row: u32) -> &Names {
        let names = self.names.all();
        match names.binary_search_by_key(&row, |(row, _)| *row) {
            Ok(at) => &names[at].1,
            Err(_) => &None,
        }
    }

    /// Finds the row of exactly this atom for which `is_there` holds.
    pub(super) fn find(
        &self,
        hash: u64,
        bytes: &[u8],
        names: &[Variable],
        is_there: impl Fn(u32) -> bool,
    ) -> Option<u32> {
        self.table.find(hash, |row| {
            // A damaged file may have any number here.
            (row as usize) < self.len()
                && self.keys.get(row) == bytes
                && self.names(row).as_deref().unwrap_or_default() == names
                && is_there(row)
        })
    }

    /// About how many bytes it takes, without the indexes.
    pub(super) fn allocated(&self) -> usize {
        self.keys.allocated()
            + self.sequences.allocated()
            + self.counts.allocated()
            + self.names.allocated()
            + self.table.allocated()
    }
}
