//! The formatter on the corpus, the examples and generated programs: same atoms, same comments, nothing left to do.

use std::path::{Path, PathBuf};

use conformance::{files, generate};
use mettatron::syntax::{format, parse};

const WIDTHS: [usize; 4] = [30, 60, 100, 1_000];

/// Comments, for texts in which `;` is in no string.
#[cfg(test)]
fn comments(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| Some(line[line.find(';')?..].trim_end())).collect()
}

#[cfg(test)]
fn check(name: &str, text: &str) {
    let before = parse(text, &());
    if !before.diagnostics.is_empty() {
        assert!(format(text, 100).is_err(), "{name}");
        return;
    }
    for width in WIDTHS {
        let formatted = format(text, width).unwrap();
        let after = parse(&formatted, &());
        assert!(after.diagnostics.is_empty(), "{name}");
        let forms = before.forms.iter().map(|form| (&form.atom, form.run));
        assert!(forms.eq(after.forms.iter().map(|form| (&form.atom, form.run))), "{name}, width {width}");
        assert_eq!(comments(&formatted).len(), comments(text).len(), "{name}, width {width}");
        assert!(format(&formatted, width).unwrap() == formatted, "{name}, width {width}: again\n{formatted}");
    }
}

#[test]
fn the_corpus_and_the_examples_keep_their_meaning() {
    let corpus = files(Path::new("tests/corpus")).unwrap();
    let examples = std::fs::read_dir("../../examples").unwrap().map(|entry| entry.unwrap().path());
    let is_program = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "metta");
    let programs: Vec<PathBuf> = corpus.into_iter().chain(examples.filter(is_program)).collect();
    assert!(programs.len() > 100);
    for path in programs {
        check(&path.display().to_string(), &std::fs::read_to_string(&path).unwrap());
    }
}

#[test]
fn generated_programs_keep_their_meaning() {
    for seed in 0..300 {
        let program = generate::generate(seed).text();
        check(&format!("seed {seed}"), &program);
        // As one line, all breaks are the formatter's.
        check(&format!("seed {seed} on one line"), &program.replace('\n', " "));
    }
}
