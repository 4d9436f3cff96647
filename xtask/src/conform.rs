//! `cargo xtask conform`: does the corpus state what the reference engine answers?
//!
//! The corpus test ties our engine to the expectations in the corpus; this command ties the
//! same expectations to the reference, as multisets modulo variable names, since its order
//! is not ours. A form whose answer differs must say so (`;@ differs: ADR-nnnn`), and one
//! that says so must differ.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use conformance::{Answer, CorpusFile, Form, Order, Outcome, compare, files, modules_of};
use serde_json::{Value, json};

use crate::{shell, workspace};

/// The release of the reference that the expectations are compared with.
const REFERENCE: &str = "hyperon==0.2.10";
const DRIVER: &str = include_str!("conform_driver.py");
/// The reference panics at random on some programs: how often a form is tried.
const ATTEMPTS: usize = 5;
/// How long the reference may take for one file.
const SECONDS_PER_FILE: u64 = 120;

const HELP: &str = "\
usage: cargo xtask conform [--python PATH] [FILTER]...

Compares the expectations of the corpus with the answers of the reference engine.

  --python PATH  an interpreter that has the reference installed;
                 without it one is made under target/conform-venv
  FILTER         only files whose path contains it";

/// Runs the command with its arguments.
///
/// # Errors
/// When the reference cannot be installed or run, when a file is malformed, and when an
/// answer differs that should not.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let mut python = None;
    let mut filters = Vec::new();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match arg.as_str() {
            "--help" | "-h" => {
                println!("{HELP}");
                return Ok(());
            }
            "--python" => python = Some(PathBuf::from(rest.next().context("--python needs a path")?)),
            option if option.starts_with('-') => bail!("unknown option `{option}`\n{HELP}"),
            filter => filters.push(filter),
        }
    }
    let root = workspace::root();
    let python = match python {
        Some(python) => python,
        None => install(&root.join("target/conform-venv"))?,
    };
    let corpus = root.join("crates/conformance/tests/corpus");
    let mut total = Tally::default();
    println!(
        "{:<40} {:>10} {:>10} {:>12} {:>9}",
        "file", "assertions", "agreements", "differences", "failures"
    );
    for path in files(&corpus)? {
        let name = path.strip_prefix(&corpus)?.display().to_string();
        if !filters.is_empty() && !filters.iter().any(|filter| name.contains(filter)) {
            continue;
        }
        let file = CorpusFile::parse_complete(&std::fs::read_to_string(&path)?)
            .map_err(|error| anyhow::anyhow!("{name}, {error}"))?;
        let replies = ask(&python, &file, &modules_of(&path)).with_context(|| name.clone())?;
        let tally = judge(&name, &file, &replies);
        println!("{}", tally.row(&name));
        total.add(tally);
    }
    ensure!(total.files > 0, "no corpus file was found");
    println!("{}", total.row(&format!("{} files", total.files)));
    for failure in &total.failures {
        println!("\n{failure}");
    }
    ensure!(total.failures.is_empty(), "{} answers are not what the corpus says", total.failures.len());
    Ok(())
}

/// Makes a Python environment with the reference, unless it is there, and returns its interpreter.
///
/// # Errors
/// When Python or the package cannot be had.
pub(crate) fn install(folder: &Path) -> Result<PathBuf> {
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let marker = folder.join("installed");
    if std::fs::read_to_string(&marker).is_ok_and(|installed| installed == REFERENCE) {
        return Ok(python);
    }
    shell::run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
    shell::run(Command::new(&python).args(["-m", "pip", "install", "--quiet", REFERENCE]))?;
    std::fs::write(&marker, REFERENCE)?;
    Ok(python)
}

/// What the reference did with a form.
enum Reply {
    Answer(Answer),
    /// It refused the form, a malformed literal for example.
    Raised(String),
    /// The process ended, every time.
    Crashed,
}

/// Runs a file on the reference. A form that it did not reach has no reply.
fn ask(python: &Path, file: &CorpusFile, modules: &Path) -> Result<BTreeMap<usize, Reply>> {
    let forms: Vec<Value> =
        file.forms.iter().map(|form| json!({"text": form.atom, "run": form.run})).collect();
    let mut crashes: BTreeMap<usize, usize> = BTreeMap::new();
    loop {
        let skip: BTreeSet<usize> =
            crashes.iter().filter(|(_, times)| **times >= ATTEMPTS).map(|(index, _)| *index).collect();
        let job = json!({
            "forms": forms, "keep_going": file.keep_going, "skip": skip, "seconds": SECONDS_PER_FILE,
            "modules": modules,
        });
        let (mut replies, ended_at) = attempt(python, &job)?;
        let Some(index) = ended_at else {
            replies.extend(skip.into_iter().map(|index| (index, Reply::Crashed)));
            return Ok(replies);
        };
        // A form that is known to end the reference is not tried again and again.
        let expected = file.forms.get(index).is_some_and(|form| form.differs.is_some());
        *crashes.entry(index).or_default() += if expected { ATTEMPTS } else { 1 };
    }
}

