//! Calls whose head is a variable or an expression: `($f $x)`, `((adder $k) $x)`.

use super::body::*;
use super::calls::{are_ordered, keeps};
use super::compiler::{Compiler, Dest, Label, Outcome};
use super::instr::*;
use super::types::{Conditions, Reading};
use crate::program::OPEN;
use crate::terms::cell::{Cell, SymbolId, View};
use crate::terms::symbols::{self, cell};

/// What decides how the calls of a head are read.
enum Root {
    /// They are read as tuples.
    Tuple,
    /// What this slot holds when the code runs.
    Slot(Slot),
}

impl Compiler<'_> {
    /// An expression whose head is a variable or an expression: a call of what the head comes to, or data.
    pub(super) fn open_form(&mut self, node: Cell, dest: Dest, expected: Expected) -> Outcome<Option<()>> {
        if let View::Local(local) = self.child(node, 0).view()
            && let Some((_, signature)) = self.declared_function(local)
            && let Some(()) = self.typed_call(None, node, &signature, dest, expected)?
        {
            return Ok(Some(()));
        }
        let data = self.may_be_data(node);
        let Some(root) = self.root(node).filter(|_| !data || self.may_be_called(node)) else {
            return if data { self.data_form(node, dest, expected) } else { Ok(None) };
        };
        let Ok(arity) = u8::try_from(self.length(node) - 1) else { return Ok(None) };
        if usize::from(arity) + 2 >= MAX_SLOTS - 8 {
            return Ok(None);
        }
        let (mark, before) = (self.temporaries(), self.known);
        let join = self.label();
        let resume = self.resume_for(dest, join);
        if data {
            self.ensure(node);
        } else {
            self.ensure_shared(&[node]);
        }
        let restart = self.otherwise(node, expected, dest, resume);
        self.check(&Conditions::new(), restart);
        let other = if data { self.label() } else { restart };
        let operands = self.operands_as_they_stand(node);
        let typed = self.label();
        if let Root::Slot(slot) = root {
            // Only the head itself is called with these arguments.
            let matters = data && self.length(self.child(node, 0)) == 0;
            let otherwise = if operands.is_some() { typed } else { other };
            self.emit(Instr::GuardHead { slot, arity, matters, otherwise });
        }
        let (assigned, known) = (self.assigned, self.known);
        self.apply(node, dest, expected, resume)?;
        self.release(mark);
        if let (Root::Slot(_), Some(operands)) = (&root, operands) {
            if let Dest::Slot(_) = dest {
                self.emit(Instr::Jump { to: join });
            }
            (self.assigned, self.known) = (assigned, known);
            self.place(typed);
            self.apply_typed(&operands, dest, expected, other);
        }
        if data && matches!(root, Root::Slot(_)) {
            if let Dest::Slot(_) = dest {
                self.emit(Instr::Jump { to: join });
            }
            (self.assigned, self.known) = (assigned, known);
            self.place(other);
            self.data_form(node, dest, expected)?;
        }
        self.join(join, before, dest);
        Ok(Some(()))
    }

    /// What decides how a call is read; `None` when that is left to the general evaluator.
    fn root(&mut self, node: Cell) -> Option<Root> {
        if !self.has_closed_types() {
            return None;
        }
        let mut head = self.child(node, 0);
        if self.is_simple(head) && !matches!(head.view(), View::Local(_)) {
            // A number is no function, and what is no number becomes an error or data.
            return Some(Root::Tuple);
        }
        while self.length(head) > 0 {
            head = self.child(head, 0);
        }
        match head.view() {
            View::Local(local) => {
                let slot = self.slot_of(local);
                self.is_assigned(slot).then_some(Root::Slot(slot))
            }
            View::Symbol(id) => match self.reading(id)? {
                Reading::Tuple => Some(Root::Tuple),
                Reading::Function(_) | Reading::Open => None,
            },
            _ => None,
        }
    }

    /// Reports whether what could be data is a call when its head turns out to be one.
    fn may_be_called(&mut self, node: Cell) -> bool {
        match self.child(node, 0).view() {
            View::Local(_) => true,
            _ => {
                let open = self.assume(OPEN);
                let length = self.length(node);
                open.calls.iter().any(|clause| clause.takes(&self.machine.heap, OPEN, length))
            }
        }
    }

    /// A call of a function whose type has variables, which are found out when the code runs: if its arguments
    /// are values as they stand, or data made of such.
    pub(super) fn open_call(
        &mut self,
        id: SymbolId,
        node: Cell,
        dest: Dest,
        expected: Expected,
    ) -> Outcome<Option<()>> {
        let length = self.length(node);
        let stand = (1..length).all(|index| {
            let argument = self.child(node, index);
            match argument.view() {
                View::Local(local) => self.is_assigned(self.slot_of(local)),
                View::Symbol(id) => id != symbols::EMPTY,
                View::Expression { length: 1.., .. } => self.may_be_data(argument),
                _ => true,
            }
        });
        if !stand || length as usize + 1 >= MAX_SLOTS - 8 || self.is_constructor(node) {
            return Ok(None);
        }
        let (mark, before) = (self.temporaries(), self.known);
        self.ensure(node);
        let (join, _, restart) = self.begin_form(node, dest, expected, &Conditions::new());
        let mut operands = vec![self.constant_operand(cell(id))];
        for index in 1..length {
            let argument = self.child(node, index);
            operands.push(self.unevaluated(argument)?);
        }
        self.apply_typed(&operands, dest, expected, restart);
        self.release(mark);
        self.join(join, before, dest);
        Ok(Some(()))
    }

    /// The parts of a call of a variable, if none of them is an expression.
    fn operands_as_they_stand(&mut self, node: Cell) -> Option<Vec<Operand>> {
        let parts = 0..self.length(node);
        parts
            .map(|index| match self.child(node, index).view() {
                View::Local(local) => {
                    let slot = self.slot_of(local);
                    self.is_assigned(slot).then(|| Operand::slot(slot))
                }
                View::Expression { .. } | View::Symbol(symbols::EMPTY) => None,
                _ if index == 0 => None,
                _ => Some(self.constant_operand(self.child(node, index))),
            })
            .collect()
    }

    /// Calls a head that has a type, if that takes the arguments as they stand.
    fn apply_typed(&mut self, operands: &[Operand], dest: Dest, expected: Expected, otherwise: Label) {
        let first = self.machine.code.arguments.len() as u32;
        let arguments = operands.iter().map(|value| Argument { value: *value, source: Source::Same });
        self.machine.code.arguments.extend(arguments);
        let next = self.label();
        let task = Task::Apply { operands: first, count: operands.len() as u8 };
        let site = self.site_for(task, expected, dest, Some(next), true);
        self.emit(Instr::ApplyTyped { site, otherwise });
        if let Dest::Slot(to) = dest {
            self.place(next);
            self.emit(Instr::Result { to });
        }
    }

    /// Evaluates head and arguments and calls the one with the others.
    fn apply(&mut self, node: Cell, dest: Dest, expected: Expected, resume: Option<Label>) -> Outcome<()> {
        let mut arguments = Vec::new();
        for index in 0..self.length(node) {
            let (value, source) = self.argument(self.child(node, index), UNDEFINED, true)?;
            arguments.push(Argument { value, source });
        }
        self.apply_to(node, &arguments, dest, expected, resume);
        Ok(())
    }

    /// Calls the first of some evaluated arguments with the others.
    pub(super) fn apply_to(
        &mut self,
        node: Cell,
        arguments: &[Argument],
        dest: Dest,
        expected: Expected,
        resume: Option<Label>,
    ) {
        let evaluated = (0..).zip(arguments.iter().map(|argument| argument.value)).collect();
        let otherwise = self.otherwise_call(Task::Call, node, evaluated, expected, dest, resume);
        let operands = self.machine.code.arguments.len() as u32;
        self.machine.code.arguments.extend_from_slice(arguments);
        let next = self.label();
        let task = Task::Apply { operands, count: arguments.len() as u8 };
        let site = self.site_for(task, expected, dest, Some(next), true);
        let place = &mut self.machine.code.sites[site as usize];
        place.ordered = are_ordered(arguments) && are_ordered(&arguments[1..]);
        place.keeps = keeps(arguments);
        self.emit(Instr::Apply { site, otherwise });
        if let Dest::Slot(to) = dest {
            self.place(next);
            self.emit(Instr::Result { to });
        }
    }
}
