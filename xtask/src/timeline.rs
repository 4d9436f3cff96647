//! `cargo xtask timeline`: the picture of the book that shows what threads do.
//!
//! The program `examples/queens.metta` is run by the command with `trace --perfetto`, and what that writes is drawn: a
//! lane for each thread, a bar for each span. Runs differ, so the picture is kept and not checked.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::{shell, tools, workspace};

const PROGRAM: &str = "examples/queens.metta";
const PICTURE: &str = "docs/book/src/timeline.svg";
/// All measures are in pixels.
const WIDTH: f64 = 760.0;
const LEFT: f64 = 20.0;
const LANE: f64 = 64.0;
const TOP: f64 = 46.0;

/// A time in which a thread did something.
struct Span {
    name: String,
    lane: usize,
    /// How many spans of the same thread are around it.
    depth: usize,
    begin: f64,
    end: f64,
}

/// Runs the program and draws; `--trace FILE` draws what was written before.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let root = workspace::root();
    let trace = match args {
        [] => record(root)?,
        [flag, file] if flag == "--trace" => {
            fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?
        }
        _ => bail!("`timeline` takes `--trace FILE` or nothing"),
    };
    let trace = serde_json::from_str(&trace)?;
    let spans = spans(&trace)?;
    ensure!(!spans.is_empty(), "nothing was traced");
    fs::write(root.join(PICTURE), draw(&spans, &threads(&trace)))?;
    println!("timeline: {} spans in {PICTURE}", spans.len());
    Ok(())
}

fn record(root: &Path) -> Result<String> {
    let engine = tools::build_engine(root, None)?;
    let file = root.join("target/timeline.json");
    let mut command = Command::new(engine);
    command.args(["trace", PROGRAM, "--perfetto"]).arg(&file).current_dir(root);
    shell::run(&mut command)?;
    Ok(fs::read_to_string(file)?)
}

/// The spans of a trace in the format of Chrome, with times from the first on.
fn spans(trace: &Value) -> Result<Vec<Span>> {
    let events = trace["traceEvents"].as_array().context("no `traceEvents`")?;
    let mut open: Vec<Span> = Vec::new();
    let mut spans = Vec::new();
    let mut start = f64::INFINITY;
    for event in events {
        let lane = usize::try_from(event["tid"].as_u64().context("no `tid`")?)?;
        let time = event["ts"].as_f64().unwrap_or_default();
        match event["ph"].as_str() {
            Some("B") => {
                let depth = open.iter().filter(|span| span.lane == lane).count();
                let name = event["name"].as_str().context("no `name`")?.to_owned();
                start = start.min(time);
                open.push(Span { name, lane, depth, begin: time, end: time });
            }
            Some("E") => {
                let last =
                    open.iter().rposition(|span| span.lane == lane).context("an end without a beginning")?;
                let span = open.remove(last);
                spans.push(Span { end: time, ..span });
            }
            _ => {}
        }
    }
    ensure!(open.is_empty(), "a span does not end");
    spans.iter_mut().for_each(|span| (span.begin, span.end) = (span.begin - start, span.end - start));
    // What is inside is drawn upon what is around it.
    spans.sort_by(|a, b| a.depth.cmp(&b.depth).then(a.begin.total_cmp(&b.begin)));
    Ok(spans)
}

/// The names of the threads, by lane.
fn threads(trace: &Value) -> Vec<&str> {
    let events = trace["traceEvents"].as_array().map_or(&[][..], Vec::as_slice);
    events.iter().filter_map(|event| event["args"]["name"].as_str()).collect()
}

/// The fill of a kind of span, and what the legend says; the kinds that are drawn.
const KINDS: [(&str, &str, &str); 4] = [
    ("expression", "#4c78a8", "evaluates an expression"),
    ("part", "#f58518", "a part of another's choices"),
    ("fork", "#e45756", "gives choices away"),
    ("commit", "#54a24b", "commits"),
];

