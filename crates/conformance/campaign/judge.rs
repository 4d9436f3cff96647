//! One program on both engines.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use conformance::generate::{Program, canonical};
use conformance::{Answer, CorpusFile, Order, Outcome, compare};
use mettatron::RunLimits;
use tokio::runtime::Handle;

use crate::engine::{Mode, run};
use crate::reference::{Reference, Reply};

/// How often the reference is asked again when it disagrees: some of its answers depend on the order of a
/// table that is another one in every run (ADR-0003).
const RUNS: usize = 12;
/// What ours may use for one program: a hang is a failure, not a wait.
const STEPS: u64 = 500_000;
const MEMORY_BYTES: u64 = 2 << 30;
const TIME: Duration = Duration::from_secs(60);

/// What came of a program.
pub(crate) enum Verdict {
    /// All agree; the answers of the reference, and whether it had others too.
    Agreement(Vec<Answer>, bool),
    /// They do not.
    Disagreement(Disagreement),
    /// Nothing can be said: why.
    Skipped(&'static str),
}

/// A form on which the engines disagree.
#[derive(Clone, Debug)]
pub(crate) struct Disagreement {
    /// The answers of the reference, or of our sequential mode where our own modes disagree.
    pub(crate) expected: Vec<Answer>,
    /// What ours said, or why it said nothing.
    pub(crate) found: Result<Answer, String>,
    /// The place of the form.
    pub(crate) form: usize,
    /// Which mode of ours.
    pub(crate) mode: Mode,
}

impl Disagreement {
    /// What kind of disagreement it is: a smaller program has to show the same kind.
    pub(crate) fn kind(&self) -> String {
        let expected = self.expected.get(self.form).map(kind).unwrap_or_default();
        let found = self.found.as_ref().map_or_else(Clone::clone, kind);
        format!("{expected} / {found}")
    }
}

/// Whether an answer has values, and the heads of the reasons of its errors.
fn kind(answer: &Answer) -> String {
    let Outcome::Results(results) = &answer.outcome else { return "not run".to_owned() };
    let mut kinds: Vec<String> = results
        .iter()
        .map(|result| match result.strip_prefix("(Error ") {
            None => "value".to_owned(),
            Some(_) => {
                let reasons = ["BadArgType", "BadType", "IncorrectNumberOfArguments", "NoReturn", "Expected"];
                reasons.iter().find(|reason| result.contains(**reason)).unwrap_or(&"error").to_string()
            }
        })
        .collect();
    kinds.sort();
    kinds.dedup();
    kinds.join(" ")
}

/// Runs a program on both engines and compares; ours also in the `modes`.
pub(crate) fn judge(
    program: &Program,
    modes: &[Mode],
    reference: &mut Reference,
    runtime: &Handle,
) -> Result<Verdict> {
    let ours = ours(program, Mode::Sequential, runtime);
    let mut theirs = match (reference.ask(program)?, &ours) {
        (Reply::Answers(answers), _) => answers,
        (Reply::Crashed, _) => return Ok(Verdict::Skipped(CRASHED)),
        (Reply::Slow, Ok(_)) => return Ok(Verdict::Skipped("too slow on the reference")),
        (Reply::Slow, Err(_)) => return Ok(Verdict::Skipped("endless")),
    };
    let disagreement = |form, found, expected: &[Answer], mode| {
        Ok(Verdict::Disagreement(Disagreement { expected: expected.to_vec(), found, form, mode }))
    };
    let ours = match ours {
        Ok(answers) => answers,
        Err((form, why)) => return disagreement(form, Err(why), &theirs, Mode::Sequential),
    };
    let mut run = 0;
    while let Some(form) = first_difference(&theirs, &ours) {
        run += 1;
        if run > RUNS {
            return disagreement(form, Ok(ours[form].clone()), &theirs, Mode::Sequential);
        }
        for (their, again) in theirs.iter_mut().zip(reference.ask_again(program, run)?).skip(form) {
            *their = again;
        }
    }
    for &mode in modes {
        match self::ours(program, mode, runtime) {
            Err((form, why)) => return disagreement(form, Err(why), &ours, mode),
            Ok(answers) => {
                let differs = |form: &usize| !same(mode, &ours[*form], &answers[*form]);
                if let Some(form) = (0..ours.len()).find(differs) {
                    return disagreement(form, Ok(answers[form].clone()), &ours, mode);
                }
            }
        }
    }
    Ok(Verdict::Agreement(theirs, run > 0))
}

/// The first form that the engines answer differently.
fn first_difference(theirs: &[Answer], ours: &[Answer]) -> Option<usize> {
    theirs.iter().zip(ours).position(|(their, our)| canonical(their) != canonical(our))
}

/// Whether two of our modes agree: the engines may call a variable by one or another name that it has.
fn same(mode: Mode, one: &Answer, other: &Answer) -> bool {
    one == other || mode == Mode::General && compare(one, other, Order::Sequence).is_ok()
}

/// Why a program was skipped on which the reference died.
pub(crate) const CRASHED: &str = "the reference crashed";

/// Runs a program on our engine; the form where it stopped and why, if it did.
fn ours(program: &Program, mode: Mode, runtime: &Handle) -> Result<Vec<Answer>, (usize, String)> {
    let mut file = CorpusFile::parse(&program.text()).map_err(|error| (0, error.to_string()))?;
    file.keep_going = true;
    let mut limits = RunLimits::default();
    (limits.steps, limits.memory_bytes, limits.time) = (Some(STEPS), Some(MEMORY_BYTES), Some(TIME));
    let ran = catch_unwind(AssertUnwindSafe(|| run(&file, Path::new("files"), mode, limits, runtime)))
        .map_err(|_| (0, "panic".to_owned()))?
        .map_err(|why| (0, why))?;
    match ran.stopped {
        None => Ok(ran.answers),
        Some(error) => {
            let done = ran.answers.iter().take_while(|answer| answer.outcome != Outcome::NotRun).count();
            Err((done, error.code().to_owned()))
        }
    }
}
