//! Text to a state that can run.

use std::fmt;

use metta_eval::Library;
use metta_sched::MettaState;
use metta_syntax::{Diagnostic, LineIndex};

/// A text that is not a program.
///
/// ```
/// let error = mettatron::compile("fine\n  (open").unwrap_err();
/// assert_eq!(error.position(), (2, 3));
/// assert_eq!(error.diagnostics()[0].code, "E0101");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    diagnostics: Vec<Diagnostic>,
    /// Line and column of the first mistake, from 1.
    position: (usize, usize),
}

impl CompileError {
    /// Returns the mistakes in the order of the text: one or more.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Returns line and column of the first mistake, from 1.
    pub fn position(&self) -> (usize, usize) {
        self.position
    }
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.position;
        if let Some(first) = self.diagnostics.first() {
            write!(f, "{}: {} at line {line}, column {column}", first.code, first.message)?;
        }
        match self.diagnostics.len() {
            0 | 1 => Ok(()),
            n => write!(f, ", and {} more", n - 1),
        }
    }
}

impl std::error::Error for CompileError {}

/// Reads a program that uses the standard library.
///
/// # Errors
/// [`CompileError`] with every mistake in the text.
pub fn compile(text: &str) -> Result<MettaState, CompileError> {
    compile_with(text, &Library::new())
}

/// Reads a program that uses the operations of `library`.
///
/// # Errors
/// [`CompileError`] with every mistake in the text.
pub fn compile_with(text: &str, library: &Library) -> Result<MettaState, CompileError> {
    let parsed = metta_syntax::parse(text, library);
    match parsed.diagnostics.first() {
        None => Ok(MettaState::compiled(library.clone(), parsed.forms)),
        Some(first) => {
            let position = LineIndex::new(text).position(first.span.start);
            Err(CompileError { diagnostics: parsed.diagnostics, position })
        }
    }
}
