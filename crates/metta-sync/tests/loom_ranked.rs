//! Two locks, taken in rank order by two threads.
//!
//! ```text
//! A:  lock 1 ── lock 2 ── move a unit from 1 to 2 ── unlock both
//! B:  lock 1 ── lock 2 ── move a unit from 1 to 2 ── unlock both
//! C:            lock 2 ── look ── unlock
//! ```
//! Explores every interleaving: none ends in a deadlock (loom would report it), no move is
//! lost, and C sees a number of whole moves.
#![cfg(metta_loom)]

use loom::sync::Arc;
use loom::thread;
use metta_sync::{Held, Ranked};

struct Accounts {
    from: Ranked<u32, 1>,
    to: Ranked<u32, 2>,
}

fn move_one(accounts: &Accounts) {
    let mut task = Held::root();
    let (mut from, mut held) = accounts.from.lock(&mut task);
    let (mut to, _) = accounts.to.lock(&mut held);
    *from -= 1;
    *to += 1;
}

#[test]
fn rising_ranks_neither_deadlock_nor_lose() {
    loom::model(|| {
        let accounts = Arc::new(Accounts { from: Ranked::new(2), to: Ranked::new(0) });
        let movers: Vec<_> = (0..2)
            .map(|_| {
                let accounts = Arc::clone(&accounts);
                thread::spawn(move || move_one(&accounts))
            })
            .collect();
        assert!(*accounts.to.lock(&mut Held::root()).0 <= 2);
        for mover in movers {
            mover.join().unwrap();
        }
        let mut task = Held::root();
        let (from, mut held) = accounts.from.lock(&mut task);
        let (to, _) = accounts.to.lock(&mut held);
        assert_eq!((*from, *to), (0, 2));
    });
}

/// Set in the child process that [`the_model_finds_a_deadlock_when_ranks_are_evaded`] starts.
const CHILD: &str = "METTA_LOOM_CHILD";

/// The model can fail: an order that the types refuse (here through a second root token)
/// deadlocks, and loom says so. It aborts the process, which is therefore a child.
#[test]
#[expect(clippy::disallowed_methods, reason = "tells the child process from the parent")]
fn the_model_finds_a_deadlock_when_ranks_are_evaded() {
    if std::env::var_os(CHILD).is_some() {
        evade_ranks();
        return;
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "the_model_finds_a_deadlock_when_ranks_are_evaded"])
        .env(CHILD, "1")
        .env("RUST_BACKTRACE", "0")
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "the child found no deadlock");
    assert!(stderr.contains("deadlock"), "the child failed for another reason: {stderr}");
}

fn evade_ranks() {
    loom::model(|| {
        let accounts = Arc::new(Accounts { from: Ranked::new(1), to: Ranked::new(0) });
        let other = Arc::clone(&accounts);
        let evader = thread::spawn(move || {
            let (mut first, mut second) = (Held::root(), Held::root());
            let _to = other.to.lock(&mut first);
            let _from = other.from.lock(&mut second);
        });
        move_one(&accounts);
        evader.join().unwrap();
    });
}
