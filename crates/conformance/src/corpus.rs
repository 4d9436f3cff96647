//! Corpus files: programs and what they must answer.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::compare::{Answer, Outcome};
use crate::directive::{self, Line, Order};
use crate::scan;

/// A corpus file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CorpusFile {
    /// The text of the file, a MeTTa program.
    pub text: String,
    /// Whether the run goes on after an error.
    pub keep_going: bool,
    /// The top-level forms of the program.
    pub forms: Vec<Form>,
}

/// A top-level form and what it must answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Form {
    /// Its line, from 1.
    pub line: usize,
    /// The atom, as written.
    pub atom: String,
    /// Whether it is evaluated.
    pub run: bool,
    /// Whether the order of the answer counts.
    pub order: Order,
    /// Where the language says what it answers.
    pub source: Option<String>,
    /// The record that says why the reference answers otherwise.
    pub differs: Option<String>,
    /// What it must answer; `None` when the file does not say.
    pub expected: Option<Answer>,
    /// The text between this form and the next one.
    below: Range<usize>,
}

/// What is wrong with a corpus file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CorpusError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub message: String,
}

impl std::fmt::Display for CorpusError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for CorpusError {}

/// What the lines between two forms say: to the form above, and to the one below.
#[derive(Default)]
struct Between {
    printed: Vec<String>,
    results: Option<Vec<String>>,
    none: bool,
    not_run: bool,
    order: Order,
    source: Option<String>,
    differs: Option<String>,
    keep_going: bool,
}

impl CorpusFile {
    /// Reads a file.
    ///
    /// # Errors
    /// A form that does not end, a line for the harness that it does not know, an
    /// expectation that stands in no place or contradicts itself.
    pub fn parse(text: &str) -> Result<Self, CorpusError> {
        let places = scan::forms(text).map_err(|at| CorpusError {
            line: line_of(text, at),
            message: "this form does not end".to_owned(),
        })?;
        let starts = places.iter().map(|place| place.whole.start).chain([text.len()]);
        let head = 0..places.first().map_or(text.len(), |place| place.whole.start);
        let (expected, mut between) = Between::read(text, head)?.split();
        if expected.is_some() {
            return Err(CorpusError {
                line: 1,
                message: "an expectation stands above the first form".to_owned(),
            });
        }
        let mut file = CorpusFile { text: text.to_owned(), keep_going: false, forms: Vec::new() };
        let mut source = None;
        for (place, next) in places.iter().zip(starts.skip(1)) {
            file.keep_going |= between.keep_going;
            source = between.source.or(source);
            let below = place.whole.end..next;
            let (expected, after) = Between::read(text, below.clone())?.split();
            file.forms.push(Form {
                line: line_of(text, place.whole.start),
                atom: text[place.atom.clone()].to_owned(),
                run: place.runs(),
                order: between.order,
                source: source.clone(),
                differs: between.differs,
                expected,
                below,
            });
            between = after;
        }
        if between.differs.is_some() || between.order != Order::default() || between.keep_going {
            let line = line_of(text, text.len());
            return Err(CorpusError { line, message: "a directive stands below the last form".to_owned() });
        }
        Ok(file)
    }

    /// Reads a file and checks that it says what every evaluated form answers.
    ///
    /// # Errors
    /// Those of [`CorpusFile::parse`], and a query without an expectation.
    pub fn parse_complete(text: &str) -> Result<Self, CorpusError> {
        let file = CorpusFile::parse(text)?;
        match file.forms.iter().find(|form| form.run && form.expected.is_none()) {
            None => Ok(file),
            Some(form) => Err(CorpusError {
                line: form.line,
                message: "this query has no expectation: `;=> result`, `;=>none` or `;=>not-run`".to_owned(),
            }),
        }
    }

    /// Counts the forms whose answer the file states.
    pub fn assertions(&self) -> usize {
        self.forms.iter().filter(|form| form.expected.is_some()).count()
    }

