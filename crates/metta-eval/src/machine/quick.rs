//! Values that need no reduction: what compiled code finds out about them without the general evaluator.

use metta_atom::SpaceId;

use crate::code::Known;
use crate::machine::Machine;
use crate::program::OPEN;
use crate::terms::cell::{CODE, Cell, SymbolId, View};
use crate::terms::symbols::{self, cell};
use crate::types::TypeOf;

/// Calls with more arguments are looked up each time.
const MOST_ARITY: u32 = 62;
/// Says that nothing declares types for a symbol.
const UNTYPED: u64 = 1 << 63;
/// Elements of a term that are looked at before it is left to the general evaluator.
const MOST_SETTLED: u32 = 512;
const DEEPEST_SETTLED: u32 = 64;

/// What is known about symbols in a space.
#[derive(Debug)]
pub(super) struct Plain {
    space: SpaceId,
    /// By symbol: see `Machine::plainness`, and the [`Code::stamp`](crate::code::Code::stamp) at which it held.
    symbols: Vec<(u64, u64)>,
}

impl Default for Plain {
    fn default() -> Self {
        Plain { space: SpaceId::TOP, symbols: Vec::new() }
    }
}

impl Plain {
    pub(super) fn clear(&mut self) {
        self.symbols.clear();
    }
}

