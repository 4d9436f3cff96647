//! Names that can be completed, with their types.

use std::collections::BTreeSet;

use mettatron::syntax::Form;
use mettatron::{Atom, Environment, Library, MettaState, Run, RunLimits, SpaceId};

/// Of spaces with more atoms only this many are looked at.
const MOST_ATOMS: usize = 1 << 15;
/// So many reductions may finding the types of a name take.
const MOST_STEPS: u64 = 10_000;
/// Of an atom with more parts only this many are looked at.
const MOST_PARTS: usize = 256;

/// A copy of what a session knows, in which names are looked up.
pub(crate) struct Names {
    library: Library,
    environment: Environment,
    described: BTreeSet<String>,
    known: Option<BTreeSet<String>>,
}

impl Names {
    pub(crate) fn new(library: Library) -> Self {
        let described = Library::areas().into_iter().flat_map(|area| area.descriptions);
        let described = described.filter_map(|function| name_of(&function.item)).collect();
        Names { environment: Environment::new(library.clone()), library, described, known: None }
    }

    /// From now on answers for another environment.
    pub(crate) fn update(&mut self, environment: &Environment) {
        self.environment = environment.clone();
        self.known = None;
    }

    /// The names that begin with `prefix`, in order.
    pub(crate) fn starting_with(&mut self, prefix: &str) -> Vec<String> {
        let known = self.known.get_or_insert_with(|| collect(&self.environment, &self.described));
        let from = known.range(prefix.to_owned()..);
        from.take_while(|name| name.starts_with(prefix)).cloned().collect()
    }

    /// The types of names, each as text; empty for one that has none.
    pub(crate) fn types(&self, names: &[String]) -> Vec<String> {
        let goals = names.iter().map(|name| {
            let words: &dyn mettatron::syntax::Words = &self.library;
            let named = words.atom(name).unwrap_or_else(|| Atom::symbol(name.as_str()));
            let words = [words.atom("get-type").unwrap_or_else(|| Atom::symbol("get-type")), named];
            Form { run: true, atom: Atom::expression(words), span: NOWHERE }
        });
        let source = MettaState::compiled(self.library.clone(), goals.collect());
        let accumulated = MettaState { environment: self.environment.clone(), ..MettaState::default() };
        let limits = RunLimits { steps: Some(MOST_STEPS), ..RunLimits::default() };
        let outcome = Run::new().limits(limits).keep_going(true).sequential(accumulated, source);
        let mut types: Vec<String> = outcome.state.output.iter().map(|types| shown(types)).collect();
        types.resize(names.len(), String::new());
        types
    }

    /// The types of one name.
    pub(crate) fn types_of(&mut self, name: &str) -> Option<String> {
        self.starting_with(name).first().filter(|known| *known == name)?;
        self.types(&[name.to_owned()]).pop().filter(|types| !types.is_empty())
    }
}

const NOWHERE: mettatron::syntax::Span = mettatron::syntax::Span { start: 0, end: 0 };

fn shown(types: &[Atom]) -> String {
    let types: Vec<String> = types
        .iter()
        .filter(|found| !found.is_error() && found.as_symbol() != Some("%Undefined%"))
        .map(Atom::to_string)
        .collect();
    types.join(" | ")
}

fn name_of(atom: &Atom) -> Option<String> {
    match atom {
        Atom::Symbol(symbol) => Some(symbol.name().to_owned()),
        Atom::Grounded(_) => Some(atom.to_string()),
        Atom::Variable(_) | Atom::Expression(_) => None,
    }
}

/// The names of the library and all symbols of the program's own spaces.
fn collect(environment: &Environment, described: &BTreeSet<String>) -> BTreeSet<String> {
    let mut names = described.clone();
    let world = environment.world();
    for space in world.space_ids().filter(|id| *id != SpaceId::CORELIB).filter_map(|id| world.space(id)) {
        for fact in space.iter().take(MOST_ATOMS) {
            let atom = space.decode(fact.bytes, fact.variables());
            let mut pending = vec![&atom];
            for _ in 0..MOST_PARTS {
                let Some(atom) = pending.pop() else { break };
                if let Some(name) = atom.as_symbol().filter(|name| is_word(name) && !names.contains(*name)) {
                    names.insert(name.to_owned());
                }
                pending.extend(atom.children().unwrap_or_default().iter().rev());
            }
        }
    }
    names
}

/// Reports whether a symbol is written as one word.
fn is_word(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| !c.is_whitespace() && !matches!(c, '(' | ')' | '"' | ';'))
}
