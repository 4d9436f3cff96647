//! One thread's part: driving a machine through one expression.
//!
//! Machines are expensive to make and remember compiled rules, so they are pooled and
//! go from worker to worker. A machine that panicked is thrown away.

use std::any::Any;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use metta_atom::{Atom, SpaceId};
use metta_eval::{
    Effect, EvalError, Fault, Footprint, Interrupt, Library, Limits, Machine, Rule, Step, World,
};
use metta_sync::{Held, Ranked};

use crate::Observer;
use crate::forks::{Crew, Forks, Given};
use crate::monitor::{Monitor, Role, Seat};

/// A step longer than this was a host operation: it waits, or computes at length.
const LONG_STEP: Duration = Duration::from_millis(5);
/// Between these two a step is long enough to be cheap to control and short enough to
/// cancel within a millisecond.
const STEP_FROM: Duration = Duration::from_micros(200);
const STEP_TO: Duration = Duration::from_micros(800);
/// Where others may take a part of the work, they do not wait long for it: steps are so many times shorter.
const SHORTER: u32 = 4;
const FIRST_BUDGET: u64 = 2_000;
const LEAST_BUDGET: u64 = 64;
const MOST_BUDGET: u64 = 1 << 20;

/// Idle machines of one library.
pub(crate) struct Machines {
    library: Library,
    idle: Ranked<Vec<Machine>, 1>,
    crew: Arc<Crew>,
}

impl Machines {
    pub(crate) fn new(library: Library) -> Self {
        Machines { library, idle: Ranked::new(Vec::new()), crew: Arc::default() }
    }

    pub(crate) fn library(&self) -> &Library {
        &self.library
    }

    /// The threads of the engine.
    pub(crate) fn crew(&self) -> &Arc<Crew> {
        &self.crew
    }

    /// Lends a worker; it comes back when dropped.
    pub(crate) fn worker(self: &Arc<Self>) -> Worker {
        let machine = self.idle.lock(&mut Held::root()).0.pop();
        Worker { machines: Arc::clone(self), machine, pace: Pace::new(None), waited: false, seat: None }
    }

    /// Lends a worker that shows what it does.
    pub(crate) fn seated_worker(self: &Arc<Self>, monitor: Option<&Monitor>, role: Role) -> Worker {
        let mut worker = self.worker();
        worker.seat = monitor.map(|monitor| monitor.seat(role));
        worker
    }
}

/// What to evaluate and how.
#[derive(Clone, Copy)]
pub(crate) struct Task<'a> {
    pub(crate) goal: &'a Atom,
    /// Its position in the program.
    pub(crate) index: usize,
    pub(crate) limits: &'a Limits,
    /// How long it may take.
    pub(crate) time: Option<Duration>,
    /// The strongest effect that may happen.
    pub(crate) allowed: Effect,
    /// How the evaluation may spread over threads.
    pub(crate) forks: Option<&'a Forks>,
    /// Whether results are told of before the end.
    pub(crate) streams: bool,
    /// What ends the evaluation inside of a long step.
    pub(crate) interrupt: &'a Interrupt,
}

/// How an evaluation ended.
pub(crate) enum Ended {
    /// With all results.
    Done(Finished),
    /// At an effect that was not allowed, after so many reductions.
    Blocked(u64),
    /// At a limit, in a rule.
    Failed(EvalError, Option<Rule>),
    /// At its limit of time.
    Late(Duration),
    /// By a panic.
    Panicked(String),
    /// By the caller.
    Dropped,
}

impl Ended {
    /// The strongest effect; of what did not end well nobody knows.
    pub(crate) fn effect(&self) -> Effect {
        match self {
            Ended::Done(finished) => finished.effect,
            Ended::Blocked(_) | Ended::Failed(..) | Ended::Late(_) | Ended::Panicked(_) | Ended::Dropped => {
                Effect::Outside
            }
        }
    }
}

/// All that an evaluation came to.
pub(crate) struct Finished {
    pub(crate) atoms: Vec<Atom>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) world: World,
    pub(crate) reductions: u64,
    /// The strongest effect that it had.
    pub(crate) effect: Effect,
    /// What was read and written, if the evaluation was ahead of its turn.
    pub(crate) footprint: Footprint,
}

