//! Rust text as the checks see it: comments and literals blanked, test code known by line.
//!
//! This is a scanner, not a parser. It knows enough of the lexical grammar (nested comments,
//! raw strings, lifetimes) that a brace in a string is not a brace, and no more.

use std::fs;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result};

/// One Rust file.
pub(crate) struct Source {
    /// The path relative to the root, for messages.
    pub(crate) path: String,
    pub(crate) text: String,
    /// The text with comments and literals overwritten by blanks, byte for byte.
    pub(crate) code: String,
    /// The byte ranges of items that only tests see.
    tests: Vec<Range<usize>>,
    is_test_file: bool,
}

/// A function with a body.
pub(crate) struct Function {
    pub(crate) name: String,
    /// The range from `fn` to the closing brace.
    pub(crate) span: Range<usize>,
}

impl Source {
    /// Reads the file at `path`.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let shown = path.strip_prefix(crate::workspace::root()).unwrap_or(path);
        Ok(Source::new(shown.to_string_lossy().into_owned(), text))
    }

    fn new(path: String, text: String) -> Self {
        let code = blank(&text);
        let tests = test_items(&code);
        let is_test_file = path.split('/').any(|part| matches!(part, "tests" | "benches" | "tests.rs"));
        Source { path, text, code, tests, is_test_file }
    }

    /// The line, counted from 1, of a byte offset.
    pub(crate) fn line(&self, offset: usize) -> usize {
        1 + self.text.as_bytes()[..offset].iter().filter(|&&byte| byte == b'\n').count()
    }

    /// Whether only tests see the text at `offset`.
    pub(crate) fn is_test(&self, offset: usize) -> bool {
        self.is_test_file || self.tests.iter().any(|range| range.contains(&offset))
    }

    /// The number of lines outside of tests.
    pub(crate) fn n_lines(&self) -> usize {
        let mut offset = 0;
        let mut count = 0;
        for line in self.text.split_inclusive('\n') {
            count += usize::from(!self.is_test(offset));
            offset += line.len();
        }
        count
    }

    /// The functions outside of tests, outer before inner.
    pub(crate) fn functions(&self) -> Vec<Function> {
        words(&self.code, "fn").filter_map(|start| self.function(start)).collect()
    }

    fn function(&self, start: usize) -> Option<Function> {
        let rest = self.code[start + 2..].trim_start();
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        // A function pointer type `fn(..)` has no name; a required method has no body.
        if name.is_empty() || self.is_test(start) {
            return None;
        }
        let end = item_end(&self.code, start)?;
        self.code[..end].ends_with('}').then_some(Function { name, span: start..end })
    }
}

/// The places where `word` stands alone in `code`.
pub(crate) fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).map(|(start, _)| start).filter(move |&start| {
        !code[..start].ends_with(is_part) && !code[start + word.len()..].starts_with(is_part)
    })
}

/// The ranges of the items after `#[cfg(test)]` and `#[cfg(all(test, ..))]`.
fn test_items(code: &str) -> Vec<Range<usize>> {
    let marks = ["#[cfg(test)]", "#[cfg(all(test"];
    let starts = marks.iter().flat_map(|mark| code.match_indices(mark));
    starts.filter_map(|(start, _)| Some(start..item_end(code, start)?)).collect()
}

/// The end of the item that starts at `start`: past its `;` or its closing brace.
fn item_end(code: &str, start: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (offset, byte) in code.bytes().enumerate().skip(start) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' => depth = depth.checked_sub(1)?,
            b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(offset + 1);
                }
            }
            b';' if depth == 0 => return Some(offset + 1),
            _ => {}
        }
    }
    None
}

/// Overwrites comments and literals with blanks; line ends stay.
fn blank(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut after_word = false;
    while let Some(first) = rest.chars().next() {
        let hidden = if after_word && !matches!(first, '"') { None } else { hidden_length(rest) };
        let length = hidden.unwrap_or(first.len_utf8());
        let (token, tail) = rest.split_at(length.min(rest.len()));
        match hidden {
            Some(_) => out.extend(token.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' })),
            None => out.push_str(token),
        }
        // `br"` and `r#"` begin literals only where no longer word goes on.
        after_word = hidden.is_none() && (first.is_alphanumeric() || first == '_');
        rest = tail;
    }
    out
}

/// The length of the comment or literal at the start of `text`, if there is one.
fn hidden_length(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return Some(block_comment_length(text));
    }
    let prefix = ["br", "cr", "b", "c", "r", ""].into_iter().find(|prefix| {
        let rest = text.strip_prefix(prefix).unwrap_or_default();
        rest.starts_with('"') || (prefix.ends_with('r') && rest.trim_start_matches('#').starts_with('"'))
    });
    if let Some(prefix) = prefix {
        let body = &text[prefix.len()..];
        let length = if prefix.ends_with('r') { raw_string_length(body) } else { quoted_length(body, '"') };
        return Some(prefix.len() + length);
    }
    character_length(text)
}

fn block_comment_length(text: &str) -> usize {
    let mut depth = 0;
    let mut offset = 0;
    while offset < text.len() {
        let rest = &text.as_bytes()[offset..];
        if rest.starts_with(b"/*") {
            depth += 1;
            offset += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            offset += 2;
            if depth == 0 {
                return offset;
            }
        } else {
            offset += 1;
        }
    }
    text.len()
}

/// The length of `#*"..."#*` with as many `#` after as before.
fn raw_string_length(text: &str) -> usize {
    let hashes = text.len() - text.trim_start_matches('#').len();
    let end = format!("\"{}", "#".repeat(hashes));
    let body = hashes + 1;
    text[body..].find(&end).map_or(text.len(), |at| body + at + end.len())
}

/// The length of a literal between `quote`s with backslash escapes.
fn quoted_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (offset, c) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            return offset + c.len_utf8();
        }
    }
    text.len()
}

/// The length of a character literal; a lifetime such as `'a` is none.
fn character_length(text: &str) -> Option<usize> {
    let mut chars = text.strip_prefix('\'')?.chars();
    let (first, second) = (chars.next()?, chars.next()?);
    (first == '\\' || second == '\'').then(|| quoted_length(text, '\''))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::new("src/x.rs".into(), text.into())
    }

    #[test]
    fn comments_and_literals_are_blank() {
        let text = "a // {\nb /* { /* { */ } */ c \"{\\\"{\" d r#\"{\"{\"# e '{' f '\\'' g<'a> b\"{\" h";
        assert_eq!(blank(text).split_whitespace().collect::<String>(), "abcdefg<'a>h");
        assert_eq!(blank(text).len(), text.len());
    }

    #[test]
    fn a_word_before_a_literal_stays() {
        assert_eq!(blank("for\"x\"").trim_end(), "for");
        assert_eq!(blank("bar = 'x'; 'bar: loop {}").replace("   ", ""), "bar = ; 'bar: loop {}");
    }

    #[test]
    fn functions_are_found_with_their_bodies() {
        let source = source("fn a(f: fn(u8)) -> [u8; 3] {\n { }\n}\ntrait T { fn b(); fn c() {} }\n");
        let found: Vec<_> = source
            .functions()
            .iter()
            .map(|f| (f.name.clone(), source.line(f.span.start), source.line(f.span.end)))
            .collect();
        assert_eq!(found, [("a".into(), 1, 3), ("c".into(), 4, 4)]);
    }

    #[test]
    fn test_modules_are_not_counted() {
        let source = source("fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() {}\n}\nfn c() {}\n");
        assert_eq!(source.functions().iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["a", "c"]);
        assert_eq!(source.n_lines(), 2);
    }
}
