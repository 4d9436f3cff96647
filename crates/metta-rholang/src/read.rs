//! `Par` to atoms.

use std::sync::Arc;

use metta_atom::{Atom, BindingSet, Grounded, Number, SpaceId, StateId, Symbol, Variable};
use num_bigint::BigInt;

use crate::par::{self, DecodeError, Par};
use crate::wire::{Elements, Node, Value};
use crate::{Codec, Dialect, text};

/// Why a `Par` is not a value.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Bytes that are not a `Par`.
    #[error(transparent)]
    Bytes(#[from] DecodeError),
    /// A process, a pattern, or a value that MeTTa does not have.
    #[error("expected a string, a number, a truth value or a list of them")]
    NotAValue,
    /// A tuple of the strict dialect with an unknown tag or the wrong elements.
    #[error("expected a tagged value, found a tuple headed by `{tag}`")]
    Tag {
        /// The first element when it is a string.
        tag: String,
    },
    /// A string that begins with a quote and is not a string literal.
    #[error("malformed string literal {text}")]
    Text {
        /// The string.
        text: String,
    },
}

/// What to make of the atoms of an open list or tuple.
#[derive(Clone, Copy)]
enum Finish {
    /// `(match & self p t)`, as the node reads it, is another way to write `(match &self p t)`.
    Expression,
    StrictExpression,
    Error,
    Conjunction,
    Bindings,
}

/// What a `Par` turned out to be.
enum Found<'b> {
    Atom(Atom),
    /// These are to be read first.
    Open(Elements<'b>, Finish),
}

impl Codec {
    /// Reads an atom.
    ///
    /// The legacy dialect reads lists and tuples as expressions, hence what both versions
    /// of the node write, and a string without quotes as the word it would be in a program.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn value_from_par(&self, par: &Par) -> Result<Atom, ReadError> {
        self.read(Node::encoded(&par::encode(par)))
    }

    /// Reads an atom from the bytes of a `Par`, which may nest deeper than one with structs.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn value_from_bytes(&self, bytes: &[u8]) -> Result<Atom, ReadError> {
        self.read(Node::checked(bytes, self.depth_of_bytes())?)
    }

    /// Reads a result of an evaluation.
    ///
    /// As [`Codec::value_from_par`], but in the legacy dialect the list `["error", reason, atom]`
    /// is `(Error atom reason)` with a string as the reason.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn result_from_par(&self, par: &Par) -> Result<Atom, ReadError> {
        self.read_result(Node::encoded(&par::encode(par)))
    }

    pub(crate) fn read_result(&self, node: Node<'_>) -> Result<Atom, ReadError> {
        if self.dialect == Dialect::Legacy
            && let Some([tag, reason, about]) = node.elements().and_then(Elements::exactly)
            && tag.string() == Some("error")
            && let Some(reason) = reason.string()
        {
            return Ok(Atom::error(self.read(about)?, Atom::text(reason)));
        }
        self.read(node)
    }

    pub(crate) fn read(&self, node: Node<'_>) -> Result<Atom, ReadError> {
        let mut open: Vec<(Elements<'_>, Vec<Atom>, Finish)> = Vec::new();
        let mut found = self.look(node)?;
        loop {
            let mut atom = match found {
                Found::Open(elements, finish) => {
                    let room = Vec::with_capacity(elements.len());
                    open.push((elements, room, finish));
                    None
                }
                Found::Atom(atom) => Some(atom),
            };
            // Closes what is complete, up to the first list with an element left.
            found = loop {
                let Some((mut rest, mut done, finish)) = open.pop() else {
                    return atom.ok_or(ReadError::NotAValue);
                };
                done.extend(atom.take());
                match rest.next() {
                    Some(node) => {
                        open.push((rest, done, finish));
                        break self.look(node)?;
                    }
                    None => atom = Some(finished(done, finish)?),
                }
            };
        }
    }

    fn look<'b>(&self, node: Node<'b>) -> Result<Found<'b>, ReadError> {
        let strict = self.dialect == Dialect::Strict;
        let atom = match node.value() {
            Value::Nil => Atom::unit(),
            Value::Bool(value) => Atom::bool(value),
            Value::Int(value) => Atom::integer(value),
            Value::Double(bits) => Atom::float(f64::from_bits(bits)),
            Value::BigInt(bytes) => Atom::number(Number::from_big(BigInt::from_signed_bytes_be(bytes))),
            Value::String(text) if strict => strict_string(text)?,
            Value::String(text) => text::word(text, &self.library),
            Value::Tuple(elements) if strict => return tagged(elements),
            Value::List(elements) if strict => return Ok(Found::Open(elements, Finish::StrictExpression)),
            Value::List(elements) | Value::Tuple(elements) => {
                return Ok(Found::Open(elements, Finish::Expression));
            }
            Value::Bytes(_) | Value::PathMap(_) | Value::Other => return Err(ReadError::NotAValue),
        };
        Ok(Found::Atom(atom))
    }
}

