//! Checking bytes from outside.

use super::{
    Item, LONG_ARITY, LONG_PAYLOAD, LONG_REFERENCE, SHORT, Token, Writer, only_payload, token, value,
};
use metta_atom::Number;

/// Why bytes are not an encoded atom.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end inside the atom.
    #[error("the bytes end inside an atom, at offset {at}")]
    Truncated {
        /// Where more was expected.
        at: usize,
    },
    /// A tag without meaning.
    #[error("reserved tag at offset {at}")]
    Reserved {
        /// The offset of the tag.
        at: usize,
    },
    /// A value written in another way than its only right one.
    #[error("value at offset {at} is not in its canonical form")]
    NotCanonical {
        /// The offset of the tag.
        at: usize,
    },
    /// A reference to a variable that was not introduced before it.
    #[error("unknown variable at offset {at}")]
    UnknownVariable {
        /// The offset of the tag.
        at: usize,
    },
    /// More bytes than the atom has.
    #[error("the atom ends at offset {at}, before the bytes do")]
    Trailing {
        /// The offset behind the atom.
        at: usize,
    },
}

/// Checks that `bytes` are exactly one atom, in its one encoding.
///
/// Allocates nothing that the bytes do not hold, whatever lengths they claim.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn validate(bytes: &[u8]) -> Result<(), DecodeError> {
    let mut pending = 1usize;
    let mut introduced = 0usize;
    let mut at = 0;
    while pending > 0 {
        let tag = *bytes.get(at).ok_or(DecodeError::Truncated { at })?;
        if (LONG_ARITY..0x80).contains(&tag) && ![LONG_ARITY, LONG_PAYLOAD, LONG_REFERENCE].contains(&tag) {
            return Err(DecodeError::Reserved { at });
        }
        let (token, next) = token(bytes, at).ok_or(DecodeError::Truncated { at })?;
        let long = tag == LONG_ARITY || tag == LONG_REFERENCE || tag == LONG_PAYLOAD;
        pending -= 1;
        let size = match token {
            Token::Arity(n) => {
                // Every element needs a byte, so a larger claim cannot be kept.
                pending = pending.saturating_add(n);
                if pending > bytes.len() - next {
                    return Err(DecodeError::Truncated { at });
                }
                n
            }
            Token::NewVar => {
                introduced += 1;
                0
            }
            Token::VarRef(i) if i >= introduced => return Err(DecodeError::UnknownVariable { at }),
            Token::VarRef(i) => i,
            Token::Payload { start } => {
                if !is_canonical(&bytes[start..next]) {
                    return Err(DecodeError::NotCanonical { at });
                }
                next - start
            }
        };
        if long && size < SHORT {
            return Err(DecodeError::NotCanonical { at });
        }
        at = next;
    }
    if at < bytes.len() { Err(DecodeError::Trailing { at }) } else { Ok(()) }
}

/// B1: a payload is canonical when writing its value gives it back.
fn is_canonical(payload: &[u8]) -> bool {
    let mut writer = Writer::new();
    match value(payload) {
        None => return false,
        Some(Item::Float(f)) => writer.float(f),
        Some(Item::Big(big)) => writer.number(&Number::from_big(big)),
        Some(_) => return true,
    }
    only_payload(writer.bytes()) == payload
}
