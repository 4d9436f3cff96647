//! The multiset of encoded atoms.
//!
//! A trie holds every atom at the path of its bytes. The value of a path is the
//! count and the sequence number of the atom, packed into one word; so an atom
//! and its multiplicity change together. What does not fit there has rows in a
//! side table: atoms with variables (a row for each choice of names), counts
//! beyond 16 bits, and atoms too long for the trie.
//!
//! Invariant F1: a path is in the trie as long as at least one copy is stored.
//! Invariant F2: a path is at most [`LONGEST_PATH`] bytes long, or else it is the
//! first that many bytes of its atoms and a hash of all their bytes; the rows
//! then hold the bytes. The trie's nodes are freed by recursion where it
//! branches, and this bounds it.
//! Invariant F3: sequence numbers rise with every copy added; an atom keeps that
//! of its first copy.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroU64;
use std::sync::Arc;

use metta_atom::Variable;
use pathmap::PathMap;
use pathmap::zipper::{ZipperIteration, ZipperMoving, ZipperValues};

/// The longest path that is exactly an atom.
pub(crate) const LONGEST_PATH: usize = 2048;

/// A stored atom: its bytes, the names of its variables, how many copies there are.
///
/// Atoms that differ only in the names of their variables are different facts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fact {
    /// The encoded atom.
    pub bytes: Arc<[u8]>,
    /// The number of copies, at least 1.
    pub count: u64,
    /// When the first of the copies was added, relative to other facts of the space.
    pub sequence: u64,
    names: Option<Arc<[Variable]>>,
}

impl Fact {
    /// Returns the variables of the atom in the order in which the bytes introduce them.
    pub fn variables(&self) -> &[Variable] {
        self.names.as_deref().unwrap_or_default()
    }

    /// Reports whether the atom has no variables.
    pub fn is_ground(&self) -> bool {
        self.names.is_none()
    }
}

const COUNT_BITS: u32 = 16;
const MOST_INLINE: u64 = (1 << COUNT_BITS) - 1;

/// The value of a path: `sequence << 16 | count`; a count of 0 means rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Entry(NonZeroU64);

impl Entry {
    fn new(sequence: u64, count: u64) -> Self {
        debug_assert!(count <= MOST_INLINE);
        // Sequences start at 1 and stay below 2^48, so the word is never 0.
        Entry(NonZeroU64::new(sequence << COUNT_BITS | count).unwrap_or(NonZeroU64::MIN))
    }

    fn sequence(self) -> u64 {
        self.0.get() >> COUNT_BITS
    }

    fn count(self) -> u64 {
        self.0.get() & MOST_INLINE
    }

    fn has_rows(self) -> bool {
        self.count() == 0
    }
}

/// An atom that needs more than an [`Entry`].
#[derive(Clone, Debug)]
struct Row {
    names: Option<Arc<[Variable]>>,
    /// F2: the bytes, when the path is not all of them.
    bytes: Option<Arc<[u8]>>,
    count: u64,
    sequence: u64,
}

/// What a removal took away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Removed {
    /// When the first copy was added.
    pub(crate) first: u64,
    /// How many copies are left.
    pub(crate) left: u64,
}

/// The facts of a space. Cloning is O(1).
#[derive(Clone)]
pub(crate) struct Facts {
    pub(crate) trie: PathMap<Entry>,
    /// Rows by the entry's sequence and a hash of names and bytes.
    rows: PathMap<Arc<Vec<Row>>>,
    copies: u64,
    distinct: u64,
    /// How many of the distinct atoms have variables.
    open: u64,
    next: u64,
}

