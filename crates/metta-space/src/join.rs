//! Conjunctions over facts without variables, by a worst-case-optimal join.
//!
//! A conjunct is a relation whose columns are the elements behind its head. The variables are
//! bound one after the other, in one order for all conjuncts; each relation is read through a
//! trie whose levels are in that order, what is known first. To bind a variable, the sorted words of
//! all relations that have it are intersected, each leaping to what another one asks for. No
//! intermediate result is larger than what the answers could be, which nested loops
//! over conjuncts do not promise (Ngo, Porat, Ré and Rudra 2012; Veldhuizen 2014).
//!
//! Invariant J1: an answer is found once, and answers are in the order of nested loops: by the
//! sequence number of the first fact, then of the second, and so on.
//! Invariant J2: a join is refused where equal values may have different bytes.
//! Invariant J3: terms with equal words are compared before they are taken for equal, where they may differ (T1).

use std::ops::Range;

use crate::bytes::{Item, Reader, Token, term_end, token};
use crate::facts::{Facts, Found, Layout, Run, Trie, is_plain, word};
use crate::walk::{elements, has_variables_for};

/// The answers of a conjunction, as facts for the conjuncts.
#[derive(Clone, Debug)]
pub struct Answers {
    width: usize,
    facts: Vec<Found>,
}

impl Answers {
    /// Returns the number of different answers.
    pub fn distinct(&self) -> usize {
        self.facts.len() / self.width
    }

    /// Returns the fact for each conjunct of one of the different answers.
    ///
    /// # Panics
    /// When there are fewer answers.
    pub fn get(&self, answer: u32) -> &[Found] {
        let start = answer as usize * self.width;
        &self.facts[start..start + self.width]
    }

    /// The bytes that are allocated.
    pub fn size_bytes(&self) -> usize {
        self.facts.capacity() * size_of::<Found>()
    }

    /// Returns the number of answers, every combination of copies counted.
    pub fn count(&self) -> u64 {
        let copies = |answer: &[Found]| answer.iter().map(|found| found.count).product::<u64>();
        self.facts.chunks_exact(self.width).map(copies).sum()
    }

    /// Returns the different answers in order: for each a fact for every conjunct.
    pub fn iter(&self) -> impl Iterator<Item = &[Found]> {
        self.facts.chunks_exact(self.width)
    }

    /// Returns the numbers of the answers in the order of nested loops over copies.
    pub fn with_copies(&self) -> Vec<u32> {
        let n = self.distinct() as u32;
        if self.facts.iter().all(|found| found.count == 1) {
            return (0..n).collect();
        }
        let mut out = Vec::new();
        // Answers that agree up to a conjunct; what comes first is last.
        let mut pending = vec![(0..n, 0)];
        while let Some((range, level)) = pending.pop() {
            if level == self.width {
                out.extend(range);
                continue;
            }
            let fact = |answer: u32| self.facts[answer as usize * self.width + level];
            let mut groups: Vec<(Range<u32>, usize)> = Vec::new();
            let mut start = range.start;
            while start < range.end {
                let first = fact(start);
                let end =
                    (start..range.end).find(|at| fact(*at).sequence != first.sequence).unwrap_or(range.end);
                groups.extend((0..first.count).map(|_| (start..end, level + 1)));
                start = end;
            }
            pending.extend(groups.into_iter().rev());
        }
        out
    }
}

/// Joins the conjuncts of `pattern`, an encoded `(, ...)`; `None` when it is not one for this kind of
/// join, or has more than `limit` different answers.
pub(crate) fn join(facts: &Facts, pattern: &[u8], limit: usize) -> Option<Answers> {
    let conjuncts = conjuncts(pattern)?;
    let order = variable_order(facts, &conjuncts);
    let mut places = Vec::new();
    let relations = conjuncts.iter().map(|conjunct| enter(facts, conjunct, &order, &mut places));
    let relations: Vec<Relation<'_>> = relations.collect::<Option<_>>()?;
    let has = |variable: usize| relations.iter().filter(|it| !it.levels[variable].is_empty()).collect();
    let with: Vec<Vec<&Relation<'_>>> = (0..order.len()).map(has).collect();
    let limit = limit.saturating_mul(relations.len());
    let (starts, found) = (Vec::new(), Vec::new());
    let mut join = Join { facts, relations: &relations, with: &with, places, starts, found, limit };
    let complete = join.bind(0);
    complete.then(|| in_order(relations.len(), join.found))
}

/// Puts answers in the order of their facts (J1).
fn in_order(width: usize, found: Vec<Found>) -> Answers {
    let mut answers: Vec<&[Found]> = found.chunks_exact(width).collect();
    let sequences = |answer: &[Found]| answer.iter().map(|found| found.sequence).collect::<Vec<_>>();
    answers.sort_unstable_by(|a, b| {
        a.iter().map(|found| found.sequence).cmp(b.iter().map(|found| found.sequence))
    });
    debug_assert!(answers.is_sorted_by(|a, b| sequences(a) < sequences(b)), "J1: an answer is found once");
    Answers { width, facts: answers.concat() }
}

