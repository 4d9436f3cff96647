//! Bytes as messages of a Rholang node.

#![no_main]

#[path = "../../crates/metta-rholang/tests/decoders/mod.rs"]
#[allow(dead_code)]
mod decoders;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| decoders::check(bytes));
