//! The judge: is an answer the expected one?

use std::collections::HashMap;
use std::fmt;

use crate::Order;

/// What evaluating one form gave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// These results, in order, as text.
    Results(Vec<String>),
    /// The run stopped before the form.
    NotRun,
}

/// What one form printed and gave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The lines printed, without their ends.
    pub printed: Vec<String>,
    /// The results.
    pub outcome: Outcome,
}

impl Answer {
    /// The answer of a form that prints nothing and has no result.
    pub fn nothing() -> Self {
        Answer { printed: Vec::new(), outcome: Outcome::Results(Vec::new()) }
    }

    /// The answer of a form that the run did not reach.
    pub fn not_run() -> Self {
        Answer { printed: Vec::new(), outcome: Outcome::NotRun }
    }
}

/// The lines that state the answer in a corpus file.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.printed {
            writeln!(f, "{}", format!(";print> {line}").trim_end())?;
        }
        match &self.outcome {
            Outcome::NotRun => writeln!(f, ";=>not-run"),
            Outcome::Results(results) if results.is_empty() => writeln!(f, ";=>none"),
            Outcome::Results(results) => results.iter().try_for_each(|result| writeln!(f, ";=> {result}")),
        }
    }
}

/// How an answer is not the expected one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// What was expected.
    pub expected: Answer,
    /// What came.
    pub found: Answer,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected\n{}found\n{}", indent(&self.expected), indent(&self.found))
    }
}

fn indent(answer: &Answer) -> String {
    answer.to_string().lines().map(|line| format!("    {line}\n")).collect()
}

/// Compares an answer with the expected one, modulo a renaming of variables in each result.
///
/// # Errors
/// The difference, when there is one.
pub fn compare(expected: &Answer, found: &Answer, order: Order) -> Result<(), Difference> {
    let view = |answer: &Answer| {
        let mut printed = canonical(&answer.printed);
        let mut results = match &answer.outcome {
            Outcome::Results(results) => Some(canonical(results)),
            Outcome::NotRun => None,
        };
        if order == Order::Bag {
            printed.sort();
            if let Some(results) = &mut results {
                results.sort();
            }
        }
        (printed, results)
    };
    if view(expected) == view(found) {
        return Ok(());
    }
    Err(Difference { expected: expected.clone(), found: found.clone() })
}

fn canonical(lines: &[String]) -> Vec<String> {
    lines.iter().map(|line| rename(line.trim_end())).collect()
}

/// Writes `$0`, `$1` ... for the variables of a printed atom, in the order of their first occurrence.
pub(crate) fn rename(text: &str) -> String {
    let mut names: HashMap<&str, usize> = HashMap::new();
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => string_length(rest),
            c if is_delimiter(c) => c.len_utf8(),
            _ => rest.find(is_delimiter).unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at(length);
        if is_variable(token) {
            let next = names.len();
            let number = *names.entry(token).or_insert(next);
            out.push_str(&format!("${number}"));
        } else {
            out.push_str(token);
        }
        rest = after;
    }
    out
}

/// Whether a word is a variable.
pub(crate) fn is_variable(word: &str) -> bool {
    word.starts_with('$')
}

fn is_delimiter(c: char) -> bool {
    c.is_whitespace() || c == '(' || c == ')'
}

/// The length of the string literal that `text` starts with, or of all of it when it does not end.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !escaped => return at + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::{Answer, Outcome, compare, rename};
    use crate::Order;

    fn answer(printed: &[&str], results: &[&str]) -> Answer {
        let own = |lines: &[&str]| lines.iter().map(|&line| line.to_owned()).collect();
        Answer { printed: own(printed), outcome: Outcome::Results(own(results)) }
    }

    fn agree(order: Order, expected: &[&str], found: &[&str]) -> bool {
        compare(&answer(&[], expected), &answer(&[], found), order).is_ok()
    }

    #[test]
    fn the_expected_answer_passes() {
        for order in [Order::Sequence, Order::Bag] {
            assert!(agree(order, &[], &[]));
            assert!(agree(order, &["1", "2"], &["1", "2"]));
            assert!(agree(order, &["(f $x $y $x)"], &["(f $a#7 $b $a#7)"]));
        }
        assert!(agree(Order::Bag, &["1", "2", "1"], &["2", "1", "1"]));
        assert!(compare(&Answer::not_run(), &Answer::not_run(), Order::Sequence).is_ok());
    }

    #[test]
    fn a_wrong_missing_excess_or_repeated_result_fails() {
        for order in [Order::Sequence, Order::Bag] {
            assert!(!agree(order, &["1"], &["2"]));
            assert!(!agree(order, &["1", "2"], &["1"]));
            assert!(!agree(order, &["1"], &["1", "2"]));
            assert!(!agree(order, &["1", "1"], &["1"]));
            assert!(!agree(order, &["1", "1", "2"], &["1", "2", "2"]));
            assert!(!agree(order, &[], &["()"]));
            assert!(!agree(order, &["1"], &["1.0"]));
        }
    }

    #[test]
    fn another_order_fails_a_sequence() {
        assert!(!agree(Order::Sequence, &["1", "2"], &["2", "1"]));
    }

    #[test]
    fn other_variables_fail() {
        for order in [Order::Sequence, Order::Bag] {
            assert!(!agree(order, &["($x $y)"], &["($x $x)"]));
            assert!(!agree(order, &["($x $x)"], &["($x $y)"]));
            assert!(!agree(order, &["$x"], &["x"]));
            assert!(!agree(order, &["\"$x\""], &["\"$y\""]));
        }
    }

    #[test]
    fn a_form_that_did_not_run_is_not_one_without_results() {
        assert!(compare(&Answer::not_run(), &Answer::nothing(), Order::Bag).is_err());
        assert!(compare(&Answer::nothing(), &Answer::not_run(), Order::Bag).is_err());
    }

    #[test]
    fn printed_lines_count() {
        let expected = answer(&["a", "b"], &["()"]);
        for wrong in [&["a"][..], &["a", "b", "c"], &["a", "x"], &[]] {
            assert!(compare(&expected, &answer(wrong, &["()"]), Order::Bag).is_err(), "{wrong:?}");
        }
        assert!(
            compare(&answer(&["a "], &[]), &answer(&["a"], &[]), Order::Sequence).is_ok(),
            "a file keeps no trailing blanks"
        );
        let swapped = answer(&["b", "a"], &["()"]);
        assert!(compare(&expected, &swapped, Order::Sequence).is_err());
        assert!(compare(&expected, &swapped, Order::Bag).is_ok());
    }

    #[test]
    fn renaming_leaves_strings_and_words_alone() {
        assert_eq!(rename("($b $a#3 $b \"$b \\\" $c\" w$d)"), "($0 $1 $0 \"$b \\\" $c\" w$d)");
        assert_eq!(rename("(a\"b $x\" $y)"), "(a\"b $0 $1)");
        assert_eq!(rename("\"open $x"), "\"open $x");
        assert_eq!(rename("größe $ ()"), "größe $0 ()");
    }

    #[test]
    fn an_answer_prints_as_the_lines_of_a_file() {
        assert_eq!(answer(&["hi", ""], &["1", "2"]).to_string(), ";print> hi\n;print>\n;=> 1\n;=> 2\n");
        assert_eq!(Answer::nothing().to_string(), ";=>none\n");
        assert_eq!(Answer::not_run().to_string(), ";=>not-run\n");
    }
}
