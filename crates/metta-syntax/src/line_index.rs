//! Byte offsets to lines and columns.

use crate::Span;

/// Finds the line and column of a byte offset.
///
/// It keeps what it needs and does not borrow the text. Both numbers start at 1;
/// columns count characters, and only `\n` ends a line.
#[derive(Clone, Debug)]
pub struct LineIndex {
    line_starts: Vec<usize>,
    length: usize,
    /// One block for 64 bytes of text; empty when the text is ASCII.
    blocks: Vec<Block>,
}

/// Which of 64 bytes continue a character, and how many before them do.
#[derive(Clone, Copy, Default, Debug)]
struct Block {
    before: usize,
    continuing: u64,
}

impl LineIndex {
    /// Indexes a text. Cost: O(bytes).
    pub fn new(text: impl AsRef<[u8]>) -> Self {
        let bytes = text.as_ref();
        let newlines = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let line_starts = std::iter::once(0).chain(newlines.map(|(at, _)| at + 1)).collect();
        let blocks = if bytes.is_ascii() { Vec::new() } else { index_blocks(bytes) };
        LineIndex { line_starts, length: bytes.len(), blocks }
    }

    /// Returns line and column of a byte; an offset beyond the text counts as its end.
    ///
    /// Cost: O(log lines).
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let offset = offset.min(self.length);
        // The first line starts at 0, so at least one start is counted.
        let line = self.line_starts.partition_point(|&start| start <= offset);
        let start = self.line_starts[line - 1];
        let continuing = self.continuing_before(offset) - self.continuing_before(start);
        (line, offset - start - continuing + 1)
    }

    /// Returns how many lines there are; a text that ends in a newline has an empty last line.
    pub fn n_lines(&self) -> usize {
        self.line_starts.len()
    }

    /// Returns the bytes of a line without its newline; `None` when there is no such line.
    pub fn line(&self, line: usize) -> Option<Span> {
        let start = *self.line_starts.get(line.checked_sub(1)?)?;
        let end = self.line_starts.get(line).map_or(self.length, |next| next - 1);
        Some(Span { start, end })
    }

    fn continuing_before(&self, offset: usize) -> usize {
        let Some(block) = self.blocks.get(offset / 64) else { return 0 };
        let below = (1 << (offset % 64)) - 1;
        block.before + (block.continuing & below).count_ones() as usize
    }
}

fn index_blocks(bytes: &[u8]) -> Vec<Block> {
    let mut blocks = vec![Block::default(); bytes.len() / 64 + 1];
    let mut before = 0;
    for (block, bytes) in blocks.iter_mut().zip(bytes.chunks(64).chain([&[][..]])) {
        block.before = before;
        for (bit, byte) in bytes.iter().enumerate() {
            block.continuing |= u64::from(byte & 0xC0 == 0x80) << bit;
        }
        before += block.continuing.count_ones() as usize;
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares every offset with a count of characters.
    fn check(text: &str) {
        let index = LineIndex::new(text);
        for (offset, _) in text.char_indices().chain([(text.len(), ' ')]) {
            let before = &text[..offset];
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
            assert_eq!(index.position(offset), (line, column), "{text:?} at {offset}");
        }
        assert_eq!(index.position(text.len() + 5), index.position(text.len()));
    }

    #[test]
    fn positions_count_lines_and_characters() {
        for text in ["", "\n", "a", "a\nb", "\n\nä\n", "é\u{1F600}x\nyö\u{3000}", "\r\n\r\n"] {
            check(text);
        }
        for length in [63, 64, 65, 128, 129] {
            check(&"ä".repeat(length));
            check(&format!("{}ä\n{}é", "x".repeat(length), "y".repeat(length)));
        }
    }

    #[test]
    fn lines_are_without_their_newline() {
        let index = LineIndex::new("ab\n\nc\n");
        let lines: Vec<_> = (0..7).map(|line| index.line(line).map(|span| (span.start, span.end))).collect();
        assert_eq!(lines, [None, Some((0, 2)), Some((3, 3)), Some((4, 5)), Some((6, 6)), None, None]);
        assert_eq!(index.n_lines(), 4);
    }
}
