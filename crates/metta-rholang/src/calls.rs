//! What a node calls: compile a text, run a state on another.
//!
//! A call reads both states, runs, and writes the result. The environment of a state is read once and kept
//! (`cache`); a result whose space did not change has the very bytes of the state that it came from, and one
//! whose space only grew has them with the new records behind.

mod free;
mod reply;
mod settings;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use metta_atom::{Atom, SpaceId};
use metta_eval::World;
use metta_sched::{CancelToken, Environment, Library, MettaState, Outcome, Run, RunError};
use metta_space::Snapshot;
use metta_sync::{Held, Ranked};
use metta_syntax::{Form, LineIndex, parse};
use tokio::runtime::Handle;

use crate::cache::{self, Cache, CacheStatistics, Found, Known};
use crate::par::{ExprKind, Par};
use crate::space::Tables;
use crate::state::{Parts, main_space};
use crate::threads;
use crate::{Codec, SpaceError, StateError};
pub use free::{metta_compile, metta_compile_safe, run_pars, run_state, run_state_async, try_run_state};
pub use reply::{CallError, Cost, Reply};
pub use settings::Builder;

/// Compiles and runs for a node. Clones share settings and cache.
///
/// ```
/// use metta_rholang::{Bridge, par::Par};
///
/// let bridge = Bridge::default();
/// let rules = bridge.compile_par(&Par::string("(= (double $x) (* 2 $x))"));
/// let query = bridge.compile_par(&Par::string("!(double 21)"));
/// let state = bridge.run_pars(&Par::path_map(vec![]), &rules);
/// let answer = bridge.codec().state_from_par(&bridge.run_pars(&state, &query))?;
/// assert_eq!(answer.output[0][0].to_string(), "42");
/// # Ok::<(), metta_rholang::StateError>(())
/// ```
#[derive(Clone)]
pub struct Bridge(Arc<Inner>);

struct Inner {
    settings: Builder,
    cache: Ranked<Cache, 1>,
}

impl fmt::Debug for Bridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bridge").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

impl Default for Bridge {
    fn default() -> Self {
        Bridge::builder().build()
    }
}

/// A state as it came.
enum Given {
    Par(Par),
    Bytes(Bytes),
}

/// A new state on its way out.
struct Made {
    parts: Parts,
}

impl Bridge {
    /// Begins to make a bridge.
    pub fn builder() -> Builder {
        Builder::default()
    }

    fn with(settings: Builder) -> Self {
        let cache = Ranked::new(Cache::new(settings.cache_bytes));
        Bridge(Arc::new(Inner { settings, cache }))
    }

    /// Makes a bridge of the legacy dialect with the operations of `library`.
    pub fn new(library: Library) -> Self {
        Bridge::builder().codec(Codec::new(library)).build()
    }

    /// Returns the codec.
    pub fn codec(&self) -> &Codec {
        &self.0.settings.codec
    }

    /// Returns how the cache was used.
    pub fn cache_statistics(&self) -> CacheStatistics {
        self.0.cache.lock(&mut Held::root()).0.statistics()
    }

    /// Reads a program without running it.
    ///
    /// # Errors
    /// [`CallError::Syntax`] with the first mistake.
    pub fn metta_compile(&self, source: &str) -> Result<MettaState, CallError> {
        let undone;
        let source = if self.0.settings.undo_escapes {
            undone = undo_escapes(source);
            &undone
        } else {
            source
        };
        let library = &self.codec().library;
        let parsed = parse(source, library);
        match parsed.diagnostics.first() {
            None => Ok(MettaState::compiled(library.clone(), parsed.forms)),
            Some(first) => {
                let (line, column) = LineIndex::new(source).position(first.span.start);
                Err(CallError::Syntax { message: format!("{}: {}", first.code, first.message), line, column })
            }
        }
    }

    /// Reads a program like [`Bridge::metta_compile`]; a mistake is the state that has it as its output.
    ///
    /// Running that state hands the mistake on.
    pub fn metta_compile_safe(&self, source: &str) -> MettaState {
        self.metta_compile(source).unwrap_or_else(|error| self.failed(&error))
    }

    fn failed(&self, error: &CallError) -> MettaState {
        let error = Atom::error(Atom::unit(), Atom::text(error.to_string()));
        let state = MettaState::new(self.codec().library.clone());
        MettaState { output: vec![vec![error]], ..state }
    }

