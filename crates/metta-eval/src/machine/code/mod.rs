//! Runs compiled clauses.
//!
//! ```text
//! call ─► enter ─► clause whose tests fit ─► head ─► body ─► Call: frame, enter ...
//!                                                     ├────► TailCall: enter
//!                                                     ├────► Give: the frame goes on
//!                                                     └────► General: a task of the machine
//! ```
//!
//! Invariant C1: a slot of an activation is written before it is read, on every path, and what is in it
//! when the activation is left stays there. So a choice point need not save slots.
//! Invariant C2: activations at or above the `env` of the newest choice point may be overwritten,
//! those below may not.
//! Invariant C4: while [`Machine::straight`] says so, the activation that runs was not left since its head was
//! matched: each `Eval` so far gave the value that it was given, and nothing was declared.

mod activations;
mod alternatives;
mod computed;
mod each;
mod forms;
mod functions;
mod goals;
mod leaf;
mod minimal;
mod numbers;
mod patterns;
mod tabled;

pub(in crate::machine) use leaf::LeafFrame;
use patterns::Matched;

use crate::code::{Instr, Query};
use crate::machine::quick::Quick;
use crate::machine::{Machine, Task};
use crate::terms::cell::{Cell, View};
use crate::terms::symbols::{self, cell};

/// The `pc` of a clause that is reduced in the general way.
pub(in crate::machine) const GENERAL: u32 = u32::MAX;

/// Code looks at limits at calls, and after so many returns: of a deep recursion there may be any number.
const MOST_RETURNS: u32 = 1024;

/// Where to go on.
pub(in crate::machine) enum Next {
    /// In this loop.
    At(u32, u32),
    /// With the task of the machine.
    Task,
}

impl Machine {
    /// Lets the loop of the machine look at limits behind many returns.
    #[cold]
    fn pause_behind(&mut self, pc: u32, base: u32) {
        self.work += u64::from(MOST_RETURNS);
        self.task = Task::Run { pc, base };
    }

