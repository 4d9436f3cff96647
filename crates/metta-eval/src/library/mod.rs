//! The standard library: what is native, and the space that declares it.
//!
//! An operation whose word is a grounded atom (`+`, `match`) has its types in the
//! table; a function that the language defines by rules (`if`, `let`) is a symbol
//! with its types as facts in `corelib.metta`, and programs may add rules to it.

mod arithmetic;
mod assertions;
mod catalog;
mod characters;
mod control;
mod documentation;
mod expressions;
mod host;
mod json;
mod limits;
mod math;
mod modules;
mod numbers;
mod random;
mod skel;
mod spaces;
mod states;
mod strings;
mod text;
mod typing;
mod versions;

use std::collections::BTreeMap;
use std::sync::Arc;

use metta_atom::Atom;
use metta_space::Snapshot;
use metta_syntax::{Words, parse};
use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::answers::Tabling;
use crate::machine::Machine;
use crate::modules::builtin::BuiltinModule;
use crate::modules::plain_name;
use crate::modules::source::ModuleSource;
use crate::operation::{Effect, Operation};
use crate::store::SpaceStore;
use crate::terms::cell::Cell;

use host::Host;
pub use host::{Function, PatternError};

pub(crate) use random::Generators;

pub(crate) use arithmetic::Logical;
pub(crate) use assertions::{Assertion, report};
pub use documentation::{Area, Description};
pub(crate) use documentation::{WORDS as DOCUMENTATION_WORDS, documentation};
pub(crate) use modules::bad_token;
pub(crate) use numbers::{Binary, apply, small, small_floats, two_floats};

/// The error of an operation that needs a list.
pub(crate) const NOT_AN_EXPRESSION: &str = "Atom is not an ExpressionAtom";

/// The arguments of a native call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    /// The whole call.
    pub(crate) term: Cell,
    /// The address of the first argument.
    pub(crate) arguments: u32,
    pub(crate) count: u32,
    /// The type expected of the result, `NONE` when it is wanted raw.
    pub(crate) expected: Cell,
}

impl Call {
    /// Argument `index`, counted from 0; the unit beyond the last.
    pub(crate) fn argument(self, machine: &Machine, index: u32) -> Cell {
        if index < self.count { machine.heap.element(self.arguments, index) } else { Cell::UNIT }
    }
}

/// What a native call came to.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// One result, which is evaluated further if the type of the function says so.
    Value(Cell),
    /// One result, whatever type is expected of the call: it is not looked at again.
    Final(Cell),
    /// Alternatives: the elements of an expression.
    Values(Cell),
    /// The unit.
    Unit,
    /// No result.
    Empty,
    /// The call stays as it is.
    NotReducible,
    /// `(Error <call> <message>)`.
    Failed(String),
    /// The machine knows already what to do next.
    Scheduled,
}

/// A native function.
#[derive(Debug)]
pub(crate) struct Builtin {
    pub(crate) name: &'static str,
    /// Whether the word is a grounded atom.
    pub(crate) grounded: bool,
    /// Whether the word is ours alone: a program that has rules for it means its own function (ADR-0013).
    pub(crate) addition: bool,
    /// The type of a grounded operation or an addition; empty when it has none.
    pub(crate) type_text: &'static str,
    pub(crate) effect: Effect,
    /// The fewest and the most arguments.
    arity: (u32, u32),
    /// The message for a wrong number of arguments, if there is a special one.
    usage: &'static str,
    pub(crate) run: fn(&mut Machine, Call) -> Outcome,
}

impl Builtin {
    /// A grounded operation; an untyped one takes any number of arguments.
    const fn operation(
        name: &'static str,
        type_text: &'static str,
        effect: Effect,
        run: fn(&mut Machine, Call) -> Outcome,
    ) -> Builtin {
        let arity = if type_text.is_empty() { (0, u32::MAX) } else { parameters(type_text) };
        Builtin { name, grounded: true, addition: false, type_text, effect, arity, usage: "", run }
    }

