//! Checking bytes from outside.

use super::{
    Item, LONG_ARITY, LONG_PAYLOAD, LONG_REFERENCE, SHORT, Token, Writer, only_payload, reference_kind,
    token, value,
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
    inspect(bytes).map(|_| ())
}

/// Does what [`validate`] does, and says what the atom is like.
pub(crate) fn inspect(bytes: &[u8]) -> Result<Checked, DecodeError> {
    scan(bytes, START, |_| {})
}

/// How far an atom has been read.
#[derive(Clone, Copy, Debug)]
struct Step {
    at: usize,
    /// How many terms are still to come.
    pending: usize,
    /// How many variables there were so far.
    introduced: usize,
}

const START: Step = Step { at: 0, pending: 1, introduced: 0 };

/// Checks atoms of which each shares its first bytes with the one before, and reads those only once.
#[derive(Debug, Default)]
pub(crate) struct Checker {
    /// The items of the last atom.
    steps: Vec<Step>,
}

/// What a checked atom is like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Checked {
    /// How many variables it introduces.
    pub(crate) introduced: usize,
    /// The kind of a value that means something only where it was made, if there is one in what was read now.
    pub(crate) reference: Option<&'static str>,
}

impl Checker {
    /// Checks an atom that has `shared` bytes in common with the last one, in which nothing was wrong.
    pub(crate) fn check(&mut self, atom: &[u8], shared: usize) -> Result<Checked, DecodeError> {
        let from = loop {
            match self.steps.pop() {
                Some(step) if step.at > shared => {}
                step => break step.unwrap_or(START),
            }
        };
        let steps = &mut self.steps;
        scan(atom, from, |step| steps.push(step))
    }
}

/// Checks an atom from a place on.
#[inline]
fn scan(bytes: &[u8], from: Step, mut pass: impl FnMut(Step)) -> Result<Checked, DecodeError> {
    let Step { mut at, mut pending, mut introduced } = from;
    let mut reference = None;
    while pending > 0 {
        pass(Step { at, pending, introduced });
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
                let payload = &bytes[start..next];
                if !is_canonical(payload) {
                    return Err(DecodeError::NotCanonical { at });
                }
                reference = reference.or(reference_kind(payload));
                next - start
            }
        };
        if long && size < SHORT {
            return Err(DecodeError::NotCanonical { at });
        }
        at = next;
    }
    if at < bytes.len() { Err(DecodeError::Trailing { at }) } else { Ok(Checked { introduced, reference }) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_needs_no_second_look() {
        let mut random = 1u64;
        let mut below = |n: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % n
        };
        // Arities, variables, short symbols, an integer's tag, long forms, and what has no meaning.
        let tags =
            [0, 1, 2, 3, 0xC0, 0xC0, 0x80, 0x81, 0xC1, 0xC2, 0xC9, 0x40, 0x41, 0x42, 0xC1, b'a', b'a', 0xF8];
        let (mut right, mut wrong) = (0, 0);
        let mut checker = Checker::default();
        let mut last: Vec<u8> = Vec::new();
        for _ in 0..200_000 {
            let shared = below(last.len() as u64 + 1) as usize;
            let mut atom = last[..shared].to_vec();
            atom.extend((0..below(6)).map(|_| tags[below(tags.len() as u64) as usize]));
            let (expected, found) = (inspect(&atom), checker.check(&atom, shared));
            match (expected, found) {
                (Ok(expected), Ok(found)) => {
                    assert_eq!(found, expected);
                    right += usize::from(shared > 0);
                    last = atom;
                }
                (Err(_), Err(_)) => {
                    wrong += 1;
                    checker = Checker::default();
                    last.clear();
                }
                (expected, found) => panic!("{atom:?} after {shared} bytes: {found:?} and not {expected:?}"),
            }
        }
        assert!(right > 500 && wrong > 500, "{right} right, {wrong} wrong");
    }
}
