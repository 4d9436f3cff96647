//! Rule-parallel mode: one expression on several threads (ADR-0050).
//!
//! ```text
//! caller   machine ── split ─────────── waits ·········· goes on with the results of the part ──►
//! pool          └── part ── split ── ...  ── end ─┘
//! ```
//!
//! Between two steps a machine gives alternatives away, if a thread has nothing to do. No thread of the pool waits: a
//! part that comes to what it gave away is left with whoever has that, who goes on as it.
//!
//! Invariant G1: a thread that computes has a place, and passes it on with what it leaves.

use std::cell::RefCell;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use metta_config::processors;
use metta_eval::{Interrupt, Limits, Machine, Step};
use metta_sync::{Counter, Errand, Flag, Met, Places};
use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio::runtime::Handle;

use crate::monitor::{Monitor, Role, Seat};
use crate::worker::{Pace, guarded};

/// An evaluation that takes less is not worth a fork, and forks are at least so far apart.
const APART: Duration = Duration::from_micros(150);
/// A fork may cost one part in so many of the time that passes.
const SHARE: u32 = 8;
/// A part that ends sooner was not worth it.
const SHORT: Duration = Duration::from_micros(100);
/// How often forks that were in vain double the time to the next.
const MOST_DOUBLINGS: u32 = 12;
/// How often one who waits looks whether to go on.
const PATIENCE: Duration = Duration::from_millis(1);
/// No pool has more threads.
const MOST_THREADS: usize = 256;
/// Reductions between two looks when everything is forked that can be.
const EAGER_BUDGET: u64 = 24;

/// Whether the alternatives of one expression are gone through on several threads.
///
/// Results, their order, limits and effects are those of one thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Forking {
    /// Never.
    Off,
    /// When a processor has nothing to do and the evaluation has taken a while.
    #[default]
    Automatic,
    /// Whenever a thread may be used. For tests: it rarely pays.
    Everything,
}

/// The threads of an engine: who computes, and the pool for parts.
#[derive(Debug, Default)]
pub(crate) struct Crew {
    pub(crate) places: Places,
    pool: OnceLock<Option<ThreadPool>>,
    /// Somebody makes the pool, or has made it.
    prepared: Flag,
}

impl Crew {
    fn pool(&self, threads: usize) -> Option<&ThreadPool> {
        let pool = self.pool.get_or_init(|| {
            let threads = threads.max(processors()).min(MOST_THREADS);
            let name = |index| format!("metta-part-{index}");
            ThreadPoolBuilder::new().num_threads(threads).thread_name(name).build().ok()
        });
        pool.as_ref()
    }
}

thread_local! {
    /// The crew that the thread works for: a run that an operation begins there shares its places.
    static CURRENT: RefCell<Option<Arc<Crew>>> = const { RefCell::new(None) };
}

/// While it lives, its thread works for a crew.
#[derive(Debug)]
pub(crate) struct Current(Option<Arc<Crew>>);

impl Current {
    pub(crate) fn enter(crew: &Arc<Crew>) -> Self {
        Current(CURRENT.replace(Some(Arc::clone(crew))))
    }

    /// The crew that the thread works for.
    pub(crate) fn crew() -> Option<Arc<Crew>> {
        CURRENT.with_borrow(Clone::clone)
    }
}

impl Drop for Current {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

/// A place for a thread that will compute.
#[derive(Debug)]
pub(crate) struct Place(Arc<Crew>);

impl Place {
    /// Takes a place if fewer than `most` are taken.
    pub(crate) fn take_below(crew: &Arc<Crew>, most: usize) -> Option<Place> {
        crew.places.take_below(most as u64).then(|| Place(Arc::clone(crew)))
    }

    pub(crate) fn crew(&self) -> &Arc<Crew> {
        &self.0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.places.leave();
    }
}

/// A thread that computes, and is not of the pool.
#[derive(Debug)]
pub(crate) struct AtWork {
    crew: Arc<Crew>,
    /// It has a place of its own: it did not work before.
    placed: bool,
    _current: Current,
}

impl AtWork {
    pub(crate) fn begin(crew: &Arc<Crew>) -> Self {
        let placed = Current::crew().is_none_or(|current| !Arc::ptr_eq(&current, crew));
        if placed {
            crew.places.take();
        }
        AtWork { crew: Arc::clone(crew), placed, _current: Current::enter(crew) }
    }

