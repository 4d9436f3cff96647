//! Two writers derive the next value from the present one under a lock; a reader looks twice.
//!
//! ```text
//! W1:  lock ── load v ── publish v+1 ── unlock
//! W2:  lock ── load v ── publish v+1 ── unlock
//! R:        load a          load b             a ≤ b, both whole
//! ```
//! At the end the version is 2: no update is lost.
#![cfg(metta_loom)]

use std::sync::Arc;

use loom::thread;
use metta_sync::{Held, Ranked, Snapshots};

/// A value with a redundancy, so that a torn one would show.
struct Versioned {
    version: u32,
    triple: u32,
}

struct Published {
    writing: Ranked<(), 1>,
    newest: Snapshots<Versioned>,
}

impl Published {
    fn new() -> Self {
        let first = Arc::new(Versioned { version: 0, triple: 0 });
        Published { writing: Ranked::new(()), newest: Snapshots::new(first) }
    }

    fn write(&self) {
        let mut task = Held::root();
        let _writing = self.writing.lock(&mut task);
        let version = self.newest.load().version + 1;
        self.newest.publish(Arc::new(Versioned { version, triple: version * 3 }));
    }
}

#[test]
fn no_update_is_lost_and_versions_never_go_back() {
    loom::model(|| {
        let published = Arc::new(Published::new());
        let writers: Vec<_> = (0..2)
            .map(|_| {
                let published = Arc::clone(&published);
                thread::spawn(move || published.write())
            })
            .collect();
        let (first, second) = (published.newest.load(), published.newest.load());
        assert!(first.version <= second.version);
        assert_eq!(first.triple, first.version * 3);
        assert_eq!(second.triple, second.version * 3);
        for writer in writers {
            writer.join().unwrap();
        }
        assert_eq!(published.newest.load().version, 2);
    });
}

/// The model can fail: without the lock it finds the interleaving that loses an update.
#[test]
#[should_panic(expected = "lost update")]
fn the_model_finds_the_lost_update_without_the_lock() {
    loom::model(|| {
        let newest = Arc::new(Snapshots::new(Arc::new(0u32)));
        let other = Arc::clone(&newest);
        let writer = thread::spawn(move || other.publish(Arc::new(*other.load() + 1)));
        newest.publish(Arc::new(*newest.load() + 1));
        writer.join().unwrap();
        assert_eq!(*newest.load(), 2, "lost update");
    });
}
