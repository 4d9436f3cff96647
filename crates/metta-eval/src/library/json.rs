//! The module `json` (semantics 15.12): atoms to JSON texts and back.

mod read;

use metta_atom::{Atom, Grounded, Number, SpaceId};

use super::{Builtin, Call, Outcome};
use crate::machine::Machine;
use crate::modules::builtin::BuiltinModule;
use crate::operation::Effect::{ReadsSpace, WritesSpace};

pub(super) const TABLE: &[Builtin] = &[
    Builtin::operation("json-encode", "(-> Atom String)", ReadsSpace, encode),
    Builtin::operation("json-decode", "(-> String Atom)", WritesSpace, decode),
];

pub(super) fn module() -> BuiltinModule {
    BuiltinModule::new("json", include_str!("json.metta")).natives(TABLE)
}

/// What stands before the name of a symbol or a variable in a JSON string.
const SYMBOL: &str = "sym!:";
const VARIABLE: &str = "var!:";

const NO_PAIRS: &str = "Input space must be a dictionary space consists of key-value pairs only or empty \
                        space. Use dict-space function";
const NO_KEY: &str = "Key/value pair is expected, key must be a string";

fn decode(machine: &mut Machine, call: Call) -> Outcome {
    let Some(text) = machine.heap.as_text(call.argument(machine, 0)).map(str::to_owned) else {
        return Outcome::Failed("json-decode expects string to decode as input".to_owned());
    };
    let before = machine.world.clone();
    match read::read(&text, &mut machine.world) {
        Ok(atom) => Outcome::Value(machine.heap.import_alone(&atom)),
        Err(mistake) => {
            machine.world = before;
            Outcome::Failed(format!("Failed to decode string. Reason: {}", mistake.describe(&text)))
        }
    }
}

fn encode(machine: &mut Machine, call: Call) -> Outcome {
    machine.note_reading_all();
    let term = call.argument(machine, 0);
    let atom = machine.export(term);
    match write(machine, atom) {
        Ok(text) => Outcome::Value(machine.heap.text(&text)),
        Err(outcome) => outcome,
    }
}

/// What is left to be written.
enum Piece {
    Atom(Atom),
    Text(&'static str),
    Key(Atom),
    /// The innermost open space ends.
    End,
}

fn write(machine: &mut Machine, atom: Atom) -> Result<String, Outcome> {
    let mut out = String::new();
    let mut pending = vec![Piece::Atom(atom)];
    let mut open: Vec<SpaceId> = Vec::new();
    while let Some(piece) = pending.pop() {
        if out.len() / 8 > machine.heap.max_cells {
            machine.heap.full = true;
            return Err(Outcome::Empty);
        }
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Key(key) => match &key {
                Atom::Grounded(Grounded::Text(text)) => write_string(&mut out, text),
                _ => return Err(Outcome::Failed(NO_KEY.to_owned())),
            },
            Piece::End => {
                open.pop();
                out.push('}');
            }
            Piece::Atom(Atom::Expression(expression)) => {
                let elements = expression.children().iter().cloned().map(|atom| [Piece::Atom(atom)]);
                out.push('[');
                pending.push(Piece::Text("]"));
                push_list(&mut pending, elements);
            }
            Piece::Atom(Atom::Grounded(Grounded::Space(id))) => {
                if open.contains(&id) {
                    return Err(Outcome::Failed("a space that holds itself has no JSON text".to_owned()));
                }
                open.push(id);
                out.push('{');
                pending.push(Piece::End);
                push_list(&mut pending, pairs(machine, id)?);
            }
            Piece::Atom(leaf) => write_leaf(machine, &mut out, &leaf)?,
        }
    }
    Ok(out)
}

/// Lays out a list with separators, the first element on top.
fn push_list<const N: usize>(pending: &mut Vec<Piece>, list: impl IntoIterator<Item = [Piece; N]>) {
    let start = pending.len();
    for (i, element) in list.into_iter().enumerate() {
        pending.extend((i > 0).then_some(Piece::Text(", ")));
        pending.extend(element);
    }
    pending[start..].reverse();
}

/// The pairs of a space as pieces.
fn pairs(machine: &Machine, id: SpaceId) -> Result<Vec<[Piece; 3]>, Outcome> {
    let mut pairs = Vec::new();
    let Some(space) = machine.world.space(id) else { return Ok(pairs) };
    for fact in space.iter() {
        let atom = space.decode(fact.bytes, fact.variables());
        let Some([key, value]) = atom.children() else { return Err(Outcome::Failed(NO_PAIRS.to_owned())) };
        for _ in 0..fact.count {
            pairs.push([Piece::Key(key.clone()), Piece::Text(":"), Piece::Atom(value.clone())]);
        }
    }
    Ok(pairs)
}

fn write_leaf(machine: &Machine, out: &mut String, leaf: &Atom) -> Result<(), Outcome> {
    match leaf {
        Atom::Symbol(symbol) if symbol.name() == "null" => out.push_str("null"),
        Atom::Symbol(symbol) => write_string(out, &format!("{SYMBOL}{symbol}")),
        Atom::Variable(variable) => {
            let text = variable.to_string();
            write_string(out, &format!("{VARIABLE}{}", text.trim_start_matches('$')));
        }
        Atom::Grounded(Grounded::Bool(value)) => out.push_str(if *value { "true" } else { "false" }),
        Atom::Grounded(Grounded::Number(Number::Float(value))) if !value.is_finite() => out.push_str("null"),
        Atom::Grounded(Grounded::Number(number)) => write_number(out, &number.to_string()),
        Atom::Grounded(Grounded::Text(text)) => write_string(out, text),
        Atom::Grounded(_) | Atom::Expression(_) => {
            let shown = machine.world.print(leaf);
            let message = format!("Encode failed for atom (unsupported type): {{{shown}}}");
            return Err(Outcome::Failed(message));
        }
    }
    Ok(())
}

/// A positive exponent has its sign.
fn write_number(out: &mut String, number: &str) {
    match number.split_once('e') {
        Some((mantissa, exponent)) if !exponent.starts_with('-') => {
            out.extend([mantissa, "e+", exponent]);
        }
        _ => out.push_str(number),
    }
}

fn write_string(out: &mut String, text: &str) {
    use std::fmt::Write as _;
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            // Writing to a String cannot fail.
            c if c < ' ' => drop(write!(out, "\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}
