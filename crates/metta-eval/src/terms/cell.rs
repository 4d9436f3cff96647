//! Tagged 64-bit cells, the terms of the machine.
//!
//! ```text
//! bits  63        62     61       60..36  35..4    3..0
//!       evaluated ground elements length  address  tag    Expression
//!       payload (60 bits)                          tag    all others
//! ```
//!
//! An expression is a slice of cells without a header, so its tail is the next
//! address with one cell less. Addresses with [`CODE`] set lie in the code area,
//! which is never moved nor collected.

use crate::terms::symbols;

/// The bit that marks an address, or a box index, in the code area.
pub(crate) const CODE: u32 = 1 << 31;

/// The longest expression that a cell can describe.
pub(crate) const MAX_LENGTH: usize = (1 << 25) - 1;

const TAG_REF: u64 = 0;
const TAG_VARIABLE: u64 = 1;
const TAG_SYMBOL: u64 = 2;
const TAG_INT: u64 = 3;
const TAG_EXPRESSION: u64 = 4;
const TAG_BOX: u64 = 5;
/// Floats take two tags, one for each sign; see [`Cell::float`].
const TAG_FLOAT: u64 = 6;
const TAG_FLOAT_NEGATIVE: u64 = 7;
const TAG_OPERATION: u64 = 8;
const TAG_SPACE: u64 = 9;
const TAG_STATE: u64 = 10;
const TAG_BOOL: u64 = 11;
const TAG_BINDINGS: u64 = 12;
const TAG_LOCAL: u64 = 13;
const TAG_ROOM: u64 = 14;

const ELEMENTS: u64 = 1 << 61;
const GROUND: u64 = 1 << 62;
const EVALUATED: u64 = 1 << 63;
const FLOAT_BIAS: u64 = 1023 - 127;

/// A symbol as a number private to one machine.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct SymbolId(pub(crate) u32);

/// One cell.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Cell(u64);

/// What a cell says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum View {
    /// A reference to a cell of the heap that is, or was, a variable.
    Ref(u32),
    /// An unbound variable; only stored in the heap, never passed around.
    Variable {
        name: SymbolId,
        original: bool,
    },
    Symbol(SymbolId),
    Int(i64),
    Float(f64),
    Expression {
        address: u32,
        length: u32,
    },
    /// A value in the table of boxes.
    Boxed(u32),
    Operation(SymbolId),
    Space(u64),
    State(u64),
    Bool(bool),
    /// A binding set: variables and values in turn.
    Bindings {
        address: u32,
        length: u32,
    },
    /// A variable slot of a clause; only in code.
    Local(u32),
    /// The number of free cells that end here, in front of a list.
    Room(u32),
}

impl Cell {
    /// The empty expression.
    pub(crate) const UNIT: Cell = Cell(GROUND | TAG_EXPRESSION);
    /// No cell: an unset slot, an absent type.
    pub(crate) const NONE: Cell = Cell(u64::MAX);

    pub(crate) const fn reference(address: u32) -> Cell {
        Cell((address as u64) << 4 | TAG_REF)
    }

    pub(crate) const fn variable(name: SymbolId, original: bool) -> Cell {
        Cell((original as u64) << 36 | (name.0 as u64) << 4 | TAG_VARIABLE)
    }

    pub(crate) const fn symbol(id: SymbolId) -> Cell {
        Cell((id.0 as u64) << 4 | TAG_SYMBOL)
    }

    pub(crate) const fn operation(id: SymbolId) -> Cell {
        Cell((id.0 as u64) << 4 | TAG_OPERATION)
    }

    /// Makes a small integer; `None` when it needs more than 60 bits.
    pub(crate) const fn int(value: i64) -> Option<Cell> {
        if (value << 4) >> 4 == value { Some(Cell((value << 4) as u64 | TAG_INT)) } else { None }
    }

    /// The values of two small integers, in a form in which sums and differences need no unpacking.
    #[inline(always)]
    fn scaled_ints(self, other: Cell) -> Option<(i64, i64)> {
        let both = self.0 & 15 == TAG_INT && other.0 & 15 == TAG_INT;
        both.then(|| (self.0 as i64, (other.0 - TAG_INT) as i64))
    }

