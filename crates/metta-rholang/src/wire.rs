//! The bytes of a `Par` that is a value, without the structs of [`crate::par`].
//!
//! Structs nest as values do, and whoever walks them recurses. Here a value is looked at one
//! message at a time, and written from its end to its beginning, so that the length of a
//! message is known when it is to be put in front. So values may be as deep as memory allows.
//!
//! Invariant W1: what is written is what the structs encode to, byte for byte.

use bytes::Bytes;

use crate::par::{DecodeError, check};

/// How many messages may nest in bytes that are read without structs.
pub(crate) const DEEP: usize = 1 << 20;

const PAR_EXPRS: u32 = 5;
const PAR_LOCALLY_FREE: u32 = 9;
const PAR_CONNECTIVE_USED: u32 = 10;
const BOOL: u32 = 1;
const INT: u32 = 2;
const STRING: u32 = 3;
const LIST: u32 = 20;
const TUPLE: u32 = 21;
const BYTE_ARRAY: u32 = 25;
const PATH_MAP: u32 = 32;
const DOUBLE: u32 = 34;
const BIG_INT: u32 = 35;
/// Elements of lists, tuples and path maps.
const ELEMENTS: u32 = 1;

/// The bytes of a `Par`, known to be well framed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node<'b>(&'b [u8]);

/// What a `Par` is, one message deep.
#[derive(Clone, Debug)]
pub(crate) enum Value<'b> {
    Nil,
    Bool(bool),
    Int(i64),
    Double(u64),
    BigInt(&'b [u8]),
    String(&'b str),
    Bytes(&'b [u8]),
    List(Elements<'b>),
    Tuple(Elements<'b>),
    PathMap(Elements<'b>),
    /// Anything else: a process, a pattern, a value that MeTTa does not have, a malformed scalar.
    Other,
}

impl<'b> Node<'b> {
    /// Checks the framing of bytes in which at most `depth` messages may nest.
    pub(crate) fn checked(bytes: &'b [u8], depth: usize) -> Result<Self, DecodeError> {
        check(bytes, depth)?;
        Ok(Node(bytes))
    }

    /// Takes bytes that the encoder of the structs made.
    pub(crate) fn encoded(bytes: &'b [u8]) -> Self {
        Node(bytes)
    }

    pub(crate) fn bytes(self) -> &'b [u8] {
        self.0
    }

    pub(crate) fn value(self) -> Value<'b> {
        let mut expr = None;
        for (number, field) in Fields(self.0) {
            match (number, field) {
                (PAR_EXPRS, Field::Sized(bytes)) if expr.is_none() => expr = Some(bytes),
                (PAR_LOCALLY_FREE, Field::Sized(_)) | (PAR_CONNECTIVE_USED, Field::Varint(_)) => {}
                _ => return Value::Other,
            }
        }
        expr.map_or(Value::Nil, expression)
    }

    /// The elements of a list or a tuple.
    pub(crate) fn elements(self) -> Option<Elements<'b>> {
        if let Value::List(elements) | Value::Tuple(elements) = self.value() { Some(elements) } else { None }
    }

    pub(crate) fn string(self) -> Option<&'b str> {
        if let Value::String(text) = self.value() { Some(text) } else { None }
    }

    pub(crate) fn int(self) -> Option<i64> {
        if let Value::Int(value) = self.value() { Some(value) } else { None }
    }

    pub(crate) fn is_tuple(self) -> bool {
        matches!(self.value(), Value::Tuple(_))
    }

    /// Returns what stands behind a name, in a list or tuple of two.
    pub(crate) fn named(self, name: &str) -> Option<Node<'b>> {
        let [tag, payload] = self.elements()?.exactly()?;
        (tag.string() == Some(name)).then_some(payload)
    }
}

fn expression(bytes: &[u8]) -> Value<'_> {
    let mut fields = Fields(bytes);
    let (Some((number, field)), None) = (fields.next(), fields.next()) else { return Value::Other };
    match (number, field) {
        (BOOL, Field::Varint(value)) => Value::Bool(value != 0),
        (INT, Field::Varint(value)) => Value::Int((value >> 1).cast_signed() ^ -(value & 1).cast_signed()),
        (STRING, Field::Sized(bytes)) => std::str::from_utf8(bytes).map_or(Value::Other, Value::String),
        (LIST, Field::Sized(bytes)) => Elements::of(bytes).map_or(Value::Other, Value::List),
        (TUPLE, Field::Sized(bytes)) => Elements::of(bytes).map_or(Value::Other, Value::Tuple),
        (PATH_MAP, Field::Sized(bytes)) => Elements::of(bytes).map_or(Value::Other, Value::PathMap),
        (BYTE_ARRAY, Field::Sized(bytes)) => Value::Bytes(bytes),
        (DOUBLE, Field::Fixed(bits)) => Value::Double(bits),
        (BIG_INT, Field::Sized(bytes)) => Value::BigInt(bytes),
        _ => Value::Other,
    }
}

/// The elements of a list, a tuple or a path map.
#[derive(Clone, Debug)]
pub(crate) struct Elements<'b> {
    fields: Fields<'b>,
    left: usize,
}

impl<'b> Elements<'b> {
    /// `None` when there is a remainder: then it is a pattern.
    fn of(bytes: &'b [u8]) -> Option<Self> {
        let mut left = 0;
        for (number, field) in Fields(bytes) {
            match (number, field) {
                (ELEMENTS, Field::Sized(_)) => left += 1,
                (3, Field::Sized(_)) | (4, Field::Varint(_)) => {}
                _ => return None,
            }
        }
        Some(Elements { fields: Fields(bytes), left })
    }

