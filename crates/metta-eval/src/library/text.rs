//! Output and strings (semantics 15.7).

use super::{Builtin, Call, NOT_AN_EXPRESSION, Outcome};
use crate::machine::Machine;
use crate::operation::Effect::{Prints, Pure};

const FORMAT: &str =
    "format-args expects format string as a first argument and expression as a second argument";

pub(super) const TABLE: &[Builtin] = &[
    Builtin::operation("println!", "(-> %Undefined% (->))", Prints, println)
        .usage("println! expects single atom as an argument"),
    Builtin::operation("trace!", "(-> %Undefined% Atom %Undefined%)", Prints, trace)
        .usage("trace! expects two atoms as arguments"),
    Builtin::operation("print-alternatives!", "(-> Atom Expression (->))", Prints, print_alternatives).usage(
        "print-alternatives! expects format string as a first argument and expression as a second argument",
    ),
    Builtin::operation("format-args", "(-> String Expression String)", Pure, format_args).usage(FORMAT),
];

fn println(machine: &mut Machine, call: Call) -> Outcome {
    let term = call.argument(machine, 0);
    let line = machine.bare_text_of(term);
    machine.print_line(line);
    Outcome::Unit
}

fn trace(machine: &mut Machine, call: Call) -> Outcome {
    let message = call.argument(machine, 0);
    let line = machine.text_of(message);
    machine.trace_line(line);
    Outcome::Value(call.argument(machine, 1))
}

fn print_alternatives(machine: &mut Machine, call: Call) -> Outcome {
    let Some((address, length)) = call.argument(machine, 1).slice() else {
        return Outcome::Failed(NOT_AN_EXPRESSION.to_owned());
    };
    let title = call.argument(machine, 0);
    let title = machine.bare_text_of(title);
    machine.print_line(format!("{length} {title}:"));
    for index in 0..length {
        let element = machine.heap.element(address, index);
        let line = machine.bare_text_of(element);
        machine.print_line(format!("    {line}"));
    }
    Outcome::Unit
}

fn format_args(machine: &mut Machine, call: Call) -> Outcome {
    let (format, arguments) = (call.argument(machine, 0), call.argument(machine, 1));
    let Some(format) = machine.heap.as_text(format).map(str::to_owned) else {
        return Outcome::Failed(FORMAT.to_owned());
    };
    let Some((address, length)) = arguments.slice() else {
        return Outcome::Failed(NOT_AN_EXPRESSION.to_owned());
    };
    let mut out = String::new();
    let mut next = 0;
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('{', Some('{')) | ('}', Some('}')) => {
                chars.next();
                out.push(c);
            }
            ('{', Some('}')) => {
                chars.next();
                if next < length {
                    let element = machine.heap.element(address, next);
                    out.push_str(&machine.bare_text_of(element));
                    next += 1;
                }
            }
            // A brace by itself says nothing.
            ('{' | '}', _) => {}
            _ => out.push(c),
        }
    }
    Outcome::Value(machine.heap.text(&out))
}
