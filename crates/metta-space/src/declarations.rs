//! The equations and types of a space, decoded and by name.
//!
//! Kept up to date by every addition and removal, so that looking up the rules of a
//! function costs one descent and no decoding.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use metta_atom::Atom;
use pathmap::PathMap;
use pathmap::zipper::{ZipperIteration, ZipperValues};
use rpds::VectorSync;
use xxhash_rust::xxh3::xxh3_64;

use crate::bytes::{Item, Reader};

/// The relations that are indexed: expressions of exactly three elements with one of these heads.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Relation {
    /// `(= left right)`.
    Equation,
    /// `(: left right)`.
    HasType,
    /// `(:< left right)`.
    SubType,
}

/// What the left side of a declaration is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Key<'a> {
    /// An expression headed by this symbol.
    Call(&'a str),
    /// This symbol.
    Symbol(&'a str),
    /// Anything else.
    Open,
}

/// An equation or a type, decoded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Declaration {
    /// When this copy was added, relative to everything else in the space.
    pub sequence: u64,
    /// The second element.
    pub left: Atom,
    /// The third element.
    pub right: Atom,
}

/// Declarations under one key, in definition order. Cloning is O(1), and a clone never changes.
///
/// Invariant D1: lists with the same origin came out of one another by additions alone, each behind all
/// others. So two of them agree up to any declaration that both have at the same place.
#[derive(Clone, Default)]
pub struct Declared {
    items: VectorSync<Arc<Declaration>>,
    origin: Arc<()>,
}

impl Declared {
    /// Returns the number of declarations, copies counted.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Reports whether there is none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Returns the declaration at a place. Cost: O(log n).
    pub fn get(&self, index: usize) -> Option<&Arc<Declaration>> {
        self.items.get(index)
    }

    /// Returns the newest declaration.
    pub fn last(&self) -> Option<&Arc<Declaration>> {
        self.items.last()
    }

    /// Returns the declarations in definition order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<Declaration>> + ExactSizeIterator {
        self.items.iter()
    }

    /// Reports whether the list is known to begin with all of `older`: it was made from that by
    /// additions, if by any write. Cost: O(log n).
    pub fn extends(&self, older: &Declared) -> bool {
        // D1
        let Some(at) = older.len().checked_sub(1) else { return false };
        Arc::ptr_eq(&self.origin, &older.origin)
            && match (self.get(at), older.last()) {
                (Some(own), Some(last)) => Arc::ptr_eq(own, last),
                _ => false,
            }
    }

    fn push(&mut self, declaration: Declaration) {
        self.items.push_back_mut(Arc::new(declaration));
    }

    fn remove(&mut self, position: usize) {
        self.origin = Arc::default();
        if position + 1 == self.len() {
            self.items.drop_last_mut();
        } else {
            let kept = self.items.iter().enumerate().filter(|(index, _)| *index != position);
            self.items = kept.map(|(_, known)| Arc::clone(known)).collect();
        }
    }

    /// The place of the declaration with this sequence number.
    fn position_of(&self, sequence: u64) -> Option<usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.items[middle].sequence.cmp(&sequence) {
                Ordering::Equal => return Some(middle),
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
            }
        }
        None
    }
}

impl fmt::Debug for Declared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// How the atoms begin that may be declarations.
pub(crate) const DECLARING: [&[u8]; 3] = [b"\x03\xC1=", b"\x03\xC1:", b"\x03\xC2:<"];

/// Returns where the atom in `bytes` is indexed, if it is a declaration.
pub(crate) fn classify(bytes: &[u8]) -> Option<(Relation, Key<'_>)> {
    let mut reader = Reader::new(bytes);
    let (Some(Item::Arity(3)), Some(Item::Symbol(head))) = (reader.next(), reader.next()) else {
        return None;
    };
    let relation = match head {
        "=" => Relation::Equation,
        ":" => Relation::HasType,
        ":<" => Relation::SubType,
        _ => return None,
    };
    let left = reader.next()?;
    if let Item::Symbol(name) = left {
        return Some((relation, Key::Symbol(name)));
    }
    let is_call = matches!(left, Item::Arity(1..));
    match reader.next() {
        Some(Item::Symbol(name)) if is_call => Some((relation, Key::Call(name))),
        _ => Some((relation, Key::Open)),
    }
}

/// Under which keys something may be declared: no name that was is ever missing.
#[derive(Clone, Default)]
struct Names {
    /// For each name a bit that its hash says.
    bits: Option<Arc<[u64; 64]>>,
    open: bool,
}

