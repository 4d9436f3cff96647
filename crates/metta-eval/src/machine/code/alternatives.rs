//! `superpose` and `collapse` in code.

use super::Next;

use crate::machine::choices::Alternatives;
use crate::machine::{Machine, Task};
use crate::terms::cell::Cell;
use crate::terms::symbols::{self, cell};

impl Machine {
    /// Goes on with the first element of a list, and later with the others.
    pub(super) fn begin_superpose(&mut self, list: Cell, to: u8, site: u32, base: u32) -> Next {
        let Some((address, length @ 1..)) = list.slice() else {
            self.task = Task::Fail;
            return Next::Task;
        };
        if length > 1 {
            self.top = base + u32::from(self.code.sites[site as usize].size);
            self.choose(Alternatives::Superposed { list, next: 1, to, site, base });
        }
        let value = self.heap.element(address, 0);
        self.superpose(value, to, site, base)
    }

    /// The choice point is the newest, and its state is restored.
    pub(in crate::machine) fn retry_superpose(&mut self, value: Cell, to: u8, site: u32, base: u32) {
        if let Next::At(pc, base) = self.superpose(value, to, site, base) {
            self.task = Task::Run { pc, base };
        }
    }

    /// An element is a result of the call, which goes to a slot.
    fn superpose(&mut self, value: Cell, to: u8, site: u32, base: u32) -> Next {
        self.stats.reductions += 1;
        if value == cell(symbols::EMPTY) {
            self.task = Task::Fail;
            return Next::Task;
        }
        match self.quick_result(value, cell(symbols::UNDEFINED)) {
            Some(value) if !self.heap.is_error(value) => {
                self.set_slot(base, to, value);
                // Behind the instruction that looks whether the result is an error.
                Next::At(self.resume_at(site) + 1, base)
            }
            _ => {
                let call = self.build(base, self.code.sites[site as usize].template);
                let expected = self.leave(site, base);
                self.call_result(call, expected, value);
                Next::Task
            }
        }
    }

    /// The instructions that follow give results that are collected.
    pub(super) fn begin_collapse_at(&mut self, site: u32, base: u32) {
        self.leave(site, base);
        self.top = base + u32::from(self.code.sites[site as usize].size);
        self.stats.reductions += 1;
        self.collect_results();
    }
}
