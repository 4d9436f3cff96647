//! A cell that holds the newest of a series of immutable values.
//!
//! Invariant S1: a load returns one published value, whole, and never an older one than an
//! earlier load of the same thread returned.
//!
//! Writers that derive the next value from the present one must exclude each other, by a
//! [`Ranked`](crate::Ranked) lock around load and publish; the cell alone lets the last one win.

use std::fmt;
use std::sync::Arc;

#[cfg(not(metta_loom))]
use arc_swap::ArcSwap as Cell;

/// The newest published `Arc<T>`.
///
/// Loading never waits for a publisher.
pub struct Snapshots<T> {
    cell: Cell<T>,
}

impl<T> Snapshots<T> {
    /// Makes a cell with its first value.
    pub fn new(first: Arc<T>) -> Self {
        Snapshots { cell: Cell::new(first) }
    }

    /// Returns the newest value. Cost: O(1), without a lock.
    pub fn load(&self) -> Arc<T> {
        self.cell.load_full()
    }

    /// Makes `next` what later loads return. Values loaded before stay as they are.
    pub fn publish(&self, next: Arc<T>) {
        self.cell.store(next);
    }
}

impl<T: Default> Default for Snapshots<T> {
    fn default() -> Self {
        Snapshots::new(Arc::new(T::default()))
    }
}

impl<T: fmt::Debug> fmt::Debug for Snapshots<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Snapshots").field(&self.load()).finish()
    }
}

/// Stands in for `ArcSwap`, whose internals loom cannot see: the same operations, each atomic.
#[cfg(metta_loom)]
struct Cell<T>(loom::sync::RwLock<Arc<T>>);

#[cfg(metta_loom)]
impl<T> Cell<T> {
    fn new(first: Arc<T>) -> Self {
        Cell(loom::sync::RwLock::new(first))
    }

    fn load_full(&self) -> Arc<T> {
        Arc::clone(&self.0.read().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }

    fn store(&self, next: Arc<T>) {
        *self.0.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = next;
    }
}

#[cfg(all(test, not(metta_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_loaded_value_does_not_move() {
        let cell = Snapshots::new(Arc::new(1));
        let before = cell.load();
        cell.publish(Arc::new(2));
        assert_eq!((*before, *cell.load()), (1, 2));
    }

    #[test]
    fn loads_are_whole_and_never_go_back() {
        let cell = Snapshots::new(Arc::new((0u64, 0u64)));
        // Under Miri each is some milliseconds.
        let most = if cfg!(miri) { 100 } else { 10_000 };
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for n in 1..=most {
                    cell.publish(Arc::new((n, n * 3)));
                }
            });
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut last = 0;
                    while last < most {
                        let value = cell.load();
                        // S1: whole, and not older than the one before.
                        assert_eq!(value.1, value.0 * 3);
                        assert!(value.0 >= last);
                        last = value.0;
                    }
                });
            }
        });
    }
}
