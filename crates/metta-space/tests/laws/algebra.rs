//! Spaces compared and combined, against lists.

use std::fs;

use metta_atom::{Atom, SpaceId};
use metta_space::{Fact, Key, Relation, Snapshot};

use crate::generator::{Random, atom};
use crate::matching::filled;

type Content = Vec<(String, u64)>;

/// A fact and its copies. Atoms may differ and have the same text; the numbers of handles may differ.
fn known(space: &Snapshot, fact: &Fact<'_>) -> (String, u64) {
    let mut bytes = fact.bytes.to_vec();
    for at in 0..bytes.len() {
        if bytes[at..].starts_with(&[0xC9, 0xFC]) {
            bytes[at + 2..at + 10].fill(0);
        }
    }
    (format!("{} {bytes:02x?}", space.decode(fact.bytes, fact.variables())), fact.count)
}

/// What a space is, in order.
fn content(space: &Snapshot) -> Content {
    space.iter().map(|fact| known(space, &fact)).collect()
}

fn of(content: &Content, atom: &str) -> u64 {
    content.iter().find(|(known, _)| known == atom).map_or(0, |(_, count)| *count)
}

/// A list with other counts, without what has none.
fn counted(content: &Content, count: impl Fn(&str, u64) -> u64) -> Content {
    let counted = content.iter().map(|(atom, there)| (atom.clone(), count(atom, *there)));
    counted.filter(|(_, count)| *count > 0).collect()
}

/// Atoms of which many are in both of two spaces; rules, copies and names of variables among them.
fn atoms(random: &mut Random, size: usize) -> Vec<Atom> {
    let one = |random: &mut Random| match random.below(4) {
        0 => {
            let left = Atom::expression([Atom::symbol("f"), Atom::variable(random.pick(&["x", "y"]))]);
            Atom::expression([Atom::symbol("="), left, Atom::integer(random.below(4) as i64)])
        }
        1 => Atom::expression([Atom::symbol("edge"), Atom::integer(random.below(size) as i64)]),
        _ => atom(random, 2, true),
    };
    (0..size).map(|_| one(random)).collect()
}

fn rights(space: &Snapshot) -> Vec<String> {
    let rules = space.declarations(Relation::Equation, Key::Call("f")).unwrap_or_default();
    rules.iter().map(|rule| format!("{} {}", rule.left, rule.right)).collect()
}

/// What a space is must not depend on how it came to be: its rules are those of its facts.
fn check_rules(space: &Snapshot, what: &str) {
    let mut listed = rights(space);
    let mut stored = Vec::new();
    for fact in space.iter() {
        let atom = space.decode(fact.bytes, fact.variables());
        if let Some([head, left, right]) = atom.children()
            && head.as_symbol() == Some("=")
            && left.children().is_some_and(|left| left.first().and_then(Atom::as_symbol) == Some("f"))
        {
            (0..fact.count).for_each(|_| stored.push(format!("{left} {right}")));
        }
    }
    listed.sort();
    stored.sort();
    assert_eq!(listed, stored, "{what}");
}

fn check(a: &Snapshot, b: &Snapshot, what: &str) {
    let (left, right) = (content(a), content(b));
    let mut union = counted(&left, |atom, count| count + of(&right, atom));
    union.extend(right.iter().filter(|(atom, _)| of(&left, atom) == 0).cloned());
    let results = [
        ("union", a.union(b), union),
        ("intersection", a.intersection(b), counted(&left, |atom, count| count.min(of(&right, atom)))),
        ("subtraction", a.subtraction(b), counted(&left, |atom, n| n.saturating_sub(of(&right, atom)))),
    ];
    for (name, space, expected) in &results {
        assert_eq!(&content(space), expected, "{name} of {what}");
        assert_eq!(space.len(), expected.iter().map(|(_, count)| count).sum::<u64>(), "{name} of {what}");
        assert_eq!(space.distinct(), expected.len() as u64, "{name} of {what}");
        check_rules(space, &format!("{name} of {what}"));
        // Each atom is found and can be taken away.
        let mut rest = space.clone();
        for fact in space.iter() {
            (0..fact.count).for_each(|_| assert!(rest.remove_encoded(fact.bytes, fact.variables())));
        }
        assert!(rest.is_empty() && rights(&rest).is_empty());
    }
    let changes = b.changes_since(a);
    assert_eq!(
        content(&changes.added),
        counted(&right, |atom, n| n.saturating_sub(of(&left, atom))),
        "{what}"
    );
    assert_eq!(
        content(&changes.removed),
        counted(&left, |atom, n| n.saturating_sub(of(&right, atom))),
        "{what}"
    );
    let again = a.subtraction(&changes.removed).union(&changes.added);
    let sorted = |space: &Snapshot| {
        let mut content = content(space);
        content.sort();
        content
    };
    assert_eq!(sorted(&again), sorted(b), "{what}");
}

/// A1.
#[test]
fn unions_intersections_and_subtractions_count_copies_and_keep_the_order() {
    for seed in 0..120 {
        let random = &mut Random::new(seed);
        let sizes = [(0, 20), (20, 0), (30, 40), (300, 20), (20, 300), (250, 250)];
        let (m, n) = sizes[seed as usize % sizes.len()];
        let (a, b) = (atoms(random, m), atoms(random, n));
        let shared: Vec<Atom> = (0..m.min(n) / 2).map(|_| random.pick(&a)).collect();
        let b = filled(&[b, shared].concat());
        check(&filled(&a), &b, &format!("seed {seed}"));
    }
}

