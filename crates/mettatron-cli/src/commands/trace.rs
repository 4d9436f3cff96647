//! `mettatron trace`: what an evaluation does, step by step.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::mpsc::channel;

use anyhow::{Context, Result};
use mettatron::{CancelToken, Event, MettaState};

use super::run::{interrupt, judge};
use crate::args::{EngineArgs, MessageFormat, SourceArgs};
use crate::progress::count;
use crate::report::{self, say};
use crate::seen::Seen;
use crate::settings::Settings;
use crate::source::Program;
use crate::status::Status;
use crate::trace::{Recorder, Shown, page, text};

/// Show every reduction of a program, and the alternatives
///
/// Terms are followed by what they become (`=`), by the evaluation of their parts, and by their results (`=>`).
/// Rules are run step by step, not as code; the answers are the same. `--perfetto` shows instead what
/// each thread did and when.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    source: SourceArgs,

    /// Write a page to FILE, with a tree to fold and unfold
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// How many steps are shown in all; the rest is run, and counted
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    most: usize,

    /// Go on after a result list with an Error
    #[arg(long)]
    keep_going: bool,

    #[command(flatten)]
    engine: EngineArgs,
}

/// What an expression printed and answered.
#[derive(Default)]
struct Answer {
    printed: Vec<String>,
    results: Option<String>,
}

/// Traces a program.
pub(super) fn run(args: &Args) -> Result<Status> {
    let settings = Settings::of(&args.engine, args.source.files.first().map(PathBuf::as_path))?;
    let seen = Seen::default();
    let mut library = settings.library(&seen);
    library.compile_rules(false);
    let Program { forms, mut places, diagnostics } = Program::read(&args.source, &library, seen)?;
    let page_file = args
        .html
        .as_ref()
        .map(|path| File::create(path).with_context(|| format!("cannot write `{}`", path.display())));
    let page_file = page_file.transpose()?;
    let cancel = CancelToken::new();
    interrupt(cancel.clone())?;
    let (recorder, trees) = Recorder::new(args.most);
    let (sender, events) = channel();
    let run = settings
        .run()
        .keep_going(args.keep_going)
        .cancel(cancel)
        .observe(recorder)
        .on_event(move |event| drop(sender.send(event)));
    let compiled = MettaState::compiled(library.clone(), forms);
    let outcome = run.sequential(MettaState::new(library), compiled);

    let mut answers: HashMap<usize, Answer> = HashMap::new();
    let mut printed = Vec::new();
    for event in events {
        match event {
            Event::Printed(line) => printed.push(line),
            Event::Traced(line) => report::trace(&line),
            Event::Results { index, text, .. } => {
                let results = Some(format!("[{}]", text.join(", ")));
                answers.insert(index, Answer { printed: std::mem::take(&mut printed), results });
            }
            Event::Found { .. } | _ => {}
        }
    }
    let trees: Vec<_> = trees.into_iter().collect();
    let mut shown = Vec::with_capacity(trees.len());
    for tree in &trees {
        let place = places.of(tree.index).and_then(|place| places.describe(place));
        let place = place.map_or_else(String::new, |(text, line, column)| format!("{text}:{line}:{column}"));
        // What the last one printed has no results behind it when the run was stopped.
        let answer = answers.remove(&tree.index);
        let Answer { printed, results } =
            answer.unwrap_or_else(|| Answer { printed: std::mem::take(&mut printed), results: None });
        shown.push(Shown { place, tree, printed, results });
    }
    match page_file {
        Some(mut file) => {
            let title = args.source.files.first().map_or("expression".into(), |file| file.to_string_lossy());
            file.write_all(page(&title, &shown).as_bytes()).context("cannot write the page")?;
        }
        None => drop(report::print(as_text(&shown).as_bytes())?),
    }
    let left_out: u64 = trees.iter().map(|tree| tree.left_out()).sum();
    if left_out > 0 {
        let (most, left_out) = (count(args.most as u64), count(left_out));
        say(&format!(
            "note: {most} steps are shown; {left_out} reductions behind them are not (`--most N`)\n"
        ));
    }
    let mut status = judge(&mut places, &outcome, MessageFormat::Human);
    if let Some(text) = places.last().filter(|_| !diagnostics.is_empty() && status < Status::Interrupted) {
        report::mistakes(&places.texts, text, &diagnostics, MessageFormat::Human);
        status = status.max(Status::Input);
    }
    Ok(status)
}

fn as_text(shown: &[Shown<'_>]) -> String {
    let mut out = String::new();
    for Shown { place, tree, printed, results } in shown {
        out += &format!("; {place}\n{}", text(tree));
        if tree.left_out() > 0 {
            out += &format!("; {} reductions more\n", count(tree.left_out()));
        }
        printed.iter().for_each(|line| out += &format!("; prints {line}\n"));
        if let Some(results) = results {
            out += &format!("{results}\n");
        }
    }
    out
}
