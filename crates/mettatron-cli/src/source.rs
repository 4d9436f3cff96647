//! The texts of a program.

use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use mettatron::Library;
use mettatron::diagnosis::{Mentions, Place, Texts, nearest};
use mettatron::syntax::{Diagnostic, Form, Span, parse_bytes};

use crate::args::SourceArgs;
use crate::seen::Seen;

/// All texts, read.
pub(crate) struct Program {
    pub(crate) forms: Vec<Form>,
    pub(crate) places: Places,
    /// What is wrong with the last text.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Where the forms of a program are written.
pub(crate) struct Places {
    pub(crate) texts: Texts,
    /// What the forms answered, for names that nothing declares.
    pub(crate) mentions: Mentions,
    /// Texts of modules that `texts` does not have yet.
    seen: Seen,
    /// Where each form is in its text.
    spans: Vec<Span>,
    /// The texts with forms that are run: the first form of each, and its number among all texts.
    firsts: Vec<(usize, usize)>,
}

impl Program {
    /// Reads the texts that the command line names, up to the first mistake.
    ///
    /// Forms before a mistake are part of the program: it does not take back their results.
    pub(crate) fn read(args: &SourceArgs, library: &Library, seen: Seen) -> anyhow::Result<Self> {
        // All files are opened before anything runs: a wrong name has no other effect.
        let mut texts = Vec::new();
        for path in &args.files {
            texts.push(open(path)?);
        }
        let expressions =
            args.expressions.iter().map(|text| ("expression".to_owned(), text.as_bytes().to_vec()));
        let places = Places::new(library.clone(), seen);
        let mut program = Program { forms: Vec::new(), places, diagnostics: Vec::new() };
        let n_files = texts.len();
        for (name, bytes) in texts.into_iter().chain(expressions) {
            let mut parsed = parse_bytes(&bytes, library);
            if let Some(mistake) = parsed.diagnostics.first() {
                let end = mistake.span.start;
                parsed.forms.retain(|form| form.span.start < end);
            }
            program.places.add(name, bytes, &parsed.forms);
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
        let Some((first, _)) = self.places.firsts.get(n_files) else { return };
        let asked = &mut self.forms[*first..];
        if !asked.iter().any(|form| form.run)
            && let Some(last) = asked.last_mut()
        {
            last.run = true;
        }
    }
}

impl Places {
    /// Begins without any text; those of modules come through `seen`.
    pub(crate) fn new(library: Library, seen: Seen) -> Self {
        Places {
            texts: Texts::new(library),
            mentions: Mentions::default(),
            seen,
            spans: Vec::new(),
            firsts: Vec::new(),
        }
    }

    /// Adds a text whose forms are to be run; returns its number, and that of its first form.
    pub(crate) fn add(&mut self, name: String, bytes: Vec<u8>, forms: &[Form]) -> (usize, usize) {
        let (text, first) = (self.texts.add(name, bytes), self.spans.len());
        self.firsts.push((first, text));
        self.spans.extend(forms.iter().map(|form| form.span));
        (text, first)
    }

    /// Takes up the texts of modules that were read meanwhile.
    pub(crate) fn catch_up(&mut self) {
        self.seen.take(&mut self.texts);
    }

    /// Returns where a form is.
    pub(crate) fn of(&self, form: usize) -> Option<Place> {
        let (_, text) = *self.firsts.iter().rfind(|(first, _)| *first <= form)?;
        Some(Place { text, span: *self.spans.get(form)? })
    }

    /// Returns the name of the text and the line and column where a place begins.
    pub(crate) fn describe(&self, place: Place) -> Option<(&str, usize, usize)> {
        let text = self.texts.get(place.text)?;
        let (line, column) = text.position(place.span.start);
        Some((text.name(), line, column))
    }

    /// Returns the number of the text that the diagnostics of the program are about.
    pub(crate) fn last(&self) -> Option<usize> {
        self.firsts.len().checked_sub(1)
    }
}

/// Replaces each folder by the files `*.metta` in it and below, in the order of their names.
///
/// # Errors
/// A folder that cannot be read, or has no such file.
pub(crate) fn expand(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let before = files.len();
        let mut folders = vec![path.clone()];
        while let Some(folder) = folders.pop() {
            let problem = || format!("cannot read the folder `{}`", folder.display());
            for entry in std::fs::read_dir(&folder).with_context(problem)? {
                let (path, kind) =
                    entry.and_then(|entry| Ok((entry.path(), entry.file_type()?))).with_context(problem)?;
                let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
                match kind.is_dir() {
                    // Links are not followed: they may lead in circles.
                    true if !hidden => folders.push(path),
                    false if path.extension().is_some_and(|extension| extension == "metta") => {
                        files.push(path)
                    }
                    _ => {}
                }
            }
        }
        if files.len() == before {
            bail!("there is no file `*.metta` in the folder `{}`", path.display());
        }
        files[before..].sort();
    }
    Ok(files)
}

/// Reads a file, or the standard input for `-`.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn open(path: &Path) -> anyhow::Result<(String, Vec<u8>)> {
    if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).context("cannot read the standard input")?;
        return Ok(("standard input".to_owned(), bytes));
    }
    let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
    Ok((path.display().to_string(), bytes))
}

/// Says why a file cannot be read, and which one may be meant.
fn unreadable(path: &Path, error: &std::io::Error) -> anyhow::Error {
    let shown = path.display();
    let kind = error.kind();
    if kind == ErrorKind::IsADirectory {
        return anyhow!(
            "`{shown}` is a folder; give a file in it, or check it with `mettatron check {shown}`"
        );
    }
    if kind == ErrorKind::PermissionDenied {
        return anyhow!("no permission to read `{shown}`");
    }
    if kind != ErrorKind::NotFound {
        return anyhow!("cannot read `{shown}`: {error}");
    }
    match meant(path) {
        Some(meant) => anyhow!("there is no file `{shown}`; did you mean {meant}?"),
        None => anyhow!("there is no file `{shown}`"),
    }
}

/// A file beside the one that is missing, or a command, with a name like its own.
fn meant(path: &Path) -> Option<String> {
    let with_ending = path.with_extension("metta");
    if path.extension().is_none() && with_ending.is_file() {
        return Some(format!("`{}`", with_ending.display()));
    }
    let name = path.file_name()?.to_str()?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let entries = std::fs::read_dir(folder.unwrap_or(Path::new("."))).ok()?;
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    if let Some(near) = nearest(name, names.iter().map(String::as_str)).first() {
        return Some(format!("`{}`", path.with_file_name(near).display()));
    }
    let commands = crate::commands::names();
    let near = nearest(name, commands.iter().map(String::as_str)).into_iter().next();
    near.filter(|_| folder.is_none()).map(|near| format!("the command `{near}`"))
}

/// Writes a file.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("cannot write `{}`", path.display()))
}

/// Writes a text beside a file and moves it there, so that the file is whole at any moment.
///
/// # Errors
/// When it cannot be written; the file is then as it was.
pub(crate) fn replace(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let problem = || format!("cannot write `{}`", file.display());
    let target = std::fs::canonicalize(file).with_context(problem)?;
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let beside = target.with_file_name(name);
    let written = std::fs::metadata(&target).and_then(|metadata| {
        let mut out = std::fs::File::create_new(&beside)?;
        out.write_all(bytes)?;
        out.set_permissions(metadata.permissions())?;
        out.sync_all()?;
        std::fs::rename(&beside, &target)
    });
    if written.is_err() {
        // What remains of it is of no use; the first problem is the one to tell.
        let _ = std::fs::remove_file(&beside);
    }
    written.with_context(problem)
}
