//! The call of an evaluated expression (semantics 4.4c).

use std::panic::{AssertUnwindSafe, catch_unwind};

use metta_atom::{Atom, BindingSet};

use crate::OperationError;
use crate::library::{Builtin, Call, Outcome};
use crate::machine::choices::{Alternatives, Then, Untried};
use crate::machine::frames::Kind;
use crate::machine::{Machine, NO_RULE, Task};
use crate::program::clause::Clause;
use crate::program::{OPEN, Rules};
use crate::terms::cell::{Cell, SymbolId, View};
use crate::terms::matching::Matched;
use crate::terms::symbols::{self, cell, is_instruction};

impl Machine {
    /// Calls an evaluated expression. `expected` is the type expected of its results,
    /// `NONE` when the results are wanted as they come.
    pub(super) fn call(&mut self, call: Cell, expected: Cell) {
        self.count_reduction();
        // `eval` looks for rules even for an error.
        if expected != Cell::NONE && self.heap.is_error(call) {
            self.blame_unless_known(call);
            self.task = Task::Return(call);
            return;
        }
        let head = match call.slice() {
            Some((address, length)) if length > 0 => self.heap.element(address, 0),
            _ => {
                self.call_bare(call, expected);
                return;
            }
        };
        match head.view() {
            View::Operation(id) => self.call_operation(id, call, expected),
            View::Symbol(id) if is_instruction(id) => {
                if expected != Cell::NONE {
                    self.wait_raw(Kind::CallReturn { call, expected });
                }
                self.task = Task::Exec(call);
            }
            View::Symbol(id) => {
                let declared = self.head(id);
                match declared.builtin.filter(|builtin| !builtin.grounded) {
                    None => self.call_function(id, call, expected),
                    Some(builtin) => self.call_library_rule(builtin, call, expected, &declared.calls),
                }
            }
            _ if self.has_variable_head(head) => {
                self.finish_call(call, expected, cell(symbols::NOT_REDUCIBLE))
            }
            _ => self.call_function(OPEN, call, expected),
        }
    }

    /// Looks up rules for something that is not an expression, as `eval` may.
    fn call_bare(&mut self, term: Cell, expected: Cell) {
        let clauses = match term.view() {
            View::Symbol(id) => self.head(id).bare.clone(),
            View::Ref(_) => Rules::default(),
            _ => self.open_head().calls.clone(),
        };
        self.try_clauses(term, expected, &clauses);
    }

    /// Reports whether a head is a variable, or an expression whose head is one.
    pub(super) fn has_variable_head(&self, mut head: Cell) -> bool {
        while !head.is_ground() {
            match head.view() {
                View::Ref(_) => return true,
                View::Expression { address, length } if length > 0 => head = self.heap.element(address, 0),
                _ => return false,
            }
        }
        false
    }

    fn call_operation(&mut self, id: SymbolId, call: Cell, expected: Cell) {
        match self.program.operation(&self.heap, id) {
            Some(builtin) => {
                let outcome = self.run_builtin(builtin, call, expected);
                self.conclude(outcome, call, expected);
            }
            None => {
                let outcome = self.call_host(id, call, expected);
                self.conclude(outcome, call, expected);
            }
        }
    }

    /// Calls a function that the library defines by rules; a program's rules for it are further alternatives.
    fn call_library_rule(&mut self, builtin: &'static Builtin, call: Cell, expected: Cell, clauses: &Rules) {
        let own = self.next_candidate(call, clauses, 0);
        if let Some(next) = own {
            self.choose_clauses(call, expected, clauses, next);
        }
        match self.run_builtin(builtin, call, expected) {
            Outcome::NotReducible if own.is_some() => {
                self.cut_newest();
                self.try_clauses(call, expected, clauses);
            }
            Outcome::Value(value) if !builtin.is_projection() => self.finish_call(call, expected, value),
            outcome => self.conclude(outcome, call, expected),
        }
    }

    fn choose_clauses(&mut self, call: Cell, expected: Cell, clauses: &Rules, next: u32) {
        let untried = Untried { call, expected, clauses: clauses.clone(), next };
        self.choose(Alternatives::Clauses(Box::new(untried)));
    }

