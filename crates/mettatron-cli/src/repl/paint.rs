//! Colours of a text while it is written.

use mettatron::syntax::{Span, TokenKind, tokens};

const RESET: &str = "\x1b[0m";
const COMMENT: &str = "\x1b[2m";
const STRING: &str = "\x1b[32m";
const NUMBER: &str = "\x1b[36m";
const VARIABLE: &str = "\x1b[35m";
const RUN: &str = "\x1b[1;33m";
const HEAD: &str = "\x1b[1;34m";
const MATCHED: &str = "\x1b[1;7m";
const STRAY: &str = "\x1b[1;31m";
const COMMAND: &str = "\x1b[1;33m";

/// Returns the text with colours; the brackets at `cursor` and its partner stand out.
pub(crate) fn painted(text: &str, cursor: usize) -> String {
    if text.starts_with(':') {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        return format!("{COMMAND}{}{RESET}{}", &text[..end], painted_forms(text, end, cursor));
    }
    painted_forms(text, 0, cursor)
}

fn painted_forms(text: &str, start: usize, cursor: usize) -> String {
    let pair = partners(text, cursor);
    let mut out = String::with_capacity(text.len() * 2);
    let mut at = start;
    let mut depth = 0_usize;
    let mut heads = false;
    for token in tokens(text.as_bytes()) {
        let Span { start, end } = token.span;
        if start < at {
            continue;
        }
        out.push_str(&text[at..start]);
        let word = &text[start..end];
        let colour = match token.kind {
            TokenKind::Open | TokenKind::Close if pair.is_some_and(|(a, b)| a == start || b == start) => {
                MATCHED
            }
            TokenKind::Close if depth == 0 => STRAY,
            TokenKind::Open | TokenKind::Close => "",
            TokenKind::Text => STRING,
            TokenKind::Variable => VARIABLE,
            TokenKind::Run => RUN,
            TokenKind::Comment => COMMENT,
            TokenKind::Word if word.parse::<f64>().is_ok() => NUMBER,
            TokenKind::Word if heads => HEAD,
            TokenKind::Word => "",
        };
        depth = match token.kind {
            TokenKind::Open => depth + 1,
            TokenKind::Close => depth.saturating_sub(1),
            TokenKind::Text | TokenKind::Variable | TokenKind::Run | TokenKind::Word | TokenKind::Comment => {
                depth
            }
        };
        heads = token.kind == TokenKind::Open || heads && token.kind == TokenKind::Comment;
        if colour.is_empty() {
            out.push_str(word);
        } else {
            // A colour does not go over the end of a line: the editor writes lines one by one.
            let lines: Vec<String> = word.split('\n').map(|line| format!("{colour}{line}{RESET}")).collect();
            out.push_str(&lines.join("\n"));
        }
        at = end;
    }
    out.push_str(&text[at..]);
    out
}

/// The bracket at the cursor, or before it, and the one that belongs to it.
pub(crate) fn partners(text: &str, cursor: usize) -> Option<(usize, usize)> {
    let mut open = Vec::new();
    let mut pairs = Vec::new();
    for token in tokens(text.as_bytes()) {
        match token.kind {
            TokenKind::Open => open.push(token.span.start),
            TokenKind::Close => pairs.extend(open.pop().map(|start| (start, token.span.start))),
            TokenKind::Text | TokenKind::Variable | TokenKind::Run | TokenKind::Word | TokenKind::Comment => {
            }
        }
    }
    let touches = |at: usize| pairs.iter().copied().find(|(a, b)| *a == at || *b == at);
    touches(cursor).or_else(|| touches(cursor.checked_sub(1)?))
}

/// How many brackets are open at the end of a text.
pub(crate) fn open_brackets(text: &str) -> usize {
    tokens(text.as_bytes()).fold(0, |depth: usize, token| match token.kind {
        TokenKind::Open => depth + 1,
        TokenKind::Close => depth.saturating_sub(1),
        TokenKind::Text | TokenKind::Variable | TokenKind::Run | TokenKind::Word | TokenKind::Comment => {
            depth
        }
    })
}

/// The head of the innermost expression that is open at the end of a text.
pub(crate) fn enclosing_head(text: &str) -> Option<&str> {
    let mut heads: Vec<Option<&str>> = Vec::new();
    let mut after_open = false;
    for token in tokens(text.as_bytes()) {
        match token.kind {
            TokenKind::Open => heads.push(None),
            TokenKind::Close => drop(heads.pop()),
            TokenKind::Word if after_open => {
                if let Some(head) = heads.last_mut() {
                    *head = Some(&text[token.span.start..token.span.end]);
                }
            }
            TokenKind::Text | TokenKind::Variable | TokenKind::Run | TokenKind::Word | TokenKind::Comment => {
            }
        }
        after_open = token.kind == TokenKind::Open;
    }
    heads.pop().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text with its colours taken off.
    fn plain(painted: &str) -> String {
        let mut out = String::new();
        let mut rest = painted;
        while let Some(at) = rest.find('\x1b') {
            out.push_str(&rest[..at]);
            rest = &rest[at + rest[at..].find('m').unwrap() + 1..];
        }
        out + rest
    }

    #[test]
    fn colours_change_no_letter() {
        for text in ["", "!(f $x 1.5 \"a\nb", ":type (f $x)", "a) ; end\n(b", ":trace", "é(ü \"ö\")"] {
            for cursor in 0..=text.len() {
                assert_eq!(plain(&painted(text, cursor)), text);
            }
        }
    }

    #[test]
    fn brackets_have_partners() {
        assert_eq!(partners("(a (b))", 0), Some((0, 6)));
        assert_eq!(partners("(a (b))", 6), Some((0, 6)));
        assert_eq!(partners("(a (b))", 4), Some((3, 5)));
        assert_eq!(partners("(a \")\" b)", 3), None);
        assert_eq!(partners("(a", 0), None);
        assert!(painted("(a)", 0).starts_with("\x1b[1;7m(\x1b[0m"));
    }

    #[test]
    fn the_call_under_way_is_known() {
        assert_eq!(enclosing_head("!(f (g 1) "), Some("f"));
        assert_eq!(enclosing_head("!(f (g 1"), Some("g"));
        assert_eq!(enclosing_head("(f) "), None);
        assert_eq!(enclosing_head("((f) "), None);
        assert_eq!(open_brackets("(a (b \"(\" ; (\n"), 2);
    }
}
