//! Arithmetic and comparison.

use crate::code::{Native, Test};
use crate::library::{Binary, Call, Outcome, apply, small, small_floats};
use crate::machine::Machine;
use crate::machine::quick::Judged;
use crate::terms::cell::{Cell, View};
use crate::terms::symbols::{self, cell};

impl Machine {
    #[inline(always)]
    pub(in crate::machine) fn compute(&mut self, operation: Binary, a: Cell, b: Cell) -> Option<Cell> {
        small(operation, a, b).or_else(|| self.compute_numbers(operation, a, b))
    }

    #[cold]
    fn compute_numbers(&mut self, operation: Binary, a: Cell, b: Cell) -> Option<Cell> {
        if let Some(value) = small_floats(operation, a, b) {
            return Some(value);
        }
        let number = apply(operation, &self.heap.as_number(a)?, &self.heap.as_number(b)?).ok()?;
        Some(self.heap.number(number))
    }

    #[inline(always)]
    pub(in crate::machine) fn compare(&mut self, test: Test, a: Cell, b: Cell) -> Option<bool> {
        match a.compare_ints(b) {
            Some(order) => Some(test.holds(order)),
            None => self.compare_values(test, a, b),
        }
    }

    /// The value of an operation on numbers and truth values; `None` where it is to be called in the general way.
    pub(super) fn run_native(&mut self, native: u32, base: u32) -> Option<Cell> {
        let Native { builtin, operation, operands, count, truths } = self.code.natives[native as usize];
        let address = self.heap.top();
        self.heap.cells.push(operation);
        let mut fits = true;
        for index in 0..u32::from(count) {
            let value = self.operand(base, self.code.arguments[(operands + index) as usize].value);
            fits &= match value.view() {
                View::Bool(_) => truths >> index & 1 == 1,
                View::Int(_) | View::Float(_) => truths >> index & 1 == 0,
                _ => false,
            };
            self.heap.cells.push(value);
        }
        let value = if fits {
            let term = Cell::expression(address, u32::from(count) + 1, true);
            let (arguments, count, expected) = (address + 1, u32::from(count), cell(symbols::UNDEFINED));
            match (builtin.run)(self, Call { term, arguments, count, expected }) {
                Outcome::Value(value) if !value.is_expression() => Some(value),
                // It has no effect, so it is called again.
                _ => None,
            }
        } else {
            None
        };
        self.heap.cells.truncate(address as usize);
        value
    }

    fn compare_values(&mut self, test: Test, a: Cell, b: Cell) -> Option<bool> {
        if test == Test::Equal {
            // A tuple that is one of data is not the empty one.
            if b == Cell::UNIT && a.has_evaluated_elements() && (a == b || self.is_inert(a)) {
                return Some(a == b);
            }
            return self.equal_quickly(a, b);
        }
        let order = self.heap.as_number(a)?.partial_cmp(&self.heap.as_number(b)?);
        Some(order.is_some_and(|order| test.holds(order)))
    }

    /// Whether two values are equal as `==` has it; `None` when their types have to be looked at.
    fn equal_quickly(&mut self, a: Cell, b: Cell) -> Option<bool> {
        let (Some(x), Some(y)) = (self.judge(a), self.judge(b)) else { return self.equal_by_types(a, b) };
        match (x, y) {
            (Judged::Number, Judged::Number) => Some(self.heap.leaves_equal(a, b)),
            (Judged::Bool, Judged::Bool) => Some(a == b),
            (Judged::Untyped, Judged::Untyped) if a.is_canonical() && b.is_canonical() => Some(a == b),
            (Judged::Untyped, Judged::Untyped) => Some(self.heap.equal(a, b)),
            (Judged::Untyped, _) | (_, Judged::Untyped) => Some(false),
            _ => None,
        }
    }

    /// Whether two values of one type are equal, or one of which has none, as far as types are known without a search.
    fn equal_by_types(&mut self, a: Cell, b: Cell) -> Option<bool> {
        let is_value = |value: Cell| !value.is_expression() || value.is_evaluated() && value.is_ground();
        if !is_value(a) || !is_value(b) {
            return None;
        }
        let (x, y) = (self.type_of_value(a)?, self.type_of_value(b)?);
        let undefined = cell(symbols::UNDEFINED);
        let fits =
            x == undefined || y == undefined || x.is_ground() && y.is_ground() && self.is_same_type(x, y);
        fits.then(|| self.heap.equal(a, b))
    }
}
