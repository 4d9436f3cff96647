#![doc = include_str!("../README.md")]

pub mod check;
mod compile;
pub mod diagnosis;
mod engine;
pub mod modules;
mod spaces;
mod text;

pub use compile::{CompileError, compile, compile_with};
pub use engine::{Builder, Engine, EngineError};
pub use metta_atom as atom;
pub use metta_eval as eval;
pub use metta_sched as sched;
pub use metta_space as space;
pub use metta_syntax as syntax;
pub use spaces::SpaceFiles;
pub use text::{LoadError, Loaded, load_text, write_text};

pub use metta_atom::{Atom, BindingSet, Foreign, Matching, Number, SpaceId, Variable};
pub use metta_eval::{
    Effect, Fault, Function, Library, Operation, OperationError, PatternError, Rule, SpaceStore, StoreError,
    StoredSpace, Tabling,
};
pub use metta_sched::{
    CancelToken, Doing, Environment, Event, Forking, MettaState, Monitor, Observer, Outcome, Role, Run,
    RunError, RunLimits, Statistics, run_state, run_state_async, run_state_sync,
};

/// How many threads evaluate, and the default of the process.
pub mod config {
    pub use metta_config::{AdaptiveEvalConfig, EvalConfig, configure_eval, get_eval_config};
    pub use metta_sched::apply_to_runtime_builder;
}
