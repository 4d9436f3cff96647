//! What is wrong with a program, and where.

use std::fmt;

use crate::ast::Span;

/// A mistake in a program, or what went wrong while it ran.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProgramError {
    message: String,
    line: usize,
    column: usize,
}

impl ProgramError {
    pub(crate) fn at(text: &str, span: Span, message: &str) -> Self {
        let before = &text[..span.start.min(text.len())];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        ProgramError { message: message.to_owned(), line, column }
    }

    /// Returns what is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns line and column, from 1.
    pub fn position(&self) -> (usize, usize) {
        (self.line, self.column)
    }
}

impl fmt::Display for ProgramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for ProgramError {}
