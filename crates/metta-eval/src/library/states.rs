//! Mutable states (semantics section 13).

use metta_atom::{Atom, StateId};

use super::{Builtin, Call, Outcome};
use crate::machine::Machine;
use crate::operation::Effect::{ReadsSpace, State};
use crate::terms::cell::{Cell, View};
use crate::types::TypeOf;

pub(super) const TABLE: &[Builtin] = &[
    Builtin { name: "new-state", grounded: false, type_text: "", effect: State, run: new_state },
    Builtin::operation("get-state", "(-> (StateMonad $t) $t)", ReadsSpace, get_state),
    Builtin::operation("change-state!", "(-> (StateMonad $t) $t (StateMonad $t))", State, change_state),
];

fn new_state(machine: &mut Machine, call: Call) -> Outcome {
    if call.count != 1 {
        return Outcome::NotReducible;
    }
    let value = call.argument(machine, 0);
    let types = machine.types_or_undefined(value);
    let Some(type_term) = types.into_iter().find_map(TypeOf::valid) else { return Outcome::NotReducible };
    let type_atom = Atom::expression([Atom::symbol("StateMonad"), machine.export(type_term)]);
    let content = machine.export(value);
    Outcome::Final(Cell::state(machine.world.new_state(content, type_atom).0))
}

fn get_state(machine: &mut Machine, call: Call) -> Outcome {
    let content = match call.argument(machine, 0).view() {
        View::State(id) => machine.world.state(StateId(id)).map(|cell| cell.content.clone()),
        _ => None,
    };
    match content {
        Some(content) => Outcome::Value(machine.heap.import_alone(&content)),
        None => Outcome::Failed("get-state expects single state atom as an argument".to_owned()),
    }
}

fn change_state(machine: &mut Machine, call: Call) -> Outcome {
    let state = call.argument(machine, 0);
    let View::State(id) = state.view() else {
        return Outcome::Failed("change-state! expects a state as the first argument".to_owned());
    };
    let content = machine.export(call.argument(machine, 1));
    machine.world.change_state(StateId(id), content);
    Outcome::Value(state)
}
