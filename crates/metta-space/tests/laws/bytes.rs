use metta_atom::{Atom, Number, Variable};
use metta_space::bytes::{Item, Reader, Writer, validate};
use metta_space::{DecodeError, Encoded, Snapshot};

use crate::generator::{Random, atom, big};

fn encode(atom: &Atom) -> Encoded {
    Snapshot::new().encode(atom)
}

/// Equality that also tells `1` from `1.0` and `0.0` from `-0.0`.
fn identical(left: &Atom, right: &Atom) -> bool {
    left == right && left.to_string() == right.to_string()
}

#[test]
fn decoding_gives_back_what_was_encoded() {
    for seed in 0..20_000 {
        let atom = atom(&mut Random::new(seed), 4, true);
        let mut snapshot = Snapshot::new();
        let Encoded { bytes, variables } = snapshot.encode(&atom);
        let back = snapshot.decode(&bytes, &variables);
        assert!(identical(&atom, &back), "seed {seed}: {atom} became {back}");
        assert_eq!(validate(&bytes), Ok(()), "seed {seed}: {atom}");
        assert_eq!(snapshot.encode_pattern(&atom).bytes, bytes, "seed {seed}: {atom}");
    }
}

#[test]
fn different_atoms_have_different_bytes() {
    // B1, B2: equal bytes mean the same atom, and no encoding begins another one.
    for seed in 0..20_000 {
        let random = &mut Random::new(seed);
        let (left, right) = (atom(random, 2, true), atom(random, 2, true));
        let mut snapshot = Snapshot::new();
        let (l, r) = (snapshot.encode(&left), snapshot.encode(&right));
        assert_eq!(l == r, identical(&left, &right), "seed {seed}: {left} and {right}");
        assert_eq!(l.bytes.starts_with(&r.bytes), l.bytes == r.bytes, "seed {seed}: {left} and {right}");
    }
}

#[test]
fn mork_writes_the_same_bytes() {
    let rule = Atom::expression([
        Atom::symbol("="),
        Atom::expression([Atom::symbol("f"), Atom::variable("x"), Atom::variable("y")]),
        Atom::variable("x"),
    ]);
    assert_eq!(encode(&rule).bytes, b"\x03\xC1=\x03\xC1f\xC0\xC0\x80");
    let widest = Atom::expression(vec![Atom::symbol("s".repeat(63)); 63]);
    assert_eq!(encode(&widest).bytes[..2], [0x3F, 0xFF]);
}

#[test]
fn long_items_have_their_own_tags() {
    let word = |n: u64| n.to_be_bytes();
    let wide = encode(&Atom::expression(vec![Atom::unit(); 64])).bytes;
    assert_eq!(wide[..9], [&[0x40][..], &word(64)].concat());
    let long = encode(&Atom::symbol("s".repeat(64))).bytes;
    assert_eq!(long[..9], [&[0x41][..], &word(64)].concat());
    let all: Vec<Atom> = (0..65).map(|i| Atom::variable(format!("v{i}"))).collect();
    let twice = encode(&Atom::expression([all.clone(), all].concat()));
    assert!(twice.bytes.ends_with(&[&[0xBF, 0x43][..], &word(64)].concat()));
    assert_eq!(twice.variables.len(), 65);
    let items: Vec<Item<'_>> = Reader::new(&twice.bytes).collect();
    assert_eq!((&items[0], &items[130]), (&Item::Arity(130), &Item::VarRef(64)));
}

#[test]
fn numbers_are_ordered_as_bytes() {
    let ints = [i64::MIN, -(1 << 40), -256, -1, 0, 1, 255, 256, 1 << 40, i64::MAX];
    assert!(ints.map(|i| encode(&Atom::integer(i)).bytes).is_sorted());
    let floats = [f64::NEG_INFINITY, -1e300, -1.5, -0.0, 0.0, 1e-300, 1.5, 1e300, f64::INFINITY];
    assert!(floats.map(|f| encode(&Atom::float(f)).bytes).is_sorted());
}

#[test]
fn all_nan_are_one_and_zeros_are_two() {
    let other_nan = f64::from_bits(f64::NAN.to_bits() ^ 1 | 1 << 63);
    assert!(other_nan.is_nan());
    assert_eq!(encode(&Atom::float(other_nan)), encode(&Atom::float(f64::NAN)));
    assert_ne!(encode(&Atom::float(0.0)), encode(&Atom::float(-0.0)));
    assert_ne!(encode(&Atom::float(1.0)), encode(&Atom::integer(1)));
}

