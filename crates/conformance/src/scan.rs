//! Where the top-level forms of a MeTTa text are.
//!
//! Small on purpose: it finds ends, it does not read atoms. The corpus test checks
//! that the engine's parser finds the same forms.

use std::ops::Range;

/// The place of one top-level form.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    /// The form, from its `!` when there is one.
    pub(crate) whole: Range<usize>,
    /// The atom, without the `!`.
    pub(crate) atom: Range<usize>,
}

impl Place {
    /// Reports whether a `!` stands before the atom.
    pub(crate) fn runs(&self) -> bool {
        self.whole.start != self.atom.start
    }
}

/// Finds the top-level forms of `text`; the offset of the place where it cannot go on otherwise.
pub(crate) fn forms(text: &str) -> Result<Vec<Place>, usize> {
    let mut scan = Scan { text, at: 0 };
    let mut places = Vec::new();
    while scan.skip_blank() {
        let start = scan.at;
        let mut atom = scan.atom()?;
        if &text[atom.clone()] == "!" {
            if !scan.skip_blank() {
                return Err(start);
            }
            atom = scan.atom()?;
        }
        places.push(Place { whole: start..atom.end, atom });
    }
    Ok(places)
}

/// The words of a text that consists of whole forms: brackets, strings, variables, other words.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut scan = Scan { text, at: 0 };
    std::iter::from_fn(move || {
        let start = scan.skip_blank().then_some(scan.at)?;
        match scan.peek() {
            Some('(' | ')') => scan.at += 1,
            _ => scan.token().ok()?,
        }
        Some(&text[start..scan.at])
    })
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl Scan<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn advance_while(&mut self, mut accepts: impl FnMut(char) -> bool) {
        while let Some(c) = self.peek().filter(|&c| accepts(c)) {
            self.at += c.len_utf8();
        }
    }

    /// Skips white space and comments; false at the end of the text.
    fn skip_blank(&mut self) -> bool {
        loop {
            self.advance_while(char::is_whitespace);
            if self.peek() != Some(';') {
                return self.peek().is_some();
            }
            self.advance_while(|c| c != '\n');
        }
    }

    fn atom(&mut self) -> Result<Range<usize>, usize> {
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            match self.peek() {
                None => return Err(start),
                Some('(') => {
                    depth += 1;
                    self.at += 1;
                }
                Some(')') => {
                    depth = depth.checked_sub(1).ok_or(self.at)?;
                    self.at += 1;
                }
                Some(_) => self.token()?,
            }
            if depth == 0 {
                return Ok(start..self.at);
            }
            if !self.skip_blank() {
                return Err(start);
            }
        }
    }

    fn token(&mut self) -> Result<(), usize> {
        let start = self.at;
        match self.peek() {
            Some('"') => {
                self.at += 1;
                let mut escaped = false;
                self.advance_while(|c| {
                    let inside = escaped || c != '"';
                    escaped = !escaped && c == '\\';
                    inside
                });
                self.peek().ok_or(start)?;
                self.at += 1;
            }
            // `;` is a part of a variable's name.
            Some('$') => self.advance_while(|c| !c.is_whitespace() && !"()".contains(c)),
            _ => self.advance_while(|c| !c.is_whitespace() && !"();".contains(c)),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{forms, words};

    /// The atoms of a text, each with its `!`.
    fn check(text: &str, expected: &[&str]) {
        let found: Vec<String> = forms(text)
            .unwrap()
            .into_iter()
            .map(|place| format!("{}{}", if place.runs() { "! " } else { "" }, &text[place.atom]))
            .collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn words_strings_and_expressions() {
        check("a (b c) \"d e\"f", &["a", "(b c)", "\"d e\"", "f"]);
        check("(a \") ; \\\" (\" b)", &["(a \") ; \\\" (\" b)"]);
        check("(a ; ) comment\n b)c", &["(a ; ) comment\n b)", "c"]);
        check("a;note\nb", &["a", "b"]);
        check("(s a\"b\" $x;y) z", &["(s a\"b\" $x;y)", "z"]);
        check("", &[]);
        check(" ; nothing", &[]);
    }

    #[test]
    fn words_are_tokens() {
        let found: Vec<_> = words("(a \"b )\" ; c\n($x;y))").collect();
        assert_eq!(found, ["(", "a", "\"b )\"", "(", "$x;y", ")", ")"]);
    }

    #[test]
    fn a_lone_bang_runs_the_next_atom() {
        check("!(f) ! x !y\n! ; here\n (g)", &["! (f)", "! x", "!y", "! (g)"]);
    }

    #[test]
    fn a_text_that_ends_inside_a_form_is_refused() {
        for (text, place) in [("(a", 0), ("a (b \"c)", 5), ("a )", 2), ("a !", 2), ("(a \\\" \"b", 6)] {
            assert_eq!(forms(text), Err(place), "{text:?}");
        }
    }
}
