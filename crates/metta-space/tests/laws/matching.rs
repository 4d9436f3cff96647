//! Candidates and queries against comparing with every atom.

use metta_atom::{Atom, Bindings, Variable, alpha_eq, unify};
use metta_space::{Fact, Snapshot};

use crate::generator::{Random, atom, big};

pub(crate) fn filled(atoms: &[Atom]) -> Snapshot {
    let mut snapshot = Snapshot::new();
    atoms.iter().for_each(|atom| snapshot.add(atom));
    snapshot
}

fn candidates<'a>(snapshot: &'a Snapshot, pattern: &Atom) -> Vec<Fact<'a>> {
    let found = snapshot.candidates(&snapshot.encode_pattern(pattern).bytes);
    found.iter().map(|found| snapshot.fact(found)).collect()
}

/// Gives every variable of `atom` another number, from `fresh` on.
fn renamed(atom: &Atom, fresh: &mut u64) -> Atom {
    let mut snapshot = Snapshot::new();
    let encoded = snapshot.encode(atom);
    let variables: Vec<Variable> = encoded
        .variables
        .iter()
        .map(|variable| {
            *fresh += 1;
            Variable::renamed(variable.name().clone(), *fresh)
        })
        .collect();
    snapshot.decode(&encoded.bytes, &variables)
}

fn unifies(pattern: &Atom, stored: &Atom) -> bool {
    unify(pattern, &renamed(stored, &mut 1000)).is_some()
}

fn is_linear(atom: &Atom) -> bool {
    let mut seen = std::collections::HashSet::new();
    atom.variables().all(|variable| seen.insert(variable))
}

/// W1, W2, and that nothing is let through without a reason.
pub(crate) fn check_candidates(snapshot: &Snapshot, pattern: &Atom, context: &str) -> usize {
    let found = candidates(snapshot, pattern);
    let facts: Vec<Fact<'_>> = snapshot.iter().collect();
    let mut rest = found.iter().peekable();
    for fact in &facts {
        let stored = snapshot.decode(fact.bytes, fact.variables());
        let is_found = rest.next_if(|found| *found == fact).is_some();
        let unifies = unifies(pattern, &stored);
        assert!(is_found || !unifies, "{context}: {pattern} loses {stored}");
        // What is compared exactly: one occurrence of each variable, on one side.
        if is_linear(pattern) && stored.is_ground() {
            assert_eq!(is_found, unifies, "{context}: {pattern} and {stored}");
        }
    }
    // All that was found was met above: once, in insertion order.
    assert!(rest.next().is_none(), "{context}: {pattern} finds something twice or in disorder");
    found.len()
}

#[test]
fn candidates_are_complete() {
    let (mut found, mut pairs) = (0, 0);
    for seed in 0..1500 {
        let random = &mut Random::new(seed);
        let (depth, variables) = (1 + random.below(3), random.below(4) > 0);
        let size = 1 + random.below(14);
        let atoms: Vec<Atom> = (0..size).map(|_| atom(random, depth, variables)).collect();
        let snapshot = filled(&atoms);
        for _ in 0..12 {
            let pattern = if random.below(3) == 0 { random.pick(&atoms) } else { atom(random, depth, true) };
            found += check_candidates(&snapshot, &pattern, &format!("seed {seed}"));
            pairs += snapshot.distinct() as usize;
        }
    }
    assert!(found > 20_000 && found * 2 < pairs, "{found} of {pairs} is too easy");
}

#[test]
fn long_atoms_are_found_wherever_the_trie_ends() {
    for seed in 0..300 {
        let random = &mut Random::new(seed);
        // The padding puts the end of the trie anywhere into the atoms.
        let padding = Atom::symbol("p".repeat(1960 + random.below(90)));
        let padded = |random: &mut Random| {
            Atom::expression([
                padding.clone(),
                atom(random, 3, true),
                atom(random, 3, true),
                atom(random, 2, true),
            ])
        };
        let atoms: Vec<Atom> = (0..10).map(|_| padded(random)).collect();
        let mut snapshot = filled(&atoms);
        atoms.iter().take(4).for_each(|atom| snapshot.add(atom));
        for atom in &atoms {
            check_candidates(&snapshot, atom, &format!("seed {seed}"));
        }
        for _ in 0..8 {
            let pattern = padded(random);
            check_candidates(&snapshot, &pattern, &format!("seed {seed}"));
        }
        for atom in atoms.iter().take(4).chain(&atoms) {
            assert!(snapshot.remove(atom), "seed {seed}");
        }
        assert!(snapshot.is_empty() && snapshot.iter().next().is_none(), "seed {seed}");
    }
}

