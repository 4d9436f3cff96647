//! The command line.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use mettatron::RunLimits;

use crate::memory::default_limit;

/// Runs MeTTa programs.
///
/// Several files and expressions make one program, in this order: files as given, then
/// the texts of `-e`. Modules are looked for beside the first file, then in the folders of `-I`, then in
/// those that METTA_PATH lists.
#[derive(Debug, Parser)]
#[command(name = "mettatron", version, max_term_width = 100)]
pub(crate) struct Args {
    /// Files to run; `-` is the standard input
    #[arg(value_name = "FILE", required_unless_present = "expressions")]
    pub(crate) files: Vec<PathBuf>,

    /// Program text to run after the files; without any `!` its last form is evaluated
    #[arg(short = 'e', long = "expr", value_name = "EXPR")]
    pub(crate) expressions: Vec<String>,

    /// Threads that evaluate; 1 evaluates one expression after the other [default: processors]
    #[arg(short, long, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,

    /// How results are written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,

    /// Go on after a result list with an Error
    #[arg(long)]
    pub(crate) keep_going: bool,

    /// Folder in which modules are looked for after that of the first FILE; may be repeated
    #[arg(short = 'I', long = "include", value_name = "DIR")]
    pub(crate) include: Vec<PathBuf>,

    /// Allow `git-module!` to clone repositories
    #[arg(long)]
    pub(crate) allow_git: bool,

    /// Refuse files to programs: there is no module `fileio`, and no space is opened or saved
    #[arg(long)]
    pub(crate) no_files: bool,

    /// Seed of random numbers whose generator the program gives none [default: another one each run]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,

    /// How rules are run; the answers are the same
    #[arg(long, value_enum, default_value_t = Engine::Compiled)]
    pub(crate) engine: Engine,

    /// Keep no answers of function calls to use again; the answers are the same
    #[arg(long)]
    pub(crate) no_tabling: bool,

    /// Evaluate each expression on one thread; the answers are the same
    #[arg(long)]
    pub(crate) no_forking: bool,

    /// Write what each thread did and when to FILE, for Perfetto; `trace` may be the first word then
    #[arg(long, value_name = "FILE")]
    pub(crate) perfetto: Option<PathBuf>,

    /// Explain neither errors nor unknown names on the standard error
    #[arg(short, long)]
    pub(crate) quiet: bool,

    #[command(flatten)]
    limits: Limits,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
struct Limits {
    /// Reductions of one expression
    #[arg(long, value_name = "N")]
    steps: Option<u64>,

    /// Nesting depth of one expression
    #[arg(long, value_name = "N")]
    depth: Option<u64>,

    /// Memory of one expression, such as 512M or 2G [default: half of the machine's]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    memory: Option<u64>,

    /// Time of the whole run, such as 10s, 500ms or 2m
    #[arg(long, value_name = "TIME", value_parser = duration)]
    time: Option<Duration>,

    /// Results of one expression
    #[arg(long, value_name = "N")]
    results: Option<u64>,
}

/// How rules are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// Step by step, as the definition of the language does it
    General,
    /// As code, made when a rule is first used
    Compiled,
}

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One line `[result, ...]` for each `!`
    Text,
    /// One document when the run is over
    Json,
    /// One object on a line for each `!` and each printed line
    Jsonl,
}

/// Takes the word `trace` out of `mettatron trace FILE --perfetto OUT`. Without the option it is a file.
pub(crate) fn without_command(mut words: Vec<OsString>) -> Vec<OsString> {
    let traces = |word: &OsString| word.to_string_lossy().starts_with("--perfetto");
    if words.get(1).is_some_and(|word| word == "trace") && words.iter().any(traces) {
        words.remove(1);
    }
    words
}

impl Args {
    pub(crate) fn limits(&self) -> RunLimits {
        let Limits { steps, depth, memory, time, results } = self.limits;
        RunLimits { steps, depth, memory_bytes: memory.or_else(default_limit), results, time }
    }
}

/// Splits a text into a decimal number and a unit.
fn quantity(text: &str) -> Option<(f64, &str)> {
    let unit = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number: f64 = text[..unit].parse().ok()?;
    Some((number, &text[unit..]))
}

fn size(text: &str) -> Result<u64, String> {
    const EXPECTED: &str = "expected a size such as 64K, 512M or 2G";
    let (number, unit) = quantity(text).ok_or(EXPECTED)?;
    let factor: u32 = match unit.to_ascii_uppercase().trim_end_matches('B').trim_end_matches('I') {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return Err(EXPECTED.to_owned()),
    };
    let bytes = number * 2f64.powi(factor.cast_signed());
    // A conversion to an integer saturates: a size beyond all memory is no limit.
    Ok(bytes as u64)
}

fn duration(text: &str) -> Result<Duration, String> {
    const EXPECTED: &str = "expected a time such as 500ms, 10s or 2m";
    let (number, unit) = quantity(text).ok_or(EXPECTED)?;
    let seconds = match unit {
        "us" => number / 1e6,
        "ms" => number / 1e3,
        "s" | "" => number,
        "m" | "min" => number * 60.0,
        "h" => number * 3600.0,
        _ => return Err(EXPECTED.to_owned()),
    };
    Duration::try_from_secs_f64(seconds).map_err(|_| EXPECTED.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        let cases = [
            ("0", 0),
            ("12", 12),
            ("64K", 65_536),
            ("512M", 536_870_912),
            ("1.5kib", 1_536),
            ("2GB", 1 << 31),
        ];
        for (text, bytes) in cases {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "M", "-1", "1X", "1.2.3", "1 G"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_read() {
        let cases =
            [("10s", 10_000_000), ("500ms", 500_000), ("1.5", 1_500_000), ("2m", 120_000_000), ("7us", 7)];
        for (text, microseconds) in cases {
            assert_eq!(duration(text), Ok(Duration::from_micros(microseconds)), "{text}");
        }
        for text in ["", "s", "-1s", "1d", "1e400s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_word_trace_is_a_command_only_with_its_option() {
        let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        let without = |line| without_command(words(line));
        assert_eq!(without("mettatron trace a.metta --perfetto b"), words("mettatron a.metta --perfetto b"));
        assert_eq!(without("mettatron trace a.metta"), words("mettatron trace a.metta"));
        assert_eq!(without("mettatron a --perfetto trace"), words("mettatron a --perfetto trace"));
    }

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Args::command().debug_assert();
    }
}
