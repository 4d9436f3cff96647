//! The body of a clause: the evaluation of expressions that are known when it is compiled.

use super::compiler::{Compiler, Dest, Label, MOST_NESTING, Outcome};
use super::instr::*;
use super::types::{Conditions, Passing, Reading, Signature};
use crate::terms::cell::{Cell, SymbolId, View};
use crate::terms::symbols::{self, cell};
use crate::types::fits_all;

pub(super) const UNDEFINED: Expected = Expected::Type(cell(symbols::UNDEFINED));

/// Compiles a call of one library function; `None` when it is left to the general evaluator.
type Form = fn(&mut Compiler<'_>, Cell, Dest, Expected) -> Outcome<Option<()>>;

/// An operand that needs no call, or the slot that a call left its result in.
type Value = (Operand, Source);

impl Compiler<'_> {
    /// The result of the call that the clause reduces.
    pub(super) fn body(&mut self, root: Cell) -> Outcome<()> {
        let special = match root.view() {
            View::Symbol(symbols::EMPTY) => {
                self.emit(Instr::Fail);
                return Ok(());
            }
            View::Symbol(symbols::NOT_REDUCIBLE) => true,
            View::Expression { length, .. } if length > 0 => {
                matches!(self.child(root, 0).view(), View::Symbol(symbols::ERROR | symbols::FUNCTION))
            }
            _ => false,
        };
        if special {
            return self.result_of_call(root);
        }
        match root.view() {
            View::Local(local) if self.is_assigned(self.slot_of(local)) => {
                let head = self.clause.head();
                self.give_variable(local, Dest::Tail, Expected::Dynamic, head, Vec::new())
            }
            _ => self.expression(root, Dest::Tail, Expected::Dynamic),
        }
    }

    /// A body that says something about the call itself.
    fn result_of_call(&mut self, root: Cell) -> Outcome<()> {
        let value = self.unevaluated(root)?;
        let head = self.clause.head();
        let label =
            self.otherwise_call(Task::ResultOf(value), head, Vec::new(), Expected::Dynamic, Dest::Tail, None);
        self.emit(Instr::Jump { to: label });
        Ok(())
    }

    /// Evaluates a node; its value goes to `dest`.
    pub(super) fn expression(&mut self, node: Cell, dest: Dest, expected: Expected) -> Outcome<()> {
        if self.length(node) == 0 {
            return self.leaf(node, dest, expected);
        }
        self.nesting += 1;
        let before = (self.assigned, self.known, self.temporaries());
        let form = if self.nesting > MOST_NESTING { None } else { self.known_form(node, dest, expected)? };
        if form.is_none() {
            self.release(before.2);
            (self.assigned, self.known) = (before.0, before.1);
            self.general(node, dest, expected)?;
        }
        self.nesting -= 1;
        Ok(())
    }

    /// Leaves an expression to the general evaluator.
    fn general(&mut self, node: Cell, dest: Dest, expected: Expected) -> Outcome<()> {
        let join = self.label();
        let resume = self.resume_for(dest, join);
        self.ensure(node);
        let label = self.otherwise(node, expected, dest, resume);
        self.emit(Instr::Jump { to: label });
        self.place(join);
        self.finish(dest);
        self.dirty = true;
        Ok(())
    }

    pub(super) fn resume_for(&mut self, dest: Dest, join: Label) -> Option<Label> {
        match dest {
            Dest::Slot(to) => Some(self.resume(to, join)),
            Dest::Tail | Dest::Block => None,
        }
    }

    pub(super) fn finish(&mut self, dest: Dest) {
        if let Dest::Slot(slot) = dest {
            self.assign(slot, Known::Nothing);
        }
    }

    /// A symbol, number or variable.
    fn leaf(&mut self, node: Cell, dest: Dest, expected: Expected) -> Outcome<()> {
        let is_special = matches!(node.view(), View::Symbol(symbols::EMPTY | symbols::NOT_REDUCIBLE));
        if is_special {
            return self.general(node, dest, expected);
        }
        match node.view() {
            View::Local(local) => {
                let slot = self.slot_of(local);
                if !self.is_assigned(slot) {
                    self.ensure(node);
                }
                match dest {
                    Dest::Slot(to) => self.evaluate_slot(slot, to, expected, true),
                    Dest::Tail | Dest::Block => self.give_variable(local, dest, expected, node, Vec::new()),
                }
            }
            _ => {
                let operand = self.constant_operand(node);
                match dest {
                    Dest::Slot(to) if self.is_cast(node, expected) => {
                        self.emit(Instr::Copy { to, from: operand });
                        self.assign(to, known_constant(node));
                        Ok(())
                    }
                    Dest::Slot(_) => self.general(node, dest, expected),
                    Dest::Tail | Dest::Block => {
                        let otherwise = self.otherwise(node, expected, dest, None);
                        self.give(operand, expected, otherwise);
                        Ok(())
                    }
                }
            }
        }
    }

    /// Reports whether a constant is of the expected type without asking for its declarations.
    fn is_cast(&self, node: Cell, expected: Expected) -> bool {
        let Expected::Type(wanted) = expected else { return false };
        wanted == cell(symbols::UNDEFINED)
            || match node.view() {
                View::Int(_) | View::Float(_) => wanted == cell(symbols::NUMBER),
                View::Bool(_) => wanted == cell(symbols::BOOL),
                View::Space(_) => wanted == cell(symbols::SPACE_TYPE),
                _ => false,
            }
    }

    fn give(&mut self, value: Operand, expected: Expected, otherwise: Label) {
        let expected = match expected {
            Expected::Dynamic => Cell::NONE,
            Expected::Type(wanted) => wanted,
        };
        let expected = self.constant(expected);
        self.emit(Instr::Return { value, expected, otherwise });
    }

    /// The value of a variable is the result of the call `node`.
    fn give_variable(
        &mut self,
        local: u32,
        dest: Dest,
        expected: Expected,
        node: Cell,
        evaluated: Vec<(u32, Operand)>,
    ) -> Outcome<()> {
        let value = Operand::slot(self.slot_of(local));
        let otherwise = match node.view() {
            View::Local(_) => self.otherwise(node, expected, dest, None),
            _ => self.otherwise_call(Task::ResultOf(value), node, evaluated, expected, dest, None),
        };
        self.give(value, expected, otherwise);
        Ok(())
    }

    /// Evaluates the value of a slot.
    ///
    /// In a tuple an error ends the evaluation, as an argument of a typed call it is passed on.
    fn evaluate_slot(&mut self, from: Slot, to: Slot, expected: Expected, tuple: bool) -> Outcome<()> {
        let known = self.known[usize::from(from)];
        let Expected::Type(wanted) = expected else { return Err(super::compiler::TooBig) };
        let plain = match known {
            Known::Number => wanted == cell(symbols::NUMBER) || wanted == cell(symbols::UNDEFINED),
            Known::Bool => wanted == cell(symbols::BOOL) || wanted == cell(symbols::UNDEFINED),
            _ => false,
        };
        if plain {
            self.emit(Instr::Copy { to, from: Operand::slot(from) });
            self.assign(to, known);
            return Ok(());
        }
        let join = self.label();
        let resume = if tuple { self.resume(to, join) } else { self.resume_argument(to, from, join) };
        let site = self.site_for(Task::Evaluate, expected, Dest::Slot(to), Some(resume), tuple);
        self.emit(Instr::Eval { from, to, site });
        self.place(join);
        self.assign(to, Known::Nothing);
        Ok(())
    }

    /// Compiles an expression of a known form; `None` when it has none.
    fn known_form(&mut self, node: Cell, dest: Dest, expected: Expected) -> Outcome<Option<()>> {
        match self.child(node, 0).view() {
            View::Symbol(id) => self.symbol_form(id, node, dest, expected),
            View::Operation(id) => self.operation_form(id, node, dest, expected),
            View::Local(_) | View::Expression { .. } => self.open_form(node, dest, expected),
            _ => Ok(None),
        }
    }

    /// An expression whose head is not known: mostly data, which is found out when it is built.
    fn open_form(&mut self, node: Cell, dest: Dest, expected: Expected) -> Outcome<Option<()>> {
        if !self.may_be_data(node) {
            return Ok(None);
        }
        let (mark, before) = (self.temporaries(), self.known);
        let join = self.label();
        let resume = self.resume_for(dest, join);
        self.ensure(node);
        let restart = self.otherwise(node, expected, dest, resume);
        let to = self.destination(dest)?;
        let template = self.template(node);
        self.emit(Instr::Settle { to, template, otherwise: restart });
        self.assign(to, Known::Nothing);
        self.release(mark);
        self.deliver(to, dest);
        self.join(join, before, dest);
        Ok(Some(()))
    }

    /// Reports whether an expression has no part that is a call as far as it is known.
    fn may_be_data(&mut self, node: Cell) -> bool {
        let head_is_open = match self.child(node, 0).view() {
            View::Local(_) | View::Expression { .. } => true,
            View::Symbol(_) => self.is_constructor(node),
            _ => false,
        };
        head_is_open
            && (0..self.length(node)).all(|index| {
                let child = self.child(node, index);
                match child.view() {
                    View::Expression { length: 0, .. } => true,
                    View::Expression { .. } => depth_at_most(self, child, 6) && self.may_be_data(child),
                    _ => true,
                }
            })
    }

    fn symbol_form(
        &mut self,
        id: SymbolId,
        node: Cell,
        dest: Dest,
        expected: Expected,
    ) -> Outcome<Option<()>> {
        if id == symbols::ERROR || id == symbols::EMPTY {
            return Ok(None);
        }
        let head = self.assume(id);
        // A library function with rules of the program as well is left to the general evaluator.
        if head.builtin.is_some_and(|builtin| !builtin.grounded) {
            let name = self.machine.heap.symbols.name(id);
            let form: Option<Form> = match name {
                "if" => Some(|c, n, d, e| c.if_form(n, d, e)),
                "let" => Some(|c, n, d, e| c.let_form(n, d, e)),
                "let*" => Some(|c, n, d, e| c.let_star_form(n, d, e)),
                "case" => Some(|c, n, d, e| c.case_form(n, d, e)),
                "car-atom" => Some(|c, n, d, e| c.part_form(true, n, d, e)),
                "cdr-atom" => Some(|c, n, d, e| c.part_form(false, n, d, e)),
                _ => None,
            };
            if !head.calls.is_empty() {
                return Ok(None);
            }
            if name == "empty" && self.length(node) == 1 {
                self.emit(Instr::Fail);
                self.finish(dest);
                return Ok(Some(()));
            }
            if let Some(form) = form {
                return form(self, node, dest, expected);
            }
        }
        if id == symbols::CONS_ATOM {
            return self.cons_form(node, dest, expected);
        }
        match self.reading(id) {
            Some(Reading::Tuple) if head.builtin.is_none() && !symbols::is_instruction(id) => {
                self.untyped_call(id, node, dest, expected)?;
                Ok(Some(()))
            }
            Some(Reading::Function(signature)) => self.typed_call(Some(id), node, &signature, dest, expected),
            _ => Ok(None),
        }
    }

    fn operation_form(
        &mut self,
        id: SymbolId,
        node: Cell,
        dest: Dest,
        expected: Expected,
    ) -> Outcome<Option<()>> {
        let name = self.machine.heap.symbols.name(id);
        if let Some(operation) = arithmetic_named(name) {
            return self.arithmetic(operation, node, dest, expected);
        }
        if let Some(test) = test_named(name) {
            return self.comparison(test, node, dest, expected);
        }
        match name {
            "match" => return self.match_form(id, node, dest, expected),
            "get-state" => return self.get_state_form(node, dest, expected),
            "change-state!" => return self.change_state_form(node, dest, expected),
            _ => {}
        }
        match self.operation_signature(id) {
            Some(signature) => self.typed_call(None, node, &signature, dest, expected),
            None => Ok(None),
        }
    }

    // Conditions.

    /// Checks conditions, and that declarations are as they were if that is in doubt.
    pub(super) fn check(&mut self, conditions: &Conditions, otherwise: Label) {
        if self.dirty {
            let clause = self.code;
            self.emit(Instr::GuardDeclared { clause, otherwise });
            self.dirty = false;
        }
        for (slot, known) in conditions {
            self.emit(Instr::Guard { slot: *slot, known: *known, otherwise });
            if *known != Known::Sound {
                self.known[usize::from(*slot)] = *known;
            }
        }
    }

    /// Checks at run time that a result type is expected, where that is not known before.
    fn accepts(&mut self, returned: Cell, expected: Expected, otherwise: Label) {
        if expected == Expected::Dynamic && !fits_all(returned) {
            let constant = self.constant(returned);
            self.emit(Instr::GuardExpected { constant, otherwise });
        }
    }

    /// Reports whether the result type can be expected at all.
    fn can_accept(returned: Cell, expected: Expected) -> bool {
        match expected {
            Expected::Dynamic => true,
            Expected::Type(wanted) => fits_all(returned) || fits_all(wanted) || wanted == returned,
        }
    }

    // Arithmetic.

    /// Reports whether evaluating a node takes no call and has no effect, provided its variables hold numbers.
    fn is_simple(&self, node: Cell) -> bool {
        match node.view() {
            View::Int(_) | View::Float(_) => true,
            View::Local(local) => self.is_assigned(self.slot_of(local)),
            View::Expression { length: 3, .. } => {
                self.arithmetic_of(node).is_some()
                    && self.nesting + 8 < MOST_NESTING
                    && depth_at_most(self, node, 6)
                    && self.is_simple(self.child(node, 1))
                    && self.is_simple(self.child(node, 2))
            }
            _ => false,
        }
    }

    /// The arithmetic operation at the head of a node.
    fn arithmetic_of(&self, node: Cell) -> Option<Arithmetic> {
        match self.child(node, 0).view() {
            View::Operation(id) => arithmetic_named(self.machine.heap.symbols.name(id)),
            _ => None,
        }
    }

    /// An operand of a simple expression.
    fn simple_operand(&mut self, node: Cell, otherwise: Label) -> Outcome<Operand> {
        match node.view() {
            View::Local(local) => Ok(Operand::slot(self.slot_of(local))),
            View::Expression { length, .. } if length > 0 => {
                let to = self.temporary()?;
                self.simple_arithmetic(node, to, otherwise)?;
                Ok(Operand::slot(to))
            }
            _ => Ok(self.constant_operand(node)),
        }
    }

    fn simple_arithmetic(&mut self, node: Cell, to: Slot, otherwise: Label) -> Outcome<()> {
        let operation = self.arithmetic_of(node).ok_or(super::compiler::TooBig)?;
        let a = self.simple_operand(self.child(node, 1), otherwise)?;
        let b = self.simple_operand(self.child(node, 2), otherwise)?;
        self.emit(Instr::Arithmetic { operation, to, a, b, otherwise });
        self.note_number(a);
        self.note_number(b);
        self.assign(to, Known::Number);
        Ok(())
    }

    fn note_number(&mut self, operand: Operand) {
        if let Ok(slot) = operand.place() {
            self.known[slot as usize] = Known::Number;
        }
    }

    fn arithmetic(
        &mut self,
        operation: Arithmetic,
        node: Cell,
        dest: Dest,
        expected: Expected,
    ) -> Outcome<Option<()>> {
        let number = cell(symbols::NUMBER);
        let mut conditions = Conditions::new();
        if self.length(node) != 3 || !Self::can_accept(number, expected) || !self.has_plain_operands(node) {
            return Ok(None);
        }
        let (mark, before) = (self.temporaries(), self.known);
        let join = self.label();
        let resume = self.resume_for(dest, join);
        let restart = self.otherwise(node, expected, dest, resume);
        let (to, a, b, otherwise);
        if self.is_simple(node) {
            self.accepts(number, expected, restart);
            a = self.simple_operand(self.child(node, 1), restart)?;
            b = self.simple_operand(self.child(node, 2), restart)?;
            otherwise = restart;
        } else {
            for index in 1..3 {
                if self.passing(number, self.child(node, index), &mut conditions).is_none() {
                    return Ok(None);
                }
            }
            self.check(&conditions, restart);
            self.accepts(number, expected, restart);
            let wanted = Expected::Type(number);
            a = self.argument(self.child(node, 1), wanted, false)?.0;
            b = self.argument(self.child(node, 2), wanted, false)?.0;
            let evaluated = vec![(1, a), (2, b)];
            otherwise = self.otherwise_call(Task::Call, node, evaluated, wanted, dest, resume);
        }
        to = self.destination(dest)?;
        self.emit(Instr::Arithmetic { operation, to, a, b, otherwise });
        self.note_number(a);
        self.note_number(b);
        self.release(mark);
        self.assign(to, Known::Number);
        self.deliver(to, dest);
        self.join(join, before, dest);
        Ok(Some(()))
    }

    /// Operands that are neither strings nor truth values, which would be type errors.
    fn has_plain_operands(&self, node: Cell) -> bool {
        (1..self.length(node)).all(|index| {
            !matches!(
                self.child(node, index).view(),
                View::Bool(_) | View::Boxed(_) | View::Space(_) | View::Operation(_)
            )
        })
    }

    /// The slot in which a value is made: that of `dest`, or a temporary.
    pub(super) fn destination(&mut self, dest: Dest) -> Outcome<Slot> {
        match dest {
            Dest::Slot(slot) => Ok(slot),
            Dest::Tail | Dest::Block => self.temporary(),
        }
    }

    /// A value of the right type goes to where it is wanted.
    pub(super) fn deliver(&mut self, slot: Slot, dest: Dest) {
        if dest == Dest::Tail || dest == Dest::Block {
            self.emit(Instr::Give { value: Operand::slot(slot) });
        }
    }

    /// Code that comes from the general evaluator meets code that does not: what only the one has
    /// checked is forgotten.
    pub(super) fn join(&mut self, join: Label, before: [Known; MAX_SLOTS], dest: Dest) {
        self.place(join);
        self.known = before;
        self.finish(dest);
        self.dirty = true;
    }

    // Comparison.

    fn comparison(&mut self, test: Test, node: Cell, dest: Dest, expected: Expected) -> Outcome<Option<()>> {
        let bool = cell(symbols::BOOL);
        if self.length(node) != 3 || !Self::can_accept(bool, expected) {
            return Ok(None);
        }
        let (mark, before) = (self.temporaries(), self.known);
        let join = self.label();
        let resume = self.resume_for(dest, join);
        let restart = self.otherwise(node, expected, dest, resume);
        self.accepts(bool, expected, restart);
        let Some((a, b, otherwise)) = self.operands(test, node, dest, resume, restart)? else {
            return Ok(None);
        };
        let to = self.destination(dest)?;
        self.emit(Instr::Compare { test, to, a, b, otherwise });
        self.release(mark);
        self.assign(to, Known::Bool);
        self.deliver(to, dest);
        self.join(join, before, dest);
        Ok(Some(()))
    }

    /// The operands of a comparison, and where to go when they are no operands for it.
    fn operands(
        &mut self,
        test: Test,
        node: Cell,
        dest: Dest,
        resume: Option<Label>,
        restart: Label,
    ) -> Outcome<Option<(Operand, Operand, Label)>> {
        let (left, right) = (self.child(node, 1), self.child(node, 2));
        if self.is_comparable_simply(test, left) && self.is_comparable_simply(test, right) {
            let a = self.simple_operand(left, restart)?;
            let b = self.simple_operand(right, restart)?;
            return Ok(Some((a, b, restart)));
        }
        let mut conditions = Conditions::new();
        let wanted = if test == Test::Equal {
            let Some(wanted) = self.comparable(node, &mut conditions) else { return Ok(None) };
            // What a variable holds is looked at before it is evaluated.
            for index in 1..3 {
                if let View::Local(local) = self.child(node, index).view()
                    && self.is_assigned(self.slot_of(local))
                    && !matches!(self.known[usize::from(self.slot_of(local))], Known::Number | Known::Bool)
                {
                    return Ok(None);
                }
            }
            wanted
        } else {
            let number = cell(symbols::NUMBER);
            for operand in [left, right] {
                if self.passing(number, operand, &mut conditions).is_none() {
                    return Ok(None);
                }
            }
            number
        };
        self.check(&conditions, restart);
        let wanted = Expected::Type(wanted);
        let a = self.argument(left, wanted, false)?.0;
        let b = self.argument(right, wanted, false)?.0;
        let evaluated = vec![(1, a), (2, b)];
        let called = Expected::Type(cell(symbols::BOOL));
        let otherwise = self.otherwise_call(Task::Call, node, evaluated, called, dest, resume);
        Ok(Some((a, b, otherwise)))
    }

    fn is_comparable_simply(&self, test: Test, node: Cell) -> bool {
        self.is_simple(node)
            || test == Test::Equal
                && match node.view() {
                    View::Symbol(id) => id != symbols::EMPTY && id != symbols::ERROR,
                    View::Bool(_) | View::Expression { length: 0, .. } => true,
                    _ => false,
                }
    }

    // Control.

    fn if_form(&mut self, node: Cell, dest: Dest, expected: Expected) -> Outcome<Option<()>> {
        if self.length(node) != 4 {
            return Ok(None);
        }
        let (condition, then, other) = (self.child(node, 1), self.child(node, 2), self.child(node, 3));
        let join = self.label();
        let resume = self.resume_for(dest, join);
        let (mark, before) = (self.temporaries(), self.known);
        let restart = self.otherwise(node, expected, dest, resume);
        if let Dest::Slot(_) = dest {
            // Both branches come together again: what one of them may bind exists before.
            self.ensure_shared(&[then]);
            self.ensure_shared(&[other]);
        }
        let to = self.label();
        if !self.test(node, condition, to, restart, dest, expected, resume)? {
            return Ok(None);
        }
        self.release(mark);
        let (assigned, known, dirty) = (self.assigned, self.known, self.dirty);
        self.branch(node, then, dest, expected, true)?;
        if matches!(dest, Dest::Slot(_)) {
            self.emit(Instr::Jump { to: join });
        }
        let then_dirty = self.dirty;
        let then_assigned = self.assigned;
        (self.assigned, self.known, self.dirty) = (assigned, known, dirty);
        self.place(to);
        self.branch(node, other, dest, expected, false)?;
        self.assigned &= then_assigned;
        let dirty = self.dirty || then_dirty;
        self.join(join, before, dest);
        self.dirty = dirty || resume.is_some();
        Ok(Some(()))
    }

    /// One branch of an `if`, evaluated.
    fn branch(
        &mut self,
        node: Cell,
        branch: Cell,
        dest: Dest,
        expected: Expected,
        truth: bool,
    ) -> Outcome<()> {
        let mark = self.temporaries();
        let truth = self.constant_operand(Cell::bool(truth));
        self.result_of(node, vec![(1, truth)], branch, dest, expected)?;
        self.release(mark);
        Ok(())
    }

    /// A part of a call of the library is its result: it is looked at as such, then evaluated.
    pub(super) fn result_of(
        &mut self,
        call: Cell,
        evaluated: Vec<(u32, Operand)>,
        part: Cell,
        dest: Dest,
        expected: Expected,
    ) -> Outcome<()> {
        let says_something = part == cell(symbols::NOT_REDUCIBLE)
            || self.length(part) > 0
                && matches!(self.child(part, 0).view(), View::Symbol(symbols::ERROR | symbols::FUNCTION));
        match (part.view(), dest) {
            (View::Symbol(symbols::EMPTY), _) => self.emit(Instr::Fail),
            (View::Local(local), Dest::Tail | Dest::Block) if self.is_assigned(self.slot_of(local)) => {
                return self.give_variable(local, dest, expected, call, evaluated);
            }
            _ if says_something => {
                let join = self.label();
                let resume = self.resume_for(dest, join);
                let value = self.unevaluated(part)?;
                let task = Task::ResultOf(value);
                let label = self.otherwise_call(task, call, evaluated, expected, dest, resume);
                self.emit(Instr::Jump { to: label });
                self.place(join);
            }
            _ => return self.expression(part, dest, expected),
        }
        self.finish(dest);
        Ok(())
    }

    /// Goes on at the next instruction if a condition is true, at `to` if it is false.
    #[expect(clippy::too_many_arguments, reason = "the whole `if` is needed where its condition is neither")]
    fn test(
        &mut self,
        node: Cell,
        condition: Cell,
        to: Label,
        restart: Label,
        dest: Dest,
        expected: Expected,
        resume: Option<Label>,
    ) -> Outcome<bool> {
        if let View::Operation(id) = self.child(condition, 0).view()
            && self.length(condition) == 3
            && let Some(test) = test_named(self.machine.heap.symbols.name(id))
        {
            let (left, right) = (self.child(condition, 1), self.child(condition, 2));
            if self.is_comparable_simply(test, left) && self.is_comparable_simply(test, right) {
                if self.dirty {
                    self.check(&Conditions::new(), restart);
                }
                let a = self.simple_operand(left, restart)?;
                let b = self.simple_operand(right, restart)?;
                self.emit(Instr::JumpUnless { test, a, b, to, otherwise: restart });
                if test != Test::Equal {
                    self.note_number(a);
                    self.note_number(b);
                }
                return Ok(true);
            }
        }
        let bool = cell(symbols::BOOL);
        let mut conditions = Conditions::new();
        if self.passing(bool, condition, &mut conditions).is_none() {
            return Ok(false);
        }
        self.check(&conditions, restart);
        let slot = match condition.view() {
            View::Local(local) if self.is_assigned(self.slot_of(local)) => self.slot_of(local),
            _ => {
                let slot = self.temporary()?;
                self.value(condition, slot, Expected::Type(bool))?;
                slot
            }
        };
        let evaluated = vec![(1, Operand::slot(slot))];
        let otherwise = self.otherwise_call(Task::Call, node, evaluated, expected, dest, resume);
        self.emit(Instr::Branch { slot, to, otherwise });
        Ok(true)
    }

    fn let_star_form(&mut self, node: Cell, dest: Dest, expected: Expected) -> Outcome<Option<()>> {
        let pairs = self.child(node, 1);
        let literal = self.length(node) == 3
            && pairs.is_expression()
            && (0..self.length(pairs)).all(|index| self.length(self.child(pairs, index)) == 2);
        // The first binding decides whether this is done here, as for `let`.
        if !literal || self.length(pairs) == 0 {
            return Ok(None);
        }
        let mut bindings = Vec::new();
        for index in 0..self.length(pairs) {
            let pair = self.child(pairs, index);
            bindings.push((self.child(pair, 0), self.child(pair, 1)));
        }
        self.bindings(node, &bindings, self.child(node, 2), dest, expected)?;
        Ok(Some(()))
    }

    fn let_form(&mut self, node: Cell, dest: Dest, expected: Expected) -> Outcome<Option<()>> {
        if self.length(node) != 4 {
            return Ok(None);
        }
        let binding = (self.child(node, 1), self.child(node, 2));
        self.bindings(node, &[binding], self.child(node, 3), dest, expected)?;
        Ok(Some(()))
    }

    /// Bindings one after the other, then the body, which is evaluated without an expected type.
    fn bindings(
        &mut self,
        node: Cell,
        bindings: &[(Cell, Cell)],
        body: Cell,
        dest: Dest,
        expected: Expected,
    ) -> Outcome<()> {
        let join = self.label();
        if self.dirty {
            let resume = self.resume_for(dest, join);
            let restart = self.otherwise(node, expected, dest, resume);
            self.check(&Conditions::new(), restart);
        }
        for (pattern, value) in bindings {
            self.binding(*pattern, *value)?;
        }
        let mark = self.temporaries();
        self.result_of(node, Vec::new(), body, dest, UNDEFINED)?;
        self.release(mark);
        self.place(join);
        self.finish(dest);
        Ok(())
    }

    /// One binding: evaluates the value and unifies it with the pattern.
    fn binding(&mut self, pattern: Cell, value: Cell) -> Outcome<()> {
        let (mark, before) = (self.temporaries(), self.known);
        if self.uncons(pattern, value)? {
            self.release(mark);
            return Ok(());
        }
        let target = match pattern.view() {
            View::Local(local)
                if !self.is_assigned(self.slot_of(local)) && !self.locals(value).contains(&local) =>
            {
                self.slot_of(local)
            }
            _ => self.temporary()?,
        };
        let join = self.label();
        let otherwise = self.otherwise_value(value, target, join);
        let mut conditions = Conditions::new();
        match self.passing(cell(symbols::UNDEFINED), value, &mut conditions) {
            None => {
                self.ensure(value);
                self.emit(Instr::Jump { to: otherwise });
                self.dirty = true;
            }
            Some(_) => {
                self.check(&conditions, otherwise);
                match value.view() {
                    View::Local(local) if self.is_assigned(self.slot_of(local)) => {
                        self.evaluate_slot(self.slot_of(local), target, UNDEFINED, false)?;
                    }
                    View::Local(_) => {
                        self.ensure(value);
                        let (from, _) = self.argument(value, UNDEFINED, false)?;
                        self.emit(Instr::Copy { to: target, from });
                    }
                    // A literal one is a value like any other.
                    View::Symbol(symbols::EMPTY) => {
                        let from = self.constant_operand(value);
                        self.emit(Instr::Copy { to: target, from });
                    }
                    _ => self.value(value, target, UNDEFINED)?,
                }
            }
        }
        let known = if conditions.is_empty() { self.known[usize::from(target)] } else { Known::Nothing };
        self.place(join);
        self.known = before;
        self.assign(target, known);
        self.match_value(target, pattern)?;
        self.release(mark);
        Ok(())
    }

    /// `(let ($head $tail) (decons-atom $list) ...)` without the pair.
    fn uncons(&mut self, pattern: Cell, value: Cell) -> Outcome<bool> {
        let Some(list) = self.decons_of(value) else { return Ok(false) };
        let (View::Local(first), View::Local(rest), 2) =
            (self.child(pattern, 0).view(), self.child(pattern, 1).view(), self.length(pattern))
        else {
            return Ok(false);
        };
        let (head, tail) = (self.slot_of(first), self.slot_of(rest));
        if head == tail || self.is_assigned(head) || self.is_assigned(tail) {
            return Ok(false);
        }
        let join = self.label();
        let target = self.temporary()?;
        let matched = self.label();
        let otherwise = self.otherwise_value(value, target, matched);
        if self.dirty {
            self.check(&Conditions::new(), otherwise);
        }
        self.emit(Instr::Uncons { list, head, tail, otherwise });
        self.emit(Instr::Jump { to: join });
        self.place(matched);
        self.assign(target, Known::Nothing);
        self.match_value(target, pattern)?;
        self.place(join);
        self.assign(head, Known::Nothing);
        self.assign(tail, Known::Nothing);
        self.dirty = true;
        Ok(true)
    }

    /// The list variable of `(decons-atom $list)`.
    fn decons_of(&mut self, value: Cell) -> Option<Slot> {
        if self.length(value) != 2 || self.child(value, 0) != cell(symbols::DECONS_ATOM) {
            return None;
        }
        let head = self.assume(symbols::DECONS_ATOM);
        match self.child(value, 1).view() {
            View::Local(local) if self.is_assigned(self.slot_of(local)) && head.calls.is_empty() => {
                Some(self.slot_of(local))
            }
            _ => None,
        }
    }

    /// Unifies the value of a slot with a pattern. A failure ends the branch.
    fn match_value(&mut self, slot: Slot, pattern: Cell) -> Outcome<()> {
        let join = self.label();
        match pattern.view() {
            View::Local(local) if self.slot_of(local) == slot => {}
            View::Local(local) if !self.is_assigned(self.slot_of(local)) => {
                let to = self.slot_of(local);
                self.emit(Instr::Copy { to, from: Operand::slot(slot) });
                self.assign(to, self.known[usize::from(slot)]);
            }
            View::Expression { length, .. } if !pattern.is_ground() => {
                let variable = self.bind_pattern(slot, pattern, join);
                let otherwise = self.otherwise_space(slot, pattern, join);
                self.emit(Instr::Expect { slot, length, variable, otherwise });
                self.match_elements(slot, pattern)?;
            }
            _ => {
                let with = match pattern.view() {
                    View::Local(local) => Operand::slot(self.slot_of(local)),
                    _ => self.constant_operand(pattern),
                };
                let otherwise = self.otherwise_space(slot, pattern, join);
                self.emit(Instr::Unify { slot, with, otherwise });
            }
        }
        self.place(join);
        Ok(())
    }

    // Lists.

    /// `(cons-atom first $list)`.
    fn cons_form(&mut self, node: Cell, dest: Dest, expected: Expected) -> Outcome<Option<()>> {
        let head = self.assume(symbols::CONS_ATOM);
        if !head.calls.is_empty() || head.types.len() != 1 || self.length(node) != 3 {
            return Ok(None);
        }
        let list = self.child(node, 2);
        let (mark, before) = (self.temporaries(), self.known);
        let join = self.label();
        let resume = self.resume_for(dest, join);
        let restart = self.otherwise(node, expected, dest, resume);
        self.check(&Conditions::new(), restart);
        let list = match list.view() {
            View::Local(local) if self.is_assigned(self.slot_of(local)) => Operand::slot(self.slot_of(local)),
            View::Expression { .. } if list.is_ground() => self.constant_operand(list),
            _ => return Ok(None),
        };
        let first = self.child(node, 1);
        let first = self.unevaluated(first)?;
        let to = self.destination(dest)?;
        self.emit(Instr::Cons { to, head: first, tail: list, otherwise: restart });
        self.release(mark);
        self.assign(to, Known::Expression);
        self.deliver(to, dest);
        self.join(join, before, dest);
        Ok(Some(()))
    }

    /// `(car-atom $list)` or `(cdr-atom $list)`; the part is evaluated.
    fn part_form(&mut self, first: bool, node: Cell, dest: Dest, expected: Expected) -> Outcome<Option<()>> {
        let View::Local(local) = self.child(node, 1).view() else { return Ok(None) };
        let list = self.slot_of(local);
        let returned = if first { symbols::UNDEFINED } else { symbols::EXPRESSION };
        let known = self.length(node) == 2 && self.is_assigned(list);
        if !known || !Self::can_accept(cell(returned), expected) {
            return Ok(None);
        }
        let (mark, before) = (self.temporaries(), self.known);
        let join = self.label();
        let resume = self.resume_for(dest, join);
        let restart = self.otherwise(node, expected, dest, resume);
        self.check(&Conditions::new(), restart);
        self.accepts(cell(returned), expected, restart);
        let part = self.temporary()?;
        self.emit(Instr::Part { to: part, list, first, otherwise: restart });
        self.assign(part, Known::Nothing);
        match dest {
            Dest::Slot(to) => self.evaluate_slot(part, to, UNDEFINED, true)?,
            Dest::Tail | Dest::Block => {
                let task = Task::ResultOf(Operand::slot(part));
                let otherwise = self.otherwise_call(task, node, Vec::new(), UNDEFINED, dest, None);
                self.give(Operand::slot(part), UNDEFINED, otherwise);
            }
        }
        self.release(mark);
        self.join(join, before, dest);
        Ok(Some(()))
    }

    // Calls.

    /// Evaluates a node to a slot, as an evaluation of its own where that can make a difference.
    fn value(&mut self, node: Cell, to: Slot, expected: Expected) -> Outcome<()> {
        if self.risks(node) < 2 {
            return self.expression(node, Dest::Slot(to), expected);
        }
        let join = self.label();
        let resume = self.resume(to, join);
        self.ensure_shared(&[node]);
        let site = self.site_for(Task::Evaluate, expected, Dest::Slot(to), Some(resume), true);
        self.emit(Instr::Block { site });
        let before = (self.assigned, self.known);
        self.expression(node, Dest::Block, expected)?;
        (self.assigned, self.known) = before;
        self.place(join);
        self.assign(to, Known::Nothing);
        self.dirty = true;
        Ok(())
    }

    /// How many things in a node can have several results or fail, up to two.
    ///
    /// With two of them an error of one alternative may have to be dropped for the success of another, before
    /// what stands around the node goes on.
    fn risks(&self, node: Cell) -> u32 {
        let mut risks = 0;
        let mut pending = vec![node];
        while let Some(node) = pending.pop() {
            if risks >= 2 {
                break;
            }
            if self.length(node) == 0 || self.is_simple(node) {
                continue;
            }
            risks += match self.child(node, 0).view() {
                View::Operation(id) => match self.machine.heap.symbols.name(id) {
                    "+" | "-" | "*" | "<" | ">" | "<=" | ">=" | "==" | "change-state!" => 0,
                    _ => 1,
                },
                _ => 1,
            };
            pending.extend((0..self.length(node)).map(|index| self.child(node, index)));
        }
        risks
    }

    /// Evaluates an argument.
    pub(super) fn argument(&mut self, node: Cell, expected: Expected, tuple: bool) -> Outcome<Value> {
        match node.view() {
            View::Local(local) => {
                let slot = self.slot_of(local);
                if !self.is_assigned(slot) {
                    self.ensure(node);
                    return Ok((Operand::slot(slot), Source::Same));
                }
                if matches!(self.known[usize::from(slot)], Known::Number | Known::Bool) {
                    return Ok((Operand::slot(slot), Source::Same));
                }
                let to = self.temporary()?;
                self.evaluate_slot(slot, to, expected, tuple)?;
                Ok((Operand::slot(to), Source::Slot(slot)))
            }
            View::Expression { length, .. } if length > 0 => {
                let to = self.temporary()?;
                let constructed = self.is_constructor(node);
                if self.is_simple(node) {
                    self.expression(node, Dest::Slot(to), expected)?;
                } else {
                    self.value(node, to, expected)?;
                }
                Ok((Operand::slot(to), if constructed { Source::Marked } else { Source::Other }))
            }
            _ if node == cell(symbols::EMPTY) => {
                if tuple {
                    self.emit(Instr::Fail);
                }
                Ok((self.constant_operand(node), Source::Same))
            }
            _ if self.is_cast(node, expected) => Ok((self.constant_operand(node), Source::Same)),
            _ => {
                let to = self.temporary()?;
                self.expression(node, Dest::Slot(to), expected)?;
                let constant = self.constant(node);
                Ok((Operand::slot(to), Source::Constant(constant)))
            }
        }
    }

    /// Reports whether no rule reduces the calls of the head of a node, as things are now.
    fn is_constructor(&mut self, node: Cell) -> bool {
        match self.child(node, 0).view() {
            View::Symbol(id) => {
                let head = self.assume(id);
                let arity = self.length(node) - 1;
                let heap = &self.machine.heap;
                head.builtin.is_none() && !head.calls.iter().any(|clause| clause.takes(heap, id, arity))
            }
            _ => false,
        }
    }

    /// A call that is read as a tuple: all its arguments are evaluated.
    fn untyped_call(&mut self, id: SymbolId, node: Cell, dest: Dest, expected: Expected) -> Outcome<()> {
        let join = self.label();
        let resume = self.resume_for(dest, join);
        if self.dirty {
            let restart = self.otherwise(node, expected, dest, resume);
            self.check(&Conditions::new(), restart);
        }
        let mark = self.temporaries();
        let mut arguments = Vec::new();
        for index in 1..self.length(node) {
            let (value, source) = self.argument(self.child(node, index), UNDEFINED, true)?;
            arguments.push(Argument { value, source });
        }
        self.call(id, node, &arguments, dest, expected, resume)?;
        self.release(mark);
        self.place(join);
        self.finish(dest);
        Ok(())
    }

    /// Calls a function with evaluated arguments.
    fn call(
        &mut self,
        id: SymbolId,
        node: Cell,
        arguments: &[Argument],
        dest: Dest,
        expected: Expected,
        resume: Option<Label>,
    ) -> Outcome<()> {
        let count = u8::try_from(arguments.len()).map_err(|_| super::compiler::TooBig)?;
        if usize::from(count) + 1 >= MAX_SLOTS - 8 {
            return Err(super::compiler::TooBig);
        }
        let function = self.machine.code.function(self.space, id, u32::from(count));
        let operands = self.machine.code.arguments.len() as u32;
        self.machine.code.arguments.extend_from_slice(arguments);
        let task = Task::Function { id: function, operands, count };
        let constructs = self.is_constructor(node);
        let next = self.label();
        if constructs && matches!(dest, Dest::Tail | Dest::Block) {
            let to = self.temporary()?;
            let join = self.label();
            let resume = self.resume(to, join);
            let site = self.site_for(task, expected, Dest::Slot(to), Some(resume), true);
            self.emit(Instr::Construct { to, site });
            self.place(join);
            self.emit(Instr::Give { value: Operand::slot(to) });
            return Ok(());
        }
        let resume = if constructs { resume } else { Some(next) };
        let site = self.site_for(task, expected, dest, resume, true);
        self.machine.code.sites[site as usize].ordered = are_ordered(arguments);
        match dest {
            Dest::Tail => self.emit(Instr::TailCall { site }),
            Dest::Block => self.emit(Instr::LastCall { site }),
            Dest::Slot(to) => {
                if constructs {
                    self.emit(Instr::Construct { to, site });
                } else {
                    self.emit(Instr::Call { site });
                    self.place(next);
                    self.emit(Instr::Result { to });
                }
                self.dirty = true;
            }
        }
        Ok(())
    }

    /// A call of a function with one type.
    fn typed_call(
        &mut self,
        id: Option<SymbolId>,
        node: Cell,
        signature: &Signature,
        dest: Dest,
        expected: Expected,
    ) -> Outcome<Option<()>> {
        let mut conditions = Conditions::new();
        let Some(passings) = self.passings(node, signature, &mut conditions) else { return Ok(None) };
        if !Self::can_accept(signature.returned, expected) {
            return Ok(None);
        }
        let returned = match signature.returned.view() {
            View::Symbol(symbols::EXPRESSION) => cell(symbols::UNDEFINED),
            View::Symbol(_) | View::Expression { length: 1, .. } => signature.returned,
            _ => return Ok(None),
        };
        let join = self.label();
        let resume = self.resume_for(dest, join);
        let restart = self.otherwise(node, expected, dest, resume);
        self.check(&conditions, restart);
        self.accepts(signature.returned, expected, restart);
        let mark = self.temporaries();
        let mut arguments = Vec::new();
        for (index, passing) in (1..).zip(passings) {
            let child = self.child(node, index);
            let (value, source) = match passing {
                Passing::Evaluated(wanted) => self.argument(child, Expected::Type(wanted), false)?,
                Passing::Unevaluated => (self.unevaluated(child)?, Source::Same),
            };
            arguments.push(Argument { value, source });
        }
        let wanted = Expected::Type(returned);
        let own = id.filter(|id| {
            let head = self.machine.head_in(self.space, *id);
            head.builtin.is_none() && returned != cell(symbols::ATOM) && !symbols::is_instruction(*id)
        });
        match own {
            Some(id) => self.call(id, node, &arguments, dest, wanted, resume)?,
            None => {
                let evaluated = (1..).zip(arguments.iter().map(|argument| argument.value)).collect();
                let label = self.otherwise_call(Task::Call, node, evaluated, wanted, dest, resume);
                self.emit(Instr::Jump { to: label });
            }
        }
        self.release(mark);
        self.place(join);
        self.finish(dest);
        self.dirty = true;
        Ok(Some(()))
    }

    /// The term of a node, as an operand.
    fn unevaluated(&mut self, node: Cell) -> Outcome<Operand> {
        match node.view() {
            View::Local(local) => {
                self.ensure(node);
                Ok(Operand::slot(self.slot_of(local)))
            }
            View::Expression { .. } if !node.is_ground() => {
                self.ensure(node);
                let template = self.template(node);
                let to = self.temporary()?;
                self.emit(Instr::Build { to, template });
                self.assign(to, Known::Expression);
                Ok(Operand::slot(to))
            }
            _ => Ok(self.constant_operand(node)),
        }
    }
}

