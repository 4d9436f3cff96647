//! Flags that several commands share, and how their values are read.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;

/// What a program is read from.
///
/// Several files and expressions make one program, in this order: files as given, then the texts of `-e`.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct SourceArgs {
    /// Files to run; `-` is the standard input
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,

    /// Program text to run after the files; without any `!` its last form is evaluated
    #[arg(short = 'e', long = "expr", value_name = "EXPR")]
    pub(crate) expressions: Vec<String>,
}

/// How programs are evaluated, and what they may use: the same for every command that evaluates.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Evaluation")]
pub(crate) struct EngineArgs {
    /// Threads that evaluate; 1 evaluates one expression after the other [default: processors]
    #[arg(short, long, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,

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

    /// How rules are run; the answers are the same [default: compiled]
    #[arg(long, value_enum)]
    pub(crate) engine: Option<Engine>,

    /// Keep no answers of function calls to use again; the answers are the same
    #[arg(long)]
    pub(crate) no_tabling: bool,

    /// Evaluate each expression on one thread; the answers are the same
    #[arg(long)]
    pub(crate) no_forking: bool,

    /// Read settings from this file, not from `mettatron.toml` in the program's folder or above
    #[arg(long, value_name = "FILE", conflicts_with = "no_config")]
    pub(crate) config: Option<PathBuf>,

    /// Read no file of settings
    #[arg(long)]
    pub(crate) no_config: bool,

    #[command(flatten)]
    pub(crate) limits: Limits,
}

/// What ends a run that goes too far.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct Limits {
    /// Reductions of one expression
    #[arg(long, value_name = "N")]
    pub(crate) steps: Option<u64>,

    /// Nesting depth of one expression
    #[arg(long, value_name = "N")]
    pub(crate) depth: Option<u64>,

    /// Memory of one expression, such as 512M or 2G [default: half of the machine's]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) memory: Option<u64>,

    /// Time of the whole run, such as 10s, 500ms or 2m
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) time: Option<Duration>,

    /// Results of one expression
    #[arg(long, value_name = "N")]
    pub(crate) results: Option<u64>,
}

/// How rules are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// Step by step, as the definition of the language does it
    General,
    /// As code, made when a rule is first used
    Compiled,
}

/// How findings are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum MessageFormat {
    /// Drawn with the source
    #[default]
    Human,
    /// One object on a line for each
    Json,
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

/// Splits a text into a decimal number and a unit.
fn quantity(text: &str) -> Option<(f64, &str)> {
    let unit = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number: f64 = text[..unit].parse().ok()?;
    Some((number, &text[unit..]))
}

pub(crate) fn size(text: &str) -> Result<u64, String> {
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

pub(crate) fn duration(text: &str) -> Result<Duration, String> {
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
}
