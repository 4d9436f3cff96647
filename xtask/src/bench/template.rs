//! Program texts of any size: `{n}`, and lines that are repeated.

use anyhow::{Context, Result, bail};

/// Fills in the size. Lines that begin with `comment` and `for` are repeated, others are kept.
pub(super) fn fill(text: &str, comment: &str, n: u64) -> Result<String> {
    let mut filled = String::new();
    for line in text.lines() {
        match line.strip_prefix(comment) {
            None => filled.push_str(&line.replace("{n}", &n.to_string())),
            Some(rule) if rule.starts_with("for ") => {
                repeat(rule, n, &mut filled).with_context(|| line.to_owned())?
            }
            Some(_) => continue,
        }
        filled.push('\n');
    }
    Ok(filled)
}

/// Writes the lines of a rule `for i in 2..=n: (edge n{i/2} n{i})`.
fn repeat(rule: &str, n: u64, filled: &mut String) -> Result<()> {
    let (range, line) = rule
        .strip_prefix("for i in ")
        .and_then(|rule| rule.split_once(": "))
        .context("expected `for i in first..=last: text`")?;
    let (first, last) = range.split_once("..=").context("expected `first..=last`")?;
    let pieces: Vec<_> = line.split(['{', '}']).collect();
    for i in value(first, n, 0)?..=value(last, n, 0)? {
        for (index, piece) in pieces.iter().enumerate() {
            if index % 2 == 0 {
                filled.push_str(piece);
            } else {
                filled.push_str(&value(piece, n, i)?.to_string());
            }
        }
        filled.push('\n');
    }
    filled.pop();
    Ok(())
}

/// The value of numbers, `n` and `i` with `+ - * / %` between them, from left to right.
fn value(expression: &str, n: u64, i: u64) -> Result<u64> {
    let operand = |word: &str| match word {
        "n" => Ok(n),
        "i" => Ok(i),
        number => number.parse().with_context(|| format!("`{word}` is no number, `n` or `i`")),
    };
    let is_operator = |c: char| "+-*/%".contains(c);
    let mut rest = expression;
    let mut operator = '+';
    let mut total = 0u64;
    loop {
        let end = rest.find(is_operator).unwrap_or(rest.len());
        let right = operand(&rest[..end])?;
        let result = match operator {
            '+' => total.checked_add(right),
            '-' => total.checked_sub(right),
            '*' => total.checked_mul(right),
            '/' => total.checked_div(right),
            '%' => total.checked_rem(right),
            _ => bail!("`{operator}` is no operator"),
        };
        total = result.with_context(|| format!("`{expression}` has no value"))?;
        let mut left = rest[end..].chars();
        let Some(next) = left.next() else { return Ok(total) };
        operator = next;
        rest = left.as_str();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_filled_in_and_lines_are_repeated() {
        let text = "; Text.\n;@ gate: 3\n;@ for i in 2..=n: (edge n{i/2} n{i})\n!(f {n})\n";
        assert_eq!(fill(text, ";@ ", 3).unwrap(), "; Text.\n(edge n1 n2)\n(edge n1 n3)\n!(f 3)\n");
        assert_eq!(fill("%@ for i in 0..=n-1: e({i}).\n", "%@ ", 2).unwrap(), "e(0).\ne(1).\n");
    }

    #[test]
    fn numbers_are_computed_from_left_to_right() {
        assert_eq!(value("i*7+3%n", 10, 4).unwrap(), 1);
        assert_eq!(value("2*n-1", 10, 0).unwrap(), 19);
        for wrong in ["", "i+", "x", "1-2", "1/0", "i n"] {
            assert!(value(wrong, 10, 4).is_err(), "{wrong}");
        }
    }
}
