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

/// The longest text of an atom, and the longest atom in a space, whatever memory there is.
const MOST_WRITTEN: u64 = 1 << 28;

/// How long what is written out may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Written {
    pub(crate) limit_bytes: u64,
    /// What it means to be longer.
    pub(crate) error: fn(u64) -> EvalError,
}

impl Written {
    /// The limit within `memory_bytes`.
    pub(crate) fn within(memory_bytes: Option<u64>) -> Written {
        match memory_bytes.filter(|memory| *memory < MOST_WRITTEN) {
            Some(limit_bytes) => {
                Written { limit_bytes, error: |limit_bytes| EvalError::OutOfMemory { limit_bytes } }
            }
            None => {
                Written { limit_bytes: MOST_WRITTEN, error: |limit_bytes| EvalError::TooLong { limit_bytes } }
            }
        }
    }

    pub(crate) fn error(self) -> EvalError {
        (self.error)(self.limit_bytes)
    }
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
    /// A term is too long to be written out, as text or into a space: of a term whose parts are shared
    /// the whole can be exponentially long.
    #[error("stopped at a term of more than {limit_bytes} bytes when written out")]
    TooLong {
        /// The limit, which is fixed.
        limit_bytes: u64,
    },
    /// An atom has more types than can be looked at, as with supertypes that grow without end.
    #[error("stopped at an atom with more than {limit} types")]
    TooManyTypes {
        /// The limit, which is fixed.
        limit: u64,
    },
    /// The [`Interrupt`](crate::Interrupt) of the machine said that nobody wants the results any more.
    #[error("given up")]
    Interrupted,
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
            EvalError::TooLong { .. } => "E0306",
            EvalError::Interrupted => "E0412",
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
