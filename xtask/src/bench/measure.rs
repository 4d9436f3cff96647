//! Programs on engines: answers first, then rounds in which every engine has its turn.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::engine::{Engine, REFERENCE};
use super::program::{Language, Program, START};
use super::sample::{self, Outcome, Sample, Spread};

/// A run that takes longer is not repeated.
const LONG_SECONDS: f64 = 8.0;
/// A run that is shorter than this is repeated three times as often.
const SHORT_SECONDS: f64 = 0.1;

/// What an engine took for a program at a size.
#[derive(Clone, Debug)]
pub(super) enum Reading {
    Took {
        /// Seconds of processor time without start-up; with it for the program that measures start-up.
        seconds: Spread,
        megabytes: f64,
    },
    Wrong(String),
    TooLong(Duration),
    /// The program is too large for this engine.
    Left,
}

impl Reading {
    pub(super) fn seconds(&self) -> Option<f64> {
        match self {
            Reading::Took { seconds, .. } => Some(seconds.median),
            Reading::Wrong(_) | Reading::TooLong(_) | Reading::Left => None,
        }
    }
}

/// The readings of all engines for one program at one size, in the order of the engines.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) program: &'a Program,
    pub(super) size: u64,
    pub(super) readings: Vec<Reading>,
}

/// Measures programs, one at a time.
#[derive(Debug)]
pub(super) struct Bench {
    pub(super) engines: Vec<Engine>,
    /// What a run takes that does nothing, by engine.
    start: Vec<f64>,
    runs: usize,
    limit: Duration,
    folder: PathBuf,
}

impl Bench {
    /// Measures the start-up of every engine.
    pub(super) fn new(
        engines: Vec<Engine>,
        runs: usize,
        limit: Duration,
        folder: &Path,
        start: &Program,
    ) -> Result<Bench> {
        let mut bench =
            Bench { start: vec![0.0; engines.len()], engines, runs, limit, folder: folder.to_owned() };
        let readings = bench.row(start, start.gate)?.readings;
        for ((reading, start), engine) in readings.iter().zip(&mut bench.start).zip(&bench.engines) {
            match reading {
                Reading::Took { seconds, .. } => *start = seconds.median,
                Reading::Wrong(why) => bail!("{} does not run `{START}`: {why}", engine.name),
                Reading::TooLong(_) | Reading::Left => bail!("{} does not run `{START}`", engine.name),
            }
        }
        Ok(bench)
    }

    /// Measures a program at a size.
    pub(super) fn row<'a>(&self, program: &'a Program, size: u64) -> Result<Row<'a>> {
        let is_start = program.name == START;
        let mut files = BTreeMap::new();
        for language in [Language::Metta, Language::Prolog] {
            files.insert(language.extension(), program.write(&self.folder, language, size)?);
        }
        let answer = &program.sizes.get(&size).context("a size without an answer")?.answer;
        let run = |engine: &Engine| {
            sample::run(engine, &files[engine.language.extension()], answer, &self.folder, self.limit)
        };
        let mut columns = Vec::new();
        for engine in &self.engines {
            let fits = engine.name != REFERENCE || is_start || program.reference.contains(&size);
            columns.push(if fits {
                Column::first(run(engine)?, self.runs)
            } else {
                Column::of(Reading::Left)
            });
        }
        let rounds = columns.iter().map(|column| column.runs).max().unwrap_or_default();
        for round in 0..rounds {
            for (engine, column) in self.engines.iter().zip(&mut columns) {
                if round < column.runs {
                    column.take(run(engine)?);
                }
            }
        }
        let start = |index: usize| if is_start { 0.0 } else { self.start[index] };
        let readings = columns.into_iter().enumerate().map(|(i, column)| column.reading(start(i))).collect();
        Ok(Row { program, size, readings })
    }
}

/// The samples of one engine for one program.
struct Column {
    samples: Vec<Sample>,
    failure: Option<Reading>,
    /// How many more samples to take.
    runs: usize,
}

impl Column {
    fn of(failure: Reading) -> Column {
        Column { samples: Vec::new(), failure: Some(failure), runs: 0 }
    }

    /// The run that checks the answer. It also says how many are worth while; it counts only if it is the last.
    fn first(outcome: Outcome, runs: usize) -> Column {
        let mut column = Column { samples: Vec::new(), failure: None, runs };
        column.take(outcome);
        match column.samples.first() {
            Some(sample) if sample.seconds > LONG_SECONDS => column.runs = 0,
            Some(sample) => {
                column.runs = if sample.seconds < SHORT_SECONDS { 3 * runs } else { runs };
                column.samples.clear();
            }
            None => column.runs = 0,
        }
        column
    }

    fn take(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Right(sample) => self.samples.push(sample),
            Outcome::Wrong(why) => self.failure = Some(Reading::Wrong(why)),
            Outcome::TooLong(limit) => self.failure = Some(Reading::TooLong(limit)),
        }
    }

    fn reading(self, start: f64) -> Reading {
        if let Some(failure) = self.failure {
            return failure;
        }
        // Noise can make a run shorter than a start.
        let seconds = Spread::of(self.samples.iter().map(|it| (it.seconds - start).max(0.0)));
        let peak = Spread::of(self.samples.iter().map(|it| it.peak_bytes as f64 / 1e6));
        match (seconds, peak) {
            (Some(seconds), Some(peak)) => Reading::Took { seconds, megabytes: peak.median },
            _ => Reading::Left,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn right(seconds: f64) -> Outcome {
        Outcome::Right(Sample { seconds, peak_bytes: 2_000_000 })
    }

    #[test]
    fn the_run_that_checks_is_not_counted_unless_it_is_long() {
        let column = Column::first(right(1.0), 5);
        assert_eq!((column.runs, column.samples.len()), (5, 0));
        let column = Column::first(right(0.01), 5);
        assert_eq!((column.runs, column.samples.len()), (15, 0));
        let column = Column::first(right(9.0), 5);
        assert_eq!((column.runs, column.samples.len()), (0, 1));
        assert_eq!(column.reading(1.0).seconds(), Some(8.0));
    }

    #[test]
    fn a_wrong_answer_is_no_time() {
        let mut column = Column::first(right(1.0), 5);
        column.take(right(1.0));
        column.take(Outcome::Wrong("expected `1`, found `2`".to_owned()));
        assert!(matches!(column.reading(0.0), Reading::Wrong(why) if why.contains("found `2`")));
        let column = Column::first(Outcome::TooLong(Duration::from_secs(1)), 5);
        assert_eq!(column.runs, 0);
        assert!(matches!(column.reading(0.0), Reading::TooLong(_)));
    }

    #[test]
    fn start_up_is_taken_off() {
        let mut column = Column::first(right(0.5), 3);
        for seconds in [0.5, 0.7, 0.6] {
            column.take(right(seconds));
        }
        let Reading::Took { seconds, megabytes } = column.reading(0.1) else { panic!("no reading") };
        assert!((seconds.median - 0.5).abs() < 1e-9 && (megabytes - 2.0).abs() < 1e-9);
    }
}
