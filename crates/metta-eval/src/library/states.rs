//! Mutable states (semantics section 13).

use metta_atom::StateId;

use super::{Builtin, Call, Outcome};
use crate::machine::Machine;
use crate::operation::Effect::{ReadsSpace, State};
use crate::terms::cell::View;
use crate::types::TypeOf;

const GET_STATE: &str = "get-state expects single state atom as an argument";

pub(super) const TABLE: &[Builtin] = &[
    Builtin::rule("new-state", 1, new_state).with_effect(State),
    Builtin::operation("get-state", "(-> (StateMonad $t) $t)", ReadsSpace, get_state).usage(GET_STATE),
    Builtin::operation("change-state!", "(-> (StateMonad $t) $t (StateMonad $t))", State, change_state)
        .usage("change-state! expects a state atom and its new value as arguments"),
];

fn new_state(machine: &mut Machine, call: Call) -> Outcome {
    let value = call.argument(machine, 0);
    let types = machine.types_or_undefined(value);
    let Some(type_term) = types.into_iter().find_map(TypeOf::valid) else { return Outcome::NotReducible };
    Outcome::Final(machine.new_state(value, type_term))
}

fn get_state(machine: &mut Machine, call: Call) -> Outcome {
    let content = match call.argument(machine, 0).view() {
        View::State(id) => machine.state_content(StateId(id)),
        _ => None,
    };
    match content {
        Some(content) => Outcome::Value(content),
        None => Outcome::Failed(GET_STATE.to_owned()),
    }
}

fn change_state(machine: &mut Machine, call: Call) -> Outcome {
    let state = call.argument(machine, 0);
    let View::State(id) = state.view() else {
        return Outcome::Failed("change-state! expects a state as the first argument".to_owned());
    };
    let content = call.argument(machine, 1);
    machine.change_state(StateId(id), content);
    Outcome::Value(state)
}
