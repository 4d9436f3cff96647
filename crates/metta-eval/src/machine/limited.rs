//! Evaluations within limits of their own: `with-limit` and `once` (ADR-0014).
//!
//! ```text
//!  choice points  ... │ Limited │ those of the evaluation ...
//!                     └ the mark: reached by failing when all alternatives are done,
//!                       cut back to when a limit is hit
//! ```
//!
//! All results are found before the first of them goes on, so that what is counted is
//! the evaluation itself and nothing that is done with its results.
//!
//! Invariant T1: scopes, their choice points and their parcels nest; cutting choice points back
//! ends the scopes whose marks are cut.

use std::time::Duration;

use crate::EvalError;
use crate::library::Call;
use crate::machine::choices::Alternatives;
use crate::machine::frames::Kind;
use crate::machine::{Machine, Task};
use crate::terms::cell::Cell;
use crate::terms::parcel::Parcel;
use crate::terms::symbols::{self, cell};

/// How far an evaluation may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// This many results; the rest is not looked for.
    Results(u64),
    /// This many reductions; more are an error.
    Steps(u64),
    /// This much time; more is an error.
    Time(Duration),
}

/// An evaluation under way that has a limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope {
    limit: Limit,
    /// The number of reductions after which it has used up its steps.
    last_step: u64,
    /// The time at which it has used up its time.
    deadline: Option<Duration>,
    /// The first of these of all scopes up to this one.
    soonest: (u64, Option<Duration>),
    results: u64,
    /// The position of its mark among the choice points.
    mark: u32,
    /// How many barriers, parcels and loads are older.
    barriers: u32,
    parcels: u32,
    loads: u32,
}

impl Scope {
    /// The position of its mark among the choice points.
    pub(super) fn mark(&self) -> u32 {
        self.mark
    }
}

impl Machine {
    /// Evaluates a term in the context space within a limit; its results are results of `call`.
    pub(crate) fn begin_limited(&mut self, call: Call, term: Cell, limit: Limit) {
        if matches!(limit, Limit::Time(_)) {
            self.answers.note_effect();
        }
        self.return_to(call);
        let last_step = match limit {
            Limit::Steps(steps) => self.stats.reductions.saturating_add(steps),
            _ => u64::MAX,
        };
        let deadline = match limit {
            Limit::Time(time) => self.now.checked_add(time),
            _ => None,
        };
        let (outer_step, outer_deadline) = self.scopes.last().map_or((u64::MAX, None), |it| it.soonest);
        let first = deadline.into_iter().chain(outer_deadline).min();
        let scope = Scope {
            limit,
            last_step,
            deadline,
            soonest: (last_step.min(outer_step), first),
            results: 0,
            mark: self.choices.len() as u32,
            barriers: self.barriers.len() as u32,
            parcels: self.parcels.len() as u32,
            loads: self.loads.len() as u32,
        };
        self.scopes.push(scope);
        self.last_step = self.last_step.min(scope.last_step);
        self.pause_at = 0;
        self.choose(Alternatives::Limited { call: call.term });
        self.parcels.push(Parcel::default());
        self.wait(Kind::Limited);
        self.eval_in(self.context, term, cell(symbols::UNDEFINED));
    }

    /// Keeps a result with its bindings, and looks for the next one unless there are enough.
    pub(super) fn collect_limited(&mut self, value: Cell) {
        self.task = Task::Fail;
        let Some(scope) = self.scopes.last_mut() else { return };
        scope.results += 1;
        let (mark, enough) = (scope.mark as usize, scope.limit == Limit::Results(scope.results));
        let pair = self.with_bindings(value, mark);
        let old = self.choices[mark].heap;
        if let Some(parcel) = self.parcels.last_mut() {
            parcel.push(&self.heap, pair, old);
        }
        if enough {
            self.cut_to_mark(self.scopes.len() - 1);
        }
    }

    /// All results of the innermost scope are found; the state of its mark is restored.
    pub(super) fn finish_limited(&mut self) {
        self.end_scopes(self.scopes.len().saturating_sub(1));
        self.exhaust();
        let parcel = self.parcels.pop().unwrap_or_default();
        if let Some(list) = self.unpack(&parcel) {
            self.choose_pairs(list);
        }
    }

    /// The evaluation of a scope has used up what it may use: the error takes its place.
    pub(super) fn give_up(&mut self, index: usize) {
        let Some(scope) = self.scopes.get(index).copied() else { return };
        self.cut_to_mark(index);
        self.parcels.truncate(scope.parcels as usize);
        self.abandon_loads(scope.loads as usize);
        self.restore();
        self.end_scopes(index);
        let call = match self.choices.last().map(|choice| &choice.alternatives) {
            Some(Alternatives::Limited { call }) => *call,
            _ => Cell::UNIT,
        };
        self.exhaust();
        let reason = match scope.limit {
            Limit::Time(time) => format!("stopped after {} seconds, the limit", time.as_secs_f64()),
            Limit::Steps(steps) => format!("stopped after {steps} steps, the limit"),
            Limit::Results(results) => format!("stopped after {results} results, the limit"),
        };
        let reason = self.heap.symbols.intern(&reason);
        let error = self.error(call, Cell::symbol(reason));
        self.task = Task::Return(error);
    }

    /// Cuts the choice points of a scope, and all that hangs on them, back to its mark (T1).
    fn cut_to_mark(&mut self, index: usize) {
        let scope = self.scopes[index];
        self.end_scopes(index + 1);
        self.parcels.truncate(scope.parcels as usize + 1);
        self.barriers.truncate(scope.barriers as usize);
        self.choices.truncate(scope.mark as usize + 1);
        self.heap.boundary = self.choices.last().map_or(0, |choice| choice.heap);
    }

    /// Forgets the scopes from `index` on.
    fn end_scopes(&mut self, index: usize) {
        self.scopes.truncate(index);
        let own = self.limits.steps.unwrap_or(u64::MAX);
        self.last_step = self.scopes.last().map_or(own, |scope| scope.soonest.0.min(own));
        self.pause_at = 0;
    }

    /// The reductions that may be done are used up: by a scope, or by the evaluation as a whole.
    pub(super) fn out_of_steps(&mut self) {
        let reductions = self.stats.reductions;
        match self.limits.steps {
            Some(limit) if reductions > limit => self.fail(EvalError::OutOfSteps { limit }),
            _ => self.exceeded = self.scopes.iter().position(|scope| reductions > scope.last_step),
        }
    }

    /// Tells how much time has passed since the evaluation began.
    ///
    /// A machine has no clock. Limits of time that a program sets (`with-limit`) are enforced when the
    /// caller says between two steps that the time is over; without this, time stands still.
    pub fn set_time(&mut self, elapsed: Duration) {
        self.now = elapsed;
        let is_over = |deadline: Option<Duration>| deadline.is_some_and(|deadline| deadline <= elapsed);
        if self.scopes.last().is_some_and(|scope| is_over(scope.soonest.1)) {
            let over = self.scopes.iter().position(|scope| is_over(scope.deadline));
            self.exceeded = over.or(self.exceeded);
        }
    }
}
