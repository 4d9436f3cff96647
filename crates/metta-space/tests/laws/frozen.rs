//! Spaces so large that their facts are frozen, merged and indexed.

use metta_atom::Atom;
use metta_space::Snapshot;

use crate::generator::{Random, atom};
use crate::matching::{check_candidates, filled};
use crate::model::Model;

/// F1, F2, F3, R1, R2, H1: as small spaces, whatever moves between head, runs and changes.
#[test]
fn a_large_space_is_a_multiset_in_insertion_order() {
    for seed in 0..12 {
        let random = &mut Random::new(seed);
        let atoms: Vec<Atom> = (0..400).map(|_| atom(random, 3, true)).collect();
        let (mut snapshot, mut model) = (Snapshot::new(), Model::default());
        let mut kept = Vec::new();
        for step in 0..2500 {
            let atom = random.pick(&atoms);
            // Grows, shrinks, and grows again.
            if random.below(10) < [8, 3, 7, 2, 6][step / 500] {
                snapshot.add(&atom);
                model.add(&atom);
            } else {
                assert_eq!(snapshot.remove(&atom), model.remove(&atom), "seed {seed}: {atom}");
            }
            match random.below(150) {
                0 => snapshot.settle(),
                1 => snapshot.freeze(),
                2 => kept.push((snapshot.clone(), model.clone())),
                3..=5 => model.check(&snapshot, seed),
                _ => {}
            }
        }
        model.check(&snapshot, seed);
        snapshot.settle();
        model.check(&snapshot, seed);
        kept.iter().for_each(|(snapshot, model)| model.check(snapshot, seed));
        for atom in &atoms {
            while model.remove(atom) {
                assert!(snapshot.remove(atom), "seed {seed}: {atom}");
            }
        }
        model.check(&snapshot, seed);
    }
}

/// A fact of one of few relations, whose elements are few.
fn fact(random: &mut Random, open: bool) -> Atom {
    let head = Atom::symbol(random.pick(&["p", "p", "p", "q"]));
    let mut element = || match random.below(8) {
        0 => atom(random, 1, open),
        1..=3 => Atom::integer(random.below(12) as i64),
        _ => Atom::symbol(format!("n{}", random.below(12))),
    };
    let elements = [head, element(), element(), element()];
    let arity = [2, 3, 4, 4, 4, 4][random.below(6)];
    Atom::expression(elements[..arity].to_vec())
}

/// A fact with variables in place of some elements.
fn opened(random: &mut Random, fact: &Atom) -> Atom {
    let open = |element: &Atom| match random.below(2) {
        0 => Atom::variable(random.pick(&["x", "y", "z"])),
        _ => element.clone(),
    };
    Atom::expression(fact.children().unwrap_or_default().iter().map(open).collect::<Vec<_>>())
}

/// W1, W2, I1: with what is known in any place.
#[test]
fn candidates_of_large_spaces_are_complete() {
    let (mut found, mut pairs) = (0, 0);
    for seed in 0..16 {
        let random = &mut Random::new(seed);
        let open = seed % 3 == 0;
        let atoms: Vec<Atom> = (0..900).map(|_| fact(random, open)).collect();
        let mut snapshot = filled(&atoms);
        if seed % 2 == 0 {
            snapshot.settle();
            // Some are removed from the run, some added behind it.
            for atom in atoms.iter().take(40) {
                assert!(snapshot.remove(atom), "seed {seed}: {atom}");
            }
            atoms.iter().take(20).for_each(|atom| snapshot.add(atom));
        }
        for _ in 0..25 {
            let chosen = random.pick(&atoms);
            let pattern = opened(random, &chosen);
            // An index is there from the second time on.
            for _ in 0..2 {
                found += check_candidates(&snapshot, &pattern, &format!("seed {seed}"));
                pairs += snapshot.distinct() as usize;
            }
        }
    }
    assert!(found > 10_000 && found * 4 < pairs, "{found} of {pairs} is too easy");
}

#[test]
fn long_common_beginnings_are_sorted() {
    let long = "b".repeat(300);
    let named = |n: usize| {
        Atom::expression([Atom::symbol(&*long), Atom::symbol(format!("{long}{}", n * 7919 % 1000))])
    };
    let mut snapshot = filled(&(0..1000).map(named).collect::<Vec<_>>());
    snapshot.settle();
    for n in 0..1000 {
        let pattern = snapshot.encode_pattern(&named(n)).bytes;
        let found = snapshot.candidates(&pattern);
        assert_eq!(found.len(), 1);
        assert_eq!((snapshot.fact(&found[0]).bytes, found[0].sequence), (&pattern[..], n as u64 + 1));
    }
}

#[test]
fn ten_thousand_facts_take_less_than_300_kb() {
    let edge = |n: usize| {
        let node = |n: usize| Atom::symbol(format!("n{}", n % 10_000));
        Atom::expression([Atom::symbol("edge"), node(n), node(n * 7919)])
    };
    let mut snapshot = filled(&(0..10_000).map(edge).collect::<Vec<_>>());
    snapshot.settle();
    assert_eq!(snapshot.distinct(), 10_000);
    assert!(snapshot.size_bytes() < 300_000, "{} bytes", snapshot.size_bytes());
}

#[test]
fn indexes_are_dropped_and_built_again() {
    let space = metta_space::Space::new();
    let edge =
        |from: i64, to: i64| Atom::expression([Atom::symbol("edge"), Atom::integer(from), Atom::integer(to)]);
    space.transact(|snapshot| (0..3_000).for_each(|n| snapshot.add(&edge(n, n % 30))));
    let into = |to: i64| Atom::expression([Atom::symbol("edge"), Atom::variable("x"), Atom::integer(to)]);
    let asked = |snapshot: &Snapshot| [3, 4, 5].map(|to| snapshot.query(&into(to)));
    let held = space.snapshot();
    let answers = asked(&held);
    let taken = held.index_bytes();
    assert!(taken > 0 && answers.iter().all(|answers| answers.len() == 100));
    space.drop_indexes();
    let fresh = space.snapshot();
    assert_eq!((fresh.index_bytes(), held.index_bytes()), (0, taken), "others keep theirs");
    assert_eq!(fresh.version(), held.version());
    assert_eq!((asked(&fresh), asked(&held)), (answers.clone(), answers));
    assert_eq!(fresh.index_bytes(), taken);
    let changes = fresh.changes_since(&held);
    assert!(changes.added.is_empty() && changes.removed.is_empty());
}
