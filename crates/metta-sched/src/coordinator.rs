//! The order of a run: forms one by one, batches ahead of their turn.
//!
//! One thread coordinates: it adds facts, starts helpers, evaluates like them, and is
//! the only one that commits, in program order. It never waits for a thread that may
//! not start: what nobody has claimed it evaluates itself.
//!
//! Invariant C1: an expression commits only if the world is the one that its evaluation began with, or differs
//! from it in facts alone that the evaluation did not ask for: then it writes its own facts again. After any other
//! change of the world the rest of its batch begins anew.
//! Invariant C2: events leave in program order, and only from evaluations that commit.

pub(crate) mod here;

use std::ops::{ControlFlow, Range};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use metta_atom::{Atom, Grounded, SpaceId};
use metta_config::{AdaptiveEvalConfig, EvalConfig, processors};
use metta_eval::{Effect, EvalError, FactKey, Fault, Interrupt, Limits, World};
use metta_syntax::Form;
use rustc_hash::FxHashSet;
use tokio::runtime::Handle;

use crate::cancel::Watch;
use crate::event::Sink;
use crate::forks::{AtWork, Crew as Threads, Current, Forking, Forks, Place};
use crate::monitor::{Monitor, Role};
use crate::segment::{Change, Chunk, Helper, Plan, Report, Segment, Speculated};
use crate::size::Size;
use crate::worker::{Ended, Finished, Output, Task, Underway, Worker, panicked};
use crate::writers::{Guess, Writers};
use crate::{Environment, Event, MettaState, Observer, Outcome, RunError, Statistics};

/// Work below this is not worth a helper.
const WORTH_HELP: Duration = Duration::from_micros(100);
/// How often the watch is looked at while helpers work and the coordinator has nothing to do.
const PATIENCE: Duration = Duration::from_millis(2);
/// How many facts are added between two looks at the watch.
const ADDS_PER_CHECK: usize = 256;

/// What a run goes by.
pub(crate) struct Settings {
    pub(crate) watch: Watch,
    /// The same for machines.
    pub(crate) interrupt: Interrupt,
    /// Of one expression.
    pub(crate) limits: Limits,
    pub(crate) time: Option<Duration>,
    /// Reductions of all expressions together.
    pub(crate) run_steps: Option<u64>,
    pub(crate) keep_going: bool,
    /// Whether results are told of before the end.
    pub(crate) streams: bool,
    pub(crate) runtime: Option<Handle>,
    pub(crate) config: EvalConfig,
    pub(crate) adaptive: Option<AdaptiveEvalConfig>,
    pub(crate) monitor: Option<Monitor>,
    pub(crate) forking: Forking,
    pub(crate) observer: Option<Box<dyn Observer>>,
}

/// Why a run does not go on.
enum Stop {
    /// A result list held an `Error`.
    Answer,
    Error(RunError),
    /// It goes on on another thread.
    Elsewhere,
}

impl From<RunError> for Stop {
    fn from(error: RunError) -> Self {
        Stop::Error(error)
    }
}

pub(crate) struct Coordinator {
    settings: Settings,
    environment: Environment,
    world: World,
    sink: Option<Sink>,
    output: Vec<Vec<Atom>>,
    faults: Vec<Vec<Fault>>,
    completed: usize,
    statistics: Statistics,
    crew: Crew,
    /// The threads of the engine.
    shared: Arc<Threads>,
    /// The thread that the run is on, while it is on one.
    at_work: Option<AtWork>,
    forks: Option<Forks>,
    writers: Writers,
    /// How many expressions may run ahead. Small after a change of the world, so that
    /// the work thrown away stays in proportion to the work done.
    window: usize,
    /// The mean cost of an expression in the last segment.
    average: Option<Duration>,
    /// Where the last batch that was begun ends.
    batch_end: usize,
    /// What may still be done on the thread of the task that awaits the run; `None` on a thread of its own.
    here: Option<u64>,
    /// The next expression, if it was begun there.
    underway: Option<Box<Underway>>,
}

