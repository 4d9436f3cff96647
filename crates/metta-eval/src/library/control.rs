//! Control of evaluation (semantics 4.7, 4.8, 15.1).

use metta_atom::Atom;

use super::{Builtin, Call, Outcome};
use crate::machine::Machine;
use crate::operation::Effect::{Pure, State};
use crate::terms::cell::{Cell, View};
use crate::terms::symbols::{self, cell};

pub(super) const TABLE: &[Builtin] = &[
    Builtin::rule("if", branch),
    Builtin::rule("let", bind),
    Builtin::rule("let*", bind_all),
    Builtin::rule("case", case),
    Builtin::rule("switch", switch),
    Builtin::rule("switch-minimal", switch),
    Builtin::rule("switch-internal", switch_internal),
    Builtin::rule("quote", quote),
    Builtin::rule("unquote", unquote),
    Builtin::rule("noeval", identity),
    Builtin::rule("id", identity),
    Builtin::rule("empty", empty),
    Builtin::rule("collapse", collapse),
    Builtin::rule("atom-subst", substitute),
    Builtin::rule("if-decons-expr", if_decons),
    Builtin::rule("if-error", if_error),
    Builtin::rule("return-on-error", return_on_error),
    Builtin::rule("noreduce-eq", noreduce_equal),
    Builtin::operation("superpose", "(-> Expression %Undefined%)", Pure, superpose),
    Builtin::operation("nop", "", Pure, |_, _| Outcome::Unit),
    Builtin::operation("sealed", "(-> Expression Atom Atom)", Pure, sealed),
    Builtin::operation("if-equal", "(-> Atom Atom Atom Atom %Undefined%)", Pure, if_equal),
    Builtin::operation("capture", "(-> Atom Atom)", Pure, capture),
    Builtin::operation("pragma!", "", State, pragma),
    Builtin::operation("bind!", "(-> Symbol %Undefined% (->))", State, bind_token),
];

fn identity(machine: &mut Machine, call: Call) -> Outcome {
    if call.count == 1 { Outcome::Value(call.argument(machine, 0)) } else { Outcome::NotReducible }
}

/// The rule of `quote` matches and says that there is nothing to reduce.
fn quote(_: &mut Machine, call: Call) -> Outcome {
    if call.count == 1 { Outcome::Value(cell(symbols::NOT_REDUCIBLE)) } else { Outcome::NotReducible }
}

fn empty(_: &mut Machine, call: Call) -> Outcome {
    if call.count == 0 { Outcome::Empty } else { Outcome::NotReducible }
}

fn branch(machine: &mut Machine, call: Call) -> Outcome {
    if call.count != 3 {
        return Outcome::NotReducible;
    }
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
    if call.count != 3 {
        return Outcome::NotReducible;
    }
    let (pattern, value) = (call.argument(machine, 0), call.argument(machine, 1));
    let template = call.argument(machine, 2);
    if let Some((space, pattern)) = machine.space_and_pattern(value, pattern) {
        return machine.search_space(space, pattern, Some(template), call.term, call.expected);
    }
    if machine.heap.attempt(|heap| heap.unify(value, pattern)) {
        Outcome::Value(machine.heap.deref(template))
    } else {
        Outcome::Empty
    }
}

/// One binding after the other: `(let* ((p a) rest...) t)` is `(let p a (let* (rest...) t))`.
fn bind_all(machine: &mut Machine, call: Call) -> Outcome {
    if call.count != 2 {
        return Outcome::NotReducible;
    }
    let (pairs, template) = (call.argument(machine, 0), call.argument(machine, 1));
    let Some((address, length)) = pairs.slice() else { return Outcome::NotReducible };
    if length == 0 {
        return Outcome::Value(template);
    }
    let Some((pair, 2)) = machine.heap.element(address, 0).slice() else {
        let reason = machine.heap.text("List of (<pattern> <atom>) pairs is expected as a second argument");
        return Outcome::Value(machine.error(call.term, reason));
    };
    let (pattern, value) = (machine.heap.element(pair, 0), machine.heap.element(pair, 1));
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
    if call.count != 2 || !cases.is_expression() {
        return Outcome::NotReducible;
    }
    machine.begin_case(call.term, term, cases, call.expected)
}

