//! Settings of a Tokio runtime.

use metta_config::EvalConfig;
use tokio::runtime::Builder;

/// Makes a runtime with as many blocking threads as `config` allows.
///
/// A runtime cannot do without blocking threads: zero counts as one.
pub fn apply_to_runtime_builder(mut builder: Builder, config: EvalConfig) -> Builder {
    builder.max_blocking_threads(config.max_blocking_threads.max(1));
    builder
}
