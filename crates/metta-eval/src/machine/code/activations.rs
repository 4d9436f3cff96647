//! How code is left and entered: calls, results, and what is done in the general way.

use super::Next;

use crate::code::{
    Argument, Definitions, Expected, Instr, Keeps, MAX_SLOTS, Operand, Resume, Source, Task as Work,
};
use crate::interrupt::{PORTION, Pulse};
use crate::machine::frames::{Kind, RAW};
use crate::machine::{Kept, Machine, NO_RULE, Task};
use crate::terms::cell::{Cell, SymbolId};
use crate::terms::heap::Heap;
use crate::terms::symbols::{self, cell};

impl Machine {
    /// The type expected of the result at a site.
    pub(in crate::machine) fn expected_at(&self, expected: Expected, base: u32) -> Cell {
        match expected {
            Expected::Dynamic => self.env[base as usize],
            Expected::Type(wanted) => wanted,
        }
    }

    /// Leaves an activation for the general evaluator; the type expected of the result.
    pub(super) fn leave(&mut self, site: u32, base: u32) -> Cell {
        let place = self.code.sites[site as usize];
        let expected = self.expected_at(place.expected, base);
        let end = base + u32::from(place.size);
        match place.resume {
            Resume::Tail => self.top = base,
            Resume::Block => self.top = end,
            Resume::At { .. } => self.push_code_frame(site, base),
        }
        expected
    }

    /// Makes a frame that goes on at a site of the activation at `base`.
    #[inline(always)]
    pub(super) fn push_code_frame(&mut self, site: u32, base: u32) {
        self.top = base + u32::from(self.code.sites[site as usize].size);
        self.wait(Kind::Code { site, base });
    }

    /// The place where a frame of code goes on.
    pub(in crate::machine) fn resume_at(&self, site: u32) -> u32 {
        match self.code.sites[site as usize].resume {
            Resume::At { pc, .. } => pc,
            Resume::Tail | Resume::Block => 0,
        }
    }

    pub(in crate::machine) fn general(&mut self, site: u32, base: u32) {
        let place = self.code.sites[site as usize];
        let term = self.build(base, place.template);
        let value = match place.task {
            Work::ResultOf(operand) | Work::Outcome(operand) => Some(self.operand(base, operand)),
            _ => None,
        };
        let term = match place.keeps {
            Keeps::Straight => term.evaluated(),
            Keeps::Noted(slot) if self.slot(base, slot) == Cell::bool(true) => term.evaluated(),
            _ => term,
        };
        let expected = self.leave(site, base);
        if place.judged {
            let errors = self.type_errors(term);
            if !errors.is_empty() {
                return self.return_errors(&errors);
            }
        }
        match (place.task, value) {
            (Work::Outcome(_), Some(value)) => self.finish_call(term, expected, value),
            (_, Some(value)) => self.call_result(term, expected, value),
            // The value of a rule that is an error is its result.
            _ if place.resume == Resume::Tail && self.heap.is_error(term) => self.task = Task::Return(term),
            (Work::Call, _) => {
                let call = self.with_flags(term);
                self.call(call, expected);
            }
            _ => self.task = Task::Eval { term, expected },
        }
    }

    /// A new expression with the flags that its elements allow.
    pub(in crate::machine) fn with_flags(&self, term: Cell) -> Cell {
        let Some(elements) = self.heap.elements(term) else { return term };
        let ground = elements.iter().all(|element| element.is_ground());
        let inert = elements.iter().all(|element| element.is_inert_element());
        let term = if ground { term.grounded() } else { term };
        if inert { term.with_evaluated_elements() } else { term }
    }

    /// A new tuple of values with the flags that they allow. A tuple with an error in it does not stay one. After an
    /// interrupt some flags may lack.
    pub(in crate::machine) fn with_flags_of_values(&self, tuple: Cell) -> Cell {
        let mut pulse = Pulse::new(&self.interrupt);
        let is_error = |element: &Cell| element.is_expression() && self.heap.is_error(*element);
        let mut portions = self.heap.elements(tuple).unwrap_or_default().chunks(PORTION);
        let fails = portions.any(|some| !pulse.goes_on(some.len() as u32) || some.iter().any(is_error));
        if fails { tuple } else { self.with_flags(tuple) }
    }

