//! One run of a program, and what many runs say.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use wait4::{ResUse, ResourceUsage, Wait4};

use super::engine::Engine;

/// What one run took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// Processor time of all threads, in the program and in the kernel.
    pub(super) seconds: f64,
    pub(super) peak_bytes: u64,
}

/// How one run ended.
#[derive(Debug)]
pub(super) enum Outcome {
    Right(Sample),
    /// Not the answer that was expected, or a failure.
    Wrong(String),
    /// Stopped after this time.
    TooLong(Duration),
}

/// Runs a file and checks its answer. What it prints goes to files in `folder`.
///
/// # Errors
/// When the engine does not start.
pub(super) fn run(
    engine: &Engine,
    file: &Path,
    answer: &str,
    folder: &Path,
    limit: Duration,
) -> Result<Outcome> {
    let mut command = engine.command(file);
    let Some((usage, printed)) = supervise(&mut command, folder, limit)? else {
        return Ok(Outcome::TooLong(limit));
    };
    if let Some(wrong) = check(engine.answer(&printed.output), answer, usage.status, &printed.errors) {
        return Ok(Outcome::Wrong(wrong));
    }
    let ResourceUsage { utime, stime, maxrss } = usage.rusage;
    Ok(Outcome::Right(Sample { seconds: (utime + stime).as_secs_f64(), peak_bytes: maxrss }))
}

/// What is wrong with an answer.
pub(super) fn check(found: &str, expected: &str, status: ExitStatus, errors: &str) -> Option<String> {
    if !status.success() {
        let reason = errors.trim().lines().next().unwrap_or("no message");
        return Some(format!("{status}: {reason}"));
    }
    (found != expected).then(|| format!("expected `{expected}`, found `{found}`"))
}

/// What a run printed.
pub(super) struct Printed {
    pub(super) output: String,
    pub(super) errors: String,
}

/// Runs a command, unless it takes too long. Files take what it prints, so that reading costs nothing.
pub(super) fn supervise(
    command: &mut Command,
    folder: &Path,
    limit: Duration,
) -> Result<Option<(ResUse, Printed)>> {
    let [output, errors] = ["output.txt", "errors.txt"].map(|name| folder.join(name));
    let child = command
        .stdin(Stdio::null())
        .stdout(File::create(&output)?)
        .stderr(File::create(&errors)?)
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let Some(usage) = wait(child, limit)? else { return Ok(None) };
    let text = |path: &Path| fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Ok(Some((usage, Printed { output: text(&output)?, errors: text(&errors)? })))
}

fn wait(mut child: Child, limit: Duration) -> Result<Option<ResUse>> {
    let id = child.id().to_string();
    let (done, outcome) = channel();
    let waiting = thread::spawn(move || {
        // Nobody listens when the time is over.
        drop(done.send(child.wait4()));
    });
    let mut left = limit;
    while !left.is_zero() {
        if let Ok(usage) = outcome.recv_timeout(left) {
            return Ok(Some(usage?));
        }
        // Other programs may have had the processors.
        left = limit.saturating_sub(processor_time(&id).unwrap_or(limit));
    }
    Command::new("kill").args(["-9", &id]).status().context("cannot start kill")?;
    waiting.join().ok().context("the thread that waits panicked")?;
    Ok(None)
}

/// The processor time of a process that runs, where the system says it.
fn processor_time(id: &str) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // Times are fields 14 and 15; field 2 is the name in parentheses, which may hold anything.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut times = fields.split(' ').skip(11).map(str::parse::<u64>);
    let ticks = times.next()?.ok()? + times.next()?.ok()?;
    // A tick is 10 ms on Linux.
    Some(Duration::from_millis(10 * ticks))
}

/// The middle of several numbers, with the least and the greatest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) least: f64,
    pub(super) greatest: f64,
}

impl Spread {
    /// Nothing is known of no numbers.
    pub(super) fn of(numbers: impl IntoIterator<Item = f64>) -> Option<Spread> {
        let mut numbers: Vec<f64> = numbers.into_iter().collect();
        numbers.sort_by(f64::total_cmp);
        let middle = numbers.len() / 2;
        let upper = *numbers.get(middle)?;
        let median = if numbers.len() % 2 == 1 { upper } else { (numbers[middle - 1] + upper) / 2.0 };
        Some(Spread { median, least: *numbers.first()?, greatest: *numbers.last()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        let spread = |numbers: &[f64]| Spread::of(numbers.iter().copied());
        assert_eq!(spread(&[3.0, 1.0, 9.0]), Some(Spread { median: 3.0, least: 1.0, greatest: 9.0 }));
        assert_eq!(spread(&[4.0, 1.0, 2.0, 9.0]).map(|it| it.median), Some(3.0));
        assert_eq!(spread(&[]), None);
    }

    #[cfg(unix)]
    #[test]
    fn an_answer_is_checked() {
        use std::os::unix::process::ExitStatusExt;
        let (fine, failed) = (ExitStatus::from_raw(0), ExitStatus::from_raw(0x100));
        assert_eq!(check("6765", "6765", fine, ""), None);
        assert_eq!(check("6766", "6765", fine, "").unwrap(), "expected `6765`, found `6766`");
        assert!(check("6765", "6765", failed, "no memory\n").unwrap().contains("no memory"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_processor_time_of_a_process_is_known() {
        let ours = std::process::id().to_string();
        assert!(processor_time(&ours).is_some_and(|time| time < Duration::from_secs(3600)));
        assert_eq!(processor_time("no process"), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_run_says_what_it_printed_and_took() {
        let folder = std::env::temp_dir().join(format!("xtask-bench-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let mut echo = Command::new("sh");
        echo.args(["-c", "echo out; echo err >&2"]);
        let (usage, printed) = supervise(&mut echo, &folder, Duration::from_secs(60)).unwrap().unwrap();
        assert_eq!((printed.output.as_str(), printed.errors.as_str()), ("out\n", "err\n"));
        assert!(usage.status.success() && usage.rusage.maxrss > 0);
        let mut endless = Command::new("sh");
        endless.args(["-c", "while :; do :; done"]);
        assert!(supervise(&mut endless, &folder, Duration::from_millis(1)).unwrap().is_none());
        fs::remove_dir_all(&folder).unwrap();
    }
}