    /// Compiles a source for the channel `rho:metta:compile`: always one state.
    ///
    /// What is no string, or no program, is the state that has the error as its output.
    pub fn compile_par(&self, source: &Par) -> Par {
        let state = match source.as_expr() {
            Some(ExprKind::String(source)) => self.metta_compile_safe(source),
            _ => self.failed(&CallError::InvalidSource),
        };
        let too_deep = |error| self.codec().state_to_par(&self.failed(&CallError::ExtractionFailed(error)));
        // Of a state without atoms the second cannot fail.
        self.codec().state_to_par(&state).or_else(too_deep).unwrap_or_default()
    }

    /// Runs `compiled` on `accumulated` and returns with the result; nothing goes on behind.
    ///
    /// The calling thread works, with helpers from the blocking pool of the current Tokio runtime if there is one.
    /// It never waits for a thread that may not come, so it ends on every kind of runtime, however small its pool
    /// is and however many calls there are.
    ///
    /// Blocks: until the run ends.
    ///
    /// # Errors
    /// See [`RunError`].
    pub fn run_state(&self, accumulated: MettaState, compiled: MettaState) -> Result<MettaState, RunError> {
        self.outcome(self.prepare(), accumulated, compiled).into_result()
    }

    /// Runs like [`Bridge::run_state`] on the blocking pool of the current Tokio runtime, or on the calling task as long
    /// as it is short. Dropping the future cancels the run.
    ///
    /// # Errors
    /// See [`RunError`].
    ///
    /// # Panics
    /// When there is no current Tokio runtime.
    pub async fn run_state_async(
        &self,
        accumulated: MettaState,
        compiled: MettaState,
    ) -> Result<MettaState, RunError> {
        self.prepare().spawn(accumulated, compiled).await?.into_result()
    }

    /// Runs like [`Bridge::run_state`], from a task of a multi-thread runtime in such a way that other tasks of
    /// its thread move elsewhere first.
    ///
    /// Where that is not possible (a current-thread runtime, a `LocalSet`) a thread is started for the run, and
    /// this one waits for it.
    ///
    /// # Errors
    /// See [`RunError`].
    pub fn try_run_state(
        &self,
        accumulated: MettaState,
        compiled: MettaState,
    ) -> Result<MettaState, RunError> {
        threads::give_way(|| self.outcome(self.prepare(), accumulated, compiled)).into_result()
    }

    /// Runs the state `compiled` on the state `accumulated`; a failure is `[code, message]`.
    ///
    /// Runs on threads as [`Bridge::run_state`] does. Neither state is changed.
    pub fn run_pars(&self, accumulated: &Par, compiled: &Par) -> Par {
        self.run_with_cost(accumulated, compiled).into_par()
    }

    /// Runs like [`Bridge::run_pars`], and says what it cost.
    pub fn run_with_cost(&self, accumulated: &Par, compiled: &Par) -> Reply<Par> {
        let (accumulated, compiled) = (Given::Par(accumulated.clone()), Given::Par(compiled.clone()));
        self.call(self.prepare(), accumulated, compiled, |made| {
            made.parts.into_par(self.codec().depth_of_par())
        })
    }

    /// Runs like [`Bridge::run_with_cost`], on threads as [`Bridge::try_run_state`] does.
    pub fn try_run_with_cost(&self, accumulated: &Par, compiled: &Par) -> Reply<Par> {
        threads::give_way(|| self.run_with_cost(accumulated, compiled))
    }

    /// Runs like [`Bridge::run_with_cost`] on the blocking pool of the current Tokio runtime. Dropping the future
    /// cancels the run.
    ///
    /// # Panics
    /// When there is no current Tokio runtime.
    pub async fn run_async(&self, accumulated: Par, compiled: Par) -> Reply<Par> {
        let guard = CancelOnDrop(CancelToken::new());
        let run = self.prepare().cancel(guard.0.clone());
        let bridge = self.clone();
        let task = tokio::task::spawn_blocking(move || {
            let depth = bridge.codec().depth_of_par();
            let (accumulated, compiled) = (Given::Par(accumulated), Given::Par(compiled));
            bridge.call(run, accumulated, compiled, |made| made.parts.into_par(depth))
        });
        match task.await {
            Ok(reply) => reply,
            Err(failure) if failure.is_panic() => std::panic::resume_unwind(failure.into_panic()),
            Err(_) => {
                let error = CallError::EvaluationFailed(RunError::Shutdown);
                Reply { result: Err(error), cost: Cost::default() }
            }
        }
    }

