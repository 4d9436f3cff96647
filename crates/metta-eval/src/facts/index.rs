//! An index over facts that grows where queries need it.
//!
//! A query goes down from the node of all facts. At each node it takes a *split*: the facts by what they
//! have at one place of the term, where the query says what it wants. A split is made when a query first
//! needs it, and only where it tells facts apart. So any argument, and any part of one, can be the one
//! that selects, and a query that selects nothing costs no index.

use rustc_hash::FxHashMap;

use crate::terms::cell::{Cell, View};
use crate::terms::heap::Heap;
use crate::terms::shared::Shared;

/// A fact of a table.
pub(crate) type FactId = u32;

/// The number of steps that a path may have.
const DEEPEST: usize = 3;
/// Arguments, and elements of arguments, beyond this one are not indexed.
const WIDEST: u32 = 12;
/// Facts of a node that are looked at to find the place that tells most of them apart.
const SAMPLE: usize = 128;
/// Vain attempts to split a node, after which it has to grow before there are more.
const VAIN: u8 = 4;
/// Bytes that a key of a split takes, on average.
const KEY: usize = 3 * size_of::<(Key, List)>() / 2;

/// The way from the root of a term to one of its parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Path {
    steps: [u8; DEEPEST],
    length: u8,
}

impl Path {
    fn to(self, step: u32) -> Path {
        let mut path = self;
        path.steps[usize::from(self.length)] = step as u8;
        path.length += 1;
        path
    }

    /// The step to an argument, if the way ends there.
    #[inline]
    pub(crate) fn argument(self) -> Option<usize> {
        (self.length == 1).then_some(usize::from(self.steps[0]))
    }

    fn steps(&self) -> impl Iterator<Item = u32> + '_ {
        self.steps[..usize::from(self.length)].iter().map(|step| u32::from(*step))
    }
}

/// What a part of a term is, one level deep: parts with different keys do not unify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key(u64);

/// What stands at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    Key(Key),
    /// A variable, or something that may equal what has another key.
    Open,
    /// The term has no such place.
    Nothing,
}

/// A term that can be looked into without building it.
pub(crate) trait Look {
    /// A part of the term.
    type Part: Copy;
    /// The whole.
    fn root(&self) -> Self::Part;
    /// The cell of a part; a reference or a slot for what is not known.
    fn cell(&self, part: Self::Part) -> Cell;
    /// Element `index` of a part that is an expression.
    fn element(&self, part: Self::Part, index: u32) -> Self::Part;

    /// A number of places that no more can be found by, if one is known.
    fn most_places(&self) -> Option<u8> {
        None
    }

    /// What stands at a place.
    #[inline]
    fn at(&self, path: Path) -> At {
        self.walk(path)
    }

    /// What stands at a place, found step by step.
    fn walk(&self, path: Path) -> At {
        let mut part = self.root();
        for step in path.steps() {
            match self.cell(part).view() {
                View::Expression { length, .. } if step < length => part = self.element(part, step),
                View::Ref(_) | View::Local(_) | View::Space(_) | View::State(_) | View::Boxed(_) => {
                    return At::Open;
                }
                _ => return At::Nothing,
            }
        }
        self.key(part)
    }

    /// What a part is.
    #[inline]
    fn key(&self, part: Self::Part) -> At {
        let cell = self.cell(part);
        match cell.view() {
            View::Symbol(_) | View::Int(_) | View::Bool(_) | View::Operation(_) => At::Key(Key(cell.bits())),
            View::Expression { length, .. } => {
                // Should a leaf have these bits, the facts found have to be told apart by matching them.
                let shape = |head: u64| At::Key(Key(1 << 63 | u64::from(length) << 34 | head));
                if length == 0 {
                    return shape(0);
                }
                match self.cell(self.element(part, 0)).view() {
                    View::Symbol(id) => shape(u64::from(id.0) + 3),
                    View::Expression { .. } => shape(1),
                    View::Ref(_) | View::Local(_) | View::Space(_) | View::State(_) => At::Open,
                    _ => shape(2),
                }
            }
            // Numbers of two kinds may be equal, other values match in ways of their own.
            _ => At::Open,
        }
    }

    /// The places where the term says what it wants, the outer ones first.
    fn places(&self) -> Vec<Path> {
        let mut places = Vec::new();
        let mut pending = std::collections::VecDeque::from([(Path::default(), self.root())]);
        while let Some((path, part)) = pending.pop_front() {
            let View::Expression { length, .. } = self.cell(part).view() else { continue };
            for step in 1..length.min(WIDEST) {
                let (path, part) = (path.to(step), self.element(part, step));
                if matches!(self.key(part), At::Key(_)) {
                    places.push(path);
                }
                if usize::from(path.length) < DEEPEST {
                    pending.push_back((path, part));
                }
            }
        }
        places
    }
}

