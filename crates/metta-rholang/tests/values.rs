//! Atoms to `Par` and back.

use std::sync::Arc;

use metta_atom::{Atom, BindingSet, Foreign, Grounded, Number, SpaceId, StateId, Symbol, Variable};
use metta_rholang::par::{self, DEFAULT_DEPTH, ExprKind, Par};
use metta_rholang::{Codec, ReadError, WriteError};
use metta_sched::Library;
use proptest::prelude::*;

/// Reads an atom of a program, with the operations of the library.
fn atom(text: &str) -> Atom {
    let parsed = metta_syntax::parse(text, &Library::new());
    assert!(parsed.diagnostics.is_empty(), "{text}");
    parsed.forms[0].atom.clone()
}

fn hex(par: &Par) -> String {
    par::encode(par).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Numbers are equal across types, so the spelling is compared as well.
fn assert_same(found: &Atom, expected: &Atom) {
    assert_eq!(found, expected);
    assert_eq!(found.to_string(), expected.to_string());
}

fn round(codec: &Codec, atom: &Atom) -> Atom {
    let bytes = par::encode(&codec.value_to_par(atom).expect("it can be written"));
    codec.value_from_par(&par::decode(&bytes).expect("what was written")).expect("a value")
}

#[test]
fn legacy_values_are_the_bytes_of_the_node() {
    let codec = Codec::default();
    let value = |text: &str| hex(&codec.value_to_par(&atom(text)).unwrap());
    assert_eq!(value("()"), "");
    assert_eq!(value("foo"), "2a051a03666f6f");
    assert_eq!(value(r#""a\\b""#), "2a081a0622615c5c6222");
    assert_eq!(value("True"), "2a020801");
    assert_eq!(value("-1"), "2a021001");
    assert_eq!(value("-9223372036854775808"), "2a0b10ffffffffffffffffff01");
    assert_eq!(value("(+ 1 2)"), "2a16a201130a052a031a012b0a042a0210020a042a021004");
    let error = Atom::error(Atom::unit(), Atom::text("msg"));
    let result = codec.result_to_par(&error).unwrap();
    assert_eq!(hex(&result), "2a19a201160a092a071a056572726f720a072a051a036d73670a00");
    assert_same(&codec.result_from_par(&result).unwrap(), &error);
}

#[test]
fn older_values_are_read() {
    let read = |digits: &str| {
        let bytes: Vec<u8> = (0..digits.len())
            .step_by(2)
            .map(|i| u8::from_str_radix(&digits[i..i + 2], 16).unwrap())
            .collect();
        let par = par::decode(&bytes).unwrap();
        (Codec::default().value_from_par(&par).unwrap(), Codec::default().result_from_par(&par).unwrap())
    };
    let (value, _) = read("2a16aa01130a052a031a012b0a042a0210020a042a021004");
    assert_same(&value, &atom("(+ 1 2)"));
    let (value, result) = read("2a19aa01160a092a071a056572726f720a072a051a036d73670a00");
    assert_same(&value, &atom("(error msg ())"));
    assert_same(&result, &atom(r#"(Error () "msg")"#));
}

#[test]
fn legacy_keeps_what_a_program_can_write() {
    for text in [
        r#"(= (f $x $longer-name) (if (< $x 1) "a \"q\" \\ b" (match &self (, (p $x) (q $x)) $x)))"#,
        "(Error (foo 1) BadType)",
        "(error a b)",
        "(conjunction a b)",
        "(1.5 -2e30 123456789012345678901234567890 True ())",
        "(: f (-> Number Number))",
        "(a-b ! !x 'c % &other)",
    ] {
        assert_same(&round(&Codec::default(), &atom(text)), &atom(text));
    }
    let renamed = Atom::Variable(Variable::renamed("x", 7));
    assert_same(&round(&Codec::default(), &renamed), &renamed);
    // The node prints such a float like an integer; the value stays the same.
    assert_same(&round(&Codec::default(), &Atom::float(3.0)), &Atom::integer(3));
}

#[test]
fn strict_errors_and_conjunctions_have_tags() {
    let tag = |text: &str| {
        let par = Codec::default().strict().value_to_par(&atom(text)).unwrap();
        match par.as_expr() {
            Some(ExprKind::Tuple(tuple)) => tuple.ps[0].clone(),
            other => panic!("{text} is {other:?}"),
        }
    };
    assert_eq!(tag("(Error a b)"), Par::string("error"));
    assert_eq!(tag("(, a b)"), Par::string("conjunction"));
    let float = Codec::default().strict().value_to_par(&Atom::float(1.0)).unwrap();
    // Field 34 with eight bytes, little endian.
    assert_eq!(hex(&float), "2a0a9102000000000000f03f");
}

#[test]
fn strict_refuses_what_it_does_not_write() {
    let codec = Codec::default().strict();
    let tagged = |tag: &str, rest: Vec<Par>| Par::tuple([vec![Par::string(tag)], rest].concat());
    for par in [
        tagged("error", vec![Par::default()]),
        tagged("space", vec![Par::string("1")]),
        tagged("bindings", vec![Par::string("x"), Par::default()]),
        tagged("bindings", vec![Par::string("$x")]),
        tagged("unheard-of", vec![]),
        Par::tuple(vec![]),
    ] {
        assert!(matches!(codec.value_from_par(&par), Err(ReadError::Tag { .. })), "{par:?}");
    }
    for text in ["\"", "\"a", "\"a\"b\"", "\"\\\"", "\"\\n\""] {
        let error = ReadError::Text { text: text.to_owned() };
        assert_eq!(codec.value_from_par(&Par::string(text)), Err(error));
    }
    let two = Par { exprs: [Par::string("a").exprs, Par::string("b").exprs].concat(), ..Par::default() };
    let uri = Par::expr(ExprKind::Uri("rho:id".to_owned()));
    for par in [two, uri] {
        assert_eq!(codec.value_from_par(&par), Err(ReadError::NotAValue));
        assert_eq!(Codec::default().value_from_par(&par), Err(ReadError::NotAValue));
    }
}

#[derive(Debug)]
struct Host;

impl std::fmt::Display for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("host")
    }
}

impl Foreign for Host {
    fn type_atom(&self) -> Atom {
        Atom::symbol("Host")
    }

    fn equals(&self, other: &dyn Foreign) -> bool {
        other.as_any().is::<Host>()
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

#[test]
fn values_of_the_host_are_refused() {
    let host = Atom::expression([Atom::Grounded(Grounded::Foreign(Arc::new(Host)))]);
    let error = WriteError::Foreign { value: "host".to_owned() };
    assert_eq!(Codec::default().strict().value_to_par(&host), Err(error));
}

/// P1: what is written can be read.
#[test]
fn deep_atoms_are_an_error_and_less_deep_ones_are_read() {
    let nested = |depth: usize| (0..depth).fold(Atom::symbol("z"), |atom, _| Atom::expression([atom]));
    for codec in [Codec::default(), Codec::default().strict()] {
        let most = (DEFAULT_DEPTH - 5) / 3;
        let deep = nested(most);
        assert_same(&round(&codec, &deep), &deep);
        let error = Err(WriteError::TooDeep { limit: DEFAULT_DEPTH });
        assert_eq!(codec.value_to_par(&nested(most + 1)), error);
        assert_eq!(codec.value_to_par(&nested(1_000_000)), error);
    }
}

fn names() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,3}", "\\PC{0,4}", Just("Error".to_owned()), Just(",".to_owned()), "[\"$\\\\#]{1,3}"]
}

fn variables() -> impl Strategy<Value = Variable> {
    (names(), prop_oneof![Just(0), any::<u64>()])
        .prop_map(|(name, number)| Variable::renamed(Symbol::new(name), number))
}

fn atoms() -> impl Strategy<Value = Atom> {
    let leaf = prop_oneof![
        names().prop_map(Atom::symbol),
        names().prop_map(Atom::text),
        names().prop_map(Atom::operation),
        variables().prop_map(Atom::Variable),
        any::<i64>().prop_map(Atom::integer),
        any::<i128>().prop_map(|value| Atom::number(Number::from_big(value.into()))),
        any::<f64>().prop_map(Atom::float),
        any::<bool>().prop_map(Atom::bool),
        any::<u64>().prop_map(|id| Atom::space(SpaceId(id))),
        any::<u64>().prop_map(|id| Atom::state(StateId(id))),
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        prop_oneof![
            4 => proptest::collection::vec(inner.clone(), 0..6).prop_map(Atom::expression),
            1 => proptest::collection::vec((variables(), inner), 0..3)
                .prop_map(|pairs| Atom::Grounded(Grounded::Bindings(Arc::new(BindingSet(pairs))))),
        ]
    })
}

/// Compares leaf by leaf, floats by their bits.
fn identical(a: &Atom, b: &Atom) -> bool {
    let mut pending = vec![(a.clone(), b.clone())];
    while let Some((a, b)) = pending.pop() {
        let same = match (&a, &b) {
            (Atom::Expression(a), Atom::Expression(b)) => {
                pending.extend(a.children().iter().cloned().zip(b.children().iter().cloned()));
                a.children().len() == b.children().len()
            }
            (
                Atom::Grounded(Grounded::Number(Number::Float(a))),
                Atom::Grounded(Grounded::Number(Number::Float(b))),
            ) => a.to_bits() == b.to_bits(),
            (Atom::Grounded(Grounded::Number(a)), Atom::Grounded(Grounded::Number(b))) => {
                a.is_integer() == b.is_integer() && a == b
            }
            (Atom::Grounded(Grounded::Bindings(a)), Atom::Grounded(Grounded::Bindings(b))) => {
                pending.extend(a.0.iter().zip(&b.0).map(|(a, b)| (a.1.clone(), b.1.clone())));
                a.0.iter().map(|pair| &pair.0).eq(b.0.iter().map(|pair| &pair.0))
            }
            (a, b) => a == b,
        };
        if !same {
            return false;
        }
    }
    true
}

proptest! {
    #[test]
    fn strict_is_lossless(atom in atoms()) {
        let again = round(&Codec::default().strict(), &atom);
        prop_assert!(identical(&again, &atom), "{} became {}", atom, again);
    }

    #[test]
    fn legacy_writes_and_reads_without_panic(atom in atoms()) {
        let once = round(&Codec::default(), &atom);
        round(&Codec::default(), &once);
    }
}
