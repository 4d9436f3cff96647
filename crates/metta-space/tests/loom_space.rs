//! Two writers and a reader of a shared space, in every order that matters.
//!
//! ```text
//! writer 1   write: one more copy ─────────────────────┐
//! writer 2   transact: one more copy, of another fact ─┤── both are there
//! reader     load, load: whole, and never going back ──┘
//! ```
//!
//! The content is tiny; the locks, the order and the publication are those of a space.
//! Run with `RUSTFLAGS="--cfg metta_loom -C target-feature=+aes,+sse2"` and
//! `LOOM_MAX_PREEMPTIONS=3`.

#![cfg(metta_loom)]

use std::sync::Arc;

use metta_space::protocol::{Content, Shared};

/// Counts in the first part, facts as bits in the second; the version counts writes.
#[derive(Clone, Debug, Default, PartialEq)]
struct Tiny {
    counts: [u8; 2],
    facts: u8,
    version: u64,
}

impl Tiny {
    /// A torn content has a count without its fact, or the reverse, or a wrong version.
    fn check(&self) {
        let present = u8::from(self.counts[0] > 0) | u8::from(self.counts[1] > 0) << 1;
        assert_eq!(self.facts, present, "torn: {self:?}");
        assert_eq!(
            self.version,
            self.counts.iter().map(|count| u64::from(*count)).sum::<u64>(),
            "lost: {self:?}"
        );
    }

    fn add(&mut self, fact: usize) {
        self.counts[fact] += 1;
        self.facts |= 1 << fact;
        self.version += 1;
    }
}

struct Parts;

impl Content for Parts {
    type Whole = Tiny;
    type Registry = [u8; 2];
    type Facts = (u8, u64);

    fn join(counts: [u8; 2], (facts, version): (u8, u64)) -> Tiny {
        Tiny { counts, facts, version }
    }

    fn split(whole: Tiny) -> ([u8; 2], (u8, u64)) {
        (whole.counts, (whole.facts, whole.version))
    }

    fn version(whole: &Tiny) -> u64 {
        whole.version
    }
}

fn write(shared: &Shared<Parts>, fact: usize) {
    shared.write(|counts, (facts, version)| {
        counts[fact] += 1;
        *facts |= 1 << fact;
        *version += 1;
    });
}

fn transact(shared: &Shared<Parts>, fact: usize) {
    shared.transact(|tiny| tiny.add(fact));
}

/// P1, P2: runs two writers and a reader in all their interleavings.
fn model(first: fn(&Shared<Parts>, usize), second: fn(&Shared<Parts>, usize), facts: [usize; 2]) {
    let (finished, runs) = std::sync::mpsc::channel();
    loom::model(move || {
        let shared = Arc::new(Shared::<Parts>::new(Tiny::default()));
        let writers: Vec<_> = [(first, facts[0]), (second, facts[1])]
            .into_iter()
            .map(|(write, fact)| {
                let shared = Arc::clone(&shared);
                loom::thread::spawn(move || write(&shared, fact))
            })
            .collect();
        let (before, after) = (shared.load(), shared.load());
        before.check();
        after.check();
        assert!(before.version <= after.version, "{before:?} before {after:?}");
        writers.into_iter().for_each(|writer| writer.join().expect("the writer ends"));
        let mut expected = Tiny::default();
        facts.into_iter().for_each(|fact| expected.add(fact));
        assert_eq!(*shared.load(), expected);
        finished.send(()).expect("the count is kept");
    });
    let runs = runs.iter().count();
    assert!(runs > 50, "only {runs} interleavings");
}

#[test]
fn two_writes_of_one_fact() {
    model(write, write, [0, 0]);
}

#[test]
fn two_writes_of_two_facts() {
    model(write, write, [0, 1]);
}

#[test]
fn a_write_and_a_transaction() {
    model(write, transact, [0, 1]);
}

#[test]
fn two_transactions() {
    model(transact, transact, [0, 0]);
}

fn remove(shared: &Shared<Parts>, fact: usize) -> bool {
    shared.write(|counts, (facts, version)| {
        if counts[fact] == 0 {
            return false;
        }
        counts[fact] -= 1;
        *facts = *facts & !(1 << fact) | u8::from(counts[fact] > 0) << fact;
        *version -= 1;
        true
    })
}

/// A removal beside an addition: one copy stays or none, and what was told agrees with it. A snapshot that was
/// taken before keeps its count whatever is written, and the last holder of a content drops it.
///
/// ```text
/// writer 1   add ────────────┐
/// writer 2   remove: true? ──┤── count
/// reader     load, hold ─────┴── drop
/// ```
#[test]
fn an_addition_and_a_removal() {
    loom::model(|| {
        let shared = Arc::new(Shared::<Parts>::new(Tiny::default()));
        write(&shared, 0);
        let held = shared.load();
        let adder = {
            let shared = Arc::clone(&shared);
            loom::thread::spawn(move || write(&shared, 0))
        };
        let remover = {
            let shared = Arc::clone(&shared);
            loom::thread::spawn(move || [remove(&shared, 0), remove(&shared, 0)])
        };
        let between = shared.load();
        between.check();
        adder.join().expect("the writer ends");
        let removed = remover.join().expect("the writer ends");
        let last = shared.load();
        last.check();
        // Two copies were there: the first removal always finds one.
        assert!(removed[0]);
        assert_eq!(u8::from(removed[1]), 1 - last.counts[0]);
        assert_eq!(held.counts, [1, 0]);
        drop(shared);
        let mine = 1 + usize::from(Arc::ptr_eq(&held, &between)) + usize::from(Arc::ptr_eq(&held, &last));
        assert_eq!(Arc::strong_count(&held), mine, "nobody else holds an old content");
        drop(held);
        between.check();
    });
}

/// Only one of two replacements of the same version succeeds.
#[test]
fn two_replacements() {
    loom::model(|| {
        let shared = Arc::new(Shared::<Parts>::new(Tiny::default()));
        let base = shared.load();
        let replace = |shared: &Shared<Parts>, fact| {
            let mut next = (*base).clone();
            next.add(fact);
            shared.replace(base.version, next).is_ok()
        };
        let other = {
            let (shared, mut next) = (Arc::clone(&shared), (*base).clone());
            next.add(1);
            loom::thread::spawn(move || shared.replace(0, next).is_ok())
        };
        let won = [replace(&shared, 0), other.join().expect("the other ends")];
        assert!(won[0] != won[1], "{won:?}");
        let last = shared.load();
        last.check();
        assert_eq!(last.counts, won.map(u8::from));
    });
}
