//! The content of a space as a value.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use metta_atom::{Atom, Grounded, Symbol, Variable};
use pathmap::PathMap;
use xxhash_rust::xxh3::xxh3_64;

use crate::bytes::Encoded;
use crate::declarations::{DECLARING, Declaration, Declarations, Declared, Key, Relation, classify};
use crate::facts::stored::LaterCopies;
use crate::facts::{Fact, Facts, Found, hash_of};
use crate::handles::{Handles, address};
use crate::join::{self, Answers};
use crate::{terms, walk};

/// Gives an empty map its root.
///
/// The first look at a map without one writes it, unsynchronised even through `&`;
/// so no map is shared before it has been looked at.
pub(crate) fn force_root<V: Clone + Send + Sync + Unpin>(map: &PathMap<V>) {
    let _ = map.read_zipper();
}

/// What is known about the atoms of a space beside the atoms themselves.
#[derive(Clone)]
pub(crate) struct Registry {
    pub(crate) declarations: Declarations,
    pub(crate) handles: Handles,
}

/// The content of a space: a multiset of atoms.
///
/// A plain value: cloning is O(1), a clone never changes, and writing to one of
/// several clones copies only what the write touches.
///
/// ```
/// use metta_atom::Atom;
/// use metta_space::Snapshot;
///
/// let edge = |from, to| Atom::expression([Atom::symbol("edge"), from, to]);
/// let [a, b, x] = [Atom::symbol("a"), Atom::symbol("b"), Atom::variable("x")];
/// let mut space = Snapshot::new();
/// space.add(&edge(a.clone(), b.clone()));
/// let before = space.clone();
/// space.add(&edge(a.clone(), a.clone()));
/// assert_eq!((space.query(&edge(a.clone(), x.clone())).len(), before.len()), (2, 1));
/// assert_eq!(space.changes_since(&before).added.len(), 1);
/// ```
///
/// Invariant V1: two snapshots with equal [`version`](Snapshot::version) came out of
/// the same series of writes (but for a collision of 64-bit hashes).
#[derive(Clone)]
pub struct Snapshot {
    pub(crate) registry: Registry,
    pub(crate) facts: Facts,
    pub(crate) version: u64,
}

impl Snapshot {
    /// Makes an empty space.
    pub fn new() -> Self {
        Snapshot {
            registry: Registry { declarations: Declarations::new(), handles: Handles::new() },
            facts: Facts::new(),
            version: 0,
        }
    }

    /// Makes a space of facts without values of the host.
    pub(crate) fn from_facts(facts: Facts, version: u64) -> Self {
        let snapshot = Snapshot { facts, version, ..Snapshot::new() };
        let copies = |found: &Found| std::iter::repeat_n(found.sequence, found.count as usize);
        let declared = snapshot.facts_that_declare().into_iter();
        let copies = declared.flat_map(|found| copies(&found).map(move |sequence| (sequence, found)));
        let copies = copies.collect();
        snapshot.with_declared(copies)
    }

    /// Makes a space of the facts in a file, where later copies of rules and types have their own places;
    /// `None` when those are not as many as there should be.
    pub(crate) fn from_columns(facts: Facts, later: &LaterCopies, version: u64) -> Option<Self> {
        let snapshot = Snapshot { facts, version, ..Snapshot::new() };
        let found = snapshot.facts_that_declare();
        let mut copies: Vec<(u64, Found)> = found.iter().map(|found| (found.sequence, *found)).collect();
        let by_row: HashMap<u32, &Found> = found.iter().map(|found| (found.row(), found)).collect();
        for (row, sequence) in later.iter() {
            copies.push((sequence, **by_row.get(&row)?));
        }
        let expected: u64 = found.iter().fold(0, |sum, found| sum.saturating_add(found.count));
        (copies.len() as u64 == expected).then(|| snapshot.with_declared(copies))
    }

    /// The equations and types.
    fn facts_that_declare(&self) -> Vec<Found> {
        let mut found: Vec<Found> =
            DECLARING.iter().flat_map(|prefix| self.facts.beginning(prefix)).collect();
        found.retain(|found| classify(self.facts.fact(found).bytes).is_some());
        found
    }

