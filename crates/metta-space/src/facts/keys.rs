//! Byte strings in sorted order, one behind the other: a trie without nodes.
//!
//! Strings with a common beginning are neighbours, so a node of the trie is a range of
//! them and going down is a search in the range.

use std::ops::Range;
use std::sync::OnceLock;

use super::column::Column;

/// How many strings share a stored place, when their lengths are in bytes.
pub(crate) const BLOCK: usize = 8;

/// Where strings end, in as little space as the longest of them allows.
#[derive(Clone)]
pub(crate) enum Ends {
    /// The length of each string, and where every eighth begins.
    Blocks {
        lengths: Column<u8>,
        starts: Column<u32>,
    },
    Ends(Column<u64>),
}

/// Strings one behind the other.
#[derive(Clone)]
pub(crate) struct Keys {
    arena: Column<u8>,
    ends: Ends,
    /// Every [`RUNG`]th string once more, when they are searched: what a search in many strings looks at is near
    /// together then.
    ladder: OnceLock<Box<Keys>>,
}

/// How many strings lie between two of the ladder.
const RUNG: u32 = 64;
/// Fewer strings are searched without a ladder: they are near together anyway.
const LOW: u32 = 1 << 14;

impl Keys {
    pub(super) fn new(arena: Column<u8>, ends: Ends) -> Self {
        Keys { arena, ends, ladder: OnceLock::new() }
    }

    pub(super) fn with_room(strings: usize, size_bytes: usize) -> Self {
        let starts = Column::with_room(strings.div_ceil(BLOCK));
        Keys::new(Column::with_room(size_bytes), Ends::Blocks { lengths: Column::with_room(strings), starts })
    }

    pub(super) fn arena(&self) -> &Column<u8> {
        &self.arena
    }

    /// Reports whether the strings are in memory.
    pub(super) fn is_owned(&self) -> bool {
        matches!(self.arena, Column::Owned(_))
    }

    pub(super) fn ends(&self) -> &Ends {
        &self.ends
    }

    /// Appends a string.
    pub(super) fn push(&mut self, string: &[u8]) {
        self.push_parts(&[string]);
    }

    /// Appends a string given in parts.
    pub(super) fn push_parts(&mut self, parts: &[&[u8]]) {
        self.ladder.take();
        let start = self.arena.len();
        let arena = self.arena.owned();
        parts.iter().for_each(|part| arena.extend_from_slice(part));
        let end = arena.len();
        if let Ends::Blocks { lengths, starts } = &mut self.ends {
            if let (Ok(start), Ok(length)) = (u32::try_from(start), u8::try_from(end - start)) {
                let lengths = lengths.owned();
                if lengths.len().is_multiple_of(BLOCK) {
                    starts.owned().push(start);
                }
                return lengths.push(length);
            }
            let ends = (0..lengths.len()).map(|row| self.end(row + 1) as u64).collect();
            self.ends = Ends::Ends(Column::Owned(ends));
        }
        if let Ends::Ends(ends) = &mut self.ends {
            ends.owned().push(end as u64);
        }
    }

    /// Takes the last string away.
    pub(super) fn pop(&mut self) {
        self.ladder.take();
        let arena = self.arena.owned();
        match &mut self.ends {
            Ends::Blocks { lengths, starts } => {
                let lengths = lengths.owned();
                let length = lengths.pop().unwrap_or(0);
                starts.owned().truncate(lengths.len().div_ceil(BLOCK));
                arena.truncate(arena.len() - usize::from(length));
            }
            Ends::Ends(ends) => {
                let ends = ends.owned();
                ends.pop();
                arena.truncate(ends.last().map_or(0, |end| *end as usize));
            }
        }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        match &self.ends {
            Ends::Blocks { lengths, .. } => lengths.len(),
            Ends::Ends(ends) => ends.len(),
        }
    }

    pub(super) fn size_bytes(&self) -> usize {
        self.arena.len()
    }

    /// Gives back room that was not needed.
    pub(super) fn shrink(&mut self) {
        self.arena.owned().shrink_to_fit();
    }

