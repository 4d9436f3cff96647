//! The lines of a text that a drawing shows, with long ones cut, so that any text can be drawn.

use std::ops::Range;

use mettatron::diagnosis::Text;
use miette::{LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

/// Lines with more bytes are cut.
const LONG: usize = 400;
/// What is left of a long line before the first mark, and from there on.
const BEFORE: usize = 60;
const BEHIND: usize = 240;
const CUT: &str = "…";

/// Some lines of a text.
#[derive(Debug)]
pub(super) struct Excerpt {
    name: String,
    text: String,
    lines: Vec<Line>,
}

/// A line that is shown.
#[derive(Debug)]
struct Line {
    /// Where it begins in the excerpt.
    at: usize,
    /// Its number in the text, from 0.
    number: usize,
    /// The bytes of the text that it shows.
    shown: Range<usize>,
    /// The bytes of the text that the whole line has.
    whole: Range<usize>,
}

impl Excerpt {
    /// Takes the lines with marks and one around them out of a text, and returns the marks where they are then.
    pub(super) fn of(text: &Text, marks: &[LabeledSpan]) -> (Self, Vec<LabeledSpan>) {
        let bytes = text.bytes();
        let ends = |mark: &LabeledSpan| {
            let start = mark.offset().min(bytes.len());
            start..(start + mark.len()).min(bytes.len())
        };
        let mut excerpt = Excerpt { name: text.name().to_owned(), text: String::new(), lines: Vec::new() };
        let mut wanted: Vec<Range<usize>> = marks.iter().map(|mark| around(bytes, ends(mark))).collect();
        wanted.sort_by_key(|range| range.start);
        let mut done = 0;
        for range in wanted {
            let mut at = range.start.max(done);
            while at < range.end {
                let end = line_end(bytes, at);
                let marked = marks
                    .iter()
                    .map(ends)
                    .filter(|mark| mark.start < end && mark.end > at || mark.start == at);
                let first = marked.map(|mark| mark.start.max(at)).min();
                excerpt.line(text, at..end, first);
                at = end + 1;
            }
            done = at.max(done);
        }
        let marks = marks.iter().map(|mark| excerpt.moved(mark, ends(mark))).collect();
        (excerpt, marks)
    }

    /// Adds a line; a long one is cut around its first mark.
    fn line(&mut self, text: &Text, whole: Range<usize>, first: Option<usize>) {
        let at = self.text.len();
        let mut shown = whole.clone();
        if whole.len() > LONG {
            let first = first.unwrap_or(whole.start);
            shown = first.saturating_sub(BEFORE).max(whole.start)..(first + BEHIND).min(whole.end);
            // Not inside a character: its bytes go on as 10xxxxxx.
            let bytes = text.bytes();
            let inside = |at: usize| bytes.get(at).is_some_and(|byte| byte & 0xC0 == 0x80);
            let onward = (0..4).find(|step| !inside(shown.start + step)).unwrap_or(0);
            let back = (0..4).find(|step| !inside(shown.end - step)).unwrap_or(0);
            shown = shown.start + onward..shown.end - back;
        }
        if shown.start > whole.start {
            self.text.push_str(CUT);
        }
        self.text.push_str(&printable(&text.bytes()[shown.clone()]));
        if shown.end < whole.end {
            self.text.push_str(CUT);
        }
        self.text.push('\n');
        let number = text.position(whole.start).0 - 1;
        self.lines.push(Line { at, number, shown, whole });
    }

    fn moved(&self, mark: &LabeledSpan, at: Range<usize>) -> LabeledSpan {
        let start = self.place(at.start);
        let end = self.place(at.end).max(start);
        let span = SourceSpan::from((start, end - start));
        let label = mark.label().map(str::to_owned);
        match mark.primary() {
            true => LabeledSpan::new_primary_with_span(label, span),
            false => LabeledSpan::new_with_span(label, span),
        }
    }

    /// Where a byte of the text is in the excerpt, or the next one that is shown.
    fn place(&self, offset: usize) -> usize {
        let line = self.lines.iter().rev().find(|line| line.whole.start <= offset).or(self.lines.first());
        let Some(line) = line else { return 0 };
        let cut = if line.shown.start > line.whole.start { CUT.len() } else { 0 };
        line.at + cut + offset.clamp(line.shown.start, line.shown.end) - line.shown.start
    }
}

/// The line that ends at or behind a byte.
fn line_end(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    rest.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |length| at + length)
}

