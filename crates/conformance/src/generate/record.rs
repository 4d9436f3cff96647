//! Recorded answers: what the reference said to the programs of some seeds.
//!
//! ```text
//! program 17 5f3c9a2b11e0d4c7
//! !4
//! ;print> a line
//! ;=> a result
//! ```
//!
//! The number behind the seed is a hash of the program's text, so that a change of the generator
//! does not compare new programs with old answers. Forms are counted from 0; `;=>` and the like
//! are those of corpus files.

use std::fmt::Write as _;

use super::Program;
use crate::compare::{Answer, Outcome};
use crate::directive::{self, Line};

/// What was answered to one program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recorded {
    /// The seed of the program.
    pub seed: u64,
    /// The hash of its text.
    pub hash: u64,
    /// The answers of its evaluated forms, each with the place of the form.
    pub answers: Vec<(usize, Answer)>,
}

impl Recorded {
    /// Notes the answers to the program of a seed.
    pub fn new(seed: u64, program: &Program, answers: Vec<(usize, Answer)>) -> Self {
        Recorded { seed, hash: hash(&program.text()), answers }
    }

    /// Reports whether the answers are those to this program.
    pub fn is_of(&self, program: &Program) -> bool {
        self.hash == hash(&program.text())
    }
}

/// What is wrong with a file of recorded answers: the line, from 1.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordError(pub usize);

impl std::fmt::Display for RecordError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {} is not one of a record", self.0)
    }
}

impl std::error::Error for RecordError {}

/// Returns the text of a file of recorded answers.
pub fn write_records(records: &[Recorded]) -> String {
    let mut out = String::new();
    for record in records {
        // Writing to a string does not fail.
        _ = writeln!(out, "program {} {:016x}", record.seed, record.hash);
        for (index, answer) in &record.answers {
            _ = write!(out, "!{index}\n{answer}");
        }
    }
    out
}

/// Reads a file of recorded answers.
///
/// # Errors
/// The first line that is not one of a record.
pub fn read_records(text: &str) -> Result<Vec<Recorded>, RecordError> {
    let mut records: Vec<Recorded> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        read_line(line, &mut records).ok_or(RecordError(number + 1))?;
    }
    Ok(records)
}

fn read_line(line: &str, records: &mut Vec<Recorded>) -> Option<()> {
    if let Some(rest) = line.strip_prefix("program ") {
        let (seed, hash) = rest.split_once(' ')?;
        let (seed, hash) = (seed.parse().ok()?, u64::from_str_radix(hash, 16).ok()?);
        records.push(Recorded { seed, hash, answers: Vec::new() });
        return Some(());
    }
    let answers = &mut records.last_mut()?.answers;
    if let Some(index) = line.strip_prefix('!') {
        answers.push((index.parse().ok()?, Answer::nothing()));
        return Some(());
    }
    let (_, answer) = answers.last_mut()?;
    match (directive::read(line).ok()??, &mut answer.outcome) {
        (Line::Result(text), Outcome::Results(results)) => results.push(text.to_owned()),
        (Line::Printed(text), _) => answer.printed.push(text.to_owned()),
        (Line::None, _) => {}
        (Line::NotRun, outcome) => *outcome = Outcome::NotRun,
        _ => return None,
    }
    Some(())
}

/// FNV-1a, which is short and fixed.
fn hash(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::{RecordError, Recorded, hash, read_records, write_records};
    use crate::generate::generate;
    use crate::{Answer, Outcome};

    #[test]
    fn a_record_reads_back() {
        let program = generate(3);
        let answers = vec![
            (
                2,
                Answer { printed: vec!["a".to_owned()], outcome: Outcome::Results(vec!["(b c)".to_owned()]) },
            ),
            (4, Answer::nothing()),
            (5, Answer::not_run()),
        ];
        let records = [Recorded::new(3, &program, answers), Recorded::new(9, &generate(9), Vec::new())];
        assert_eq!(read_records(&write_records(&records)), Ok(records.to_vec()));
        assert!(records[0].is_of(&program) && !records[1].is_of(&program));
        assert_eq!(read_records("program 1 0\n;=> 1\n"), Err(RecordError(2)));
        assert_eq!(read_records("nonsense"), Err(RecordError(1)));
    }

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(hash("a"), 0xaf63_dc4c_8601_ec8c);
    }
}