/// An element of a conjunct.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Column<'p> {
    Known(&'p [u8]),
    Variable(usize),
}

struct Conjunct<'p> {
    prefix: &'p [u8],
    columns: Vec<Column<'p>>,
}

/// More conjuncts or variables than this are left to nested loops: the join recurses over them.
const MOST: usize = 64;

/// Splits a pattern into conjuncts with variables numbered through; `None` when one has variables
/// inside its elements, or values that equal others of different bytes (J2).
fn conjuncts(pattern: &[u8]) -> Option<Vec<Conjunct<'_>>> {
    let mut reader = Reader::new(pattern);
    let (Some(Item::Arity(n @ 2..=MOST)), Some(Item::Symbol(","))) = (reader.next(), reader.next()) else {
        return None;
    };
    let mut introduced = 0;
    let mut conjuncts = Vec::with_capacity(n - 1);
    for _ in 1..n {
        let start = reader.position();
        reader.skip_term();
        let (prefix, parts) = elements(&pattern[start..reader.position()])?;
        let columns = parts.into_iter().map(|part| match token(part, 0)?.0 {
            Token::NewVar => {
                introduced += 1;
                Some(Column::Variable(introduced - 1))
            }
            Token::VarRef(variable) => Some(Column::Variable(variable)),
            Token::Arity(_) | Token::Payload { .. } => is_plain(part).then_some(Column::Known(part)),
        });
        conjuncts.push(Conjunct { prefix, columns: columns.collect::<Option<_>>()? });
    }
    (introduced <= MOST).then_some(conjuncts)
}

/// The order in which variables are bound: those first that few facts are left for, and then
/// those that the bound ones are connected to.
fn variable_order(facts: &Facts, conjuncts: &[Conjunct<'_>]) -> Vec<usize> {
    let is_known = |column: &&Column<'_>| matches!(column, Column::Known(_));
    let sizes: Vec<u64> = conjuncts
        .iter()
        .map(|conjunct| {
            let rows =
                |(_, run): (u32, &Run)| run.keys().narrow(run.keys().all(), 0, conjunct.prefix).len() as u64;
            let known = conjunct.columns.iter().filter(is_known).count() as u32;
            // Without statistics, each known element is taken to leave a hundredth.
            facts.all_runs().map(rows).sum::<u64>() / 100u64.saturating_pow(known)
        })
        .collect();
    let mut order: Vec<usize> = Vec::new();
    loop {
        let has = |conjunct: &Conjunct<'_>, variable| conjunct.columns.contains(&Column::Variable(variable));
        let mut best = None;
        for column in conjuncts.iter().flat_map(|conjunct| &conjunct.columns) {
            let Column::Variable(variable) = *column else { continue };
            if order.contains(&variable) {
                continue;
            }
            let with = || conjuncts.iter().zip(&sizes).filter(|(conjunct, _)| has(conjunct, variable));
            let connected = with().any(|(conjunct, _)| order.iter().any(|bound| has(conjunct, *bound)));
            let rows = with().map(|(_, rows)| *rows).min().unwrap_or(0);
            let rank = (!connected && !order.is_empty(), rows, usize::MAX - with().count());
            if best.is_none_or(|(least, _)| rank < least) {
                best = Some((rank, variable));
            }
        }
        match best {
            Some((_, variable)) => order.push(variable),
            None => return order,
        }
    }
}

/// A conjunct in the join.
struct Relation<'a> {
    conjunct: &'a Conjunct<'a>,
    sources: Vec<Source<'a>>,
    /// The levels that have each variable, in the order of binding.
    levels: Vec<Range<usize>>,
    /// Whether its words say less than its terms (J3).
    hashed: bool,
}

impl Relation<'_> {
    /// How many levels there are.
    fn depth(&self) -> usize {
        self.conjunct.columns.len()
    }

    /// The places for a variable, one for each source.
    fn places(&self, variable: usize) -> impl Iterator<Item = usize> {
        let level = self.levels[variable].start;
        self.sources.iter().map(move |source| source.first + level)
    }
}

/// What one run has for a conjunct.
struct Source<'a> {
    part: u32,
    run: &'a Run,
    trie: &'a Trie,
    /// Where its places begin among all: one for each level, and one for the rows.
    first: usize,
}

/// Nodes of a trie that agree with what is bound so far, those before them done with.
#[derive(Clone, Copy, Default)]
struct Place {
    start: u32,
    end: u32,
}

impl Place {
    fn new(nodes: Range<u32>) -> Self {
        Place { start: nodes.start, end: nodes.end }
    }

