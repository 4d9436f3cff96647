//! Spaces compared and combined.
//!
//! Copies count as they do in `union-atom`, `intersection-atom` and `subtraction-atom`: a union has the
//! copies of both, an intersection as many as the one with fewer, a subtraction those of the first that the second
//! has no match for. Facts are the same when they are the same atom with the same names of variables.
//!
//! Invariant A1: the facts of a result stand in the order of the first space, and behind them, in their own order,
//! those that only the second has. Of several copies the first ones are kept.

use std::collections::{HashMap, HashSet};

use metta_atom::{Atom, SpaceId, Variable};

use crate::bytes::{Item, Reader, SPACE_BEGINS};
use crate::declarations::classify;
use crate::facts::{Fact, Facts, Found, NewRow, hash_of};
use crate::query::unifies;
use crate::snapshot::{Snapshot, stamp};

/// What changed from one space to another: `newer` is `older` without `removed` and with `added`.
#[derive(Clone, Debug)]
pub struct Difference {
    /// What the newer space has more of, in its order.
    pub added: Snapshot,
    /// What the older space has more of, in its order.
    pub removed: Snapshot,
}

/// So many steps are few, however small a space is.
const FEW_STEPS: u64 = 1_000;

/// A space this many times smaller is written to the other fact by fact.
const FEWER: u64 = 8;

impl Snapshot {
    /// Returns the facts of both spaces, copies added up.
    ///
    /// Cost: O(size of `other`) when that is much smaller, else O(size of both).
    pub fn union(&self, other: &Snapshot) -> Snapshot {
        let mut union = self.clone();
        let other = union.translated(other);
        union.version = stamp(self.version, b'u', other.version);
        if other.distinct() <= self.distinct() / FEWER {
            let version = union.version;
            for (_, found, copies) in other.additions() {
                let fact = other.fact(&found);
                union.add_encoded(fact.bytes, fact.variables());
                union.facts.add_more(fact.bytes, fact.variables(), copies - 1);
            }
            union.version = version;
            return union;
        }
        let offset = self.facts.next_sequence();
        let (first, second) = (union.in_byte_order(), other.in_byte_order());
        let mut rows = Rows::default();
        let (mut left, mut right) = (first.groups().peekable(), second.groups().peekable());
        loop {
            let order = match (left.peek(), right.peek()) {
                (Some(a), Some(b)) => a.bytes.cmp(b.bytes),
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (None, None) => break,
            };
            let a = if order.is_le() { left.next() } else { None };
            let b = if order.is_ge() { right.next() } else { None };
            let in_b = b.iter().flat_map(|group| group.found);
            for found in a.iter().flat_map(|group| group.found) {
                let twin = in_b.clone().find(|other| second.variables(other) == first.variables(found));
                let mut copies = first.copies(found, found.count);
                copies.extend(twin.iter().flat_map(|twin| second.copies_behind(twin, offset)));
                let count = found.count.saturating_add(twin.map_or(0, |twin| twin.count));
                rows.push(&first, found, count, found.sequence, copies);
            }
            for found in in_b {
                let is_known = |other: &Found| first.variables(other) == second.variables(found);
                if !a.iter().flat_map(|group| group.found).any(is_known) {
                    let copies = second.copies_behind(found, offset);
                    rows.push(&second, found, found.count, found.sequence + offset, copies);
                }
            }
        }
        rows.into_space(&union, union.version)
    }

    /// Returns the facts that both spaces have, each as often as the one with fewer copies.
    ///
    /// Cost: O(size of the smaller one).
    pub fn intersection(&self, other: &Snapshot) -> Snapshot {
        let mut base = self.clone();
        let other = &base.translated(other);
        let mut kept = Vec::new();
        if self.distinct() <= other.distinct() {
            for found in self.facts.all() {
                let fact = self.facts.fact(&found);
                let twin = other.facts.find_exact(fact.bytes, fact.variables());
                kept.extend(twin.map(|twin| (found, found.count.min(twin.count))));
            }
        } else {
            for twin in other.facts.all() {
                let fact = other.facts.fact(&twin);
                let found = self.facts.find_exact(fact.bytes, fact.variables());
                kept.extend(found.map(|found| (found, found.count.min(twin.count))));
            }
        }
        self.with_only(kept, stamp(self.version, b'i', other.version))
    }

