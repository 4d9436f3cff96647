//! Joins against nested loops over all facts.

use metta_atom::Atom;
use metta_space::{Found, Snapshot};

use crate::generator::Random;
use crate::matching::{by_loops, by_query, filled};

const NO_LIMIT: usize = usize::MAX;

fn conjunction(conjuncts: Vec<Atom>) -> Atom {
    Atom::expression([vec![Atom::symbol(",")], conjuncts].concat())
}

fn node(n: usize) -> Atom {
    match n % 3 {
        0 => Atom::integer(n as i64),
        1 => Atom::symbol(format!("n{n}")),
        _ => Atom::expression([Atom::symbol("pair"), Atom::integer(n as i64)]),
    }
}

fn fact(random: &mut Random, nodes: usize) -> Atom {
    let arity = [1, 2, 2, 2, 3][random.below(5)];
    let head = Atom::symbol(random.pick(&["p", "p", "q"]));
    let elements = (0..arity).map(|_| node(random.below(nodes)));
    Atom::expression(std::iter::once(head).chain(elements).collect::<Vec<_>>())
}

/// A conjunct for facts like `like`, with variables in place of most elements.
fn conjunct(random: &mut Random, like: &Atom) -> Atom {
    let children = like.children().unwrap_or_default().iter().enumerate();
    let opened = children.map(|(i, child)| match random.below(if i == 0 { 12 } else { 4 }) {
        0 if i == 0 => Atom::variable("head"),
        _ if i == 0 => child.clone(),
        0 => child.clone(),
        _ => Atom::variable(random.pick(&["x", "y", "z", "w"])),
    });
    Atom::expression(opened.collect::<Vec<_>>())
}

/// The answers of a join, as instances of the pattern.
fn by_join(snapshot: &Snapshot, pattern: &Atom) -> Vec<Atom> {
    let answers = snapshot.join(&snapshot.encode_pattern(pattern).bytes, NO_LIMIT).expect("facts are ground");
    let all: Vec<&[Found]> = answers.iter().collect();
    let numbers = answers.with_copies();
    assert_eq!((answers.distinct(), answers.count()), (all.len(), numbers.len() as u64));
    let atom = |found: &Found| {
        let fact = snapshot.fact(found);
        snapshot.decode(fact.bytes, fact.variables())
    };
    let instance = |number: &u32| conjunction(all[*number as usize].iter().map(atom).collect());
    numbers.iter().map(instance).collect()
}

/// J1: none lost, none twice, in order, with copies.
#[test]
fn joins_answer_as_nested_loops_do() {
    let mut answers = 0;
    for seed in 0..400 {
        let random = &mut Random::new(seed);
        let nodes = 2 + random.below(6);
        let size = 4 + random.below(24);
        let atoms: Vec<Atom> = (0..size).map(|_| fact(random, nodes)).collect();
        let mut snapshot = filled(&atoms);
        // In runs and in the head, and some removed from a run.
        if random.below(2) == 0 {
            snapshot.settle();
            for atom in atoms.iter().take(random.below(4)) {
                assert!(snapshot.remove(atom), "seed {seed}: {atom}");
            }
            (0..random.below(6)).for_each(|_| snapshot.add(&fact(random, nodes)));
            if random.below(2) == 0 {
                (0..70).for_each(|n| snapshot.add(&Atom::expression([Atom::symbol("r"), Atom::integer(n)])));
                snapshot.freeze();
                (0..3).for_each(|_| snapshot.add(&fact(random, nodes)));
            }
        }
        for _ in 0..4 {
            let n = 1 + random.below(3);
            let conjuncts: Vec<Atom> = (0..n)
                .map(|_| {
                    let like = random.pick(&atoms);
                    conjunct(random, &like)
                })
                .collect();
            let pattern = conjunction(conjuncts);
            let expected = by_loops(&snapshot, &pattern);
            assert_eq!(by_join(&snapshot, &pattern), expected, "seed {seed}: {pattern}");
            assert_eq!(by_query(&snapshot, &pattern), expected, "seed {seed}: {pattern}");
            answers += expected.len();
        }
    }
    assert!(answers > 10_000, "only {answers} answers");
}

