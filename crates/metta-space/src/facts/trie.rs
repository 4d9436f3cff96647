//! The rows of a run as a trie of words, for joins.
//!
//! A join compares terms and does not care which comes first, as long as all relations agree. So each element of a
//! row becomes a number of 64 bits, its *word*, and the rows with one beginning a trie of sorted words:
//!
//! ```text
//! words    a1 ──────── a2 ─── a3        level 0: the first elements
//! starts   0           3      4   5
//! words    b1 b4 b7    b1     b2        level 1: behind each of them the second ones
//! rows     8  3  5     0      7         the rows of the run
//! ```
//!
//! Invariant T1: equal terms have equal words, and in one trie only they do. Terms in different tries that have
//! equal words are equal too, unless both tries are [hashed](Trie::is_hashed).
//! Invariant T2: a trie has every row of its run that begins with its prefix, once, and no two levels alike.

use std::ops::Range;

use xxhash_rust::xxh3::xxh3_64;

use super::index::Layout;
use super::keys::{Keys, tail, word_at};
use crate::bytes::{Item, Token, is_plain_payload, term_end, token, value};

/// The first byte of the word of an integer, which no term begins with.
const INTEGER: u64 = 0x44 << WIDTH;
/// The first byte of the word of a long term, which no term begins with.
const HASHED: u64 = 0x45 << WIDTH;
/// How many bits are left behind the first byte.
const WIDTH: u32 = 56;
/// How many bits of a hash are kept: few where it is tested what happens when hashes are equal.
const HASH_BITS: u32 = if cfg!(test) { 4 } else { WIDTH };

/// The word of a term without variables (T1).
pub(crate) fn word(term: &[u8]) -> u64 {
    if term.len() <= 8 {
        // No encoding is a beginning of another, so zeros behind it tell it apart.
        return word_at(term, 0);
    }
    let integer = match token(term, 0) {
        Some((Token::Payload { start }, end)) if end - start == 9 => value(&term[start..end]),
        _ => None,
    };
    match integer {
        Some(Item::Int(int)) if int << 8 >> 8 == int => INTEGER | int as u64 & !(u64::MAX << WIDTH),
        _ => HASHED | xxh3_64(term) >> (64 - HASH_BITS),
    }
}

/// Reports whether terms with this word may differ.
pub(super) fn is_hashed(word: u64) -> bool {
    word >> WIDTH == HASHED >> WIDTH
}

/// The elements of some rows, by what they have in common.
pub(crate) struct Trie {
    levels: Vec<Level>,
    /// The rows of the run, in the order of the nodes of the last level.
    rows: Vec<u32>,
    hashed: bool,
}

#[derive(Default)]
struct Level {
    words: Vec<u64>,
    /// The first node below each node, and the end of all; nothing at the last level.
    starts: Vec<u32>,
}

impl Trie {
    /// Arranges the rows in `range`, which are those that begin with the prefix; `None` when some element has variables
    /// or equals others of different bytes, and when the words of different elements are equal (T1).
    pub(super) fn build(sorted: &Keys, range: Range<u32>, layout: &Layout) -> Option<Self> {
        let columns = columns(sorted, range.clone(), layout)?;
        let hashed = columns.iter().flatten().any(|word| is_hashed(*word));
        let mut levels: Vec<Level> = Vec::with_capacity(columns.len());
        // Words with places in the range; and where rows begin that are equal so far, with the end of all.
        let mut order: Vec<(u64, u32)> = (0..range.len() as u32).map(|at| (0, at)).collect();
        let mut groups = vec![0, order.len()];
        for (column, place) in columns.iter().zip(&layout.order) {
            let mut level = Level::default();
            let (mut starts, mut inner) = (Vec::with_capacity(groups.len()), Vec::new());
            for group in groups.windows(2) {
                starts.push(level.words.len() as u32);
                let rows = &mut order[group[0]..group[1]];
                rows.iter_mut().for_each(|(word, at)| *word = column[*at as usize]);
                rows.sort_unstable();
                for (i, (word, at)) in rows.iter().enumerate() {
                    if i == 0 || rows[i - 1].0 != *word {
                        level.words.push(*word);
                        inner.push(group[0] + i);
                    } else if is_hashed(*word) {
                        let element = |at: u32| element(sorted.get(range.start + at), layout, *place);
                        (element(*at) == element(rows[i - 1].1)).then_some(())?;
                    }
                }
            }
            starts.push(level.words.len() as u32);
            inner.push(order.len());
            if let Some(above) = levels.last_mut() {
                above.starts = starts;
            }
            level.words.shrink_to_fit();
            levels.push(level);
            groups = inner;
        }
        // T2; not so only where a file is damaged.
        (groups.len() == order.len() + 1).then_some(())?;
        Some(Trie { levels, hashed, rows: order.into_iter().map(|(_, at)| range.start + at).collect() })
    }

    /// Reports whether different terms may have the word of one in here.
    pub(crate) fn is_hashed(&self) -> bool {
        self.hashed
    }

    /// The nodes of the first level.
    pub(crate) fn top(&self) -> Range<u32> {
        0..self.levels.first().map_or(self.rows.len(), |level| level.words.len()) as u32
    }

