//! Giving up in the middle of work that is not divided into steps.
//!
//! A collection of garbage, a long result list that is put together or taken out: each is one step, however
//! long it takes. Such work asks now and then whether it is still wanted. If not, the machine fails with
//! [`EvalError::Interrupted`](crate::EvalError::Interrupted) and has nothing more to say.
//!
//! Invariant U1: after work was given up nothing of the heap is read: the machine is failed, and ends.

use std::fmt;
use std::sync::Arc;

/// Cells, or parts of atoms, between two questions: some 50 µs of work.
pub(crate) const BETWEEN: u32 = 1 << 12;
/// How many cells are copied or looked at without counting each.
pub(crate) const PORTION: usize = BETWEEN as usize;

/// Says whether an evaluation should be given up, whenever its machine asks; clones ask the same.
///
/// A machine asks inside long steps only. Between two steps it is the caller who decides.
#[derive(Clone, Default)]
pub struct Interrupt(Option<Arc<dyn Fn() -> bool + Send + Sync>>);

impl Interrupt {
    pub(crate) const NEVER: Interrupt = Interrupt(None);

    /// Makes an interrupt of a question that can be asked from any thread and is answered at once. An answer `true`
    /// is final.
    pub fn new(is_raised: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Interrupt(Some(Arc::new(is_raised)))
    }

    /// Reports whether the evaluation should be given up.
    pub fn is_raised(&self) -> bool {
        self.0.as_ref().is_some_and(|is_raised| is_raised())
    }
}

impl fmt::Debug for Interrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Interrupt").field(&self.0.is_some()).finish()
    }
}

/// Counts work, and asks an interrupt now and then.
#[derive(Debug)]
pub(crate) struct Pulse<'a> {
    interrupt: &'a Interrupt,
    /// 0 for good once the answer was to give up.
    left: u32,
    over: bool,
}

impl<'a> Pulse<'a> {
    pub(crate) fn new(interrupt: &'a Interrupt) -> Self {
        Pulse { interrupt, left: BETWEEN, over: false }
    }

    /// Counts some work that is about to be done; reports whether it should be.
    #[inline]
    pub(crate) fn goes_on(&mut self, work: u32) -> bool {
        if work < self.left {
            self.left -= work;
            return true;
        }
        self.ask()
    }

    #[cold]
    fn ask(&mut self) -> bool {
        self.over = self.over || self.interrupt.is_raised();
        self.left = if self.over { 0 } else { BETWEEN };
        !self.over
    }

    /// Reports whether work was given up.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_gave_up_does_not_go_on() {
        let (asked, asks) = std::sync::mpsc::channel();
        let interrupt = Interrupt::new(move || asked.send(()).is_ok());
        let mut pulse = Pulse::new(&interrupt);
        let done = (0..).take_while(|_| pulse.goes_on(1 << 10)).count();
        assert_eq!(done, 3);
        assert!(!pulse.goes_on(0) && !pulse.goes_on(1) && pulse.is_over());
        // It was asked once.
        assert_eq!(asks.try_iter().count(), 1);
    }

    #[test]
    fn who_is_wanted_goes_on() {
        let (asked, asks) = std::sync::mpsc::channel();
        let interrupt = Interrupt::new(move || asked.send(()).is_err());
        let mut pulse = Pulse::new(&interrupt);
        assert!((0..BETWEEN * 10).all(|_| pulse.goes_on(1)) && !pulse.is_over());
        assert_eq!(asks.try_iter().count(), 10);
        let mut never = Pulse::new(&Interrupt::NEVER);
        assert!((0..100).all(|_| never.goes_on(u32::MAX)));
    }
}
