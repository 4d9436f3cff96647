#![doc = include_str!("../README.md")]

mod boundary;
mod diagnostic;
mod format;
mod lexer;
mod line_index;
mod literal;
mod outline;
mod parser;
mod pieces;
mod reader;
mod tokens;
mod words;

#[cfg(test)]
mod tests;

pub use boundary::is_complete;
pub use diagnostic::{Diagnostic, Span};
pub use format::{DEFAULT_WIDTH, format};
pub use line_index::LineIndex;
pub use outline::{Part, parts};
pub use parser::{Form, Parsed, parse, parse_bytes};
pub use pieces::{Piece, Pieces};
pub use reader::{FormReader, ReadError};
pub use tokens::{Token, TokenKind, tokens};
pub use words::Words;
