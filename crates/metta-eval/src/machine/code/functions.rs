//! Functions: which clauses a call has, and their code.

use super::{GENERAL, Next};
use std::ops::Range;
use std::sync::Arc;

use metta_atom::SpaceId;
use smallvec::SmallVec;

use crate::code::{
    Arguments, Compiled, Compiler, Definitions, Direct, Entry, Function, Instr, MAX_SLOTS, Purpose, Selected,
    Shape, first_argument,
};
use crate::machine::choices::Alternatives;
use crate::machine::data::returned;
use crate::machine::quick::is_special_type;
use crate::machine::{Kept, Machine, NO_RULE, RuleId, Task};
use crate::program::OPEN;
use crate::program::clause::Clause;
use crate::terms::cell::{Cell, SymbolId, View};
use crate::terms::symbols::{self, cell};

impl Machine {
    /// Calls the function of a head, [`OPEN`](crate::program::OPEN) if that is no symbol, with the arguments
    /// of an evaluated call.
    pub(in crate::machine) fn call_function(&mut self, symbol: SymbolId, call: Cell, expected: Cell) {
        let Some((address, length)) = call.slice() else { return };
        let first = first_argument(symbol);
        let arity = length - first;
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
        let (id, expected) = self.function_to_call(symbol, call, expected);
        self.prove(id);
        if self.code.definition(id).is_empty() {
            return self.finish_call(call, expected, cell(symbols::NOT_REDUCIBLE));
        }
        let base = self.env_top();
        self.reserve(base + 1 + arity);
        self.env[base as usize] = expected;
        for index in 0..arity {
            self.env[(base + 1 + index) as usize] = self.heap.element(address, first + index);
        }
        if self.code.functions[id as usize].tabled
            && let Some(answer) = self.known_answer(id, base)
        {
            self.task = Task::Return(answer);
            return;
        }
        self.kept = if call.is_evaluated() { Kept::Yes } else { Kept::No };
        match self.enter(id, base, Some(call)) {
            Next::At(pc, base) => self.task = Task::Run { pc, base },
            Next::Task => {}
        }
    }

    /// The function for a call, the instance for it if the type of the function has variables, and the type
    /// expected of the result.
    fn function_to_call(&mut self, symbol: SymbolId, call: Cell, expected: Cell) -> (u32, Cell) {
        let (address, length) = call.slice().unwrap_or_default();
        let arity = length - first_argument(symbol);
        // A type variable that is bound to the name of a kind of terms is not that type.
        let found = self.heap.deref(expected);
        let special = matches!(found.view(), View::Symbol(id) if is_special_type(id)) && found != expected;
        let known = if special { None } else { self.known_type(found) };
        let Some(expected) = known.filter(|known| known.is_ground()) else {
            return (self.code.function(self.space, symbol, arity), expected);
        };
        if symbol != OPEN && self.open_function(symbol, arity).is_some() {
            let arguments = (1..length).map(|index| {
                let argument = self.heap.element(address, index);
                self.type_of_data(argument)
            });
            let arguments: Option<SmallVec<[Cell; 4]>> = arguments.collect();
            let instance = arguments.and_then(|arguments| self.find_instance(symbol, &arguments, expected));
            let instance =
                instance.filter(|found| found.is_ground() && returned(&self.heap, *found) == expected);
            let space = self.space;
            if let Some(id) = instance.and_then(|found| self.code.instance(space, symbol, arity, found)) {
                return (id, expected);
            }
        }
        (self.code.function(self.space, symbol, arity), expected)
    }

    /// The first slot that no activation in use has (C2).
    pub(in crate::machine) fn env_top(&self) -> u32 {
        self.top.max(self.choices.last().map_or(0, |choice| choice.env))
    }

    #[inline(always)]
    pub(super) fn reserve(&mut self, top: u32) {
        reserve(&mut self.env, top);
    }

    /// Makes sure that the clauses of a function are the ones declared now.
    #[inline(always)]
    pub(in crate::machine) fn prove(&mut self, id: u32) {
        if self.code.functions[id as usize].stamp != self.code.stamp {
            self.prove_again(id);
        }
    }