/// J2.
#[test]
fn what_may_equal_other_bytes_is_refused() {
    let edge = |a: Atom, b: Atom| Atom::expression([Atom::symbol("edge"), a, b]);
    let var = Atom::variable;
    let pattern = conjunction(vec![edge(var("x"), var("y")), edge(var("y"), var("z"))]);
    let joined = |atoms: &[Atom], pattern: &Atom| {
        let snapshot = filled(atoms);
        snapshot.join(&snapshot.encode_pattern(pattern).bytes, NO_LIMIT).map(|answers| answers.count())
    };
    let one = edge(Atom::integer(1), Atom::integer(1));
    assert_eq!(joined(std::slice::from_ref(&one), &pattern), Some(1));
    for other in [
        edge(Atom::integer(1), Atom::float(1.0)),
        edge(Atom::integer(1), var("v")),
        edge(Atom::integer(1), Atom::state(metta_atom::StateId(1))),
        edge(Atom::integer(1), crate::generator::binding_value("a")),
        Atom::expression([var("head"), Atom::integer(1), Atom::integer(2)]),
        var("anything"),
    ] {
        assert_eq!(joined(&[one.clone(), other.clone()], &pattern), None, "{other}");
    }
    // Of no concern are facts that cannot match.
    let rule =
        Atom::expression([Atom::symbol("="), Atom::expression([Atom::symbol("f"), var("x")]), var("x")]);
    let other = Atom::expression([var("head"), Atom::integer(1)]);
    assert_eq!(joined(&[one.clone(), rule, other], &pattern), Some(1));
    assert_eq!(joined(std::slice::from_ref(&one), &one), None);
    let inside = conjunction(vec![edge(var("x"), Atom::expression([var("y")]))]);
    assert_eq!(joined(std::slice::from_ref(&one), &inside), None);
    let float = conjunction(vec![edge(var("x"), Atom::float(1.0))]);
    assert_eq!(joined(&[one], &float), None);
}

#[test]
fn more_answers_than_the_limit_are_refused() {
    let facts: Vec<Atom> = (0..10).map(|n| Atom::expression([Atom::symbol("p"), Atom::integer(n)])).collect();
    let goal = |name| Atom::expression([Atom::symbol("p"), Atom::variable(name)]);
    let snapshot = filled(&facts);
    let pattern = snapshot.encode_pattern(&conjunction(vec![goal("x"), goal("y")])).bytes;
    assert!(snapshot.join(&pattern, 99).is_none());
    assert_eq!(snapshot.join(&pattern, 100).map(|answers| answers.distinct()), Some(100));
}

/// All 3-, 4- and 5-cliques of a graph, against counting them.
#[test]
fn cliques_are_found() {
    const NODES: usize = 60;
    let random = &mut Random::new(5);
    let mut linked = vec![[false; NODES]; NODES];
    let mut facts = Vec::new();
    while facts.len() < 600 {
        let (a, b) = (random.below(NODES), random.below(NODES));
        if a < b && !linked[a][b] {
            linked[a][b] = true;
            facts.push(Atom::expression([Atom::symbol("edge"), node(a), node(b)]));
        }
    }
    let snapshot = filled(&facts);
    let mut cliques: Vec<Vec<usize>> = (0..NODES).map(|n| vec![n]).collect();
    for size in 2..=5 {
        let grown = |clique: &Vec<usize>| {
            let clique = clique.clone();
            (0..NODES)
                .filter(|n| clique.iter().all(|m| linked[*m][*n]))
                .map(|n| [&clique[..], &[n]].concat())
                .collect::<Vec<_>>()
        };
        cliques = cliques.iter().flat_map(grown).collect();
        let names: Vec<Atom> = (0..size).map(|i| Atom::variable(format!("v{i}"))).collect();
        let pairs = (0..size).flat_map(|i| (i + 1..size).map(move |j| (i, j)));
        let edges =
            pairs.map(|(i, j)| Atom::expression([Atom::symbol("edge"), names[i].clone(), names[j].clone()]));
        let pattern = snapshot.encode_pattern(&conjunction(edges.collect())).bytes;
        let answers = snapshot.join(&pattern, NO_LIMIT).map(|answers| answers.distinct());
        assert_eq!(answers, Some(cliques.len()), "cliques of {size}");
    }
    assert!(!cliques.is_empty());
}
