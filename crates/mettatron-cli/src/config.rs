//! `mettatron.toml`: settings for the programs in a folder and below it.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "TOML has eight kinds of values, and a key takes one or two"
)]

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use mettatron::Library;
use mettatron::config::EvalConfig;
use mettatron::diagnosis::{Finding, Label, Place, Severity, Texts, nearest};
use mettatron::syntax::{LineIndex, Span};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::args::{duration, size};

/// The name of the file that is looked for.
pub(crate) const FILE_NAME: &str = "mettatron.toml";

/// What a key takes.
#[derive(Clone, Copy)]
enum Kind {
    /// A number from 1.
    Positive,
    Number,
    Truth,
    OneOf(&'static [&'static str]),
    Folders,
    /// Bytes: a number or a text such as `2G`.
    Size,
    /// A text such as `10s`.
    Time,
}

/// All keys.
const KEYS: &[(&str, Kind)] = &[
    ("profile", Kind::OneOf(&EvalConfig::PROFILES)),
    ("jobs", Kind::Positive),
    ("batch-size", Kind::Positive),
    ("include", Kind::Folders),
    ("engine", Kind::OneOf(&["general", "compiled"])),
    ("tabling", Kind::Truth),
    ("forking", Kind::Truth),
    ("files", Kind::Truth),
    ("allow-git", Kind::Truth),
    ("seed", Kind::Number),
    ("limits.steps", Kind::Number),
    ("limits.depth", Kind::Number),
    ("limits.memory", Kind::Size),
    ("limits.results", Kind::Number),
    ("limits.time", Kind::Time),
    ("fmt.width", Kind::Positive),
];

/// The value of a key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Number(u64),
    Truth(bool),
    Text(String),
    Folders(Vec<PathBuf>),
    Time(Duration),
}

/// A file of settings that is well formed.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConfigFile {
    pub(crate) path: PathBuf,
    /// The values, each with its line.
    values: BTreeMap<&'static str, (Value, usize)>,
}

/// A mistake in a file of settings.
#[derive(Debug)]
pub(crate) struct Mistake {
    pub(crate) texts: Texts,
    pub(crate) finding: Finding,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.finding.message)
    }
}

impl std::error::Error for Mistake {}

impl ConfigFile {
    /// Reads the file that holds for programs in `folder`: the one in it, or else in the nearest folder above.
    ///
    /// # Errors
    /// A file that cannot be read, and [`Mistake`] for one that is wrong.
    pub(crate) fn above(folder: &Path) -> anyhow::Result<Option<Self>> {
        // What is no folder has none above it, and is complained of by whoever reads the program.
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let Ok(folder) = std::path::absolute(folder) else { return Ok(None) };
        let found = folder.ancestors().map(|folder| folder.join(FILE_NAME)).find(|path| path.is_file());
        // As short as it can be told.
        let here = std::path::absolute(".").unwrap_or_default();
        found.map(|path| Self::read(path.strip_prefix(&here).unwrap_or(&path))).transpose()
    }

    /// Reads a file.
    ///
    /// # Errors
    /// As [`above`](Self::above).
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let reader = Reader { path, text: &text, lines: LineIndex::new(&text) };
        let values = reader.values().map_err(|finding| {
            let mut texts = Texts::new(Library::new());
            texts.add(path.display().to_string(), text.as_bytes().to_vec());
            Mistake { texts, finding: *finding }
        })?;
        Ok(ConfigFile { path: path.to_owned(), values })
    }

    /// The value of a key, and its line.
    pub(crate) fn get(&self, key: &str) -> Option<(&Value, usize)> {
        self.values.get(key).map(|(value, line)| (value, *line))
    }
}

/// A text that is read.
struct Reader<'t> {
    path: &'t Path,
    text: &'t str,
    lines: LineIndex,
}

type Found<T> = Result<T, Box<Finding>>;

