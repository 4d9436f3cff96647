//! What a session has built up, and the evaluation of what is typed.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use mettatron::config::apply_to_runtime_builder;
use mettatron::diagnosis::{Finding, Mentions};
use mettatron::syntax::{Form, Parsed, parse_bytes};
use mettatron::{
    Atom, CancelToken, Environment, Event, Fault, Library, MettaState, Outcome, RunError, Statistics,
};
use tokio::runtime::{self, Runtime};

use crate::args::MessageFormat;
use crate::report;
use crate::seen::Seen;
use crate::settings::Settings;
use crate::source::Places;
use crate::status::Status;
use crate::trace::{Recorder, Tree};

/// Of the errors of a result list only the first ones are explained.
const MOST_ERRORS: usize = 8;
/// What was found and not written yet; then the evaluation waits.
const MOST_WAITING: usize = 256;

/// What comes from the thread that evaluates.
enum Message {
    Event(Event),
    Ended(Box<Outcome>),
}

/// Programs, one after the other, in one environment.
pub(crate) struct Session {
    pub(crate) settings: Settings,
    pub(crate) library: Library,
    pub(crate) environment: Environment,
    places: Places,
    /// The threads, and for how many jobs they were made.
    runtime: Option<(usize, Runtime)>,
    /// Tells Ctrl-C what to stop.
    running: Sender<Option<CancelToken>>,
    worst: Status,
    n_texts: usize,
    /// Looks at the next evaluation.
    recorder: Option<Recorder>,
}

/// How an evaluation went.
pub(crate) struct Ended {
    pub(crate) results: Vec<Vec<Atom>>,
    pub(crate) statistics: Statistics,
    pub(crate) time: Duration,
}

impl Session {
    /// Begins a session; Ctrl-C stops what it evaluates, and ends the process when nothing is evaluated unless a
    /// `terminal` reads it as a key.
    ///
    /// # Errors
    /// When something else listens for interrupts.
    pub(crate) fn new(settings: Settings, terminal: bool) -> Result<Self> {
        let seen = Seen::default();
        let library = settings.library(&seen);
        let (running, stops) = channel();
        listen(stops, terminal)?;
        Ok(Session {
            environment: Environment::new(library.clone()),
            places: Places::new(library.clone(), seen),
            library,
            settings,
            runtime: None,
            running,
            worst: Status::Fine,
            n_texts: 0,
            recorder: None,
        })
    }

    /// The worst that anything came to.
    pub(crate) fn worst(&self) -> Status {
        self.worst
    }

    pub(crate) fn note(&mut self, status: Status) {
        self.worst = self.worst.max(status);
    }

    /// Reads a text; says what is wrong with it if something is, and then reads nothing.
    pub(crate) fn read(&mut self, name: Option<String>, text: Vec<u8>) -> Option<(usize, Vec<Form>)> {
        self.n_texts += 1;
        let name = name.unwrap_or_else(|| format!("input {}", self.n_texts));
        let Parsed { forms, diagnostics, .. } = parse_bytes(&text, &self.library);
        let (number, first) = self.places.add(name, text, &forms);
        if diagnostics.is_empty() {
            return Some((first, forms));
        }
        report::mistakes(&self.places.texts, number, &diagnostics, MessageFormat::Human);
        self.note(Status::Input);
        None
    }

    /// Evaluates forms, the first of which has a number among all forms of the session, and writes results as they
    /// come to `out`.
    ///
    /// # Errors
    /// When results cannot be written, or threads not started.
    pub(crate) fn evaluate(&mut self, first: usize, forms: Vec<Form>, out: &mut Results) -> Result<Ended> {
        let cancel = CancelToken::new();
        let (messages, received) = sync_channel(MOST_WAITING);
        // Who does not listen any more has ended the process.
        let _ = self.running.send(Some(cancel.clone()));
        let begun = std::time::Instant::now();
        self.start(forms, cancel.clone(), messages)?;
        self.places.mentions = Mentions::default();
        let outcome = self.listen(first, &received, &cancel, out);
        let _ = self.running.send(None);
        let time = begun.elapsed();
        let mut outcome = outcome?;
        self.environment = std::mem::take(&mut outcome.state.environment);
        let status = self.judge(first, &outcome, out)?;
        self.note(status);
        Ok(Ended { results: outcome.state.output, statistics: outcome.statistics, time })
    }

