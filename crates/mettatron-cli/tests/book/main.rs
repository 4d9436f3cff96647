//! Every snippet of the book and of the READMEs is what the command does.
//!
//! A fence of Markdown says how its snippet is checked:
//!
//! | fence | check |
//! |---|---|
//! | `metta`, then `text` | the program, run by itself, prints the text |
//! | `metta,file=NAME`, or another language | the file that transcripts of the page use |
//! | `console` | `$` and a command, then what it prints; `exit=N` if the last one fails so |
//! | `rust` | compiled and run as a test of the crate that includes the page |
//! | another language, `{{#include FILE}}` | run by the tests of the crate that has the file |
//! | `console,newcomer` | run by `cargo xtask newcomer` in a copy of the repository |
//! | anything with `unchecked` | not checked; how many there are is checked |
//!
//! In what a command prints `[..]` stands for some characters and a line `...` for some lines. A snippet
//! that is `{{#include FILE}}` is that file. `UPDATE_BOOK=1` writes what came out into the pages.

mod page;
mod transcript;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use page::{Block, Page, Snippet};
use transcript::Folder;

/// How many snippets are not run. Rather give one a check than raise this.
const NOT_RUN: usize = 5;

/// Where the Rust examples of the book become tests.
const DOCTESTS: &str = "benches/src/lib.rs";

#[expect(clippy::disallowed_methods, reason = "a test program is told by its environment to rewrite files")]
fn main() -> io::Result<ExitCode> {
    let arguments = Arguments::from_args();
    let update = std::env::var_os("UPDATE_BOOK").is_some();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let pages = pages(&root)?;
    let summary = summary(&pages, &root);
    let mut trials = vec![Trial::test("harness::all_are_accounted_for", move || summary)];
    for page in pages {
        let root = root.clone();
        trials.push(Trial::test(page.name(&root), move || check(&page, &root, update)));
    }
    Ok(libtest_mimic::run(&arguments, trials).exit_code())
}

/// The README, those of the crates, and the pages of the book.
fn pages(root: &Path) -> io::Result<Vec<Page>> {
    let mut paths = vec![root.join("README.md")];
    for entry in fs::read_dir(root.join("crates"))? {
        paths.push(entry?.path().join("README.md"));
    }
    let mut folders = vec![root.join("docs/book/src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "md") {
                paths.push(path);
            }
        }
    }
    paths.sort();
    paths.into_iter().map(|path| Page::read(&path)).collect()
}

/// Counts the snippets, names those that are not run, and fails if they are more or fewer than is known.
fn summary(pages: &[Page], root: &Path) -> Result<(), Failed> {
    let mut counts = [0; 5];
    let mut not_run = Vec::new();
    for page in pages {
        for (snippet, block) in page.snippets().map_err(|error| format!("{}{error}", page.name(root)))? {
            counts[snippet.kind()] += 1;
            if matches!(snippet, Snippet::NotRun) {
                not_run.push(format!("{}:{}", page.name(root), block.line));
            }
        }
    }
    let [programs, transcripts, files, others, skipped] = counts;
    let count = format!(
        "{} pages: {programs} programs, {transcripts} transcripts, {files} files, {others} run elsewhere, {skipped} not run",
        pages.len()
    );
    writeln!(io::stdout(), "{count}\n{}", not_run.join("\n"))?;
    if skipped == NOT_RUN {
        return Ok(());
    }
    Err(format!("{skipped} snippets are not run, {NOT_RUN} are known:\n{}", not_run.join("\n")).into())
}

/// Runs what a page shows, in order, in a folder of its own.
fn check(page: &Page, root: &Path, update: bool) -> Result<(), Failed> {
    let folder = Folder::new(root)?;
    let mut wrong = String::new();
    let mut changes = Vec::new();
    for (snippet, block) in page.snippets()? {
        let found = match &snippet {
            Snippet::Program { program, .. } => folder.program(program, &block.body)?,
            Snippet::Transcript { exit } => folder.transcript(&block.body, *exit)?,
            Snippet::File { name } => folder.write(name, &block.body).map(|()| None)?,
            Snippet::Doctest => is_doctest(page, root).map(|()| None)?,
            Snippet::Included | Snippet::Newcomer | Snippet::NotRun => None,
        };
        let Some(found) = found else { continue };
        if update {
            changes.push((block.range.clone(), found));
        } else {
            wrong += &difference(page, root, block, &found);
        }
    }
    page.rewrite(&changes)?;
    if wrong.is_empty() { Ok(()) } else { Err(wrong.into()) }
}

fn difference(page: &Page, root: &Path, block: &Block, found: &str) -> String {
    format!("{}:{}: expected\n{}\nfound\n{found}\n", page.name(root), block.line, block.body)
}

/// Fails for Rust snippets that no crate takes for its tests.
fn is_doctest(page: &Page, root: &Path) -> Result<(), Failed> {
    let name = page.name(root);
    let (source, line) = match name.strip_suffix("/README.md") {
        Some(member) => (PathBuf::from(member).join("src/lib.rs"), "../README.md".to_owned()),
        None => (DOCTESTS.into(), name.clone()),
    };
    if fs::read_to_string(root.join(&source))?.contains(&format!("{line}\")]")) {
        return Ok(());
    }
    Err(format!("{name} has Rust snippets, but {} does not include it", source.display()).into())
}
