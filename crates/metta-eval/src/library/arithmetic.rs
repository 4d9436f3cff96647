//! Equality, booleans, arithmetic and comparison (semantics 15.3).

use std::cmp::Ordering;

use super::numbers::{Binary, DivisionByZero, apply, small};
use super::{Builtin, Call, Outcome};
use crate::machine::Machine;
use crate::operation::Effect::Pure;
use crate::terms::cell::{Cell, View};

const NUMERIC: &str = "(-> Number Number Number)";
const COMPARISON: &str = "(-> Number Number Bool)";
const DIVIDE: &str = "Divide expects two numbers: dividend and divisor";
const LOGICAL: &str = "(-> Bool Bool Bool)";

pub(super) const TABLE: &[Builtin] = &[
    Builtin::operation("+", NUMERIC, Pure, |m, c| binary(m, c, Binary::Add)),
    Builtin::operation("-", NUMERIC, Pure, |m, c| binary(m, c, Binary::Subtract)),
    Builtin::operation("*", NUMERIC, Pure, |m, c| binary(m, c, Binary::Multiply)),
    Builtin::operation("/", NUMERIC, Pure, |m, c| binary(m, c, Binary::Divide)).usage(DIVIDE),
    Builtin::operation("%", NUMERIC, Pure, |m, c| binary(m, c, Binary::Remainder)),
    Builtin::operation("<", COMPARISON, Pure, |m, c| compare(m, c, Ordering::is_lt)),
    Builtin::operation(">", COMPARISON, Pure, |m, c| compare(m, c, Ordering::is_gt)),
    Builtin::operation("<=", COMPARISON, Pure, |m, c| compare(m, c, Ordering::is_le)),
    Builtin::operation(">=", COMPARISON, Pure, |m, c| compare(m, c, Ordering::is_ge)),
    Builtin::operation("==", "(-> $t $t Bool)", Pure, equal).usage("== expects two arguments"),
    Builtin::operation("=alpha", "(-> Atom Atom Bool)", Pure, alpha_equal)
        .usage("=alpha expects two atoms as arguments: actual and expected"),
    Builtin::operation("and", LOGICAL, Pure, |m, c| logical(m, c, |a, b| a & b)),
    Builtin::operation("or", LOGICAL, Pure, |m, c| logical(m, c, |a, b| a | b)),
    Builtin::operation("xor", LOGICAL, Pure, |m, c| logical(m, c, |a, b| a ^ b)),
    Builtin::operation("not", "(-> Bool Bool)", Pure, not),
];

fn binary(machine: &mut Machine, call: Call, operation: Binary) -> Outcome {
    let (a, b) = (call.argument(machine, 0), call.argument(machine, 1));
    if let Some(value) = small(operation, a, b) {
        return Outcome::Value(value);
    }
    let (Some(x), Some(y)) = (machine.heap.as_number(a), machine.heap.as_number(b)) else {
        // Division says so; the others leave the call as it is.
        return match operation {
            Binary::Divide => Outcome::Failed(DIVIDE.to_owned()),
            Binary::Add | Binary::Subtract | Binary::Multiply | Binary::Remainder => Outcome::NotReducible,
        };
    };
    match apply(operation, &x, &y) {
        Ok(number) => Outcome::Value(machine.heap.number(number)),
        Err(DivisionByZero) => Outcome::Failed("DivisionByZero".to_owned()),
    }
}

fn compare(machine: &mut Machine, call: Call, test: fn(Ordering) -> bool) -> Outcome {
    let (a, b) = (call.argument(machine, 0), call.argument(machine, 1));
    if let Some(order) = a.compare_ints(b) {
        return Outcome::Value(Cell::bool(test(order)));
    }
    match (machine.heap.as_number(a), machine.heap.as_number(b)) {
        (Some(x), Some(y)) => Outcome::Value(Cell::bool(x.partial_cmp(&y).is_some_and(test))),
        _ => Outcome::NotReducible,
    }
}

fn equal(machine: &mut Machine, call: Call) -> Outcome {
    let (a, b) = (call.argument(machine, 0), call.argument(machine, 1));
    Outcome::Value(Cell::bool(machine.equal(a, b)))
}

fn alpha_equal(machine: &mut Machine, call: Call) -> Outcome {
    let (a, b) = (call.argument(machine, 0), call.argument(machine, 1));
    Outcome::Value(Cell::bool(machine.heap.alpha_equal(a, b)))
}

fn logical(machine: &mut Machine, call: Call, operation: fn(bool, bool) -> bool) -> Outcome {
    match (call.argument(machine, 0).view(), call.argument(machine, 1).view()) {
        (View::Bool(a), View::Bool(b)) => Outcome::Value(Cell::bool(operation(a, b))),
        _ => Outcome::NotReducible,
    }
}

fn not(machine: &mut Machine, call: Call) -> Outcome {
    match call.argument(machine, 0).view() {
        View::Bool(value) => Outcome::Value(Cell::bool(!value)),
        _ => Outcome::NotReducible,
    }
}
