//! What goes to stdout.

use std::io::{self, BufWriter, ErrorKind, Stdout, Write};
use std::sync::{Arc, OnceLock};

use mettatron::{CancelToken, Event};
use serde_json::{Value, json};

use crate::args::Format;
use crate::report;
use crate::source::Places;

/// The problem that ended the output, if one did.
pub(crate) type Trouble = Arc<OnceLock<ErrorKind>>;

/// Writes events as they come. After a failed write it cancels the run and is silent.
pub(crate) struct Output {
    out: BufWriter<Stdout>,
    format: Format,
    places: Places,
    /// The events of a `json` document, which is written at the end.
    document: Vec<Value>,
    trouble: Trouble,
    cancel: CancelToken,
}

impl Output {
    pub(crate) fn new(format: Format, places: Places, cancel: CancelToken) -> Self {
        let out = BufWriter::new(io::stdout());
        Output { out, format, places, document: Vec::new(), trouble: Trouble::default(), cancel }
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
            (Event::Results { text, atoms, .. }, Format::Text) => {
                self.out.write_all(b"[")?;
                for (i, result) in text.iter().enumerate() {
                    self.out.write_all(if i == 0 { b"" } else { b", " })?;
                    self.out.write_all(result.as_bytes())?;
                }
                self.out.write_all(b"]\n")?;
                self.out.flush()?;
                report::failed_assertions(&atoms);
            }
            (Event::Printed(line), _) => self.object(json!({ "printed": line }))?,
            (Event::Results { index, text, .. }, _) => {
                let (source, line) = self.places.of(index);
                self.object(json!({ "source": source, "line": line, "results": text }))?;
            }
            _ => {}
        }
        // In time for whoever reads along; a long text fills the buffer by itself.
        self.out.flush()
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
