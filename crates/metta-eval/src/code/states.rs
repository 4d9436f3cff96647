//! `get-state` and `change-state!`: for states whose type says all that has to be checked.

use super::body::UNDEFINED;
use super::compiler::{Compiler, Dest, Outcome};
use super::instr::*;
use super::types::{Conditions, StaticType};
use crate::terms::cell::{Cell, View};
use crate::terms::symbols::{self, cell};

impl Compiler<'_> {
    /// The state that a node stands for, unless it has to be evaluated first.
    fn state_operand(&mut self, node: Cell) -> Option<Operand> {
        match node.view() {
            View::State(_) => Some(self.constant_operand(node)),
            View::Local(local) if self.is_assigned(self.slot_of(local)) => {
                Some(Operand::slot(self.slot_of(local)))
            }
            _ => None,
        }
    }

    /// The type of `(get-state ...)` where the state is known or, as a condition, holds what is wanted.
    pub(super) fn content_type(
        &mut self,
        node: Cell,
        wanted: Option<Cell>,
        conditions: &mut Conditions,
    ) -> Option<StaticType> {
        if self.length(node) != 2 || !self.has_closed_types() {
            return None;
        }
        let state = self.child(node, 1);
        let found = match (state.view(), wanted) {
            (View::State(_), _) => self.machine.plain_state(state)?.1,
            (View::Local(local), Some(wanted)) => {
                let known = match wanted.view() {
                    View::Symbol(symbols::NUMBER) => Known::NumberState,
                    View::Symbol(symbols::BOOL) => Known::BoolState,
                    _ => return None,
                };
                self.condition(local, known, conditions)?;
                wanted
            }
            _ => return None,
        };
        Some(if found == cell(symbols::UNDEFINED) { StaticType::Any } else { StaticType::Is(found) })
    }

    /// `(get-state state)`.
    pub(super) fn get_state_form(
        &mut self,
        node: Cell,
        dest: Dest,
        expected: Expected,
    ) -> Outcome<Option<()>> {
        if self.length(node) != 2 || !self.has_closed_types() {
            return Ok(None);
        }
        let state = self.child(node, 1);
        let Some(state) = self.state_operand(state) else { return Ok(None) };
        let (mark, before) = (self.temporaries(), self.known);
        let (join, _, restart) = self.begin_form(node, dest, expected, &Conditions::new());
        let to = self.destination(dest)?;
        let wanted = match expected {
            Expected::Dynamic => Cell::NONE,
            Expected::Type(wanted) => wanted,
        };
        let expected = self.constant(wanted);
        self.emit(Instr::GetState { to, state, expected, otherwise: restart });
        self.release(mark);
        self.assign(to, Known::Nothing);
        self.deliver(to, dest);
        self.join(join, before, dest);
        Ok(Some(()))
    }

    /// `(change-state! state value)`.
    pub(super) fn change_state_form(
        &mut self,
        node: Cell,
        dest: Dest,
        expected: Expected,
    ) -> Outcome<Option<()>> {
        let takes_all = expected == Expected::Dynamic || expected == UNDEFINED;
        if self.length(node) != 3 || !takes_all || !self.has_closed_types() {
            return Ok(None);
        }
        let Some(state) = self.state_operand(self.child(node, 1)) else { return Ok(None) };
        let value = self.child(node, 2);
        let mut conditions = Conditions::new();
        // What a variable holds is looked at together with the state.
        let held = match value.view() {
            View::Local(local) if self.is_assigned(self.slot_of(local)) => Some(self.slot_of(local)),
            _ => None,
        };
        let wanted = match held {
            Some(_) => cell(symbols::UNDEFINED),
            None => match self.static_type(value, &mut conditions) {
                Some(StaticType::Is(found))
                    if [symbols::NUMBER, symbols::BOOL].map(cell).contains(&found) =>
                {
                    found
                }
                Some(StaticType::Any) => {
                    let any = cell(symbols::UNDEFINED);
                    if self.passing(any, value, &mut conditions).is_none() {
                        return Ok(None);
                    }
                    any
                }
                _ => return Ok(None),
            },
        };
        let (mark, before) = (self.temporaries(), self.known);
        let (join, resume, restart) = self.begin_form(node, dest, expected, &conditions);
        self.accepts_only_undefined(expected, restart);
        let value = match held {
            Some(from) => {
                let to = self.temporary()?;
                self.emit(Instr::ContentFor { to, state, from, otherwise: restart });
                self.assign(to, Known::Nothing);
                Operand::slot(to)
            }
            None => {
                let constant = self.constant(wanted);
                self.emit(Instr::GuardState { state, constant, otherwise: restart });
                self.argument(value, Expected::Type(wanted), false)?.0
            }
        };
        let evaluated = vec![(1, state), (2, value)];
        let otherwise = self.otherwise_call(Task::Call, node, evaluated, UNDEFINED, dest, resume);
        let to = self.destination(dest)?;
        self.emit(Instr::ChangeState { to, state, value, otherwise });
        self.release(mark);
        self.assign(to, Known::Nothing);
        self.deliver(to, dest);
        self.join(join, before, dest);
        Ok(Some(()))
    }

    fn accepts_only_undefined(&mut self, expected: Expected, otherwise: u32) {
        if expected == Expected::Dynamic {
            let constant = self.constant(cell(symbols::UNDEFINED));
            self.emit(Instr::GuardExpected { constant, otherwise });
        }
    }
}
