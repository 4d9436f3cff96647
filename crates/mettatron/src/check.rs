//! What can be said about a program without running it.
//!
//! Forms without `!` are added to an engine of its own; `!` forms and bodies of rules are looked at, never run.
//! A call is an error if the engine would refuse it whatever its variables stand for: types are checked before
//! anything is evaluated, so the engine itself is asked. What only may be a slip is a warning.
//!
//! | code | meaning |
//! | --- | --- |
//! | E0502, E0503 | a call that its types do not allow, as at run time |
//! | E0601 | a module that does not exist |
//! | E0602 | no rule takes this number of arguments |
//! | E0603 | a rule that nothing uses |
//! | E0604 | a name that is close to a known one |

mod calls;
mod imports;
mod judge;
mod rules;

use std::collections::BTreeSet;

use metta_atom::{Atom, Grounded};
use metta_eval::ModuleSource;
use metta_syntax::{Diagnostic, Form, parse_bytes};

use crate::diagnosis::{Finding, Label, Place, Severity, Texts};

/// A form with the number of its text.
struct Written {
    text: usize,
    form: Form,
}

/// A program whose parts are known.
struct Program<'t> {
    texts: &'t mut Texts,
    /// The forms of the texts that are checked.
    own: Vec<Written>,
    /// Those of modules they import.
    imported: Vec<Written>,
    findings: Vec<Finding>,
    /// Modules that come with the engine.
    builtins: BTreeSet<String>,
    /// Whether modules are imported that only a run knows.
    open: bool,
}

/// Checks the program that consists of `texts`, in their order; the texts of its modules are added to them.
///
/// Answers: in the order of the texts. Cost: O(bytes of all texts) and a question to the engine for each call.
pub fn check(texts: &mut Texts, modules: &dyn ModuleSource) -> Vec<Finding> {
    let mut program = Program {
        texts,
        own: Vec::new(),
        imported: Vec::new(),
        findings: Vec::new(),
        builtins: BTreeSet::new(),
        open: false,
    };
    for number in 0..program.texts.len() {
        let (forms, diagnostics) = read(program.texts, number);
        program.findings.extend(diagnostics.into_iter().map(|mistake| malformed(number, mistake)));
        program.own.extend(forms);
    }
    let malformed = !program.findings.is_empty();
    imports::follow(&mut program, modules);
    let mut judge = judge::Judge::of(&program);
    let calls = calls::all(&program.own, program.texts, &judge);
    judge.refused(&mut program, &calls);
    // What is missing may be in the part that cannot be read, or in a module that is not known.
    if !malformed && !program.open {
        rules::arities(&mut program, &calls, &judge);
        let meant = rules::unknown(&mut program, &calls, &judge);
        rules::unused(&mut program, &meant);
    }
    let mut findings = program.findings;
    findings.sort_by_key(|finding| finding.place().map(|place| (place.text, place.span)));
    findings
}

/// Turns a mistake in the text with this number into a finding.
pub fn malformed(text: usize, mistake: Diagnostic) -> Finding {
    let Diagnostic { code, message, span, label, help } = mistake;
    let labels = vec![Label { place: Place { text, span }, words: label }];
    Finding { code, severity: Severity::Error, message, help, labels }
}

fn read(texts: &Texts, number: usize) -> (Vec<Written>, Vec<Diagnostic>) {
    let bytes = texts.get(number).map_or(&[][..], |text| text.bytes());
    let parsed = parse_bytes(bytes, texts.library());
    let forms = parsed.forms.into_iter().map(|form| Written { text: number, form }).collect();
    (forms, parsed.diagnostics)
}

/// The name of a symbol or operation.
fn name(atom: &Atom) -> Option<&str> {
    match atom {
        Atom::Symbol(name) | Atom::Grounded(Grounded::Operation(name)) => Some(name.name()),
        Atom::Variable(_) | Atom::Expression(_) | Atom::Grounded(_) => None,
    }
}

/// The name that heads an expression.
fn head(atom: &Atom) -> Option<&str> {
    name(atom.children()?.first()?)
}

/// The sides of an equation.
fn sides(atom: &Atom) -> Option<(&Atom, &Atom)> {
    match atom.children() {
        Some([equal, left, right]) if equal.as_symbol() == Some("=") => Some((left, right)),
        _ => None,
    }
}

/// Every atom inside an atom, itself first.
fn inside(atom: &Atom) -> impl Iterator<Item = &Atom> {
    let mut pending = vec![atom];
    std::iter::from_fn(move || {
        let atom = pending.pop()?;
        pending.extend(atom.children().unwrap_or_default().iter().rev());
        Some(atom)
    })
}