    /// Calls a function from code.
    #[inline(always)]
    pub(super) fn call_compiled(&mut self, site: u32, base: u32, ends: bool) -> Next {
        let Work::Function { id, operands, count } = self.code.sites[site as usize].task else {
            return Next::Task;
        };
        self.call_at(site, base, ends, (id, operands, u32::from(count)))
    }

    /// Calls a function with so many operands, from the one at a place on.
    #[inline(always)]
    pub(super) fn call_at(
        &mut self,
        site: u32,
        base: u32,
        ends: bool,
        (id, operands, count): (u32, u32, u32),
    ) -> Next {
        let place = &self.code.sites[site as usize];
        let (ordered, keeps) = (place.ordered, place.keeps);
        let expected = self.expected_at(place.expected, base);
        let returns = matches!(place.resume, Resume::At { .. });
        let end = base + u32::from(place.size);
        let below = if ends { base } else { end };
        let new = below.max(self.choices.last().map_or(0, |choice| choice.env));
        self.reserve(new + count + 1);
        // Where the call returns to, the site is asked when it is needed.
        self.kept = match returns {
            true => Kept::AsAtSite,
            false if self.keeps(keeps, site, base) => Kept::Yes,
            false => Kept::No,
        };
        if new >= end || ordered && new == base {
            let Machine { code, heap, env, .. } = self;
            let env = &mut env[..];
            for (at, argument) in
                (new as usize + 1..).zip(&code.arguments[operands as usize..][..count as usize])
            {
                env[at] = value_of(heap, &env[base as usize..], &code.constants, argument.value);
            }
        } else {
            self.move_operands(operands, count, base, new);
        }
        self.env[new as usize] = expected;
        if returns {
            self.push_code_frame(site, base);
        }
        self.enter_at(id, new, count)
    }

    /// Calls a function with its operands, which are values already, to be evaluated with a type.
    pub(super) fn call_with(
        &mut self,
        site: u32,
        base: u32,
        ends: bool,
        (id, expected): (u32, Cell),
        values: &[Cell],
    ) -> Next {
        let place = self.code.sites[site as usize];
        let below = if ends { base } else { base + u32::from(place.size) };
        let new = below.max(self.choices.last().map_or(0, |choice| choice.env));
        let count = values.len() as u32;
        self.reserve(new + count + 1);
        // The values are what the operands were.
        self.kept = Kept::Yes;
        self.env[new as usize] = expected;
        self.env[new as usize + 1..][..values.len()].copy_from_slice(values);
        if matches!(place.resume, Resume::At { .. }) {
            self.push_code_frame(site, base);
        }
        self.enter_at(id, new, count)
    }

    /// Enters a function whose arguments are in a new activation, unless it is time to look at limits.
    #[inline(always)]
    pub(super) fn enter_at(&mut self, id: u32, new: u32, count: u32) -> Next {
        self.stats.reductions += 1;
        if self.stats.reductions >= self.pause_at
            || self.heap.cells.len() >= self.collect_at
            || self.is_stressed()
        {
            self.top = new + 1 + count;
            self.task = Task::Enter { function: id, base: new, kept: self.kept };
            return Next::Task;
        }
        self.enter_counted(id, new)
    }

    /// Enters a function for a call that is counted.
    #[inline(always)]
    pub(super) fn enter_counted(&mut self, id: u32, new: u32) -> Next {
        let function = &self.code.functions[id as usize];
        if let Some(direct) = function.direct
            && function.stamp == self.code.stamp
            && !self.heap.has_matchers
        {
            if direct.rule != NO_RULE {
                self.rule = direct.rule;
            }
            return match direct.leaf {
                Some(op) => self.run_leaf(op, new),
                None => {
                    self.straight = true;
                    Next::At(direct.pc, new)
                }
            };
        }
        if function.tabled {
            return self.call_tabled(id, new);
        }
        self.enter_function(id, new)
    }

    /// Moves the operands of a call to the slots that they are read from, by way of free ones.
    #[cold]
    fn move_operands(&mut self, operands: u32, count: u32, base: u32, new: u32) {
        let aside = new + MAX_SLOTS as u32;
        self.reserve(aside + count);
        for index in 0..count {
            let operand = self.code.arguments[(operands + index) as usize].value;
            self.env[(aside + index) as usize] = self.operand(base, operand);
        }
        for index in 0..count {
            self.env[(new + 1 + index) as usize] = self.env[(aside + index) as usize];
        }
    }

