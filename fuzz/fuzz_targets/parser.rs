//! Reading any bytes: whole, and piece by piece.

#![no_main]

use std::io::BufReader;

use libfuzzer_sys::fuzz_target;
use mettatron::syntax::{FormReader, LineIndex, Parsed, ReadError, Span, is_complete, parse_bytes};

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

/// Spans lie in the text, at the borders of characters, and forms do not overlap.
fn check_places(bytes: &[u8], parsed: &Parsed) {
    let text = std::str::from_utf8(bytes);
    let index = LineIndex::new(bytes);
    let check = |span: Span| {
        assert!(span.start <= span.end && span.end <= bytes.len(), "{span:?}");
        if let Ok(text) = text {
            assert!(text.is_char_boundary(span.start) && text.is_char_boundary(span.end), "{span:?}");
        }
        let (line, column) = index.position(span.start);
        assert!((1..=index.n_lines()).contains(&line) && column >= 1, "{span:?}");
    };
    parsed.forms.iter().for_each(|form| check(form.span));
    parsed.diagnostics.iter().for_each(|diagnostic| check(diagnostic.span));
    assert!(parsed.forms.windows(2).all(|pair| pair[0].span.end <= pair[1].span.start));
    assert!(parsed.diagnostics.windows(2).all(|pair| pair[0].span <= pair[1].span));
}

/// Collects what a reader gives, with the lines and columns checked.
fn streamed(bytes: &[u8], reader: FormReader<BufReader<&[u8]>>) -> Parsed {
    let index = LineIndex::new(bytes);
    let mut parsed = Parsed::default();
    for item in reader {
        match item {
            Ok(form) => parsed.forms.push(form),
            Err(ReadError::Syntax { diagnostic, line, column }) => {
                assert_eq!((line, column), index.position(diagnostic.span.start));
                parsed.diagnostics.push(diagnostic);
            }
            Err(other) => panic!("{other}"),
        }
    }
    parsed
}
