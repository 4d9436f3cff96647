//! The default of the process. One test, since it is one global.

use metta_config::{EvalConfig, configure_eval, get_eval_config};

#[test]
fn the_last_call_counts() {
    assert_eq!(get_eval_config(), EvalConfig { max_blocking_threads: 512, batch_size_hint: 32 });

    configure_eval(EvalConfig { max_blocking_threads: 3, batch_size_hint: 64 });
    assert_eq!(get_eval_config().max_blocking_threads, 3);
    assert_eq!(get_eval_config().batch_size_hint, 64);

    configure_eval(EvalConfig::throughput_optimized());
    assert_eq!(get_eval_config(), EvalConfig { max_blocking_threads: 1024, batch_size_hint: 128 });
}
