//! The machine: one thread that evaluates one expression at a time.
//!
//! Its state is a task (what to do next), continuations (who waits for the
//! result) and choice points (what else could have been done). Everything lives
//! in vectors of the machine's own, so depth is bounded by memory only and a run
//! can stop after any task and go on later.
//!
//! ```text
//!  task ── Eval ──► arguments ──► call ──► result ──► Eval of the result ...
//!    │                                        └────► Return ──► innermost frame
//!    └── Fail ──► newest choice point: cut heap, trail and frames back, next alternative
//! ```
//!
//! Invariant M1: a frame below the mark of a choice point is never changed but for its exit state and its
//! `found` flag, so it is as it was when the choice point was made.
//! Invariant M2: the elements of an argument block are written from left to right;
//! an alternative of argument `i` rewrites `i` and what follows before anyone reads it.

mod assertions;
mod calls;
mod choices;
mod code;
mod collapse;
mod data;
mod eval;
mod facts;
mod faults;
mod fork;
mod frames;
mod instances;
mod limited;
mod load;
mod look;
mod memory;
mod minimal;
mod open_states;
mod queries;
mod quick;
mod run;
mod settle;
mod shorthand;
#[cfg(test)]
mod tests;
mod typed;
mod values;

use std::sync::Arc;
use std::time::Duration;

use metta_atom::{Atom, SpaceId};

use crate::answers::Answers;
use crate::code::{Code, Extent};
use crate::facts::FactTables;
use crate::footprint::Notes;
use crate::interrupt::Pulse;
use crate::limits::Written;
use crate::program::{Clauses, Head, Program};
use crate::terms::cell::{Cell, SymbolId};
use crate::terms::convert::VariableNames;
use crate::terms::heap::Heap;
use crate::terms::parcel::Parcel;
use crate::{Effect, EvalError, Interrupt, Library, Limits, Stats, World};

pub(crate) use limited::Limit;

pub(crate) use choices::Then;
use choices::{Barrier, Choice};
pub use faults::{Fault, Rule};
pub(crate) use faults::{NO_RULE, RuleId};
use frames::{Frame, Kind};
use limited::Scope;
use load::Load;
pub use look::{Action, Look};
use open_states::OpenStates;

pub(crate) use load::{Request, Wish};

/// What a call of [`Machine::step`] came to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// The budget is used up; call again.
    Yield,
    /// The next reduction needs an effect that was not allowed.
    Blocked(Effect),
    /// The alternatives that come next were given away: see [`Machine::split`].
    Waits,
    /// All results are known.
    Done,
    /// A limit was hit.
    Failed(EvalError),
}

/// What to do next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Task {
    /// Evaluate a term with an expected type; results go to the current frame.
    Eval { term: Cell, expected: Cell },
    /// Run a term if it is an instruction of Minimal MeTTa, else return it as it is.
    Exec(Cell),
    /// Give a result to the current frame.
    Return(Cell),
    /// Give a result to the current frame, past its exit check.
    Deliver(Cell),
    /// Go on in the code of a clause.
    Run { pc: u32, base: u32 },
    /// Reduce a call of a function whose arguments are in an activation.
    Enter { function: u32, base: u32, kept: Kept },
    /// Take the next alternative.
    Fail,
    /// Wait for alternatives that were given away.
    Wait,
    /// Nothing: all alternatives are done.
    Done,
}

/// Whether the arguments of a call evaluated to themselves: when no rule matches it, it is evaluated then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    No,
    Yes,
    /// The site where the current frame goes on has the arguments still.
    AsAtSite,
}