/// The helpers of a run.
struct Crew {
    /// Every task in flight holds a clone, those of finished segments included.
    places: Arc<()>,
    /// How many threads are useful: the processors, and more when some wait.
    useful: usize,
    /// How many there are instead, where that follows the work.
    size: Option<Size>,
    /// When the load of the threads was looked at.
    looked: Instant,
}

/// A segment on its way, as its coordinator sees it.
struct Tide {
    segment: Arc<Segment>,
    /// The position of the segment in the program.
    base: usize,
    slots: Vec<Slot>,
    /// The first expression that has not committed.
    next: usize,
    /// The facts written by what has committed, in which alone the world differs from the segment's.
    written: FxHashSet<FactKey>,
    /// Whether what has not committed has to begin anew.
    changed: bool,
    reports: Receiver<Report>,
    /// For helpers to come.
    sender: Sender<Report>,
}

struct Slot {
    guess: Guess,
    /// Lines that wait for their turn.
    output: Output,
    shown: Shown,
    ended: Option<Speculated>,
}

impl Slot {
    fn new(guess: Guess) -> Slot {
        // It need not be tried.
        let ended = matches!(guess, Guess::InTurn { .. }).then_some(Speculated::InTurn);
        Slot { guess, output: Output::default(), shown: Shown::default(), ended }
    }
}

/// How many lines of an expression were shown.
#[derive(Clone, Copy, Default)]
struct Shown {
    printed: usize,
    traced: usize,
}

impl Shown {
    /// Takes lines off `output` that were shown before.
    fn skip(&mut self, output: &mut Output) {
        let printed = self.printed.min(output.printed.len());
        let traced = self.traced.min(output.traced.len());
        output.printed.drain(..printed);
        output.traced.drain(..traced);
        self.printed -= printed;
        self.traced -= traced;
    }
}

/// What an expression answers.
struct Answer {
    atoms: Vec<Atom>,
    /// The texts of the atoms, when someone listens.
    text: Vec<String>,
    faults: Vec<Fault>,
}

impl Coordinator {
    pub(crate) fn new(settings: Settings, mut environment: Environment, sink: Option<Sink>) -> Self {
        let world = environment.take_world();
        let useful = match settings.runtime {
            Some(_) => processors(),
            None => 1,
        };
        // A run inside of another has no more threads than both would have without it.
        let shared = Current::crew().unwrap_or_else(|| Arc::clone(environment.machines().crew()));
        let size = settings.adaptive.map(Size::new);
        let forks = settings.runtime.as_ref().map(|runtime| {
            let most = settings.config.max_blocking_threads;
            let useful = size.as_ref().map_or(useful, Size::most);
            // Tests fork also where there are no processors for it.
            let threads = if settings.forking == Forking::Everything { most } else { most.min(useful) };
            let (monitor, interrupt) = (settings.monitor.clone(), settings.interrupt.clone());
            Forks::new(&shared, settings.forking, threads, runtime, monitor, interrupt)
        });
        Coordinator {
            settings,
            environment,
            world,
            sink,
            output: Vec::new(),
            faults: Vec::new(),
            completed: 0,
            statistics: Statistics::default(),
            crew: Crew { places: Arc::new(()), useful, size, looked: Instant::now() },
            shared,
            at_work: None,
            forks,
            writers: Writers::default(),
            window: usize::MAX,
            average: None,
            batch_end: 0,
            here: None,
            underway: None,
        }
    }

    /// Runs the forms that are not done until the end, an `Error`, or a reason to stop.
    pub(crate) fn run(&mut self, forms: &[Form]) -> Result<(), RunError> {
        self.at_work = Some(AtWork::begin(&self.shared));
        let ended = self.forms(forms);
        self.at_work = None;
        match ended {
            Ok(()) | Err(Stop::Answer | Stop::Elsewhere) => Ok(()),
            Err(Stop::Error(error)) => Err(error),
        }
    }