    /// Returns the text with the expectations of some forms replaced; `None` keeps a form as it is.
    pub fn rewrite(&self, answers: &[Option<Answer>]) -> String {
        let mut out = String::new();
        let mut done = 0;
        for (form, answer) in self.forms.iter().zip(answers) {
            let Some(answer) = answer else { continue };
            out.push_str(&self.text[done..form.below.start]);
            let mut lines = self.text[form.below.clone()].split_inclusive('\n');
            // What stands behind the form on its own line stays there.
            let own = lines.next().unwrap_or_default();
            out.push_str(own);
            if !own.ends_with('\n') {
                out.push('\n');
            }
            // A form that is only stored answers nothing, and nothing need be said, also not that it was
            // not stored because the run stopped before it.
            let is_silent = *answer == Answer::nothing()
                || *answer == Answer::not_run() && form.expected.as_ref() != Some(answer);
            if form.run || !is_silent {
                out.push_str(&answer.to_string());
            }
            let is_expectation =
                |line: &str| [";=>", ";print>"].iter().any(|mark| line.trim_start().starts_with(mark));
            lines.filter(|line| !is_expectation(line)).for_each(|line| out.push_str(line));
            done = form.below.end;
        }
        out.push_str(&self.text[done..]);
        out
    }
}

impl Form {
    /// What it must answer: a form that is only stored answers nothing unless the file says otherwise.
    pub fn required(&self) -> Answer {
        self.expected.clone().unwrap_or_else(Answer::nothing)
    }
}

impl Between {
    fn read(text: &str, range: Range<usize>) -> Result<Self, CorpusError> {
        let first = line_of(text, range.start);
        let mut between = Between::default();
        for (offset, line) in text[range.clone()].lines().enumerate() {
            // What stands behind a form on its own line is an ordinary comment.
            if offset == 0 && range.start > 0 {
                continue;
            }
            let fail = |message: String| CorpusError { line: first + offset, message };
            if let Some(line) = directive::read(line).map_err(fail)? {
                between.take(line).map_err(|message| fail(message.to_owned()))?;
            }
        }
        Ok(between)
    }

    fn take(&mut self, line: Line<'_>) -> Result<(), &'static str> {
        match line {
            Line::Result(text) => self.results.get_or_insert_default().push(text.to_owned()),
            Line::None => self.none = true,
            Line::NotRun => self.not_run = true,
            Line::Printed(_) if self.results.is_some() || self.none => {
                return Err("printed lines stand above results");
            }
            Line::Printed(text) => self.printed.push(text.to_owned()),
            Line::KeepGoing => self.keep_going = true,
            Line::Order(order) => self.order = order,
            Line::Source(source) => self.source = Some(source.to_owned()),
            Line::Differs(record) => self.differs = Some(record.to_owned()),
        }
        let answers =
            [self.results.is_some(), self.none, self.not_run].iter().filter(|&&given| given).count();
        let silent = self.printed.is_empty() || !self.not_run;
        if answers > 1 || !silent {
            return Err("this contradicts the expectation above it");
        }
        Ok(())
    }

    /// Takes out what is said to the form above.
    fn split(mut self) -> (Option<Answer>, Self) {
        let printed = std::mem::take(&mut self.printed);
        let results = self.results.take();
        let given = results.is_some() || self.none || self.not_run || !printed.is_empty();
        let outcome =
            if self.not_run { Outcome::NotRun } else { Outcome::Results(results.unwrap_or_default()) };
        (given.then_some(Answer { printed, outcome }), self)
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// The name of the folders that hold modules for the corpus files beside them.
const MODULES: &str = "files";

/// Returns the folder in which the modules of a corpus file are: `files` beside it.
pub fn modules_of(path: &Path) -> PathBuf {
    path.with_file_name(MODULES)
}

/// Lists the corpus files below `folder`, sorted by path. Folders of modules are left out.
///
/// # Errors
/// Those of reading folders.
pub fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                pending.extend(Some(path).filter(|path| !path.ends_with(MODULES)));
            } else if path.extension().is_some_and(|extension| extension == "metta") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests;