    /// Goes on with a call that was put off.
    pub(in crate::machine) fn resume_call(&mut self, id: u32, base: u32, kept: Kept) {
        self.note_pause(id);
        self.kept = kept;
        let next = match self.code.functions[id as usize].tabled {
            true => self.call_tabled(id, base),
            false => self.enter_function(id, base),
        };
        match next {
            Next::At(pc, base) => self.run_code(pc, base),
            Next::Task => {}
        }
    }

    /// The head and the tuple of a call that no rule reduces; `None` when there are rules.
    #[inline(always)]
    pub(super) fn construct(&mut self, site: u32, base: u32) -> Option<(SymbolId, Cell)> {
        let Work::Function { id, operands, count } = self.code.sites[site as usize].task else { return None };
        self.prove(id);
        let function = &self.code.functions[id as usize];
        if function.definition != Definitions::NONE || function.native {
            return None;
        }
        let head = function.symbol;
        let data = self.construct_data(head, base, operands, count);
        let term = match data {
            Some(term) => term,
            None => self.construct_of(Some(head), base, operands, u32::from(count)),
        };
        Some((head, term))
    }

    /// The tuple of a head and operands, if those have no variables and are values, or were evaluated just now.
    #[inline(always)]
    fn construct_data(&mut self, head: SymbolId, base: u32, operands: u32, count: u8) -> Option<Cell> {
        let arguments = &self.code.arguments[operands as usize..][..usize::from(count)];
        let slots = &self.env[base as usize..];
        let address = self.heap.top();
        self.heap.cells.push(Cell::symbol(head));
        let (mut inert, mut kept) = (true, true);
        for Argument { value, source } in arguments {
            let value = value_of(&self.heap, slots, &self.code.constants, *value);
            if !value.is_ground() {
                self.heap.cells.truncate(address as usize);
                return None;
            }
            inert &= value.is_inert_element();
            kept = kept
                && (self.straight && matches!(source, Source::Slot(_))
                    || is_unchanged(&self.heap, slots, &self.code.constants, *source, value));
            self.heap.cells.push(value);
        }
        let term = Cell::expression(address, u32::from(count) + 1, true);
        match (inert, kept) {
            (true, true) => Some(term.with_evaluated_elements().evaluated()),
            (true, false) => Some(term.with_evaluated_elements()),
            (false, false) => Some(term),
            (false, true) => {
                self.heap.cells.truncate(address as usize);
                None
            }
        }
    }

    /// The tuple of some operands behind a head, if there is one.
    pub(super) fn construct_of(
        &mut self,
        head: Option<SymbolId>,
        base: u32,
        operands: u32,
        count: u32,
    ) -> Cell {
        let address = self.heap.top();
        self.heap.cells.extend(head.map(Cell::symbol));
        let (mut ground, mut inert, mut same) = (true, true, true);
        let mut settled = head.is_some_and(|head| self.is_constructor(head, count));
        for index in 0..count {
            let argument = self.code.arguments[(operands + index) as usize];
            let value = self.operand(base, argument.value);
            ground &= value.is_ground();
            let is_inert = value.is_inert_element();
            inert &= is_inert;
            settled &= self.is_settled_element(value, is_inert);
            let slots = &self.env[base as usize..];
            same = same && is_unchanged(&self.heap, slots, &self.code.constants, argument.source, value);
            self.heap.cells.push(value);
        }
        let mut term = Cell::expression(address, count + u32::from(head.is_some()), ground);
        if inert {
            term = term.with_evaluated_elements();
        }
        if !same {
            return term;
        }
        // What the types of the arguments are, code has looked at, and what is ground needs no copy.
        if settled || inert && ground && head.is_some() || self.is_inert(term) {
            return term.evaluated();
        }
        self.settled(term).unwrap_or_else(|| self.marked(term))
    }

