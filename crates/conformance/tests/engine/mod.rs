//! The one place that touches the engine.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;

use conformance::{Answer, CorpusFile, Outcome};
use mettatron::config::EvalConfig;
use mettatron::modules::Files;
use mettatron::syntax::{Form, Parsed, Words, parse};
use mettatron::{Atom, Event, Forking, Library, MettaState, Run, RunError, RunLimits, SpaceFiles, Tabling};
use tokio::runtime::Handle;

/// How a program is run; what it answers does not depend on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// On one thread, without a runtime.
    Sequential,
    /// Batches on so many threads, in the smallest portions.
    Workers(usize),
    /// Alternatives of each expression on so many threads, wherever they can be divided.
    Forked(usize),
    /// The program is printed and read again before it runs on one thread.
    Reprinted,
    /// On one thread, with rules that are not compiled.
    General,
    /// On one thread, with the answers of all calls kept that can be.
    Tabled,
    /// On one thread, with no answers kept.
    Untabled,
}

impl Mode {
    pub(crate) const ALL: [Mode; 8] = [
        Mode::Sequential,
        Mode::Workers(1),
        Mode::Workers(2),
        Mode::Workers(8),
        Mode::Forked(8),
        Mode::Reprinted,
        Mode::General,
        Mode::Tabled,
    ];

    pub(crate) fn name(self) -> String {
        match self {
            Mode::Sequential => "sequential".to_owned(),
            Mode::Workers(workers) => format!("workers_{workers}"),
            Mode::Forked(workers) => format!("forked_{workers}"),
            Mode::Reprinted => "reprinted".to_owned(),
            Mode::General => "general".to_owned(),
            Mode::Tabled => "tabled".to_owned(),
            Mode::Untabled => "untabled".to_owned(),
        }
    }
}

/// What became of a run.
#[derive(Debug)]
pub(crate) struct Ran {
    /// What each form answered.
    pub(crate) answers: Vec<Answer>,
    /// Why the run stopped before its end.
    pub(crate) stopped: Option<RunError>,
    /// The reductions of all forms that came to an end.
    reductions: u64,
}

/// Runs a corpus file with the modules in a folder.
///
/// When answers are kept, everything has to be as it is when none are: names of variables, the number of
/// reductions, and where a limit of steps is met. When evaluations are forked, all that can be seen has to be.
pub(crate) fn run(
    file: &CorpusFile,
    modules: &Path,
    mode: Mode,
    limits: RunLimits,
    runtime: &Handle,
) -> Result<Ran, String> {
    let ran = run_once(file, modules, mode, limits.clone(), runtime)?;
    let plain = match mode {
        Mode::Tabled => Some(Mode::Untabled),
        Mode::Forked(_) => Some(Mode::Sequential),
        Mode::Sequential | Mode::Workers(_) | Mode::Reprinted | Mode::General | Mode::Untabled => None,
    };
    if let Some(plain) = plain {
        let other = run_once(file, modules, plain, limits, runtime)?;
        let seen = |ran: &Ran| {
            let stopped = ran.stopped.as_ref().map(ToString::to_string);
            // How a query is answered, and so what it counts, depends on what a machine has met before.
            let counted = mode == Mode::Tabled && ran.stopped.is_none();
            let reductions = counted.then_some(ran.reductions);
            (stopped, reductions, ran.answers.clone())
        };
        let (with, without) = (seen(&ran), seen(&other));
        if with != without {
            return Err(format!("{} {with:?}, {} {without:?}", mode.name(), plain.name()));
        }
    }
    Ok(ran)
}

