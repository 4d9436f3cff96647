//! Functions on expressions as lists (semantics 15.5).

use metta_atom::Number;

use super::{Builtin, Call, NOT_AN_EXPRESSION, Outcome};
use crate::machine::Machine;
use crate::operation::Effect::Pure;
use crate::terms::cell::Cell;
use crate::terms::symbols;

const INDEX: &str = "index-atom expects two arguments: expression and atom";
const SORT: &str = "sort-strings expects expression with strings as a first argument";

pub(super) const TABLE: &[Builtin] = &[
    Builtin::rule("car-atom", 1, |m, c| part(m, c, true)),
    Builtin::rule("cdr-atom", 1, |m, c| part(m, c, false)),
    Builtin::rule("map-atom", 3, map),
    Builtin::rule("filter-atom", 3, filter),
    Builtin::rule("foldl-atom", 5, fold),
    Builtin::operation("size-atom", "(-> Expression Number)", Pure, size)
        .usage("size-atom expects one argument: expression"),
    Builtin::operation("index-atom", "(-> Expression Number Atom)", Pure, index).usage(INDEX),
    Builtin::operation("unique-atom", "(-> Expression Atom)", Pure, unique)
        .usage("unique expects single expression atom as an argument"),
    Builtin::operation("union-atom", "(-> Expression Expression Atom)", Pure, union)
        .usage("union expects and executable LHS and RHS atom"),
    Builtin::operation("intersection-atom", "(-> Expression Expression Atom)", Pure, |m, c| {
        common(m, c, true)
    })
    .usage("intersection expects and executable LHS and RHS atom"),
    Builtin::operation("subtraction-atom", "(-> Expression Expression Atom)", Pure, |m, c| {
        common(m, c, false)
    })
    .usage("subtraction expects and executable LHS and RHS atom"),
    Builtin::operation("sort-strings", "(-> Expression Expression)", Pure, sort_strings).usage(SORT),
];

fn part(machine: &mut Machine, call: Call, head: bool) -> Outcome {
    let list = call.argument(machine, 0);
    match list.slice() {
        Some((address, length)) if length > 0 => {
            Outcome::Value(if head { machine.heap.element(address, 0) } else { machine.heap.tail(list) })
        }
        _ => {
            let name = if head { "car-atom" } else { "cdr-atom" };
            let reason = machine.heap.text(&format!("{name} expects a non-empty expression as an argument"));
            Outcome::Value(machine.error(call.term, reason))
        }
    }
}

/// What is not a list has no elements.
fn map(machine: &mut Machine, call: Call) -> Outcome {
    if call.argument(machine, 0).slice().is_none_or(|(_, length)| length == 0) {
        return Outcome::Value(Cell::UNIT);
    }
    let variable = call.argument(machine, 1);
    if !variable.is_reference() {
        return Outcome::Value(not_substituted(machine, call, variable));
    }
    machine.begin_map(call);
    Outcome::Scheduled
}

/// The error of putting the first element in the place of something that is not a variable.
fn not_substituted(machine: &mut Machine, call: Call, variable: Cell) -> Cell {
    let (list, template) = (call.argument(machine, 0), call.argument(machine, 2));
    let first = list.slice().map_or(Cell::UNIT, |(address, _)| machine.heap.element(address, 0));
    let head = machine.heap.symbols.intern("atom-subst");
    let substitution = machine.heap.expression(&[Cell::symbol(head), first, variable, template]);
    machine.error(substitution, symbols::cell(symbols::NO_RETURN))
}

fn filter(machine: &mut Machine, call: Call) -> Outcome {
    if call.argument(machine, 0).slice().is_none_or(|(_, length)| length == 0) {
        return Outcome::Value(Cell::UNIT);
    }
    if !call.argument(machine, 1).is_reference() {
        return Outcome::Failed("NoReturn".to_owned());
    }
    machine.begin_filter(call);
    Outcome::Scheduled
}

fn fold(machine: &mut Machine, call: Call) -> Outcome {
    let variables = call.argument(machine, 2).is_reference() && call.argument(machine, 3).is_reference();
    if !call.argument(machine, 0).is_expression() || !variables {
        return Outcome::Failed("NoReturn".to_owned());
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
    let Some(index) = machine.heap.as_number(call.argument(machine, 1)) else {
        return Outcome::Failed(INDEX.to_owned());
    };
    // A float counts as far as its point.
    let index = match index {
        Number::Int(index) => u32::try_from(index).ok(),
        Number::Float(index) if index > -1.0 && index < f64::from(u32::MAX) => Some(index as u32),
        Number::Float(_) | Number::Big(_) => None,
    };
    match index.filter(|index| *index < length) {
        Some(index) => Outcome::Value(machine.heap.element(address, index)),
        None => Outcome::Failed("Index is out of bounds".to_owned()),
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
    let mut classes = Classes::new(Sameness::UpToNames);
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
    let mut classes = Classes::new(Sameness::Equal);
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

/// When two terms count as the same.
#[derive(Clone, Copy)]
enum Sameness {
    /// Variables are the same only as themselves.
    Equal,
    /// Variables may have other names.
    UpToNames,
}

/// Counts terms. Cost: O(size of a term) an operation, expected.
struct Classes {
    sameness: Sameness,
    classes: rustc_hash::FxHashMap<u64, Vec<(Cell, i64)>>,
}

impl Classes {
    fn new(sameness: Sameness) -> Self {
        Classes { sameness, classes: rustc_hash::FxHashMap::default() }
    }

    fn hash(&self, machine: &Machine, term: Cell) -> u64 {
        match self.sameness {
            Sameness::Equal => machine.heap.exact_hash(term),
            Sameness::UpToNames => machine.heap.alpha_hash(term),
        }
    }

    fn same(&self, machine: &Machine, a: Cell, b: Cell) -> bool {
        match self.sameness {
            Sameness::Equal => machine.heap.equal(a, b),
            Sameness::UpToNames => machine.heap.alpha_equal(a, b),
        }
    }

    fn count(&self, machine: &Machine, term: Cell) -> i64 {
        let class = self.classes.get(&self.hash(machine, term));
        let found = class.and_then(|class| class.iter().find(|(known, _)| self.same(machine, *known, term)));
        found.map_or(0, |(_, count)| *count)
    }

    fn add(&mut self, machine: &Machine, term: Cell, change: i64) {
        let hash = self.hash(machine, term);
        let known = self
            .classes
            .get(&hash)
            .and_then(|class| class.iter().position(|(known, _)| self.same(machine, *known, term)));
        let class = self.classes.entry(hash).or_default();
        match known {
            Some(index) => class[index].1 += change,
            None => class.push((term, change)),
        }
    }
}

fn sort_strings(machine: &mut Machine, call: Call) -> Outcome {
    let Some(elements) = list(machine, call, 0) else {
        return Outcome::Failed(SORT.to_owned());
    };
    let texts: Option<Vec<(String, Cell)>> =
        elements.into_iter().map(|cell| Some((machine.heap.as_text(cell)?.to_owned(), cell))).collect();
    match texts {
        Some(mut texts) => {
            texts.sort_by(|a, b| a.0.cmp(&b.0));
            let sorted: Vec<Cell> = texts.into_iter().map(|(_, cell)| cell).collect();
            Outcome::Value(machine.heap.expression(&sorted))
        }
        None => Outcome::Failed(SORT.to_owned()),
    }
}