/// Evaluates one expression at a time against a [`World`].
///
/// A machine can be used again and again; it keeps the rules it has compiled.
#[derive(Debug)]
pub struct Machine {
    pub(crate) heap: Heap,
    pub(crate) world: World,
    pub(crate) program: Program,
    pub(crate) library: Library,
    pub(crate) task: Task,
    frames: Vec<Frame>,
    /// The current frame, the one that waits for the next result.
    frame: u32,
    choices: Vec<Choice>,
    /// How many choice points were made, those that are gone included.
    choices_made: u64,
    open_states: OpenStates,
    /// The deepest that continuations may nest, by `pragma! max-stack-depth`.
    stack_depth: u32,
    barriers: Vec<Barrier>,
    /// Results of the `collapse`s under way, innermost last.
    parcels: Vec<Parcel>,
    /// Evaluations under way that have limits of their own, innermost last.
    scopes: Vec<Scope>,
    /// The scope that has used up what it may use.
    exceeded: Option<usize>,
    /// The number of reductions that may be done, by the strictest limit in force.
    last_step: u64,
    /// The time since the evaluation began, as far as the caller has told.
    now: Duration,
    /// The space in which rules and types are looked up.
    pub(crate) space: SpaceId,
    /// The space of the module whose code runs: the evaluation's own, or that of a text being loaded.
    pub(crate) context: SpaceId,
    /// The space of the whole evaluation.
    pub(crate) home: SpaceId,
    /// Texts under way, innermost last.
    loads: Vec<Load>,
    /// The rule whose body is being evaluated (M3).
    rule: RuleId,
    origins: faults::Origins,
    allowed: Effect,
    /// Whether operations of the host may be called.
    calls_host: bool,
    blocked: Option<Effect>,
    /// The strongest effect that was allowed and may have happened.
    strongest: Effect,
    limits: Limits,
    results: Vec<Atom>,
    faults: Vec<Fault>,
    n_results: u64,
    /// Bytes of the results not taken yet.
    result_bytes: u64,
    output: Vec<String>,
    trace: Vec<String>,
    /// Bytes of the lines not taken yet.
    line_bytes: u64,
    /// Bytes written to spaces and states.
    stored_bytes: u64,
    /// Names of variables in what was exported so far.
    names: VariableNames,
    stats: Stats,
    collect_at: usize,
    /// Cells that lists may still take for room in front before garbage is collected.
    room: usize,
    /// Bytes of strings at which garbage is collected.
    collect_outside_at: usize,
    failure: Option<EvalError>,
    interrupt: Interrupt,
    slots: Vec<Cell>,
    pub(crate) code: Code,
    /// How much code there was before and behind that of the expression under way.
    goal_code: Option<(Extent, Extent)>,
    /// Facts that queries ask for again and again.
    pub(crate) facts: FactTables,
    /// Answers of calls that may come again.
    pub(crate) answers: Answers,
    /// The slots of activations, see `code`.
    env: Vec<Cell>,
    /// The calls of functions on leaves that are under way while such a function runs.
    leaf_frames: Vec<code::LeafFrame>,
    /// The slots below this one belong to activations that frames go on with.
    top: u32,
    /// The result that code goes on with.
    acc: Cell,
    /// The number of reductions at which code lets the loop look at limits.
    pause_at: u64,
    /// The number of reductions at which this step is over.
    step_end: u64,
    plain: quick::Plain,
    instances: instances::Instances,
    current: data::Current,
    settling: settle::Settling,
    /// What was asked of spaces and written to them.
    pub(crate) notes: Notes,
    /// What was given to other machines, and what this one began with if it is one of them.
    fork: fork::Fork,
    /// Whether clauses are compiled.
    pub(crate) compiles: bool,
    /// Whether the arguments of the call that is entered are what they were before they were evaluated.
    pub(crate) kept: Kept,
    /// Whether the activation that runs was not left since it was entered: what it evaluated are values, then.
    pub(crate) straight: bool,
    /// Work done inside tasks beyond their number, for fair steps.
    pub(crate) work: u64,
    /// Addresses of expressions known to have no types. Forgotten when cells move or go, and
    /// when declarations change.
    pub(crate) untyped: rustc_hash::FxHashSet<u32>,
    pub(crate) typed: typed::FoundTypes,
    /// Collect garbage before every task.
    #[cfg(test)]
    stress: bool,
}

