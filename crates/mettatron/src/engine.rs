//! An engine: a library, settings, and what programs have built up.

use std::sync::Arc;

use metta_atom::Atom;
use metta_config::{AdaptiveEvalConfig, EvalConfig, get_eval_config};
use metta_eval::{BuiltinModule, Library, ModuleSource, Operation, PatternError, SpaceStore};
use metta_sched::{Environment, Forking, MettaState, Monitor, Outcome, Run, RunError, RunLimits, Statistics};
use tokio::runtime::Handle;

use crate::{CompileError, compile_with};

/// Why a program gave no results.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Its text is malformed; nothing of it was run.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// Its run was stopped.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Settings of an [`Engine`] to be.
///
/// ```
/// use mettatron::{Atom, Effect, Engine, Function, RunLimits};
///
/// let size = |args: &[Atom]| Ok(vec![Atom::integer(args[0].to_string().len() as i64)]);
/// let mut engine = Engine::builder()
///     .operation(Function::new("size", "(-> Atom Number)", Effect::Pure, size))
///     .word("&self-made", Atom::symbol("mine"))
///     .limits(RunLimits { steps: Some(10_000), ..RunLimits::default() })
///     .keep_going(true)
///     .build();
/// let lists = engine.run("!(/ 1 0) !(size (a b)) &self-made !(match &self mine found)")?;
/// assert!(lists[0][0].is_error());
/// assert_eq!(lists[1..], [[Atom::integer(5)], [Atom::symbol("found")]]);
/// # Ok::<(), mettatron::EngineError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Builder {
    library: Library,
    config: Option<EvalConfig>,
    adaptive: Option<AdaptiveEvalConfig>,
    monitor: Monitor,
    limits: RunLimits,
    keep_going: bool,
    forking: Forking,
    runtime: Option<Handle>,
}

impl Builder {
    /// Sets the threads and chunks of a batch; the default is that of the process.
    pub fn config(mut self, config: EvalConfig) -> Self {
        self.config = Some(config);
        self
    }

    /// Sets how many expressions may be evaluated at the same moment.
    pub fn jobs(mut self, jobs: usize) -> Self {
        let config = self.config.unwrap_or_else(get_eval_config);
        self.config = Some(EvalConfig { max_blocking_threads: jobs, ..config });
        self
    }

    /// Lets the number of threads of a batch follow the work: see [`Run::adaptive`].
    pub fn adaptive(mut self, adaptive: AdaptiveEvalConfig) -> Self {
        self.adaptive = Some(adaptive);
        self
    }

    /// Sets the limits of each run.
    pub fn limits(mut self, limits: RunLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Goes on after a result list with an `Error`.
    pub fn keep_going(mut self, keep_going: bool) -> Self {
        self.keep_going = keep_going;
        self
    }

    /// Sets whether one expression may be evaluated on several threads of a run that has them.
    pub fn forking(mut self, forking: Forking) -> Self {
        self.forking = forking;
        self
    }

    /// Replaces the library, operations added before included.
    pub fn library(mut self, library: Library) -> Self {
        self.library = library;
        self
    }

    /// Adds an operation; one of the same name is replaced.
    pub fn operation(mut self, operation: impl Operation + 'static) -> Self {
        self.library.register(Arc::new(operation));
        self
    }

    /// Lets `word` stand for `atom`: see [`Library::register_word`].
    pub fn word(mut self, word: impl Into<String>, atom: Atom) -> Self {
        self.library.register_word(word, atom);
        self
    }

    /// Adds a literal of the host: see [`Library::register_token`].
    ///
    /// # Errors
    /// [`PatternError`] when `pattern` is no regular expression.
    pub fn token<F>(mut self, pattern: &str, make: F) -> Result<Self, PatternError>
    where
        F: Fn(&str) -> Option<Atom> + Send + Sync + 'static,
    {
        self.library.register_token(pattern, make)?;
        Ok(self)
    }

    /// Lets programs import modules from `source`, such as [`modules::Files`](crate::modules::Files).
    pub fn modules(mut self, source: impl ModuleSource + 'static) -> Self {
        self.library.set_modules(Arc::new(source));
        self
    }

    /// Lets programs open and save spaces in `store`, such as [`SpaceFiles`](crate::SpaceFiles).
    pub fn store(mut self, store: impl SpaceStore + 'static) -> Self {
        self.library.set_store(Arc::new(store));
        self
    }

    /// Adds a module that programs can import by its name; one of the same name is replaced.
    pub fn module(mut self, module: BuiltinModule) -> Self {
        self.library.add_module(module);
        self
    }

    /// Lets [`Engine::run`] use the blocking pool of `runtime` for batches.
    pub fn runtime(mut self, runtime: Handle) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Makes the engine.
    pub fn build(self) -> Engine {
        let environment = Environment::new(self.library.clone());
        Engine { settings: self, environment, statistics: Statistics::default() }
    }
}

/// An engine that runs programs one after the other.
///
/// Each sees what the earlier ones defined.
///
/// ```
/// use mettatron::Engine;
///
/// let mut engine = Engine::new();
/// engine.run("(= (double $x) (* 2 $x))")?;
/// let lists = engine.run("!(double 21) !(double (superpose (1 2)))")?;
/// assert_eq!(format!("{lists:?}"), "[[42], [2, 4]]");
/// assert_eq!(engine.stats().expressions, 2);
/// # Ok::<(), mettatron::EngineError>(())
/// ```
#[derive(Debug)]
pub struct Engine {
    settings: Builder,
    environment: Environment,
    statistics: Statistics,
}

impl Default for Engine {
    fn default() -> Self {
        Engine::new()
    }
}

impl Engine {
    /// Makes an engine with the standard library and without limits.
    pub fn new() -> Self {
        Engine::builder().build()
    }