    /// A function of `count` arguments whose name is a symbol.
    const fn rule(name: &'static str, count: u32, run: fn(&mut Machine, Call) -> Outcome) -> Builtin {
        Builtin {
            name,
            grounded: false,
            addition: false,
            type_text: "",
            effect: Effect::Pure,
            arity: (count, count),
            usage: "",
            run,
        }
    }

    /// A function that the reference does not have.
    const fn addition(
        name: &'static str,
        type_text: &'static str,
        run: fn(&mut Machine, Call) -> Outcome,
    ) -> Builtin {
        let arity = parameters(type_text);
        Builtin {
            name,
            grounded: false,
            addition: true,
            type_text,
            effect: Effect::Pure,
            arity,
            usage: "",
            run,
        }
    }

    /// Sets the effect.
    const fn with_effect(self, effect: Effect) -> Builtin {
        Builtin { effect, ..self }
    }

    /// Sets the fewest and the most arguments.
    const fn taking(self, least: u32, most: u32) -> Builtin {
        Builtin { arity: (least, most), ..self }
    }

    /// Sets the message for a wrong number of arguments.
    const fn usage(self, usage: &'static str) -> Builtin {
        Builtin { usage, ..self }
    }

    /// Returns the type, if it has one.
    pub(crate) fn types(&self) -> Vec<Atom> {
        parse(self.type_text, &()).forms.into_iter().map(|form| form.atom).collect()
    }

    /// Reports whether the rule of the function has a part of its arguments as body, so that a
    /// `(function ...)` there is the body of the call.
    pub(crate) fn is_projection(&self) -> bool {
        matches!(self.name, "id" | "if" | "noeval" | "unquote" | "case" | "switch" | "switch-minimal")
    }

    /// Reports whether a call may have `count` arguments.
    pub(crate) fn takes(&self, count: u32) -> bool {
        (self.arity.0..=self.arity.1).contains(&count)
    }

    /// What a call with a wrong number of arguments comes to: no rule matches it, an operation refuses it.
    pub(crate) fn misused(&self) -> Outcome {
        match (self.grounded || self.addition, self.usage) {
            (false, _) => Outcome::NotReducible,
            (true, "") => Outcome::Failed("IncorrectNumberOfArguments".to_owned()),
            (true, usage) => Outcome::Failed(usage.to_owned()),
        }
    }
}

/// The number of parameters in the text of a function type.
const fn parameters(type_text: &str) -> (u32, u32) {
    let bytes = type_text.as_bytes();
    let (mut index, mut depth, mut items, mut inside) = (0, 0, 0, false);
    while index < bytes.len() {
        let begins = match bytes[index] {
            b'(' => {
                depth += 1;
                inside = false;
                depth == 2
            }
            b')' => {
                depth -= 1;
                inside = false;
                false
            }
            b' ' => {
                inside = false;
                false
            }
            _ => {
                let begins = !inside && depth == 1;
                inside = true;
                begins
            }
        };
        if begins {
            items += 1;
        }
        index += 1;
    }
    // The arrow and the result are no parameters.
    (items - 2, items - 2)
}

/// All native functions.
pub(crate) fn builtins() -> impl Iterator<Item = &'static Builtin> {
    [
        arithmetic::TABLE,
        assertions::TABLE,
        characters::TABLE,
        control::TABLE,
        expressions::TABLE,
        limits::TABLE,
        math::TABLE,
        modules::TABLE,
        spaces::TABLE,
        states::TABLE,
        strings::TABLE,
        text::TABLE,
        typing::TABLE,
        versions::TABLE,
    ]
    .into_iter()
    .flatten()
}

/// The native functions of the library and of the modules that come with it.
pub(crate) fn natives() -> impl Iterator<Item = &'static Builtin> {
    builtins().chain([catalog::TABLE, json::TABLE, random::TABLE, skel::TABLE].into_iter().flatten())
}