    /// Returns the facts of this space without those of the other, copy for copy.
    ///
    /// Cost: O(size of the smaller one), and of this one if it is the smaller.
    pub fn subtraction(&self, other: &Snapshot) -> Snapshot {
        let mut rest = self.clone();
        let other = &rest.translated(other);
        let version = stamp(self.version, b's', other.version);
        if other.distinct() < self.distinct() {
            for fact in other.iter() {
                rest.remove_copies(fact.bytes, fact.variables(), fact.count);
            }
            rest.version = version;
            return rest;
        }
        let mut kept = Vec::new();
        for found in self.facts.all() {
            let fact = self.facts.fact(&found);
            let twin = other.facts.find_exact(fact.bytes, fact.variables());
            let left = found.count.saturating_sub(twin.map_or(0, |twin| twin.count));
            kept.extend((left > 0).then_some((found, left)));
        }
        self.with_only(kept, version)
    }

    /// Returns the facts that unify with `pattern`, all copies of them.
    ///
    /// Cost: that of [`Snapshot::candidates`]: with known leading elements O(facts returned).
    pub fn restriction(&self, pattern: &Atom) -> Snapshot {
        let encoded = self.encode_pattern(pattern);
        let mut found = self.candidates(&encoded.bytes);
        found.retain(|found| unifies(self, pattern, found));
        let kept = found.into_iter().map(|found| (found, found.count)).collect();
        self.with_only(kept, stamp(self.version, b'r', hash_of(&encoded.bytes, &encoded.variables)))
    }

    /// Returns what changed from `older` to this space.
    ///
    /// Cost: O(size of what the two do not share), at most O(size of both): snapshots of one space share all
    /// that was not rewritten between them.
    pub fn changes_since(&self, older: &Snapshot) -> Difference {
        let mut newer = self.clone();
        let older = &newer.translated(older);
        let (added, removed) = newer.facts.changes_since(&older.facts);
        let version = stamp(older.version, b'd', newer.version);
        Difference {
            added: newer.with_only(added, stamp(version, b'+', 0)),
            removed: older.with_only(removed, stamp(version, b'-', 0)),
        }
    }

