//! Whether tabling a function pays.

/// Calls whose answers were not known, after which the gain is judged.
const SAMPLE: u32 = 1 << 9;
/// Calls after which it is judged in any case.
const LONG_SAMPLE: u32 = 1 << 12;
/// Reductions that looking a call up is worth.
const WORTH: u64 = 8;
/// Pauses of the machine in calls of a function, after which one that did not pay is tried again.
const FIRST_REST: u32 = 1 << 9;

/// What is known about the calls of a function.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Profile {
    /// Whether some rule of the function calls it more than once.
    pub(crate) branches: bool,
    /// Calls since the last judgement, and those among them whose answers were not known.
    calls: u32,
    unknown: u32,
    /// Reductions that were saved since then.
    saved: u64,
    /// How often it was given up.
    given_up: u8,
    /// The pauses until it is tried again; 0 while it is tried.
    rest: u32,
}

impl Profile {
    /// Reports whether tabling the function is worth a try.
    pub(crate) fn is_promising(&self) -> bool {
        self.branches && self.rest == 0
    }

    /// Notes a call, which counts as `cost` calls, and how many reductions were saved if its answer was known;
    /// reports whether tabling has turned out not to pay.
    pub(crate) fn note_call(&mut self, saved: Option<u64>, cost: u32) -> bool {
        self.calls += cost;
        self.unknown += if saved.is_none() { cost } else { 0 };
        self.saved = self.saved.saturating_add(saved.unwrap_or(0));
        if self.unknown < SAMPLE && self.calls < LONG_SAMPLE {
            return false;
        }
        let pays = self.saved >= WORTH * u64::from(self.calls);
        (self.calls, self.unknown, self.saved) = (0, 0, 0);
        if !pays {
            // Each time it rests longer.
            self.rest = FIRST_REST << self.given_up.min(16);
            self.given_up = self.given_up.saturating_add(1);
        }
        !pays
    }

    /// Notes that the machine paused in a call; reports whether tabling is to be tried again.
    pub(crate) fn note_pause(&mut self) -> bool {
        let ends = self.rest == 1;
        self.rest = self.rest.saturating_sub(1);
        ends
    }
}