    /// Runs code from `pc` on.
    pub(in crate::machine) fn run_code(&mut self, mut pc: u32, mut base: u32) {
        let mut returns = 0;
        self.straight = false;
        loop {
            let at = pc as usize;
            pc += 1;
            // The parts of an instruction are read where they are needed: it is not copied first.
            match self.code.instrs[at] {
                Instr::Jump { to } => pc = to,
                Instr::Copy { to, from } => {
                    let value = self.operand(base, from);
                    self.set_slot(base, to, value);
                }
                Instr::Arithmetic { operation, to, a, b, otherwise } => {
                    let (a, b) = (self.operand(base, a), self.operand(base, b));
                    self.stats.reductions += 1;
                    match self.compute(operation, a, b) {
                        Some(value) => self.set_slot(base, to, value),
                        None => pc = otherwise,
                    }
                }
                Instr::JumpUnless { test, a, b, to, otherwise } => {
                    let (a, b) = (self.operand(base, a), self.operand(base, b));
                    self.stats.reductions += 1;
                    match self.compare(test, a, b) {
                        Some(true) => {}
                        Some(false) => pc = to,
                        None => pc = otherwise,
                    }
                }
                Instr::Compare { test, to, a, b, otherwise } => {
                    let (a, b) = (self.operand(base, a), self.operand(base, b));
                    self.stats.reductions += 1;
                    match self.compare(test, a, b) {
                        Some(truth) => self.set_slot(base, to, Cell::bool(truth)),
                        None => pc = otherwise,
                    }
                }
                Instr::Logical { operation, to, a, b, otherwise } => {
                    match operation.of(self.operand(base, a), self.operand(base, b)) {
                        Some(truth) => {
                            self.stats.reductions += 1;
                            self.set_slot(base, to, truth);
                        }
                        None => pc = otherwise,
                    }
                }
                Instr::Native { to, native, otherwise } => match self.run_native(native, base) {
                    Some(value) => {
                        self.stats.reductions += 1;
                        self.set_slot(base, to, value);
                    }
                    None => pc = otherwise,
                },
                Instr::Branch { slot, to, otherwise } => {
                    let value = self.heap.deref(self.slot(base, slot));
                    if value == Cell::bool(false) {
                        pc = to;
                    } else if value != Cell::bool(true) {
                        pc = otherwise;
                    }
                }
                Instr::Guard { slot, known, otherwise } => {
                    let value = self.heap.deref(self.slot(base, slot));
                    if !self.is_known(value, known) {
                        pc = otherwise;
                    }
                }
                Instr::GuardExpected { constant, otherwise } => {
                    let expected = self.env[base as usize];
                    if expected != cell(symbols::UNDEFINED)
                        && expected != self.code.constants[constant as usize]
                    {
                        pc = otherwise;
                    }
                }
                Instr::GuardDeclared { clause, otherwise } => {
                    // Nothing is declared while an activation is not left.
                    if !self.straight && !self.still_holds(clause, self.space) {
                        pc = otherwise;
                    }
                }
                Instr::Settle { to, template, otherwise } => {
                    let top = self.heap.top();
                    let term = self.build(base, template);
                    let plain = self.settled_leaves(term);
                    // Only what has no type is what every context takes.
                    match plain
                        .or_else(|| self.settled(term).filter(|settled| self.is_of(*settled, Cell::NONE)))
                    {
                        Some(value) => {
                            self.stats.reductions += 1;
                            self.set_slot(base, to, value);
                        }
                        None => {
                            self.heap.cells.truncate(top as usize);
                            pc = otherwise;
                        }
                    }
                }
                Instr::Eval { from, to, site, plain } => {
                    let stored = self.slot(base, from);
                    let value = self.heap.deref(stored);
                    if plain {
                        if self.is_plain(value) {
                            self.set_slot(base, to, value);
                            continue;
                        }
                        if self.is_inert(value) {
                            let result = value.evaluated();
                            self.heap.rebind(stored, result);
                            self.set_slot(base, to, result);
                            continue;
                        }
                    }
                    match self.quick_value(value, site, base) {
                        Quick::Value(result) => {
                            if result != value {
                                self.heap.rebind(stored, result);
                            }
                            self.set_slot(base, to, result);
                        }
                        Quick::Fail => {
                            self.task = Task::Fail;
                            return;
                        }
                        Quick::Slow => {
                            let expected = self.leave(site, base);
                            self.task = Task::Eval { term: value, expected };
                            return;
                        }
                    }
                }
                Instr::Result { to } => {
                    let value = self.acc;
                    if self.heap.is_error(value) {
                        self.task = Task::Return(value);
                        return;
                    }
                    self.set_slot(base, to, value);
                }
                Instr::ResultOf { to, from } => {
                    let value = self.acc;
                    if self.heap.is_error(value) && !self.heap.equal(value, self.slot(base, from)) {
                        self.task = Task::Return(value);
                        return;
                    }
                    self.set_slot(base, to, value);
                }
                Instr::Call { site } | Instr::LastCall { site } => {
                    match self.call_compiled(site, base, false) {
                        Next::At(p, b) => (pc, base) = (p, b),
                        Next::Task => return,
                    }
                }
                Instr::TailCall { site } => match self.call_compiled(site, base, true) {
                    Next::At(p, b) => (pc, base) = (p, b),
                    Next::Task => return,
                },
                Instr::Construct { to, site } => match self.construct(site, base) {
                    Some((head, value)) => {
                        self.stats.reductions += 1;
                        if head == symbols::ERROR {
                            self.task = Task::Return(value);
                            return;
                        }
                        self.set_slot(base, to, value);
                    }
                    None => match self.call_compiled(site, base, false) {
                        Next::At(p, b) => (pc, base) = (p, b),
                        Next::Task => return,
                    },
                },
                Instr::Give { value } => {
                    let value = self.operand(base, value);
                    match self.give(value) {
                        Next::At(p, b) => (pc, base) = (p, b),
                        Next::Task => return,
                    }
                    returns += 1;
                    if returns == MOST_RETURNS {
                        return self.pause_behind(pc, base);
                    }
                }
                Instr::Return { value, expected, otherwise } => {
                    let value = self.operand(base, value);
                    let expected = self.code.constants[expected as usize];
                    let expected = if expected == Cell::NONE { self.env[base as usize] } else { expected };
                    if value == cell(symbols::EMPTY) {
                        self.task = Task::Fail;
                        return;
                    }
                    let quick = self.quick_result(value, expected);
                    let Some(value) = quick else {
                        pc = otherwise;
                        continue;
                    };
                    match self.give(value) {
                        Next::At(p, b) => (pc, base) = (p, b),
                        Next::Task => return,
                    }
                    returns += 1;
                    if returns == MOST_RETURNS {
                        return self.pause_behind(pc, base);
                    }
                }
                Instr::Cons { to, head, tail, otherwise } => {
                    let (head, tail) = (self.operand(base, head), self.operand(base, tail));
                    self.stats.reductions += 1;
                    let list = if head == cell(symbols::ERROR) { None } else { self.heap.cons(head, tail) };
                    match list {
                        Some(list) => self.set_slot(base, to, list),
                        None => pc = otherwise,
                    }
                }
                Instr::Uncons { list, head, tail, otherwise } => {
                    let list = self.heap.deref(self.slot(base, list));
                    self.stats.reductions += 1;
                    match list.slice() {
                        Some((address, length)) if length > 0 => {
                            let rest = self.heap.tail(list);
                            let first = self.heap.element(address, 0);
                            self.set_slot(base, head, first);
                            self.set_slot(base, tail, rest);
                        }
                        _ => pc = otherwise,
                    }
                }
                Instr::Part { to, list, first, otherwise } => {
                    let list = self.heap.deref(self.slot(base, list));
                    self.stats.reductions += 1;
                    match list.slice() {
                        Some((address, length)) if length > 0 => {
                            let part =
                                if first { self.heap.element(address, 0) } else { self.heap.tail(list) };
                            self.set_slot(base, to, part);
                        }
                        _ => pc = otherwise,
                    }
                }
                Instr::GetState { to, state, expected, otherwise } => {
                    let state = self.operand(base, state);
                    let expected = self.code.constants[expected as usize];
                    let expected = if expected == Cell::NONE { self.env[base as usize] } else { expected };
                    self.stats.reductions += 1;
                    self.answers.note_effect();
                    match self.plain_content(state, expected) {
                        Some(content) => self.set_slot(base, to, content),
                        None => pc = otherwise,
                    }
                }
                Instr::GuardState { state, constant, otherwise } => {
                    let state = self.operand(base, state);
                    let wanted = self.code.constants[constant as usize];
                    if self.plain_state(state).is_none_or(|(_, found)| found != wanted) {
                        pc = otherwise;
                    }
                }
                Instr::ContentFor { to, state, from, otherwise } => {
                    let (state, value) = (self.operand(base, state), self.heap.deref(self.slot(base, from)));
                    match self.content_for(state, value) {
                        Some(content) => self.set_slot(base, to, content),
                        None => pc = otherwise,
                    }
                }
                Instr::ChangeState { to, state, value, otherwise } => {
                    let (state, value) = (self.operand(base, state), self.operand(base, value));
                    self.stats.reductions += 1;
                    self.answers.note_change();
                    if self.change_plain_state(state, value) {
                        self.set_slot(base, to, state);
                    } else {
                        pc = otherwise;
                    }
                }
                Instr::Expect { slot, length, variable, otherwise } => {
                    match self.heap.deref(self.slot(base, slot)).view() {
                        View::Expression { length: found, .. } if found == length => {}
                        View::Ref(_) => pc = variable,
                        View::Space(_) => pc = otherwise,
                        _ if self.heap.has_matchers => pc = otherwise,
                        _ => {
                            self.task = Task::Fail;
                            return;
                        }
                    }
                }
                Instr::Unify { slot, with, otherwise } => {
                    let (a, b) = (self.heap.deref(self.slot(base, slot)), self.operand(base, with));
                    if self.heap.has_matchers || self.space_and_pattern(a, b).is_some() {
                        pc = otherwise;
                    } else if a != b && !self.heap.unify_or_undo(a, b) {
                        self.task = Task::Fail;
                        return;
                    }
                }
                Instr::Take { to } => {
                    let value = self.acc;
                    self.set_slot(base, to, value);
                }
                Instr::Skip { slot, element, length, head, next } => {
                    let value = self.heap.deref(self.slot(base, slot));
                    if self.differs(value, element, u32::from(length), head) {
                        pc = next;
                    }
                }
                Instr::Try { next } => pc = self.try_pattern(pc, base).unwrap_or(next),
                Instr::GuardContext { otherwise } => {
                    if self.space != self.context {
                        pc = otherwise;
                    }
                }
                Instr::GuardPlain { slot, otherwise } => {
                    let value = self.heap.deref(self.slot(base, slot));
                    if self.heap.has_matchers || matches!(value.view(), View::Space(_)) {
                        pc = otherwise;
                    }
                }
                Instr::Prepare { query, otherwise } => match self.prepare_query(query, base) {
                    Some((table, time)) => {
                        let Query { table: at, time: when, .. } = self.code.queries[query as usize];
                        self.set_slot(base, at, small(u64::from(table)));
                        self.set_slot(base, when, small(time));
                    }
                    None => pc = otherwise,
                },
                Instr::Search { query } => match self.begin_query(query, base) {
                    Next::At(p, b) => (pc, base) = (p, b),
                    Next::Task => return,
                },
                Instr::Query { query, otherwise } => match self.prepare_query(query, base) {
                    Some((table, time)) => match self.query_table(query, base, table, time) {
                        Next::At(p, b) => (pc, base) = (p, b),
                        Next::Task => return,
                    },
                    None => pc = otherwise,
                },
                Instr::GuardHead { .. }
                | Instr::Decons { .. }
                | Instr::Apply { .. }
                | Instr::ApplyTyped { .. }
                | Instr::Superpose { .. }
                | Instr::Either { .. }
                | Instr::Collapse { .. }
                | Instr::Quick { .. }
                | Instr::Each { .. }
                | Instr::First { .. }
                | Instr::Cases { .. }
                | Instr::Exec { .. }
                | Instr::CallStep { .. }
                | Instr::Returned { .. }
                | Instr::GuardData { .. }
                | Instr::GuardOutcome { .. }
                | Instr::NoReturn { .. } => match self.form_step(self.code.instrs[at], pc, base) {
                    Next::At(p, b) => (pc, base) = (p, b),
                    Next::Task => return,
                },
                Instr::Block { site } => {
                    self.push_code_frame(site, base);
                }
                Instr::General { site } => {
                    self.general(site, base);
                    return;
                }
                Instr::Fail => {
                    self.task = Task::Fail;
                    return;
                }
                Instr::NoteKept { to } => {
                    let kept = self.call_is_kept();
                    self.set_slot(base, to, Cell::bool(kept));
                }
                Instr::Body => {}
                Instr::MatchConstant { .. }
                | Instr::MatchSame { .. }
                | Instr::MatchExpression { .. }
                | Instr::MatchHead { .. }
                | Instr::MatchParts { .. }
                | Instr::Elements { .. }
                | Instr::Element { .. }
                | Instr::ElementConstant { .. }
                | Instr::Fresh { .. }
                | Instr::Build { .. } => match self.match_in_body(at as u32, base) {
                    Matched::Yes | Matched::Body => {}
                    Matched::No => {
                        self.task = Task::Fail;
                        return;
                    }
                    Matched::Variable(to) => pc = to,
                },
            }
        }
    }
}

/// The cell of a number that the machine counts up to.
fn small(number: u64) -> Cell {
    Cell::int(number as i64).unwrap_or(Cell::UNIT)
}
