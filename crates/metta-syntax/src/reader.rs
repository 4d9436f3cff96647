//! Forms from a stream, one at a time.

use std::collections::VecDeque;
use std::io::{self, BufRead};
use std::ops::ControlFlow::{Break, Continue};

use crate::boundary::Boundary;
use crate::lexer::skip_blanks;
use crate::parser::{BYTE_ORDER_MARK, Parser};
use crate::{Diagnostic, Form, LineIndex, Words};

/// Reads top-level forms from a stream; it holds one of them at a time.
///
/// The forms and diagnostics are those of [`crate::parse_bytes`] for the whole
/// stream, in the order of their place. It goes on after a [`ReadError::Syntax`];
/// any other error is the last item.
///
/// To find the end of a form that is not closed, it has to read on to the end of
/// the stream and to keep what it read; [`FormReader::max_form_bytes`] limits that.
#[derive(Debug)]
pub struct FormReader<R, W = ()> {
    input: R,
    parser: Parser<W>,
    boundary: Boundary,
    /// Bytes read; those before `start` are done with.
    buffer: Vec<u8>,
    start: usize,
    /// Where `start` is in the stream.
    place: Place,
    ready: VecDeque<Result<Form, ReadError>>,
    max_form_bytes: usize,
    ended: bool,
}

/// Why a form could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The text is malformed.
    #[error("{line}:{column}: {}", diagnostic.message)]
    Syntax {
        /// What is wrong.
        diagnostic: Diagnostic,
        /// The line where its span starts, from 1.
        line: usize,
        /// The column where its span starts, in characters, from 1.
        column: usize,
    },
    /// A form or a comment is longer than the limit.
    #[error("{line}:{column}: more than {limit_bytes} bytes without the end of a form or comment")]
    TooLong {
        /// The limit.
        limit_bytes: usize,
        /// The line where it starts, from 1.
        line: usize,
        /// The column where it starts, in characters, from 1.
        column: usize,
    },
    /// The stream could not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

#[derive(Clone, Copy, Debug)]
struct Place {
    offset: usize,
    line: usize,
    column: usize,
}

impl<R: BufRead> FormReader<R> {
    /// Reads from `input`, with no words but symbols and literals.
    pub fn new(input: R) -> Self {
        FormReader::with_words(input, ())
    }
}

impl<R: BufRead, W: Words> FormReader<R, W> {
    /// Reads from `input`; `words` gives a meaning to words.
    pub fn with_words(input: R, words: W) -> Self {
        FormReader {
            input,
            parser: Parser::new(words),
            boundary: Boundary::new(),
            buffer: Vec::new(),
            start: 0,
            place: Place { offset: 0, line: 1, column: 1 },
            ready: VecDeque::new(),
            max_form_bytes: usize::MAX,
            ended: false,
        }
    }

    /// Sets how long a form with its `!`, or a comment, may be; there is no limit by default.
    #[must_use]
    pub fn max_form_bytes(mut self, limit_bytes: usize) -> Self {
        self.max_form_bytes = limit_bytes;
        self
    }

    /// Returns how many bytes the forms handed out so far took, from the start of the stream.
    pub fn offset(&self) -> usize {
        self.place.offset
    }

    /// Reads the item of this length.
    fn item(&mut self, length: usize) {
        let bytes = &self.buffer[self.start..self.start + length];
        // Only a form or a comment has a limit. A cut-off character is an item too.
        if !matches!(skip_blanks(bytes, 0), Break(0) | Continue(0)) {
            return self.skip(length);
        }
        if length > self.max_form_bytes {
            return self.too_long();
        }
        let parsed = self.parser.feed(bytes, 0, self.place.offset);
        let mut items: Vec<_> = parsed.forms.into_iter().map(|form| (form.span, Ok(form))).collect();
        if !parsed.diagnostics.is_empty() {
            let index = LineIndex::new(bytes);
            items.extend(parsed.diagnostics.into_iter().map(|diagnostic| {
                let (line, column) =
                    self.place.locate(index.position(diagnostic.span.start - self.place.offset));
                (diagnostic.span, Err(ReadError::Syntax { diagnostic, line, column }))
            }));
            items.sort_by_key(|(span, _)| *span);
        }
        self.ready.extend(items.into_iter().map(|(_, item)| item));
        self.skip(length);
    }

    fn skip(&mut self, length: usize) {
        self.place.advance(&self.buffer[self.start..self.start + length]);
        self.start += length;
    }

    fn too_long(&mut self) {
        let Place { line, column, .. } = self.place;
        self.ready.push_back(Err(ReadError::TooLong { limit_bytes: self.max_form_bytes, line, column }));
        self.ended = true;
    }

    /// Adds bytes to the buffer, or ends.
    fn fill(&mut self) {
        // Less than one piece is moved, since the last item ended in the last piece.
        const PIECE_BYTES: usize = 1 << 16;
        self.buffer.drain(..self.start);
        self.start = 0;
        if self.buffer.len() > self.max_form_bytes {
            return self.too_long();
        }
        let read = loop {
            match self.input.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        match read {
            Ok([]) => {
                self.ended = true;
                self.item(self.buffer.len());
            }
            Ok(bytes) => {
                let piece = &bytes[..bytes.len().min(PIECE_BYTES)];
                let length = piece.len();
                self.buffer.extend_from_slice(piece);
                self.input.consume(length);
            }
            Err(error) => {
                self.ended = true;
                self.ready.push_back(Err(error.into()));
            }
        }
    }

    /// Skips a byte-order mark; `false` when more bytes are needed to tell.
    fn skip_mark(&mut self) -> bool {
        if self.place.offset > 0 || self.start > 0 {
            return true;
        }
        if self.buffer.starts_with(BYTE_ORDER_MARK) {
            self.skip(BYTE_ORDER_MARK.len());
            return true;
        }
        !BYTE_ORDER_MARK.starts_with(&self.buffer)
    }
}

impl Place {
    /// Turns a line and column that count from here into those of the stream.
    fn locate(self, (line, column): (usize, usize)) -> (usize, usize) {
        match line {
            1 => (self.line, self.column + column - 1),
            _ => (self.line + line - 1, column),
        }
    }

    fn advance(&mut self, bytes: &[u8]) {
        self.offset += bytes.len();
        let characters = |bytes: &[u8]| bytes.iter().filter(|byte| **byte & 0xC0 != 0x80).count();
        match bytes.iter().rposition(|&byte| byte == b'\n') {
            Some(newline) => {
                self.line += bytes.iter().filter(|byte| **byte == b'\n').count();
                self.column = 1 + characters(&bytes[newline + 1..]);
            }
            None => self.column += characters(bytes),
        }
    }
}

impl<R: BufRead, W: Words> Iterator for FormReader<R, W> {
    type Item = Result<Form, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Some(item);
            }
            if self.ended {
                return None;
            }
            let length =
                if self.skip_mark() { self.boundary.advance(&self.buffer[self.start..]) } else { None };
            match length {
                Some(length) => self.item(length),
                None => self.fill(),
            }
        }
    }
}
