//! A measured program: its text, its peer in Prolog, and what its header says.
//!
//! The header is made of comments in the `.metta` file:
//!
//! ```text
//! ;@ size: 20, work: 21891, answer: 6765    one for each size that is used below
//! ;@ gate: 20                               the size whose instructions are counted
//! ;@ measure: 27 30                         the sizes that are timed
//! ;@ growth: 24 26 28                       three sizes, each with about twice the work of the last
//! ;@ reference: 20                          sizes that are small enough for the reference
//! ;@ bound: 0.4 x swipl                     what a measured size may take; also `1.0 s` and `300 MB`,
//! ;@ bound: 0.3 s, size: 1000000            for one size only if it says so
//! ;@ for i in 2..=n: (edge n{i/2} n{i})     a line of program text for each value of i
//! ```
//!
//! In the rest of the text `{n}` stands for the size; numbers in braces are computed from left to
//! right without precedence. `%@ for` does the same in a Prolog file.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::bound::Bound;
use super::template;

/// The program that does next to nothing: what it takes is what every run takes.
pub(super) const START: &str = "start";

/// A program with its sizes.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) name: String,
    metta: String,
    prolog: String,
    pub(super) sizes: BTreeMap<u64, Size>,
    pub(super) gate: u64,
    pub(super) measure: Vec<u64>,
    pub(super) growth: Vec<u64>,
    pub(super) reference: Vec<u64>,
    bounds: Vec<(Bound, Option<u64>)>,
}

/// What is known of a program at one size.
#[derive(Debug, PartialEq)]
pub(super) struct Size {
    /// How much there is to do, in a unit that the program's header names.
    pub(super) work: u64,
    pub(super) answer: String,
}

/// The language that an engine reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Metta,
    Prolog,
}

impl Language {
    pub(super) fn extension(self) -> &'static str {
        match self {
            Language::Metta => "metta",
            Language::Prolog => "pl",
        }
    }
}

impl Program {
    /// Reads the programs below `benches`, all of them or those that are named, by name.
    pub(super) fn read_all(benches: &Path, only: &[String]) -> Result<Vec<Program>> {
        let mut programs = Vec::new();
        let folder = benches.join("programs");
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))? {
            let path = entry?.path();
            let Some(name) = path.file_stem().and_then(|name| name.to_str()) else { continue };
            if only.is_empty() || only.iter().any(|it| it == name) {
                let peer = benches.join("peers").join(format!("{name}.pl"));
                programs.push(Program::read(name, &path, &peer)?);
            }
        }
        programs.sort_by(|a, b| a.name.cmp(&b.name));
        for name in only {
            ensure!(
                programs.iter().any(|it| it.name == *name),
                "no program `{name}` in {}",
                folder.display()
            );
        }
        Ok(programs)
    }

    /// Reads one program and its peer.
    pub(super) fn read(name: &str, metta: &Path, prolog: &Path) -> Result<Program> {
        let text =
            |path: &Path| fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
        Program::parse(name, text(metta)?, text(prolog)?).with_context(|| metta.display().to_string())
    }

    fn parse(name: &str, metta: String, prolog: String) -> Result<Program> {
        let mut program = Program {
            name: name.to_owned(),
            metta: String::new(),
            prolog,
            sizes: BTreeMap::new(),
            gate: 0,
            measure: Vec::new(),
            growth: Vec::new(),
            reference: Vec::new(),
            bounds: Vec::new(),
        };
        for line in metta.lines().filter_map(|line| line.strip_prefix(";@ ")) {
            program.header(line).with_context(|| format!("in `;@ {line}`"))?;
        }
        program.metta = metta;
        program.check()?;
        Ok(program)
    }

    fn header(&mut self, line: &str) -> Result<()> {
        if line.starts_with("for ") {
            return Ok(());
        }
        let (key, value) = line.split_once(": ").context("expected `key: value`")?;
        match key {
            "size" => {
                let (size, rest) =
                    value.split_once(", work: ").context("expected `, work: ` after the size")?;
                let (work, answer) =
                    rest.split_once(", answer: ").context("expected `, answer: ` after the work")?;
                self.sizes.insert(size.parse()?, Size { work: work.parse()?, answer: answer.to_owned() });
            }
            "gate" => self.gate = value.parse()?,
            "measure" => self.measure = numbers(value)?,
            "growth" => self.growth = numbers(value)?,
            "reference" => self.reference = numbers(value)?,
            "bound" => {
                let (bound, size) = match value.split_once(", size: ") {
                    Some((bound, size)) => (bound, Some(size.parse()?)),
                    None => (value, None),
                };
                self.bounds.push((bound.parse()?, size));
            }
            _ => bail!("no such key"),
        }
        Ok(())
    }

    fn check(&self) -> Result<()> {
        ensure!(!self.measure.is_empty(), "`;@ measure:` is missing");
        ensure!([0, 3].contains(&self.growth.len()), "`;@ growth:` takes three sizes");
        let used = [&self.measure, &self.growth, &self.reference].into_iter().flatten().chain([&self.gate]);
        for size in used {
            ensure!(self.sizes.contains_key(size), "size {size} has no `;@ size:` line");
        }
        Ok(())
    }

    /// The first line of the text.
    pub(super) fn title(&self) -> &str {
        self.metta.lines().next().unwrap_or_default().trim_start_matches("; ")
    }

    /// What our engine may take at a size that is measured.
    pub(super) fn bounds(&self, size: u64) -> impl Iterator<Item = &Bound> {
        self.bounds
            .iter()
            .filter(move |(bound, only)| {
                only.is_none_or(|only| only == size)
                // A size that is there for the reference alone is too small for the others.
                && (bound.is_to_reference() == self.reference.contains(&size))
            })
            .map(|(bound, _)| bound)
    }

    /// The text at a size.
    pub(super) fn text(&self, language: Language, size: u64) -> Result<String> {
        let (text, comment) = match language {
            Language::Metta => (&self.metta, ";@ "),
            Language::Prolog => (&self.prolog, "%@ "),
        };
        template::fill(text, comment, size)
    }

    /// Writes the text at a size into a folder and returns the file.
    pub(super) fn write(&self, folder: &Path, language: Language, size: u64) -> Result<PathBuf> {
        let path = folder.join(format!("{}-{size}.{}", self.name, language.extension()));
        let text =
            self.text(language, size).with_context(|| format!("{}.{}", self.name, language.extension()))?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }
}

