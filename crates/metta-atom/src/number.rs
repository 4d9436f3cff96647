//! Numbers: 64-bit integers that grow into big integers, and floats.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use num_bigint::BigInt;
use num_traits::ToPrimitive;

/// A number.
///
/// Integers never wrap: a value outside `i64` is a big integer.
/// Invariant N1: `Big` never holds a value that fits in `i64`.
/// Numbers compare and hash by value, so `1` equals `1.0`.
#[derive(Clone)]
pub enum Number {
    /// An integer that fits in 64 bits.
    Int(i64),
    /// An integer beyond 64 bits.
    Big(Arc<BigInt>),
    /// A 64-bit float.
    Float(f64),
}

impl Number {
    /// Makes an integer of any size, in its canonical form.
    pub fn from_big(value: BigInt) -> Self {
        // N1: the only place that makes `Big`.
        match value.to_i64() {
            Some(small) => Number::Int(small),
            None => Number::Big(Arc::new(value)),
        }
    }

    /// Reports whether this is an integer.
    pub fn is_integer(&self) -> bool {
        !matches!(self, Number::Float(_))
    }

    /// Returns the nearest float.
    pub fn to_f64(&self) -> f64 {
        match self {
            Number::Int(i) => *i as f64,
            Number::Big(b) => b.to_f64().unwrap_or(f64::NAN),
            Number::Float(f) => *f,
        }
    }

    /// Returns the integer as a big integer; `None` for a float.
    pub fn to_big(&self) -> Option<BigInt> {
        match self {
            Number::Int(i) => Some(BigInt::from(*i)),
            Number::Big(b) => Some((**b).clone()),
            Number::Float(_) => None,
        }
    }
}

/// Returns the integer with exactly the value of `f`, if `f` has one in `i64`.
fn exact_i64(f: f64) -> Option<i64> {
    // 2^63 itself is out of range, and every float below it converts exactly.
    (f.fract() == 0.0 && (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&f))
        .then_some(f as i64)
}

/// Returns the big integer with exactly the value of `f`, if `f` is integral.
fn exact_big(f: f64) -> Option<BigInt> {
    use num_traits::FromPrimitive;
    if f.fract() == 0.0 { BigInt::from_f64(f) } else { None }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        use Number::{Big, Float, Int};
        match (self, other) {
            (Int(a), Int(b)) => a == b,
            (Float(a), Float(b)) => a == b || (a.is_nan() && b.is_nan()),
            (Int(a), Float(b)) | (Float(b), Int(a)) => exact_i64(*b) == Some(*a),
            (Big(a), Big(b)) => a == b,
            (Big(a), Float(b)) | (Float(b), Big(a)) => exact_big(*b).is_some_and(|b| b == **a),
            (Int(_), Big(_)) | (Big(_), Int(_)) => false,
        }
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        use Number::{Big, Float, Int};
        match (self, other) {
            (Int(a), Int(b)) => Some(a.cmp(b)),
            (Float(a), Float(b)) => a.partial_cmp(b),
            (Big(a), Big(b)) => Some(a.cmp(b)),
            (Int(_), Big(b)) => {
                Some(if b.sign() == num_bigint::Sign::Minus { Ordering::Greater } else { Ordering::Less })
            }
            (Big(_), Int(_)) => other.partial_cmp(self).map(Ordering::reverse),
            (Int(a), Float(b)) => compare_int_float(*a, *b),
            (Float(_), Int(_)) => other.partial_cmp(self).map(Ordering::reverse),
            (Big(a), Float(b)) => compare_big_float(a, *b),
            (Float(_), Big(_)) => other.partial_cmp(self).map(Ordering::reverse),
        }
    }
}

fn compare_int_float(a: i64, b: f64) -> Option<Ordering> {
    // Beyond 2^53 a conversion of `a` rounds, so compare with the integral part of `b`.
    if b.is_nan() {
        return None;
    }
    if b >= 9_223_372_036_854_775_808.0 {
        return Some(Ordering::Less);
    }
    if b < -9_223_372_036_854_775_808.0 {
        return Some(Ordering::Greater);
    }
    let floor = b.floor();
    let beyond = if b > floor { Ordering::Less } else { Ordering::Equal };
    Some(a.cmp(&(floor as i64)).then(beyond))
}

fn compare_big_float(a: &BigInt, b: f64) -> Option<Ordering> {
    use num_traits::FromPrimitive;
    if b.is_infinite() {
        return Some(if b > 0.0 { Ordering::Less } else { Ordering::Greater });
    }
    // A big integer is beyond every float that has a fractional part.
    BigInt::from_f64(b).map(|b| a.cmp(&b))
}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Number::Int(i) => i.hash(state),
            Number::Big(b) => b.hash(state),
            Number::Float(f) => match (exact_i64(*f), exact_big(*f)) {
                (Some(i), _) => i.hash(state),
                (None, Some(b)) => b.hash(state),
                (None, None) if f.is_nan() => f64::NAN.to_bits().hash(state),
                (None, None) => f.to_bits().hash(state),
            },
        }
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Number::Int(value)
    }
}

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        Number::Float(value)
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Int(i) => write!(f, "{i}"),
            Number::Big(b) => write!(f, "{b}"),
            // `{:?}` prints the shortest text that reads back, with `.` or an exponent.
            Number::Float(x) => write!(f, "{x:?}"),
        }
    }
}
