//! Queries over atoms: unification of both sides, conjunctions, multiplicities.

use std::collections::HashSet;

use metta_atom::{Atom, BindingSet, Bindings, Variable};

use crate::bytes::Reader;
use crate::facts::{Fact, Found};
use crate::snapshot::Snapshot;

impl Snapshot {
    /// Returns the ways in which `pattern` matches atoms of the space.
    ///
    /// Variables stand on both sides; a stored atom counts as often as there are copies,
    /// and its variables that remain get new numbers. A pattern headed by `,` is a
    /// conjunction, matched left to right. The order is depth first: facts in insertion
    /// order, the leftmost conjunct varying slowest.
    /// Each set binds variables of the pattern, in order of their first occurrence.
    ///
    /// Answers: sequence.
    pub fn query(&self, pattern: &Atom) -> Vec<BindingSet> {
        let conjuncts = match pattern.children() {
            Some([Atom::Symbol(head), rest @ ..]) if head.name() == "," => rest,
            _ => std::slice::from_ref(pattern),
        };
        let mut known = HashSet::new();
        let variables: Vec<&Variable> =
            pattern.variables().filter(|variable| known.insert(*variable)).collect();
        if let Some(answers) = self.joined(pattern, conjuncts, &variables) {
            return answers;
        }
        let highest = variables.iter().map(|variable| variable.number()).max().unwrap_or(0);
        let mut search =
            Search { snapshot: self, conjuncts, next_fresh: highest.saturating_add(1), levels: Vec::new() };
        let mut answers = Vec::new();
        search.run(|bindings| {
            let bound =
                variables.iter().filter_map(|variable| Some(((*variable).clone(), bindings.get(variable)?)));
            answers.push(BindingSet(bound.collect()));
        });
        answers
    }

    /// Answers a conjunction by a join, if it is one for that.
    fn joined(&self, pattern: &Atom, conjuncts: &[Atom], variables: &[&Variable]) -> Option<Vec<BindingSet>> {
        if conjuncts.len() < 2 {
            return None;
        }
        let answers = self.join(&self.encode_pattern(pattern).bytes, usize::MAX)?;
        // Where each variable is: in a join they are elements of conjuncts.
        let place = |variable: &Variable| {
            conjuncts.iter().enumerate().find_map(|(i, conjunct)| {
                let is_it = |child: &Atom| matches!(child, Atom::Variable(it) if it == variable);
                Some((i, conjunct.children()?.iter().position(is_it)?))
            })
        };
        let places: Vec<(usize, usize)> =
            variables.iter().map(|variable| place(variable)).collect::<Option<_>>()?;
        let bound = |number: u32| {
            let answer = answers.get(number);
            let values = places.iter().map(|(i, element)| self.element(&answer[*i], *element));
            BindingSet(variables.iter().map(|variable| (*variable).clone()).zip(values).collect())
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

/// A depth-first search through the conjuncts.
struct Search<'a> {
    snapshot: &'a Snapshot,
    conjuncts: &'a [Atom],
    next_fresh: u64,
    /// One level for each conjunct that is being matched.
    levels: Vec<Level>,
}

struct Level {
    goal: Atom,
    facts: std::vec::IntoIter<Found>,
    /// The fact in turn and how many of its copies are left.
    current: Option<(Found, u64)>,
    /// What the levels above have bound.
    bindings: Bindings,
}

impl Search<'_> {
    fn run(&mut self, mut answer: impl FnMut(&Bindings)) {
        if self.conjuncts.is_empty() {
            return answer(&Bindings::new());
        }
        self.enter(Bindings::new());
        while let Some(level) = self.levels.last_mut() {
            let Some(fact) = level.next_copy() else {
                self.levels.pop();
                continue;
            };
            let stored = rename(self.snapshot, &self.snapshot.fact(&fact), &mut self.next_fresh);
            let Some(bindings) = level.bindings.clone().unify(&level.goal, &stored) else { continue };
            if self.levels.len() == self.conjuncts.len() {
                answer(&bindings);
            } else {
                self.enter(bindings);
            }
        }
    }

    /// Begins with the next conjunct, instantiated with what is known.
    fn enter(&mut self, bindings: Bindings) {
        let goal = bindings.apply(&self.conjuncts[self.levels.len()]);
        let pattern = self.snapshot.encode_pattern(&goal);
        let facts = self.snapshot.candidates(&pattern.bytes).into_iter();
        self.levels.push(Level { goal, facts, current: None, bindings });
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
