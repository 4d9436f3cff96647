//! The text of atoms.

use metta_atom::{Atom, BindingSet, Grounded, Number, SpaceId, Variable};

#[track_caller]
fn check(atom: Atom, expected: &str) {
    assert_eq!(atom.to_string(), expected);
}

#[test]
fn names_and_expressions() {
    check(Atom::symbol("a\"b'#"), "a\"b'#");
    check(Atom::variable("x"), "$x");
    check(Atom::variable(""), "$");
    check(Atom::Variable(Variable::renamed("x", 12)), "$x#12");
    check(Atom::unit(), "()");
    check(
        Atom::expression([Atom::symbol("f"), Atom::unit(), Atom::expression([Atom::symbol("a")])]),
        "(f () (a))",
    );
    check(Atom::operation("+"), "+");
}

#[test]
fn floats_are_short_and_never_look_like_integers() {
    for (value, expected) in [
        (5.0, "5.0"),
        (0.1, "0.1"),
        (-0.0, "-0.0"),
        (1e15, "1000000000000000.0"),
        (1e16, "1e16"),
        (123_456_789_012_345_680.0, "1.2345678901234568e17"),
        (1e-4, "0.0001"),
        (1e-5, "1e-5"),
        (1.5e300, "1.5e300"),
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
        (f64::NAN, "NaN"),
    ] {
        check(Atom::float(value), expected);
    }
}

#[test]
fn integers_are_decimal_at_any_size() {
    check(Atom::integer(i64::MIN), "-9223372036854775808");
    check(Atom::number(Number::from_big("-9223372036854775809".parse().unwrap())), "-9223372036854775809");
}

#[test]
fn strings_escape_what_does_not_print() {
    for (text, expected) in [
        ("", r#""""#),
        ("it's", r#""it's""#),
        ("\"\\\n\r\t", r#""\"\\\n\r\t""#),
        // `\0` is not an escape of the language, so it would not read back.
        ("\0\u{7f}\u{1b}", r#""\u{0}\u{7f}\u{1b}""#),
        ("é😀", "\"é😀\""),
        ("e\u{301}\u{200b}\u{a0}\u{ad}", r#""e\u{301}\u{200b}\u{a0}\u{ad}""#),
    ] {
        check(Atom::text(text), expected);
    }
}

#[test]
fn other_values() {
    check(Atom::bool(true), "True");
    check(Atom::bool(false), "False");
    check(Atom::space(SpaceId(255)), "GroundingSpace-0xff");
    let set = |pairs| Atom::Grounded(Grounded::Bindings(BindingSet(pairs).into()));
    check(set(vec![]), "{  }");
    let pairs = vec![(Variable::new("x"), Atom::integer(1)), (Variable::new("y"), Atom::variable("z"))];
    check(set(pairs), "{ $x <- 1, $y = $z }");
}
