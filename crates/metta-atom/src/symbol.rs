//! Names: symbols and variables.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A symbol: an immutable name, compared by its text.
///
/// Cloning is O(1) and shares the text.
#[derive(Clone, Eq, PartialOrd, Ord)]
pub struct Symbol(Arc<str>);

impl Symbol {
    /// Makes a symbol with the given name. Cost: O(length), one allocation.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Symbol(name.into())
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Symbol {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl Hash for Symbol {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl std::borrow::Borrow<str> for Symbol {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Symbol {
    fn from(name: &str) -> Self {
        Symbol::new(name)
    }
}

impl fmt::Debug for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A variable: a name and an internal number.
///
/// The number is 0 for a variable as written in a program; a renamed copy has
/// another number and prints as `$name#number`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Variable {
    name: Symbol,
    number: u64,
}

impl Variable {
    /// Makes the variable `$name` as written in a program.
    pub fn new(name: impl Into<Symbol>) -> Self {
        Variable { name: name.into(), number: 0 }
    }

    /// Makes the renamed copy `$name#number`.
    pub fn renamed(name: impl Into<Symbol>, number: u64) -> Self {
        Variable { name: name.into(), number }
    }

    /// Returns the name without `$` and without the number.
    pub fn name(&self) -> &Symbol {
        &self.name
    }

    /// Returns the internal number; 0 for a variable as written.
    pub fn number(&self) -> u64 {
        self.number
    }
}

impl fmt::Debug for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            0 => write!(f, "${}", self.name),
            n => write!(f, "${}#{n}", self.name),
        }
    }
}