fn line_start(bytes: &[u8], at: usize) -> usize {
    bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1)
}

/// The lines of a mark, and one before and behind them, each with its newline, even where the last has none.
fn around(bytes: &[u8], mark: Range<usize>) -> Range<usize> {
    let start = line_start(bytes, mark.start);
    let end = line_end(bytes, mark.end.max(mark.start));
    let above = if start > 0 { line_start(bytes, start - 1) } else { start };
    let below = if end + 1 < bytes.len() { line_end(bytes, end + 1) } else { end };
    above..below + 1
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let found = self.text.as_str().read_span(span, before, after)?;
        let line = self.lines.get(found.line());
        let number = line.map_or(found.line(), |line| line.number);
        // Columns are told of marks, which are behind what was cut.
        let cut = line.map_or(0, |line| match line.shown.start - line.whole.start {
            0 => 0,
            cut => cut - CUT.len().min(cut),
        });
        let column = if found.column() > 0 { found.column() + cut } else { 0 };
        let (data, span, n_lines) = (found.data(), *found.span(), found.line_count());
        Ok(Box::new(MietteSpanContents::new_named(self.name.clone(), data, span, number, column, n_lines)))
    }
}

/// Makes a text of bytes, each that is not UTF-8 or would move the cursor replaced by one `?`, so that places stay.
fn printable(mut bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut push = |good: &str| {
        text.extend(good.chars().map(|c| if c.is_ascii_control() && c != '\t' { '?' } else { c }))
    };
    loop {
        match std::str::from_utf8(bytes) {
            Ok(rest) => {
                push(rest.strip_suffix('\r').unwrap_or(rest));
                return text;
            }
            Err(error) => {
                let (good, rest) = bytes.split_at(error.valid_up_to());
                push(&String::from_utf8_lossy(good));
                push("?");
                bytes = &rest[1..];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use mettatron::Library;
    use mettatron::diagnosis::Texts;

    use super::*;

    /// What is shown of a text around a mark, and what the mark is at then.
    fn check(text: &str, mark: Range<usize>) -> (String, String, usize) {
        let mut texts = Texts::new(Library::new());
        let number = texts.add("text", text.as_bytes().to_vec());
        let marks = [LabeledSpan::new(None, mark.start, mark.len())];
        let (excerpt, marks) = Excerpt::of(texts.get(number).unwrap(), &marks);
        let at = marks[0].offset();
        let marked = excerpt.text[at..at + marks[0].len()].to_owned();
        (excerpt.text.clone(), marked, excerpt.lines[0].number)
    }

    #[test]
    fn lines_around_a_mark_are_shown() {
        let text = "one\ntwo\nthree\nfour\nfive";
        assert_eq!(check(text, 8..13), ("two\nthree\nfour\n".to_owned(), "three".to_owned(), 1));
        assert_eq!(check(text, 0..3), ("one\ntwo\n".to_owned(), "one".to_owned(), 0));
        assert_eq!(check(text, 23..23), ("four\nfive\n".to_owned(), String::new(), 3));
        assert_eq!(check("", 0..0), ("\n".to_owned(), String::new(), 0));
        assert_eq!(check("a\n\nb\n", 0..1), ("a\n\n".to_owned(), "a".to_owned(), 0));
        assert_eq!(check("a\n", 2..2), ("a\n\n".to_owned(), String::new(), 0));
    }

    #[test]
    fn long_lines_are_cut_between_characters() {
        let text = format!("{}mark{}", "é".repeat(1_000), "ö".repeat(100_000));
        let (shown, marked, _) = check(&text, 2_000..2_004);
        assert_eq!(marked, "mark");
        assert!(shown.len() < LONG && shown.starts_with("…é") && shown.ends_with("ö…\n"), "{shown}");
        let (_, marked, _) = check(&text, 0..text.len());
        assert!(marked.len() < LONG && marked.starts_with('é'));
    }

    #[test]
    fn places_in_broken_text_stay() {
        assert_eq!(printable("(é)".as_bytes()), "(é)");
        assert_eq!(printable(b"a\xff\xfeb\xc3"), "a??b?");
        assert_eq!(printable(b"a\0\x1b[\tb\r"), "a??[\tb");
    }
}
