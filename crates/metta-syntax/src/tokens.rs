//! The words of a text with their places, comments included, whatever is wrong with it.

use crate::Span;
use crate::lexer::{Kind, Lexer};

/// What a token is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TokenKind {
    /// `(`
    Open,
    /// `)`
    Close,
    /// A string; one that is not closed goes to the end of the text.
    Text,
    /// `$` and a name.
    Variable,
    /// `!` in front of an atom to evaluate.
    Run,
    /// Any other word: a symbol, a number.
    Word,
    /// `;` up to the end of the line.
    Comment,
}

/// A word of a text, a bracket or a comment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it is.
    pub span: Span,
}

/// Returns the tokens of a text in order, for whoever colours or indents it while it is written.
///
/// Everything between them is white space.
pub fn tokens(text: &[u8]) -> impl Iterator<Item = Token> + '_ {
    let mut depth = 0_usize;
    Lexer::new(text, 0).map(move |token| {
        let span = Span { start: token.start, end: token.end };
        let kind = match token.kind {
            Kind::Open => TokenKind::Open,
            Kind::Close => TokenKind::Close,
            Kind::Text | Kind::UnclosedText => TokenKind::Text,
            Kind::Variable => TokenKind::Variable,
            // Only in front of a form does `!` mean more than itself.
            Kind::Word if depth == 0 && &text[token.start..token.end] == b"!" => TokenKind::Run,
            Kind::Word => TokenKind::Word,
            Kind::Comment => TokenKind::Comment,
        };
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth = depth.saturating_sub(1),
            Kind::Text | Kind::UnclosedText | Kind::Variable | Kind::Word | Kind::Comment => {}
        }
        Token { kind, span }
    })
}
