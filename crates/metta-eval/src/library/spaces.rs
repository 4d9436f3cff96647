//! Spaces (semantics 7, 15.6).

use metta_atom::{Grounded, SpaceId};
use metta_space::bytes::Writer;

use super::{Builtin, Call, Outcome};
use crate::machine::Machine;
use crate::operation::Effect::{ReadsSpace, WritesSpace};
use crate::terms::cell::{Cell, View};
use crate::terms::convert::VariableNames;
use crate::terms::symbols;

/// What a fact takes beside its bytes, about.
const BYTES_PER_FACT: u64 = 64;

pub(super) const TABLE: &[Builtin] = &[
    Builtin::operation("match", "(-> SpaceType Atom Atom %Undefined%)", ReadsSpace, query)
        .usage("match expects three arguments: space, pattern and template"),
    Builtin::operation("new-space", "(-> SpaceType)", WritesSpace, new_space)
        .usage("new-space doesn't expect arguments"),
    Builtin::operation("add-atom", "(-> SpaceType Atom (->))", WritesSpace, add)
        .usage("add-atom expects two arguments: space and atom"),
    Builtin::operation("remove-atom", "(-> SpaceType Atom (->))", WritesSpace, remove)
        .usage("remove-atom expects two arguments: space and atom"),
    Builtin::operation("get-atoms", "(-> SpaceType Atom)", ReadsSpace, atoms)
        .usage("get-atoms expects one argument: space"),
    Builtin::rule("add-atoms", 2, add_all).with_effect(WritesSpace),
    Builtin::rule("add-reducts", 2, add_all).with_effect(WritesSpace),
];

fn query(machine: &mut Machine, call: Call) -> Outcome {
    let Some(space) = machine.as_space(call.argument(machine, 0)) else {
        return Outcome::Failed("match expects a space as the first argument".to_owned());
    };
    let (pattern, template) = (call.argument(machine, 1), call.argument(machine, 2));
    machine.search_space(space, pattern, Some(template), call.term, call.expected)
}

fn new_space(machine: &mut Machine, _: Call) -> Outcome {
    Outcome::Value(Cell::space(machine.world.new_space().0))
}

fn add(machine: &mut Machine, call: Call) -> Outcome {
    match machine.as_space(call.argument(machine, 0)) {
        Some(space) => {
            add_term(machine, space, call.argument(machine, 1));
            Outcome::Unit
        }
        None => Outcome::Failed("add-atom expects a space as the first argument".to_owned()),
    }
}

/// `add-atoms` and, with an evaluated list, `add-reducts`.
fn add_all(machine: &mut Machine, call: Call) -> Outcome {
    let (target, list) = (call.argument(machine, 0), call.argument(machine, 1));
    let (Some(space), Some((address, length))) = (machine.as_space(target), list.slice()) else {
        return Outcome::Value(fold_of_additions(machine, target, list));
    };
    for index in 0..length {
        let element = machine.heap.element(address, index);
        add_term(machine, space, element);
    }
    Outcome::Unit
}

/// `(foldl-atom list () $done $atom (add-atom target $atom))`: what adding a list means, and which
/// errors it has.
fn fold_of_additions(machine: &mut Machine, target: Cell, list: Cell) -> Cell {
    let heap = &mut machine.heap;
    let (add, fold) = (heap.symbols.intern("add-atom"), heap.symbols.intern("foldl-atom"));
    let [done, atom] = ["done", "atom"].map(|name| {
        let name = heap.symbols.intern(name);
        heap.new_variable(name, false)
    });
    let step = heap.expression(&[Cell::operation(add), target, atom]);
    heap.expression(&[Cell::symbol(fold), list, Cell::UNIT, done, atom, step])
}

fn remove(machine: &mut Machine, call: Call) -> Outcome {
    let Some(id) = machine.as_space(call.argument(machine, 0)) else {
        return Outcome::Failed("remove-atom expects a space as the first argument".to_owned());
    };
    let term = call.argument(machine, 1);
    let written = machine.written();
    let Some(space) = machine.world.space_mut(id) else { return Outcome::Unit };
    let before = space.version();
    let mut out = Writer::new();
    let unknown = |value: &Grounded| Some(space.handle_of(value).unwrap_or(u64::MAX));
    let Some(variables) = machine.heap.encode(term, written.limit_bytes, &mut out, &mut { unknown }) else {
        machine.fail(written.error());
        return Outcome::Scheduled;
    };
    let names = machine.heap.stored_names(&variables, &mut VariableNames::default());
    let removed = space.remove_encoded(out.bytes(), &names);
    // Also where there was none: one that is added meanwhile is removed.
    machine.note_fact(id, term, false);
    if removed {
        if let View::Space(inner) = term.view() {
            machine.world.unnest(id, SpaceId(inner));
            machine.facts.note_nesting();
        }
        machine.note_write(id, term, false, before);
        machine.discount_stored(out.bytes().len() as u64 + BYTES_PER_FACT);
    }
    note_declaration(machine, id, term);
    Outcome::Unit
}

fn atoms(machine: &mut Machine, call: Call) -> Outcome {
    let Some(id) = machine.as_space(call.argument(machine, 0)) else {
        return Outcome::Failed("get-atoms expects a space as its argument".to_owned());
    };
    machine.note_reading(id);
    let Some(space) = machine.world.space(id) else { return Outcome::Empty };
    let mut found = Vec::new();
    for fact in space.iter() {
        for _ in 0..fact.count {
            found.push(machine.heap.decode(fact.bytes, fact.variables(), space));
        }
    }
    Outcome::Values(machine.heap.expression(&found))
}

/// Adds a term to a space, with bindings applied; at one that is too long the machine stops.
/// Cost: O(size of the term).
fn add_term(machine: &mut Machine, id: SpaceId, term: Cell) {
    let written = machine.written();
    let Some(space) = machine.world.space_mut(id) else { return };
    let before = space.version();
    let mut out = Writer::new();
    let mut known = |value: &Grounded| Some(space.intern(value.clone()));
    let Some(variables) = machine.heap.encode(term, written.limit_bytes, &mut out, &mut known) else {
        machine.fail(written.error());
        return;
    };
    let names = machine.heap.stored_names(&variables, &mut VariableNames::default());
    space.add_encoded(out.bytes(), &names);
    machine.count_stored(out.bytes().len() as u64 + BYTES_PER_FACT);
    if let View::Space(inner) = term.view() {
        machine.world.nest(id, SpaceId(inner));
        machine.facts.note_nesting();
    }
    machine.note_fact(id, term, true);
    machine.note_write(id, term, true, before);
    note_declaration(machine, id, term);
}

/// A rule, type or subtype was added or removed: what was compiled for its head may be out of date.
fn note_declaration(machine: &mut Machine, space: SpaceId, term: Cell) {
    let Some((address, 3)) = term.slice() else { return };
    let relation = machine.heap.head_symbol(term);
    if !matches!(relation, Some(symbols::EQUAL | symbols::HAS_TYPE | symbols::SUB_TYPE)) {
        return;
    }
    let left = machine.heap.element(address, 1);
    let head = match left.view() {
        View::Symbol(id) => Some(id),
        _ => machine.heap.head_symbol(left),
    };
    let head = head.filter(|_| relation != Some(symbols::SUB_TYPE));
    machine.untyped.clear();
    machine.code.invalidate();
    machine.program.invalidate_head(&machine.world, space, head);
}
