//! Operations that the embedding program adds.

use metta_atom::{Atom, BindingSet};

/// What an operation does besides computing its result, from weak to strong.
///
/// The scheduler runs expressions side by side only while they stay below
/// [`Effect::WritesSpace`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// The results depend on the arguments alone.
    Pure,
    /// Reads spaces or states.
    ReadsSpace,
    /// Adds or removes atoms, makes spaces.
    WritesSpace,
    /// Makes or changes states, tokens or pragmas.
    State,
    /// Prints.
    Prints,
    /// Touches the world outside the engine.
    Outside,
}

/// Why an operation has no results.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OperationError {
    /// The call failed: the result is `(Error <call> <message>)`.
    #[error("{0}")]
    Failed(String),
    /// The operation is not defined for these arguments: the call stays as it is.
    #[error("not reducible")]
    NotReducible,
}

/// A grounded operation of the embedding program.
///
/// An operation defines [`call`](Operation::call), or
/// [`call_with_bindings`](Operation::call_with_bindings) if it gives values to variables of its
/// arguments. A panic in either becomes an Error of that call.
pub trait Operation: Send + Sync {
    /// Returns the word that names the operation in programs.
    fn name(&self) -> &str;

    /// Returns the MeTTa type, for example `(-> Number Number)`.
    ///
    /// An argument whose parameter type is `Atom` comes unevaluated, and a result is not
    /// evaluated where the return type is `Atom`.
    fn type_atom(&self) -> Atom;

    /// Returns all types of an operation that has several; the first that fits a call decides.
    fn types(&self) -> Vec<Atom> {
        vec![self.type_atom()]
    }

    /// Returns the strongest effect a call can have.
    fn effect(&self) -> Effect;

    /// Computes the results; an empty list means that this branch has none.
    ///
    /// # Errors
    /// See [`OperationError`].
    fn call(&self, args: &[Atom]) -> Result<Vec<Atom>, OperationError> {
        let _ = args;
        Err(OperationError::NotReducible)
    }

    /// Computes the results, each with values for variables of the arguments. A result whose
    /// values contradict those of the program is left out.
    ///
    /// # Errors
    /// See [`OperationError`].
    fn call_with_bindings(&self, args: &[Atom]) -> Result<Vec<(Atom, BindingSet)>, OperationError> {
        let results = self.call(args)?;
        Ok(results.into_iter().map(|result| (result, BindingSet::default())).collect())
    }
}
