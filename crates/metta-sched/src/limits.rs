//! Limits of a run.

use std::time::Duration;

use metta_eval::Limits;

/// How far a run may go; `None` is unlimited.
///
/// `steps`, `depth`, `memory_bytes`, `results` and `expression_time` hold for each expression by itself,
/// so that they do not depend on what runs beside it; `run_steps` and `time` are for the whole run. Limits of time are
/// looked at several times in a millisecond of work; all others are met at the same place whatever runs beside.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RunLimits {
    /// Reductions of one expression.
    pub steps: Option<u64>,
    /// Nested calls of one expression.
    pub depth: Option<u64>,
    /// Bytes held by the evaluation of one expression.
    pub memory_bytes: Option<u64>,
    /// Results of one expression.
    pub results: Option<u64>,
    /// Wall-clock time of one expression.
    pub expression_time: Option<Duration>,
    /// Reductions of all expressions of the run together.
    pub run_steps: Option<u64>,
    /// Wall-clock time of the run.
    pub time: Option<Duration>,
}

impl RunLimits {
    /// Returns the part that a machine watches over.
    pub(crate) fn machine(&self) -> Limits {
        let mut limits = Limits::default();
        limits.steps = self.steps;
        limits.depth = self.depth;
        limits.memory_bytes = self.memory_bytes;
        limits.results = self.results;
        limits
    }
}
