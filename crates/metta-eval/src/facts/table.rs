//! The facts of one space that have the same head and length.
//!
//! Invariant F3: a search sees the table as it was when the search began. So a fact that goes stays as an
//! entry that has `died`, and one whose number of copies changes gets a `newer` entry.

use std::collections::HashMap;

use metta_space::Snapshot;
use metta_space::bytes::Writer;

use super::index::{FactId, Index, List, Look, Term};
use super::matching::{self, Pattern};
use crate::terms::cell::{CODE, Cell, SymbolId, View};
use crate::terms::heap::Heap;
use crate::terms::shared::Shared;

/// No time yet.
const NEVER: u64 = u64::MAX;
/// How often the index may list a fact, on average.
const MOST_REFERENCES: usize = 16;
/// No entry.
/// Dead entries that are always borne.
const FEW_DEAD: usize = 64;
const NONE: FactId = FactId::MAX;

/// A fact in the code area.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stored {
    /// The term; variables are `Local`.
    pub(crate) root: Cell,
    /// For a term with variables the cells that it takes.
    start: u32,
    pub(super) length: u32,
    /// For such a term where it is in [`Table::names`].
    names: u32,
}

#[derive(Clone, Debug)]
struct Entry {
    stored: Stored,
    copies: u64,
    born: u64,
    died: u64,
    /// The entry with the next number of copies, and in the first of a chain the last one.
    newer: FactId,
    latest: FactId,
}

/// The facts of a space with one head and length, as far as they are known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    entries: Shared<Entry>,
    /// The names of the variables of the facts that have some.
    names: Shared<Box<[SymbolId]>>,
    index: Index,
    /// The index has grown too big: every search goes through all facts.
    unindexed: bool,
    /// Entries that are no longer in the space, and with how many the table is compacted.
    dead: usize,
    bearable: usize,
    /// Whether some fact is a variable, or has one as its head.
    pub(crate) open_heads: bool,
    cells: usize,
    /// When the last fact came.
    newest: u64,
    /// When it was read: earlier searches cannot use it.
    pub(crate) since: u64,
}

/// A walk over the facts that may match.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Search {
    list: List,
    next: u32,
    end: u32,
    time: u64,
    /// Whether all facts of the list held when it began, with the numbers of copies in their first entries.
    plain: bool,
    /// The fact found last, and how often it still has to be taken.
    pub(crate) fact: FactId,
    pub(crate) copies: u64,
}

impl Table {
    /// Reads the facts of a space.
    pub(crate) fn read(heap: &mut Heap, space: &Snapshot, head: SymbolId, length: u32, time: u64) -> Table {
        let mut table = Table { since: time, bearable: FEW_DEAD, ..Table::default() };
        let mut pattern = Writer::new();
        pattern.arity(length as usize);
        pattern.symbol(heap.symbols.name(head));
        for _ in 1..length {
            pattern.new_var();
        }
        for found in space.candidates(pattern.bytes()) {
            let fact = space.fact(&found);
            let top = heap.top();
            let term = heap.decode(fact.bytes, fact.variables(), space);
            table.append(heap, term, fact.count, time);
            heap.cells.truncate(top as usize);
        }
        table
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.len() == self.dead
    }

    pub(super) fn append(&mut self, heap: &mut Heap, term: Cell, copies: u64, time: u64) {
        let stored = self.store(heap, term);
        self.open_heads |= match stored.root.slice() {
            Some((address, _)) => !matches!(heap.get(address).view(), View::Symbol(_)),
            None => true,
        };
        let id = self.entries.len() as FactId;
        self.newest = time;
        self.entries.push(Entry { stored, copies, born: time, died: NEVER, newer: NONE, latest: id });
        if self.unindexed {
            self.index.add_unindexed(id);
        } else {
            self.index.add(id, &Term { heap, root: stored.root });
        }
    }

    /// Adds a copy of a fact without variables, at a time that no search has begun at yet.
    pub(crate) fn add(&mut self, heap: &mut Heap, term: Cell, time: u64) {
        match self.known(heap, term) {
            Some(id) => self.recount(id, time, |copies| copies + 1),
            None => self.append(heap, term, 1, time),
        }
    }

    /// Removes a copy of a fact without variables; reports whether there was one.
    pub(crate) fn remove(&mut self, heap: &Heap, term: Cell, time: u64) -> bool {
        let Some(id) = self.known(heap, term) else { return false };
        let last = self.entries[id as usize].latest;
        if self.entries[last as usize].copies > 1 {
            self.recount(id, time, |copies| copies - 1);
        } else {
            self.entries[last as usize].died = time;
            self.dead += 1;
        }
        true
    }

