//! What goes to stderr: mistakes in the program, where errors come from, why a run stopped.

mod excerpt;

use std::io::{ErrorKind, IsTerminal, Write};

use anyhow::Context;
use clap::builder::StyledStr;
use mettatron::RunError;
use mettatron::check::malformed;
use mettatron::diagnosis::Severity as Gravity;
use mettatron::diagnosis::{Finding, Label, Text, Texts, Unknown};
use mettatron::syntax::{Diagnostic, Span};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, Report, Severity};
use serde_json::{Value, json};

use crate::args::MessageFormat;
use crate::config::Mistake;
use crate::settings::variable;
use crate::source::Places;
use crate::status::Status;
use excerpt::Excerpt;

/// Reports a problem with the command line or a file.
pub(crate) fn usage(error: &anyhow::Error) {
    match error.downcast_ref::<Mistake>() {
        Some(Mistake { texts, finding }) => say(&drawn(texts, finding, Drawn::Stderr)),
        None => say(&format!("error: {error:#}\n")),
    }
}

/// Shows help where it was not asked for.
pub(crate) fn help(help: &StyledStr) {
    match Drawn::Stderr.in_colour() {
        true => say(&help.ansi().to_string()),
        false => say(&help.to_string()),
    }
}

/// Says in a line how something went.
pub(crate) fn note(line: &str) {
    say(&format!("{line}\n"));
}

/// Writes a text to stdout.
///
/// # Errors
/// When it cannot be written; not when whoever read it has seen enough.
pub(crate) fn print(text: &[u8]) -> anyhow::Result<Status> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("cannot write the output"),
        _ => Ok(Status::Fine),
    }
}

/// Tells people or tools on stderr what was found.
pub(crate) fn tell(texts: &Texts, finding: &Finding, format: MessageFormat) {
    match format {
        MessageFormat::Human => say(&drawn(texts, finding, Drawn::Stderr)),
        MessageFormat::Json => say(&format!("{}\n", json(texts, finding))),
    }
}

/// Whether a file may be a text at all.
pub(crate) fn is_text(bytes: &[u8]) -> bool {
    !bytes.contains(&0)
}

/// What to say of a malformed text, of which there is little to say when it is none.
pub(crate) fn of_binary(is_text: bool, finding: Finding) -> Finding {
    let help = Some("this is no program but a binary file; give the file with its text".to_owned());
    if is_text { finding } else { Finding { help, ..finding } }
}

/// Reports what is wrong with the text that has this number.
pub(crate) fn mistakes(texts: &Texts, number: usize, mistakes: &[Diagnostic], format: MessageFormat) {
    let is_text = texts.get(number).is_none_or(|text| is_text(text.bytes()));
    for mistake in mistakes.iter().take(if is_text { usize::MAX } else { 1 }) {
        tell(texts, &of_binary(is_text, malformed(number, mistake.clone())), format);
    }
}

/// Reports why a run stopped, and where.
pub(crate) fn stop(places: &mut Places, form: usize, error: &RunError, format: MessageFormat) {
    places.catch_up();
    let rule = if let RunError::Limit { rule: Some(rule), .. } = error {
        places.texts.find_rule(rule)
    } else {
        None
    };
    let form = places.of(form).map(|place| Label { place, words: "while evaluating this".to_owned() });
    let finding = Finding {
        code: error.code(),
        severity: Gravity::Error,
        message: error.to_string(),
        help: way_out(error).map(str::to_owned),
        labels: rule.into_iter().chain(form).collect(),
    };
    tell(&places.texts, &finding, format);
}

/// Says which known names an unknown one may be meant for.
pub(crate) fn unknown(places: &mut Places, unknown: &Unknown, format: MessageFormat) {
    let Unknown { name, form, suggestions, .. } = unknown;
    let form = places.of(*form);
    let written = form.and_then(|form| places.texts.find_symbol(form, name));
    let place = written.or_else(|| places.texts.find_in_bodies(name)).or(form);
    let suggestions: Vec<String> = suggestions.iter().map(|name| format!("`{name}`")).collect();
    let message = format!("`{name}` is not defined");
    let help = format!("did you mean {}?", suggestions.join(" or "));
    if format == MessageFormat::Json {
        let label = place.map(|place| Label { place, words: "known nowhere else".to_owned() });
        let labels = label.into_iter().collect();
        let severity = Gravity::Warning;
        let finding = Finding { code: "E0604", severity, message, help: Some(help), labels };
        return tell(&places.texts, &finding, format);
    }
    let at = place.and_then(|place| places.describe(place));
    let at = at.map_or_else(String::new, |(text, line, column)| format!("{text}:{line}:{column}: "));
    note(&format!("note: {at}{message}; {help}"));
}

