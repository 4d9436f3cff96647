//! Printing: the text of atoms, which reads back as the same atoms where a text can.

use std::fmt;

use crate::{Atom, Grounded, OPERATION_MARK};

/// Writes `text` as a string literal, in double quotes and escaped.
///
/// # Errors
/// Those of `out`.
pub fn write_string_literal(out: &mut impl fmt::Write, text: &str) -> fmt::Result {
    out.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => out.write_str("\\\"")?,
            '\\' => out.write_str("\\\\")?,
            '\n' => out.write_str("\\n")?,
            '\r' => out.write_str("\\r")?,
            '\t' => out.write_str("\\t")?,
            // Rust's escape table decides what is printable; it also escapes `'`.
            '\'' => out.write_char('\'')?,
            '\0' => out.write_str("\\u{0}")?,
            c => write!(out, "{}", c.escape_debug())?,
        }
    }
    out.write_char('"')
}

impl fmt::Display for Grounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Grounded::Bool(true) => f.write_str("True"),
            Grounded::Bool(false) => f.write_str("False"),
            Grounded::Number(n) => write!(f, "{n}"),
            Grounded::Text(text) => write_string_literal(f, text),
            Grounded::Operation(name) => {
                f.write_str(name.name().split(OPERATION_MARK).next().unwrap_or_default())
            }
            Grounded::Space(id) => write!(f, "GroundingSpace-{:#x}", id.0),
            Grounded::State(id) => write!(f, "(State #{})", id.0),
            Grounded::Bindings(set) => {
                f.write_str("{ ")?;
                for (i, (variable, value)) in set.0.iter().enumerate() {
                    f.write_str(if i == 0 { "" } else { ", " })?;
                    match value {
                        Atom::Variable(_) => write!(f, "{variable} = {value}")?,
                        Atom::Symbol(_) | Atom::Expression(_) | Atom::Grounded(_) => {
                            write!(f, "{variable} <- {value}")?;
                        }
                    }
                }
                f.write_str(" }")
            }
            Grounded::Foreign(value) => write!(f, "{value}"),
        }
    }
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        enum Step<'a> {
            Print(&'a Atom),
            Space,
            Close,
        }
        let mut pending = vec![Step::Print(self)];
        while let Some(step) = pending.pop() {
            match step {
                Step::Space => f.write_str(" ")?,
                Step::Close => f.write_str(")")?,
                Step::Print(Atom::Symbol(symbol)) => write!(f, "{symbol}")?,
                Step::Print(Atom::Variable(variable)) => write!(f, "{variable}")?,
                Step::Print(Atom::Grounded(value)) => write!(f, "{value}")?,
                Step::Print(Atom::Expression(expression)) => {
                    f.write_str("(")?;
                    pending.push(Step::Close);
                    for (i, child) in expression.children().iter().enumerate().rev() {
                        pending.push(Step::Print(child));
                        if i > 0 {
                            pending.push(Step::Space);
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