    /// Runs the forms that are not done, and ends the run.
    pub(crate) fn run_to_end(mut self, forms: &[Form]) -> Outcome {
        let result = self.run(forms);
        self.finish(result.err())
    }

    /// Ends the run.
    pub(crate) fn finish(mut self, error: Option<RunError>) -> Outcome {
        self.publish();
        if let Some(forks) = &self.forks {
            self.statistics.queued = Duration::from_nanos(forks.tally.queued_ns.get());
            self.statistics.forking = Duration::from_nanos(forks.tally.forking_ns.get());
            self.statistics.forks = forks.tally.forks.get();
            self.statistics.merged = forks.tally.merged.get();
        }
        self.environment.put_world(self.world);
        let state = MettaState { source: Vec::new(), environment: self.environment, output: self.output };
        Outcome { state, faults: self.faults, completed: self.completed, error, statistics: self.statistics }
    }

    fn forms(&mut self, forms: &[Form]) -> Result<(), Stop> {
        let mut index = self.completed;
        while let Some(form) = forms.get(index) {
            if form.run {
                let length = forms[index..].iter().take_while(|form| form.run).count();
                self.batch(forms, index..index + length)?;
                index += length;
            } else {
                if index.is_multiple_of(ADDS_PER_CHECK) {
                    self.settings.watch.check()?;
                }
                self.afford(form)?;
                self.add(index, &form.atom)?;
                index += 1;
            }
        }
        Ok(())
    }

    fn add(&mut self, index: usize, atom: &Atom) -> Result<(), Stop> {
        let atom = self.world.resolve(atom);
        if self.world.checks_types() {
            let mut worker = self.environment.machines().worker();
            let errors = worker.type_errors(&atom, &self.world, &self.settings.limits);
            let errors = errors.map_err(|error| RunError::Limit { error, index, rule: None })?;
            if !errors.is_empty() {
                let text = self.texts(index, &self.world, &errors)?;
                self.completed = index + 1;
                return self.answer(index, Answer { atoms: errors, text, faults: Vec::new() });
            }
        }
        self.completed = index + 1;
        self.writers.invalidate();
        self.world.add(SpaceId::TOP, &atom);
        Ok(())
    }

    fn batch(&mut self, forms: &[Form], range: Range<usize>) -> Result<(), Stop> {
        if self.batch_end < range.end {
            self.statistics.batches += 1;
            self.batch_end = range.end;
        }
        let _span = tracing::debug_span!("batch", first = range.start, expressions = range.len()).entered();
        let mut next = range.start;
        while next < range.end {
            self.settings.watch.check()?;
            self.world.freeze();
            if let Some(limit) = self.settings.limits.memory_bytes {
                // Indexes are not counted as memory of the program, and may not take more than it.
                self.world.relieve(limit);
            }
            self.publish();
            self.afford(&forms[next])?;
            let mut guesses = self.guess(&forms[next..range.end]);
            if guesses.len() < 2 {
                let goal = self.world.resolve(&forms[next].atom);
                self.guessed(next, &goal, Shown::default(), &guesses.pop().unwrap_or(Guess::Ahead))?;
                next += 1;
            } else {
                next = self.together(forms, next..next + guesses.len(), guesses)?;
            }
        }
        Ok(())
    }

    /// Guesses for the first expressions, if they are worth evaluating at the same time; else one at most, for the first.
    fn guess(&mut self, forms: &[Form]) -> Vec<Guess> {
        let one_by_one = self.here.is_some() || self.underway.is_some() || forms.len() < 2;
        if one_by_one || self.settings.runtime.is_none() || self.settings.config.max_blocking_threads < 2 {
            return Vec::new();
        }
        let mut guesses = Vec::new();
        for form in forms.iter().take(self.window) {
            let guess = self.writers.guess(&form.atom, &self.world, self.environment.library());
            let is_alone = match guess {
                Guess::Ahead => false,
                // The first has its turn.
                Guess::InTurn { surely, .. } => guesses.is_empty() || !surely,
                Guess::Alone(_) => true,
            };
            if !is_alone || guesses.is_empty() {
                guesses.push(guess);
            }
            if is_alone {
                break;
            }
        }
        guesses
    }

