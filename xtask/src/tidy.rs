//! `cargo xtask tidy`: the rules of this project that no compiler checks.
//!
//! Every finding says which file, which rule, and how to mend it. Errors fail the run;
//! hints ask for a second look.

mod invariants;
mod layers;
pub(crate) mod links;
mod names;
mod rust;

use anyhow::{Result, bail};

use crate::reference;
use crate::source::Source;
use crate::workspace;

/// The layer of the facade: libraries up to here are for users, those above are tools.
const FACADE: u64 = 6;

/// What the rules found.
#[derive(Default)]
pub(crate) struct Report {
    errors: Vec<String>,
    hints: Vec<String>,
}

impl Report {
    /// Notes a broken rule.
    fn error(&mut self, place: &str, rule: &str, found: &str, mend: &str) {
        self.errors.push(format!("{place}: [{rule}] {found}\n    mend: {mend}"));
    }

    /// Notes something worth a second look.
    fn hint(&mut self, place: &str, rule: &str, found: &str) {
        self.hints.push(format!("{place}: [{rule}] {found}"));
    }
}

/// Checks every rule; `--fix` redraws the layer diagram first.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let fix = match args {
        [] => false,
        [flag] if flag == "--fix" => true,
        _ => bail!("`tidy` takes only `--fix`"),
    };
    let members = workspace::members()?;
    let mut report = Report::default();
    layers::check(&members, &mut report);
    layers::check_diagram(&members, fix, &mut report)?;
    let mut sources = Vec::new();
    for member in &members {
        for path in workspace::files(&workspace::root().join(&member.dir), "rs")? {
            sources.push(Source::read(&path)?);
        }
        rust::check_manifest(member, &mut report)?;
    }
    for source in &sources {
        rust::check_sizes(source, &mut report);
    }
    for member in members.iter().filter(|member| member.is_library && member.layer <= Some(FACADE)) {
        let dir = format!("{}/src/", member.dir.display());
        for source in sources.iter().filter(|source| source.path.starts_with(&dir)) {
            rust::check_error_types(source, &mut report);
        }
    }
    invariants::check(&members, &sources, &mut report);
    links::check(&mut report)?;
    names::check(&mut report);
    for page in reference::stale()? {
        report.error(&page, "reference", "the library and the book disagree", "cargo xtask reference");
    }
    finish(&report, members.len(), sources.len())
}

fn finish(report: &Report, n_members: usize, n_sources: usize) -> Result<()> {
    for hint in &report.hints {
        println!("hint: {hint}");
    }
    for error in &report.errors {
        println!("error: {error}");
    }
    let (errors, hints) = (report.errors.len(), report.hints.len());
    println!("tidy: {n_members} crates, {n_sources} Rust files, {errors} errors, {hints} hints");
    if errors > 0 {
        bail!("{errors} rules are broken, listed above");
    }
    Ok(())
}
