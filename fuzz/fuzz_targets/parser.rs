//! Reading any bytes: whole, and piece by piece.

#![no_main]

#[path = "../../crates/metta-syntax/tests/reading/mod.rs"]
mod reading;

use std::io::BufReader;

use libfuzzer_sys::fuzz_target;
use metta_syntax::{FormReader, ReadError, is_complete, parse_bytes};
use reading::{check_places, streamed};

fuzz_target!(|bytes: &[u8]| {
    let whole = parse_bytes(bytes, &());
    check_places(bytes, &whole);
    for piece_bytes in [1, 7, 1 << 12] {
        let reader = FormReader::new(BufReader::with_capacity(piece_bytes, bytes));
        assert_eq!(streamed(bytes, reader), whole, "in pieces of {piece_bytes} bytes");
    }
    let limited = FormReader::new(bytes).max_form_bytes(16);
    let ended = limited.take_while(|item| !matches!(item, Err(ReadError::TooLong { .. })));
    assert!(ended.count() <= whole.forms.len() + whole.diagnostics.len());
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = is_complete(text);
    }
});
