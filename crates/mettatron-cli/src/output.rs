//! What goes to stdout.

use std::io::{self, BufWriter, ErrorKind, Stdout, Write};
use std::sync::{Arc, OnceLock};

use mettatron::diagnosis::{Diagnosis, Finding, Label, Place};
use mettatron::{Atom, CancelToken, Event, Fault};
use serde_json::{Value, json};

use crate::args::{Format, MessageFormat};
use crate::report;
use crate::source::Places;

/// The places of the program: the output has them while the program runs.
pub(crate) type Lent = Arc<OnceLock<Places>>;

/// The problem that ended the output, if one did.
pub(crate) type Trouble = Arc<OnceLock<ErrorKind>>;

/// Writes events as they come. After a failed write it cancels the run and is silent.
pub(crate) struct Output {
    out: BufWriter<Stdout>,
    format: Format,
    /// Whether errors are explained on stderr.
    explain: bool,
    /// How they are.
    messages: MessageFormat,
    places: Option<Places>,
    /// Where the places go in the end.
    home: Lent,
    /// The events of a `json` document, which is written at the end.
    document: Vec<Value>,
    trouble: Trouble,
    cancel: CancelToken,
}

impl Output {
    pub(crate) fn new(
        format: Format,
        (quiet, messages): (bool, MessageFormat),
        places: Places,
        cancel: CancelToken,
    ) -> Self {
        let explain = format == Format::Text && !quiet;
        Output {
            out: BufWriter::new(io::stdout()),
            format,
            explain,
            messages,
            places: Some(places),
            home: Lent::default(),
            document: Vec::new(),
            trouble: Trouble::default(),
            cancel,
        }
    }

    /// Where to find the places when the output is closed.
    pub(crate) fn home(&self) -> Lent {
        Arc::clone(&self.home)
    }

    pub(crate) fn trouble(&self) -> Trouble {
        Arc::clone(&self.trouble)
    }

    pub(crate) fn event(&mut self, event: Event) {
        if self.trouble.get().is_some() {
            return;
        }
        if let Err(error) = self.write(event) {
            // Only the first problem counts.
            let _ = self.trouble.set(error.kind());
            self.cancel.cancel();
        }
    }

    fn write(&mut self, event: Event) -> io::Result<()> {
        match (event, self.format) {
            (Event::Traced(line), _) => {
                // What was printed before comes first where both streams meet.
                self.out.flush()?;
                report::trace(&line);
            }
            (Event::Printed(line), Format::Text) => writeln!(self.out, "{line}")?,
            (Event::Results { index, atoms, text, faults, .. }, Format::Text) => {
                self.out.write_all(b"[")?;
                for (i, result) in text.iter().enumerate() {
                    self.out.write_all(if i == 0 { b"" } else { b", " })?;
                    self.out.write_all(result.as_bytes())?;
                }
                self.out.write_all(b"]\n")?;
                if self.explain {
                    self.with_places(|places| atoms.iter().for_each(|atom| places.mentions.add(atom, index)));
                }
                if self.explain && atoms.iter().any(Atom::is_error) {
                    self.out.flush()?;
                    let messages = self.messages;
                    for (_, diagnosis) in self.diagnose(index, &atoms, &faults) {
                        self.with_places(|places| {
                            report::tell(&places.texts, &Finding::from(diagnosis), messages)
                        });
                    }
                }
            }
            (Event::Printed(line), _) => self.object(json!({ "printed": line }))?,
            (Event::Results { index, atoms, text, faults, .. }, _) => {
                let diagnoses = self.diagnose(index, &atoms, &faults);
                let object = self.with_places(|places| results(places, index, &text, &diagnoses));
                self.object(object.unwrap_or_default())?;
            }
            _ => {}
        }
        // In time for whoever reads along; a long text fills the buffer by itself.
        self.out.flush()
    }

    fn with_places<T>(&mut self, f: impl FnOnce(&mut Places) -> T) -> Option<T> {
        self.places.as_mut().map(f)
    }

    /// Explains the errors of a result list, the first ones of a long list.
    fn diagnose(&mut self, form: usize, atoms: &[Atom], faults: &[Fault]) -> Vec<(usize, Diagnosis)> {
        const MOST: usize = 8;
        let errors = atoms.iter().enumerate().filter(|(_, atom)| atom.is_error()).take(MOST);
        let Some(places) = &mut self.places else { return Vec::new() };
        places.catch_up();
        errors
            .map(|(result, error)| {
                let fault = faults.iter().find(|fault| fault.result == result);
                (result, places.texts.diagnose(error, fault, places.of(form)))
            })
            .collect()
    }

    fn object(&mut self, object: Value) -> io::Result<()> {
        if self.format == Format::Json {
            self.document.push(object);
            return Ok(());
        }
        serde_json::to_writer(&mut self.out, &object)?;
        self.out.write_all(b"\n")
    }
}

impl Drop for Output {
    /// Ends a `json` document, also that of a run that was stopped.
    fn drop(&mut self) {
        if let Some(places) = self.places.take() {
            let _ = self.home.set(places);
        }
        if self.format != Format::Json || self.trouble.get().is_some() {
            return;
        }
        let events = std::mem::take(&mut self.document);
        let written = serde_json::to_writer_pretty(&mut self.out, &json!({ "events": events }))
            .map_err(io::Error::from)
            .and_then(|()| self.out.write_all(b"\n"))
            .and_then(|()| self.out.flush());
        if let Err(error) = written {
            let _ = self.trouble.set(error.kind());
        }
    }
}

/// The results of a form as JSON.
fn results(places: &Places, form: usize, text: &[String], diagnoses: &[(usize, Diagnosis)]) -> Value {
    let (source, line, _) = places.of(form).and_then(|place| places.describe(place)).unwrap_or_default();
    let mut object = json!({ "source": source, "line": line, "results": text });
    if !diagnoses.is_empty() {
        let faults = diagnoses.iter().map(|(result, diagnosis)| fault(places, *result, diagnosis));
        object["faults"] = faults.collect();
    }
    object
}

fn fault(places: &Places, result: usize, diagnosis: &Diagnosis) -> Value {
    let Diagnosis { code, message, help, form, rule, .. } = diagnosis;
    let mut object = json!({ "result": result, "code": code, "message": message });
    if let Some(help) = help {
        object["help"] = json!(help);
    }
    for (name, label) in [("at", form), ("rule", rule)] {
        if let Some(Label { place, words }) = label {
            object[name] = site(places, *place, words);
        }
    }
    object
}

fn site(places: &Places, place: Place, words: &str) -> Value {
    let (source, line, column) = places.describe(place).unwrap_or_default();
    json!({ "source": source, "line": line, "column": column, "label": words })
}
