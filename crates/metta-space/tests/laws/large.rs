//! Deep and wide atoms: nothing here may use the native stack or quadratic time.

use metta_atom::Atom;
use metta_space::{Key, Relation, Snapshot, bytes};

fn peano(depth: usize) -> Atom {
    (0..depth).fold(Atom::symbol("Z"), |inner, _| Atom::expression([Atom::symbol("S"), inner]))
}

fn check_whole_life(atom: &Atom) {
    let mut snapshot = Snapshot::new();
    let encoded = snapshot.encode(atom);
    assert_eq!(bytes::validate(&encoded.bytes), Ok(()));
    assert!(snapshot.decode(&encoded.bytes, &encoded.variables) == *atom);
    snapshot.add(atom);
    snapshot.add(atom);
    let rule = Atom::expression([Atom::symbol("="), Atom::symbol("big"), atom.clone()]);
    snapshot.add(&rule);
    assert_eq!(snapshot.declarations(Relation::Equation, Key::Symbol("big")).map(|list| list.len()), Some(1));
    assert_eq!(snapshot.candidates(&encoded.bytes).len(), 1);
    assert_eq!(snapshot.query(atom).len(), 2);
    let pattern = Atom::expression([Atom::symbol("="), Atom::symbol("big"), Atom::variable("x")]);
    let answers = snapshot.query(&pattern);
    assert!(answers.len() == 1 && answers[0].0[0].1 == *atom);
    let other = snapshot.clone();
    assert!(snapshot.remove(atom) && snapshot.remove(atom) && !snapshot.remove(atom));
    assert!(snapshot.remove(&rule) && snapshot.is_empty());
    assert_eq!(other.len(), 3);
}

#[test]
fn an_atom_a_hundred_thousand_deep() {
    check_whole_life(&peano(100_000));
    let open =
        (0..100_000).fold(Atom::variable("x"), |inner, _| Atom::expression([Atom::variable("y"), inner]));
    let mut snapshot = Snapshot::new();
    snapshot.add(&open);
    assert_eq!(snapshot.candidates(&snapshot.encode_pattern(&peano(100_000)).bytes).len(), 1);
    assert_eq!(snapshot.query(&peano(100_000)).len(), 1);
    assert_eq!(snapshot.query(&Atom::expression([Atom::symbol("T"), peano(100_000)])).len(), 0);
    assert!(snapshot.remove(&open));
}

#[test]
fn an_atom_a_million_wide() {
    check_whole_life(&Atom::expression((0..1_000_000).map(Atom::integer).collect::<Vec<_>>()));
}

#[test]
fn an_atom_with_a_hundred_thousand_variables() {
    let variables: Vec<Atom> = (0..100_000).map(|i| Atom::variable(format!("v{i}"))).collect();
    let atom = Atom::expression([variables.clone(), variables].concat());
    let mut snapshot = Snapshot::new();
    snapshot.add(&atom);
    let fact = snapshot.iter().next().unwrap();
    assert!(snapshot.decode(fact.bytes, fact.variables()) == atom);
}

#[test]
fn many_declarations_under_one_head() {
    let mut snapshot = Snapshot::new();
    let rule = |n| {
        let call = Atom::expression([Atom::symbol("f"), Atom::integer(n)]);
        Atom::expression([Atom::symbol("="), call, Atom::integer(n)])
    };
    for n in 0..100_000 {
        snapshot.add(&rule(n));
    }
    let list = snapshot.declarations(Relation::Equation, Key::Call("f")).unwrap();
    assert_eq!(list.len(), 100_000);
    drop(list);
    for n in (99_000..100_000).rev() {
        assert!(snapshot.remove(&rule(n)));
    }
    let list = snapshot.declarations(Relation::Equation, Key::Call("f")).unwrap();
    assert_eq!(list.last().map(|last| last.right.clone()), Some(Atom::integer(98_999)));
}

/// F2: a trie that branches everywhere is freed on a small stack.
#[test]
fn a_trie_that_branches_at_every_level_is_freed() {
    let work = || {
        let mut snapshot = Snapshot::new();
        for depth in 0..3000 {
            for leaf in ["a", "b", "c"] {
                let end = Atom::expression([Atom::symbol(leaf), Atom::symbol("x".repeat(60))]);
                let atom = (0..depth).fold(end, |inner, _| Atom::expression([inner]));
                snapshot.add(&atom);
            }
        }
        assert_eq!(snapshot.distinct(), 9000);
    };
    std::thread::Builder::new().stack_size(2 << 20).spawn(work).unwrap().join().unwrap();
}

#[test]
fn many_spellings_of_one_atom() {
    let mut snapshot = Snapshot::new();
    let spelled = |n: u64| {
        let variable = metta_atom::Variable::renamed("x", n);
        Atom::expression([Atom::symbol("p"), Atom::Variable(variable)])
    };
    for n in 0..30_000 {
        snapshot.add(&spelled(n));
    }
    assert_eq!(snapshot.distinct(), 30_000);
    for n in 0..30_000 {
        assert!(snapshot.remove(&spelled(n)));
    }
    assert!(snapshot.is_empty());
}