#[test]
fn reader_and_writer_agree_on_every_item() {
    let mut writer = Writer::new();
    writer.arity(13);
    writer.new_var();
    writer.var_ref(0);
    writer.symbol("s");
    writer.symbol("");
    writer.operation("+");
    writer.int(-7);
    let Atom::Grounded(metta_atom::Grounded::Number(number)) = big("-18446744073709551616") else {
        unreachable!()
    };
    writer.number(&number);
    writer.float(0.5);
    writer.text("s");
    writer.bool(true);
    writer.space(metta_atom::SpaceId(3));
    writer.state(metta_atom::StateId(4));
    writer.handle(5);
    let mut reader = Reader::new(writer.bytes());
    let items: Vec<Item<'_>> = reader.by_ref().collect();
    let Number::Big(value) = number else { unreachable!() };
    let expected = [
        Item::Arity(13),
        Item::NewVar,
        Item::VarRef(0),
        Item::Symbol("s"),
        Item::Symbol(""),
        Item::Operation("+"),
        Item::Int(-7),
        Item::Big((*value).clone()),
        Item::Float(0.5),
        Item::Text("s"),
        Item::Bool(true),
        Item::Space(metta_atom::SpaceId(3)),
        Item::State(metta_atom::StateId(4)),
        Item::Handle(5),
    ];
    assert_eq!(items, expected);
    assert_eq!(reader.position(), writer.bytes().len());
    assert_eq!(validate(writer.bytes()), Ok(()));
}

#[test]
fn a_term_can_be_passed_over() {
    let atom = Atom::expression([
        Atom::expression([Atom::symbol("f"), Atom::expression([Atom::variable("x"), Atom::integer(1)])]),
        Atom::symbol("last"),
    ]);
    let bytes = encode(&atom).bytes;
    let mut reader = Reader::new(&bytes);
    assert_eq!(reader.next(), Some(Item::Arity(2)));
    reader.skip_term();
    assert_eq!(reader.next(), Some(Item::Symbol("last")));
}

#[test]
fn wrong_bytes_are_refused() {
    let long = |tag: u8, n: u64, rest: &[u8]| [&[tag][..], &n.to_be_bytes(), rest].concat();
    let cases: Vec<(Vec<u8>, DecodeError)> = vec![
        (vec![], DecodeError::Truncated { at: 0 }),
        (vec![2, 0xC1, b'a'], DecodeError::Truncated { at: 3 }),
        (vec![0xC2, b'a'], DecodeError::Truncated { at: 0 }),
        (vec![0x42], DecodeError::Reserved { at: 0 }),
        (vec![0x7F], DecodeError::Reserved { at: 0 }),
        (vec![0x80], DecodeError::UnknownVariable { at: 0 }),
        (vec![2, 0xC0, 0x81], DecodeError::UnknownVariable { at: 2 }),
        (vec![0, 0], DecodeError::Trailing { at: 1 }),
        (vec![0xC1, 0xC0], DecodeError::NotCanonical { at: 0 }),
        (vec![0xC2, b'a', 0xFF], DecodeError::NotCanonical { at: 0 }),
        (vec![0xC2, 0xFB, 2], DecodeError::NotCanonical { at: 0 }),
        (vec![0xC2, 0xFF, 0], DecodeError::NotCanonical { at: 0 }),
        (vec![0xC3, 0xFE, 1, 5], DecodeError::NotCanonical { at: 0 }),
        (long(0x40, 0, &[]), DecodeError::NotCanonical { at: 0 }),
        (long(0x41, 1, b"a"), DecodeError::NotCanonical { at: 0 }),
        (long(0x41, u64::MAX, b"a"), DecodeError::Truncated { at: 0 }),
        (long(0x40, u64::MAX, &[0; 100]), DecodeError::Truncated { at: 0 }),
    ];
    for (bytes, error) in cases {
        assert_eq!(validate(&bytes), Err(error), "{bytes:?}");
    }
    let mut nan = vec![0xC9, 0xF9];
    nan.extend((f64::NAN.to_bits() ^ 1 ^ 1 << 63).to_be_bytes());
    assert_eq!(validate(&nan), Err(DecodeError::NotCanonical { at: 0 }));
}

#[test]
fn hostile_bytes_never_panic_and_valid_ones_are_canonical() {
    let mut valid = 0;
    for seed in 0..60_000 {
        let random = &mut Random::new(seed);
        let mut bytes = encode(&atom(random, 3, true)).bytes;
        for _ in 0..=random.below(3) {
            let at = random.below(bytes.len());
            match random.below(3) {
                0 => bytes[at] = random.below(256) as u8,
                1 => bytes.insert(at, random.below(256) as u8),
                _ if bytes.len() > 1 => bytes.truncate(at.max(1)),
                _ => {}
            }
        }
        let items: Vec<Item<'_>> = Reader::new(&bytes).collect();
        assert!(items.len() <= bytes.len());
        let names: Vec<Variable> = (0..items.len() as u64).map(|i| Variable::renamed("v", i + 1)).collect();
        let mut snapshot = Snapshot::new();
        let atom = snapshot.decode(&bytes, &names);
        if validate(&bytes).is_ok() && !items.iter().any(|item| matches!(item, Item::Handle(_))) {
            valid += 1;
            assert_eq!(snapshot.encode(&atom).bytes, bytes, "seed {seed}: {atom}");
        }
    }
    assert!(valid > 5_000, "only {valid} cases were valid");
}
