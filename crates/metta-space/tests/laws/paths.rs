//! Files of paths, as MORK has them.

use std::io::Read;

use flate2::read::ZlibDecoder;
use metta_atom::Atom;
use metta_space::{PathsError, Snapshot};

use crate::generator::Random;
use crate::matching::filled;

fn symbols(random: &mut Random, depth: usize) -> Atom {
    match random.below(if depth == 0 { 6 } else { 9 }) {
        n @ 0..=3 => Atom::symbol(random.pick(&["a", "b", "edge", "é"]).repeat(1 + n % 2).as_str()),
        4 => Atom::variable("a"),
        5 => Atom::variable("b"),
        _ => {
            let n = random.below(4);
            Atom::expression((0..n).map(|_| symbols(random, depth - 1)).collect::<Vec<_>>())
        }
    }
}

fn as_it_is(name: &str) -> Atom {
    Atom::symbol(name)
}

fn written(space: &Snapshot) -> Vec<u8> {
    let mut bytes = Vec::new();
    let n = space.write_paths(&mut bytes).expect("plain atoms");
    assert!(n <= space.distinct());
    bytes
}

#[test]
fn plain_atoms_come_back_from_paths() {
    for seed in 0..60 {
        let random = &mut Random::new(seed);
        let space = filled(&(0..100).map(|_| symbols(random, 3)).collect::<Vec<_>>());
        let bytes = written(&space);
        let mut back = Snapshot::new();
        let n = back.read_paths(&bytes[..], as_it_is).expect("paths");
        let encodings = |space: &Snapshot| {
            let mut all: Vec<Vec<u8>> = space.iter().map(|fact| fact.bytes.to_vec()).collect();
            all.sort();
            all.dedup();
            all
        };
        assert_eq!(encodings(&back), encodings(&space), "seed {seed}");
        assert_eq!((n, back.len()), (back.distinct(), back.distinct()));
        assert_eq!(written(&back), bytes, "seed {seed}");
        // Cut off anywhere, it is refused.
        for length in 0..bytes.len() {
            assert!(Snapshot::new().read_paths(&bytes[..length], as_it_is).is_err(), "{length}");
        }
    }
}

/// `(= (f $x) $x)` and `42` are what MORK has in their place.
#[test]
fn the_stream_is_lengths_and_paths() {
    let x = Atom::variable("x");
    let call = Atom::expression([Atom::symbol("f"), x.clone()]);
    let space =
        filled(&[Atom::expression([Atom::symbol("="), call, x]), Atom::integer(42), Atom::text("a b")]);
    let mut stream = Vec::new();
    ZlibDecoder::new(&written(&space)[..]).read_to_end(&mut stream).expect("a zlib stream");
    let paths: [&[u8]; 3] = [b"\x03\xC1=\x02\xC1f\xC0\x80", b"\xC242", b"\xC5\"a b\""];
    let expected: Vec<u8> =
        paths.iter().flat_map(|path| [&(path.len() as u32).to_le_bytes()[..], path].concat()).collect();
    assert_eq!(stream, expected);
    let word = |text: &str| text.parse().map_or_else(|_| Atom::symbol(text), Atom::integer);
    let mut back = Snapshot::new();
    assert_eq!(back.read_paths(&written(&space)[..], word).expect("paths"), 3);
    assert_eq!(back.query(&Atom::integer(42)).len(), 1, "a number");
}

#[test]
fn what_mork_cannot_have_is_refused() {
    let long = "s".repeat(64);
    let many = Atom::expression(vec![Atom::symbol("a"); 64]);
    for atom in [Atom::symbol(long.as_str()), many, Atom::symbol(""), Atom::space(metta_atom::SpaceId(1))] {
        let error = filled(&[atom]).write_paths(Vec::new()).expect_err("it is beyond MORK");
        assert!(matches!(error, PathsError::Beyond { path: 0, .. }), "{error}");
    }
    assert!(Snapshot::new().read_paths(&b"no zlib stream"[..], as_it_is).is_err());
}