    /// Reports whether the evaluation of the arguments of the call that was entered changed nothing.
    pub(super) fn call_is_kept(&self) -> bool {
        match (self.kept, self.frames[self.frame as usize].kind) {
            (Kept::Yes, _) => true,
            (Kept::AsAtSite, Kind::Code { site, base } | Kind::Tabled { site, base, .. }) => {
                self.is_kept(site, base)
            }
            _ => false,
        }
    }

    /// Reports whether the evaluation of the operands of a call changed nothing.
    #[inline(always)]
    fn keeps(&self, keeps: Keeps, site: u32, base: u32) -> bool {
        match keeps {
            Keeps::Not => false,
            Keeps::Straight if self.straight => true,
            Keeps::Marked(slot) if self.straight => self.heap.deref(self.slot(base, slot)).is_evaluated(),
            _ => self.is_kept(site, base),
        }
    }

    /// Reports the same, by what is in the slots.
    fn is_kept(&self, site: u32, base: u32) -> bool {
        let (Work::Function { operands, count, .. } | Work::Apply { operands, count }) =
            self.code.sites[site as usize].task
        else {
            return false;
        };
        let (slots, constants) = (&self.env[base as usize..], &self.code.constants[..]);
        let arguments = &self.code.arguments[operands as usize..][..usize::from(count)];
        arguments.iter().all(|Argument { value, source }| match *source {
            Source::Same => true,
            Source::Other => false,
            source => {
                let value = match value.place() {
                    Ok(slot) => slots[slot as usize],
                    Err(constant) => constants[constant as usize],
                };
                is_unchanged(&self.heap, slots, constants, source, value)
            }
        })
    }

    /// Leaves the current frame, and goes on at its site with a result that is no error.
    #[inline(always)]
    pub(super) fn resume_with(&mut self, site: u32, base: u32, value: Cell) -> Next {
        self.leave_frame();
        // The activation was left (C4).
        self.straight = false;
        let pc = self.resume_at(site);
        // What `Result` would find out is known.
        if let Instr::Result { to } = self.code.instrs[pc as usize] {
            self.set_slot(base, to, value);
            return Next::At(pc + 1, base);
        }
        self.acc = value;
        Next::At(pc, base)
    }

    /// Gives a result to the current frame; code goes on at once.
    #[inline(always)]
    pub(in crate::machine) fn give(&mut self, value: Cell) -> Next {
        let frame = &mut self.frames[self.frame as usize];
        if let Kind::Code { site, base } = frame.kind
            && frame.choices != RAW
            && value != cell(symbols::EMPTY)
            && !(value.is_expression() && self.heap.is_error(value))
        {
            if self.choices.len() as u32 > frame.choices {
                frame.exit.succeeded = true;
            }
            return self.resume_with(site, base, value);
        }
        match frame.kind {
            Kind::Tabled { .. } => return self.give_answer(value),
            Kind::Collapse if !(value.is_expression() && self.heap.is_error(value)) => {
                // The choice point of a `collapse` is below its frame: one that counts is above it.
                frame.exit.succeeded |= self.choices.len() as u32 > frame.choices;
                self.collect_result(value);
            }
            _ => self.task = Task::Return(value),
        }
        Next::Task
    }
}

/// The value of an operand, dereferenced, where the slots of the activation are at hand.
#[inline(always)]
fn value_of(heap: &Heap, slots: &[Cell], constants: &[Cell], operand: Operand) -> Cell {
    match operand.place() {
        Ok(slot) => heap.deref(slots[slot as usize]),
        Err(constant) => constants[constant as usize],
    }
}

/// Reports whether a value is what it was evaluated from.
#[inline(always)]
fn is_unchanged(heap: &Heap, slots: &[Cell], constants: &[Cell], source: Source, value: Cell) -> bool {
    let before = match source {
        Source::Same => return true,
        Source::Marked => return heap.deref(value).is_evaluated(),
        Source::Other => return false,
        Source::Constant(constant) => constants[constant as usize],
        Source::Slot(slot) => slots[usize::from(slot)],
    };
    value.same(before) || is_same_value(heap, source, value, before)
}

#[cold]
#[inline(never)]
fn is_same_value(heap: &Heap, source: Source, value: Cell, before: Cell) -> bool {
    let (value, before) = (heap.deref(value), heap.deref(before));
    value.same(before)
        || matches!(source, Source::Slot(_)) && value.is_expression() && heap.equal(value, before)
}