    /// Lists copies of equations and types, each with when it was added.
    pub(crate) fn with_declared(mut self, mut copies: Vec<(u64, Found)>) -> Self {
        copies.sort_unstable_by_key(|(sequence, _)| *sequence);
        let Snapshot { registry, facts, .. } = &mut self;
        for (sequence, found) in copies {
            let fact = facts.fact(&found);
            declare(registry, sequence, fact.bytes, fact.variables(), None);
        }
        self
    }

    /// The copies of equations and types but for the first of each, with when they were added.
    pub(crate) fn later_copies(&self) -> Vec<(Found, u64)> {
        let mut later = Vec::new();
        for found in self.facts_that_declare().into_iter().filter(|found| found.count > 1) {
            let fact = self.facts.fact(&found);
            let Some((relation, key)) = classify(fact.bytes) else { continue };
            let Some(list) = self.registry.declarations.get(relation, key) else { continue };
            let is_it = is_declaration(&self.registry.handles, fact.bytes, fact.variables());
            let copies = list.iter().filter(|known| is_it(known)).map(|known| known.sequence);
            later.extend(copies.skip(1).map(|sequence| (found, sequence)));
        }
        later
    }

    /// Encodes `atom`; values without bytes of their own enter the handle table.
    ///
    /// Cost: O(size of `atom`), and for every new value of the host a comparison with
    /// each known one.
    pub fn encode(&mut self, atom: &Atom) -> Encoded {
        terms::encode(atom, |value| self.intern(value.clone()))
    }

    /// Encodes `atom` for a look-up; a value that the handle table does not have
    /// becomes the handle `u64::MAX`, which no atom of the space holds.
    pub fn encode_pattern(&self, atom: &Atom) -> Encoded {
        terms::encode(atom, |value| self.handle_of(value).unwrap_or(u64::MAX))
    }

    /// Decodes bytes that this snapshot made, with these variables.
    ///
    /// What does not belong to this snapshot gets a stand-in: a variable without a
    /// name becomes `$_#n`, an unknown handle the symbol `_`.
    pub fn decode(&self, bytes: &[u8], variables: &[Variable]) -> Atom {
        decode(&self.registry.handles, bytes, variables)
    }

    /// Enters a value into the handle table and returns its number.
    pub fn intern(&mut self, value: Grounded) -> u64 {
        if let Some(id) = self.registry.handles.find(&value) {
            return id;
        }
        // V1: the same number may mean another value in a snapshot with another history.
        let mut hasher = DefaultHasher::new();
        (address(&value), value.to_string()).hash(&mut hasher);
        self.version = stamp(self.version, b'h', hasher.finish());
        self.registry.handles.add(value)
    }

    /// Returns the number of a value in the handle table.
    pub fn handle_of(&self, value: &Grounded) -> Option<u64> {
        self.registry.handles.find(value)
    }

    /// Returns the value with this number.
    pub fn handle(&self, id: u64) -> Option<&Grounded> {
        self.registry.handles.get(id)
    }

    /// Adds a copy of `atom`.
    pub fn add(&mut self, atom: &Atom) {
        let Encoded { bytes, variables } = self.encode(atom);
        self.version =
            add(&mut self.registry, &mut self.facts, self.version, (&bytes, &variables), Some(atom));
    }

    /// Removes one copy of exactly this atom, names of variables included; reports
    /// whether there was one. Of several copies the newest goes.
    pub fn remove(&mut self, atom: &Atom) -> bool {
        let Encoded { bytes, variables } = self.encode_pattern(atom);
        self.remove_encoded(&bytes, &variables)
    }

    /// Adds a copy of an encoded atom; `bytes` are valid and `variables` are as many as they introduce.
    pub fn add_encoded(&mut self, bytes: &[u8], variables: &[Variable]) {
        self.version = add(&mut self.registry, &mut self.facts, self.version, (bytes, variables), None);
    }

