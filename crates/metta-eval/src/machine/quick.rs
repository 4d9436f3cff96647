//! Values that need no reduction: what compiled code finds out about them without the general evaluator.

use metta_atom::SpaceId;

use crate::code::Known;
use crate::machine::Machine;
use crate::machine::data::Declared;
use crate::program::OPEN;
use crate::terms::cell::{Cell, SymbolId, View};
use crate::terms::symbols::{self, cell};
use crate::types::is_function_type;

/// Calls with more arguments are looked up each time.
const MOST_ARITY: u32 = 62;
/// Says that nothing declares types for a symbol.
const UNTYPED: u64 = 1 << 63;

/// What is known about symbols in a space.
#[derive(Clone, Debug)]
pub(super) struct Plain {
    space: SpaceId,
    /// By symbol: see `Machine::plainness`, and the [`Code::stamp`](crate::code::Code::stamp) at which it held.
    symbols: Vec<(u64, u64)>,
    /// By symbol, as far as it was asked for: see `Machine::constructor_type`.
    declared: Vec<Declared>,
    /// Where and at which stamp no rule was for expressions whose head is no symbol.
    no_open_rules: (u64, SpaceId),
}

impl Default for Plain {
    fn default() -> Self {
        Plain {
            space: SpaceId::TOP,
            symbols: Vec::new(),
            declared: Vec::new(),
            no_open_rules: (u64::MAX, SpaceId::TOP),
        }
    }
}

impl Plain {
    pub(super) fn clear(&mut self) {
        self.symbols.clear();
        self.declared.clear();
    }

    /// What was found out about a symbol as a constructor.
    #[inline]
    pub(super) fn declared(&self, id: SymbolId, space: SpaceId) -> Option<Declared> {
        self.declared.get(id.0 as usize).copied().filter(|_| self.space == space)
    }

    pub(super) fn declare(&mut self, id: SymbolId, declared: Declared) {
        let length = self.declared.len().max(id.0 as usize + 1);
        self.declared.resize(length, Declared::UNKNOWN);
        self.declared[id.0 as usize] = declared;
    }
}

/// Reports whether a type is `%Undefined%`, or is named after a kind of term.
pub(super) fn is_special_type(id: SymbolId) -> bool {
    id == symbols::UNDEFINED || (symbols::ATOM.0..=symbols::GROUNDED.0).contains(&id.0)
}

/// What the value of an argument evaluates to.
pub(super) enum Quick {
    Value(Cell),
    Fail,
    Slow,
}

/// What is known about a value that is compared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Judged {
    Number,
    Bool,
    /// It has no type.
    Untyped,
    /// It may have the type of a tuple.
    Tuple,
}

