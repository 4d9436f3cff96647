//! Text to the same text, laid out.
//!
//! Line breaks are the author's: they stay, and indentation, blanks and brackets are put in order around them.
//! Where a line is too long, more breaks are added. Atoms and comments stay what they are.
//!
//! Invariant F1: the tokens of the result are those of the text, but for blanks at the ends of comments.
//! Invariant F2: a result is its own result, for the same width.
//!
//! F2 holds because a list is laid out by what stays the same: its column, the word at its head, and where
//! it is broken, to which a second pass has nothing to add.

mod layout;
mod tree;

#[cfg(test)]
mod tests;

use crate::lexer::{Kind, Lexer};
use crate::parser::BYTE_ORDER_MARK;
use crate::{Diagnostic, parse};

/// How long a line may be when nothing else is said, in characters.
pub const DEFAULT_WIDTH: usize = 100;

/// Lays a text out with lines of at most `width` characters where words and comments allow it.
///
/// Cost: O(bytes).
///
/// # Errors
/// Every mistake in a malformed text, whose forms cannot be told for sure.
///
/// ```
/// use metta_syntax::{DEFAULT_WIDTH, format};
///
/// let text = "(=   (double $x)\n(* 2 $x) ) ; twice";
/// assert_eq!(format(text, DEFAULT_WIDTH).unwrap(), "(= (double $x)\n   (* 2 $x)) ; twice\n");
/// ```
pub fn format(text: &str, width: usize) -> Result<String, Vec<Diagnostic>> {
    let diagnostics = parse(text, &()).diagnostics;
    if !diagnostics.is_empty() {
        return Err(diagnostics);
    }
    let mark = if text.as_bytes().starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    let (mark, rest) = text.split_at(mark);
    let laid_out = layout::write(&tree::Tree::of(rest), width);
    let same = tokens(rest).eq(tokens(&laid_out));
    debug_assert!(same, "F1: {rest:?} became {laid_out:?}");
    // A text that would change is better left alone.
    Ok(if same { format!("{mark}{laid_out}") } else { text.to_owned() })
}

/// The tokens of a text as they have to stay.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    Lexer::new(text.as_bytes(), 0).map(|token| {
        let written = &text[token.start..token.end];
        if token.kind == Kind::Comment { written.trim_end() } else { written }
    })
}