    fn nodes(self) -> Range<u32> {
        self.start..self.end
    }
}

/// Finds the tries for a conjunct and goes to the nodes with its known elements.
fn enter<'a>(
    facts: &'a Facts,
    conjunct: &'a Conjunct<'a>,
    order: &[usize],
    places: &mut Vec<Place>,
) -> Option<Relation<'a>> {
    let rank = |column: u8| match conjunct.columns[usize::from(column)] {
        Column::Known(_) => None,
        Column::Variable(variable) => order.iter().position(|known| *known == variable),
    };
    let mut columns: Vec<u8> = (0..conjunct.columns.len() as u8).collect();
    columns.sort_by_key(|column| rank(*column));
    let layout = Layout { prefix: conjunct.prefix.to_vec(), order: columns };
    let known = conjunct.columns.iter().filter_map(|column| match column {
        Column::Known(term) => Some(word(term)),
        Column::Variable(_) => None,
    });
    let known: Vec<u64> = known.collect();
    let mut sources = Vec::new();
    for (part, run) in facts.all_runs() {
        // J2: a variable equals anything.
        if run.has_open() && has_variables_for(run.keys(), conjunct.prefix) {
            return None;
        }
        let rows = run.keys().narrow(run.keys().all(), 0, conjunct.prefix);
        if rows.is_empty() {
            continue;
        }
        let trie = run.trie(rows, &layout)?;
        let find = |nodes, (level, word): (usize, &u64)| trie.find(level, nodes, *word);
        let nodes = known.iter().enumerate().fold(trie.top(), find);
        sources.push(Source { part, run, trie, first: places.len() });
        places.resize(places.len() + conjunct.columns.len() + 1, Place::default());
        places[sources[sources.len() - 1].first + known.len()] = Place::new(nodes);
    }
    let levels = |variable| {
        let level = |rank_is: fn(&Option<usize>, &Option<usize>) -> bool| {
            layout.order.partition_point(|column| rank_is(&rank(*column), &Some(variable)))
        };
        level(PartialOrd::lt)..level(PartialOrd::le)
    };
    let levels = (0..order.len()).map(levels).collect();
    let hashed = sources.iter().any(|source| source.trie.is_hashed());
    Some(Relation { conjunct, sources, levels, hashed })
}

struct Join<'a> {
    facts: &'a Facts,
    relations: &'a [Relation<'a>],
    /// The relations that have each variable, in the order of binding.
    with: &'a [Vec<&'a Relation<'a>>],
    places: Vec<Place>,
    /// Where places began, to go back to.
    starts: Vec<u32>,
    found: Vec<Found>,
    /// How many facts answers may have in all.
    limit: usize,
}

impl<'a> Join<'a> {
    /// Binds the variables from `variable` on in all ways; `false` when there are too many answers.
    ///
    /// Recurses over variables, of which there are at most [`MOST`]. Leaves the places of the levels that have the
    /// variable as they were, and writes those below them.
    fn bind(&mut self, variable: usize) -> bool {
        let Some(with) = self.with.get(variable).map(Vec::as_slice) else { return self.answer() };
        let base = self.starts.len();
        let sources = with.iter().flat_map(|relation| relation.places(variable));
        self.starts.extend(sources.map(|place| self.places[place].start));
        let complete = self.meet(with, variable);
        let sources = with.iter().flat_map(|relation| relation.places(variable));
        sources.zip(&self.starts[base..]).for_each(|(place, start)| self.places[place].start = *start);
        self.starts.truncate(base);
        complete
    }

    /// Binds a variable to each of the words that all of these relations have for it.
    fn meet(&mut self, with: &[&Relation<'_>], variable: usize) -> bool {
        // The one with the fewest nodes is asked first: it is the first to have no more.
        let nodes = |relation: &Relation<'_>| -> usize {
            relation.places(variable).map(|place| self.places[place].nodes().len()).sum()
        };
        let mut asked = (0..with.len()).min_by_key(|at| nodes(with[*at])).unwrap_or(0);
        let (mut sought, mut agreed) = (0, 0);
        while let Some(word) = self.seek(with[asked], variable, sought) {
            agreed = if word == sought { agreed + 1 } else { 1 };
            sought = word;
            if agreed < with.len() {
                asked = if asked + 1 < with.len() { asked + 1 } else { 0 };
                continue;
            }
            let everywhere = with.iter().all(|relation| self.go_down(relation, variable, sought));
            if everywhere && !self.bind(variable + 1) {
                return false;
            }
            let Some(next) = sought.checked_add(1) else { break };
            (sought, agreed) = (next, 0);
        }
        true
    }