    /// Removes one copy of exactly this encoded atom; reports whether there was one.
    pub fn remove_encoded(&mut self, bytes: &[u8], variables: &[Variable]) -> bool {
        let version = remove(&mut self.registry, &mut self.facts, self.version, (bytes, variables));
        self.version = version.unwrap_or(self.version);
        version.is_some()
    }

    /// Returns the number of atoms, copies counted.
    pub fn len(&self) -> u64 {
        self.facts.copies()
    }

    /// Reports whether there is no atom.
    pub fn is_empty(&self) -> bool {
        self.facts.copies() == 0
    }

    /// Returns the number of different atoms.
    pub fn distinct(&self) -> u64 {
        self.facts.distinct()
    }

    /// Returns a number that every write changes and that stands for the series of all
    /// writes so far: two clones written to in different ways have different versions.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Returns the facts in insertion order.
    pub fn iter(&self) -> impl Iterator<Item = Fact<'_>> {
        self.facts.all().into_iter().map(|found| self.facts.fact(&found))
    }

    /// Returns the facts that may unify with the encoded `pattern`, in insertion order.
    ///
    /// Every fact that does unify is among them, once; some that do not may be too:
    /// repeated variables are not compared, and what matches in its own way is not asked.
    ///
    /// Cost: about that of the facts returned, wherever the known elements are. When they are not the
    /// leading ones an index is built, at the second query of that form.
    pub fn candidates(&self, pattern: &[u8]) -> Vec<Found> {
        walk::candidates(&self.facts, self.registry.handles.are_matching(), pattern)
    }

    /// Returns the answers of an encoded conjunction `(, ...)` over facts without variables.
    ///
    /// The elements of each conjunct behind its head are variables or known. `None` when this is not so, when
    /// a fact that may match has variables or values that equal others of different bytes (floats,
    /// states, values of the host), and when there are more than `limit` different answers.
    ///
    /// Cost: that of a worst-case-optimal join; at the first time also that of indexes, which
    /// stay with the facts.
    ///
    /// Answers: sequence.
    pub fn join(&self, pattern: &[u8], limit: usize) -> Option<Answers> {
        if self.registry.handles.are_matching() {
            return None;
        }
        join::join(&self.facts, pattern, limit)
    }

    /// Returns a fact that was found in this snapshot.
    ///
    /// # Panics
    /// Perhaps, when it was found in another one.
    pub fn fact(&self, found: &Found) -> Fact<'_> {
        self.facts.fact(found)
    }

    /// Brings what was added lately into the form in which it is queried.
    ///
    /// A query does this too when it must, for itself; doing it before the snapshot is shared does it
    /// for all, and saves the memory of the other form. Cost: that of a query, once for each fact.
    pub fn freeze(&mut self) {
        self.facts.freeze();
    }

    /// Reports whether [`Snapshot::freeze`] has something to do.
    pub fn is_growing(&self) -> bool {
        self.facts.is_growing()
    }

    /// Brings the facts into the form that takes the least memory and is fastest to query.
    ///
    /// Writes do this little by little; after many of them it is worth doing at once. Cost: O(size of
    /// what was added since the last time), at worst O(size of the space).
    pub fn settle(&mut self) {
        self.facts.settle();
    }

    /// About how many bytes the facts take, indexes and declarations left out.
    pub fn size_bytes(&self) -> usize {
        self.facts.allocated()
    }

    /// How many bytes the indexes take that queries have built so far.
    pub fn index_bytes(&self) -> usize {
        self.facts.index_bytes()
    }

    /// Gives the memory of indexes back, as far as nobody else shares them; queries build them again when
    /// they need them.
    pub fn drop_indexes(&mut self) {
        self.facts.drop_indexes();
    }

    /// Returns the declarations whose left side is `key`, in definition order; each
    /// copy of a duplicate is listed.
    ///
    /// Cost: O(length of the name).
    pub fn declarations(&self, relation: Relation, key: Key<'_>) -> Option<Declared> {
        self.registry.declarations.get(relation, key).cloned()
    }

    /// Reports whether there may be declarations under [`Key::Call`] or [`Key::Symbol`] of a name, or under
    /// [`Key::Open`]; `false` is certain.
    ///
    /// Cost: O(length of the name), and far less than asking for each.
    pub fn may_declare(&self, name: &str) -> bool {
        self.registry.declarations.may_concern(name)
    }

    /// Returns the declarations under every [`Key::Call`] and under [`Key::Open`], a list for each.
    ///
    /// Cost: O(number of lists).
    pub fn call_declarations(&self, relation: Relation) -> Vec<Declared> {
        self.registry.declarations.calls(relation)
    }
}

