//! Answers of two engines, made comparable.

use super::term::Term;
use crate::compare::{Answer, Outcome, is_variable, rename};

/// Returns the answer with everything removed that engines may differ in: the order of results
/// and of printed lines, names of variables, the order of what follows the word `bag`, the order in
/// the report of an assertion, names of variables in strings, and how spaces are named.
pub fn canonical(answer: &Answer) -> Answer {
    let Answer { mut printed, mut outcome } = in_order(answer);
    printed.sort();
    if let Outcome::Results(results) = &mut outcome {
        results.sort();
    }
    Answer { printed, outcome }
}

/// Like [`canonical`], for engines with the same order of results and of printed lines.
pub fn in_order(answer: &Answer) -> Answer {
    let lines = |lines: &[String]| lines.iter().map(|line| canonical_line(line)).collect();
    let outcome = match &answer.outcome {
        Outcome::Results(results) => Outcome::Results(lines(results)),
        Outcome::NotRun => Outcome::NotRun,
    };
    Answer { printed: lines(&answer.printed), outcome }
}

fn canonical_line(line: &str) -> String {
    let named = line.replace("ModuleSpace(GroundingSpace-top)", "GroundingSpace-top");
    let named = without_addresses(&named);
    match Term::read(&named) {
        Some(term) if same_words(&named, &term) => {
            let settled = settle(term).to_string();
            // The text of a message names variables as they were, the atom beside it as they are.
            if named.contains(", found: (") { nameless(&settled) } else { rename(&settled) }
        }
        // A printed line need not be an atom.
        _ => rename(named.trim_end()),
    }
}

/// The text with the spaces that have no name all called the same.
fn without_addresses(text: &str) -> String {
    let mut parts = text.split("GroundingSpace-0x");
    let first = parts.next().unwrap_or_default();
    parts.fold(first.to_owned(), |out, part| {
        out + "GroundingSpace" + part.trim_start_matches(|c: char| c.is_ascii_hexdigit())
    })
}

/// Whether the whole line is this term, however it was spaced.
fn same_words(line: &str, term: &Term) -> bool {
    let dense = |text: &str| text.split_whitespace().collect::<String>();
    dense(line) == dense(&term.to_string())
}

fn settle(term: Term) -> Term {
    match term {
        Term::Word(word) if word.starts_with("\"\\nExpected: ") => Term::Word(report(&word)),
        Term::Word(word) if word.starts_with('"') => Term::Word(nameless_inside(&word)),
        Term::Word(word) => Term::Word(word),
        Term::Tuple(elements) => {
            let mut elements: Vec<Term> = elements.into_iter().map(settle).collect();
            if elements.first().is_some_and(|head| head.is("bag")) {
                elements[1..].sort_by_key(|element| nameless(&element.to_string()));
            }
            Term::Tuple(elements)
        }
    }
}

/// The report of an assertion: lines of the form `Title: [item, item]`, the last ones without brackets.
fn report(text: &str) -> String {
    let line = |line: &str| {
        let Some((title, items)) = line.split_once(": ") else { return line.to_owned() };
        let inner = items.trim_start_matches('[').trim_end_matches(']');
        let settled = |item: &str| match Term::read(item) {
            Some(term) if same_words(item, &term) => nameless(&settle(term).to_string()),
            _ => nameless(item),
        };
        let mut items: Vec<String> = inner.split(", ").map(settled).collect();
        items.sort();
        format!("{title}: {}", items.join(", "))
    };
    let text = text.strip_suffix('"').unwrap_or(text);
    text.split("\\n").map(line).collect::<Vec<_>>().join("\\n") + "\""
}

/// The text with every variable called `$`.
fn nameless(text: &str) -> String {
    let mut out = String::new();
    for part in text.split_inclusive([' ', '(', ')']) {
        let word = part.trim_end_matches([' ', '(', ')']);
        out.push_str(if is_variable(word) { "$" } else { word });
        out.push_str(&part[word.len()..]);
    }
    out
}

/// The text of a string with every variable in it called `$`.
fn nameless_inside(text: &str) -> String {
    let mut parts = text.split('$');
    let first = parts.next().unwrap_or_default();
    parts.fold(first.to_owned(), |out, part| {
        out + "$" + part.trim_start_matches(|c: char| c.is_alphanumeric() || "#_".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::canonical;
    use crate::{Answer, Outcome};

    fn check(one: &[&str], other: &[&str], same: bool) {
        let answer = |lines: &[&str]| {
            let lines: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
            canonical(&Answer { printed: lines.clone(), outcome: Outcome::Results(lines) })
        };
        assert_eq!(answer(one) == answer(other), same, "{one:?} {other:?}");
    }

    #[test]
    fn only_what_may_differ_is_removed() {
        check(&["1", "2"], &["2", "1"], true);
        check(&["1", "2"], &["1"], false);
        check(&["(bag 2 (a $x) 1)"], &["(bag 1 2 (a $y#3))"], true);
        check(&["(bag 2 1 1)"], &["(bag 1 2)"], false);
        check(&["(tuple 2 1)"], &["(tuple 1 2)"], false);
        check(&["($x $y)"], &["($x $x)"], false);
        check(&["(f GroundingSpace-0x12)"], &["(f GroundingSpace-0xff)"], true);
        check(&["ModuleSpace(GroundingSpace-top)"], &["GroundingSpace-top"], true);
        let reports = [
            "(Error (assertEqual a b) \"\\nExpected: [$x, 1]\\nGot: []\\nMissed results: $x, 1\")",
            "(Error (assertEqual a b) \"\\nExpected: [1, $y#3]\\nGot: []\\nMissed results: 1, $y#3\")",
            "(Error (assertEqual a b) \"\\nExpected: [1, 2]\\nGot: []\\nMissed results: 1, 2\")",
        ];
        check(&reports[..1], &reports[1..2], true);
        check(&reports[..1], &reports[2..], false);
        check(&["\"<$a#14|>\""], &["\"<$b|>\""], true);
        check(&["\"<$a#14|>\""], &["\"<$b|c>\""], false);
        check(&["not an atom) $x"], &["not an atom) $y"], true);
    }
}