    /// The first of the `nodes` of a level whose word is not less than `least`, or their end.
    ///
    /// Cost: O(log of the distance).
    #[inline]
    pub(crate) fn seek(&self, level: usize, nodes: Range<u32>, least: u64) -> u32 {
        let words = &self.levels[level].words[nodes.start as usize..nodes.end as usize];
        let (mut low, mut step) = (0, 1);
        while low < words.len() {
            let probe = (low + step).min(words.len()) - 1;
            if words[probe] >= least {
                let before = &words[low..probe];
                return nodes.start + (low + before.partition_point(|word| *word < least)) as u32;
            }
            low = probe + 1;
            step *= 2;
        }
        nodes.end
    }

    /// The word of a node.
    #[inline]
    pub(crate) fn word(&self, level: usize, node: u32) -> u64 {
        self.levels[level].words[node as usize]
    }

    /// The nodes below a node, or its rows as places for [`row`](Trie::row).
    #[inline]
    pub(crate) fn below(&self, level: usize, node: u32) -> Range<u32> {
        match self.levels[level].starts.get(node as usize..node as usize + 2) {
            Some(&[start, end]) => start..end,
            // T2
            _ => node..node + 1,
        }
    }

    /// The nodes below that one of some nodes that has this word; none when there is not one.
    pub(crate) fn find(&self, level: usize, nodes: Range<u32>, word: u64) -> Range<u32> {
        let node = self.seek(level, nodes.clone(), word);
        if node < nodes.end && self.word(level, node) == word { self.below(level, node) } else { 0..0 }
    }

    /// The row of the run at a place.
    pub(crate) fn row(&self, place: u32) -> u32 {
        self.rows[place as usize]
    }

    pub(super) fn allocated(&self) -> usize {
        let levels = self.levels.iter();
        let words: usize = levels.map(|level| 8 * level.words.capacity() + 4 * level.starts.capacity()).sum();
        words + self.rows.capacity() * size_of::<u32>()
    }
}

/// The words of the elements, a column for each place in the order of the layout; `None` where a join would not see that
/// two elements are equal.
fn columns(sorted: &Keys, range: Range<u32>, layout: &Layout) -> Option<Vec<Vec<u64>>> {
    let mut columns: Vec<Vec<u64>> = layout.order.iter().map(|_| Vec::with_capacity(range.len())).collect();
    for row in range {
        let (bytes, mut at) = (sorted.get(row), layout.prefix.len());
        for column in &mut columns {
            let end = plain_end(bytes, at)?;
            column.push(word(&bytes[at..end]));
            at = end;
        }
    }
    Some(layout.order.iter().map(|place| std::mem::take(&mut columns[usize::from(*place)])).collect())
}

/// Reports whether everything that equals a part of this term has the same bytes.
pub(crate) fn is_plain(term: &[u8]) -> bool {
    plain_end(term, 0).is_some()
}

/// The end of a term in which everything that equals a part has the same bytes; `None` when it is not one.
fn plain_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut pending = 1usize;
    while pending > 0 {
        let (token, next) = token(bytes, at)?;
        pending -= 1;
        match token {
            Token::Arity(n) => pending += n,
            Token::Payload { start } if is_plain_payload(&bytes[start..next]) => {}
            Token::Payload { .. } | Token::NewVar | Token::VarRef(_) => return None,
        }
        at = next;
    }
    Some(at)
}

/// The element of a row at one of the places of the layout.
fn element<'r>(row: &'r [u8], layout: &Layout, place: u8) -> &'r [u8] {
    let start = (0..place).fold(layout.prefix.len(), |at, _| term_end(row, at));
    let end = term_end(row, start);
    tail(&row[..end], start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::Writer;

    /// T1, T2.
    #[test]
    fn a_row_is_found_by_the_words_of_its_elements() {
        let mut facts: Vec<Vec<u8>> = Vec::new();
        for n in 0..300i64 {
            let mut out = Writer::new();
            out.arity(3);
            out.symbol("edge");
            out.int((n % 17 - 8) * 1_000_003);
            out.symbol(&format!("n{n}"));
            facts.push(out.into_bytes());
        }
        facts.sort();
        let prefix = facts[0][..6].to_vec();
        let mut keys = Keys::with_room(0, 0);
        facts.iter().for_each(|fact| keys.push(fact));
        for order in [vec![0, 1], vec![1, 0]] {
            let layout = Layout { prefix: prefix.clone(), order };
            let trie = Trie::build(&keys, keys.all(), &layout).expect("all is plain");
            assert!(!trie.is_hashed());
            let mut rows: Vec<u32> = trie.rows.clone();
            rows.sort_unstable();
            assert_eq!(rows, keys.all().collect::<Vec<_>>());
            for (row, fact) in (0..).zip(&facts) {
                let find = |nodes, level: usize| {
                    trie.find(level, nodes, word(element(fact, &layout, layout.order[level])))
                };
                let found = find(find(trie.top(), 0), 1);
                assert_eq!((found.len(), trie.row(found.start)), (1, row));
            }
            assert_eq!(trie.find(0, trie.top(), word(&[0xC1, b'z'])), 0..0);
        }
    }
}
