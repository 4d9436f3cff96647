//! `cargo xtask data`: facts for the WordNet example, and a check of what the
//! engine answers over them.
//!
//! `data wordnet` fetches Debian's `wordnet-base` package (unpacked below
//! `target`, nothing is installed) and writes `target/data/wordnet.metta`.
//! `data check` runs the engine on the example programs and has their answers
//! compared: those of `robot_planning.metta` with the recorded ones, those of
//! `wordnet.metta` with what `wordnet_check.py` computes from WordNet's own
//! files without any of the code here. `data store` puts WordNet and the Unicode
//! Character Database (Debian's `unicode-data`) into files of spaces, kills the
//! writer on the way, and compares.

mod unicode;
mod wordnet;

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

use crate::tools;

const USAGE: &str = "\
usage: cargo xtask data wordnet [--from DIR] [--out FILE]
       cargo xtask data check [--from DIR] [--facts FILE] [--engine FILE]
       cargo xtask data store [--from DIR] [--facts FILE]

  --from DIR     a directory with WordNet's data.* and index.* files; without it
                 the Debian package wordnet-base is downloaded
  --out FILE     where the facts go (target/data/wordnet.metta)
  --facts FILE   the facts to check (target/data/wordnet.metta)
  --engine FILE  the mettatron binary to run (without it: built with --release)";

/// Runs `cargo xtask data ARGS...`.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let Some((task, rest)) = args.split_first() else {
        bail!("{USAGE}");
    };
    let options = Options::parse(rest)?;
    match task.as_str() {
        "wordnet" => {
            let dict = options.dict()?;
            let out = options.facts.unwrap_or_else(default_facts);
            convert(&dict, &out)
        }
        "check" => check(options),
        "store" => store(options),
        _ => bail!("unknown task `{task}`\n{USAGE}"),
    }
}

/// Paths given on the command line.
#[derive(Debug, Default)]
struct Options {
    from: Option<PathBuf>,
    facts: Option<PathBuf>,
    engine: Option<PathBuf>,
}

impl Options {
    fn parse(args: &[String]) -> Result<Self> {
        let mut options = Self::default();
        let mut args = args.iter();
        while let Some(name) = args.next() {
            let slot = match name.as_str() {
                "--from" => &mut options.from,
                "--out" | "--facts" => &mut options.facts,
                "--engine" => &mut options.engine,
                _ => bail!("unknown option `{name}`\n{USAGE}"),
            };
            let value = args.next().with_context(|| format!("{name} needs a value\n{USAGE}"))?;
            // Commands run in the project's root, so a path given relative to
            // the caller's directory is made absolute.
            *slot = Some(std::path::absolute(value)?);
        }
        Ok(options)
    }

    fn dict(&self) -> Result<PathBuf> {
        match &self.from {
            Some(dict) => Ok(dict.clone()),
            None => debian_dict(),
        }
    }
}

/// The project's root directory.
fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

fn data_dir() -> PathBuf {
    root().join("target/data")
}

fn default_facts() -> PathBuf {
    data_dir().join("wordnet.metta")
}

/// Writes a line to standard output; a closed pipe is an error like any other.
fn say(line: &str) -> Result<()> {
    writeln!(io::stdout(), "{line}")?;
    Ok(())
}

/// Runs `command` after showing it.
fn shown(command: &mut Command) -> Result<()> {
    show(command)?;
    let status = command.status().with_context(|| format!("cannot run {:?}", command.get_program()))?;
    ensure!(status.success(), "{:?} failed: {status}", command.get_program());
    Ok(())
}

fn show(command: &Command) -> Result<()> {
    let mut line = format!("$ {}", command.get_program().to_string_lossy());
    for arg in command.get_args() {
        line.push(' ');
        line.push_str(&arg.to_string_lossy());
    }
    say(&line)
}

/// WordNet's files out of Debian's package.
fn debian_dict() -> Result<PathBuf> {
    let noun = debian("wordnet-base", "usr/share/wordnet/data.noun")?;
    Ok(noun.parent().context("the file is in a folder")?.to_path_buf())
}

/// A file of a package of Debian, unpacked below `target/data`.
fn debian(package: &str, file: &str) -> Result<PathBuf> {
    let unpacked = data_dir().join(package);
    let file = unpacked.join(file);
    if file.is_file() {
        return Ok(file);
    }
    let packages = data_dir().join("packages");
    fs::create_dir_all(&packages)?;
    let mut found = downloaded(&packages, package)?;
    if found.is_none() {
        download(&packages, package)?;
        found = downloaded(&packages, package)?;
    }
    let found = found.with_context(|| format!("apt-get left no {package} package behind"))?;
    shown(Command::new("dpkg").arg("-x").arg(found).arg(&unpacked))?;
    ensure!(file.is_file(), "the package has no {}", file.display());
    Ok(file)
}

