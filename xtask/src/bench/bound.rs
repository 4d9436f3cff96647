//! What a program may take.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Error, Result, bail};

use super::engine::{PROLOG, REFERENCE};

/// The most that a program may take at a measured size.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Bound {
    /// So many times the time of another engine: `0.4 x swipl`.
    Ratio(f64, String),
    /// Processor time without start-up: `1.0 s`.
    Seconds(f64),
    /// Peak memory: `300 MB`.
    Megabytes(f64),
}

impl Bound {
    pub(super) fn is_to_reference(&self) -> bool {
        matches!(self, Bound::Ratio(_, engine) if engine == REFERENCE)
    }
}

impl FromStr for Bound {
    type Err = Error;

    fn from_str(text: &str) -> Result<Bound> {
        let (number, unit) = text.split_once(' ').context("expected a number and a unit")?;
        let number: f64 = number.parse().with_context(|| format!("`{number}` is no number"))?;
        match unit.split_once(' ') {
            None if unit == "s" => Ok(Bound::Seconds(number)),
            None if unit == "MB" => Ok(Bound::Megabytes(number)),
            Some(("x", engine)) if [PROLOG, REFERENCE].contains(&engine) => {
                Ok(Bound::Ratio(number, engine.to_owned()))
            }
            _ => bail!("`{unit}` is none of `s`, `MB`, `x {PROLOG}`, `x {REFERENCE}`"),
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bound::Ratio(number, engine) => write!(f, "{number} x {engine}"),
            Bound::Seconds(number) => write!(f, "{number} s"),
            Bound::Megabytes(number) => write!(f, "{number} MB"),
        }
    }
}
