//! Values that have no bytes of their own.

use metta_atom::{Atom, Grounded};
use metta_space::Snapshot;

use crate::generator::binding_value;

fn grounded(name: &str) -> Grounded {
    let Atom::Grounded(value) = binding_value(name) else { unreachable!() };
    value
}

#[test]
fn equal_values_have_one_handle() {
    let mut snapshot = Snapshot::new();
    let (a, b) = (snapshot.intern(grounded("a")), snapshot.intern(grounded("b")));
    assert_ne!(a, b);
    assert_eq!(snapshot.intern(grounded("a")), a);
    assert_eq!(snapshot.handle_of(&grounded("b")), Some(b));
    assert_eq!(snapshot.handle(a), Some(&grounded("a")));
    assert_eq!(snapshot.handle_of(&grounded("c")), None);
    assert_eq!(snapshot.handle(b + 1), None);
}

#[test]
fn an_unknown_value_matches_nothing() {
    let mut snapshot = Snapshot::new();
    let fact = |value| Atom::expression([Atom::symbol("v"), value]);
    snapshot.add(&fact(binding_value("a")));
    let pattern = snapshot.encode_pattern(&fact(binding_value("b")));
    assert_eq!(snapshot.candidates(&pattern.bytes), []);
    assert!(!snapshot.remove(&fact(binding_value("b"))));
    assert!(snapshot.remove(&fact(binding_value("a"))));
}

/// V1: the same handle for different values makes different histories.
#[test]
fn forks_with_different_values_have_different_versions() {
    let (mut left, mut right) = (Snapshot::new(), Snapshot::new());
    left.add(&binding_value("a"));
    right.add(&binding_value("b"));
    let bytes = |snapshot: &Snapshot| snapshot.iter().next().map(|fact| fact.bytes.to_vec());
    assert_eq!(bytes(&left), bytes(&right));
    assert_ne!(left.version(), right.version());
}

#[test]
fn what_a_snapshot_does_not_know_decodes_to_a_stand_in() {
    let mut snapshot = Snapshot::new();
    let fact = Atom::expression([Atom::variable("x"), binding_value("a")]);
    let bytes = snapshot.encode(&fact).bytes;
    assert_eq!(Snapshot::new().decode(&bytes, &[]).to_string(), "($_#1 _)");
}
