//! Rholang's `Par` and everything it is made of, to and from protobuf bytes.
//!
//! Invariant P1: bytes are decoded only when at most a given number of messages nest in
//! them, because messages are decoded, encoded, compared and freed by recursion.
//! Invariant P2: what is decoded holds all that the bytes said; a field that the schema
//! does not have is an error.

mod messages;
mod scan;

use bytes::Bytes;
pub use messages::*;
use prost::Message;
pub(crate) use scan::check;

/// How many messages may nest unless the caller says otherwise.
///
/// A list in a list is three messages. This much fits into a thread of 2 MiB, in a
/// build without optimisation too.
pub const DEFAULT_DEPTH: usize = 600;

/// Why bytes are not a `Par`.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// A length or a key that does not fit the bytes.
    #[error("malformed message at offset {at}")]
    Framing {
        /// Where the field begins.
        at: usize,
    },
    /// Messages nest too deeply.
    #[error("more than {limit} messages inside each other")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// A field that this version does not know, and would lose.
    #[error("unknown field {number} at offset {at}")]
    UnknownField {
        /// The number of the field.
        number: u32,
        /// Where the field begins.
        at: usize,
    },
    /// A value of the wrong type, or a string that is not UTF-8.
    #[error("malformed value: {message}")]
    Value {
        /// What the protobuf decoder found.
        message: String,
    },
}

/// Decodes a `Par` in which at most [`DEFAULT_DEPTH`] messages nest.
///
/// # Errors
/// See [`DecodeError`].
pub fn decode(bytes: &[u8]) -> Result<Par, DecodeError> {
    decode_within(bytes, DEFAULT_DEPTH)
}

/// Decodes a `Par` in which at most `depth` messages nest.
///
/// With more than [`DEFAULT_DEPTH`] the thread needs a larger stack, wherever the `Par`
/// is used. Cost: O(bytes), but in memory a `Par` may be over a hundred times as large.
///
/// # Errors
/// See [`DecodeError`].
pub fn decode_within(bytes: &[u8], depth: usize) -> Result<Par, DecodeError> {
    // P1 and P2: the scan sees every key the decoder will see.
    check(bytes, depth)?;
    Par::decode(bytes).map_err(|error| DecodeError::Value { message: error.to_string() })
}

/// Decodes as [`decode_within`] does; byte arrays stay where they are, in `bytes`.
///
/// # Errors
/// See [`DecodeError`].
pub fn decode_shared(bytes: Bytes, depth: usize) -> Result<Par, DecodeError> {
    check(&bytes, depth)?;
    Par::decode(bytes).map_err(|error| DecodeError::Value { message: error.to_string() })
}

/// Encodes a `Par`.
pub fn encode(par: &Par) -> Vec<u8> {
    par.encode_to_vec()
}

impl Par {
    /// Makes the process that is one expression.
    pub fn expr(kind: ExprKind) -> Self {
        Par { exprs: vec![Expr { kind: Some(kind) }], ..Par::default() }
    }

    /// Makes a string.
    pub fn string(text: impl Into<String>) -> Self {
        Par::expr(ExprKind::String(text.into()))
    }

    /// Makes an array of bytes.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Par::expr(ExprKind::ByteArray(bytes.into()))
    }

    /// Makes a list.
    pub fn list(ps: Vec<Par>) -> Self {
        Par::expr(ExprKind::List(List { ps, ..List::default() }))
    }

    /// Makes a tuple.
    pub fn tuple(ps: Vec<Par>) -> Self {
        Par::expr(ExprKind::Tuple(Tuple { ps, ..Tuple::default() }))
    }

    /// Makes a path map.
    pub fn path_map(ps: Vec<Par>) -> Self {
        Par::expr(ExprKind::PathMap(List { ps, ..List::default() }))
    }

    /// Returns the expression of a process that is one expression and nothing else.
    pub fn as_expr(&self) -> Option<&ExprKind> {
        match &self.exprs[..] {
            [Expr { kind: Some(kind) }] if self.n_parts() == 1 => Some(kind),
            _ => None,
        }
    }

    /// Reports whether this is the process that does nothing.
    pub fn is_nil(&self) -> bool {
        self.n_parts() == 0
    }

    fn n_parts(&self) -> usize {
        self.sends.len()
            + self.receives.len()
            + self.news.len()
            + self.exprs.len()
            + self.matches.len()
            + self.unforgeables.len()
            + self.connectives.len()
            + self.bundles.len()
    }
}
