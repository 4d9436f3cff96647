//! What the embedding program adds to the library.

use std::collections::BTreeMap;
use std::sync::Arc;

use metta_atom::Atom;
use metta_syntax::parse;
use regex::Regex;

use crate::operation::{Effect, Operation, OperationError};

type Call = dyn Fn(&[Atom]) -> Result<Vec<Atom>, OperationError> + Send + Sync;
type Make = dyn Fn(&str) -> Option<Atom> + Send + Sync;

/// An operation made of a closure.
///
/// ```
/// use metta_atom::Atom;
/// use metta_eval::{Effect, Function, OperationError};
///
/// let length = Function::new("length", "(-> Symbol Number)", Effect::Pure, |args| match args {
///     [Atom::Symbol(symbol)] => Ok(vec![Atom::integer(symbol.name().len() as i64)]),
///     _ => Err(OperationError::NotReducible),
/// });
/// # let _ = length;
/// ```
#[derive(Clone)]
pub struct Function {
    name: String,
    types: Vec<Atom>,
    effect: Effect,
    call: Arc<Call>,
}

impl Function {
    /// Makes an operation. `types` is one type as a program writes it, `(-> Number Number)`, or several.
    ///
    /// # Panics
    /// When `types` is malformed or empty.
    pub fn new<F>(name: impl Into<String>, types: &str, effect: Effect, call: F) -> Self
    where
        F: Fn(&[Atom]) -> Result<Vec<Atom>, OperationError> + Send + Sync + 'static,
    {
        let parsed = parse(types, &());
        assert!(
            parsed.diagnostics.is_empty() && !parsed.forms.is_empty(),
            "expected one type or more, found `{types}`"
        );
        let types = parsed.forms.into_iter().map(|form| form.atom).collect();
        Function { name: name.into(), types, effect, call: Arc::new(call) }
    }
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Function { name, types, effect, .. } = self;
        f.debug_struct("Function")
            .field("name", name)
            .field("types", types)
            .field("effect", effect)
            .finish_non_exhaustive()
    }
}

impl Operation for Function {
    fn name(&self) -> &str {
        &self.name
    }

    fn type_atom(&self) -> Atom {
        self.types.first().cloned().unwrap_or_else(Atom::unit)
    }

    fn types(&self) -> Vec<Atom> {
        self.types.clone()
    }

    fn effect(&self) -> Effect {
        self.effect
    }

    fn call(&self, args: &[Atom]) -> Result<Vec<Atom>, OperationError> {
        (self.call)(args)
    }
}

/// A pattern of words that is no regular expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a regular expression, found `{pattern}`: {reason}")]
pub struct PatternError {
    pattern: String,
    reason: String,
}

/// Words of a pattern, with what makes their atoms.
#[derive(Clone)]
struct Token {
    pattern: Regex,
    make: Arc<Make>,
}

/// Operations, words and tokens of the embedding program.
#[derive(Clone, Default)]
pub(super) struct Host {
    operations: BTreeMap<String, Arc<dyn Operation>>,
    words: BTreeMap<String, Atom>,
    tokens: Vec<Token>,
}

impl Host {
    pub(super) fn add_operation(&mut self, operation: Arc<dyn Operation>) {
        self.operations.insert(operation.name().to_owned(), operation);
    }

    pub(super) fn add_word(&mut self, word: String, atom: Atom) {
        self.words.insert(word, atom);
    }

    pub(super) fn add_token(&mut self, pattern: &str, make: Arc<Make>) -> Result<(), PatternError> {
        let whole = Regex::new(&format!("^(?:{pattern})$"));
        let pattern =
            whole.map_err(|error| PatternError { pattern: pattern.to_owned(), reason: error.to_string() })?;
        self.tokens.push(Token { pattern, make });
        Ok(())
    }

    pub(super) fn operation(&self, name: &str) -> Option<&Arc<dyn Operation>> {
        self.operations.get(name)
    }

    /// What a word stands for: an operation, a word, or else the latest token that takes it.
    pub(super) fn atom(&self, word: &str) -> Option<Atom> {
        if self.operations.contains_key(word) {
            return Some(Atom::operation(word));
        }
        if let Some(atom) = self.words.get(word) {
            return Some(atom.clone());
        }
        let mut tokens = self.tokens.iter().rev().filter(|token| token.pattern.is_match(word));
        tokens.find_map(|token| (token.make)(word))
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host")
            .field("operations", &self.operations.keys())
            .field("words", &self.words)
            .field("tokens", &self.tokens.iter().map(|token| token.pattern.as_str()).collect::<Vec<_>>())
            .finish()
    }
}