/// Draws a diagnostic with the places that are known, the most telling one first.
fn picture_of(texts: &Texts, diagnostic: MietteDiagnostic, labels: &[Label], stream: Drawn) -> String {
    let Some((first, text)) = labels.first().and_then(|label| Some((label, texts.get(label.place.text)?)))
    else {
        let code = diagnostic.code.as_deref().unwrap_or_default();
        return format!("{code}: {}\n", diagnostic.message);
    };
    let Span { start, end } = first.place.span;
    let mut marks = vec![LabeledSpan::new_primary_with_span(Some(first.words.clone()), (start, end - start))];
    let (beside, elsewhere): (Vec<&Label>, Vec<&Label>) =
        labels[1..].iter().partition(|label| label.place.text == first.place.text);
    marks.extend(beside.iter().map(|label| underline(label.place.span, Some(label.words.as_str()))));
    let mut drawn = picture(text, diagnostic.with_labels(marks), stream);
    for label in elsewhere {
        if let Some(text) = texts.get(label.place.text) {
            let advice = MietteDiagnostic::new(&label.words).with_severity(Severity::Advice);
            drawn += &picture(text, advice.with_labels([underline(label.place.span, None)]), stream);
        }
    }
    drawn
}

/// Writes lines of a program's trace.
pub(crate) fn trace(line: &str) {
    say(&format!("{line}\n"));
}

fn way_out(error: &RunError) -> Option<&'static str> {
    match error.code() {
        "E0301" => Some("allow more with `--steps N`"),
        "E0302" => Some("allow more with `--depth N`"),
        "E0303" => Some("allow more with `--memory SIZE`"),
        "E0304" => Some("allow more with `--results N`"),
        "E0411" => Some("allow more with `--time TIME`"),
        _ => None,
    }
}

fn describe(code: &str, message: &str, help: Option<&str>) -> MietteDiagnostic {
    let diagnostic = MietteDiagnostic::new(message).with_code(format!("metta::{code}"));
    match help {
        Some(help) => diagnostic.with_help(help),
        None => diagnostic,
    }
}

fn underline(span: Span, words: Option<&str>) -> LabeledSpan {
    LabeledSpan::new(words.map(str::to_owned), span.start, span.end - span.start)
}

/// Which stream a drawing is for: colours are for terminals that want them.
#[derive(Clone, Copy)]
pub(crate) enum Drawn {
    Stdout,
    Stderr,
}

/// A text in a style, if `colours`: the number of a terminal's escape sequence, such as [`BOLD`].
pub(crate) fn painted(text: &str, style: u8, colours: bool) -> String {
    match colours {
        true => format!("\u{1b}[{style}m{text}\u{1b}[0m"),
        false => text.to_owned(),
    }
}

pub(crate) const BOLD: u8 = 1;
pub(crate) const RED: u8 = 31;
pub(crate) const GREEN: u8 = 32;
pub(crate) const YELLOW: u8 = 33;

impl Drawn {
    pub(crate) fn in_colour(self) -> bool {
        let terminal = match self {
            Drawn::Stdout => std::io::stdout().is_terminal(),
            Drawn::Stderr => std::io::stderr().is_terminal(),
        };
        terminal && variable("NO_COLOR").is_none()
    }
}

/// Draws a finding with its source.
pub(crate) fn drawn(texts: &Texts, finding: &Finding, stream: Drawn) -> String {
    let Finding { code, severity, message, help, labels } = finding;
    let severity = match severity {
        Gravity::Error => Severity::Error,
        Gravity::Warning => Severity::Warning,
    };
    let diagnostic = describe(code, message, help.as_deref()).with_severity(severity);
    picture_of(texts, diagnostic, labels, stream)
}

/// Writes a finding as an object for tools: lines and columns count from 1, bytes from 0.
pub(crate) fn json(texts: &Texts, finding: &Finding) -> Value {
    let Finding { code, severity, message, help, labels } = finding;
    let severity = match severity {
        Gravity::Error => "error",
        Gravity::Warning => "warning",
    };
    let labels: Vec<Value> = labels
        .iter()
        .filter_map(|Label { place, words }| {
            let text = texts.get(place.text)?;
            let ((line, column), (end_line, end_column)) =
                (text.position(place.span.start), text.position(place.span.end));
            Some(json!({
                "source": text.name(), "label": words,
                "line": line, "column": column, "end_line": end_line, "end_column": end_column,
                "start": place.span.start, "end": place.span.end,
            }))
        })
        .collect();
    json!({ "code": code, "severity": severity, "message": message, "help": help, "labels": labels })
}

fn picture(text: &Text, mut diagnostic: MietteDiagnostic, stream: Drawn) -> String {
    let (source, marks) = Excerpt::of(text, diagnostic.labels.as_deref().unwrap_or_default());
    diagnostic.labels = Some(marks);
    let theme = match stream.in_colour() {
        true => GraphicalTheme::unicode(),
        false => GraphicalTheme::unicode_nocolor(),
    };
    let report = Report::new(diagnostic).with_source_code(source);
    let mut drawn = String::new();
    // Writing to a String fails only when the diagnostic cannot be drawn; its own words remain.
    if GraphicalReportHandler::new_themed(theme).render_report(&mut drawn, report.as_ref()).is_err() {
        drawn = format!("{report}\n");
    }
    drawn
}

/// Writes to stderr. There is nobody to tell when that fails.
pub(crate) fn say(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
