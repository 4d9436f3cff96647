//! The clauses of a function, and how those are found that may match a call.

use std::ops::{Index, IndexMut};
use std::sync::Arc;

use rustc_hash::FxHashSet;

use super::Shape;
use crate::facts::{self, FactId, Look, Term};
use crate::machine::RuleId;
use crate::program::OPEN;
use crate::program::clause::Clause;
use crate::terms::cell::{Cell, SymbolId, View};
use crate::terms::heap::Heap;
use crate::terms::shared::Shared;

/// Of so many clauses those that fit are found by looking at each.
const FEW: usize = 16;

/// An index may hold so many references to clauses for each clause, before there is none.
const MOST_REFERENCES: usize = 32;

/// One clause of a function.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) clause: Arc<Clause>,
    /// Index in [`Code::clauses`](super::Code::clauses).
    pub(crate) code: u32,
    /// What the arguments have to be, one level deep.
    pub(crate) tests: Box<[(u8, Shape)]>,
}

/// What one argument has to be, as a number: other numbers are other leaves, or other heads or lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key(u64);

impl Key {
    /// Anything, as far as a key can tell.
    const ANY: Key = Key(0);

    /// The key of a value; `None` for variables and what is not equal only to itself.
    #[inline(always)]
    fn of(heap: &Heap, value: Cell) -> Option<Key> {
        let value = heap.deref(value);
        match value.slice() {
            None => value.is_canonical().then(|| Key(value.bits())),
            Some((_, 0)) => Some(Key::expression(Cell::NONE, 0)),
            Some((address, length)) => {
                let head = heap.element(address, 0);
                head.is_canonical().then(|| Key::expression(head, length))
            }
        }
    }

    fn of_shape(shape: Shape) -> Key {
        match shape {
            Shape::Leaf(leaf) if leaf.is_canonical() => Key(leaf.bits()),
            Shape::Expression { length, head } if length == 0 || head.is_canonical() => {
                Key::expression(head, length)
            }
            _ => Key::ANY,
        }
    }

    /// The tag of symbols, numbers and truth values is not zero, and here it is.
    #[inline(always)]
    fn expression(head: Cell, length: u32) -> Key {
        let mixed = (head.bits() ^ u64::from(length) << 40).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Key(mixed << 4 | 1 << 63)
    }
}

/// What a clause wants an argument to be.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    key: Key,
    /// What this element of it has to be.
    inner: Option<(u8, Key)>,
    /// No other argument is tested.
    enough: bool,
}

impl Wanted {
    /// Reports whether an argument with a key may be what is wanted.
    #[inline(always)]
    fn takes(&self, heap: &Heap, value: Cell, key: Key) -> bool {
        (self.key == key || self.key == Key::ANY)
            && self.inner.is_none_or(|(index, wanted)| has_inner(heap, value, index, wanted))
    }
}

/// Reports whether an element of an expression that is long enough may have a key.
#[inline(never)]
fn has_inner(heap: &Heap, value: Cell, index: u8, wanted: Key) -> bool {
    let Some((address, _)) = heap.deref(value).slice() else { return true };
    Key::of(heap, heap.element(address, u32::from(index))).is_none_or(|found| found == wanted)
}

/// The first element of a pattern behind its head that is known to differ from others.
fn inner_of(heap: &Heap, pattern: Cell) -> Option<(u8, Key)> {
    let (address, length) = pattern.slice()?;
    (1..length.min(u32::from(u8::MAX))).find_map(|index| {
        let key = Key::of_shape(Shape::of(heap, heap.get(address + index))?);
        (key != Key::ANY).then_some((index as u8, key))
    })
}

/// The clauses of a function whose arguments but one match anything, all ready to run.
#[derive(Clone, Debug)]
pub(crate) struct Switch {
    selector: u8,
    cases: Box<[Case]>,
}

/// The code of a clause that can be run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    wanted: Wanted,
    pub(crate) pc: u32,
    /// The slots of an activation.
    pub(crate) size: u32,
    pub(crate) rule: RuleId,
}

/// What clauses may match a call.
#[derive(Clone, Copy)]
pub(crate) enum Selected {
    One(Case),
    None,
    /// Several, or some that have to be looked at.
    Some,
}

