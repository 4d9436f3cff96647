//! Atoms as bytes.
//!
//! An atom is written in preorder, each item self-delimiting, so that a path in
//! a trie is an atom and atoms with a common beginning share it. What MORK can
//! express is written bit for bit as MORK writes it; the rest uses tags that
//! MORK reserves, or symbols whose first byte cannot begin UTF-8 text.
//!
//! | tag | item | payload |
//! |---|---|---|
//! | `00..=3F` | arity 0 to 63, followed by that many terms | none |
//! | `40` | arity from 64 | u64 |
//! | `41` | payload longer than 63 bytes | u64 length, then the payload |
//! | `43` | reference to the i-th variable, i from 64 | u64 |
//! | `80..=BF` | reference to the i-th variable, i below 64 | none |
//! | `C0` | the next variable, introduced here | none |
//! | `C1..=FF` | payload of 1 to 63 bytes | the payload |
//!
//! A payload is the name of a symbol, unless its first byte is one of these:
//!
//! | byte | value | rest of the payload |
//! |---|---|---|
//! | `F5` | operation | its name |
//! | `F6` | space | u64 |
//! | `F7` | state | u64 |
//! | `F8` | integer in 64 bits | sign bit flipped, so byte order is numeric order |
//! | `F9` | float | bits, negated or sign bit flipped, so byte order is numeric order |
//! | `FA` | string | its text |
//! | `FB` | truth value | `00` or `01` |
//! | `FC` | value in a handle table | u64 |
//! | `FE` | integer beyond 64 bits | `00` negative or `01` positive, then the magnitude |
//! | `FF` | the symbol with the empty name | none |
//!
//! All numbers are big endian.
//!
//! Invariant B1: an atom has exactly one encoding: the shortest tag that fits, one
//! NaN, no big integer that fits 64 bits. `1` and `1.0` are two atoms here, and so
//! are `0.0` and `-0.0`.
//! Invariant B2: no encoding is a proper prefix of another.

mod validate;

use metta_atom::{Atom, Number, SpaceId, StateId, Variable};
use num_bigint::{BigInt, Sign};

use crate::terms;

pub(crate) use validate::{Checked, Checker, inspect};
pub use validate::{DecodeError, validate};

pub(crate) const LONG_ARITY: u8 = 0x40;
pub(crate) const LONG_PAYLOAD: u8 = 0x41;
pub(crate) const LONG_REFERENCE: u8 = 0x43;
pub(crate) const FIRST_REFERENCE: u8 = 0x80;
pub(crate) const NEW_VARIABLE: u8 = 0xC0;
/// How many children, references or payload bytes fit into a MORK tag.
pub(crate) const SHORT: usize = 64;

const OPERATION: u8 = 0xF5;
const SPACE: u8 = 0xF6;
const STATE: u8 = 0xF7;
const INTEGER: u8 = 0xF8;
const FLOAT: u8 = 0xF9;
const TEXT: u8 = 0xFA;
const BOOL: u8 = 0xFB;
const HANDLE: u8 = 0xFC;
const BIG: u8 = 0xFE;
const EMPTY_NAME: u8 = 0xFF;
const SIGN: u64 = 1 << 63;

/// One item of an encoded atom.
#[derive(Clone, PartialEq, Debug)]
pub enum Item<'a> {
    /// An expression with this many elements, which follow.
    Arity(usize),
    /// The next variable, at its first place.
    NewVar,
    /// The variable that was introduced as the n-th, counted from 0.
    VarRef(usize),
    /// A symbol.
    Symbol(&'a str),
    /// An executable operation of the library.
    Operation(&'a str),
    /// An integer in 64 bits.
    Int(i64),
    /// An integer beyond 64 bits.
    Big(BigInt),
    /// A float.
    Float(f64),
    /// A string.
    Text(&'a str),
    /// A truth value.
    Bool(bool),
    /// A space.
    Space(SpaceId),
    /// A state cell.
    State(StateId),
    /// A value in the handle table of the snapshot.
    Handle(u64),
}

impl Item<'_> {
    /// Returns the number, if it is one.
    pub fn number(self) -> Option<Number> {
        match self {
            Item::Int(i) => Some(Number::Int(i)),
            Item::Float(f) => Some(Number::Float(f)),
            Item::Big(b) => Some(Number::from_big(b)),
            Item::Arity(_)
            | Item::NewVar
            | Item::VarRef(_)
            | Item::Symbol(_)
            | Item::Operation(_)
            | Item::Text(_)
            | Item::Bool(_)
            | Item::Space(_)
            | Item::State(_)
            | Item::Handle(_) => None,
        }
    }
}

/// An encoded atom and the names of its variables.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Encoded {
    /// The atom up to the names of its variables.
    pub bytes: Vec<u8>,
    /// The variables in the order in which the bytes introduce them.
    pub variables: Vec<Variable>,
}

