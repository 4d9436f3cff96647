//! `Par` to atoms.

use std::sync::Arc;

use metta_atom::{Atom, BindingSet, Grounded, Number, SpaceId, StateId, Symbol, Variable};
use num_bigint::BigInt;

use crate::par::{ExprKind, Par};
use crate::{Codec, Dialect, text};

/// Why a `Par` is not a value.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
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
    Expression,
    Error,
    Conjunction,
    Bindings,
}

/// What a `Par` turned out to be.
enum Found<'p> {
    Atom(Atom),
    /// These are to be read first.
    Open(&'p [Par], Finish),
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
        let mut open = Vec::new();
        let mut found = self.look(par)?;
        loop {
            let mut atom = match found {
                Found::Open(children, finish) => {
                    open.push((children.iter(), Vec::with_capacity(children.len()), finish));
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
                    Some(par) => {
                        open.push((rest, done, finish));
                        break self.look(par)?;
                    }
                    None => atom = Some(finished(done, finish)?),
                }
            };
        }
    }

    /// Reads a result of an evaluation.
    ///
    /// As [`Codec::value_from_par`], but in the legacy dialect the list `["error", reason, atom]`
    /// is `(Error atom reason)` with a string as the reason.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn result_from_par(&self, par: &Par) -> Result<Atom, ReadError> {
        if self.dialect == Dialect::Legacy
            && let Some([tag, reason, about]) = elements(par)
            && string(tag) == Some("error")
            && let Some(reason) = string(reason)
        {
            return Ok(Atom::error(self.value_from_par(about)?, Atom::text(reason)));
        }
        self.value_from_par(par)
    }

    fn look<'p>(&self, par: &'p Par) -> Result<Found<'p>, ReadError> {
        if par.is_nil() {
            return Ok(Found::Atom(Atom::unit()));
        }
        let strict = self.dialect == Dialect::Strict;
        let atom = match par.as_expr() {
            Some(ExprKind::Bool(value)) => Atom::bool(*value),
            Some(ExprKind::Int(value)) => Atom::integer(*value),
            Some(ExprKind::Double(bits)) => Atom::float(f64::from_bits(*bits)),
            Some(ExprKind::BigInt(bytes)) => {
                Atom::number(Number::from_big(BigInt::from_signed_bytes_be(bytes)))
            }
            Some(ExprKind::String(text)) if strict => strict_string(text)?,
            Some(ExprKind::String(text)) => text::word(text, &self.library),
            Some(ExprKind::Tuple(tuple)) if strict => return tagged(&tuple.ps),
            _ => {
                let children = elements(par).ok_or(ReadError::NotAValue)?;
                return Ok(Found::Open(children, Finish::Expression));
            }
        };
        Ok(Found::Atom(atom))
    }
}

/// Returns the elements of a list or a tuple that is a value.
pub(crate) fn elements(par: &Par) -> Option<&[Par]> {
    match par.as_expr() {
        Some(ExprKind::List(list)) if list.remainder.is_none() => Some(&list.ps),
        Some(ExprKind::Tuple(tuple)) => Some(&tuple.ps),
        _ => None,
    }
}

pub(crate) fn string(par: &Par) -> Option<&str> {
    if let Some(ExprKind::String(text)) = par.as_expr() { Some(text) } else { None }
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
fn tagged(elements: &[Par]) -> Result<Found<'_>, ReadError> {
    let (tag, rest) = match elements {
        [tag, rest @ ..] => (string(tag).unwrap_or_default(), rest),
        [] => ("", elements),
    };
    let atom = match (tag, rest) {
        ("error", [_, _]) => return Ok(Found::Open(rest, Finish::Error)),
        ("conjunction", _) => return Ok(Found::Open(rest, Finish::Conjunction)),
        ("bindings", _) if rest.len().is_multiple_of(2) => return Ok(Found::Open(rest, Finish::Bindings)),
        ("symbol", [name]) => string(name).map(Atom::symbol),
        ("operation", [name]) => string(name).map(Atom::operation),
        ("space", [id]) => word(id).map(|id| Atom::space(SpaceId(id))),
        ("state", [id]) => word(id).map(|id| Atom::state(StateId(id))),
        ("variable", [name, number]) => string(name)
            .zip(word(number))
            .map(|(name, number)| Atom::Variable(Variable::renamed(Symbol::new(name), number))),
        _ => None,
    };
    atom.map(Found::Atom).ok_or_else(|| ReadError::Tag { tag: tag.to_owned() })
}

fn word(par: &Par) -> Option<u64> {
    if let Some(ExprKind::Int(value)) = par.as_expr() { Some(value.cast_unsigned()) } else { None }
}

fn finished(mut done: Vec<Atom>, finish: Finish) -> Result<Atom, ReadError> {
    Ok(match finish {
        Finish::Expression => Atom::expression(done),
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