impl Switch {
    /// Finds the clauses that may match a call.
    #[inline(always)]
    pub(crate) fn select(&self, heap: &Heap, slots: &[Cell]) -> Selected {
        let value = slots[usize::from(self.selector)];
        let Some(key) = Key::of(heap, value) else { return Selected::Some };
        let mut selected = Selected::None;
        for case in &self.cases {
            if case.wanted.takes(heap, value, key) {
                if matches!(selected, Selected::One(_)) {
                    return Selected::Some;
                }
                selected = Selected::One(*case);
            }
        }
        selected
    }
}

/// The clauses of a function, in order. What is there stays: clauses are only added, behind all others.
#[derive(Clone, Debug, Default)]
pub(crate) struct Definition {
    entries: Shared<Entry>,
    /// The argument that tells most clauses apart, if there is one.
    selector: Option<u8>,
    /// For each clause what that argument has to be.
    keys: Shared<Wanted>,
    /// Finds clauses by what their arguments are, once there are many.
    index: facts::Index,
    indexed: u32,
    /// The index would be much larger than what it is of.
    unindexed: bool,
}

/// The arguments of a call, as they stand in an activation.
#[derive(Clone, Copy)]
pub(crate) struct Arguments<'m> {
    pub(crate) heap: &'m Heap,
    /// The slot before the first argument, and all that follow.
    pub(crate) slots: &'m [Cell],
    pub(crate) arity: u32,
}

impl Definition {
    pub(crate) fn len(&self) -> u32 {
        self.entries.len() as u32
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn entry(&self, index: u32) -> &Entry {
        &self.entries[index as usize]
    }

    /// The clause of a definition that has but one.
    pub(crate) fn only(&self) -> Option<&Entry> {
        match &self.entries[..] {
            [entry] => Some(entry),
            _ => None,
        }
    }

    pub(crate) fn push(&mut self, heap: &Heap, symbol: SymbolId, entry: Entry) {
        if self.selector.is_none() {
            self.selector = entry.tests.first().map(|(argument, _)| *argument);
        }
        let test = entry.tests.iter().find(|(argument, _)| Some(*argument) == self.selector);
        let key = test.map_or(Key::ANY, |(_, shape)| Key::of_shape(*shape));
        let tested = usize::from(key != Key::ANY);
        let pattern = self.selector.filter(|_| tested > 0).and_then(|selector| {
            let (address, _) = entry.clause.head().slice()?;
            Some(heap.get(address + first_argument(symbol) + u32::from(selector) - 1))
        });
        let inner = pattern.and_then(|pattern| inner_of(heap, pattern));
        self.keys.push(Wanted { key, inner, enough: entry.tests.len() == tested });
        self.entries.push(entry);
    }

    /// The clauses, if one argument tells which of them may match, and the code of all of them is known.
    pub(crate) fn switch(&self, code: impl Fn(&Entry) -> Option<(u32, u32, RuleId)>) -> Option<Switch> {
        let selector = self.selector.filter(|_| self.entries.len() <= FEW)?;
        let cases = self.entries.iter().zip(&self.keys).map(|(entry, wanted)| {
            let (pc, size, rule) = code(entry).filter(|_| wanted.enough)?;
            Some(Case { wanted: *wanted, pc, size, rule })
        });
        Some(Switch { selector, cases: cases.collect::<Option<_>>()? })
    }

    /// The key of the argument that tells clauses apart.
    #[inline(always)]
    fn key(&self, call: Arguments<'_>) -> Option<(Cell, Key)> {
        let value = call.slots[usize::from(self.selector?)];
        Key::of(call.heap, value).map(|key| (value, key))
    }

    /// The first of some clauses that may match a call with a key.
    #[inline(always)]
    fn find_by_key(&self, call: Arguments<'_>, key: (Cell, Key), from: u32, end: u32) -> Option<u32> {
        let keys = self.keys.get(from as usize..end as usize)?;
        for (index, wanted) in (from..).zip(keys) {
            if wanted.takes(call.heap, key.0, key.1)
                && (wanted.enough || call.fit(&self.entries[index as usize]))
            {
                return Some(index);
            }
        }
        None
    }

    /// The first two clauses that may match a call.
    #[inline(always)]
    pub(crate) fn candidates(&mut self, call: Arguments<'_>) -> (Option<u32>, Option<u32>) {
        let end = self.len();
        if self.entries.len() > FEW && !self.unindexed {
            let first = self.find(call, 0, end);
            return (first, first.and_then(|first| self.find(call, first + 1, end)));
        }
        if let Some(key) = self.key(call) {
            let first = self.find_by_key(call, key, 0, end);
            return (first, first.and_then(|first| self.find_by_key(call, key, first + 1, end)));
        }
        let mut found = (0..).zip(&self.entries).filter(|(_, entry)| call.fit(entry)).map(|(index, _)| index);
        (found.next(), found.next())
    }

    /// The first clause from `from` on and before `end` that may match a call.
    #[inline(always)]
    pub(crate) fn candidate(&mut self, call: Arguments<'_>, from: u32, end: u32) -> Option<u32> {
        if self.entries.len() <= FEW || self.unindexed {
            if let Some(key) = self.key(call) {
                return self.find_by_key(call, key, from, end);
            }
            return (from..end).find(|index| call.fit(&self.entries[*index as usize]));
        }
        self.find(call, from, end)
    }

    fn find(&mut self, call: Arguments<'_>, from: u32, end: u32) -> Option<u32> {
        let Definition { entries, index, indexed, unindexed, .. } = self;
        let root_of = |id: FactId| Term { heap: call.heap, root: entries[id as usize].clause.head() };
        let most = MOST_REFERENCES * entries.len();
        while (*indexed as usize) < entries.len() && index.references() <= most {
            index.add(*indexed, &root_of(*indexed));
            *indexed += 1;
        }
        let list = if index.references() <= most { Some(index.find(&call, &root_of)) } else { None };
        // Clauses with variables where others differ are in the lists of all of those.
        let Some(list) = list.filter(|_| index.references() <= most) else {
            (*index, *unindexed) = (facts::Index::default(), true);
            return self.candidate(call, from, end);
        };
        let found = index.facts(&list);
        let start = found.partition_point(|id| *id < from);
        let mut found = found[start..].iter().copied().take_while(|id| *id < end);
        found.find(|id| call.fit(&entries[*id as usize]))
    }
}

impl Arguments<'_> {
    /// Reports whether the arguments are what the tests of a clause say.
    #[inline(never)]
    fn fit(&self, entry: &Entry) -> bool {
        entry.tests.iter().all(|(argument, shape)| shape.fits(self.heap, self.slots[usize::from(*argument)]))
    }
}

