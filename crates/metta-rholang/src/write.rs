//! Atoms to `Par`.

use metta_atom::{Atom, Grounded, Number, Variable};

use crate::par::{self, Par};
use crate::wire::{Backwards, Mark};
use crate::{Codec, Dialect, Layout, text};

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
    /// A `Par` that was written and cannot be read, which is our mistake.
    #[error("{0}")]
    Par(#[from] par::DecodeError),
}

/// Messages of an expression: the process, the expression, the list.
pub(crate) const MESSAGES: usize = 3;
/// The most messages of an atom without atoms in it: a tuple with strings.
const LEAF_MESSAGES: usize = MESSAGES + 2;

/// What an expression becomes when its elements are written.
#[derive(Clone, Copy)]
enum Shape {
    List,
    Tuple,
}

/// The next thing to write; the last element of an expression is written first.
enum Visit<'a> {
    /// The atom, which stands inside of so many messages.
    Enter(&'a Atom, usize),
    /// As an element of the expression around it.
    Element(&'a Atom, usize),
    /// A variable as an element.
    Variable(&'a Variable),
    /// A string as an element.
    Text(&'static str),
    CloseElement(Mark),
    Close(Shape, Mark),
}

impl Codec {
    /// Writes an atom.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub fn value_to_par(&self, atom: &Atom) -> Result<Par, WriteError> {
        self.par_of(|depth, out| self.write(atom, 0, depth, out))
    }

    /// Writes an atom as the bytes of a `Par`, which may nest deeper than one with structs.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub fn value_to_bytes(&self, atom: &Atom) -> Result<Vec<u8>, WriteError> {
        let mut out = Backwards::default();
        self.write(atom, 0, self.depth_of_bytes(), &mut out)?;
        Ok(out.into_bytes())
    }

    /// Writes a result of an evaluation.
    ///
    /// As [`Codec::value_to_par`], but in the legacy dialect `(Error atom reason)` becomes the
    /// list `["error", reason, atom]`, where a string as the reason has no quotes.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub fn result_to_par(&self, atom: &Atom) -> Result<Par, WriteError> {
        self.par_of(|depth, out| self.write_result(atom, 0, depth, out))
    }

    fn par_of(
        &self,
        write: impl FnOnce(usize, &mut Backwards) -> Result<(), WriteError>,
    ) -> Result<Par, WriteError> {
        let mut out = Backwards::default();
        let depth = self.depth_of_par();
        write(depth, &mut out)?;
        Ok(par::decode_shared(out.into_bytes().into(), depth)?)
    }

    pub(crate) fn write_result(
        &self,
        atom: &Atom,
        outer: usize,
        depth: usize,
        out: &mut Backwards,
    ) -> Result<(), WriteError> {
        let Some((about, reason)) = error_parts(atom).filter(|_| self.dialect == Dialect::Legacy) else {
            return self.write(atom, outer, depth, out);
        };
        let end = out.mark();
        self.write(about, outer + MESSAGES, depth, out)?;
        out.close_element(end);
        let reason = match reason {
            Atom::Grounded(Grounded::Text(text)) => text.to_string(),
            Atom::Grounded(_) | Atom::Symbol(_) | Atom::Variable(_) | Atom::Expression(_) => {
                reason.to_string()
            }
        };
        element(out, &reason);
        element(out, "error");
        self.close(out, end);
        Ok(())
    }

    /// Makes the elements before `end` an expression, as the layout has them.
    pub(crate) fn close(&self, out: &mut Backwards, end: Mark) {
        match self.layout {
            Layout::Lists => out.close_list(end),
            Layout::Tuples => out.close_tuple(end),
        }
    }

    /// The shape of expressions: a tuple of the strict dialect is a tag.
    fn shape(&self) -> Shape {
        if self.dialect == Dialect::Legacy && self.layout == Layout::Tuples {
            Shape::Tuple
        } else {
            Shape::List
        }
    }

    /// Writes an atom that is to stand inside of `outer` messages, with at most `depth` inside each other.
    pub(crate) fn write(
        &self,
        atom: &Atom,
        outer: usize,
        depth: usize,
        out: &mut Backwards,
    ) -> Result<(), WriteError> {
        let shape = self.shape();
        let mut pending = vec![Visit::Enter(atom, outer)];
        while let Some(visit) = pending.pop() {
            match visit {
                Visit::CloseElement(end) => out.close_element(end),
                Visit::Close(Shape::List, end) => out.close_list(end),
                Visit::Close(Shape::Tuple, end) => out.close_tuple(end),
                Visit::Text(text) => element(out, text),
                Visit::Variable(variable) => {
                    let end = out.mark();
                    strict_variable(variable, out);
                    out.close_element(end);
                }
                Visit::Element(atom, outer) => {
                    pending.extend([Visit::CloseElement(out.mark()), Visit::Enter(atom, outer)]);
                }
                Visit::Enter(_, outer) if outer + LEAF_MESSAGES > depth => {
                    return Err(WriteError::TooDeep { limit: depth });
                }
                Visit::Enter(atom, outer) => match self.dialect {
                    Dialect::Legacy => enter_legacy(atom, outer, shape, out, &mut pending),
                    Dialect::Strict => enter_strict(atom, outer, out, &mut pending)?,
                },
            }
        }
        Ok(())
    }
}

/// Writes a string as an element.
pub(crate) fn element(out: &mut Backwards, text: &str) {
    let end = out.mark();
    out.string(text);
    out.close_element(end);
}