    pub(crate) fn len(&self) -> usize {
        self.left
    }

    /// Returns the elements when there are `N`.
    pub(crate) fn exactly<const N: usize>(self) -> Option<[Node<'b>; N]> {
        if self.left != N {
            return None;
        }
        <[Node<'b>; N]>::try_from(self.collect::<Vec<_>>()).ok()
    }
}

impl<'b> Iterator for Elements<'b> {
    type Item = Node<'b>;

    fn next(&mut self) -> Option<Node<'b>> {
        loop {
            if let (ELEMENTS, Field::Sized(bytes)) = self.fields.next()? {
                self.left -= 1;
                return Some(Node(bytes));
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Field<'b> {
    Varint(u64),
    Fixed(u64),
    Sized(&'b [u8]),
    Other,
}

/// The fields of a message that is well framed.
#[derive(Clone, Debug)]
struct Fields<'b>(&'b [u8]);

impl<'b> Iterator for Fields<'b> {
    type Item = (u32, Field<'b>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let key = self.varint()?;
        let field = match key & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed(u64::from_le_bytes(self.take(8)?.try_into().ok()?)),
            2 => {
                let size = usize::try_from(self.varint()?).ok()?;
                Field::Sized(self.take(size)?)
            }
            5 => {
                self.take(4)?;
                Field::Other
            }
            _ => Field::Other,
        };
        Some((u32::try_from(key >> 3).unwrap_or(u32::MAX), field))
    }
}

impl<'b> Fields<'b> {
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7F).checked_shl(shift)?;
            if *byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, n: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }
}

/// A place in what is written: everything behind it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark(usize);

/// Writes a `Par` from its end to its beginning.
#[derive(Debug, Default)]
pub(crate) struct Backwards {
    /// What is written, the last byte first, but for the shared parts.
    reversed: Vec<u8>,
    /// Parts that are not copied until the end, each with how many of the other bytes stand behind it.
    shared: Vec<(usize, Bytes)>,
    shared_bytes: usize,
}

impl Backwards {
    pub(crate) fn mark(&self) -> Mark {
        Mark(self.len())
    }

    fn len(&self) -> usize {
        self.reversed.len() + self.shared_bytes
    }

    pub(crate) fn bool(&mut self, value: bool) {
        let end = self.mark();
        self.varint(u64::from(value));
        self.key(BOOL, 0);
        self.close_expr(end);
    }

    pub(crate) fn int(&mut self, value: i64) {
        let end = self.mark();
        self.varint(((value << 1) ^ (value >> 63)).cast_unsigned());
        self.key(INT, 0);
        self.close_expr(end);
    }

    pub(crate) fn double(&mut self, bits: u64) {
        let end = self.mark();
        self.raw(&bits.to_le_bytes());
        self.key(DOUBLE, 1);
        self.close_expr(end);
    }

    pub(crate) fn big_int(&mut self, bytes: &[u8]) {
        self.sized(BIG_INT, bytes);
    }

    pub(crate) fn string(&mut self, text: &str) {
        self.sized(STRING, text.as_bytes());
    }

    pub(crate) fn byte_array(&mut self, bytes: Bytes) {
        let end = self.mark();
        self.par(bytes);
        self.close(BYTE_ARRAY, end);
        self.close_expr(end);
    }

    fn sized(&mut self, field: u32, bytes: &[u8]) {
        let end = self.mark();
        self.raw(bytes);
        self.close(field, end);
        self.close_expr(end);
    }

    /// Makes everything before `end` an element of the list, tuple or path map around it.
    pub(crate) fn close_element(&mut self, end: Mark) {
        self.close(ELEMENTS, end);
    }

    /// Makes the elements before `end` a list.
    pub(crate) fn close_list(&mut self, end: Mark) {
        self.close(LIST, end);
        self.close_expr(end);
    }

    /// Makes the elements before `end` a tuple.
    pub(crate) fn close_tuple(&mut self, end: Mark) {
        self.close(TUPLE, end);
        self.close_expr(end);
    }

    /// Makes the elements before `end` a path map.
    pub(crate) fn close_path_map(&mut self, end: Mark) {
        self.close(PATH_MAP, end);
        self.close_expr(end);
    }

    /// Writes a whole `Par`.
    pub(crate) fn par(&mut self, bytes: Bytes) {
        self.shared_bytes += bytes.len();
        self.shared.push((self.reversed.len(), bytes));
    }

    pub(crate) fn into_bytes(mut self) -> Vec<u8> {
        if self.shared.is_empty() {
            self.reversed.reverse();
            return self.reversed;
        }
        let mut bytes = Vec::with_capacity(self.len());
        let mut end = self.reversed.len();
        for (behind, part) in self.shared.iter().rev() {
            bytes.extend(self.reversed[*behind..end].iter().rev());
            bytes.extend_from_slice(part);
            end = *behind;
        }
        bytes.extend(self.reversed[..end].iter().rev());
        bytes
    }

    fn close_expr(&mut self, end: Mark) {
        self.close(PAR_EXPRS, end);
    }

    fn close(&mut self, field: u32, end: Mark) {
        self.varint((self.len() - end.0) as u64);
        self.key(field, 2);
    }

    fn key(&mut self, field: u32, wire_type: u32) {
        self.varint(u64::from(field << 3 | wire_type));
    }

    fn varint(&mut self, mut value: u64) {
        let start = self.reversed.len();
        while value >= 0x80 {
            self.reversed.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.reversed.push(value as u8);
        self.reversed[start..].reverse();
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.reversed.extend(bytes.iter().rev());
    }
}