    fn recount(&mut self, id: FactId, time: u64, count: impl Fn(u64) -> u64) {
        let last = self.entries[id as usize].latest;
        let Entry { stored, copies, born, .. } = self.entries[last as usize];
        if born == time {
            self.entries[last as usize].copies = count(copies);
            return;
        }
        let next = self.entries.len() as FactId;
        self.entries.push(Entry {
            stored,
            copies: count(copies),
            born: time,
            died: NEVER,
            newer: NONE,
            latest: next,
        });
        let old = &mut self.entries[last as usize];
        // F3: a search that began before goes on with the old entry.
        (old.died, old.newer) = (time, next);
        self.entries[id as usize].latest = next;
        self.dead += 1;
    }

    /// The first entry of a fact that is there now.
    fn known(&mut self, heap: &Heap, term: Cell) -> Option<FactId> {
        let list = self.find(heap, &Term { heap, root: term });
        let facts = self.index.facts(&list);
        facts.iter().rev().copied().find(|id| {
            let entry = &self.entries[*id as usize];
            self.entries[entry.latest as usize].died == NEVER && is_same(heap, entry.stored.root, term)
        })
    }

    /// The facts that may match a query.
    fn find(&mut self, heap: &Heap, query: &impl Look) -> List {
        // Facts with variables where others differ are in the lists of all of those.
        self.unindexed |= self.index.references() > MOST_REFERENCES * (self.entries.len() + 256);
        if self.unindexed {
            return List::Node(0);
        }
        let entries = &self.entries;
        let root_of = |id: FactId| Term { heap, root: entries[id as usize].stored.root };
        self.index.find(query, &root_of)
    }

    /// Begins a search at `time`.
    pub(crate) fn search(&mut self, heap: &Heap, query: &impl Look, time: u64) -> Search {
        let list = self.find(heap, query);
        let end = self.index.facts(&list).len() as u32;
        // What comes later is behind the end; an entry that goes, or is counted anew, stays as it is.
        let plain = self.dead == 0 && time >= self.newest;
        Search { list, next: 0, end, time, plain, fact: NONE, copies: 0 }
    }

    /// Goes on to the next fact of a search, or the next copy of it.
    #[inline]
    pub(crate) fn advance(&self, search: &mut Search) -> bool {
        if search.copies > 1 {
            search.copies -= 1;
            return true;
        }
        let facts = self.index.facts(&search.list);
        while search.next < search.end {
            let first = facts[search.next as usize];
            search.next += 1;
            if search.plain {
                search.fact = first;
                search.copies = self.entries[first as usize].copies;
                return true;
            }
            if let Some(id) = self.at(first, search.time) {
                search.fact = first;
                search.copies = self.entries[id as usize].copies;
                return true;
            }
        }
        false
    }

    /// Takes the second half of a search away, as far as there is one.
    pub(crate) fn divide(&self, search: &mut Search) -> Option<Search> {
        let middle = search.next + (search.end.checked_sub(search.next)?) / 2;
        let mut second = Search { next: middle, copies: 0, ..*search };
        self.advance(&mut second).then(|| {
            search.end = middle;
            second
        })
    }

    /// The entry of a fact that held at a time.
    #[inline]
    fn at(&self, first: FactId, time: u64) -> Option<FactId> {
        let holds = |id: FactId| {
            let entry = &self.entries[id as usize];
            entry.born <= time && time < entry.died
        };
        let latest = self.entries[first as usize].latest;
        if holds(latest) {
            return Some(latest);
        }
        let mut id = first;
        while id != NONE {
            if holds(id) {
                return Some(id);
            }
            id = self.entries[id as usize].newer;
        }
        None
    }

    /// A fact as it is stored.
    #[inline]
    pub(crate) fn stored(&self, fact: FactId) -> Stored {
        self.entries[fact as usize].stored
    }

    /// Unifies a term with a fact. A failure leaves bindings behind.
    pub(crate) fn unify(&self, heap: &mut Heap, term: Cell, fact: FactId) -> bool {
        let stored = self.stored(fact);
        matching::unify(heap, term, stored, self.names(stored))
    }

    /// Unifies a pattern of code with a fact that has variables. A failure leaves bindings behind.
    #[inline]
    pub(crate) fn unify_pattern(&self, heap: &mut Heap, pattern: Pattern<'_>, stored: Stored) -> bool {
        matching::unify_pattern(heap, pattern, stored, self.names(stored))
    }