    /// Lets another thread work while this one waits.
    pub(crate) fn pause<T>(&self, wait: impl FnOnce() -> T) -> T {
        self.crew.places.leave();
        let answer = wait();
        self.crew.places.take();
        answer
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        if self.placed {
            self.crew.places.leave();
        }
    }
}

/// What was forked in a run.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) forks: Counter,
    /// Parts whose results were used.
    pub(crate) merged: Counter,
    /// Time that forks took, in nanoseconds.
    pub(crate) forking_ns: Counter,
    /// Time for which tasks waited for a thread, in nanoseconds.
    pub(crate) queued_ns: Counter,
}

impl Tally {
    pub(crate) fn note_queued(&self, time: Duration) {
        self.queued_ns.add(nanoseconds(time));
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// How the evaluations of a run fork.
#[derive(Clone, Debug)]
pub(crate) struct Forks {
    pub(crate) crew: Arc<Crew>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) forking: Forking,
    /// How many threads may compute.
    pub(crate) threads: usize,
    runtime: Handle,
    monitor: Option<Monitor>,
    interrupt: Interrupt,
}

impl Forks {
    pub(crate) fn new(
        crew: &Arc<Crew>,
        forking: Forking,
        threads: usize,
        runtime: &Handle,
        monitor: Option<Monitor>,
        interrupt: Interrupt,
    ) -> Self {
        let (crew, runtime) = (Arc::clone(crew), runtime.clone());
        Forks { crew, tally: Arc::default(), forking, threads, runtime, monitor, interrupt }
    }

    /// Lets another thread make the pool, which takes about as long as the evaluation has to run before the first fork.
    fn prepare(&self) {
        if self.crew.prepared.is_raised() || self.crew.places.taken() >= self.threads as u64 {
            return;
        }
        self.crew.prepared.raise();
        let (crew, threads) = (Arc::clone(&self.crew), self.threads);
        drop(self.runtime.spawn_blocking(move || crew.pool(threads).is_some()));
    }

    /// These forks on fewer threads, if the program says so; `None` when there are to be none.
    pub(crate) fn within(&self, limits: &Limits, threads: Option<usize>) -> Option<Forks> {
        let threads = threads.map_or(self.threads, |most| most.min(self.threads));
        // What a query counts depends on what its machine has met before, so under a limit of steps one
        // machine does it all.
        let on = self.forking != Forking::Off && threads > 1 && limits.steps.is_none();
        on.then(|| Forks { threads, ..self.clone() })
    }

    pub(crate) fn budget(&self) -> Option<u64> {
        (self.forking == Forking::Everything).then_some(EAGER_BUDGET)
    }
}

/// Alternatives that were given away.
#[derive(Debug)]
struct Part {
    errand: Errand<Box<Machine>, Ended, Waiter>,
    /// The part that gave them, if it was one.
    giver: Option<Arc<Part>>,
    /// The giver will not come for the result.
    unwanted: Flag,
}

impl Part {
    fn is_unwanted(&self) -> bool {
        let mut part = Some(self);
        while let Some(here) = part {
            if here.unwanted.is_raised() {
                return true;
            }
            part = here.giver.as_deref();
        }
        false
    }
}

/// What a part came to.
#[derive(Debug)]
pub(crate) struct Ended {
    /// `None` when it did not come to its end.
    machine: Option<Box<Machine>>,
    spent: Duration,
}

impl Ended {
    const NOT: Ended = Ended { machine: None, spent: Duration::ZERO };
}

/// Who comes for a part.
#[derive(Debug)]
enum Waiter {
    /// The thread of the whole evaluation.
    Caller(Sender<Ended>),
    /// A part, which goes on when it has the result.
    Job(Box<Job>),
}

/// A part under way.
#[derive(Debug)]
struct Job {
    machine: Box<Machine>,
    given: Given,
    pace: Pace,
    own: Arc<Part>,
    started: Instant,
}

/// What a machine has given away, and when it may do so again.
#[derive(Debug)]
pub(crate) struct Given {
    forks: Forks,
    /// The position of the expression in the program.
    index: usize,
    /// The evaluation as a whole began.
    begun: Instant,
    /// The part that gives, if it is one.
    giver: Option<Arc<Part>>,
    parts: Vec<Arc<Part>>,
    last_fork: Instant,
    cost: Duration,
    /// How often forks were in vain since one was not.
    vain: u32,
}

/// How a job pauses.
enum Pause {
    /// For what it gave away.
    Waits,
    /// For good; whether with all results.
    Ended(bool),
}

impl Given {
    pub(crate) fn new(forks: Forks, index: usize, begun: Instant) -> Self {
        Given {
            forks,
            index,
            begun,
            giver: None,
            parts: Vec::new(),
            last_fork: Instant::now(),
            cost: Duration::ZERO,
            vain: 0,
        }
    }

