//! A trace as text.

use std::fmt::Write as _;

use super::{Kind, Line, Tree};

/// Deeper lines are not indented further, but say how deep they are.
const MOST_INDENT: usize = 32;

/// Returns the tree as text.
pub(crate) fn text(tree: &Tree) -> String {
    let mut out = String::new();
    for Line { depth, kind, text } in tree.lines() {
        let mark = match kind {
            Kind::Term | Kind::Leaf => "",
            Kind::Became => "= ",
            Kind::Gave => "=> ",
            Kind::Failed => "fails",
            Kind::Or => "or",
        };
        let indent = "  ".repeat(depth.min(MOST_INDENT));
        let deep = if depth > MOST_INDENT { format!("{depth}| ") } else { String::new() };
        // Writing to a String does not fail.
        let _ = writeln!(out, "{indent}{deep}{mark}{text}");
    }
    out
}
