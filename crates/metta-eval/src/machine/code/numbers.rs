//! Arithmetic and comparison.

use crate::code::Test;
use crate::library::{Binary, apply, small};
use crate::machine::Machine;
use crate::machine::quick::Judged;
use crate::terms::cell::Cell;

impl Machine {
    #[inline(always)]
    pub(super) fn compute(&mut self, operation: Binary, a: Cell, b: Cell) -> Option<Cell> {
        small(operation, a, b).or_else(|| self.compute_numbers(operation, a, b))
    }

    #[cold]
    fn compute_numbers(&mut self, operation: Binary, a: Cell, b: Cell) -> Option<Cell> {
        let number = apply(operation, &self.heap.as_number(a)?, &self.heap.as_number(b)?).ok()?;
        Some(self.heap.number(number))
    }

    #[inline(always)]
    pub(super) fn compare(&mut self, test: Test, a: Cell, b: Cell) -> Option<bool> {
        match a.compare_ints(b) {
            Some(order) => Some(test.holds(order)),
            None => self.compare_values(test, a, b),
        }
    }

    fn compare_values(&mut self, test: Test, a: Cell, b: Cell) -> Option<bool> {
        if test == Test::Equal {
            return self.equal_quickly(a, b);
        }
        let order = self.heap.as_number(a)?.partial_cmp(&self.heap.as_number(b)?);
        Some(order.is_some_and(|order| test.holds(order)))
    }

    /// Whether two values are equal as `==` has it; `None` when their types have to be looked at.
    fn equal_quickly(&mut self, a: Cell, b: Cell) -> Option<bool> {
        let (x, y) = (self.judge(a)?, self.judge(b)?);
        match (x, y) {
            (Judged::Number, Judged::Number) => Some(self.heap.leaves_equal(a, b)),
            (Judged::Bool, Judged::Bool) => Some(a == b),
            (Judged::Untyped, Judged::Untyped) => Some(self.heap.equal(a, b)),
            (Judged::Untyped, _) | (_, Judged::Untyped) => Some(false),
            _ => None,
        }
    }
}
