//! What expressions and functions may do, inferred from rules before anything is evaluated (ADR-0058).
//!
//! Each word of the library and each operation of a host declares its strongest effect. A function may do what the
//! words in the bodies of its rules may do, and so on through the functions that they mention: the least fixpoint over the
//! graph of mentions. What a program computes as the head of a call, or finds in a space, is not followed, and a word that
//! is mentioned need not be called. So a class is a *guess*; what happens is seen by the machine, which stops at
//! an effect that is not allowed.
//!
//! Invariant F1: what is known of a function is used only while the rules for it are those that it was inferred from.

use metta_atom::{Atom, Grounded, SpaceId, Symbol};
use metta_space::{Declared, Key, Relation, Snapshot};
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

use crate::library::{Builtin, Library, native};
use crate::program::is_same;
use crate::{Effect, World};

/// How many parts of an expression are looked at.
const LOOKED_AT: usize = 256;
/// Words that add and remove facts and do nothing else to the world.
const FACTS: [&str; 5] = ["add-atom", "remove-atom", "add-reduct", "add-atoms", "add-reducts"];

/// A set of effects.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash)]
pub struct Effects(u8);

/// All that does something, from weak to strong, with a description.
const NAMED: [(Effect, &str); 5] = [
    (Effect::ReadsSpace, "reads spaces"),
    (Effect::WritesSpace, "writes to spaces"),
    (Effect::State, "changes states"),
    (Effect::Prints, "prints"),
    (Effect::Outside, "reaches the outside world"),
];

impl Effects {
    /// The world is changed by more than facts.
    const WORLD: Effects = Effects(1 << 7);

    fn of(effect: Effect) -> Effects {
        match effect {
            Effect::Pure => Effects(0),
            Effect::ReadsSpace | Effect::WritesSpace | Effect::State | Effect::Prints | Effect::Outside => {
                Effects(1 << effect as u8)
            }
        }
    }

    fn with(self, other: Effects) -> Effects {
        Effects(self.0 | other.0)
    }

    /// Reports whether an effect is among them; [`Effect::Pure`] never is.
    pub fn contains(self, effect: Effect) -> bool {
        self.0 & Effects::of(effect).0 != 0
    }

    /// Reports whether the results depend on the arguments alone, and nothing else happens.
    pub fn is_pure(self) -> bool {
        self.0 == 0
    }

    /// Reports whether more of the world may change than which facts there are.
    pub fn changes_world(self) -> bool {
        self.0 & Effects::WORLD.0 != 0
    }
}

/// `pure`, or what happens, from weak to strong.
impl std::fmt::Display for Effects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> =
            NAMED.iter().filter(|(effect, _)| self.contains(*effect)).map(|(_, name)| *name).collect();
        if names.is_empty() { f.write_str("pure") } else { f.write_str(&names.join(", ")) }
    }
}

/// A word that a text mentions, and whether it is an operation there.
type Word = (Symbol, bool);

/// What is known of functions.
#[derive(Clone, Debug, Default)]
pub struct FunctionEffects {
    symbols: FxHashMap<Symbol, Known>,
    operations: FxHashMap<Symbol, Known>,
    /// Rises when rules may have changed.
    epoch: u64,
}

#[derive(Clone, Debug, Default)]
struct Known {
    /// Declared, not inferred.
    own: Effects,
    /// All that it may do, as of an epoch.
    inferred: Option<(u64, Effects)>,
    /// What its rules mention, and the rules (F1).
    mentions: Vec<Word>,
    sources: Vec<Option<Declared>>,
    /// When the rules were looked at.
    seen: Option<u64>,
}

impl FunctionEffects {
    /// Declares that rules may have changed. What is known of a function whose rules have not is kept.
    pub fn invalidate(&mut self) {
        self.epoch += 1;
    }

    /// What an expression may do in the main program, by the words that it mentions.
    pub fn of(&mut self, goal: &Atom, world: &World, library: &Library) -> Effects {
        let mut all = Effects::default();
        self.each_word(goal, world, library, |_, effects| all = all.with(effects));
        all
    }