    /// The sum of two small integers, if it is one as well.
    #[inline(always)]
    pub(crate) fn plus(self, other: Cell) -> Option<Cell> {
        let (a, b) = self.scaled_ints(other)?;
        Some(Cell(a.checked_add(b)? as u64))
    }

    /// The difference of two small integers, if it is one as well.
    #[inline(always)]
    pub(crate) fn minus(self, other: Cell) -> Option<Cell> {
        let (a, b) = self.scaled_ints(other)?;
        Some(Cell(a.checked_sub(b)? as u64))
    }

    /// What a small integer adds to another, see [`Cell::stepped`].
    pub(crate) fn step(self) -> Option<i64> {
        self.is_small().then_some((self.0 - TAG_INT) as i64)
    }

    /// The small integer with this step.
    pub(crate) fn of_step(by: i64) -> Cell {
        Cell(by as u64 | TAG_INT)
    }

    /// The sum of a small integer and the one with this [`step`](Cell::step), if it is one as well.
    #[inline(always)]
    pub(crate) fn stepped(self, by: i64) -> Option<Cell> {
        let sum = (self.0 as i64).checked_add(by)?;
        self.is_small().then_some(Cell(sum as u64))
    }

    /// Reports whether a small integer is less than another.
    #[inline(always)]
    pub(crate) fn is_less(self, other: Cell) -> Option<bool> {
        (self.is_small() && other.is_small()).then_some((self.0 as i64) < other.0 as i64)
    }

    /// Reports whether it is a small integer.
    #[inline(always)]
    pub(crate) fn is_small(self) -> bool {
        self.0 & 15 == TAG_INT
    }

    /// Compares two small integers.
    #[inline(always)]
    pub(crate) fn compare_ints(self, other: Cell) -> Option<std::cmp::Ordering> {
        let (a, b) = self.scaled_ints(other)?;
        Some((a - TAG_INT as i64).cmp(&b))
    }

    /// Makes an immediate float; `None` for magnitudes beyond about 2^±127 other than zero.
    ///
    /// Of the eleven exponent bits eight are kept and the sign goes into the tag,
    /// so that the whole mantissa fits.
    pub(crate) fn float(value: f64) -> Option<Cell> {
        let bits = value.to_bits();
        let tag = if bits >> 63 == 0 { TAG_FLOAT } else { TAG_FLOAT_NEGATIVE };
        let exponent = (bits >> 52) & 0x7ff;
        let mantissa = bits & ((1 << 52) - 1);
        let packed = if exponent == 0 && mantissa == 0 {
            0
        } else if (FLOAT_BIAS + 1..=FLOAT_BIAS + 255).contains(&exponent) {
            (exponent - FLOAT_BIAS) << 52 | mantissa
        } else {
            return None;
        };
        Some(Cell(packed << 4 | tag))
    }

    /// Makes an expression. There is one empty expression, without an address.
    pub(crate) const fn expression(address: u32, length: u32, ground: bool) -> Cell {
        if length == 0 {
            return Cell::UNIT;
        }
        let flag = if ground { GROUND } else { 0 };
        Cell(flag | (length as u64) << 36 | (address as u64) << 4 | TAG_EXPRESSION)
    }

    /// The list of `head` and the elements of this one, at an address; what is noted about the elements stays.
    #[inline]
    pub(crate) fn extended(self, head: Cell, address: u32) -> Cell {
        if head.is_canonical() && head != symbols::cell(symbols::EMPTY) && self != Cell::UNIT {
            return Cell((self.0 & !EVALUATED).wrapping_add(1 << 36)).with_address(address);
        }
        let length = self.slice().map_or(0, |(_, length)| length);
        let list = Cell::expression(address, length + 1, self.is_ground() && head.is_ground());
        let inert = self.has_evaluated_elements() && head.is_inert_element();
        if inert { list.with_evaluated_elements() } else { list }
    }

    /// Makes a binding set. The empty one has no address.
    pub(crate) const fn bindings(address: u32, length: u32) -> Cell {
        let address = if length == 0 { 0 } else { address };
        Cell((length as u64) << 36 | (address as u64) << 4 | TAG_BINDINGS)
    }

    pub(crate) const fn boxed(index: u32) -> Cell {
        Cell((index as u64) << 4 | TAG_BOX)
    }