impl Encoded {
    /// Encodes an atom for any space; `None` when it has values that only a space can give numbers to.
    pub fn of(atom: &Atom) -> Option<Self> {
        (!terms::needs_handle(atom)).then(|| terms::encode(atom, |_| u64::MAX))
    }
}

/// What stands at a tag, with its payload still as bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Token {
    Arity(usize),
    NewVar,
    VarRef(usize),
    /// The payload ends where the token ends.
    Payload {
        start: usize,
    },
}

/// Reads the token at `at`; returns it with the offset behind it.
pub(crate) fn token(bytes: &[u8], at: usize) -> Option<(Token, usize)> {
    let tag = *bytes.get(at)?;
    let next = at + 1;
    match tag {
        0x00..LONG_ARITY => Some((Token::Arity(usize::from(tag)), next)),
        NEW_VARIABLE => Some((Token::NewVar, next)),
        FIRST_REFERENCE..NEW_VARIABLE => Some((Token::VarRef(usize::from(tag - FIRST_REFERENCE)), next)),
        0xC1.. => payload(bytes, next, usize::from(tag - NEW_VARIABLE)),
        LONG_ARITY => Some((Token::Arity(length(bytes, next)?), next + 8)),
        LONG_REFERENCE => Some((Token::VarRef(length(bytes, next)?), next + 8)),
        LONG_PAYLOAD => payload(bytes, next + 8, length(bytes, next)?),
        _ => None,
    }
}

fn payload(bytes: &[u8], start: usize, length: usize) -> Option<(Token, usize)> {
    let end = start.checked_add(length)?;
    (end <= bytes.len()).then_some((Token::Payload { start }, end))
}

/// Reads the eight bytes at `at` as a count.
fn length(bytes: &[u8], at: usize) -> Option<usize> {
    let (word, _) = bytes.get(at..)?.split_first_chunk()?;
    usize::try_from(u64::from_be_bytes(*word)).ok()
}

/// Returns the offset behind the term that starts at `at`.
pub(crate) fn term_end(bytes: &[u8], mut at: usize) -> usize {
    let mut pending = 1usize;
    while pending > 0 {
        let Some((token, next)) = token(bytes, at) else { return bytes.len() };
        pending -= 1;
        if let Token::Arity(n) = token {
            pending += n;
        }
        at = next;
    }
    at
}

/// Reads the items of an encoded atom in order.
///
/// For bytes made by a [`Writer`]: ill-formed bytes end the iteration early and are
/// not reported. Bytes from elsewhere go through [`validate`] first.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the first item of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader { bytes, at: 0 }
    }

    /// Returns the offset of the next item.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Passes over the term that starts at the next item.
    pub fn skip_term(&mut self) {
        self.at = term_end(self.bytes, self.at);
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        let (token, end) = token(self.bytes, self.at)?;
        let item = match token {
            Token::Arity(n) => Item::Arity(n),
            Token::NewVar => Item::NewVar,
            Token::VarRef(i) => Item::VarRef(i),
            Token::Payload { start } => value(&self.bytes[start..end])?,
        };
        self.at = end;
        Some(item)
    }
}

