//! What the threads of runs are doing, for whoever asks meanwhile.
//!
//! Each thread has a *seat*, on which it writes when it begins an expression and between two steps. So a look costs
//! the threads nothing, and is as old as a step is long.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use metta_sync::{Held, Ranked};

/// Shows what the threads of runs are doing; clones show the same runs.
///
/// ```
/// use metta_sched::{Monitor, Run};
///
/// let monitor = Monitor::new();
/// let run = Run::new().monitor(&monitor);
/// // While the run goes on, from any thread:
/// for thread in monitor.look() {
///     eprintln!("{:?} in form {}, {} reductions", thread.role, thread.index, thread.reductions);
/// }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Monitor(Arc<Ranked<Vec<Weak<Seat>>, 9>>);

/// What one thread is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Doing {
    /// What the thread is for.
    pub role: Role,
    /// The position in the program of the expression that it evaluates, from 0.
    pub index: usize,
    /// Reductions so far, as of the last step; those of a part count from where it was given away.
    pub reductions: u64,
    /// The time since it began.
    pub since: Duration,
    /// Whether it waits for other threads.
    pub waits: bool,
}

/// What a thread of a run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// It evaluates, and commits what all evaluate.
    Coordinator,
    /// It evaluates expressions of a batch.
    Helper,
    /// It goes through alternatives of an expression that another one evaluates.
    Part,
}

/// Where one thread writes what it does.
#[derive(Debug)]
pub(crate) struct Seat {
    role: Role,
    now: Ranked<Option<Now>, 10>,
}

#[derive(Clone, Copy, Debug)]
struct Now {
    index: usize,
    begun: Instant,
    reductions: u64,
    waits: bool,
}

impl Monitor {
    /// Makes a monitor of no run.
    pub fn new() -> Self {
        Monitor::default()
    }

    /// What each thread that evaluates an expression is doing, the one that commits first.
    ///
    /// Blocks: while another thread takes or leaves its seat.
    pub fn look(&self) -> Vec<Doing> {
        let seats: Vec<_> = self.0.lock(&mut Held::root()).0.iter().filter_map(Weak::upgrade).collect();
        let mut found: Vec<Doing> = seats.iter().filter_map(|seat| seat.doing()).collect();
        found.sort_by_key(|doing| (doing.role as u8, doing.index));
        found
    }

    pub(crate) fn seat(&self, role: Role) -> Arc<Seat> {
        let seat = Arc::new(Seat { role, now: Ranked::new(None) });
        let mut task = Held::root();
        let (mut seats, _) = self.0.lock(&mut task);
        seats.retain(|seat| seat.strong_count() > 0);
        seats.push(Arc::downgrade(&seat));
        seat
    }
}

impl Seat {
    pub(crate) fn begin(&self, index: usize, begun: Instant, reductions: u64) {
        *self.now.lock(&mut Held::root()).0 = Some(Now { index, begun, reductions, waits: false });
    }

    pub(crate) fn note(&self, reductions: u64) {
        if let Some(now) = &mut *self.now.lock(&mut Held::root()).0 {
            now.reductions = reductions;
        }
    }

    pub(crate) fn wait(&self, waits: bool) {
        if let Some(now) = &mut *self.now.lock(&mut Held::root()).0 {
            now.waits = waits;
        }
    }

    fn doing(&self) -> Option<Doing> {
        let Now { index, begun, reductions, waits } = (*self.now.lock(&mut Held::root()).0)?;
        Some(Doing { role: self.role, index, reductions, since: begun.elapsed(), waits })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_left_is_not_shown() {
        let monitor = Monitor::new();
        let (helper, coordinator) = (monitor.seat(Role::Helper), monitor.seat(Role::Coordinator));
        assert_eq!(monitor.look(), []);
        helper.begin(7, Instant::now(), 0);
        coordinator.begin(8, Instant::now(), 5);
        helper.note(9);
        coordinator.wait(true);
        let seen: Vec<_> =
            monitor.look().iter().map(|it| (it.role, it.index, it.reductions, it.waits)).collect();
        assert_eq!(seen, [(Role::Coordinator, 8, 5, true), (Role::Helper, 7, 9, false)]);
        drop(helper);
        drop(coordinator);
        assert_eq!(monitor.look(), []);
    }
}
