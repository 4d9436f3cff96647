//! The lines of a corpus file that speak to the harness.

/// Whether the order of results and of printed lines counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Order {
    /// It does.
    #[default]
    Sequence,
    /// It does not: only how often each occurs.
    Bag,
}

/// One line that is for the harness.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Line<'a> {
    /// `;=> R`
    Result(&'a str),
    /// `;=>none`
    None,
    /// `;=>not-run`
    NotRun,
    /// `;print> L`
    Printed(&'a str),
    /// `;@ keep-going`
    KeepGoing,
    /// `;@ order: O`
    Order(Order),
    /// `;@ source: S`
    Source(&'a str),
    /// `;@ differs: D`
    Differs(&'a str),
}

/// Reads one line between two forms: `Ok(None)` for an ordinary comment or a blank one.
pub(crate) fn read(line: &str) -> Result<Option<Line<'_>>, String> {
    let line = line.trim_start();
    if let Some(rest) = line.strip_prefix(";=>") {
        return match rest.trim_end() {
            "none" => Ok(Some(Line::None)),
            "not-run" => Ok(Some(Line::NotRun)),
            text if text.starts_with(' ') && !text.trim().is_empty() => Ok(Some(Line::Result(text.trim()))),
            other => Err(format!("expected `;=> result`, `;=>none` or `;=>not-run`, found `;=>{other}`")),
        };
    }
    if let Some(rest) = line.strip_prefix(";print>") {
        return Ok(Some(Line::Printed(rest.strip_prefix(' ').unwrap_or(rest).trim_end())));
    }
    match line.strip_prefix(";@") {
        Some(rest) => directive(rest).map(Some),
        None => Ok(None),
    }
}

fn directive(text: &str) -> Result<Line<'_>, String> {
    // A directive may carry a comment of its own.
    let text = text.split(" ;").next().unwrap_or(text).trim();
    match text.split_once(':').map(|(key, value)| (key.trim(), value.trim())) {
        None if text == "keep-going" => Ok(Line::KeepGoing),
        Some(("order", "sequence")) => Ok(Line::Order(Order::Sequence)),
        Some(("order", "bag")) => Ok(Line::Order(Order::Bag)),
        Some(("source", source)) if !source.is_empty() => Ok(Line::Source(source)),
        Some(("differs", record)) if is_record(record) => Ok(Line::Differs(record)),
        _ => Err(format!(
            "expected `keep-going`, `order: sequence|bag`, `source: ...` or `differs: ADR-nnnn`, found `{text}`"
        )),
    }
}

fn is_record(text: &str) -> bool {
    text.strip_prefix("ADR-")
        .is_some_and(|number| number.len() == 4 && number.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::{Line, Order, read};

    #[test]
    fn every_line() {
        for (text, line) in [
            (";=> (a b)", Line::Result("(a b)")),
            (";=>none", Line::None),
            (";=> none", Line::Result("none")),
            (";=>not-run", Line::NotRun),
            (";print> a  b", Line::Printed("a  b")),
            (";print>   indented", Line::Printed("  indented")),
            (";print>", Line::Printed("")),
            (";@ keep-going", Line::KeepGoing),
            (";@ order: bag      ; sequence or bag", Line::Order(Order::Bag)),
            (";@ order: sequence", Line::Order(Order::Sequence)),
            (";@ source: document 001 \"x: y\"", Line::Source("document 001 \"x: y\"")),
            (";@ differs: ADR-0001", Line::Differs("ADR-0001")),
        ] {
            assert_eq!(read(text), Ok(Some(line)), "{text}");
        }
        for text in ["", "; comment", ";; => x", "; => x", ";print x"] {
            assert_eq!(read(text), Ok(None), "{text}");
        }
    }

    #[test]
    fn a_line_that_is_nearly_right_is_refused() {
        for text in [
            ";=>nothing",
            ";=>",
            ";=>5",
            ";@ order: set",
            ";@ keepgoing",
            ";@ differs: ADR-1",
            ";@ differs: somewhere",
            ";@ source:",
            ";@",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
