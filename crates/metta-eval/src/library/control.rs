//! Control of evaluation (semantics 4.7, 4.8, 15.1).

use super::{Builtin, Call, Outcome};
use crate::machine::{Machine, Then};
use crate::operation::Effect::{Pure, State};
use crate::terms::cell::{Cell, View};
use crate::terms::matching::Matched;
use crate::terms::symbols::{self, cell};

const SUPERPOSE: &str = "superpose expects single expression as an argument";

pub(super) const TABLE: &[Builtin] = &[
    Builtin::rule("if", 3, branch),
    Builtin::rule("let", 3, bind),
    Builtin::rule("let*", 2, bind_all),
    Builtin::rule("case", 2, case),
    Builtin::rule("switch", 2, switch),
    Builtin::rule("switch-minimal", 2, switch),
    Builtin::rule("switch-internal", 2, switch_internal),
    Builtin::rule("quote", 1, quote),
    Builtin::rule("unquote", 1, unquote),
    Builtin::rule("noeval", 1, identity),
    Builtin::rule("id", 1, identity),
    Builtin::rule("empty", 0, |_, _| Outcome::Empty),
    Builtin::rule("collapse", 1, collapse),
    Builtin::rule("atom-subst", 3, substitute),
    Builtin::rule("if-decons-expr", 5, if_decons),
    Builtin::rule("if-error", 3, if_error),
    Builtin::rule("return-on-error", 2, return_on_error),
    Builtin::rule("noreduce-eq", 2, noreduce_equal),
    Builtin::operation("superpose", "(-> Expression %Undefined%)", Pure, superpose).usage(SUPERPOSE),
    Builtin::operation("nop", "", Pure, |_, _| Outcome::Unit),
    Builtin::operation("sealed", "(-> Expression Atom Atom)", Pure, sealed)
        .usage("sealed expects two arguments: var_list to be ignored and expression"),
    Builtin::operation("if-equal", "(-> Atom Atom Atom Atom %Undefined%)", Pure, if_equal)
        .usage("if-equal expects <atom> <pattern> <then> <else> as an argument"),
    Builtin::operation("capture", "(-> Atom Atom)", Pure, capture).usage("capture expects one argument"),
    Builtin::operation("pragma!", "", State, pragma)
        .taking(2, u32::MAX)
        .usage("pragma! expects key and value as arguments"),
];

fn identity(machine: &mut Machine, call: Call) -> Outcome {
    Outcome::Value(call.argument(machine, 0))
}

/// The rule of `quote` matches and says that there is nothing to reduce.
fn quote(_: &mut Machine, _: Call) -> Outcome {
    Outcome::Value(cell(symbols::NOT_REDUCIBLE))
}

fn branch(machine: &mut Machine, call: Call) -> Outcome {
    let condition = call.argument(machine, 0);
    match condition.view() {
        View::Bool(true) => Outcome::Value(call.argument(machine, 1)),
        View::Bool(false) => Outcome::Value(call.argument(machine, 2)),
        // Both rules match an unbound condition and bind it.
        View::Ref(_) => {
            let (then, otherwise) = (call.argument(machine, 1), call.argument(machine, 2));
            machine.narrow(call, condition, &[(Cell::bool(true), then), (Cell::bool(false), otherwise)]);
            Outcome::Scheduled
        }
        _ => Outcome::NotReducible,
    }
}

fn bind(machine: &mut Machine, call: Call) -> Outcome {
    let (pattern, value) = (call.argument(machine, 0), call.argument(machine, 1));
    let template = call.argument(machine, 2);
    if let Some((space, pattern)) = machine.space_and_pattern(value, pattern) {
        return machine.search_space(space, pattern, Some(template), call.term, call.expected);
    }
    match machine.heap.ways(|heap| heap.unify(value, pattern)) {
        Matched::No => Outcome::Empty,
        Matched::Once => {
            let template = machine.heap.deref(template);
            if template == cell(symbols::NOT_REDUCIBLE) {
                return irreducible_let(machine, value, pattern);
            }
            Outcome::Value(template)
        }
        matched @ Matched::InWays(_) => {
            let (call, expected) = (call.term, call.expected);
            machine.proceed(matched, Then::Result { call, expected, value: template });
            Outcome::Scheduled
        }
    }
}

/// What a `let` whose body is `NotReducible` leaves: the `unify` that it is short for.
fn irreducible_let(machine: &mut Machine, value: Cell, pattern: Cell) -> Outcome {
    let (head, otherwise) = (cell(symbols::UNIFY), cell(symbols::EMPTY));
    let body = cell(symbols::NOT_REDUCIBLE);
    Outcome::Final(machine.heap.expression(&[head, value, pattern, body, otherwise]))
}

/// One binding after the other: `(let* ((p a) rest...) t)` is `(let p a (let* (rest...) t))`.
fn bind_all(machine: &mut Machine, call: Call) -> Outcome {
    let (pairs, template) = (call.argument(machine, 0), call.argument(machine, 1));
    let Some((address, length)) = pairs.slice().filter(|(_, length)| *length > 0) else {
        return Outcome::Value(template);
    };
    let pair = machine.heap.element(address, 0);
    let Some((pattern, value)) = machine.as_pair(pair) else {
        let reason = machine.heap.text("List of (<pattern> <atom>) pairs is expected as a second argument");
        return Outcome::Value(machine.error(call.term, reason));
    };
    let body = if length == 1 {
        template
    } else {
        let rest = machine.heap.tail(pairs);
        let head = machine.heap.element(call.arguments - 1, 0);
        machine.heap.expression(&[head, rest, template])
    };
    let head = cell(machine.heap.symbols.intern("let"));
    Outcome::Value(machine.heap.expression(&[head, pattern, value, body]))
}

