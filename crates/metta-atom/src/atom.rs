//! The atom itself.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::{Expression, Foreign, Grounded, Number, SpaceId, StateId, Symbol, Variable};

/// An atom: the one data type of MeTTa.
///
/// Two atoms are equal when they have the same shape and equal leaves; variables
/// are equal when name and number are. See [`Grounded`] for host values.
#[derive(Clone)]
pub enum Atom {
    /// A name.
    Symbol(Symbol),
    /// A variable.
    Variable(Variable),
    /// A tuple of atoms.
    Expression(Expression),
    /// A host value.
    Grounded(Grounded),
}

/// The kind of an atom, as `get-metatype` reports it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum MetaType {
    /// A symbol.
    Symbol,
    /// A variable.
    Variable,
    /// An expression.
    Expression,
    /// A grounded value.
    Grounded,
}

impl MetaType {
    /// Returns the name of the metatype in MeTTa.
    pub fn name(self) -> &'static str {
        match self {
            MetaType::Symbol => "Symbol",
            MetaType::Variable => "Variable",
            MetaType::Expression => "Expression",
            MetaType::Grounded => "Grounded",
        }
    }
}

impl Atom {
    /// Makes a symbol.
    pub fn symbol(name: impl Into<Arc<str>>) -> Self {
        Atom::Symbol(Symbol::new(name))
    }

    /// Makes a variable as written; `name` comes without the `$`.
    pub fn variable(name: impl Into<Arc<str>>) -> Self {
        Atom::Variable(Variable::new(Symbol::new(name)))
    }

    /// Makes an expression.
    pub fn expression(children: impl Into<Vec<Atom>>) -> Self {
        Atom::Expression(Expression::new(children))
    }

    /// Makes the empty expression `()`, the unit value.
    pub fn unit() -> Self {
        Atom::expression(Vec::new())
    }

    /// Makes an integer.
    pub fn integer(value: i64) -> Self {
        Atom::number(Number::Int(value))
    }

    /// Makes a float.
    pub fn float(value: f64) -> Self {
        Atom::number(Number::Float(value))
    }

    /// Makes a number.
    pub fn number(value: Number) -> Self {
        Atom::Grounded(Grounded::Number(value))
    }

    /// Makes a truth value.
    pub fn bool(value: bool) -> Self {
        Atom::Grounded(Grounded::Bool(value))
    }

    /// Makes a string.
    pub fn text(value: impl Into<Arc<str>>) -> Self {
        Atom::Grounded(Grounded::Text(value.into()))
    }

    /// Makes an executable operation of the library.
    pub fn operation(name: impl Into<Arc<str>>) -> Self {
        Atom::Grounded(Grounded::Operation(Symbol::new(name)))
    }

    /// Makes a reference to a space.
    pub fn space(id: SpaceId) -> Self {
        Atom::Grounded(Grounded::Space(id))
    }

    /// Makes a reference to a state cell.
    pub fn state(id: StateId) -> Self {
        Atom::Grounded(Grounded::State(id))
    }

    /// Makes a value of the embedding program.
    pub fn foreign(value: impl Foreign) -> Self {
        Atom::Grounded(Grounded::Foreign(Arc::new(value)))
    }

    /// Returns the value of the embedding program that the atom is, if it is one of type `T`.
    pub fn as_foreign<T: Foreign>(&self) -> Option<&T> {
        match self {
            Atom::Grounded(Grounded::Foreign(value)) => value.as_any().downcast_ref(),
            Atom::Grounded(_) | Atom::Symbol(_) | Atom::Variable(_) | Atom::Expression(_) => None,
        }
    }

    /// Returns the number that the atom is, if it is one.
    pub fn as_number(&self) -> Option<&Number> {
        match self {
            Atom::Grounded(Grounded::Number(number)) => Some(number),
            Atom::Grounded(_) | Atom::Symbol(_) | Atom::Variable(_) | Atom::Expression(_) => None,
        }
    }

    /// Makes the error atom `(Error atom reason)`.
    pub fn error(atom: Atom, reason: Atom) -> Self {
        Atom::expression([Atom::symbol("Error"), atom, reason])
    }

    /// Reports whether this is an expression headed by the symbol `Error`.
    pub fn is_error(&self) -> bool {
        matches!(self.children(), Some([Atom::Symbol(head), ..]) if head.name() == "Error")
    }

    /// Returns the elements of an expression.
    pub fn children(&self) -> Option<&[Atom]> {
        match self {
            Atom::Expression(expression) => Some(expression.children()),
            Atom::Symbol(_) | Atom::Variable(_) | Atom::Grounded(_) => None,
        }
    }

    /// Returns the name of a symbol.
    pub fn as_symbol(&self) -> Option<&str> {
        match self {
            Atom::Symbol(symbol) => Some(symbol.name()),
            Atom::Variable(_) | Atom::Expression(_) | Atom::Grounded(_) => None,
        }
    }

    /// Reports whether no variable occurs in the atom. Cost: O(1).
    pub fn is_ground(&self) -> bool {
        match self {
            Atom::Symbol(_) | Atom::Grounded(_) => true,
            Atom::Variable(_) => false,
            Atom::Expression(expression) => expression.is_ground(),
        }
    }

    /// Returns the kind of the atom.
    pub fn metatype(&self) -> MetaType {
        match self {
            Atom::Symbol(_) => MetaType::Symbol,
            Atom::Variable(_) => MetaType::Variable,
            Atom::Expression(_) => MetaType::Expression,
            Atom::Grounded(_) => MetaType::Grounded,
        }
    }
}

impl PartialEq for Atom {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Atom::Symbol(a), Atom::Symbol(b)) => a == b,
            (Atom::Variable(a), Atom::Variable(b)) => a == b,
            (Atom::Grounded(a), Atom::Grounded(b)) => a == b,
            (Atom::Expression(a), Atom::Expression(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Atom {}

impl Hash for Atom {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Atom::Symbol(symbol) => symbol.hash(state),
            Atom::Variable(variable) => variable.hash(state),
            Atom::Expression(expression) => expression.cached_hash().hash(state),
            Atom::Grounded(value) => value.hash(state),
        }
    }
}

impl From<Expression> for Atom {
    fn from(expression: Expression) -> Self {
        Atom::Expression(expression)
    }
}

impl From<Variable> for Atom {
    fn from(variable: Variable) -> Self {
        Atom::Variable(variable)
    }
}

impl From<Symbol> for Atom {
    fn from(symbol: Symbol) -> Self {
        Atom::Symbol(symbol)
    }
}
