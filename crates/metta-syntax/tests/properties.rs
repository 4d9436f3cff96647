//! What holds for every text and every atom.

mod reading;

use std::io::{self, BufRead, Read};

use metta_atom::{Atom, Number, SpaceId};
use metta_syntax::{FormReader, Parsed, parse, parse_bytes};
use num_bigint::BigInt;
use proptest::prelude::*;
use reading::{check_places, streamed};

/// Bytes that arrive in pieces of these lengths, over and over.
struct Pieces<'t> {
    rest: &'t [u8],
    lengths: Vec<usize>,
    turn: usize,
    left: usize,
}

impl<'t> Pieces<'t> {
    fn new(rest: &'t [u8], lengths: Vec<usize>) -> Self {
        Pieces { rest, lengths, turn: 0, left: 0 }
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        unreachable!("the reader uses the buffer")
    }
}

impl BufRead for Pieces<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            self.left = self.lengths[self.turn % self.lengths.len()];
            self.turn += 1;
        }
        Ok(&self.rest[..self.left.min(self.rest.len())])
    }

    fn consume(&mut self, length: usize) {
        self.rest = &self.rest[length..];
        self.left -= length;
    }
}

/// Checks what holds for all bytes.
fn check(bytes: &[u8], lengths: Vec<usize>) {
    let parsed = parse_bytes(bytes, &());
    check_places(bytes, &parsed);
    assert_eq!(streamed(bytes, FormReader::new(Pieces::new(bytes, lengths))), parsed);
    // Each form alone reads as the same atom.
    for form in &parsed.forms {
        // After a blank, since U+FEFF at the very start is not read.
        let text = [b" ", &bytes[form.span.start..form.span.end]].concat();
        let alone = parse_bytes(&text, &());
        // What is between the parts of a form may be wrong: brackets after a `!`, comments.
        assert!(alone.diagnostics.iter().all(|diagnostic| ["E0102", "E0108"].contains(&diagnostic.code)));
        assert!(alone.forms.len() == 1 && alone.forms[0].atom == form.atom && alone.forms[0].run == form.run);
    }
}

/// Bytes with many brackets, quotes, lines, escapes and parts of characters.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => prop::sample::select(vec![
            "(", ")", "\n(", "\n!", "\"", "\\", "\\\"", ";", "\n", " ", "!", "$", "#", "a", "\u{2003}", "\u{85}",
            "é", "\u{feff}", "1", "-2.5e3", "\\u{41}", "\\x4", "))", "match & self", "\u{3000}", "😀",
        ]).prop_map(|text| text.as_bytes().to_vec()),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
        1 => prop::sample::select(vec![0xC2, 0xE1, 0xE2, 0x80, 0xE3, 0x85, 0xEF]).prop_map(|byte| vec![byte]),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn lengths() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1_usize..8, 1..5)
}

/// Words that read as symbols.
fn symbol() -> impl Strategy<Value = String> {
    let anything = "[^\\s();\"$\u{feff}][^\\s();]{0,6}";
    prop_oneof![4 => "[a-zA-Z+*=:<>&!?-][a-zA-Z0-9\"'$#!-]{0,5}", 1 => anything].prop_filter(
        "a literal",
        |word| {
            let parsed = parse(&format!("({word})"), &());
            matches!(&parsed.forms[..], [form] if matches!(form.atom.children(), Some([Atom::Symbol(_)])))
        },
    )
}

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<i64>().prop_map(Number::Int),
        (any::<bool>(), prop::collection::vec(any::<u32>(), 1..60)).prop_map(|(minus, digits)| {
            let sign = if minus { num_bigint::Sign::Minus } else { num_bigint::Sign::Plus };
            Number::from_big(BigInt::new(sign, digits))
        }),
        // `inf` and `NaN` print as what reads as symbols.
        any::<f64>().prop_filter("finite", |float| float.is_finite()).prop_map(Number::Float),
    ]
}

fn leaf() -> impl Strategy<Value = Atom> {
    prop_oneof![
        4 => symbol().prop_map(Atom::symbol),
        2 => "[^\\s()#]{0,6}".prop_map(Atom::variable),
        2 => number().prop_map(Atom::number),
        2 => any::<String>().prop_map(Atom::text),
        1 => any::<bool>().prop_map(Atom::bool),
    ]
}

fn atom() -> impl Strategy<Value = Atom> {
    leaf().prop_recursive(12, 60, 6, |inner| prop::collection::vec(inner, 0..6).prop_map(Atom::expression))
}

/// Equality that tells `1` from `1.0` and `0.0` from `-0.0`.
fn same(left: &Atom, right: &Atom) -> bool {
    left == right && left.to_string() == right.to_string()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn any_bytes_have_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..200), lengths in lengths()) {
        check(&bytes, lengths);
    }

    #[test]
    fn a_stream_has_the_forms_of_its_text(bytes in noise(), lengths in lengths()) {
        check(&bytes, lengths);
    }

    #[test]
    fn printed_atoms_read_back(atom in atom(), run in any::<bool>()) {
        // In brackets, because a symbol `!` alone at the top asks to evaluate.
        let atom = Atom::expression([atom]);
        let text = format!("{}{atom}", if run { "! " } else { "" });
        let parsed = parse(&text, &());
        prop_assert_eq!(&parsed.diagnostics, &[]);
        prop_assert_eq!(parsed.forms.len(), 1);
        prop_assert!(same(&parsed.forms[0].atom, &atom), "{}", text);
        prop_assert_eq!(parsed.forms[0].run, run);
    }

    #[test]
    fn printing_what_was_read_is_stable(bytes in noise()) {
        let printed = |parsed: &Parsed| -> String {
            parsed.forms.iter().map(|form| format!("{}{}\n", if form.run { "! " } else { "" }, form.atom)).collect()
        };
        let first = parse_bytes(&bytes, &());
        // A space prints by its number, which reads as a symbol.
        let spaceless = first.forms.iter().all(|form| !form.atom.to_string().contains("GroundingSpace"));
        prop_assume!(spaceless);
        let text = printed(&first);
        let second = parse(&format!("\n{text}"), &());
        prop_assert_eq!(&second.diagnostics, &[]);
        prop_assert_eq!(printed(&second), text);
        // A literal beyond the range of floats is an infinity, which prints as what reads as a symbol.
        let pairs = first.forms.iter().zip(&second.forms);
        let mut finite = pairs.filter(|(form, _)| !form.atom.to_string().contains("inf"));
        prop_assert!(finite.all(|(a, b)| same(&a.atom, &b.atom)));
    }

    #[test]
    fn integers_of_any_length_are_exact(digits in "[0-9]{1,2000}", sign in "[+-]?") {
        let word = format!("{sign}{digits}");
        let parsed = parse(&word, &());
        let expected = Atom::number(Number::from_big(word.parse().unwrap()));
        prop_assert!(same(&parsed.forms[0].atom, &expected));
    }
}

#[test]
fn the_space_of_the_program_is_a_literal() {
    assert_eq!(parse("&self", &()).forms[0].atom, Atom::space(SpaceId::TOP));
}
