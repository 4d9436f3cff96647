//! The types of data: of terms built by constructors whose declared types say all there is to know.
//!
//! ```text
//! (: S (-> Nat Nat))      (S (S Z)) is a Nat if (S Z) is one: one comparison for each argument
//! ```
//!
//! Everything else, such as constructors with type variables, is left to [`Machine::types_of`].
//!
//! Invariant K1: an expression at or above [`Current::from`] that bears the mark of semantics 4.6 was evaluated
//! under the declarations of now, in the space of now. So its head takes its arguments, and its type is what
//! the declaration of the head says.

use metta_atom::{Grounded, SpaceId};

use super::instances::determining;
use super::quick::is_special_type;
use crate::code::Known;
use crate::machine::Machine;
use crate::terms::cell::{CODE, Cell, SymbolId, View};
use crate::terms::heap::Heap;
use crate::terms::symbols::{self, cell};
use crate::types::{TypeOf, is_function_type};

/// Which marks are of now.
#[derive(Clone, Debug)]
pub(super) struct Current {
    stamp: u64,
    space: SpaceId,
    from: u32,
    /// The evaluation has been in other spaces: no mark says where it was given.
    strayed: bool,
}

impl Default for Current {
    fn default() -> Self {
        Current { stamp: 0, space: SpaceId::TOP, from: 0, strayed: false }
    }
}

impl Current {
    /// Nothing was evaluated yet.
    pub(super) fn begin(stamp: u64, space: SpaceId) -> Self {
        Current { stamp, space, from: 0, strayed: false }
    }

    /// The evaluation goes on in another space.
    pub(super) fn stray(&mut self) {
        self.strayed = true;
    }

    /// The heap was cut back: what is made from now on is new.
    #[inline]
    pub(super) fn cut(&mut self, top: u32) {
        self.from = self.from.min(top);
    }

    pub(super) fn forward(&mut self, to: impl FnOnce(u32) -> u32) {
        self.from = to(self.from);
    }
}

/// What is declared about the calls of a symbol.
#[derive(Clone, Copy, Debug)]
pub(super) struct Declared {
    /// The stamp of code at which it held.
    pub(super) stamp: u64,
    /// Its only type, if that is a function from and to plain types that are symbols; else a leaf.
    function: Cell,
    /// Its only type, as a known one; `%Undefined%` if it has none, `NONE` if that says not all.
    own: Cell,
    /// If it is a function type with variables: how many arguments determine them.
    determining: Option<u32>,
    /// No rule is for its calls.
    constructs: bool,
}

impl Declared {
    pub(super) const UNKNOWN: Declared = Declared {
        stamp: u64::MAX,
        function: Cell::UNIT,
        own: Cell::NONE,
        determining: None,
        constructs: false,
    };
}

/// An expression some of whose elements have been looked at.
struct Open {
    expression: Cell,
    function: Cell,
    next: u32,
}

impl Machine {
    /// The only type of a term without variables, if it stands for nothing but itself.
    pub(super) fn single_type(&mut self, value: Cell) -> Option<Cell> {
        match value.view() {
            View::Expression { length: 1.., .. } if value.is_ground() => self.type_of_expression(value),
            _ => self.type_of_leaf(value),
        }
    }

    pub(super) fn type_of_leaf(&mut self, value: Cell) -> Option<Cell> {
        match value.view() {
            View::Int(_) | View::Float(_) => Some(cell(symbols::NUMBER)),
            View::Bool(_) => Some(cell(symbols::BOOL)),
            View::Symbol(id) => self.type_of_symbol(id),
            View::Operation(id) => {
                let types = self.program.operation_types(&mut self.heap, &self.library, id);
                let [only] = types.as_ref() else { return None };
                let found = only.body_as_constant(&self.heap)?;
                self.is_plain_type(found).then_some(found)
            }
            View::Boxed(index) => match self.heap.boxed(index) {
                Grounded::Number(_) => Some(cell(symbols::NUMBER)),
                Grounded::Text(_) => Some(cell(symbols::STRING)),
                _ => None,
            },
            _ => None,
        }
    }

    /// The only declared type of a symbol, if it has no variables and no supertypes.
    pub(crate) fn type_of_symbol(&mut self, id: SymbolId) -> Option<Cell> {
        self.own_type(id).filter(|own| own.is_ground() && *own != cell(symbols::UNDEFINED))
    }

    /// The only declared type of a symbol, as a known one; `%Undefined%` if none is declared.
    pub(crate) fn own_type(&mut self, id: SymbolId) -> Option<Cell> {
        Some(self.declared(id).own).filter(|own| *own != Cell::NONE)
    }