    /// Calls `visit` with each word that an expression mentions, in order, and what it may do. Of a big one the first
    /// parts are looked at.
    pub fn each_word(
        &mut self,
        goal: &Atom,
        world: &World,
        library: &Library,
        mut visit: impl FnMut(&Symbol, Effects),
    ) {
        mention(goal, LOOKED_AT, |name, is_operation| {
            let fresh = self.fresh(name, is_operation);
            let effects = fresh.unwrap_or_else(|| self.infer((name.clone(), is_operation), world, library));
            visit(name, effects);
        });
    }

    /// All that a word may do: what those declare that can be reached from it.
    fn infer(&mut self, word: Word, world: &World, library: &Library) -> Effects {
        let epoch = self.epoch;
        let spaces = spaces(world);
        let mut effects = Effects::default();
        let mut reached = FxHashSet::from_iter([word.clone()]);
        let mut pending = vec![word.clone()];
        while let Some(next) = pending.pop() {
            if let Some(known) = self.fresh(&next.0, next.1) {
                effects = effects.with(known);
                continue;
            }
            let known = self.words(next.1).entry(next.0.clone()).or_default();
            known.look(&next, epoch, &spaces, library);
            effects = effects.with(known.own);
            pending.extend(known.mentions.iter().filter(|word| reached.insert((*word).clone())).cloned());
        }
        if let Some(known) = self.words(word.1).get_mut(&word.0) {
            known.inferred = Some((epoch, effects));
        }
        effects
    }

    fn words(&mut self, are_operations: bool) -> &mut FxHashMap<Symbol, Known> {
        if are_operations { &mut self.operations } else { &mut self.symbols }
    }

    /// What was inferred in this epoch.
    fn fresh(&self, name: &Symbol, is_operation: bool) -> Option<Effects> {
        let words = if is_operation { &self.operations } else { &self.symbols };
        let (epoch, effects) = words.get(name)?.inferred?;
        (epoch == self.epoch).then_some(effects)
    }
}

impl Known {
    /// Brings what the rules say up to date (F1).
    fn look(&mut self, word: &Word, epoch: u64, spaces: &[&Snapshot], library: &Library) {
        if self.seen == Some(epoch) {
            return;
        }
        let (name, _) = word;
        let keys = [Key::Call(name.name()), Key::Symbol(name.name())];
        let sources: Vec<_> = spaces
            .iter()
            .flat_map(|space| keys.map(|key| space.declarations(Relation::Equation, key)))
            .collect();
        let same = self.seen.is_some()
            && self.sources.len() == sources.len()
            && self.sources.iter().zip(&sources).all(|(a, b)| is_same(a.as_ref(), b.as_ref()));
        self.seen = Some(epoch);
        if same {
            return;
        }
        self.mentions.clear();
        let rules = sources.iter().flatten().flat_map(Declared::iter);
        let mentions = &mut self.mentions;
        rules.for_each(|rule| {
            mention(&rule.right, usize::MAX, |name, is_operation| {
                mentions.push((name.clone(), is_operation))
            });
        });
        let has_rules = sources.iter().flatten().any(|rules| !rules.is_empty());
        self.own = declared(word, has_rules, library);
        self.sources = sources;
    }
}

/// What a word declares. One of ours alone gives way to a function of the program.
fn declared((name, is_operation): &Word, has_rules: bool, library: &Library) -> Effects {
    let means = |builtin: &&Builtin| builtin.grounded == *is_operation && !(builtin.addition && has_rules);
    let effect = match native(name.name()) {
        Some(builtin) => Some(builtin).filter(means).map(|builtin| builtin.effect),
        None if *is_operation => library.effect(name.name()),
        None => None,
    };
    let effect = effect.unwrap_or(Effect::Pure);
    let facts = effect == Effect::WritesSpace && FACTS.contains(&name.name());
    let world = !facts && (Effect::WritesSpace..=Effect::State).contains(&effect);
    Effects::of(effect).with(if world { Effects::WORLD } else { Effects::default() })
}

/// Calls `visit` with the words in an atom, of which `most` parts are looked at, and whether they are operations.
fn mention(atom: &Atom, most: usize, mut visit: impl FnMut(&Symbol, bool)) {
    let mut pending = SmallVec::<[&Atom; 16]>::from_slice(&[atom]);
    for _ in 0..most {
        match pending.pop() {
            None => return,
            Some(Atom::Symbol(name)) => visit(name, false),
            Some(Atom::Grounded(Grounded::Operation(name))) => visit(name, true),
            Some(other) => pending.extend(other.children().unwrap_or_default().iter().take(most).rev()),
        }
    }
}