    /// The pace of the evaluation, where it would be `usual` without forks.
    pub(crate) fn pace(&self, usual: Pace) -> Pace {
        self.forks.budget().map_or(usual.divisible(true), |budget| Pace::new(Some(budget)))
    }

    /// Gives alternatives away if a thread has nothing to do and it seems worth it.
    pub(crate) fn offer(&mut self, machine: &mut Machine, now: Instant) {
        let forks = &self.forks;
        let eager = forks.forking == Forking::Everything;
        let apart = APART.max(self.cost * SHARE) * (1 << self.vain.min(MOST_DOUBLINGS));
        let early = !eager && now - self.last_fork < apart;
        if early && forks.crew.prepared.is_raised() || !machine.is_divisible() {
            return;
        }
        if early {
            return forks.prepare();
        }
        if !forks.crew.places.take_below(forks.threads as u64) {
            return;
        }
        let _span = tracing::debug_span!("fork").entered();
        let begun = Instant::now();
        let part = forks.crew.pool(forks.threads).and_then(|pool| Some((pool, machine.split()?)));
        self.last_fork = Instant::now();
        let Some((pool, machine)) = part else {
            return forks.crew.places.leave();
        };
        self.cost = self.last_fork - begun;
        forks.tally.forks.add(1);
        forks.tally.forking_ns.add(nanoseconds(self.cost));
        let part = Arc::new(Part {
            errand: Errand::new(Box::new(machine)),
            giver: self.giver.clone(),
            unwanted: Flag::new(),
        });
        self.parts.push(Arc::clone(&part));
        let (forks, index, begun) = (forks.clone(), self.index, self.begun);
        pool.spawn(move || run(part, forks, index, begun));
    }

    /// Goes on with what the part came to that was given away last.
    pub(crate) fn take(&mut self, machine: &mut Machine, ended: Ended) {
        self.parts.pop();
        let merged = match ended.machine {
            Some(part) => machine.merge(*part),
            None => {
                machine.take_back();
                false
            }
        };
        self.forks.tally.merged.add(u64::from(merged));
        let worth = merged && ended.spent > SHORT.max(2 * self.cost);
        self.vain = if worth { 0 } else { self.vain.saturating_add(1) };
    }

