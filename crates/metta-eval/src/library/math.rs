//! Mathematics (semantics 15.4).

use metta_atom::Number;

use super::{Builtin, Call, NOT_AN_EXPRESSION, Outcome};
use crate::machine::Machine;
use crate::operation::Effect::Pure;
use crate::terms::cell::Cell;

const UNARY: &str = "(-> Number Number)";
const BINARY: &str = "(-> Number Number Number)";
const TEST: &str = "(-> Number Bool)";
const FOLD: &str = "(-> %Undefined% Number)";

const POWER: &str = "pow-math expects two arguments: number (base) and number (power)";
const LOGARITHM: &str = "log-math expects two arguments: base (number) and input value (number)";
const ABSOLUTE: &str = "abs-math expects one argument: number";

pub(super) const TABLE: &[Builtin] = &[
    Builtin::operation("pow-math", BINARY, Pure, power).usage(POWER),
    Builtin::operation("sqrt-math", UNARY, Pure, |m, c| {
        float(m, c, "sqrt-math expects one argument: number", f64::sqrt)
    })
    .usage("sqrt-math expects one argument: number"),
    Builtin::operation("log-math", BINARY, Pure, logarithm).usage(LOGARITHM),
    Builtin::operation("sin-math", UNARY, Pure, |m, c| {
        float(m, c, "sin-math expects one argument: input number", f64::sin)
    })
    .usage("sin-math expects one argument: input number"),
    Builtin::operation("cos-math", UNARY, Pure, |m, c| {
        float(m, c, "cos-math expects one argument: input number", f64::cos)
    })
    .usage("cos-math expects one argument: input number"),
    Builtin::operation("tan-math", UNARY, Pure, |m, c| {
        float(m, c, "tan-math expects one argument: input number", f64::tan)
    })
    .usage("tan-math expects one argument: input number"),
    Builtin::operation("asin-math", UNARY, Pure, |m, c| {
        float(m, c, "asin-math expects one argument: input number", f64::asin)
    })
    .usage("asin-math expects one argument: input number"),
    Builtin::operation("acos-math", UNARY, Pure, |m, c| {
        float(m, c, "acos-math expects one argument: input number", f64::acos)
    })
    .usage("acos-math expects one argument: input number"),
    Builtin::operation("atan-math", UNARY, Pure, |m, c| {
        float(m, c, "atan-math expects one argument: input number", f64::atan)
    })
    .usage("atan-math expects one argument: input number"),
    Builtin::operation("abs-math", UNARY, Pure, absolute).usage(ABSOLUTE),
    Builtin::operation("trunc-math", UNARY, Pure, |m, c| {
        round(m, c, "trunc-math expects one argument: input number", f64::trunc)
    })
    .usage("trunc-math expects one argument: input number"),
    Builtin::operation("ceil-math", UNARY, Pure, |m, c| {
        round(m, c, "ceil-math expects one argument: input number", f64::ceil)
    })
    .usage("ceil-math expects one argument: input number"),
    Builtin::operation("floor-math", UNARY, Pure, |m, c| {
        round(m, c, "floor-math expects one argument: input number", f64::floor)
    })
    .usage("floor-math expects one argument: input number"),
    Builtin::operation("round-math", UNARY, Pure, |m, c| {
        round(m, c, "round-math expects one argument: input number", f64::round)
    })
    .usage("round-math expects one argument: input number"),
    Builtin::operation("isnan-math", TEST, Pure, |m, c| {
        test(m, c, "isnan-math expects one argument: input number", f64::is_nan)
    })
    .usage("isnan-math expects one argument: input number"),
    Builtin::operation("isinf-math", TEST, Pure, |m, c| {
        test(m, c, "isinf-math expects one argument: input number", f64::is_infinite)
    })
    .usage("isinf-math expects one argument: input number"),
    Builtin::operation("min-atom", FOLD, Pure, |m, c| extreme(m, c, f64::min))
        .usage("min-atom expects one argument: expression"),
    Builtin::operation("max-atom", FOLD, Pure, |m, c| extreme(m, c, f64::max))
        .usage("max-atom expects one argument: expression"),
];