    fn find_own_type(&mut self, id: SymbolId) -> Option<Cell> {
        if matches!(id, symbols::EMPTY | symbols::NOT_REDUCIBLE | symbols::ERROR) {
            return None;
        }
        let head = self.head(id);
        let only = match head.types.as_ref() {
            [] => return Some(cell(symbols::UNDEFINED)),
            [only] => only,
            _ => return None,
        };
        if let Some(found) = only.body_as_constant(&self.heap) {
            return if self.is_plain_type(found) { self.known_type(found) } else { None };
        }
        let top = self.heap.top();
        let found = only.build_body(&mut self.heap, &mut only.new_slots());
        let plain = match self.heap.head_symbol(found) {
            Some(id) => self.head(id).call_supertypes.is_empty() && self.has_plain_parts(found),
            None => false,
        };
        let known = if plain { self.known_type(found) } else { None };
        self.heap.cells.truncate(top as usize);
        known
    }

    /// How many arguments of a function whose type has variables determine them, if that takes so many.
    pub(crate) fn open_function(&mut self, id: SymbolId, arity: u32) -> Option<u32> {
        let declared = self.declared(id);
        declared.determining.filter(|_| declared.own.slice().is_some_and(|(_, length)| length == arity + 2))
    }

    /// Like [`Machine::open_function`] for a symbol without rules.
    pub(super) fn open_constructor(&mut self, id: SymbolId, arity: u32) -> Option<u32> {
        self.open_function(id, arity).filter(|_| self.declared(id).constructs)
    }

    /// Reports whether a type has no supertypes, and stands for nothing but itself.
    pub(crate) fn is_plain_type(&mut self, found: Cell) -> bool {
        match found.view() {
            View::Symbol(id) => !is_special_type(id) && self.head(id).supertypes.is_empty(),
            View::Expression { length: 2.., .. } if found.is_ground() => match self.heap.head_symbol(found) {
                Some(id) => self.head(id).call_supertypes.is_empty() && self.has_plain_parts(found),
                None => false,
            },
            _ => false,
        }
    }

    /// Reports whether no part of a type fits everything.
    fn has_plain_parts(&self, found: Cell) -> bool {
        let mut pending = vec![found];
        while let Some(part) = pending.pop() {
            match part.view() {
                View::Symbol(id) if is_special_type(id) || id == symbols::FITTING => return false,
                View::Expression { address, length } => {
                    pending.extend((0..length).map(|index| self.heap.element(address, index)));
                }
                _ => {}
            }
        }
        true
    }

    fn type_of_expression(&mut self, value: Cell) -> Option<Cell> {
        if let Some(found) = self.type_at_once(value) {
            return Some(found);
        }
        if let Some(found) = self.type_by_constructors(value) {
            return Some(found);
        }
        if self.failure.is_some() {
            return None;
        }
        if let Some(found) = self.type_of_data(value) {
            return Some(found).filter(|found| found.is_ground() && *found != cell(symbols::UNDEFINED));
        }
        match self.types_of(value).as_slice() {
            [TypeOf::Valid(found)] if self.is_plain_type(*found) => Some(*found),
            _ => None,
        }
    }

    /// The type of an evaluated expression, by its head (K1).
    pub(super) fn type_at_once(&mut self, value: Cell) -> Option<Cell> {
        let (address, length) = value.slice()?;
        if !value.is_evaluated() || address & CODE != 0 || address < self.current_from() {
            return None;
        }
        let View::Symbol(id) = self.heap.element(address, 0).view() else { return None };
        let function = self.constructor_type(id, length - 1)?;
        Some(returned(&self.heap, function))
    }

    /// The type of a tuple without variables by its head, if it is data.
    ///
    /// Who asks for its type is about to evaluate it: it is found to be data here, at once with all types of parts.
    pub(super) fn type_of_settled(&mut self, value: Cell) -> Option<Cell> {
        let (address, length @ 1..) = value.slice().filter(|_| value.is_ground() && !value.is_evaluated())?
        else {
            return None;
        };
        let View::Symbol(id) = self.heap.element(address, 0).view() else { return None };
        let function = self.constructor_type(id, length - 1)?;
        self.settled(value).map(|_| returned(&self.heap, function))
    }

    /// The first address whose marks are of now.
    pub(super) fn current_from(&mut self) -> u32 {
        let current = &mut self.current;
        if current.strayed {
            return u32::MAX;
        }
        if (current.stamp, current.space) != (self.code.stamp, self.space) {
            (current.stamp, current.space) = (self.code.stamp, self.space);
            current.from = self.heap.top();
        }
        current.from
    }

