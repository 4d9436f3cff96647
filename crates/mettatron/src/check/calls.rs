//! The calls of a program: expressions that are evaluated wherever they are reached.

use metta_atom::Atom;
use metta_syntax::{Part, Span, parts};

use super::judge::Judge;
use super::{Written, head, name, sides};
use crate::diagnosis::{Place, Texts};

/// Calls deeper inside a form are passed over, so that the cost stays in proportion to the text.
pub(super) const MOST_DEPTH: usize = 64;

/// An expression that is evaluated.
pub(super) struct Call {
    pub(super) atom: Atom,
    pub(super) place: Place,
    /// The number of the `!` form that it is a part of; `None` in the body of a rule.
    pub(super) query: Option<usize>,
    /// The name that the rule around it defines.
    pub(super) defines: Option<String>,
    /// It is an argument of an assertion, which may want an error.
    pub(super) asserted: bool,
}

/// What library functions evaluate among the arguments that their types delay.
enum Delayed {
    /// These arguments, from 1.
    These(&'static [usize]),
    /// The second element of each element of an argument, and other arguments.
    Pairs(usize, &'static [usize]),
    /// All, but their errors are wanted.
    Asserted,
}

fn delayed(name: &str) -> Delayed {
    match name {
        "if" => Delayed::These(&[2, 3]),
        "let" | "match" | "map-atom" | "filter-atom" => Delayed::These(&[3]),
        "unify" => Delayed::These(&[3, 4]),
        "collapse" | "once" => Delayed::These(&[1]),
        "foldl-atom" => Delayed::These(&[5]),
        "sealed" | "with-limit" => Delayed::These(&[2]),
        "let*" => Delayed::Pairs(1, &[2]),
        "case" => Delayed::Pairs(2, &[1]),
        "switch" => Delayed::Pairs(2, &[]),
        _ if name.starts_with("assert") => Delayed::Asserted,
        _ => Delayed::These(&[]),
    }
}

/// Lists the calls in the forms that are run and in the bodies of rules, outer ones first.
pub(super) fn all(forms: &[Written], texts: &Texts, judge: &Judge) -> Vec<Call> {
    let mut calls = Vec::new();
    for (number, Written { text, form }) in forms.iter().enumerate() {
        let body = sides(&form.atom).filter(|_| !form.run);
        if !form.run && body.is_none_or(|(left, _)| judge.returns_data(left)) {
            continue;
        }
        let Some(bytes) = texts.get(*text).map(|text| text.bytes()) else { continue };
        let parts = parts(bytes, form);
        let first = if form.run { Some(0) } else { children(&parts, 0).nth(2) };
        let query = form.run.then_some(number);
        let defines = body.and_then(|(left, _)| head(left)).map(str::to_owned);
        let mut walk = Walk {
            text: *text,
            query,
            defines,
            parts: &parts,
            judge,
            calls: &mut calls,
            pending: Vec::new(),
        };
        walk.pending.extend(first.map(|first| (first, 0, false)));
        walk.all();
    }
    calls
}

struct Walk<'w> {
    text: usize,
    query: Option<usize>,
    defines: Option<String>,
    parts: &'w [Part<'w>],
    judge: &'w Judge,
    calls: &'w mut Vec<Call>,
    /// What is evaluated: its part, how deep it is, and whether it is inside an assertion.
    pending: Vec<(usize, usize, bool)>,
}

impl Walk<'_> {
    fn all(&mut self) {
        while let Some((index, depth, asserted)) = self.pending.pop() {
            let Part { atom, span, .. } = self.parts[index];
            if depth < MOST_DEPTH && atom.children().is_some_and(|children| !children.is_empty()) {
                self.call((index, depth), atom, span, asserted);
            }
        }
    }

    fn call(&mut self, (index, depth): (usize, usize), atom: &Atom, span: Span, asserted: bool) {
        self.calls.push(Call {
            atom: atom.clone(),
            place: Place { text: self.text, span },
            query: self.query,
            defines: self.defines.clone(),
            asserted,
        });
        let children: Vec<usize> = children(self.parts, index).collect();
        let kind = head(atom).map_or(Delayed::These(&[]), delayed);
        let (others, pairs): (&[usize], _) = match kind {
            Delayed::These(others) => (others, None),
            Delayed::Pairs(pairs, others) => (others, Some(pairs)),
            Delayed::Asserted => (&[], None),
        };
        let within = asserted || matches!(kind, Delayed::Asserted);
        for (number, child) in children.iter().enumerate().rev() {
            let evaluated = match kind {
                Delayed::Asserted => number > 0,
                Delayed::These(_) | Delayed::Pairs(..) => {
                    others.contains(&number) || self.judge.evaluates(atom, number)
                }
            };
            if evaluated {
                self.pending.push((*child, depth + 1, within));
            }
        }
        if let Some(list) = pairs.and_then(|number| children.get(number)) {
            self.pending.extend(self.seconds(*list).into_iter().map(|second| (second, depth + 1, within)));
        }
    }

    /// The second element of each element of a list.
    fn seconds(&self, list: usize) -> Vec<usize> {
        children(self.parts, list).filter_map(|pair| children(self.parts, pair).nth(1)).collect()
    }
}

/// The parts that are the elements of a part.
fn children<'p>(parts: &'p [Part<'p>], index: usize) -> impl Iterator<Item = usize> + 'p {
    let end = parts.get(index).map_or(0, |part| part.end);
    let mut next = index + 1;
    std::iter::from_fn(move || {
        let child = next;
        (child < end).then(|| {
            next = parts[child].end;
            child
        })
    })
}

impl Call {
    /// The name of what is called.
    pub(super) fn head(&self) -> Option<&str> {
        head(&self.atom)
    }

    /// Reports whether a name is among the elements.
    pub(super) fn has(&self, wanted: impl Fn(&str) -> bool) -> bool {
        super::inside(&self.atom).filter_map(name).any(wanted)
    }

    /// Reports whether the other call is a part of this one.
    pub(super) fn contains(&self, other: &Call) -> bool {
        self.place.text == other.place.text
            && self.place.span.start <= other.place.span.start
            && other.place.span.end <= self.place.span.end
    }
}