fn case(machine: &mut Machine, call: Call) -> Outcome {
    let (term, cases) = (call.argument(machine, 0), call.argument(machine, 1));
    machine.begin_case(call.term, term, cases, call.expected)
}

fn switch(machine: &mut Machine, call: Call) -> Outcome {
    let (value, cases) = (call.argument(machine, 0), call.argument(machine, 1));
    machine.switch(call.term, value, cases, call.expected)
}

/// `(switch-internal value (first-case (other-cases)))`.
fn switch_internal(machine: &mut Machine, call: Call) -> Outcome {
    let (value, split) = (call.argument(machine, 0), call.argument(machine, 1));
    let Some((first, rest)) = machine.as_pair(split) else { return Outcome::NotReducible };
    if machine.as_pair(first).is_none() {
        return Outcome::NotReducible;
    }
    let rest = if rest.is_expression() { rest } else { Cell::UNIT };
    match machine.heap.cons(first, rest) {
        Some(cases) => machine.switch(call.term, value, cases, call.expected),
        None => Outcome::Failed("expression is too long".to_owned()),
    }
}

fn unquote(machine: &mut Machine, call: Call) -> Outcome {
    let quoted = call.argument(machine, 0);
    match machine.as_pair(quoted) {
        Some((head, inner)) if machine.heap.attempt(|heap| heap.unify(head, cell(symbols::QUOTE))) => {
            Outcome::Value(inner)
        }
        _ => Outcome::NotReducible,
    }
}

fn collapse(machine: &mut Machine, call: Call) -> Outcome {
    let term = call.argument(machine, 0);
    machine.begin_collapse(term);
    Outcome::Scheduled
}

fn superpose(machine: &mut Machine, call: Call) -> Outcome {
    let list = call.argument(machine, 0);
    if list.is_expression() { Outcome::Values(list) } else { Outcome::Failed(SUPERPOSE.to_owned()) }
}

/// `(atom-subst value variable template)`.
fn substitute(machine: &mut Machine, call: Call) -> Outcome {
    let (value, variable) = (call.argument(machine, 0), call.argument(machine, 1));
    if !variable.is_reference() {
        return Outcome::Failed("NoReturn".to_owned());
    }
    let template = call.argument(machine, 2);
    Outcome::Value(machine.heap.substituted(template, &[(variable, value)]))
}

fn if_decons(machine: &mut Machine, call: Call) -> Outcome {
    let list = call.argument(machine, 0);
    match list.slice() {
        Some((address, length)) if length > 0 => {
            let (head, tail) = (call.argument(machine, 1), call.argument(machine, 2));
            let first = machine.heap.element(address, 0);
            let rest = machine.heap.tail(list);
            let fits = machine.heap.attempt(|heap| heap.unify(head, first) && heap.unify(tail, rest));
            Outcome::Value(call.argument(machine, if fits { 3 } else { 4 }))
        }
        _ => Outcome::Value(call.argument(machine, 4)),
    }
}

fn if_error(machine: &mut Machine, call: Call) -> Outcome {
    let chosen = if machine.heap.is_error(call.argument(machine, 0)) { 1 } else { 2 };
    Outcome::Value(call.argument(machine, chosen))
}

/// `(return-on-error atom then)`: for code between `function` and `return`.
fn return_on_error(machine: &mut Machine, call: Call) -> Outcome {
    let (atom, then) = (call.argument(machine, 0), call.argument(machine, 1));
    if atom == cell(symbols::EMPTY) || machine.heap.is_error(atom) {
        return Outcome::Value(machine.heap.expression(&[cell(symbols::RETURN), atom]));
    }
    Outcome::Value(then)
}

fn noreduce_equal(machine: &mut Machine, call: Call) -> Outcome {
    let (a, b) = (call.argument(machine, 0), call.argument(machine, 1));
    Outcome::Value(Cell::bool(machine.equal(a, b)))
}

fn if_equal(machine: &mut Machine, call: Call) -> Outcome {
    let (a, b) = (call.argument(machine, 0), call.argument(machine, 1));
    Outcome::Value(call.argument(machine, if machine.heap.alpha_equal(a, b) { 2 } else { 3 }))
}

/// Renames the variables of a term but for those listed (semantics section 11).
fn sealed(machine: &mut Machine, call: Call) -> Outcome {
    let (kept, term) = (call.argument(machine, 0), call.argument(machine, 1));
    let kept = machine.heap.variables(kept);
    let renamed: Vec<(Cell, Cell)> = machine
        .heap
        .variables(term)
        .into_iter()
        .filter(|variable| !kept.contains(variable))
        .map(|variable| (variable, machine.heap.renamed(variable)))
        .collect();
    Outcome::Value(machine.heap.substituted(term, &renamed))
}

/// Evaluates a term in the space of the module in which the word was read.
fn capture(machine: &mut Machine, call: Call) -> Outcome {
    let (term, module) = (call.argument(machine, 0), machine.module_of(call.term).unwrap_or(machine.home));
    machine.evaluate_apart(call, term, module);
    Outcome::Scheduled
}

fn pragma(machine: &mut Machine, call: Call) -> Outcome {
    let (key, value) = (call.argument(machine, 0), call.argument(machine, 1));
    let Some(key) = machine.heap.symbol_of(key).cloned() else {
        return Outcome::Failed("pragma! expects symbol atom as a key".to_owned());
    };
    if key.name() == "max-stack-depth" && machine.heap.as_i64(value).is_none_or(|depth| depth < 0) {
        return Outcome::Failed("UnsignedIntegerIsExpected".to_owned());
    }
    let value = machine.export(value);
    machine.set_pragma(key.name(), value);
    Outcome::Unit
}
