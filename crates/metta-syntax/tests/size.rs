//! Texts that are large or deep: they have the right answer, and soon.
//!
//! Nothing is timed here; what takes quadratic time would not end.

use metta_atom::{Atom, Number};
use metta_syntax::{FormReader, Parsed, ReadError, parse};

const MANY: usize = 1_000_000;

/// Reads the text whole and as a stream.
fn read(text: &str) -> Parsed {
    let parsed = parse(text, &());
    let mut streamed = Parsed::default();
    for item in FormReader::new(text.as_bytes()) {
        match item {
            Ok(form) => streamed.forms.push(form),
            Err(ReadError::Syntax { diagnostic, .. }) => streamed.diagnostics.push(diagnostic),
            Err(other) => panic!("{other}"),
        }
    }
    assert!(parsed == streamed);
    parsed
}

/// Reads a text with one form and no mistake.
fn one(text: &str) -> Atom {
    let mut parsed = read(text);
    assert_eq!(parsed.diagnostics, []);
    assert_eq!(parsed.forms.len(), 1);
    parsed.forms.remove(0).atom
}

#[test]
fn deep_nesting() {
    let text = "(".repeat(MANY / 10) + "x" + &")".repeat(MANY / 10);
    assert!(one(&text).to_string() == text);
    let calls = "(match & self ".repeat(MANY / 10) + "p" + &" t)".repeat(MANY / 10);
    assert_eq!(one(&calls).children().map(<[Atom]>::len), Some(4));
}

#[test]
fn wide_expressions() {
    let text = format!("({})", vec!["a"; MANY].join(" "));
    assert_eq!(one(&text).children().map(<[Atom]>::len), Some(MANY));
}

#[test]
fn long_words() {
    let word = "x".repeat(MANY);
    assert!(one(&word) == Atom::symbol(word.as_str()));
    assert!(one(&format!("${word}")) == Atom::variable(word.as_str()));
    assert!(one(&format!("\"{word}\"")) == Atom::text(word.as_str()));
    assert!(one(&format!("\"{}\"", "\\n".repeat(MANY))) == Atom::text("\n".repeat(MANY)));
    assert_eq!(one(&format!("{};{word}", "!".repeat(MANY))).to_string().len(), MANY);
}

#[test]
fn long_numbers() {
    // 10^n - 1, whose value is known without reading it.
    let Atom::Grounded(value) = one(&"9".repeat(MANY / 2)) else { panic!() };
    let expected = num_bigint::BigInt::from(10).pow(MANY as u32 / 2) - 1;
    assert!(value == metta_atom::Grounded::Number(Number::from_big(expected)));
    assert_eq!(one(&format!("1{}", ".5".replace('5', &"5".repeat(MANY)))).to_string(), "1.5555555555555556");
    assert_eq!(one(&format!("1e{}", "9".repeat(MANY))).to_string(), "inf");
    assert_eq!(one(&format!("{}1", "0".repeat(MANY))).to_string(), "1");
}

/// Counts the mistakes in the text by code.
#[track_caller]
fn check_mistakes(text: &str, n_forms: usize, expected: &[(&str, usize)]) {
    let parsed = read(text);
    assert_eq!(parsed.forms.len(), n_forms);
    let mut found: Vec<(&str, usize)> = Vec::new();
    for diagnostic in &parsed.diagnostics {
        match found.iter_mut().find(|(code, _)| *code == diagnostic.code) {
            Some((_, n)) => *n += 1,
            None => found.push((diagnostic.code, 1)),
        }
    }
    assert_eq!(found, expected);
}

#[test]
fn many_mistakes() {
    // P1: each of these would be read to its end from each of its lines.
    let n = MANY / 10;
    check_mistakes(&"(".repeat(MANY), 0, &[("E0101", 1)]);
    check_mistakes(&")".repeat(MANY), 0, &[("E0102", 1)]);
    check_mistakes(&") ".repeat(n), 0, &[("E0102", n)]);
    check_mistakes(&"(\n".repeat(n), 0, &[("E0101", n)]);
    check_mistakes(&"(a (b\n(c)\n".repeat(n), n, &[("E0101", n)]);
    check_mistakes(&"(a \"\n".repeat(n + 1), 0, &[("E0101", n / 2), ("E0103", 1)]);
    check_mistakes(&format!("\"{}", "\\\"\n(".repeat(n)), 0, &[("E0103", 1), ("E0101", n)]);
    check_mistakes(&format!("(\n(\"{}", "\\\"\n(b)\n(".repeat(n)), n, &[("E0101", n + 1), ("E0103", 1)]);
    check_mistakes(&"! ".repeat(n), 0, &[("E0107", 1)]);
    check_mistakes(&format!("\"{}\"", "\\q".repeat(n)), 0, &[("E0104", n)]);
    check_mistakes(&"$#".repeat(n), 0, &[("E0106", 1)]);
    check_mistakes(&format!("\"\\u{{{}}}\"", "0".repeat(MANY)), 0, &[("E0105", 1)]);
}

#[test]
fn a_stream_of_single_bytes() {
    let text = "(a \"b\" $c) ".repeat(1000) + &"x".repeat(MANY / 10);
    let slow = std::io::BufReader::with_capacity(1, text.as_bytes());
    assert_eq!(FormReader::new(slow).filter_map(Result::ok).count(), 1001);
}
