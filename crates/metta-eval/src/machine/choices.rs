//! Choice points, and errors held back until no alternative is left.

use metta_atom::SpaceId;

use crate::facts::Search;
use crate::machine::code::Next;
use crate::machine::facts::{FactSearch, Goal};
use crate::machine::fork::Given;
use crate::machine::frames::Kind;
use crate::machine::{Kept, Machine, RuleId, Task};
use crate::program::Rules;
use crate::terms::cell::{Cell, View};
use crate::terms::matching::Matched;
use crate::terms::parcel::Parcel;
use crate::terms::symbols::{self, cell};

/// A point to come back to.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    pub(super) alternatives: Alternatives,
    /// The lengths of the trail and of the heap.
    pub(super) trail: u32,
    pub(super) heap: u32,
    /// The number of frames to keep.
    pub(super) frames: u32,
    pub(super) frame: u32,
    /// The first slot behind the activations that the alternatives need.
    pub(super) env: u32,
    pub(super) space: SpaceId,
    pub(super) context: SpaceId,
    /// Its number among all choice points made.
    pub(super) number: u64,
    /// How many found types there were: see [`FoundTypes`](super::typed::FoundTypes).
    pub(super) typed: u64,
    pub(super) rule: RuleId,
    /// Barriers to be settled when the alternatives are exhausted, outermost first.
    pub(super) barriers: Box<[u32]>,
}

/// Choice points come and go all the time: up to this size they are copied without a call.
const _: () = assert!(size_of::<Choice>() <= 128);

/// Rules for a call that were not tried yet.
#[derive(Clone, Debug)]
pub(super) struct Untried {
    pub(super) call: Cell,
    pub(super) expected: Cell,
    pub(super) clauses: Rules,
    /// The first of them.
    pub(super) next: u32,
}

/// What is left to try.
#[derive(Clone, Debug)]
pub(super) enum Alternatives {
    /// Rules for a call.
    Clauses(Box<Untried>),
    /// Clauses of a function, whose arguments are at `base`, from `next` on and before `end`.
    Code { function: u32, base: u32, definition: u32, next: u32, end: u32, kept: Kept },
    /// Elements of a list as values of a slot, from `next` on.
    Superposed { list: Cell, next: u32, to: u8, site: u32, base: u32 },
    /// Code at a site.
    Branch { site: u32, base: u32 },
    /// Elements of a list as results of a call, from `next` on.
    Values { call: Cell, expected: Cell, list: Cell, next: u32 },
    /// Elements of a list as results, from `next` on.
    Results { list: Cell, next: u32 },
    /// Pairs of a `superpose-bind`, from `next` on.
    Pairs { list: Cell, next: u32 },
    /// Stored atoms that may match.
    Facts(Box<FactSearch>),
    /// Facts for a query of a clause, whose activation is at `base`.
    Queried { query: u32, base: u32, table: u32, search: Search },
    /// Ways in which two terms match, from `next` on, with what follows each.
    Ways { ways: Cell, next: u32, then: Then },
    /// The end of a `collapse`: its list is complete.
    Collapsed,
    /// The end of an evaluation within a limit.
    Limited { call: Cell },
    /// The end of a `case` whose frame is given: nothing found so far means `Empty`.
    CaseEmpty { frame: u32 },
    /// Nothing but barriers.
    Exhausted,
    /// Alternatives of which some were given to another machine.
    Given(Box<Given>),
    /// Below this nothing is this machine's own: see [`fork`](super::fork).
    Floor,
}

/// What follows a match.
#[derive(Clone, Debug)]
pub(crate) enum Then {
    /// A result of a call.
    Result { call: Cell, expected: Cell, value: Cell },
    /// A result of an instruction.
    Return(Cell),
    /// The rest of a query.
    Query(Box<Goal>),
}

impl Then {
    fn each_cell(&mut self, visit: &mut dyn FnMut(&mut Cell)) {
        match self {
            Then::Result { call, expected, value } => [call, expected, value].into_iter().for_each(visit),
            Then::Return(value) => visit(value),
            Then::Query(goal) => goal.each_cell(visit),
        }
    }
}

/// Errors held back for a frame.
#[derive(Debug)]
pub(super) struct Barrier {
    pub(super) frame: u32,
    /// Pairs of an error and its bindings of older variables.
    pub(super) errors: Parcel,
}