fn numbers(text: &str) -> Result<Vec<u64>> {
    Ok(text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?)
}

#[cfg(test)]
impl Program {
    /// A program `p` with this header.
    pub(super) fn parse_for_tests(header: &str) -> Program {
        Program::parse("p", header.to_owned(), String::new()).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "\
; Text.
;@ size: 5, work: 50, answer: (a b)
;@ size: 7, work: 70, answer: 49
;@ gate: 5
;@ measure: 7
;@ reference: 5
;@ bound: 0.4 x swipl
;@ bound: 0.001 x reference
;@ bound: 1.5 s, size: 7
";

    fn parse(text: &str) -> Result<Program> {
        Program::parse("p", text.to_owned(), String::new())
    }

    #[test]
    fn a_header_is_read() {
        let program = parse(HEADER).unwrap();
        assert_eq!(program.sizes[&5], Size { work: 50, answer: "(a b)".to_owned() });
        assert_eq!((program.gate, &program.measure, &program.reference), (5, &vec![7], &vec![5]));
        let bounds = |size| program.bounds(size).map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(bounds(7), ["0.4 x swipl", "1.5 s"]);
        assert_eq!(bounds(5), ["0.001 x reference"]);
    }

    #[test]
    fn a_header_that_says_nonsense_is_refused() {
        let error = |added: &str| format!("{:#}", parse(&format!("{HEADER}{added}")).unwrap_err());
        assert!(error(";@ gate: 6\n").contains("size 6 has no"), "{}", error(";@ gate: 6\n"));
        assert!(error(";@ speed: 1\n").contains("no such key"));
        assert!(error(";@ growth: 5 7\n").contains("three sizes"));
        assert!(error(";@ bound: 3 apples\n").contains("apples"));
        assert!(error(";@ size: 9, answer: 3\n").contains("work"));
    }

    #[test]
    fn every_program_of_the_project_is_well_formed() {
        let benches = crate::workspace::root().join("benches");
        let programs = Program::read_all(&benches, &[]).unwrap();
        assert!(programs.iter().any(|it| it.name == START));
        for program in programs {
            for language in [Language::Metta, Language::Prolog] {
                let text = program.text(language, program.gate).unwrap();
                assert!(!text.contains("{n}"), "{} ({language:?})", program.name);
            }
        }
        assert!(Program::read_all(&benches, &["no-such-program".to_owned()]).is_err());
    }

    #[test]
    fn the_engine_gives_every_answer_at_the_smallest_size() {
        for program in Program::read_all(&crate::workspace::root().join("benches"), &[]).unwrap() {
            let (&size, expected) = program.sizes.first_key_value().unwrap();
            let mut engine = mettatron::Engine::new();
            let lists = engine.run(&program.text(Language::Metta, size).unwrap()).unwrap();
            let last: Vec<_> = lists.last().unwrap().iter().map(|atom| engine.print(atom)).collect();
            assert_eq!(last, [expected.answer.as_str()], "{}", program.name);
        }
    }
}