    #[inline]
    pub(super) fn names(&self, stored: Stored) -> &[SymbolId] {
        self.names.get(stored.names as usize).map_or(&[], |names| names)
    }

    /// Copies a term into the code area.
    fn store(&mut self, heap: &mut Heap, term: Cell) -> Stored {
        /// A tuple under way: where it is, how much of it is left, and where its copy goes.
        struct Part {
            source: u32,
            left: u32,
            place: u32,
            copy: Cell,
            ground: bool,
            inert: bool,
        }
        let mut variables: HashMap<u32, u32> = HashMap::new();
        let mut names = Vec::new();
        let start = heap.code.len() as u32;
        let mut path: Vec<Part> = Vec::new();
        let mut done = None;
        let mut next = Some(heap.deref(term));
        loop {
            if let Some(cell) = next.take() {
                done = match cell.view() {
                    View::Expression { address, length } if length > 0 => {
                        let place = heap.code.len() as u32;
                        heap.code.lengthen(length as usize, Cell::UNIT);
                        let copy = Cell::expression(place | CODE, length, false);
                        path.push(Part {
                            source: address,
                            left: length,
                            place,
                            copy,
                            ground: true,
                            inert: true,
                        });
                        None
                    }
                    View::Ref(address) => {
                        let known = variables.len() as u32;
                        let variable = *variables.entry(address).or_insert_with(|| {
                            names.push(match heap.get(address).view() {
                                View::Variable { name, .. } => name,
                                _ => crate::terms::symbols::VARIABLE,
                            });
                            known
                        });
                        Some(Cell::local(variable))
                    }
                    View::Boxed(index) if index & CODE == 0 => {
                        let value = heap.boxed(index).clone();
                        heap.code_boxes.push(value);
                        Some(Cell::boxed((heap.code_boxes.len() as u32 - 1) | CODE))
                    }
                    _ => Some(cell),
                };
            }
            let Some(part) = path.last_mut() else { break };
            if let Some(cell) = done.take() {
                part.ground &= cell.is_ground();
                part.inert &= cell.is_inert_element();
                heap.code[part.place as usize] = cell;
                (part.place, part.source, part.left) = (part.place + 1, part.source + 1, part.left - 1);
            }
            if part.left > 0 {
                next = Some(heap.deref(heap.get(part.source)));
                continue;
            }
            let Some(Part { copy, ground, inert, .. }) = path.pop() else { break };
            let copy = if ground { copy.grounded() } else { copy };
            let copy = if ground && inert { copy.with_evaluated_elements() } else { copy };
            done = Some(copy);
            if path.is_empty() {
                break;
            }
        }
        let root = done.unwrap_or(Cell::UNIT);
        let length = heap.code.len() as u32 - start;
        self.cells += length as usize;
        let place = self.names.len() as u32;
        if !root.is_ground() {
            self.names.push(names.into());
        }
        Stored { root, start, length, names: place }
    }

    /// Forgets what is dead. No search is under way.
    pub(crate) fn compact(&mut self) {
        if !self.is_wasteful() {
            return;
        }
        let mut renamed = vec![NONE; self.entries.len()];
        let mut kept: Vec<Entry> = Vec::new();
        for first in self.index.facts(&List::Node(0)) {
            let latest = self.entries[*first as usize].latest;
            if self.entries[latest as usize].died == NEVER {
                let id = kept.len() as FactId;
                renamed[*first as usize] = id;
                kept.push(Entry { newer: NONE, latest: id, ..self.entries[latest as usize].clone() });
            }
        }
        self.index.retain(|fact| Some(renamed[fact as usize]).filter(|id| *id != NONE));
        self.entries = kept.into();
        (self.dead, self.unindexed) = (0, false);
        self.bearable = FEW_DEAD.max(self.entries.len());
    }

    /// Reports whether a compaction pays: every search walks over what is dead.
    #[inline]
    pub(crate) fn is_wasteful(&self) -> bool {
        self.dead > self.bearable
    }

    /// Bears more, because the table cannot be compacted now.
    pub(crate) fn postpone(&mut self) {
        if self.is_wasteful() {
            self.bearable = 2 * self.dead;
        }
    }

    /// Cells of the code area that its facts take.
    pub(crate) fn cells(&self) -> usize {
        self.cells
    }

    /// Bytes that the table takes, its terms left out.
    pub(crate) fn bytes(&self) -> u64 {
        (self.entries.capacity() * size_of::<Entry>() + 24 * self.names.capacity()) as u64
            + self.index.bytes()
    }
}

