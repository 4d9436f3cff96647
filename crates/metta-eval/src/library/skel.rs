//! The module `skel`: a pattern for modules with a text and native functions.

use super::{Builtin, Call, Outcome};
use crate::machine::Machine;
use crate::modules::builtin::BuiltinModule;
use crate::operation::Effect::Pure;

pub(super) const TABLE: &[Builtin] =
    &[Builtin::operation("skel-swap-pair-native", "(-> (PairType $a $b) (PairType $b $a))", Pure, swap)];

pub(super) fn module() -> BuiltinModule {
    BuiltinModule::new("skel", include_str!("skel.metta")).natives(TABLE)
}

fn swap(machine: &mut Machine, call: Call) -> Outcome {
    let Some((address, 3)) = call.argument(machine, 0).slice() else {
        return Outcome::Failed("skel-swap-pair-native expects a pair".to_owned());
    };
    let [constructor, first, second] = [0, 1, 2].map(|index| machine.heap.element(address, index));
    Outcome::Value(machine.heap.expression(&[constructor, second, first]))
}