fn download(packages: &Path, package: &str) -> Result<()> {
    let download = || shown(Command::new("apt-get").args(["download", package]).current_dir(packages));
    if download().is_ok() {
        return Ok(());
    }
    // A fresh machine has no package lists yet.
    shown(Command::new("apt-get").arg("update")).context("cannot update the package lists")?;
    download().with_context(|| format!("cannot download {package}"))
}

fn downloaded(packages: &Path, package: &str) -> Result<Option<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(packages)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(&format!("{package}_")) && name.ends_with(".deb") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found.pop())
}

/// Puts two data sets into files, kills the writer on the way, and compares.
fn store(options: Options) -> Result<()> {
    let facts = options.facts.clone().unwrap_or_else(default_facts);
    if !facts.is_file() {
        convert(&options.dict()?, &facts)?;
    }
    let characters = debian("unicode-data", "usr/share/unicode/UnicodeData.txt")?;
    let unicode = data_dir().join("unicode.metta");
    let mut out = io::BufWriter::new(File::create(&unicode)?);
    let n = unicode::convert(&fs::read_to_string(characters)?, &mut out)?;
    out.flush()?;
    say(&format!("{}: {n} facts", unicode.display()))?;
    for text in [facts, unicode] {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["run", "--release", "--package", "mettatron", "--example", "store", "--", "check"]);
        shown(cargo.arg(text).current_dir(root()))?;
    }
    Ok(())
}

fn convert(dict: &Path, out: &Path) -> Result<()> {
    if let Some(parent) = out.parent() {
        fs::create_dir_all(parent)?;
    }
    // A reader never finds half a file under the final name.
    let partial = out.with_extension("partial");
    let file = File::create(&partial).with_context(|| format!("cannot write {}", partial.display()))?;
    let mut writer = io::BufWriter::with_capacity(1 << 20, file);
    let counts = wordnet::convert(dict, &mut writer)?;
    writer.flush()?;
    fs::rename(&partial, out)?;
    say(&format!("{}: {counts}", out.display()))
}

fn check(options: Options) -> Result<()> {
    let dict = options.dict()?;
    let facts = options.facts.unwrap_or_else(default_facts);
    if !facts.is_file() {
        convert(&dict, &facts)?;
    }
    let engine = match options.engine {
        Some(engine) => engine,
        None => tools::build_engine(&root(), None)?,
    };
    let examples = root().join("examples");
    check_recorded(&engine, &examples.join("robot_planning.metta"))?;

    let program = examples.join("wordnet.metta");
    let answers = data_dir().join("wordnet.answers");
    fs::create_dir_all(data_dir())?;
    fs::write(&answers, answers_of(&engine, &[&facts, &program])?)?;
    let script = root().join("xtask/src/wordnet_check.py");
    let mut python = Command::new("python3");
    python.arg(script).arg("--dict").arg(dict).arg("--facts").arg(facts);
    shown(python.arg("--program").arg(program).arg("--answers").arg(answers))
}

/// What the engine prints on standard output for these files run as one program.
fn answers_of(engine: &Path, files: &[&Path]) -> Result<Vec<u8>> {
    let mut command = Command::new(engine);
    command.args(["--format", "text"]).args(files).stderr(Stdio::inherit());
    show(&command)?;
    let output = command.output().with_context(|| format!("cannot run {}", engine.display()))?;
    ensure!(output.status.success(), "{} failed: {}", engine.display(), output.status);
    Ok(output.stdout)
}

/// Compares a program's answers with the `.expected` file beside it.
fn check_recorded(engine: &Path, program: &Path) -> Result<()> {
    let recorded = program.with_extension("expected");
    let expected =
        fs::read_to_string(&recorded).with_context(|| format!("cannot read {}", recorded.display()))?;
    let answers = String::from_utf8(answers_of(engine, &[program])?)?;
    let mut left = expected.lines();
    let mut right = answers.lines();
    let mut line = 0;
    loop {
        line += 1;
        match (left.next(), right.next()) {
            (None, None) => break,
            (expected, got) => ensure!(
                expected == got,
                "{}:{line}: expected {}\n  got {}",
                recorded.display(),
                expected.unwrap_or("nothing more"),
                got.unwrap_or("nothing"),
            ),
        }
    }
    say(&format!("{}: {} answers as recorded", program.display(), line - 1))
}