    #[cold]
    fn prove_again(&mut self, id: u32) {
        let function = &self.code.functions[id as usize];
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
        (function.stamp, function.direct, function.switch) = (self.code.stamp, None, None);
        self.note_tabled(id);
    }

    /// Adds those of some clauses that take the calls of a function to its definition.
    fn define<'c>(
        &mut self,
        id: u32,
        mut definition: u32,
        clauses: impl Iterator<Item = &'c Arc<Clause>>,
    ) -> u32 {
        let Function { space, symbol, arity, instance, .. } = self.code.functions[id as usize];
        for clause in clauses.filter(|clause| clause.takes(&self.heap, symbol, arity)) {
            if definition == Definitions::NONE {
                definition = self.code.definitions.make(symbol);
            }
            let code = self.code.clause(space, clause, symbol, instance);
            let tests = Shape::tests(&self.heap, clause, symbol);
            let entry = Entry { clause: Arc::clone(clause), code, tests };
            self.code.definitions[definition].push(&self.heap, symbol, entry);
        }
        definition
    }

    /// The first of some clauses that may match the arguments at `base`.
    #[inline(always)]
    pub(in crate::machine) fn candidate(
        &mut self,
        definition: u32,
        base: u32,
        clauses: Range<u32>,
        arity: u32,
    ) -> Option<u32> {
        let call = Arguments { heap: &self.heap, slots: &self.env[base as usize..], arity };
        self.code.definitions[definition].candidate(call, clauses.start, clauses.end)
    }

    /// Enters a function whose arguments are at `base`.
    #[inline(never)]
    pub(super) fn enter_function(&mut self, id: u32, base: u32) -> Next {
        self.prove(id);
        if let Some(switch) = &self.code.functions[id as usize].switch
            && !self.heap.has_matchers
            && let Selected::One(case) = switch.select(&self.heap, &self.env[base as usize..])
            && let Some(next) = self.reduce_at((case.pc, case.size, case.rule), base)
        {
            return next;
        }
        self.enter(id, base, None)
    }

    /// Reduces a call, whose arguments are at `base`, by its clauses.
    ///
    /// `call` is its term, if there is one.
    pub(in crate::machine) fn enter(&mut self, id: u32, base: u32, call: Option<Cell>) -> Next {
        let Function { definition, arity, .. } = self.code.functions[id as usize];
        let arguments = Arguments { heap: &self.heap, slots: &self.env[base as usize..], arity };
        let clauses = &mut self.code.definitions[definition];
        let end = clauses.len();
        let (mut candidate, mut following) = clauses.candidates(arguments);
        while let Some(index) = candidate {
            if let Some(next) = following {
                self.top = base + 1 + arity;
                let kept = self.kept;
                self.choose(Alternatives::Code { function: id, base, definition, next, end, kept });
            }
            let code = self.code.definitions[definition].entry(index).code;
            let reduced = match self.ready_code(code) {
                Some(ready) => self.reduce_at(ready, base),
                None => {
                    let reduced = self.reduce_compiled(id, base, call, (definition, index));
                    self.note_switch(id);
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
        let term = self.call_term(id, base, call);
        let term = if call.is_none() && self.call_is_kept() { term.evaluated() } else { term };
        let expected = self.env[base as usize];
        self.finish_call(term, expected, cell(symbols::NOT_REDUCIBLE));
        Next::Task
    }

    /// The choice point for the clauses of a call is the newest, and its state is restored.
    pub(in crate::machine) fn retry_function(
        &mut self,
        id: u32,
        base: u32,
        definition: u32,
        clauses: Range<u32>,
    ) {
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
        let first = first_argument(symbol);
        if first == 1 {
            self.heap.cells.push(Cell::symbol(symbol));
        }
        let arguments = base as usize + 1..(base + 1 + arity) as usize;
        self.heap.cells.extend_from_slice(&self.env[arguments]);
        self.with_flags(Cell::expression(address, arity + first, false))
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
        let Compiled { size, rule, .. } = self.code.clauses[code as usize];
        self.reduce_at((pc, size, rule), base)
    }

    /// The code of a clause, if it is ready to run: its place, the slots of an activation and the rule.
    #[inline(always)]
    fn ready_code(&self, code: u32) -> Option<(u32, u32, RuleId)> {
        let Compiled { pc, stamp, size, rule, .. } = self.code.clauses[code as usize];
        let ready = stamp == self.code.stamp && !self.heap.has_matchers;
        pc.filter(|pc| ready && *pc != GENERAL).map(|pc| (pc, size, rule))
    }

    /// Notes how the clause for a call is found, once the code of all that may match is known.
    fn note_switch(&mut self, id: u32) {
        self.note_direct(id);
        let switch = self.code.definition(id).switch(|entry| self.ready_code(entry.code));
        self.code.functions[id as usize].switch = switch.map(Arc::new);
    }

    /// Notes where the only clause of a function goes on, if its head matches every call.
    pub(super) fn note_direct(&mut self, id: u32) {
        let Some(entry) =
            self.code.definition(id).only().filter(|_| !self.code.functions[id as usize].tabled)
        else {
            return;
        };
        if let Some((pc, ..)) = self.ready_code(entry.code)
            && entry.tests.is_empty()
            && matches!(self.code.instrs[pc as usize], Instr::Body)
        {
            let (code, pc) = (entry.code, pc + 1);
            let Compiled { rule, leaf, .. } = self.code.clauses[code as usize];
            // A rule of the library works for its caller, which functions on leaves do not note.
            let evaluates = Purpose::of(self.code.functions[id as usize].instance) == Purpose::Evaluation;
            let is_leaf = evaluates && rule != NO_RULE;
            let leaf = leaf.unwrap_or_else(|| if is_leaf { self.code.translate(pc, code) } else { None });
            self.code.clauses[code as usize].leaf = Some(leaf);
            self.code.functions[id as usize].direct = Some(Direct { pc, rule, leaf });
        }
    }

    /// Matches the head of a clause.
    #[inline(always)]
    fn reduce_at(&mut self, (pc, size, rule): (u32, u32, RuleId), base: u32) -> Option<Next> {
        self.reserve(base + size);
        let body = self.try_pattern(pc, base)?;
        self.straight = true;
        // A rule of the library works for its caller.
        if rule != NO_RULE {
            self.rule = rule;
        }
        Some(Next::At(body, base))
    }

    /// Reports whether what a compiled clause takes for granted is so now.
    #[inline]
    pub(super) fn still_holds(&mut self, code: u32, space: SpaceId) -> bool {
        self.code.clauses[code as usize].stamp == self.code.stamp || self.holds_again(code, space)
    }

    #[cold]
    fn holds_again(&mut self, code: u32, space: SpaceId) -> bool {
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
        }
        holds
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
        let Function { space, symbol, arity, instance, .. } = self.code.functions[id as usize];
        if let Some(pc) = self.code.clauses[code as usize].pc
            && self.still_holds(code, space)
        {
            return pc;
        }
        let clause = Arc::clone(&self.code.definitions[definition].entry(index).clause);
        let stamp = self.code.stamp;
        let compiled = Compiler::compile(self, space, &clause, (symbol, arity, instance), code);
        let compiled =
            compiled.unwrap_or_else(|| Compiled { pc: Some(GENERAL), stamp, ..Compiled::default() });
        let pc = compiled.pc.unwrap_or(GENERAL);
        let branches = compiled.branches;
        self.code.clauses[code as usize] = compiled;
        if branches {
            self.code.functions[id as usize].profile.branches = true;
            self.note_tabled(id);
        }
        pc
    }
}

/// Makes room for an activation at `top`.
#[inline(always)]
pub(super) fn reserve(env: &mut Vec<Cell>, top: u32) {
    if env.len() < top as usize + MAX_SLOTS {
        grow(env, top as usize + MAX_SLOTS);
    }
}

/// The storage doubles, but what is never used of it is not written.
#[cold]
#[inline(never)]
fn grow(env: &mut Vec<Cell>, length: usize) {
    env.resize(length + length / 8, Cell::UNIT);
}