    /// Begins to make an engine.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Reads a program without running it.
    ///
    /// # Errors
    /// [`CompileError`] with every mistake in the text.
    pub fn compile(&self, text: &str) -> Result<MettaState, CompileError> {
        compile_with(text, &self.settings.library)
    }

    /// Runs a program and returns the result list of each `!` in it, up to the first
    /// list with an `Error` atom unless the engine keeps going.
    ///
    /// Answers: sequences. Blocks: until the run ends; uses the calling thread, and those
    /// of the runtime given to the builder, if any.
    ///
    /// # Errors
    /// See [`EngineError`]. What was committed before a run was stopped stays.
    pub fn run(&mut self, text: &str) -> Result<Vec<Vec<Atom>>, EngineError> {
        let compiled = self.compile(text)?;
        let outcome = self.execute(compiled, |run| run);
        outcome.error.map_or(Ok(outcome.state.output), |error| Err(error.into()))
    }

    /// Runs a program like [`Engine::run`], on the blocking pool of the current Tokio runtime; a short
    /// program begins on the calling task.
    ///
    /// Dropping the future cancels the run and leaves the engine as it was before, except
    /// that handles of its spaces given out earlier no longer belong to it.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn run_async(&mut self, text: &str) -> Result<Vec<Vec<Atom>>, EngineError> {
        let compiled = self.compile(text)?;
        let fork = self.environment.clone();
        let accumulated = self.accumulated(fork);
        let mut outcome = self.prepare().spawn(accumulated, compiled).await?;
        self.environment = std::mem::take(&mut outcome.state.environment);
        self.statistics += outcome.statistics;
        outcome.error.map_or(Ok(outcome.state.output), |error| Err(error.into()))
    }

    /// Runs what was compiled, with more control: `configure` may add an event sink, a
    /// cancel token or other limits to the run. Blocks like [`Engine::run`].
    ///
    /// The environment stays in the engine; the one in the outcome is empty.
    ///
    /// ```
    /// use std::sync::mpsc::channel;
    ///
    /// use mettatron::{Engine, Event};
    ///
    /// let mut engine = Engine::new();
    /// let program = engine.compile("!(println! one) !(+ 1 1)")?;
    /// let (sender, events) = channel();
    /// let outcome = engine.execute(program, |run| run.on_event(move |event| drop(sender.send(event))));
    /// assert!(outcome.error.is_none());
    /// assert_eq!(events.iter().next(), Some(Event::Printed("one".to_owned())));
    /// # Ok::<(), mettatron::CompileError>(())
    /// ```
    pub fn execute(&mut self, compiled: MettaState, configure: impl FnOnce(Run) -> Run) -> Outcome {
        let run = configure(self.prepare());
        let empty = Environment::new(self.settings.library.clone());
        let accumulated = self.accumulated(empty);
        let mut outcome = match &self.settings.runtime {
            None => run.sequential(accumulated, compiled),
            Some(runtime) => run.on(runtime, accumulated, compiled),
        };
        self.environment = std::mem::take(&mut outcome.state.environment);
        self.statistics += outcome.statistics;
        outcome
    }

    /// Returns what programs have built up.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Returns what programs have built up, to add to it or to share its spaces.
    ///
    /// ```
    /// use mettatron::{Atom, Engine, SpaceId};
    ///
    /// let mut engine = Engine::new();
    /// let space = engine.environment_mut().space(SpaceId::TOP).expect("the main space");
    /// space.add(&Atom::symbol("news"));
    /// assert_eq!(engine.run("!(match &self news heard)")?, [[Atom::symbol("heard")]]);
    /// # Ok::<(), mettatron::EngineError>(())
    /// ```
    pub fn environment_mut(&mut self) -> &mut Environment {
        &mut self.environment
    }

    /// Returns a monitor, which shows from any thread what the threads of a run are doing.
    pub fn monitor(&self) -> Monitor {
        self.settings.monitor.clone()
    }

    /// Returns the counts of all runs so far.
    pub fn stats(&self) -> Statistics {
        self.statistics
    }

    /// Prints a result: states by content, spaces by name.
    ///
    /// ```
    /// let mut engine = mettatron::Engine::new();
    /// let lists = engine.run("!(new-state 7)")?;
    /// assert_eq!(engine.print(&lists[0][0]), "(State 7)");
    /// # Ok::<(), mettatron::EngineError>(())
    /// ```
    pub fn print(&self, atom: &Atom) -> String {
        self.environment.world().print(atom)
    }

    /// Takes the environment out and leaves `instead` in its place.
    fn accumulated(&mut self, instead: Environment) -> MettaState {
        let environment = std::mem::replace(&mut self.environment, instead);
        MettaState { source: Vec::new(), environment, output: Vec::new() }
    }

    fn prepare(&self) -> Run {
        let run = Run::new()
            .limits(self.settings.limits.clone())
            .keep_going(self.settings.keep_going)
            .forking(self.settings.forking)
            .monitor(&self.settings.monitor);
        let run = match self.settings.adaptive {
            None => run,
            Some(adaptive) => run.adaptive(adaptive),
        };
        match self.settings.config {
            None => run,
            Some(config) => run.config(config),
        }
    }
}
