//! Expressions as lists: `cons-atom` and the functions that take them apart.

use super::body::*;
use super::compiler::{Compiler, Dest, Outcome};
use super::instr::*;
use super::types::Conditions;
use crate::terms::cell::{Cell, View};
use crate::terms::symbols::{self, cell};

impl Compiler<'_> {
    /// `(cons-atom first $list)`.
    pub(super) fn cons_form(&mut self, node: Cell, dest: Dest, expected: Expected) -> Outcome<Option<()>> {
        let head = self.assume(symbols::CONS_ATOM);
        if self.length(node) != 3 || head.types.len() != 1 || self.has_rules(&head, symbols::CONS_ATOM, 2) {
            return Ok(None);
        }
        let list = self.child(node, 2);
        let (mark, before) = (self.temporaries(), self.known);
        let (join, _, restart) = self.begin_form(node, dest, expected, &Conditions::new());
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

    /// `(decons-atom $list)`, whose pair is wanted as one.
    pub(super) fn decons_form(&mut self, node: Cell, dest: Dest, expected: Expected) -> Outcome<Option<()>> {
        let Some(list) = self.decons_of(node) else { return Ok(None) };
        if self.assume(symbols::DECONS_ATOM).types.len() != 1 {
            return Ok(None);
        }
        let (mark, before) = (self.temporaries(), self.known);
        let (join, _, restart) = self.begin_form(node, dest, expected, &Conditions::new());
        let to = self.destination(dest)?;
        self.emit(Instr::Decons { to, list, otherwise: restart });
        self.release(mark);
        self.assign(to, Known::Expression);
        self.deliver(to, dest);
        self.join(join, before, dest);
        Ok(Some(()))
    }

    /// `(car-atom $list)` or `(cdr-atom $list)`; the part is evaluated.
    pub(super) fn part_form(
        &mut self,
        first: bool,
        node: Cell,
        dest: Dest,
        expected: Expected,
    ) -> Outcome<Option<()>> {
        let View::Local(local) = self.child(node, 1).view() else { return Ok(None) };
        let list = self.slot_of(local);
        let returned = if first { symbols::UNDEFINED } else { symbols::EXPRESSION };
        let known = self.length(node) == 2 && self.is_assigned(list);
        if !known || !Self::can_accept(cell(returned), expected) {
            return Ok(None);
        }
        let (mark, before) = (self.temporaries(), self.known);
        let (join, _, restart) = self.begin_form(node, dest, expected, &Conditions::new());
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
}
