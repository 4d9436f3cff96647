//! Operations that the embedding program adds.

use metta_atom::Atom;

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
/// A panic in [`call`](Operation::call) becomes an Error of that call.
pub trait Operation: Send + Sync {
    /// Returns the word that names the operation in programs.
    fn name(&self) -> &str;

    /// Returns the MeTTa type, for example `(-> Number Number)`.
    fn type_atom(&self) -> Atom;

    /// Returns the strongest effect a call can have.
    fn effect(&self) -> Effect;

    /// Computes the results; an empty list means that this branch has none.
    ///
    /// # Errors
    /// See [`OperationError`].
    fn call(&self, args: &[Atom]) -> Result<Vec<Atom>, OperationError>;
}
