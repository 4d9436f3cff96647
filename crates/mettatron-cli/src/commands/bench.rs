//! `mettatron bench`: how long a program takes with so many threads.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::Read;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use wait4::Wait4;

use crate::markup::escaped;
use crate::progress::bytes;
use crate::report::{self, say};
use crate::status::Status;

/// What takes less is mostly start-up and noise.
const SHORT: Duration = Duration::from_millis(50);

/// Measure a program with one and with several threads
///
/// Each run is a process of its own, the numbers of threads in turn. Before anything is measured the program is run
/// once with each number, and every run must answer the same, byte for byte. Times are those of the whole
/// process.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files of the program
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Numbers of threads, the first of which the others are compared with
    #[arg(short, long, value_name = "N,N...", value_delimiter = ',', default_value = "1,2")]
    jobs: Vec<NonZeroUsize>,

    /// How often the program is measured with each number
    #[arg(long, value_name = "N", default_value = "5")]
    runs: NonZeroUsize,

    /// Draw the times into FILE
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,

    /// Flags of `run` for all runs, such as `-- --no-tabling`
    #[arg(last = true, value_name = "FLAGS")]
    flags: Vec<OsString>,
}

/// What one run came to.
struct Run {
    answers: Vec<u8>,
    wall: Duration,
    cpu: Duration,
    peak_bytes: u64,
}

/// The runs with one number of threads.
struct Series {
    jobs: NonZeroUsize,
    walls: Vec<Duration>,
    cpus: Vec<Duration>,
    peak_bytes: u64,
}

