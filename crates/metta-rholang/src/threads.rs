//! Where a call runs that may take long.
//!
//! `block_in_place` moves the other tasks of a worker of a multi-thread runtime to other workers, and panics
//! in a `LocalSet` and on a current-thread runtime. Whether a thread is in a `LocalSet` cannot be asked; but only
//! workers have anything to gain, and on a worker it does not panic.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

use tokio::runtime::{Handle, RuntimeFlavor};

/// Runs `work` so that other tasks need not wait for it, where that can be; the caller waits.
pub(crate) fn give_way<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let Ok(runtime) = Handle::try_current() else { return work() };
    if !is_worker(&runtime) {
        return on_a_thread(&runtime, work);
    }
    let mut work = Some(work);
    let begin = || tokio::task::block_in_place(|| work.take().map(|work| work()));
    match (catch_unwind(AssertUnwindSafe(begin)), work) {
        (Ok(Some(result)), _) => result,
        // A `LocalSet` on a thread of the blocking pool: nothing was begun.
        (Err(_), Some(work)) => on_a_thread(&runtime, work),
        (Err(panic), None) => resume_unwind(panic),
        (Ok(None), _) => unreachable!("work was there to be taken"),
    }
}

/// Reports whether the calling thread is a worker of a multi-thread runtime that runs a task.
///
/// Tokio names its workers, unless told otherwise; then a thread is started that need not be. A thread
/// of the blocking pool has the same name, but runs a task only if it drives a `LocalSet`.
fn is_worker(runtime: &Handle) -> bool {
    const NAMES: [&str; 2] = ["tokio-rt-worker", "tokio-runtime-worker"];
    runtime.runtime_flavor() == RuntimeFlavor::MultiThread
        && tokio::task::try_id().is_some()
        && thread::current().name().is_some_and(|name| NAMES.contains(&name))
}

/// Runs `work` on a thread of its own, with `runtime` as the current one, or here when there is none to be had.
fn on_a_thread<T: Send>(runtime: &Handle, work: impl FnOnce() -> T + Send) -> T {
    let mut work = Some(work);
    let mut result = None;
    let begun = thread::scope(|scope| {
        let (work, result) = (&mut work, &mut result);
        let thread = thread::Builder::new().name("metta-run".to_owned()).spawn_scoped(scope, move || {
            let _entered = runtime.enter();
            *result = work.take().map(|work| work());
        });
        match thread.map(thread::ScopedJoinHandle::join) {
            Ok(Err(panic)) => resume_unwind(panic),
            Ok(Ok(())) => true,
            Err(_) => false,
        }
    });
    match (begun, result, work) {
        (true, Some(result), _) => result,
        (_, _, Some(work)) => work(),
        _ => unreachable!("work that was begun has a result, or panicked"),
    }
}