    /// Waits for the part that was given away last, on the thread of the whole evaluation. `between` is
    /// called now and then; when it says no, there is nothing more to wait for.
    pub(crate) fn wait(&mut self, mut between: impl FnMut() -> bool) -> Option<Ended> {
        let Some(part) = self.parts.last() else { return Some(Ended::NOT) };
        let (sender, receiver) = channel();
        let places = &self.forks.crew.places;
        match part.errand.meet(Waiter::Caller(sender)) {
            Met::NotBegun(..) => {
                places.leave();
                Some(Ended::NOT)
            }
            Met::Done(ended, _) => Some(ended),
            Met::Left => {
                places.leave();
                let ended = receive(&receiver, &mut between);
                if ended.is_none() && part.errand.leave().is_some() {
                    // G1: nobody passes a place on any more.
                    places.take();
                }
                ended
            }
        }
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        self.parts.iter().for_each(|part| part.unwanted.raise());
    }
}

/// Waits for a part as long as `between` allows.
fn receive(receiver: &Receiver<Ended>, between: &mut impl FnMut() -> bool) -> Option<Ended> {
    loop {
        match receiver.recv_timeout(PATIENCE) {
            Ok(ended) => return Some(ended),
            Err(RecvTimeoutError::Timeout) if between() => {}
            Err(RecvTimeoutError::Timeout) => return None,
            // The part is gone without a word: the caller does the work.
            Err(RecvTimeoutError::Disconnected) => return Some(Ended::NOT),
        }
    }
}

/// Works on a part, and goes on as whoever came for it meanwhile; runs on the pool.
fn run(part: Arc<Part>, forks: Forks, index: usize, begun: Instant) {
    // What came back is not begun, and its place was left.
    let Some(mut machine) = part.errand.begin() else { return };
    let (own, stopped) = (Arc::clone(&part), forks.interrupt.clone());
    machine.interrupt_by(Interrupt::new(move || own.is_unwanted() || stopped.is_raised()));
    let crew = Arc::clone(&forks.crew);
    let pace = Pace::new(forks.budget()).divisible(true);
    let seat = forks.monitor.as_ref().map(|monitor| monitor.seat(Role::Part));
    let _crew = Current::enter(&crew);
    let mut given = Given::new(forks, index, begun);
    given.giver = Some(Arc::clone(&part));
    let mut next = Some(Box::new(Job { machine, given, pace, own: part, started: Instant::now() }));
    let _span = tracing::debug_span!("part").entered();
    while let Some(mut job) = next {
        next = match guarded(|| job.work(seat.as_deref())) {
            Ok(Pause::Waits) => wait_as_job(job, &crew),
            Ok(Pause::Ended(whole)) => end(*job, whole, &crew),
            Err(_) => end(*job, false, &crew),
        };
    }
}

/// Leaves a job with whoever has what it waits for, unless that is there: then the job goes on.
fn wait_as_job(job: Box<Job>, crew: &Crew) -> Option<Box<Job>> {
    let Some(part) = job.given.parts.last().cloned() else { return end(*job, false, crew) };
    match part.errand.meet(Waiter::Job(job)) {
        Met::NotBegun(_, Waiter::Job(job)) => {
            crew.places.leave();
            go_on(job, Ended::NOT, crew)
        }
        Met::Done(ended, Waiter::Job(job)) => go_on(job, ended, crew),
        Met::Left => {
            crew.places.leave();
            None
        }
        Met::NotBegun(_, Waiter::Caller(_)) | Met::Done(_, Waiter::Caller(_)) => None,
    }
}

/// Goes on with a job that has what it waited for.
fn go_on(mut job: Box<Job>, ended: Ended, crew: &Crew) -> Option<Box<Job>> {
    let Job { given, machine, .. } = &mut *job;
    match guarded(|| given.take(machine, ended)) {
        Ok(()) => Some(job),
        Err(_) => end(*job, false, crew),
    }
}

/// Ends a job; returns the one that waited for it.
fn end(job: Job, whole: bool, crew: &Crew) -> Option<Box<Job>> {
    let Job { mut machine, own, started, given, .. } = job;
    drop(given);
    // It knows its own part, which is to have it.
    machine.interrupt_by(Interrupt::default());
    let ended = Ended { machine: whole.then_some(machine), spent: started.elapsed() };
    match own.errand.finish(ended) {
        None => {
            crew.places.leave();
            None
        }
        Some((ended, Waiter::Caller(caller))) => {
            // G1: a caller that has gone counts on the place none the less.
            let _ = caller.send(ended);
            None
        }
        // One job of a chain at a time: what it waits for ended.
        Some((ended, Waiter::Job(job))) => go_on(job, ended, crew),
    }
}

impl Job {
    fn work(&mut self, seat: Option<&Seat>) -> Pause {
        if let Some(seat) = seat {
            seat.begin(self.given.index, self.started, 0);
        }
        while !self.own.is_unwanted() {
            let started = Instant::now();
            self.machine.set_time(started - self.given.begun);
            match self.machine.step(self.pace.budget()) {
                Step::Yield => {
                    let now = self.pace.adapt(started);
                    if let Some(seat) = seat {
                        seat.note(self.machine.stats().reductions);
                    }
                    self.given.offer(&mut self.machine, now);
                }
                Step::Done => return Pause::Ended(true),
                Step::Waits => return Pause::Waits,
                Step::Failed(_) | Step::Blocked(_) | _ => return Pause::Ended(false),
            }
        }
        Pause::Ended(false)
    }
}