    /// Evaluates a form as [`Session::evaluate`] does, with rules that are not compiled, and returns its tree too.
    ///
    /// # Errors
    /// When results cannot be written.
    pub(crate) fn trace(
        &mut self,
        first: usize,
        form: Form,
        most: usize,
        out: &mut Results,
    ) -> Result<Vec<Tree>> {
        let mut general = self.library.clone();
        general.compile_rules(false);
        self.environment = Environment::from_world(general, self.environment.world());
        let (recorder, trees) = Recorder::new(most);
        self.recorder = Some(recorder);
        self.evaluate(first, vec![form], out)?;
        self.environment = Environment::from_world(self.library.clone(), self.environment.world());
        Ok(trees.into_iter().collect())
    }

    /// Evaluates on a thread of its own.
    fn start(&mut self, forms: Vec<Form>, cancel: CancelToken, messages: SyncSender<Message>) -> Result<()> {
        let sink = messages.clone();
        let mut run =
            self.settings.run().keep_going(true).stream(true).cancel(cancel).on_event(move |event| {
                // The session has gone with its reader: there is nobody to tell.
                let _ = sink.send(Message::Event(event));
            });
        if let Some(recorder) = self.recorder.take() {
            run = run.observe(recorder);
        }
        let environment = std::mem::take(&mut self.environment);
        let accumulated = MettaState { environment, ..MettaState::default() };
        let compiled = MettaState::compiled(self.library.clone(), forms);
        let threads = self.threads()?;
        thread::Builder::new()
            .name("evaluation".to_owned())
            .spawn(move || {
                let outcome = match threads {
                    Some(threads) => run.on(&threads, accumulated, compiled),
                    None => run.sequential(accumulated, compiled),
                };
                let _ = messages.send(Message::Ended(Box::new(outcome)));
            })
            .context("cannot start a thread")?;
        Ok(())
    }

    /// The threads for as many jobs as are set now.
    fn threads(&mut self) -> Result<Option<runtime::Handle>> {
        let jobs = self.settings.config.max_blocking_threads;
        if jobs < 2 {
            return Ok(None);
        }
        if self.runtime.as_ref().is_none_or(|(made, _)| *made != jobs) {
            let made = apply_to_runtime_builder(runtime::Builder::new_current_thread(), self.settings.config)
                .build()
                .context("cannot start threads")?;
            if let Some((_, old)) = self.runtime.replace((jobs, made)) {
                old.shutdown_background();
            }
        }
        Ok(self.runtime.as_ref().map(|(_, made)| made.handle().clone()))
    }

    fn listen(
        &mut self,
        first: usize,
        messages: &Receiver<Message>,
        cancel: &CancelToken,
        out: &mut Results,
    ) -> Result<Outcome> {
        let mut trouble = None;
        loop {
            let message = messages.recv().context("the evaluation ended without an answer")?;
            let event = match message {
                Message::Ended(outcome) => return trouble.map_or(Ok(*outcome), Err),
                Message::Event(event) => event,
            };
            if trouble.is_some() || cancel.is_cancelled() && matches!(event, Event::Found { .. }) {
                continue;
            }
            if let Err(error) = self.show(first, event, out) {
                cancel.cancel();
                trouble = Some(error.into());
            }
        }
    }