impl Machine {
    /// What is known about a value without looking for its types.
    pub(super) fn judge(&mut self, value: Cell) -> Option<Judged> {
        match value.view() {
            View::Int(_) | View::Float(_) => Some(Judged::Number),
            View::Bool(_) => Some(Judged::Bool),
            View::Symbol(id) => self.is_untyped_symbol(id).then_some(Judged::Untyped),
            View::Expression { length: 0, .. } => Some(Judged::Untyped),
            View::Expression { address, .. } => {
                let evaluated = value.is_evaluated() && value.is_ground() || self.is_inert(value);
                match self.heap.element(address, 0).view() {
                    _ if !evaluated => None,
                    View::Symbol(id) => self.is_untyped_symbol(id).then_some(Judged::Untyped),
                    View::Int(_) | View::Float(_) | View::Bool(_) => Some(Judged::Tuple),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// Reports whether nothing declares types for a symbol or for expressions with it as head.
    pub(super) fn is_untyped_symbol(&mut self, id: SymbolId) -> bool {
        self.plainness(id) & UNTYPED != 0
    }

    /// Reports whether calls of a symbol with so many arguments are data: untyped, and no rule is for them.
    #[inline]
    pub(super) fn is_constructor(&mut self, id: SymbolId, arity: u32) -> bool {
        let known = self.plainness(id);
        if known >> arity.min(MOST_ARITY) & 1 == 1 {
            return true;
        }
        known & UNTYPED != 0 && self.find_constructor(id, arity)
    }

    /// What is known about a symbol in the current space: bit n says that calls with n arguments are data.
    #[inline]
    fn plainness(&mut self, id: SymbolId) -> u64 {
        let stamp = self.code.stamp;
        match self.plain.symbols.get(id.0 as usize) {
            Some((known, at)) if *at == stamp && self.plain.space == self.space => *known,
            _ => self.find_plainness(id),
        }
    }

    #[cold]
    fn find_plainness(&mut self, id: SymbolId) -> u64 {
        if self.plain.space != self.space {
            self.plain.clear();
            self.plain.space = self.space;
        }
        let head = self.head(id);
        let untyped = head.types.is_empty() && head.call_types.is_empty();
        let length = self.plain.symbols.len().max(id.0 as usize + 1);
        self.plain.symbols.resize(length, (0, u64::MAX));
        let known = if untyped { UNTYPED } else { 0 };
        self.plain.symbols[id.0 as usize] = (known, self.code.stamp);
        known
    }

    #[cold]
    fn find_constructor(&mut self, id: SymbolId, arity: u32) -> bool {
        if id == symbols::ERROR || symbols::is_instruction(id) {
            return false;
        }
        let constructs = self.is_without_rules(id, arity);
        if constructs && arity < MOST_ARITY {
            self.plain.symbols[id.0 as usize].0 |= 1 << arity;
        }
        constructs
    }

    /// Reports whether no rule is for calls of a symbol.
    pub(super) fn is_without_rules(&mut self, id: SymbolId, arity: u32) -> bool {
        let function = self.code.function(self.space, id, arity);
        self.prove(function);
        self.code.definition(function).is_empty() && !self.code.functions[function as usize].native
    }

    /// Reports whether an expression evaluates to itself because its elements do and no rule is for it.
    #[inline(always)]
    pub(super) fn is_inert(&mut self, value: Cell) -> bool {
        value.has_evaluated_elements()
            && value.is_ground()
            && (self.is_list_of_number(value) || self.is_inert_expression(value))
    }

    /// Reports whether the first element of an expression is a small integer, which is no call.
    #[inline(always)]
    fn is_list_of_number(&self, value: Cell) -> bool {
        let known = self.plain.no_open_rules == (self.code.stamp, self.space);
        known
            && value.slice().is_some_and(|(address, length)| length > 0 && self.heap.get(address).is_small())
    }

    fn is_inert_expression(&mut self, value: Cell) -> bool {
        let Some((address, length)) = value.slice().filter(|(_, length)| *length > 0) else { return true };
        match self.heap.element(address, 0).view() {
            View::Int(_) | View::Float(_) | View::Bool(_) => !self.has_open_rules(length),
            View::Symbol(id) => self.is_constructor(id, length - 1),
            _ => false,
        }
    }

    /// Reports whether an expression has no function type as head of another.
    pub(super) fn has_plain_head(&mut self, head: Cell) -> bool {
        match self.heap.head_symbol(head) {
            Some(id) => id != symbols::ARROW && self.is_untyped_symbol(id),
            None => false,
        }
    }

    pub(super) fn has_no_open_types(&mut self) -> bool {
        let open = self.open_head();
        open.types.is_empty() && open.call_types.is_empty()
    }

    /// Reports whether there are rules for expressions of a length whose head is no symbol.
    #[inline]
    pub(super) fn has_open_rules(&mut self, length: u32) -> bool {
        let known = self.plain.no_open_rules == (self.code.stamp, self.space);
        !known && self.find_open_rules(length)
    }

    #[cold]
    fn find_open_rules(&mut self, length: u32) -> bool {
        let open = self.open_head();
        if open.calls.is_empty() {
            self.plain.no_open_rules = (self.code.stamp, self.space);
            return false;
        }
        if length > MOST_ARITY {
            return true;
        }
        let function = self.code.function(self.space, OPEN, length);
        self.prove(function);
        !self.code.definition(function).is_empty()
    }

    /// Reports whether a value is clearly the value of itself, of whatever type it may be, and no error.
    #[inline(always)]
    pub(super) fn is_plain(&self, value: Cell) -> bool {
        match value.slice() {
            None => {
                value.is_plain_leaf()
                    && value != cell(symbols::EMPTY)
                    && value != cell(symbols::NOT_REDUCIBLE)
            }
            Some((address, 1..)) if value.is_evaluated() && value.is_ground() => {
                self.heap.get(address) != cell(symbols::ERROR)
            }
            _ => false,
        }
    }

    /// Evaluates what needs no reduction.
    #[inline(always)]
    pub(super) fn quick_value(&mut self, value: Cell, site: u32, base: u32) -> Quick {
        let site = &self.code.sites[site as usize];
        let (tuple, expected) = (site.tuple, self.expected_at(site.expected, base));
        if value == cell(symbols::EMPTY) {
            return if tuple { Quick::Fail } else { Quick::Value(value) };
        }
        match self.quick_result(value, expected) {
            Some(result) if tuple && self.heap.is_error(result) => Quick::Slow,
            Some(result) => Quick::Value(result),
            None => Quick::Slow,
        }
    }

    /// The value of a term that needs no reduction, with the mark of an evaluated one.
    #[inline(always)]
    pub(super) fn quick_result(&mut self, value: Cell, expected: Cell) -> Option<Cell> {
        let fits = match value.view() {
            View::Expression { .. } => {
                if value.is_evaluated() && value.is_ground() {
                    return Some(value);
                }
                if value == Cell::UNIT {
                    return (expected == cell(symbols::UNDEFINED)).then_some(value);
                }
                if self.is_inert(value) {
                    return Some(value.evaluated());
                }
                let settled = self.settled(value).filter(|settled| self.is_of(*settled, expected));
                return settled.or_else(|| self.is_typed_data(value, expected).then(|| value.evaluated()));
            }
            View::Ref(_) => true,
            View::Int(_) | View::Float(_) => {
                expected == cell(symbols::UNDEFINED) || expected == cell(symbols::NUMBER)
            }
            View::Bool(_) => expected == cell(symbols::UNDEFINED) || expected == cell(symbols::BOOL),
            View::Symbol(symbols::NOT_REDUCIBLE) => false,
            View::Symbol(id) => {
                expected == cell(symbols::UNDEFINED)
                    || expected.is_ground()
                        && self.own_type(id).is_some_and(|found| {
                            found != cell(symbols::UNDEFINED) && self.fits_type(found, expected)
                        })
            }
            View::Boxed(_) if expected == cell(symbols::STRING) => self.heap.as_text(value).is_some(),
            _ => expected == cell(symbols::UNDEFINED),
        };
        fits.then_some(value)
    }

    /// Reports whether an expression evaluates to itself because its elements do, its head has a type that takes
    /// them and gives what is expected, and no rule is for it.
    fn is_typed_data(&mut self, value: Cell, expected: Cell) -> bool {
        let Some((address, length)) = value.slice().filter(|_| value.has_evaluated_elements()) else {
            return false;
        };
        let View::Symbol(id) = self.heap.element(address, 0).view() else { return false };
        if self.is_untyped_symbol(id) || id == symbols::ERROR || symbols::is_instruction(id) {
            return false;
        }
        self.is_without_rules(id, length - 1)
            && self.single_type(value).is_some_and(|found| {
                expected == cell(symbols::UNDEFINED) || self.is_same_type(found, expected)
            })
    }

    pub(super) fn is_known(&mut self, value: Cell, known: Known) -> bool {
        match (known, value.view()) {
            (Known::Nothing, _)
            | (Known::Number, View::Int(_) | View::Float(_))
            | (Known::Bool, View::Bool(_))
            | (Known::Expression, View::Expression { .. })
            | (Known::Space, View::Space(_)) => true,
            (Known::Ground, _) => value.is_ground(),
            (Known::Number, View::Boxed(_)) => self.heap.as_number(value).is_some(),
            (Known::NumberState | Known::BoolState, View::State(_)) => {
                let wanted = if known == Known::NumberState { symbols::NUMBER } else { symbols::BOOL };
                self.plain_state(value).is_some_and(|(_, found)| found == cell(wanted))
            }
            (Known::Sound, View::Expression { address, length }) if length > 0 => {
                match self.heap.element(address, 0).view() {
                    View::Symbol(id) => {
                        self.is_untyped_symbol(id)
                            || self.type_of_data(value).is_some()
                            || self.single_type(value).is_some()
                    }
                    View::Int(_) | View::Float(_) | View::Bool(_) => true,
                    _ => false,
                }
            }
            (Known::Sound, _) => true,
            (Known::Of(wanted), _) => {
                let wanted = self.code.constants[wanted as usize];
                // What stands at the head of a call is known not to need a reduction.
                if value.is_expression() && is_function_type(&self.heap, wanted) {
                    return false;
                }
                self.single_type(value).is_some_and(|found| self.is_same_type(found, wanted))
            }
            (Known::Fits(wanted), _) => {
                let wanted = self.code.constants[wanted as usize];
                if value.is_expression() && is_function_type(&self.heap, wanted) {
                    return false;
                }
                let found = self.type_of_settled(value).or_else(|| self.type_of_data(value));
                match found.or_else(|| self.single_type(value)) {
                    Some(found) => self.fits_type(found, wanted),
                    None => false,
                }
            }
            _ => false,
        }
    }
}
