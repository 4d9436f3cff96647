//! Generated programs on our engine and on the reference: `cargo xtask campaign`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a terminal program")]

#[path = "../tests/engine/mod.rs"]
mod engine;
mod judge;
mod reference;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use conformance::generate::{Program, Recorded, canonical, generate, shrink, write_records};
use conformance::{Answer, Outcome};
use engine::Mode;
use judge::{CRASHED, Disagreement, Verdict, judge};
use reference::Reference;
use tokio::runtime::{Builder, Handle};

const HELP: &str = "\
usage: cargo xtask campaign [--programs N] [--seed S] [--jobs J] [--python PATH] [--record | --show]

Runs generated programs on our engine, in every mode, and on the reference, and shrinks those on
which they disagree.

  --programs N   how many programs (1000, or 200 with --record)
  --seed S       the seed of the first; the others follow (0)
  --jobs J       how many at a time (1)
  --python PATH  an interpreter that has the reference installed;
                 without it one is made under target/conform-venv
  --record       writes the answers of the reference down for `cargo test -p conformance`
  --show         prints the programs and runs nothing";

/// How many smaller programs are tried for one disagreement.
const SHRINK_ATTEMPTS: usize = 250;

struct Options {
    programs: u64,
    seed: u64,
    jobs: u64,
    python: PathBuf,
    record: bool,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match start(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("campaign: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: &[String]) -> Result<()> {
    let mut options =
        Options { programs: 1000, seed: 0, jobs: 1, python: PathBuf::from("python3"), record: false };
    let mut show = false;
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut number = || -> Result<u64> {
            let value = rest.next().with_context(|| format!("{argument} needs a number"))?;
            value.parse().with_context(|| format!("{argument} {value}"))
        };
        match argument.as_str() {
            "--help" | "-h" => {
                println!("{HELP}");
                return Ok(());
            }
            "--programs" => options.programs = number()?,
            "--seed" => options.seed = number()?,
            "--jobs" => options.jobs = number()?.max(1),
            "--python" => options.python = rest.next().context("--python needs a path")?.into(),
            "--record" => (options.record, options.programs) = (true, 200),
            "--show" => show = true,
            other => bail!("unknown argument `{other}`\n{HELP}"),
        }
    }
    if show {
        let programs = (options.seed..).take(usize::try_from(options.programs)?);
        programs.for_each(|seed| println!("; seed {seed}\n{}", generate(seed).text()));
        return Ok(());
    }
    campaign(&options)
}

/// Counts of a campaign.
#[derive(Default)]
struct Tally {
    programs: u64,
    forms: usize,
    results: usize,
    disagreements: usize,
    /// Programs that the reference answers in one way or another, and ours in one of them.
    unsteady: usize,
    skipped: BTreeMap<&'static str, usize>,
    records: Vec<Recorded>,
}

fn campaign(options: &Options) -> Result<()> {
    let start = Instant::now();
    let runtime = Builder::new_multi_thread().worker_threads(2).build()?;
    let handle = runtime.handle();
    let parts: Vec<Result<Tally>> = std::thread::scope(|scope| {
        let worker = |job| scope.spawn(move || work(options, job, handle));
        let workers: Vec<_> = (0..options.jobs).map(worker).collect();
        let ended = |worker: std::thread::ScopedJoinHandle<'_, Result<Tally>>| {
            worker.join().unwrap_or_else(|_| bail!("a worker panicked"))
        };
        workers.into_iter().map(ended).collect()
    });
    let mut total = Tally::default();
    for part in parts {
        total.add(part?);
    }
    println!("{}, {:.0} s", total.summary(options.seed), start.elapsed().as_secs_f64());
    ensure!(total.disagreements == 0, "{} programs disagree, listed above", total.disagreements);
    if options.record {
        total.records.sort_by_key(|record| record.seed);
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/generated/answers.txt");
        std::fs::write(&path, write_records(&total.records))?;
        println!("{} programs in {}", total.records.len(), path.display());
    }
    Ok(())
}

