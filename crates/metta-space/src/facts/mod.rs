//! The multiset of encoded atoms.
//!
//! ```text
//! runs    frozen and sorted, the oldest and largest first
//! head    the newest facts, in the order in which they came
//! changes counts of facts in runs that are not what the run says
//! ```
//!
//! A write touches the head and, for a fact in a run, the changes. When the head has grown or was
//! sorted for a reader it becomes a run; runs of like size are merged, so there are few, and a
//! fact is merged O(log of all) times. Clones share all parts.
//!
//! Invariant F1: a fact is in one place: a row of a run or of the head with a count above 0.
//! Invariant F2: a run is longer than all that is newer, but for the first few.
//! Invariant F3: sequence numbers rise with every copy added; an atom keeps that of its first copy.

mod column;
mod combine;
mod directory;
mod head;
mod index;
mod keys;
mod run;
mod sorted;
pub(crate) mod stored;
mod table;
mod trie;

use std::cmp::Ordering;
use std::sync::Arc;

use metta_atom::Variable;
use pathmap::PathMap;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::files::mapped::{Damage, Mapped};
pub(crate) use combine::NewRow;
use head::Head;
pub(crate) use index::{Index, Layout};
pub(crate) use keys::{Keys, tail};
pub(crate) use run::Run;
use run::{Room, Row};
pub(crate) use sorted::Sorted;
pub(crate) use trie::{Trie, is_plain, word};

/// The names of an atom's variables, if it has any.
type Names = Option<Arc<[Variable]>>;

/// A stored atom: its bytes, the names of its variables, how many copies there are.
///
/// Atoms that differ only in the names of their variables are different facts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fact<'a> {
    /// The encoded atom.
    pub bytes: &'a [u8],
    /// The number of copies, at least 1.
    pub count: u64,
    /// When the first of the copies was added, relative to other facts of the space.
    pub sequence: u64,
    names: &'a [Variable],
}

impl<'a> Fact<'a> {
    /// Returns the variables of the atom in the order in which the bytes introduce them.
    pub fn variables(&self) -> &'a [Variable] {
        self.names
    }

    /// Reports whether the atom has no variables.
    pub fn is_ground(&self) -> bool {
        self.names.is_empty()
    }
}

/// Where a fact of a snapshot is; [`Snapshot::fact`](crate::Snapshot::fact) reads it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Found {
    /// When the first copy was added.
    pub sequence: u64,
    /// The number of copies.
    pub count: u64,
    part: u32,
    row: u32,
}

impl Found {
    /// The row of the run.
    pub(crate) fn row(&self) -> u32 {
        self.row
    }
}

/// The part that is the head while it is not sorted.
const HEAD: u32 = u32::MAX;

/// What a removal took away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Removed {
    /// When the first copy was added.
    pub(crate) first: u64,
    /// How many copies are left.
    pub(crate) left: u64,
}

/// A run as part of a space.
#[derive(Clone)]
struct Part {
    run: Arc<Run>,
    /// How many of its rows have an entry in the changes.
    changed: usize,
    /// How many of those are gone.
    gone: usize,
}

impl Part {
    fn left(&self) -> usize {
        self.run.len() - self.gone
    }
}

/// The facts of a space. Cloning is O(1).
#[derive(Clone)]
pub(crate) struct Facts {
    parts: Arc<Vec<Part>>,
    head: Arc<Head>,
    /// The present count of a fact in a run, by its sequence number; 0 when it is gone.
    changes: PathMap<u64>,
    copies: u64,
    distinct: u64,
    /// How many of the distinct atoms have variables.
    open: u64,
    next: u64,
    /// The mapped file that facts come from.
    file: Option<Arc<Mapped>>,
}

/// Where an atom is.
enum Place {
    Head(u32),
    Run { part: usize, row: u32, count: u64 },
}

impl Facts {
    pub(crate) fn new() -> Self {
        let changes = PathMap::new();
        crate::snapshot::force_root(&changes);
        Facts {
            parts: Arc::default(),
            head: Arc::new(Head::new()),
            changes,
            copies: 0,
            distinct: 0,
            open: 0,
            next: 1,
            file: None,
        }
    }

