//! A run from its command line to its exit code.

use std::convert::Infallible;
use std::ffi::OsString;
use std::hash::{BuildHasher, RandomState};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::thread::available_parallelism;

use anyhow::{Context, bail};
use mettatron::config::{EvalConfig, apply_to_runtime_builder};
use mettatron::modules::{Files, file_module};
use mettatron::syntax::Form;
use mettatron::{
    Atom, CancelToken, Forking, Library, MettaState, Outcome, Run, RunError, SpaceFiles, Tabling,
};
use tokio::runtime;

use crate::args::{Args, Engine};
use crate::output::Output;
use crate::report;
use crate::seen::{Seen, SeenFiles};
use crate::source::{Places, Program};
use crate::timeline::Timeline;

/// How a run went, worst last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Status {
    Fine,
    /// An `Error` among the results.
    Wrong,
    /// Wrong usage, an unreadable file, a malformed program, output that cannot be written.
    Input,
    Limit,
    Interrupted,
}

impl Status {
    pub(crate) fn code(self) -> u8 {
        match self {
            Status::Fine => 0,
            Status::Wrong => 1,
            Status::Input => 2,
            Status::Limit => 3,
            Status::Interrupted => 130,
        }
    }
}

/// Runs what the command line asks for, and ends the process.
///
/// # Errors
/// What kept the run from starting, or its results from being written.
pub(crate) fn run(args: &Args) -> anyhow::Result<Infallible> {
    let config = configuration(args)?;
    let mut library = Library::new();
    library.compile_rules(args.engine == Engine::Compiled);
    if args.no_tabling {
        library.set_tabling(Tabling::Off);
    }
    let seen = Seen::default();
    library.set_modules(Arc::new(SeenFiles { files: modules(args), seen: seen.clone() }));
    library.set_random_seed(args.seed.unwrap_or_else(any_number));
    if !args.no_files {
        library.add_module(file_module());
        library.set_store(Arc::new(SpaceFiles::default()));
    }
    let program = Program::read(args, &library, seen)?;
    let cancel = CancelToken::new();
    interrupt(cancel.clone())?;

    let mut output = Output::new(args, program.places, cancel.clone());
    let (trouble, home) = (output.trouble(), output.home());
    let run = Run::new()
        .config(config)
        .limits(args.limits())
        .keep_going(args.keep_going)
        .forking(if args.no_forking { Forking::Off } else { Forking::Automatic })
        .cancel(cancel)
        .on_event(move |event| output.event(event));
    let timeline = args.perfetto.as_deref().map(|file| Ok::<_, anyhow::Error>((Timeline::start()?, file)));
    let timeline = timeline.transpose()?;
    let outcome = execute(run, config, &library, program.forms)?;
    if let Some((timeline, file)) = timeline {
        timeline.write(file)?;
    }

    // The run has dropped its events' receiver, which had the places.
    let places = Arc::into_inner(home).and_then(OnceLock::into_inner);
    let mut places = places.context("the run keeps the texts of the program")?;
    let mut status = judge(&mut places, &outcome);
    match trouble.get() {
        None => {}
        // Whoever read the results has seen enough.
        Some(ErrorKind::BrokenPipe) => end(Status::Fine),
        Some(kind) => bail!("cannot write the results: {kind}"),
    }
    let unknown = places.mentions.unknown(&outcome.state.environment.world(), &library);
    unknown.iter().for_each(|unknown| report::unknown(&mut places, unknown));
    if let Some(text) = places.last()
        && !program.diagnostics.is_empty()
        && status < Status::Interrupted
    {
        report::mistakes(text, &program.diagnostics);
        status = status.max(Status::Input);
    }
    end(status)
}

/// Ends the process, without taking a big environment apart first.
fn end(status: Status) -> ! {
    std::process::exit(i32::from(status.code()))
}

/// Chooses threads and chunks: `--jobs`, then `METTA_PROFILE`, then the processors.
fn configuration(args: &Args) -> anyhow::Result<EvalConfig> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the binary passes its environment on to libraries that do not look"
    )]
    let profile = std::env::var("METTA_PROFILE");
    let mut config = match &profile {
        Ok(name) => EvalConfig::from_profile(name)
            .with_context(|| format!("`{name}` is not a profile for METTA_PROFILE"))?,
        Err(_) => {
            let max_blocking_threads = available_parallelism().map_or(1, usize::from);
            EvalConfig { max_blocking_threads, ..EvalConfig::default() }
        }
    };
    if let Some(jobs) = args.jobs {
        config.max_blocking_threads = jobs.get();
    }
    Ok(config)
}

/// Where the program's modules are: beside the first file, or in the current folder.
fn modules(args: &Args) -> Files {
    let beside = match args.files.first() {
        Some(file) if file.as_os_str() != "-" => file.parent().map(Path::to_owned).unwrap_or_default(),
        _ => PathBuf::new(),
    };
    let listed = variable("METTA_PATH").unwrap_or_default();
    let listed = std::env::split_paths(&listed).filter(|folder| !folder.as_os_str().is_empty());
    let files = args.include.iter().cloned().chain(listed).fold(Files::beside(beside), Files::search);
    if args.allow_git { files.allow_git(cache()) } else { files }
}

/// Where clones of repositories are kept.
fn cache() -> PathBuf {
    let home = || variable("HOME").map(|home| Path::new(&home).join(".cache"));
    let cache = variable("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
    cache.unwrap_or_else(std::env::temp_dir).join("mettatron").join("modules")
}

#[expect(
    clippy::disallowed_methods,
    reason = "the binary passes its environment on to libraries that do not look"
)]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Lets Ctrl-C end the run; a second one ends the process, for a host operation that hangs.
fn interrupt(cancel: CancelToken) -> anyhow::Result<()> {
    ctrlc::set_handler(move || {
        if cancel.is_cancelled() {
            end(Status::Interrupted);
        }
        cancel.cancel();
    })
    .context("cannot listen for interrupts")
}

fn execute(run: Run, config: EvalConfig, library: &Library, forms: Vec<Form>) -> anyhow::Result<Outcome> {
    let compiled = MettaState::compiled(library.clone(), forms);
    let accumulated = MettaState::new(library.clone());
    if config.max_blocking_threads < 2 {
        return Ok(run.sequential(accumulated, compiled));
    }
    // Only the blocking pool is used: it needs no other threads.
    let runtime = apply_to_runtime_builder(runtime::Builder::new_current_thread(), config)
        .build()
        .context("cannot start threads")?;
    let outcome = run.on(runtime.handle(), accumulated, compiled);
    // A helper in a long host operation is not waited for.
    runtime.shutdown_background();
    Ok(outcome)
}

/// Reports why the run stopped and says how it went.
fn judge(places: &mut Places, outcome: &Outcome) -> Status {
    match &outcome.error {
        None if outcome.state.output.iter().flatten().any(Atom::is_error) => Status::Wrong,
        None => Status::Fine,
        Some(RunError::Cancelled) => Status::Interrupted,
        Some(error) => {
            report::stop(places, outcome.completed, error);
            if error.is_limit() { Status::Limit } else { Status::Input }
        }
    }
}

/// A number that differs from run to run.
fn any_number() -> u64 {
    RandomState::new().hash_one(std::process::id())
}
