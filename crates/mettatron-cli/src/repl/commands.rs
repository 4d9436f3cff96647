//! What a line that begins with `:` asks for.

/// A command of the session.
pub(crate) struct Command {
    pub(crate) name: &'static str,
    pub(crate) usage: &'static str,
    pub(crate) meaning: &'static str,
    pub(crate) does: Action,
}

/// What a command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Type,
    Doc,
    Trace,
    Time,
    Space,
    Load,
    Save,
    Limits,
    Jobs,
    Help,
    Quit,
}

const fn command(name: &'static str, usage: &'static str, meaning: &'static str, does: Action) -> Command {
    Command { name, usage, meaning, does }
}

/// All commands, in the order of the help.
pub(crate) const ALL: &[Command] = &[
    command(":type", ":type EXPR", "the types of an expression, which is not evaluated", Action::Type),
    command(":doc", ":doc NAME", "what is written about a name", Action::Doc),
    command(":trace", ":trace EXPR", "evaluates, and shows every reduction", Action::Trace),
    command(":time", ":time EXPR", "evaluates, and shows time and reductions", Action::Time),
    command(":space", ":space [PATTERN]", "the atoms that match, or the first ones", Action::Space),
    command(":load", ":load FILE", "runs a program, or adds the atoms of a saved space", Action::Load),
    command(":save", ":save FILE", "the atoms as text into *.metta, else as a space", Action::Save),
    command(
        ":limits",
        ":limits [NAME [VALUE]]",
        "shows or sets steps, depth, memory, results, time",
        Action::Limits,
    ),
    command(":jobs", ":jobs [N]", "shows or sets how many threads evaluate", Action::Jobs),
    command(":help", ":help", "this list", Action::Help),
    command(":quit", ":quit", "ends the session, as Ctrl-D does", Action::Quit),
];

/// Splits a line into the command and what it is about.
///
/// # Errors
/// With the commands that may be meant when there is none, or several.
pub(crate) fn read(line: &str) -> Result<(&'static Command, &str), Vec<&'static str>> {
    let line = line.trim();
    let end = line.find(char::is_whitespace).unwrap_or(line.len());
    let (name, rest) = (&line[..end], line[end..].trim());
    let mut meant = ALL.iter().filter(|command| name.len() > 1 && command.name.starts_with(name));
    match (meant.next(), meant.next()) {
        (Some(command), None) => Ok((command, rest)),
        (Some(first), Some(second)) => {
            Err([first, second].into_iter().chain(meant).map(|command| command.name).collect())
        }
        (None, _) => Err(Vec::new()),
    }
}

/// Reports whether a line goes on with the name of a file.
pub(crate) fn takes_file(line: &str) -> bool {
    let Some(end) = line.find(char::is_whitespace) else { return false };
    matches!(read(&line[..end]), Ok((Command { does: Action::Load | Action::Save, .. }, _)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_may_be_shortened() {
        let known = |line| read(line).map(|(command, rest)| (command.does, rest));
        assert_eq!(known(":type (f 1) "), Ok((Action::Type, "(f 1)")));
        assert_eq!(known(":q"), Ok((Action::Quit, "")));
        assert_eq!(known(":ty x"), Ok((Action::Type, "x")));
        assert_eq!(known(":t x"), Err(vec![":type", ":trace", ":time"]));
        assert_eq!(known(":typing x"), Err(vec![]));
        assert_eq!(known(":"), Err(vec![]));
    }

    #[test]
    fn files_follow_two_commands() {
        assert!(takes_file(":load a"));
        assert!(takes_file(":sa b"));
        assert!(!takes_file(":load"));
        assert!(!takes_file(":doc a"));
    }
}
