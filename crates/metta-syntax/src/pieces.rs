//! A stream cut between its items, so that the pieces can be read side by side.

use std::io::{self, Read};

use crate::boundary::Boundary;
use crate::{LineIndex, Parsed, Span, Words, parse_bytes};

/// Some bytes of a stream, from one item to the end of another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Piece {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Where they begin in the stream.
    pub offset: u64,
    /// How many lines end before them.
    pub lines: u64,
}

impl Piece {
    /// Reads the forms of the piece. Pieces that are read apart have together the forms of the stream.
    pub fn parse(&self, words: &dyn Words) -> Parsed {
        parse_bytes(&self.bytes, words)
    }

    /// The line of the stream, from 1, where a span of the piece begins.
    pub fn line(&self, span: Span) -> u64 {
        self.lines + LineIndex::new(&self.bytes).position(span.start).0 as u64
    }
}

/// Cuts a stream into pieces of about a given length; longer where an item is longer.
#[derive(Debug)]
pub struct Pieces<R> {
    input: R,
    piece_bytes: usize,
    buffer: Vec<u8>,
    offset: u64,
    lines: u64,
    ended: bool,
}

impl<R: Read> Pieces<R> {
    /// Cuts `input` into pieces of at least `piece_bytes`, but for the last.
    pub fn new(input: R, piece_bytes: usize) -> Self {
        Pieces { input, piece_bytes, buffer: Vec::new(), offset: 0, lines: 0, ended: false }
    }

    /// Reads until there is a piece; returns its length.
    fn fill(&mut self) -> io::Result<usize> {
        let mut boundary = Boundary::new();
        let (mut item, mut wanted) = (0, self.piece_bytes);
        loop {
            let missing = wanted.saturating_sub(self.buffer.len()) as u64;
            if self.input.by_ref().take(missing).read_to_end(&mut self.buffer)? < missing as usize {
                self.ended = true;
                return Ok(self.buffer.len());
            }
            while let Some(length) = boundary.advance(&self.buffer[item..]) {
                item += length;
            }
            if item > 0 {
                return Ok(item);
            }
            wanted = 2 * self.buffer.len().max(1);
        }
    }
}

impl<R: Read> Iterator for Pieces<R> {
    type Item = io::Result<Piece>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let length = match self.fill() {
            Ok(0) => return None,
            Ok(length) => length,
            Err(error) => {
                self.ended = true;
                return Some(Err(error));
            }
        };
        let rest = self.buffer.split_off(length);
        let bytes = std::mem::replace(&mut self.buffer, rest);
        let piece = Piece { offset: self.offset, lines: self.lines, bytes };
        self.offset += length as u64;
        self.lines += piece.bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        Some(Ok(piece))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "; a comment (not closed\n(a b) !(f \"x) y\")\n\n!\n(g ; inside\n $x) word 42) (long ((nested))) ; end";

    #[test]
    fn pieces_have_the_forms_of_the_stream() {
        let whole = parse_bytes(TEXT.as_bytes(), &());
        let whole: Vec<_> = whole.forms.into_iter().map(|form| (form.atom.to_string(), form.run)).collect();
        for length in 1..TEXT.len() + 2 {
            let pieces = Pieces::new(TEXT.as_bytes(), length).collect::<io::Result<Vec<_>>>().unwrap();
            let joined: Vec<u8> = pieces.iter().flat_map(|piece| piece.bytes.clone()).collect();
            assert_eq!(joined, TEXT.as_bytes(), "{length}");
            let mut forms = Vec::new();
            for piece in &pieces {
                assert_eq!(&TEXT.as_bytes()[piece.offset as usize..][..piece.bytes.len()], piece.bytes);
                for form in piece.parse(&()).forms {
                    let line = TEXT[..piece.offset as usize + form.span.start].matches('\n').count() as u64;
                    assert_eq!(piece.line(form.span), line + 1);
                    forms.push((form.atom.to_string(), form.run));
                }
            }
            assert_eq!(forms, whole, "{length}");
        }
    }
}
