//! What the comments behind a form say about what it prints.

use std::ops::Range;

use mettatron::diagnosis::{Finding, Label, Place, Severity};
use mettatron::syntax::{Form, Span};

/// The lines that a form should print.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Expected {
    lines: Vec<(Span, String)>,
}

/// Reads what is expected of each form: the comments `; => LINE` between it and the next one.
pub(super) fn read(bytes: &[u8], forms: &[Form]) -> Vec<Expected> {
    let ends = forms.iter().skip(1).map(|form| form.span.start).chain([bytes.len()]);
    forms.iter().zip(ends).map(|(form, end)| Expected { lines: lines(bytes, form.span.end, end) }).collect()
}

/// The expected lines in a part of a text that holds comments and blanks.
fn lines(bytes: &[u8], start: usize, end: usize) -> Vec<(Span, String)> {
    let mut found = Vec::new();
    let mut at = start;
    for line in bytes[start.min(end)..end].split(|byte| *byte == b'\n') {
        if let Some(comment) = line.iter().position(|byte| *byte == b';') {
            let text = String::from_utf8_lossy(&line[comment..]);
            let marked = text.trim_start_matches(';').trim_start();
            if let Some(expected) = marked.strip_prefix("=>") {
                let span = Span { start: at + comment, end: at + line.len() };
                found.push((span, expected.strip_prefix(' ').unwrap_or(expected).trim_end().to_owned()));
            }
        }
        at += line.len() + 1;
    }
    found
}

impl Expected {
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Reports whether the lines are the expected ones, but for the names of variables.
    pub(super) fn agrees(&self, found: &[String]) -> bool {
        self.lines.len() == found.len()
            && self.lines.iter().zip(found).all(|((_, expected), found)| same(expected, found.trim_end()))
    }

    /// Says how other lines differ.
    pub(super) fn differs(&self, form: Place, found: &[String]) -> Finding {
        let matched =
            |at: usize| found.get(at).is_some_and(|found| same(&self.lines[at].1, found.trim_end()));
        let first = (0..self.lines.len()).find(|at| !matched(*at)).unwrap_or(self.lines.len() - 1);
        let place = Place { text: form.text, span: self.lines[first].0 };
        let labels = vec![
            Label { place, words: "expected this".to_owned() },
            Label { place: form, words: "of this".to_owned() },
        ];
        let expected: Vec<&str> = self.lines.iter().map(|(_, line)| line.as_str()).collect();
        let found: Vec<&str> = found.iter().map(String::as_str).collect();
        let help = Some(difference(&expected, &found));
        let message = "the answer is not the expected one".to_owned();
        Finding { code: "E0701", severity: Severity::Error, message, help, labels }
    }

    /// What to write in the place of these lines, and where.
    pub(super) fn replacement(
        &self,
        bytes: &[u8],
        form: Place,
        found: &[String],
    ) -> Option<(Range<usize>, String)> {
        let (first, last) = (self.lines.first()?.0, self.lines.last()?.0);
        let begins_line = bytes[form.span.end..first.start].contains(&b'\n');
        let comments: Vec<String> =
            found.iter().map(|line| format!("; => {line}").trim_end().to_owned()).collect();
        let text = comments.join("\n");
        // Several lines do not fit behind a form.
        if comments.len() > 1 && !begins_line {
            return Some((form.span.end..last.end, format!("\n{text}")));
        }
        Some((first.start..last.end, text))
    }
}

/// The lines of two texts, `-` what is expected and `+` what was found.
fn difference(expected: &[&str], found: &[&str]) -> String {
    let changes = similar::TextDiff::from_slices(expected, found);
    let lines = changes.iter_all_changes().map(|change| format!("{} {}", change.tag(), change.value()));
    lines.collect::<Vec<_>>().join("\n")
}

/// Reports whether two lines are the same but for the names of variables.
fn same(expected: &str, found: &str) -> bool {
    expected == found || numbered(expected) == numbered(found)
}

/// A line with its variables numbered in the order of their first occurrence.
fn numbered(line: &str) -> Vec<String> {
    let mut names: Vec<&str> = Vec::new();
    let mut words = Vec::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let is_end = |c: char| c.is_whitespace() || "()[],\"".contains(c);
        let length = match first {
            '"' => string_length(rest),
            '$' => rest.find(is_end).unwrap_or(rest.len()),
            c if is_end(c) => c.len_utf8(),
            _ => rest.find(is_end).unwrap_or(rest.len()),
        };
        let (word, after) = rest.split_at(length);
        rest = after;
        words.push(match first {
            '$' => {
                let number = names.iter().position(|name| *name == word).unwrap_or_else(|| {
                    names.push(word);
                    names.len() - 1
                });
                format!("${number}")
            }
            _ => word.to_owned(),
        });
    }
    words
}

/// The length of the string that a text begins with.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    let mut after_first = text.char_indices().skip(1);
    let end = after_first.find(|(_, c)| {
        let ends = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |(at, _)| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_compared_but_for_names_of_variables() {
        for (expected, found) in
            [("[1, 2]", "[1, 2]"), ("[(f $x $y $x)]", "[(f $a#7 $b $a#7)]"), ("[\"$x\"]", "[\"$x\"]")]
        {
            assert!(same(expected, found), "{expected} {found}");
        }
        for (expected, found) in [("[1]", "[2]"), ("[($x $x)]", "[($x $y)]"), ("[\"$x\"]", "[\"$y\"]")] {
            assert!(!same(expected, found), "{expected} {found}");
        }
    }

    #[test]
    fn expectations_are_the_comments_behind_a_form() {
        let text = "!(f) ; => [1]\n; text\n;=> more\n!(g)\n;; =>  two\n;=>\n";
        let forms = mettatron::syntax::parse(text, &()).forms;
        let read = read(text.as_bytes(), &forms);
        let lines = |at: usize| read[at].lines.iter().map(|(_, line)| line.as_str()).collect::<Vec<_>>();
        assert_eq!(lines(0), ["[1]", "more"]);
        assert_eq!(lines(1), [" two", ""]);
    }
}