/// Runs a job once. The second part is the form that ended the process.
fn attempt(python: &Path, job: &Value) -> Result<(BTreeMap<usize, Reply>, Option<usize>)> {
    let mut child = Command::new(python)
        .args(["-c", DRIVER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{} does not start", python.display()))?;
    child.stdin.take().context("no standard input")?.write_all(job.to_string().as_bytes())?;
    let output = child.wait_with_output()?;
    let mut replies = BTreeMap::new();
    let mut begun = None;
    for line in String::from_utf8(output.stdout)?.lines() {
        let value: Value = serde_json::from_str(line)?;
        if let Some(index) = value["begin"].as_u64() {
            begun = Some(usize::try_from(index)?);
            continue;
        }
        let index = begun.take().context("an answer to no form")?;
        replies.insert(index, reply(&value)?);
    }
    match begun {
        Some(index) => Ok((replies, Some(index))),
        None if output.status.success() => Ok((replies, None)),
        None => bail!("the driver failed: {}", String::from_utf8_lossy(&output.stderr)),
    }
}

fn reply(value: &Value) -> Result<Reply> {
    if let Some(why) = value["raised"].as_str() {
        return Ok(Reply::Raised(why.to_owned()));
    }
    let lines = |key: &str| -> Result<Vec<String>> {
        let lines = value[key].as_array().with_context(|| format!("no `{key}` in {value}"))?;
        lines.iter().map(|line| Ok(line.as_str().context("not a text")?.to_owned())).collect()
    };
    Ok(Reply::Answer(Answer { printed: lines("printed")?, outcome: Outcome::Results(lines("results")?) }))
}

#[derive(Default)]
struct Tally {
    files: usize,
    assertions: usize,
    agreements: usize,
    differences: usize,
    failures: Vec<String>,
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.files += 1;
        self.assertions += other.assertions;
        self.agreements += other.agreements;
        self.differences += other.differences;
        self.failures.extend(other.failures);
    }

    fn row(&self, name: &str) -> String {
        let Tally { assertions, agreements, differences, failures, .. } = self;
        format!("{name:<40} {assertions:>10} {agreements:>10} {differences:>12} {:>9}", failures.len())
    }
}

fn judge(name: &str, file: &CorpusFile, replies: &BTreeMap<usize, Reply>) -> Tally {
    let mut tally = Tally { assertions: file.assertions(), ..Tally::default() };
    for (index, form) in file.forms.iter().enumerate() {
        let difference = difference(form, replies.get(&index));
        let stated = form.expected.is_some();
        match (difference, &form.differs) {
            (None, None) => tally.agreements += usize::from(stated),
            (Some(_), Some(_)) => tally.differences += usize::from(stated),
            (Some(what), None) => tally.failures.push(format!("{name}:{}: {}\n{what}", form.line, form.atom)),
            (None, Some(record)) => tally.failures.push(format!(
                "{name}:{}: {}\nsays that it differs ({record}), but the reference agrees",
                form.line, form.atom
            )),
        }
    }
    tally
}

fn difference(form: &Form, reply: Option<&Reply>) -> Option<String> {
    let answer = match reply {
        None => &Answer::not_run(),
        Some(Reply::Answer(answer)) => answer,
        Some(Reply::Raised(why)) => return Some(format!("the reference refuses it: {why}")),
        Some(Reply::Crashed) => {
            return Some(format!("the reference panics on it, {ATTEMPTS} times of {ATTEMPTS}"));
        }
    };
    // Nothing is said about a form that is only stored when the run has stopped before.
    if !form.run && form.expected.is_none() && reply.is_none() {
        return None;
    }
    compare(&form.required(), answer, Order::Bag).err().map(|difference| difference.to_string())
}

#[cfg(test)]
mod tests {
    use super::{Reply, judge};
    use conformance::{Answer, CorpusFile, Outcome};

    fn results(results: &[&str]) -> Reply {
        let results = results.iter().map(|&result| result.to_owned()).collect();
        Reply::Answer(Answer { printed: Vec::new(), outcome: Outcome::Results(results) })
    }

    fn check(text: &str, reply: Option<Reply>, counts: [usize; 3]) {
        let file = CorpusFile::parse_complete(text).unwrap();
        let replies = reply.into_iter().map(|reply| (0, reply)).collect();
        let tally = judge("file", &file, &replies);
        assert_eq!(
            [tally.agreements, tally.differences, tally.failures.len()],
            counts,
            "{text}: {:?}",
            tally.failures
        );
    }

    #[test]
    fn an_undeclared_difference_fails() {
        check("!(f)\n;=> 1\n;=> 2\n", Some(results(&["2", "1"])), [1, 0, 0]);
        check("!(f)\n;=> 1\n", Some(results(&["2"])), [0, 0, 1]);
        check("!(f)\n;=> 1\n", Some(Reply::Raised("no".to_owned())), [0, 0, 1]);
        check("!(f)\n;=> 1\n", Some(Reply::Crashed), [0, 0, 1]);
        check("!(f)\n;=> 1\n", None, [0, 0, 1]);
        check("!(f)\n;=>not-run\n", None, [1, 0, 0]);
        check("(fact)\n", Some(results(&[])), [0, 0, 0]);
        check("(fact)\n", Some(results(&["(Error a b)"])), [0, 0, 1]);
        check("(fact)\n", None, [0, 0, 0]);
    }

    #[test]
    fn a_declared_difference_must_be_one() {
        check(";@ differs: ADR-0001\n!(f)\n;=> 1\n", Some(results(&["2"])), [0, 1, 0]);
        check(";@ differs: ADR-0001\n!(f)\n;=> 1\n", Some(Reply::Crashed), [0, 1, 0]);
        check(";@ differs: ADR-0001\n!(f)\n;=> 1\n", Some(results(&["1"])), [0, 0, 1]);
    }
}
