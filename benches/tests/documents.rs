//! Programs in the README and the book print what the text says.

#![expect(clippy::unwrap_used, reason = "a failure fails the test")]

use std::fs;
use std::path::Path;
use std::sync::mpsc::channel;

use mettatron::{Engine, Event};

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

/// What the command prints for a program: lines that it prints itself, and its result lists.
fn transcript(program: &str) -> String {
    let mut engine = Engine::new();
    let compiled = engine.compile(program).unwrap();
    let (sender, events) = channel();
    let outcome = engine.execute(compiled, |run| run.on_event(move |event| drop(sender.send(event))));
    assert!(outcome.error.is_none(), "{program}: {:?}", outcome.error);
    let line = |event| match event {
        Event::Printed(text) => Some(text),
        Event::Results { text, .. } => Some(format!("[{}]", text.join(", "))),
        Event::Traced(_) | _ => None,
    };
    events.try_iter().filter_map(line).collect::<Vec<_>>().join("\n")
}

/// Checks the examples of a page, or of all pages in a folder, and counts them.
fn check(path: &Path) -> usize {
    if path.is_dir() {
        return fs::read_dir(path).unwrap().map(|entry| check(&entry.unwrap().path())).sum();
    }
    let found = examples(&fs::read_to_string(path).unwrap());
    for (program, expected) in &found {
        assert_eq!(transcript(program), expected.trim_end(), "{}:\n{program}", path.display());
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
    let checked = check(&pages);
    assert!(checked >= 100, "only {checked} examples were found");
}