impl Alternatives {
    /// Visits the cells, for the collector.
    pub(super) fn each_cell(&mut self, visit: &mut dyn FnMut(&mut Cell)) {
        match self {
            Alternatives::Clauses(untried) => {
                visit(&mut untried.call);
                visit(&mut untried.expected);
            }
            Alternatives::Values { call, expected, list, .. } => {
                visit(call);
                visit(expected);
                visit(list);
            }
            Alternatives::Results { list, .. }
            | Alternatives::Pairs { list, .. }
            | Alternatives::Superposed { list, .. } => visit(list),
            Alternatives::Facts(search) => search.each_cell(visit),
            Alternatives::Limited { call } => visit(call),
            Alternatives::Ways { ways, then, .. } => {
                visit(ways);
                then.each_cell(visit);
            }
            Alternatives::Code { .. }
            | Alternatives::Branch { .. }
            | Alternatives::Queried { .. }
            | Alternatives::Collapsed
            | Alternatives::CaseEmpty { .. }
            | Alternatives::Exhausted
            | Alternatives::Floor => {}
            Alternatives::Given(given) => given.each_alternatives(&mut |it| it.each_cell(visit)),
        }
    }

    /// Reports whether a table of facts is being searched, or will be as it was when a query began.
    pub(super) fn searches_table(&self) -> bool {
        match self {
            Alternatives::Queried { .. } => true,
            Alternatives::Facts(search) => search.searches_table(),
            Alternatives::Given(given) => given.alternatives.searches_table(),
            _ => false,
        }
    }

    /// The definition whose clauses are left.
    pub(super) fn definition(&self) -> Option<u32> {
        match self {
            Alternatives::Code { definition, .. } => Some(*definition),
            Alternatives::Given(given) => given.alternatives.definition(),
            _ => None,
        }
    }

    /// These alternatives, also while they are given away.
    pub(super) fn own(&self) -> &Alternatives {
        match self {
            Alternatives::Given(given) => &given.alternatives,
            own => own,
        }
    }

    /// Bytes beyond the choice point itself.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Alternatives::Facts(search) => search.bytes(),
            Alternatives::Given(given) => given.bytes(),
            Alternatives::Clauses(_) => size_of::<Untried>() as u64,
            _ => 0,
        }
    }
}

impl Machine {
    /// Makes a choice point.
    pub(super) fn choose(&mut self, alternatives: Alternatives) {
        self.heap.boundary = self.heap.top();
        self.choices_made += 1;
        self.choices.push(Choice {
            alternatives,
            trail: self.heap.trail.len() as u32,
            heap: self.heap.top(),
            frames: self.frames.len() as u32,
            frame: self.frame,
            env: self.env_top(),
            space: self.space,
            context: self.context,
            number: self.choices_made,
            typed: self.typed.count(),
            rule: self.rule,
            barriers: Box::default(),
        });
    }

    /// Makes a choice point that bindings made since `trail` and terms made since `heap` are behind.
    pub(super) fn choose_before(&mut self, alternatives: Alternatives, trail: usize, heap: u32) {
        self.choose(alternatives);
        self.heap.boundary = heap;
        if let Some(choice) = self.choices.last_mut() {
            (choice.trail, choice.heap) = (trail as u32, heap);
        }
    }

    /// Takes the newest choice point away, keeping all bindings. Barriers that hang on it stay.
    pub(super) fn cut_newest(&mut self) {
        let Some(trail) = self.choices.last().map(|choice| choice.trail) else { return };
        self.exhaust();
        self.heap.tidy_trail(trail as usize);
    }

    /// Restores the state of the newest choice point.
    pub(super) fn restore(&mut self) -> bool {
        let Some(choice) = self.choices.last() else { return false };
        if !self.untyped.is_empty() {
            self.untyped.clear();
        }
        // Y1
        self.typed.truncate(choice.typed);
        self.names.forget();
        self.open_states.restore(choice.number);
        self.heap.undo(choice.trail as usize);
        self.heap.cells.truncate(choice.heap as usize);
        self.current.cut(choice.heap);
        self.heap.boundary = choice.heap;
        self.frames.truncate(choice.frames as usize);
        self.frame = choice.frame;
        self.top = choice.env;
        (self.space, self.context) = (choice.space, choice.context);
        self.rule = choice.rule;
        true
    }

    /// Drops the newest choice point, whatever hangs on it.
    fn drop_newest(&mut self) {
        self.choices.truncate(self.choices.len().saturating_sub(1));
        self.heap.boundary = self.choices.last().map_or(0, |choice| choice.heap);
    }