/// Makes the term of a fact in the heap, with new variables.
pub(super) fn instance(heap: &mut Heap, stored: Stored, names: &[SymbolId]) -> Cell {
    if stored.root.is_ground() {
        return stored.root;
    }
    let first = heap.top();
    for name in names {
        heap.new_variable(*name, false);
    }
    let base = heap.top();
    let placed = |cell: Cell| match cell.view() {
        View::Local(variable) => Cell::reference(first + variable),
        View::Expression { address, .. } if !cell.is_ground() => {
            cell.with_address((address & !CODE) - stored.start + base)
        }
        _ => cell,
    };
    for place in stored.start..stored.start + stored.length {
        let cell = heap.code[place as usize];
        heap.cells.push(placed(cell));
    }
    placed(stored.root)
}

/// Reports whether a stored fact without variables is exactly this term.
fn is_same(heap: &Heap, stored: Cell, term: Cell) -> bool {
    let mut pending = vec![(stored, term)];
    while let Some((stored, term)) = pending.pop() {
        let term = heap.deref(term);
        match (stored.view(), term.view()) {
            (View::Expression { address: a, length: m }, View::Expression { address: b, length: n }) => {
                if m != n {
                    return false;
                }
                pending.extend((0..m).map(|index| (heap.get(a + index), heap.get(b + index))));
            }
            (View::Boxed(a), View::Boxed(b)) => {
                if heap.boxed(a) != heap.boxed(b) {
                    return false;
                }
            }
            _ if stored == term => {}
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use metta_atom::Atom;

    fn term(heap: &mut Heap, text: &str) -> Cell {
        let atom = metta_syntax::parse(text, &crate::Library::new()).forms[0].atom.clone();
        heap.import_alone(&atom)
    }

    /// The facts that a search still finds, each as often as it holds.
    fn found(table: &Table, heap: &mut Heap, mut search: Search) -> Vec<String> {
        let mut texts = Vec::new();
        while table.advance(&mut search) {
            let stored = table.stored(search.fact);
            let term = instance(heap, stored, table.names(stored));
            let atom: Atom = heap.export(term, &mut crate::terms::convert::VariableNames::default());
            texts.push(atom.to_string());
        }
        texts
    }

    /// F3: facts that come, go or are counted anew do not change a search that has begun.
    #[test]
    fn a_search_sees_the_table_as_it_was() {
        let mut heap = Heap::new();
        let mut table = Table::default();
        let [a, b, c, all] = ["(p a)", "(p b)", "(p c)", "(p $x)"].map(|text| term(&mut heap, text));
        table.add(&mut heap, a, 1);
        table.add(&mut heap, b, 2);
        let query = Term { heap: &heap, root: all };
        let early = table.search(&heap, &query, 2);
        table.add(&mut heap, c, 3);
        table.add(&mut heap, a, 4);
        assert!(table.remove(&heap, b, 5));
        assert!(!table.remove(&heap, b, 6));
        let late = table.search(&heap, &Term { heap: &heap, root: all }, 6);
        assert_eq!(found(&table, &mut heap, early), ["(p a)", "(p b)"]);
        assert_eq!(found(&table, &mut heap, late), ["(p a)", "(p a)", "(p c)"]);
        table.add(&mut heap, b, 7);
        let again = table.search(&heap, &Term { heap: &heap, root: all }, 7);
        assert_eq!(found(&table, &mut heap, again), ["(p a)", "(p a)", "(p c)", "(p b)"]);
    }

    /// The index leaves out only what does not match, whatever was indexed before.
    #[test]
    fn an_index_loses_no_fact() {
        let mut heap = Heap::new();
        let mut table = Table::default();
        let parts = ["a", "b", "(f a)", "(f b)", "(g a b)", "1"];
        let mut time = 0;
        for first in parts {
            for second in parts {
                let fact = term(&mut heap, &format!("(r {first} {second})"));
                time += 1;
                table.add(&mut heap, fact, time);
            }
        }
        for (first, second, count) in [
            ("a", "$y", 6),
            ("$x", "a", 6),
            ("(f $z)", "$y", 12),
            ("(f $z)", "(f $z)", 2),
            ("$x", "$y", 36),
            ("c", "$y", 0),
        ] {
            let query = term(&mut heap, &format!("(r {first} {second})"));
            let mut search = table.search(&heap, &Term { heap: &heap, root: query }, time);
            let mut matched = 0usize;
            while table.advance(&mut search) {
                let fact = table.stored(search.fact).root;
                heap.attempt_once(|heap| {
                    matched += usize::from(heap.unify(query, fact));
                    false
                });
            }
            assert_eq!(matched, count, "({first} {second})");
        }
    }
}