impl Machine {
    /// Makes a machine with the given operations.
    pub fn new(library: Library) -> Self {
        let compiles = library.compiles_rules();
        let answers = Answers::new(library.tabling());
        let mut heap = Heap::new();
        let program = Program::new(&mut heap);
        Machine {
            heap,
            world: World::empty(),
            program,
            library,
            task: Task::Done,
            frames: Vec::new(),
            frame: 0,
            choices: Vec::new(),
            choices_made: 0,
            open_states: OpenStates::default(),
            stack_depth: u32::MAX,
            barriers: Vec::new(),
            parcels: Vec::new(),
            scopes: Vec::new(),
            exceeded: None,
            last_step: u64::MAX,
            now: Duration::ZERO,
            space: SpaceId::TOP,
            context: SpaceId::TOP,
            home: SpaceId::TOP,
            loads: Vec::new(),
            rule: NO_RULE,
            origins: faults::Origins::default(),
            allowed: Effect::Outside,
            calls_host: true,
            strongest: Effect::Pure,
            blocked: None,
            limits: Limits::default(),
            results: Vec::new(),
            faults: Vec::new(),
            n_results: 0,
            result_bytes: 0,
            output: Vec::new(),
            trace: Vec::new(),
            line_bytes: 0,
            stored_bytes: 0,
            names: VariableNames::default(),
            stats: Stats::default(),
            collect_at: memory::FIRST_COLLECTION,
            room: 0,
            collect_outside_at: memory::FIRST_OUTSIDE,
            failure: None,
            interrupt: Interrupt::default(),
            slots: Vec::new(),
            code: Code::default(),
            goal_code: None,
            facts: FactTables::default(),
            answers,
            env: Vec::new(),
            leaf_frames: Vec::new(),
            step_end: 0,
            top: 0,
            acc: Cell::UNIT,
            pause_at: 0,
            plain: quick::Plain::default(),
            instances: instances::Instances::default(),
            current: data::Current::default(),
            settling: settle::Settling::default(),
            notes: Notes::default(),
            fork: fork::Fork::default(),
            compiles,
            kept: Kept::No,
            straight: false,
            work: 0,
            untyped: rustc_hash::FxHashSet::default(),
            typed: typed::FoundTypes::default(),
            #[cfg(test)]
            stress: false,
        }
    }

    /// Begins the evaluation of `goal` in the space `context` of `world`.
    ///
    /// An effect stronger than `allowed` makes [`Machine::step`] answer [`Step::Blocked`].
    pub fn begin(&mut self, goal: &Atom, context: SpaceId, world: World, limits: &Limits, allowed: Effect) {
        self.reset();
        self.world = world;
        self.space = context;
        self.context = context;
        self.home = context;
        self.limits = limits.clone();
        self.last_step = limits.steps.unwrap_or(u64::MAX);
        self.allow(allowed, true);
        self.heap.limit_ways(limits.memory_bytes);
        self.program.invalidate();
        self.code.invalidate();
        self.current = data::Current::begin(self.code.stamp, context);
        self.heap.states = std::mem::take(&mut self.world.states);
        self.stack_depth = self.world.stack_depth();
        self.answers.begin(limits);
        let mut variables = rustc_hash::FxHashMap::default();
        let term = self.heap.import(goal, &mut variables, true);
        self.open_states.originals = variables.clone();
        let (exit, kind) = (frames::Exit::default(), Kind::Top);
        self.frames.push(Frame { parent: 0, choices: 0, depth: 0, env: 0, rule: NO_RULE, exit, kind });
        if self.world.is_bare_minimal() {
            self.wait_raw(Kind::Deliver);
            self.task = Task::Exec(term);
            return;
        }
        if self.world.checks_types() {
            let errors = self.type_errors(term);
            if !errors.is_empty() {
                self.return_all(&errors);
                return;
            }
        }
        if let Some(task) = self.compiled_goal(goal, &variables) {
            self.task = task;
            return;
        }
        // A literal `Empty` is a symbol like any other; as the result of an expression it means no result.
        self.task = if term.is_expression() {
            Task::Eval { term, expected: crate::terms::symbols::cell(crate::terms::symbols::UNDEFINED) }
        } else {
            Task::Deliver(term)
        };
    }