fn switch(machine: &mut Machine, call: Call) -> Outcome {
    let (value, cases) = (call.argument(machine, 0), call.argument(machine, 1));
    if call.count != 2 {
        return Outcome::NotReducible;
    }
    machine.switch(call.term, value, cases, call.expected)
}

/// `(switch-internal value (first-case (other-cases)))`.
fn switch_internal(machine: &mut Machine, call: Call) -> Outcome {
    let (value, split) = (call.argument(machine, 0), call.argument(machine, 1));
    let Some((address, 2)) = split.slice() else { return Outcome::NotReducible };
    let (first, rest) = (machine.heap.element(address, 0), machine.heap.element(address, 1));
    match machine.heap.cons(first, rest) {
        Some(cases) => machine.switch(call.term, value, cases, call.expected),
        None => Outcome::NotReducible,
    }
}

fn unquote(machine: &mut Machine, call: Call) -> Outcome {
    let quoted = call.argument(machine, 0);
    match quoted.slice() {
        Some((address, 2)) if machine.heap.head_symbol(quoted) == Some(symbols::QUOTE) => {
            Outcome::Value(machine.heap.element(address, 1))
        }
        _ => Outcome::NotReducible,
    }
}

fn collapse(machine: &mut Machine, call: Call) -> Outcome {
    if call.count != 1 {
        return Outcome::NotReducible;
    }
    let term = call.argument(machine, 0);
    machine.begin_collapse(term);
    Outcome::Scheduled
}

fn superpose(machine: &mut Machine, call: Call) -> Outcome {
    let list = call.argument(machine, 0);
    if list.is_expression() {
        Outcome::Values(list)
    } else {
        Outcome::Failed("superpose expects single expression as an argument".to_owned())
    }
}

/// `(atom-subst value variable template)`.
fn substitute(machine: &mut Machine, call: Call) -> Outcome {
    let (value, variable) = (call.argument(machine, 0), call.argument(machine, 1));
    if call.count != 3 || !variable.is_reference() {
        return Outcome::NotReducible;
    }
    let template = call.argument(machine, 2);
    Outcome::Value(machine.heap.substituted(template, &[(variable, value)]))
}

fn if_decons(machine: &mut Machine, call: Call) -> Outcome {
    if call.count != 5 {
        return Outcome::NotReducible;
    }
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
    if call.count == 3 { Outcome::Value(call.argument(machine, chosen)) } else { Outcome::NotReducible }
}

/// `(return-on-error atom then)`: for code between `function` and `return`.
fn return_on_error(machine: &mut Machine, call: Call) -> Outcome {
    let (atom, then) = (call.argument(machine, 0), call.argument(machine, 1));
    if call.count != 2 {
        return Outcome::NotReducible;
    }
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
    if call.count != 4 {
        return Outcome::Failed("if-equal expects <atom> <pattern> <then> <else> as an argument".to_owned());
    }
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
    let term = call.argument(machine, 0);
    machine.evaluate_apart(call, term);
    Outcome::Scheduled
}

fn pragma(machine: &mut Machine, call: Call) -> Outcome {
    let (key, value) = (call.argument(machine, 0), call.argument(machine, 1));
    if call.count < 2 {
        return Outcome::Failed("pragma! expects key and value as arguments".to_owned());
    }
    let Some(key) = machine.heap.symbol_of(key).cloned() else {
        return Outcome::Failed("pragma! expects symbol atom as a key".to_owned());
    };
    if key.name() == "max-stack-depth" && machine.heap.as_i64(value).is_none_or(|depth| depth < 0) {
        return Outcome::Failed("UnsignedIntegerIsExpected".to_owned());
    }
    let value = machine.export(value);
    machine.world.set_pragma(key.name(), value);
    Outcome::Unit
}

fn bind_token(machine: &mut Machine, call: Call) -> Outcome {
    let word = match machine.export(call.argument(machine, 0)) {
        Atom::Symbol(symbol) => symbol,
        _ => return Outcome::Failed("bind! expects symbol atom as a token".to_owned()),
    };
    let atom = machine.export(call.argument(machine, 1));
    match machine.world.bind(word.name(), atom) {
        Ok(()) => Outcome::Unit,
        Err(error) => Outcome::Failed(format!("bind! expects a regular expression as a token: {error}")),
    }
}
