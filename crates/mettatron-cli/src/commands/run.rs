//! `mettatron run`: a run from its flags to its exit code.

use std::fs::File;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use anyhow::{Context, bail};
use mettatron::{Atom, CancelToken, Event, MettaState, Monitor, Outcome, RunError};

use crate::args::{EngineArgs, Format, MessageFormat, SourceArgs};
use crate::inspect::{self, FormPlaces};
use crate::output::Output;
use crate::profile::Profiler;
use crate::progress::Waiting;
use crate::report;
use crate::seen::Seen;
use crate::settings::Settings;
use crate::source::{Places, Program};
use crate::status::Status;
use crate::timeline::Timeline;

/// Run a program; `run` may be left out
///
/// Several files and expressions make one program, in this order: files as given, then
/// the texts of `-e`. Modules are looked for beside the first file, then in the folders of `-I`, then in
/// those that METTA_PATH lists.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    source: SourceArgs,

    /// How results are written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Go on after a result list with an Error
    #[arg(long)]
    keep_going: bool,

    /// Write what each thread did and when to FILE, for Perfetto
    #[arg(long, value_name = "FILE")]
    perfetto: Option<PathBuf>,

    /// Serve what the tasks of the run do to the program `tokio-console`
    #[cfg(feature = "tokio-console")]
    #[arg(long, conflicts_with = "perfetto")]
    tokio_console: bool,

    /// Write how often each stack of functions was found at work to FILE, for flame graphs, and a table by function
    /// on the standard error; expressions are evaluated one after the other then
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,

    /// How errors and unknown names are explained on the standard error
    #[arg(long, value_enum, default_value_t)]
    message_format: MessageFormat,

    /// Explain neither errors nor unknown names on the standard error
    #[arg(short, long)]
    quiet: bool,

    /// Print every setting and where it comes from, and run nothing
    #[arg(long)]
    print_config: bool,

    #[command(flatten)]
    engine: EngineArgs,
}

/// Runs what the command line asks for, and ends the process.
pub(super) fn run(args: &Args) -> anyhow::Result<Status> {
    let settings = Settings::of(&args.engine, args.source.files.first().map(PathBuf::as_path))?;
    if args.print_config {
        return report::print(settings.list().as_bytes());
    }
    if args.source.files.is_empty() && args.source.expressions.is_empty() {
        bail!("nothing to run: give a FILE, `-` for the standard input, or `-e EXPR`");
    }
    let seen = Seen::default();
    let library = settings.library(&seen);
    let program = Program::read(&args.source, &library, seen)?;
    #[cfg(feature = "tokio-console")]
    if args.tokio_console {
        inspect::serve_tasks()?;
    }
    let cancel = CancelToken::new();
    interrupt(cancel.clone())?;
    let monitor = Monitor::new();
    inspect::start(monitor.clone(), FormPlaces::of(&program.places, &program.forms))?;

    let mut output =
        Output::new(args.format, (args.quiet, args.message_format), program.places, cancel.clone());
    let (trouble, home) = (output.trouble(), output.home());
    let mut waiting = Waiting::begin(program.forms.iter().filter(|form| form.run).count());
    let mut run =
        settings.run().monitor(&monitor).keep_going(args.keep_going).cancel(cancel).on_event(move |event| {
            let done = matches!(event, Event::Results { .. });
            match &mut waiting {
                Some(waiting) => waiting.around(done, || output.event(event)),
                None => output.event(event),
            }
        });
    let mut profile = None;
    if let Some(path) = &args.profile {
        // A path that cannot be written is better known before the run.
        let file = File::create(path).with_context(|| format!("cannot write `{}`", path.display()))?;
        let (profiler, samples) = Profiler::new();
        run = run.observe(profiler);
        profile = Some((file, samples));
    }
    let begun = Instant::now();
    let timeline = args.perfetto.as_deref().map(|file| Ok::<_, anyhow::Error>((Timeline::start()?, file)));
    let timeline = timeline.transpose()?;
    let compiled = MettaState::compiled(library.clone(), program.forms);
    let outcome = settings.execute(run, MettaState::new(library.clone()), compiled)?;
    if let Some((timeline, file)) = timeline {
        timeline.write(file)?;
    }

    if let Some((file, samples)) = profile {
        // The run has dropped its profiler.
        let profile = samples.recv().context("the run keeps its profile")?;
        profile.write(file).context("cannot write the profile")?;
        report::say(&profile.table());
    } else if let Some(line) = Waiting::last_line(begun, &outcome) {
        report::say(&line);
    }

    // The run has dropped its events' receiver, which had the places.
    let places = Arc::into_inner(home).and_then(OnceLock::into_inner);
    let mut places = places.context("the run keeps the texts of the program")?;
    let mut status = judge(&mut places, &outcome, args.message_format);
    match trouble.get() {
        None => {}
        // Whoever read the results has seen enough.
        Some(ErrorKind::BrokenPipe) => Status::Fine.end(),
        Some(kind) => bail!("cannot write the results: {kind}"),
    }
    let unknown = places.mentions.unknown(&outcome.state.environment.world(), &library);
    unknown.iter().for_each(|unknown| report::unknown(&mut places, unknown, args.message_format));
    if let Some(text) = places.last()
        && !program.diagnostics.is_empty()
        && status < Status::Interrupted
    {
        report::mistakes(&places.texts, text, &program.diagnostics, args.message_format);
        status = status.max(Status::Input);
    }
    status.end()
}

/// Lets Ctrl-C end the run; a second one ends the process, for a host operation that hangs.
pub(super) fn interrupt(cancel: CancelToken) -> anyhow::Result<()> {
    ctrlc::set_handler(move || {
        if cancel.is_cancelled() {
            Status::Interrupted.end();
        }
        cancel.cancel();
    })
    .context("cannot listen for interrupts")
}

/// Reports why the run stopped and says how it went.
pub(super) fn judge(places: &mut Places, outcome: &Outcome, messages: MessageFormat) -> Status {
    match &outcome.error {
        None if outcome.state.output.iter().flatten().any(Atom::is_error) => Status::Wrong,
        None => Status::Fine,
        Some(RunError::Cancelled) => Status::Interrupted,
        Some(error) => {
            report::stop(places, outcome.completed, error, messages);
            if error.is_limit() { Status::Limit } else { Status::Input }
        }
    }
}