/// A part of the term of a call.
#[derive(Clone, Copy)]
pub(crate) enum Part {
    Call,
    Cell(Cell),
}

impl Look for Arguments<'_> {
    type Part = Part;

    fn root(&self) -> Part {
        Part::Call
    }

    fn cell(&self, part: Part) -> Cell {
        match part {
            Part::Call => Cell::expression(0, self.arity + 1, false),
            Part::Cell(cell) => cell,
        }
    }

    fn element(&self, part: Part, index: u32) -> Part {
        Part::Cell(match part {
            Part::Call => self.heap.deref(self.slots[index as usize]),
            Part::Cell(cell) => {
                cell.slice().map_or(Cell::UNIT, |(address, _)| self.heap.element(address, index))
            }
        })
    }
}

impl Shape {
    /// Reports whether a value may be what is asked for.
    #[inline(always)]
    fn fits(self, heap: &Heap, value: Cell) -> bool {
        let value = heap.deref(value);
        match self {
            _ if value.is_reference() => true,
            Shape::Leaf(leaf) => value == leaf || !value.is_expression() && heap.leaves_equal(leaf, value),
            Shape::Expression { length, head } => match value.slice() {
                Some((address, found)) if found == length => {
                    if head == Cell::NONE {
                        return true;
                    }
                    let first = heap.element(address, 0);
                    first == head
                        || first.is_reference()
                        || !first.is_expression() && heap.leaves_equal(head, first)
                }
                _ => false,
            },
        }
    }

    /// What the arguments of a call of a symbol have to be for a clause.
    pub(crate) fn tests(heap: &Heap, clause: &Clause, symbol: SymbolId) -> Box<[(u8, Shape)]> {
        let Some((address, length)) = clause.head().slice() else { return Box::new([]) };
        let first = first_argument(symbol);
        let tests = (first..length).filter_map(|index| {
            let argument = u8::try_from(index + 1 - first).ok()?;
            Some((argument, Shape::of(heap, heap.get(address + index))?))
        });
        tests.collect()
    }

