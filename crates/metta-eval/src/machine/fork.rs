//! Giving alternatives to another machine (ADR-0050).
//!
//! ```text
//!  choice points of the giver     ... │ k: Given ───────────┐ ... newer ones
//!  choice points of the part      ... │ k: Floor │ k+1: the alternatives given away
//!                                 └ as they were          └► results, until it fails down to its floor
//! ```
//!
//! A heap is addressed by index, so a copy of what is older than a choice point is a machine that can go on with
//! its alternatives. Those given away are the last of the oldest choice point that has any: what they come to
//! is what comes after all that the giver still does. When the giver has failed back to that choice point it
//! waits, and joins the part: it takes over its results and whatever else the part left on things older than the choice
//! point. A part that cannot be joined without a difference to be seen is dropped, and the giver takes
//! the alternatives itself, as if nothing had been given. So only time can depend on what is given away.
//!
//! Invariant J1: a choice point stays at its position while its alternatives are given away, and a part has one
//! below its own at which it ends; so who asks whether alternatives are left is told that there are.
//! Invariant J2: a part changes no space and no state, and is joined only while those of the giver are as they were.

use crate::answers::UNCOUNTABLE;
use crate::machine::choices::{Alternatives, Barrier, Choice};
use crate::machine::frames::Kind;
use crate::machine::{Machine, Task, data, memory, settle, typed};
use crate::terms::cell::Cell;
use crate::terms::parcel::Parcel;
use crate::{Effect, Limits, Stats};

/// Choice points that are looked at for alternatives to give away.
const MOST_LOOKED_AT: usize = 1 << 12;

/// Alternatives that another machine goes through.
#[derive(Clone, Debug)]
pub(super) struct Given {
    /// What this machine still has to do before it waits.
    kept: Option<Alternatives>,
    /// What was given, in case it comes back.
    pub(super) alternatives: Alternatives,
    /// The collections of garbage when that was.
    collections: u64,
}

impl Given {
    pub(super) fn each_alternatives(&mut self, visit: &mut dyn FnMut(&mut Alternatives)) {
        self.kept.iter_mut().for_each(&mut *visit);
        visit(&mut self.alternatives);
    }

    pub(super) fn bytes(&self) -> u64 {
        size_of::<Given>() as u64
            + self.alternatives.bytes()
            + self.kept.as_ref().map_or(0, Alternatives::bytes)
    }
}

/// What a machine has to do with others.
#[derive(Debug, Default)]
pub(super) struct Fork {
    /// How many of its choice points are given away.
    given: u32,
    /// What it began with, if it is a part.
    origin: Option<Box<Origin>>,
}

/// What a part began with.
#[derive(Debug)]
struct Origin {
    /// The position and the number of the choice point whose alternatives it has.
    position: usize,
    number: u64,
    reductions: u64,
    /// Names of variables, and parts of exported terms.
    names: u64,
    made: u64,
    effects: u64,
    /// Errors whose rule was noted.
    noted: u64,
    symbols: usize,
    code: usize,
    n_results: u64,
}

impl Machine {
    /// Gives alternatives away that would come last: the machine returned finds their results, by
    /// [`Machine::step`], while this one goes on with what comes before them.
    ///
    /// When nothing is left before them, [`Step::Waits`](crate::Step::Waits) says so; then [`Machine::merge`] or
    /// [`Machine::take_back`] has to be called before the next step. What was given last comes first.
    ///
    /// Answers `None` when there is nothing to give that nobody could tell. Cost: O(memory older than the
    /// choice point); compiled rules and tables of facts are shared until one of the two adds to them.
    pub fn split(&mut self) -> Option<Machine> {
        let position = self.oldest_divisible()?;
        self.facts.make_soon(&mut self.heap, &self.world, self.code.stamp);
        let whole = std::mem::replace(&mut self.choices[position].alternatives, Alternatives::Exhausted);
        let (kept, alternatives) = self.divide(whole);
        let part = self.part(position, alternatives.clone());
        let collections = self.stats.collections;
        let given = Given { kept, alternatives, collections };
        self.choices[position].alternatives = Alternatives::Given(Box::new(given));
        self.fork.given += 1;
        Some(part)
    }

    /// Takes over what `part`, the machine of the last [`Machine::split`] that has not come back, has come to. It
    /// must have answered [`Step::Done`](crate::Step::Done).
    ///
    /// Reports whether that was possible; if not, this machine does the work itself.
    pub fn merge(&mut self, mut part: Machine) -> bool {
        let joined = self.accepts(&mut part);
        if joined {
            self.take_over(part);
            self.fork.given = self.fork.given.saturating_sub(1);
            self.exhaust();
            self.task = Task::Fail;
        } else {
            self.take_back();
        }
        joined
    }

