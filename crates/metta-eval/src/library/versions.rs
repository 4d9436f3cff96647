//! Spaces compared, combined and kept (ADR-0044, ADR-0045).

use metta_atom::{Atom, Grounded};
use metta_space::Snapshot;

use super::strings::unexpected;
use super::{Builtin, Call, Outcome};
use crate::machine::Machine;
use crate::operation::Effect::{Outside, WritesSpace};
use crate::terms::cell::Cell;

/// Making a space is a write: spaces have numbers.
pub(super) const TABLE: &[Builtin] = &[
    Builtin::addition("snapshot", "(-> SpaceType SpaceType)", snapshot).with_effect(WritesSpace),
    Builtin::addition("diff-spaces", "(-> SpaceType SpaceType Expression)", difference)
        .with_effect(WritesSpace),
    Builtin::addition("union-spaces", "(-> SpaceType SpaceType SpaceType)", union).with_effect(WritesSpace),
    Builtin::addition("intersection-spaces", "(-> SpaceType SpaceType SpaceType)", intersection)
        .with_effect(WritesSpace),
    Builtin::addition("subtraction-spaces", "(-> SpaceType SpaceType SpaceType)", subtraction)
        .with_effect(WritesSpace),
    Builtin::addition("restrict-space", "(-> SpaceType Atom SpaceType)", restriction)
        .with_effect(WritesSpace),
    Builtin::addition("open-space", "(-> String SpaceType)", open).with_effect(Outside),
    Builtin::addition("save-space!", "(-> SpaceType String (->))", save).with_effect(Outside),
];

/// The message of an engine whose host gave it no store.
const NO_STORE: &str = "this engine keeps no spaces in files";

/// The space that an argument is.
fn space(machine: &Machine, call: Call, index: u32) -> Option<Snapshot> {
    machine.as_space(call.argument(machine, index)).and_then(|id| machine.world.space(id)).cloned()
}

/// Makes a space of the machine's world; what is shared with others counts as nothing.
fn make(machine: &mut Machine, space: Snapshot, size_bytes: usize) -> Cell {
    machine.count_stored(size_bytes as u64);
    let inner = space.spaces();
    let id = machine.world.add_space(space);
    for space in &inner {
        machine.world.nest(id, *space);
    }
    if !inner.is_empty() {
        machine.facts.note_nesting();
    }
    Cell::space(id.0)
}

fn snapshot(machine: &mut Machine, call: Call) -> Outcome {
    match space(machine, call, 0) {
        Some(space) => Outcome::Value(make(machine, space, 0)),
        None => unexpected(machine, call, 0, "a space"),
    }
}

fn combine(machine: &mut Machine, call: Call, how: fn(&Snapshot, &Snapshot) -> Snapshot) -> Outcome {
    let Some(first) = space(machine, call, 0) else { return unexpected(machine, call, 0, "a space") };
    let Some(second) = space(machine, call, 1) else { return unexpected(machine, call, 1, "a space") };
    let combined = how(&first, &second);
    let size_bytes = combined.size_bytes().saturating_sub(first.size_bytes());
    Outcome::Value(make(machine, combined, size_bytes))
}

fn union(machine: &mut Machine, call: Call) -> Outcome {
    combine(machine, call, Snapshot::union)
}

fn intersection(machine: &mut Machine, call: Call) -> Outcome {
    combine(machine, call, Snapshot::intersection)
}

fn subtraction(machine: &mut Machine, call: Call) -> Outcome {
    combine(machine, call, Snapshot::subtraction)
}

fn restriction(machine: &mut Machine, call: Call) -> Outcome {
    let Some(space) = space(machine, call, 0) else { return unexpected(machine, call, 0, "a space") };
    let pattern = machine.export(call.argument(machine, 1));
    let restricted = space.restriction(&pattern);
    let size_bytes = restricted.size_bytes();
    Outcome::Value(make(machine, restricted, size_bytes))
}

/// `(added removed)`.
fn difference(machine: &mut Machine, call: Call) -> Outcome {
    let Some(older) = space(machine, call, 0) else { return unexpected(machine, call, 0, "a space") };
    let Some(newer) = space(machine, call, 1) else { return unexpected(machine, call, 1, "a space") };
    let changes = newer.changes_since(&older);
    let [added, removed] = [changes.added, changes.removed].map(|space| {
        let size_bytes = space.size_bytes();
        make(machine, space, size_bytes)
    });
    Outcome::Final(machine.heap.expression(&[added, removed]))
}

fn path(machine: &mut Machine, call: Call, index: u32) -> Option<String> {
    match machine.export(call.argument(machine, index)) {
        Atom::Grounded(Grounded::Text(path)) => Some(path.to_string()),
        Atom::Symbol(_) | Atom::Variable(_) | Atom::Expression(_) | Atom::Grounded(_) => None,
    }
}

fn open(machine: &mut Machine, call: Call) -> Outcome {
    let Some(path) = path(machine, call, 0) else { return unexpected(machine, call, 0, "a string") };
    let Some(store) = machine.library.store().cloned() else { return Outcome::Failed(NO_STORE.to_owned()) };
    match store.open(&path) {
        Ok(opened) => {
            if let Some(note) = opened.note {
                machine.trace_line(note);
            }
            machine.world.watch(&opened.space);
            // A mapped file takes no memory of ours.
            Outcome::Value(make(machine, opened.space, 0))
        }
        Err(error) => Outcome::Failed(error.to_string()),
    }
}

fn save(machine: &mut Machine, call: Call) -> Outcome {
    let Some(space) = space(machine, call, 0) else { return unexpected(machine, call, 0, "a space") };
    let Some(path) = path(machine, call, 1) else { return unexpected(machine, call, 1, "a string") };
    let Some(store) = machine.library.store().cloned() else { return Outcome::Failed(NO_STORE.to_owned()) };
    match store.save(&path, &space) {
        Ok(()) => Outcome::Unit,
        Err(error) => Outcome::Failed(error.to_string()),
    }
}
