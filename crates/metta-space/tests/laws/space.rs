//! Spaces shared by threads.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use metta_atom::{Atom, Foreign, Grounded};
use metta_space::{Conflict, Snapshot, Space};

fn edge(n: i64) -> Atom {
    Atom::expression([Atom::symbol("edge"), Atom::integer(n), Atom::variable("x")])
}

#[test]
fn a_snapshot_does_not_see_later_writes() {
    let space = Space::new();
    space.add(&edge(1));
    let before = space.snapshot();
    space.add(&edge(2));
    assert!(space.remove(&edge(1)) && !space.remove(&edge(1)));
    assert_eq!((before.len(), space.snapshot().len()), (1, 1));
    assert_eq!(before.query(&edge(2)), []);
    assert_eq!(space.snapshot().query(&edge(2)).len(), 1);
}

#[test]
fn a_fork_goes_its_own_way() {
    let space = Space::new();
    space.add(&edge(1));
    let (fork, handle) = (space.fork(), space.clone());
    fork.add(&edge(2));
    handle.add(&edge(3));
    assert_eq!((fork.snapshot().query(&edge(3)).len(), space.snapshot().query(&edge(3)).len()), (0, 1));
    assert_ne!(fork.snapshot().version(), space.snapshot().version());
}

#[test]
fn replacing_needs_the_version_it_was_based_on() {
    let space = Space::new();
    let base = space.snapshot();
    let mut next = (*base).clone();
    next.add(&edge(1));
    space.add(&edge(2));
    let current = space.snapshot().version();
    assert_eq!(
        space.replace(base.version(), next.clone()),
        Err(Conflict { expected: base.version(), current })
    );
    assert_eq!(space.replace(current, next), Ok(()));
    assert_eq!(space.snapshot().query(&edge(1)).len(), 1);
    space.add(&edge(3));
    assert_eq!(space.snapshot().len(), 2);
}

/// P3: the closure may use the space itself, and runs again after a conflict.
#[test]
fn a_transaction_is_repeated_on_newer_content() {
    let space = Space::new();
    let mut runs = 0;
    let seen = space.transact(|snapshot| {
        if runs == 0 {
            space.add(&edge(7));
        }
        runs += 1;
        snapshot.add(&edge(1));
        snapshot.len()
    });
    assert_eq!((runs, seen, space.snapshot().len()), (2, 2, 2));
}

/// P4.
#[test]
fn a_panic_in_a_transaction_changes_nothing() {
    let space = Space::new();
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        space.transact(|snapshot: &mut Snapshot| {
            snapshot.add(&edge(1));
            panic!("stop");
        });
    }));
    assert!(result.is_err());
    assert!(space.snapshot().is_empty());
    space.add(&edge(2));
    assert_eq!(space.snapshot().len(), 1);
}

/// P2: two parts of one write are seen together, and no write is lost.
#[test]
fn threads_lose_nothing_and_see_whole_writes() {
    const WRITES: i64 = 300;
    let space = Space::new();
    let rule =
        |n| Atom::expression([Atom::symbol("="), Atom::expression([Atom::symbol("f")]), Atom::integer(n)]);
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let space = space.clone();
            scope.spawn(move || {
                for n in 0..WRITES {
                    if thread == 0 {
                        space.add(&rule(n % 10));
                    } else {
                        space.transact(|snapshot| snapshot.add(&rule(n % 10)));
                    }
                }
            });
        }
        let space = space.clone();
        scope.spawn(move || {
            let mut last = 0;
            while last < 2 * WRITES as u64 {
                let snapshot = space.snapshot();
                let list =
                    snapshot.declarations(metta_space::Relation::Equation, metta_space::Key::Call("f"));
                assert_eq!(list.map_or(0, |list| list.len()) as u64, snapshot.len());
                assert_eq!(snapshot.iter().map(|fact| fact.count).sum::<u64>(), snapshot.len());
                assert!(snapshot.len() >= last);
                last = snapshot.len();
            }
        });
    });
    let counts: Vec<u64> = space.snapshot().iter().map(|fact| fact.count).collect();
    assert_eq!(counts, [2 * WRITES as u64 / 10; 10]);
}

#[test]
fn an_empty_space_can_be_read_by_many_threads() {
    for _ in 0..50 {
        let space = Space::new();
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| assert_eq!(space.snapshot().query(&edge(1)), []));
            }
        });
    }
}

/// A value of the host that uses the space while it is being compared.
struct Nosy {
    name: &'static str,
    space: Space,
}

impl fmt::Debug for Nosy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Display for Nosy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Foreign for Nosy {
    fn type_atom(&self) -> Atom {
        Atom::symbol("Nosy")
    }

    fn equals(&self, other: &dyn Foreign) -> bool {
        self.space.add(&Atom::symbol("compared"));
        other.as_any().downcast_ref::<Nosy>().is_some_and(|other| other.name == self.name)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// P3: if a lock were held here, the comparison would wait for itself.
#[test]
fn values_of_the_host_are_compared_without_a_lock() {
    let space = Space::new();
    let log = Space::new();
    let value = |name| {
        let value = Nosy { name, space: log.clone() };
        Atom::expression([Atom::symbol("v"), Atom::Grounded(Grounded::Foreign(Arc::new(value)))])
    };
    for name in ["one", "two", "one"] {
        space.add(&value(name));
    }
    assert!(space.remove(&value("two")));
    assert!(!log.snapshot().is_empty());
    let snapshot = space.snapshot();
    assert_eq!(snapshot.iter().map(|fact| fact.count).collect::<Vec<_>>(), [2]);
    assert_eq!(snapshot.query(&value("one")).len(), 2);
    assert_eq!(snapshot.query(&value("three")).len(), 0);

    // The same with the space that is written to.
    let own = Nosy { name: "own", space: space.clone() };
    space.add(&Atom::Grounded(Grounded::Foreign(Arc::new(own))));
}
