//! The engines that run the programs.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use super::program::Language;
use crate::{conform, shell, tools, workspace};

/// The name of the column of SWI-Prolog.
pub(super) const PROLOG: &str = "swipl";
/// The name of the column of the reference engine.
pub(super) const REFERENCE: &str = "reference";

/// Our columns: a name and further arguments of the command. The bounds hold for the first, which keeps no
/// answers of calls, as the peers do not. One thread works, so that processor time is what the work takes.
const VARIANTS: &[(&str, &[&str])] =
    &[("mettatron", &["--jobs=1", "--no-tabling"]), ("tabling", &["--jobs=1"])];

const DRIVER: &str = "\
import sys
from hyperon import MeTTa
for results in MeTTa().run(open(sys.argv[1]).read()):
    print(results)";

/// A program that runs programs.
#[derive(Clone, Debug)]
pub(super) struct Engine {
    pub(super) name: String,
    pub(super) language: Language,
    program: PathBuf,
    arguments: Vec<OsString>,
}

impl Engine {
    /// Our engine in all variants, from a binary.
    pub(super) fn variants(binary: &Path) -> Vec<Engine> {
        let variant = |(name, arguments): &(&str, &[&str])| Engine::ours(name, binary, arguments);
        VARIANTS.iter().map(variant).collect()
    }

    /// An earlier version of our engine, run as the first variant.
    pub(super) fn base(binary: &Path) -> Engine {
        Engine::ours("base", binary, VARIANTS.first().map_or(&[], |(_, arguments)| arguments))
    }

    fn ours(name: &str, binary: &Path, arguments: &[&str]) -> Engine {
        Engine {
            name: name.to_owned(),
            language: Language::Metta,
            program: binary.to_owned(),
            arguments: arguments.iter().map(OsString::from).collect(),
        }
    }

    /// SWI-Prolog with optimised arithmetic and room for deep recursion.
    ///
    /// # Errors
    /// When it is not installed.
    pub(super) fn prolog() -> Result<Engine> {
        let found = Command::new("swipl").arg("--version").stdout(Stdio::null()).status();
        ensure!(
            found.is_ok_and(|status| status.success()),
            "`swipl` does not start: install SWI-Prolog (`apt-get install swi-prolog-nox`, \
             `brew install swi-prolog`) or leave out --peers"
        );
        let arguments = ["-O", "--stack_limit=8g", "-g", "main", "-t", "halt"];
        Ok(Engine {
            name: PROLOG.to_owned(),
            language: Language::Prolog,
            program: "swipl".into(),
            arguments: arguments.iter().map(OsString::from).collect(),
        })
    }

    /// The reference engine, installed if no interpreter is given that has it.
    ///
    /// # Errors
    /// When it cannot be installed.
    pub(super) fn reference(python: Option<&Path>) -> Result<Engine> {
        let program = match python {
            Some(python) => python.to_owned(),
            None => conform::install(&workspace::root().join("target/conform-venv"))?,
        };
        Ok(Engine {
            name: REFERENCE.to_owned(),
            language: Language::Metta,
            program,
            arguments: ["-c", DRIVER].iter().map(OsString::from).collect(),
        })
    }

    /// The command that runs a file.
    pub(super) fn command(&self, file: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).arg(file);
        command
    }

    /// The same under `callgrind`, which counts instructions and leaves a profile in `profile`.
    pub(super) fn counted(&self, file: &Path, profile: &Path) -> Command {
        let mut command = Command::new("valgrind");
        let mut to = OsString::from("--callgrind-out-file=");
        to.push(profile);
        command.arg("--tool=callgrind").arg(to).arg(&self.program).args(&self.arguments).arg(file);
        command
    }

    /// The answer in what a run printed: the last line, in MeTTa a list of one result.
    pub(super) fn answer<'a>(&self, output: &'a str) -> &'a str {
        let line = output.trim_end().lines().next_back().unwrap_or_default();
        match self.language {
            Language::Prolog => line,
            Language::Metta => line.strip_prefix('[').and_then(|line| line.strip_suffix(']')).unwrap_or(line),
        }
    }
}

/// The binary that `--base` means: a file, or a revision that is built below `target/bench`.
///
/// # Errors
/// When it is neither, or does not build.
pub(super) fn base(what: &str, folder: &Path) -> Result<PathBuf> {
    let path = Path::new(what);
    if path.is_file() {
        return Ok(std::path::absolute(path)?);
    }
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.args(arguments).current_dir(workspace::root());
        git
    };
    let commit = format!("{what}^{{commit}}");
    let output = git(&["rev-parse", "--verify", "--quiet", &commit]).output().context("cannot start git")?;
    if !output.status.success() {
        bail!("`{what}` is neither a file nor a revision");
    }
    let revision = String::from_utf8(output.stdout)?;
    let revision = revision.trim();
    let tree = folder.join("base").join(revision);
    if !tree.is_dir() {
        let mut add = git(&["worktree", "add", "--force", "--detach"]);
        shell::run(add.arg(&tree).arg(revision))?;
    }
    // Dependencies are compiled once for all revisions.
    let built = tools::build_engine(&tree, Some(&folder.join("base-target")))?;
    // The next revision is built at the same place.
    let kept = tree.join("target-mettatron");
    std::fs::copy(built, &kept)?;
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_the_last_line() {
        let ours = Engine::base(Path::new("mettatron"));
        assert_eq!(ours.answer("[()]\n[(a b)]\n"), "(a b)");
        assert_eq!(ours.answer("[1, 2]\n"), "1, 2");
        assert_eq!(ours.answer(""), "");
        let prolog = Engine { language: Language::Prolog, ..ours };
        assert_eq!(prolog.answer("Warning\n[1]\n"), "[1]");
    }

    #[test]
    fn what_is_no_file_must_be_a_revision() {
        let error = base("no-such-revision", Path::new("target/bench")).unwrap_err();
        assert!(error.to_string().contains("neither"), "{error}");
    }
}
