//! `map-atom`, `filter-atom` and `foldl-atom` whose template is code.

use super::Next;

use crate::code::{Each, Way};
use crate::machine::frames::Kind;
use crate::machine::{Machine, Task};
use crate::terms::cell::{Cell, View};
use crate::terms::symbols::{self, cell};

impl Machine {
    /// Begins with the first element of a list.
    pub(super) fn begin_each(&mut self, each: u32, base: u32) -> Next {
        let Each { way, list, first, .. } = self.code.eaches[each as usize];
        match way {
            Way::Map => {
                let length = self.operand(base, list).slice().map_or(0, |(_, length)| length);
                let address = self.heap.allocate(length);
                self.map_next(each, base, Cell::expression(address, length, false), 0)
            }
            Way::Filter => self.gather_next(each, base, Cell::UNIT, 0),
            Way::Fold => {
                let first = self.operand(base, first);
                self.gather_next(each, base, first, 0)
            }
        }
    }

    /// Runs the template for element `index`, whose value goes into `block`; behind the last, calls the tuple.
    fn map_next(&mut self, each: u32, base: u32, block: Cell, index: u32) -> Next {
        if let Some(element) = self.element_of(each, base, index) {
            return self.run_template(
                each,
                base,
                Cell::UNIT,
                element,
                Kind::Mapped { each, base, block, index },
            );
        }
        let Each { site, marks, .. } = self.code.eaches[each as usize];
        let expected = self.leave(site, base);
        if block == Cell::UNIT {
            self.task = Task::Return(block);
            return Next::Task;
        }
        let elements = self.heap.elements(block).unwrap_or_default();
        let unchanged = marks && elements.iter().all(|element| element.is_evaluated());
        let tuple = self.with_flags(block);
        let tuple = if unchanged { tuple.evaluated() } else { tuple };
        if self.is_inert(tuple) && !self.heap.is_error(tuple) {
            self.stats.reductions += 1;
            self.task = Task::Return(tuple);
        } else {
            self.call(tuple, expected);
        }
        Next::Task
    }

    /// The template for element `index` has a value.
    pub(in crate::machine) fn map_value(
        &mut self,
        each: u32,
        base: u32,
        block: Cell,
        index: u32,
        value: Cell,
    ) {
        if self.heap.is_error(value) {
            self.leave(self.code.eaches[each as usize].site, base);
            self.task = Task::Return(value);
            return;
        }
        if let Some((address, _)) = block.slice() {
            self.heap.cells[(address + index) as usize] = value;
        }
        let next = self.map_next(each, base, block, index + 1);
        self.go_on(next);
    }

    /// Runs the template for element `index`; `gathered` is the accumulator, or links the elements kept so far.
    fn gather_next(&mut self, each: u32, base: u32, gathered: Cell, index: u32) -> Next {
        if let Some(element) = self.element_of(each, base, index) {
            let kind = Kind::Gathered { each, base, gathered, index };
            return self.run_template(each, base, gathered, element, kind);
        }
        let Each { way, site, odd, .. } = self.code.eaches[each as usize];
        let value = match way {
            Way::Filter => {
                let kept = self.linked(gathered);
                self.with_flags_of_values(kept)
            }
            Way::Map | Way::Fold => gathered,
        };
        if value == cell(symbols::NOT_REDUCIBLE) {
            self.acc = value;
            return Next::At(odd, base);
        }
        let expected = self.leave(site, base);
        self.task = match self.quick_result(value, expected) {
            _ if value == cell(symbols::EMPTY) => Task::Fail,
            _ if self.heap.is_error(value) => Task::Return(value),
            Some(value) => Task::Return(value),
            None => Task::Eval { term: value, expected },
        };
        Next::Task
    }

    /// The template for element `index` has a value: an accumulator, or a verdict.
    pub(in crate::machine) fn gathered_value(
        &mut self,
        each: u32,
        base: u32,
        gathered: Cell,
        index: u32,
        value: Cell,
    ) {
        if self.code.eaches[each as usize].way == Way::Fold {
            let next = self.gather_next(each, base, value, index + 1);
            return self.go_on(next);
        }
        let kept = match value.view() {
            View::Bool(true) => {
                let element = self.element_of(each, base, index).unwrap_or(Cell::UNIT);
                self.heap.expression(&[element, gathered])
            }
            View::Bool(false) => gathered,
            // An open verdict is either, as it is for `if`.
            View::Ref(_) => {
                self.wait_raw(Kind::Gathered { each, base, gathered, index });
                return self.choose_verdict(value);
            }
            _ if self.heap.is_error(value) => {
                self.leave(self.code.eaches[each as usize].site, base);
                self.task = Task::Return(value);
                return;
            }
            _ => {
                self.acc = value;
                return self.go_on(Next::At(self.code.eaches[each as usize].odd, base));
            }
        };
        let next = self.gather_next(each, base, kept, index + 1);
        self.go_on(next);
    }

    fn go_on(&mut self, next: Next) {
        if let Next::At(pc, base) = next {
            self.task = Task::Run { pc, base };
        }
    }

    fn element_of(&self, each: u32, base: u32, index: u32) -> Option<Cell> {
        let (address, length) = self.operand(base, self.code.eaches[each as usize].list).slice()?;
        (index < length).then(|| self.heap.element(address, index))
    }

    /// Enters the template in an activation of its own.
    fn run_template(&mut self, each: u32, base: u32, accumulator: Cell, element: Cell, kind: Kind) -> Next {
        let each = self.code.eaches[each as usize];
        self.top = base + u32::from(each.size);
        self.wait(kind);
        let new = self.env_top();
        self.reserve(new + u32::from(each.size));
        self.env[new as usize] = self.env[base as usize];
        let mut captured = each.captured;
        while captured != 0 {
            let slot = captured.trailing_zeros();
            self.env[(new + slot) as usize] = self.env[(base + slot) as usize];
            captured &= captured - 1;
        }
        self.set_slot(new, each.accumulator, accumulator);
        self.set_slot(new, each.element, element);
        self.straight = false;
        Next::At(each.body, new)
    }
}