    /// The type of an expression whose parts are built by constructors with simple types.
    fn type_by_constructors(&mut self, value: Cell) -> Option<Cell> {
        let valid = (self.code.stamp, self.space);
        let mut open: Vec<Open> = Vec::new();
        let mut next = Some(value);
        let mut found = None;
        let mut parts = 0u32;
        loop {
            self.work += 1;
            parts += 1;
            if parts.is_multiple_of(crate::interrupt::BETWEEN) && self.is_interrupted() {
                return None;
            }
            if let Some(value) = next.take() {
                let known = match value.slice() {
                    None | Some((_, 0)) => Some(self.type_to_fit(value)?),
                    Some(part) => {
                        let known = self.type_at_once(value);
                        let found = || self.typed.get(part, valid).filter(|found| found.is_ground());
                        known.or_else(found).or_else(|| self.untyped_call(value))
                    }
                };
                match known {
                    Some(known) => found = Some(known),
                    None => {
                        let (id, length) = (self.heap.head_symbol(value)?, value.slice()?.1);
                        let function = self.constructor_type(id, length - 1)?;
                        open.push(Open { expression: value, function, next: 1 });
                    }
                }
            }
            let Some(top) = open.last_mut() else { return found };
            let ((address, length), (parameters, _)) = (top.expression.slice()?, top.function.slice()?);
            if let Some(found) = found.take() {
                let wanted = self.heap.element(parameters, top.next);
                if found != wanted && found != cell(symbols::UNDEFINED) {
                    return None;
                }
                top.next += 1;
            }
            let undefined = cell(symbols::UNDEFINED);
            while top.next < length && self.heap.element(parameters, top.next) == undefined {
                top.next += 1;
            }
            if top.next < length {
                next = Some(self.heap.element(address, top.next));
            } else {
                let result = self.heap.element(parameters, length);
                self.typed.note((address, length), result, valid);
                found = Some(result);
                open.pop();
            }
        }
    }

    /// The type of a leaf as an argument, `%Undefined%` if it has none.
    fn type_to_fit(&mut self, value: Cell) -> Option<Cell> {
        match value.view() {
            View::Symbol(id) if id != symbols::EMPTY && self.is_untyped_symbol(id) => {
                Some(cell(symbols::UNDEFINED))
            }
            View::Expression { .. } => Some(cell(symbols::UNDEFINED)),
            _ => self.type_of_leaf(value),
        }
    }

    /// `%Undefined%` for an expression whose head has no types.
    fn untyped_call(&mut self, value: Cell) -> Option<Cell> {
        let id = self.heap.head_symbol(value)?;
        self.is_untyped_symbol(id).then_some(cell(symbols::UNDEFINED))
    }

    /// Reports whether a settled value fits a parameter of a constructor.
    pub(super) fn fits_parameter(&mut self, value: Cell, parameter: Cell) -> bool {
        if parameter == cell(symbols::UNDEFINED) || value.is_reference() {
            return true;
        }
        let found = match value.slice() {
            None | Some((_, 0)) => self.type_to_fit(value),
            Some((address, length)) => match self.heap.element(address, 0).view() {
                View::Symbol(id) if self.is_untyped_symbol(id) => Some(cell(symbols::UNDEFINED)),
                View::Symbol(_) if value.is_ground() => self.type_of_expression(value),
                // Its elements were found to fit: it has just been settled.
                View::Symbol(id) => {
                    self.constructor_type(id, length - 1).map(|function| returned(&self.heap, function))
                }
                _ => None,
            },
        };
        found.is_some_and(|found| found == parameter || found == cell(symbols::UNDEFINED))
    }

    /// Reports whether a value without variables that has just been settled fits a parameter of a constructor.
    #[inline(always)]
    pub(super) fn settled_fits(&mut self, value: Cell, parameter: Cell) -> bool {
        if let Some((address, length @ 1..)) = value.slice()
            && let View::Symbol(id) = self.heap.element(address, 0).view()
            && let Some(function) = self.constructor_type(id, length - 1)
        {
            let found = returned(&self.heap, function);
            return found == parameter || parameter == cell(symbols::UNDEFINED);
        }
        self.fits_parameter(value, parameter)
    }

    /// Reports whether settled data is of a type.
    pub(super) fn is_of(&mut self, value: Cell, expected: Cell) -> bool {
        let Some((address, length @ 1..)) = value.slice() else { return true };
        match self.heap.element(address, 0).view() {
            View::Symbol(id) if !self.is_untyped_symbol(id) => match self.constructor_type(id, length - 1) {
                Some(function) => {
                    expected == cell(symbols::UNDEFINED) || expected == returned(&self.heap, function)
                }
                None if expected == Cell::NONE => false,
                None => match self.type_of_value(value) {
                    Some(found) => self.fits_type(found, expected),
                    None => false,
                },
            },
            _ => true,
        }
    }

