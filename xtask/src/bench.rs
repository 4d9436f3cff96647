//! `cargo xtask bench`: what programs take, compared with a base, with other engines, with a record.
//!
//! Every answer is checked before it is timed. Times are processor time without start-up; the runs of
//! all engines are interleaved, so that what else the machine does hits all alike.

mod bound;
mod engine;
mod gate;
mod measure;
mod page;
mod program;
mod sample;
mod table;
mod template;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::{Parser, ValueEnum};

use crate::{shell, tools, workspace};
use engine::Engine;
use gate::Baseline;
use measure::{Bench, Row};
use program::{Program, START};

/// Measures the programs of `benches/programs`.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench", max_term_width = 100)]
struct Options {
    /// Only these programs; may be repeated
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,

    /// The programs, and nothing else
    #[arg(long)]
    list: bool,

    /// The same work on SWI-Prolog, and on the reference where it is small enough; `=swipl` leaves out
    /// the reference, which takes its time
    #[arg(long, value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "all")]
    peers: Option<Peers>,

    /// Three sizes of each program: how time grows with work
    #[arg(long)]
    growth: bool,

    /// An earlier version in the same run: a binary, or a revision, which is built below target/bench
    #[arg(long, value_name = "FILE|REVISION")]
    base: Option<String>,

    /// A page with a drawing for each program: time by work
    #[arg(long, value_name = "FOLDER")]
    html: Option<PathBuf>,

    /// Count instructions with callgrind instead of measuring time
    #[arg(long)]
    count: bool,

    /// Count, and fail if a program takes 5 % more than recorded in benches/baseline.json
    #[arg(long)]
    gate: bool,

    /// Count, and record
    #[arg(long)]
    record: bool,

    /// How evaluation scales with threads, beside the ceiling of the machine
    #[arg(long)]
    scaling: bool,

    /// With --scaling: a folder for a drawing of each work
    #[arg(long, value_name = "FOLDER", requires = "scaling")]
    svg: Option<PathBuf>,

    /// The binary to measure [default: built with --release]
    #[arg(long, value_name = "FILE")]
    engine: Option<PathBuf>,

    /// A Python that has the reference [default: one is made under target/conform-venv]
    #[arg(long, value_name = "FILE")]
    python: Option<PathBuf>,

    /// Timed runs of each program, three times as many for short ones
    #[arg(long, value_name = "N", default_value_t = 5)]
    runs: usize,

    /// A run that takes more processor time is stopped
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    limit: u64,
}

/// The other engines to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Peers {
    All,
    Swipl,
}

/// Runs the command with its arguments.
///
/// # Errors
/// When a program cannot be built or run, an answer is wrong, or the gate is not passed.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let options = match Options::try_parse_from(std::iter::once(&"bench".to_owned()).chain(args)) {
        Ok(options) => options,
        Err(usage) => usage.exit(),
    };
    if options.scaling {
        return scale(&options);
    }
    let benches = workspace::root().join("benches");
    let programs = Program::read_all(&benches, &options.only)?;
    if options.list {
        programs.iter().for_each(|program| println!("{:<13}{}", program.name, program.title()));
        return Ok(());
    }
    let folder = workspace::root().join("target/bench");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let start = benches.join("programs").join(START);
    let start =
        Program::read(START, &start.with_extension("metta"), &benches.join(format!("peers/{START}.pl")))?;
    let binary = match &options.engine {
        Some(binary) => std::path::absolute(binary)?,
        None => tools::build_engine(workspace::root(), None)?,
    };
    if options.count || options.gate || options.record {
        return count(&options, &binary, &start, &programs, &folder);
    }
    time(&options, &binary, &start, &programs, &folder)
}