    /// Takes back what was given away last, because the machine that got it will not finish.
    pub fn take_back(&mut self) {
        let Some(choice) = self.choices.last_mut() else { return };
        if let Alternatives::Given(given) = &mut choice.alternatives {
            let alternatives = std::mem::replace(&mut given.alternatives, Alternatives::Exhausted);
            choice.alternatives = alternatives;
            self.fork.given = self.fork.given.saturating_sub(1);
            self.task = Task::Fail;
        }
    }

    /// The choice point is the newest, its state is restored, and the last of its alternatives were given away.
    pub(super) fn come_to_given(&mut self) {
        let Some(choice) = self.choices.last_mut() else { return };
        let Alternatives::Given(given) = &mut choice.alternatives else { return };
        let Some(kept) = given.kept.take() else {
            self.task = Task::Wait;
            return;
        };
        self.choices_made += 1;
        let newer = choice.with(kept, self.choices_made);
        self.choices.push(newer);
        self.task = Task::Fail;
    }

    /// Reports whether [`Machine::split`] has something to give.
    pub fn is_divisible(&self) -> bool {
        self.oldest_divisible().is_some()
    }

    /// The position of the oldest choice point with alternatives that may be given away.
    fn oldest_divisible(&self) -> Option<usize> {
        let idle = matches!(self.task, Task::Wait | Task::Done)
            || self.failure.is_some()
            || self.blocked.is_some()
            || self.exceeded.is_some();
        // Frames are counted under a limit of depth, and the host's values may do anything.
        if idle || self.limits.depth.is_some() || self.heap.has_matchers || !self.loads.is_empty() {
            return None;
        }
        // What has a limit of its own is counted one by one.
        let end = self.scopes.first().map_or(self.choices.len(), |scope| scope.mark() as usize);
        let looked_at = &self.choices[..end.min(MOST_LOOKED_AT)];
        looked_at.iter().position(|choice| choice.alternatives.is_divisible())
    }

    /// Divides alternatives into those to keep, if any, and those to give away.
    fn divide(&self, mut whole: Alternatives) -> (Option<Alternatives>, Alternatives) {
        let second = match &mut whole {
            Alternatives::Superposed { list, next, .. }
            | Alternatives::Values { list, next, .. }
            | Alternatives::Results { list, next }
            | Alternatives::Pairs { list, next } => {
                let rest = half(list, next);
                rest.map(|next| {
                    let mut second = whole.clone();
                    if let Alternatives::Superposed { next: place, list: all, .. }
                    | Alternatives::Values { next: place, list: all, .. }
                    | Alternatives::Results { next: place, list: all }
                    | Alternatives::Pairs { next: place, list: all } = &mut second
                    {
                        (*place, *all) = next;
                    }
                    second
                })
            }
            Alternatives::Queried { query, base, table, search } => {
                let (query, base, table) = (*query, *base, *table);
                let second = self.facts.table(table).divide(search);
                second.map(|search| Alternatives::Queried { query, base, table, search })
            }
            Alternatives::Facts(search) => {
                search.divide(&self.facts).map(|second| Alternatives::Facts(Box::new(second)))
            }
            _ => None,
        };
        match second {
            Some(second) => (Some(whole), second),
            None => (None, whole),
        }
    }

