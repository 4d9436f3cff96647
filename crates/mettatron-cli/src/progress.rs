//! Progress of long work, on a terminal.

use std::io::{self, IsTerminal, Read};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use mettatron::{CancelToken, Outcome};

/// Work that is over sooner shows no progress.
const PATIENCE: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(200);

/// A bar on the standard error, which comes up when the work takes long; without a terminal there is none.
pub(crate) struct Progress {
    bar: ProgressBar,
    begun: Instant,
    shown: bool,
    wanted: bool,
}

impl Progress {
    /// Work of which the number of bytes is known.
    pub(crate) fn of_bytes(n_bytes: u64, what: String) -> Self {
        const TEMPLATE: &str = "{prefix} [{bar:24}] {bytes} of {total_bytes}, {msg}, {eta} left";
        Progress::new(ProgressBar::hidden(), TEMPLATE, what).with_length(n_bytes)
    }

    fn new(bar: ProgressBar, template: &str, what: String) -> Self {
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(what);
        let wanted = io::stderr().is_terminal();
        Progress { bar, begun: Instant::now(), shown: false, wanted }
    }

    fn with_length(self, n_bytes: u64) -> Self {
        self.bar.set_length(n_bytes);
        self
    }

    /// Says how far the work is.
    pub(crate) fn at(&mut self, position: u64, message: impl FnOnce(f64) -> String) {
        if !self.wanted {
            return;
        }
        let elapsed = self.begun.elapsed();
        if !self.shown && elapsed > PATIENCE {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
            self.shown = true;
        }
        if self.shown {
            self.bar.set_message(message(elapsed.as_secs_f64()));
            self.bar.set_position(position);
        }
    }

    /// Takes the bar away.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

/// Says on a terminal that a run goes on, once it takes long.
pub(crate) struct Waiting {
    bar: ProgressBar,
    n_done: u64,
    /// Dropped, it ends the thread that waits.
    _ended: Sender<()>,
}

impl Waiting {
    /// Begins to wait for so many expressions; `None` where nobody looks.
    pub(crate) fn begin(n_expressions: usize) -> Option<Self> {
        if !io::stderr().is_terminal() {
            return None;
        }
        let bar = ProgressBar::hidden();
        bar.set_length(n_expressions as u64);
        let style = "{spinner} {pos} of {len} expressions done, {elapsed}";
        bar.set_style(
            ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_spinner()),
        );
        let (ended, waits) = channel::<()>();
        let late = bar.clone();
        std::thread::spawn(move || {
            if waits.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                late.set_draw_target(ProgressDrawTarget::stderr());
                late.enable_steady_tick(TICK);
            }
        });
        Some(Waiting { bar, n_done: 0, _ended: ended })
    }

    /// Lets `write` write to the terminal; another expression may be `done` then.
    pub(crate) fn around(&mut self, done: bool, write: impl FnOnce()) {
        self.n_done += u64::from(done);
        self.bar.suspend(write);
        self.bar.set_position(self.n_done);
    }

    /// What to say at the end of a run for which somebody waited.
    pub(crate) fn last_line(begun: Instant, outcome: &Outcome) -> Option<String> {
        let statistics = &outcome.statistics;
        let time = begun.elapsed();
        let waited = io::stderr().is_terminal() && time > PATIENCE;
        let (expressions, reductions) = (count(statistics.expressions), count(statistics.reductions));
        // The reductions of an expression that was stopped are not known.
        let rate = match outcome.error {
            None => format!(": {}/s", count(rate(statistics.reductions, time))),
            Some(_) => String::new(),
        };
        let took = seconds(time);
        waited.then(|| {
            format!("{expressions} expressions done in {took}, with {reductions} reductions{rate}\n")
        })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Tells how many bytes were read, and can be stopped.
pub(crate) struct Counted<R, F> {
    pub(crate) input: R,
    pub(crate) bytes: u64,
    pub(crate) told: F,
    /// Ends the reading with an error.
    pub(crate) cancel: CancelToken,
}

impl<R: Read, F: FnMut(u64)> Read for Counted<R, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.cancel.is_cancelled() {
            return Err(io::Error::other("interrupted"));
        }
        let n = self.input.read(buffer)?;
        self.bytes += n as u64;
        (self.told)(self.bytes);
        Ok(n)
    }
}

/// A number for people: `1,234,567`.
pub(crate) fn count(n: u64) -> String {
    HumanCount(n).to_string()
}

/// A number with its noun, for people: `1 file`, `1,234 files`.
pub(crate) fn counted(n: usize, noun: &str) -> String {
    format!("{} {noun}{}", count(n as u64), if n == 1 { "" } else { "s" })
}

/// A number of bytes for people: `1.50 MiB`.
pub(crate) fn bytes(n: u64) -> String {
    HumanBytes(n).to_string()
}

/// So many in a second.
pub(crate) fn rate(n: u64, time: Duration) -> u64 {
    // A clock that has not moved yet makes no rate.
    let seconds = time.as_secs_f64().max(1e-6);
    (n as f64 / seconds) as u64
}

/// A time for people.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}
