//! Equality up to the names of variables.

use std::collections::{HashMap, HashSet};

use crate::{Atom, Variable};

/// Reports whether two atoms are equal up to a consistent renaming of variables.
///
/// The renaming goes both ways: `($x $y)` equals `($y $x)` but not `($x $x)`.
///
/// # Source
/// `=alpha` of the MeTTa standard library.
pub fn alpha_eq(left: &Atom, right: &Atom) -> bool {
    let mut there: HashMap<&Variable, &Variable> = HashMap::new();
    let mut back: HashMap<&Variable, &Variable> = HashMap::new();
    // Shared parts are compared once: their places may be exponentially many.
    const FORGETFUL_PAIRS: usize = 1 << 12;
    let mut n_pairs = 0;
    let mut compared = HashSet::new();
    let mut pending = vec![(left, right)];
    while let Some((left, right)) = pending.pop() {
        match (left, right) {
            (Atom::Variable(left), Atom::Variable(right)) => {
                if *there.entry(left).or_insert(right) != right || *back.entry(right).or_insert(left) != left
                {
                    return false;
                }
            }
            (Atom::Expression(l), Atom::Expression(r)) if !l.is_ground() && !r.is_ground() => {
                n_pairs += 1;
                if n_pairs > FORGETFUL_PAIRS && !compared.insert((l.address(), r.address())) {
                    continue;
                }
                if l.children().len() != r.children().len() {
                    return false;
                }
                pending.extend(l.children().iter().zip(r.children()));
            }
            // Without variables on one side, plain equality decides.
            (left, right) => {
                if left != right {
                    return false;
                }
            }
        }
    }
    true
}
