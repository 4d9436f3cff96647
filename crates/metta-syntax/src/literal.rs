//! Literals: numbers, and strings with their escapes.

use metta_atom::Number;
use num_bigint::{BigInt, BigUint, Sign};

use crate::{Diagnostic, Span};

/// Reads a number; `None` when the word is not one.
///
/// Numbers are `[-+]?\d+`, `[-+]?\d+\.\d+` and `[-+]?\d+(\.\d+)?[eE][-+]?\d+`
/// with ASCII digits.
pub(crate) fn number(word: &str) -> Option<Number> {
    let unsigned = word.strip_prefix(['-', '+']).unwrap_or(word);
    let rest = digits(unsigned)?;
    if rest.is_empty() {
        return Some(integer(word, unsigned));
    }
    let rest = match rest.strip_prefix('.') {
        Some(fraction) => digits(fraction)?,
        None => rest,
    };
    if !rest.is_empty() {
        let exponent = rest.strip_prefix(['e', 'E'])?;
        let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        if !digits(exponent)?.is_empty() {
            return None;
        }
    }
    word.parse().ok().map(Number::Float)
}

/// Returns what follows one or more digits.
fn digits(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    (rest.len() < text.len()).then_some(rest)
}

fn integer(word: &str, unsigned: &str) -> Number {
    if let Ok(small) = word.parse() {
        return Number::Int(small);
    }
    let sign = if word.starts_with('-') { Sign::Minus } else { Sign::Plus };
    Number::from_big(BigInt::from_biguint(sign, big(unsigned)))
}

/// Reads decimal digits.
///
/// `num-bigint` takes quadratic time for this, so the digits are read in short
/// pieces, which are then joined in pairs: the products are of numbers of equal
/// length, where its multiplication is fast.
fn big(digits: &str) -> BigUint {
    const PIECE: usize = 256;
    let mut pieces: Vec<BigUint> = digits
        .as_bytes()
        .rchunks(PIECE)
        .map(|piece| BigUint::parse_bytes(piece, 10).unwrap_or_default())
        .collect();
    // Pieces are in rising order, each worth `base` times the one before.
    let mut base = BigUint::from(10_u8).pow(PIECE as u32);
    while pieces.len() > 1 {
        pieces = pieces
            .chunks(2)
            .map(|pair| match pair {
                [low, high] => high * &base + low,
                rest => rest[0].clone(),
            })
            .collect();
        if pieces.len() > 1 {
            base = &base * &base;
        }
    }
    pieces.pop().unwrap_or_default()
}

/// Replaces the escapes in the inside of a string, which starts at byte `at`.
///
/// # Errors
/// One diagnostic for each bad escape.
pub(crate) fn unescape(inside: &str, at: usize) -> Result<String, Vec<Diagnostic>> {
    let mut text = String::with_capacity(inside.len());
    let mut diagnostics = Vec::new();
    let mut rest = inside;
    while let Some(length) = rest.find('\\') {
        text.push_str(&rest[..length]);
        let start = at + inside.len() - rest.len() + length;
        let (escape, after) = split_escape(&rest[length..]);
        match character(escape) {
            Some(c) => text.push(c),
            None => diagnostics.push(bad_escape(escape, start)),
        }
        rest = after;
    }
    text.push_str(rest);
    if diagnostics.is_empty() { Ok(text) } else { Err(diagnostics) }
}

/// Splits off the escape at the start of `text`, good or bad.
fn split_escape(text: &str) -> (&str, &str) {
    let body = &text[1..];
    let hex = |text: &str, most: usize| text.bytes().take(most).take_while(u8::is_ascii_hexdigit).count();
    let length = match body.chars().next() {
        Some('x') => 2 + hex(&body[1..], 2),
        Some('u') if body[1..].starts_with('{') => {
            let end = 3 + hex(&body[2..], usize::MAX);
            end + usize::from(text[end..].starts_with('}'))
        }
        Some(c) => 1 + c.len_utf8(),
        None => 1,
    };
    text.split_at(length)
}

fn character(escape: &str) -> Option<char> {
    match &escape[1..] {
        "n" => Some('\n'),
        "r" => Some('\r'),
        "t" => Some('\t'),
        "\\" => Some('\\'),
        "\"" => Some('"'),
        "'" => Some('\''),
        other => {
            if let Some(hex) = other.strip_prefix('x') {
                let code = u8::from_str_radix(hex, 16).ok()?;
                return (hex.len() == 2 && code <= 0x7F).then_some(char::from(code));
            }
            let hex = other.strip_prefix("u{")?.strip_suffix('}')?;
            if hex.len() > 8 {
                return None;
            }
            char::from_u32(u32::from_str_radix(hex, 16).ok()?)
        }
    }
}

fn bad_escape(escape: &str, start: usize) -> Diagnostic {
    let span = Span { start, end: start + escape.len() };
    // An overlong `\u{...}` is ASCII up to here.
    let found = escape.get(..16).unwrap_or(escape);
    match escape.as_bytes().get(1) {
        Some(b'x') => Diagnostic::bad_byte_escape(span, found),
        Some(b'u') => Diagnostic::bad_unicode_escape(span, found),
        _ => Diagnostic::unknown_escape(span, found),
    }
}
