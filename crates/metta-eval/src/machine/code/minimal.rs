//! The instructions of Minimal MeTTa in code.

use super::Next;

use crate::code::Task as Work;
use crate::machine::frames::Kind;
use crate::machine::{Kept, Machine, Task};
use crate::terms::cell::{Cell, View};
use crate::terms::symbols::{self, cell, is_instruction};

impl Machine {
    /// Makes a frame that goes on at a site with what comes, whatever it is.
    fn push_raw_frame(&mut self, site: u32, base: u32) {
        self.top = base + u32::from(self.code.sites[site as usize].size);
        self.wait_raw(Kind::Code { site, base });
    }

    /// Runs an instruction, or goes on with the body of a `function`, in the general way.
    pub(super) fn exec_at(&mut self, site: u32, base: u32) -> Next {
        let place = self.code.sites[site as usize];
        let term = self.build(base, place.template);
        let value = match place.task {
            Work::Steps(operand) => Some(self.operand(base, operand)),
            _ => None,
        };
        self.push_raw_frame(site, base);
        match value {
            Some(value) => self.function_result(term, value),
            None => self.task = Task::Exec(term),
        }
        Next::Task
    }

    /// Calls a function for what its rules come to.
    pub(super) fn call_step(&mut self, site: u32, base: u32) -> Next {
        let place = self.code.sites[site as usize];
        let Work::Function { id, operands, count } = place.task else { return Next::Task };
        let count = u32::from(count);
        let end = base + u32::from(place.size);
        let new = end.max(self.choices.last().map_or(0, |choice| choice.env));
        self.reserve(new + count + 1);
        self.kept = Kept::No;
        self.env[new as usize] = Cell::NONE;
        for index in 0..count {
            let operand = self.code.arguments[(operands + index) as usize].value;
            self.env[(new + 1 + index) as usize] = self.operand(base, operand);
        }
        self.push_raw_frame(site, base);
        self.enter_at(id, new, count)
    }

    /// What `(return value)` gives.
    pub(super) fn returned(&self, term: Cell) -> Option<Cell> {
        match self.heap.deref(term).slice() {
            Some((address, 2)) if self.heap.element(address, 0) == cell(symbols::RETURN) => {
                Some(self.heap.element(address, 1))
            }
            _ => None,
        }
    }

    /// Reports whether a value is an instruction, or the name of one.
    pub(super) fn names_instruction(&self, value: Cell) -> bool {
        let value = self.heap.deref(value);
        let head = match value.slice() {
            Some((address, 1..)) => self.heap.element(address, 0),
            _ => value,
        };
        matches!(head.view(), View::Symbol(id) if is_instruction(id))
    }

    /// Reports whether a value is a result of a call like any other.
    pub(super) fn is_result(&self, value: Cell) -> bool {
        let value = self.heap.deref(value);
        value != cell(symbols::EMPTY) && value != cell(symbols::NOT_REDUCIBLE) && !self.heap.is_error(value)
    }
}
