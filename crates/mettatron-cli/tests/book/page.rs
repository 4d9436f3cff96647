//! The code blocks of a Markdown file, and how each is checked.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag};

/// A Markdown file with its code blocks.
pub(crate) struct Page {
    path: PathBuf,
    text: String,
    blocks: Vec<Block>,
}

/// A block between fences.
pub(crate) struct Block {
    /// The line of the opening fence.
    pub(crate) line: usize,
    /// What stands behind the opening fence: the language first.
    info: Vec<String>,
    pub(crate) body: String,
    /// Whether the body is that of an example, which the tests of its crate run.
    is_included: bool,
    /// Where the body stands in the text.
    pub(crate) range: Range<usize>,
}

/// How a block is checked.
pub(crate) enum Snippet {
    /// It is what the program of the block before prints.
    Program {
        program: String,
    },
    Transcript {
        exit: i32,
    },
    File {
        name: String,
    },
    Doctest,
    /// A file of the repository that its own tests run.
    Included,
    Newcomer,
    NotRun,
}

impl Snippet {
    /// The place in the counts: programs, transcripts, files, run elsewhere, not run.
    pub(crate) fn kind(&self) -> usize {
        match self {
            Self::Program { .. } => 0,
            Self::Transcript { .. } => 1,
            Self::File { .. } => 2,
            Self::Doctest | Self::Included | Self::Newcomer => 3,
            Self::NotRun => 4,
        }
    }
}

impl Page {
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        let text = fs::read_to_string(path)?;
        let mut blocks = Vec::new();
        for (event, range) in Parser::new(&text).into_offset_iter() {
            if let Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) = event {
                blocks.push(block(&text, &info, range, path)?);
            }
        }
        Ok(Self { path: path.to_owned(), text, blocks })
    }

    /// The path from the root, with `/` on every system.
    pub(crate) fn name(&self, root: &Path) -> String {
        let path = self.path.strip_prefix(root).unwrap_or(&self.path);
        path.display().to_string().replace('\\', "/")
    }

    /// The snippets in order, each with its block: for a program that of what it prints.
    pub(crate) fn snippets(&self) -> Result<Vec<(Snippet, &Block)>, String> {
        let mut found = Vec::new();
        let mut program: Option<&Block> = None;
        for block in &self.blocks {
            let snippet = match (block.language(), block.value("file=")) {
                _ if block.has("unchecked") => Snippet::NotRun,
                (_, Some(name)) => Snippet::File { name: name.to_owned() },
                ("metta", None) => {
                    if let Some(before) = program.replace(block) {
                        return Err(before.complaint());
                    }
                    continue;
                }
                ("text", None) => {
                    let before = program.take().ok_or_else(|| block.complaint())?;
                    Snippet::Program { program: before.body.clone() }
                }
                ("console", None) if block.has("newcomer") => Snippet::Newcomer,
                ("console", None) => {
                    let exit = block.value("exit=").map_or(Ok(0), str::parse);
                    Snippet::Transcript { exit: exit.map_err(|_| block.complaint())? }
                }
                ("rust", None) => Snippet::Doctest,
                _ if block.is_included => Snippet::Included,
                _ => return Err(block.complaint()),
            };
            found.push((snippet, block));
        }
        match program {
            Some(block) => Err(block.complaint()),
            None => Ok(found),
        }
    }

    /// Replaces bodies of blocks, given in order, in the file.
    pub(crate) fn rewrite(&self, changes: &[(Range<usize>, String)]) -> io::Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut text = self.text.clone();
        for (range, body) in changes.iter().rev() {
            text.replace_range(range.clone(), body);
        }
        fs::write(&self.path, text)
    }
}

impl Block {
    fn language(&self) -> &str {
        &self.info[0]
    }

    fn has(&self, attribute: &str) -> bool {
        self.info[1..].iter().any(|it| it == attribute)
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.info[1..].iter().find_map(|it| it.strip_prefix(name))
    }

    fn complaint(&self) -> String {
        let (line, info) = (self.line, self.info.join(","));
        format!(":{line}: nothing checks the block `{info}`: see `tests/book/main.rs`, or say `unchecked`")
    }
}

/// The block that stands in a range of the text, fences included.
fn block(text: &str, info: &str, range: Range<usize>, path: &Path) -> io::Result<Block> {
    let whole = &text[range.clone()];
    let start = whole.find('\n').map_or(whole.len(), |at| at + 1);
    let end = whole.trim_end().rfind('\n').map_or(start, |at| at + 1).max(start);
    let written = &whole[start..end];
    let included = written.trim().strip_prefix("{{#include ").and_then(|it| it.strip_suffix("}}"));
    let body = match included {
        Some(file) => fs::read_to_string(path.with_file_name(file))?,
        None => written.to_owned(),
    };
    Ok(Block {
        line: text[..range.start].lines().count() + 1,
        info: info.split(',').map(str::to_owned).collect(),
        body,
        is_included: included.is_some_and(|file| file.contains("/examples/")),
        range: range.start + start..range.start + end,
    })
}