/// Measures a program.
pub(super) fn run(args: &Args) -> Result<Status> {
    if let Some(path) = &args.svg {
        // A path that cannot be written is better known before the runs.
        std::fs::write(path, "").with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    let mut expected: Option<Vec<u8>> = None;
    let mut series = Vec::with_capacity(args.jobs.len());
    for jobs in &args.jobs {
        let answers = once(args, *jobs)?.answers;
        if !agrees(&mut expected, answers, *jobs, args.jobs[0]) {
            return Ok(Status::Wrong);
        }
        series.push(Series { jobs: *jobs, walls: Vec::new(), cpus: Vec::new(), peak_bytes: 0 });
    }
    for _ in 0..args.runs.get() {
        for series in &mut series {
            let Run { answers, wall, cpu, peak_bytes } = once(args, series.jobs)?;
            if !agrees(&mut expected, answers, series.jobs, args.jobs[0]) {
                return Ok(Status::Wrong);
            }
            series.walls.push(wall);
            series.cpus.push(cpu);
            series.peak_bytes = series.peak_bytes.max(peak_bytes);
        }
    }
    for series in &mut series {
        series.walls.sort_unstable();
        series.cpus.sort_unstable();
    }
    let title: Vec<String> = args.files.iter().map(|file| file.display().to_string()).collect();
    if let Some(path) = &args.svg {
        std::fs::write(path, drawn(&title.join(" "), &series))
            .with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    report::print(table(&series, expected.as_deref().unwrap_or_default()).as_bytes())
}

/// Runs the program once.
fn once(args: &Args, jobs: NonZeroUsize) -> Result<Run> {
    let program = std::env::current_exe().context("cannot find this program")?;
    let mut command = Command::new(program);
    command.arg("run").args(["--jobs", &jobs.to_string(), "--seed", "0", "--quiet"]).args(&args.flags);
    command.arg("--").args(&args.files).stdin(Stdio::null()).stdout(Stdio::piped());
    let begun = Instant::now();
    let mut child = command.spawn().context("cannot start a run")?;
    let mut answers = Vec::new();
    if let Some(mut output) = child.stdout.take() {
        output.read_to_end(&mut answers).context("cannot read the answers")?;
    }
    let used = child.wait4().context("cannot wait for a run")?;
    let wall = begun.elapsed();
    // An error among the answers is an answer.
    let fine = used.status.code().is_some_and(|code| code <= i32::from(Status::Wrong.code()));
    if !fine {
        bail!("the run with {jobs} jobs failed: {}", used.status);
    }
    let (cpu, peak_bytes) = (used.rusage.utime + used.rusage.stime, used.rusage.maxrss);
    Ok(Run { answers, wall, cpu, peak_bytes })
}

/// Compares answers with those of the first run; says where they differ.
fn agrees(expected: &mut Option<Vec<u8>>, answers: Vec<u8>, jobs: NonZeroUsize, first: NonZeroUsize) -> bool {
    let Some(known) = expected else {
        *expected = Some(answers);
        return true;
    };
    if *known == answers {
        return true;
    }
    let lines = |text: &[u8]| String::from_utf8_lossy(text).lines().map(str::to_owned).collect::<Vec<_>>();
    let (a, b) = (lines(known), lines(&answers));
    let at = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let line = |lines: &[String]| {
        let line = lines.get(at).map_or("the end of the output", String::as_str);
        line.chars().take(200).collect::<String>()
    };
    say(&format!(
        "error: the answers differ at line {}: nothing is compared\n  {first} jobs: {}\n  {jobs} jobs: {}\n",
        at + 1,
        line(&a),
        line(&b),
    ));
    false
}

fn median(sorted: &[Duration]) -> Duration {
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

/// The shortest and the longest.
fn range(sorted: &[Duration]) -> (Duration, Duration) {
    (sorted.first().copied().unwrap_or_default(), sorted.last().copied().unwrap_or_default())
}

fn table(series: &[Series], answers: &[u8]) -> String {
    let mut text = String::from("jobs      median             range          cpu      memory  speed-up\n");
    let first = series.first().map_or(Duration::ZERO, |first| median(&first.walls));
    for Series { jobs, walls, cpus, peak_bytes } in series {
        let (middle, (least, most)) = (median(walls), range(walls));
        let speedup = first.as_secs_f64() / middle.as_secs_f64().max(1e-9);
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "{jobs:>4} {:>9.3} s {:>7.3} .. {:.3} s {:>9.3} s {:>11} {speedup:>9.2}",
            middle.as_secs_f64(),
            least.as_secs_f64(),
            most.as_secs_f64(),
            median(cpus).as_secs_f64(),
            bytes(*peak_bytes),
        );
    }
    let runs = series.first().map_or(0, |series| series.walls.len());
    let lines = answers.iter().filter(|byte| **byte == b'\n').count();
    let _ = writeln!(text, "{runs} runs each, in turn; all gave the same {lines} lines of answers");
    if first < SHORT {
        let _ = writeln!(text, "note: a run this short is mostly start-up; give the program more to do");
    }
    text
}

/// The medians as bars, with lines from the shortest to the longest time.
fn drawn(title: &str, series: &[Series]) -> String {
    const LEFT: f64 = 80.0;
    const WIDTH: f64 = 480.0;
    const ROW: f64 = 34.0;
    const TOP: f64 = 48.0;
    let longest = series.iter().map(|series| range(&series.walls).1).max().unwrap_or_default();
    let scale = WIDTH / longest.as_secs_f64().max(1e-9);
    let first = series.first().map_or(Duration::ZERO, |first| median(&first.walls));
    let height = TOP + ROW * series.len() as f64 + 24.0;
    let title = escaped(title);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"760\" height=\"{height}\" viewBox=\"0 0 760 {height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"16\" y=\"26\" font-size=\"15\" font-weight=\"bold\">{title}</text>\n"
    );
    for (row, Series { jobs, walls, .. }) in series.iter().enumerate() {
        let (middle, (least, most)) = (median(walls), range(walls));
        let y = TOP + ROW * row as f64;
        let x = |time: Duration| LEFT + time.as_secs_f64() * scale;
        let speedup = first.as_secs_f64() / middle.as_secs_f64().max(1e-9);
        let unit = if jobs.get() == 1 { "job" } else { "jobs" };
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{jobs} {unit}</text>\n\
             <rect x=\"{LEFT}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"22\" fill=\"#4878a8\"/>\n\
             <path d=\"M{:.1} {:.1}H{:.1}M{:.1} {:.1}v8M{:.1} {:.1}v8\" stroke=\"#222\" stroke-width=\"1.5\"/>\n\
             <text x=\"{:.1}\" y=\"{:.1}\">{:.3} s, {speedup:.2} times as fast</text>\n",
            LEFT - 10.0,
            y + 16.0,
            x(middle) - LEFT,
            x(least),
            y + 11.0,
            x(most),
            x(least),
            y + 7.0,
            x(most),
            y + 7.0,
            LEFT + WIDTH + 8.0,
            y + 16.0,
            middle.as_secs_f64(),
        );
    }
    let runs = series.first().map_or(0, |series| series.walls.len());
    let _ = write!(
        svg,
        "<text x=\"{LEFT}\" y=\"{:.1}\" fill=\"#666\" font-size=\"11\">median, shortest and longest of {runs} runs in \
         turn; the answers are the same</text>\n</svg>\n",
        height - 10.0
    );
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: &[f64]) -> Vec<Duration> {
        seconds.iter().map(|seconds| Duration::from_secs_f64(*seconds)).collect()
    }

    fn number(n: usize) -> NonZeroUsize {
        NonZeroUsize::new(n).unwrap()
    }

    #[test]
    fn medians_are_compared_with_the_first() {
        let one = Series {
            jobs: number(1),
            walls: seconds(&[1.9, 2.0, 2.2]),
            cpus: seconds(&[1.8, 1.9, 2.1]),
            peak_bytes: 1 << 20,
        };
        let two = Series {
            jobs: number(2),
            walls: seconds(&[0.9, 1.0, 1.5]),
            cpus: seconds(&[1.9, 2.0, 2.1]),
            peak_bytes: 3 << 20,
        };
        let series = [one, two];
        let table = table(&series, b"[1]\n[2]\n");
        assert!(
            table.contains("   1     2.000 s   1.900 .. 2.200 s     1.900 s    1.00 MiB      1.00\n"),
            "{table}"
        );
        assert!(
            table.contains("   2     1.000 s   0.900 .. 1.500 s     2.000 s    3.00 MiB      2.00\n"),
            "{table}"
        );
        assert!(table.ends_with("3 runs each, in turn; all gave the same 2 lines of answers\n"), "{table}");
        let svg = drawn("<a> & b", &series);
        assert!(svg.contains("&lt;a&gt; &amp; b"));
        assert!(svg.contains("2 jobs") && svg.contains("1.000 s, 2.00 times as fast"));
    }

    #[test]
    fn answers_are_compared() {
        let mut expected = None;
        assert!(agrees(&mut expected, b"[1]\n".to_vec(), number(1), number(1)));
        assert!(agrees(&mut expected, b"[1]\n".to_vec(), number(2), number(1)));
        assert!(!agrees(&mut expected, b"[1]\n[2]\n".to_vec(), number(2), number(1)));
    }
}