/// Adds a copy; returns the next version.
pub(crate) fn add(
    registry: &mut Registry,
    facts: &mut Facts,
    version: u64,
    (bytes, variables): (&[u8], &[Variable]),
    atom: Option<&Atom>,
) -> u64 {
    let hash = hash_of(bytes, variables);
    let sequence = facts.add(hash, bytes, variables);
    declare(registry, sequence, bytes, variables, atom);
    stamp(version, b'+', hash)
}

/// Enters a copy of an atom into the declarations, if it is one.
fn declare(
    registry: &mut Registry,
    sequence: u64,
    bytes: &[u8],
    variables: &[Variable],
    atom: Option<&Atom>,
) {
    let Some((relation, key)) = classify(bytes) else { return };
    let atom = atom.cloned().unwrap_or_else(|| decode(&registry.handles, bytes, variables));
    if let Some([_, left, right]) = atom.children() {
        let declaration = Declaration { sequence, left: left.clone(), right: right.clone() };
        registry.declarations.add(relation, key, declaration);
    }
}

/// Removes a copy; returns the next version if there was one.
pub(crate) fn remove(
    registry: &mut Registry,
    facts: &mut Facts,
    version: u64,
    (bytes, variables): (&[u8], &[Variable]),
) -> Option<u64> {
    let hash = hash_of(bytes, variables);
    let removed = facts.remove(hash, bytes, variables)?;
    if let Some((relation, key)) = classify(bytes) {
        if removed.left == 0 {
            registry.declarations.remove_sequence(relation, key, removed.first);
        } else {
            let Registry { declarations, handles } = registry;
            let same = is_declaration(handles, bytes, variables);
            declarations.remove_last(relation, key, same);
        }
    }
    Some(stamp(version, b'-', hash))
}

/// Tells the declarations that are this fact. Equal atoms may still be two facts, such as `1` and `1.0`.
fn is_declaration(handles: &Handles, bytes: &[u8], variables: &[Variable]) -> impl Fn(&Declaration) -> bool {
    let atom = decode(handles, bytes, variables);
    move |known| {
        let Some([head, left, right]) = atom.children() else { return false };
        known.left == *left && known.right == *right && {
            let whole = Atom::expression([head.clone(), known.left.clone(), known.right.clone()]);
            let known = terms::encode(&whole, |value| handles.find(value).unwrap_or(u64::MAX));
            known.bytes == bytes && known.variables == variables
        }
    }
}

fn decode(handles: &Handles, bytes: &[u8], variables: &[Variable]) -> Atom {
    let variable = |i: usize| match variables.get(i) {
        Some(variable) => Atom::Variable(variable.clone()),
        None => Atom::Variable(Variable::renamed(Symbol::new("_"), i as u64 + 1)),
    };
    let handle =
        |id| handles.get(id).map_or_else(|| Atom::symbol("_"), |value| Atom::Grounded(value.clone()));
    terms::decode(bytes, variable, handle)
}

/// V1: chains a write to the history that `version` stands for.
pub(crate) fn stamp(version: u64, kind: u8, write: u64) -> u64 {
    let mut words = [kind; 17];
    words[..8].copy_from_slice(&version.to_le_bytes());
    words[8..16].copy_from_slice(&write.to_le_bytes());
    xxh3_64(&words)
}

impl Default for Snapshot {
    fn default() -> Self {
        Snapshot::new()
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot")
            .field("len", &self.len())
            .field("distinct", &self.distinct())
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