impl Facts {
    pub(crate) fn new() -> Self {
        let facts =
            Facts { trie: PathMap::new(), rows: PathMap::new(), copies: 0, distinct: 0, open: 0, next: 1 };
        crate::snapshot::force_root(&facts.trie);
        crate::snapshot::force_root(&facts.rows);
        facts
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

    /// Adds a copy and returns its sequence number.
    pub(crate) fn add(&mut self, bytes: &[u8], variables: &[Variable]) -> u64 {
        let sequence = self.next;
        // 2^48 additions take years; a wrong order would be worse than stopping.
        assert!(sequence >> (64 - COUNT_BITS) == 0, "a space holds at most 2^48 additions");
        self.next += 1;
        self.copies += 1;
        let plain = variables.is_empty() && bytes.len() <= LONGEST_PATH;
        let mut fresh = false;
        let entry = self.trie.get_val_or_set_mut_with_at(path(bytes), || {
            fresh = true;
            Entry::new(sequence, u64::from(plain))
        });
        if fresh && plain {
            self.distinct += 1;
            return sequence;
        }
        if !entry.has_rows() && entry.count() < MOST_INLINE {
            *entry = Entry::new(entry.sequence(), entry.count() + 1);
            return sequence;
        }
        if !entry.has_rows() {
            let first = entry.sequence();
            *entry = Entry::new(first, 0);
            let row = Row { names: None, bytes: None, count: MOST_INLINE + 1, sequence: first };
            self.rows.insert(row_key(first, bytes, variables), Arc::new(vec![row]));
            return sequence;
        }
        let id = entry.sequence();
        self.add_row(id, bytes, variables, sequence);
        sequence
    }

    fn add_row(&mut self, id: u64, bytes: &[u8], variables: &[Variable], sequence: u64) {
        let key = row_key(id, bytes, variables);
        let rows =
            Arc::make_mut(self.rows.get_val_or_set_mut_with_at(key, || Arc::new(Vec::with_capacity(1))));
        match rows.iter_mut().find(|row| row.is(bytes, variables)) {
            Some(row) => row.count += 1,
            None => {
                rows.push(Row {
                    names: (!variables.is_empty()).then(|| Arc::from(variables)),
                    bytes: (bytes.len() > LONGEST_PATH).then(|| Arc::from(bytes)),
                    count: 1,
                    sequence,
                });
                self.distinct += 1;
                self.open += u64::from(!variables.is_empty());
            }
        }
    }

    /// Removes a copy of exactly this atom, if there is one.
    pub(crate) fn remove(&mut self, bytes: &[u8], variables: &[Variable]) -> Option<Removed> {
        let path = path(bytes);
        // Looking before `get_mut` keeps a failed removal from copying shared nodes.
        let entry = *self.trie.get(&path)?;
        let removed = if entry.has_rows() {
            self.remove_row(entry.sequence(), bytes, variables)?
        } else if variables.is_empty() {
            Removed { first: entry.sequence(), left: entry.count() - 1 }
        } else {
            return None;
        };
        self.copies -= 1;
        if removed.left == 0 {
            self.distinct -= 1;
            self.open -= u64::from(!variables.is_empty());
        }
        if !entry.has_rows() && removed.left > 0 {
            if let Some(entry) = self.trie.get_mut(&path) {
                *entry = Entry::new(removed.first, removed.left);
            }
        } else if removed.left == 0
            && !(entry.has_rows() && self.rows.path_exists_at(row_id(entry.sequence())))
        {
            // F1: that was the last copy on this path.
            self.trie.remove(&path);
        }
        Some(removed)
    }

    fn remove_row(&mut self, id: u64, bytes: &[u8], variables: &[Variable]) -> Option<Removed> {
        let key = row_key(id, bytes, variables);
        let at = self.rows.get(key)?.iter().position(|row| row.is(bytes, variables))?;
        let rows = Arc::make_mut(self.rows.get_mut(key)?);
        rows[at].count -= 1;
        let removed = Removed { first: rows[at].sequence, left: rows[at].count };
        if removed.left == 0 {
            rows.swap_remove(at);
            if rows.is_empty() {
                self.rows.remove(key);
            }
        }
        Some(removed)
    }

    /// Appends the facts at `path`, whose value is `entry`.
    pub(crate) fn read(&self, path: &[u8], entry: Entry, facts: &mut Vec<Fact>) {
        if !entry.has_rows() {
            facts.push(Fact {
                bytes: Arc::from(path),
                count: entry.count(),
                sequence: entry.sequence(),
                names: None,
            });
            return;
        }
        let mut shared: Option<Arc<[u8]>> = None;
        let id = row_id(entry.sequence());
        let mut zipper = self.rows.read_zipper_at_path(id);
        while zipper.to_next_val() {
            let rows = zipper.val().map(|rows| rows.as_slice()).unwrap_or_default();
            facts.extend(rows.iter().map(|row| Fact {
                bytes: Arc::clone(
                    row.bytes.as_ref().unwrap_or_else(|| shared.get_or_insert_with(|| Arc::from(path))),
                ),
                count: row.count,
                sequence: row.sequence,
                names: row.names.clone(),
            }));
        }
    }

    /// Returns all facts, in insertion order.
    pub(crate) fn all(&self) -> Vec<Fact> {
        let mut facts = Vec::with_capacity(usize::try_from(self.distinct).unwrap_or(0));
        let mut zipper = self.trie.read_zipper();
        while zipper.to_next_val() {
            if let Some(entry) = zipper.val() {
                self.read(zipper.path(), *entry, &mut facts);
            }
        }
        facts.sort_unstable_by_key(|fact| fact.sequence);
        facts
    }
}

impl Row {
    fn is(&self, bytes: &[u8], variables: &[Variable]) -> bool {
        self.names.as_deref().unwrap_or_default() == variables
            && self.bytes.as_deref().is_none_or(|known| known == bytes)
    }
}

/// Returns the path of an atom (F2).
fn path(bytes: &[u8]) -> Cow<'_, [u8]> {
    if bytes.len() <= LONGEST_PATH {
        return Cow::Borrowed(bytes);
    }
    let mut path = bytes[..LONGEST_PATH].to_vec();
    path.extend_from_slice(&hash_of(bytes).to_be_bytes());
    Cow::Owned(path)
}

