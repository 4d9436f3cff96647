//! Bytes to tokens.
//!
//! The lexer works on bytes, so that text which is not UTF-8 has tokens too and
//! so that a stream can be cut into forms before it is decoded. The functions
//! that look for the end of a token say when the bytes ran out first; they are
//! shared with [`crate::boundary`], which goes on when more bytes are there.

use std::ops::ControlFlow::{self, Break, Continue};

/// What a token is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// `(`
    Open,
    /// `)`
    Close,
    /// A string with both quotes.
    Text,
    /// A string that the text ends in.
    UnclosedText,
    /// `$` and a name.
    Variable,
    /// Anything else that is not blank.
    Word,
    /// `;` up to the end of the line, without the newline.
    Comment,
}

/// A token: its kind and its bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Reads tokens from bytes.
pub(crate) struct Lexer<'t> {
    bytes: &'t [u8],
    /// Where the next token is looked for.
    pub(crate) at: usize,
}

impl<'t> Lexer<'t> {
    pub(crate) fn new(bytes: &'t [u8], at: usize) -> Self {
        Lexer { bytes, at }
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let start = match skip_blanks(self.bytes, self.at) {
            Break(start) => start,
            // A cut-off character at the very end is a word, and an error later.
            Continue(start) if start < self.bytes.len() => start,
            Continue(_) => {
                self.at = self.bytes.len();
                return None;
            }
        };
        let all = self.bytes.len();
        let (kind, end) = match self.bytes[start] {
            b'(' => (Kind::Open, start + 1),
            b')' => (Kind::Close, start + 1),
            b'"' => match text_end(self.bytes, start + 1) {
                Break(end) => (Kind::Text, end),
                Continue(_) => (Kind::UnclosedText, all),
            },
            b';' => (Kind::Comment, or(comment_end(self.bytes, start + 1), all)),
            b'$' => (Kind::Variable, or(variable_end(self.bytes, start + 1), all)),
            _ => (Kind::Word, or(word_end(self.bytes, start), all)),
        };
        self.at = end;
        Some(Token { kind, start, end })
    }
}

fn or(end: End, all: usize) -> usize {
    match end {
        Break(end) => end,
        Continue(_) => all,
    }
}

/// `Break` with the place looked for, or `Continue` with the place to go on from
/// when there are more bytes.
pub(crate) type End = ControlFlow<usize, usize>;

/// Finds the first byte that is not blank.
pub(crate) fn skip_blanks(bytes: &[u8], mut at: usize) -> End {
    loop {
        if bytes.get(at).is_some_and(|byte| IN_WORDS[usize::from(*byte)]) {
            return Break(at);
        }
        match blank(&bytes[at..]) {
            Blank::Yes(length) => at += length,
            Blank::No => return Break(at),
            Blank::CutOff => return Continue(at),
        }
    }
}

/// Finds the end of a word; `at` is in the word or at its end.
pub(crate) fn word_end(bytes: &[u8], at: usize) -> End {
    run_end(bytes, at, true)
}

/// Finds the end of a variable. A `;` belongs to the name.
pub(crate) fn variable_end(bytes: &[u8], at: usize) -> End {
    run_end(bytes, at, false)
}

/// The bytes that neither end words nor begin a character that may.
const IN_WORDS: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = b'!';
    while byte < 0x7F {
        table[byte as usize] = !matches!(byte, b'(' | b')' | b';');
        byte += 1;
    }
    table
};

fn run_end(bytes: &[u8], mut at: usize, stop_at_semicolon: bool) -> End {
    while let Some(&byte) = bytes.get(at) {
        if IN_WORDS[usize::from(byte)] {
            at += 1;
            continue;
        }
        match byte {
            b'(' | b')' => return Break(at),
            b';' if stop_at_semicolon => return Break(at),
            b'\t'..=b'\r' | b' ' | 0xC2 | 0xE1..=0xE3 => match blank(&bytes[at..]) {
                Blank::Yes(_) => return Break(at),
                Blank::No => at += 1,
                Blank::CutOff => return Continue(at),
            },
            _ => at += 1,
        }
    }
    Continue(at)
}

/// Finds the place after the closing quote of a string; `at` is in the string.
pub(crate) fn text_end(bytes: &[u8], mut at: usize) -> End {
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => return Break(at + 1),
            b'\\' if at + 1 == bytes.len() => return Continue(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    Continue(at)
}

/// Finds the newline that ends a comment.
pub(crate) fn comment_end(bytes: &[u8], at: usize) -> End {
    match bytes[at..].iter().position(|&byte| byte == b'\n') {
        Some(length) => Break(at + length),
        None => Continue(bytes.len()),
    }
}

/// Whether bytes start with white space.
enum Blank {
    /// They do; its length in bytes.
    Yes(usize),
    No,
    /// There are no bytes, or they end within what may be white space.
    CutOff,
}

/// Recognises the characters with the Unicode property `White_Space`.
fn blank(bytes: &[u8]) -> Blank {
    match *bytes {
        [b'\t'..=b'\r' | b' ', ..] => Blank::Yes(1),
        [0xC2, 0x85 | 0xA0, ..] => Blank::Yes(2),
        [0xE1, 0x9A, 0x80, ..] | [0xE3, 0x80, 0x80, ..] | [0xE2, 0x81, 0x9F, ..] => Blank::Yes(3),
        [0xE2, 0x80, 0x80..=0x8A | 0xA8 | 0xA9 | 0xAF, ..] => Blank::Yes(3),
        [] | [0xC2] | [0xE1..=0xE3] | [0xE1, 0x9A] | [0xE2, 0x80 | 0x81] | [0xE3, 0x80] => Blank::CutOff,
        _ => Blank::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_are_the_unicode_white_space() {
        for c in '\0'..=char::MAX {
            let mut buffer = [0; 4];
            let bytes = c.encode_utf8(&mut buffer).as_bytes();
            let length = match blank(bytes) {
                Blank::Yes(length) => length,
                Blank::No => 0,
                Blank::CutOff => panic!("{c:?} is a whole character"),
            };
            assert_eq!(length, if c.is_whitespace() { c.len_utf8() } else { 0 }, "{c:?}");
            for cut in 1..length {
                assert!(matches!(blank(&bytes[..cut]), Blank::CutOff), "{c:?} cut at {cut}");
            }
        }
    }
}
