//! Text as the reference's Python host has it: `repr`, `parse` and characters (ADR-0013).

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use metta_atom::{Atom, Foreign, Grounded};
use metta_syntax::{Form, parse as parse_text};

use super::strings::{string, unexpected};
use super::{Builtin, Call, Outcome};
use crate::machine::Machine;
use crate::operation::Effect::Pure;
use crate::terms::cell::{Cell, View};

pub(super) const TABLE: &[Builtin] = &[
    Builtin::operation("repr", "(-> Atom String)", Pure, repr),
    Builtin::operation("parse", "(-> String Atom)", Pure, parse),
    Builtin::operation("stringToChars", "(-> String Atom)", Pure, to_characters),
    Builtin::operation("charsToString", "(-> Atom String)", Pure, from_characters),
];

/// One character, written `'c'`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Character(char);

impl fmt::Display for Character {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.0)
    }
}

impl Foreign for Character {
    fn type_atom(&self) -> Atom {
        Atom::symbol("Char")
    }

    fn equals(&self, other: &dyn Foreign) -> bool {
        other.as_any().downcast_ref() == Some(self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The character that a word writes: any but the quote itself, between quotes.
pub(super) fn literal(word: &str) -> Option<Atom> {
    let inside = word.strip_prefix('\'')?.strip_suffix('\'')?;
    let mut characters = inside.chars();
    match (characters.next(), characters.next()) {
        (Some(c), None) if c != '\'' => Some(Atom::Grounded(character(c))),
        _ => None,
    }
}

fn character(c: char) -> Grounded {
    Grounded::Foreign(Arc::new(Character(c)))
}

fn repr(machine: &mut Machine, call: Call) -> Outcome {
    let text = machine.text_of(call.argument(machine, 0));
    machine.new_text(text.len(), || text)
}

fn parse(machine: &mut Machine, call: Call) -> Outcome {
    let text = match string(machine, call, 0) {
        Ok(text) => text,
        Err(failed) => return failed,
    };
    let parsed = parse_text(&text, &machine.library);
    machine.work += text.len() as u64 / 8;
    if let Some(mistake) = parsed.diagnostics.first() {
        return Outcome::Failed(format!("parse expects the text of an atom: {}", mistake.message));
    }
    match &parsed.forms[..] {
        [Form { atom, run: false, .. }] => {
            let atom = machine.world.resolve(atom);
            Outcome::Value(machine.heap.import_alone(&atom))
        }
        [Form { run: true, .. }] => unexpected(machine, call, 0, "the text of an atom without `!`"),
        forms => {
            let found = forms.len();
            Outcome::Failed(format!("parse expects the text of one atom, found {found}"))
        }
    }
}

fn to_characters(machine: &mut Machine, call: Call) -> Outcome {
    match string(machine, call, 0) {
        Ok(text) => {
            let cells: Vec<Cell> = text.chars().map(|c| machine.heap.grounded(character(c))).collect();
            machine.work += cells.len() as u64;
            Outcome::Value(machine.heap.expression(&cells))
        }
        Err(failed) => failed,
    }
}

fn from_characters(machine: &mut Machine, call: Call) -> Outcome {
    let list = call.argument(machine, 0);
    let text: Option<String> = machine.heap.elements(list).and_then(|elements| {
        elements.iter().map(|cell| as_character(machine, machine.heap.deref(*cell))).collect()
    });
    match text {
        Some(text) => machine.new_text(text.len(), || text),
        None => unexpected(machine, call, 0, "a list of characters"),
    }
}

fn as_character(machine: &Machine, cell: Cell) -> Option<char> {
    match cell.view() {
        View::Boxed(index) => match machine.heap.boxed(index) {
            Grounded::Foreign(value) => value.as_any().downcast_ref::<Character>().map(|c| c.0),
            _ => None,
        },
        _ => None,
    }
}
