//! `mettatron check`: what is wrong with programs, without running them.

use std::path::{Path, PathBuf};

use mettatron::check::check;
use mettatron::diagnosis::{Finding, Severity, Texts};

use crate::args::{EngineArgs, MessageFormat};
use crate::progress::counted;
use crate::report::{self, Drawn};
use crate::settings::Settings;
use crate::source;
use crate::status::Status;

/// Find mistakes in programs without running them
///
/// Each file is a program of its own; of a folder, all files `*.metta` in it are checked. Errors are what
/// a run would answer with an `Error` or refuse; warnings are probable slips. `mettatron explain CODE`
/// says more about a finding.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files and folders to check; `-` is the standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Folder in which modules are looked for after that of the FILE; may be repeated
    #[arg(short = 'I', long = "include", value_name = "DIR")]
    include: Vec<PathBuf>,

    /// How findings are written
    #[arg(long, value_enum, default_value_t)]
    message_format: MessageFormat,

    /// Fail on warnings too
    #[arg(long)]
    deny_warnings: bool,

    /// Write findings only, no summary
    #[arg(short, long)]
    quiet: bool,
}

/// How many findings there are.
#[derive(Default)]
struct Counts {
    files: usize,
    errors: usize,
    warnings: usize,
    /// A file that cannot be read as a program.
    malformed: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Status> {
    let mut counts = Counts::default();
    for file in source::expand(&args.files)? {
        let (texts, findings) = look(args, &file)?;
        counts.add(&findings);
        for finding in &findings {
            match args.message_format {
                MessageFormat::Human => {
                    report::print(report::drawn(&texts, finding, Drawn::Stdout).as_bytes())?
                }
                MessageFormat::Json => {
                    report::print(format!("{}\n", report::json(&texts, finding)).as_bytes())?
                }
            };
        }
    }
    if args.message_format == MessageFormat::Human && !args.quiet {
        report::print(format!("{}\n", counts.summary()).as_bytes())?;
    }
    Ok(counts.status(args.deny_warnings))
}

fn look(args: &Args, file: &Path) -> anyhow::Result<(Texts, Vec<Finding>)> {
    // A check has no use for files and threads.
    let engine = EngineArgs { include: args.include.clone(), no_files: true, ..EngineArgs::default() };
    let settings = Settings::of(&engine, Some(file))?;
    let library = settings.library(&crate::seen::Seen::default());
    let (name, bytes) = source::open(file)?;
    let mut texts = Texts::new(library);
    let is_text = report::is_text(&bytes);
    texts.add(name, bytes);
    let mut findings = check(&mut texts, settings.modules());
    if !is_text {
        findings.truncate(1);
        findings = findings.into_iter().map(|finding| report::of_binary(is_text, finding)).collect();
    }
    Ok((texts, findings))
}

impl Counts {
    fn add(&mut self, findings: &[Finding]) {
        let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
        self.files += 1;
        self.errors += errors;
        self.warnings += findings.len() - errors;
        self.malformed |= findings.iter().any(|finding| finding.code.starts_with("E01"));
    }

    fn status(&self, deny_warnings: bool) -> Status {
        match self {
            Counts { malformed: true, .. } => Status::Input,
            Counts { errors: 1.., .. } => Status::Wrong,
            Counts { warnings: 1.., .. } if deny_warnings => Status::Wrong,
            Counts { .. } => Status::Fine,
        }
    }

    fn summary(&self) -> String {
        let files = counted(self.files, "file");
        match (self.errors, self.warnings) {
            (0, 0) => format!("checked {files}: no mistakes found"),
            (errors, 0) => format!("checked {files}: {}", counted(errors, "error")),
            (0, warnings) => format!("checked {files}: {}", counted(warnings, "warning")),
            (errors, warnings) => {
                format!("checked {files}: {}, {}", counted(errors, "error"), counted(warnings, "warning"))
            }
        }
    }
}
