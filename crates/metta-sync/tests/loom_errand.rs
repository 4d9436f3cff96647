//! One thread offers work and comes back for it, another does it.
//!
//! ```text
//!  offer ──────── meet          The worker may begin before, after or never;
//!     begin ── finish           the giver may meet it before or after the end.
//! ```

#![cfg(metta_loom)]
#![expect(clippy::unwrap_used, reason = "a failure fails the test")]

use loom::sync::Arc;
use loom::thread;
use metta_sync::{Errand, Met, Places};

type Work = Errand<u8, u8, &'static str>;

/// N1: exactly one of the two threads goes on, with all that is needed for it.
#[test]
fn exactly_one_goes_on() {
    loom::model(|| {
        let errand = Arc::new(Work::new(7));
        let other = Arc::clone(&errand);
        let worker = thread::spawn(move || {
            let Some(work) = other.begin() else { return 0 };
            match other.finish(work + 1) {
                Some((result, waiter)) => {
                    assert_eq!((result, waiter), (8, "giver"));
                    1
                }
                None => 0,
            }
        });
        let here = match errand.meet("giver") {
            Met::NotBegun(work, waiter) => {
                assert_eq!((work, waiter), (7, "giver"));
                1
            }
            Met::Done(result, waiter) => {
                assert_eq!((result, waiter), (8, "giver"));
                1
            }
            Met::Left => 0,
        };
        assert_eq!(here + worker.join().unwrap(), 1);
    });
}

/// Shutdown: a giver that stops waiting is not woken, or was already.
#[test]
fn a_giver_leaves_or_is_woken() {
    loom::model(|| {
        let errand = Arc::new(Work::new(7));
        let other = Arc::clone(&errand);
        let worker = thread::spawn(move || other.begin().is_some_and(|work| other.finish(work).is_some()));
        let met = errand.meet("giver");
        let waited = met == Met::Left;
        let left = errand.leave().is_some();
        let woken = worker.join().unwrap();
        assert_eq!(waited, left || woken);
        assert!(!(left && woken));
    });
}

/// No more places are taken than there are, and none is lost.
#[test]
fn places_are_bounded() {
    loom::model(|| {
        let places = Arc::new(Places::new());
        places.take();
        let other = Arc::clone(&places);
        let worker = thread::spawn(move || {
            let taken = other.take_below(2);
            assert!(other.taken() <= 3);
            taken
        });
        let here = places.take_below(2);
        let there = worker.join().unwrap();
        assert!(!(here && there) || places.taken() <= 2);
        assert_eq!(places.taken(), 1 + u64::from(here) + u64::from(there));
        assert!(here || there);
        assert!(places.taken() <= 2);
    });
}
