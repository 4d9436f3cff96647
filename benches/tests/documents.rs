//! Programs in the README and the book print what the text says.

#![expect(clippy::unwrap_used, reason = "a failure fails the test")]

use std::fs;
use std::path::Path;

/// Pairs each block fenced as `metta` with the next one fenced as `text`.
fn examples(markdown: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut program = None;
    // Odd pieces between fences are blocks, their first line the language.
    for block in markdown.split("```").skip(1).step_by(2) {
        let (language, body) = block.split_once('\n').unwrap();
        match language {
            "metta" => program = Some(body.to_owned()),
            "text" => found.extend(program.take().map(|program| (program, body.to_owned()))),
            _ => {}
        }
    }
    found
}

fn check(path: &Path) -> usize {
    let found = examples(&fs::read_to_string(path).unwrap());
    for (program, expected) in &found {
        let printed = metta_benches::run(program).unwrap().join("\n");
        assert_eq!(printed, expected.trim_end(), "{}:\n{program}", path.display());
    }
    found.len()
}

#[test]
fn the_readme_is_true() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    assert!(check(&root.join("README.md")) > 0);
}

#[test]
fn the_book_is_true() {
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/book/src");
    let checked: usize = fs::read_dir(pages).unwrap().map(|page| check(&page.unwrap().path())).sum();
    assert!(checked >= 5, "only {checked} examples were found");
}
