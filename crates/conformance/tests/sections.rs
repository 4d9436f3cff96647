//! Every section of the language reference has a corpus file that shows what it means, and every
//! function of the library is used in one.

#![expect(clippy::unwrap_used, reason = "a failure fails the test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use conformance::{CorpusFile, files};
use mettatron::Library;

/// The sections that say what programs mean, each without subsections of its own.
const SECTIONS: [&str; 35] = [
    "1", "2", "3", "4.1", "4.2", "4.3", "4.4", "4.5", "4.6", "4.7", "4.8", "5.1", "5.2", "5.3", "6", "7.1",
    "7.2", "7.3", "8", "9", "10", "11", "12.2", "12.3", "13", "14", "15.1", "15.2", "15.3", "15.4", "15.5",
    "15.6", "15.7", "15.8", "15.9",
];

fn corpus() -> Vec<CorpusFile> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let read = |path| CorpusFile::parse(&fs::read_to_string(path).unwrap()).unwrap();
    files(&folder).unwrap().into_iter().map(read).collect()
}

/// The sections that a source names: `semantics 4.1, 9` names two.
fn sections(source: &str) -> impl Iterator<Item = &str> {
    source.strip_prefix("semantics ").into_iter().flat_map(|list| list.split(", "))
}

#[test]
fn every_section_is_cited() {
    let files = corpus();
    let stated = files.iter().flat_map(|file| &file.forms).filter(|form| form.expected.is_some());
    let cited: BTreeSet<&str> = stated.filter_map(|form| form.source.as_deref()).flat_map(sections).collect();
    let missing: Vec<&str> = SECTIONS.into_iter().filter(|section| !cited.contains(section)).collect();
    assert!(missing.is_empty(), "no corpus file says `;@ source: semantics n` for {missing:?}");
}

#[test]
fn every_function_is_used() {
    let files = corpus();
    let delimiter = |c: char| c.is_whitespace() || c == '(' || c == ')';
    let words: BTreeSet<&str> = files
        .iter()
        .flat_map(|file| &file.forms)
        .filter(|form| form.run)
        .flat_map(|form| form.atom.split(delimiter))
        .collect();
    let described = Library::areas().into_iter().flat_map(|area| area.descriptions);
    let names: Vec<String> = described.map(|description| description.item.to_string()).collect();
    let unused: Vec<&String> =
        names.iter().filter(|name| !name.starts_with('(') && !words.contains(name.as_str())).collect();
    assert!(unused.is_empty(), "no query of the corpus uses {unused:?}");
}
