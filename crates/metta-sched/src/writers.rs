//! Guessing which expressions change the world.
//!
//! A wrong guess costs time only: an expression that is not suspected runs ahead of its
//! turn, and when it does change the world, what ran ahead of it is done again; one that
//! is suspected without reason does not run beside others.

use std::collections::{HashMap, HashSet};

use metta_atom::{Atom, Grounded, Symbol};
use metta_eval::{Effect, Library};

/// How many atoms of an expression are looked at.
const LOOKED_AT: usize = 256;

/// What is known about names that stand for changes.
#[derive(Default)]
pub(crate) struct Writers {
    /// Heads of expressions that changed the world.
    learned: HashSet<Symbol>,
    /// Whether a name of the library has such an effect.
    library: HashMap<Symbol, bool>,
}

impl Writers {
    /// Reports whether an expression is likely to change the world.
    pub(crate) fn suspects(&mut self, goal: &Atom, library: &Library) -> bool {
        if head(goal).is_some_and(|head| self.learned.contains(head)) {
            return true;
        }
        let mut pending = vec![goal];
        for _ in 0..LOOKED_AT {
            let Some(atom) = pending.pop() else { break };
            if name(atom).is_some_and(|name| self.changes(name, library)) {
                return true;
            }
            pending.extend(atom.children().unwrap_or_default().iter().take(LOOKED_AT));
        }
        false
    }

    /// Remembers an expression that changed the world.
    pub(crate) fn learn(&mut self, goal: &Atom) {
        self.learned.extend(head(goal).cloned());
    }

    /// Takes back a suspicion that was wrong this time.
    pub(crate) fn forget(&mut self, goal: &Atom) {
        if let Some(head) = head(goal) {
            self.learned.remove(head);
        }
    }

    fn changes(&mut self, name: &Symbol, library: &Library) -> bool {
        if let Some(known) = self.library.get(name) {
            return *known;
        }
        let effect = library.effect(name.name()).unwrap_or(Effect::Pure);
        let changes = (Effect::WritesSpace..=Effect::State).contains(&effect);
        self.library.insert(name.clone(), changes);
        changes
    }
}

/// Returns the name that an expression begins with.
fn head(goal: &Atom) -> Option<&Symbol> {
    name(goal.children()?.first()?)
}

fn name(atom: &Atom) -> Option<&Symbol> {
    match atom {
        Atom::Symbol(name) | Atom::Grounded(Grounded::Operation(name)) => Some(name),
        Atom::Variable(_) | Atom::Expression(_) | Atom::Grounded(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suspects(writers: &mut Writers, text: &str) -> bool {
        let library = Library::new();
        let parsed = metta_syntax::parse(text, &library);
        writers.suspects(&parsed.forms[0].atom, &library)
    }

    #[test]
    fn what_mentions_a_change_is_suspected() {
        let mut writers = Writers::default();
        assert!(suspects(&mut writers, "(add-atom &self (a b))"));
        assert!(suspects(&mut writers, "(let $x (+ 1 2) (remove-atom &self $x))"));
        assert!(!suspects(&mut writers, "(match &self (a $x) (+ 1 $x))"));
        assert!(!suspects(&mut writers, "x"));
    }

    #[test]
    fn what_changed_the_world_once_is_suspected() {
        let mut writers = Writers::default();
        assert!(!suspects(&mut writers, "(note 1)"));
        let parsed = metta_syntax::parse("(note 2)", &());
        writers.learn(&parsed.forms[0].atom);
        assert!(suspects(&mut writers, "(note 3)"));
        assert!(!suspects(&mut writers, "(list note)"));
    }
}
