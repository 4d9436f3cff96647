//! What became of tests.

use mettatron::diagnosis::{Finding, Place};
use mettatron::{Atom, Fault};

use super::expect::Expected;
use crate::progress::counted;
use crate::report::{Drawn, GREEN, RED, YELLOW, painted};

/// What a form printed and answered.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) lines: Vec<String>,
    pub(super) atoms: Vec<Atom>,
    pub(super) faults: Vec<Fault>,
}

/// One test.
pub(super) struct Case {
    pub(super) place: Place,
    /// The form on one line.
    pub(super) title: String,
    pub(super) line: usize,
    pub(super) expected: Option<Expected>,
    pub(super) answer: Option<Answer>,
    /// Why it failed.
    pub(super) finding: Option<Finding>,
}

/// The tests of a file.
#[derive(Default)]
pub(super) struct Suite {
    pub(super) name: String,
    pub(super) cases: Vec<Case>,
    pub(super) mistakes: Vec<Finding>,
    pub(super) is_malformed: bool,
    pub(super) is_interrupted: bool,
    pub(super) seconds: f64,
}

impl Suite {
    pub(super) fn n_failed(&self) -> usize {
        self.cases.iter().filter(|case| case.finding.is_some()).count()
    }

    pub(super) fn fails(&self) -> bool {
        self.n_failed() > 0
    }

    /// How the file did, in a line.
    pub(super) fn line(&self, stream: Drawn) -> String {
        let (colour, word) = match self {
            Suite { is_malformed: true, .. } => (RED, "malformed"),
            suite if suite.fails() => (RED, "FAILED"),
            Suite { cases, .. } if cases.is_empty() => (YELLOW, "no tests"),
            Suite { .. } => (GREEN, "ok"),
        };
        let word = painted(word, colour, stream.in_colour());
        let n_cases = self.cases.len();
        match (n_cases, self.n_failed()) {
            (0, _) => format!("{} ... {word}", self.name),
            (_, 0) => format!("{} ... {word}, {}", self.name, counted(n_cases, "test")),
            (_, failed) => format!("{} ... {word}, {failed} of {}", self.name, counted(n_cases, "test")),
        }
    }
}

/// The last line of a run.
pub(super) fn summary(suites: &[Suite]) -> String {
    let n_cases: usize = suites.iter().map(|suite| suite.cases.len()).sum();
    let n_failed: usize = suites.iter().map(Suite::n_failed).sum();
    let n_malformed = suites.iter().filter(|suite| suite.is_malformed).count();
    let tests = format!("{} in {}", counted(n_cases, "test"), counted(suites.len(), "file"));
    let outcome = match n_failed {
        0 if n_cases == 0 && n_malformed == 0 => {
            "write `; => [result, ...]` behind a `!` form, or use `assertEqual`".to_owned()
        }
        0 if n_cases == 0 => "none was run".to_owned(),
        0 => "all passed".to_owned(),
        failed => format!("{} passed, {failed} failed", n_cases - failed),
    };
    match n_malformed {
        0 => format!("{tests}: {outcome}"),
        n => format!("{tests}: {outcome}, {} malformed", counted(n, "file")),
    }
}

/// Reports whether a form is an assertion of the language.
pub(super) fn asserts(atom: &Atom) -> bool {
    let head = atom.children().and_then(<[Atom]>::first);
    head.is_some_and(|head| head.to_string().starts_with("assert"))
}
