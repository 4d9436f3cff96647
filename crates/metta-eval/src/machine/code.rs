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

use std::ops::Range;
use std::sync::Arc;

use crate::code::{
    Arguments, Arithmetic, Compiled, Compiler, Definitions, Direct, Entry, Expected, Function, Instr,
    MAX_SLOTS, Operand, Query, Resume, Shape, Source, Task as Work, Test,
};
use crate::library::{Binary, apply};
use crate::machine::choices::Alternatives;
use crate::machine::frames::{Kind, RAW};
use crate::machine::quick::{Judged, Quick};
use crate::machine::{Machine, NO_RULE, Task};
use crate::program::clause::Clause;
use crate::terms::cell::{Cell, SymbolId, View};
use crate::terms::symbols::{self, cell};

/// The `pc` of a clause that is reduced in the general way.
pub(super) const GENERAL: u32 = u32::MAX;

/// Where to go on.
pub(super) enum Next {
    /// In this loop.
    At(u32, u32),
    /// With the task of the machine.
    Task,
}

impl Machine {
    /// Calls a function whose head is a symbol, with the arguments of an evaluated call.
    pub(super) fn call_function(&mut self, symbol: SymbolId, call: Cell, expected: Cell) {
        let Some((address, length)) = call.slice() else { return };
        let arity = length - 1;
        if !self.compiles
            || self.heap.has_matchers
            || self.stack_depth < u32::MAX
            || arity as usize + 8 >= MAX_SLOTS
            || expected == Cell::NONE
            || expected == cell(symbols::ATOM)
        {
            let clauses = self.head(symbol).calls.clone();
            return self.try_clauses(call, expected, &clauses);
        }
        let id = self.code.function(self.space, symbol, arity);
        self.prove(id);
        if self.code.definition(id).is_empty() {
            return self.finish_call(call, expected, cell(symbols::NOT_REDUCIBLE));
        }
        let base = self.env_top();
        self.reserve(base + length);
        self.env[base as usize] = expected;
        for index in 1..length {
            self.env[(base + index) as usize] = self.heap.element(address, index);
        }
        match self.enter(id, base, Some(call)) {
            Next::At(pc, base) => self.task = Task::Run { pc, base },
            Next::Task => {}
        }
    }

    /// The first slot that no activation in use has (C2).
    pub(super) fn env_top(&self) -> u32 {
        self.top.max(self.choices.last().map_or(0, |choice| choice.env))
    }

    fn reserve(&mut self, top: u32) {
        if self.env.len() < top as usize + MAX_SLOTS {
            // The storage doubles, but what is never used of it is not written.
            let length = top as usize + MAX_SLOTS;
            self.env.resize(length + length / 8, Cell::UNIT);
        }
    }

    /// Makes sure that the clauses of a function are the ones declared now.
    pub(super) fn prove(&mut self, id: u32) {
        let function = &self.code.functions[id as usize];
        if function.stamp == self.code.stamp {
            return;
        }
        let (space, symbol) = (function.space, function.symbol);
        let head = self.head_in(space, symbol);
        let function = &self.code.functions[id as usize];
        let known = function.head.as_ref().filter(|known| head.calls.extends(&known.calls));
        let (start, definition) =
            known.map_or((0, Definitions::NONE), |known| (known.calls.len(), function.definition));
        let definition = self.define(id, definition, head.calls.from(start));
        let function = &mut self.code.functions[id as usize];
        function.definition = definition;
        function.native = head.builtin.is_some_and(|builtin| !builtin.grounded);
        function.head = Some(head);
        (function.stamp, function.direct) = (self.code.stamp, None);
    }