/// The modules that come with the engine.
fn modules() -> impl Iterator<Item = BuiltinModule> {
    [catalog::module(), json::module(), random::module(), skel::module()].into_iter()
}

/// The operations that programs can name: the standard ones and those of the embedding program;
/// and the modules that they can import.
///
/// Cloning is O(1).
#[derive(Clone)]
pub struct Library {
    /// The native functions by name: every word of a text is looked up.
    builtins: Arc<FxHashMap<&'static str, &'static Builtin>>,
    host: Arc<Host>,
    modules: Arc<BTreeMap<String, Arc<BuiltinModule>>>,
    source: Option<Arc<dyn ModuleSource>>,
    store: Option<Arc<dyn SpaceStore>>,
    random_seed: u64,
    compiles: bool,
    tabling: Tabling,
}

impl Default for Library {
    fn default() -> Self {
        let modules = modules().map(|module| (module.name().to_owned(), Arc::new(module)));
        let mut by_name = FxHashMap::with_capacity_and_hasher(builtins().count(), FxBuildHasher);
        by_name.extend(builtins().map(|builtin| (builtin.name, builtin)));
        Library {
            builtins: Arc::new(by_name),
            host: Arc::default(),
            modules: Arc::new(modules.collect()),
            source: None,
            store: None,
            random_seed: 0,
            compiles: true,
            tabling: Tabling::default(),
        }
    }
}

impl std::fmt::Debug for Library {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Library")
            .field("host", &self.host)
            .field("modules", &self.modules.keys())
            .finish_non_exhaustive()
    }
}

impl Library {
    /// Makes the standard library.
    pub fn new() -> Self {
        Library::default()
    }

    /// Sets whether machines compile rules before they run them. They do unless told otherwise; the
    /// answers are the same.
    pub fn compile_rules(&mut self, compiles: bool) {
        self.compiles = compiles;
    }

    /// Sets which calls are tabled by machines that compile rules; the answers are the same.
    pub fn set_tabling(&mut self, tabling: Tabling) {
        self.tabling = tabling;
    }

    /// Which calls are tabled.
    pub(crate) fn tabling(&self) -> Tabling {
        if self.compiles { self.tabling } else { Tabling::Off }
    }

    /// Reports whether rules are compiled.
    pub(crate) fn compiles_rules(&self) -> bool {
        self.compiles
    }

    /// Adds an operation; one of the same name is replaced. Standard operations keep their meaning.
    pub fn register(&mut self, operation: Arc<dyn Operation>) {
        Arc::make_mut(&mut self.host).add_operation(operation);
    }

    /// Sets from where random generators start that programs give no seed; 0 unless it is set, so
    /// that every run gives the same numbers.
    pub fn set_random_seed(&mut self, seed: u64) {
        self.random_seed = seed;
    }

    pub(crate) fn random_seed(&self) -> u64 {
        self.random_seed
    }

    /// Lets `word` stand for `atom`, for example a value of the host. Operations come first.
    pub fn register_word(&mut self, word: impl Into<String>, atom: Atom) {
        Arc::make_mut(&mut self.host).add_word(word.into(), atom);
    }

    /// Lets words stand for the atoms that `make` gives for them: literals of the host.
    ///
    /// `pattern` is a regular expression for whole words, without spaces, brackets, quotes and `;`.
    /// Operations and registered words come first, then the latest token. Where `make` gives
    /// nothing, the word means what it would mean otherwise.
    ///
    /// # Errors
    /// [`PatternError`] when `pattern` is no regular expression.
    pub fn register_token<F>(&mut self, pattern: &str, make: F) -> Result<(), PatternError>
    where
        F: Fn(&str) -> Option<Atom> + Send + Sync + 'static,
    {
        Arc::make_mut(&mut self.host).add_token(pattern, Arc::new(make))
    }

