//! Atoms to text, to bytes, into spaces, and back; arbitrary bytes as atoms.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mettatron::space::Snapshot;
use mettatron::space::bytes::{Item, Reader, validate};
use mettatron::syntax::{parse, parse_bytes};
use mettatron::{Atom, Library};

fuzz_target!(|bytes: &[u8]| {
    encoded(bytes);
    let atoms: Vec<Atom> =
        parse_bytes(bytes, &Library::new()).forms.into_iter().map(|form| form.atom).collect();
    stored(&atoms);
    damaged(bytes, &atoms);
    printed(Atom::expression(atoms));
});

/// Bytes that are accepted have one meaning, which has these bytes.
fn encoded(bytes: &[u8]) {
    // Whatever the bytes, reading them ends.
    assert!(Reader::new(bytes).count() <= bytes.len());
    if validate(bytes).is_err() {
        return;
    }
    let mut reader = Reader::new(bytes);
    reader.skip_term();
    assert_eq!(reader.position(), bytes.len());
    let mut space = Snapshot::new();
    let atom = space.decode(bytes, &[]);
    // A handle belongs to the space that gave it out.
    if !Reader::new(bytes).any(|item| matches!(item, Item::Handle(_))) {
        assert_eq!(space.encode(&atom).bytes, bytes, "{atom}");
    }
}

/// Every atom has valid bytes that give it back, and is found in the space that it was added to.
fn stored(atoms: &[Atom]) {
    let mut space = Snapshot::new();
    for atom in atoms {
        let encoded = space.encode(atom);
        assert_eq!(validate(&encoded.bytes), Ok(()), "{atom}");
        assert_same(&space.decode(&encoded.bytes, &encoded.variables), atom);
        space.add(atom);
    }
    let full = space.clone();
    assert_eq!(full.len(), atoms.len() as u64);
    for atom in atoms {
        let pattern = full.encode_pattern(atom);
        let mut candidates = full.candidates(&pattern.bytes).into_iter();
        assert!(candidates.any(|found| full.fact(&found).bytes == pattern.bytes), "{atom}");
        assert!(space.remove(atom), "{atom}");
    }
    assert!(space.is_empty());
    assert_eq!(full.len(), atoms.len() as u64);
}

/// Bytes with one of them changed are another atom, or none; the input says which byte.
fn damaged(bytes: &[u8], atoms: &[Atom]) {
    let mut space = Snapshot::new();
    for (atom, change) in atoms.iter().zip(bytes.windows(2)) {
        let mut encoding = space.encode(atom).bytes;
        let at = usize::from(change[0]) % encoding.len();
        encoding[at] ^= change[1];
        encoded(&encoding);
        encoding.truncate(at);
        encoded(&encoding);
    }
}

/// What is printed reads back as an atom that prints the same; as the same atom, unless it
/// holds values without a literal: spaces, infinite floats and NaN.
fn printed(atom: Atom) {
    let text = atom.to_string();
    let again = parse(&text, &Library::new());
    assert!(again.diagnostics.is_empty(), "{text}: {:?}", again.diagnostics);
    let [form] = &again.forms[..] else { panic!("{} forms in {text}", again.forms.len()) };
    assert_eq!(form.atom.to_string(), text);
    if !["GroundingSpace", "inf", "NaN"].iter().any(|word| text.contains(word)) {
        assert_eq!(form.atom, atom);
    }
}

/// Equal, and equal as text: `1` and `1.0` are equal numbers.
fn assert_same(found: &Atom, expected: &Atom) {
    assert_eq!(found, expected);
    assert_eq!(found.to_string(), expected.to_string());
}