#[test]
fn items_with_long_tags_match() {
    let call = |arguments: Vec<Atom>| Atom::expression([vec![Atom::symbol("f")], arguments].concat());
    let many: Vec<Atom> = (0..70).map(|i| Atom::variable(format!("v{i}"))).collect();
    let numbers: Vec<Atom> = (0..70).map(Atom::integer).collect();
    let name = Atom::symbol("n".repeat(100));
    let atoms = [
        call(many.clone()),
        call([many.clone(), many.clone()].concat()),
        call(numbers.clone()),
        call([numbers.clone(), numbers.clone()].concat()),
        Atom::expression([call(many.clone()), name.clone(), Atom::symbol("end")]),
        Atom::expression([call([many.clone(), many].concat()), name.clone(), Atom::symbol("end")]),
        Atom::expression([name.clone(), name.clone(), Atom::symbol("end")]),
        Atom::expression([call(numbers.clone()), name.clone(), Atom::symbol("other")]),
    ];
    let snapshot = filled(&atoms);
    let any = Atom::variable("any");
    let last = Atom::expression([any.clone(), any.clone(), Atom::symbol("end")]);
    for pattern in atoms.iter().chain([&last, &any]) {
        check_candidates(&snapshot, pattern, "long tags");
    }
    let pattern = Atom::expression([any, Atom::variable("other"), Atom::symbol("end")]);
    assert_eq!(check_candidates(&snapshot, &pattern, "long tags"), 3);
}

#[test]
fn equal_numbers_are_found_in_every_form() {
    let forms = [
        Atom::integer(0),
        Atom::float(0.0),
        Atom::float(-0.0),
        Atom::integer(1 << 60),
        Atom::float((1i64 << 60) as f64),
        big("1000000000000000019884624838656"),
        Atom::float(1e30),
        Atom::float(0.5),
        Atom::integer(i64::MAX),
        Atom::float(i64::MAX as f64),
        Atom::float(f64::NAN),
    ];
    let snapshot = filled(&forms);
    let matches = |i: usize| candidates(&snapshot, &forms[i]).len();
    assert_eq!((0..forms.len()).map(matches).collect::<Vec<_>>(), [3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1]);
}

/// W2: the trie may end in the middle of a number.
#[test]
fn equal_numbers_at_the_end_of_the_trie_are_found_once() {
    for size in 1980..2060 {
        let padding = Atom::symbol("p".repeat(size));
        let stored = [
            Atom::integer(0),
            Atom::float(0.0),
            Atom::float(-0.0),
            Atom::variable("x"),
            Atom::symbol("other"),
        ];
        let atoms = stored.map(|last| Atom::expression([padding.clone(), last]));
        let snapshot = filled(&atoms);
        for atom in &atoms[..3] {
            assert!(check_candidates(&snapshot, atom, &format!("size {size}")) >= 4);
        }
    }
}

/// The answers by nested loops over all atoms, as instances of the pattern.
pub(crate) fn by_loops(snapshot: &Snapshot, pattern: &Atom) -> Vec<Atom> {
    let conjuncts = match pattern.children() {
        Some([head, rest @ ..]) if *head == Atom::symbol(",") => rest.to_vec(),
        _ => vec![pattern.clone()],
    };
    let facts: Vec<Atom> = snapshot
        .iter()
        .flat_map(|fact| vec![snapshot.decode(fact.bytes, fact.variables()); fact.count as usize])
        .collect();
    let mut fresh = 1000;
    let mut partial = vec![Bindings::new()];
    for conjunct in &conjuncts {
        partial = partial
            .iter()
            .flat_map(|bindings| facts.iter().map(move |fact| (bindings, fact)))
            .filter_map(|(bindings, fact)| bindings.clone().unify(conjunct, &renamed(fact, &mut fresh)))
            .collect();
    }
    partial.iter().map(|bindings| bindings.apply(pattern)).collect()
}

