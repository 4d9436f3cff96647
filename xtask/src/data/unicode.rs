//! The Unicode Character Database as facts.

use std::io::Write;

use anyhow::{Context as _, Result, ensure};

/// Writes facts about each character of `UnicodeData.txt`; returns how many.
///
/// A line has fifteen fields between semicolons: the code point, the name, the general category, and so on.
pub(super) fn convert(text: &str, out: &mut impl Write) -> Result<u64> {
    let mut facts = 0;
    for (number, line) in (1..).zip(text.lines()) {
        let fields: Vec<&str> = line.split(';').collect();
        ensure!(fields.len() == 15, "line {number} has {} fields", fields.len());
        let field = |index: usize| fields.get(index).copied().unwrap_or_default();
        let code = |text: &str| format!("U+{text}");
        let own = code(field(0));
        let mut fact = |relation: &str, value: &str| -> Result<()> {
            facts += 1;
            writeln!(out, "({relation} {own} {value})").context("cannot write a fact")
        };
        fact("name", &format!("\"{}\"", field(1)))?;
        fact("category", field(2))?;
        fact("combining", field(3))?;
        fact("direction", field(4))?;
        let parts: Vec<String> =
            field(5).split(' ').filter(|part| !part.starts_with('<')).map(code).collect();
        if !field(5).is_empty() {
            fact("decomposition", &format!("({})", parts.join(" ")))?;
        }
        for (relation, index) in [("upper", 12), ("lower", 13), ("title", 14)] {
            if !field(index).is_empty() {
                fact(relation, &code(field(index)))?;
            }
        }
    }
    Ok(facts)
}