    /// Reports whether two types without variables are one.
    pub(crate) fn is_same_type(&self, a: Cell, b: Cell) -> bool {
        a == b || a.is_expression() && b.is_expression() && self.heap.equal(a, b)
    }

    /// The type of a constructor for so many arguments, if it is a simple one: no rule is for its calls.
    #[inline]
    pub(super) fn constructor_type(&mut self, id: SymbolId, arity: u32) -> Option<Cell> {
        let declared = self.declared(id);
        let fits = declared.constructs && declared.function.slice()?.1 == arity + 2;
        fits.then_some(declared.function)
    }

    /// The type of a symbol as a function of so many arguments, if it is a simple one.
    fn function_type(&mut self, id: SymbolId, arity: u32) -> Option<Cell> {
        let function = self.declared(id).function;
        (function.slice()?.1 == arity + 2).then_some(function)
    }

    #[inline]
    fn declared(&mut self, id: SymbolId) -> Declared {
        match self.plain.declared(id, self.space) {
            Some(declared) if declared.stamp == self.code.stamp => declared,
            _ => self.find_declared(id),
        }
    }

    #[cold]
    fn find_declared(&mut self, id: SymbolId) -> Declared {
        // Makes the table that of this space, too.
        let untyped = self.is_untyped_symbol(id);
        let function = if untyped { None } else { self.simple_function_type(id) };
        let own = self.find_own_type(id).unwrap_or(Cell::NONE);
        let open = own != Cell::NONE && !own.is_ground() && self.is_open_function(id, own);
        let determining = open.then(|| determining(&self.heap, own));
        // Nothing is proved here: this is asked for while code is made.
        let calls = self.head(id).calls.arities();
        let constructs = function
            .or(open.then_some(own))
            .and_then(Cell::slice)
            .is_some_and(|(_, length)| !calls.include(length - 2));
        let function = function.unwrap_or(Cell::UNIT);
        let declared = Declared { stamp: self.code.stamp, function, own, determining, constructs };
        self.plain.declare(id, declared);
        declared
    }

    /// Reports whether a type with variables is that of functions which are called by no other.
    fn is_open_function(&mut self, id: SymbolId, own: Cell) -> bool {
        let head = self.head(id);
        let special = symbols::is_instruction(id) || head.builtin.is_some();
        !special && head.call_types.is_empty() && is_function_type(&self.heap, own)
    }

    fn simple_function_type(&mut self, id: SymbolId) -> Option<Cell> {
        let head = self.head(id);
        let special = id == symbols::ERROR || symbols::is_instruction(id) || head.builtin.is_some();
        let [only] = head.types.as_ref() else { return None };
        if special || !head.call_types.is_empty() {
            return None;
        }
        let function = only.body_as_constant(&self.heap)?;
        self.is_simple_function(function).then_some(function)
    }

    /// Reports whether a type is that of functions from and to plain types that are symbols.
    fn is_simple_function(&mut self, function: Cell) -> bool {
        let Some((address, length)) = function.slice().filter(|_| is_function_type(&self.heap, function))
        else {
            return false;
        };
        (1..length).all(|index| {
            let part = self.heap.element(address, index);
            let open = index + 1 < length && part == cell(symbols::UNDEFINED);
            open || part.slice().is_none() && self.is_plain_type(part)
        })
    }
}

impl Machine {
    /// The type of a head as a function of so many arguments, if it is a simple one.
    pub(super) fn function_type_of(&mut self, head: Cell, arity: u32) -> Option<Cell> {
        match head.view() {
            View::Symbol(id) => self.function_type(id, arity),
            View::Operation(_) => {
                let function = self.type_of_leaf(head)?;
                (function.slice()?.1 == arity + 2 && self.is_simple_function(function)).then_some(function)
            }
            _ => None,
        }
    }

    /// What a function of a simple type returns where a type is expected; `None` if that may not fit.
    pub(super) fn returned_for(&self, function: Cell, expected: Cell) -> Option<Cell> {
        let found = returned(&self.heap, function);
        (expected == cell(symbols::UNDEFINED) || found == expected).then_some(found)
    }

    /// The value of an argument that a function of a simple type takes and that needs no reduction.
    pub(super) fn taken_argument(&mut self, function: Cell, index: u32, value: Cell) -> Option<Cell> {
        let parameter = self.heap.element(function.slice()?.0, index + 1);
        let sound = value.is_ground() && self.is_known(value, Known::Sound);
        let fits = sound && self.fits_parameter(value, parameter);
        if fits { self.quick_result(value, parameter) } else { None }
    }
}

/// What a function type returns.
pub(in crate::machine) fn returned(heap: &Heap, function: Cell) -> Cell {
    function.slice().map_or(Cell::UNIT, |(address, length)| heap.element(address, length - 1))
}
