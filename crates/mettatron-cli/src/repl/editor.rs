//! The line editor of a terminal.

use std::borrow::Cow;
use std::cell::RefCell;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use mettatron::syntax::is_complete;
use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter};
use rustyline::history::FileHistory;
use rustyline::validate::Validator;
use rustyline::{
    Cmd, ColorMode, CompletionType, ConditionalEventHandler, Config, Context, Editor, Event, EventContext,
    EventHandler, Helper, KeyCode, KeyEvent, Modifiers, RepeatCount,
};

use super::commands;
use super::names::Names;
use super::paint::{enclosing_head, open_brackets, painted};

/// Two columns, so that lines that go on are indented by as much.
const PROMPT: &str = "> ";
const STYLED_PROMPT: &str = "\x1b[1;34m>\x1b[0m ";
const MOST_HISTORY: usize = 10_000;
/// Types of more candidates than these are not looked for.
const MOST_TYPED: usize = 200;
/// A longer type is cut off.
const MOST_TYPE: usize = 60;

/// What somebody typed.
pub(crate) enum Line {
    Text(String),
    /// Ctrl-C: the line is dropped.
    Interrupted,
    End,
}

/// Reads lines from a terminal.
pub(crate) struct Terminal {
    editor: Editor<Assistant, FileHistory>,
    history: Option<PathBuf>,
}

impl Terminal {
    /// Begins to read lines, with those of earlier sessions in `history`.
    ///
    /// # Errors
    /// When the terminal cannot be used.
    pub(crate) fn new(names: Names, history: Option<PathBuf>, colours: bool) -> Result<Self> {
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .completion_show_all_if_ambiguous(true)
            .color_mode(if colours { ColorMode::Enabled } else { ColorMode::Disabled })
            .history_ignore_space(true)
            .max_history_size(MOST_HISTORY)?
            .build();
        let mut editor = Editor::with_config(config).context("cannot use the terminal")?;
        editor.set_helper(Some(Assistant { names: RefCell::new(names), hinted: RefCell::default() }));
        let bind = |editor: &mut Editor<_, _>, key, handler: Box<dyn ConditionalEventHandler>| {
            editor.bind_sequence(key, EventHandler::Conditional(handler));
        };
        bind(&mut editor, KeyEvent(KeyCode::Enter, Modifiers::NONE), Box::new(NextLine));
        bind(&mut editor, KeyEvent(KeyCode::Tab, Modifiers::NONE), Box::new(Indent));
        if let Some(history) = &history {
            // There is none before the first session.
            let _ = history.parent().map(std::fs::create_dir_all);
            let _ = editor.load_history(history);
        }
        Ok(Terminal { editor, history })
    }

    /// Reads until what was typed is complete.
    ///
    /// # Errors
    /// When the terminal cannot be read.
    pub(crate) fn read(&mut self) -> Result<Line> {
        match self.editor.readline(&(PROMPT, STYLED_PROMPT)) {
            Ok(text) => {
                self.remember(&text);
                Ok(Line::Text(text))
            }
            Err(ReadlineError::Interrupted) => Ok(Line::Interrupted),
            Err(ReadlineError::Eof) => Ok(Line::End),
            Err(error) => Err(error).context("cannot read the terminal"),
        }
    }

    /// Names are completed from now on.
    pub(crate) fn names(&mut self) -> Option<&mut Names> {
        self.editor.helper_mut().map(|assistant| {
            assistant.hinted.take();
            assistant.names.get_mut()
        })
    }

    fn remember(&mut self, text: &str) {
        let added = !text.trim().is_empty() && self.editor.add_history_entry(text).unwrap_or(false);
        if let Some(history) = self.history.as_ref().filter(|_| added) {
            // A history that cannot be written does not keep anybody from working.
            let _ = self.editor.append_history(history);
        }
    }
}

/// Completes, colours and hints.
struct Assistant {
    names: RefCell<Names>,
    /// The name hinted last, with its types.
    hinted: RefCell<Option<(String, Option<String>)>>,
}

impl Helper for Assistant {}

