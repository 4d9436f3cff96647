//! The index of equations and types.

use std::collections::BTreeMap;

use metta_atom::Atom;
use metta_space::{Declaration, Key, Relation, Snapshot};

use crate::generator::{Random, atom};

const HEADS: [(&str, Relation); 3] =
    [("=", Relation::Equation), (":", Relation::HasType), (":<", Relation::SubType)];

fn declare(head: &str, left: Atom, right: Atom) -> Atom {
    Atom::expression([Atom::symbol(head), left, right])
}

fn texts(snapshot: &Snapshot, relation: Relation, key: Key<'_>) -> Vec<String> {
    let list = snapshot.declarations(relation, key).unwrap_or_default();
    assert!(list.iter().is_sorted_by(|a, b| a.sequence < b.sequence));
    list.iter()
        .map(|known| {
            let Declaration { left, right, .. } = &**known;
            format!("{left} {right}")
        })
        .collect()
}

/// The name under which a left side is looked up.
fn key(left: &Atom) -> (u8, String) {
    let head = left.children().and_then(|children| children.first());
    match (left.as_symbol(), head.and_then(Atom::as_symbol)) {
        (Some(name), _) => (1, name.to_owned()),
        (None, Some(name)) => (0, name.to_owned()),
        (None, None) => (2, String::new()),
    }
}

/// Additions and removals in random order, against lists.
#[test]
fn declarations_are_listed_in_definition_order() {
    let mut listed = 0;
    for seed in 0..500 {
        let random = &mut Random::new(seed);
        let pool: Vec<(Relation, Atom)> = (0..10)
            .map(|_| {
                let (head, relation) = random.pick(&HEADS);
                (relation, declare(head, atom(random, 1, true), atom(random, 1, true)))
            })
            .collect();
        let mut snapshot = Snapshot::new();
        let mut model: BTreeMap<(usize, u8, String), Vec<String>> = BTreeMap::new();
        for _ in 0..60 {
            let (relation, atom) = random.pick(&pool);
            let [_, left, right] = atom.children().unwrap() else { unreachable!() };
            let (kind, name) = key(left);
            let list = model.entry((relation as usize, kind, name)).or_default();
            let text = format!("{left} {right}");
            match random.below(5) {
                0..=1 => {
                    snapshot.add(&atom);
                    list.push(text);
                }
                2 => {
                    let encoded = snapshot.encode(&atom);
                    snapshot.add_encoded(&encoded.bytes, &encoded.variables);
                    list.push(text);
                }
                _ => {
                    let last = list.iter().rposition(|known| *known == text);
                    assert_eq!(snapshot.remove(&atom), last.is_some(), "seed {seed}: {atom}");
                    last.map(|at| list.remove(at));
                }
            }
        }
        for ((relation, kind, name), expected) in &model {
            let relation = HEADS[*relation].1;
            let key = [Key::Call(name), Key::Symbol(name), Key::Open][usize::from(*kind)];
            assert_eq!(texts(&snapshot, relation, key), *expected, "seed {seed}: {relation:?} {key:?}");
            assert_eq!(snapshot.declarations(relation, key).is_none(), expected.is_empty(), "seed {seed}");
            listed += expected.len();
        }
    }
    assert!(listed > 1000, "only {listed}");
}

#[test]
fn only_expressions_of_three_elements_are_declarations() {
    let mut snapshot = Snapshot::new();
    let f = Atom::symbol("f");
    snapshot.add(&Atom::expression([Atom::symbol("="), f.clone()]));
    snapshot.add(&Atom::expression([Atom::symbol("="), f.clone(), f.clone(), f.clone()]));
    snapshot.add(&Atom::expression([Atom::operation("="), f.clone(), f.clone()]));
    assert!(snapshot.declarations(Relation::Equation, Key::Symbol("f")).is_none());
    snapshot.add(&declare("=", f.clone(), f));
    assert_eq!(texts(&snapshot, Relation::Equation, Key::Symbol("f")), ["f f"]);
}

#[test]
fn a_held_list_does_not_change() {
    let mut snapshot = Snapshot::new();
    let rule = |n| declare("=", Atom::expression([Atom::symbol("f")]), Atom::integer(n));
    snapshot.add(&rule(1));
    let list = snapshot.declarations(Relation::Equation, Key::Call("f")).unwrap();
    snapshot.add(&rule(2));
    assert_eq!(list.len(), 1);
    assert_eq!(texts(&snapshot, Relation::Equation, Key::Call("f")), ["(f) 1", "(f) 2"]);
}

/// Lists of snapshots that were written to in different ways, against what they say about each other.
#[test]
fn a_list_extends_what_it_was_made_from_by_additions() {
    let rule = |n| declare("=", Atom::expression([Atom::symbol("f")]), Atom::integer(n));
    let list = |of: &Snapshot| of.declarations(Relation::Equation, Key::Call("f")).unwrap();
    let mut seen = [0; 2];
    for seed in 0..200 {
        let random = &mut Random::new(seed);
        let mut snapshots = vec![Snapshot::new()];
        snapshots[0].add(&rule(0));
        for step in 1..12 {
            let mut next = random.pick(&snapshots);
            if random.below(3) == 0 && next.len() > 1 {
                let place = random.below(next.len() as usize);
                let victim = list(&next).get(place).unwrap().right.clone();
                let call = Atom::expression([Atom::symbol("f")]);
                assert!(next.remove(&declare("=", call, victim)));
            } else {
                next.add(&rule(step));
            }
            snapshots.push(next);
        }
        for (older, newer) in snapshots.iter().flat_map(|a| snapshots.iter().map(move |b| (a, b))) {
            let (older, newer) = (list(older), list(newer));
            let begins = newer.len() >= older.len()
                && newer
                    .iter()
                    .zip(older.iter())
                    .all(|(a, b)| a.sequence == b.sequence && a.right == b.right);
            let extends = newer.extends(&older);
            assert!(begins || !extends, "seed {seed}: {older:?} {newer:?}");
            seen[usize::from(extends)] += 1;
        }
    }
    assert!(seen.iter().all(|count| *count > 1000), "{seen:?}");
    let mut snapshot = Snapshot::new();
    snapshot.add(&rule(1));
    let older = list(&snapshot);
    snapshot.add(&rule(2));
    assert!(list(&snapshot).extends(&older) && older.extends(&older));
}

#[test]
fn equal_numbers_of_different_kinds_are_different_declarations() {
    let mut snapshot = Snapshot::new();
    let rules: Vec<Atom> = [Atom::integer(1), Atom::float(1.0)]
        .into_iter()
        .map(|value| declare("=", Atom::symbol("one"), value))
        .collect();
    for rule in [&rules[0], &rules[0], &rules[1]] {
        snapshot.add(rule);
    }
    assert!(snapshot.remove(&rules[0]));
    assert_eq!(texts(&snapshot, Relation::Equation, Key::Symbol("one")), ["one 1", "one 1.0"]);
}