    /// Evaluates one expression in its turn, and learns whether the guess was right. Reports whether it changed the world.
    fn guessed(&mut self, index: usize, goal: &Atom, shown: Shown, guess: &Guess) -> Result<bool, Stop> {
        let before = self.world.clone();
        let effect = self.alone(index, goal, shown)?;
        let changed = !self.world.same_as(&before);
        if changed {
            self.writers.invalidate();
        }
        let right = match guess {
            Guess::InTurn { .. } => effect == Effect::Outside,
            Guess::Ahead | Guess::Alone(_) => changed,
        };
        self.writers.note(goal, guess, right);
        Ok(changed)
    }

    /// Evaluates one expression in its turn, with every effect allowed. `shown` are the
    /// lines that an evaluation ahead of its turn has shown: they come again. Returns the strongest effect.
    fn alone(&mut self, index: usize, goal: &Atom, mut shown: Shown) -> Result<Effect, Stop> {
        if let Some(left) = self.here {
            return self.alone_here(index, goal, left);
        }
        let mut worker = self.worker();
        let limits = self.limits();
        let forks = self.forks.clone();
        let (streams, forks) = (self.settings.streams, forks.as_ref());
        let interrupt = self.settings.interrupt.clone();
        let (allowed, interrupt) = (Effect::Outside, &interrupt);
        let time = self.settings.time;
        let task = Task { goal, index, limits: &limits, time, allowed, forks, streams, interrupt };
        let mut stopped = Ok(());
        let mut tells = streams;
        let mut observer = self.settings.observer.take();
        let underway = self.underway.take();
        let world = self.world.clone();
        let between = |output: &mut Output| {
            shown.skip(output);
            let found = std::mem::take(&mut output.found);
            self.show(output);
            tells = tells && self.tell(index, &found);
            stopped = self.settings.watch.check();
            if stopped.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let ended = match (&mut observer, underway) {
            (Some(observer), _) => worker.observe(task, world, &mut **observer, index, between),
            (None, Some(mut underway)) => {
                underway.release();
                worker.go_on(task, *underway, between)
            }
            (None, None) => worker.evaluate(task, world, between),
        };
        self.settings.observer = observer;
        stopped?;
        let effect = ended.effect();
        self.commit(index, goal, ended)?;
        Ok(effect)
    }

    /// Evaluates expressions ahead of their turn; returns the first that has not committed.
    fn together(&mut self, forms: &[Form], range: Range<usize>, guesses: Vec<Guess>) -> Result<usize, Stop> {
        let base = range.start;
        let goals = forms[range].iter().map(|form| self.world.resolve(&form.atom)).collect::<Vec<_>>();
        let slots = guesses.into_iter().map(Slot::new).collect::<Vec<_>>();
        let config = &self.settings.config;
        let plan = Plan {
            base,
            limits: self.limits(),
            time: self.settings.time,
            interrupt: self.settings.interrupt.clone(),
            stop_at_error: !self.settings.keep_going,
            // Few expressions for many threads are dealt out one by one.
            first_chunk: (goals.len() / config.max_blocking_threads.max(1).saturating_mul(2))
                .min(config.batch_size_hint),
            threads: self.threads(),
            forks: self.forks.clone(),
            in_turn: slots.iter().map(|slot| slot.ended.is_some()).collect(),
        };
        let (sender, reports) = channel();
        let segment = Arc::new(Segment::new(goals, self.world.clone(), plan));
        let mut tide = Tide {
            segment,
            base,
            slots,
            next: 0,
            written: FxHashSet::default(),
            changed: false,
            reports,
            sender,
        };
        let result = self.work(&mut tide);
        self.learn(&tide);
        result.map(|()| base + tide.next)
    }

    /// Evaluates, collects and commits until the segment is over.
    fn work(&mut self, tide: &mut Tide) -> Result<(), Stop> {
        let segment = Arc::clone(&tide.segment);
        let mut worker = self.worker();
        self.crew.looked = Instant::now();
        let mut before = None;
        loop {
            self.turn(tide)?;
            if tide.is_over() {
                return Ok(());
            }
            let Some(mut chunk) = Chunk::claim(&segment, before.take()) else {
                self.wait(tide, &mut worker)?;
                continue;
            };
            while let Some(index) = chunk.next() {
                self.evaluate(tide, &mut worker, index, || chunk.share())?;
                self.turn(tide)?;
                if tide.is_over() {
                    return Ok(());
                }
            }
            before = Some(chunk);
        }
    }

    /// Evaluates one expression of a segment on the coordinator's own thread.
    fn evaluate(
        &mut self,
        tide: &mut Tide,
        worker: &mut Worker,
        index: usize,
        mut share: impl FnMut(),
    ) -> Result<(), Stop> {
        let segment = Arc::clone(&tide.segment);
        let mut stopped = Ok(());
        let ended = segment.evaluate(index, worker, |output| {
            share();
            tide.slots[index].output.append(output);
            stopped = self.turn(tide);
            if stopped.is_ok() && segment.wants(index) {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        stopped?;
        if worker.take_waited() {
            self.widen();
        }
        tide.put(index, ended);
        Ok(())
    }

    /// What the coordinator does between two steps of anything else.
    fn turn(&mut self, tide: &mut Tide) -> Result<(), Stop> {
        self.settings.watch.check()?;
        self.resize(&tide.segment);
        self.hire(tide);
        while let Ok(report) = tide.reports.try_recv() {
            self.receive(tide, report);
        }
        self.deliver(tide)
    }

    /// Waits for a helper, or takes over what a helper lost.
    fn wait(&mut self, tide: &mut Tide, worker: &mut Worker) -> Result<(), Stop> {
        let begun = Instant::now();
        let receive = || tide.reports.recv_timeout(PATIENCE);
        let report = worker.wait(|| match &self.at_work {
            Some(at_work) => at_work.pause(receive),
            None => receive(),
        });
        self.statistics.waited += begun.elapsed();
        if let Ok(report) = report {
            self.receive(tide, report);
        } else if Arc::strong_count(&self.crew.places) == 1 && tide.segment.unclaimed() == 0 {
            // No helper is left: what has not arrived now will not come.
            self.turn(tide)?;
            if !tide.is_over() {
                self.evaluate(tide, worker, tide.next, || ())?;
            }
        }
        Ok(())
    }

    fn receive(&mut self, tide: &mut Tide, report: Report) {
        match report {
            Report::Output(index, mut output) => tide.slots[index].output.append(&mut output),
            Report::Ended(index, ended, waited) => {
                self.statistics.stolen += 1;
                if waited {
                    self.widen();
                }
                tide.put(index, ended);
            }
        }
    }

    /// Commits what is next, as far as it is known.
    fn deliver(&mut self, tide: &mut Tide) -> Result<(), Stop> {
        while !tide.is_over() {
            if !self.stands(tide) {
                break;
            }
            let overruns = self.overruns(tide.slots[tide.next].ended.as_ref());
            let slot = &mut tide.slots[tide.next];
            if overruns {
                // Where it stops, and what it writes until then, shows only with the steps that are left.
                (slot.output, slot.ended) = (Output::default(), Some(Speculated::InTurn));
            }
            if self.settings.run_steps.is_some() && slot.ended.is_none() {
                break;
            }
            if !tide.written.is_empty() && matches!(slot.ended, Some(Speculated::Not(_))) {
                // C2: what it wrote so far is not certain. It is evaluated again.
                slot.output = Output::default();
            }
            // C2: the lines of the next expression are certain before its end is.
            slot.shown.printed += slot.output.printed.len();
            slot.shown.traced += slot.output.traced.len();
            let shown = slot.shown;
            let (mut output, ended) = (std::mem::take(&mut slot.output), slot.ended.take());
            let guess = slot.guess.clone();
            self.show(&mut output);
            let Some(ended) = ended else { break };
            let index = tide.base + tide.next;
            let goal = tide.segment.goals[tide.next].clone();
            tide.next += 1;
            match ended {
                Speculated::Done { mut finished, change } => {
                    if !tide.written.is_empty() {
                        // C1
                        let mut world = self.world.clone();
                        finished.footprint.replay(&mut world);
                        finished.world = world;
                    }
                    tide.written.extend(finished.footprint.written());
                    tide.changed = change == Change::Other;
                    self.commit(index, &goal, Ended::Done(finished))?;
                }
                Speculated::InTurn => tide.changed = self.guessed(index, &goal, shown, &guess)?,
                Speculated::Not(Ended::Blocked(reductions)) => {
                    self.statistics.blocked += 1;
                    self.statistics.vain += reductions;
                    self.writers.note_blocked(&goal, &self.world, self.environment.library());
                    tide.changed = self.guessed(index, &goal, shown, &guess)?;
                }
                Speculated::Not(ended) => self.commit(index, &goal, ended)?,
            }
            if tide.changed {
                tide.segment.cut(tide.next);
                self.writers.learn(&goal);
                self.writers.invalidate();
            }
        }
        Ok(())
    }

    /// The limits of an expression in its turn.
    fn limits(&self) -> Limits {
        let mut limits = self.settings.limits.clone();
        limits.steps = limits.steps.into_iter().chain(self.steps_left()).min();
        limits
    }

    /// The reductions that are left for the run.
    fn steps_left(&self) -> Option<u64> {
        self.settings.run_steps.map(|all| all.saturating_sub(self.statistics.reductions))
    }

    /// Reports whether an evaluation ahead of its turn took more steps than are left for it.
    fn overruns(&self, ended: Option<&Speculated>) -> bool {
        self.steps_left().is_some_and(|left| match ended {
            Some(Speculated::Done { finished, .. }) => finished.reductions > left,
            // How many it took is not known.
            Some(Speculated::Not(_)) => true,
            Some(Speculated::InTurn) | None => false,
        })
    }

    /// The error of an expression, with the limit that its user set.
    fn limit_met(&self, error: EvalError) -> EvalError {
        match (error, self.settings.run_steps) {
            (EvalError::OutOfSteps { limit }, Some(all)) if self.settings.limits.steps != Some(limit) => {
                EvalError::OutOfSteps { limit: all }
            }
            (error, _) => error,
        }
    }

    /// Reports whether what is known of the next expression is certain although others have written (C1). If that
    /// cannot be, the rest of the segment begins anew.
    fn stands(&mut self, tide: &mut Tide) -> bool {
        if tide.written.is_empty() {
            return true;
        }
        let stands = match &tide.slots[tide.next].ended {
            None => return false,
            Some(Speculated::Done { finished, change }) => {
                *change != Change::Other && !finished.footprint.reads_any(&tide.written)
            }
            Some(Speculated::Not(ended)) => matches!(ended, Ended::Blocked(_)),
            Some(Speculated::InTurn) => true,
        };
        if !stands {
            self.statistics.conflicts += 1;
            self.writers.learn(&tide.segment.goals[tide.next]);
            tide.segment.cut(tide.next);
            tide.changed = true;
        }
        stands
    }

    /// Makes the end of an expression part of the run (C1).
    fn commit(&mut self, index: usize, goal: &Atom, ended: Ended) -> Result<(), Stop> {
        let _span = tracing::trace_span!("commit", index).entered();
        let answer = match ended {
            Ended::Done(Finished { atoms, faults, world, reductions, .. }) => {
                let text = self.texts(index, &world, &atoms)?;
                self.world = world;
                self.statistics.reductions += reductions;
                Answer { atoms, text, faults }
            }
            Ended::Failed(error, rule) => {
                let error = self.limit_met(error);
                return Err(RunError::Limit { error, index, rule }.into());
            }
            Ended::Late(limit) => return Err(RunError::OutOfTime { limit }.into()),
            Ended::Panicked(message) => self.wrong(index, panicked(goal, &message))?,
            // In its turn nothing is forbidden, and only who is stopped gives it up.
            Ended::Blocked(_) | Ended::Dropped => {
                self.settings.watch.check()?;
                debug_assert!(false, "an expression ended in its turn without an answer");
                self.wrong(index, Atom::error(goal.clone(), Atom::symbol("Blocked")))?
            }
        };
        self.statistics.expressions += 1;
        self.completed = index + 1;
        self.answer(index, answer)
    }

    /// A result list of one error, with its text.
    fn wrong(&self, index: usize, error: Atom) -> Result<Answer, Stop> {
        let text = self.texts(index, &self.world, std::slice::from_ref(&error))?;
        Ok(Answer { atoms: vec![error], text, faults: Vec::new() })
    }

    /// The texts of results, for whoever listens. They count against the memory limit.
    fn texts(&self, index: usize, world: &World, atoms: &[Atom]) -> Result<Vec<String>, Stop> {
        if self.sink.is_none() {
            return Ok(Vec::new());
        }
        let texts = world.print_results(atoms, &self.settings.limits);
        texts.map_err(|error| RunError::Limit { error, index, rule: None }.into())
    }

    /// Reports a result list.
    fn answer(&mut self, index: usize, answer: Answer) -> Result<(), Stop> {
        let Answer { atoms, text, faults } = answer;
        if let Some(sink) = &mut self.sink {
            sink(Event::Results { index, atoms: atoms.clone(), text, faults: faults.clone() });
        }
        let wrong = atoms.iter().any(Atom::is_error);
        self.output.push(atoms);
        self.faults.push(faults);
        if wrong && !self.settings.keep_going { Err(Stop::Answer) } else { Ok(()) }
    }

    fn show(&mut self, output: &mut Output) {
        let Output { printed, traced, found: _ } = std::mem::take(output);
        if let Some(sink) = &mut self.sink {
            printed.into_iter().map(Event::Printed).for_each(&mut *sink);
            traced.into_iter().map(Event::Traced).for_each(&mut *sink);
        }
    }

    /// Tells of results before the end; reports whether more may be told.
    fn tell(&mut self, index: usize, found: &[Atom]) -> bool {
        let told = found.iter().take_while(|atom| has_lasting_text(atom)).count();
        let texts = self.world.print_results(&found[..told], &self.settings.limits);
        // A text that is too long is told of at the end.
        let (Ok(text), Some(sink)) = (texts, &mut self.sink) else { return false };
        if !text.is_empty() {
            sink(Event::Found { index, text });
        }
        told == found.len()
    }

    fn publish(&mut self) {
        if self.environment.is_shared() {
            self.writers.invalidate();
        }
        self.statistics.merges += self.environment.synchronize(&mut self.world);
    }

    fn threads(&self) -> usize {
        let useful = self.crew.size.as_ref().map_or(self.crew.useful, Size::threads);
        useful.min(self.settings.config.max_blocking_threads).max(1)
    }

    /// A worker for the thread that commits.
    fn worker(&self) -> Worker {
        self.environment.machines().seated_worker(self.settings.monitor.as_ref(), Role::Coordinator)
    }

    /// Makes more threads useful, because one of them waits.
    fn widen(&mut self) {
        self.crew.useful = self.crew.useful.saturating_mul(2).min(self.settings.config.max_blocking_threads);
    }

    /// Lets the number of threads follow their load, if it is to.
    fn resize(&mut self, segment: &Segment) {
        let Some(size) = &mut self.crew.size else { return };
        let now = Instant::now();
        let span = now - std::mem::replace(&mut self.crew.looked, now);
        let evaluating = u32::try_from(segment.evaluating.taken()).unwrap_or(u32::MAX);
        let before = size.threads();
        if size.learn(span.saturating_mul(evaluating), span, segment.unclaimed() > 0) {
            self.statistics.resized += 1;
            let after = size.threads();
            segment.dismiss(before.saturating_sub(after), after.saturating_sub(before));
        }
    }

    /// Starts helpers if there is work for them.
    fn hire(&mut self, tide: &mut Tide) {
        let Some(runtime) = &self.settings.runtime else { return };
        // The coordinator is one of the threads.
        let free = self.threads().saturating_sub(Arc::strong_count(&self.crew.places));
        if free == 0 {
            return;
        }
        let unclaimed = tide.segment.unclaimed();
        if let Some(average) = tide.segment.average().or(self.average)
            && average.saturating_mul(u32::try_from(unclaimed).unwrap_or(u32::MAX)) < WORTH_HELP
        {
            return;
        }
        for _ in 0..free.min(unclaimed) {
            // Others may be at work for the same engine, or for a run that this one is a part of.
            let Some(place) = Place::take_below(&self.shared, self.threads()) else { return };
            let helper = Helper {
                segment: Arc::clone(&tide.segment),
                machines: Arc::clone(self.environment.machines()),
                place,
                reports: tide.sender.clone(),
                monitor: self.settings.monitor.clone(),
                runtime: runtime.clone(),
                _in_flight: Arc::clone(&self.crew.places),
            };
            self.statistics.tasks += 1;
            self.statistics.most_threads =
                self.statistics.most_threads.max(Arc::strong_count(&self.crew.places) as u64);
            // Nobody waits for the task: it ends by itself when nothing is left to claim.
            let (tally, asked) = (self.forks.as_ref().map(|forks| Arc::clone(&forks.tally)), Instant::now());
            drop(runtime.spawn_blocking(move || {
                if let Some(tally) = tally {
                    tally.note_queued(asked.elapsed());
                }
                helper.help();
            }));
        }
    }

    /// Draws conclusions from a segment that is over.
    fn learn(&mut self, tide: &Tide) {
        let (claimed, chunks) = tide.segment.claimed();
        self.statistics.chunks += chunks;
        let (locked, largest) = tide.segment.locked();
        self.statistics.locked += locked;
        self.statistics.largest_chunk = self.statistics.largest_chunk.max(largest as u64);
        self.average = tide.segment.average().or(self.average);
        for slot in &tide.slots[tide.next..] {
            if let Some(Speculated::Done { finished, .. }) = &slot.ended {
                self.statistics.vain += finished.reductions;
            }
        }
        if tide.changed {
            self.statistics.retries += u64::try_from(claimed.saturating_sub(tide.next)).unwrap_or(u64::MAX);
            self.window = self.threads().saturating_mul(2);
        } else {
            self.window = self.window.saturating_mul(2);
        }
    }
}

/// Reports whether the text of an atom is known before the end of the evaluation that made it: it mentions neither
/// spaces nor states. Of a big atom nobody knows.
fn has_lasting_text(atom: &Atom) -> bool {
    const MOST_PARTS: usize = 4_096;
    let mut pending = vec![atom];
    for _ in 0..MOST_PARTS {
        match pending.pop() {
            None => return true,
            Some(Atom::Grounded(Grounded::State(_) | Grounded::Space(_) | Grounded::Bindings(_))) => {
                return false;
            }
            Some(atom) => pending.extend(atom.children().unwrap_or_default()),
        }
    }
    false
}

impl Tide {
    fn is_over(&self) -> bool {
        self.changed || self.next == self.slots.len()
    }

    fn put(&mut self, index: usize, ended: Speculated) {
        self.slots[index].ended = Some(ended);
    }
}

impl Drop for Tide {
    /// Sends the helpers home, also when the run ends early.
    fn drop(&mut self) {
        self.segment.cut(0);
    }
}