    pub(crate) const fn space(id: u64) -> Cell {
        Cell(id << 4 | TAG_SPACE)
    }

    pub(crate) const fn state(id: u64) -> Cell {
        Cell(id << 4 | TAG_STATE)
    }

    pub(crate) const fn bool(value: bool) -> Cell {
        Cell((value as u64) << 4 | TAG_BOOL)
    }

    pub(crate) const fn local(slot: u32) -> Cell {
        Cell((slot as u64) << 4 | TAG_LOCAL)
    }

    pub(crate) const fn room(cells: u32) -> Cell {
        Cell((cells as u64) << 4 | TAG_ROOM)
    }

    /// Tells what the cell says.
    #[inline]
    pub(crate) fn view(self) -> View {
        let payload = self.0 >> 4;
        let low = payload as u32;
        let length = (self.0 >> 36) as u32 & MAX_LENGTH as u32;
        match self.0 & 15 {
            TAG_REF => View::Ref(low),
            TAG_VARIABLE => View::Variable { name: SymbolId(low), original: self.0 >> 36 & 1 == 1 },
            TAG_SYMBOL => View::Symbol(SymbolId(low)),
            TAG_INT => View::Int(self.0 as i64 >> 4),
            TAG_EXPRESSION => View::Expression { address: low, length },
            TAG_FLOAT | TAG_FLOAT_NEGATIVE => View::Float(self.unpack_float()),
            TAG_OPERATION => View::Operation(SymbolId(low)),
            TAG_SPACE => View::Space(payload),
            TAG_STATE => View::State(payload),
            TAG_BOOL => View::Bool(payload & 1 == 1),
            TAG_BINDINGS => View::Bindings { address: low, length },
            TAG_LOCAL => View::Local(low),
            TAG_ROOM => View::Room(low),
            _ => View::Boxed(low),
        }
    }

    fn unpack_float(self) -> f64 {
        let packed = self.0 >> 4;
        let sign = (self.0 & 15 == TAG_FLOAT_NEGATIVE) as u64;
        let exponent = packed >> 52;
        let bits = if packed == 0 { 0 } else { (exponent + FLOAT_BIAS) << 52 | packed & ((1 << 52) - 1) };
        f64::from_bits(sign << 63 | bits)
    }

    /// What tells the cell from all others.
    #[inline]
    pub(crate) fn bits(self) -> u64 {
        self.0
    }

    #[inline]
    pub(crate) fn is_reference(self) -> bool {
        self.0 & 15 == TAG_REF
    }

    /// Reports whether it is a symbol, a small integer or a truth value: such are equal if their cells are.
    #[inline]
    pub(crate) fn is_canonical(self) -> bool {
        matches!(self.0 & 15, TAG_SYMBOL | TAG_INT | TAG_BOOL)
    }

    /// Reports whether it is an unbound variable, a symbol, a number in itself or a truth value.
    #[inline]
    pub(crate) fn is_plain_leaf(self) -> bool {
        const PLAIN: u64 = 1 << TAG_REF
            | 1 << TAG_SYMBOL
            | 1 << TAG_INT
            | 1 << TAG_FLOAT
            | 1 << TAG_FLOAT_NEGATIVE
            | 1 << TAG_BOOL;
        PLAIN >> (self.0 & 15) & 1 == 1
    }

    #[inline]
    pub(crate) fn is_expression(self) -> bool {
        self.0 & 15 == TAG_EXPRESSION
    }

    /// Address and length of an expression.
    #[inline]
    pub(crate) fn slice(self) -> Option<(u32, u32)> {
        match self.view() {
            View::Expression { address, length } => Some((address, length)),
            _ => None,
        }
    }

    /// Reports whether the expression is known to contain no variable.
    #[inline]
    pub(crate) fn is_ground(self) -> bool {
        match self.0 & 15 {
            TAG_EXPRESSION => self.0 & GROUND != 0,
            tag => tag != TAG_REF && tag != TAG_BINDINGS && tag != TAG_LOCAL,
        }
    }

    /// Reports the "already evaluated" mark of semantics 4.6.
    #[inline]
    pub(crate) fn is_evaluated(self) -> bool {
        self.is_expression() && self.0 & EVALUATED != 0
    }

