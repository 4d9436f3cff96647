//! `mettatron repl`: a session.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use crate::args::EngineArgs;
use crate::repl::repl;
use crate::settings::{Settings, variable};
use crate::status::Status;

/// Evaluate what is typed; without any argument on a terminal, `repl` may be left out
///
/// Forms may go on over several lines. `:help` lists the commands of a session. Without a terminal, forms and
/// commands are read from the standard input, and the exit code is that of the worst answer.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file of earlier lines [default: METTA_HISTORY, or in the user's state folder]
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,

    /// Keep no lines for later sessions
    #[arg(long, conflicts_with = "history")]
    no_history: bool,

    #[command(flatten)]
    engine: EngineArgs,
}

/// Holds a session.
pub(super) fn run(args: &Args) -> anyhow::Result<Status> {
    let settings = Settings::of(&args.engine, None)?;
    let history = args.history.clone().or_else(history).filter(|_| !args.no_history);
    let colours = variable("NO_COLOR").is_none() && std::io::stdout().is_terminal();
    repl(settings, history, colours)
}

/// Where the lines of earlier sessions are.
fn history() -> Option<PathBuf> {
    let state = variable("XDG_STATE_HOME").map(PathBuf::from);
    let state = state.or_else(|| variable("HOME").map(|home| Path::new(&home).join(".local/state")));
    let kept = || state.map(|state| state.join("mettatron").join("history"));
    variable("METTA_HISTORY").map(PathBuf::from).or_else(kept)
}
