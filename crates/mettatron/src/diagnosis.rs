//! What is wrong with a program, in words and places, for whoever shows it to people.
//!
//! An `Error` among results is an answer; nothing here changes it. A [`Diagnosis`] says which
//! `!` it answers, which rule made it, where both are written, and what the reason means.
//!
//! Atoms know nothing of places. [`Texts`] holds the texts that a program was read from, and
//! looks the rule of a [`Fault`] up in them.

mod explain;
mod find;
mod names;
mod texts;

use metta_atom::Atom;
use metta_syntax::{Span, parse_bytes};

use crate::{Fault, Rule};
use explain::{Explanation, explain, shown};
pub(crate) use names::Known;
pub use names::{Mentions, Unknown, nearest};
pub use texts::{Text, Texts};

/// A place in one of several texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The number of the text, as [`Texts::add`] gave it.
    pub text: usize,
    /// The bytes in it.
    pub span: Span,
}

/// A place with a few words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// What to point at.
    pub place: Place,
    /// What to write beside it.
    pub words: String,
}

/// What an `Error` means and where it comes from, as plain data.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnosis {
    /// The kind of error, stable across releases: `E0501`.
    pub code: &'static str,
    /// The reason in words: lower case, no full stop, what was expected and what was found.
    pub message: String,
    /// The way out, or more details.
    pub help: Option<String>,
    /// The form that was evaluated or added.
    pub form: Option<Label>,
    /// The rule at fault, or the call in it.
    pub rule: Option<Label>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// It may be meant.
    Warning,
    /// It is wrong.
    Error,
}

/// Something to say about a program, as plain data: whoever shows it draws it or writes it for tools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its kind, stable across releases: `E0501`.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What it is: lower case, no full stop, what was expected and what was found.
    pub message: String,
    /// The way out, or more details.
    pub help: Option<String>,
    /// The places, the most telling one first.
    pub labels: Vec<Label>,
}

impl Finding {
    /// Returns the most telling place.
    pub fn place(&self) -> Option<Place> {
        Some(self.labels.first()?.place)
    }
}

impl From<Diagnosis> for Finding {
    fn from(diagnosis: Diagnosis) -> Self {
        let Diagnosis { code, message, help, form, rule } = diagnosis;
        let labels = rule.into_iter().chain(form).collect();
        Finding { code, severity: Severity::Error, message, help, labels }
    }
}

impl Texts {
    /// Explains an `Error` that is a result of the form at `form`. Cost: O(bytes of all texts)
    /// the first time, then O(bytes of the form and the rule).
    pub fn diagnose(&mut self, error: &Atom, fault: Option<&Fault>, form: Option<Place>) -> Diagnosis {
        let signature = fault.map_or(&[][..], |fault| &fault.signature);
        let explanation = explain(error, signature, self.library());
        let culprit = error.children().and_then(|children| children.get(1));
        let rule = fault
            .and_then(|fault| fault.rule.as_ref())
            .and_then(|rule| self.rule_at(rule, |texts, at| texts.label(at, true, culprit, &explanation)));
        let blamed = fault.is_some_and(|fault| fault.rule.is_some());
        let form = form.map(|place| {
            let words = "while evaluating this".to_owned();
            match self.label(place, false, culprit, &explanation).filter(|_| !blamed) {
                Some(label) => label,
                None => Label { place, words },
            }
        });
        let Explanation { code, message, help, .. } = explanation;
        Diagnosis { code, message, help, form, rule }
    }

    /// Returns where a rule is written.
    pub fn find_rule(&mut self, rule: &Rule) -> Option<Label> {
        self.rule_at(rule, |_, _| None)
    }

    fn rule_at(&mut self, rule: &Rule, inside: impl FnOnce(&Texts, Place) -> Option<Label>) -> Option<Label> {
        let place = self.written(&rule.atom)?;
        Some(inside(self, place).unwrap_or(Label { place, words: "in this rule".to_owned() }))
    }

    /// Reports whether exactly this atom is written at a place, by its text or by what is read there.
    fn reads(&self, place: Place, atom: &Atom) -> bool {
        self.snippet(place).is_some_and(|text| {
            let read = || parse_bytes(text, self.library()).forms.into_iter().next();
            text == atom.to_string().as_bytes() || read().is_some_and(|form| form.atom == *atom)
        })
    }

    /// Points at the culprit inside a form or rule, if it is written there.
    fn label(&self, at: Place, rule: bool, culprit: Option<&Atom>, why: &Explanation) -> Option<Label> {
        let culprit = culprit?;
        let span = find::call(self.snippet(at)?, self.library(), rule, culprit, why.argument)?;
        let span = Span { start: at.span.start + span.start, end: at.span.start + span.end };
        let place = Place { text: at.text, span };
        let words = match &why.label {
            Some(label) => label.clone(),
            None if self.reads(place, culprit) && rule => "in this rule".to_owned(),
            None if self.reads(place, culprit) => "here".to_owned(),
            None => format!("here `{}`", shown(culprit)),
        };
        Some(Label { place, words })
    }
}