    /// Ends the newest choice point as its last alternative begins.
    ///
    /// With barriers attached it stays, so that they are settled afterwards.
    pub(super) fn exhaust(&mut self) {
        match self.choices.last_mut() {
            Some(choice) if !choice.barriers.is_empty() => choice.alternatives = Alternatives::Exhausted,
            _ => {
                self.drop_newest();
            }
        }
    }

    /// Takes the next alternative of the newest choice point.
    pub(super) fn backtrack(&mut self) {
        if !self.restore() {
            self.task = Task::Done;
            return;
        }
        let Some(choice) = self.choices.last_mut() else { return };
        match &mut choice.alternatives {
            Alternatives::Clauses(untried) => {
                let Untried { call, expected, clauses, next } = (**untried).clone();
                self.retry_clauses(call, expected, &clauses, next);
            }
            Alternatives::Code { function, base, definition, next, end, kept } => {
                let (function, base, definition, clauses) = (*function, *base, *definition, *next..*end);
                self.kept = *kept;
                self.retry_function(function, base, definition, clauses);
            }
            Alternatives::Superposed { list, next, to, site, base } => {
                let (to, site, base) = (*to, *site, *base);
                let (value, last) = take_next(&self.heap, *list, next);
                if last {
                    self.exhaust();
                }
                self.retry_superpose(value, to, site, base);
            }
            Alternatives::Branch { site, base } => {
                let (site, base) = (*site, *base);
                let pc = self.resume_at(site);
                self.exhaust();
                self.task = Task::Run { pc, base };
            }
            Alternatives::Values { call, expected, list, next } => {
                let (call, expected) = (*call, *expected);
                let (value, last) = take_next(&self.heap, *list, next);
                if last {
                    self.exhaust();
                }
                self.call_result(call, expected, value);
            }
            Alternatives::Results { list, next } => {
                let (value, last) = take_next(&self.heap, *list, next);
                if last {
                    self.exhaust();
                }
                self.task = Task::Return(value);
            }
            Alternatives::Pairs { list, next } => {
                let (pair, last) = take_next(&self.heap, *list, next);
                if last {
                    self.exhaust();
                }
                self.superpose_pair(pair);
            }
            Alternatives::Facts(_) => self.next_fact(),
            Alternatives::Queried { .. } => match self.retry_query() {
                Next::At(pc, base) => self.task = Task::Run { pc, base },
                Next::Task => {}
            },
            Alternatives::Ways { ways, next, then } => {
                let (way, last) = take_next(&self.heap, *ways, next);
                let then = then.clone();
                if last {
                    self.exhaust();
                }
                self.heap.take_way(way);
                self.follow(then);
            }
            Alternatives::Collapsed => {
                self.exhaust();
                self.finish_collapse();
            }
            Alternatives::Limited { .. } => self.finish_limited(),
            Alternatives::CaseEmpty { frame } => {
                let frame = *frame;
                self.exhaust();
                self.case_exhausted(frame);
            }
            Alternatives::Exhausted => self.settle_barrier(),
            Alternatives::Given(_) => self.come_to_given(),
            Alternatives::Floor => self.task = Task::Done,
        }
    }

    /// Holds an error back for the current frame until its alternatives are exhausted.
    pub(super) fn hold_back(&mut self, error: Cell) {
        let frame = self.frame;
        // The oldest choice point inside the evaluation is the last one to be exhausted.
        let position = self.frames[frame as usize].choices as usize;
        let pair = self.with_bindings(error, position);
        let old = self.choices[position].heap;
        let attached = &self.choices[position].barriers;
        let known = attached.iter().copied().find(|index| self.barriers[*index as usize].frame == frame);
        let index = match known {
            Some(index) => index,
            None => {
                let index = self.barriers.len() as u32;
                self.barriers.push(Barrier { frame, errors: Parcel::default() });
                // Frames nest by position: inner ones come after outer ones and are settled first.
                let barriers = &self.barriers;
                let list = &mut self.choices[position].barriers;
                let place = list.partition_point(|other| barriers[*other as usize].frame < frame);
                let mut longer = std::mem::take(list).into_vec();
                longer.insert(place, index);
                *list = longer.into();
                index
            }
        };
        self.work += self.barriers[index as usize].errors.push(&self.heap, pair, old);
    }

