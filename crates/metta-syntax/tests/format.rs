//! Invariants F1 and F2 of the formatter, on generated texts.

use metta_syntax::{format, parse};
use proptest::prelude::*;

/// Words of all kinds, blanks, brackets and comments in any order; brackets need not match.
fn text() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("a"),
        Just("="),
        Just("let"),
        Just("let*"),
        Just("case"),
        Just("if"),
        Just("!"),
        Just("$x;y"),
        Just("\"s ; (\""),
        Just("\"two\nlines\""),
        Just("-1.5"),
        Just("a\"b"),
        Just("a-longer-function-name"),
    ];
    let blank = prop_oneof![
        3 => Just(" "), 2 => Just("\n"), 1 => Just("\n\n\n"), 1 => Just("\t"), 1 => Just(" ; note ( \n"),
        1 => Just("\n; own line\n"), 1 => Just("\u{A0}"), 1 => Just("")
    ];
    // Words that touch are other words; then nobody knows which `;` begins a comment.
    let leaf = (word, blank.clone()).prop_map(|(word, blank)| {
        let blank = if blank.is_empty() { " " } else { blank };
        format!("{word}{blank}")
    });
    let tree = leaf.prop_recursive(5, 60, 6, move |inner| {
        (blank.clone(), prop::collection::vec(inner, 0..6), blank.clone())
            .prop_map(|(open, inner, after)| format!("({open}{}){after}", inner.concat()))
    });
    prop::collection::vec(tree, 0..6).prop_map(|trees| trees.concat())
}

fn comments(text: &str) -> Vec<String> {
    // No word or string of these texts has a `;` but the two given here.
    let bare = text.replace("$x;y", "").replace("\"s ; (\"", "");
    bare.lines().filter_map(|line| Some(line.split_once(';')?.1.trim_end().to_owned())).collect()
}

proptest! {
    #[test]
    fn atoms_and_comments_stay_and_a_second_pass_changes_nothing(text in text(), width in 1_usize..60) {
        let before = parse(&text, &());
        match format(&text, width) {
            Err(diagnostics) => prop_assert_eq!(diagnostics, before.diagnostics),
            Ok(formatted) => {
                let after = parse(&formatted, &());
                let forms = |parsed: &metta_syntax::Parsed| -> Vec<_> {
                    parsed.forms.iter().map(|form| (form.atom.clone(), form.run)).collect()
                };
                prop_assert_eq!(forms(&after), forms(&before));
                prop_assert_eq!(comments(&formatted), comments(&text));
                prop_assert_eq!(format(&formatted, width).unwrap(), formatted);
            }
        }
    }
}