fn number(machine: &Machine, call: Call, index: u32) -> Option<Number> {
    machine.heap.as_number(call.argument(machine, index))
}

fn float(machine: &mut Machine, call: Call, usage: &str, operation: fn(f64) -> f64) -> Outcome {
    match number(machine, call, 0) {
        Some(x) => Outcome::Value(machine.heap.number(Number::Float(operation(x.to_f64())))),
        None => Outcome::Failed(usage.to_owned()),
    }
}

/// Rounds a float; integers stay as they are.
fn round(machine: &mut Machine, call: Call, usage: &str, operation: fn(f64) -> f64) -> Outcome {
    match number(machine, call, 0) {
        Some(Number::Float(x)) => Outcome::Value(machine.heap.number(Number::Float(operation(x)))),
        Some(integer) => Outcome::Value(machine.heap.number(integer)),
        None => Outcome::Failed(usage.to_owned()),
    }
}

fn test(machine: &mut Machine, call: Call, usage: &str, operation: fn(f64) -> bool) -> Outcome {
    match number(machine, call, 0) {
        Some(Number::Float(x)) => Outcome::Value(Cell::bool(operation(x))),
        Some(_) => Outcome::Value(Cell::bool(false)),
        None => Outcome::Failed(usage.to_owned()),
    }
}

fn absolute(machine: &mut Machine, call: Call) -> Outcome {
    match number(machine, call, 0) {
        Some(Number::Float(x)) => Outcome::Value(machine.heap.number(Number::Float(x.abs()))),
        Some(integer) => {
            let magnitude = integer.to_big().map(|big| big.magnitude().clone());
            let value = magnitude.map_or(integer, |magnitude| Number::from_big(magnitude.into()));
            Outcome::Value(machine.heap.number(value))
        }
        None => Outcome::Failed(ABSOLUTE.to_owned()),
    }
}

fn power(machine: &mut Machine, call: Call) -> Outcome {
    match (number(machine, call, 0), number(machine, call, 1)) {
        (Some(base), Some(Number::Float(power))) => {
            Outcome::Value(machine.heap.number(Number::Float(base.to_f64().powf(power))))
        }
        (Some(base), Some(Number::Int(power))) => match i32::try_from(power) {
            Ok(power) => Outcome::Value(machine.heap.number(Number::Float(base.to_f64().powi(power)))),
            Err(_) => Outcome::Failed("power argument is too big, try using float value".to_owned()),
        },
        (Some(_), Some(Number::Big(_))) => {
            Outcome::Failed("power argument is too big, try using float value".to_owned())
        }
        _ => Outcome::Failed(POWER.to_owned()),
    }
}

fn logarithm(machine: &mut Machine, call: Call) -> Outcome {
    match (number(machine, call, 0), number(machine, call, 1)) {
        (Some(base), Some(x)) => {
            Outcome::Value(machine.heap.number(Number::Float(x.to_f64().log(base.to_f64()))))
        }
        _ => Outcome::Failed(LOGARITHM.to_owned()),
    }
}

fn extreme(machine: &mut Machine, call: Call, better: fn(f64, f64) -> f64) -> Outcome {
    let list = call.argument(machine, 0);
    let Some(elements) = machine.heap.elements(list) else {
        return Outcome::Failed(NOT_AN_EXPRESSION.to_owned());
    };
    let mut best: Option<f64> = None;
    for element in elements {
        match machine.heap.as_number(machine.heap.deref(*element)) {
            Some(number) => best = Some(best.map_or(number.to_f64(), |best| better(best, number.to_f64()))),
            None => {
                let text = machine.text_of(list);
                return Outcome::Failed(format!("Only numbers are allowed in expression: {text}"));
            }
        }
    }
    match best {
        Some(best) => Outcome::Value(machine.heap.number(Number::Float(best))),
        None => Outcome::Failed("Empty expression".to_owned()),
    }
}