    /// What a pattern asks for, if it is no variable.
    fn of(heap: &Heap, pattern: Cell) -> Option<Shape> {
        match pattern.view() {
            View::Local(_) => None,
            View::Expression { address, length } => {
                let head = if length == 0 { Cell::NONE } else { heap.get(address) };
                let open = matches!(head.view(), View::Local(_) | View::Expression { .. });
                Some(Shape::Expression { length, head: if open { Cell::NONE } else { head } })
            }
            _ => Some(Shape::Leaf(pattern)),
        }
    }
}

/// The element of a call that is its first argument.
pub(crate) fn first_argument(symbol: SymbolId) -> u32 {
    u32::from(symbol != OPEN)
}

/// All definitions of a machine. Choice points know them by number.
#[derive(Clone, Debug)]
pub(crate) struct Definitions {
    list: Vec<Definition>,
    free: Vec<u32>,
}

impl Default for Definitions {
    fn default() -> Self {
        Definitions { list: vec![Definition::default()], free: Vec::new() }
    }
}

impl Definitions {
    /// A definition without clauses.
    pub(crate) const NONE: u32 = 0;

    /// Makes a definition of a symbol.
    pub(crate) fn make(&mut self, symbol: SymbolId) -> u32 {
        let id = self.free.pop().unwrap_or_else(|| {
            self.list.push(Definition::default());
            self.list.len() as u32 - 1
        });
        // An index looks at arguments only, and here the head is one.
        self.list[id as usize].unindexed = symbol == OPEN;
        id
    }

    /// Forgets the definitions that are not among `used`.
    pub(crate) fn retain(&mut self, used: impl Iterator<Item = u32>) {
        let used: FxHashSet<u32> = used.collect();
        for id in 1..self.list.len() as u32 {
            let definition = &mut self.list[id as usize];
            if !used.contains(&id) && !definition.is_empty() {
                *definition = Definition::default();
                self.free.push(id);
            }
        }
    }
}

impl Index<u32> for Definitions {
    type Output = Definition;

    #[inline(always)]
    fn index(&self, id: u32) -> &Definition {
        &self.list[id as usize]
    }
}

impl IndexMut<u32> for Definitions {
    #[inline(always)]
    fn index_mut(&mut self, id: u32) -> &mut Definition {
        &mut self.list[id as usize]
    }
}

#[cfg(test)]
mod tests {
    use metta_atom::{Atom, Variable};
    use metta_space::Declaration;
    use rustc_hash::FxHashMap;

    use super::*;
    use crate::machine::NO_RULE;
    use crate::random::Random;

    impl Random {
        /// An argument; with `open` zero it has no variables.
        fn atom(&mut self, depth: u32, open: u64) -> Atom {
            match self.below(8) {
                0 if open > 0 => Atom::variable(format!("v{}", self.below(open))),
                1 => Atom::float(self.below(3) as f64),
                2 => Atom::symbol(["a", "b", "c"][self.below(3) as usize]),
                3..=4 if depth > 0 => {
                    let length = self.below(4);
                    Atom::expression((0..length).map(|_| self.atom(depth - 1, open)).collect::<Vec<_>>())
                }
                _ => Atom::integer(self.below(30) as i64),
            }
        }
    }

    fn entry(heap: &mut Heap, head: Atom) -> Entry {
        let declaration = Declaration { sequence: 0, left: head, right: Atom::symbol("body") };
        let clause = Arc::new(Clause::compile(heap, &declaration, NO_RULE));
        let tests = Shape::tests(heap, &clause, SymbolId(0));
        Entry { clause, code: 0, tests }
    }

    fn call(random: &mut Random, arity: u32, open: u64) -> Atom {
        let arguments = (0..arity).map(|_| random.atom(2, open));
        Atom::expression(std::iter::once(Atom::symbol("f")).chain(arguments).collect::<Vec<_>>())
    }