    fn run_builtin(&mut self, builtin: &'static Builtin, call: Cell, expected: Cell) -> Outcome {
        let Some((address, length)) = call.slice() else { return Outcome::NotReducible };
        let call = Call { term: call.unmarked(), arguments: address + 1, count: length - 1, expected };
        if !builtin.takes(call.count) {
            return builtin.misused();
        }
        if !self.permits(builtin.effect) {
            return Outcome::Scheduled;
        }
        (builtin.run)(self, call)
    }

    /// Calls an operation of the embedding program. A panic in it is an error of the call.
    fn call_host(&mut self, id: SymbolId, call: Cell, expected: Cell) -> Outcome {
        let Some(operation) = self.library.operation(self.heap.symbols.name(id)) else {
            return Outcome::NotReducible;
        };
        if !self.permits_host(operation.effect()) {
            return Outcome::Scheduled;
        }
        let arguments: Vec<Atom> = match self.export(call).children() {
            Some([_, arguments @ ..]) => arguments.to_vec(),
            _ => Vec::new(),
        };
        if self.failure.is_some() {
            // These are not the arguments (U1).
            return Outcome::Scheduled;
        }
        match catch_unwind(AssertUnwindSafe(|| operation.call_with_bindings(&arguments))) {
            Ok(Ok(results)) => self.import_results(&results, call, expected),
            Ok(Err(OperationError::NotReducible)) => Outcome::NotReducible,
            Ok(Err(OperationError::Failed(message))) => Outcome::Failed(message),
            Err(panic) => Outcome::Failed(format!("panicked: {}", panic_message(&*panic))),
        }
    }

    /// Copies what an operation gave for `call` into the heap; the variables of the call are the same in it.
    fn import_results(&mut self, results: &[(Atom, BindingSet)], call: Cell, expected: Cell) -> Outcome {
        let mut variables = self.names.cells_among(&self.heap.variables(call));
        if results.iter().all(|(_, bindings)| bindings.0.is_empty()) {
            let values: Vec<Cell> =
                results.iter().map(|(value, _)| self.heap.import(value, &mut variables, false)).collect();
            return Outcome::Values(self.heap.expression(&values));
        }
        let mut pairs = Vec::with_capacity(results.len());
        for (value, bindings) in results {
            let value = self.heap.import(value, &mut variables, false);
            let bindings = self.heap.import_bindings(bindings, &mut variables);
            let bindings = self.heap.binding_set(&bindings);
            pairs.push(self.heap.expression(&[value, bindings]));
        }
        let pairs = self.heap.expression(&pairs);
        if expected != Cell::NONE {
            self.wait_raw(Kind::CallReturn { call, expected });
        }
        self.choose_pairs(pairs);
        Outcome::Scheduled
    }

    /// Goes on from what a builtin came to.
    pub(super) fn conclude(&mut self, outcome: Outcome, call: Cell, expected: Cell) {
        match outcome {
            Outcome::Value(value) => self.call_result(call, expected, value),
            Outcome::Final(value) => self.task = Task::Return(value),
            Outcome::Values(list) => self.choose_values(call, expected, list),
            Outcome::Unit => self.call_result(call, expected, Cell::UNIT),
            Outcome::Empty => self.call_result(call, expected, cell(symbols::EMPTY)),
            Outcome::NotReducible => self.finish_call(call, expected, cell(symbols::NOT_REDUCIBLE)),
            Outcome::Failed(message) => {
                let reason = self.heap.symbols.intern(&message);
                let error = self.error(call.unmarked(), Cell::symbol(reason));
                self.finish_call(call, expected, error);
            }
            Outcome::Scheduled => {}
        }
    }

    /// Makes alternatives of the elements of a list, each a result of the call.
    fn choose_values(&mut self, call: Cell, expected: Cell, list: Cell) {
        match list.slice() {
            None | Some((_, 0)) => self.finish_call(call, expected, cell(symbols::EMPTY)),
            Some((address, length)) => {
                if length > 1 {
                    self.choose(Alternatives::Values { call, expected, list, next: 1 });
                }
                let value = self.heap.element(address, 0);
                self.call_result(call, expected, value);
            }
        }
    }

