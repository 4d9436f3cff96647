//! The commands: one file for each, with its flags and what it does.
//!
//! [`Cli`] is the one table of commands and flags. Parsing, `--help`, the man pages and the completions come
//! from it. A command is a row here, a module with `Args`, and a function `run` that says how it went.

mod bench;
mod check;
mod completions;
mod doc;
mod explain;
mod fmt;
mod load;
mod man;
mod repl;
mod run;
mod space;
mod test;
mod trace;

use std::ffi::OsString;
use std::io::{self, IsTerminal};

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args as _, CommandFactory, FromArgMatches as _, Parser, Subcommand};

use crate::report;
use crate::status::Status;

/// Runs MeTTa programs, and the tools to write them.
///
/// A first word that is no command is a file to run: `mettatron FILE` is `mettatron run FILE`, and
/// `mettatron -e '!(+ 1 2)'` is `mettatron run -e '!(+ 1 2)'`. A file with the name of a command is
/// run as `mettatron ./NAME`.
#[derive(Debug, Parser)]
#[command(
    name = "mettatron",
    version,
    max_term_width = 100,
    styles = STYLES,
    subcommand_required = true,
    override_usage = "mettatron [FLAGS] FILE...\n       mettatron COMMAND [FLAGS] ...",
    subcommand_help_heading = "Commands",
    subcommand_value_name = "COMMAND",
    after_help = "`mettatron COMMAND --help` lists the flags of a command; those of `run` need no command.",
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// The commands, in the order in which help lists them.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(run::Args),
    Repl(repl::Args),
    Trace(trace::Args),
    Check(check::Args),
    Fmt(fmt::Args),
    Test(test::Args),
    Bench(bench::Args),
    Doc(doc::Args),
    Explain(explain::Args),
    Load(load::Args),
    Space(space::Args),
    Completions(completions::Args),
    Man(man::Args),
}

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Does what a command line asks for.
///
/// # Errors
/// What kept the command from doing it.
pub(crate) fn run(command: &Command) -> anyhow::Result<Status> {
    match command {
        Command::Run(args) => run::run(args),
        Command::Check(args) => check::run(args),
        Command::Fmt(args) => fmt::run(args),
        Command::Repl(args) => repl::run(args),
        Command::Trace(args) => trace::run(args),
        Command::Bench(args) => bench::run(args),
        Command::Load(args) => load::run(args),
        Command::Space(args) => space::run(args),
        Command::Test(args) => test::run(args),
        Command::Doc(args) => doc::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Completions(args) => completions::run(args),
        Command::Man(args) => man::run(args),
    }
}

/// Reads a command line; ends the process when it is wrong, or asks for help.
pub(crate) fn parse(mut words: Vec<OsString>) -> Command {
    if words.len() < 2 && io::stdin().is_terminal() && io::stdout().is_terminal() {
        words.push("repl".into());
    } else if words.len() < 2 {
        // Nothing to do: what there is to do.
        report::help(&Cli::command().render_help());
        Status::Input.end();
    }
    let words = with_command(words);
    match run_args(&words) {
        Some(args) => Command::Run(args),
        None => Cli::parse_from(words).command,
    }
}

/// Reads a command line of `run`, if it is one and a right one.
///
/// The table of all commands takes longer to make, and more memory, than a small program to run.
fn run_args(words: &[OsString]) -> Option<run::Args> {
    let words = words.get(1..).filter(|words| words.first().is_some_and(|first| first == "run"))?;
    let table = run::Args::augment_args(clap::Command::new("run"));
    run::Args::from_arg_matches(&table.try_get_matches_from(words).ok()?).ok()
}

/// The table with the flags of `run` at the top too, where they are understood as well.
fn full_table() -> clap::Command {
    let run = run::Args::augment_args(clap::Command::new("run"));
    Cli::command().args(run.get_arguments())
}

/// The names of all commands.
pub(crate) fn names() -> Vec<String> {
    Cli::command().get_subcommands().map(|command| command.get_name().to_owned()).collect()
}

/// Inserts `run` where the first word is no command.
fn with_command(mut words: Vec<OsString>) -> Vec<OsString> {
    let traces = |word: &OsString| word.to_string_lossy().starts_with("--perfetto");
    let first = words.get(1).and_then(|word| word.to_str());
    if first == Some("trace") && words.iter().any(traces) {
        words[1] = "run".into();
    } else if !first.is_some_and(is_command) {
        words.insert(1, "run".into());
    }
    words
}

/// Whether a first word is for the table itself: a command, or one of its own flags.
fn is_command(word: &str) -> bool {
    matches!(word, "help" | "-h" | "--help" | "-V" | "--version") || Command::has_subcommand(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_word_that_is_no_command_is_to_be_run() {
        let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        let cases = [
            ("mettatron a.metta -j 2", "mettatron run a.metta -j 2"),
            ("mettatron -", "mettatron run -"),
            ("mettatron -e 1", "mettatron run -e 1"),
            ("mettatron run run", "mettatron run run"),
            ("mettatron ./run", "mettatron run ./run"),
            ("mettatron a run", "mettatron run a run"),
            ("mettatron --help", "mettatron --help"),
            ("mettatron help run", "mettatron help run"),
            ("mettatron trace a.metta --perfetto b", "mettatron run a.metta --perfetto b"),
            ("mettatron a --perfetto trace", "mettatron run a --perfetto trace"),
        ];
        for (given, expected) in cases {
            assert_eq!(with_command(words(given)), words(expected), "{given}");
        }
    }

    #[test]
    fn the_table_is_consistent() {
        Cli::command().debug_assert();
    }
}
