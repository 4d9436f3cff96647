//! Words that `bind!`, an import or a built-in module gave a meaning to.

use metta_atom::{Atom, Grounded, SpaceId};
use regex::Regex;

/// A bound word.
#[derive(Clone, Debug)]
struct Token {
    pattern: Pattern,
    atom: Atom,
}

#[derive(Clone, Debug)]
enum Pattern {
    Word(String),
    Regex(Regex),
}

impl Pattern {
    fn matches(&self, word: &str) -> bool {
        match self {
            Pattern::Word(text) => text == word,
            Pattern::Regex(regex) => regex.is_match(word),
        }
    }
}

/// The bound words of one module, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tokens(Vec<Token>);

impl Tokens {
    /// Binds `word`, a regular expression for whole words, to `atom` from now on.
    pub(crate) fn bind(&mut self, word: &str, atom: Atom) -> Result<(), regex::Error> {
        let pattern = if regex::escape(word) == word {
            Pattern::Word(word.to_owned())
        } else {
            Pattern::Regex(Regex::new(&format!("^(?:{word})$"))?)
        };
        self.0.push(Token { pattern, atom });
        Ok(())
    }

    /// Binds a word as it is.
    pub(crate) fn bind_word(&mut self, word: &str, atom: Atom) {
        self.0.push(Token { pattern: Pattern::Word(word.to_owned()), atom });
    }

    /// Replaces the bound words in an atom that was read before, latest binding first.
    ///
    /// `own` is the space that `&self` stands for in the text.
    /// Cost: O(1) while nothing is bound, else O(leaves of `atom` × bindings).
    pub(crate) fn resolve(&self, atom: &Atom, own: SpaceId) -> Atom {
        if self.0.is_empty() {
            return atom.clone();
        }
        // A post-order walk: `done` collects finished siblings, a frame the place where its own begin.
        enum Visit<'a> {
            Enter(&'a Atom),
            Leave { original: &'a Atom, start: usize },
        }
        let mut pending = vec![Visit::Enter(atom)];
        let mut done: Vec<Atom> = Vec::new();
        while let Some(visit) = pending.pop() {
            match visit {
                Visit::Enter(atom @ Atom::Expression(expression)) => {
                    pending.push(Visit::Leave { original: atom, start: done.len() });
                    pending.extend(expression.children().iter().rev().map(Visit::Enter));
                }
                Visit::Enter(leaf) => done.push(self.resolve_leaf(leaf, own)),
                Visit::Leave { original, start } => {
                    let children = done.split_off(start);
                    let unchanged = original.children().is_some_and(|old| old == children.as_slice());
                    done.push(if unchanged { original.clone() } else { Atom::expression(children) });
                }
            }
        }
        done.pop().unwrap_or_else(|| atom.clone())
    }

    fn resolve_leaf(&self, leaf: &Atom, own: SpaceId) -> Atom {
        let word = match leaf {
            Atom::Variable(_) | Atom::Expression(_) => return leaf.clone(),
            Atom::Symbol(symbol) => symbol.name().to_owned(),
            Atom::Grounded(Grounded::Text(_)) => return leaf.clone(),
            Atom::Grounded(Grounded::Space(id)) if *id == own => "&self".to_owned(),
            Atom::Grounded(value) => value.to_string(),
        };
        match self.0.iter().rev().find(|token| token.pattern.matches(&word)) {
            Some(token) => token.atom.clone(),
            None => leaf.clone(),
        }
    }
}
