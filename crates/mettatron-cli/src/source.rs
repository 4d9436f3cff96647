//! The texts of a program.

use std::io::Read;
use std::path::Path;

use anyhow::Context;
use mettatron::Library;
use mettatron::syntax::{Diagnostic, Form, LineIndex, Span, parse_bytes};

use crate::args::Args;

/// A text with its name.
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    /// Where its forms begin in the program.
    first: usize,
    lines: LineIndex,
}

/// All texts, read.
#[derive(Default)]
pub(crate) struct Program {
    pub(crate) forms: Vec<Form>,
    /// Where each form is in its source.
    pub(crate) spans: Vec<Span>,
    sources: Vec<Source>,
    /// What is wrong with the last source.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Program {
    /// Reads the texts that the command line names, up to the first mistake.
    ///
    /// Forms before a mistake are part of the program: it does not take back their results.
    pub(crate) fn read(args: &Args, library: &Library) -> anyhow::Result<Self> {
        // All files are opened before anything runs: a wrong name has no other effect.
        let mut texts = Vec::new();
        for path in &args.files {
            texts.push(open(path)?);
        }
        let expressions =
            args.expressions.iter().map(|text| ("expression".to_owned(), text.as_bytes().to_vec()));
        let mut program = Program::default();
        let n_files = texts.len();
        for (name, bytes) in texts.into_iter().chain(expressions) {
            let mut parsed = parse_bytes(&bytes, library);
            if let Some(mistake) = parsed.diagnostics.first() {
                let end = mistake.span.start;
                parsed.forms.retain(|form| form.span.start < end);
            }
            let lines = LineIndex::new(&bytes);
            program.sources.push(Source { name, bytes, first: program.forms.len(), lines });
            program.spans.extend(parsed.forms.iter().map(|form| form.span));
            program.forms.append(&mut parsed.forms);
            if !parsed.diagnostics.is_empty() {
                program.diagnostics = parsed.diagnostics;
                break;
            }
        }
        program.run_last_expression(n_files);
        Ok(program)
    }

    /// Evaluates the last form of the expressions when none of them is to be evaluated.
    fn run_last_expression(&mut self, n_files: usize) {
        let Some(first) = self.sources.get(n_files).map(|source| source.first) else { return };
        let asked = &mut self.forms[first..];
        if !asked.iter().any(|form| form.run)
            && let Some(last) = asked.last_mut()
        {
            last.run = true;
        }
    }

    /// Returns the source that holds a form.
    pub(crate) fn source(&self, form: usize) -> Option<&Source> {
        self.sources.iter().rev().find(|source| source.first <= form)
    }

    /// Returns the source that the diagnostics are about.
    pub(crate) fn last(&self) -> Option<&Source> {
        self.sources.last()
    }

    /// Returns the name of the source and the line of each form.
    pub(crate) fn places(&self) -> Places {
        let mut lines = Vec::with_capacity(self.spans.len());
        for (form, span) in self.spans.iter().enumerate() {
            lines.push(self.source(form).map_or(0, |source| source.lines.position(span.start).0));
        }
        Places {
            names: self.sources.iter().map(|source| (source.first, source.name.clone())).collect(),
            lines,
        }
    }
}

/// Where the forms of a program are written.
#[derive(Default)]
pub(crate) struct Places {
    names: Vec<(usize, String)>,
    lines: Vec<usize>,
}

impl Places {
    pub(crate) fn of(&self, form: usize) -> (&str, usize) {
        let name = self.names.iter().rev().find(|(first, _)| *first <= form).map_or("", |(_, name)| name);
        (name, self.lines.get(form).copied().unwrap_or(0))
    }
}

fn open(path: &Path) -> anyhow::Result<(String, Vec<u8>)> {
    if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).context("cannot read the standard input")?;
        return Ok(("standard input".to_owned(), bytes));
    }
    let bytes = std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    Ok((path.display().to_string(), bytes))
}
