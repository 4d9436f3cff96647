//! Collecting all results of an evaluation, and `case`, which looks whether there are any.

use crate::EvalError;
use crate::interrupt::{BETWEEN, Pulse};
use crate::library::Outcome;
use crate::machine::choices::{Alternatives, Then};
use crate::machine::frames::Kind;
use crate::machine::{Machine, Task};
use crate::terms::cell::{Cell, View};
use crate::terms::matching::Matched;
use crate::terms::parcel::Parcel;
use crate::terms::symbols::{self, cell};

impl Machine {
    /// Evaluates a term in the context space; all its results become one expression,
    /// returned to the current frame.
    pub(crate) fn begin_collapse(&mut self, term: Cell) {
        self.collect_results();
        self.space = self.context;
        self.task = Task::Eval { term, expected: cell(symbols::UNDEFINED) };
    }

    /// From now on results are collected, until there are no more.
    pub(super) fn collect_results(&mut self) {
        self.choose(Alternatives::Collapsed);
        self.parcels.push(Parcel::default());
        self.wait(Kind::Collapse);
    }

    pub(super) fn collect_result(&mut self, value: Cell) {
        self.task = Task::Fail;
        if value == cell(symbols::EMPTY) {
            return;
        }
        // The choice point of this collapse is right below the evaluation's own.
        let position = self.frames[self.frame as usize].choices as usize - 1;
        let old = self.choices[position].heap;
        if let Some(parcel) = self.parcels.last_mut() {
            self.work += parcel.push(&self.heap, value, old);
        }
    }

    pub(super) fn begin_collapse_bind(&mut self, nested: Cell) {
        self.choose(Alternatives::Collapsed);
        self.parcels.push(Parcel::default());
        let position = self.choices.len() as u32 - 1;
        self.wait_raw(Kind::CollapseBind { position });
        self.task = Task::Exec(nested);
    }

    pub(super) fn collect_pair(&mut self, position: u32, value: Cell) {
        self.task = Task::Fail;
        if value == cell(symbols::EMPTY) {
            return;
        }
        let pair = self.with_bindings(value, position as usize);
        let old = self.choices[position as usize].heap;
        if let Some(parcel) = self.parcels.last_mut() {
            self.work += parcel.push(&self.heap, pair, old);
        }
    }

    pub(super) fn finish_collapse(&mut self) {
        let parcel = self.parcels.pop().unwrap_or_default();
        let Some(list) = self.unpack(&parcel) else { return };
        let value = self.with_flags_of_values(list);
        let long = list.slice().is_some_and(|(_, length)| length > BETWEEN);
        if !(long && self.is_interrupted()) {
            self.task = Task::Return(value);
        }
    }

    /// A tuple of the terms of a parcel, or `None` after an interrupt, at which the machine fails.
    pub(super) fn unpack(&mut self, parcel: &Parcel) -> Option<Cell> {
        let list = parcel.unpack(&mut self.heap, &mut Pulse::new(&self.interrupt));
        if list.is_none() {
            self.fail(EvalError::Interrupted);
        }
        list
    }

    /// Begins `(case term cases)`: every result of the term takes its branch.
    pub(crate) fn begin_case(&mut self, call: Cell, term: Cell, cases: Cell, expected: Cell) -> Outcome {
        if !term.is_expression() {
            return self.switch(call, term, cases, expected);
        }
        self.wait_or_empty(Kind::Case { call, cases, expected, found: false });
        self.space = self.context;
        self.task = Task::Eval { term, expected: cell(symbols::UNDEFINED) };
        Outcome::Scheduled
    }

    /// The same in code, which goes on at the site.
    pub(in crate::machine) fn begin_cases(&mut self, site: u32, base: u32) {
        self.top = base + u32::from(self.code.sites[site as usize].size);
        self.wait_or_empty(Kind::Cases { site, base, found: false });
    }

    /// Makes a frame below a choice point for the end of its alternatives, which keeps the frame itself.
    fn wait_or_empty(&mut self, kind: Kind) {
        let frame = self.frames.len() as u32;
        self.choose(Alternatives::CaseEmpty { frame });
        if let Some(choice) = self.choices.last_mut() {
            choice.frames = frame + 1;
        }
        self.wait(kind);
    }

    /// A result of the term of a `case`.
    pub(super) fn case_result(&mut self, value: Cell) {
        let index = self.frame as usize;
        let own = self.frames[index].choices as usize;
        let kind = &mut self.frames[index].kind;
        if let Kind::Case { found, .. } | Kind::Cases { found, .. } = kind {
            *found = true;
        }
        let kind = *kind;
        // With the choice point of the `case` the newest, this is the only result.
        if self.choices.len() == own {
            self.cut_newest();
        }
        self.leave_frame();
        self.choose_case(kind, value);
    }

    /// All results of the term of a `case` are done.
    pub(super) fn case_exhausted(&mut self, frame: u32) {
        match self.frames[frame as usize].kind {
            Kind::Case { found: true, .. } | Kind::Cases { found: true, .. } => self.task = Task::Fail,
            kind => self.choose_case(kind, cell(symbols::EMPTY)),
        }
    }

    /// Takes the case for a value, in the general way or in code.
    fn choose_case(&mut self, kind: Kind, value: Cell) {
        match kind {
            Kind::Case { call, cases, expected, .. } => {
                self.space = self.context;
                let outcome = self.switch(call, value, cases, expected);
                self.conclude(outcome, call, expected);
            }
            Kind::Cases { site, base, .. } => {
                self.acc = value;
                self.task = Task::Run { pc: self.resume_at(site), base };
            }
            _ => {}
        }
    }

    /// Takes the template of the first pattern that unifies with `value`.
    pub(crate) fn switch(&mut self, call: Cell, value: Cell, cases: Cell, expected: Cell) -> Outcome {
        let View::Expression { address, length } = cases.view() else { return Outcome::Empty };
        for index in 0..length {
            let case = self.heap.element(address, index);
            // What is no pair of a pattern and a template ends the search, as it does in the reference.
            let Some((pattern, template)) = self.as_pair(case) else { return Outcome::Empty };
            if let Some((space, pattern)) = self.space_and_pattern(value, pattern) {
                if !self.permits(crate::Effect::ReadsSpace) {
                    return Outcome::Scheduled;
                }
                let outcome = self.search_space(space, pattern, Some(template), call, expected);
                if !matches!(outcome, Outcome::Empty) {
                    return outcome;
                }
            } else {
                match self.heap.ways(|heap| heap.unify(value, pattern)) {
                    Matched::No => {}
                    // A case that says that there is nothing to reduce is a case without a result.
                    Matched::Once if self.heap.deref(template) == cell(symbols::NOT_REDUCIBLE) => {
                        return Outcome::Empty;
                    }
                    matched => {
                        self.proceed(matched, Then::Result { call, expected, value: template });
                        return Outcome::Scheduled;
                    }
                }
            }
        }
        Outcome::Empty
    }

    /// The elements of a pair; an unbound variable becomes a pair of new variables.
    pub(crate) fn as_pair(&mut self, term: Cell) -> Option<(Cell, Cell)> {
        match term.view() {
            View::Expression { address, length: 2 } => {
                Some((self.heap.element(address, 0), self.heap.element(address, 1)))
            }
            View::Ref(address) => {
                let (first, second) = (self.heap.renamed(term), self.heap.renamed(term));
                let pair = self.heap.expression(&[first, second]);
                self.heap.bind(address, pair);
                Some((first, second))
            }
            _ => None,
        }
    }
}
