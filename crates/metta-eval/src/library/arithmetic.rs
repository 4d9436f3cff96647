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
    Builtin::operation("and", LOGICAL, Pure, |m, c| logical(m, c, Logical::And)),
    Builtin::operation("or", LOGICAL, Pure, |m, c| logical(m, c, Logical::Or)),
    Builtin::operation("xor", LOGICAL, Pure, |m, c| logical(m, c, Logical::Xor)),
    Builtin::operation("not", "(-> Bool Bool)", Pure, |m, c| logical(m, c, Logical::Not)),
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

/// An operation on truth values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Logical {
    And,
    Or,
    Xor,
    /// Of the first operand; there is no second.
    Not,
}

impl Logical {
    /// The value for truth values; `None` for others.
    #[inline]
    pub(crate) fn of(self, a: Cell, b: Cell) -> Option<Cell> {
        let View::Bool(a) = a.view() else { return None };
        let b = match (self, b.view()) {
            (Logical::Not, _) => true,
            (_, View::Bool(b)) => b,
            _ => return None,
        };
        Some(Cell::bool(match self {
            Logical::And => a & b,
            Logical::Or => a | b,
            Logical::Xor => a ^ b,
            Logical::Not => !a,
        }))
    }
}

fn logical(machine: &mut Machine, call: Call, operation: Logical) -> Outcome {
    let value = operation.of(call.argument(machine, 0), call.argument(machine, 1));
    value.map_or(Outcome::NotReducible, Outcome::Value)
}
