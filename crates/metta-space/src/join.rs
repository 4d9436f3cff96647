//! Conjunctions over facts without variables, by a worst-case-optimal join.
//!
//! A conjunct is a relation whose columns are the elements behind its head. The variables are
//! bound one after the other, in one order for all conjuncts; each relation is read through an
//! index whose columns are in that order, what is known first. To bind a variable, the terms of
//! the relation with the fewest rows left are tried, each looked up in all others that have the
//! variable. No intermediate result is larger than what the answers could be, which nested loops
//! over conjuncts do not promise (Ngo, Porat, Ré and Rudra 2012; Veldhuizen 2014).
//!
//! Invariant J1: an answer is found once, and answers are in the order of nested loops: by the
//! sequence number of the first fact, then of the second, and so on.
//! Invariant J2: a join is refused where equal values may have different bytes.

use std::ops::Range;

use crate::bytes::{Item, Reader, Token, term_end, token};
use crate::facts::{Facts, Found, Index, Layout, Run, Sought, is_plain, tail};
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
    let has = |variable: usize| {
        (0..relations.len()).filter(|at| relations[*at].columns[variable] > 0).collect::<Vec<_>>()
    };
    let with = (0..order.len()).map(has).collect();
    let saved = Vec::new();
    let mut join = Join { facts, relations: &relations, with, places, saved, found: Vec::new(), limit };
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
    /// Its places among all places, one for each source.
    places: Range<usize>,
    sources: Vec<Source<'a>>,
    /// How many columns each variable has here, in the order of binding.
    columns: Vec<u8>,
}

/// What one run has for a conjunct.
struct Source<'a> {
    part: u32,
    run: &'a Run,
    index: &'a Index,
}

/// Rows of an index that agree with what is bound so far, up to a depth.
#[derive(Clone, Copy)]
struct Place {
    start: u32,
    end: u32,
    depth: u32,
}

impl Place {
    fn new(rows: Range<u32>, depth: usize) -> Self {
        // An atom in a run that has indexes is not longer than 2^32 bytes: runs that large have none.
        Place { start: rows.start, end: rows.end, depth: depth as u32 }
    }

    fn rows(self) -> Range<u32> {
        self.start..self.end
    }

    fn depth(self) -> usize {
        self.depth as usize
    }
}

/// Finds the indexes for a conjunct and goes to the rows with its known elements.
fn enter<'a>(
    facts: &'a Facts,
    conjunct: &Conjunct<'_>,
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
    let known = conjunct.columns.iter().flat_map(|column| match column {
        Column::Known(bytes) => *bytes,
        Column::Variable(_) => &[],
    });
    let known: Vec<u8> = known.copied().collect();
    let (first, mut sources) = (places.len(), Vec::new());
    for (part, run) in facts.all_runs() {
        // J2: a variable equals anything.
        if run.has_open() && has_variables_for(run.keys(), conjunct.prefix) {
            return None;
        }
        let rows = run.keys().narrow(run.keys().all(), 0, conjunct.prefix);
        if rows.is_empty() {
            continue;
        }
        let index = run.index_now(rows, &layout).filter(|index| index.is_plain())?;
        places.push(Place::new(index.keys().narrow(index.keys().all(), 0, &known), known.len()));
        sources.push(Source { part, run, index });
    }
    let columns =
        |variable| layout.order.iter().filter(|column| rank(**column) == Some(variable)).count() as u8;
    Some(Relation { places: first..places.len(), sources, columns: (0..order.len()).map(columns).collect() })
}

struct Join<'a> {
    facts: &'a Facts,
    relations: &'a [Relation<'a>],
    /// The relations that have each variable, in the order of binding.
    with: Vec<Vec<usize>>,
    places: Vec<Place>,
    saved: Vec<Place>,
    found: Vec<Found>,
    limit: usize,
}

impl<'a> Join<'a> {
    /// Binds the variables from `variable` on in all ways; `false` when there are too many answers.
    ///
    /// Recurses over variables, of which there are at most [`MOST`]. Leaves the places as they were.
    fn bind(&mut self, variable: usize) -> bool {
        let relations = self.relations;
        let Some(mut with) = self.with.get_mut(variable).map(std::mem::take) else { return self.answer() };
        // The one with the fewest rows is tried, and then those that are likely to refuse.
        with.sort_by_key(|at| -> usize {
            self.places[relations[*at].places.clone()].iter().map(|place| place.rows().len()).sum()
        });
        // First the places to come back to, then what is left to try of them.
        let base = self.saved.len();
        for _ in 0..2 {
            with.iter()
                .for_each(|at| self.saved.extend_from_slice(&self.places[relations[*at].places.clone()]));
        }
        let left = base + (self.saved.len() - base) / 2;
        let mut complete = true;
        while let Some(term) = with.first().and_then(|driver| self.least(&relations[*driver], left)) {
            let mut at = left;
            let everywhere = with.iter().all(|relation| {
                let from = at;
                at += relations[*relation].places.len();
                self.go_to(&relations[*relation], from, term, variable)
            });
            if everywhere && !self.bind(variable + 1) {
                complete = false;
                break;
            }
        }
        let mut at = base;
        for relation in &with {
            let places = relations[*relation].places.clone();
            let n = places.len();
            self.places[places].copy_from_slice(&self.saved[at..at + n]);
            at += n;
        }
        self.saved.truncate(base);
        self.with[variable] = with;
        complete
    }

    /// The least term that is left to try of a relation, whose places are saved from `left` on.
    fn least(&self, relation: &'a Relation<'a>, left: usize) -> Option<&'a [u8]> {
        let places = &self.saved[left..left + relation.places.len()];
        let terms = relation.sources.iter().zip(places).filter(|(_, place)| place.start < place.end);
        terms
            .map(|(source, place)| {
                let string = source.index.keys().get(place.start);
                tail(&string[..term_end(string, place.depth())], place.depth())
            })
            .min()
    }

    /// Goes to the rows of a relation that have `term` next, and past them in what is left to try.
    /// Reports whether there are any.
    fn go_to(&mut self, relation: &Relation<'_>, left: usize, term: &[u8], variable: usize) -> bool {
        let (mut any, sought) = (false, Sought::new(term));
        for (i, source) in relation.sources.iter().enumerate() {
            let keys = source.index.keys();
            let place = &mut self.saved[left + i];
            let mut depth = place.depth();
            let start = keys.leap(place.rows(), |string| sought.is_behind(string, depth));
            let end = keys.leap(start..place.end, |string| sought.is_in(string, depth));
            place.start = end;
            let mut rows = start..end;
            depth += term.len();
            for _ in 1..relation.columns[variable] {
                rows = keys.narrow(rows, depth, term);
                depth += term.len();
            }
            any |= !rows.is_empty();
            self.places[relation.places.start + i] = Place::new(rows, depth);
        }
        any
    }

    /// Notes the facts that all relations are at; `false` when there are too many answers.
    fn answer(&mut self) -> bool {
        let start = self.found.len();
        for relation in self.relations {
            let mut sources = relation.sources.iter().zip(&self.places[relation.places.clone()]);
            let found = sources.find_map(|(source, place)| {
                let mut rows = place.rows().map(|key| source.index.row(key));
                rows.find_map(|row| self.facts.found(source.part, source.run, row))
            });
            match found {
                Some(found) => self.found.push(found),
                None => {
                    // All of them were removed from a run.
                    self.found.truncate(start);
                    return true;
                }
            }
        }
        self.found.len() <= self.limit.saturating_mul(self.relations.len())
    }
}
