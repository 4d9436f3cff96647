//! Cancellation and the reasons to stop between two steps of a machine.

use std::sync::Arc;
use std::time::{Duration, Instant};

use metta_sync::Flag;

use crate::RunError;

/// Asks a run to stop, from any thread; clones share the request.
///
/// A run looks at its token about once in a millisecond of work. One collection of garbage, one result list that is put
/// together, and one call of the library on a big value are work that is not divided. A host operation that
/// does not return cannot be interrupted.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<Flag>);

impl CancelToken {
    /// Makes a token that nobody has cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for the stop. It cannot be taken back.
    pub fn cancel(&self) {
        self.0.raise();
    }

    /// Reports whether the stop was asked for.
    pub fn is_cancelled(&self) -> bool {
        self.0.is_raised()
    }
}

/// Cancels its token when dropped: the guard of a future that may be abandoned.
#[derive(Debug)]
pub(crate) struct CancelOnDrop(pub(crate) CancelToken);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Everything that stops a run from outside.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) tokens: Vec<CancelToken>,
    deadline: Option<(Instant, Duration)>,
}

impl Watch {
    /// Starts the clock of `time`.
    pub(crate) fn start(tokens: Vec<CancelToken>, time: Option<Duration>) -> Self {
        // A limit beyond what the clock can represent is no limit.
        let deadline = time.and_then(|limit| Some((Instant::now().checked_add(limit)?, limit)));
        Watch { tokens, deadline }
    }

    /// Reports the reason to stop now, if there is one.
    pub(crate) fn check(&self) -> Result<(), RunError> {
        if self.tokens.iter().any(CancelToken::is_cancelled) {
            return Err(RunError::Cancelled);
        }
        match self.deadline {
            Some((deadline, limit)) if Instant::now() >= deadline => Err(RunError::OutOfTime { limit }),
            _ => Ok(()),
        }
    }
}
