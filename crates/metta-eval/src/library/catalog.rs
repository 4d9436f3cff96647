//! The module `catalog` (semantics 15.13): lists of modules that can be fetched. The engine keeps none,
//! so `all` of them are listed, updated and cleared at once.

use super::{Builtin, Call, Outcome};
use crate::machine::Machine;
use crate::modules::builtin::BuiltinModule;
use crate::operation::Effect::Outside;

pub(super) const TABLE: &[Builtin] = &[
    Builtin::operation("catalog-list!", "(-> Symbol (->))", Outside, |machine, call| {
        of(machine, call, "list")
    }),
    Builtin::operation("catalog-update!", "(-> Symbol (->))", Outside, |machine, call| {
        of(machine, call, "update")
    }),
    Builtin::operation("catalog-clear!", "(-> Symbol (->))", Outside, |machine, call| {
        of(machine, call, "clear")
    }),
];

pub(super) fn module() -> BuiltinModule {
    BuiltinModule::new("catalog", include_str!("catalog.metta")).natives(TABLE)
}

fn of(machine: &mut Machine, call: Call, verb: &str) -> Outcome {
    match machine.heap.symbol_of(call.argument(machine, 0)).map(|symbol| symbol.name()) {
        Some("all") => Outcome::Unit,
        Some(name) => Outcome::Failed(format!("no catalog(s) identified by \"{name}\"")),
        None => Outcome::Failed(format!(
            "catalog-{verb}! expects a catalog name, or \"all\" to {verb} all available"
        )),
    }
}