    /// Returns the type errors of an atom that every reading of it has, as `pragma! type-check auto`
    /// asks for before an atom is added; none when the atom may be added.
    ///
    /// # Errors
    /// The limit that finding the types met.
    pub fn ill_typed(
        &mut self,
        atom: &Atom,
        context: SpaceId,
        world: &World,
        limits: &Limits,
    ) -> Result<Vec<Atom>, EvalError> {
        self.reset();
        self.world = world.clone();
        (self.space, self.context, self.home) = (context, context, context);
        self.limits = limits.clone();
        self.heap.states = std::mem::take(&mut self.world.states);
        self.program.invalidate();
        self.code.invalidate();
        let term = self.heap.import(atom, &mut rustc_hash::FxHashMap::default(), true);
        let errors: Vec<Atom> = self.type_errors(term).into_iter().map(|error| self.export(error)).collect();
        let failure = self.failure.take();
        self.end();
        failure.map_or(Ok(errors), Err)
    }

    /// Returns the results found since the last call, in order.
    pub fn take_results(&mut self) -> Vec<Atom> {
        self.result_bytes = 0;
        std::mem::take(&mut self.results)
    }

    /// Returns the results found since they were last taken, in order.
    pub fn results(&self) -> &[Atom] {
        &self.results
    }

    /// Returns the lines printed since the last call.
    pub fn take_output(&mut self) -> Vec<String> {
        self.line_bytes = 0;
        std::mem::take(&mut self.output)
    }

    /// Returns the lines traced since the last call.
    pub fn take_trace(&mut self) -> Vec<String> {
        std::mem::take(&mut self.trace)
    }

    /// Ends the evaluation and gives the world back, with what was written to it.
    pub fn end(&mut self) -> World {
        let mut world = std::mem::replace(&mut self.world, World::empty());
        world.states = std::mem::take(&mut self.heap.states);
        self.reset();
        world
    }

    /// Lets `interrupt` end the evaluation that has begun, inside of a long step as well: then
    /// [`EvalError::Interrupted`] is what it comes to, and nothing of it is left but what was printed.
    pub fn interrupt_by(&mut self, interrupt: Interrupt) {
        self.interrupt = interrupt;
    }

