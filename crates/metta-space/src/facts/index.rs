//! The rows of a run in other orders of their elements.
//!
//! A pattern such as `(edge $x b)` has a variable before what is known. Its rows are
//! neighbours when `b` stands first: an index holds the elements of all rows with one
//! beginning, rearranged and sorted.
//!
//! Invariant I1: an index has every row of its run that begins with its prefix, once.

use std::ops::Range;
use std::sync::OnceLock;

use super::directory::{self, Directory};
use super::keys::{Keys, tail};
use super::trie::Trie;
use crate::bytes::term_end;

/// Which rows an index has, and how their elements are arranged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Layout {
    /// The beginning that the rows share: the arity, and mostly the head.
    pub(crate) prefix: Vec<u8>,
    /// The elements behind it, by their places before.
    pub(crate) order: Vec<u8>,
}

pub(crate) struct Index {
    keys: Keys,
    /// The rows of the run, in the order of the keys.
    rows: Vec<u32>,
    /// Where the keys with each first element are.
    directory: Option<Directory>,
}

impl Index {
    /// Arranges the rows in `range`, which are those that begin with the prefix.
    fn build(sorted: &Keys, range: Range<u32>, layout: &Layout) -> Self {
        let size_bytes = range.clone().map(|row| tail(sorted.get(row), layout.prefix.len()).len()).sum();
        let mut loose = Keys::with_room(range.len(), size_bytes);
        let mut elements: Vec<&[u8]> = Vec::new();
        let mut parts: Vec<&[u8]> = Vec::new();
        for row in range.clone() {
            let bytes = sorted.get(row);
            elements.clear();
            let mut at = layout.prefix.len();
            while at < bytes.len() {
                let end = term_end(bytes, at);
                elements.push(&bytes[at..end]);
                at = end;
            }
            parts.clear();
            parts.extend(layout.order.iter().filter_map(|place| elements.get(usize::from(*place)).copied()));
            loose.push_parts(&parts);
        }
        let order = loose.order();
        let mut keys = Keys::with_room(order.len(), size_bytes);
        order.iter().for_each(|at| keys.push(loose.get(*at)));
        let directory = Directory::build(&keys, keys.all(), 0);
        Index { keys, directory, rows: order.into_iter().map(|at| range.start + at).collect() }
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Where the keys with each first element are, if there are many.
    pub(crate) fn directory(&self) -> Option<&Directory> {
        self.directory.as_ref()
    }

    fn allocated(&self) -> usize {
        let directory = self.directory.as_ref().map_or(0, Directory::allocated);
        self.keys.allocated() + self.rows.capacity() * size_of::<u32>() + directory
    }

    /// The row of the run behind a key.
    pub(crate) fn row(&self, key: u32) -> u32 {
        self.rows[key as usize]
    }
}

/// More orders than programs ask for; what needs another one goes without.
const MOST: usize = 24;

/// The indexes of a run, built when they are needed.
#[derive(Default)]
pub(super) struct Indexes {
    slots: [OnceLock<Slot>; MOST],
    directories: [OnceLock<DirectorySlot>; MOST],
}

/// The directory of the rows with one beginning.
struct DirectorySlot {
    prefix: Vec<u8>,
    directory: OnceLock<Option<Directory>>,
}

/// What there is of one order.
struct Slot {
    layout: Layout,
    index: OnceLock<Index>,
    trie: OnceLock<Option<Trie>>,
}

impl Indexes {
    /// The bytes that are allocated.
    pub(super) fn allocated(&self) -> usize {
        let size = |slot: &Slot| {
            let trie = slot.trie.get().and_then(Option::as_ref);
            slot.index.get().map_or(0, Index::allocated) + trie.map_or(0, Trie::allocated)
        };
        let directories = self.directories.iter().map_while(OnceLock::get);
        let directories = directories.filter_map(|slot| slot.directory.get()?.as_ref());
        self.slots.iter().map_while(OnceLock::get).map(size).sum::<usize>()
            + directories.map(Directory::allocated).sum::<usize>()
    }

    /// Returns the directory of the rows that begin with `prefix`, from the second time on that it is asked for.
    pub(super) fn directory(&self, sorted: &Keys, prefix: &[u8]) -> Option<&Directory> {
        if sorted.len() < directory::LEAST {
            return None;
        }
        for slot in &self.directories {
            let mut is_new = false;
            let slot = slot.get_or_init(|| {
                is_new = true;
                DirectorySlot { prefix: prefix.to_vec(), directory: OnceLock::new() }
            });
            if slot.prefix != prefix {
                continue;
            }
            if is_new {
                return None;
            }
            if slot.directory.get().is_none() {
                let rows = sorted.narrow(sorted.all(), 0, prefix);
                drop(slot.directory.set(Directory::build(sorted, rows, prefix.len())));
            }
            return slot.directory.get()?.as_ref();
        }
        None
    }

    /// Returns the index with this layout from the second time on that it is asked for.
    ///
    /// Never waits: two readers that need the same index may both build it. So with tries.
    pub(super) fn index(&self, sorted: &Keys, range: Range<u32>, layout: &Layout) -> Option<&Index> {
        let (slot, is_new) = self.slot(layout)?;
        if is_new {
            return None;
        }
        if slot.index.get().is_none() {
            // A second builder's work is dropped.
            drop(slot.index.set(Index::build(sorted, range, layout)));
        }
        slot.index.get()
    }

    /// Returns the trie with this layout, if the rows can have one.
    pub(super) fn trie(&self, sorted: &Keys, range: Range<u32>, layout: &Layout) -> Option<&Trie> {
        let (slot, _) = self.slot(layout)?;
        if slot.trie.get().is_none() {
            drop(slot.trie.set(Trie::build(sorted, range, layout)));
        }
        slot.trie.get()?.as_ref()
    }

    /// The slot of a layout, and whether it was not there before.
    fn slot(&self, layout: &Layout) -> Option<(&Slot, bool)> {
        for slot in &self.slots {
            let mut is_new = false;
            let slot = slot.get_or_init(|| {
                is_new = true;
                Slot { layout: layout.clone(), index: OnceLock::new(), trie: OnceLock::new() }
            });
            if slot.layout == *layout {
                return Some((slot, is_new));
            }
        }
        None
    }
}
