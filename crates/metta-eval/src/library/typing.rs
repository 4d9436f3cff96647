//! Types as values (semantics 15.2).

use metta_atom::SpaceId;

use super::{Builtin, Call, Outcome};
use crate::machine::Machine;
use crate::operation::Effect::ReadsSpace;
use crate::terms::cell::{Cell, View};
use crate::terms::symbols::{self, cell};
use crate::types::{TypeOf, is_function_type, metatype};

pub(super) const TABLE: &[Builtin] = &[
    Builtin::operation("get-type", "(-> Atom %Undefined%)", ReadsSpace, get_type)
        .taking(1, 2)
        .usage("get-type expects single atom as an argument"),
    Builtin::operation("get-type-space", "(-> SpaceType Atom Atom)", ReadsSpace, get_type_space)
        .usage("get-type-space expects two arguments: space and atom"),
    Builtin::operation("get-metatype", "(-> Atom Atom)", ReadsSpace, get_metatype)
        .usage("get-metatype expects single atom as an argument"),
    Builtin::rule("is-function", 1, is_function),
    Builtin::rule("type-cast", 3, type_cast),
    Builtin::rule("match-types", 4, match_types),
    Builtin::rule("match-type-or", 3, match_type_or),
    Builtin::rule("first-from-pair", 1, first_from_pair),
];

fn get_type(machine: &mut Machine, call: Call) -> Outcome {
    let space = match call.count {
        1 => Some(machine.module_of(call.term).unwrap_or(machine.home)),
        _ => machine.as_space(call.argument(machine, 1)),
    };
    match space {
        Some(space) => types_in(machine, space, call.argument(machine, 0)),
        None => Outcome::Failed("get-type expects a space as the second argument".to_owned()),
    }
}

fn get_type_space(machine: &mut Machine, call: Call) -> Outcome {
    match machine.as_space(call.argument(machine, 0)) {
        Some(space) => types_in(machine, space, call.argument(machine, 1)),
        None => Outcome::Failed("get-type-space expects a space as the first argument".to_owned()),
    }
}

/// The types of a term in a space; an ill-typed term has none.
fn types_in(machine: &mut Machine, space: SpaceId, term: Cell) -> Outcome {
    let outer = std::mem::replace(&mut machine.space, space);
    let types: Vec<Cell> = machine.types_or_undefined(term).into_iter().filter_map(TypeOf::valid).collect();
    machine.space = outer;
    Outcome::Values(machine.heap.expression(&types))
}

fn get_metatype(machine: &mut Machine, call: Call) -> Outcome {
    Outcome::Value(cell(metatype(call.argument(machine, 0))))
}

fn is_function(machine: &mut Machine, call: Call) -> Outcome {
    let term = call.argument(machine, 0);
    let arrow = machine.heap.head_symbol(term) == Some(symbols::ARROW);
    Outcome::Value(Cell::bool(arrow || is_function_type(&machine.heap, term)))
}

/// `(type-cast atom type space)`.
fn type_cast(machine: &mut Machine, call: Call) -> Outcome {
    let (atom, wanted) = (call.argument(machine, 0), call.argument(machine, 1));
    let space = machine.as_space(call.argument(machine, 2));
    let fits = wanted == cell(metatype(atom))
        || space.is_some_and(|space| {
            let outer = std::mem::replace(&mut machine.space, space);
            let types = machine.types_or_undefined(atom);
            machine.space = outer;
            types.into_iter().filter_map(TypeOf::valid).any(|actual| machine.types_match(actual, wanted))
        });
    Outcome::Value(if fits { atom } else { machine.error(atom, cell(symbols::BAD_TYPE)) })
}

/// `(match-types a b then else)`.
fn match_types(machine: &mut Machine, call: Call) -> Outcome {
    let (a, b) = (call.argument(machine, 0), call.argument(machine, 1));
    let fits = machine.types_match(a, b);
    Outcome::Value(call.argument(machine, if fits { 2 } else { 3 }))
}

/// `(match-type-or so-far next type)`.
fn match_type_or(machine: &mut Machine, call: Call) -> Outcome {
    let (next, wanted) = (call.argument(machine, 1), call.argument(machine, 2));
    let View::Bool(so_far) = call.argument(machine, 0).view() else { return Outcome::NotReducible };
    let fits = machine.types_match(next, wanted);
    Outcome::Value(Cell::bool(so_far || fits))
}

fn first_from_pair(machine: &mut Machine, call: Call) -> Outcome {
    let pair = call.argument(machine, 0);
    match machine.as_pair(pair) {
        Some((first, _)) => Outcome::Value(first),
        None => {
            let reason = machine.heap.text("incorrect pair format");
            Outcome::Value(machine.error(call.term, reason))
        }
    }
}
