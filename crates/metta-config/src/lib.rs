#![doc = include_str!("../README.md")]

use std::sync::{Arc, OnceLock};
use std::thread::available_parallelism;

use metta_sync::Snapshots;

/// How the expressions of a batch are spread over threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EvalConfig {
    /// How many expressions may be evaluated at the same moment; 0 counts as 1.
    pub max_blocking_threads: usize,
    /// How many expressions a portion of work begins with, before their cost is known; 0 counts as 1.
    pub batch_size_hint: usize,
}

impl EvalConfig {
    /// The names that [`from_profile`](EvalConfig::from_profile) knows.
    pub const PROFILES: [&str; 4] = ["default", "cpu", "memory", "throughput"];

    /// Returns settings for programs that compute: twice as many threads as processors.
    pub fn cpu_optimized() -> Self {
        EvalConfig { max_blocking_threads: 2 * processors(), ..EvalConfig::default() }
    }

    /// Returns settings for little memory: as many threads as processors, in small portions.
    pub fn memory_optimized() -> Self {
        EvalConfig { max_blocking_threads: processors(), batch_size_hint: 8 }
    }

    /// Returns settings for many expressions at once: 1,024 threads, in large portions.
    pub fn throughput_optimized() -> Self {
        EvalConfig { max_blocking_threads: 1024, batch_size_hint: 128 }
    }

    /// Returns the settings called `name`: `default`, `cpu`, `memory` or `throughput`.
    pub fn from_profile(name: &str) -> Option<Self> {
        match name {
            "default" => Some(EvalConfig::default()),
            "cpu" => Some(EvalConfig::cpu_optimized()),
            "memory" => Some(EvalConfig::memory_optimized()),
            "throughput" => Some(EvalConfig::throughput_optimized()),
            _ => None,
        }
    }
}

impl Default for EvalConfig {
    /// Returns 512 threads, the size of Tokio's own blocking pool, and portions of 32.
    fn default() -> Self {
        EvalConfig { max_blocking_threads: 512, batch_size_hint: 32 }
    }
}

/// How many threads take part in a run, where the number follows the work.
///
/// A run begins with `min_threads`. When its threads evaluate for more than `target_utilization` of their time, and work is
/// left, one is added, up to `max_threads`; when they evaluate for less than half of that, one leaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdaptiveEvalConfig {
    /// The fewest threads; 0 counts as 1.
    pub min_threads: usize,
    /// The most threads; fewer than `min_threads` count as that.
    pub max_threads: usize,
    /// The part of their time for which threads should evaluate, above 0 and at most 1; what is no such part counts as 0.8.
    pub target_utilization: f64,
}

impl AdaptiveEvalConfig {
    const TARGET: f64 = 0.8;

    /// Returns the settings with what is out of range replaced.
    pub fn checked(self) -> Self {
        let min_threads = self.min_threads.max(1);
        let usable = self.target_utilization > 0.0 && self.target_utilization <= 1.0;
        AdaptiveEvalConfig {
            min_threads,
            max_threads: self.max_threads.max(min_threads),
            target_utilization: if usable { self.target_utilization } else { AdaptiveEvalConfig::TARGET },
        }
    }
}

impl Default for AdaptiveEvalConfig {
    /// Returns one thread up to as many as there are processors, at four fifths of their time.
    fn default() -> Self {
        AdaptiveEvalConfig {
            min_threads: 1,
            max_threads: processors(),
            target_utilization: AdaptiveEvalConfig::TARGET,
        }
    }
}

/// How many processors the process may use, as it was when that was first asked.
///
/// Asking the system opens files of its own, which takes longer than a small evaluation.
pub fn processors() -> usize {
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    *PROCESSORS.get_or_init(|| available_parallelism().map_or(1, usize::from))
}

/// The default of the process, the one global of the libraries.
static PROCESS_DEFAULT: OnceLock<Snapshots<EvalConfig>> = OnceLock::new();

fn process_default() -> &'static Snapshots<EvalConfig> {
    PROCESS_DEFAULT.get_or_init(Snapshots::default)
}

/// Sets the settings of every later call that is not given its own; the last call counts.
pub fn configure_eval(config: EvalConfig) {
    process_default().publish(Arc::new(config));
}

/// Returns the settings of calls that are not given their own.
pub fn get_eval_config() -> EvalConfig {
    *process_default().load()
}
