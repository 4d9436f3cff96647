//! Numbers compare and hash by value, whatever they are kept as.

use std::cmp::Ordering;
use std::hash::{DefaultHasher, Hash, Hasher};

use metta_atom::Number;
use num_bigint::BigInt;
use num_traits::FromPrimitive;
use proptest::prelude::*;

fn hash(number: &Number) -> u64 {
    let mut hasher = DefaultHasher::new();
    number.hash(&mut hasher);
    hasher.finish()
}

/// Numbers near each other and near the ends of the 64-bit and the exact range.
fn number() -> impl Strategy<Value = Number> {
    let place = prop::sample::select(vec![0_i128, 1 << 53, -(1 << 53), 1 << 63, -(1 << 63), 1 << 100]);
    let integer = (place, -3_i128..4).prop_map(|(place, step)| place + step);
    prop_oneof![
        integer.clone().prop_map(|value| Number::from_big(BigInt::from(value))),
        integer.prop_map(|value| Number::Float(value as f64)),
        (-8_i32..9).prop_map(|quarters| Number::Float(f64::from(quarters) / 4.0)),
        Just(Number::Float(f64::INFINITY)),
        Just(Number::Float(f64::NEG_INFINITY)),
        Just(Number::Float(-0.0)),
    ]
}

/// Four times the number, exactly; infinities are beyond all others.
fn quadruple(number: &Number) -> BigInt {
    match number {
        Number::Float(float) if float.is_infinite() => BigInt::from(float.signum() as i64) << 200,
        Number::Float(float) => BigInt::from_f64(float * 4.0).expect("it is finite"),
        Number::Int(_) | Number::Big(_) => number.to_big().expect("it is an integer") * 4,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5000))]

    #[test]
    fn order_is_that_of_the_values(a in number(), b in number()) {
        let expected = quadruple(&a).cmp(&quadruple(&b));
        prop_assert_eq!(a.partial_cmp(&b), Some(expected));
        prop_assert_eq!(a == b, expected == Ordering::Equal);
        if a == b {
            prop_assert_eq!(hash(&a), hash(&b));
        }
    }
}

#[test]
fn big_integers_that_fit_are_small() {
    // N1
    for (value, small) in [(i128::from(i64::MAX), true), (i128::from(i64::MAX) + 1, false)] {
        let number = Number::from_big(BigInt::from(value));
        assert_eq!(matches!(number, Number::Int(_)), small);
        assert_eq!(number.to_big(), Some(BigInt::from(value)));
    }
}

#[test]
fn nan_equals_itself_and_has_no_order() {
    let nan = || Number::Float(f64::NAN);
    assert_eq!(nan(), nan());
    assert_eq!(hash(&nan()), hash(&Number::Float(-f64::NAN)));
    assert_eq!(nan().partial_cmp(&Number::Int(1)), None);
    assert_ne!(nan(), Number::Int(0));
}