fn run_once(
    file: &CorpusFile,
    modules: &Path,
    mode: Mode,
    limits: RunLimits,
    runtime: &Handle,
) -> Result<Ran, String> {
    let mut library = Library::new();
    library.compile_rules(mode != Mode::General);
    library.set_tabling(match mode {
        Mode::Tabled => Tabling::Everything,
        Mode::Untabled => Tabling::Off,
        Mode::Sequential | Mode::Workers(_) | Mode::Forked(_) | Mode::Reprinted | Mode::General => {
            Tabling::Automatic
        }
    });
    library.set_modules(Arc::new(Files::beside(modules)));
    let spaces = tempfile::tempdir().map_err(|error| error.to_string())?;
    library.set_store(Arc::new(SpaceFiles::below(spaces.path())));
    let program = if mode == Mode::Reprinted {
        read(&print(&file.text, &library)?, &library)?
    } else {
        read(&file.text, &library)?
    };
    let agrees = program.len() == file.forms.len()
        && program.iter().zip(&file.forms).all(|(form, expected)| form.run == expected.run);
    if !agrees {
        return Err(format!(
            "the parser finds {} forms where the corpus has {}",
            program.len(),
            file.forms.len()
        ));
    }
    let (sender, events) = channel();
    let run = Run::new()
        .keep_going(file.keep_going)
        .limits(limits)
        // Sending fails only when nobody listens any more, and `events` lives longer than the run.
        .on_event(move |event| drop(sender.send(event)));
    let accumulated = MettaState::new(library.clone());
    let compiled = MettaState::compiled(library, program);
    let outcome = match mode {
        Mode::Workers(workers) => run
            .config(EvalConfig { max_blocking_threads: workers, batch_size_hint: 1 })
            .on(runtime, accumulated, compiled),
        Mode::Forked(workers) => run
            .config(EvalConfig { max_blocking_threads: workers, batch_size_hint: 1 })
            .forking(Forking::Everything)
            .on(runtime, accumulated, compiled),
        Mode::Sequential | Mode::Reprinted | Mode::General | Mode::Tabled | Mode::Untabled => {
            run.sequential(accumulated, compiled)
        }
    };
    let (answers, rest) = collect(file, events.try_iter(), outcome.completed)?;
    if outcome.error.is_none() && !rest.is_empty() {
        return Err(format!("printed after the last results: {rest:?}"));
    }
    Ok(Ran { answers, stopped: outcome.error, reductions: outcome.statistics.reductions })
}

/// Gives every form its answer, and what was printed after the last: lines are printed before the results they belong to.
fn collect(
    file: &CorpusFile,
    events: impl Iterator<Item = Event>,
    completed: usize,
) -> Result<(Vec<Answer>, Vec<String>), String> {
    let mut answers: Vec<Answer> = (0..file.forms.len())
        .map(|index| if index < completed { Answer::nothing() } else { Answer::not_run() })
        .collect();
    let mut printed = Vec::new();
    for event in events {
        match event {
            Event::Printed(text) => printed.extend(text.split('\n').map(str::to_owned)),
            Event::Results { index, text, .. } => {
                let answer =
                    answers.get_mut(index).ok_or_else(|| format!("a result list for form {index}"))?;
                *answer = Answer { printed: std::mem::take(&mut printed), outcome: Outcome::Results(text) };
            }
            // The trace is for people.
            Event::Traced(_) | Event::Found { .. } | _ => {}
        }
    }
    Ok((answers, printed))
}

fn read(text: &str, words: &dyn Words) -> Result<Vec<Form>, String> {
    let Parsed { forms, diagnostics } = parse(text, words);
    match diagnostics.first() {
        None => Ok(forms),
        Some(diagnostic) => {
            Err(format!("{}: {} at {:?}", diagnostic.code, diagnostic.message, diagnostic.span))
        }
    }
}

/// The program as the printer writes it.
fn print(text: &str, library: &Library) -> Result<String, String> {
    let mut out = String::new();
    for form in read(text, &Named(library))? {
        let mark = if form.run { "! " } else { "" };
        writeln!(out, "{mark}{}", form.atom).map_err(|error| error.to_string())?;
    }
    Ok(out)
}

/// The words of a library, with `&self` left a name: a space has no written form.
struct Named<'a>(&'a Library);

impl Words for Named<'_> {
    fn atom(&self, word: &str) -> Option<Atom> {
        if word == "&self" { Some(Atom::symbol(word)) } else { self.0.atom(word) }
    }
}
