//! How many threads a run uses, where that is not fixed.
//!
//! The *load* of some threads is the part of their time in which they evaluated: the rest they waited for work or for
//! a place in the runtime. A high load says that one more would find work, a low one that one is too many.

use std::time::Duration;

use metta_config::AdaptiveEvalConfig;

/// The load is looked at when the threads have had so much time.
const LOOK: Duration = Duration::from_millis(2);
/// Below this part of the target a thread is too many.
const LOW: f64 = 0.5;

/// The number of threads of a run, as it goes on.
#[derive(Debug)]
pub(crate) struct Size {
    config: AdaptiveEvalConfig,
    threads: usize,
    /// Evaluating, and in all, since the last look.
    busy: Duration,
    had: Duration,
}

impl Size {
    pub(crate) fn new(config: AdaptiveEvalConfig) -> Self {
        let config = config.checked();
        Size { config, threads: config.min_threads, busy: Duration::ZERO, had: Duration::ZERO }
    }

    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    pub(crate) fn most(&self) -> usize {
        self.config.max_threads
    }

    /// Learns that the threads evaluated for `busy` out of `span`, and reports whether the number has changed.
    /// `wanted` tells whether there is work that nobody has taken.
    pub(crate) fn learn(&mut self, busy: Duration, span: Duration, wanted: bool) -> bool {
        self.busy += busy;
        self.had += span.saturating_mul(u32::try_from(self.threads).unwrap_or(u32::MAX));
        if self.had < LOOK {
            return false;
        }
        let load = self.busy.as_secs_f64() / self.had.as_secs_f64();
        (self.busy, self.had) = (Duration::ZERO, Duration::ZERO);
        let before = self.threads;
        if load > self.config.target_utilization && wanted {
            self.threads = (before + 1).min(self.config.max_threads);
        } else if load < LOW * self.config.target_utilization {
            self.threads = (before - 1).max(self.config.min_threads);
        }
        self.threads != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn size(min_threads: usize, max_threads: usize, target_utilization: f64) -> Size {
        Size::new(AdaptiveEvalConfig { min_threads, max_threads, target_utilization })
    }

    #[test]
    fn it_grows_under_load_and_shrinks_without() {
        let mut size = size(1, 4, 0.8);
        let mut seen = vec![size.threads()];
        for part in [10, 10, 10, 10, 6, 6, 3, 3, 3, 3, 9] {
            let span = 4 * MS;
            let threads = u32::try_from(size.threads()).unwrap();
            size.learn(span * threads * part / 10, span, true);
            seen.push(size.threads());
        }
        assert_eq!(seen, [1, 2, 3, 4, 4, 4, 4, 3, 2, 1, 1, 2]);
    }

    #[test]
    fn it_does_not_grow_for_nothing_or_at_once() {
        let mut size = size(1, 8, 0.8);
        assert!(!size.learn(8 * MS, 8 * MS, false));
        assert!(!size.learn(MS, MS, true));
        assert!(size.learn(MS, MS, true));
        assert_eq!(size.threads(), 2);
    }

    #[test]
    fn bounds_are_kept_whatever_they_are() {
        for (min, max, target) in [(0, 0, 0.0), (5, 2, f64::NAN), (3, 3, -1.0), (1, 2, f64::INFINITY)] {
            let mut size = size(min, max, target);
            for part in [1, 1, 1, 0, 0, 0] {
                assert!((min.max(1)..=max.max(min).max(1)).contains(&size.threads()), "{size:?}");
                size.learn(8 * MS * part, 8 * MS, true);
            }
        }
    }
}