impl Reader<'_> {
    fn values(&self) -> Found<BTreeMap<&'static str, (Value, usize)>> {
        let table = DeTable::parse(self.text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            wrong("E0801", error.message().to_owned(), span, "here", None)
        })?;
        let mut values = BTreeMap::new();
        self.table(table.get_ref(), "", &mut values)?;
        Ok(values)
    }

    fn table(
        &self,
        table: &DeTable<'_>,
        above: &str,
        values: &mut BTreeMap<&'static str, (Value, usize)>,
    ) -> Found<()> {
        for (name, value) in table {
            let key = format!("{above}{}", name.get_ref());
            let inner = format!("{key}.");
            if KEYS.iter().any(|(known, _)| known.starts_with(&inner)) {
                match value.get_ref() {
                    DeValue::Table(table) => self.table(table, &inner, values)?,
                    other => return Err(expected("a table", other, value)),
                }
                continue;
            }
            let Some((known, kind)) = KEYS.iter().find(|(known, _)| *known == key) else {
                return Err(unknown(&key, name.span()));
            };
            let (line, _) = self.lines.position(name.span().start);
            values.insert(*known, (self.value(*kind, value)?, line));
        }
        Ok(())
    }

    fn value(&self, kind: Kind, written: &Spanned<DeValue<'_>>) -> Found<Value> {
        let value = written.get_ref();
        let number = || match value {
            DeValue::Integer(number) => {
                u64::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok()
            }
            _ => None,
        };
        match (kind, value) {
            (Kind::Positive, _) => match number() {
                Some(number @ 1..) => Ok(Value::Number(number)),
                _ => Err(expected("a number from 1", value, written)),
            },
            (Kind::Number, _) => {
                number().map(Value::Number).ok_or_else(|| expected("a number from 0", value, written))
            }
            (Kind::Truth, DeValue::Boolean(truth)) => Ok(Value::Truth(*truth)),
            (Kind::Truth, _) => Err(expected("`true` or `false`", value, written)),
            (Kind::OneOf(words), DeValue::String(text)) if words.contains(&&**text) => {
                Ok(Value::Text(text.clone().into_owned()))
            }
            (Kind::OneOf(words), _) => {
                let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
                Err(expected(&words.join(" or "), value, written))
            }
            (Kind::Folders, DeValue::Array(folders)) => {
                let beside = self.path.parent().unwrap_or(Path::new(""));
                let folder = |folder: &Spanned<DeValue<'_>>| match folder.get_ref() {
                    DeValue::String(name) => Ok(beside.join(&**name)),
                    other => Err(expected("the name of a folder", other, folder)),
                };
                folders.iter().map(folder).collect::<Found<Vec<PathBuf>>>().map(Value::Folders)
            }
            (Kind::Folders, _) => Err(expected("a list of folders such as [\"lib\"]", value, written)),
            (Kind::Size, DeValue::String(text)) => size(text)
                .map(Value::Number)
                .map_err(|_| expected("a size such as \"512M\" or \"2G\"", value, written)),
            (Kind::Size, _) => number()
                .map(Value::Number)
                .ok_or_else(|| expected("a size such as \"512M\" or \"2G\"", value, written)),
            (Kind::Time, DeValue::String(text)) if duration(text).is_ok() => {
                Ok(Value::Time(duration(text).unwrap_or_default()))
            }
            (Kind::Time, _) => Err(expected("a time such as \"500ms\" or \"10s\"", value, written)),
        }
    }
}

fn wrong(
    code: &'static str,
    message: String,
    at: std::ops::Range<usize>,
    words: &str,
    help: Option<String>,
) -> Box<Finding> {
    let span = Span { start: at.start, end: at.end };
    let labels = vec![Label { place: Place { text: 0, span }, words: words.to_owned() }];
    Box::new(Finding { code, severity: Severity::Error, message, help, labels })
}

fn expected(what: &str, found: &DeValue<'_>, written: &Spanned<DeValue<'_>>) -> Box<Finding> {
    let found = match found {
        DeValue::String(text) => &format!("{text:?}"),
        DeValue::Integer(number) => number.as_str(),
        DeValue::Float(number) => number.as_str(),
        DeValue::Boolean(true) => "`true`",
        DeValue::Boolean(false) => "`false`",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    let message = format!("expected {what}, found {found}");
    wrong("E0803", message, written.span(), "this value", None)
}

fn unknown(key: &str, at: std::ops::Range<usize>) -> Box<Finding> {
    let near = nearest(key, KEYS.iter().map(|(known, _)| *known));
    let help = match near.first() {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let keys: Vec<&str> = KEYS.iter().map(|(known, _)| *known).collect();
            format!("the keys are {}", keys.join(", "))
        }
    };
    wrong("E0802", format!("there is no setting `{key}`"), at, "unknown", Some(help))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Found<BTreeMap<&'static str, (Value, usize)>> {
        Reader { path: Path::new("a/mettatron.toml"), text, lines: LineIndex::new(text) }.values()
    }

    #[test]
    fn values_are_read_with_their_lines() {
        let text =
            "jobs = 4\ninclude = [\"lib\"]\n\n[limits]\nmemory = \"2G\"\ntime = '10s'\nsteps = 1_000\n";
        let values = read(text).unwrap();
        assert_eq!(values["jobs"], (Value::Number(4), 1));
        assert_eq!(values["include"], (Value::Folders(vec!["a/lib".into()]), 2));
        assert_eq!(values["limits.memory"], (Value::Number(1 << 31), 5));
        assert_eq!(values["limits.time"], (Value::Time(Duration::from_secs(10)), 6));
        assert_eq!(values["limits.steps"], (Value::Number(1000), 7));
    }

    #[test]
    fn mistakes_are_placed() {
        for (text, code, marked) in [
            ("jobs = ", "E0801", ""),
            ("jbos = 2", "E0802", "jbos"),
            ("[limits]\nstep = 2", "E0802", "step"),
            ("jobs = 0", "E0803", "0"),
            ("jobs = -1", "E0803", "-1"),
            ("limits = 3", "E0803", "3"),
            ("engine = \"fast\"", "E0803", "\"fast\""),
            ("include = \"lib\"", "E0803", "\"lib\""),
            ("limits.time = \"soon\"", "E0803", "\"soon\""),
        ] {
            let finding = read(text).unwrap_err();
            let span = finding.place().unwrap().span;
            assert_eq!((finding.code, &text[span.start..span.end]), (code, marked), "{text}");
        }
        assert_eq!(read("jbos = 2").unwrap_err().help.unwrap(), "did you mean `jobs`?");
    }
}
