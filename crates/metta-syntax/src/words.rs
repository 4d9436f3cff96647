//! Words that the caller gives a meaning to.

use std::sync::Arc;

use metta_atom::Atom;

/// Words that stand for an atom of the caller, such as the names of operations.
///
/// They are asked before literals are recognised, for every word that is not a
/// string, a variable or a lone top-level `!`.
pub trait Words {
    /// Returns the atom that `word` stands for; `None` when it is not one of these words. The answer
    /// is always the same for one word: it need not be asked for again.
    fn atom(&self, word: &str) -> Option<Atom>;
}

/// No extra words.
impl Words for () {
    fn atom(&self, _word: &str) -> Option<Atom> {
        None
    }
}

impl<W: Words + ?Sized> Words for &W {
    fn atom(&self, word: &str) -> Option<Atom> {
        (**self).atom(word)
    }
}

impl<W: Words + ?Sized> Words for Arc<W> {
    fn atom(&self, word: &str) -> Option<Atom> {
        (**self).atom(word)
    }
}
