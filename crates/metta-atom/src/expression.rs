//! Expressions: shared, immutable tuples with cached facts about them.

use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use foldhash::SharedSeed;
use foldhash::fast::FoldHasher;

use crate::{Atom, Grounded};

/// An expression: an ordered, possibly empty tuple of atoms.
///
/// Cloning is O(1). Whether the tuple is ground and its hash are computed once,
/// when it is made.
#[derive(Clone)]
pub struct Expression(Arc<Tuple>);

struct Tuple {
    children: Vec<Atom>,
    ground: bool,
    hash: u64,
}

impl Expression {
    /// Makes an expression. Cost: O(number of children), not of descendants.
    pub fn new(children: impl Into<Vec<Atom>>) -> Self {
        let children = children.into();
        let ground = children.iter().all(Atom::is_ground);
        // Atoms come from anywhere: the key of the hash is another in each process.
        let mut hasher = FoldHasher::with_seed(0, SharedSeed::global_random());
        children.len().hash(&mut hasher);
        for child in &children {
            child.hash(&mut hasher);
        }
        Expression(Arc::new(Tuple { children, ground, hash: hasher.finish() }))
    }

    /// Returns the elements.
    pub fn children(&self) -> &[Atom] {
        &self.0.children
    }

    /// Reports whether no variable occurs at any depth. Cost: O(1).
    pub fn is_ground(&self) -> bool {
        self.0.ground
    }

    /// Reports whether both are the same allocation, hence equal.
    pub(crate) fn ptr_eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Returns where the tuple is, which tells it apart from others as long as both live.
    ///
    /// Of two atoms with the same part the part has the same address, so a walk over a shared
    /// atom can skip what it has seen.
    pub fn address(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    /// Reports whether the hash or the length tells the two apart.
    fn differs_at_once(&self, other: &Self) -> bool {
        self.0.hash != other.0.hash || self.children().len() != other.children().len()
    }

    /// Returns the cached hash of the whole tree.
    pub(crate) fn cached_hash(&self) -> u64 {
        self.0.hash
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        // Most comparisons end here, before anything is allocated.
        if self.differs_at_once(other) {
            return false;
        }
        // Shared parts would be compared once for each of their places, which may be
        // exponentially many; so after a while pairs of expressions are kept.
        const FORGETFUL_PAIRS: usize = 1 << 12;
        let mut n_pairs = 0;
        let mut compared = HashSet::new();
        let mut pending = vec![(self, other)];
        while let Some((a, b)) = pending.pop() {
            n_pairs += 1;
            if a.ptr_eq(b) || n_pairs > FORGETFUL_PAIRS && !compared.insert((a.address(), b.address())) {
                continue;
            }
            if a.differs_at_once(b) {
                return false;
            }
            for pair in a.children().iter().zip(b.children()) {
                match pair {
                    (Atom::Expression(a), Atom::Expression(b)) => pending.push((a, b)),
                    (a, b) if a == b => {}
                    _ => return false,
                }
            }
        }
        true
    }
}

impl Eq for Expression {}

impl Drop for Tuple {
    /// Frees nested expressions and bindings from a list instead of by recursion.
    fn drop(&mut self) {
        let nests = |atom: &Atom| matches!(atom, Atom::Expression(_) | Atom::Grounded(Grounded::Bindings(_)));
        if !self.children.iter().any(nests) {
            return;
        }
        let mut pending = std::mem::take(&mut self.children);
        while let Some(atom) = pending.pop() {
            match atom {
                Atom::Expression(Expression(mut shared)) => {
                    if let Some(tuple) = Arc::get_mut(&mut shared) {
                        pending.append(&mut tuple.children);
                    }
                }
                Atom::Grounded(Grounded::Bindings(mut shared)) => {
                    if let Some(set) = Arc::get_mut(&mut shared) {
                        pending.extend(std::mem::take(&mut set.0).into_iter().map(|(_, value)| value));
                    }
                }
                Atom::Symbol(_) | Atom::Variable(_) | Atom::Grounded(_) => {}
            }
        }
    }
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl std::fmt::Display for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(&Atom::Expression(self.clone()), f)
    }
}