    /// Adds a module that programs can import by its name; one of the same name is replaced.
    pub fn add_module(&mut self, module: BuiltinModule) {
        Arc::make_mut(&mut self.modules).insert(module.name().to_owned(), Arc::new(module));
    }

    /// Returns the names of the modules that programs can import without a source, in order.
    pub fn module_names(&self) -> impl Iterator<Item = &str> {
        self.modules.keys().map(String::as_str)
    }

    /// Lets programs import modules from `source`. Without a source there are only built-in modules.
    pub fn set_modules(&mut self, source: Arc<dyn ModuleSource>) {
        self.source = Some(source);
    }

    /// Lets programs open and save spaces in `store`. Without a store they cannot.
    pub fn set_store(&mut self, store: Arc<dyn SpaceStore>) {
        self.store = Some(store);
    }

    pub(crate) fn store(&self) -> Option<&Arc<dyn SpaceStore>> {
        self.store.as_ref()
    }

    pub(crate) fn module(&self, name: &str) -> Option<&Arc<BuiltinModule>> {
        self.modules.get(name)
    }

    pub(crate) fn source(&self) -> Option<&Arc<dyn ModuleSource>> {
        self.source.as_ref()
    }

    /// Returns an operation of the embedding program or of one of its modules.
    pub(crate) fn operation(&self, name: &str) -> Option<Arc<dyn Operation>> {
        let of_modules = || {
            let operations = self.modules.values().flat_map(|module| &module.operations);
            operations.into_iter().find(|operation| operation.name() == name)
        };
        self.host.operation(name).or_else(of_modules).cloned()
    }

    /// Returns the strongest effect of a native function or operation.
    pub fn effect(&self, name: &str) -> Option<Effect> {
        match native(name) {
            Some(builtin) => Some(builtin.effect),
            None => self.operation(name).map(|operation| operation.effect()),
        }
    }

    /// Returns the types of a grounded operation.
    pub(crate) fn types(&self, name: &str) -> Vec<Atom> {
        match native(name) {
            Some(builtin) => builtin.types(),
            None => self.operation(name).map(|operation| operation.types()).unwrap_or_default(),
        }
    }
}

/// Finds a native function of the library or of a module by its name.
pub(crate) fn native(name: &str) -> Option<&'static Builtin> {
    let name = plain_name(name);
    natives().find(|builtin| builtin.name == name)
}

impl Words for Library {
    fn atom(&self, word: &str) -> Option<Atom> {
        let known = match self.builtins.get(word) {
            Some(builtin) => builtin.grounded.then(|| Atom::operation(word)),
            None => self.host.atom(word),
        };
        known.or_else(|| characters::literal(word))
    }
}

/// What the library defines in MeTTa.
const CORELIB: &str = include_str!("corelib.metta");

/// Makes the space of the standard library.
pub(crate) fn corelib() -> Snapshot {
    space_of([CORELIB])
}

/// Makes a space of the atoms in some texts.
fn space_of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Snapshot {
    let mut space = Snapshot::new();
    for form in texts.into_iter().flat_map(|text| parse(text, &Library::new()).forms) {
        space.add(&form.atom);
    }
    space
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corelib_parses() {
        let parsed = parse(CORELIB, &Library::new());
        assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
        assert!(parsed.forms.iter().all(|form| !form.run));
    }

    #[test]
    fn parameters_are_counted() {
        let cases = [
            ("(-> A)", 0),
            ("(-> Atom (->))", 1),
            ("(-> (StateMonad $t) $t (-> A B))", 2),
            ("(-> %Undefined% Atom (->))", 2),
        ];
        for (text, count) in cases {
            assert_eq!(parameters(text), (count, count), "{text}");
        }
    }

    #[test]
    fn names_are_unique_and_types_parse() {
        let mut names: Vec<&str> = natives().map(|builtin| builtin.name).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
        for builtin in natives() {
            assert!(parse(builtin.type_text, &()).diagnostics.is_empty(), "{}", builtin.name);
        }
    }
}
