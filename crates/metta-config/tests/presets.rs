//! Presets and their names.

use metta_config::EvalConfig;

#[test]
fn presets_follow_the_processors() {
    let processors = std::thread::available_parallelism().unwrap().get();
    assert_eq!(EvalConfig::cpu_optimized().max_blocking_threads, 2 * processors);
    assert_eq!(EvalConfig::memory_optimized().max_blocking_threads, processors);
    assert_eq!(EvalConfig::throughput_optimized().max_blocking_threads, 1024);
    assert_eq!(EvalConfig::throughput_optimized().batch_size_hint, 128);
}

#[test]
fn profiles_are_found_by_name_only() {
    let named = |name| EvalConfig::from_profile(name);
    assert_eq!(named("default"), Some(EvalConfig::default()));
    assert_eq!(named("cpu"), Some(EvalConfig::cpu_optimized()));
    assert_eq!(named("memory"), Some(EvalConfig::memory_optimized()));
    assert_eq!(named("throughput"), Some(EvalConfig::throughput_optimized()));
    assert!(EvalConfig::PROFILES.iter().all(|name| named(name).is_some()));
    assert_eq!(named("CPU"), None);
    assert_eq!(named(""), None);
}
