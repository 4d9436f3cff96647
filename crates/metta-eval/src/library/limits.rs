//! Evaluation within limits, first results, alternatives (ADR-0014).

use std::time::Duration;

use metta_atom::Number;

use super::strings::unexpected;
use super::{Builtin, Call, Outcome};
use crate::machine::{Limit, Machine};
use crate::terms::cell::Cell;

pub(super) const TABLE: &[Builtin] = &[
    Builtin::addition("once", "(-> Atom Atom)", once),
    Builtin::addition("with-limit", "(-> Expression Atom Atom)", with_limit),
    Builtin::addition("hyperpose", "(-> Expression %Undefined%)", hyperpose),
];

/// The alternatives are those of `superpose`, in the same order.
fn hyperpose(machine: &mut Machine, call: Call) -> Outcome {
    let list = call.argument(machine, 0);
    if list.is_expression() { Outcome::Values(list) } else { unexpected(machine, call, 0, "an expression") }
}

fn once(machine: &mut Machine, call: Call) -> Outcome {
    let term = call.argument(machine, 0);
    machine.begin_limited(call, term, Limit::Results(1));
    Outcome::Scheduled
}

fn with_limit(machine: &mut Machine, call: Call) -> Outcome {
    let (limit, term) = (call.argument(machine, 0), call.argument(machine, 1));
    match read(machine, limit) {
        Some(Limit::Results(0)) => Outcome::Empty,
        Some(limit) => {
            machine.begin_limited(call, term, limit);
            Outcome::Scheduled
        }
        None => unexpected(machine, call, 0, "(results N), (steps N) or (time SECONDS)"),
    }
}

/// Reads `(results N)`, `(steps N)` or `(time SECONDS)`.
fn read(machine: &Machine, limit: Cell) -> Option<Limit> {
    let (address, 2) = limit.slice()? else { return None };
    let kind = machine.heap.head_symbol(limit)?;
    let amount = machine.heap.as_number(machine.heap.element(address, 1))?;
    let count = match amount {
        Number::Int(count) => u64::try_from(count).ok(),
        // More than can be counted is no limit.
        Number::Big(ref count) => (count.sign() == num_bigint::Sign::Plus).then_some(u64::MAX),
        Number::Float(_) => None,
    };
    match machine.heap.symbols.name(kind) {
        "results" => count.map(Limit::Results),
        "steps" => count.map(Limit::Steps),
        "time" => {
            let seconds = amount.to_f64();
            let time = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
            (seconds >= 0.0).then_some(Limit::Time(time))
        }
        _ => None,
    }
}