    /// Returns the facts that stand behind those of `older`, in order, when nothing else tells this space from it; `None`
    /// when something may, and when it has values of the host.
    ///
    /// Cost: O(size of what the two do not share).
    pub fn appended_since(&self, older: &Snapshot) -> Option<Vec<Fact<'_>>> {
        if !self.registry.handles.is_empty() {
            return None;
        }
        let (new, old) = self.facts.not_shared(&older.facts);
        let is_in = |found: &Found, from: &Snapshot, other: &Snapshot| {
            let fact = from.facts.fact(found);
            let there = other.facts.find_exact(fact.bytes, fact.variables());
            there.is_some_and(|there| (there.sequence, there.count) == (found.sequence, found.count))
        };
        let first = older.facts.next_sequence();
        let (mut added, kept): (Vec<Found>, Vec<Found>) =
            new.into_iter().partition(|found| found.sequence >= first);
        let same = old.iter().all(|found| is_in(found, older, self))
            && kept.iter().all(|found| is_in(found, self, older));
        added.sort_unstable_by_key(|found| found.sequence);
        same.then(|| added.iter().map(|found| self.facts.fact(found)).collect())
    }

    /// Returns what to remove from `older` and then to add, copy for copy, so that it becomes this space, in the same
    /// order; `None` when that is not known to be few steps.
    ///
    /// A step is whether it is an addition, a fact, and a number of copies.
    pub(crate) fn steps_from<'a>(&'a self, older: &'a Snapshot) -> Option<Vec<(bool, Fact<'a>, u64)>> {
        let (new, old) = self.facts.not_shared(&older.facts);
        let (later, older_later) = (self.copies_by_fact(), older.copies_by_fact());
        // Copies of rules and types have places: those lists are compared, wherever the facts are.
        let with_later = |space: &'a Snapshot| {
            let later = space.later_copies().into_iter().map(|(found, _)| space.facts.fact(&found));
            later.collect::<Vec<Fact<'a>>>()
        };
        let new = new.iter().map(|found| self.facts.fact(found)).chain(with_later(self));
        let old = old.iter().map(|found| older.facts.fact(found)).chain(with_later(older));
        let mut seen: HashSet<(&[u8], &[Variable])> = HashSet::new();
        let (mut removals, mut additions) = (Vec::new(), Vec::new());
        for fact in new.chain(old).filter(|fact| seen.insert((fact.bytes, fact.variables()))) {
            let find = |space: &Snapshot| space.facts.find_exact(fact.bytes, fact.variables());
            let places = |found: Option<Found>, later: &HashMap<u64, Vec<u64>>| {
                let first = found.map(|found| found.sequence);
                first
                    .and_then(|first| later.get(&first).cloned())
                    .unwrap_or_else(|| first.into_iter().collect())
            };
            let (there, before) = (find(self), find(older));
            let count = |found: Option<Found>| found.map_or(0, |found| found.count);
            if classify(fact.bytes).is_some() {
                let (now, then) = (places(there, &later), places(before, &older_later));
                let same = now.iter().zip(&then).take_while(|(a, b)| a == b).count();
                removals.push((false, fact, (then.len() - same) as u64));
                additions.extend(now[same..].iter().map(|place| (*place, fact, 1)));
            } else if there.map(|found| found.sequence) == before.map(|found| found.sequence) {
                removals.push((false, fact, count(before).saturating_sub(count(there))));
                // Its place is that of the copies that are there.
                additions.push((u64::MAX, fact, count(there).saturating_sub(count(before))));
            } else {
                removals.push((false, fact, count(before)));
                additions.extend(there.map(|found| (found.sequence, fact, found.count)));
            }
        }
        // What is added comes behind all that stays.
        if additions.iter().any(|(place, ..)| *place < older.facts.next_sequence()) {
            return None;
        }
        additions.sort_by_key(|(place, ..)| *place);
        let additions = additions.into_iter().map(|(_, fact, copies)| (true, fact, copies));
        let steps: Vec<_> =
            removals.into_iter().chain(additions).filter(|(.., copies)| *copies > 0).collect();
        let copies = steps.iter().fold(0u64, |sum, (.., copies)| sum.saturating_add(*copies));
        (copies <= FEW_STEPS.max(older.distinct() / FEWER)).then_some(steps)
    }

    /// The spaces among the atoms, as often as there are copies.
    pub fn spaces(&self) -> Vec<SpaceId> {
        let found = self.facts.beginning(&SPACE_BEGINS);
        let spaces =
            found.iter().filter_map(|found| match Reader::new(self.facts.fact(found).bytes).next() {
                Some(Item::Space(id)) => Some(std::iter::repeat_n(id, usize::try_from(found.count).ok()?)),
                _ => None,
            });
        spaces.flatten().collect()
    }

    /// Returns a space with the handles that this one gives to its values; this one learns those it lacks.
    fn translated(&mut self, other: &Snapshot) -> Snapshot {
        if other.registry.handles.is_empty() {
            return other.clone();
        }
        let mut translated = Snapshot::new();
        for (_, found, copies) in other.additions() {
            let fact = other.fact(&found);
            let encoded = self.encode(&other.decode(fact.bytes, fact.variables()));
            translated.registry.handles = self.registry.handles.clone();
            translated.add_encoded(&encoded.bytes, &encoded.variables);
            translated.facts.add_more(&encoded.bytes, &encoded.variables, copies - 1);
        }
        translated.registry.handles = self.registry.handles.clone();
        translated.version = other.version;
        translated
    }

    /// The space with some of its facts, with these counts.
    fn with_only(&self, mut kept: Vec<(Found, u64)>, version: u64) -> Snapshot {
        kept.sort_by(|(a, _), (b, _)| self.facts.compare(a, b));
        let mut rows = Rows::default();
        let sorted = Sorted { space: self, found: Vec::new(), copies: self.copies_by_fact() };
        for (found, count) in kept {
            rows.push(&sorted, &found, count, found.sequence, sorted.copies(&found, count));
        }
        rows.into_space(self, version)
    }

    /// When each copy of rules and types was added, of those with several.
    fn copies_by_fact(&self) -> HashMap<u64, Vec<u64>> {
        let mut copies: HashMap<u64, Vec<u64>> = HashMap::new();
        for (found, sequence) in self.later_copies() {
            copies.entry(found.sequence).or_insert_with(|| vec![found.sequence]).push(sequence);
        }
        copies
    }

    fn in_byte_order(&self) -> Sorted<'_> {
        Sorted { space: self, found: self.facts.in_byte_order(), copies: self.copies_by_fact() }
    }

    /// What was added in order, with how many copies at once: rules and types have a place for each.
    fn additions(&self) -> Vec<(u64, Found, u64)> {
        let later = self.later_copies();
        let apart: HashSet<u64> = later.iter().map(|(found, _)| found.sequence).collect();
        let count = |found: &Found| if apart.contains(&found.sequence) { 1 } else { found.count };
        let first = self.facts.all().into_iter().map(|found| (found.sequence, found, count(&found)));
        let later = later.iter().map(|(found, sequence)| (*sequence, *found, 1));
        let mut additions: Vec<_> = first.chain(later).collect();
        additions.sort_by_key(|(sequence, ..)| *sequence);
        additions
    }

    /// Removes copies, as many as there are.
    fn remove_copies(&mut self, bytes: &[u8], variables: &[Variable], count: u64) {
        let there = self.facts.find_exact(bytes, variables).map_or(0, |found| found.count);
        let count = there.min(count);
        let each = if classify(bytes).is_some() { count } else { count.min(1) };
        self.facts.remove_more(bytes, variables, count - each);
        (0..each).for_each(|_| {
            self.remove_encoded(bytes, variables);
        });
    }
}

