//! `mettatron completions`: what a shell needs to complete command lines.

use clap_complete::{Shell, generate};

use crate::report;
use crate::status::Status;

/// Print a shell's completions
///
/// For bash: `mettatron completions bash > ~/.local/share/bash-completion/completions/mettatron`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell that reads them
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Status> {
    let mut script = Vec::new();
    generate(args.shell, &mut super::full_table(), "mettatron", &mut script);
    report::print(&script)
}
