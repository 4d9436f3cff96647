//! Symbols as numbers, private to one machine.

use metta_atom::Symbol;

use crate::library::DOCUMENTATION_WORDS;
use crate::terms::cell::{Cell, SymbolId};
use crate::terms::shared::{Shared, SharedMap};

/// Both directions between names and numbers.
///
/// Each machine has its own table (ADR-0007), so looking a name up needs no lock.
#[derive(Clone, Debug)]
pub(crate) struct SymbolTable {
    names: Shared<Symbol>,
    ids: SharedMap<Symbol, SymbolId>,
}

macro_rules! well_known {
    ($($constant:ident = $name:literal,)*) => {
        /// Symbols that the machine itself knows, at fixed numbers.
        #[expect(non_camel_case_types, clippy::upper_case_acronyms, reason = "named like the constants they number")]
        enum Index { $($constant,)* }
        $(pub(crate) const $constant: SymbolId = SymbolId(Index::$constant as u32);)*
        const WELL_KNOWN: &[&str] = &[$($name,)*];
    };
}

well_known! {
    UNDEFINED = "%Undefined%",
    ATOM = "Atom",
    SYMBOL = "Symbol",
    VARIABLE = "Variable",
    EXPRESSION = "Expression",
    GROUNDED = "Grounded",
    NUMBER = "Number",
    BOOL = "Bool",
    STRING = "String",
    SPACE_TYPE = "SpaceType",
    ARROW = "->",
    EQUAL = "=",
    HAS_TYPE = ":",
    SUB_TYPE = ":<",
    COMMA = ",",
    ERROR = "Error",
    EMPTY = "Empty",
    NOT_REDUCIBLE = "NotReducible",
    RETURN = "return",
    BAD_TYPE = "BadType",
    BAD_ARG_TYPE = "BadArgType",
    INCORRECT_ARITY = "IncorrectNumberOfArguments",
    NO_RETURN = "NoReturn",
    EVAL = "eval",
    EVALC = "evalc",
    CHAIN = "chain",
    UNIFY = "unify",
    CONS_ATOM = "cons-atom",
    DECONS_ATOM = "decons-atom",
    FUNCTION = "function",
    COLLAPSE_BIND = "collapse-bind",
    SUPERPOSE_BIND = "superpose-bind",
    METTA = "metta",
    CONTEXT_SPACE = "context-space",
    QUOTE = "quote",
    MAP_ATOM = "map-atom",
    FILTER_ATOM = "filter-atom",
    FOLDL_ATOM = "foldl-atom",
    // The type that fits every other, at any depth: what `%Undefined%` is once a type variable stands for it.
    // It is written in the same way, and no text means it.
    FITTING = "%Undefined%",
}

/// Reports whether the symbol heads an instruction of Minimal MeTTa.
pub(crate) fn is_instruction(id: SymbolId) -> bool {
    (EVAL.0..=CONTEXT_SPACE.0).contains(&id.0)
}

/// Reports whether the symbol is a word of the documentation: those follow the well-known ones.
pub(crate) fn is_documentation(id: SymbolId) -> bool {
    let first = WELL_KNOWN.len();
    (first..first + DOCUMENTATION_WORDS.len()).contains(&(id.0 as usize))
}

impl SymbolTable {
    pub(crate) fn new() -> Self {
        let mut table = SymbolTable { names: Shared::new(), ids: SharedMap::default() };
        for name in WELL_KNOWN.iter().chain(&DOCUMENTATION_WORDS) {
            table.insert(Symbol::from(*name));
        }
        table
    }

    /// Returns the number of a name, a new one if it was never seen.
    pub(crate) fn intern(&mut self, name: &str) -> SymbolId {
        match self.ids.get(name) {
            Some(id) => *id,
            None => self.insert(Symbol::from(name)),
        }
    }

    /// Like [`SymbolTable::intern`], sharing the text.
    pub(crate) fn intern_symbol(&mut self, symbol: &Symbol) -> SymbolId {
        match self.ids.get(symbol.name()) {
            Some(id) => *id,
            None => self.insert(symbol.clone()),
        }
    }

    fn insert(&mut self, symbol: Symbol) -> SymbolId {
        let id = SymbolId(self.names.len() as u32);
        self.names.push(symbol.clone());
        self.ids.entry(symbol).or_insert(id);
        id
    }

    pub(crate) fn symbol(&self, id: SymbolId) -> &Symbol {
        &self.names[id.0 as usize]
    }

    pub(crate) fn name(&self, id: SymbolId) -> &str {
        self.symbol(id).name()
    }

    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }
}

/// The cell of a well-known symbol.
pub(crate) const fn cell(id: SymbolId) -> Cell {
    Cell::symbol(id)
}
