//! Where the atoms inside a form are.

use metta_atom::Atom;

use crate::lexer::{Kind, Lexer};
use crate::{Form, Span};

/// An atom inside a form, or the form's own, with its place.
#[derive(Clone, Copy, Debug)]
pub struct Part<'f> {
    /// The atom.
    pub atom: &'f Atom,
    /// Its bytes in the text.
    pub span: Span,
    /// The number of the first part that is neither this one nor inside it.
    pub end: usize,
}

/// Returns every atom of a form with its place, an expression before its elements.
///
/// `bytes` is the text that the form was read from. Places are kept out of atoms, so they are
/// found again when somebody asks. Cost: O(bytes of the form).
pub fn parts<'f>(bytes: &[u8], form: &'f Form) -> Vec<Part<'f>> {
    let end = form.span.end.min(bytes.len());
    let mut parts: Vec<Part<'f>> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    // The atoms to come, the next one last.
    let mut atoms = vec![&form.atom];
    // Whether the next token is the second half of `& self`.
    let mut halved = false;
    for token in Lexer::new(&bytes[..end], form.span.start.min(end)) {
        let text = &bytes[token.start..token.end];
        let before = parts.is_empty() && token.kind == Kind::Word && text == b"!";
        if token.kind == Kind::Comment || before {
            continue;
        }
        if token.kind == Kind::Close {
            let Some(index) = open.pop() else { break };
            parts[index].span.end = token.end;
            parts[index].end = parts.len();
            continue;
        }
        if std::mem::take(&mut halved) {
            if let Some(last) = parts.last_mut() {
                last.span.end = token.end;
            }
            continue;
        }
        let Some(atom) = atoms.pop() else { break };
        halved = text == b"&" && atom.as_symbol() != Some("&");
        let span = Span { start: token.start, end: token.end };
        parts.push(Part { atom, span, end: parts.len() + 1 });
        if token.kind == Kind::Open {
            open.push(parts.len() - 1);
            atoms.extend(atom.children().unwrap_or(&[]).iter().rev());
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    /// Lists the parts of the first form, each as its text and its atom.
    fn list(text: &str) -> Vec<(&str, String, usize)> {
        let parsed = parse(text, &());
        let form = &parsed.forms[0];
        parts(text.as_bytes(), form)
            .iter()
            .map(|part| (&text[part.span.start..part.span.end], part.atom.to_string(), part.end))
            .collect()
    }

    #[test]
    fn every_part_has_its_place() {
        assert_eq!(
            list("  ! ; why\n (f (g \"a )\") ; (\n () $x)"),
            [
                ("(f (g \"a )\") ; (\n () $x)", "(f (g \"a )\") () $x)".to_owned(), 7),
                ("f", "f".to_owned(), 2),
                ("(g \"a )\")", "(g \"a )\")".to_owned(), 5),
                ("g", "g".to_owned(), 4),
                ("\"a )\"", "\"a )\"".to_owned(), 5),
                ("()", "()".to_owned(), 6),
                ("$x", "$x".to_owned(), 7),
            ]
        );
        assert_eq!(list("! x"), [("x", "x".to_owned(), 1)]);
    }

    #[test]
    fn two_words_that_mean_one_space_are_one_part() {
        let found = list("!(match & self (p $x) (& self))");
        let texts: Vec<&str> = found.iter().map(|(text, ..)| *text).collect();
        assert_eq!(texts[2..], ["& self", "(p $x)", "p", "$x", "(& self)", "&", "self"]);
    }
}
