//! Assertions (semantics 15.8).

use super::{Builtin, Call, Outcome};
use crate::machine::Machine;
use crate::terms::cell::Cell;

pub(super) const TABLE: &[Builtin] = &[
    Builtin::rule("assert", 1, begin),
    Builtin::rule("assertEqual", 2, begin),
    Builtin::rule("assertEqualMsg", 3, begin),
    Builtin::rule("assertEqualToResult", 2, begin),
    Builtin::rule("assertEqualToResultMsg", 3, begin),
    Builtin::rule("assertAlphaEqual", 2, begin),
    Builtin::rule("assertAlphaEqualMsg", 3, begin),
    Builtin::rule("assertAlphaEqualToResult", 2, begin),
    Builtin::rule("assertAlphaEqualToResultMsg", 3, begin),
    Builtin::rule("assertIncludes", 2, begin),
];

fn begin(machine: &mut Machine, call: Call) -> Outcome {
    machine.begin_assertion(call);
    Outcome::Scheduled
}

/// What an assertion compares, told by its name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Assertion {
    /// The second argument lists results instead of being evaluated.
    pub(crate) to_result: bool,
    /// Results are compared up to variable names.
    pub(crate) alpha: bool,
    /// The last argument replaces the report.
    pub(crate) message: bool,
    /// The listed results need only be among the results.
    pub(crate) includes: bool,
    /// The one argument must be `True`.
    pub(crate) truth: bool,
}

impl Assertion {
    pub(crate) fn named(name: &str) -> Assertion {
        Assertion {
            to_result: name.contains("ToResult") || name == "assertIncludes",
            alpha: name.contains("Alpha"),
            message: name.ends_with("Msg"),
            includes: name == "assertIncludes",
            truth: name == "assert",
        }
    }
}

/// The report of a failed comparison; `None` when both hold the same results.
pub(crate) fn report(
    machine: &mut Machine,
    actual: &[Cell],
    expected: &[Cell],
    alpha: bool,
) -> Option<String> {
    let same = |machine: &Machine, a: Cell, b: Cell| {
        if alpha { machine.heap.alpha_equal(a, b) } else { machine.equal(a, b) }
    };
    let mut excessive = Vec::new();
    let mut missed: Vec<Cell> = expected.to_vec();
    for result in actual {
        match missed.iter().position(|wanted| same(machine, *wanted, *result)) {
            Some(index) => drop(missed.remove(index)),
            None => excessive.push(*result),
        }
    }
    if missed.is_empty() && excessive.is_empty() {
        return None;
    }
    let mut text = format!("\nExpected: [{}]\nGot: [{}]", listed(machine, expected), listed(machine, actual));
    for (title, cells) in [("Missed", &missed), ("Excessive", &excessive)] {
        if !cells.is_empty() {
            text.push_str(&format!("\n{title} results: {}", listed(machine, cells)));
        }
    }
    Some(text)
}

fn listed(machine: &mut Machine, cells: &[Cell]) -> String {
    let texts: Vec<String> = cells.iter().map(|cell| machine.text_of(*cell)).collect();
    texts.join(", ")
}
