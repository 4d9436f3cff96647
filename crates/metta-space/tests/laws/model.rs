//! A space against a list of atoms.

use metta_atom::Atom;
use metta_space::Snapshot;

use crate::generator::{Random, atom};

/// What a space is: distinct atoms with their counts, in insertion order.
#[derive(Clone, Default)]
pub(crate) struct Model(Vec<(Atom, String, u64)>);

impl Model {
    /// The text tells `1` from `1.0`, which equality of atoms does not.
    fn position(&self, atom: &Atom) -> Option<usize> {
        self.0.iter().position(|(known, text, _)| known == atom && *text == atom.to_string())
    }

    pub(crate) fn add(&mut self, atom: &Atom) {
        match self.position(atom) {
            Some(at) => self.0[at].2 += 1,
            None => self.0.push((atom.clone(), atom.to_string(), 1)),
        }
    }

    pub(crate) fn remove(&mut self, atom: &Atom) -> bool {
        let Some(at) = self.position(atom) else { return false };
        self.0[at].2 -= 1;
        if self.0[at].2 == 0 {
            self.0.remove(at);
        }
        true
    }

    pub(crate) fn check(&self, snapshot: &Snapshot, seed: u64) {
        let found: Vec<(String, u64)> = snapshot
            .iter()
            .map(|fact| (snapshot.decode(fact.bytes, fact.variables()).to_string(), fact.count))
            .collect();
        let expected: Vec<(String, u64)> =
            self.0.iter().map(|(_, text, count)| (text.clone(), *count)).collect();
        assert_eq!(found, expected, "seed {seed}");
        assert_eq!(snapshot.distinct(), expected.len() as u64, "seed {seed}");
        assert_eq!(snapshot.len(), expected.iter().map(|(_, count)| count).sum::<u64>(), "seed {seed}");
        assert_eq!(snapshot.is_empty(), expected.is_empty(), "seed {seed}");
        let sequences: Vec<u64> = snapshot.iter().map(|fact| fact.sequence).collect();
        assert!(sequences.is_sorted_by(|a, b| a < b), "seed {seed}");
    }
}

/// F1, F3: additions and removals in random order, with clones that must not move.
#[test]
fn a_space_is_a_multiset_in_insertion_order() {
    for seed in 0..400 {
        let random = &mut Random::new(seed);
        let atoms: Vec<Atom> = (0..12).map(|_| atom(random, 2, true)).collect();
        let (mut snapshot, mut model) = (Snapshot::new(), Model::default());
        let mut kept = Vec::new();
        for _ in 0..80 {
            let atom = random.pick(&atoms);
            let before = snapshot.version();
            if random.below(5) < 3 {
                snapshot.add(&atom);
                model.add(&atom);
                assert_ne!(snapshot.version(), before, "seed {seed}");
            } else {
                let removed = snapshot.remove(&atom);
                assert_eq!(removed, model.remove(&atom), "seed {seed}: {atom}");
                assert_eq!(snapshot.version() != before, removed, "seed {seed}");
            }
            if random.below(8) == 0 {
                kept.push((snapshot.clone(), model.clone(), snapshot.version()));
            }
        }
        model.check(&snapshot, seed);
        for (snapshot, model, version) in kept {
            model.check(&snapshot, seed);
            assert_eq!(snapshot.version(), version, "seed {seed}");
        }
        while let Some((atom, ..)) = model.0.first().cloned() {
            assert!(snapshot.remove(&atom) && model.remove(&atom), "seed {seed}: {atom}");
        }
        model.check(&snapshot, seed);
        assert_eq!(
            snapshot.candidates(&snapshot.encode_pattern(&Atom::variable("x")).bytes),
            [],
            "seed {seed}"
        );
    }
}

#[test]
fn counts_beyond_sixteen_bits_are_kept() {
    let mut snapshot = Snapshot::new();
    let (atom, other) = (Atom::symbol("a"), Atom::symbol("b"));
    snapshot.add(&other);
    let copies = (1 << 16) + 5;
    for _ in 0..copies {
        snapshot.add(&atom);
    }
    let counts = |snapshot: &Snapshot| snapshot.iter().map(|fact| fact.count).collect::<Vec<_>>();
    assert_eq!(counts(&snapshot), [1, copies]);
    let full = snapshot.clone();
    for left in (0..copies).rev() {
        assert!(snapshot.remove(&atom));
        assert_eq!(snapshot.len(), left + 1);
    }
    assert!(!snapshot.remove(&atom));
    assert_eq!(counts(&snapshot), [1]);
    assert_eq!(counts(&full), [1, copies]);
    snapshot.add(&atom);
    assert_eq!(counts(&snapshot), [1, 1]);
}

#[test]
fn spellings_of_an_atom_are_facts_of_their_own() {
    let mut snapshot = Snapshot::new();
    let spelled = |name: &str| Atom::expression([Atom::symbol("p"), Atom::variable(name)]);
    for name in ["x", "y", "x", "z"] {
        snapshot.add(&spelled(name));
    }
    assert!(snapshot.remove(&spelled("y")));
    assert!(!snapshot.remove(&spelled("y")));
    assert!(!snapshot.remove(&spelled("w")));
    let facts: Vec<(String, u64)> =
        snapshot.iter().map(|fact| (fact.variables()[0].to_string(), fact.count)).collect();
    assert_eq!(facts, [("$x".to_owned(), 2), ("$z".to_owned(), 1)]);
}

/// V1.
#[test]
fn versions_tell_histories_apart() {
    let mut first = Snapshot::new();
    let empty = first.version();
    first.add(&Atom::symbol("a"));
    let mut fork = first.clone();
    assert_eq!(first.version(), fork.version());
    first.add(&Atom::symbol("b"));
    fork.add(&Atom::symbol("c"));
    assert_ne!(first.version(), fork.version());
    assert!(first.remove(&Atom::symbol("b")));
    assert!(!first.remove(&Atom::symbol("b")));
    let mut same = Snapshot::new();
    same.add(&Atom::symbol("a"));
    assert_ne!(first.version(), same.version());
    assert_ne!(first.version(), empty);
    let (mut x, mut y) = (same.clone(), same.clone());
    x.add(&Atom::variable("x"));
    y.add(&Atom::variable("y"));
    assert_ne!(x.version(), y.version());
}