/// What was written and found since the last look.
#[derive(Default)]
pub(crate) struct Output {
    pub(crate) printed: Vec<String>,
    pub(crate) traced: Vec<String>,
    /// Results, of a task that streams.
    pub(crate) found: Vec<Atom>,
}

impl Output {
    pub(crate) fn take(machine: &mut Machine) -> Self {
        Output { printed: machine.take_output(), traced: machine.take_trace(), found: Vec::new() }
    }

    pub(crate) fn append(&mut self, other: &mut Output) {
        self.printed.append(&mut other.printed);
        self.traced.append(&mut other.traced);
        self.found.append(&mut other.found);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.printed.is_empty() && self.traced.is_empty()
    }
}

/// How many reductions a machine does at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    budget: u64,
    is_fixed: bool,
    /// Between these two a step has the right length.
    from: Duration,
    to: Duration,
}

impl Pace {
    /// A pace that fits itself to the machine, unless a budget is given.
    pub(crate) fn new(fixed: Option<u64>) -> Self {
        let budget = fixed.unwrap_or(FIRST_BUDGET);
        Pace { budget, is_fixed: fixed.is_some(), from: STEP_FROM, to: STEP_TO }
    }

    /// The pace of an evaluation of which others may take a part, or of one that is alone.
    pub(crate) fn divisible(mut self, divisible: bool) -> Self {
        let shorter = if divisible { SHORTER } else { 1 };
        (self.from, self.to) = (STEP_FROM / shorter, STEP_TO / shorter);
        self
    }

    pub(crate) fn budget(&self) -> u64 {
        self.budget
    }

    /// Learns from a step that began at `started`; returns the time now.
    pub(crate) fn adapt(&mut self, started: Instant) -> Instant {
        let now = Instant::now();
        let spent = now - started;
        if self.is_fixed {
            return now;
        }
        if spent < self.from {
            self.budget = (self.budget * 2).min(MOST_BUDGET);
        } else if spent > self.to {
            self.budget = (self.budget / 2).max(LEAST_BUDGET);
        }
        now
    }
}

/// Gives alternatives of a machine away, or takes over what came of those given last if it waits for them. Reports
/// whether the evaluation goes on.
fn share(
    given: &mut Given,
    machine: &mut Machine,
    waits: bool,
    now: Instant,
    mut between: impl FnMut() -> ControlFlow<()>,
) -> bool {
    if !waits {
        given.offer(machine, now);
        return true;
    }
    let Some(ended) = given.wait(|| between().is_continue()) else { return false };
    given.take(machine, ended);
    true
}

/// An evaluation between two steps, or after the last.
pub(crate) struct Underway {
    machine: Machine,
    step: Result<Step, Panic>,
    given: Option<Given>,
    pace: Pace,
    begun: Instant,
    started: Instant,
    /// How many results were told of.
    n_found: usize,
}

impl Underway {
    /// Reports whether there is more to do.
    pub(crate) fn goes_on(&self) -> bool {
        matches!(self.step, Ok(Step::Yield | Step::Waits))
    }

    /// Reports whether it came to something that it was not allowed to do.
    pub(crate) fn is_blocked(&self) -> bool {
        matches!(self.step, Ok(Step::Blocked(_)))
    }

    /// How far it is.
    pub(crate) fn reductions(&self) -> u64 {
        self.machine.stats().reductions
    }

    /// Lets it go on with every effect, on a thread that may take its time.
    pub(crate) fn release(&mut self) {
        self.machine.allow(Effect::Outside, true);
        self.started = Instant::now();
    }
}

/// A machine on loan, and what was learned about its speed.
pub(crate) struct Worker {
    machines: Arc<Machines>,
    machine: Option<Machine>,
    pace: Pace,
    /// Whether a single step took long since the last `take_waited`.
    waited: bool,
    seat: Option<Arc<Seat>>,
}

impl Worker {
    /// Evaluates `task` on `world`, calling `between` after each step that does not end
    /// it, and once more for lines written in the one that does.
    pub(crate) fn evaluate(
        &mut self,
        task: Task<'_>,
        world: World,
        between: impl FnMut(&mut Output) -> ControlFlow<()>,
    ) -> Ended {
        let underway = self.begin(task, world, None);
        self.go_on(task, underway, between)
    }

