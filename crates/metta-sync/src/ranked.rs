//! Locks that know their place in the lock order.
//!
//! Threads that take locks in one global order cannot wait for each other in a circle.
//! Here the order is a number in the lock's type, and a token in the caller's hands says
//! how far up that order the caller already is:
//!
//! ```text
//! task ── Held<0> ──lock(A: 1)──▶ Held<1> ──lock(C: 3)──▶ Held<3>
//!            └ borrowed until Held<1> and A's guard end
//! ```
//!
//! Invariant R1: while a lock of rank `n` is held through a token, no lock of rank `n` or
//! below can be taken through that token or through one that it came from.
//!
//! The compiler follows one chain of tokens. A task that makes a second root token, or
//! smuggles a guard into a structure that outlives its borrow by leaking it, is outside
//! of what it can see; so the scheduler makes one root per task and hands it down.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

#[cfg(metta_loom)]
use loom::sync as imp;
#[cfg(not(metta_loom))]
use parking_lot as imp;

/// The right to take locks above `RANK`.
///
/// [`Held::root`] begins a chain; [`Ranked::lock`] lengthens it.
pub struct Held<'a, const RANK: u8> {
    // Mutably borrowing the token below for as long as this one lives keeps R1: without it,
    // a guard could be dropped, and its rank taken again, under a guard of a higher rank.
    below: PhantomData<&'a mut ()>,
}

impl Held<'static, 0> {
    /// Begins the chain of one task, which holds no lock yet.
    pub fn root() -> Self {
        Held { below: PhantomData }
    }
}

impl<const RANK: u8> fmt::Debug for Held<'_, RANK> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Held<{RANK}>")
    }
}

/// A value behind a lock of rank `RANK`, which is 1 or more.
///
/// The lock is not poisoned by a panic: the value stays as the panicking holder left it.
pub struct Ranked<T, const RANK: u8> {
    inner: imp::Mutex<T>,
}

impl<T, const RANK: u8> Ranked<T, RANK> {
    /// Puts `value` behind a new lock.
    pub fn new(value: T) -> Self {
        Ranked { inner: imp::Mutex::new(value) }
    }

    /// Takes the lock, and gives the token for locks of higher rank.
    ///
    /// Blocks: while another thread holds the lock. Both results borrow `below`, so locks
    /// are given back before any of the same or a lower rank is taken:
    ///
    /// ```
    /// # use metta_sync::{Held, Ranked};
    /// let (first, second) = (Ranked::<_, 1>::new(1), Ranked::<_, 2>::new(2));
    /// let mut task = Held::root();
    /// let (a, mut held) = first.lock(&mut task);
    /// let (b, _) = second.lock(&mut held);
    /// assert_eq!(*a + *b, 3);
    /// ```
    ///
    /// The other order does not compile,
    ///
    /// ```compile_fail,E0080
    /// # use metta_sync::{Held, Ranked};
    /// let (first, second) = (Ranked::<_, 1>::new(1), Ranked::<_, 2>::new(2));
    /// let mut task = Held::root();
    /// let (b, mut held) = second.lock(&mut task);
    /// let (a, _) = first.lock(&mut held);
    /// ```
    ///
    /// nor does taking two locks with one token,
    ///
    /// ```compile_fail,E0499
    /// # use metta_sync::{Held, Ranked};
    /// let (first, second) = (Ranked::<_, 1>::new(1), Ranked::<_, 2>::new(2));
    /// let mut task = Held::root();
    /// let (b, _) = second.lock(&mut task);
    /// let (a, _) = first.lock(&mut task);
    /// drop((a, b));
    /// ```
    ///
    /// nor going back down while a higher lock is held.
    ///
    /// ```compile_fail,E0499
    /// # use metta_sync::{Held, Ranked};
    /// let (first, second) = (Ranked::<_, 1>::new(1), Ranked::<_, 2>::new(2));
    /// let mut task = Held::root();
    /// let (a, mut held) = first.lock(&mut task);
    /// let (b, _) = second.lock(&mut held);
    /// drop(a);
    /// let (a, _) = first.lock(&mut task);
    /// drop((a, b));
    /// ```
    pub fn lock<'a, const BELOW: u8>(
        &'a self,
        _below: &'a mut Held<'_, BELOW>,
    ) -> (Guard<'a, T>, Held<'a, RANK>) {
        // R1: checked when the call is compiled, for each pair of ranks.
        const { assert!(BELOW < RANK, "lock order: take locks in rising rank") };
        (Guard { inner: acquire(&self.inner) }, Held { below: PhantomData })
    }

    /// Gives access without locking; the exclusive borrow is the proof that nobody else looks.
    #[cfg(not(metta_loom))]
    pub fn get_mut(&mut self) -> &mut T {
        self.inner.get_mut()
    }

    /// Takes the value out.
    #[cfg(not(metta_loom))]
    pub fn into_inner(self) -> T {
        self.inner.into_inner()
    }

    /// Gives access without locking; the exclusive borrow is the proof that nobody else looks.
    #[cfg(metta_loom)]
    pub fn get_mut(&mut self) -> &mut T {
        self.inner.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Takes the value out.
    #[cfg(metta_loom)]
    pub fn into_inner(self) -> T {
        self.inner.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(not(metta_loom))]
fn acquire<T>(mutex: &imp::Mutex<T>) -> imp::MutexGuard<'_, T> {
    mutex.lock()
}

#[cfg(metta_loom)]
fn acquire<T>(mutex: &imp::Mutex<T>) -> imp::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl<T: Default, const RANK: u8> Default for Ranked<T, RANK> {
    fn default() -> Self {
        Ranked::new(T::default())
    }
}

impl<T, const RANK: u8> fmt::Debug for Ranked<T, RANK> {
    /// Shows the rank only: looking at the value would take the lock out of order.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ranked").field("rank", &RANK).finish_non_exhaustive()
    }
}

/// Access to a locked value; dropping it gives the lock back.
///
/// It stays on the thread that took it, so a future that holds it across an `.await` is not `Send`.
pub struct Guard<'a, T> {
    inner: imp::MutexGuard<'a, T>,
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

impl<T: fmt::Debug> fmt::Debug for Guard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

#[cfg(all(test, not(metta_loom)))]
mod tests {
    use super::*;

    #[test]
    fn locks_of_rising_rank_are_held_together() {
        let (low, high) = (Ranked::<_, 1>::new(1), Ranked::<_, 7>::new(2));
        let mut task = Held::root();
        {
            let (mut low, mut held) = low.lock(&mut task);
            let (high, _) = high.lock(&mut held);
            *low += *high;
        }
        // R1: given back, the same ranks can be taken again.
        let (low, _) = low.lock(&mut task);
        assert_eq!(*low, 3);
    }

    #[test]
    fn a_panic_does_not_poison() {
        let lock = Ranked::<_, 1>::new(0);
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut task = Held::root();
            let (mut value, _) = lock.lock(&mut task);
            *value = 5;
            panic!("holder panics");
        }));
        assert!(result.is_err());
        assert_eq!(*lock.lock(&mut Held::root()).0, 5);
    }

    #[test]
    fn writers_exclude_each_other() {
        let lock = Ranked::<_, 1>::new(0u32);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut task = Held::root();
                    for _ in 0..1000 {
                        let (mut value, _) = lock.lock(&mut task);
                        *value += 1;
                    }
                });
            }
        });
        assert_eq!(lock.into_inner(), 4000);
    }
}