/// The answers of a query, as instances of the pattern.
pub(crate) fn by_query(snapshot: &Snapshot, pattern: &Atom) -> Vec<Atom> {
    let instance = |set: &metta_atom::BindingSet| {
        set.0.iter().try_fold(Bindings::new(), |bindings, (variable, value)| {
            bindings.unify(&Atom::Variable(variable.clone()), value)
        })
    };
    snapshot.query(pattern).iter().map(|set| instance(set).expect("bindings agree").apply(pattern)).collect()
}

/// 60,000 queries: none lost, none twice, in order.
#[test]
fn queries_answer_as_nested_loops_do() {
    let mut answers = 0;
    for seed in 0..10_000 {
        let random = &mut Random::new(seed);
        let depth = 1 + random.below(2);
        let mut atoms: Vec<Atom> = (0..2 + random.below(7)).map(|_| atom(random, depth, true)).collect();
        atoms.push(random.pick(&atoms));
        let snapshot = filled(&atoms);
        for _ in 0..6 {
            let mut part =
                || if random.below(2) == 0 { random.pick(&atoms) } else { atom(random, depth, true) };
            let (one, two, three) = (part(), part(), part());
            let comma = Atom::symbol(",");
            let pattern = match random.below(4) {
                0 => Atom::expression([comma, one, two]),
                1 => Atom::expression([comma, one, two, three]),
                _ => one,
            };
            let (expected, found) = (by_loops(&snapshot, &pattern), by_query(&snapshot, &pattern));
            assert_eq!(found.len(), expected.len(), "seed {seed}: {pattern}");
            assert_eq!(snapshot.count(&pattern), expected.len() as u64, "seed {seed}: {pattern}");
            for (found, expected) in found.iter().zip(&expected) {
                assert!(alpha_eq(found, expected), "seed {seed}: {pattern} gives {found} and not {expected}");
            }
            answers += found.len();
        }
    }
    assert!(answers > 100_000, "only {answers} answers");
}

#[test]
fn answers_are_searched_for_as_they_are_asked_for() {
    let fact = |n: i64| Atom::expression([Atom::symbol("p"), Atom::integer(n)]);
    let goal = |name: &str| Atom::expression([Atom::symbol("p"), Atom::variable(name)]);
    let snapshot = filled(&(0..2000).map(fact).collect::<Vec<_>>());
    // All answers would be 8 * 10^9.
    let pattern = Atom::expression([Atom::symbol(","), goal("x"), goal("y"), goal("z")]);
    let third = snapshot.matches(&pattern).nth(2).map(|set| set.0[2].1.clone());
    assert_eq!(third, Some(Atom::integer(2)));
    assert_eq!(snapshot.matches(&pattern).take(5000).count(), 5000);
}

#[test]
fn counts_are_of_copies_and_of_what_is_there() {
    let edge = |a: i64, b: i64| Atom::expression([Atom::symbol("edge"), Atom::integer(a), Atom::integer(b)]);
    let mut snapshot = filled(&(0..3000).map(|n| edge(n % 30, n / 30)).collect::<Vec<_>>());
    let (x, y) = (Atom::variable("x"), Atom::variable("y"));
    let all = Atom::expression([Atom::symbol("edge"), x.clone(), y.clone()]);
    let to = Atom::expression([Atom::symbol("edge"), x.clone(), Atom::integer(7)]);
    let same = Atom::expression([Atom::symbol("edge"), x.clone(), x]);
    let counts = |snapshot: &Snapshot| [&all, &to, &to, &same].map(|pattern| snapshot.count(pattern));
    assert_eq!(counts(&snapshot), [3000, 30, 30, 30]);
    snapshot.settle();
    assert_eq!(counts(&snapshot), [3000, 30, 30, 30]);
    snapshot.add(&edge(3, 7));
    snapshot.add(&edge(1, 7));
    assert!(snapshot.remove(&edge(2, 7)));
    assert_eq!(counts(&snapshot), [3001, 31, 31, 30]);
    snapshot.settle();
    assert_eq!(counts(&snapshot), [3001, 31, 31, 30]);
    snapshot.add(&Atom::expression([Atom::symbol("edge"), y.clone(), y]));
    assert_eq!(counts(&snapshot), [3002, 32, 32, 31]);
}

fn check_query(atoms: &[Atom], pattern: Atom, expected: &str) {
    let answers = by_query(&filled(atoms), &pattern);
    assert_eq!(answers.iter().map(Atom::to_string).collect::<Vec<_>>().join(" "), expected);
}