impl Names {
    fn place(name: &str) -> (usize, u64) {
        let hash = xxh3_64(name.as_bytes());
        ((hash >> 6) as usize % 64, 1 << (hash % 64))
    }

    fn note(&mut self, key: Key<'_>) {
        let (Key::Call(name) | Key::Symbol(name)) = key else {
            self.open = true;
            return;
        };
        let (word, bit) = Names::place(name);
        let bits = self.bits.get_or_insert_with(|| Arc::new([0; 64]));
        if bits[word] & bit == 0 {
            Arc::make_mut(bits)[word] |= bit;
        }
    }

    fn may_include(&self, name: &str) -> bool {
        let (word, bit) = Names::place(name);
        self.open || self.bits.as_ref().is_some_and(|bits| bits[word] & bit != 0)
    }
}

/// All declarations of a space. Cloning is O(1).
#[derive(Clone)]
pub(crate) struct Declarations {
    lists: PathMap<Declared>,
    names: Names,
}

impl Declarations {
    pub(crate) fn new() -> Self {
        let lists = PathMap::new();
        crate::snapshot::force_root(&lists);
        Declarations { lists, names: Names::default() }
    }

    pub(crate) fn get(&self, relation: Relation, key: Key<'_>) -> Option<&Declared> {
        self.lists.get(path(relation, key))
    }

    /// The lists of all calls, and of what is open.
    pub(crate) fn calls(&self, relation: Relation) -> Vec<Declared> {
        let mut lists: Vec<Declared> = self.get(relation, Key::Open).cloned().into_iter().collect();
        let mut zipper = self.lists.read_zipper_at_path(path(relation, Key::Call("")));
        while zipper.to_next_val() {
            lists.extend(zipper.val().cloned());
        }
        lists
    }

    /// Reports whether something may be declared for a symbol, or for what is open.
    pub(crate) fn may_concern(&self, name: &str) -> bool {
        self.names.may_include(name)
    }

    /// Appends a declaration, which is newer than all others.
    pub(crate) fn add(&mut self, relation: Relation, key: Key<'_>, declaration: Declaration) {
        self.names.note(key);
        let list = self.lists.get_val_or_set_mut_with_at(path(relation, key), Declared::default);
        list.push(declaration);
    }

    /// Removes the last declaration under the key for which `is_it` holds.
    pub(crate) fn remove_last(
        &mut self,
        relation: Relation,
        key: Key<'_>,
        is_it: impl Fn(&Declaration) -> bool,
    ) {
        let path = path(relation, key);
        let position = self.lists.get(&path).and_then(|list| list.iter().rposition(|known| is_it(known)));
        self.remove_at(&path, position);
    }

    /// Removes the declaration with this sequence number.
    pub(crate) fn remove_sequence(&mut self, relation: Relation, key: Key<'_>, sequence: u64) {
        let path = path(relation, key);
        let position = self.lists.get(&path).and_then(|list| list.position_of(sequence));
        self.remove_at(&path, position);
    }

    fn remove_at(&mut self, path: &[u8], position: Option<usize>) {
        debug_assert!(position.is_some(), "every stored declaration is indexed");
        let (Some(position), Some(list)) = (position, self.lists.get_mut(path)) else { return };
        list.remove(position);
        if list.is_empty() {
            self.lists.remove(path);
        }
    }
}

fn path(relation: Relation, key: Key<'_>) -> Vec<u8> {
    let relation = match relation {
        Relation::Equation => b'=',
        Relation::HasType => b':',
        Relation::SubType => b'<',
    };
    let (kind, name) = match key {
        Key::Call(name) => (b'(', name),
        Key::Symbol(name) => (b's', name),
        Key::Open => (b'*', ""),
    };
    [&[relation, kind], name.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_declared_are_never_missing() {
        let left = Atom::symbol("left");
        let declaration = |sequence| Declaration { sequence, left: left.clone(), right: left.clone() };
        let names: Vec<String> = (0..40).map(|index| format!("name-{index}")).collect();
        let mut declarations = Declarations::new();
        let before = declarations.clone();
        for (sequence, name) in (0..).zip(&names) {
            let key = if sequence % 2 == 0 { Key::Call(name) } else { Key::Symbol(name) };
            declarations.add(Relation::Equation, key, declaration(sequence));
        }
        assert!(names.iter().all(|name| declarations.may_concern(name) && !before.may_concern(name)));
        let others = (0..1000).filter(|index| declarations.may_concern(&format!("other-{index}"))).count();
        assert!(others < 100, "{others}");
        // What is open is about every name.
        declarations.add(Relation::HasType, Key::Open, declaration(40));
        assert!(declarations.may_concern("other"));
    }
}
