//! Strings (ADR-0013).
//!
//! Characters are Unicode scalar values, counted from 0. Every function takes time in proportion to
//! the strings it gets and makes. Positions and lengths are in characters.

use std::sync::Arc;

use metta_atom::{Atom, Grounded, Number};
use metta_syntax::parse;

use super::{Builtin, Call, Outcome};
use crate::machine::Machine;
use crate::terms::cell::{Cell, View};

const ONE: &str = "(-> String String)";
const TEST: &str = "(-> String String Bool)";

pub(super) const TABLE: &[Builtin] = &[
    Builtin::addition("string-length", "(-> String Number)", length),
    Builtin::addition("string-concat", "(-> String String String)", concat),
    Builtin::addition("string-join", "(-> %Undefined% String String)", join),
    Builtin::addition("string-split", "(-> String String Expression)", split),
    Builtin::addition("string-slice", "(-> String Number Number String)", slice),
    Builtin::addition("string-upper", ONE, |m, c| mapped(m, c, |text| text.to_uppercase())),
    Builtin::addition("string-lower", ONE, |m, c| mapped(m, c, |text| text.to_lowercase())),
    Builtin::addition("string-trim", ONE, |m, c| mapped(m, c, |text| text.trim().to_owned())),
    Builtin::addition("string-index", "(-> String String Number)", index),
    Builtin::addition("string-contains", TEST, |m, c| tested(m, c, |text, part| text.contains(part))),
    Builtin::addition("string-starts-with", TEST, |m, c| tested(m, c, |text, part| text.starts_with(part))),
    Builtin::addition("string-ends-with", TEST, |m, c| tested(m, c, |text, part| text.ends_with(part))),
    Builtin::addition("string-replace", "(-> String String String String)", replace),
    Builtin::addition("string-to-number", "(-> String Number)", to_number),
    Builtin::addition("string-from-number", "(-> Number String)", from_number),
];

/// The string that argument `index` is.
///
/// # Errors
/// The error of the call, which says what was found instead.
pub(super) fn string(machine: &mut Machine, call: Call, index: u32) -> Result<Arc<str>, Outcome> {
    match machine.heap.shared_text(call.argument(machine, index)) {
        Some(text) => Ok(text),
        None => Err(unexpected(machine, call, index, "a string")),
    }
}

/// The error for argument `index`, which is not `wanted`.
pub(super) fn unexpected(machine: &mut Machine, call: Call, index: u32, wanted: &str) -> Outcome {
    let argument = call.argument(machine, index);
    let found = machine.text_of(argument);
    let name = name(machine, call);
    Outcome::Failed(format!("{name} expects {wanted} as argument {}, found: {found}", index + 1))
}

fn name(machine: &Machine, call: Call) -> String {
    match machine.heap.element(call.arguments - 1, 0).view() {
        View::Symbol(id) | View::Operation(id) => machine.heap.symbols.name(id).to_owned(),
        _ => String::new(),
    }
}

/// Turns the error of an argument into the outcome of the call.
fn outcome(result: Result<Outcome, Outcome>) -> Outcome {
    result.unwrap_or_else(|failed| failed)
}

fn number(length: usize) -> Number {
    i64::try_from(length).map_or(Number::Float(length as f64), Number::Int)
}

fn length(machine: &mut Machine, call: Call) -> Outcome {
    outcome(string(machine, call, 0).map(|text| {
        let length = number(text.chars().count());
        Outcome::Value(machine.heap.number(length))
    }))
}

fn concat(machine: &mut Machine, call: Call) -> Outcome {
    let joined = |machine: &mut Machine| {
        let (left, right) = (string(machine, call, 0)?, string(machine, call, 1)?);
        let room = left.len() + right.len();
        Ok(machine.new_text(room, || [&*left, &*right].concat()))
    };
    outcome(joined(machine))
}

fn join(machine: &mut Machine, call: Call) -> Outcome {
    let joined = |machine: &mut Machine| {
        let separator = string(machine, call, 1)?;
        let list = call.argument(machine, 0);
        let elements = machine.heap.elements(list).map(<[Cell]>::to_vec);
        let texts: Option<Vec<Arc<str>>> = elements
            .and_then(|elements| elements.into_iter().map(|cell| machine.heap.shared_text(cell)).collect());
        let Some(texts) = texts else { return Err(unexpected(machine, call, 0, "a list of strings")) };
        machine.work += texts.len() as u64;
        let room = texts.iter().map(|text| text.len() + separator.len()).sum();
        Ok(machine.new_text(room, || texts.join(&*separator)))
    };
    outcome(joined(machine))
}

