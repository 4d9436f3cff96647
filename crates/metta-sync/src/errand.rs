//! Work that one thread offers to others and comes back for, without anybody waiting on a lock.
//!
//! ```text
//!  offered ──begin──► begun ──finish──► done ──meet──► over
//!     │                 └──meet──► awaited ──finish──► over: whoever finishes goes on as the one who came
//!     └──meet──► over: nobody had begun, the work comes back
//! ```
//!
//! Invariant N1: the work, its result and the one who came for it are each given out exactly once: whichever of
//! the two threads comes second gets all there is.

use crate::{Held, Ranked};

/// A piece of work `I` with a result `R`, for which a `W` comes back.
#[derive(Debug)]
pub struct Errand<I, R, W>(Ranked<State<I, R, W>, 8>);

#[derive(Debug)]
enum State<I, R, W> {
    Offered(I),
    Begun,
    Done(R),
    Awaited(W),
    Over,
}

/// What the one who comes back finds.
#[derive(Debug, PartialEq, Eq)]
pub enum Met<I, R, W> {
    /// Nobody had begun: the work is the caller's again.
    NotBegun(I, W),
    /// The result.
    Done(R, W),
    /// Somebody is at it, and gets the one who came when it is done.
    Left,
}

impl<I, R, W> Errand<I, R, W> {
    /// Offers work.
    pub fn new(work: I) -> Self {
        Errand(Ranked::new(State::Offered(work)))
    }

    fn change<T>(&self, f: impl FnOnce(State<I, R, W>) -> (State<I, R, W>, T)) -> T {
        let mut task = Held::root();
        let (mut state, _) = self.0.lock(&mut task);
        let (next, answer) = f(std::mem::replace(&mut state, State::Over));
        *state = next;
        answer
    }

    /// Takes the work, unless it was taken or came back.
    pub fn begin(&self) -> Option<I> {
        self.change(|state| match state {
            State::Offered(work) => (State::Begun, Some(work)),
            other @ (State::Begun | State::Done(_) | State::Awaited(_) | State::Over) => (other, None),
        })
    }

    /// Leaves the result of work that was begun; returns it with the one who came for it, if that happened already.
    pub fn finish(&self, result: R) -> Option<(R, W)> {
        self.change(|state| match state {
            State::Awaited(waiter) => (State::Over, Some((result, waiter))),
            State::Begun => (State::Done(result), None),
            other @ (State::Offered(_) | State::Done(_) | State::Over) => (other, None),
        })
    }

    /// Comes back for the result.
    pub fn meet(&self, waiter: W) -> Met<I, R, W> {
        self.change(|state| match state {
            State::Offered(work) => (State::Over, Met::NotBegun(work, waiter)),
            State::Done(result) => (State::Over, Met::Done(result, waiter)),
            State::Begun | State::Awaited(_) | State::Over => (State::Awaited(waiter), Met::Left),
        })
    }

    /// Takes the one who came away again: nobody awaits the result any more. `None` when it was given out.
    pub fn leave(&self) -> Option<W> {
        self.change(|state| match state {
            State::Awaited(waiter) => (State::Over, Some(waiter)),
            other @ (State::Offered(_) | State::Begun | State::Done(_) | State::Over) => (other, None),
        })
    }
}

#[cfg(all(test, not(metta_loom)))]
mod tests {
    use super::*;

    type Plain = Errand<&'static str, u8, char>;

    #[test]
    fn whoever_comes_second_gets_all() {
        // N1
        let errand = Plain::new("work");
        assert_eq!(errand.begin(), Some("work"));
        assert_eq!(errand.begin(), None);
        assert_eq!(errand.finish(1), None);
        assert_eq!(errand.meet('a'), Met::Done(1, 'a'));

        let errand = Plain::new("work");
        errand.begin();
        assert_eq!(errand.meet('a'), Met::Left);
        assert_eq!(errand.finish(1), Some((1, 'a')));
    }

    #[test]
    fn work_that_nobody_began_comes_back() {
        let errand = Plain::new("work");
        assert_eq!(errand.meet('a'), Met::NotBegun("work", 'a'));
        assert_eq!(errand.begin(), None);
    }

    #[test]
    fn who_leaves_is_not_given_out() {
        let errand = Plain::new("work");
        errand.begin();
        assert_eq!(errand.leave(), None);
        assert_eq!(errand.meet('a'), Met::Left);
        assert_eq!(errand.leave(), Some('a'));
        assert_eq!(errand.finish(1), None);
    }
}