    pub(crate) fn copies(&self) -> u64 {
        self.copies
    }

    pub(crate) fn distinct(&self) -> u64 {
        self.distinct
    }

    /// Reports whether some atom has variables.
    pub(crate) fn has_open(&self) -> bool {
        self.open > 0
    }

    /// Adds a copy of the atom with this hash and returns its sequence number.
    pub(crate) fn add(&mut self, hash: u64, bytes: &[u8], variables: &[Variable]) -> u64 {
        let sequence = self.next;
        // 2^48 additions take years; a wrong order would be worse than stopping.
        assert!(sequence >> 48 == 0, "a space holds at most 2^48 additions");
        self.next += 1;
        self.copies += 1;
        match self.place(hash, bytes, variables) {
            Some(Place::Head(row)) => {
                let count = self.head.count(row) + 1;
                self.set_head_count(hash, bytes, variables, row, count);
            }
            Some(Place::Run { part, row, count }) => self.set_run_count(part, row, count + 1),
            None => {
                self.distinct += 1;
                self.open += u64::from(!variables.is_empty());
                self.writable_head().push(hash, bytes, variables, sequence);
            }
        }
        sequence
    }

    /// Removes a copy of exactly this atom, if there is one.
    pub(crate) fn remove(&mut self, hash: u64, bytes: &[u8], variables: &[Variable]) -> Option<Removed> {
        let removed = match self.place(hash, bytes, variables)? {
            Place::Head(row) => {
                let removed = Removed { first: self.head.sequence(row), left: self.head.count(row) - 1 };
                self.set_head_count(hash, bytes, variables, row, removed.left);
                removed
            }
            Place::Run { part, row, count } => {
                let removed = Removed { first: self.parts[part].run.sequence(row), left: count - 1 };
                self.set_run_count(part, row, removed.left);
                removed
            }
        };
        self.copies -= 1;
        if removed.left == 0 {
            self.distinct -= 1;
            self.open -= u64::from(!variables.is_empty());
        }
        Some(removed)
    }

    fn place(&self, hash: u64, bytes: &[u8], variables: &[Variable]) -> Option<Place> {
        if let Some(row) = self.head.find(hash, bytes, variables) {
            return Some(Place::Head(row));
        }
        self.parts.iter().enumerate().rev().find_map(|(part, Part { run, changed, .. })| {
            let is_there = |row| *changed == 0 || self.count_in(run, row) > 0;
            let row = run.find(hash, bytes, variables, is_there)?;
            Some(Place::Run { part, row, count: self.count_in(run, row) })
        })
    }

    /// The present count of a row of a run.
    fn count_in(&self, run: &Run, row: u32) -> u64 {
        self.changes.get(change_key(run.sequence(row))).copied().unwrap_or_else(|| run.count(row))
    }

    fn set_head_count(&mut self, hash: u64, bytes: &[u8], variables: &[Variable], row: u32, count: u64) {
        let head = self.writable_head();
        // It may have become a run, and a new head have begun.
        if head.len() > row as usize {
            return head.set_count(row, count);
        }
        if let Some(Place::Run { part, row, .. }) = self.place(hash, bytes, variables) {
            self.set_run_count(part, row, count);
        }
    }

    fn set_run_count(&mut self, part: usize, row: u32, count: u64) {
        let parts = Arc::make_mut(&mut self.parts);
        let Part { run, changed, gone } = &mut parts[part];
        if self.changes.insert(change_key(run.sequence(row)), count).is_none() {
            *changed += 1;
        }
        *gone += usize::from(count == 0);
        if *gone > run.len() / 2 {
            self.rewrite(part..part + 1);
        }
    }

