//! Numbered invariants are cited where they are kept.

use super::Report;
use crate::source::{Source, words};
use crate::workspace::Member;

/// Checks that every invariant is cited away from its statement, and hints where no test cites it.
pub(super) fn check(members: &[Member], sources: &[Source], report: &mut Report) {
    for member in members {
        let dir = format!("{}/", member.dir.display());
        let own = || sources.iter().filter(|source| source.path.starts_with(&dir));
        let mut seen: Vec<String> = Vec::new();
        for source in own() {
            for (offset, number) in statements(&source.text) {
                let place = format!("{}:{}", source.path, source.line(offset));
                if seen.contains(&number) {
                    let found = format!("invariant {number} is stated twice in `{}`", member.name);
                    report.error(&place, "invariants", &found, "give one of them another number");
                    continue;
                }
                check_cited(&place, &number, own(), report);
                seen.push(number);
            }
        }
    }
}

fn check_cited<'a>(
    place: &str,
    number: &str,
    sources: impl Iterator<Item = &'a Source>,
    report: &mut Report,
) {
    let (mut cited, mut tested) = (false, false);
    for source in sources {
        let stated: Vec<_> = statements(&source.text).into_iter().map(|(_, number)| number).collect();
        let own = usize::from(stated.iter().any(|it| it == number));
        for offset in words(&source.text, number).skip(own) {
            cited = true;
            tested |= source.is_test(offset);
        }
    }
    if !cited {
        let mend =
            format!("cite `{number}` in a comment where it is kept, and in the test that would notice");
        report.error(place, "invariants", &format!("invariant {number} is stated and cited nowhere"), &mend);
    } else if !tested {
        report.hint(place, "invariants", &format!("no test cites invariant {number}"));
    }
}

/// The lines `//! Invariant X1: ...` with the offset of the line and the number `X1`.
fn statements(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        if let Some(comment) = line.trim_start().strip_prefix("//") {
            let comment = comment.trim_start_matches(['/', '!']).trim_start_matches([' ', '-', '*']);
            let stated = comment.strip_prefix("Invariant ").and_then(|rest| rest.split_once(':'));
            if let Some((number, _)) = stated.filter(|(number, _)| is_number(number)) {
                found.push((offset, number.to_owned()));
            }
        }
        offset += line.len();
    }
    found
}

/// Whether `word` is one or more capitals and then digits.
fn is_number(word: &str) -> bool {
    let digits = word.trim_start_matches(|c: char| c.is_ascii_uppercase());
    digits.len() < word.len() && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_comment_lines() {
        let text =
            "//! Invariant Q1: a.\n/// - Invariant Q2: b.\nlet s = \"Invariant Q3: c\";\n// Invariant x: d\n";
        let numbers: Vec<_> = statements(text).into_iter().map(|(_, number)| number).collect();
        assert_eq!(numbers, ["Q1", "Q2"]);
    }
}
