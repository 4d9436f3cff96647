//! Modules that come with the engine or with the program around it.

use std::borrow::Cow;
use std::sync::Arc;

use metta_atom::Atom;

use crate::Operation;
use crate::library::Builtin;

/// A module without a file: a text, and words that whoever imports it reads differently.
///
/// Rules and facts are in the text. Operations and tokens are words of the text itself and, after
/// `(import! &self name)`, of the importing module; before that they are plain symbols there.
///
/// ```
/// use metta_eval::{BuiltinModule, Library};
/// use metta_atom::Atom;
///
/// let module = BuiltinModule::new("greetings", "(= (greet $who) (hello $who world-name))")
///     .token("world-name", Atom::symbol("Earth"));
/// let mut library = Library::new();
/// library.add_module(module);
/// ```
#[derive(Clone)]
pub struct BuiltinModule {
    name: String,
    pub(crate) text: Cow<'static, str>,
    pub(crate) operations: Vec<Arc<dyn Operation>>,
    pub(crate) natives: &'static [Builtin],
    tokens: Vec<(String, Atom)>,
}

impl std::fmt::Debug for BuiltinModule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BuiltinModule").field("name", &self.name).finish_non_exhaustive()
    }
}

impl BuiltinModule {
    /// Makes a module of a text. The name has ASCII letters, digits, `-` and `_`.
    pub fn new(name: impl Into<String>, text: impl Into<Cow<'static, str>>) -> Self {
        BuiltinModule {
            name: name.into(),
            text: text.into(),
            operations: Vec::new(),
            natives: &[],
            tokens: Vec::new(),
        }
    }

    /// Adds an operation. No two operations of a library have the same name.
    pub fn operation(mut self, operation: impl Operation + 'static) -> Self {
        self.operations.push(Arc::new(operation));
        self
    }

    /// Lets `word` stand for `atom`.
    pub fn token(mut self, word: impl Into<String>, atom: Atom) -> Self {
        self.tokens.push((word.into(), atom));
        self
    }

    /// Adds native functions; those that are grounded become words.
    pub(crate) fn natives(mut self, natives: &'static [Builtin]) -> Self {
        self.natives = natives;
        self
    }

    /// Returns the name by which it is imported.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The words that the module gives a meaning to.
    pub(crate) fn words(&self) -> Vec<(String, Atom)> {
        let natives = self.natives.iter().filter(|native| native.grounded).map(|native| native.name);
        let operations = self.operations.iter().map(|operation| operation.name());
        let named = natives.chain(operations).map(|name| (name.to_owned(), Atom::operation(name)));
        named.chain(self.tokens.iter().cloned()).collect()
    }
}