    /// A pair of a term and the bindings made since the choice point at `position` was.
    pub(super) fn with_bindings(&mut self, term: Cell, position: usize) -> Cell {
        let old = self.choices[position].heap;
        let mut flat = Vec::new();
        for i in self.choices[position].trail as usize..self.heap.trail.len() {
            let (address, _) = self.heap.trail[i];
            if address < old {
                flat.push(Cell::local(address));
                flat.push(Cell::reference(address));
            }
        }
        let address = self.heap.top();
        self.heap.cells.extend_from_slice(&flat);
        let bindings = Cell::bindings(address, flat.len() as u32);
        self.heap.expression(&[term, bindings])
    }

    /// The alternatives of the newest choice point are exhausted: release the errors of its innermost barrier.
    fn settle_barrier(&mut self) {
        let Some(choice) = self.choices.last_mut() else { return };
        let mut barriers = std::mem::take(&mut choice.barriers).into_vec();
        let Some(index) = barriers.pop() else {
            self.drop_newest();
            self.task = Task::Fail;
            return;
        };
        choice.barriers = barriers.into();
        // Barriers are made after the choice points they hang on, so this index is the highest still in use
        // among those of this choice point; it is emptied and its storage reused when the list gets shorter.
        let barrier = &mut self.barriers[index as usize];
        let frame = barrier.frame;
        let errors = std::mem::take(&mut barrier.errors);
        if self.barriers.len() as u32 == index + 1 {
            self.barriers.pop();
        }
        if self.frames[frame as usize].exit.succeeded {
            self.task = Task::Fail;
            return;
        }
        // The errors are past the exit of their own evaluation: hand them to a frame that only passes them on.
        self.frame = frame;
        let Some(list) = self.unpack(&errors) else { return };
        if let Some(choice) = self.choices.last_mut()
            && choice.barriers.is_empty()
        {
            self.drop_newest();
        }
        self.wait_raw(Kind::Deliver);
        self.choose_pairs(list);
    }

    /// Goes on after a match, once for each way of it.
    pub(crate) fn proceed(&mut self, matched: Matched, then: Then) {
        if let Matched::InWays(ways) = matched
            && let Some((address, _)) = ways.slice()
        {
            self.choose(Alternatives::Ways { ways, next: 1, then: then.clone() });
            let first = self.heap.get(address);
            self.heap.take_way(first);
        }
        self.follow(then);
    }

    fn follow(&mut self, then: Then) {
        match then {
            Then::Result { call, expected, value } => self.call_result(call, expected, value),
            Then::Return(value) => self.task = Task::Return(value),
            Then::Query(goal) => self.matched(*goal),
        }
    }

    /// Returns the elements of a list one after the other.
    pub(super) fn choose_results(&mut self, list: Cell, next: u32) {
        let Some((address, length)) = list.slice() else { return };
        if next + 1 < length {
            self.choose(Alternatives::Results { list, next: next + 1 });
        }
        self.task = Task::Return(self.heap.element(address, next));
    }

    /// Returns the first of each pair of a list with the bindings in the second.
    pub(super) fn choose_pairs(&mut self, list: Cell) {
        let Some((address, length)) = list.slice() else { return };
        if length == 0 {
            self.task = Task::Fail;
            return;
        }
        if length > 1 {
            self.choose(Alternatives::Pairs { list, next: 1 });
        }
        let pair = self.heap.element(address, 0);
        self.superpose_pair(pair);
    }

    /// Returns the first half of a pair with the bindings of the second.
    pub(super) fn superpose_pair(&mut self, pair: Cell) {
        let halves = match pair.slice() {
            Some((address, 2)) => Some((self.heap.element(address, 0), self.heap.element(address, 1).view())),
            _ => None,
        };
        let Some((term, View::Bindings { address, length })) = halves else {
            let reason = self.heap.symbols.intern("(Atom Bindings) pair is expected");
            let error = self.error(pair, Cell::symbol(reason));
            self.task = Task::Return(error);
            return;
        };
        let consistent = self.heap.attempt(|heap| {
            (0..length / 2).all(|i| {
                let (variable, value) = (heap.get(address + 2 * i), heap.get(address + 2 * i + 1));
                heap.unify(variable, value)
            })
        });
        self.task = if consistent { Task::Return(term) } else { Task::Fail };
    }
}

/// The element at `next`, which is advanced, and whether it is the last.
fn take_next(heap: &crate::terms::heap::Heap, list: Cell, next: &mut u32) -> (Cell, bool) {
    match list.slice() {
        Some((address, length)) if *next < length => {
            let value = heap.element(address, *next);
            *next += 1;
            (value, *next >= length)
        }
        _ => (cell(symbols::EMPTY), true),
    }
}