    /// Returns the head for writing; a long one that is shared or was sorted becomes a run first (H1).
    fn writable_head(&mut self) -> &mut Head {
        let long = self.head.len() > head::FEW;
        if long && (self.head.is_sorted() || Arc::get_mut(&mut self.head).is_none())
            || self.head.len() >= head::MANY
        {
            self.freeze_head();
        }
        Arc::make_mut(&mut self.head)
    }

    /// Makes the head a run and merges the runs that are no longer than what came after them (F2).
    fn freeze_head(&mut self) {
        let run = Arc::clone(self.head.sort());
        self.head = Arc::new(Head::new());
        let mut newer = run.len();
        Arc::make_mut(&mut self.parts).push(Part { run, changed: 0, gone: 0 });
        let mut start = self.parts.len() - 1;
        while start > 0 && self.parts[start - 1].left() <= 2 * newer {
            start -= 1;
            newer += self.parts[start].left();
        }
        if start + 1 < self.parts.len() {
            self.rewrite(start..self.parts.len());
        }
    }

    /// Makes a long head a run. Cost: O(1) for each fact since the last time, but for its sorting.
    pub(crate) fn freeze(&mut self) {
        if self.is_growing() {
            self.freeze_head();
        }
    }

    /// Reports whether the head is long enough to be made a run.
    pub(crate) fn is_growing(&self) -> bool {
        self.head.len() > head::FEW
    }

    /// Makes one run of all facts, in the least memory.
    pub(crate) fn settle(&mut self) {
        if self.head.len() > 0 {
            self.freeze_head();
        }
        if self.parts.len() > 1 || self.parts.iter().any(|part| part.changed > 0) {
            self.rewrite(0..self.parts.len());
        }
    }

    /// Replaces neighbouring runs by one that has their facts and changes.
    fn rewrite(&mut self, range: std::ops::Range<usize>) {
        let old: Vec<Part> = self.parts[range.clone()].to_vec();
        let room = Room {
            rows: old.iter().map(Part::left).sum(),
            size_bytes: old.iter().map(|part| part.run.size_bytes()).sum(),
            first: old.iter().map(|part| part.run.first()).min().unwrap_or(0),
        };
        let run = (room.rows > 0).then(|| Run::build(Merge::new(self, &old), &room));
        for part in old.iter().filter(|part| part.changed > 0) {
            for row in part.run.keys().all() {
                self.changes.remove(change_key(part.run.sequence(row)));
            }
        }
        let run = run.map(|run| Part { run: Arc::new(run), changed: 0, gone: 0 });
        Arc::make_mut(&mut self.parts).splice(range, run);
    }

