//! Functions on expressions as lists (semantics 15.5).

use super::{Builtin, Call, NOT_AN_EXPRESSION, Outcome};
use crate::machine::Machine;
use crate::operation::Effect::Pure;
use crate::terms::cell::Cell;

pub(super) const TABLE: &[Builtin] = &[
    Builtin::rule("car-atom", |m, c| part(m, c, true)),
    Builtin::rule("cdr-atom", |m, c| part(m, c, false)),
    Builtin::rule("map-atom", map),
    Builtin::rule("filter-atom", filter),
    Builtin::rule("foldl-atom", fold),
    Builtin::operation("size-atom", "(-> Expression Number)", Pure, size),
    Builtin::operation("index-atom", "(-> Expression Number Atom)", Pure, index),
    Builtin::operation("unique-atom", "(-> Expression Atom)", Pure, unique),
    Builtin::operation("union-atom", "(-> Expression Expression Atom)", Pure, union),
    Builtin::operation("intersection-atom", "(-> Expression Expression Atom)", Pure, |m, c| {
        common(m, c, true)
    }),
    Builtin::operation("subtraction-atom", "(-> Expression Expression Atom)", Pure, |m, c| {
        common(m, c, false)
    }),
    Builtin::operation("sort-strings", "(-> Expression Expression)", Pure, sort_strings),
];

fn part(machine: &mut Machine, call: Call, head: bool) -> Outcome {
    let list = call.argument(machine, 0);
    match list.slice() {
        Some((address, length)) if length > 0 && call.count == 1 => {
            Outcome::Value(if head { machine.heap.element(address, 0) } else { machine.heap.tail(list) })
        }
        _ => {
            let name = if head { "car-atom" } else { "cdr-atom" };
            let reason = machine.heap.text(&format!("{name} expects a non-empty expression as an argument"));
            Outcome::Value(machine.error(call.term, reason))
        }
    }
}

fn map(machine: &mut Machine, call: Call) -> Outcome {
    let (list, variable) = (call.argument(machine, 0), call.argument(machine, 1));
    if call.count != 3 || !list.is_expression() || !variable.is_reference() {
        return Outcome::NotReducible;
    }
    machine.begin_map(call);
    Outcome::Scheduled
}

fn filter(machine: &mut Machine, call: Call) -> Outcome {
    let (list, variable) = (call.argument(machine, 0), call.argument(machine, 1));
    if call.count != 3 || !list.is_expression() || !variable.is_reference() {
        return Outcome::NotReducible;
    }
    machine.begin_filter(call);
    Outcome::Scheduled
}

fn fold(machine: &mut Machine, call: Call) -> Outcome {
    let list = call.argument(machine, 0);
    let variables = call.argument(machine, 2).is_reference() && call.argument(machine, 3).is_reference();
    if call.count != 5 || !list.is_expression() || !variables {
        return Outcome::NotReducible;
    }
    machine.begin_fold(call);
    Outcome::Scheduled
}

fn size(machine: &mut Machine, call: Call) -> Outcome {
    match call.argument(machine, 0).slice().and_then(|(_, length)| Cell::int(i64::from(length))) {
        Some(size) => Outcome::Value(size),
        None => Outcome::Failed(NOT_AN_EXPRESSION.to_owned()),
    }
}

fn index(machine: &mut Machine, call: Call) -> Outcome {
    let Some((address, length)) = call.argument(machine, 0).slice() else {
        return Outcome::Failed(NOT_AN_EXPRESSION.to_owned());
    };
    let Some(index) = machine.heap.as_i64(call.argument(machine, 1)) else {
        return Outcome::Failed("index-atom expects two arguments: expression and atom".to_owned());
    };
    match u32::try_from(index) {
        Ok(index) if index < length => Outcome::Value(machine.heap.element(address, index)),
        _ => Outcome::Failed("Index is out of bounds".to_owned()),
    }
}

/// The elements of the expression that argument `index` is.
fn list(machine: &Machine, call: Call, index: u32) -> Option<Vec<Cell>> {
    let elements = machine.heap.elements(call.argument(machine, index))?;
    Some(elements.iter().map(|cell| machine.heap.deref(*cell)).collect())
}

fn unique(machine: &mut Machine, call: Call) -> Outcome {
    let Some(elements) = list(machine, call, 0) else {
        return Outcome::Failed(NOT_AN_EXPRESSION.to_owned());
    };
    let mut classes = AlphaClasses::default();
    let mut kept: Vec<Cell> = Vec::new();
    for element in elements {
        if classes.count(machine, element) == 0 {
            kept.push(element);
        }
        classes.add(machine, element, 1);
    }
    Outcome::Value(machine.heap.expression(&kept))
}

fn union(machine: &mut Machine, call: Call) -> Outcome {
    match (list(machine, call, 0), list(machine, call, 1)) {
        (Some(mut left), Some(right)) => {
            left.extend(right);
            Outcome::Value(machine.heap.expression(&left))
        }
        _ => Outcome::Failed(NOT_AN_EXPRESSION.to_owned()),
    }
}

/// The elements of the first list that are, or are not, matched by one of the second each.
fn common(machine: &mut Machine, call: Call, wanted: bool) -> Outcome {
    let (Some(left), Some(right)) = (list(machine, call, 0), list(machine, call, 1)) else {
        return Outcome::Failed(NOT_AN_EXPRESSION.to_owned());
    };
    let mut classes = AlphaClasses::default();
    for element in right {
        classes.add(machine, element, 1);
    }
    let mut kept = Vec::new();
    for element in left {
        let matched = classes.count(machine, element) > 0;
        if matched {
            classes.add(machine, element, -1);
        }
        if matched == wanted {
            kept.push(element);
        }
    }
    Outcome::Value(machine.heap.expression(&kept))
}

/// Counts terms up to variable names. Cost: O(size of a term) an operation, expected.
#[derive(Default)]
struct AlphaClasses {
    classes: rustc_hash::FxHashMap<u64, Vec<(Cell, i64)>>,
}

impl AlphaClasses {
    fn count(&self, machine: &Machine, term: Cell) -> i64 {
        let class = self.classes.get(&machine.heap.alpha_hash(term));
        let found =
            class.and_then(|class| class.iter().find(|(known, _)| machine.heap.alpha_equal(*known, term)));
        found.map_or(0, |(_, count)| *count)
    }

    fn add(&mut self, machine: &Machine, term: Cell, change: i64) {
        let class = self.classes.entry(machine.heap.alpha_hash(term)).or_default();
        match class.iter_mut().find(|(known, _)| machine.heap.alpha_equal(*known, term)) {
            Some((_, count)) => *count += change,
            None => class.push((term, change)),
        }
    }
}

fn sort_strings(machine: &mut Machine, call: Call) -> Outcome {
    let Some(elements) = list(machine, call, 0) else {
        return Outcome::Failed(
            "sort-strings expects expression with strings as a first argument".to_owned(),
        );
    };
    let texts: Option<Vec<(String, Cell)>> =
        elements.into_iter().map(|cell| Some((machine.heap.as_text(cell)?.to_owned(), cell))).collect();
    match texts {
        Some(mut texts) => {
            texts.sort_by(|a, b| a.0.cmp(&b.0));
            let sorted: Vec<Cell> = texts.into_iter().map(|(_, cell)| cell).collect();
            Outcome::Value(machine.heap.expression(&sorted))
        }
        None => {
            Outcome::Failed("sort-strings expects expression with strings as a first argument".to_owned())
        }
    }
}