/// Decodes a payload; `None` when it is not one that a [`Writer`] makes.
pub(crate) fn value(payload: &[u8]) -> Option<Item<'_>> {
    let (&kind, rest) = payload.split_first()?;
    if kind < OPERATION {
        return std::str::from_utf8(payload).ok().map(Item::Symbol);
    }
    let word = || <[u8; 8]>::try_from(rest).ok().map(u64::from_be_bytes);
    let text = || std::str::from_utf8(rest).ok();
    match kind {
        OPERATION => text().map(Item::Operation),
        SPACE => word().map(|id| Item::Space(SpaceId(id))),
        STATE => word().map(|id| Item::State(StateId(id))),
        INTEGER => word().map(|bits| Item::Int((bits ^ SIGN) as i64)),
        FLOAT => word().map(|key| Item::Float(float_from_key(key))),
        TEXT => text().map(Item::Text),
        BOOL => match rest {
            [0] => Some(Item::Bool(false)),
            [1] => Some(Item::Bool(true)),
            _ => None,
        },
        HANDLE => word().map(Item::Handle),
        BIG => big(rest).map(Item::Big),
        EMPTY_NAME if rest.is_empty() => Some(Item::Symbol("")),
        _ => None,
    }
}

fn big(rest: &[u8]) -> Option<BigInt> {
    let (&sign, magnitude) = rest.split_first()?;
    let sign = match sign {
        0 => Sign::Minus,
        1 => Sign::Plus,
        _ => return None,
    };
    Some(BigInt::from_bytes_be(sign, magnitude))
}

/// Maps a float to a word whose order is the numeric order.
fn float_key(value: f64) -> u64 {
    // B1: every NaN is the same atom, whatever its bits.
    let bits = if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() };
    if bits & SIGN == 0 { bits ^ SIGN } else { !bits }
}

fn float_from_key(key: u64) -> f64 {
    f64::from_bits(if key & SIGN == 0 { !key } else { key ^ SIGN })
}

/// Writes an encoded atom item by item.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Starts empty.
    pub fn new() -> Self {
        Writer::default()
    }

    /// Starts empty, with room for `size_bytes`.
    pub fn with_capacity(size_bytes: usize) -> Self {
        Writer { bytes: Vec::with_capacity(size_bytes) }
    }

    /// Returns what was written.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns what was written, without copying it.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Forgets what was written and keeps the allocation.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Opens an expression of `n` elements, which are to follow.
    pub fn arity(&mut self, n: usize) {
        // B1: the long form starts where the short one ends.
        if n < SHORT {
            self.bytes.push(n as u8);
        } else {
            self.word(LONG_ARITY, n as u64);
        }
    }

    /// Introduces the next variable.
    pub fn new_var(&mut self) {
        self.bytes.push(NEW_VARIABLE);
    }

    /// Refers to the `i`-th variable introduced so far, counted from 0.
    pub fn var_ref(&mut self, i: usize) {
        if i < SHORT {
            self.bytes.push(FIRST_REFERENCE + i as u8);
        } else {
            self.word(LONG_REFERENCE, i as u64);
        }
    }

    /// Writes a symbol.
    pub fn symbol(&mut self, name: &str) {
        if name.is_empty() {
            self.kind(EMPTY_NAME, &[]);
        } else {
            self.length(name.len());
            self.bytes.extend_from_slice(name.as_bytes());
        }
    }

    /// Writes an operation.
    pub fn operation(&mut self, name: &str) {
        self.kind(OPERATION, name.as_bytes());
    }

    /// Writes an integer in 64 bits.
    pub fn int(&mut self, value: i64) {
        self.kind(INTEGER, &(value as u64 ^ SIGN).to_be_bytes());
    }

    /// Writes a number.
    pub fn number(&mut self, value: &Number) {
        match value {
            Number::Int(i) => self.int(*i),
            Number::Float(f) => self.float(*f),
            Number::Big(b) => {
                // B1 rests on N1 of `Number`: a big integer never fits 64 bits.
                let (sign, magnitude) = b.to_bytes_be();
                self.length(2 + magnitude.len());
                self.bytes.extend_from_slice(&[BIG, u8::from(sign != Sign::Minus)]);
                self.bytes.extend_from_slice(&magnitude);
            }
        }
    }

    /// Writes a float; all NaN become one.
    pub fn float(&mut self, value: f64) {
        self.kind(FLOAT, &float_key(value).to_be_bytes());
    }

    /// Writes a string.
    pub fn text(&mut self, value: &str) {
        self.kind(TEXT, value.as_bytes());
    }

    /// Writes a truth value.
    pub fn bool(&mut self, value: bool) {
        self.kind(BOOL, &[u8::from(value)]);
    }

    /// Writes a space.
    pub fn space(&mut self, id: SpaceId) {
        self.kind(SPACE, &id.0.to_be_bytes());
    }

    /// Writes a state cell.
    pub fn state(&mut self, id: StateId) {
        self.kind(STATE, &id.0.to_be_bytes());
    }

    /// Writes a value of a handle table.
    pub fn handle(&mut self, id: u64) {
        self.kind(HANDLE, &id.to_be_bytes());
    }

    /// Writes a whole term, already encoded and without variables of its own.
    pub fn ground_term(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn kind(&mut self, kind: u8, rest: &[u8]) {
        self.length(1 + rest.len());
        self.bytes.push(kind);
        self.bytes.extend_from_slice(rest);
    }

    fn length(&mut self, n: usize) {
        if n < SHORT {
            self.bytes.push(NEW_VARIABLE + n as u8);
        } else {
            self.word(LONG_PAYLOAD, n as u64);
        }
    }

    fn word(&mut self, tag: u8, value: u64) {
        self.bytes.push(tag);
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }
}

