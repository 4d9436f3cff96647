//! Atoms to `Par`.

use metta_atom::{Atom, Grounded, Number, Variable};

use crate::par::{ExprKind, Par};
use crate::{Codec, Dialect, text};

/// Why an atom cannot be written.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// Expressions nest too deeply.
    #[error("more than {limit} messages inside each other")]
    TooDeep {
        /// The limit on messages; an expression is three.
        limit: usize,
    },
    /// A value of the embedding program.
    #[error("`{value}` is a value of the host")]
    Foreign {
        /// How the value prints.
        value: String,
    },
}

/// Messages of an expression: the process, the expression, the list.
pub(crate) const MESSAGES: usize = 3;
/// The most messages of an atom without atoms in it: a tuple with strings.
const LEAF_MESSAGES: usize = MESSAGES + 2;

enum Visit<'a> {
    /// Writes the atom, which stands inside of so many messages.
    Enter(&'a Atom, usize),
    /// Is done already.
    Done(Par),
    /// Makes an expression of what was done since `start`.
    Leave(usize),
    /// Makes a tuple of the tag and what was done since `start`.
    Tag(&'static str, usize),
}

impl Codec {
    /// Writes an atom.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub fn value_to_par(&self, atom: &Atom) -> Result<Par, WriteError> {
        self.write(atom, 0)
    }

    /// Writes a result of an evaluation.
    ///
    /// As [`Codec::value_to_par`], but in the legacy dialect `(Error atom reason)` becomes the
    /// list `["error", reason, atom]`, where a string as the reason has no quotes.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub fn result_to_par(&self, atom: &Atom) -> Result<Par, WriteError> {
        self.write_result(atom, 0)
    }

    pub(crate) fn write_result(&self, atom: &Atom, outer: usize) -> Result<Par, WriteError> {
        match error_parts(atom) {
            Some((about, reason)) if self.dialect == Dialect::Legacy => {
                let message = match reason {
                    Atom::Grounded(Grounded::Text(text)) => text.to_string(),
                    Atom::Grounded(_) | Atom::Symbol(_) | Atom::Variable(_) | Atom::Expression(_) => {
                        reason.to_string()
                    }
                };
                let about = self.write(about, outer + MESSAGES)?;
                Ok(Par::list(vec![Par::string("error"), Par::string(message), about]))
            }
            _ => self.write(atom, outer),
        }
    }

    /// Writes an atom that is to stand inside of `outer` messages.
    pub(crate) fn write(&self, atom: &Atom, outer: usize) -> Result<Par, WriteError> {
        let mut pending = vec![Visit::Enter(atom, outer)];
        let mut done: Vec<Par> = Vec::new();
        while let Some(visit) = pending.pop() {
            match visit {
                Visit::Leave(start) => {
                    let children = done.split_off(start);
                    done.push(if children.is_empty() { Par::default() } else { Par::list(children) });
                }
                Visit::Tag(tag, start) => {
                    let mut children = vec![Par::string(tag)];
                    children.extend(done.drain(start..));
                    done.push(Par::tuple(children));
                }
                Visit::Done(par) => done.push(par),
                Visit::Enter(_, outer) if outer + LEAF_MESSAGES > self.depth => {
                    return Err(WriteError::TooDeep { limit: self.depth });
                }
                Visit::Enter(atom, outer) => match self.dialect {
                    Dialect::Legacy => enter_legacy(atom, outer, done.len(), &mut pending),
                    Dialect::Strict => enter_strict(atom, outer, done.len(), &mut pending)?,
                },
            }
        }
        Ok(done.pop().unwrap_or_default())
    }
}

/// Returns the two operands of `(Error atom reason)`.
fn error_parts(atom: &Atom) -> Option<(&Atom, &Atom)> {
    match atom.children() {
        Some([head, about, reason]) if head.as_symbol() == Some("Error") => Some((about, reason)),
        _ => None,
    }
}

fn enter_legacy<'a>(atom: &'a Atom, outer: usize, start: usize, pending: &mut Vec<Visit<'a>>) {
    pending.push(match atom {
        Atom::Symbol(symbol) => Visit::Done(Par::string(symbol.name())),
        Atom::Variable(variable) => Visit::Done(Par::string(variable.to_string())),
        Atom::Grounded(value) => Visit::Done(legacy_leaf(value)),
        Atom::Expression(_) => Visit::Leave(start),
    });
    let children = atom.children().unwrap_or_default().iter().rev();
    pending.extend(children.map(|child| Visit::Enter(child, outer + MESSAGES)));
}

