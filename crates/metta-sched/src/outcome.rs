//! How a run ends.

use std::time::Duration;

use metta_eval::{EvalError, Fault, Rule};

use crate::MettaState;

/// Why a run stopped before its end.
///
/// A result list with an `Error` atom is not among the reasons: it is an answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// An expression passed a limit of its evaluation.
    #[error("{error}")]
    Limit {
        /// Which limit.
        error: EvalError,
        /// The position of the expression in the program, from 0.
        index: usize,
        /// The rule whose body was being evaluated, if any.
        rule: Option<Rule>,
    },
    /// The run took longer than it was allowed to.
    #[error("stopped after {} of running", show(*limit))]
    OutOfTime {
        /// The time that was allowed.
        limit: Duration,
    },
    /// The run was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The synchronous wrapper was called on a current-thread Tokio runtime, where it
    /// would stop every other task.
    #[error(
        "a synchronous run would block this current-thread runtime; await `run_state_async` instead, or use a multi-thread runtime"
    )]
    CurrentThread,
    /// The synchronous wrapper was called inside a `LocalSet`, whose other tasks cannot move elsewhere.
    #[error("a synchronous run would block this `LocalSet`; await `run_state_async` instead")]
    LocalSet,
    /// An asynchronous run was awaited where there is no Tokio runtime.
    #[error("there is no Tokio runtime here; await the run inside one, or use `run_state`, which needs none")]
    NoRuntime,
    /// The runtime shut down before the run started.
    #[error("the Tokio runtime is shutting down")]
    Shutdown,
}

impl RunError {
    /// Returns the stable code of the reason.
    pub fn code(&self) -> &'static str {
        match self {
            RunError::Limit { error, .. } => error.code(),
            RunError::OutOfTime { .. } => "E0411",
            RunError::Cancelled => "E0412",
            RunError::CurrentThread => "E0413",
            RunError::Shutdown => "E0414",
            RunError::LocalSet => "E0415",
            RunError::NoRuntime => "E0416",
        }
    }

    /// Reports whether a limit was reached.
    pub fn is_limit(&self) -> bool {
        matches!(self, RunError::Limit { .. } | RunError::OutOfTime { .. })
    }
}

fn show(limit: Duration) -> String {
    format!("{limit:?}")
}

/// What a run leaves behind.
#[derive(Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// The state as of the last expression that committed. `source` is empty, `output`
    /// holds the result lists of this run.
    pub state: MettaState,
    /// Where the errors in each list of `state.output` came from.
    pub faults: Vec<Vec<Fault>>,
    /// How many forms of the program are done.
    pub completed: usize,
    /// Why the run stopped early; `None` when it went to the end or to a result list
    /// with an `Error`.
    pub error: Option<RunError>,
    /// Counts of the run.
    pub statistics: Statistics,
}

impl Outcome {
    /// Returns the state of a run that was not stopped.
    ///
    /// # Errors
    /// The reason why the run stopped.
    pub fn into_result(self) -> Result<MettaState, RunError> {
        match self.error {
            None => Ok(self.state),
            Some(error) => Err(error),
        }
    }
}

/// Counts of a run, or of several together.
///
/// All but `batches` and `expressions` may differ between two runs of a program: `reductions` a little, because how a
/// query is answered depends on what its machine has met before.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Statistics {
    /// Batches: groups of consecutive `!` expressions.
    pub batches: u64,
    /// Pieces of batches that a thread took at once.
    pub chunks: u64,
    /// Tasks handed to the runtime.
    pub tasks: u64,
    /// Expressions that committed.
    pub expressions: u64,
    /// Evaluations thrown away because an earlier expression changed the world.
    pub retries: u64,
    /// Expressions that had asked for what an earlier one wrote beside them.
    pub conflicts: u64,
    /// Evaluations ahead of their turn that came to the outside world and were thrown away.
    pub blocked: u64,
    /// Reductions of evaluations that ended and were thrown away.
    pub vain: u64,
    /// External writes that were merged with the program's own.
    pub merges: u64,
    /// Reductions of the expressions that committed.
    pub reductions: u64,
    /// How often alternatives of an expression were given to another thread.
    pub forks: u64,
    /// How often their results were used; the others were found again by the thread that gave them.
    pub merged: u64,
    /// Expressions that another thread than the one that commits evaluated.
    pub stolen: u64,
    /// The most expressions that a thread took at once.
    pub largest_chunk: u64,
    /// The most threads that batches had at once.
    pub most_threads: u64,
    /// How often the number of threads followed the work.
    pub resized: u64,
    /// Time for which the thread that commits waited for others.
    pub waited: Duration,
    /// Time for which tasks waited for a thread of the runtime.
    pub queued: Duration,
    /// Time that threads waited for and held the locks of batches; most of it is measured, the rest estimated.
    pub locked: Duration,
    /// Time that dividing evaluations took.
    pub forking: Duration,
}

impl std::ops::AddAssign for Statistics {
    fn add_assign(&mut self, other: Self) {
        let Statistics {
            batches,
            chunks,
            tasks,
            expressions,
            retries,
            conflicts,
            blocked,
            vain,
            merges,
            reductions,
            forks,
            merged,
            stolen,
            largest_chunk,
            most_threads,
            resized,
            waited,
            queued,
            locked,
            forking,
        } = other;
        self.batches += batches;
        self.chunks += chunks;
        self.tasks += tasks;
        self.expressions += expressions;
        self.retries += retries;
        self.conflicts += conflicts;
        self.blocked += blocked;
        self.vain += vain;
        self.merges += merges;
        self.reductions += reductions;
        self.forks += forks;
        self.merged += merged;
        self.stolen += stolen;
        self.largest_chunk = self.largest_chunk.max(largest_chunk);
        self.most_threads = self.most_threads.max(most_threads);
        self.resized += resized;
        self.waited += waited;
        self.queued += queued;
        self.locked += locked;
        self.forking += forking;
    }
}
