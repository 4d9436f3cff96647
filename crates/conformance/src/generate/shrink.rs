//! Delta debugging: a smaller program that still shows the same thing.

use super::term::Term;
use super::{Program, ProgramForm};

/// Takes forms and parts of forms away as long as `shows` holds of what is left.
///
/// Cost: at most `attempts` calls of `shows`.
pub fn shrink(program: &Program, attempts: usize, shows: impl FnMut(&Program) -> bool) -> Program {
    let mut shrinking = Shrinking { program: program.clone(), attempts, shows };
    loop {
        let before = shrinking.program.clone();
        shrinking.drop_forms();
        for index in 0..shrinking.program.forms.len() {
            shrinking.simplify(index);
        }
        if shrinking.attempts == 0 || shrinking.program == before {
            return shrinking.program;
        }
    }
}

struct Shrinking<F> {
    program: Program,
    attempts: usize,
    shows: F,
}

impl<F: FnMut(&Program) -> bool> Shrinking<F> {
    /// Goes on with `candidate` when it still shows it.
    fn attempt(&mut self, candidate: Program) -> bool {
        if self.attempts == 0 {
            return false;
        }
        self.attempts -= 1;
        let holds = (self.shows)(&candidate);
        if holds {
            self.program = candidate;
        }
        holds
    }

    /// Drops runs of forms, first long ones.
    fn drop_forms(&mut self) {
        let mut length = self.program.forms.len().div_ceil(2).max(1);
        loop {
            let mut start = 0;
            while start < self.program.forms.len() {
                let mut candidate = self.program.clone();
                candidate.forms.drain(start..(start + length).min(candidate.forms.len()));
                if !self.attempt(candidate) {
                    start += length;
                }
            }
            if length == 1 {
                return;
            }
            length = length.div_ceil(2);
        }
    }

    /// Replaces parts of a form by smaller ones, outer parts first.
    fn simplify(&mut self, index: usize) {
        let Some(mut term) = self.program.forms.get(index).and_then(|form| Term::read(&form.atom)) else {
            return;
        };
        let mut at = 0;
        while let Some(part) = part(&term, &mut at.clone()) {
            let smaller = simpler(part).into_iter().find_map(|replacement| {
                let changed = replace(&term, &mut at.clone(), &replacement);
                let mut candidate = self.program.clone();
                candidate.forms[index] =
                    ProgramForm { atom: changed.to_string(), ..candidate.forms[index].clone() };
                self.attempt(candidate).then_some(changed)
            });
            match smaller {
                Some(changed) => term = changed,
                None => at += 1,
            }
        }
    }
}

/// What may stand in the place of a term: its elements, itself without one of them, a constant.
fn simpler(term: &Term) -> Vec<Term> {
    let elements = term.elements();
    let mut found: Vec<Term> = Vec::new();
    if !elements.is_empty() {
        found.push(Term::Word("a".to_owned()));
        found.extend(elements.iter().skip(1).cloned());
        found.extend((0..elements.len()).map(|left_out| {
            let kept = elements.iter().enumerate().filter(|(index, _)| *index != left_out);
            Term::Tuple(kept.map(|(_, element)| element.clone()).collect())
        }));
    }
    found
}

/// The part number `at`, counted from the outside and from the left.
fn part<'a>(term: &'a Term, at: &mut usize) -> Option<&'a Term> {
    if *at == 0 {
        return Some(term);
    }
    *at -= 1;
    term.elements().iter().find_map(|element| part(element, at))
}

fn replace(term: &Term, at: &mut usize, replacement: &Term) -> Term {
    if *at == 0 {
        // Past every count: no other part is replaced.
        *at = usize::MAX;
        return replacement.clone();
    }
    *at -= 1;
    match term {
        Term::Word(word) => Term::Word(word.clone()),
        Term::Tuple(elements) => {
            Term::Tuple(elements.iter().map(|element| replace(element, at, replacement)).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::shrink;
    use crate::generate::{Program, generate};

    fn is_small(text: &str, program: &Program) -> bool {
        program.text().contains(text)
    }

    #[test]
    fn what_is_left_shows_it_and_little_else() {
        let program = (0..).map(generate).find(|it| is_small("(unify ", it)).unwrap();
        let small = shrink(&program, 10_000, |it| is_small("(unify ", it));
        assert_eq!(small.forms.len(), 1, "{}", small.text());
        assert!(small.text().len() < 20, "{}", small.text());
    }

    #[test]
    fn a_limit_of_attempts_ends_it() {
        let program = generate(1);
        let mut calls = 0;
        shrink(&program, 7, |_| {
            calls += 1;
            false
        });
        assert_eq!(calls, 7);
        assert_eq!(shrink(&program, 0, |_| true), program);
    }
}