/// A term of the heap or of the code area.
pub(crate) struct Term<'h> {
    pub(crate) heap: &'h Heap,
    pub(crate) root: Cell,
}

impl Look for Term<'_> {
    type Part = Cell;

    fn root(&self) -> Cell {
        self.root
    }

    fn cell(&self, part: Cell) -> Cell {
        part
    }

    fn element(&self, part: Cell, index: u32) -> Cell {
        part.slice().map_or(Cell::UNIT, |(address, _)| self.heap.element(address, index))
    }
}

/// Some facts, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum List {
    Empty,
    One(FactId),
    Node(u32),
}

#[derive(Clone, Debug, Default)]
struct Node {
    facts: Vec<FactId>,
    splits: Vec<Split>,
    /// Attempts to split it that told nothing apart, since it had `tried` facts.
    vain: u8,
    tried: u32,
}

/// The facts of a node by what they have at one place.
#[derive(Clone, Debug)]
struct Split {
    path: Path,
    /// For each key the facts that have it, and those that are open there.
    keys: FxHashMap<Key, List>,
    open: List,
}

/// The index of a table.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    nodes: Shared<Node>,
    /// How many facts all nodes list.
    references: usize,
    /// How many keys all splits have.
    keys: usize,
}

impl Default for Index {
    fn default() -> Self {
        Index { nodes: vec![Node::default()].into(), references: 0, keys: 0 }
    }
}