#[test]
fn answers_come_depth_first_with_multiplicities() {
    let fact = |head: &str, n| Atom::expression([Atom::symbol(head), Atom::integer(n)]);
    let goal = |head: &str, name: &str| Atom::expression([Atom::symbol(head), Atom::variable(name)]);
    let atoms = [fact("q", 10), fact("p", 2), fact("q", 20), fact("p", 1), fact("p", 2)];
    check_query(
        &atoms,
        Atom::expression([Atom::symbol(","), goal("p", "x"), goal("q", "y")]),
        "(, (p 2) (q 10)) (, (p 2) (q 20)) (, (p 2) (q 10)) (, (p 2) (q 20)) (, (p 1) (q 10)) (, (p 1) (q 20))",
    );
    check_query(&atoms, Atom::expression([Atom::symbol(",")]), "(,)");
    check_query(&atoms, Atom::expression([Atom::symbol(","), goal("p", "x"), goal("none", "y")]), "");
}

#[test]
fn a_variable_is_never_bound_to_what_contains_it() {
    let x = Atom::variable("x");
    let around = Atom::expression([Atom::symbol("s"), x.clone()]);
    let stored = [Atom::expression([x.clone(), around])];
    check_query(&stored, Atom::expression([Atom::variable("y"), Atom::variable("y")]), "");
    check_query(&stored, Atom::expression([Atom::symbol("a"), Atom::variable("y")]), "(a (s a))");
}

/// Lookups in a run of many facts, by the first elements and by others, again and again, as by a look at all of them.
#[test]
fn lookups_among_many_facts_find_what_a_look_at_all_finds() {
    let mut snapshot = Snapshot::new();
    // Short and long names, numbers, and terms of several items.
    let name = |n: usize| match n % 4 {
        0 => Atom::symbol(format!("n{n}")),
        1 => Atom::symbol(format!("a-name-of-many-bytes-{n}")),
        2 => Atom::integer(n as i64),
        _ => Atom::expression([Atom::symbol("at"), Atom::symbol(format!("n{n}"))]),
    };
    let fact = |head: &str, a: Atom, b: Atom| Atom::expression([Atom::symbol(head), a, b]);
    let (terms, facts) = (900, 40_000);
    let pair = |n: usize| (n * 7919 % terms, n * 104_729 % (terms + 1));
    for n in 0..facts {
        let (a, b) = pair(n);
        snapshot.add(&fact(if n % 8 == 0 { "link" } else { "edge" }, name(a), name(b)));
    }
    snapshot.settle();
    let mut found = 0;
    for round in 0..4 {
        let decoded =
            |fact: metta_space::Fact<'_>| (fact.sequence, snapshot.decode(fact.bytes, fact.variables()));
        let all: Vec<(u64, Atom)> = snapshot.iter().map(decoded).collect();
        for n in (round..terms).step_by(61) {
            for (a, b) in
                [(Some(n), None), (None, Some(n)), (Some(n), Some((n * 31) % terms)), (Some(terms + n), None)]
            {
                let open = |n: Option<usize>, variable| n.map_or(Atom::variable(variable), name);
                let pattern = fact("edge", open(a, "x"), open(b, "y"));
                let encoded = snapshot.encode_pattern(&pattern);
                let sequences: Vec<u64> =
                    snapshot.candidates(&encoded.bytes).iter().map(|found| found.sequence).collect();
                let is_open = |atom: &Atom| matches!(atom, Atom::Variable(_));
                let is_meant = |(_, atom): &&(u64, Atom)| {
                    let pairs =
                        pattern.children().into_iter().flatten().zip(atom.children().into_iter().flatten());
                    pairs.into_iter().all(|(asked, there)| asked == there || is_open(asked) || is_open(there))
                };
                let expected: Vec<u64> = all.iter().filter(is_meant).map(|(sequence, _)| *sequence).collect();
                assert_eq!(sequences, expected, "{pattern}");
                found += expected.len();
            }
        }
        // Some of them go, and others come.
        for n in (round..facts).step_by(997) {
            let (a, b) = pair(n);
            snapshot.remove(&fact("edge", name(a), name(b)));
            snapshot.add(&fact("edge", name(b), name(a)));
        }
        if round == 2 {
            snapshot.add(&fact("edge", Atom::variable("any"), name(3)));
        }
    }
    assert!(found > 4_000 && snapshot.index_bytes() > 0, "only {found} found");
}
