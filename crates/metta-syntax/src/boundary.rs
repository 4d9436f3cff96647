//! Where top-level forms end, in bytes that arrive piece by piece.

use std::ops::ControlFlow::{Break, Continue};

use crate::lexer::{Kind, Lexer, comment_end, skip_blanks, text_end, variable_end, word_end};

/// Cuts bytes into items: blanks, comments, stray brackets and forms with their `!`.
///
/// An item is what [`crate::parser::Parser::feed`] can read without the bytes
/// after it. Each byte is looked at once, however the bytes are cut up.
#[derive(Debug)]
pub(crate) struct Boundary {
    /// Where to go on, from the start of the item.
    at: usize,
    depth: usize,
    state: State,
    /// A `!` waits for its atom.
    run: bool,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Between,
    Word { start: usize },
    Variable,
    Text,
    Comment,
    Strays,
}

impl Boundary {
    pub(crate) fn new() -> Self {
        Boundary { at: 0, depth: 0, state: State::Between, run: false }
    }

    /// Returns the length of the item at the start of `bytes`, and is then ready
    /// for the next one; `None` when the item may go on after `bytes`.
    ///
    /// The bytes are those of the call before, when that returned `None`, and more.
    pub(crate) fn advance(&mut self, bytes: &[u8]) -> Option<usize> {
        loop {
            let ended = match self.state {
                State::Between => match skip_blanks(bytes, self.at) {
                    // Blanks before a form are an item, so that they are not kept.
                    Break(at) | Continue(at) if at > 0 && self.depth == 0 && !self.run => {
                        return self.end(at);
                    }
                    Continue(at) => {
                        self.at = at;
                        return None;
                    }
                    Break(at) => self.begin(bytes, at),
                },
                State::Word { start } => match word_end(bytes, self.at) {
                    Break(at) => self.finish_word(&bytes[start..at], at),
                    Continue(at) => return self.wait(at),
                },
                State::Variable => match variable_end(bytes, self.at) {
                    Break(at) => self.leaf(at),
                    Continue(at) => return self.wait(at),
                },
                State::Text => match text_end(bytes, self.at) {
                    Break(at) => self.leaf(at),
                    Continue(at) => return self.wait(at),
                },
                State::Comment => match comment_end(bytes, self.at) {
                    Break(at) => self.aside(at),
                    Continue(at) => return self.wait(at),
                },
                State::Strays => match bytes[self.at..].iter().position(|&byte| byte != b')') {
                    Some(length) => self.aside(self.at + length),
                    None => return self.wait(bytes.len()),
                },
            };
            if ended {
                return self.end(self.at);
            }
        }
    }

    fn end(&mut self, at: usize) -> Option<usize> {
        *self = Boundary::new();
        Some(at)
    }

    fn wait(&mut self, at: usize) -> Option<usize> {
        self.at = at;
        None
    }

    /// Starts the token at `at`; reports whether it ends the item.
    fn begin(&mut self, bytes: &[u8], at: usize) -> bool {
        self.at = at + 1;
        match bytes[at] {
            b'(' => self.depth += 1,
            b')' if self.depth == 0 => self.state = State::Strays,
            b')' => {
                self.depth -= 1;
                return self.depth == 0;
            }
            b'"' => self.state = State::Text,
            b'$' => self.state = State::Variable,
            b';' => self.state = State::Comment,
            _ => {
                self.at = at;
                self.state = State::Word { start: at };
            }
        }
        false
    }

    fn finish_word(&mut self, word: &[u8], at: usize) -> bool {
        let run = self.depth == 0 && word == b"!";
        self.run |= run;
        self.leaf(at) && !run
    }

    fn leaf(&mut self, at: usize) -> bool {
        self.state = State::Between;
        self.at = at;
        self.depth == 0
    }

    /// Ends something that is not an atom: after a `!` the item goes on.
    fn aside(&mut self, at: usize) -> bool {
        self.leaf(at) && !self.run
    }
}

/// Reports whether `text` ends outside of brackets and strings and not after a
/// lone `!`, so that a prompt need not ask for another line.
///
/// Stray closing brackets do not make a text incomplete.
pub fn is_complete(text: &str) -> bool {
    let mut depth = 0_usize;
    let mut run = false;
    for token in Lexer::new(text.as_bytes(), 0) {
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth = depth.saturating_sub(1),
            Kind::UnclosedText => return false,
            Kind::Comment => continue,
            Kind::Text | Kind::Variable | Kind::Word => {}
        }
        run = depth == 0 && &text[token.start..token.end] == "!";
    }
    depth == 0 && !run
}
