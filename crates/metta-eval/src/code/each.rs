//! `map-atom`, `filter-atom` and `foldl-atom` with a template that is known when the clause is compiled.
//!
//! The template becomes a block that runs once for each element, in an activation of its own: a choice point
//! in one element must find its slots as they were, whatever later elements have done since.

use super::body::*;
use super::compiler::{Compiler, Dest, Outcome};
use super::instr::*;
use super::types::{Conditions, Passing};
use crate::terms::cell::{Cell, View};
use crate::terms::symbols::{self, cell};

/// What such a form is made of.
struct Parts {
    way: Way,
    list: Cell,
    /// What a fold begins with.
    first: Option<Cell>,
    /// The variables for the accumulator and the element; for an element alone both are the same.
    variables: (u32, u32),
    template: Cell,
}

impl Compiler<'_> {
    pub(super) fn each_form(&mut self, node: Cell, dest: Dest, expected: Expected) -> Outcome<Option<()>> {
        let Some(parts) = self.parts(node).filter(|parts| self.is_plain_template(parts)) else {
            return Ok(None);
        };
        let returned = match parts.way {
            Way::Map | Way::Filter => cell(symbols::EXPRESSION),
            Way::Fold => cell(symbols::UNDEFINED),
        };
        let mut conditions = Conditions::new();
        let passing = self.passing(cell(symbols::EXPRESSION), parts.list, &mut conditions);
        if passing != Some(Passing::Unevaluated) || !Self::can_accept(returned, expected) {
            return Ok(None);
        }
        let (mark, before) = (self.temporaries(), self.known);
        let (join, resume, restart) = self.begin_form(node, dest, expected, &conditions);
        self.emit(Instr::GuardContext { otherwise: restart });
        self.accepts(returned, expected, restart);
        let list = self.unevaluated(parts.list)?;
        let first = match parts.first {
            Some(first) => self.unevaluated(first)?,
            None => list,
        };
        let captured = self.guard_captured(&parts, restart);
        if !self.guard_head(&parts, list, restart) {
            return Ok(None);
        }
        let site = self.site_for(Task::Evaluate, UNDEFINED, dest, resume, true);
        let (accumulator, element) = (self.slot_of(parts.variables.0), self.slot_of(parts.variables.1));
        let marks = self.is_constructor(parts.template);
        self.spend();
        let each = self.machine.code.eaches.len() as u32;
        self.machine.code.eaches.push(Each {
            way: parts.way,
            site,
            list,
            first,
            accumulator,
            element,
            captured,
            live: self.assigned,
            marks,
            size: 0,
            body: 0,
            odd: 0,
        });
        self.emit(Instr::Each { each });
        self.machine.code.eaches[each as usize].body = self.place_in_code();
        let (assigned, temporaries) = (self.assigned, self.temporaries());
        // The activation of the template has nothing else (C1).
        self.assigned = captured;
        self.assign(accumulator, Known::Nothing);
        self.assign(element, Known::Nothing);
        self.come_back();
        self.expression(parts.template, Dest::Block, UNDEFINED)?;
        self.release(temporaries);
        self.assigned = assigned;
        self.machine.code.eaches[each as usize].odd = self.place_in_code();
        self.odd_end(&parts, node, dest, resume)?;
        self.assigned = assigned;
        self.release(mark);
        self.join(join, before, dest);
        Ok(Some(()))
    }

    /// Where the value that comes last, or a verdict that is none, is a result in the general way.
    fn odd_end(
        &mut self,
        parts: &Parts,
        node: Cell,
        dest: Dest,
        resume: Option<super::compiler::Label>,
    ) -> Outcome<()> {
        let value = self.temporary()?;
        self.emit(Instr::Take { to: value });
        self.assign(value, Known::Nothing);
        self.ensure(node);
        if parts.way == Way::Filter {
            let template = self.template(node);
            let call = self.temporary()?;
            self.emit(Instr::Build { to: call, template });
            self.assign(call, Known::Nothing);
            self.emit(Instr::NoReturn { to: value, call });
        }
        let task = Task::ResultOf(Operand::slot(value));
        let label = self.otherwise_call(task, node, Vec::new(), UNDEFINED, dest, resume);
        self.emit(Instr::Jump { to: label });
        Ok(())
    }

    /// The parts of a form in which the variables are variables.
    fn parts(&self, node: Cell) -> Option<Parts> {
        let View::Symbol(id) = self.child(node, 0).view() else { return None };
        let variable = |index| match self.child(node, index).view() {
            View::Local(local) => Some(local),
            _ => None,
        };
        let list = self.child(node, 1);
        match (id, self.length(node)) {
            (symbols::MAP_ATOM | symbols::FILTER_ATOM, 4) => {
                let way = if id == symbols::MAP_ATOM { Way::Map } else { Way::Filter };
                let variables = (variable(2)?, variable(2)?);
                Some(Parts { way, list, first: None, variables, template: self.child(node, 3) })
            }
            (symbols::FOLDL_ATOM, 6) => {
                let (first, variables) = (Some(self.child(node, 2)), (variable(3)?, variable(4)?));
                let parts = Parts { way: Way::Fold, list, first, variables, template: self.child(node, 5) };
                (variables.0 != variables.1).then_some(parts)
            }
            _ => None,
        }
    }

    /// Variables that only stand for elements and accumulators: no value that they may have elsewhere matters.
    pub(super) fn element_variables(&self) -> Vec<bool> {
        let mut bound = vec![0; self.totals.len()];
        let mut pending = vec![self.clause.body()];
        while let Some(node) = pending.pop() {
            if node.is_ground() {
                continue;
            }
            if let Some(parts) = self.parts(node) {
                let counts = self.occurrences(node);
                let (accumulator, element) = parts.variables;
                for local in if accumulator == element { vec![element] } else { vec![accumulator, element] } {
                    bound[local as usize] += counts[local as usize];
                }
            }
            pending.extend((0..self.length(node)).map(|index| self.child(node, index)));
        }
        bound.iter().zip(&self.totals).map(|(bound, total)| *bound == *total && *total > 0).collect()
    }

    /// Reports whether the template is a call, and the variables occur nowhere but in it.
    fn is_plain_template(&mut self, parts: &Parts) -> bool {
        let (accumulator, element) = parts.variables;
        let own = |local: &u32| *local == accumulator || *local == element;
        let mut around = self.locals(parts.list);
        around.extend(parts.first.map(|first| self.locals(first)).unwrap_or_default());
        if around.iter().any(own) || !self.for_elements(accumulator) || !self.for_elements(element) {
            return false;
        }
        match self.child(parts.template, 0).view() {
            View::Local(local) => !own(&local) && self.is_assigned(self.slot_of(local)),
            View::Symbol(id) => id != symbols::ERROR && !symbols::is_instruction(id),
            View::Operation(_) => true,
            _ => false,
        }
    }

    /// The slots that the template reads. All variables of a template that are not for elements are renamed for
    /// each element, also those in the values of others: so these must have none.
    fn guard_captured(&mut self, parts: &Parts, otherwise: super::compiler::Label) -> Live {
        let mut captured = 0;
        for local in self.locals(parts.template) {
            let slot = self.slot_of(local);
            if local != parts.variables.0 && local != parts.variables.1 && self.is_assigned(slot) {
                captured |= 1 << slot;
                if !matches!(self.known[usize::from(slot)], Known::Number | Known::Bool) {
                    self.emit(Instr::Guard { slot, known: Known::Ground, otherwise });
                }
            }
        }
        captured
    }

    /// Sees to it that the mapped list is read as a tuple, and that a head which is a variable is no instruction.
    fn guard_head(&mut self, parts: &Parts, list: Operand, otherwise: super::compiler::Label) -> bool {
        if let View::Local(local) = self.child(parts.template, 0).view() {
            let arity = u8::try_from(self.length(parts.template) - 1).unwrap_or(u8::MAX);
            let slot = self.slot_of(local);
            self.emit(Instr::GuardHead { slot, arity, matters: false, otherwise });
            return self.has_closed_types();
        }
        if parts.way != Way::Map {
            return true;
        }
        let Ok(element) = self.temporary() else { return false };
        let (before, local) = ((self.assigned, self.known), parts.variables.1 as usize);
        self.assign(element, Known::Nothing);
        let own = std::mem::replace(&mut self.slots[local], element);
        let mut conditions = Conditions::new();
        let has_type = self.static_type(parts.template, &mut conditions).is_some();
        self.slots[local] = own;
        (self.assigned, self.known) = before;
        if !conditions.is_empty() {
            let some = self.label();
            self.emit(Instr::First { list, to: element, empty: some });
            for (slot, known) in conditions {
                self.emit(Instr::Guard { slot, known, otherwise });
            }
            self.place(some);
        }
        has_type
    }
}
