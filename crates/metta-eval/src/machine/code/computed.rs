//! Calls whose head is known only when code runs.

use smallvec::SmallVec;

use super::Next;

use crate::code::{Resume, Task as Work};
use crate::machine::Machine;
use crate::machine::data::returned;
use crate::program::OPEN;
use crate::terms::cell::{Cell, SymbolId, View};
use crate::terms::symbols::{self, cell, is_instruction};

impl Machine {
    /// Reports whether the calls of a head are read as tuples: neither it, nor the head of it, and so on,
    /// has types. With `matters` there must be rules for calls with so many arguments.
    pub(super) fn is_head(&mut self, head: Cell, arity: u32, matters: bool) -> bool {
        let mut root = head;
        loop {
            match root.view() {
                View::Symbol(id) => {
                    let special = id == symbols::ERROR || id == symbols::ARROW || is_instruction(id);
                    if special || matters && root == head && self.is_constructor(id, arity) {
                        return false;
                    }
                    return self.is_untyped_symbol(id) && (!matters || self.has_rules(head, arity));
                }
                View::Expression { address, length } if length > 0 => root = self.heap.element(address, 0),
                View::Int(_) | View::Float(_) | View::Bool(_) => return !matters && root == head,
                _ => return false,
            }
        }
    }

    /// The function of a head for calls with so many arguments; `None` when calls of it take more than rules.
    fn function_of(&mut self, head: Cell, arity: u32) -> Option<u32> {
        let (symbol, arity) = match head.view() {
            View::Symbol(id) if id == symbols::ERROR || is_instruction(id) => return None,
            View::Symbol(id) => (id, arity),
            View::Int(_) | View::Float(_) | View::Bool(_) => (OPEN, arity + 1),
            View::Expression { length: 1.., .. } if !self.has_variable_head(head) => (OPEN, arity + 1),
            _ => return None,
        };
        let id = self.code.function(self.space, symbol, arity);
        self.prove(id);
        (!self.code.functions[id as usize].native).then_some(id)
    }

    fn has_rules(&mut self, head: Cell, arity: u32) -> bool {
        self.function_of(head, arity).is_some_and(|id| !self.code.definition(id).is_empty())
    }

    /// Calls the first operand of a site, a symbol with a simple function type, with the others as they stand;
    /// `None` when one of them has to be reduced or may not fit.
    pub(super) fn apply_typed(&mut self, site: u32, base: u32) -> Option<Next> {
        let place = self.code.sites[site as usize];
        let Work::Apply { operands, count } = place.task else { return None };
        let arity = u32::from(count) - 1;
        let head = self.operand(base, self.code.arguments[operands as usize].value);
        let expected = self.expected_at(place.expected, base);
        if let View::Symbol(id) = head.view()
            && self.open_function(id, arity).is_some()
        {
            return self.apply_instance(site, base, id, expected);
        }
        let function = self.function_type_of(head, arity)?;
        let returned = self.returned_for(function, expected)?;
        let mut values: SmallVec<[Cell; 8]> = SmallVec::new();
        for index in 0..arity {
            let operand = self.code.arguments[(operands + 1 + index) as usize].value;
            let value = self.operand(base, operand);
            values.push(self.taken_argument(function, index, value)?);
        }
        if let View::Operation(_) = head.view() {
            values.insert(0, head);
            let call = self.heap.expression(&values);
            let call = self.with_flags(call);
            self.leave(site, base);
            self.call(call, returned);
            return Some(Next::Task);
        }
        let id = self.function_of(head, arity)?;
        if !self.code.definition(id).is_empty() {
            return Some(self.call_with(site, base, place.resume == Resume::Tail, (id, returned), &values));
        }
        self.stats.reductions += 1;
        values.insert(0, head);
        let term = self.heap.expression(&values);
        let term = self.with_flags(term);
        let value = self.settled(term).unwrap_or_else(|| self.marked(term));
        Some(self.deliver_at(place.resume, base, value))
    }

    /// Calls a symbol whose function type has variables with operands of which each is a value: the instance for
    /// what they are. A variable that they do not determine takes what comes.
    fn apply_instance(&mut self, site: u32, base: u32, id: SymbolId, expected: Cell) -> Option<Next> {
        let place = self.code.sites[site as usize];
        let Work::Apply { operands, count } = place.task else { return None };
        let undefined = cell(symbols::UNDEFINED);
        let (mut values, mut types) = (SmallVec::<[Cell; 8]>::new(), SmallVec::<[Cell; 8]>::new());
        for operand in operands + 1..operands + u32::from(count) {
            let value = self.operand(base, self.code.arguments[operand as usize].value);
            let value = self.quick_result(value, undefined)?;
            types.push(self.type_of_value(value)?);
            values.push(value);
        }
        let instance = self.type_instance(id, &types)?;
        let found = returned(&self.heap, instance);
        let found = match found.view() {
            View::Local(_) => undefined,
            _ => Some(found).filter(|found| found.is_ground())?,
        };
        if expected != undefined && expected != found {
            return None;
        }
        let (space, arity) = (self.space, u32::from(count) - 1);
        let id = self.code.instance(space, id, arity, instance)?;
        self.prove(id);
        if self.code.definition(id).is_empty() {
            return None;
        }
        Some(self.call_with(site, base, place.resume == Resume::Tail, (id, found), &values))
    }

    /// Goes on with a value at a site.
    fn deliver_at(&mut self, resume: Resume, base: u32, value: Cell) -> Next {
        match resume {
            Resume::At { pc, .. } => {
                self.acc = value;
                Next::At(pc, base)
            }
            Resume::Tail | Resume::Block => self.give(value),
        }
    }

    /// Calls the first operand of a site with the others; `None` when that is left to the general evaluator.
    pub(super) fn apply(&mut self, site: u32, base: u32) -> Option<Next> {
        let place = self.code.sites[site as usize];
        let Work::Apply { operands, count } = place.task else { return None };
        let count = u32::from(count);
        let head = self.operand(base, self.code.arguments[operands as usize].value);
        let id = self.function_of(head, count - 1)?;
        if !self.code.definition(id).is_empty() {
            let call = match head.view() {
                View::Symbol(_) => (id, operands + 1, count - 1),
                _ => (id, operands, count),
            };
            return Some(self.call_at(site, base, place.resume == Resume::Tail, call));
        }
        self.stats.reductions += 1;
        let value = self.construct_of(None, base, operands, count);
        Some(self.deliver_at(place.resume, base, value))
    }
}