    /// Sets the mark on an expression.
    pub(crate) fn evaluated(self) -> Cell {
        if self.is_expression() { Cell(self.0 | EVALUATED) } else { self }
    }

    /// Takes the mark away.
    pub(crate) fn unmarked(self) -> Cell {
        if self.is_expression() { Cell(self.0 & !EVALUATED) } else { self }
    }

    /// Reports whether every element of the expression is known to evaluate to itself.
    #[inline]
    pub(crate) fn has_evaluated_elements(self) -> bool {
        self.is_expression() && (self.0 & ELEMENTS != 0 || self == Cell::UNIT)
    }

    /// Notes that every element of the expression evaluates to itself. Only ground expressions keep the note:
    /// a variable in it could be bound later.
    pub(crate) fn with_evaluated_elements(self) -> Cell {
        if self.is_expression() && self != Cell::UNIT && self.is_ground() {
            Cell(self.0 | ELEMENTS)
        } else {
            self
        }
    }

    /// Reports whether the cell, as an element, is known to evaluate to itself.
    #[inline]
    pub(crate) fn is_inert_element(self) -> bool {
        const OPEN: u64 = 1 << TAG_REF | 1 << TAG_BINDINGS | 1 << TAG_LOCAL;
        match self.0 & 15 {
            TAG_EXPRESSION => self.0 & EVALUATED != 0 || self == Cell::UNIT,
            // A tuple with `Empty` in it has no result.
            tag => OPEN >> tag & 1 == 0 && self != symbols::cell(symbols::EMPTY),
        }
    }

    /// Reports whether both are the same term in the same place, whatever is noted about it.
    #[inline]
    pub(crate) fn same(self, other: Cell) -> bool {
        let differ = self.0 ^ other.0;
        differ == 0 || differ & !(EVALUATED | ELEMENTS | GROUND) == 0 && self.is_expression()
    }

    /// The address that the cell holds, if it holds one: what a move of cells must change.
    #[inline]
    pub(crate) fn address(self) -> Option<u32> {
        match self.0 & 15 {
            TAG_REF | TAG_EXPRESSION | TAG_BINDINGS => Some((self.0 >> 4) as u32),
            _ => None,
        }
    }

    /// The same cell with another address.
    #[inline]
    pub(crate) fn with_address(self, address: u32) -> Cell {
        Cell(self.0 & !(u64::from(u32::MAX) << 4) | u64::from(address) << 4)
    }

    /// Makes an expression cell ground.
    pub(crate) fn grounded(self) -> Cell {
        if self.is_expression() { Cell(self.0 | GROUND) } else { self }
    }
}

impl std::fmt::Debug for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if *self == Cell::NONE { f.write_str("None") } else { write!(f, "{:?}", self.view()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_survive_or_are_refused() {
        for value in [0.0, -0.0, 1.0, -1.5, 0.1, 1e30, -1e-30, f64::from(f32::MAX)] {
            let cell = Cell::float(value).expect("in range");
            assert!(matches!(cell.view(), View::Float(back) if back.to_bits() == value.to_bits()), "{value}");
        }
        for value in [f64::INFINITY, f64::NAN, 1e300, -1e-300, f64::MIN_POSITIVE / 2.0] {
            assert!(Cell::float(value).is_none(), "{value}");
        }
    }

    #[test]
    fn small_integers_survive_and_wide_ones_are_refused() {
        for value in [0, 1, -1, (1 << 59) - 1, -(1 << 59)] {
            assert_eq!(Cell::int(value).expect("in range").view(), View::Int(value));
        }
        assert!(Cell::int(1 << 59).is_none());
        assert!(Cell::int(i64::MIN).is_none());
    }

    #[test]
    fn expression_fields_do_not_overlap() {
        let cell = Cell::expression(u32::MAX, MAX_LENGTH as u32, false);
        assert_eq!(cell.slice(), Some((u32::MAX, MAX_LENGTH as u32)));
        assert!(!cell.is_ground() && cell.grounded().is_ground() && !cell.is_evaluated());
        assert_eq!(cell.evaluated().grounded().with_address(7).slice(), Some((7, MAX_LENGTH as u32)));
        assert!(cell.evaluated().same(cell));
    }
}
