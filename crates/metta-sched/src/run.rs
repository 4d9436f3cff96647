//! Entry points.

use metta_config::{AdaptiveEvalConfig, EvalConfig, get_eval_config};
use metta_syntax::Form;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::consume_budget;

use crate::cancel::{CancelOnDrop, Watch};
use crate::coordinator::here::{self, Begun};
use crate::coordinator::{Coordinator, Settings};
use crate::event::Sink;
use crate::forks::{Current, Forking};
use crate::{CancelToken, Event, MettaState, Monitor, Observer, Outcome, RunError, RunLimits};

/// How to run a program: configuration, limits, cancellation, events.
///
/// ```
/// use metta_sched::{Library, MettaState, Run, RunLimits};
///
/// let library = Library::new();
/// let forms = metta_syntax::parse("(= (f) (f)) !(+ 1 2) !(f)", &library).forms;
/// let limits = RunLimits { steps: Some(1_000), ..RunLimits::default() };
/// let outcome = Run::new()
///     .limits(limits)
///     .sequential(MettaState::new(library.clone()), MettaState::compiled(library, forms));
/// assert_eq!(outcome.state.output[0][0].to_string(), "3");
/// assert!(matches!(outcome.error, Some(error) if error.code() == "E0301"));
/// ```
pub struct Run {
    config: EvalConfig,
    adaptive: Option<AdaptiveEvalConfig>,
    monitor: Option<Monitor>,
    limits: RunLimits,
    cancel: CancelToken,
    keep_going: bool,
    streams: bool,
    forking: Forking,
    sink: Option<Sink>,
    observer: Option<Box<dyn Observer>>,
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run")
            .field("config", &self.config)
            .field("limits", &self.limits)
            .field("keep_going", &self.keep_going)
            .finish_non_exhaustive()
    }
}

impl Default for Run {
    fn default() -> Self {
        Run::new()
    }
}

impl Run {
    /// Makes a run with the configuration of the process, without limits and events.
    pub fn new() -> Self {
        Run {
            config: get_eval_config(),
            adaptive: None,
            monitor: None,
            limits: RunLimits::default(),
            cancel: CancelToken::new(),
            keep_going: false,
            streams: false,
            forking: Forking::default(),
            sink: None,
            observer: None,
        }
    }

    /// Sets how many threads take part and how many expressions each takes at once.
    ///
    /// `max_blocking_threads` bounds the tasks in flight. Computing takes as many as there
    /// are processors; more are used while expressions wait inside host operations.
    /// `batch_size_hint` is the size of a chunk while the cost of expressions is unknown;
    /// then it follows the measured cost.
    pub fn config(mut self, config: EvalConfig) -> Self {
        self.config = config;
        self
    }

    /// Lets the number of threads that take part follow the work.
    ///
    /// The most threads are those of `adaptive`, and no more than `max_blocking_threads`.
    pub fn adaptive(mut self, adaptive: AdaptiveEvalConfig) -> Self {
        self.adaptive = Some(adaptive);
        self
    }

    /// Lets `monitor` show what the threads of the run are doing.
    pub fn monitor(mut self, monitor: &Monitor) -> Self {
        self.monitor = Some(monitor.clone());
        self
    }

