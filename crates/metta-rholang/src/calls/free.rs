//! The calls with the standard library, the legacy dialect and no cache, for hosts that keep no [`Bridge`].

use metta_sched::{MettaState, RunError};

use super::{Bridge, CallError};
use crate::par::Par;

fn bridge() -> Bridge {
    Bridge::builder().cache_bytes(0).build()
}

/// Reads a program without running it; see [`Bridge::metta_compile`].
///
/// # Errors
/// [`CallError::Syntax`] with the first mistake.
pub fn metta_compile(source: &str) -> Result<MettaState, CallError> {
    bridge().metta_compile(source)
}

/// Reads a program; a mistake is a state too. See [`Bridge::metta_compile_safe`].
pub fn metta_compile_safe(source: &str) -> MettaState {
    bridge().metta_compile_safe(source)
}

/// Runs `compiled` on `accumulated` and returns with the result; see [`Bridge::run_state`].
///
/// # Errors
/// See [`RunError`].
pub fn run_state(accumulated: MettaState, compiled: MettaState) -> Result<MettaState, RunError> {
    bridge().run_state(accumulated, compiled)
}

/// Runs on the blocking pool of the current Tokio runtime; see [`Bridge::run_state_async`].
///
/// # Errors
/// See [`RunError`].
///
/// # Panics
/// When there is no current Tokio runtime.
pub async fn run_state_async(accumulated: MettaState, compiled: MettaState) -> Result<MettaState, RunError> {
    bridge().run_state_async(accumulated, compiled).await
}

/// Runs so that other tasks need not wait, where that can be; see [`Bridge::try_run_state`].
///
/// # Errors
/// See [`RunError`].
pub fn try_run_state(accumulated: MettaState, compiled: MettaState) -> Result<MettaState, RunError> {
    bridge().try_run_state(accumulated, compiled)
}

/// Runs a state on a state; a failure is `[code, message]`. See [`Bridge::run_pars`].
pub fn run_pars(accumulated: &Par, compiled: &Par) -> Par {
    bridge().run_pars(accumulated, compiled)
}
