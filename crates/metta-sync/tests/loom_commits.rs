//! A batch: a coordinator and a helper take expressions, and the coordinator commits in order.
//!
//! ```text
//!  coordinator  take ── evaluate ── commit what is next ── wait for reports ── ... ── send everybody home
//!  helper       take ── evaluate ── report ── take ── ... ── nothing left, or unwanted
//! ```

#![cfg(metta_loom)]
#![expect(clippy::unwrap_used, reason = "a failure fails the test")]

use loom::sync::Arc;
use loom::sync::mpsc::{Receiver, Sender, channel};
use loom::thread;
use metta_sync::{Claims, Held, Ranked};

type Queue = Ranked<Claims, 1>;

fn with<T>(queue: &Queue, f: impl FnOnce(&mut Claims) -> T) -> T {
    f(&mut queue.lock(&mut Held::root()).0)
}

/// Evaluates until nothing is left; `back` gives the rest of each piece back, as one does whose expression takes long.
fn help(queue: &Queue, reports: &Sender<usize>, size: usize, back: bool) {
    while let Some((mut piece, again)) = with(queue, |claims| claims.take(size)) {
        if back && !again && piece.len() > 1 {
            let rest = piece.start + 1..piece.end;
            with(queue, |claims| claims.give_back(rest));
            piece.end = piece.start + 1;
        }
        for index in piece {
            if !with(queue, |claims| claims.wants(index)) || reports.send(index).is_err() {
                return;
            }
        }
    }
}

/// Commits in order, up to and with the expression that changes the world; returns what was committed.
fn coordinate(queue: &Queue, reports: &Receiver<usize>, n: usize, changes: Option<usize>) -> Vec<usize> {
    let mut ended = vec![false; n];
    let mut committed = Vec::new();
    loop {
        while committed.len() < n && ended[committed.len()] {
            let index = committed.len();
            committed.push(index);
            if changes == Some(index) {
                // The rest begins anew.
                with(queue, |claims| claims.cut(index + 1));
                return committed;
            }
        }
        if committed.len() == n {
            return committed;
        }
        match with(queue, |claims| claims.take(1)) {
            Some((piece, _)) => piece.for_each(|index| ended[index] = true),
            // Wake-up: what nobody has is under way or reported already.
            None => {
                let index = reports.recv().unwrap();
                assert!(!std::mem::replace(&mut ended[index], true), "{index} was evaluated twice");
            }
        }
    }
}

fn batch(n: usize, size: usize, back: bool, changes: Option<usize>) {
    loom::model(move || {
        let queue = Arc::new(Queue::new(Claims::new(n)));
        let (sender, reports) = channel();
        let helper = {
            let queue = Arc::clone(&queue);
            thread::spawn(move || help(&queue, &sender, size, back))
        };
        let committed = coordinate(&queue, &reports, n, changes);
        let last = changes.map_or(n, |index| index + 1);
        assert_eq!(committed, (0..last).collect::<Vec<_>>());
        // Shutdown: the helper ends by itself, whatever it was doing.
        with(&queue, |claims| claims.cut(0));
        helper.join().unwrap();
        assert_eq!(with(&queue, |claims| claims.unclaimed()), 0);
    });
}

/// C1: everything is evaluated once and committed in order.
#[test]
fn all_commit_in_order() {
    batch(3, 2, false, None);
}

/// C1: what is given back is evaluated by whoever comes first.
#[test]
fn what_comes_back_is_not_lost() {
    batch(3, 3, true, None);
}

/// Nothing behind a change of the world is committed, and nobody waits for it.
#[test]
fn a_change_ends_the_batch() {
    batch(3, 2, false, Some(0));
    batch(3, 2, true, Some(1));
}