    /// Sets the limits.
    pub fn limits(mut self, limits: RunLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Lets `cancel` stop the run.
    pub fn cancel(mut self, cancel: CancelToken) -> Self {
        self.cancel = cancel;
        self
    }

    /// Goes on after a result list with an `Error`.
    pub fn keep_going(mut self, keep_going: bool) -> Self {
        self.keep_going = keep_going;
        self
    }

    /// Tells of results before the expression that has them has ended: see [`Event::Found`].
    ///
    /// Only an expression that is evaluated in its turn is told of like this, one by itself at the latest; and of one
    /// that answers with spaces or states only what comes before them, since their text is that at the end.
    pub fn stream(mut self, streams: bool) -> Self {
        self.streams = streams;
        self
    }

    /// Sets whether one expression may be evaluated on several threads, where the run has them.
    ///
    /// A program may ask for fewer threads, or for one, by `(pragma! parallel ...)`.
    pub fn forking(mut self, forking: Forking) -> Self {
        self.forking = forking;
        self
    }

    /// Calls `sink` with every event, in program order and as soon as it is certain.
    ///
    /// The calls come from the thread that coordinates the run, which works on nothing
    /// else meanwhile.
    pub fn on_event(mut self, sink: impl FnMut(Event) + Send + 'static) -> Self {
        self.sink = Some(Box::new(sink));
        self
    }

    /// Lets `observer` look at the machine between its steps. Then one expression is evaluated after the other, on
    /// the thread that coordinates the run.
    pub fn observe(mut self, observer: impl Observer + 'static) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Runs on the calling thread alone. It needs no runtime.
    pub fn sequential(self, accumulated: MettaState, compiled: MettaState) -> Outcome {
        self.coordinate(None, CancelToken::new(), accumulated, compiled)
    }

    /// Runs on the calling thread, with helpers on the blocking pool of `runtime`.
    ///
    /// Blocks: until the run ends, so not for a thread that drives async tasks. It makes
    /// progress even when the pool has no thread to spare.
    pub fn on(self, runtime: &Handle, accumulated: MettaState, compiled: MettaState) -> Outcome {
        self.coordinate(Some(runtime.clone()), CancelToken::new(), accumulated, compiled)
    }

    /// Runs on the blocking pool of the current Tokio runtime. Dropping the future
    /// cancels the run.
    ///
    /// A short program in a small world begins on the calling task, and goes on in the pool if it has not ended after
    /// some ten microseconds of work, or calls an operation of the host. Others get their turn: the run takes part in
    /// the cooperative scheduling of the runtime. A run with an event sink is on the pool from the start. One that an
    /// operation of the host awaits, while it is called, runs on the thread of that call, to its end at the first poll.
    ///
    /// # Errors
    /// [`RunError::Shutdown`] when the runtime does not start it any more, [`RunError::NoRuntime`] when there is
    /// none; what stopped a run that began is in the [`Outcome`].
    ///
    /// # Panics
    /// When the event sink does.
    pub async fn spawn(self, accumulated: MettaState, compiled: MettaState) -> Result<Outcome, RunError> {
        let Ok(runtime) = Handle::try_current() else { return Err(RunError::NoRuntime) };
        let guard = CancelOnDrop(CancelToken::new());
        let dropped = guard.0.clone();
        let helpers = runtime.clone();
        if Current::crew().is_some() {
            // An operation awaits it, on a thread that may be the only one of the pool.
            return Ok(self.coordinate(Some(helpers), dropped, accumulated, compiled));
        }
        let task = if self.sink.is_none() && self.observer.is_none() && here::fits(&compiled) {
            consume_budget().await;
            let (mut coordinator, source) = self.prepare(Some(helpers), dropped, accumulated, compiled);
            let (begun, units) = coordinator.begin_here(&source);
            match begun {
                Begun::Ended(result) => {
                    let outcome = coordinator.finish(result.err());
                    for _ in 0..units {
                        consume_budget().await;
                    }
                    return Ok(outcome);
                }
                Begun::Leaves => runtime.spawn_blocking(move || coordinator.run_to_end(&source)),
            }
        } else {
            runtime.spawn_blocking(move || self.coordinate(Some(helpers), dropped, accumulated, compiled))
        };
        match task.await {
            Ok(outcome) => Ok(outcome),
            Err(failure) if failure.is_panic() => std::panic::resume_unwind(failure.into_panic()),
            Err(_) => Err(RunError::Shutdown),
        }
    }

    fn coordinate(
        self,
        runtime: Option<Handle>,
        dropped: CancelToken,
        accumulated: MettaState,
        compiled: MettaState,
    ) -> Outcome {
        let (coordinator, source) = self.prepare(runtime, dropped, accumulated, compiled);
        coordinator.run_to_end(&source)
    }

    /// Puts together what runs, and returns the forms that it is to run.
    fn prepare(
        self,
        runtime: Option<Handle>,
        dropped: CancelToken,
        accumulated: MettaState,
        compiled: MettaState,
    ) -> (Coordinator, Vec<Form>) {
        // A fresh accumulated state stands for "none", so that what was compiled keeps its library.
        let environment =
            if accumulated.environment.is_fresh() { compiled.environment } else { accumulated.environment };
        let watch = Watch::start(vec![self.cancel, dropped], self.limits.time);
        let settings = Settings {
            interrupt: watch.interrupt(),
            watch,
            limits: self.limits.machine(),
            time: self.limits.expression_time,
            run_steps: self.limits.run_steps,
            keep_going: self.keep_going,
            streams: self.streams && self.sink.is_some(),
            runtime: runtime.filter(|_| self.observer.is_none()),
            observer: self.observer,
            config: self.config,
            adaptive: self.adaptive,
            monitor: self.monitor,
            forking: self.forking,
        };
        (Coordinator::new(settings, environment, self.sink), compiled.source)
    }
}

/// Runs `compiled` in the environment of `accumulated`, on the calling thread alone.
///
/// The result holds the new environment and this run's output. An environment that
/// nothing was done with stands for none: the compiled one takes its place.
///
/// # Errors
/// See [`RunError`]. An `Error` among the results is an answer, after which the run ends.
pub fn run_state(accumulated: MettaState, compiled: MettaState) -> Result<MettaState, RunError> {
    Run::new().sequential(accumulated, compiled).into_result()
}

/// Runs `compiled` like [`run_state`], batches in parallel on the blocking pool of the
/// current Tokio runtime, with the same results.
///
/// # Errors
/// See [`RunError`].
pub async fn run_state_async(accumulated: MettaState, compiled: MettaState) -> Result<MettaState, RunError> {
    Run::new().spawn(accumulated, compiled).await?.into_result()
}

/// Runs `compiled` like [`run_state_async`] from code that cannot await.
///
/// Outside a runtime it is [`run_state`]. On a worker of a multi-thread runtime the
/// worker's other tasks move elsewhere first.
///
/// # Errors
/// See [`RunError`]; [`RunError::CurrentThread`] on a current-thread runtime, [`RunError::LocalSet`] inside a
/// `LocalSet`. Only trying tells the latter, so the panic hook of the process is called for it.
pub fn run_state_sync(accumulated: MettaState, compiled: MettaState) -> Result<MettaState, RunError> {
    let Ok(runtime) = Handle::try_current() else {
        return run_state(accumulated, compiled);
    };
    if runtime.runtime_flavor() == RuntimeFlavor::CurrentThread {
        return Err(RunError::CurrentThread);
    }
    if std::panic::catch_unwind(|| tokio::task::block_in_place(|| ())).is_err() {
        return Err(RunError::LocalSet);
    }
    tokio::task::block_in_place(|| Run::new().on(&runtime, accumulated, compiled)).into_result()
}