    /// A machine that has only the given alternatives of a choice point to go through.
    // size: table
    fn part(&self, position: usize, alternatives: Alternatives) -> Machine {
        let choice = &self.choices[position];
        let heap = self.heap.fork(choice.heap, choice.trail as usize);
        // J1
        let mut choices: Vec<Choice> = self.choices[..position].iter().map(Choice::outline).collect();
        choices.push(choice.with(Alternatives::Floor, choice.number).with_barriers(&choice.barriers));
        choices.push(choice.with(alternatives, self.choices_made + 1));
        for choice in &mut choices {
            // The types that were found stay with the giver.
            choice.typed = 0;
        }
        let attached =
            choices.iter().flat_map(|choice| choice.barriers.iter()).max().map_or(0, |last| last + 1);
        let barriers = self.barriers[..attached as usize].iter();
        let collapses =
            choices.iter().filter(|choice| matches!(choice.alternatives, Alternatives::Collapsed));
        let mut env = self.env[..choice.env as usize].to_vec();
        env.resize(self.env.len(), Cell::UNIT);
        let origin = self.origin(position);
        let limits = self.limits_of_part();
        Machine {
            world: self.world.clone(),
            program: self.program.clone(),
            library: self.library.clone(),
            task: Task::Fail,
            frames: self.frames[..choice.frames as usize].to_vec(),
            frame: choice.frame,
            choices_made: self.choices_made + 1,
            open_states: self.open_states.clone(),
            stack_depth: self.stack_depth,
            barriers: barriers.map(|it| Barrier { frame: it.frame, errors: Parcel::default() }).collect(),
            parcels: collapses.map(|_| Parcel::default()).collect(),
            scopes: Vec::new(),
            exceeded: None,
            last_step: limits.steps.unwrap_or(u64::MAX),
            now: self.now,
            space: choice.space,
            context: choice.context,
            home: self.home,
            loads: Vec::new(),
            rule: choice.rule,
            origins: self.origins.clone(),
            // J2
            allowed: self.allowed.min(Effect::ReadsSpace),
            calls_host: self.calls_host,
            strongest: Effect::Pure,
            blocked: None,
            results: Vec::new(),
            faults: Vec::new(),
            n_results: self.n_results,
            result_bytes: 0,
            output: Vec::new(),
            trace: Vec::new(),
            line_bytes: 0,
            stored_bytes: 0,
            names: self.names.clone(),
            stats: Stats { reductions: self.stats.reductions, ..Stats::default() },
            collect_at: (2 * heap.cells.len()).max(heap.cells.len() + memory::FIRST_COLLECTION),
            room: 0,
            collect_outside_at: 2 * heap.outside() + memory::FIRST_OUTSIDE,
            failure: None,
            interrupt: self.interrupt.clone(),
            slots: Vec::new(),
            code: self.code.clone(),
            goal_code: None,
            facts: self.facts.clone(),
            answers: self.answers.fork(&limits),
            env,
            top: choice.env,
            acc: Cell::UNIT,
            pause_at: 0,
            step_end: 0,
            leaf_frames: Vec::new(),
            plain: self.plain.clone(),
            instances: self.instances.clone(),
            current: data::Current::default(),
            settling: settle::Settling::default(),
            notes: self.notes.fork(),
            fork: Fork { given: 0, origin: Some(Box::new(origin)) },
            compiles: self.compiles,
            kept: self.kept,
            straight: false,
            work: 0,
            untyped: rustc_hash::FxHashSet::default(),
            typed: typed::FoundTypes::default(),
            #[cfg(test)]
            stress: self.stress,
            limits,
            choices,
            heap,
        }
    }

    /// What a part begins with that has the alternatives of the choice point at `position`.
    fn origin(&self, position: usize) -> Origin {
        Origin {
            position,
            number: self.choices[position].number,
            reductions: self.stats.reductions,
            names: self.names.given(),
            made: self.names.made,
            effects: self.answers.effects(),
            noted: self.origins.noted,
            symbols: self.heap.symbols.len(),
            code: self.heap.code.len(),
            n_results: self.n_results,
        }
    }

    /// All limits count for the evaluation as a whole, so a part that meets one is not joined.
    fn limits_of_part(&self) -> Limits {
        let mut limits = self.limits.clone();
        if self.fork.origin.is_none() {
            limits.memory_bytes = limits.memory_bytes.map(|bytes| bytes / 2);
        }
        limits
    }

    /// Reports whether what a part has come to is what this machine would come to, and can be taken over; takes over
    /// the results of a `collapse` under way if so.
    fn accepts(&mut self, part: &mut Machine) -> bool {
        let Some(origin) = &part.fork.origin else { return false };
        let Some(choice) = self.choices.last() else { return false };
        let Alternatives::Given(given) = &choice.alternatives else { return false };
        let same_place = choice.number == origin.number && self.choices.len() == origin.position + 1;
        let finished = matches!(part.task, Task::Done) && part.failure.is_none() && part.blocked.is_none();
        if !same_place || !finished || !matches!(self.task, Task::Wait) {
            return false;
        }
        // J2
        if !self.world.same_as(&part.world) || !self.heap.states.same_as(&part.heap.states) {
            return false;
        }
        // Where an error came from may depend on the errors before it.
        if part.origins.noted != origin.noted || !part.faults.is_empty() {
            return false;
        }
        if !part.output.is_empty() || !part.trace.is_empty() {
            return false;
        }
        // Names are numbered in the order of results.
        if part.names.given() > origin.names && self.names.given() != origin.names {
            return false;
        }
        self.keeps_limits(part, origin) && self.knows_errors(part, origin) && {
            let unmoved = self.stats.collections == given.collections && part.stats.collections == 0;
            let shared = (origin.symbols, origin.code, unmoved);
            let as_many = self.parcels.len() == part.parcels.len();
            match (self.parcels.last_mut(), part.parcels.last()) {
                (Some(own), Some(other)) if as_many => {
                    own.receive(other, (&part.heap, &mut self.heap), shared)
                }
                (None, None) => true,
                _ => false,
            }
        }
    }