/// The bytes before the number of a handle.
pub(crate) const HANDLE_BEGINS: [u8; 2] = [NEW_VARIABLE + 9, HANDLE];

/// The bytes before the number of a space.
pub(crate) const SPACE_BEGINS: [u8; 2] = [NEW_VARIABLE + 9, SPACE];

/// Reports whether `payload` is a handle.
pub(crate) fn is_handle(payload: &[u8]) -> bool {
    payload.first() == Some(&HANDLE)
}

/// Names the kind of the value in `payload`, if that means something only where it was made.
pub(crate) fn reference_kind(payload: &[u8]) -> Option<&'static str> {
    match payload.first() {
        Some(&SPACE) => Some("a space"),
        Some(&STATE) => Some("a state"),
        Some(&HANDLE) => Some("a value of the host"),
        _ => None,
    }
}

/// Reports whether `payload` is a number.
pub(crate) fn is_number(payload: &[u8]) -> bool {
    matches!(payload.first(), Some(&(INTEGER | FLOAT | BIG)))
}

/// Reports whether what equals the value in `payload` has the same bytes: it is no number that has another form, and
/// nothing that is compared by what it holds.
pub(crate) fn is_plain_payload(payload: &[u8]) -> bool {
    !matches!(payload.first(), Some(&(FLOAT | STATE | HANDLE)))
}

/// Returns the payload of a term that is only a payload.
fn only_payload(term: &[u8]) -> &[u8] {
    match token(term, 0) {
        Some((Token::Payload { start }, end)) => &term[start..end],
        _ => &[],
    }
}

/// Returns the other encodings of numbers that equal the number in `payload`.
///
/// Numbers are equal by value, so a query for `1` must also find `1.0`.
pub(crate) fn equal_numbers(payload: &[u8]) -> Vec<Vec<u8>> {
    let Some(number) = value(payload).and_then(Item::number) else { return Vec::new() };
    let mut others = Vec::new();
    let nearest = number.to_f64();
    let mut candidates = vec![Number::Float(nearest)];
    if nearest == 0.0 {
        candidates = vec![Number::Float(0.0), Number::Float(-0.0)];
    }
    if let Number::Float(f) = number
        && f.fract() == 0.0
        && let Some(integer) = num_traits::FromPrimitive::from_f64(f)
    {
        candidates.push(Number::from_big(integer));
    }
    for candidate in candidates.into_iter().filter(|candidate| *candidate == number) {
        let mut writer = Writer::new();
        writer.number(&candidate);
        if only_payload(writer.bytes()) != payload {
            others.push(writer.into_bytes());
        }
    }
    others
}
