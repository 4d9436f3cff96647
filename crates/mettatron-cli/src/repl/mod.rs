//! The session at a terminal: reads forms and commands, and answers each before it reads on.

mod commands;
mod editor;
mod names;
mod paint;
mod session;

use std::fmt::Write as _;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use mettatron::atom::Bindings;
use mettatron::space::{FileError, Snapshot};
use mettatron::syntax::{Form, is_complete};
use mettatron::{Atom, Environment, SpaceId};

use crate::args::{duration, size};
use crate::progress::counted;
use crate::report::say;
use crate::settings::Settings;
use crate::spaces::save;
use crate::status::Status;
use crate::trace::text;

use commands::Action;
use editor::{Line, Terminal};
use names::Names;
use session::{Ended, Results, Session};

/// So many steps `:trace` shows.
const MOST_STEPS: usize = 500;
/// So many atoms `:space` shows.
const MOST_SHOWN: usize = 50;

/// Reads forms and commands from a terminal, or without one from the standard input, until it ends.
///
/// # Errors
/// When the terminal cannot be used, or results not be written.
pub(crate) fn repl(settings: Settings, history: Option<PathBuf>, colours: bool) -> Result<Status> {
    let terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
    let mut repl = Repl { session: Session::new(settings, terminal)?, out: Box::new(io::stdout()) };
    let result = if terminal { repl.at_terminal(history, colours) } else { repl.plainly(io::stdin().lock()) };
    match result {
        Ok(()) if terminal => Ok(Status::Fine),
        Ok(()) => Ok(repl.session.worst()),
        // Whoever read the results has seen enough.
        Err(error) if is_closed_pipe(&error) => Ok(Status::Fine),
        Err(error) => Err(error),
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

struct Repl {
    session: Session,
    out: Box<dyn Write>,
}

/// Whether the session goes on.
#[derive(PartialEq, Eq)]
enum Flow {
    On,
    End,
}

impl Repl {
    fn at_terminal(&mut self, history: Option<PathBuf>, colours: bool) -> Result<()> {
        writeln!(
            self.out,
            "mettatron {}: `!(+ 1 2)` evaluates, `(= (f $x) ...)` adds; :help lists commands, Ctrl-D ends",
            env!("CARGO_PKG_VERSION")
        )?;
        let mut terminal = Terminal::new(Names::new(self.session.library.clone()), history, colours)?;
        loop {
            match terminal.read()? {
                Line::End => return Ok(()),
                Line::Interrupted => {}
                Line::Text(text) => {
                    if self.answer(&text)? == Flow::End {
                        return Ok(());
                    }
                    if let Some(names) = terminal.names() {
                        names.update(&self.session.environment);
                    }
                }
            }
        }
    }

    /// Reads without prompts; a form is answered when its last line is read.
    fn plainly(&mut self, mut input: impl BufRead) -> Result<()> {
        let mut text = String::new();
        loop {
            let mut line = Vec::new();
            let n = input.read_until(b'\n', &mut line).context("cannot read the standard input")?;
            match std::str::from_utf8(&line) {
                Ok(line) => text.push_str(line),
                Err(_) => {
                    // The parser says where.
                    let bytes = [text.as_bytes(), &line].concat();
                    text.clear();
                    self.session.read(None, bytes);
                    continue;
                }
            }
            let asks = text.trim_start().starts_with(':');
            if (n == 0 || asks || is_complete(&text)) && self.answer(&std::mem::take(&mut text))? == Flow::End
                || n == 0
            {
                return Ok(());
            }
        }
    }

    fn answer(&mut self, text: &str) -> Result<Flow> {
        if text.trim().is_empty() {
            return Ok(Flow::On);
        }
        if text.trim_start().starts_with(':') {
            return self.command(text);
        }
        self.run(None, text.as_bytes().to_vec())?;
        Ok(Flow::On)
    }

    /// Runs a text; `None` when it is malformed.
    fn run(&mut self, name: Option<String>, text: Vec<u8>) -> Result<Option<Ended>> {
        let Some((first, forms)) = self.session.read(name, text) else { return Ok(None) };
        self.session.evaluate(first, forms, &mut Results::to(&mut self.out)).map(Some)
    }

    fn command(&mut self, line: &str) -> Result<Flow> {
        let (command, about) = match commands::read(line) {
            Ok(known) => known,
            Err(meant) => {
                let word = line.split_whitespace().next().unwrap_or(line);
                self.wrong(&match meant.is_empty() {
                    true => format!("`{word}` is no command; `:help` lists them"),
                    false => format!("`{word}` may be {}", meant.join(" or ")),
                });
                return Ok(Flow::On);
            }
        };
        let needs = |what: &str| format!("expected {what}: `{}`", command.usage);
        let missing = match command.does {
            Action::Type | Action::Trace | Action::Time => Some("an expression"),
            Action::Doc => Some("a name"),
            Action::Load | Action::Save => Some("a file"),
            Action::Space | Action::Limits | Action::Jobs | Action::Help | Action::Quit => None,
        };
        if let Some(what) = missing.filter(|_| about.is_empty()) {
            self.wrong(&needs(what));
            return Ok(Flow::On);
        }
        match command.does {
            Action::Type => self.types(about)?,
            Action::Doc => drop(self.ask("help!", about)?),
            Action::Trace => self.trace(about)?,
            Action::Time => self.time(about)?,
            Action::Space => self.space(about)?,
            Action::Load => self.load(Path::new(about))?,
            Action::Save => self.save(Path::new(about))?,
            Action::Limits => self.limits(about)?,
            Action::Jobs => self.jobs(about)?,
            Action::Help => self.help()?,
            Action::Quit => return Ok(Flow::End),
        }
        Ok(Flow::On)
    }

    /// Says that a command cannot be done.
    fn wrong(&mut self, message: &str) {
        say(&format!("error: {message}\n"));
        self.session.note(Status::Input);
    }

    /// The one form of a text, to be evaluated.
    fn expression(&mut self, text: &str) -> Option<(usize, Form)> {
        let (first, mut forms) = self.session.read(None, text.as_bytes().to_vec())?;
        if forms.len() != 1 {
            self.wrong(&format!("expected one expression, found {}", forms.len()));
            return None;
        }
        let form = forms.pop()?;
        Some((first, Form { run: true, ..form }))
    }

    /// Evaluates a call of a function of the library with one argument; its result is not shown.
    fn ask(&mut self, function: &str, about: &str) -> Result<Option<Ended>> {
        let Some((first, form)) = self.expression(about) else { return Ok(None) };
        let form = Form { atom: self.call(function, form.atom), ..form };
        self.session.evaluate(first, vec![form], &mut Results::to(&mut self.out).hidden()).map(Some)
    }

    fn call(&self, function: &str, argument: Atom) -> Atom {
        let words: &dyn mettatron::syntax::Words = &self.session.library;
        Atom::expression([words.atom(function).unwrap_or_else(|| Atom::symbol(function)), argument])
    }

    fn types(&mut self, about: &str) -> Result<()> {
        let Some(ended) = self.ask("get-type", about)? else { return Ok(()) };
        for found in ended.results.iter().flatten().filter(|found| !found.is_error()) {
            writeln!(self.out, "{found}")?;
        }
        Ok(())
    }

    fn trace(&mut self, about: &str) -> Result<()> {
        let Some((first, form)) = self.expression(about) else { return Ok(()) };
        let results = &mut Results::to(&mut self.out);
        let trees = self.session.trace(first, form, MOST_STEPS, results)?;
        for tree in &trees {
            self.out.write_all(text(tree).as_bytes())?;
            if tree.left_out() > 0 {
                writeln!(self.out, "; {} reductions more", tree.left_out())?;
            }
        }
        Ok(())
    }

    fn time(&mut self, about: &str) -> Result<()> {
        let Some((first, form)) = self.expression(about) else { return Ok(()) };
        let ended = self.session.evaluate(first, vec![form], &mut Results::to(&mut self.out))?;
        let Ended { time, statistics, results, .. } = ended;
        let n = results.iter().map(Vec::len).sum::<usize>();
        let (seconds, reductions) =
            (time.as_secs_f64(), counted(statistics.reductions as usize, "reduction"));
        writeln!(self.out, "{seconds:.3} s, {reductions}, {}", counted(n, "result"))?;
        Ok(())
    }

    fn space(&mut self, about: &str) -> Result<()> {
        if about.is_empty() {
            return self.first_atoms();
        }
        let Some((_, form)) = self.expression(about) else { return Ok(()) };
        let world = self.session.environment.world();
        let Some(space) = world.space(SpaceId::TOP) else { return Ok(()) };
        let pattern = world.resolve(&form.atom);
        let mut found = space.matches(&pattern);
        for answer in found.by_ref().take(MOST_SHOWN) {
            let known = answer.0.iter().try_fold(Bindings::new(), |known, (variable, value)| {
                known.unify(&Atom::Variable(variable.clone()), value)
            });
            writeln!(self.out, "{}", world.print(&known.unwrap_or_default().apply(&pattern)))?;
        }
        let (n, left) = (space.count(&pattern), if found.next().is_some() { ", not all shown" } else { "" });
        writeln!(self.out, "{n} found{left}")?;
        Ok(())
    }

    fn first_atoms(&mut self) -> Result<()> {
        let world = self.session.environment.world();
        let Some(space) = world.space(SpaceId::TOP) else { return Ok(()) };
        for fact in space.iter().take(MOST_SHOWN) {
            let text = world.print(&space.decode(fact.bytes, fact.variables()));
            let copies = if fact.count > 1 { format!("  ; {} times", fact.count) } else { String::new() };
            writeln!(self.out, "{text}{copies}")?;
        }
        let (n, distinct) = (space.len(), space.distinct());
        let left = distinct.saturating_sub(MOST_SHOWN as u64);
        let left = if left > 0 { format!(", {left} not shown") } else { String::new() };
        writeln!(self.out, "{}, {distinct} distinct{left}", counted(n as usize, "atom"))?;
        Ok(())
    }

    fn load(&mut self, path: &Path) -> Result<()> {
        if path.extension().is_none_or(|extension| extension != "metta") {
            match Snapshot::open(path) {
                Ok(saved) => return self.add(&saved),
                Err(FileError::NotASpace { .. }) => {}
                Err(error) => {
                    self.wrong(&error.to_string());
                    return Ok(());
                }
            }
        }
        match std::fs::read(path) {
            Ok(text) => self.run(Some(path.display().to_string()), text).map(drop),
            Err(error) => {
                self.wrong(&format!("cannot read `{}`: {error}", path.display()));
                Ok(())
            }
        }
    }

    /// Adds the atoms of a saved space.
    fn add(&mut self, saved: &Snapshot) -> Result<()> {
        let mut world = self.session.environment.world();
        if let Some(space) = world.space_mut(SpaceId::TOP) {
            for fact in saved.iter() {
                (0..fact.count).for_each(|_| space.add_encoded(fact.bytes, fact.variables()));
            }
        }
        if let Some(damage) = saved.damage() {
            self.wrong(&damage.to_string());
            return Ok(());
        }
        self.session.environment = Environment::from_world(self.session.library.clone(), world);
        writeln!(self.out, "{} atoms added", saved.len())?;
        Ok(())
    }

    fn save(&mut self, path: &Path) -> Result<()> {
        let Some(space) = self.session.environment.snapshot(SpaceId::TOP) else { return Ok(()) };
        let saved = if path.extension().is_some_and(|extension| extension == "metta") {
            let written = std::fs::File::create(path)
                .and_then(|file| mettatron::write_text(&space, io::BufWriter::new(file)));
            written.map(drop).map_err(|error| format!("cannot write `{}`: {error}", path.display()))
        } else {
            save(&space, path).map_err(|error| format!("{error:#}"))
        };
        match saved {
            Ok(()) => writeln!(self.out, "{} atoms saved", space.len())?,
            Err(error) => self.wrong(&error),
        }
        Ok(())
    }

    fn limits(&mut self, about: &str) -> Result<()> {
        let mut words = about.split_whitespace();
        if let Some(name) = words.next()
            && let Some(value) = words.next()
            && let Err(error) = self.set_limit(name, value)
        {
            self.wrong(&error);
            return Ok(());
        }
        let limits = &self.session.settings.limits;
        let number = |limit: Option<u64>| limit.map_or_else(|| "off".to_owned(), |limit| limit.to_string());
        let time = limits.time.map_or_else(|| "off".to_owned(), |time| format!("{time:?}"));
        let rows = [
            ("steps", number(limits.steps), "reductions of one expression"),
            ("depth", number(limits.depth), "its nesting depth"),
            ("memory", number(limits.memory_bytes), "its bytes"),
            ("results", number(limits.results), "its results"),
            ("time", time, "of what is typed at once"),
        ];
        for (name, value, meaning) in rows {
            writeln!(self.out, "{name:<8} {value:>14}  {meaning}")?;
        }
        Ok(())
    }

    fn set_limit(&mut self, name: &str, value: &str) -> Result<(), String> {
        let limits = &mut self.session.settings.limits;
        let off = value == "off";
        let number = || match off {
            true => Ok(None),
            false => {
                value.parse().map(Some).map_err(|_| format!("expected a number or `off`, found `{value}`"))
            }
        };
        match name {
            "steps" => limits.steps = number()?,
            "depth" => limits.depth = number()?,
            "results" => limits.results = number()?,
            "memory" => limits.memory_bytes = if off { None } else { Some(size(value)?) },
            "time" => limits.time = if off { None } else { Some(duration(value)?) },
            _ => {
                return Err(format!("`{name}` is no limit: expected steps, depth, memory, results or time"));
            }
        }
        Ok(())
    }

    fn jobs(&mut self, about: &str) -> Result<()> {
        let jobs = &mut self.session.settings.config.max_blocking_threads;
        if !about.is_empty() {
            match about.parse() {
                Ok(0) | Err(_) => {
                    self.wrong(&format!("expected a number from 1, found `{about}`"));
                    return Ok(());
                }
                Ok(n) => *jobs = n,
            }
        }
        let jobs = self.session.settings.config.max_blocking_threads;
        writeln!(self.out, "{jobs} {}", if jobs == 1 { "thread evaluates" } else { "threads evaluate" })?;
        Ok(())
    }

    fn help(&mut self) -> Result<()> {
        let mut text = String::new();
        for command in commands::ALL {
            // Writing to a String does not fail.
            let _ = writeln!(text, "{:<24} {}", command.usage, command.meaning);
        }
        text.push_str(
            "\nForms go on over several lines until their brackets are closed. Tab completes names, Ctrl-R searches\n\
             the history, Ctrl-C stops an evaluation. A command may be shortened.\n",
        );
        self.out.write_all(text.as_bytes())?;
        Ok(())
    }
}
