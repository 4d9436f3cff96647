//! Arithmetic on numbers of all sizes (semantics 15.3, ADR-0002).

use metta_atom::Number;
use num_bigint::BigInt;

use crate::terms::cell::{Cell, View};

/// A binary operation on numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// An integer was divided by zero.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DivisionByZero;

/// The result for small integers, if it is one as well: most sums are such, and no numbers are made for them.
#[inline(always)]
pub(crate) fn small(operation: Binary, a: Cell, b: Cell) -> Option<Cell> {
    match operation {
        Binary::Add => a.plus(b),
        Binary::Subtract => a.minus(b),
        Binary::Multiply | Binary::Divide | Binary::Remainder => {
            let (View::Int(x), View::Int(y)) = (a.view(), b.view()) else { return None };
            let value = match operation {
                Binary::Multiply => x.checked_mul(y),
                Binary::Divide => x.checked_div(y),
                _ => x.checked_rem(y),
            };
            value.and_then(Cell::int)
        }
    }
}

/// The values of two numbers in cells, one of them a float, as far as that loses nothing.
#[inline]
pub(crate) fn two_floats(a: Cell, b: Cell) -> Option<(f64, f64)> {
    // Integers up to here are floats as they are.
    const EXACT: i64 = 1 << 53;
    let exact = |x: i64| (-EXACT..=EXACT).contains(&x).then_some(x as f64);
    match (a.view(), b.view()) {
        (View::Float(x), View::Float(y)) => Some((x, y)),
        (View::Float(x), View::Int(y)) => Some((x, exact(y)?)),
        (View::Int(x), View::Float(y)) => Some((exact(x)?, y)),
        _ => None,
    }
}

/// The result for floats, if it fits a cell.
pub(crate) fn small_floats(operation: Binary, a: Cell, b: Cell) -> Option<Cell> {
    let (x, y) = two_floats(a, b)?;
    Cell::float(floats(operation, x, y))
}

/// Applies an operation; integers stay integers unless an operand is a float.
pub(crate) fn apply(operation: Binary, a: &Number, b: &Number) -> Result<Number, DivisionByZero> {
    match (a, b) {
        (Number::Int(x), Number::Int(y)) => integers(operation, *x, *y),
        _ => match (a.to_big(), b.to_big()) {
            (Some(x), Some(y)) => big_integers(operation, x, y),
            _ => Ok(Number::Float(floats(operation, a.to_f64(), b.to_f64()))),
        },
    }
}

fn integers(operation: Binary, x: i64, y: i64) -> Result<Number, DivisionByZero> {
    let small = match operation {
        Binary::Add => x.checked_add(y),
        Binary::Subtract => x.checked_sub(y),
        Binary::Multiply => x.checked_mul(y),
        Binary::Divide | Binary::Remainder if y == 0 => return Err(DivisionByZero),
        Binary::Divide => x.checked_div(y),
        // The one overflow, the least integer by -1, leaves no rest.
        Binary::Remainder => Some(x.checked_rem(y).unwrap_or(0)),
    };
    match small {
        Some(value) => Ok(Number::Int(value)),
        None => big_integers(operation, BigInt::from(x), BigInt::from(y)),
    }
}

fn big_integers(operation: Binary, x: BigInt, y: BigInt) -> Result<Number, DivisionByZero> {
    let zero = y == BigInt::from(0);
    Ok(Number::from_big(match operation {
        Binary::Add => x + y,
        Binary::Subtract => x - y,
        Binary::Multiply => x * y,
        Binary::Divide | Binary::Remainder if zero => return Err(DivisionByZero),
        Binary::Divide => x / y,
        Binary::Remainder => x % y,
    }))
}

fn floats(operation: Binary, x: f64, y: f64) -> f64 {
    match operation {
        Binary::Add => x + y,
        Binary::Subtract => x - y,
        Binary::Multiply => x * y,
        Binary::Divide => x / y,
        Binary::Remainder => x % y,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_grow_instead_of_wrapping() {
        let big = apply(Binary::Add, &Number::Int(i64::MAX), &Number::Int(1));
        assert_eq!(big.map(|n| n.to_string()), Ok("9223372036854775808".to_owned()));
        let back = apply(Binary::Subtract, &Number::from_big(BigInt::from(i64::MAX) + 1), &Number::Int(1));
        assert!(matches!(back, Ok(Number::Int(i64::MAX))));
        let negated = apply(Binary::Divide, &Number::Int(i64::MIN), &Number::Int(-1));
        assert_eq!(negated.map(|n| n.to_string()), Ok("9223372036854775808".to_owned()));
        assert_eq!(apply(Binary::Remainder, &Number::Int(i64::MIN), &Number::Int(-1)), Ok(Number::Int(0)));
    }

    #[test]
    fn division_truncates_and_the_rest_has_the_sign_of_the_dividend() {
        assert_eq!(apply(Binary::Divide, &Number::Int(-7), &Number::Int(2)), Ok(Number::Int(-3)));
        assert_eq!(apply(Binary::Remainder, &Number::Int(-7), &Number::Int(2)), Ok(Number::Int(-1)));
        assert_eq!(apply(Binary::Divide, &Number::Int(1), &Number::Int(0)), Err(DivisionByZero));
        assert_eq!(
            apply(Binary::Divide, &Number::Float(1.0), &Number::Int(0)),
            Ok(Number::Float(f64::INFINITY))
        );
    }
}
