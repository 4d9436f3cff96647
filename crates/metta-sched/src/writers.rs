//! Guessing which expressions change the world, and which wait for their turn (ADR-0058).
//!
//! The guess begins with what the functions of an expression may do by their rules, and follows what they are seen to do. A
//! wrong guess costs time only: an expression that is not suspected runs ahead of its turn, and when it does change
//! the world, what ran ahead of it is done again; one that is suspected without reason does not run beside others.

use std::collections::HashMap;

use metta_atom::{Atom, Grounded, Symbol};
use metta_eval::{Effect, FunctionEffects, Library, World};

/// For how many expressions something holds that was learned from one: those of a head run alone after a conflict, those of
/// a function run ahead after it was suspected in vain. As often as it is learned again, for twice as many.
const FIRST: u32 = 8;
const MOST_DOUBLINGS: u32 = 9;

/// How an expression of a batch is to be evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Guess {
    /// Ahead of its turn, beside others.
    Ahead,
    /// In its turn, beside others that run ahead: it reaches the outside world by this function. If that has not been
    /// seen often enough, nothing runs ahead of it.
    InTurn { by: Symbol, surely: bool },
    /// In its turn and alone: it changes the world so that others notice.
    Alone(Option<Symbol>),
}

/// What is known about names that stand for changes.
#[derive(Default)]
pub(crate) struct Writers {
    /// Heads of expressions that changed the world in a way that others noticed.
    learned: HashMap<Symbol, Streak>,
    /// Functions whose rules say more than they were seen to do.
    trusted: HashMap<Symbol, Streak>,
    /// Functions that were seen to reach the outside world, as their rules say.
    confirmed: HashMap<Symbol, Streak>,
    functions: FunctionEffects,
}

/// For how many expressions something that was learned holds.
#[derive(Default)]
struct Streak {
    times: u32,
    left: u32,
}

impl Streak {
    fn lengthen(&mut self) {
        self.left = FIRST << self.times.min(MOST_DOUBLINGS);
        self.times += 1;
    }

    /// Uses one up; reports whether there was one.
    fn take(&mut self) -> bool {
        let left = self.left > 0;
        self.left = self.left.saturating_sub(1);
        left
    }
}

impl Writers {
    /// Declares that rules may have changed.
    pub(crate) fn invalidate(&mut self) {
        self.functions.invalidate();
    }

    /// Guesses how an expression is best evaluated.
    pub(crate) fn guess(&mut self, goal: &Atom, world: &World, library: &Library) -> Guess {
        if head(goal).and_then(|head| self.learned.get(head)).is_some_and(|known| known.left > 0) {
            return Guess::Alone(None);
        }
        let Writers { functions, trusted, confirmed, .. } = self;
        let mut guess = Guess::Ahead;
        functions.each_word(goal, world, library, |name, effects| {
            let noted = effects.changes_world() || effects.contains(Effect::Outside);
            if !noted || matches!(guess, Guess::Alone(_)) || trusted.get_mut(name).is_some_and(Streak::take) {
                return;
            }
            if effects.changes_world() {
                guess = Guess::Alone(Some(name.clone()));
            } else if guess == Guess::Ahead {
                let surely = confirmed.get_mut(name).is_some_and(Streak::take);
                guess = Guess::InTurn { by: name.clone(), surely };
            }
        });
        guess
    }

    /// Remembers an expression that changed the world, or asked for what was changed.
    pub(crate) fn learn(&mut self, goal: &Atom) {
        if let Some(head) = head(goal) {
            self.learned.entry(head.clone()).or_default().lengthen();
            // The rules were right.
            self.trusted.remove(head);
        }
    }

    /// Notes what an expression did for which there was a guess: whether that was what was guessed.
    pub(crate) fn note(&mut self, goal: &Atom, guess: &Guess, right: bool) {
        match guess {
            Guess::Ahead => {}
            Guess::InTurn { by: name, .. } | Guess::Alone(Some(name)) if !right => {
                self.confirmed.remove(name);
                self.trusted.entry(name.clone()).or_default().lengthen();
            }
            Guess::InTurn { by: name, surely } => {
                self.trusted.remove(name);
                if !surely {
                    self.confirmed.entry(name.clone()).or_default().lengthen();
                }
            }
            Guess::Alone(Some(name)) => {
                self.trusted.remove(name);
            }
            Guess::Alone(None) => {
                if let Some(known) = head(goal).and_then(|head| self.learned.get_mut(head)) {
                    known.left = if right { known.left.saturating_sub(1) } else { 0 };
                }
            }
        }
    }