fn enter_strict<'a>(
    atom: &'a Atom,
    outer: usize,
    start: usize,
    pending: &mut Vec<Visit<'a>>,
) -> Result<(), WriteError> {
    let inner = outer + MESSAGES;
    let enter = |atom: &'a Atom| Visit::Enter(atom, inner);
    if let Some((about, reason)) = error_parts(atom) {
        pending.extend([Visit::Tag("error", start), enter(about), enter(reason)]);
        return Ok(());
    }
    match atom {
        Atom::Symbol(symbol) => pending.push(Visit::Done(strict_symbol(symbol.name()))),
        Atom::Variable(variable) => pending.push(Visit::Done(strict_variable(variable))),
        Atom::Grounded(Grounded::Bindings(set)) => {
            pending.push(Visit::Tag("bindings", start));
            for (variable, value) in set.0.iter().rev() {
                pending.extend([enter(value), Visit::Done(strict_variable(variable))]);
            }
        }
        Atom::Grounded(value) => pending.push(Visit::Done(strict_leaf(value)?)),
        Atom::Expression(expression) => {
            let (visit, children) = match expression.children() {
                [head, rest @ ..] if head.as_symbol() == Some(",") => {
                    (Visit::Tag("conjunction", start), rest)
                }
                all => (Visit::Leave(start), all),
            };
            pending.push(visit);
            pending.extend(children.iter().rev().map(enter));
        }
    }
    Ok(())
}

fn legacy_leaf(value: &Grounded) -> Par {
    match value {
        Grounded::Bool(value) => Par::expr(ExprKind::Bool(*value)),
        Grounded::Number(Number::Int(value)) => Par::expr(ExprKind::Int(*value)),
        Grounded::Number(Number::Float(value)) => Par::string(legacy_float(*value)),
        Grounded::Space(id) if text::of(value).is_none() => {
            let id = Par::expr(ExprKind::Int(id.0.cast_signed()));
            Par::list(vec![Par::string("space"), id, Par::string(value.to_string())])
        }
        Grounded::State(id) => {
            Par::list(vec![Par::string("state"), Par::expr(ExprKind::Int(id.0.cast_signed()))])
        }
        Grounded::Number(Number::Big(_))
        | Grounded::Text(_)
        | Grounded::Operation(_)
        | Grounded::Space(_)
        | Grounded::Bindings(_)
        | Grounded::Foreign(_) => Par::string(text::of(value).unwrap_or_else(|| value.to_string())),
    }
}

/// Prints a float as the node does: one without a fraction like an integer.
fn legacy_float(value: f64) -> String {
    // From here on the digits would be those of another integer than the float is.
    const INEXACT: f64 = 9_007_199_254_740_992.0;
    if value.is_finite() && value.abs() > INEXACT { format!("{value:?}") } else { value.to_string() }
}

fn strict_symbol(name: &str) -> Par {
    if name.starts_with(['"', '$']) { tagged("symbol", vec![Par::string(name)]) } else { Par::string(name) }
}

pub(crate) fn strict_variable(variable: &Variable) -> Par {
    match variable.number() {
        0 => Par::string(format!("${}", variable.name())),
        number => tagged("variable", vec![Par::string(variable.name().name()), word(number)]),
    }
}

fn strict_leaf(value: &Grounded) -> Result<Par, WriteError> {
    Ok(match value {
        Grounded::Bool(value) => Par::expr(ExprKind::Bool(*value)),
        Grounded::Number(Number::Int(value)) => Par::expr(ExprKind::Int(*value)),
        Grounded::Number(Number::Float(value)) => Par::expr(ExprKind::Double(value.to_bits())),
        Grounded::Number(Number::Big(value)) => Par::expr(ExprKind::BigInt(value.to_signed_bytes_be())),
        Grounded::Text(text) => Par::string(text::quote(text)),
        Grounded::Operation(name) => tagged("operation", vec![Par::string(name.name())]),
        Grounded::Space(id) => tagged("space", vec![word(id.0)]),
        Grounded::State(id) => tagged("state", vec![word(id.0)]),
        Grounded::Bindings(_) | Grounded::Foreign(_) => {
            return Err(WriteError::Foreign { value: value.to_string() });
        }
    })
}

/// Writes 64 bits as the integer that has them.
fn word(bits: u64) -> Par {
    Par::expr(ExprKind::Int(bits.cast_signed()))
}

fn tagged(tag: &str, mut rest: Vec<Par>) -> Par {
    rest.insert(0, Par::string(tag));
    Par::tuple(rest)
}
