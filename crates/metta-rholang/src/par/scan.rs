//! Looking over the bytes of a `Par` before any message is made of them.
//!
//! Decoding, encoding, comparing and freeing messages recurse, so how deep they nest
//! must be known first. The walk keeps its own stack and follows the schema, because
//! the bytes of a string may look like a message.

use super::DecodeError;

/// A message type, as far as it matters for nesting.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Par,
    Send,
    Receive,
    ReceiveBind,
    New,
    Injection,
    Match,
    MatchCase,
    Bundle,
    Expr,
    Unary,
    Binary,
    EVar,
    Collection,
    Tuple,
    Map,
    Method,
    Zipper,
    Numeric,
    Var,
    Empty,
    Connective,
    ConnectiveBody,
    VarRef,
    Unforgeable,
    Name,
}

enum Field {
    Leaf,
    Message(Kind),
}

// size: table
/// Returns what a field of a message is; `None` for one that the schema does not have.
fn field(kind: Kind, number: u32) -> Option<Field> {
    use Field::{Leaf, Message};
    Some(match (kind, number) {
        (Kind::Par, 1) => Message(Kind::Send),
        (Kind::Par, 2) => Message(Kind::Receive),
        (Kind::Par, 4) => Message(Kind::New),
        (Kind::Par, 5) => Message(Kind::Expr),
        (Kind::Par, 6) => Message(Kind::Match),
        (Kind::Par, 7) => Message(Kind::Unforgeable),
        (Kind::Par, 8) => Message(Kind::Connective),
        (Kind::Par, 9 | 10) => Leaf,
        (Kind::Par, 11) => Message(Kind::Bundle),
        (Kind::Send, 1 | 2) => Message(Kind::Par),
        (Kind::Send, 3 | 5 | 6) => Leaf,
        (Kind::Receive, 1) => Message(Kind::ReceiveBind),
        (Kind::Receive, 2) => Message(Kind::Par),
        (Kind::Receive, 3..=7) => Leaf,
        (Kind::ReceiveBind, 1 | 2) => Message(Kind::Par),
        (Kind::ReceiveBind, 3) => Message(Kind::Var),
        (Kind::ReceiveBind, 4) => Leaf,
        (Kind::New, 2) => Message(Kind::Par),
        (Kind::New, 4) => Message(Kind::Injection),
        (Kind::New, 1 | 3 | 5) => Leaf,
        (Kind::Injection, 1) => Leaf,
        (Kind::Injection, 2) => Message(Kind::Par),
        (Kind::Match, 1) => Message(Kind::Par),
        (Kind::Match, 2) => Message(Kind::MatchCase),
        (Kind::Match, 4 | 5) => Leaf,
        (Kind::MatchCase, 1 | 2) => Message(Kind::Par),
        (Kind::MatchCase, 3) => Leaf,
        (Kind::Bundle, 1) => Message(Kind::Par),
        (Kind::Bundle, 2 | 3) => Leaf,
        (Kind::Expr, 1..=4 | 25 | 34 | 35) => Leaf,
        (Kind::Expr, 5 | 6) => Message(Kind::Unary),
        (Kind::Expr, 7..=18 | 27..=31) => Message(Kind::Binary),
        (Kind::Expr, 19) => Message(Kind::EVar),
        (Kind::Expr, 20 | 22 | 32) => Message(Kind::Collection),
        (Kind::Expr, 21) => Message(Kind::Tuple),
        (Kind::Expr, 23) => Message(Kind::Map),
        (Kind::Expr, 24) => Message(Kind::Method),
        (Kind::Expr, 33) => Message(Kind::Zipper),
        (Kind::Expr, 36 | 37) => Message(Kind::Numeric),
        (Kind::Unary, 1) => Message(Kind::Par),
        // An entry of a map has the fields of two operands.
        (Kind::Binary, 1 | 2) => Message(Kind::Par),
        (Kind::EVar, 1) => Message(Kind::Var),
        (Kind::Collection | Kind::Tuple, 1) => Message(Kind::Par),
        (Kind::Map, 1) => Message(Kind::Binary),
        (Kind::Collection | Kind::Tuple | Kind::Map, 3 | 4) => Leaf,
        (Kind::Collection | Kind::Map, 5) => Message(Kind::Var),
        (Kind::Method, 1 | 5 | 6) => Leaf,
        (Kind::Method, 2 | 3) => Message(Kind::Par),
        (Kind::Zipper, 1) => Message(Kind::Collection),
        (Kind::Zipper, 2..=5) => Leaf,
        (Kind::Numeric, 1 | 2) => Leaf,
        (Kind::Var, 1 | 2) => Leaf,
        (Kind::Var, 3) => Message(Kind::Empty),
        (Kind::Connective, 1 | 2) => Message(Kind::ConnectiveBody),
        (Kind::Connective, 3) => Message(Kind::Par),
        (Kind::Connective, 4) => Message(Kind::VarRef),
        (Kind::Connective, 5..=9) => Leaf,
        (Kind::ConnectiveBody, 1) => Message(Kind::Par),
        (Kind::VarRef, 1 | 2) => Leaf,
        (Kind::Unforgeable, 1..=3) => Message(Kind::Name),
        (Kind::Unforgeable, 4) => Message(Kind::Empty),
        (Kind::Name, 1) => Leaf,
        _ => return None,
    })
}

/// Checks that `bytes` are framed as a `Par` in which at most `limit` messages nest.
///
/// Leaves what is inside scalars to the decoder. Cost: O(bytes), and memory for the
/// open messages only.
pub(crate) fn check(bytes: &[u8], limit: usize) -> Result<(), DecodeError> {
    let mut open = vec![(Kind::Par, bytes.len())];
    let mut at = 0;
    while let Some(&(kind, end)) = open.last() {
        if open.len() > limit {
            return Err(DecodeError::TooDeep { limit });
        }
        if at == end {
            open.pop();
            continue;
        }
        let start = at;
        let key = varint(bytes, &mut at, end)?;
        let number = u32::try_from(key >> 3).unwrap_or(u32::MAX);
        let Some(field) = field(kind, number) else {
            return Err(DecodeError::UnknownField { number, at: start });
        };
        let size = match key & 7 {
            0 => {
                varint(bytes, &mut at, end)?;
                0
            }
            1 => 8,
            2 => varint(bytes, &mut at, end)?,
            5 => 4,
            // Groups: no field of the schema is one, and skipping them would recurse.
            _ => return Err(DecodeError::Framing { at: start }),
        };
        let left = (end - at) as u64;
        if size > left {
            return Err(DecodeError::Framing { at: start });
        }
        let behind = at + size as usize;
        match field {
            Field::Message(inner) if key & 7 == 2 => open.push((inner, behind)),
            Field::Message(_) => return Err(DecodeError::Framing { at: start }),
            Field::Leaf => at = behind,
        }
    }
    Ok(())
}

fn varint(bytes: &[u8], at: &mut usize, end: usize) -> Result<u64, DecodeError> {
    let start = *at;
    let mut value = 0u64;
    for shift in (0..70).step_by(7) {
        let byte = *bytes[..end].get(*at).ok_or(DecodeError::Framing { at: start })?;
        *at += 1;
        // The tenth byte has room for one bit.
        if shift == 63 && byte > 1 {
            break;
        }
        value |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(DecodeError::Framing { at: start })
}
