//! Queries over atoms: unification of both sides, conjunctions, multiplicities.

use std::collections::HashSet;

use metta_atom::{Atom, BindingSet, Bindings, Variable};

use crate::bytes::{Item, Reader};
use crate::facts::{Fact, Found};
use crate::snapshot::Snapshot;
use crate::unify::Unifier;
use crate::walk;

impl Snapshot {
    /// Returns the ways in which `pattern` matches atoms of the space.
    ///
    /// Variables stand on both sides; a stored atom counts as often as there are copies,
    /// and its variables that remain get new numbers. A pattern headed by `,` is a
    /// conjunction, matched left to right. The order is depth first: facts in insertion
    /// order, the leftmost conjunct varying slowest.
    /// Each set binds variables of the pattern, in order of their first occurrence.
    ///
    /// Cost: that of [`Snapshot::join`] for a conjunction over facts without variables.
    ///
    /// Answers: sequence.
    pub fn query(&self, pattern: &Atom) -> Vec<BindingSet> {
        self.joined(pattern).unwrap_or_else(|| self.matches(pattern).collect())
    }

    /// Returns what [`Snapshot::query`] does, one answer at a time.
    ///
    /// Answers are searched for as they are asked for, so the first is there early and those that are not
    /// taken cost nothing; only the facts that may match the conjuncts in turn are held.
    pub fn matches(&self, pattern: &Atom) -> Matches<'_> {
        let variables = distinct_variables(pattern);
        let highest = variables.iter().map(Variable::number).max().unwrap_or(0);
        let conjuncts = conjuncts(pattern).to_vec();
        let next_fresh = highest.saturating_add(1);
        let mut matches =
            Matches { snapshot: self, variables, next_fresh, levels: Vec::new(), empty: false, conjuncts };
        if matches.conjuncts.is_empty() {
            matches.empty = true;
        } else {
            matches.enter(Bindings::new());
        }
        matches
    }

    /// Returns how many answers [`Snapshot::query`] has.
    ///
    /// Cost: without looking at the facts, where they have no variables and the pattern has no variable
    /// twice; conjunctions are joined where they can be.
    pub fn count(&self, pattern: &Atom) -> u64 {
        let encoded = self.encode_pattern(pattern).bytes;
        let is_conjunction = !std::ptr::eq(conjuncts(pattern), std::slice::from_ref(pattern));
        if is_conjunction {
            let answers = self.join(&encoded, usize::MAX);
            return answers.map_or_else(|| self.matches(pattern).count() as u64, |answers| answers.count());
        }
        let is_linear = pattern.variables().count() == distinct_variables(pattern).len();
        if is_linear && !self.facts.has_open() && !self.registry.handles.are_matching() {
            return walk::count(&self.facts, &encoded);
        }
        self.matches(pattern).count() as u64
    }

    /// Answers a conjunction by a join, if it is one for that.
    fn joined(&self, pattern: &Atom) -> Option<Vec<BindingSet>> {
        let conjuncts = conjuncts(pattern);
        if conjuncts.len() < 2 {
            return None;
        }
        let variables = distinct_variables(pattern);
        let answers = self.join(&self.encode_pattern(pattern).bytes, usize::MAX)?;
        // Where each variable is: in a join they are elements of conjuncts.
        let place = |variable: &Variable| {
            conjuncts.iter().enumerate().find_map(|(i, conjunct)| {
                let is_it = |child: &Atom| matches!(child, Atom::Variable(it) if it == variable);
                Some((i, conjunct.children()?.iter().position(is_it)?))
            })
        };
        let places: Vec<(usize, usize)> = variables.iter().map(place).collect::<Option<_>>()?;
        let bound = |number: u32| {
            let answer = answers.get(number);
            let values = places.iter().map(|(i, element)| self.element(&answer[*i], *element));
            BindingSet(variables.iter().cloned().zip(values).collect())
        };
        Some(answers.with_copies().into_iter().map(bound).collect())
    }

    /// Decodes an element of an expression without variables.
    fn element(&self, found: &Found, index: usize) -> Atom {
        let bytes = self.fact(found).bytes;
        let mut reader = Reader::new(bytes);
        reader.next();
        (0..index).for_each(|_| reader.skip_term());
        let start = reader.position();
        reader.skip_term();
        self.decode(&bytes[start..reader.position()], &[])
    }
}