    /// Goes on from a result of a call: instructions run at once, all else is finished.
    pub(super) fn call_result(&mut self, call: Cell, expected: Cell, value: Cell) {
        let value = self.heap.deref(value);
        match self.heap.head_symbol(value) {
            Some(symbols::FUNCTION) => {
                if expected != Cell::NONE {
                    self.wait_raw(Kind::CallReturn { call, expected });
                }
                self.begin_function(value, call);
                return;
            }
            Some(symbols::ERROR) => self.blame_unless_known(value),
            _ => {}
        }
        self.finish_call(call, expected, value);
    }

    /// Evaluates the result of a call further, unless it says that there is nothing to evaluate.
    pub(super) fn finish_call(&mut self, call: Cell, expected: Cell, value: Cell) {
        let value = self.heap.deref(value);
        if expected == Cell::NONE {
            self.task = Task::Return(value);
        } else if value == cell(symbols::NOT_REDUCIBLE) {
            let unchanged = call.is_evaluated();
            let result = if unchanged { self.marked(call) } else { call };
            self.task = Task::Return(result);
        } else if value == cell(symbols::EMPTY) {
            self.task = Task::Fail;
        } else if self.heap.is_error(value) {
            self.task = Task::Return(value);
        } else {
            self.task = Task::Eval { term: value, expected };
        }
    }

    /// The first clause from `from` on whose head looks like the call.
    fn next_candidate(&self, call: Cell, clauses: &Rules, from: u32) -> Option<u32> {
        let place = clauses.from(from as usize).position(|clause| clause.may_match(&self.heap, call))?;
        Some(from + place as u32)
    }

    /// Reduces a call by the rules that match it; without any it stays as it is.
    pub(super) fn try_clauses(&mut self, call: Cell, expected: Cell, clauses: &Rules) {
        let mut candidate = self.next_candidate(call, clauses, 0);
        while let Some(index) = candidate {
            candidate = self.next_candidate(call, clauses, index + 1);
            if let Some(next) = candidate {
                self.choose_clauses(call, expected, clauses, next);
            }
            if clauses.get(index as usize).is_some_and(|clause| self.reduce(call, expected, clause)) {
                return;
            }
            if candidate.is_some() {
                self.cut_newest();
            }
        }
        self.finish_call(call, expected, cell(symbols::NOT_REDUCIBLE));
    }

    /// The choice point for the clauses of a call is the newest, and its state is restored.
    pub(super) fn retry_clauses(&mut self, call: Cell, expected: Cell, clauses: &Rules, index: u32) {
        match self.next_candidate(call, clauses, index + 1) {
            Some(following) => {
                if let Some(choice) = self.choices.last_mut()
                    && let Alternatives::Clauses(untried) = &mut choice.alternatives
                {
                    untried.next = following;
                }
            }
            None => self.exhaust(),
        }
        if !clauses.get(index as usize).is_some_and(|clause| self.reduce(call, expected, clause)) {
            self.task = Task::Fail;
        }
    }

    /// Reduces a call by one clause, if its head matches.
    pub(super) fn reduce(&mut self, call: Cell, expected: Cell, clause: &Clause) -> bool {
        let mut slots = std::mem::take(&mut self.slots);
        let matched = self.heap.ways(|heap| clause.match_head(heap, call.unmarked(), &mut slots));
        if matched != Matched::No {
            let body = clause.build_body(&mut self.heap, &mut slots);
            // A rule of the library works for its caller.
            if clause.rule != NO_RULE {
                self.rule = clause.rule;
            }
            if clause.makes_error() {
                self.blame(body);
            }
            self.proceed(matched, Then::Result { call, expected, value: body });
        }
        self.slots = slots;
        matched != Matched::No
    }
}

/// The text of a panic.
fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text,
        (None, None) => "no message",
    }
}