fn draw(spans: &[Span], threads: &[&str]) -> String {
    let end = spans.iter().map(|span| span.end).fold(1.0, f64::max);
    let height = TOP + threads.len() as f64 * LANE + 34.0;
    let x = |time: f64| LEFT + time / end * (WIDTH - 2.0 * LEFT);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
    );
    let mut at = LEFT;
    for (_, fill, meaning) in KINDS {
        let _ = writeln!(out, "<rect x=\"{at}\" y=\"10\" width=\"12\" height=\"12\" fill=\"{fill}\"/>");
        let _ = writeln!(out, "<text x=\"{}\" y=\"20\" fill=\"#333\">{meaning}</text>", at + 17.0);
        at += 40.0 + 6.3 * meaning.len() as f64;
    }
    for (lane, thread) in threads.iter().enumerate() {
        let y = TOP + lane as f64 * LANE;
        let _ = writeln!(out, "<text x=\"{LEFT}\" y=\"{}\" fill=\"#333\">{thread}</text>", y + 10.0);
        let (width, y) = (WIDTH - 2.0 * LEFT, y + 16.0);
        let _ =
            writeln!(out, "<rect x=\"{LEFT}\" y=\"{y}\" width=\"{width}\" height=\"36\" fill=\"#eeeeee\"/>");
    }
    for span in spans {
        let Some((_, fill, _)) = KINDS.iter().find(|(name, _, _)| *name == span.name) else { continue };
        // What a span is inside of stays visible above it.
        let inset = if span.name == "commit" { 18.0 } else { 0.0 };
        // What is short is marked rather than measured.
        let width = (x(span.end) - x(span.begin)).max(if span.depth > 0 { 3.0 } else { 1.0 });
        let (left, top) = (x(span.begin), TOP + span.lane as f64 * LANE + 16.0 + inset);
        let height = 36.0 - inset;
        let _ = writeln!(
            out,
            "<rect x=\"{left:.1}\" y=\"{top}\" width=\"{width:.1}\" height=\"{height}\" fill=\"{fill}\" \
             stroke=\"#ffffff\" stroke-width=\"0.3\"><title>{}: {:.2} ms</title></rect>",
            span.name,
            (span.end - span.begin) / 1000.0
        );
    }
    let bottom = height - 12.0;
    for tick in 0..=4 {
        let time = end * f64::from(tick) / 4.0;
        let anchor = ["start", "middle", "middle", "middle", "end"][tick as usize];
        let text = format!("{:.1} ms", time / 1000.0);
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{bottom}\" fill=\"#333\" text-anchor=\"{anchor}\">{text}</text>",
            x(time)
        );
    }
    out + "</svg>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_nest_and_are_drawn() {
        let text = r#"{"traceEvents": [
            {"ph": "M", "name": "thread_name", "pid": 1, "tid": 0, "args": {"name": "main"}},
            {"ph": "B", "name": "expression", "pid": 1, "tid": 0, "ts": 100.0},
            {"ph": "B", "name": "part", "pid": 1, "tid": 1, "ts": 150.0},
            {"ph": "B", "name": "fork", "pid": 1, "tid": 0, "ts": 160.0},
            {"ph": "E", "name": "fork", "pid": 1, "tid": 0, "ts": 170.0},
            {"ph": "E", "name": "part", "pid": 1, "tid": 1, "ts": 300.0},
            {"ph": "E", "name": "expression", "pid": 1, "tid": 0, "ts": 300.0}]}"#;
        let spans = spans(&serde_json::from_str(text).unwrap()).unwrap();
        let shown: Vec<_> =
            spans.iter().map(|it| (it.name.as_str(), it.lane, it.depth, it.begin, it.end)).collect();
        assert_eq!(
            shown,
            [("expression", 0, 0, 0.0, 200.0), ("part", 1, 0, 50.0, 200.0), ("fork", 0, 1, 60.0, 70.0)]
        );
        assert_eq!(draw(&spans, &["main", "other"]).matches("<title>").count(), 3);
    }

    #[test]
    fn what_does_not_end_is_an_error() {
        let text = r#"{"traceEvents": [{"ph": "B", "name": "part", "pid": 1, "tid": 1, "ts": 150.0}]}"#;
        assert!(spans(&serde_json::from_str(text).unwrap()).is_err());
    }
}
