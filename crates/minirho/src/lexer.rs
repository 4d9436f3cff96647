//! Text to tokens.

use crate::ProgramError;
use crate::ast::Span;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Token<'t> {
    Word(&'t str),
    Int(i64),
    /// What stands between the quotes: escapes are not processed, as the node does not either.
    String(&'t str),
    Uri(&'t str),
    Symbol(&'static str),
    End,
}

/// The longest first.
const SYMBOLS: &[&str] = &[
    "<<-", "...", "!?", "?!", "!!", "<-", "<=", ">=", "==", "!=", "=>", "++", "--", "%%", "/\\", "\\/", "{|",
    "|}", "(", ")", "[", "]", "{", "}", "|", ",", ";", ":", ".", "!", "@", "*", "+", "-", "/", "%", "<", ">",
    "=", "~", "&",
];

/// Returns the tokens with their places; the last one is the end.
pub(crate) fn tokens(text: &str) -> Result<Vec<(Token<'_>, Span)>, ProgramError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    loop {
        at = skip(text, at)?;
        let (token, end) = token(text, at)?;
        tokens.push((token, Span { start: at, end }));
        if token == Token::End {
            return Ok(tokens);
        }
        at = end;
    }
}

/// Passes over white space and comments.
fn skip(text: &str, mut at: usize) -> Result<usize, ProgramError> {
    loop {
        let rest = &text[at..];
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with("/*") {
            let end = rest.find("*/").ok_or_else(|| error(text, at, 2, "this comment has no end"))?;
            at += end + 2;
        } else if let Some(c) = rest.chars().next().filter(|c| c.is_whitespace()) {
            at += c.len_utf8();
        } else {
            return Ok(at);
        }
    }
}

fn token(text: &str, at: usize) -> Result<(Token<'_>, usize), ProgramError> {
    let rest = &text[at..];
    let Some(first) = rest.chars().next() else { return Ok((Token::End, at)) };
    if first.is_ascii_digit() {
        let length = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let value = rest[..length].parse();
        let value = value.map_err(|_| error(text, at, length, "this number does not fit 64 bits"))?;
        return Ok((Token::Int(value), at + length));
    }
    if first.is_alphabetic() || first == '_' {
        let in_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '\'');
        let length = rest.find(|c: char| !in_word(c)).unwrap_or(rest.len());
        return Ok((Token::Word(&rest[..length]), at + length));
    }
    if first == '"' {
        let length = closing_quote(rest).ok_or_else(|| error(text, at, 1, "this string has no end"))?;
        return Ok((Token::String(&rest[1..length]), at + length + 1));
    }
    if first == '`' {
        let length = rest[1..].find('`').ok_or_else(|| error(text, at, 1, "this URI has no end"))?;
        return Ok((Token::Uri(&rest[1..=length]), at + length + 2));
    }
    match SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
        Some(symbol) => Ok((Token::Symbol(symbol), at + symbol.len())),
        None => Err(error(text, at, first.len_utf8(), &format!("unexpected `{first}`"))),
    }
}

/// Where a string ends; a quote behind a backslash is part of it.
fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            b'"' if !escaped => return Some(at),
            b'\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    None
}

fn error(text: &str, at: usize, length: usize, message: &str) -> ProgramError {
    ProgramError::at(text, Span { start: at, end: at + length }, message)
}