/// The conjuncts of a pattern: those behind a `,`, or the pattern.
fn conjuncts(pattern: &Atom) -> &[Atom] {
    match pattern.children() {
        Some([Atom::Symbol(head), rest @ ..]) if head.name() == "," => rest,
        _ => std::slice::from_ref(pattern),
    }
}

/// The variables of a pattern, in order of their first occurrence.
fn distinct_variables(pattern: &Atom) -> Vec<Variable> {
    let mut known = HashSet::new();
    pattern.variables().filter(|variable| known.insert(*variable)).cloned().collect()
}

/// The answers of a query, searched for depth first.
#[derive(Debug)]
pub struct Matches<'a> {
    snapshot: &'a Snapshot,
    variables: Vec<Variable>,
    conjuncts: Vec<Atom>,
    next_fresh: u64,
    /// One level for each conjunct that is being matched.
    levels: Vec<Level>,
    /// Whether the one answer of no conjuncts is still to come.
    empty: bool,
}

#[derive(Debug)]
struct Level {
    goal: Atom,
    unifier: Unifier,
    /// Whether the goal has a variable twice: facts without variables may not match then.
    repeats: bool,
    facts: std::vec::IntoIter<Found>,
    /// The fact in turn and how many of its copies are left.
    current: Option<(Found, u64)>,
    /// What the levels above have bound.
    bindings: Bindings,
}

impl Iterator for Matches<'_> {
    type Item = BindingSet;

    fn next(&mut self) -> Option<BindingSet> {
        if std::mem::take(&mut self.empty) {
            return Some(BindingSet::default());
        }
        while let Some(level) = self.levels.last_mut() {
            let Some(found) = level.next_copy() else {
                self.levels.pop();
                continue;
            };
            let fact = self.snapshot.fact(&found);
            if (level.repeats || !fact.is_ground()) && !level.unifier.may_unify(fact.bytes) {
                // Nor do its other copies.
                level.current = None;
                continue;
            }
            let stored = rename(self.snapshot, &fact, &mut self.next_fresh);
            let Some(bindings) = level.bindings.clone().unify(&level.goal, &stored) else { continue };
            if self.levels.len() == self.conjuncts.len() {
                let bound = self.variables.iter();
                let bound = bound.filter_map(|variable| Some((variable.clone(), bindings.get(variable)?)));
                return Some(BindingSet(bound.collect()));
            }
            self.enter(bindings);
        }
        None
    }
}

impl Matches<'_> {
    /// Begins with the next conjunct, instantiated with what is known.
    fn enter(&mut self, bindings: Bindings) {
        let goal = bindings.apply(&self.conjuncts[self.levels.len()]);
        let pattern = self.snapshot.encode_pattern(&goal).bytes;
        let facts = self.snapshot.candidates(&pattern).into_iter();
        let repeats = Reader::new(&pattern).any(|item| matches!(item, Item::VarRef(_)));
        let unifier = Unifier::new(pattern);
        self.levels.push(Level { goal, unifier, repeats, facts, current: None, bindings });
    }
}

impl Level {
    fn next_copy(&mut self) -> Option<Found> {
        match self.current.take() {
            Some((fact, left)) if left > 0 => {
                self.current = Some((fact, left - 1));
                Some(fact)
            }
            _ => {
                let fact = self.facts.next()?;
                self.current = Some((fact, fact.count - 1));
                Some(fact)
            }
        }
    }
}

/// Reports whether a fact unifies with a pattern.
pub(crate) fn unifies(snapshot: &Snapshot, pattern: &Atom, found: &Found) -> bool {
    let highest = pattern.variables().map(Variable::number).max().unwrap_or(0);
    let stored = rename(snapshot, &snapshot.fact(found), &mut highest.saturating_add(1));
    Bindings::new().unify(pattern, &stored).is_some()
}

/// Decodes a fact with new variables of the same names.
fn rename(snapshot: &Snapshot, fact: &Fact<'_>, next_fresh: &mut u64) -> Atom {
    let fresh: Vec<Variable> = fact
        .variables()
        .iter()
        .zip(*next_fresh..)
        .map(|(variable, number)| Variable::renamed(variable.name().clone(), number))
        .collect();
    *next_fresh += fresh.len() as u64;
    snapshot.decode(fact.bytes, &fresh)
}