    fn show(&mut self, first: usize, event: Event, out: &mut Results) -> io::Result<()> {
        match event {
            Event::Printed(line) => out.line(&line),
            Event::Traced(_) if !out.shows => Ok(()),
            Event::Traced(line) => {
                out.flush()?;
                report::trace(&line);
                Ok(())
            }
            Event::Found { text, .. } => out.found(&text),
            Event::Results { index, atoms, text, faults } => {
                out.results(&text)?;
                atoms.iter().for_each(|atom| self.places.mentions.add(atom, first + index));
                self.explain(first + index, &atoms, &faults);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn explain(&mut self, form: usize, atoms: &[Atom], faults: &[Fault]) {
        if !atoms.iter().any(Atom::is_error) {
            return;
        }
        self.places.catch_up();
        let errors = atoms.iter().enumerate().filter(|(_, atom)| atom.is_error()).take(MOST_ERRORS);
        for (result, error) in errors {
            let fault = faults.iter().find(|fault| fault.result == result);
            let at = self.places.of(form);
            let diagnosis = self.places.texts.diagnose(error, fault, at);
            report::tell(&self.places.texts, &Finding::from(diagnosis), MessageFormat::Human);
        }
    }

    fn judge(&mut self, first: usize, outcome: &Outcome, out: &mut Results) -> io::Result<Status> {
        out.end()?;
        let unknown = self.places.mentions.unknown(&self.environment.world(), &self.library);
        unknown.iter().for_each(|unknown| report::unknown(&mut self.places, unknown, MessageFormat::Human));
        Ok(match &outcome.error {
            None if outcome.state.output.iter().flatten().any(Atom::is_error) => Status::Wrong,
            None => Status::Fine,
            Some(RunError::Cancelled) => {
                report::say("interrupted\n");
                Status::Interrupted
            }
            Some(error) => {
                report::stop(&mut self.places, first + outcome.completed, error, MessageFormat::Human);
                if error.is_limit() { Status::Limit } else { Status::Input }
            }
        })
    }
}

/// Lets Ctrl-C stop what runs; a second one ends the process, for a host operation that hangs.
fn listen(stops: Receiver<Option<CancelToken>>, terminal: bool) -> Result<()> {
    let mut running = None;
    ctrlc::set_handler(move || {
        if let Some(latest) = stops.try_iter().last() {
            running = latest;
        }
        match &running {
            None if terminal => {}
            Some(cancel) if !cancel.is_cancelled() => cancel.cancel(),
            None | Some(_) => Status::Interrupted.end(),
        }
    })
    .context("cannot listen for interrupts")
}

/// Writes result lists as they become known.
pub(crate) struct Results<'o> {
    out: &'o mut dyn Write,
    /// How many results of the list under way are written.
    written: Option<usize>,
    /// Whether result lists are written at all.
    shows: bool,
}

impl<'o> Results<'o> {
    pub(crate) fn to(out: &'o mut dyn Write) -> Self {
        Results { out, written: None, shows: true }
    }

    /// Only lines that programs print are written.
    pub(crate) fn hidden(self) -> Self {
        Results { shows: false, ..self }
    }

    fn found(&mut self, texts: &[String]) -> io::Result<()> {
        if !self.shows {
            return Ok(());
        }
        for text in texts {
            let written = self.written.get_or_insert(0);
            self.out.write_all(if *written == 0 { b"[" } else { b", " })?;
            self.out.write_all(text.as_bytes())?;
            *written += 1;
        }
        self.out.flush()
    }

    fn results(&mut self, texts: &[String]) -> io::Result<()> {
        if !self.shows {
            return Ok(());
        }
        self.found(texts.get(self.written.unwrap_or(0)..).unwrap_or_default())?;
        let end: &[u8] = if self.written.take().is_some() { b"]\n" } else { b"[]\n" };
        self.out.write_all(end)?;
        self.out.flush()
    }

    /// Writes a line of its own, also within a list.
    pub(crate) fn line(&mut self, line: &str) -> io::Result<()> {
        let begun = self.written.is_some_and(|written| written > 0);
        writeln!(self.out, "{}{line}", if begun { "\n" } else { "" })?;
        self.out.flush()
    }

    /// Ends the line of a list that was broken off.
    fn end(&mut self) -> io::Result<()> {
        if self.written.take().is_some() {
            self.out.write_all(b", ...\n")?;
        }
        self.out.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    fn written(write: impl FnOnce(&mut Results) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut Results::to(&mut out)).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_list_is_written_bit_by_bit() {
        let text = written(|out| {
            out.found(&words(&["1", "2"]))?;
            out.results(&words(&["1", "2", "3"]))?;
            out.results(&[])?;
            out.results(&words(&["a"]))
        });
        assert_eq!(text, "[1, 2, 3]\n[]\n[a]\n");
    }

    #[test]
    fn a_list_that_is_broken_off_says_so() {
        let text = written(|out| {
            out.found(&words(&["1"]))?;
            out.line("printed")?;
            out.found(&words(&["2"]))?;
            out.end()?;
            out.end()
        });
        assert_eq!(text, "[1\nprinted\n, 2, ...\n");
    }
}