/// Reports whether a type is `%Undefined%`, or is named after a kind of term.
fn is_special_type(id: SymbolId) -> bool {
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
    fn is_constructor(&mut self, id: SymbolId, arity: u32) -> bool {
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
            self.plain.symbols.clear();
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
        let function = self.code.function(self.space, id, arity);
        self.prove(function);
        let native = self.code.functions[function as usize].native;
        let constructs = self.code.definition(function).is_empty() && !native;
        if constructs && arity < MOST_ARITY {
            self.plain.symbols[id.0 as usize].0 |= 1 << arity;
        }
        constructs
    }

    /// Reports whether an expression evaluates to itself because its elements do and no rule is for it.
    pub(super) fn is_inert(&mut self, value: Cell) -> bool {
        if !value.has_evaluated_elements() || !value.is_ground() {
            return false;
        }
        let Some((address, length)) = value.slice().filter(|(_, length)| *length > 0) else { return true };
        match self.heap.element(address, 0).view() {
            View::Int(_) | View::Float(_) | View::Bool(_) => !self.has_open_rules(length),
            View::Symbol(id) => self.is_constructor(id, length - 1),
            _ => false,
        }
    }

    /// The value of an expression if evaluation would only copy it: all its parts are data.
    ///
    /// It bears the mark of an evaluated one, as do its parts, and mentions no bound variable.
    pub(super) fn settled(&mut self, value: Cell) -> Option<Cell> {
        let mut budget = MOST_SETTLED;
        if self.is_settled(value, 0, &mut budget) {
            return Some(value);
        }
        let mut budget = MOST_SETTLED;
        let settled = self.settle(value, 0, &mut budget);
        if settled.is_none() && self.settle_tails(value) {
            let mut budget = MOST_SETTLED;
            return self.settle(value, 0, &mut budget);
        }
        settled
    }

    /// Marks the parts of a list that nests too deep for `settle`, from the innermost on.
    fn settle_tails(&mut self, list: Cell) -> bool {
        let mut places = Vec::new();
        let mut tail = list;
        while let Some((address, length)) = tail.slice()
            && length > 0
            && address & CODE == 0
            && !tail.is_evaluated()
        {
            let last = address + length - 1;
            places.push(last);
            tail = self.heap.get(last);
        }
        if places.len() <= DEEPEST_SETTLED as usize {
            return false;
        }
        for place in places.into_iter().rev().step_by(DEEPEST_SETTLED as usize / 2).skip(1) {
            let part = self.heap.get(place);
            let mut budget = MOST_SETTLED;
            match self.settle(part, 0, &mut budget) {
                Some(settled) if settled.slice() == part.slice() => self.heap.cells[place as usize] = settled,
                _ => return false,
            }
        }
        true
    }

    /// Reports whether an expression and all its parts bear the mark, and mention no bound variable.
    fn is_settled(&self, value: Cell, depth: u32, budget: &mut u32) -> bool {
        let View::Expression { address, length } = value.view() else { return false };
        if !value.is_evaluated() || length > *budget || depth > DEEPEST_SETTLED {
            return false;
        }
        *budget -= length;
        let parts = self.heap.slice(address, length).iter().filter(|element| !element.is_ground());
        parts.copied().all(|element| match element.view() {
            View::Ref(variable) => matches!(self.heap.get(variable).view(), View::Variable { .. }),
            _ => self.is_settled(element, depth + 1, budget),
        })
    }

    fn settle(&mut self, value: Cell, depth: u32, budget: &mut u32) -> Option<Cell> {
        let (address, length) = value.slice()?;
        if length == 0 || value.is_evaluated() && value.is_ground() {
            return Some(value);
        }
        if length > *budget || depth > DEEPEST_SETTLED {
            return None;
        }
        *budget -= length;
        let head = self.heap.element(address, 0);
        let data = match head.view() {
            View::Symbol(id) => self.is_constructor(id, length - 1),
            View::Int(_) | View::Float(_) | View::Bool(_) => !self.has_open_rules(length),
            View::Ref(_) => true,
            View::Expression { length: 1.., .. } => {
                self.has_plain_head(head) && self.has_no_open_types() && !self.has_open_rules(length)
            }
            _ => false,
        };
        if !data {
            return None;
        }
        let start = self.settling.len();
        // Where the elements are is not where they may be marked: others see code.
        let (mut moved, mut ground, mut inert) = (address & CODE != 0, true, true);
        let mut marked = false;
        for index in 0..length {
            let stored = self.heap.get(address + index);
            let element = self.heap.deref(stored);
            moved |= stored != element;
            let element = match element.view() {
                // An error in a tuple takes the place of the tuple.
                View::Expression { length: 1.., .. } if self.heap.is_error(element) => {
                    self.settling.truncate(start);
                    return None;
                }
                View::Expression { length: 1.., .. } => {
                    let Some(settled) = self.settle(element, depth + 1, budget) else {
                        self.settling.truncate(start);
                        return None;
                    };
                    moved |= settled.slice() != element.slice();
                    marked |= settled != element;
                    settled
                }
                View::Symbol(symbols::EMPTY) | View::Bindings { .. } => {
                    self.settling.truncate(start);
                    return None;
                }
                _ => element,
            };
            ground &= element.is_ground();
            inert &= element.is_inert_element();
            self.settling.push(element);
        }
        let mut address = address;
        if moved && (marked || address & CODE == 0 || !ground) {
            address = self.heap.top();
            self.heap.cells.extend_from_slice(&self.settling[start..]);
        } else if marked {
            self.heap.cells[address as usize..][..length as usize].copy_from_slice(&self.settling[start..]);
        }
        self.settling.truncate(start);
        let term = Cell::expression(address, length, ground).evaluated();
        Some(if inert { term.with_evaluated_elements() } else { term })
    }

    /// Reports whether an expression has no function type as head of another.
    fn has_plain_head(&mut self, head: Cell) -> bool {
        match self.heap.head_symbol(head) {
            Some(id) => id != symbols::ARROW && self.is_untyped_symbol(id),
            None => false,
        }
    }

    fn has_no_open_types(&mut self) -> bool {
        let open = self.open_head();
        open.types.is_empty() && open.call_types.is_empty()
    }

    /// Reports whether there are rules for expressions of a length whose head is no symbol.
    fn has_open_rules(&mut self, length: u32) -> bool {
        let open = self.open_head();
        if open.calls.is_empty() || length > MOST_ARITY {
            return !open.calls.is_empty();
        }
        let function = self.code.function(self.space, OPEN, length);
        self.prove(function);
        !self.code.definition(function).is_empty()
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
                let settled = self.settled(value);
                return settled.or_else(|| self.is_typed_data(value, expected).then(|| value.evaluated()));
            }
            View::Ref(_) => true,
            View::Int(_) | View::Float(_) => {
                expected == cell(symbols::UNDEFINED) || expected == cell(symbols::NUMBER)
            }
            View::Bool(_) => expected == cell(symbols::UNDEFINED) || expected == cell(symbols::BOOL),
            View::Symbol(symbols::NOT_REDUCIBLE) => false,
            View::Symbol(id) => {
                expected == cell(symbols::UNDEFINED) || self.type_of_symbol(id) == Some(expected)
            }
            _ => expected == cell(symbols::UNDEFINED),
        };
        fits.then_some(value)
    }

    /// The only type of a symbol or of an expression without variables, if it is a symbol itself.
    fn single_type(&mut self, value: Cell) -> Option<Cell> {
        match value.view() {
            View::Symbol(id) => self.type_of_symbol(id),
            View::Expression { length: 1.., .. } if value.is_ground() => {
                match self.types_of(value).as_slice() {
                    [TypeOf::Valid(found)] if matches!(found.view(), View::Symbol(_)) => Some(*found),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn type_of_symbol(&mut self, id: SymbolId) -> Option<Cell> {
        let head = self.head(id);
        let [only] = head.types.as_ref() else { return None };
        let found = only.body_as_constant(&self.heap)?;
        let plain = matches!(found.view(), View::Symbol(_)) && self.head_of_type_is_plain(found);
        plain.then_some(found)
    }

    /// Reports whether a type has no supertypes, and stands for nothing but itself.
    fn head_of_type_is_plain(&mut self, found: Cell) -> bool {
        match found.view() {
            View::Symbol(id) => !is_special_type(id) && self.head(id).supertypes.is_empty(),
            _ => false,
        }
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
        let function = self.code.function(self.space, id, length - 1);
        self.prove(function);
        let constructs =
            self.code.definition(function).is_empty() && !self.code.functions[function as usize].native;
        constructs
            && self
                .single_type(value)
                .is_some_and(|found| expected == cell(symbols::UNDEFINED) || found == expected)
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
                    View::Symbol(id) => self.is_untyped_symbol(id) || self.single_type(value).is_some(),
                    View::Int(_) | View::Float(_) | View::Bool(_) => true,
                    _ => false,
                }
            }
            (Known::Sound, _) => true,
            (Known::Of(wanted), _) => {
                let wanted = self.code.constants[wanted as usize];
                self.single_type(value).is_some_and(|found| found == wanted)
            }
            _ => false,
        }
    }
}