impl Index {
    /// The facts that may unify with a query, in order; `root_of` gives the term of a fact.
    pub(crate) fn find<'h>(&mut self, query: &impl Look, root_of: &impl Fn(FactId) -> Term<'h>) -> List {
        let (mut node, mut places) = (0, 0);
        loop {
            let here = &self.nodes[node as usize];
            if here.facts.len() <= 1 {
                return here.facts.first().map_or(List::Empty, |fact| List::One(*fact));
            }
            let taken = here.splits.iter().find_map(|split| match query.at(split.path) {
                At::Key(key) => Some(split.keys.get(&key).copied().unwrap_or(split.open)),
                At::Open | At::Nothing => None,
            });
            match taken {
                Some(List::Node(next)) => (node, places) = (next, places + 1),
                Some(list) => return list,
                None if query.most_places().is_none_or(|most| places < most)
                    && self.split(node, query, root_of) => {}
                None => return List::Node(node),
            }
        }
    }

    /// The facts of a list.
    pub(crate) fn facts<'a>(&'a self, list: &'a List) -> &'a [FactId] {
        match list {
            List::Empty => &[],
            List::One(fact) => std::slice::from_ref(fact),
            List::Node(node) => &self.nodes[*node as usize].facts,
        }
    }

    /// Splits a node where the query tells most facts apart.
    fn split<'h>(&mut self, node: u32, query: &impl Look, root_of: &impl Fn(FactId) -> Term<'h>) -> bool {
        let here = &self.nodes[node as usize];
        let count = here.facts.len();
        if here.vain >= VAIN && count < 2 * here.tried as usize {
            return false;
        }
        let sample: Vec<FactId> = here.facts.iter().step_by(count.div_ceil(SAMPLE)).copied().collect();
        let mut best: Option<(Path, usize)> = None;
        for path in query.places() {
            let tally = Tally::of(&sample, path, root_of);
            // Facts that have no such place never match there: as good as a key of their own.
            let apart = tally.keys.len() + usize::from(tally.nothing > 0);
            // What excludes nothing would be split in the same way again, without end.
            if tally.excludes(query.at(path))
                && 4 * tally.open <= sample.len()
                && best.is_none_or(|best| best.1 < apart)
            {
                best = Some((path, apart));
            }
        }
        let Some((path, _)) = best else {
            let here = &mut self.nodes[node as usize];
            if here.vain == 0 || count >= 2 * here.tried as usize {
                (here.vain, here.tried) = (0, count as u32);
            }
            here.vain += 1;
            return false;
        };
        let facts = here.facts.clone();
        if !Tally::of(&facts, path, root_of).is_worth_it(facts.len()) {
            let here = &mut self.nodes[node as usize];
            (here.vain, here.tried) = (VAIN, count as u32);
            return false;
        }
        let mut split = Split { path, keys: FxHashMap::default(), open: List::Empty };
        for fact in facts {
            self.add_to_split(&mut split, fact, &root_of(fact));
        }
        self.nodes[node as usize].splits.push(split);
        true
    }

    /// Adds a fact behind all others, but to no split: what was indexed before finds only what there was.
    pub(crate) fn add_unindexed(&mut self, fact: FactId) {
        self.nodes[0].facts.push(fact);
    }

    /// Adds a fact behind all others.
    pub(crate) fn add(&mut self, fact: FactId, term: &Term<'_>) {
        self.add_to_node(0, fact, term);
    }

    fn add_to_node(&mut self, node: u32, fact: FactId, term: &Term<'_>) {
        self.references += 1;
        let here = &mut self.nodes[node as usize];
        here.facts.push(fact);
        let mut splits = std::mem::take(&mut here.splits);
        for split in &mut splits {
            self.add_to_split(split, fact, term);
        }
        self.nodes[node as usize].splits = splits;
    }

    fn add_to_split(&mut self, split: &mut Split, fact: FactId, term: &Term<'_>) {
        match term.at(split.path) {
            At::Key(key) => {
                let known = split.keys.get(&key).copied();
                let list = known.unwrap_or_else(|| self.copy(split.open));
                let list = self.extended(list, fact, term);
                if known != Some(list) {
                    self.keys += usize::from(known.is_none());
                    split.keys.insert(key, list);
                }
            }
            At::Open => {
                let lists: Vec<Key> = split.keys.keys().copied().collect();
                for key in lists {
                    let list = self.extended(split.keys[&key], fact, term);
                    split.keys.insert(key, list);
                }
                split.open = self.extended(split.open, fact, term);
            }
            At::Nothing => {}
        }
    }

    fn extended(&mut self, list: List, fact: FactId, term: &Term<'_>) -> List {
        match list {
            List::Empty => List::One(fact),
            List::One(first) => {
                self.references += 2;
                self.nodes.push(Node { facts: vec![first, fact], ..Node::default() });
                List::Node(self.nodes.len() as u32 - 1)
            }
            List::Node(node) => {
                self.add_to_node(node, fact, term);
                list
            }
        }
    }

    /// A list with the same facts that can be extended by itself.
    fn copy(&mut self, list: List) -> List {
        let List::Node(node) = list else { return list };
        let facts = self.nodes[node as usize].facts.clone();
        self.references += facts.len();
        self.nodes.push(Node { facts, ..Node::default() });
        List::Node(self.nodes.len() as u32 - 1)
    }

    /// Keeps only some facts, under the numbers that `renamed` gives them.
    pub(crate) fn retain(&mut self, renamed: impl Fn(FactId) -> Option<FactId>) {
        let facts: Vec<FactId> = self.nodes[0].facts.iter().filter_map(|fact| renamed(*fact)).collect();
        (self.references, self.keys) = (facts.len(), 0);
        self.nodes.clear();
        self.nodes.push(Node { facts, ..Node::default() });
    }

    /// How many facts are listed, each as often as it is.
    pub(crate) fn references(&self) -> usize {
        self.references
    }

    /// Bytes that the index takes, as vectors and maps grow.
    pub(crate) fn bytes(&self) -> u64 {
        (6 * self.references + self.keys * KEY + self.nodes.capacity() * size_of::<Node>()) as u64
    }
}

/// What facts have at a place.
struct Tally {
    keys: rustc_hash::FxHashSet<Key>,
    /// How many may have anything there, and how many have no such place.
    open: usize,
    nothing: usize,
}

impl Tally {
    fn of<'h>(facts: &[FactId], path: Path, root_of: &impl Fn(FactId) -> Term<'h>) -> Tally {
        let mut tally = Tally { keys: rustc_hash::FxHashSet::default(), open: 0, nothing: 0 };
        for fact in facts {
            match root_of(*fact).at(path) {
                At::Key(key) => drop(tally.keys.insert(key)),
                At::Open => tally.open += 1,
                At::Nothing => tally.nothing += 1,
            }
        }
        tally
    }

    /// Reports whether some of the facts do not match what is wanted.
    fn excludes(&self, wanted: At) -> bool {
        self.nothing > 0 || self.keys.iter().any(|key| At::Key(*key) != wanted)
    }

    /// Reports whether the lists of a split would not be much longer than that of the node: a fact that is
    /// open at its place is in all of them.
    fn is_worth_it(&self, facts: usize) -> bool {
        self.open * self.keys.len() <= 4 * facts + 64
    }
}
