//! Reasons of errors in words.
//!
//! | code | meaning |
//! | --- | --- |
//! | E0501 | division by zero |
//! | E0502 | an argument of the wrong type |
//! | E0503 | the wrong number of arguments |
//! | E0504 | a value of the wrong type |
//! | E0505 | a function without `return` |
//! | E0506 | an assertion does not hold |
//! | E0507 | an operation cannot do what it was asked |
//! | E0508 | an error that the program itself makes |
//! | E0509 | an operation of the host panicked |

use metta_atom::{Atom, Grounded};
use metta_eval::Library;

/// An error in words.
pub(super) struct Explanation {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) help: Option<String>,
    /// What to write beside the call at fault, when there is something to say about it.
    pub(super) label: Option<String>,
    /// The argument at fault, from 1.
    pub(super) argument: Option<usize>,
}

impl Explanation {
    fn new(code: &'static str, message: String) -> Self {
        Explanation { code, message, help: None, label: None, argument: None }
    }
}

/// Explains `(Error culprit reason)`; `signature` are the types of the culprit's head.
pub(super) fn explain(error: &Atom, signature: &[Atom], library: &Library) -> Explanation {
    let Some([_, culprit, reason]) = error.children() else {
        return Explanation::new("E0508", format!("the program answers an error: `{}`", shown(error)));
    };
    let head = culprit.children().and_then(<[Atom]>::first);
    let name = head.unwrap_or(culprit);
    match named(reason) {
        Some(("DivisionByZero", [])) => Explanation::new("E0501", "division by zero".to_owned()),
        Some(("BadArgType", [number, expected, found])) => {
            bad_argument(name, number, expected, found, signature)
        }
        Some(("IncorrectNumberOfArguments", [])) => arity(name, culprit, signature),
        Some(("BadType", [expected, found])) => {
            let message = format!("expected the type `{}`, found `{}`", shown(expected), shown(found));
            let label = Some(format!("this is a `{}`", shown(found)));
            Explanation { label, ..Explanation::new("E0504", message) }
        }
        Some(("NoReturn", [])) => {
            let message = format!("expected a result of `{}`, found none", shown(name));
            let help = Some("a `function` ends with `(return <result>)`".to_owned());
            Explanation { help, ..Explanation::new("E0505", message) }
        }
        _ => other(head, reason, library),
    }
}

fn bad_argument(
    name: &Atom,
    number: &Atom,
    expected: &Atom,
    found: &Atom,
    signature: &[Atom],
) -> Explanation {
    let (expected, found) = (shown(expected), shown(found));
    let message = format!("expected `{expected}` as argument {number} of `{}`, found `{found}`", shown(name));
    Explanation {
        code: "E0502",
        message,
        help: declared(name, signature),
        label: Some(format!("this is a `{found}`")),
        argument: number.to_string().parse().ok(),
    }
}

fn arity(name: &Atom, call: &Atom, signature: &[Atom]) -> Explanation {
    let found = call.children().map_or(0, |children| children.len().saturating_sub(1));
    // The arrow and the result are not parameters.
    let lengths = signature.iter().filter_map(Atom::children).map(|parts| parts.len().saturating_sub(2));
    let mut expected: Vec<usize> = lengths.collect();
    expected.sort_unstable();
    expected.dedup();
    let expected = match &expected[..] {
        [] => "another number of arguments".to_owned(),
        [1] => "1 argument".to_owned(),
        several => {
            let several: Vec<String> = several.iter().map(usize::to_string).collect();
            format!("{} arguments", several.join(" or "))
        }
    };
    let message = format!("expected {expected} of `{}`, found {found}", shown(name));
    Explanation { help: declared(name, signature), ..Explanation::new("E0503", message) }
}

/// The declared types of a function, as help.
fn declared(name: &Atom, signature: &[Atom]) -> Option<String> {
    let types: Vec<String> = signature.iter().map(|found| format!("`(: {name} {found})`")).collect();
    (!types.is_empty()).then(|| format!("declared as {}", types.join(", ")))
}

fn other(head: Option<&Atom>, reason: &Atom, library: &Library) -> Explanation {
    let text = match reason {
        Atom::Grounded(Grounded::Text(text)) => text.to_string(),
        Atom::Symbol(words) if words.name().contains(' ') => words.name().to_owned(),
        Atom::Symbol(_) | Atom::Variable(_) | Atom::Expression(_) | Atom::Grounded(_) => shown(reason),
    };
    if let Some(message) = text.strip_prefix("panicked: ").or_else(|| text.strip_prefix("panic: ")) {
        return Explanation::new("E0509", format!("an operation of the host panicked: {message}"));
    }
    // A text cannot spell a symbol with a blank.
    let engine = reason.as_symbol().is_some_and(|name| name.contains(' '));
    let native = head.map(shown).filter(|name| engine || library.effect(name).is_some());
    match native {
        Some(name) if name.starts_with("assert") => {
            let help = Some(text.trim().to_owned()).filter(|text| !text.is_empty());
            Explanation { help, ..Explanation::new("E0506", "the assertion does not hold".to_owned()) }
        }
        Some(name) => Explanation::new("E0507", format!("`{name}` failed: {text}")),
        None => Explanation::new("E0508", format!("the program answers an error: {text}")),
    }
}

/// A reason with a name: a symbol, or an expression headed by one.
fn named(reason: &Atom) -> Option<(&str, &[Atom])> {
    match reason.children() {
        Some([head, rest @ ..]) => Some((head.as_symbol()?, rest)),
        Some([]) => None,
        None => Some((reason.as_symbol()?, &[])),
    }
}

/// The text of an atom, cut when it is long.
pub(super) fn shown(atom: &Atom) -> String {
    const MOST: usize = 60;
    let text = atom.to_string();
    match text.char_indices().nth(MOST) {
        None => text,
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