fn split(machine: &mut Machine, call: Call) -> Outcome {
    let parts = |machine: &mut Machine| {
        let (text, separator) = (string(machine, call, 0)?, string(machine, call, 1)?);
        if separator.is_empty() {
            return Err(unexpected(machine, call, 1, "a separator that is not empty"));
        }
        let parts: Vec<Cell> = text.split(&*separator).map(|part| machine.heap.text(part)).collect();
        machine.work += parts.len() as u64;
        Ok(Outcome::Value(machine.heap.expression(&parts)))
    };
    outcome(parts(machine))
}

/// `(string-slice text from to)`: the characters from `from` up to, and without, `to`.
fn slice(machine: &mut Machine, call: Call) -> Outcome {
    let cut = |machine: &mut Machine| {
        let text = string(machine, call, 0)?;
        let (Some(from), Some(to)) = (position(machine, call, 1), position(machine, call, 2)) else {
            let length = text.chars().count();
            let wrong = if position(machine, call, 1).is_none() { 1 } else { 2 };
            return Err(unexpected(machine, call, wrong, &format!("an integer from 0 to {length}")));
        };
        let mut places = text.char_indices().map(|(place, _)| place).chain([text.len()]);
        let begin = places.nth(from);
        let end = if to == from { begin } else { to.checked_sub(from + 1).and_then(|more| places.nth(more)) };
        match (begin, end) {
            (Some(begin), Some(end)) => Ok(machine.new_text(end - begin, || text[begin..end].to_owned())),
            (begin, _) => {
                let length = text.chars().count();
                let (index, least) = if begin.is_none() { (1, 0) } else { (2, from) };
                Err(unexpected(machine, call, index, &format!("an integer from {least} to {length}")))
            }
        }
    };
    outcome(cut(machine))
}

fn position(machine: &Machine, call: Call, index: u32) -> Option<usize> {
    machine.heap.as_i64(call.argument(machine, index)).and_then(|position| usize::try_from(position).ok())
}

fn mapped(machine: &mut Machine, call: Call, map: fn(&str) -> String) -> Outcome {
    outcome(string(machine, call, 0).map(|text| machine.new_text(text.len(), || map(&text))))
}

fn tested(machine: &mut Machine, call: Call, test: fn(&str, &str) -> bool) -> Outcome {
    let verdict = |machine: &mut Machine| {
        let (text, part) = (string(machine, call, 0)?, string(machine, call, 1)?);
        Ok(Outcome::Value(Cell::bool(test(&text, &part))))
    };
    outcome(verdict(machine))
}

/// Where the second string first occurs in the first; no result where it does not.
fn index(machine: &mut Machine, call: Call) -> Outcome {
    let found = |machine: &mut Machine| {
        let (text, part) = (string(machine, call, 0)?, string(machine, call, 1)?);
        Ok(match text.find(&*part) {
            Some(place) => {
                let index = number(text[..place].chars().count());
                Outcome::Value(machine.heap.number(index))
            }
            None => Outcome::Empty,
        })
    };
    outcome(found(machine))
}

fn replace(machine: &mut Machine, call: Call) -> Outcome {
    let replaced = |machine: &mut Machine| {
        let (text, from) = (string(machine, call, 0)?, string(machine, call, 1)?);
        let to = string(machine, call, 2)?;
        if from.is_empty() {
            return Err(unexpected(machine, call, 1, "a string that is not empty"));
        }
        let places = text.matches(&*from).count();
        let room = text.len() - places * from.len() + places.saturating_mul(to.len());
        Ok(machine.new_text(room, || text.replace(&*from, &to)))
    };
    outcome(replaced(machine))
}

/// Reads the text of a number, as programs write it.
fn to_number(machine: &mut Machine, call: Call) -> Outcome {
    let read = |machine: &mut Machine| {
        let text = string(machine, call, 0)?;
        let parsed = parse(text.trim(), &());
        match (parsed.diagnostics.is_empty(), &parsed.forms[..]) {
            (true, [form]) if !form.run => match &form.atom {
                Atom::Grounded(Grounded::Number(number)) => {
                    Ok(Outcome::Value(machine.heap.number(number.clone())))
                }
                _ => Err(unexpected(machine, call, 0, "the text of a number")),
            },
            _ => Err(unexpected(machine, call, 0, "the text of a number")),
        }
    };
    outcome(read(machine))
}

fn from_number(machine: &mut Machine, call: Call) -> Outcome {
    match machine.heap.as_number(call.argument(machine, 0)) {
        Some(number) => {
            let text = number.to_string();
            machine.new_text(text.len(), || text)
        }
        None => unexpected(machine, call, 0, "a number"),
    }
}