#[test]
fn snapshots_of_one_space_are_compared() {
    for seed in 0..60 {
        let random = &mut Random::new(seed);
        let mut space = filled(&atoms(random, [10, 400, 3_000][seed as usize % 3]));
        let all: Vec<Atom> = space.iter().map(|fact| space.decode(fact.bytes, fact.variables())).collect();
        if seed % 2 == 0 {
            space.settle();
        }
        let older = space.clone();
        assert!(older.changes_since(&older).added.is_empty());
        for _ in 0..random.below(300) {
            let known = random.pick(&all);
            match random.below(3) {
                0 => drop(space.remove(&known)),
                1 => space.add(&known),
                _ => space.add(&atom(random, 2, true)),
            }
        }
        check(&older, &space, &format!("seed {seed}"));
        check(&space, &older, &format!("seed {seed}, turned round"));
    }
}

#[test]
fn copies_of_rules_stand_where_they_were_added() {
    let rule = |right| {
        let left = Atom::expression([Atom::symbol("f"), Atom::variable("x")]);
        Atom::expression([Atom::symbol("="), left, Atom::integer(right)])
    };
    let (a, b) = (filled(&[1, 2, 1].map(rule)), filled(&[2, 3, 2, 1].map(rule)));
    let shown = |space: &Snapshot| {
        rights(space).iter().map(|text| text[text.len() - 1..].to_owned()).collect::<String>()
    };
    assert_eq!(shown(&a.union(&b)), "1212321");
    assert_eq!(shown(&a.intersection(&b)), "12");
    assert_eq!(shown(&a.subtraction(&b)), "1");
    assert_eq!(shown(&b.subtraction(&a)), "23");
    // The same where one is much larger, and facts are added to it one by one.
    let many: Vec<Atom> = (0..100).map(Atom::integer).chain([1, 2, 1].map(rule)).collect();
    assert_eq!(shown(&filled(&many).union(&b)), "1212321");
}

#[test]
fn a_restriction_has_what_unifies() {
    for seed in 0..20 {
        let random = &mut Random::new(seed);
        let space = filled(&atoms(random, 200));
        for _ in 0..20 {
            let pattern = atom(random, 2, true);
            let mut expected = Vec::new();
            for fact in space.iter() {
                let mut one = Snapshot::new();
                one.add(&space.decode(fact.bytes, fact.variables()));
                if !one.query(&pattern).is_empty() {
                    expected.push(known(&space, &fact));
                }
            }
            let restricted = space.restriction(&pattern);
            assert_eq!(content(&restricted), expected, "seed {seed}, {pattern}");
            check_rules(&restricted, "a restriction");
        }
    }
}

#[test]
fn spaces_in_files_are_combined_with_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("kb.space");
    let random = &mut Random::new(5);
    let portable =
        |atoms: Vec<Atom>| atoms.into_iter().filter(crate::stored::is_portable).collect::<Vec<_>>();
    let a = filled(&portable(atoms(random, 300)));
    let b = filled(&portable(atoms(random, 300)));
    a.save(&path).expect("the space is saved");
    let opened = Snapshot::open(&path).expect("the file opens");
    check(&opened, &b, "a file and a space");
    check(&b, &opened, "a space and a file");
    assert!(opened.changes_since(&a).added.is_empty() && a.changes_since(&opened).added.is_empty());
    fs::remove_file(&path).expect("the file is there");
}

#[test]
fn references_are_compared_by_what_they_refer_to() {
    let (a, b) = (filled(&[Atom::space(SpaceId(1)), Atom::symbol("x")]), filled(&[Atom::space(SpaceId(1))]));
    check(&a, &b, "spaces");
    assert_eq!(content(&a.subtraction(&b)), [("x [c1, 78]".to_owned(), 1)]);
}

#[test]
fn what_was_appended_is_known_and_other_changes_are_too_much() {
    let word = |i: i64| Atom::expression([Atom::symbol("p"), Atom::integer(i)]);
    let mut older = Snapshot::new();
    (0..10_000).for_each(|i| older.add(&word(i)));
    for frozen in [false, true] {
        let mut older = older.clone();
        if frozen {
            older.freeze();
        }
        assert_eq!(older.clone().appended_since(&older), Some(vec![]));
        let mut newer = older.clone();
        (0..3_000).for_each(|i| newer.add(&word(20_000 - i)));
        let appended = newer.appended_since(&older).expect("only additions");
        let atoms: Vec<Atom> =
            appended.iter().map(|fact| newer.decode(fact.bytes, fact.variables())).collect();
        assert_eq!(atoms, (0..3_000).map(|i| word(20_000 - i)).collect::<Vec<_>>());
        assert_eq!(older.appended_since(&newer), None);
        let mut changed = newer.clone();
        changed.add(&word(5));
        assert_eq!(changed.appended_since(&older), None);
        let mut changed = newer.clone();
        assert!(changed.remove(&word(5)));
        assert_eq!(changed.appended_since(&older), None);
    }
}
