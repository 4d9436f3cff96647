//! Mutable cells (semantics section 13).

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use metta_atom::{Atom, Grounded, StateId};

/// A mutable cell: its content and its type `(StateMonad T)`.
#[derive(Clone, Debug)]
pub(crate) struct StateCell {
    pub(crate) content: Atom,
    pub(crate) type_atom: Atom,
    /// What `T` is, if values of it are easily told.
    pub(crate) plain: Option<Plain>,
}

/// A type of contents that needs no search for the types of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plain {
    Number,
    Bool,
    Undefined,
}

impl Plain {
    fn of(type_atom: &Atom) -> Option<Plain> {
        match type_atom.children()?.get(1)?.as_symbol()? {
            "Number" => Some(Plain::Number),
            "Bool" => Some(Plain::Bool),
            "%Undefined%" => Some(Plain::Undefined),
            _ => None,
        }
    }
}

/// The cells of a world. Cloning is O(1).
#[derive(Clone, Debug, Default)]
pub(crate) struct States(Arc<BTreeMap<StateId, StateCell>>);

impl States {
    pub(crate) fn get(&self, id: StateId) -> Option<&StateCell> {
        self.0.get(&id)
    }

    pub(crate) fn insert(&mut self, id: StateId, content: Atom, type_atom: Atom) {
        let plain = Plain::of(&type_atom);
        Arc::make_mut(&mut self.0).insert(id, StateCell { content, type_atom, plain });
    }

    pub(crate) fn change(&mut self, id: StateId, content: Atom) {
        if let Some(cell) = Arc::make_mut(&mut self.0).get_mut(&id) {
            cell.content = content;
        }
    }

    /// Reports whether nothing was written since one of the two was cloned from the other.
    pub(crate) fn same_as(&self, other: &States) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Reports whether two cells have equal contents, in which cells count by their contents too.
    pub(crate) fn equal(&self, a: StateId, b: StateId) -> bool {
        let mut compared: HashSet<(StateId, StateId)> = HashSet::new();
        let mut pending = vec![(a, b)];
        while let Some((a, b)) = pending.pop() {
            if a == b || !compared.insert((a, b)) {
                continue;
            }
            let equal = match (self.get(a), self.get(b)) {
                (Some(a), Some(b)) => equal_but_for_states(&a.content, &b.content, &mut pending),
                _ => false,
            };
            if !equal {
                return false;
            }
        }
        true
    }
}

/// Compares two atoms; pairs of states in them are left to be compared.
fn equal_but_for_states(a: &Atom, b: &Atom, states: &mut Vec<(StateId, StateId)>) -> bool {
    let mut compared: HashSet<(usize, usize)> = HashSet::new();
    let mut pending = vec![(a, b)];
    while let Some(pair) = pending.pop() {
        match pair {
            (Atom::Grounded(Grounded::State(a)), Atom::Grounded(Grounded::State(b))) => states.push((*a, *b)),
            (Atom::Expression(a), Atom::Expression(b)) => {
                if a.children().len() != b.children().len() {
                    return false;
                }
                // Shared parts are compared once.
                if compared.insert((a.address(), b.address())) {
                    pending.extend(a.children().iter().zip(b.children()));
                }
            }
            (a, b) if a == b => {}
            _ => return false,
        }
    }
    true
}