    /// The bytes that are allocated.
    pub(super) fn allocated(&self) -> usize {
        let ends = match &self.ends {
            Ends::Blocks { lengths, starts } => lengths.allocated() + starts.allocated(),
            Ends::Ends(ends) => ends.allocated(),
        };
        let ladder = self.ladder.get().map_or(0, |ladder| size_of::<Keys>() + ladder.allocated());
        self.arena.allocated() + ends + ladder
    }

    /// The end of the string before `row`, which is where `row` begins.
    fn end(&self, row: usize) -> usize {
        let Some(last) = row.checked_sub(1) else { return 0 };
        match &self.ends {
            Ends::Blocks { lengths, starts } => {
                place(lengths, starts, last).map_or(0, |(start, length)| start + length)
            }
            Ends::Ends(ends) => ends.get(last) as usize,
        }
    }

    /// Returns a string; an empty one where a mapped file is damaged.
    #[inline]
    pub(crate) fn get(&self, row: u32) -> &[u8] {
        if let Ends::Blocks { lengths: Column::Owned(lengths), starts: Column::Owned(starts) } = &self.ends
            && let Column::Owned(arena) = &self.arena
            && let (block, within) = (row as usize / BLOCK, row as usize % BLOCK)
            && let Some(lengths) = lengths.get(block * BLOCK..).and_then(<[u8]>::first_chunk)
        {
            let (before, length) = measure(*lengths, within);
            let start = starts[block] as usize + before;
            return &arena[start..start + length];
        }
        self.look_up(row as usize)
    }

    /// Like `get`, for the last strings and those in files.
    #[inline(never)]
    fn look_up(&self, row: usize) -> &[u8] {
        match &self.ends {
            Ends::Blocks { lengths, starts } => match place(lengths, starts, row) {
                Some((start, length)) => self.arena.slice(start..start + length),
                None => &[],
            },
            Ends::Ends(_) => self.arena.slice(self.end(row)..self.end(row + 1)),
        }
    }

    /// All strings as a range.
    pub(crate) fn all(&self) -> Range<u32> {
        0..self.len() as u32
    }

    /// The part of `rows` whose strings have `bytes` at `depth`. The strings of `rows` are
    /// equal up to `depth`.
    pub(crate) fn narrow(&self, rows: Range<u32>, depth: usize, bytes: &[u8]) -> Range<u32> {
        let sought = Sought::new(bytes);
        let has = |row: u32| sought.is_in(self.get(row), depth);
        // What all share, the arity and the head most often, is not searched for.
        if rows.is_empty() || has(rows.start) && has(rows.end - 1) {
            return rows;
        }
        let start = self.partition(rows.clone(), &|string| sought.is_behind(string, depth));
        start..self.leap(start..rows.end, |string| sought.is_in(string, depth))
    }

    /// The first of `rows` whose string is at least `bytes` from `depth` on.
    pub(crate) fn lower(&self, rows: Range<u32>, depth: usize, bytes: &[u8]) -> u32 {
        self.partition(rows, &|string| tail(string, depth) < bytes)
    }