/// The engine is not a dependency of this crate, so this is a program of its own.
fn scale(options: &Options) -> Result<()> {
    let mut command = shell::cargo(&[
        "run",
        "--release",
        "--quiet",
        "--package",
        "metta-benches",
        "--example",
        "scaling",
        "--",
    ]);
    command.args(["--runs", &options.runs.to_string()]);
    if let Some(name) = options.only.first() {
        command.args(["--only", name]);
    }
    if let Some(folder) = &options.svg {
        command.arg("--svg").arg(folder);
    }
    shell::run(&mut command)
}

fn count(
    options: &Options,
    binary: &Path,
    start: &Program,
    programs: &[Program],
    folder: &Path,
) -> Result<()> {
    let path = workspace::root().join("benches/baseline.json");
    let engine = Engine::variants(binary).into_iter().next().context("no variant")?;
    let others = programs.iter().filter(|it| it.name != START);
    let programs: Vec<_> = std::iter::once(start).chain(others).collect();
    let counts = gate::count_all(&engine, &programs, folder)?;
    let toolchain = gate::toolchain()?;
    if options.record {
        // A part is recorded again beside the rest; a whole record forgets programs that are gone.
        let mut baseline = if options.only.is_empty() { Baseline::default() } else { Baseline::read(&path)? };
        ensure!(
            options.only.is_empty() || baseline.toolchain == toolchain,
            "the baseline is of another compiler, so all programs are recorded: leave out --only"
        );
        baseline.toolchain = toolchain;
        baseline.programs.extend(counts);
        return baseline.write(&path);
    }
    if options.gate {
        return gate::compare(&Baseline::read(&path)?, &counts, &toolchain);
    }
    for (name, count) in counts {
        println!("{name:<13}{:>9}{:>16}", count.size, count.instructions);
    }
    Ok(())
}

fn time(
    options: &Options,
    binary: &Path,
    start: &Program,
    programs: &[Program],
    folder: &Path,
) -> Result<()> {
    let mut engines = Engine::variants(binary);
    if let Some(base) = &options.base {
        engines.push(Engine::base(&engine::base(base, folder)?));
    }
    if let Some(peers) = options.peers {
        engines.push(Engine::prolog()?);
        let asks =
            peers == Peers::All && !options.growth && programs.iter().any(|it| !it.reference.is_empty());
        if asks {
            engines.push(Engine::reference(options.python.as_deref())?);
        }
    }
    let bench = Bench::new(engines, options.runs, Duration::from_secs(options.limit), folder, start)?;
    let rows = if options.growth { grow(&bench, programs)? } else { compare(&bench, programs)? };
    if let Some(folder) = &options.html {
        println!("{}", page::write(folder, &bench.engines, &rows)?.display());
    }
    let wrong = table::wrong(&bench.engines, &rows);
    ensure!(wrong.is_empty(), "wrong answers:\n{}", wrong.join("\n"));
    Ok(())
}

fn compare<'a>(bench: &Bench, programs: &'a [Program]) -> Result<Vec<Row<'a>>> {
    let mut rows = Vec::new();
    println!("{}", table::header(&bench.engines));
    for program in programs {
        let reference = bench.engines.iter().any(|it| it.name == engine::REFERENCE);
        let small: &[u64] = if reference { &program.reference } else { &[] };
        for size in small.iter().chain(&program.measure) {
            let row = bench.row(program, *size)?;
            println!("{}", table::line(&bench.engines, &row));
            rows.push(row);
        }
    }
    println!("{}", table::summary(&bench.engines, &rows));
    Ok(rows)
}

fn grow<'a>(bench: &Bench, programs: &'a [Program]) -> Result<Vec<Row<'a>>> {
    let mut rows = Vec::new();
    println!("{:<13}{:<12}time at n, 2n, 4n; time/work over the size before", "program", "engine");
    for program in programs {
        let measured = program.growth.iter().map(|size| bench.row(program, *size));
        let measured = measured.collect::<Result<Vec<_>>>()?;
        table::growth(&bench.engines, &measured).iter().for_each(|line| println!("{line}"));
        rows.extend(measured);
    }
    Ok(rows)
}
