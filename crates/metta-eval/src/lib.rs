#![doc = include_str!("../README.md")]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a cell has fifteen views, and most code cares for one or two of them"
)]

mod answers;
mod code;
mod effects;
mod facts;
mod footprint;
mod interrupt;
mod library;
mod limits;
mod machine;
mod modules;
mod operation;
mod program;
#[cfg(test)]
mod random;
mod states;
mod store;
mod terms;
mod types;
mod world;

pub use answers::Tabling;
pub use effects::{Effects, FunctionEffects};
pub use footprint::{FactKey, Footprint};
pub use interrupt::Interrupt;
pub use library::{Area, Description, Function, Library, PatternError};
pub use limits::{EvalError, Limits, Stats};
pub use machine::{Action, Fault, Look, Machine, Rule, Step};
pub use modules::builtin::BuiltinModule;
pub use modules::source::{ModuleSource, ModuleText, ModuleTexts, SourceError};
pub use operation::{Effect, Operation, OperationError};
pub use store::{SpaceStore, StoreError, StoredSpace};
pub use world::World;