    /// Reports whether no limit is met by both together.
    fn keeps_limits(&self, part: &Machine, origin: &Origin) -> bool {
        let reductions = self.stats.reductions.saturating_add(part.stats.reductions - origin.reductions);
        let results = self.n_results + (part.n_results - origin.n_results);
        let bytes = self.bytes().saturating_add(part.stats.peak_bytes);
        reductions <= self.last_step.min(UNCOUNTABLE)
            && self.limits.results.is_none_or(|limit| results <= limit)
            && self.limits.memory_bytes.is_none_or(|limit| bytes <= limit)
    }

    /// Reports whether no error that the part holds back is of an evaluation that may have no other result.
    fn knows_errors(&self, part: &Machine, origin: &Origin) -> bool {
        let attached =
            part.choices.iter().take(origin.position + 1).flat_map(|choice| choice.barriers.iter());
        attached.map(|index| &part.barriers[*index as usize]).all(|barrier| {
            let frame = barrier.frame as usize;
            let succeeded = self.frames[frame].exit.succeeded || part.frames[frame].exit.succeeded;
            succeeded || barrier.errors.is_empty()
        })
    }

    /// Takes over all that a part has come to but the results of a `collapse`.
    fn take_over(&mut self, part: Machine) {
        let Some(origin) = &part.fork.origin else { return };
        self.merge_notes(&part, origin.symbols);
        self.results.extend(part.results);
        self.n_results += part.n_results - origin.n_results;
        self.result_bytes += part.result_bytes;
        self.names.count_given(part.names.given() - origin.names, part.names.made - origin.made);
        self.stats.reductions += part.stats.reductions - origin.reductions;
        self.stats.collections += part.stats.collections;
        self.stats.peak_bytes = self.stats.peak_bytes.max(self.bytes() + part.stats.peak_bytes);
        if part.answers.effects() != origin.effects {
            self.answers.note_effect();
        }
        // What may change below a choice point (M1).
        for (own, other) in self.frames.iter_mut().zip(&part.frames) {
            own.exit.succeeded |= other.exit.succeeded;
            match (&mut own.kind, &other.kind) {
                (Kind::Case { found, .. }, Kind::Case { found: true, .. })
                | (Kind::Cases { found, .. }, Kind::Cases { found: true, .. }) => *found = true,
                _ => {}
            }
        }
    }
}

impl Choice {
    /// A choice point at the same place with other alternatives, and nothing that hangs on it.
    fn with(&self, alternatives: Alternatives, number: u64) -> Choice {
        Choice { alternatives, number, barriers: Box::default(), ..*self }
    }

    fn with_barriers(self, barriers: &[u32]) -> Choice {
        Choice { barriers: barriers.into(), ..self }
    }

    /// The choice point for a part, which never comes back to it.
    fn outline(&self) -> Choice {
        let alternatives = match self.alternatives {
            Alternatives::Collapsed => Alternatives::Collapsed,
            _ => Alternatives::Exhausted,
        };
        self.with(alternatives, self.number).with_barriers(&self.barriers)
    }
}

impl Alternatives {
    /// Reports whether another machine can go through them.
    fn is_divisible(&self) -> bool {
        match self {
            Alternatives::Clauses(_)
            | Alternatives::Code { .. }
            | Alternatives::Superposed { .. }
            | Alternatives::Branch { .. }
            | Alternatives::Values { .. }
            | Alternatives::Results { .. }
            | Alternatives::Pairs { .. }
            | Alternatives::Facts(_)
            | Alternatives::Queried { .. }
            | Alternatives::Ways { .. } => true,
            Alternatives::Collapsed
            | Alternatives::Limited { .. }
            | Alternatives::CaseEmpty { .. }
            | Alternatives::Exhausted
            | Alternatives::Given(_)
            | Alternatives::Floor => false,
        }
    }
}

/// Cuts a list, of which the elements from `next` on are left, in two; returns where the second half begins, and
/// the whole list. `None` when only one element is left.
fn half(list: &mut Cell, next: &u32) -> Option<(u32, Cell)> {
    let whole = *list;
    let (address, length) = whole.slice()?;
    let middle = next + length.checked_sub(*next)? / 2;
    (middle > *next).then(|| {
        *list = Cell::expression(address, middle, whole.is_ground());
        (middle, whole)
    })
}
