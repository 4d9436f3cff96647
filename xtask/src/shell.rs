//! Running other programs, each shown before it starts.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

/// Starts a command line in the root of the workspace.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(args).current_dir(crate::workspace::root());
    command
}

/// Shows `command`, runs it, and fails if it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = announce(command);
    let start = Instant::now();
    let status = command.status().with_context(|| format!("cannot start `{line}`"))?;
    println!("  {:.1} s", start.elapsed().as_secs_f64());
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    Ok(())
}

/// Shows a command that the caller runs.
pub(crate) fn announce(command: &Command) -> String {
    let line = show(command);
    println!("\n$ {line}");
    line
}

/// The command line as one would type it, variables first.
fn show(command: &Command) -> String {
    let variables = command
        .get_envs()
        .filter_map(|(key, value)| Some(format!("{}={:?}", key.to_string_lossy(), value?.to_string_lossy())));
    let words = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| quote(&word.to_string_lossy()));
    variables.chain(words).collect::<Vec<_>>().join(" ")
}

fn quote(word: &str) -> String {
    if word.contains([' ', '*', '"']) { format!("'{word}'") } else { word.to_owned() }
}