    /// Runs like [`Bridge::run_with_cost`] on states as bytes, which may nest deeper than structs.
    pub fn run_bytes(&self, accumulated: Bytes, compiled: Bytes) -> Reply<Vec<u8>> {
        let (accumulated, compiled) = (Given::Bytes(accumulated), Given::Bytes(compiled));
        self.call(self.prepare(), accumulated, compiled, |made| Ok(made.parts.into_bytes()))
    }

    fn prepare(&self) -> Run {
        let settings = &self.0.settings;
        let run = Run::new().limits(settings.limits.clone()).keep_going(settings.keep_going);
        match settings.config {
            None => run,
            Some(config) => run.config(config),
        }
    }

    fn outcome(&self, run: Run, accumulated: MettaState, compiled: MettaState) -> Outcome {
        match Handle::try_current() {
            Ok(runtime) => run.on(&runtime, accumulated, compiled),
            Err(_) => run.sequential(accumulated, compiled),
        }
    }

    fn call<T>(
        &self,
        run: Run,
        accumulated: Given,
        compiled: Given,
        finish: impl FnOnce(Made) -> Result<T, StateError>,
    ) -> Reply<T> {
        let mut cost = Cost::default();
        let result = self.try_call(run, accumulated, compiled, &mut cost).and_then(|made| {
            cost.written_bytes = made.parts.size_bytes();
            finish(made).map_err(CallError::ExtractionFailed)
        });
        Reply { result, cost }
    }

    fn try_call(
        &self,
        run: Run,
        accumulated: Given,
        compiled: Given,
        cost: &mut Cost,
    ) -> Result<Made, CallError> {
        let depth = match accumulated {
            Given::Par(_) => self.codec().depth_of_par(),
            Given::Bytes(_) => self.codec().depth_of_bytes(),
        };
        let accumulated = self.parts(accumulated, cost).map_err(CallError::InvalidAccumulatedState)?;
        let compiled = self.parts(compiled, cost).map_err(CallError::InvalidCompiledState)?;
        let mut base = self.known(accumulated.as_ref()).map_err(CallError::InvalidAccumulatedState)?;
        let program = self.program(compiled.as_ref()).map_err(CallError::InvalidCompiledState)?;
        if let Program::Failed(output) = program {
            let tables = base.tables(self.codec()).map_err(CallError::ExtractionFailed)?;
            return Ok(Made { parts: Parts { source: self.no_forms()?, tables, output } });
        }
        let Program::Source { source, space } = program else { return Err(CallError::InvalidSource) };
        // An accumulated state without facts stands for none.
        if base.known.space.is_none() {
            base = *space;
        }
        let old = MettaState {
            source: Vec::new(),
            environment: base.known.environment.clone(),
            output: Vec::new(),
        };
        let library = self.codec().library.clone();
        let outcome = self.outcome(run, old, MettaState::compiled(library, source));
        cost.reductions = outcome.statistics.reductions;
        cost.expressions = outcome.statistics.expressions;
        let new = outcome.into_result()?;
        let written = self.write(&base, &new, depth).map_err(CallError::ExtractionFailed)?;
        Ok(Made { parts: written })
    }

    fn no_forms(&self) -> Result<Bytes, CallError> {
        let written = self.codec().write_source(&[], self.codec().depth_of_bytes());
        written.map_err(|error| CallError::ExtractionFailed(error.into()))
    }

    fn parts(&self, given: Given, cost: &mut Cost) -> Result<Option<Parts>, StateError> {
        let parts = match given {
            Given::Par(par) => Parts::of_par(&par)?,
            Given::Bytes(bytes) => Parts::of_bytes(&bytes, self.codec().depth_of_bytes())?,
        };
        cost.read_bytes += parts.as_ref().map_or(0, Parts::size_bytes);
        Ok(parts)
    }

