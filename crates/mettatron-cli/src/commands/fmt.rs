//! `mettatron fmt`: texts in the usual layout.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use mettatron::Library;
use mettatron::diagnosis::Texts;
use mettatron::syntax::{DEFAULT_WIDTH, Diagnostic, format};

use crate::args::MessageFormat;
use crate::config::{ConfigFile, Value};
use crate::progress::counted;
use crate::report::{self, Drawn};
use crate::source;
use crate::status::Status;

/// Lay out programs in the usual way
///
/// Files are rewritten in place; the standard input is written to the standard output. Line breaks
/// stay where they are; indentation, blanks and brackets are put in order, and lines that are too long are
/// broken. Atoms and comments stay what they are.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files and folders to lay out; `-` is the standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Rewrite nothing: show what would change, and fail if anything would
    #[arg(long)]
    check: bool,

    /// Characters that a line may have [default: `fmt.width` of mettatron.toml, or 100]
    #[arg(long, value_name = "N")]
    width: Option<NonZeroUsize>,

    /// Write no summary
    #[arg(short, long)]
    quiet: bool,
}

/// What became of the files.
#[derive(Default)]
struct Counts {
    same: usize,
    changed: usize,
    malformed: usize,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Status> {
    let mut counts = Counts::default();
    for file in source::expand(&args.files)? {
        let (name, bytes) = source::open(&file)?;
        let width = width(args, &file)?;
        let formatted = match std::str::from_utf8(&bytes) {
            Ok(text) => format(text, width).map(|formatted| (text, formatted)),
            Err(_) => Err(mettatron::syntax::parse_bytes(&bytes, &()).diagnostics),
        };
        match formatted {
            Err(mistakes) => {
                counts.malformed += 1;
                complain(name, bytes.clone(), &mistakes);
            }
            Ok((text, formatted)) => {
                let same = text == formatted;
                *(if same { &mut counts.same } else { &mut counts.changed }) += 1;
                if args.check {
                    report::print(crate::diff::unified(&name, text, &formatted, Drawn::Stdout).as_bytes())?;
                } else if file.as_os_str() == "-" {
                    report::print(formatted.as_bytes())?;
                } else if !same {
                    source::replace(&file, formatted.as_bytes())?;
                }
            }
        }
    }
    if !args.quiet && args.files.iter().all(|file| file.as_os_str() != "-") {
        report::note(&counts.summary(args.check));
    }
    Ok(match counts {
        Counts { malformed: 1.., .. } => Status::Input,
        Counts { changed: 1.., .. } if args.check => Status::Wrong,
        Counts { .. } => Status::Fine,
    })
}

/// The width of lines: that of the flag, of the file's folder, or the default.
fn width(args: &Args, file: &Path) -> anyhow::Result<usize> {
    if let Some(width) = args.width {
        return Ok(width.get());
    }
    let beside = if file.as_os_str() == "-" { Path::new("") } else { file.parent().unwrap_or(file) };
    let found = ConfigFile::above(beside)?;
    let set = found.as_ref().and_then(|file| file.get("fmt.width"));
    Ok(match set {
        Some((Value::Number(width), _)) => usize::try_from(*width).unwrap_or(usize::MAX),
        _ => DEFAULT_WIDTH,
    })
}

fn complain(name: String, bytes: Vec<u8>, mistakes: &[Diagnostic]) {
    let mut texts = Texts::new(Library::new());
    let number = texts.add(name, bytes);
    report::mistakes(&texts, number, mistakes, MessageFormat::Human);
}

impl Counts {
    fn summary(&self, check: bool) -> String {
        let mut parts = Vec::new();
        let verb = if check { "would change" } else { "changed" };
        if self.changed > 0 {
            parts.push(format!("{verb} {}", counted(self.changed, "file")));
        }
        if self.same > 0 || parts.is_empty() {
            parts.push(format!("{} laid out already", counted(self.same, "file")));
        }
        if self.malformed > 0 {
            parts.push(format!("{} malformed, left alone", counted(self.malformed, "file")));
        }
        parts.join(", ")
    }
}