    /// Returns a fact that was found.
    pub(crate) fn fact(&self, found: &Found) -> Fact<'_> {
        let Found { sequence, count, part, row } = *found;
        let (bytes, names) = match self.run(part) {
            Some(run) => (run.keys().get(row), run.names(row)),
            None => (self.head.bytes(row), self.head.names(row)),
        };
        Fact { bytes, count, sequence, names: names.as_deref().unwrap_or_default() }
    }

    fn run(&self, part: u32) -> Option<&Run> {
        if part == HEAD {
            return None;
        }
        match self.parts.get(part as usize) {
            Some(part) => Some(&part.run),
            None => Some(self.head.sort()),
        }
    }

    /// Returns all runs with their numbers, a long head among them.
    pub(crate) fn runs(&self) -> impl Iterator<Item = (u32, &Run)> {
        let head = self.head.sorted().into_iter();
        (0..).zip(self.parts.iter().map(|part| &part.run).chain(head).map(|run| &**run))
    }

    /// Returns all runs with their numbers, the head among them even if it is short.
    pub(crate) fn all_runs(&self) -> impl Iterator<Item = (u32, &Run)> {
        let head = (self.head.len() > 0).then(|| self.head.sort()).into_iter();
        (0..).zip(self.parts.iter().map(|part| &part.run).chain(head).map(|run| &**run))
    }

    /// Returns the rows of a short head that are not among the runs.
    pub(crate) fn loose_rows(&self) -> impl Iterator<Item = (Found, &[u8])> {
        let rows = if self.head.sorted().is_some() { 0 } else { self.head.len() as u32 };
        (0..rows).filter(|row| self.head.count(*row) > 0).map(|row| {
            let (sequence, count) = (self.head.sequence(row), self.head.count(row));
            (Found { sequence, count, part: HEAD, row }, self.head.bytes(row))
        })
    }

    fn is_changed(&self, part: u32) -> bool {
        self.parts.get(part as usize).is_some_and(|part| part.changed > 0)
    }

    /// Returns a row of a run if it is still there.
    pub(crate) fn found(&self, part: u32, run: &Run, row: u32) -> Option<Found> {
        let count = if self.is_changed(part) { self.count_in(run, row) } else { run.count(row) };
        (count > 0).then(|| Found { sequence: run.sequence(row), count, part, row })
    }

    /// Appends those of some rows of a run that are still there.
    pub(crate) fn collect(
        &self,
        part: u32,
        run: &Run,
        rows: impl ExactSizeIterator<Item = u32>,
        found: &mut Vec<Found>,
    ) {
        found.reserve(rows.len());
        if self.is_changed(part) {
            found.extend(rows.filter_map(|row| self.found(part, run, row)));
        } else {
            let unchanged = |row| Found { sequence: run.sequence(row), count: run.count(row), part, row };
            found.extend(rows.map(unchanged));
        }
    }

    /// Reports whether every row of a run is there and has one copy.
    pub(crate) fn is_single(&self, part: u32, run: &Run) -> bool {
        !self.is_changed(part) && run.is_single()
    }

    /// Counts the copies of rows of a run.
    pub(crate) fn copies_of(&self, part: u32, run: &Run, rows: impl Iterator<Item = u32>) -> u64 {
        rows.filter_map(|row| self.found(part, run, row)).map(|found| found.count).sum()
    }

    /// Returns the row of a run with exactly these bytes, if it is still there.
    pub(crate) fn find(&self, part: u32, run: &Run, hash: u64, bytes: &[u8]) -> Option<Found> {
        let changed = self.is_changed(part);
        let row = run.find(hash, bytes, &[], |row| !changed || self.count_in(run, row) > 0)?;
        self.found(part, run, row)
    }

    /// What was found damaged of the file that facts come from.
    pub(crate) fn damage(&self) -> Option<&Damage> {
        self.file.as_ref()?.damage()
    }

    /// The file that facts come from.
    pub(crate) fn file(&self) -> Option<&Mapped> {
        self.file.as_deref()
    }

    /// Returns the facts that begin with these bytes.
    pub(crate) fn beginning(&self, prefix: &[u8]) -> Vec<Found> {
        let rows = |(part, run): (u32, &Run)| {
            let rows = run.keys().narrow(run.keys().all(), 0, prefix);
            rows.filter_map(|row| self.found(part, run, row)).collect::<Vec<_>>()
        };
        let mut found: Vec<Found> = self.runs().flat_map(rows).collect();
        found
            .extend(self.loose_rows().filter(|(_, bytes)| bytes.starts_with(prefix)).map(|(found, _)| found));
        found
    }

    /// Returns all facts, in the order of their bytes; where those are equal, in insertion order.
    pub(crate) fn in_byte_order(&self) -> Vec<Found> {
        let runs = self.runs();
        let mut all: Vec<Found> = runs
            .flat_map(|(part, run)| run.keys().all().filter_map(move |row| self.found(part, run, row)))
            .collect();
        all.extend(self.loose_rows().map(|(found, _)| found));
        if self.parts.len() > 1 || self.head.len() > 0 {
            // Sorted stretches are merged.
            all.sort_by(|a, b| self.compare(a, b));
        }
        all
    }

    /// Compares facts by bytes, then by when they were added.
    pub(crate) fn compare(&self, a: &Found, b: &Found) -> Ordering {
        let bytes = |found| self.fact(found).bytes;
        bytes(a).cmp(bytes(b)).then(a.sequence.cmp(&b.sequence))
    }

    /// Returns all facts, in insertion order.
    pub(crate) fn all(&self) -> Vec<Found> {
        let mut all = Vec::with_capacity(usize::try_from(self.distinct).unwrap_or(0));
        for (part, run) in self.runs() {
            all.extend(run.keys().all().filter_map(|row| self.found(part, run, row)));
        }
        all.extend(self.loose_rows().map(|(found, _)| found));
        all.sort_unstable_by_key(|found| found.sequence);
        all
    }

    /// How many bytes indexes take.
    pub(crate) fn index_bytes(&self) -> usize {
        let head = self.head.sorted_already().map_or(0, |run| run.index_bytes());
        head + self.parts.iter().map(|part| part.run.index_bytes()).sum::<usize>()
    }

    /// Gives the indexes back; others that share the facts keep theirs.
    pub(crate) fn drop_indexes(&mut self) {
        self.freeze();
        if self.parts.iter().any(|part| part.run.index_bytes() > 0) {
            let parts = Arc::make_mut(&mut self.parts).iter_mut();
            parts.for_each(|part| part.run = Arc::new(part.run.without_indexes()));
        }
    }

    /// About how many bytes the facts take, without what is built to find them faster.
    pub(crate) fn allocated(&self) -> usize {
        self.head.allocated() + self.parts.iter().map(|part| part.run.allocated()).sum::<usize>()
    }
}

