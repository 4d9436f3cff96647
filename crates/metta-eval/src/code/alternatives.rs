//! `superpose`, `collapse` and `unify`.

use super::body::*;
use super::compiler::{Compiler, Dest, Outcome};
use super::instr::*;
use super::types::{Conditions, Passing};
use crate::terms::cell::{Cell, View};
use crate::terms::symbols::{self, cell};

/// Longer tuples are superposed element by element at run time.
const MOST_BRANCHES: u32 = 16;

impl Compiler<'_> {
    /// `(superpose list)`, whose elements are results one after the other.
    pub(super) fn superpose_form(
        &mut self,
        node: Cell,
        dest: Dest,
        expected: Expected,
    ) -> Outcome<Option<()>> {
        let list = self.child(node, 1);
        let mut conditions = Conditions::new();
        let passing = self.passing(cell(symbols::EXPRESSION), list, &mut conditions);
        if self.length(node) != 2 || passing != Some(Passing::Unevaluated) || !self.has_closed_types() {
            return Ok(None);
        }
        let (mark, before) = (self.temporaries(), self.known);
        let (join, _, _) = self.begin_form(node, dest, expected, &conditions);
        let branches = self.length(list) > 0
            && self.length(list) <= MOST_BRANCHES
            && matches!(dest, Dest::Tail | Dest::Block)
            && !self.is_leaves(list);
        if branches {
            self.branches(node, list, dest)?;
        } else {
            let list = self.unevaluated(list)?;
            let to = self.destination(dest)?;
            let next = self.label();
            let site = self.site_for(Task::Evaluate, UNDEFINED, Dest::Slot(to), Some(next), true);
            let template = self.call_template(node, &[(1, list)]);
            self.machine.code.sites[site as usize].template = template;
            self.emit(Instr::Superpose { list, to, site });
            self.place(next);
            self.emit(Instr::Result { to });
            self.assign(to, Known::Nothing);
            self.deliver(to, dest);
        }
        self.release(mark);
        self.join(join, before, dest);
        Ok(Some(()))
    }

    /// Evaluates each element of a tuple where it stands.
    fn branches(&mut self, node: Cell, list: Cell, dest: Dest) -> Outcome<()> {
        let (assigned, known) = (self.assigned, self.known);
        for index in 0..self.length(list) {
            let next = self.label();
            if index + 1 < self.length(list) {
                let aside = Dest::Slot(0);
                let site = self.site_for(Task::Evaluate, UNDEFINED, aside, Some(next), true);
                self.emit(Instr::Either { site });
            }
            let mark = self.temporaries();
            self.result_of(node, Vec::new(), self.child(list, index), dest, UNDEFINED)?;
            self.release(mark);
            self.place(next);
            (self.assigned, self.known, self.dirty) = (assigned, known, true);
        }
        Ok(())
    }

    /// The argument of `superpose`.
    pub(super) fn superposed(&self, node: Cell) -> Option<Cell> {
        match self.child(node, 0).view() {
            View::Operation(id) if self.machine.heap.symbols.name(id) == "superpose" => {
                (self.length(node) == 2).then(|| self.child(node, 1))
            }
            _ => None,
        }
    }

    /// Reports whether a node is a tuple of numbers, words and the like, none of which says anything about its call.
    pub(super) fn is_leaves(&self, list: Cell) -> bool {
        list.is_expression()
            && (0..self.length(list)).all(|index| match self.child(list, index).view() {
                View::Symbol(id) => id != symbols::EMPTY && id != symbols::NOT_REDUCIBLE,
                View::Int(_) | View::Float(_) | View::Bool(_) => true,
                _ => false,
            })
    }

    /// `(collapse body)`.
    pub(super) fn collapse_form(
        &mut self,
        node: Cell,
        dest: Dest,
        expected: Expected,
    ) -> Outcome<Option<()>> {
        let body = self.child(node, 1);
        let variable = match body.view() {
            View::Local(local) => Some(self.slot_of(local)).filter(|slot| self.is_assigned(*slot)),
            _ => None,
        };
        if self.length(node) != 2 || self.length(body) == 0 && variable.is_none() {
            return Ok(None);
        }
        let (mark, before) = (self.temporaries(), self.known);
        let (join, resume, restart) = self.begin_form(node, dest, expected, &Conditions::new());
        self.emit(Instr::GuardContext { otherwise: restart });
        if let Some(slot) = variable {
            // A literal `Empty` is a value here.
            self.emit(Instr::GuardOutcome { slot, otherwise: restart });
        }
        self.ensure_shared(&[body]);
        let site = self.site_for(Task::Evaluate, UNDEFINED, dest, resume, true);
        self.emit(Instr::Collapse { site });
        // Each result is copied with the variables that were made for it.
        self.forked = true;
        let (assigned, known) = (self.assigned, self.known);
        self.expression(body, Dest::Block, UNDEFINED)?;
        (self.assigned, self.known) = (assigned, known);
        self.release(mark);
        self.join(join, before, dest);
        Ok(Some(()))
    }

    /// `(unify atom pattern then else)`, where neither of the first two is a space.
    pub(super) fn unify_form(&mut self, node: Cell, dest: Dest, expected: Expected) -> Outcome<Option<()>> {
        let head = self.assume(symbols::UNIFY);
        let parts = [1, 2, 3, 4].map(|index| self.child(node, index));
        let [atom, pattern, then, other] = parts;
        let is_value = |node: Cell| !matches!(node.view(), View::Space(_) | View::State(_));
        let open = match pattern.view() {
            View::Local(local) => self.is_assigned(self.slot_of(local)),
            _ => false,
        };
        let plain = self.length(node) == 5
            && head.types.len() == 1
            && !self.has_rules(&head, symbols::UNIFY, 4)
            && is_value(atom)
            && is_value(pattern)
            && !self.says_something(then)
            && !self.says_something(other);
        if !plain {
            return Ok(None);
        }
        let (mark, before) = (self.temporaries(), self.known);
        let (join, _, restart) = self.begin_form(node, dest, expected, &Conditions::new());
        if let Dest::Slot(_) = dest {
            // The branches come together again: what one of them may bind exists before.
            self.ensure_shared(&[pattern, then]);
            self.ensure_shared(&[other]);
        }
        let slot = self.temporary()?;
        let from = self.unevaluated(atom)?;
        self.emit(Instr::Copy { to: slot, from });
        self.assign(slot, Known::Nothing);
        self.emit(Instr::GuardPlain { slot, otherwise: restart });
        if let (View::Local(local), true) = (pattern.view(), open) {
            self.emit(Instr::GuardPlain { slot: self.slot_of(local), otherwise: restart });
        }
        let (assigned, known) = (self.assigned, self.known);
        let next = self.label();
        self.emit(Instr::Try { next });
        self.match_argument(slot, pattern)?;
        self.emit(Instr::Body);
        self.come_back();
        self.result_of(node, Vec::new(), then, dest, UNDEFINED)?;
        if let Dest::Slot(_) = dest {
            self.emit(Instr::Jump { to: join });
        }
        let then_assigned = self.assigned;
        (self.assigned, self.known, self.dirty) = (assigned, known, true);
        self.place(next);
        self.result_of(node, Vec::new(), other, dest, UNDEFINED)?;
        self.assigned &= then_assigned;
        self.release(mark);
        self.join(join, before, dest);
        Ok(Some(()))
    }
}
