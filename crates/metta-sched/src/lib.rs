#![doc = include_str!("../README.md")]

mod cancel;
mod coordinator;
mod environment;
mod event;
mod forks;
mod limits;
mod monitor;
mod observer;
mod outcome;
mod run;
mod runtime;
mod segment;
mod size;
mod worker;
mod writers;

pub use cancel::CancelToken;
pub use environment::{Environment, MettaState};
pub use event::Event;
pub use forks::Forking;
pub use limits::RunLimits;
pub use metta_eval::Library;
pub use monitor::{Doing, Monitor, Role};
pub use observer::Observer;
pub use outcome::{Outcome, RunError, Statistics};
pub use run::{Run, run_state, run_state_async, run_state_sync};
pub use runtime::apply_to_runtime_builder;