/// Every program of one job.
fn work(options: &Options, job: u64, runtime: &Handle) -> Result<Tally> {
    let mut reference = Reference::start(&options.python)?;
    let mut tally = Tally::default();
    let mut seed = options.seed + job;
    while seed < options.seed + options.programs {
        let program = generate(seed);
        let verdict = judge(&program, &Mode::ALL[1..], &mut reference, runtime)
            .with_context(|| format!("seed {seed}"))?;
        tally.programs += 1;
        tally.forms += program.forms.iter().filter(|form| form.run).count();
        match verdict {
            Verdict::Agreement(answers, unsteady) => {
                tally.unsteady += usize::from(unsteady);
                tally.results += answers.iter().map(n_results).sum::<usize>();
                tally.records.push(record(seed, &program, &answers));
            }
            Verdict::Skipped(why) => *tally.skipped.entry(why).or_default() += 1,
            Verdict::Disagreement(disagreement) => {
                tally.disagreements += 1;
                let from = program.forms[disagreement.form].atom.clone();
                let (program, disagreement) = smallest(&program, disagreement, &mut reference, runtime);
                println!("; from !{}\n{}", from, show(seed, &program, &disagreement));
            }
        }
        seed += options.jobs;
    }
    Ok(tally)
}

fn n_results(answer: &Answer) -> usize {
    match &answer.outcome {
        Outcome::Results(results) => results.len(),
        Outcome::NotRun => 0,
    }
}

fn record(seed: u64, program: &Program, answers: &[Answer]) -> Recorded {
    let run = program.forms.iter().zip(answers).enumerate().filter(|(_, (form, _))| form.run);
    Recorded::new(seed, program, run.map(|(index, (_, answer))| (index, canonical(answer))).collect())
}

/// Shrinks a program on which the engines disagree.
fn smallest(
    program: &Program,
    disagreement: Disagreement,
    reference: &mut Reference,
    runtime: &Handle,
) -> (Program, Disagreement) {
    let kind = disagreement.kind();
    let mode = disagreement.mode;
    let modes: &[Mode] = if mode == Mode::Sequential { &[] } else { &[mode] };
    let mut last = disagreement;
    let small =
        shrink(program, SHRINK_ATTEMPTS, |candidate| match judge(candidate, modes, reference, runtime) {
            Ok(Verdict::Disagreement(found)) if found.kind() == kind && found.mode == mode => {
                last = found;
                true
            }
            _ => false,
        });
    (small, last)
}

/// The disagreement, and the program as a corpus file with what is expected of it.
fn show(seed: u64, program: &Program, disagreement: &Disagreement) -> String {
    let mut out =
        format!("; seed {seed}, {}: {}\n;@ keep-going\n", disagreement.mode.name(), disagreement.kind());
    for (index, (form, expected)) in program.forms.iter().zip(&disagreement.expected).enumerate() {
        // Writing to a string does not fail.
        _ = writeln!(out, "{}{}", if form.run { "! " } else { "" }, form.atom);
        if form.run || *expected != Answer::nothing() {
            _ = write!(out, "{expected}");
        }
        if index == disagreement.form {
            let found = match &disagreement.found {
                Ok(answer) => answer.to_string(),
                Err(why) => why.clone(),
            };
            found.lines().for_each(|line| _ = writeln!(out, ";     ours {line}"));
        }
    }
    out
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.programs += other.programs;
        self.forms += other.forms;
        self.results += other.results;
        self.disagreements += other.disagreements;
        self.unsteady += other.unsteady;
        self.records.extend(other.records);
        for (why, count) in other.skipped {
            *self.skipped.entry(why).or_default() += count;
        }
    }

    fn summary(&self, seed: u64) -> String {
        let Tally { programs, forms, results, disagreements, unsteady, skipped, .. } = self;
        let crashes = skipped.get(CRASHED).copied().unwrap_or_default();
        let reasons =
            skipped.iter().map(|(why, count)| format!("{count} {why}")).collect::<Vec<_>>().join(", ");
        format!(
            "seed {seed}: {programs} programs, {forms} forms, {results} results, {disagreements} disagreements, {unsteady} answered in several ways by the reference, {crashes} reference crashes, {} skipped ({reasons})",
            skipped.values().sum::<usize>()
        )
    }
}
