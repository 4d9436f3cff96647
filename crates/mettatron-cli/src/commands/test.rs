//! `mettatron test`: programs that say what they answer.

mod expect;
mod junit;
mod outcome;

use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::time::Instant;

use mettatron::diagnosis::{Finding, Label, Place, Severity, Texts};
use mettatron::syntax::{Form, parse_bytes};
use mettatron::{CancelToken, Event, MettaState, RunError};

use super::run::interrupt;
use crate::args::{EngineArgs, MessageFormat};
use crate::progress::counted;
use crate::report::{self, Drawn};
use crate::seen::Seen;
use crate::settings::Settings;
use crate::source;
use crate::status::Status;
use expect::Expected;
use outcome::{Answer, Case, Suite};

/// Run programs that say what they answer
///
/// After a `!` form, comments `; => LINE` say what it prints: each line as `mettatron FILE` writes it, the list
/// of its results last. Assertions of the language are tests too, and an `Error` that is not expected
/// fails. Every file is a program of its own; of a folder, all files `*.metta` in it are run.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files and folders with tests
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Only tests whose file, line or text contains this
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,

    /// Write what comes out into the files, in the place of what they expect
    #[arg(long)]
    update: bool,

    /// Write the outcome to FILE, as JUnit's XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,

    /// How failures are written
    #[arg(long, value_enum, default_value_t)]
    message_format: MessageFormat,

    /// Write failures only, no line for each file
    #[arg(short, long)]
    quiet: bool,

    #[command(flatten)]
    engine: EngineArgs,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Status> {
    let cancel = CancelToken::new();
    interrupt(cancel.clone())?;
    let mut suites = Vec::new();
    let mut n_updated = 0;
    for file in source::expand(&args.files)? {
        let begun = Instant::now();
        let (texts, mut suite) = one_file(args, &file, &cancel)?;
        suite.seconds = begun.elapsed().as_secs_f64();
        if suite.is_interrupted {
            return Ok(Status::Interrupted);
        }
        if args.update {
            n_updated += update(&file, &texts, &suite)?;
        } else {
            show(args, &texts, &suite)?;
        }
        suites.push(suite);
    }
    if let Some(path) = &args.junit {
        source::write(path, junit::document(&suites).as_bytes())?;
    }
    if args.update {
        report::note(&format!("updated {}", counted(n_updated, "expectation")));
    } else if args.message_format == MessageFormat::Human {
        report::print(format!("{}\n", outcome::summary(&suites)).as_bytes())?;
    }
    Ok(match () {
        () if suites.iter().any(|suite| suite.is_malformed) => Status::Input,
        () if !args.update && suites.iter().any(Suite::fails) => Status::Wrong,
        () => Status::Fine,
    })
}

/// Runs the tests of a file.
fn one_file(args: &Args, file: &Path, cancel: &CancelToken) -> anyhow::Result<(Texts, Suite)> {
    let settings = Settings::of(&args.engine, Some(file))?;
    let mut seen = Seen::default();
    let library = settings.library(&seen);
    let (name, bytes) = source::open(file)?;
    let mut texts = Texts::new(library.clone());
    let parsed = parse_bytes(&bytes, &library);
    let expected = expect::read(&bytes, &parsed.forms);
    let is_text = report::is_text(&bytes);
    texts.add(name.clone(), bytes);
    let mut suite = Suite { name, ..Suite::default() };
    if !parsed.diagnostics.is_empty() {
        suite.is_malformed = true;
        let most = if is_text { usize::MAX } else { 1 };
        let mistakes = parsed.diagnostics.into_iter().take(most);
        let told =
            mistakes.map(|mistake| report::of_binary(is_text, mettatron::check::malformed(0, mistake)));
        suite.mistakes = told.collect();
        return Ok((texts, suite));
    }
    let chosen = |place: &Place| match &args.filter {
        None => true,
        Some(wanted) => describe(&texts, *place).contains(wanted.as_str()),
    };
    let places: Vec<Place> = parsed.forms.iter().map(|form| Place { text: 0, span: form.span }).collect();
    if !parsed.forms.iter().zip(&places).any(|(form, place)| form.run && chosen(place)) {
        return Ok((texts, suite));
    }
    let chosen: Vec<bool> = places.iter().map(chosen).collect();
    let (answers, stopped) = evaluate(&settings, library, parsed.forms.clone(), cancel)?;
    seen.take(&mut texts);
    suite.is_interrupted = matches!(stopped, Some(RunError::Cancelled));
    for (number, form) in parsed.forms.iter().enumerate() {
        if !chosen[number] || !(form.run || answers.get(number).is_some_and(Option::is_some)) {
            continue;
        }
        let answer = answers.get(number).cloned().flatten();
        let expected = expected.get(number).filter(|expected| !expected.is_empty());
        suite.cases.extend(judge(&mut texts, form, places[number], expected, answer, stopped.as_ref()));
    }
    Ok((texts, suite))
}