/// The facts of some runs, in the order of their bytes (R1), with their present counts.
struct Merge<'a> {
    facts: &'a Facts,
    /// The runs and the next row of each.
    sources: Vec<(&'a Part, u32)>,
}

impl<'a> Merge<'a> {
    fn new(facts: &'a Facts, parts: &'a [Part]) -> Self {
        let mut merge = Merge { facts, sources: parts.iter().map(|part| (part, 0)).collect() };
        (0..parts.len()).for_each(|source| merge.pass_gone(source));
        merge
    }

    /// Passes over rows that are gone.
    fn pass_gone(&mut self, source: usize) {
        let (part, row) = &mut self.sources[source];
        if part.gone > 0 {
            while (*row as usize) < part.run.len() && self.facts.count_in(&part.run, *row) == 0 {
                *row += 1;
            }
        }
    }
}

impl<'a> Iterator for Merge<'a> {
    type Item = Row<'a>;

    fn next(&mut self) -> Option<Row<'a>> {
        let mut first: Option<(usize, &'a [u8])> = None;
        for (source, (part, row)) in self.sources.iter().enumerate() {
            if (*row as usize) < part.run.len() {
                let bytes = part.run.keys().get(*row);
                let is_first = first.is_none_or(|(other, least)| {
                    let (other, other_row) = self.sources[other];
                    // R1: the same atom with other names may be in several runs.
                    bytes
                        .cmp(least)
                        .then_with(|| part.run.sequence(*row).cmp(&other.run.sequence(other_row)))
                        .is_lt()
                });
                if is_first {
                    first = Some((source, bytes));
                }
            }
        }
        let (source, bytes) = first?;
        let (part, row) = self.sources[source];
        self.sources[source].1 += 1;
        self.pass_gone(source);
        let count = if part.changed > 0 { self.facts.count_in(&part.run, row) } else { part.run.count(row) };
        Some(Row { bytes, names: part.run.names(row), count, sequence: part.run.sequence(row) })
    }
}

fn change_key(sequence: u64) -> [u8; 6] {
    let [_, _, key @ ..] = sequence.to_be_bytes();
    key
}

/// Returns the hash under which an atom is found.
pub(crate) fn hash_of(bytes: &[u8], variables: &[Variable]) -> u64 {
    if variables.is_empty() {
        return xxh3_64(bytes);
    }
    let mut hasher = Xxh3::new();
    hasher.update(bytes);
    // In files too: so not what `Hash` happens to do.
    for variable in variables {
        hasher.update(variable.name().name().as_bytes());
        hasher.update(&[0xFF]);
        hasher.update(&variable.number().to_le_bytes());
    }
    hasher.digest()
}
