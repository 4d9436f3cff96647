//! What comes of a call.

use metta_sched::RunError;

use crate::StateError;
use crate::par::Par;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// What was to be compiled is not a string.
    #[error("expected the source as a string")]
    InvalidSource,
    /// The text is not a program.
    #[error("{message} at line {line}, column {column}")]
    Syntax {
        /// The first mistake, with its code.
        message: String,
        /// Its line, from 1.
        line: usize,
        /// Its column, from 1.
        column: usize,
    },
    /// The state to run on cannot be read.
    #[error("accumulated state: {0}")]
    InvalidAccumulatedState(StateError),
    /// The state to run cannot be read.
    #[error("compiled state: {0}")]
    InvalidCompiledState(StateError),
    /// The run was stopped.
    #[error(transparent)]
    EvaluationFailed(#[from] RunError),
    /// The new state cannot be written.
    #[error("new state: {0}")]
    ExtractionFailed(StateError),
}

impl CallError {
    /// Returns the stable code, the first element of a failure as a `Par`.
    pub fn code(&self) -> &'static str {
        match self {
            CallError::InvalidSource => "invalid_source",
            CallError::Syntax { .. } => "syntax_error",
            CallError::InvalidAccumulatedState(_) => "invalid_accumulated_state",
            CallError::InvalidCompiledState(_) => "invalid_compiled_state",
            CallError::EvaluationFailed(_) => "evaluation_failed",
            CallError::ExtractionFailed(_) => "extraction_failed",
        }
    }

    /// Returns `[code, message]`.
    pub fn to_par(&self) -> Par {
        Par::list(vec![Par::string(self.code()), Par::string(self.to_string())])
    }
}

/// What a call cost: numbers that are the same on every machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Cost {
    /// Reductions of the expressions that committed.
    pub reductions: u64,
    /// Expressions that committed.
    pub expressions: u64,
    /// Bytes of the states that were given.
    pub read_bytes: u64,
    /// Bytes of the state that was made.
    pub written_bytes: u64,
}

/// What comes of a call, in either form of a state.
#[derive(Debug)]
#[non_exhaustive]
pub struct Reply<T> {
    /// The new state, or why there is none.
    pub result: Result<T, CallError>,
    /// What it cost, also when it failed.
    pub cost: Cost,
}

impl Reply<Par> {
    /// Returns the new state, or `[code, message]`.
    pub fn into_par(self) -> Par {
        self.result.unwrap_or_else(|error| error.to_par())
    }
}