/// Runs forms, and returns what each answered and why the run stopped, if it did.
fn evaluate(
    settings: &Settings,
    library: mettatron::Library,
    forms: Vec<Form>,
    cancel: &CancelToken,
) -> anyhow::Result<(Vec<Option<Answer>>, Option<RunError>)> {
    let mut answers: Vec<Option<Answer>> = forms.iter().map(|_| None).collect();
    let (sender, events) = channel();
    let run = settings
        .run()
        .keep_going(true)
        .cancel(cancel.clone())
        // Sending fails only when nobody listens any more, and `events` lives longer than the run.
        .on_event(move |event| drop(sender.send(event)));
    let compiled = MettaState::compiled(library.clone(), forms);
    let outcome = settings.execute(run, MettaState::new(library), compiled)?;
    let mut printed = Vec::new();
    for event in events.try_iter() {
        match event {
            Event::Printed(text) => printed.extend(text.split('\n').map(str::to_owned)),
            Event::Results { index, atoms, text, faults } => {
                let mut lines = std::mem::take(&mut printed);
                lines.extend(format!("[{}]", text.join(", ")).split('\n').map(str::to_owned));
                if let Some(answer) = answers.get_mut(index) {
                    *answer = Some(Answer { lines, atoms, faults });
                }
            }
            Event::Traced(_) | _ => {}
        }
    }
    Ok((answers, outcome.error))
}

/// Compares an answer with what is expected. A `!` that expects nothing and does well is no test.
fn judge(
    texts: &mut Texts,
    form: &Form,
    place: Place,
    expected: Option<&Expected>,
    answer: Option<Answer>,
    stopped: Option<&RunError>,
) -> Option<Case> {
    let asserts = outcome::asserts(&form.atom);
    let title = title(texts, place);
    let line = texts.get(place.text).map_or(0, |text| text.position(place.span.start).0);
    let case = |finding| Case {
        place,
        title: title.clone(),
        line,
        expected: expected.cloned(),
        answer: answer.clone(),
        finding,
    };
    let Some(found) = &answer else {
        let reason = stopped.map_or_else(|| "the run stopped".to_owned(), ToString::to_string);
        let words = "not run".to_owned();
        let labels = vec![Label { place, words }];
        let message = format!("no answer: {reason}");
        let finding = Finding { code: "E0702", severity: Severity::Error, message, help: None, labels };
        return Some(case(Some(finding)));
    };
    let error = found.atoms.iter().position(mettatron::Atom::is_error);
    match (expected, error) {
        (Some(expected), _) if expected.agrees(&found.lines) => Some(case(None)),
        (Some(expected), _) => Some(case(Some(expected.differs(place, &found.lines)))),
        (None, Some(error)) => {
            let fault = found.faults.iter().find(|fault| fault.result == error);
            let diagnosis = texts.diagnose(&found.atoms[error], fault, Some(place));
            Some(case(Some(Finding::from(diagnosis))))
        }
        (None, None) => asserts.then(|| case(None)),
    }
}

/// The file, line and text of a form, for filters.
fn describe(texts: &Texts, place: Place) -> String {
    let Some(text) = texts.get(place.text) else { return String::new() };
    format!("{}:{} {}", text.name(), text.position(place.span.start).0, title(texts, place))
}

/// The text of a form on one line.
fn title(texts: &Texts, place: Place) -> String {
    let bytes = texts.get(place.text).and_then(|text| text.bytes().get(place.span.start..place.span.end));
    let written = String::from_utf8_lossy(bytes.unwrap_or_default());
    let words: Vec<&str> = written.split_whitespace().collect();
    words.join(" ")
}

/// Writes what is to be said about a file.
fn show(args: &Args, texts: &Texts, suite: &Suite) -> anyhow::Result<()> {
    let findings = suite.mistakes.iter().chain(suite.cases.iter().filter_map(|case| case.finding.as_ref()));
    let mut out = String::new();
    if args.message_format == MessageFormat::Json {
        findings.for_each(|finding| out += &format!("{}\n", report::json(texts, finding)));
    } else {
        if !args.quiet && (args.filter.is_none() || !suite.cases.is_empty()) {
            out += &format!("{}\n", suite.line(Drawn::Stdout));
        }
        findings.for_each(|finding| out += &report::drawn(texts, finding, Drawn::Stdout));
    }
    report::print(out.as_bytes())?;
    Ok(())
}

/// Writes what came out into a file; returns how many expectations changed.
fn update(file: &Path, texts: &Texts, suite: &Suite) -> anyhow::Result<usize> {
    let Some(text) = texts.get(0) else { return Ok(0) };
    for mistake in &suite.mistakes {
        report::say(&report::drawn(texts, mistake, Drawn::Stderr));
    }
    let wrong = suite.cases.iter().filter(|case| case.finding.is_some());
    let changes: Vec<_> = wrong
        .filter_map(|case| {
            case.expected.as_ref()?.replacement(text.bytes(), case.place, &case.answer.as_ref()?.lines)
        })
        .collect();
    let mut bytes = text.bytes().to_vec();
    for (range, lines) in changes.iter().rev() {
        bytes.splice(range.clone(), lines.bytes());
    }
    if !changes.is_empty() {
        source::replace(file, &bytes)?;
    }
    Ok(changes.len())
}