    /// Goes to the first word of a relation for a variable that is not less than `least`, and returns it.
    #[inline]
    fn seek(&mut self, relation: &Relation<'_>, variable: usize, least: u64) -> Option<u64> {
        let level = relation.levels[variable].start;
        let mut first = None;
        for source in &relation.sources {
            let place = &mut self.places[source.first + level];
            place.start = source.trie.seek(level, place.nodes(), least);
            if place.start < place.end {
                let word = source.trie.word(level, place.start);
                first = Some(first.map_or(word, |first: u64| first.min(word)));
            }
        }
        first
    }

    /// Goes below the nodes of a relation that have the word of a variable; reports whether there are any.
    fn go_down(&mut self, relation: &Relation<'_>, variable: usize, word: u64) -> bool {
        let mut any = false;
        for source in &relation.sources {
            let levels = relation.levels[variable].clone();
            let mut nodes = self.places[source.first + levels.start].nodes();
            for level in levels.clone() {
                nodes = source.trie.find(level, nodes, word);
            }
            any |= !nodes.is_empty();
            self.places[source.first + levels.end] = Place::new(nodes);
        }
        any
    }

    /// Notes the facts that all relations are at; `false` when there are too many answers, or they cannot be told apart.
    fn answer(&mut self) -> bool {
        let start = self.found.len();
        for relation in self.relations {
            let found_in = |source: &Source<'_>| {
                let place = self.places[source.first + relation.depth()];
                let row = source.trie.row((place.start < place.end).then_some(place.start)?);
                self.facts.found(source.part, source.run, row)
            };
            let mut found = relation.sources.iter().filter_map(found_in);
            let first = found.next();
            // J3: two of a relation are two facts, and there might be an answer with either.
            if relation.hashed && found.next().is_some() {
                return false;
            }
            match first {
                Some(found) => self.found.push(found),
                None => {
                    // All of them were removed from a run.
                    self.found.truncate(start);
                    return true;
                }
            }
        }
        if self.relations.iter().any(|relation| relation.hashed) && !self.agree(&self.found[start..]) {
            self.found.truncate(start);
        }
        self.found.len() <= self.limit
    }

    /// Reports whether facts for the conjuncts have what those know, and the same term for each variable (J3).
    fn agree(&self, found: &[Found]) -> bool {
        let mut bound: Vec<Option<&[u8]>> = vec![None; self.with.len()];
        self.relations.iter().zip(found).all(|(Relation { conjunct, .. }, found)| {
            let bytes = self.facts.fact(found).bytes;
            let mut at = conjunct.prefix.len();
            conjunct.columns.iter().all(|column| {
                let end = term_end(bytes, at);
                let term = &bytes[std::mem::replace(&mut at, end)..end];
                match column {
                    Column::Known(known) => *known == term,
                    Column::Variable(variable) => *bound[*variable].get_or_insert(term) == term,
                }
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use metta_atom::Atom;

    use crate::Snapshot;

    /// J3, T1: here words have few bits of a hash, so that many different terms have equal ones.
    #[test]
    fn terms_with_equal_words_are_told_apart() {
        let name = |n: usize| Atom::symbol(format!("a-name-of-many-bytes-{n}"));
        let fact = |head: &str, a: Atom, b: Atom| Atom::expression([Atom::symbol(head), a, b]);
        let edge = |a: Atom, b: Atom| fact("edge", a, b);
        let [x, y, z] = ["x", "y", "z"].map(Atom::variable);
        let and = |conjuncts: &[Atom]| Atom::expression([&[Atom::symbol(",")], conjuncts].concat());
        let patterns = [
            and(&[edge(x.clone(), y.clone()), edge(y.clone(), z.clone())]),
            and(&[edge(x.clone(), y.clone()), fact("link", y.clone(), z.clone())]),
            and(&[edge(x.clone(), name(1)), edge(name(1), y.clone())]),
            and(&[edge(x.clone(), x.clone()), edge(x, y)]),
            and(&[edge(name(2), name(3)), edge(name(3), z.clone()), edge(z, name(4))]),
        ];
        let (mut joined, mut refused) = (0, 0);
        for seed in 0..200usize {
            let (mut space, mut random) = (Snapshot::new(), seed);
            let mut below = |n: usize| {
                random =
                    random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (random >> 33) % n
            };
            for n in 0..5 + seed % 9 {
                space.add(&fact(["edge", "link"][below(2)], name(below(8)), name(below(8))));
                if n % 3 == seed % 4 {
                    space.settle();
                }
            }
            for pattern in &patterns {
                let searched = space.matches(pattern).count() as u64;
                match space.join(&space.encode_pattern(pattern).bytes, usize::MAX) {
                    Some(answers) => {
                        assert_eq!(answers.count(), searched, "seed {seed}: {pattern}");
                        joined += searched;
                    }
                    None => refused += 1,
                }
            }
        }
        assert!(joined > 100 && refused > 50, "{joined} answers, {refused} refused");
    }
}
