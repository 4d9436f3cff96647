//! What goes to stderr: mistakes in the program, and why a run stopped.

use std::io::{IsTerminal, Write};

use mettatron::atom::Grounded;
use mettatron::syntax::{Diagnostic, Span};
use mettatron::{Atom, RunError};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report};

use crate::source::{Program, Source};

/// Reports a problem with the command line or a file.
pub(crate) fn usage(error: &anyhow::Error) {
    say(&format!("error: {error:#}\n"));
}

/// Reports what is wrong with a text.
pub(crate) fn mistakes(source: &Source, diagnostics: &[Diagnostic]) {
    for diagnostic in diagnostics {
        let Diagnostic { code, message, span, label, help } = diagnostic;
        draw(source, describe(code, message, *span, label, help.as_deref()));
    }
}

/// Reports why a run stopped, and where.
pub(crate) fn stop(program: &Program, form: usize, error: &RunError) {
    let message = error.to_string();
    let help = way_out(error);
    match (program.source(form), program.spans.get(form)) {
        (Some(source), Some(place)) => {
            draw(source, describe(error.code(), &message, *place, "while evaluating this", help));
        }
        _ => say(&format!("metta::{}: {message}\n", error.code())),
    }
}

/// Writes lines of a program's trace.
pub(crate) fn trace(line: &str) {
    say(&format!("{line}\n"));
}

/// Writes the reports of failed assertions among some results, line by line.
pub(crate) fn failed_assertions(results: &[Atom]) {
    for (call, report) in results.iter().filter_map(failed_assertion) {
        let lines: String = report.trim_start().lines().map(|line| format!("  {line}\n")).collect();
        say(&format!("assertion failed: {call}\n{lines}"));
    }
}

/// The call and the report of an assertion that compared results and found a difference.
fn failed_assertion(result: &Atom) -> Option<(&Atom, &str)> {
    match result.children() {
        Some([error, call, Atom::Grounded(Grounded::Text(report))])
            if error.as_symbol() == Some("Error") && report.starts_with("\nExpected: ") =>
        {
            Some((call, report))
        }
        _ => None,
    }
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

fn describe(code: &str, message: &str, span: Span, label: &str, help: Option<&str>) -> MietteDiagnostic {
    let label = LabeledSpan::new(Some(label.to_owned()), span.start, span.end - span.start);
    let diagnostic = MietteDiagnostic::new(message).with_code(format!("metta::{code}")).with_label(label);
    match help {
        Some(help) => diagnostic.with_help(help),
        None => diagnostic,
    }
}

fn draw(source: &Source, diagnostic: MietteDiagnostic) {
    let text = NamedSource::new(&source.name, printable(&source.bytes));
    let theme = match std::io::stderr().is_terminal() {
        true => GraphicalTheme::unicode(),
        false => GraphicalTheme::unicode_nocolor(),
    };
    let report = Report::new(diagnostic).with_source_code(text);
    let mut drawn = String::new();
    // Writing to a String fails only when the diagnostic cannot be drawn; its own words remain.
    if GraphicalReportHandler::new_themed(theme).render_report(&mut drawn, report.as_ref()).is_err() {
        drawn = format!("{report}\n");
    }
    say(&drawn);
}

/// Makes a text of bytes, each that is not UTF-8 replaced by one `?`, so that places stay.
fn printable(mut bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    loop {
        match std::str::from_utf8(bytes) {
            Ok(rest) => {
                text.push_str(rest);
                return text;
            }
            Err(error) => {
                let (good, rest) = bytes.split_at(error.valid_up_to());
                text.push_str(&String::from_utf8_lossy(good));
                text.push('?');
                bytes = &rest[1..];
            }
        }
    }
}

/// Writes to stderr. There is nobody to tell when that fails.
fn say(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_broken_text_stay() {
        assert_eq!(printable("(é)".as_bytes()), "(é)");
        assert_eq!(printable(b"a\xff\xfeb\xc3"), "a??b?");
    }
}
