//! What holds for the reading of any bytes: for the property tests, and for the fuzz target `parser`.

use std::io::BufRead;

use metta_syntax::{FormReader, LineIndex, Parsed, ReadError, Span};

/// Checks that spans lie in the text, at the borders of characters, and that forms do not overlap.
pub(crate) fn check_places(bytes: &[u8], parsed: &Parsed) {
    let text = std::str::from_utf8(bytes);
    let index = LineIndex::new(bytes);
    let check = |span: Span| {
        assert!(span.start < span.end && span.end <= bytes.len(), "{span:?}");
        if let Ok(text) = text {
            assert!(text.is_char_boundary(span.start) && text.is_char_boundary(span.end), "{span:?}");
        }
        let (line, column) = index.position(span.start);
        assert!((1..=index.n_lines()).contains(&line) && column >= 1, "{span:?}");
    };
    parsed.forms.iter().for_each(|form| check(form.span));
    parsed.diagnostics.iter().for_each(|diagnostic| check(diagnostic.span));
    assert!(parsed.forms.is_sorted_by(|a, b| a.span.end <= b.span.start));
    assert!(parsed.diagnostics.is_sorted_by_key(|diagnostic| diagnostic.span.start));
}

/// Collects what a reader gives, with the lines and columns of mistakes checked.
pub(crate) fn streamed(bytes: &[u8], reader: FormReader<impl BufRead>) -> Parsed {
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