    /// Returns what is known about the space of a state.
    fn known(&self, parts: Option<&Parts>) -> Result<Base, StateError> {
        let Some(Parts { tables, .. }) = parts else {
            let environment = Environment::new(self.codec().library.clone());
            return Ok(Base { known: Known { environment, space: None, canonical: false }, tables: None });
        };
        let key = cache::key(tables);
        let found = self.0.cache.lock(&mut Held::root()).0.find(tables, key);
        let canonical = match found {
            Found::Known(known) => return Ok(Base { known: *known, tables: Some(tables.clone()) }),
            Found::Written => true,
            Found::Nothing => false,
        };
        // Read outside of the lock: others find what they look for meanwhile.
        let environment = self.codec().read_environment(tables)?;
        let space = main_space(&environment)?;
        let known = Known { environment, space, canonical };
        self.keep(tables.clone(), key, Some(known.clone()));
        Ok(Base { known, tables: Some(tables.clone()) })
    }

    fn keep(&self, tables: Tables, key: u64, known: Option<Known>) {
        self.0.cache.lock(&mut Held::root()).0.insert(tables, key, known);
    }

    fn program(&self, parts: Option<&Parts>) -> Result<Program, StateError> {
        let source = match parts {
            None => Vec::new(),
            Some(parts) => self.codec().read_source(&parts.source)?,
        };
        let space = self.known(parts)?;
        if let Some(parts) = parts
            && source.is_empty()
            && space.known.space.is_none()
            && self.codec().is_failure(&parts.output)?
        {
            return Ok(Program::Failed(parts.output.clone()));
        }
        Ok(Program::Source { source, space: Box::new(space) })
    }

    /// Writes a new state; its tables are those of `base` as far as its space is.
    fn write(&self, base: &Base, new: &MettaState, depth: usize) -> Result<Parts, StateError> {
        let codec = self.codec();
        let source = codec.write_source(&[], depth)?;
        let output = codec.write_output(&new.output, depth)?;
        let space = main_space(&new.environment)?;
        // Bytes of the other layout are not handed back: the rest of the state is in ours.
        let tables = base.tables.as_ref().filter(|tables| tables.layout == codec.layout);
        let tables = match (tables.zip(base.known.space.as_ref()), &space) {
            (Some((tables, old)), Some(space)) if old.version() == space.version() => tables.clone(),
            (_, None) => codec.write_tables(std::iter::empty())?,
            (old, Some(space)) => self.write_changed(old.filter(|_| base.known.canonical), space)?,
        };
        Ok(Parts { source, tables, output })
    }

    fn write_changed(
        &self,
        old: Option<(&Tables, &Snapshot)>,
        space: &Snapshot,
    ) -> Result<Tables, SpaceError> {
        let codec = self.codec();
        if let Some((tables, old)) = old
            && let Some(facts) = space.appended_since(old)
            && let Some(tables) = codec.append_tables(tables, &facts)?
        {
            // K1: what is kept must be what reading the bytes would make.
            let known = codec.reads_as(&facts).then(|| {
                let mut world = World::new();
                world.set_space(SpaceId::TOP, space.clone());
                let environment = Environment::from_world(codec.library.clone(), world);
                Known { environment, space: Some(space.clone()), canonical: true }
            });
            self.keep(tables.clone(), cache::key(&tables), known);
            return Ok(tables);
        }
        let tables = codec.write_tables(space.iter())?;
        self.keep(tables.clone(), cache::key(&tables), None);
        Ok(tables)
    }
}

/// What a run begins with.
struct Base {
    known: Known,
    /// `None` for the empty path map.
    tables: Option<Tables>,
}

impl Base {
    fn tables(&self, codec: &Codec) -> Result<Tables, StateError> {
        match &self.tables {
            Some(tables) => Ok(tables.clone()),
            None => Ok(codec.write_tables(std::iter::empty())?),
        }
    }
}

/// What a compiled state is.
enum Program {
    Source {
        source: Vec<Form>,
        space: Box<Base>,
    },
    /// The mistakes of a text that was no program, as an output.
    Failed(Bytes),
}

/// Cancels its token when dropped: the guard of a future that may be abandoned.
struct CancelOnDrop(CancelToken);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Reads `\"` and `\\` as `"` and `\`.
fn undo_escapes(text: &str) -> String {
    let mut undone = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let escaped = if c == '\\' { chars.next_if(|next| matches!(next, '"' | '\\')) } else { None };
        undone.push(escaped.unwrap_or(c));
    }
    undone
}
