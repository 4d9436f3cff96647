//! Arithmetic and comparison.

use crate::code::{Arithmetic, Test};
use crate::library::{Binary, apply};
use crate::machine::Machine;
use crate::machine::quick::Judged;
use crate::terms::cell::{Cell, View};

impl Machine {
    #[inline(always)]
    pub(in crate::machine) fn compute(&mut self, operation: Arithmetic, a: Cell, b: Cell) -> Option<Cell> {
        match operation {
            Arithmetic::Add => {
                if let Some(sum) = a.plus(b) {
                    return Some(sum);
                }
            }
            Arithmetic::Subtract => {
                if let Some(difference) = a.minus(b) {
                    return Some(difference);
                }
            }
            Arithmetic::Multiply | Arithmetic::Divide | Arithmetic::Remainder => {}
        }
        if let (View::Int(x), View::Int(y)) = (a.view(), b.view()) {
            let small = match operation {
                Arithmetic::Add | Arithmetic::Subtract => None,
                Arithmetic::Multiply => x.checked_mul(y),
                Arithmetic::Divide => x.checked_div(y),
                Arithmetic::Remainder => x.checked_rem(y),
            };
            if let Some(cell) = small.and_then(Cell::int) {
                return Some(cell);
            }
        }
        self.compute_numbers(operation, a, b)
    }

    #[cold]
    pub(in crate::machine) fn compute_numbers(
        &mut self,
        operation: Arithmetic,
        a: Cell,
        b: Cell,
    ) -> Option<Cell> {
        let operation = match operation {
            Arithmetic::Add => Binary::Add,
            Arithmetic::Subtract => Binary::Subtract,
            Arithmetic::Multiply => Binary::Multiply,
            Arithmetic::Divide => Binary::Divide,
            Arithmetic::Remainder => Binary::Remainder,
        };
        let number = apply(operation, &self.heap.as_number(a)?, &self.heap.as_number(b)?).ok()?;
        Some(self.heap.number(number))
    }

    #[inline(always)]
    pub(in crate::machine) fn compare(&mut self, test: Test, a: Cell, b: Cell) -> Option<bool> {
        if let Some(order) = a.compare_ints(b) {
            return Some(match test {
                Test::Less => order.is_lt(),
                Test::Greater => order.is_gt(),
                Test::LessOrEqual => order.is_le(),
                Test::GreaterOrEqual => order.is_ge(),
                Test::Equal => order.is_eq(),
            });
        }
        self.compare_values(test, a, b)
    }

    pub(in crate::machine) fn compare_values(&mut self, test: Test, a: Cell, b: Cell) -> Option<bool> {
        if test == Test::Equal {
            return self.equal_quickly(a, b);
        }
        let order = self.heap.as_number(a)?.partial_cmp(&self.heap.as_number(b)?);
        Some(order.is_some_and(|order| match test {
            Test::Less => order.is_lt(),
            Test::Greater => order.is_gt(),
            Test::LessOrEqual => order.is_le(),
            Test::GreaterOrEqual => order.is_ge(),
            Test::Equal => order.is_eq(),
        }))
    }

    /// Whether two values are equal as `==` has it; `None` when their types have to be looked at.
    pub(in crate::machine) fn equal_quickly(&mut self, a: Cell, b: Cell) -> Option<bool> {
        let (x, y) = (self.judge(a)?, self.judge(b)?);
        match (x, y) {
            (Judged::Tuple, Judged::Tuple) => None,
            (Judged::Number | Judged::Bool, Judged::Number | Judged::Bool) if x != y => None,
            (Judged::Number, Judged::Number) => Some(self.heap.leaves_equal(a, b)),
            (Judged::Untyped, Judged::Untyped) => Some(self.heap.equal(a, b)),
            _ => Some(a == b),
        }
    }
}