/// Reports whether operands can be moved to slots 1, 2, ... in this order: none is overwritten before it is read.
fn are_ordered(arguments: &[Argument]) -> bool {
    (1..)
        .zip(arguments)
        .all(|(to, _)| arguments[to as usize..].iter().all(|later| later.value.place() != Ok(to)))
}

fn known_constant(node: Cell) -> Known {
    match node.view() {
        View::Int(_) | View::Float(_) => Known::Number,
        View::Bool(_) => Known::Bool,
        View::Expression { .. } => Known::Expression,
        _ => Known::Nothing,
    }
}

fn arithmetic_named(name: &str) -> Option<Arithmetic> {
    Some(match name {
        "+" => Arithmetic::Add,
        "-" => Arithmetic::Subtract,
        "*" => Arithmetic::Multiply,
        "/" => Arithmetic::Divide,
        "%" => Arithmetic::Remainder,
        _ => return None,
    })
}

fn test_named(name: &str) -> Option<Test> {
    Some(match name {
        "<" => Test::Less,
        ">" => Test::Greater,
        "<=" => Test::LessOrEqual,
        ">=" => Test::GreaterOrEqual,
        "==" => Test::Equal,
        _ => return None,
    })
}

fn depth_at_most(compiler: &Compiler<'_>, node: Cell, depth: u32) -> bool {
    depth > 0
        && (0..compiler.length(node)).all(|index| {
            let child = compiler.child(node, index);
            compiler.length(child) == 0 || depth_at_most(compiler, child, depth - 1)
        })
}
