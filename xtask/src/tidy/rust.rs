//! Rules about single Rust files and their manifests.

use std::fs;

use anyhow::{Context, Result};

use super::Report;
use crate::source::{Source, words};
use crate::workspace::{self, Member};

const MAX_FILE_LINES: usize = 600;
const MAX_FUNCTION_LINES: usize = 60;
/// The comment on a function or file that is a flat table.
const TABLE: &str = "// size: table";

/// Checks that a crate takes the lints of the workspace.
pub(super) fn check_manifest(member: &Member, report: &mut Report) -> Result<()> {
    let path = member.dir.join("Cargo.toml");
    let text = fs::read_to_string(workspace::root().join(&path)).context("cannot read a manifest")?;
    let lints = text.split_once("[lints]").map_or("", |(_, rest)| rest).trim_start();
    if !lints.starts_with("workspace = true") {
        let place = path.display().to_string();
        report.error(&place, "lints", "the workspace's lints do not apply", "add `[lints] workspace = true`");
    }
    Ok(())
}

/// Hints at long files and functions.
pub(super) fn check_sizes(source: &Source, report: &mut Report) {
    let is_table = |text: &str| text.contains(TABLE);
    let n_lines = source.n_lines();
    if n_lines > MAX_FILE_LINES && !is_table(&source.text) {
        report.hint(
            &source.path,
            "size",
            &format!("{n_lines} lines outside of tests, more than {MAX_FILE_LINES}"),
        );
    }
    for function in source.functions() {
        let lines = source.text[function.span.clone()].lines().count();
        // The comment may stand above the function, among its attributes and docs.
        let above = source.text[..function.span.start].rsplit("\n\n").next().unwrap_or_default();
        if lines > MAX_FUNCTION_LINES && !is_table(above) && !is_table(&source.text[function.span.clone()]) {
            let place = format!("{}:{}", source.path, source.line(function.span.start));
            report.hint(
                &place,
                "size",
                &format!("`{}` has {lines} lines, more than {MAX_FUNCTION_LINES}", function.name),
            );
        }
    }
}

/// Refuses `Result<_, String>`: a caller cannot tell one failure from another.
pub(super) fn check_error_types(source: &Source, report: &mut Report) {
    for start in words(&source.code, "Result") {
        let is_text = source.code[start + "Result".len()..].strip_prefix('<').and_then(second_argument)
            == Some("String");
        if is_text && !source.is_test(start) {
            let place = format!("{}:{}", source.path, source.line(start));
            let mend = "name the failures in an enum that derives `thiserror::Error`";
            report.error(&place, "errors", "`Result<_, String>` in a library", mend);
        }
    }
}

/// The second of two generic arguments; `text` begins after `<`.
fn second_argument(text: &str) -> Option<&str> {
    let mut depth = 0usize;
    let mut second = None;
    let mut previous = ' ';
    for (offset, c) in text.char_indices() {
        match c {
            '<' | '(' | '[' => depth += 1,
            '>' if previous == '-' => {}
            '>' | ')' | ']' if depth > 0 => depth -= 1,
            '>' => return second.map(|start| text[start..offset].trim().trim_end_matches(',').trim_end()),
            ',' if depth == 0 && second.is_none() => second = Some(offset + 1),
            ';' | '{' => return None,
            _ => {}
        }
        previous = c;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_argument_is_found_between_nested_ones() {
        assert_eq!(second_argument("(), String> {"), Some("String"));
        assert_eq!(second_argument("Vec<(A, B)>, String>"), Some("String"));
        assert_eq!(second_argument("Box<dyn Fn(A) -> B>,\n String,\n>"), Some("String"));
        assert_eq!(second_argument("String>"), None);
        assert_eq!(second_argument("String, Error>"), Some("Error"));
    }
}