impl Validator for Assistant {}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let before = &line[..pos];
        if commands::takes_file(before) {
            return FilenameCompleter::new().complete_path(line, pos);
        }
        let start = word_start(before);
        let word = &before[start..];
        if start == 0 && word.starts_with(':') {
            let known = commands::ALL.iter().filter(|command| command.name.starts_with(word));
            let pair = |command: &commands::Command| Pair {
                display: format!("{}  {}", command.usage, command.meaning),
                replacement: command.name.to_owned(),
            };
            return Ok((start, known.map(pair).collect()));
        }
        let mut names = self.names.borrow_mut();
        let found = names.starting_with(word);
        let types = if found.len() <= MOST_TYPED { names.types(&found) } else { Vec::new() };
        let types = types.into_iter().map(Some).chain(std::iter::repeat(None));
        let pair = |(name, types): (String, Option<String>)| {
            let display = match types.filter(|types| !types.is_empty()) {
                Some(types) => format!("{name} : {}", cut(&types)),
                None => name.clone(),
            };
            Pair { display, replacement: name }
        };
        Ok((start, found.into_iter().zip(types).map(pair).collect()))
    }
}

/// The types of the call that is being written.
struct Signature(String);

impl Hint for Signature {
    fn display(&self) -> &str {
        &self.0
    }

    fn completion(&self) -> Option<&str> {
        None
    }
}

impl Hinter for Assistant {
    type Hint = Signature;

    fn hint(&self, line: &str, pos: usize, _: &Context<'_>) -> Option<Signature> {
        let head = enclosing_head(line).filter(|_| pos == line.len())?;
        let mut hinted = self.hinted.borrow_mut();
        if hinted.as_ref().is_none_or(|(name, _)| name != head) {
            *hinted = Some((head.to_owned(), self.names.borrow_mut().types_of(head)));
        }
        let types = hinted.as_ref().and_then(|(_, types)| types.as_deref())?;
        Some(Signature(format!("   {head} : {}", cut(types))))
    }
}

impl Highlighter for Assistant {
    fn highlight<'l>(&self, line: &'l str, pos: usize) -> Cow<'l, str> {
        Cow::Owned(painted(line, pos))
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(format!("\x1b[2m{hint}\x1b[0m"))
    }

    fn highlight_candidate<'c>(&self, candidate: &'c str, _: CompletionType) -> Cow<'c, str> {
        match candidate.split_once(" : ") {
            Some((name, types)) => Cow::Owned(format!("{name} \x1b[2m: {types}\x1b[0m")),
            None => Cow::Borrowed(candidate),
        }
    }

    fn highlight_char(&self, _: &str, _: usize, _: CmdKind) -> bool {
        // Brackets show their partners wherever the cursor goes.
        true
    }
}

/// Enter: another line, indented, while something is open.
struct NextLine;

impl ConditionalEventHandler for NextLine {
    fn handle(&self, _: &Event, n: RepeatCount, _: bool, context: &EventContext<'_>) -> Option<Cmd> {
        let text = context.line();
        if text.trim_start().starts_with(':') || is_complete(text) {
            return Some(Cmd::AcceptLine);
        }
        let depth = open_brackets(&text[..context.pos()]);
        Some(Cmd::Insert(n, format!("\n{}", "  ".repeat(depth + 1))))
    }
}

/// Tab: completes a word, or indents where there is none.
struct Indent;

impl ConditionalEventHandler for Indent {
    fn handle(&self, _: &Event, n: RepeatCount, _: bool, context: &EventContext<'_>) -> Option<Cmd> {
        let before = &context.line()[..context.pos()];
        let indents = before.contains('\n') && before.ends_with([' ', '\n']);
        indents.then(|| Cmd::Insert(n, "  ".to_owned()))
    }
}

/// Where the word at the end of a text begins.
fn word_start(text: &str) -> usize {
    let ends = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"' | ';');
    let start = text.rfind(ends).map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8));
    // `!` in front of a form is no part of a word.
    if text[start..].starts_with('!') && text[..start].trim().is_empty() { start + 1 } else { start }
}

fn cut(types: &str) -> String {
    match types.char_indices().nth(MOST_TYPE) {
        Some((at, _)) => format!("{}...", &types[..at]),
        None => types.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_begin_behind_brackets_and_space() {
        assert_eq!(word_start("!(fo"), 2);
        assert_eq!(word_start("fo"), 0);
        assert_eq!(word_start("!fo"), 1);
        assert_eq!(word_start("(a\u{3000}é"), 5);
        assert_eq!(word_start("(a "), 3);
        assert_eq!(word_start(""), 0);
    }
}