/// The spaces whose rules hold in the main program.
fn spaces(world: &World) -> Vec<&Snapshot> {
    world.library(SpaceId::TOP).into_iter().chain(world.visible(SpaceId::TOP)).collect()
}

#[cfg(test)]
mod tests {
    use metta_syntax::parse;

    use super::*;

    fn atom(text: &str) -> Atom {
        parse(text, &Library::new()).forms.remove(0).atom
    }

    fn world(rules: &str) -> World {
        let mut world = World::new();
        for form in parse(rules, &Library::new()).forms {
            world.add(SpaceId::TOP, &form.atom);
        }
        world
    }

    fn effects(rules: &str, goal: &str) -> String {
        FunctionEffects::default().of(&atom(goal), &world(rules), &Library::new()).to_string()
    }

    #[test]
    fn words_do_what_they_declare() {
        for (goal, expected) in [
            ("(+ 1 2)", "pure"),
            ("(match &self (a $x) $x)", "reads spaces"),
            ("(add-atom &self a)", "writes to spaces"),
            ("(let $x (new-state 1) (println! $x))", "changes states, prints"),
            ("(save-space! &self \"file\")", "reaches the outside world"),
            ("(unknown $x)", "pure"),
        ] {
            assert_eq!(effects("", goal), expected, "{goal}");
        }
    }

    #[test]
    fn functions_do_what_they_mention() {
        let rules = "(= (f $x) (if (> $x 0) (g (- $x 1)) done)) (= (g $x) (let $y (f $x) (say $y)))
            (= (say $x) (println! $x)) (= (pure $x) (pure (* 2 $x))) (= (note $x) (add-atom &self (seen $x)))
            (= (snapshot $x) $x) (= (flip) 1) (= name (bind! &a 1))";
        for (goal, expected) in [
            ("(f 1)", "prints"),
            ("(g 1)", "prints"),
            ("(pure 1)", "pure"),
            ("((note 1) (f 2))", "writes to spaces, prints"),
            ("(map-atom (1 2) $x (note $x))", "writes to spaces"),
            ("name", "changes states"),
            // The program's own functions.
            ("(snapshot 1)", "pure"),
            ("(flip)", "pure"),
        ] {
            assert_eq!(effects(rules, goal), expected, "{goal}");
        }
    }

    #[test]
    fn facts_are_told_from_other_changes() {
        let mut known = FunctionEffects::default();
        let world = world("(= (note) (add-atom &self a)) (= (make) (new-space))");
        let mut changes = |goal: &str| known.of(&atom(goal), &world, &Library::new()).changes_world();
        assert!(!changes("(note)"));
        assert!(changes("(make)"));
        assert!(changes("(change-state! $s 1)"));
        assert!(!changes("(println! 1)"));
    }

    #[test]
    fn what_is_known_follows_the_rules() {
        // F1
        let (mut known, library) = (FunctionEffects::default(), Library::new());
        let mut world = world("(= (f) (g)) (= (g) 1)");
        let goal = atom("(f)");
        assert_eq!(known.of(&goal, &world, &library).to_string(), "pure");
        let rule = atom("(= (g) (println! 1))");
        world.add(SpaceId::TOP, &rule);
        known.invalidate();
        assert_eq!(known.of(&goal, &world, &library).to_string(), "prints");
        world.space_mut(SpaceId::TOP).unwrap().remove(&rule);
        known.invalidate();
        assert_eq!(known.of(&goal, &world, &library).to_string(), "pure");
    }

    #[test]
    fn operations_of_a_host_do_what_they_declare() {
        let mut library = Library::new();
        let send = crate::Function::new("send", "(-> Atom Atom)", Effect::Outside, |args| Ok(args.to_vec()));
        library.register(std::sync::Arc::new(send));
        let mut world = World::new();
        for form in parse("(= (tell $x) (send (told $x)))", &library).forms {
            world.add(SpaceId::TOP, &form.atom);
        }
        let found = FunctionEffects::default().of(&atom("(tell 1)"), &world, &library);
        assert!(found.contains(Effect::Outside) && !found.contains(Effect::Prints) && !found.changes_world());
    }
}