fn strict_string(text: &str) -> Result<Atom, ReadError> {
    if let Some(name) = text.strip_prefix('$') {
        return Ok(Atom::variable(name));
    }
    if text.starts_with('"') {
        let inside = text::unquote(text).ok_or_else(|| ReadError::Text { text: text.to_owned() })?;
        return Ok(Atom::text(inside));
    }
    Ok(Atom::symbol(text))
}

/// Reads a tuple of the strict dialect.
fn tagged(mut elements: Elements<'_>) -> Result<Found<'_>, ReadError> {
    let tag = elements.next().and_then(Node::string).unwrap_or_default();
    let finish = match (tag, elements.len()) {
        ("error", 2) => Some(Finish::Error),
        ("conjunction", _) => Some(Finish::Conjunction),
        ("bindings", n) if n.is_multiple_of(2) => Some(Finish::Bindings),
        _ => None,
    };
    if let Some(finish) = finish {
        return Ok(Found::Open(elements, finish));
    }
    let one = || elements.clone().exactly().map(|[node]| node);
    let number = |node: Node<'_>| node.int().map(i64::cast_unsigned);
    let atom = match tag {
        "symbol" => one().and_then(Node::string).map(Atom::symbol),
        "operation" => one().and_then(Node::string).map(Atom::operation),
        "space" => one().and_then(number).map(|id| Atom::space(SpaceId(id))),
        "state" => one().and_then(number).map(|id| Atom::state(StateId(id))),
        "variable" => elements.exactly().and_then(|[name, n]| {
            let variable = Variable::renamed(Symbol::new(name.string()?), number(n)?);
            Some(Atom::Variable(variable))
        }),
        _ => None,
    };
    atom.map(Found::Atom).ok_or_else(|| ReadError::Tag { tag: tag.to_owned() })
}

fn finished(mut done: Vec<Atom>, finish: Finish) -> Result<Atom, ReadError> {
    Ok(match finish {
        Finish::Expression => {
            if let [head, ampersand, name, _, _] = &done[..]
                && is_match(head)
                && ampersand.as_symbol() == Some("&")
                && name.as_symbol() == Some("self")
            {
                done.remove(2);
                done[1] = Atom::space(SpaceId::TOP);
            }
            Atom::expression(done)
        }
        Finish::StrictExpression => Atom::expression(done),
        Finish::Error => {
            done.push(Atom::symbol("Error"));
            done.reverse();
            Atom::expression(done)
        }
        Finish::Conjunction => {
            done.insert(0, Atom::symbol(","));
            Atom::expression(done)
        }
        Finish::Bindings => {
            let mut pairs = Vec::with_capacity(done.len() / 2);
            let mut atoms = done.into_iter();
            while let (Some(variable), Some(value)) = (atoms.next(), atoms.next()) {
                let Atom::Variable(variable) = variable else {
                    return Err(ReadError::Tag { tag: "bindings".to_owned() });
                };
                pairs.push((variable, value));
            }
            Atom::Grounded(Grounded::Bindings(Arc::new(BindingSet(pairs))))
        }
    })
}

/// Reports whether this is the word `match`, be it a symbol or an operation.
fn is_match(atom: &Atom) -> bool {
    match atom {
        Atom::Symbol(name) | Atom::Grounded(Grounded::Operation(name)) => name.name() == "match",
        Atom::Variable(_) | Atom::Expression(_) | Atom::Grounded(_) => false,
    }
}
