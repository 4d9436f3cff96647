//! Cancellation and the reasons to stop between two steps of a machine.

use std::sync::Arc;
use std::time::{Duration, Instant};

use metta_eval::Interrupt;
use metta_sync::Flag;

use crate::RunError;

/// Asks a run to stop, from any thread; clones share the request.
///
/// A run looks at its token several times in a millisecond of work, inside a collection of garbage and where a long
/// result is put together as well. One call of the library on a big value is work that is not divided, and so is the growth of
/// a heap; what was made is freed in proportion to its size. A host operation that does not return cannot be interrupted.
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
#[derive(Clone, Debug)]
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

    /// Lets machines ask inside of long steps.
    pub(crate) fn interrupt(&self) -> Interrupt {
        let watch = self.clone();
        Interrupt::new(move || watch.check().is_err())
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