    /// Notes an expression that came to the outside world ahead of its turn: what its rules say is right.
    pub(crate) fn note_blocked(&mut self, goal: &Atom, world: &World, library: &Library) {
        let trusted = &mut self.trusted;
        self.functions.each_word(goal, world, library, |name, _| {
            trusted.remove(name);
        });
    }
}

/// Returns the name that an expression begins with.
fn head(goal: &Atom) -> Option<&Symbol> {
    match goal.children()?.first()? {
        Atom::Symbol(name) | Atom::Grounded(Grounded::Operation(name)) => Some(name),
        Atom::Variable(_) | Atom::Expression(_) | Atom::Grounded(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use metta_atom::SpaceId;

    use super::*;

    fn atom(text: &str) -> Atom {
        metta_syntax::parse(text, &Library::new()).forms.remove(0).atom
    }

    fn guess(writers: &mut Writers, text: &str) -> Guess {
        let mut world = World::new();
        world.add(SpaceId::TOP, &atom("(= (bump $x) (if (> $x 9) (change-state! &s $x) $x))"));
        world.add(SpaceId::TOP, &atom("(= (save $x) (if (> $x 9) (save-space! &self \"file\") $x))"));
        writers.guess(&atom(text), &world, &Library::new())
    }

    fn named(text: &str) -> Symbol {
        Symbol::new(text)
    }

    fn in_turn(name: &str, surely: bool) -> Guess {
        Guess::InTurn { by: named(name), surely }
    }

    #[test]
    fn what_mentions_a_change_is_suspected() {
        let mut writers = Writers::default();
        for (text, expected) in [
            ("(bind! &a (new-space))", Guess::Alone(Some(named("bind!")))),
            ("(let $x (+ 1 2) (change-state! $s $x))", Guess::Alone(Some(named("change-state!")))),
            ("(pair (save 1) (bump 2))", Guess::Alone(Some(named("bump")))),
            ("(+ 1 (save 2))", in_turn("save", false)),
            ("(add-atom &self (a b))", Guess::Ahead),
            ("(match &self (a $x) (+ 1 $x))", Guess::Ahead),
            ("x", Guess::Ahead),
        ] {
            assert_eq!(guess(&mut writers, text), expected, "{text}");
        }
    }

    #[test]
    fn what_changed_the_world_once_is_suspected() {
        let mut writers = Writers::default();
        assert_eq!(guess(&mut writers, "(note 1)"), Guess::Ahead);
        let (goal, alone) = (atom("(note 2)"), Guess::Alone(None));
        writers.learn(&goal);
        assert_eq!(guess(&mut writers, "(note 3)"), alone);
        assert_eq!(guess(&mut writers, "(list note)"), Guess::Ahead);
        for _ in 0..FIRST {
            writers.note(&goal, &alone, true);
        }
        assert_eq!(guess(&mut writers, "(note 3)"), Guess::Ahead);
        writers.learn(&goal);
        writers.note(&goal, &alone, true);
        assert_eq!(guess(&mut writers, "(note 3)"), alone);
        writers.note(&goal, &alone, false);
        assert_eq!(guess(&mut writers, "(note 3)"), Guess::Ahead);
    }

    #[test]
    fn who_is_suspected_in_vain_is_trusted_for_longer_and_longer() {
        let mut writers = Writers::default();
        for (text, n_vain) in [("(save 1)", 0), ("(bump 1)", 0), ("(save 2)", 1), ("(save 3)", 2)] {
            let suspected = guess(&mut writers, text);
            assert!(suspected != Guess::Ahead, "{text}");
            writers.note(&atom(text), &suspected, false);
            for _ in 0..FIRST << n_vain {
                assert_eq!(guess(&mut writers, text), Guess::Ahead, "{text}");
            }
        }
        let suspected = guess(&mut writers, "(save 4)");
        assert_eq!(suspected, in_turn("save", false));
        writers.note(&atom("(save 4)"), &suspected, true);
        for _ in 0..FIRST {
            assert_eq!(guess(&mut writers, "(save 5)"), in_turn("save", true));
        }
        assert_eq!(guess(&mut writers, "(save 6)"), suspected);
        writers.note(&atom("(save 6)"), &suspected, false);
        assert_eq!(guess(&mut writers, "(save 7)"), Guess::Ahead);
        let mut world = World::new();
        world.add(SpaceId::TOP, &atom("(= (save $x) (save-space! &self \"file\"))"));
        writers.note_blocked(&atom("(save 7)"), &world, &Library::new());
        assert_eq!(guess(&mut writers, "(save 8)"), suspected);
    }
}