/// Returns the two operands of `(Error atom reason)`.
fn error_parts(atom: &Atom) -> Option<(&Atom, &Atom)> {
    match atom.children() {
        Some([head, about, reason]) if head.as_symbol() == Some("Error") => Some((about, reason)),
        _ => None,
    }
}

fn enter_legacy<'a>(
    atom: &'a Atom,
    outer: usize,
    shape: Shape,
    out: &mut Backwards,
    pending: &mut Vec<Visit<'a>>,
) {
    match atom {
        Atom::Symbol(symbol) => out.string(symbol.name()),
        Atom::Variable(variable) => out.string(&variable.to_string()),
        Atom::Grounded(value) => legacy_leaf(value, shape, out),
        Atom::Expression(expression) => {
            let children = expression.children();
            if !children.is_empty() {
                pending.push(Visit::Close(shape, out.mark()));
                pending.extend(children.iter().map(|child| Visit::Element(child, outer + MESSAGES)));
            }
        }
    }
}

fn enter_strict<'a>(
    atom: &'a Atom,
    outer: usize,
    out: &mut Backwards,
    pending: &mut Vec<Visit<'a>>,
) -> Result<(), WriteError> {
    let end = out.mark();
    let element = |atom: &'a Atom| Visit::Element(atom, outer + MESSAGES);
    let tag = |tag| [Visit::Close(Shape::Tuple, end), Visit::Text(tag)];
    if let Some((about, reason)) = error_parts(atom) {
        pending.extend(tag("error"));
        pending.extend([element(reason), element(about)]);
        return Ok(());
    }
    match atom {
        Atom::Symbol(symbol) => strict_symbol(symbol.name(), out),
        Atom::Variable(variable) => strict_variable(variable, out),
        Atom::Grounded(Grounded::Bindings(set)) => {
            pending.extend(tag("bindings"));
            for (variable, value) in &set.0 {
                pending.extend([Visit::Variable(variable), element(value)]);
            }
        }
        Atom::Grounded(value) => strict_leaf(value, out)?,
        Atom::Expression(expression) => match expression.children() {
            [] => {}
            [head, rest @ ..] if head.as_symbol() == Some(",") => {
                pending.extend(tag("conjunction"));
                pending.extend(rest.iter().map(element));
            }
            all => {
                pending.push(Visit::Close(Shape::List, end));
                pending.extend(all.iter().map(element));
            }
        },
    }
    Ok(())
}

fn legacy_leaf(value: &Grounded, shape: Shape, out: &mut Backwards) {
    let end = out.mark();
    let close = |out: &mut Backwards| match shape {
        Shape::List => out.close_list(end),
        Shape::Tuple => out.close_tuple(end),
    };
    match value {
        Grounded::Bool(value) => out.bool(*value),
        Grounded::Number(Number::Int(value)) => out.int(*value),
        Grounded::Number(Number::Float(value)) => out.string(&legacy_float(*value)),
        Grounded::Space(id) if text::of(value).is_none() => {
            element(out, &value.to_string());
            word(id.0, out);
            element(out, "space");
            close(out);
        }
        Grounded::State(id) => {
            word(id.0, out);
            element(out, "state");
            close(out);
        }
        Grounded::Number(Number::Big(_))
        | Grounded::Text(_)
        | Grounded::Operation(_)
        | Grounded::Space(_)
        | Grounded::Bindings(_)
        | Grounded::Foreign(_) => out.string(&text::of(value).unwrap_or_else(|| value.to_string())),
    }
}

/// Prints a float as the node does: one without a fraction like an integer.
fn legacy_float(value: f64) -> String {
    // From here on the digits would be those of another integer than the float is.
    const INEXACT: f64 = 9_007_199_254_740_992.0;
    if value.is_finite() && value.abs() > INEXACT { format!("{value:?}") } else { value.to_string() }
}

fn strict_symbol(name: &str, out: &mut Backwards) {
    if name.starts_with(['"', '$']) { tagged("symbol", name, out) } else { out.string(name) }
}

fn strict_variable(variable: &Variable, out: &mut Backwards) {
    if variable.number() == 0 {
        return out.string(&format!("${}", variable.name()));
    }
    let end = out.mark();
    word(variable.number(), out);
    element(out, variable.name().name());
    element(out, "variable");
    out.close_tuple(end);
}

fn strict_leaf(value: &Grounded, out: &mut Backwards) -> Result<(), WriteError> {
    match value {
        Grounded::Bool(value) => out.bool(*value),
        Grounded::Number(Number::Int(value)) => out.int(*value),
        Grounded::Number(Number::Float(value)) => out.double(value.to_bits()),
        Grounded::Number(Number::Big(value)) => out.big_int(&value.to_signed_bytes_be()),
        Grounded::Text(text) => out.string(&text::quote(text)),
        Grounded::Operation(name) => tagged("operation", name.name(), out),
        Grounded::Space(id) => numbered("space", id.0, out),
        Grounded::State(id) => numbered("state", id.0, out),
        Grounded::Bindings(_) | Grounded::Foreign(_) => {
            return Err(WriteError::Foreign { value: value.to_string() });
        }
    }
    Ok(())
}

/// Writes 64 bits as an element: the integer that has them.
fn word(bits: u64, out: &mut Backwards) {
    let end = out.mark();
    out.int(bits.cast_signed());
    out.close_element(end);
}

fn tagged(tag: &str, name: &str, out: &mut Backwards) {
    let end = out.mark();
    element(out, name);
    element(out, tag);
    out.close_tuple(end);
}

fn numbered(tag: &str, number: u64, out: &mut Backwards) {
    let end = out.mark();
    word(number, out);
    element(out, tag);
    out.close_tuple(end);
}
