//! The reference engine as a process that answers programs.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};
use conformance::generate::Program;
use conformance::{Answer, Outcome};
use serde_json::{Value, json};

const DRIVER: &str = include_str!("driver.py");
/// How long a program may take.
const SECONDS: u64 = 10;
/// It panics at random on some programs: how often one is tried.
const ATTEMPTS: usize = 4;
/// The signal of the alarm that ends a program which takes too long.
const ALARM: u64 = 14;

/// What the reference did with a program.
pub(crate) enum Reply {
    /// It answered every form.
    Answers(Vec<Answer>),
    /// Its process ended, every time.
    Crashed,
    /// It took too long.
    Slow,
}

/// A running reference engine.
pub(crate) struct Reference {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Reference {
    /// Starts the engine.
    pub(crate) fn start(python: &Path) -> Result<Self> {
        let mut child = Command::new(python)
            .args(["-c", DRIVER])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} does not start", python.display()))?;
        let input = child.stdin.take().context("no standard input")?;
        let output = BufReader::new(child.stdout.take().context("no standard output")?);
        Ok(Reference { child, input, output })
    }

    /// Runs a program, every form of it whatever the others answer.
    pub(crate) fn ask(&mut self, program: &Program) -> Result<Reply> {
        for attempt in 0..ATTEMPTS {
            let (answers, signal) = self.attempt(program, attempt)?;
            if signal == ALARM {
                return Ok(Reply::Slow);
            }
            if answers.len() == program.forms.len() {
                return Ok(Reply::Answers(answers));
            }
        }
        Ok(Reply::Crashed)
    }

    /// Runs a program once more, with its tables in another order; no answers if it did not end.
    pub(crate) fn ask_again(&mut self, program: &Program, run: usize) -> Result<Vec<Answer>> {
        let (answers, _) = self.attempt(program, ATTEMPTS + run)?;
        Ok(if answers.len() == program.forms.len() { answers } else { Vec::new() })
    }

    fn attempt(&mut self, program: &Program, attempt: usize) -> Result<(Vec<Answer>, u64)> {
        let forms: Vec<Value> = program.forms.iter().map(|form| json!([form.atom, form.run])).collect();
        writeln!(self.input, "{}", json!({"forms": forms, "seconds": SECONDS, "attempt": attempt}))?;
        let mut line = String::new();
        ensure!(self.output.read_line(&mut line)? > 0, "the reference ended");
        let reply: Value = serde_json::from_str(&line)?;
        let answers = reply["answers"].as_array().context("no answers")?;
        Ok((answers.iter().map(answer).collect::<Result<_>>()?, reply["signal"].as_u64().unwrap_or_default()))
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        // It may have ended by itself.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn answer(value: &Value) -> Result<Answer> {
    let lines = |key: &str| -> Result<Vec<String>> {
        let lines = value[key].as_array().with_context(|| format!("no `{key}` in {value}"))?;
        lines.iter().map(|line| Ok(line.as_str().context("not a text")?.to_owned())).collect()
    };
    let results = match value["raised"].as_str() {
        Some(why) => vec![format!("refused: {why}")],
        None => lines("results")?,
    };
    Ok(Answer { printed: lines("printed")?, outcome: Outcome::Results(results) })
}