    /// Does the first step of `task` on `world`: one of so many reductions, if that is given, without a call of the
    /// host.
    pub(crate) fn begin(&mut self, task: Task<'_>, world: World, here: Option<u64>) -> Underway {
        let library = &self.machines.library;
        let mut machine = self.machine.take().unwrap_or_else(|| Machine::new(library.clone()));
        let begun = Instant::now();
        let given = task
            .forks
            .and_then(|forks| forks.within(task.limits, world.parallel()))
            .map(|forks| Given::new(forks, task.index, begun));
        let pace = given.as_ref().map_or(self.pace.divisible(false), |given| given.pace(self.pace));
        if let Some(seat) = &self.seat {
            seat.begin(task.index, begun, 0);
        }
        let step = guarded(|| {
            machine.begin(task.goal, SpaceId::TOP, world, task.limits, task.allowed);
            machine.interrupt_by(task.interrupt.clone());
            match here {
                Some(budget) => {
                    machine.allow(task.allowed, false);
                    machine.step(budget)
                }
                None => {
                    if task.allowed < Effect::Outside {
                        machine.note_footprint();
                    }
                    machine.step(pace.budget())
                }
            }
        });
        Underway { machine, step, given, pace, begun, started: begun, n_found: 0 }
    }

    /// Goes on with an evaluation until it ends; see [`Worker::evaluate`].
    pub(crate) fn go_on(
        &mut self,
        task: Task<'_>,
        underway: Underway,
        mut between: impl FnMut(&mut Output) -> ControlFlow<()>,
    ) -> Ended {
        let _span = tracing::debug_span!("expression").entered();
        let Underway { mut machine, mut step, mut given, mut pace, begun, mut started, mut n_found } =
            underway;
        while matches!(step, Ok(Step::Yield | Step::Waits)) {
            started = self.adapt(&mut pace, started);
            self.show(&machine, step == Ok(Step::Waits));
            let mut output = Output::take(&mut machine);
            if task.streams {
                output.found.extend_from_slice(machine.results().get(n_found..).unwrap_or_default());
                n_found += output.found.len();
            }
            if between(&mut output).is_break() {
                self.rest(machine);
                return Ended::Dropped;
            }
            if let Some(limit) = task.time.filter(|time| started - begun >= *time) {
                self.rest(machine);
                return Ended::Late(limit);
            }
            let waits = step == Ok(Step::Waits);
            let ready = given.as_mut().map_or(Ok(true), |given| {
                guarded(|| share(given, &mut machine, waits, started, || between(&mut Output::default())))
            });
            step = match ready {
                Ok(true) => {
                    started = if waits { Instant::now() } else { started };
                    machine.set_time(started - begun);
                    guarded(|| machine.step(pace.budget()))
                }
                Ok(false) => {
                    self.rest(machine);
                    return Ended::Dropped;
                }
                Err(panic) => Err(panic),
            };
        }
        drop(given);
        self.waited |= started.elapsed() > LONG_STEP;
        self.conclude(step, machine, task.goal, between)
    }

    /// Evaluates `task` on this thread alone, and lets `observer` look at the machine; else like
    /// [`Worker::evaluate`].
    pub(crate) fn observe(
        &mut self,
        task: Task<'_>,
        world: World,
        observer: &mut dyn Observer,
        index: usize,
        mut between: impl FnMut(&mut Output) -> ControlFlow<()>,
    ) -> Ended {
        let library = &self.machines.library;
        let mut machine = self.machine.take().unwrap_or_else(|| Machine::new(library.clone()));
        let begun = Instant::now();
        let mut step = guarded(|| {
            machine.begin(task.goal, SpaceId::TOP, world, task.limits, task.allowed);
            machine.interrupt_by(task.interrupt.clone());
            observer.begin(index, task.goal, &machine);
            machine.step(observer.budget())
        });
        while step == Ok(Step::Yield) {
            observer.look(&machine);
            if between(&mut Output::take(&mut machine)).is_break() {
                self.rest(machine);
                return Ended::Dropped;
            }
            machine.set_time(begun.elapsed());
            step = guarded(|| machine.step(observer.budget()));
        }
        observer.look(&machine);
        self.conclude(step, machine, task.goal, between)
    }

