//! How a bridge works.

use metta_config::EvalConfig;
use metta_sched::RunLimits;

use super::Bridge;
use crate::Codec;

const DEFAULT_CACHE_BYTES: usize = 256 << 20;

/// Settings of a [`Bridge`] to be.
#[derive(Clone, Debug)]
pub struct Builder {
    pub(super) codec: Codec,
    pub(super) limits: RunLimits,
    pub(super) config: Option<EvalConfig>,
    pub(super) keep_going: bool,
    pub(super) undo_escapes: bool,
    pub(super) cache_bytes: usize,
}

impl Default for Builder {
    fn default() -> Self {
        Builder {
            codec: Codec::default(),
            limits: RunLimits::default(),
            config: None,
            keep_going: false,
            undo_escapes: false,
            cache_bytes: DEFAULT_CACHE_BYTES,
        }
    }
}

impl Builder {
    /// Sets dialect, layout, depth and the library.
    pub fn codec(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self
    }

    /// Sets the limits of each run.
    pub fn limits(mut self, limits: RunLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets how many threads a run may use; the default is that of the process.
    pub fn config(mut self, config: EvalConfig) -> Self {
        self.config = Some(config);
        self
    }

    /// Goes on after a result list with an `Error`.
    pub fn keep_going(mut self, keep_going: bool) -> Self {
        self.keep_going = keep_going;
        self
    }

    /// Reads `\"` and `\\` in a source as `"` and `\`: the node does not process escapes of its strings.
    pub fn undo_escapes(mut self, undo_escapes: bool) -> Self {
        self.undo_escapes = undo_escapes;
        self
    }

    /// Sets about how many bytes the states that were seen lately may take; 0 keeps none.
    pub fn cache_bytes(mut self, cache_bytes: usize) -> Self {
        self.cache_bytes = cache_bytes;
        self
    }

    /// Makes the bridge.
    pub fn build(self) -> Bridge {
        Bridge::with(self)
    }
}
