//! `mettatron man`: the man pages.

use std::path::PathBuf;

use anyhow::Context;
use clap_mangen::Man;

use crate::report;
use crate::status::Status;

/// Print the man page, or write those of all commands to a folder
///
/// To read it at once: `mettatron man | man -l -`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The command whose page is printed
    #[arg(value_name = "COMMAND")]
    command: Option<String>,

    /// Write the pages of all commands to this folder
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    into: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Status> {
    let mut table = super::full_table();
    table.build();
    if let Some(folder) = &args.into {
        std::fs::create_dir_all(folder)
            .and_then(|()| clap_mangen::generate_to(table, folder))
            .with_context(|| format!("cannot write the pages to `{}`", folder.display()))?;
        return Ok(Status::Fine);
    }
    let page = match &args.command {
        None => table,
        Some(name) => table
            .find_subcommand(name)
            .cloned()
            .with_context(|| format!("there is no command `{name}`; `mettatron help` lists them"))?,
    };
    let mut text = Vec::new();
    Man::new(page).render(&mut text).context("cannot make the page")?;
    report::print(&text)
}