/// The facts of a space in the order of their bytes.
struct Sorted<'a> {
    space: &'a Snapshot,
    found: Vec<Found>,
    copies: HashMap<u64, Vec<u64>>,
}

/// Facts that differ in the names of their variables alone.
struct Group<'a> {
    bytes: &'a [u8],
    found: &'a [Found],
}

impl Sorted<'_> {
    fn groups(&self) -> impl Iterator<Item = Group<'_>> {
        let bytes = |found: &Found| self.space.facts.fact(found).bytes;
        let chunks = self.found.chunk_by(move |a, b| bytes(a) == bytes(b));
        chunks.map(move |found| Group { bytes: bytes(&found[0]), found })
    }

    fn variables(&self, found: &Found) -> &[Variable] {
        self.space.facts.fact(found).variables()
    }

    /// When the first `count` copies of a rule or type were added; empty for other facts.
    fn copies(&self, found: &Found, count: u64) -> Vec<u64> {
        if classify(self.space.facts.fact(found).bytes).is_none() {
            return Vec::new();
        }
        let all = self.copies.get(&found.sequence);
        let all = all.map_or(std::slice::from_ref(&found.sequence), Vec::as_slice);
        all[..all.len().min(usize::try_from(count).unwrap_or(usize::MAX))].to_vec()
    }

    /// When all copies were added, behind everything before `offset`.
    fn copies_behind(&self, found: &Found, offset: u64) -> Vec<u64> {
        self.copies(found, found.count).into_iter().map(|sequence| sequence + offset).collect()
    }
}

/// The rows of a result, in the order of their bytes.
#[derive(Default)]
struct Rows<'a> {
    rows: Vec<NewRow<'a>>,
    copies: Vec<(u64, u32)>,
}

impl<'a> Rows<'a> {
    fn push(&mut self, from: &Sorted<'a>, found: &Found, count: u64, sequence: u64, copies: Vec<u64>) {
        let row = self.rows.len() as u32;
        self.rows.push(NewRow { fact: from.space.facts.fact(found), count, sequence });
        self.copies.extend(copies.into_iter().map(|sequence| (sequence, row)));
    }

    /// Makes a space of the rows, with the handles of another.
    fn into_space(self, handles: &Snapshot, version: u64) -> Snapshot {
        // A1: sequence numbers are places in the order; rows with equal bytes are in it too.
        debug_assert!(self.rows.is_sorted_by_key(|row| (row.fact.bytes, row.sequence)));
        let last = self.copies.iter().map(|(sequence, _)| *sequence).max().unwrap_or(0);
        let facts = Facts::from_rows(&self.rows, last);
        let mut space = Snapshot { facts, version, ..Snapshot::new() };
        space.registry.handles = handles.registry.handles.clone();
        let found = |row: u32| space.facts.found_in_first(row);
        let copies =
            self.copies.iter().filter_map(|(sequence, row)| Some((*sequence, found(*row)?))).collect();
        space.with_declared(copies)
    }
}