    /// Adds those of some clauses that take the calls of a function to its definition.
    fn define<'c>(
        &mut self,
        id: u32,
        mut definition: u32,
        clauses: impl Iterator<Item = &'c Arc<Clause>>,
    ) -> u32 {
        let Function { space, symbol, arity, .. } = self.code.functions[id as usize];
        for clause in clauses.filter(|clause| clause.takes(&self.heap, symbol, arity)) {
            if definition == Definitions::NONE {
                definition = self.code.definitions.make();
            }
            let code = self.code.clause(space, clause);
            let tests = Shape::tests(&self.heap, clause);
            self.code.definitions[definition].push(Entry { clause: Arc::clone(clause), code, tests });
        }
        definition
    }

    /// The first of some clauses that may match the arguments at `base`.
    #[inline(always)]
    fn candidate(&mut self, definition: u32, base: u32, clauses: Range<u32>, arity: u32) -> Option<u32> {
        let call = Arguments { heap: &self.heap, slots: &self.env[base as usize..], arity };
        self.code.definitions[definition].candidate(call, clauses.start, clauses.end)
    }

    /// Reduces a call, whose arguments are at `base`, by its clauses.
    ///
    /// `call` is its term, if there is one.
    fn enter(&mut self, id: u32, base: u32, call: Option<Cell>) -> Next {
        let Function { definition, arity, .. } = self.code.functions[id as usize];
        let arguments = Arguments { heap: &self.heap, slots: &self.env[base as usize..], arity };
        let clauses = &mut self.code.definitions[definition];
        let end = clauses.len();
        let (mut candidate, mut following) = clauses.candidates(arguments);
        while let Some(index) = candidate {
            if let Some(next) = following {
                self.top = base + 1 + arity;
                self.choose(Alternatives::Code { function: id, base, definition, next, end });
            }
            let code = self.code.definitions[definition].entry(index).code;
            let reduced = match self.ready_code(code) {
                Some(pc) => self.reduce_at(pc, base, code),
                None => {
                    let reduced = self.reduce_compiled(id, base, call, (definition, index));
                    self.note_direct(id);
                    reduced
                }
            };
            if let Some(next) = reduced {
                return next;
            }
            let Some(next) = following else { break };
            self.cut_newest();
            candidate = following;
            following = self.candidate(definition, base, next + 1..end, arity);
        }
        let (term, expected) = (self.call_term(id, base, call), self.env[base as usize]);
        self.finish_call(term, expected, cell(symbols::NOT_REDUCIBLE));
        Next::Task
    }

    /// The choice point for the clauses of a call is the newest, and its state is restored.
    pub(super) fn retry_function(&mut self, id: u32, base: u32, definition: u32, clauses: Range<u32>) {
        let index = clauses.start;
        let arity = self.code.functions[id as usize].arity;
        match self.candidate(definition, base, index + 1..clauses.end, arity) {
            Some(following) => {
                if let Some(choice) = self.choices.last_mut()
                    && let Alternatives::Code { next, .. } = &mut choice.alternatives
                {
                    *next = following;
                }
            }
            None => self.exhaust(),
        }
        match self.reduce_compiled(id, base, None, (definition, index)) {
            Some(Next::At(pc, base)) => self.task = Task::Run { pc, base },
            Some(Next::Task) => {}
            None => self.task = Task::Fail,
        }
    }

    /// The term of a call whose arguments are at `base`.
    fn call_term(&mut self, id: u32, base: u32, call: Option<Cell>) -> Cell {
        if let Some(call) = call {
            return call;
        }
        let function = &self.code.functions[id as usize];
        let (symbol, arity) = (function.symbol, function.arity);
        let address = self.heap.top();
        self.heap.cells.push(Cell::symbol(symbol));
        let mut ground = true;
        let mut inert = true;
        for index in 1..=arity {
            let value = self.env[(base + index) as usize];
            ground &= value.is_ground();
            inert &= value.is_inert_element();
            self.heap.cells.push(value);
        }
        let term = Cell::expression(address, arity + 1, ground);
        if inert { term.with_evaluated_elements() } else { term }
    }

    /// Reduces a call by one clause of a definition, if its head matches.
    fn reduce_compiled(
        &mut self,
        id: u32,
        base: u32,
        call: Option<Cell>,
        clause: (u32, u32),
    ) -> Option<Next> {
        let (definition, index) = clause;
        let code = self.code.definitions[definition].entry(index).code;
        let pc = if self.heap.has_matchers { GENERAL } else { self.code_of(id, code, clause) };
        if pc == GENERAL {
            let term = self.call_term(id, base, call);
            let expected = self.env[base as usize];
            self.top = base;
            let clause = Arc::clone(&self.code.definitions[definition].entry(index).clause);
            return self.reduce(term, expected, &clause).then_some(Next::Task);
        }
        self.reduce_at(pc, base, code)
    }

    /// The place of the code of a clause, if it is ready to run.
    #[inline]
    fn ready_code(&self, code: u32) -> Option<u32> {
        let compiled = &self.code.clauses[code as usize];
        let ready = compiled.stamp == self.code.stamp && !self.heap.has_matchers;
        compiled.pc.filter(|pc| ready && *pc != GENERAL)
    }

    /// Notes where the only clause of a function goes on, if its head matches every call.
    fn note_direct(&mut self, id: u32) {
        let Some(entry) = self.code.definition(id).only() else { return };
        if let Some(pc) = self.ready_code(entry.code)
            && entry.tests.is_empty()
            && matches!(self.code.instrs[pc as usize], Instr::Body)
        {
            let rule = self.code.clauses[entry.code as usize].rule;
            self.code.functions[id as usize].direct = Some(Direct { pc: pc + 1, rule });
        }
    }

    /// Matches the head of a clause whose code is at `pc`.
    #[inline]
    fn reduce_at(&mut self, pc: u32, base: u32, code: u32) -> Option<Next> {
        let Compiled { size, rule, .. } = &self.code.clauses[code as usize];
        let (size, rule) = (*size, *rule);
        self.reserve(base + size);
        let boundary = std::mem::replace(&mut self.heap.boundary, u32::MAX);
        let mark = self.heap.trail.len();
        let body = self.match_head(pc, base);
        self.heap.boundary = boundary;
        match body {
            Some(pc) => {
                // A rule of the library works for its caller.
                if rule != NO_RULE {
                    self.rule = rule;
                }
                if self.heap.trail.len() > mark {
                    self.heap.tidy_trail(mark);
                }
                Some(Next::At(pc, base))
            }
            None => {
                self.heap.undo(mark);
                None
            }
        }
    }

    /// The code of a clause, compiled if it was not, or if what it takes for granted has changed.
    #[inline(always)]
    fn code_of(&mut self, id: u32, code: u32, clause: (u32, u32)) -> u32 {
        let compiled = &self.code.clauses[code as usize];
        match compiled.pc {
            Some(pc) if compiled.stamp == self.code.stamp => pc,
            _ => self.compile_again(id, code, clause),
        }
    }

    fn compile_again(&mut self, id: u32, code: u32, (definition, index): (u32, u32)) -> u32 {
        let compiled = &self.code.clauses[code as usize];
        let Function { space, symbol, arity, .. } = self.code.functions[id as usize];
        if let Some(pc) = compiled.pc {
            let assumed = std::mem::take(&mut self.code.clauses[code as usize].assumed);
            let holds = assumed.iter().all(|(id, head)| {
                let now = self.head_in(space, *id);
                Arc::ptr_eq(&now, head) || now.means_the_same(head)
            });
            let stamp = self.code.stamp;
            let compiled = &mut self.code.clauses[code as usize];
            compiled.assumed = assumed;
            if holds {
                compiled.stamp = stamp;
                return pc;
            }
        }
        let clause = Arc::clone(&self.code.definitions[definition].entry(index).clause);
        let stamp = self.code.stamp;
        let compiled = Compiler::compile(self, space, &clause, symbol, arity, code);
        let compiled =
            compiled.unwrap_or_else(|| Compiled { pc: Some(GENERAL), stamp, ..Compiled::default() });
        let pc = compiled.pc.unwrap_or(GENERAL);
        self.code.clauses[code as usize] = compiled;
        pc
    }

    #[inline(always)]
    pub(super) fn slot(&self, base: u32, slot: u8) -> Cell {
        self.env[base as usize + usize::from(slot)]
    }

    #[inline(always)]
    pub(super) fn set_slot(&mut self, base: u32, slot: u8, value: Cell) {
        self.env[base as usize + usize::from(slot)] = value;
    }

    /// The value of an operand, dereferenced.
    #[inline(always)]
    pub(super) fn operand(&self, base: u32, operand: Operand) -> Cell {
        match operand.place() {
            Ok(slot) => self.heap.deref(self.env[(base + slot) as usize]),
            Err(constant) => self.code.constants[constant as usize],
        }
    }

    /// Matches a head; the place of the body if it matches.
    pub(super) fn match_head(&mut self, mut pc: u32, base: u32) -> Option<u32> {
        loop {
            let instr = self.code.instrs[pc as usize];
            pc += 1;
            match instr {
                Instr::Body => return Some(pc),
                Instr::Jump { to } => pc = to,
                _ => match self.match_step(instr, base) {
                    Matched::Yes => {}
                    Matched::No => return None,
                    Matched::Variable(to) => pc = to,
                },
            }
        }
    }

    /// One instruction of a pattern.
    #[inline(always)]
    fn match_step(&mut self, instr: Instr, base: u32) -> Matched {
        match instr {
            Instr::MatchConstant { slot, constant } => {
                let value = self.heap.deref(self.slot(base, slot));
                self.match_constant(value, constant)
            }
            Instr::ElementConstant { from, index, constant } => {
                let Some((address, _)) = self.heap.deref(self.slot(base, from)).slice() else {
                    return Matched::No;
                };
                let value = self.heap.element(address, u32::from(index));
                self.match_constant(value, constant)
            }
            Instr::Element { from, index, to } => {
                let Some((address, _)) = self.heap.deref(self.slot(base, from)).slice() else {
                    return Matched::No;
                };
                let value = self.heap.element(address, u32::from(index));
                self.set_slot(base, to, value);
                Matched::Yes
            }
            Instr::MatchExpression { slot, length, variable } => {
                match self.heap.deref(self.slot(base, slot)).view() {
                    View::Expression { length: found, .. } if found == length => Matched::Yes,
                    View::Ref(_) => Matched::Variable(variable),
                    _ => Matched::No,
                }
            }
            Instr::MatchSame { slot, with } => {
                let (a, b) = (self.slot(base, slot), self.slot(base, with));
                if self.heap.unify(a, b) { Matched::Yes } else { Matched::No }
            }
            Instr::Copy { to, from } => {
                let value = self.operand(base, from);
                self.set_slot(base, to, value);
                Matched::Yes
            }
            Instr::Fresh { slot, name } => {
                let variable = self.heap.new_variable(self.code.names[name as usize], false);
                self.set_slot(base, slot, variable);
                Matched::Yes
            }
            Instr::Build { to, template } => {
                let built = self.build(base, template);
                self.set_slot(base, to, built);
                Matched::Yes
            }
            _ => Matched::No,
        }
    }

    #[inline(always)]
    fn match_constant(&mut self, value: Cell, constant: u32) -> Matched {
        let constant = self.code.constants[constant as usize];
        if value == constant || self.heap.unify(value, constant) { Matched::Yes } else { Matched::No }
    }

    /// Builds a term from the slots of an activation.
    fn build(&mut self, base: u32, template: u32) -> Cell {
        let template = self.code.templates[template as usize];
        let offset = self.heap.top();
        for index in template.start..template.start + template.length {
            let cell = self.code.cells[index as usize];
            let built = self.placed(cell, base, offset);
            self.heap.cells.push(built);
        }
        self.placed(template.root, base, offset)
    }

    #[inline(always)]
    fn placed(&self, cell: Cell, base: u32, offset: u32) -> Cell {
        match cell.view() {
            View::Local(slot) => self.heap.deref(self.env[(base + slot) as usize]),
            View::Expression { address, .. }
                if address & crate::terms::cell::CODE == 0 && !cell.is_ground() =>
            {
                cell.with_address(address + offset)
            }
            _ => cell,
        }
    }

    /// Runs code from `pc` on.
    pub(super) fn run_code(&mut self, mut pc: u32, mut base: u32) {
        loop {
            let instr = self.code.instrs[pc as usize];
            pc += 1;
            match instr {
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
                    if self.code.clauses[clause as usize].stamp != self.code.stamp {
                        pc = otherwise;
                    }
                }
                Instr::Settle { to, template, otherwise } => {
                    let top = self.heap.top();
                    let term = self.build(base, template);
                    match self.settled(term) {
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
                Instr::Eval { from, to, site } => {
                    let stored = self.slot(base, from);
                    let value = self.heap.deref(stored);
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
                    Some(value) => {
                        self.stats.reductions += 1;
                        if self.heap.is_error(value) {
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
                Instr::Body => {}
                Instr::MatchConstant { .. }
                | Instr::MatchSame { .. }
                | Instr::MatchExpression { .. }
                | Instr::Element { .. }
                | Instr::ElementConstant { .. }
                | Instr::Fresh { .. }
                | Instr::Build { .. } => match self.match_in_body(instr, base) {
                    Matched::Yes => {}
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

/// What an instruction of a pattern came to.
enum Matched {
    Yes,
    No,
    /// The value is an unbound variable: go on there.
    Variable(u32),
}

impl Machine {
    /// Matches the pattern at `pc`; the place behind it if it matches, else nothing is bound.
    fn try_pattern(&mut self, pc: u32, base: u32) -> Option<u32> {
        let boundary = std::mem::replace(&mut self.heap.boundary, u32::MAX);
        let mark = self.heap.trail.len();
        let body = self.match_head(pc, base);
        self.heap.boundary = boundary;
        match body {
            Some(_) => self.heap.tidy_trail(mark),
            None => self.heap.undo(mark),
        }
        body
    }

    /// An instruction of a pattern outside of a head.
    fn match_in_body(&mut self, instr: Instr, base: u32) -> Matched {
        let boundary = std::mem::replace(&mut self.heap.boundary, u32::MAX);
        let mark = self.heap.trail.len();
        let matched = self.match_step(instr, base);
        self.heap.boundary = boundary;
        if self.heap.trail.len() > mark {
            self.heap.tidy_trail(mark);
        }
        matched
    }

    #[inline(always)]
    fn compute(&mut self, operation: Arithmetic, a: Cell, b: Cell) -> Option<Cell> {
        match operation {
            Arithmetic::Add => {
                if let Some(sum) = a.plus(b) {
                    return Some(sum);
                }
            }
            Arithmetic::Subtract => {
                if let Some(difference) = a.minus(b) {
                    return Some(difference);
                }
            }
            Arithmetic::Multiply | Arithmetic::Divide | Arithmetic::Remainder => {}
        }
        if let (View::Int(x), View::Int(y)) = (a.view(), b.view()) {
            let small = match operation {
                Arithmetic::Add | Arithmetic::Subtract => None,
                Arithmetic::Multiply => x.checked_mul(y),
                Arithmetic::Divide => x.checked_div(y),
                Arithmetic::Remainder => x.checked_rem(y),
            };
            if let Some(cell) = small.and_then(Cell::int) {
                return Some(cell);
            }
        }
        self.compute_numbers(operation, a, b)
    }

    #[cold]
    fn compute_numbers(&mut self, operation: Arithmetic, a: Cell, b: Cell) -> Option<Cell> {
        let operation = match operation {
            Arithmetic::Add => Binary::Add,
            Arithmetic::Subtract => Binary::Subtract,
            Arithmetic::Multiply => Binary::Multiply,
            Arithmetic::Divide => Binary::Divide,
            Arithmetic::Remainder => Binary::Remainder,
        };
        let number = apply(operation, &self.heap.as_number(a)?, &self.heap.as_number(b)?).ok()?;
        Some(self.heap.number(number))
    }

    #[inline(always)]
    fn compare(&mut self, test: Test, a: Cell, b: Cell) -> Option<bool> {
        if let Some(order) = a.compare_ints(b) {
            return Some(match test {
                Test::Less => order.is_lt(),
                Test::Greater => order.is_gt(),
                Test::LessOrEqual => order.is_le(),
                Test::GreaterOrEqual => order.is_ge(),
                Test::Equal => order.is_eq(),
            });
        }
        self.compare_values(test, a, b)
    }

    fn compare_values(&mut self, test: Test, a: Cell, b: Cell) -> Option<bool> {
        if test == Test::Equal {
            return self.equal_quickly(a, b);
        }
        let order = self.heap.as_number(a)?.partial_cmp(&self.heap.as_number(b)?);
        Some(order.is_some_and(|order| match test {
            Test::Less => order.is_lt(),
            Test::Greater => order.is_gt(),
            Test::LessOrEqual => order.is_le(),
            Test::GreaterOrEqual => order.is_ge(),
            Test::Equal => order.is_eq(),
        }))
    }

    /// Whether two values are equal as `==` has it; `None` when their types have to be looked at.
    fn equal_quickly(&mut self, a: Cell, b: Cell) -> Option<bool> {
        let (x, y) = (self.judge(a)?, self.judge(b)?);
        match (x, y) {
            (Judged::Tuple, Judged::Tuple) => None,
            (Judged::Number | Judged::Bool, Judged::Number | Judged::Bool) if x != y => None,
            (Judged::Number, Judged::Number) => Some(self.heap.leaves_equal(a, b)),
            (Judged::Untyped, Judged::Untyped) => Some(self.heap.equal(a, b)),
            _ => Some(a == b),
        }
    }

    /// The type expected of the result at a site.
    pub(super) fn expected_at(&self, expected: Expected, base: u32) -> Cell {
        match expected {
            Expected::Dynamic => self.env[base as usize],
            Expected::Type(wanted) => wanted,
        }
    }

    /// Leaves an activation for the general evaluator; the type expected of the result.
    fn leave(&mut self, site: u32, base: u32) -> Cell {
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
    fn push_code_frame(&mut self, site: u32, base: u32) {
        self.top = base + u32::from(self.code.sites[site as usize].size);
        self.wait(Kind::Code { site, base });
    }

    /// The place where a frame of code goes on.
    pub(super) fn resume_at(&self, site: u32) -> u32 {
        match self.code.sites[site as usize].resume {
            Resume::At { pc, .. } => pc,
            Resume::Tail | Resume::Block => 0,
        }
    }

    fn general(&mut self, site: u32, base: u32) {
        let place = self.code.sites[site as usize];
        let term = self.build(base, place.template);
        let value = match place.task {
            Work::ResultOf(operand) => Some(self.operand(base, operand)),
            _ => None,
        };
        let expected = self.leave(site, base);
        match (place.task, value) {
            (_, Some(value)) => self.call_result(term, expected, value),
            (Work::Call, _) => {
                let call = self.with_flags(term);
                self.call(call, expected);
            }
            _ => self.task = Task::Eval { term, expected },
        }
    }

    /// A new expression with the flags that its elements allow.
    fn with_flags(&self, term: Cell) -> Cell {
        let Some(elements) = self.heap.elements(term) else { return term };
        let ground = elements.iter().all(|element| element.is_ground());
        let inert = elements.iter().all(|element| element.is_inert_element());
        let term = if ground { term.grounded() } else { term };
        if inert { term.with_evaluated_elements() } else { term }
    }

    /// Calls a function from code.
    #[inline(always)]
    fn call_compiled(&mut self, site: u32, base: u32, ends: bool) -> Next {
        let place = &self.code.sites[site as usize];
        let Work::Function { id, operands, count } = place.task else { return Next::Task };
        let (count, ordered) = (u32::from(count), place.ordered);
        let expected = self.expected_at(place.expected, base);
        let returns = matches!(place.resume, Resume::At { .. });
        let end = base + u32::from(place.size);
        let below = if ends { base } else { end };
        let new = below.max(self.choices.last().map_or(0, |choice| choice.env));
        self.reserve(new + count + 1);
        if new >= end || ordered && new == base {
            for index in 0..count {
                let operand = self.code.arguments[(operands + index) as usize].value;
                self.env[(new + 1 + index) as usize] = self.operand(base, operand);
            }
        } else {
            self.move_operands(operands, count, base, new);
        }
        self.env[new as usize] = expected;
        if returns {
            self.push_code_frame(site, base);
        }
        self.stats.reductions += 1;
        if self.stats.reductions >= self.pause_at
            || self.heap.cells.len() >= self.collect_at
            || self.is_stressed()
        {
            self.top = new + 1 + count;
            self.task = Task::Enter { function: id, base: new };
            return Next::Task;
        }
        let function = &self.code.functions[id as usize];
        if let Some(direct) = function.direct
            && function.stamp == self.code.stamp
            && !self.heap.has_matchers
        {
            if direct.rule != NO_RULE {
                self.rule = direct.rule;
            }
            return Next::At(direct.pc, new);
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

    /// Enters a function whose arguments are at `base`.
    #[inline(always)]
    fn enter_function(&mut self, id: u32, base: u32) -> Next {
        if self.code.functions[id as usize].stamp != self.code.stamp {
            self.prove(id);
        }
        self.enter(id, base, None)
    }

    /// Goes on with a call that was put off.
    pub(super) fn resume_call(&mut self, id: u32, base: u32) {
        match self.enter_function(id, base) {
            Next::At(pc, base) => self.run_code(pc, base),
            Next::Task => {}
        }
    }

    /// The tuple of a call that no rule reduces; `None` when there are rules.
    fn construct(&mut self, site: u32, base: u32) -> Option<Cell> {
        let place = self.code.sites[site as usize];
        let Work::Function { id, operands, count } = place.task else { return None };
        self.prove(id);
        if !self.code.definition(id).is_empty() || self.code.functions[id as usize].native {
            return None;
        }
        let function = &self.code.functions[id as usize];
        let address = self.heap.top();
        self.heap.cells.push(Cell::symbol(function.symbol));
        let (mut ground, mut inert, mut same) = (true, true, true);
        for index in 0..u32::from(count) {
            let argument = self.code.arguments[(operands + index) as usize];
            let value = self.operand(base, argument.value);
            ground &= value.is_ground();
            inert &= value.is_inert_element();
            same &= match argument.source {
                Source::Same => true,
                Source::Constant(constant) => value.same(self.code.constants[constant as usize]),
                Source::Slot(slot) => {
                    let before = self.heap.deref(self.slot(base, slot));
                    value.same(before) || value.is_expression() && self.heap.equal(value, before)
                }
                Source::Marked => value.is_evaluated(),
                Source::Other => false,
            };
            self.heap.cells.push(value);
        }
        let mut term = Cell::expression(address, u32::from(count) + 1, ground);
        if inert {
            term = term.with_evaluated_elements();
        }
        Some(if same { self.settled(term).unwrap_or_else(|| self.marked(term)) } else { term })
    }

    /// Gives a result to the current frame; code goes on at once.
    #[inline(always)]
    fn give(&mut self, value: Cell) -> Next {
        let frame = &mut self.frames[self.frame as usize];
        if let Kind::Code { site, base } = frame.kind
            && frame.choices != RAW
            && value != cell(symbols::EMPTY)
            && !(value.is_expression() && self.heap.is_error(value))
        {
            if self.choices.len() as u32 > frame.choices {
                frame.exit.succeeded = true;
            }
            self.leave_frame();
            let pc = self.resume_at(site);
            // What `Result` would find out is known.
            if let Instr::Result { to } = self.code.instrs[pc as usize] {
                self.set_slot(base, to, value);
                return Next::At(pc + 1, base);
            }
            self.acc = value;
            return Next::At(pc, base);
        }
        self.task = Task::Return(value);
        Next::Task
    }
}

/// The cell of a number that the machine counts up to.
fn small(number: u64) -> Cell {
    Cell::int(number as i64).unwrap_or(Cell::UNIT)
}