    /// The first of `rows` for which `holds` does not; it holds for all before that one.
    ///
    /// Cost: O(log of their number).
    fn partition<F: Fn(&[u8]) -> bool>(&self, rows: Range<u32>, holds: &F) -> u32 {
        let Range { start: mut low, end: mut high } = match rows.len() as u32 {
            ..LOW => rows,
            _ => self.climb(rows, holds),
        };
        while low < high {
            let middle = low + (high - low) / 2;
            if holds(self.get(middle)) { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// The part of many `rows` in which `holds` begins not to, or the end of it: what is between two rungs.
    fn climb<F: Fn(&[u8]) -> bool>(&self, rows: Range<u32>, holds: &F) -> Range<u32> {
        let Some(ladder) = self.ladder() else { return rows };
        let (first, end) = (rows.start.div_ceil(RUNG), rows.end.div_ceil(RUNG));
        let rung = ladder.partition(first..end, holds);
        let low = if rung == first { rows.start } else { (rung - 1) * RUNG + 1 };
        low..rows.end.min(rung * RUNG)
    }

    /// The ladder, which is made when it is first asked for; none for strings in a file, all of which would be read.
    fn ladder(&self) -> Option<&Keys> {
        if !self.is_owned() {
            return None;
        }
        let ladder = self.ladder.get_or_init(|| {
            let rungs = || self.all().step_by(RUNG as usize).map(|row| self.get(row));
            let mut ladder = Keys::with_room(rungs().len(), rungs().map(<[u8]>::len).sum());
            rungs().for_each(|string| ladder.push(string));
            Box::new(ladder)
        });
        Some(ladder)
    }

    /// The first of `rows` for which `holds` does not; it holds for all before that one.
    ///
    /// Cost: O(log of the distance).
    pub(crate) fn leap(&self, rows: Range<u32>, holds: impl Fn(&[u8]) -> bool) -> u32 {
        let (mut low, mut step) = (rows.start, 1);
        while low < rows.end {
            let probe = low.saturating_add(step).min(rows.end) - 1;
            if !holds(self.get(probe)) {
                return self.partition(low..probe, &holds);
            }
            low = probe + 1;
            step = step.saturating_mul(2);
        }
        rows.end
    }

    /// Returns the rows in the order of their strings; equal strings stay in order.
    ///
    /// Sorts by eight bytes at a time, so that strings with long common beginnings are not
    /// compared from the front again and again.
    pub(super) fn order(&self) -> Vec<u32> {
        let mut order: Vec<u32> = self.all().collect();
        let mut keyed: Vec<(u64, u32)> = Vec::new();
        // Ranges whose strings are equal up to a depth.
        let mut pending = vec![(0..order.len(), 0usize)];
        while let Some((range, depth)) = pending.pop() {
            let rows = &mut order[range.clone()];
            let depth = depth + self.common(rows, depth);
            keyed.clear();
            keyed.extend(rows.iter().map(|row| (word_at(self.get(*row), depth), *row)));
            keyed.sort_unstable();
            rows.iter_mut().zip(&keyed).for_each(|(row, (_, sorted))| *row = *sorted);
            let mut start = 0;
            for group in keyed.chunk_by(|a, b| a.0 == b.0) {
                let inside = range.start + start..range.start + start + group.len();
                start += group.len();
                if group.len() > 1 {
                    self.settle(&mut order, inside, depth + 8, &mut pending);
                }
            }
        }
        order
    }

    /// Sorts rows that are equal up to `depth`, or leaves them as work.
    fn settle(
        &self,
        order: &mut [u32],
        rows: Range<usize>,
        depth: usize,
        pending: &mut Vec<(Range<usize>, usize)>,
    ) {
        let tail = |row: u32| tail(self.get(row), depth);
        if rows.len() <= FEW {
            order[rows].sort_unstable_by(|a, b| tail(*a).cmp(tail(*b)).then(a.cmp(b)));
        } else if order[rows.clone()].iter().any(|row| !tail(*row).is_empty()) {
            pending.push((rows, depth));
        }
    }

    /// How many bytes from `depth` on all of these strings share.
    fn common(&self, rows: &[u32], depth: usize) -> usize {
        let Some((first, rest)) = rows.split_first() else { return 0 };
        let first = self.get(*first).get(depth..).unwrap_or_default();
        let shared = |other: &[u8]| first.iter().zip(other).take_while(|(a, b)| a == b).count();
        let mut common = first.len();
        for row in rest {
            if common == 0 {
                break;
            }
            common = common.min(shared(self.get(*row).get(depth..).unwrap_or_default()));
        }
        common
    }
}

/// Where a string begins, and its length; `None` where a mapped file does not have it.
fn place(lengths: &Column<u8>, starts: &Column<u32>, row: usize) -> Option<(usize, usize)> {
    let (block, within) = (row / BLOCK, row % BLOCK);
    let end = lengths.len().min((block + 1) * BLOCK);
    let lengths = lengths.slice(block * BLOCK..end);
    let start = starts.get(block) as usize;
    let (before, length) = match lengths.first_chunk() {
        Some(lengths) => measure(*lengths, within),
        None => {
            let before = lengths.get(..within)?.iter().map(|length| usize::from(*length)).sum();
            (before, usize::from(*lengths.get(within)?))
        }
    };
    Some((start + before, length))
}

/// The length of one string of a block, and that of all before it.
#[inline]
fn measure(lengths: [u8; BLOCK], within: usize) -> (usize, usize) {
    const EVEN: u64 = 0x00ff_00ff_00ff_00ff;
    let word = u64::from_le_bytes(lengths);
    let before = word & !(u64::MAX << (8 * within));
    let pairs = (before & EVEN) + (before >> 8 & EVEN);
    let sum = pairs.wrapping_mul(0x0001_0001_0001_0001) >> 48;
    (sum as usize, usize::from((word >> (8 * within)) as u8))
}

/// What a string has from `depth` on; nothing where it is shorter, as damaged ones may be.
#[inline]
pub(crate) fn tail(string: &[u8], depth: usize) -> &[u8] {
    string.get(depth..).unwrap_or_default()
}

/// Below this many strings whole comparisons are as good.
const FEW: usize = 16;

/// Eight bytes as a number whose order is theirs; behind the end there are zeros.
///
/// No encoding is a beginning of another, so the zeros decide nothing between two of them.
#[inline]
pub(super) fn word_at(string: &[u8], depth: usize) -> u64 {
    let tail = tail(string, depth);
    match (tail.first_chunk(), string.last_chunk()) {
        (Some(word), _) => u64::from_be_bytes(*word),
        (None, _) if tail.is_empty() => 0,
        // The last bytes of the string, without those before the tail.
        (None, Some(word)) => u64::from_be_bytes(*word) << (64 - 8 * tail.len()),
        (None, None) => tail.iter().rev().fold(0, |word, byte| word >> 8 | u64::from(*byte) << 56),
    }
}

/// A term to be looked for, its first bytes as a number: most comparisons end there.
#[derive(Clone, Copy)]
pub(crate) struct Sought<'a> {
    term: &'a [u8],
    word: u64,
    /// Which bits of a word are those of the term.
    mask: u64,
}

impl<'a> Sought<'a> {
    pub(crate) fn new(term: &'a [u8]) -> Self {
        let mask = match term.len() {
            0 => 0,
            length @ 1..8 => u64::MAX << (64 - 8 * length),
            _ => u64::MAX,
        };
        Sought { term, word: word_at(term, 0), mask }
    }

    /// Reports whether a string is less than the term from `depth` on.
    #[inline]
    pub(crate) fn is_behind(&self, string: &[u8], depth: usize) -> bool {
        let word = word_at(string, depth) & self.mask;
        word < self.word || word == self.word && self.term.len() > 8 && tail(string, depth) < self.term
    }

    /// Reports whether a string has the term at `depth`.
    #[inline]
    pub(crate) fn is_in(&self, string: &[u8], depth: usize) -> bool {
        word_at(string, depth) & self.mask == self.word
            && (self.term.len() <= 8 || tail(string, depth).starts_with(self.term))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_by_the_ladder_finds_what_a_look_at_all_strings_finds() {
        // Sorted, some of them several times, as many as are searched by a ladder.
        let string = |n: u32| (n / 3 * 7).to_be_bytes();
        let count = 3 * LOW + 5;
        let mut keys = Keys::with_room(count as usize, 4 * count as usize);
        (0..count).for_each(|n| keys.push(&string(n)));
        let before = keys.allocated();
        for (start, end) in
            [(0, count), (1, count - 1), (RUNG, 2 * LOW), (RUNG + 1, count / 2), (77, 77 + LOW)]
        {
            for n in (0..count).step_by(9973).chain([0, count - 1]) {
                for sought in [string(n), (n / 3 * 7 + 1).to_be_bytes()] {
                    let lower = (start..end).find(|row| keys.get(*row) >= &sought[..]).unwrap_or(end);
                    assert_eq!(keys.lower(start..end, 0, &sought), lower);
                    let equal = (lower..end).take_while(|row| keys.get(*row) == sought).count() as u32;
                    assert_eq!(keys.narrow(start..end, 0, &sought).len() as u32, equal);
                }
            }
        }
        assert!(keys.allocated() > before && keys.allocated() - before < before / RUNG as usize * 3);
        keys.pop();
        assert_eq!(keys.allocated(), before);
    }
}