    /// What an evaluation has come to that does not go on.
    fn conclude(
        &mut self,
        step: Result<Step, Panic>,
        mut machine: Machine,
        goal: &Atom,
        mut between: impl FnMut(&mut Output) -> ControlFlow<()>,
    ) -> Ended {
        // What was written before a limit or a panic was written.
        if let Ok(mut output) = guarded(|| Output::take(&mut machine))
            && !output.is_empty()
        {
            // The evaluation is over, there is nothing to break off.
            let _ = between(&mut output);
        }
        match step {
            Ok(Step::Done) => self.finish(machine, goal),
            Ok(Step::Failed(EvalError::Interrupted)) => {
                self.rest(machine);
                Ended::Dropped
            }
            Ok(Step::Failed(error)) => {
                let rule = machine.rule();
                self.rest(machine);
                Ended::Failed(error, rule)
            }
            Ok(Step::Blocked(_)) => {
                let reductions = machine.stats().reductions;
                self.rest(machine);
                Ended::Blocked(reductions)
            }
            Ok(_) => Ended::Panicked("the machine answered with an unknown step".to_owned()),
            Err(Panic(message)) => Ended::Panicked(message),
        }
    }

    /// Shows how far an evaluation is.
    fn show(&self, machine: &Machine, waits: bool) {
        if let Some(seat) = &self.seat {
            seat.note(machine.stats().reductions);
            seat.wait(waits);
        }
    }

    /// Shows that the thread waits for others, and that it does not any more.
    pub(crate) fn wait<T>(&self, wait: impl FnOnce() -> T) -> T {
        let show = |waits| self.seat.iter().for_each(|seat| seat.wait(waits));
        show(true);
        let answer = wait();
        show(false);
        answer
    }

    fn finish(&mut self, mut machine: Machine, goal: &Atom) -> Ended {
        let finished = guarded(|| {
            let atoms = machine.take_results();
            let faults = machine.take_faults();
            let reductions = machine.stats().reductions;
            let effect = machine.strongest_effect();
            let footprint = machine.take_footprint();
            let world = machine.end();
            // Results that may lack something are none.
            let atoms = match world.damage() {
                Some(damage) => vec![Atom::error(goal.clone(), Atom::text(damage))],
                None => atoms,
            };
            Finished { atoms, faults, world, reductions, effect, footprint }
        });
        match finished {
            Ok(finished) => {
                self.machine = Some(machine);
                Ended::Done(finished)
            }
            Err(Panic(message)) => Ended::Panicked(message),
        }
    }

    /// Returns why an atom may not be added while types are checked.
    pub(crate) fn type_errors(
        &mut self,
        atom: &Atom,
        world: &World,
        limits: &Limits,
    ) -> Result<Vec<Atom>, EvalError> {
        let library = &self.machines.library;
        let mut machine = self.machine.take().unwrap_or_else(|| Machine::new(library.clone()));
        match guarded(|| machine.ill_typed(atom, SpaceId::TOP, world, limits)) {
            Ok(errors) => {
                self.machine = Some(machine);
                errors
            }
            Err(Panic(message)) => Ok(vec![panicked(atom, &message)]),
        }
    }

    /// Reports whether a step took long since the last call.
    pub(crate) fn take_waited(&mut self) -> bool {
        std::mem::take(&mut self.waited)
    }

    /// Fits the budget to the machine's speed; returns the time now.
    fn adapt(&mut self, pace: &mut Pace, started: Instant) -> Instant {
        let now = pace.adapt(started);
        self.pace = *pace;
        self.waited |= now - started > LONG_STEP;
        now
    }

    /// Gives up an evaluation.
    pub(crate) fn drop_underway(&mut self, underway: Underway) {
        self.rest(underway.machine);
    }

    /// Clears a machine that was stopped half way, and keeps it if that goes well.
    fn rest(&mut self, mut machine: Machine) {
        if guarded(|| drop(machine.end())).is_ok() {
            self.machine = Some(machine);
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(machine) = self.machine.take() {
            self.machines.idle.lock(&mut Held::root()).0.push(machine);
        }
    }
}

/// The result of an expression that panicked.
pub(crate) fn panicked(goal: &Atom, message: &str) -> Atom {
    Atom::error(goal.clone(), Atom::text(format!("panic: {message}")))
}

/// The message of a panic.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Panic(String);

/// Turns a panic into its message. The machine inside is not used again after one.
pub(crate) fn guarded<T>(f: impl FnOnce() -> T) -> Result<T, Panic> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|payload| Panic(message(&*payload)))
}

fn message(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "panic without a message".to_owned()
    }
}
