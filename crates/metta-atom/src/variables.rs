//! Walking over the variables of an atom.

use crate::{Atom, Variable};

/// The occurrences of variables in an atom, left to right; see [`Atom::variables`].
#[derive(Clone, Debug)]
pub struct Variables<'a> {
    pending: Vec<&'a Atom>,
}

impl Atom {
    /// Walks over the occurrences of variables, left to right.
    ///
    /// A variable comes as often as it occurs. Parts without variables are skipped.
    pub fn variables(&self) -> Variables<'_> {
        Variables { pending: vec![self] }
    }
}

impl<'a> Iterator for Variables<'a> {
    type Item = &'a Variable;

    fn next(&mut self) -> Option<&'a Variable> {
        while let Some(atom) = self.pending.pop() {
            match atom {
                Atom::Variable(variable) => return Some(variable),
                Atom::Expression(expression) if !expression.is_ground() => {
                    self.pending.extend(expression.children().iter().rev());
                }
                Atom::Expression(_) | Atom::Symbol(_) | Atom::Grounded(_) => {}
            }
        }
        None
    }
}
