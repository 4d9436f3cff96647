//! What each thread does and when, as a file for Perfetto (`ui.perfetto.dev`) in the trace event format of Chrome.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, ThreadId};
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// The spans of the scheduler. The number of a span is that of its name: only when it is entered and left counts.
const NAMES: [&str; 5] = ["batch", "expression", "fork", "part", "commit"];

/// A span is entered (`B`) or left (`E`).
struct Moment {
    phase: &'static str,
    name: &'static str,
    thread: ThreadId,
    thread_name: Option<String>,
    microseconds: f64,
}

/// Notes when spans are entered and left.
struct Listener {
    begun: Instant,
    moments: Sender<Moment>,
}

/// What was noted.
pub(crate) struct Timeline(Receiver<Moment>);

impl Timeline {
    /// From now on notes what all threads do.
    ///
    /// # Errors
    /// When something else listens already.
    pub(crate) fn start() -> Result<Timeline> {
        let (moments, receiver) = channel();
        let listener = Listener { begun: Instant::now(), moments };
        tracing::subscriber::set_global_default(listener).context("cannot listen to the scheduler")?;
        Ok(Timeline(receiver))
    }

    /// Writes what was noted so far.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let mut lanes: HashMap<ThreadId, usize> = HashMap::new();
        let mut events: Vec<Value> = Vec::new();
        for Moment { phase, name, thread, thread_name, microseconds } in self.0.try_iter() {
            let next = lanes.len();
            let lane = *lanes.entry(thread).or_insert(next);
            if lane == next {
                let name = thread_name.unwrap_or_else(|| format!("thread {lane}"));
                let about = json!({ "name": format!("{name} ({lane})") });
                events
                    .push(json!({ "ph": "M", "name": "thread_name", "pid": 1, "tid": lane, "args": about }));
            }
            events.push(json!({ "ph": phase, "name": name, "pid": 1, "tid": lane, "ts": microseconds }));
        }
        let trace = json!({ "displayTimeUnit": "ms", "traceEvents": events });
        let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        serde_json::to_writer(BufWriter::new(file), &trace)
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

impl Listener {
    fn note(&self, phase: &'static str, span: &Id) {
        let place = usize::try_from(span.into_u64() - 1).ok();
        let Some(name) = place.and_then(|place| NAMES.get(place).copied()) else { return };
        let microseconds = self.begun.elapsed().as_secs_f64() * 1e6;
        let thread = thread::current();
        let (id, thread_name) = (thread.id(), thread.name().map(str::to_owned));
        // Whoever reads lives as long as the process.
        let _ = self.moments.send(Moment { phase, name, thread: id, thread_name, microseconds });
    }
}

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span() && NAMES.contains(&metadata.name()) && metadata.target().starts_with("metta_sched")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let place = NAMES.iter().position(|name| *name == span.metadata().name());
        Id::from_u64(place.map_or(u64::MAX, |place| place as u64 + 1))
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, span: &Id) {
        self.note("B", span);
    }

    fn exit(&self, span: &Id) {
        self.note("E", span);
    }
}
