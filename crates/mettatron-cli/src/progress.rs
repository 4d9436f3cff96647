//! Progress of long work, on a terminal.

use std::io::{self, IsTerminal, Read};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Work that is over sooner shows no progress.
const PATIENCE: Duration = Duration::from_secs(1);

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

/// Tells how many bytes were read.
pub(crate) struct Counted<R, F> {
    pub(crate) input: R,
    pub(crate) bytes: u64,
    pub(crate) told: F,
}

impl<R: Read, F: FnMut(u64)> Read for Counted<R, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
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
