//! Limits of one evaluation and what happens when one is hit.

/// What one evaluation may use; `None` means without limit.
///
/// Time and cancellation belong to the caller, who decides between two calls of
/// [`Machine::step`](crate::Machine::step) whether to go on, and tells by
/// [`Machine::set_time`](crate::Machine::set_time) how long it took, for limits that a program sets itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Reductions.
    pub steps: Option<u64>,
    /// Continuations that wait for a result, some two for each nested call.
    pub depth: Option<u64>,
    /// Bytes of terms, continuations and choice points.
    pub memory_bytes: Option<u64>,
    /// Results of the expression.
    pub results: Option<u64>,
}

/// Why an evaluation stopped before it had all results.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// The step limit was hit.
    #[error("stopped after {limit} reductions, the step limit")]
    OutOfSteps {
        /// The limit in force.
        limit: u64,
    },
    /// The depth limit was hit.
    #[error("stopped at nesting depth {limit}, the depth limit")]
    TooDeep {
        /// The limit in force.
        limit: u64,
    },
    /// The memory limit was hit.
    #[error("stopped at {limit_bytes} bytes, the memory limit")]
    OutOfMemory {
        /// The limit in force.
        limit_bytes: u64,
    },
    /// The result limit was hit.
    #[error("stopped after {limit} results, the result limit")]
    TooManyResults {
        /// The limit in force.
        limit: u64,
    },
    /// An atom has more types than can be looked at, as with supertypes that grow without end.
    #[error("stopped at an atom with more than {limit} types")]
    TooManyTypes {
        /// The limit, which is fixed.
        limit: u64,
    },
}

impl EvalError {
    /// Returns the stable code of the error.
    pub fn code(&self) -> &'static str {
        match self {
            EvalError::OutOfSteps { .. } => "E0301",
            EvalError::TooDeep { .. } => "E0302",
            EvalError::OutOfMemory { .. } => "E0303",
            EvalError::TooManyResults { .. } => "E0304",
            EvalError::TooManyTypes { .. } => "E0305",
        }
    }
}

/// What one evaluation has used so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Reductions done.
    pub reductions: u64,
    /// Garbage collections done.
    pub collections: u64,
    /// Most bytes in use at a check.
    pub peak_bytes: u64,
}
