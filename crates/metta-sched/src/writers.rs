//! Guessing which expressions change the world.
//!
//! A wrong guess costs time only: an expression that is not suspected runs ahead of its
//! turn, and when it does change the world, what ran ahead of it is done again; one that
//! is suspected without reason does not run beside others.

use std::collections::HashMap;

use metta_atom::{Atom, Grounded, Symbol};
use metta_eval::{Effect, Library};

/// How many atoms of an expression are looked at.
const LOOKED_AT: usize = 256;

/// Words that add and remove facts, which only those notice who ask for them.
const FACTS: [&str; 5] = ["add-atom", "remove-atom", "add-reduct", "add-atoms", "add-reducts"];
/// How many expressions of a head run alone after the first conflict; as often as conflicts come, twice as many.
const FIRST_ALONE: u32 = 8;
const MOST_DOUBLINGS: u32 = 9;

/// What is known about names that stand for changes.
#[derive(Default)]
pub(crate) struct Writers {
    /// Heads of expressions that changed the world in a way that others noticed.
    learned: HashMap<Symbol, Suspicion>,
    /// Whether a name of the library has such an effect.
    library: HashMap<Symbol, bool>,
}

#[derive(Default)]
struct Suspicion {
    conflicts: u32,
    /// How many expressions are still suspected.
    left: u32,
}

impl Writers {
    /// Reports whether an expression is likely to change the world so that others notice.
    pub(crate) fn suspects(&mut self, goal: &Atom, library: &Library) -> bool {
        if head(goal).and_then(|head| self.learned.get(head)).is_some_and(|known| known.left > 0) {
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

    /// Remembers an expression that changed the world, or asked for what was changed.
    pub(crate) fn learn(&mut self, goal: &Atom) {
        if let Some(head) = head(goal) {
            let known = self.learned.entry(head.clone()).or_default();
            known.left = FIRST_ALONE << known.conflicts.min(MOST_DOUBLINGS);
            known.conflicts += 1;
        }
    }

    /// Notes an expression that ran alone, and whether it changed the world.
    pub(crate) fn note_alone(&mut self, goal: &Atom, changed: bool) {
        if let Some(known) = head(goal).and_then(|head| self.learned.get_mut(head)) {
            known.left = if changed { known.left.saturating_sub(1) } else { 0 };
        }
    }

    fn changes(&mut self, name: &Symbol, library: &Library) -> bool {
        if let Some(known) = self.library.get(name) {
            return *known;
        }
        let effect = library.effect(name.name()).unwrap_or(Effect::Pure);
        let notable = !FACTS.contains(&name.name());
        let changes = notable && (Effect::WritesSpace..=Effect::State).contains(&effect);
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
        assert!(suspects(&mut writers, "(bind! &a (new-space))"));
        assert!(suspects(&mut writers, "(let $x (+ 1 2) (change-state! $s $x))"));
        assert!(!suspects(&mut writers, "(add-atom &self (a b))"));
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
        for _ in 0..FIRST_ALONE {
            writers.note_alone(&parsed.forms[0].atom, true);
        }
        assert!(!suspects(&mut writers, "(note 3)"));
        writers.learn(&parsed.forms[0].atom);
        writers.note_alone(&parsed.forms[0].atom, true);
        assert!(suspects(&mut writers, "(note 3)"));
        writers.note_alone(&parsed.forms[0].atom, false);
        assert!(!suspects(&mut writers, "(note 3)"));
    }
}
