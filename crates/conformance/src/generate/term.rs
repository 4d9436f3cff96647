//! Programs as trees of words, for taking apart.

use std::fmt;

use crate::scan;

/// A word, or a tuple of terms.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Term {
    /// A symbol, variable or literal, as written.
    Word(String),
    /// An expression.
    Tuple(Vec<Term>),
}

impl Term {
    /// Reads the first term of a text without comments; `None` when it does not begin with a whole one.
    pub fn read(text: &str) -> Option<Term> {
        let place = scan::forms(text).ok()?.into_iter().next()?;
        let mut open: Vec<Vec<Term>> = Vec::new();
        for word in scan::words(&text[place.atom]) {
            let term = match word {
                "(" => {
                    open.push(Vec::new());
                    continue;
                }
                ")" => Term::Tuple(open.pop()?),
                word => Term::Word(word.to_owned()),
            };
            match open.last_mut() {
                Some(elements) => elements.push(term),
                None => return Some(term),
            }
        }
        None
    }

    /// The elements of a tuple; a word has none.
    pub fn elements(&self) -> &[Term] {
        match self {
            Term::Word(_) => &[],
            Term::Tuple(elements) => elements,
        }
    }

    /// Reports whether the term is the word `text`.
    pub fn is(&self, text: &str) -> bool {
        matches!(self, Term::Word(word) if word == text)
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Term::Word(word) => f.write_str(word),
            Term::Tuple(elements) => {
                f.write_str("(")?;
                for (index, element) in elements.iter().enumerate() {
                    f.write_str(if index == 0 { "" } else { " " })?;
                    element.fmt(f)?;
                }
                f.write_str(")")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Term;

    #[test]
    fn a_term_prints_as_it_was_written() {
        for text in ["a", "$x", "()", "(a (b \"c ) d\") ())", "\"\\\"\""] {
            assert_eq!(Term::read(text).unwrap().to_string(), text);
        }
        assert_eq!(Term::read("  ( a\n b )").unwrap().to_string(), "(a b)");
        for text in ["", "(a", ")"] {
            assert_eq!(Term::read(text), None, "{text}");
        }
    }
}