    /// Returns what the current evaluation has used so far.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    fn reset(&mut self) {
        self.heap.clear();
        self.frames.clear();
        self.frame = 0;
        self.top = 0;
        self.acc = Cell::UNIT;
        self.pause_at = 0;
        self.choices.clear();
        self.choices_made = 0;
        self.open_states.clear();
        self.barriers.clear();
        self.parcels.clear();
        self.scopes.clear();
        self.exceeded = None;
        self.last_step = u64::MAX;
        self.now = Duration::ZERO;
        self.loads.clear();
        self.task = Task::Done;
        self.blocked = None;
        self.strongest = Effect::Pure;
        self.failure = None;
        self.interrupt = Interrupt::default();
        self.results.clear();
        self.faults.clear();
        self.rule = NO_RULE;
        self.origins.clear();
        self.n_results = 0;
        self.output.clear();
        self.trace.clear();
        (self.result_bytes, self.line_bytes, self.stored_bytes) = (0, 0, 0);
        self.names = VariableNames::default();
        self.untyped.clear();
        self.typed.clear();
        self.current = data::Current::default();
        self.notes = Notes::default();
        self.fork = fork::Fork::default();
        self.stats = Stats::default();
        self.answers.clear();
        self.collect_at = memory::FIRST_COLLECTION;
        self.room = 0;
        self.collect_outside_at = memory::FIRST_OUTSIDE;
        memory::release(&mut self.heap.cells);
        memory::release(&mut self.frames);
        memory::release(&mut self.env);
        self.forget_goal();
        self.forget_old_code();
    }

    /// What is declared about a symbol, in the current space.
    pub(crate) fn head(&mut self, id: SymbolId) -> Arc<Head> {
        self.program.head(&mut self.heap, &self.world, self.space, id)
    }

    /// What is declared about a symbol in some space.
    pub(crate) fn head_in(&mut self, space: SpaceId, id: SymbolId) -> Arc<Head> {
        self.program.head(&mut self.heap, &self.world, space, id)
    }

    /// What is declared about heads that are not symbols, in the current space.
    pub(crate) fn open_head(&mut self) -> Arc<Head> {
        self.program.open(&mut self.heap, &self.world, self.space)
    }

    /// The types declared for expressions, whatever their heads are.
    pub(crate) fn all_call_types(&mut self) -> Clauses {
        self.program.all_call_types(&mut self.heap, &self.world, self.space)
    }

    /// Makes the atom of a term, its variables numbered on from those of earlier results. At an interrupt the machine
    /// fails, and the atom means nothing.
    pub(crate) fn export(&mut self, term: Cell) -> Atom {
        let mut pulse = Pulse::new(&self.interrupt);
        let atom = self.heap.export_while(term, &mut self.names, &mut pulse);
        if pulse.is_over() {
            self.fail(EvalError::Interrupted);
        }
        atom
    }

    /// The text of a term as a result shows it. At a text that is too long the machine stops.
    pub(crate) fn text_of(&mut self, term: Cell) -> String {
        let atom = self.export(term);
        let written = Written::within(self.limits.memory_bytes);
        let mut text = String::new();
        std::mem::swap(&mut self.world.states, &mut self.heap.states);
        if !self.world.print_into(&mut text, &atom, written.limit_bytes) {
            self.fail(written.error());
            text.clear();
        }
        std::mem::swap(&mut self.world.states, &mut self.heap.states);
        self.work += text.len() as u64 / 8;
        text
    }

    /// The text of a term as `println!` shows it: a string without quotes, all else as a result.
    pub(crate) fn bare_text_of(&mut self, term: Cell) -> String {
        match self.heap.as_text(term) {
            Some(text) => text.to_owned(),
            None => self.text_of(term),
        }
    }

    /// How many bytes of a term may be written into a space.
    pub(crate) fn written(&self) -> Written {
        Written::within(self.limits.memory_bytes)
    }

    /// Counts bytes that stay when the evaluation goes on: what was stored in spaces and states.
    pub(crate) fn count_stored(&mut self, bytes: u64) {
        self.work += bytes / 8;
        self.stored_bytes += bytes;
    }

    /// Counts bytes that were stored and are no longer.
    pub(crate) fn discount_stored(&mut self, bytes: u64) {
        self.stored_bytes = self.stored_bytes.saturating_sub(bytes);
    }

    /// Sets a pragma, from now on.
    pub(crate) fn set_pragma(&mut self, key: &str, value: Atom) {
        if key == "table" {
            // Functions ask for it when they prove themselves.
            self.code.invalidate();
        }
        self.world.set_pragma(key, value);
        self.stack_depth = self.world.stack_depth();
    }

    /// Prints a line, unless making its text met a limit.
    pub(crate) fn print_line(&mut self, line: String) {
        if self.failure.is_none() {
            self.line_bytes += line.len() as u64;
            self.output.push(line);
        }
    }

    /// Traces a line, unless making its text met a limit.
    pub(crate) fn trace_line(&mut self, line: String) {
        if self.failure.is_none() {
            self.line_bytes += line.len() as u64;
            self.trace.push(line);
        }
    }

    /// Returns the strongest effect that the evaluation has had, parts left out.
    pub fn strongest_effect(&self) -> Effect {
        self.strongest
    }

    /// Sets which effects may happen from now on, and whether operations of the host may be called: else their calls
    /// make [`Machine::step`] answer [`Step::Blocked`], whatever their effect.
    pub fn allow(&mut self, allowed: Effect, calls_host: bool) {
        (self.allowed, self.calls_host) = (allowed, calls_host);
    }

    /// Reports whether an operation of the host with this effect may be called; if not, the machine is blocked.
    pub(crate) fn permits_host(&mut self, effect: Effect) -> bool {
        let permitted = self.permits(effect);
        if permitted && !self.calls_host {
            self.blocked = Some(effect);
        }
        permitted && self.calls_host
    }

    /// Reports whether an effect may happen; if not, the machine is blocked.
    pub(crate) fn permits(&mut self, effect: Effect) -> bool {
        let permitted = effect <= self.allowed;
        self.answers.note(effect);
        if permitted {
            self.strongest = self.strongest.max(effect);
        } else {
            self.blocked = Some(effect);
        }
        permitted
    }
}
