//! Assertions (semantics 15.8).

use crate::library::{Assertion, Call, NOT_AN_EXPRESSION, report};
use crate::machine::frames::Kind;
use crate::machine::{Machine, Task};
use crate::terms::cell::Cell;
use crate::terms::symbols::{self, cell};

impl Machine {
    fn assertion(&self, call: Cell) -> Assertion {
        let name = self.heap.head_symbol(call).map_or("", |id| self.heap.symbols.name(id));
        Assertion::named(name)
    }

    pub(crate) fn begin_assertion(&mut self, call: Call) {
        let first = self.argument_of(call.term, 0);
        self.return_to(call);
        if self.assertion(call.term).truth {
            self.wait(Kind::AssertTrue { call: call.term });
            self.eval_in(self.context, first, cell(symbols::UNDEFINED));
        } else {
            self.wait_raw(Kind::Assert { call: call.term });
            self.begin_collapse(first);
        }
    }

    pub(super) fn assert_true(&mut self, call: Cell, value: Cell) {
        // An open value becomes true.
        if self.heap.attempt(|heap| heap.unify(value, Cell::bool(true))) {
            self.task = Task::Return(Cell::UNIT);
            return;
        }
        let asserted = self.argument_of(call, 0);
        let (not, truth) = (self.heap.symbols.intern("not"), Cell::bool(true));
        let reason = self.heap.expression(&[asserted, Cell::operation(not), truth]);
        let error = self.error(call, reason);
        self.task = Task::Return(error);
    }

    /// The results of the first expression are known.
    pub(super) fn assert_first(&mut self, call: Cell, actual: Cell) {
        let second = self.argument_of(call, 1);
        if self.assertion(call).to_result {
            self.assert_second(call, actual, second);
        } else {
            self.wait_raw(Kind::AssertSecond { call, actual });
            self.begin_collapse(second);
        }
    }

    pub(super) fn assert_second(&mut self, call: Cell, actual: Cell, expected: Cell) {
        let assertion = self.assertion(call);
        if assertion.includes {
            self.assert_included(call, actual, expected);
            return;
        }
        let cells = |machine: &Machine, list: Cell| -> Option<Vec<Cell>> {
            let elements = machine.heap.elements(list)?;
            Some(elements.iter().map(|cell| machine.heap.deref(*cell)).collect())
        };
        let (Some(found), Some(wanted)) = (cells(self, actual), cells(self, expected)) else {
            let reason = self.heap.symbols.intern(NOT_AN_EXPRESSION);
            let error = self.error(call, Cell::symbol(reason));
            self.task = Task::Return(error);
            return;
        };
        let Some(text) = report(self, &found, &wanted, assertion.alpha) else {
            self.task = Task::Return(Cell::UNIT);
            return;
        };
        let error = if assertion.message {
            // The error shows the call without its message.
            let (address, length) = call.slice().unwrap_or((0, 1));
            let shown = Cell::expression(address, length - 1, call.is_ground());
            let shown = self.heap.elements(shown).unwrap_or(&[]).to_vec();
            let shown = self.heap.expression(&shown);
            let message = self.argument_of(call, length - 2);
            self.error(shown, message)
        } else {
            let message = self.heap.text(&text);
            self.error(call, message)
        };
        self.task = Task::Return(error);
    }

    /// Whatever `wanted` holds beyond the results is evaluated, and reported if that is no error itself.
    fn assert_included(&mut self, call: Cell, actual: Cell, wanted: Cell) {
        let subtraction = self.operation_call("subtraction-atom", &[wanted, actual]);
        let unmet = self.heap.new_variable(symbols::VARIABLE, false);
        let [title, end] = ["assertIncludes", "error:"].map(|word| self.symbol_cell(word));
        let [included, within, result] = ["included", "in", "result:"].map(|word| self.symbol_cell(word));
        let not = Cell::operation(self.heap.symbols.intern("not"));
        let reason = self.heap.expression(&[title, end, unmet, not, included, within, result, actual]);
        let error = self.error(call, reason);
        let test = self.operation_call("==", &[unmet, Cell::UNIT]);
        let branch = self.symbol_cell("if");
        let verdict = self.heap.expression(&[branch, test, Cell::UNIT, error]);
        let binding = self.symbol_cell("let");
        let term = self.heap.expression(&[binding, unmet, subtraction, verdict]);
        self.eval_in(self.context, term, cell(symbols::UNDEFINED));
    }

    fn symbol_cell(&mut self, name: &str) -> Cell {
        Cell::symbol(self.heap.symbols.intern(name))
    }

    fn operation_call(&mut self, name: &str, arguments: &[Cell]) -> Cell {
        let mut elements = vec![Cell::operation(self.heap.symbols.intern(name))];
        elements.extend(arguments);
        self.heap.expression(&elements)
    }
}