/// Returns the prefix of all row keys of an entry.
fn row_id(sequence: u64) -> [u8; 6] {
    let [_, _, id @ ..] = sequence.to_be_bytes();
    id
}

fn row_key(id: u64, bytes: &[u8], variables: &[Variable]) -> [u8; 14] {
    let long = (bytes.len() > LONGEST_PATH).then_some(bytes);
    let mut key = [0; 14];
    key[..6].copy_from_slice(&row_id(id));
    key[6..].copy_from_slice(&hash_of((variables, long)).to_be_bytes());
    key
}

fn hash_of(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F1: nothing stays behind in the trie or in the rows.
    #[test]
    fn the_last_copy_takes_its_path_along() {
        let long = [0xC1; LONGEST_PATH + 1];
        let names = [Variable::new("x"), Variable::new("y")];
        let mut facts = Facts::new();
        let atoms: [(&[u8], &[Variable]); 5] = [
            (b"\xC1a", &[]),
            (b"\xC0", &names[..1]),
            (b"\xC0", &names[1..]),
            (&long, &[]),
            (&long[1..], &[]),
        ];
        for (bytes, variables) in atoms {
            facts.add(bytes, variables);
            facts.add(bytes, variables);
        }
        assert_eq!((facts.copies(), facts.distinct(), facts.trie.val_count()), (10, 5, 4));
        for (bytes, variables) in atoms {
            assert_eq!(facts.remove(bytes, variables).map(|removed| removed.left), Some(1));
            assert_eq!(facts.remove(bytes, variables).map(|removed| removed.left), Some(0));
            assert_eq!(facts.remove(bytes, variables), None);
        }
        assert_eq!((facts.copies(), facts.distinct(), facts.has_open()), (0, 0, false));
        assert_eq!((facts.trie.val_count(), facts.rows.val_count()), (0, 0));
    }

    #[test]
    fn an_entry_holds_a_sequence_of_48_bits() {
        let entry = Entry::new((1 << 48) - 1, MOST_INLINE);
        assert_eq!((entry.sequence(), entry.count()), ((1 << 48) - 1, MOST_INLINE));
        assert!(Entry::new(1, 0).has_rows());
    }
}
