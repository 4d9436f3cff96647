//! `if`, `let` and `let*`.

use super::arithmetic::test_named;
use super::body::*;
use super::compiler::{Compiler, Dest, Label, Outcome};
use super::instr::*;
use super::types::Conditions;
use crate::terms::cell::{Cell, View};
use crate::terms::symbols::{self, cell};

impl Compiler<'_> {
    pub(super) fn if_form(&mut self, node: Cell, dest: Dest, expected: Expected) -> Outcome<Option<()>> {
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
        match (part.view(), dest) {
            (View::Symbol(symbols::EMPTY), _) => self.emit(Instr::Fail),
            (View::Local(local), Dest::Tail | Dest::Block) if self.is_assigned(self.slot_of(local)) => {
                return self.give_variable(local, dest, expected, call, evaluated);
            }
            _ if self.says_something(part) => {
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

    /// Reports whether a node, as the result of a call, says something about the call.
    pub(super) fn says_something(&self, node: Cell) -> bool {
        node == cell(symbols::NOT_REDUCIBLE)
            || self.length(node) > 0
                && matches!(self.child(node, 0).view(), View::Symbol(symbols::ERROR | symbols::FUNCTION))
    }

    /// Goes on at the next instruction if a condition is true, at `to` if it is false.
    #[expect(clippy::too_many_arguments, reason = "the whole `if` is needed where its condition is neither")]
    pub(super) fn test(
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

    pub(super) fn let_star_form(
        &mut self,
        node: Cell,
        dest: Dest,
        expected: Expected,
    ) -> Outcome<Option<()>> {
        let pairs = self.child(node, 1);
        let literal = self.length(node) == 3
            && pairs.is_expression()
            && (0..self.length(pairs)).all(|index| self.length(self.child(pairs, index)) == 2);
        // The first binding decides whether this is done here, as for `let`.
        if !literal || self.length(pairs) == 0 || self.hides_a_step(self.child(node, 2)) {
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

    pub(super) fn let_form(&mut self, node: Cell, dest: Dest, expected: Expected) -> Outcome<Option<()>> {
        if self.length(node) != 4 || self.hides_a_step(self.child(node, 3)) {
            return Ok(None);
        }
        let binding = (self.child(node, 1), self.child(node, 2));
        self.bindings(node, &[binding], self.child(node, 3), dest, expected)?;
        Ok(Some(()))
    }

    /// Reports whether the body of a `let` says something of the `unify` that it is short for.
    fn hides_a_step(&self, body: Cell) -> bool {
        let function = self.length(body) > 0 && self.child(body, 0) == cell(symbols::FUNCTION);
        function || body == cell(symbols::NOT_REDUCIBLE)
    }

    /// Bindings one after the other, then the body, which is evaluated without an expected type.
    pub(super) fn bindings(
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
                self.come_back();
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
        self.come_back();
        Ok(true)
    }

    /// The list variable of `(decons-atom $list)`.
    pub(super) fn decons_of(&mut self, value: Cell) -> Option<Slot> {
        if self.length(value) != 2 || self.child(value, 0) != cell(symbols::DECONS_ATOM) {
            return None;
        }
        let head = self.assume(symbols::DECONS_ATOM);
        match self.child(value, 1).view() {
            View::Local(local)
                if self.is_assigned(self.slot_of(local))
                    && !self.has_rules(&head, symbols::DECONS_ATOM, 1) =>
            {
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
}
