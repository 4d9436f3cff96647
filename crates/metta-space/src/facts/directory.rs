//! Where the strings with each term at one place are.
//!
//! A search among a million strings looks at a dozen of them that are far apart. A directory has the words of the terms
//! side by side, and for each the rows that have it.

use std::ops::Range;

use super::keys::{Keys, tail};
use super::trie::{is_hashed, word};
use crate::bytes::term_end;

/// Fewer strings are near together anyway.
pub(super) const LEAST: usize = 1 << 14;

/// How many strings there are for each term, at the least: else a directory is as long as what it is to.
const EACH: usize = 4;

/// Where rows are by the term that they have at one place.
pub(crate) struct Directory {
    depth: usize,
    /// In rising order, with the rows of each.
    words: Vec<u64>,
    rows: Vec<(u32, u32)>,
}

impl Directory {
    /// Makes the directory of rows whose strings are equal up to `depth`; `None` when it is not worth it.
    pub(super) fn build(keys: &Keys, rows: Range<u32>, depth: usize) -> Option<Self> {
        if rows.len() < LEAST || !keys.is_owned() {
            return None;
        }
        let term = |row| {
            let string = keys.get(row);
            tail(&string[..term_end(string, depth)], depth)
        };
        let mut entries: Vec<(u64, (u32, u32))> = Vec::new();
        let mut start = rows.start;
        while start < rows.end {
            let first = term(start);
            let end = keys.leap(start..rows.end, |string| tail(string, depth).starts_with(first));
            entries.push((word(first), (start, end)));
            if entries.len() > rows.len() / EACH {
                return None;
            }
            start = end;
        }
        // The words of long terms are not in the order of the strings.
        entries.sort_unstable();
        let (words, rows) = entries.into_iter().unzip();
        Some(Directory { depth, words, rows })
    }

    /// The rows whose strings have the term.
    pub(crate) fn find(&self, keys: &Keys, term: &[u8]) -> Range<u32> {
        let word = word(term);
        let first = self.words.partition_point(|known| *known < word);
        let known = self.words[first..].iter().take_while(|known| **known == word);
        let mut found = known.zip(&self.rows[first..]).map(|(_, (start, end))| *start..*end);
        let has =
            |rows: &Range<u32>| !is_hashed(word) || tail(keys.get(rows.start), self.depth).starts_with(term);
        found.find(has).unwrap_or(0..0)
    }

    pub(super) fn allocated(&self) -> usize {
        self.words.capacity() * size_of::<u64>() + self.rows.capacity() * size_of::<(u32, u32)>()
    }
}
