//! Grounded atoms: values of the host.

use std::any::Any;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use crate::{Atom, Number, Symbol, Variable};

/// The identity of a space within one environment.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct SpaceId(pub u64);

impl SpaceId {
    /// The space of the main program, `&self` at top level.
    pub const TOP: SpaceId = SpaceId(0);
    /// The space of the standard library.
    pub const CORELIB: SpaceId = SpaceId(1);
}

/// Stands in the name of an operation before what the engine alone wants to know of it.
pub const OPERATION_MARK: char = '\0';

/// The identity of a mutable state cell within one environment.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct StateId(pub u64);

/// A value of a host type that the engine does not know.
///
/// Values are shared between threads and never change as far as MeTTa can see. Printing one
/// gives its text in results.
pub trait Foreign: fmt::Debug + fmt::Display + Send + Sync + 'static {
    /// Returns the MeTTa type; `%Undefined%` when it has none.
    fn type_atom(&self) -> Atom;

    /// Reports whether `self` and `other` are the same value.
    fn equals(&self, other: &dyn Foreign) -> bool;

    /// Returns a number that is the same for equal values, and seldom for others.
    ///
    /// If it is not given, it is made of the text of the value: equal values must then
    /// print the same.
    fn hash_value(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.to_string().hash(&mut hasher);
        hasher.finish()
    }

    /// Returns how the value matches other atoms, when it is not by being equal to them.
    fn matching(&self) -> Option<&dyn Matching> {
        None
    }

    /// Gives access to the concrete type.
    fn as_any(&self) -> &dyn Any;
}

/// A value that matches atoms in its own way, as an interval may match the numbers in it.
///
/// Whatever the way, a value matches itself, and a variable becomes the value.
pub trait Matching {
    /// Returns the ways in which the value matches `other`, each with what it binds of the
    /// variables in `other`; none when it does not match.
    ///
    /// `other` is no variable, and the variables in it are unbound. Each way is an alternative;
    /// they are tried in order.
    fn ways(&self, other: &Atom) -> Vec<BindingSet>;
}

/// A set of variable bindings as a value, the second half of a `collapse-bind` pair.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BindingSet(pub Vec<(Variable, Atom)>);

/// A host value.
///
/// Equality is by value within a type: all numbers together, strings by text,
/// spaces and states by identity.
#[derive(Clone, Debug)]
pub enum Grounded {
    /// A truth value.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    Text(Arc<str>),
    /// An executable operation, by its name in the library; [`OPERATION_MARK`] ends what is shown of it.
    Operation(Symbol),
    /// A space.
    Space(SpaceId),
    /// A mutable state cell.
    State(StateId),
    /// A set of variable bindings.
    Bindings(Arc<BindingSet>),
    /// A value of the embedding program.
    Foreign(Arc<dyn Foreign>),
}

impl PartialEq for Grounded {
    fn eq(&self, other: &Self) -> bool {
        use Grounded as G;
        match (self, other) {
            (G::Bool(a), G::Bool(b)) => a == b,
            (G::Number(a), G::Number(b)) => a == b,
            (G::Text(a), G::Text(b)) => a == b,
            (G::Operation(a), G::Operation(b)) => a == b,
            (G::Space(a), G::Space(b)) => a == b,
            (G::State(a), G::State(b)) => a == b,
            (G::Bindings(a), G::Bindings(b)) => a == b,
            (G::Foreign(a), G::Foreign(b)) => a.equals(&**b),
            _ => false,
        }
    }
}

impl Eq for Grounded {}

impl Hash for Grounded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        match self {
            Grounded::Bool(b) => b.hash(state),
            Grounded::Number(n) => n.hash(state),
            Grounded::Text(s) => s.hash(state),
            Grounded::Operation(s) => s.hash(state),
            Grounded::Space(id) => id.hash(state),
            Grounded::State(id) => id.hash(state),
            Grounded::Bindings(b) => b.0.len().hash(state),
            Grounded::Foreign(value) => value.hash_value().hash(state),
        }
    }
}