    /// What is found by the index, against matching with each clause.
    #[test]
    fn clauses_that_match_are_found_in_order() {
        let (mut matched, mut passed) = (0, 0);
        for seed in 0..12 {
            let random = &mut Random(seed);
            let (heap, definition) = (&mut Heap::new(), &mut Definition::default());
            let arity = 1 + random.below(3) as u32;
            let open = [0, 1, 3][random.below(3) as usize];
            for _ in 0..4 {
                for _ in 0..random.below(60) {
                    let head = call(random, arity, open);
                    let entry = entry(heap, head);
                    definition.push(heap, SymbolId(0), entry);
                }
                for _ in 0..20 {
                    let open = random.below(2);
                    let atom = call(random, arity, open);
                    let variables = &mut FxHashMap::<Variable, Cell>::default();
                    let term = heap.import(&atom, variables, false);
                    let slots = heap.elements(term).unwrap().to_vec();
                    let end = definition.len();
                    let mut found = Vec::new();
                    let mut from = 0;
                    let arguments = || Arguments { heap: &*heap, slots: &slots, arity };
                    let two = definition.candidates(arguments());
                    while let Some(index) = definition.candidate(arguments(), from, end) {
                        found.push(index);
                        from = index + 1;
                    }
                    // The index may know more the second time, or have been given up.
                    let may_be = |index| Some(index) == two.0 || two.1.is_some_and(|second| index >= second);
                    for index in 0..end {
                        let clause = Arc::clone(&definition.entry(index).clause);
                        let mut matches = false;
                        heap.attempt(|heap| {
                            matches = clause.match_head(heap, term, &mut Vec::new());
                            false
                        });
                        assert!(!matches || found.contains(&index), "seed {seed}: {atom}, clause {index}");
                        assert!(!matches || may_be(index), "seed {seed}: {atom}, clause {index}");
                        matched += u32::from(matches);
                        passed += u32::from(!found.contains(&index));
                    }
                }
            }
        }
        assert!(matched > 200 && passed > 1000, "{matched} {passed}");
    }

    /// Clauses whose patterns begin alike are told apart by what comes next, if that is known.
    #[test]
    fn an_element_of_an_argument_selects() {
        let (heap, definition) = (&mut Heap::new(), &mut Definition::default());
        let s = |inner: Atom| Atom::expression([Atom::symbol("S"), inner]);
        for pattern in [Atom::symbol("Z"), s(Atom::symbol("Z")), s(s(Atom::variable("n")))] {
            let entry = entry(heap, Atom::expression([Atom::symbol("half"), pattern]));
            definition.push(heap, SymbolId(0), entry);
        }
        let cases = [
            (Atom::symbol("Z"), (Some(0), None)),
            (s(Atom::symbol("Z")), (Some(1), None)),
            (s(s(Atom::symbol("Z"))), (Some(2), None)),
            (s(Atom::variable("x")), (Some(1), Some(2))),
            (s(Atom::symbol("other")), (None, None)),
        ];
        for (argument, expected) in cases {
            let value = heap.import(&argument, &mut FxHashMap::default(), false);
            let slots = [Cell::UNIT, value];
            let call = || Arguments { heap: &*heap, slots: &slots, arity: 1 };
            assert_eq!(definition.candidates(call()), expected, "{argument}");
            let switch = definition.switch(|_| Some((7, 1, NO_RULE))).expect("one argument is tested");
            let one = matches!(switch.select(heap, &slots), Selected::One(case) if case.pc == 7);
            assert_eq!(one, expected.0.is_some() && expected.1.is_none(), "{argument}");
        }
    }

    /// A call with a known argument looks at few of many clauses.
    #[test]
    fn any_argument_selects() {
        let (heap, definition) = (&mut Heap::new(), &mut Definition::default());
        for number in 0..10_000 {
            let part = Atom::expression([Atom::symbol("g"), Atom::integer(number)]);
            let head = Atom::expression([Atom::symbol("f"), Atom::variable("x"), part]);
            let entry = entry(heap, head);
            definition.push(heap, SymbolId(0), entry);
        }
        for number in [0, 77, 9_999] {
            let part = heap.import(
                &Atom::expression([Atom::symbol("g"), Atom::integer(number)]),
                &mut FxHashMap::default(),
                false,
            );
            let slots = [Cell::UNIT, Cell::UNIT, part];
            let call = Arguments { heap: &*heap, slots: &slots, arity: 2 };
            assert_eq!(definition.candidates(call), (Some(number as u32), None));
        }
    }
}
