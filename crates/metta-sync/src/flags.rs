//! A switch and numbers that threads share.

#[cfg(metta_loom)]
use loom::sync::atomic as imp;
#[cfg(not(metta_loom))]
use std::sync::atomic as imp;

use imp::Ordering;

/// A switch that is turned on once, such as a request to stop.
#[derive(Debug, Default)]
pub struct Flag(imp::AtomicBool);

impl Flag {
    /// Makes a flag that is off.
    pub fn new() -> Self {
        Flag(imp::AtomicBool::new(false))
    }

    /// Turns the flag on. What the caller wrote before is visible to whoever then sees it on.
    pub fn raise(&self) {
        // Release: pairs with the Acquire in `is_raised`.
        self.0.store(true, Ordering::Release);
    }

    /// Reports whether the flag is on.
    pub fn is_raised(&self) -> bool {
        // Acquire: pairs with the Release in `raise`.
        self.0.load(Ordering::Acquire)
    }
}

/// A number that threads add to, for statistics and for dealing out indices.
///
/// It orders nothing but itself: it is not a way to tell another thread that data is ready.
#[derive(Debug, Default)]
pub struct Counter(imp::AtomicU64);

impl Counter {
    /// Makes a counter with a first value.
    pub fn new(first: u64) -> Self {
        Counter(imp::AtomicU64::new(first))
    }

    /// Adds `n` and returns the value before, which no other call with `n > 0` returns.
    pub fn add(&self, n: u64) -> u64 {
        // Relaxed: the value publishes no other data, so it pairs with nothing.
        self.0.fetch_add(n, Ordering::Relaxed)
    }

    /// Raises the value to `n` if it is below.
    pub fn at_least(&self, n: u64) {
        // Relaxed: as in `add`.
        self.0.fetch_max(n, Ordering::Relaxed);
    }

    /// Returns the value.
    pub fn get(&self) -> u64 {
        // Relaxed: as in `add`.
        self.0.load(Ordering::Relaxed)
    }
}

/// How many threads compute, of as many as may.
///
/// It orders nothing but itself, as [`Counter`].
#[derive(Debug, Default)]
pub struct Places(imp::AtomicU64);

impl Places {
    /// Makes places of which none is taken.
    pub fn new() -> Self {
        Places(imp::AtomicU64::new(0))
    }

    /// Takes a place, however many are taken.
    pub fn take(&self) {
        // Relaxed: as in `Counter::add`.
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes a place if fewer than `most` are taken.
    pub fn take_below(&self, most: u64) -> bool {
        // Relaxed: as in `Counter::add`.
        let taken = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| (taken < most).then_some(taken + 1));
        taken.is_ok()
    }

    /// Gives a place back.
    pub fn leave(&self) {
        // Relaxed: as in `Counter::add`.
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// Returns how many are taken.
    pub fn taken(&self) -> u64 {
        // Relaxed: as in `Counter::add`.
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(all(test, not(metta_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_flag_stays_on() {
        let flag = Flag::new();
        assert!(!flag.is_raised());
        flag.raise();
        flag.raise();
        assert!(flag.is_raised());
    }

    #[test]
    fn no_addition_is_lost_and_no_index_given_twice() {
        let counter = Counter::new(0);
        let mut dealt: Vec<u64> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| (0..500).map(|_| counter.add(1)).collect::<Vec<_>>()))
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        dealt.sort_unstable();
        assert_eq!(dealt, (0..2000).collect::<Vec<_>>());
        counter.at_least(10);
        assert_eq!(counter.get(), 2000);
        counter.at_least(3000);
        assert_eq!(counter.get(), 3000);
    }
}
