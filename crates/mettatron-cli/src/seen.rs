//! The texts of modules, kept for whoever shows where a rule is written.

use std::sync::{Arc, OnceLock};

use mettatron::diagnosis::Texts;
use mettatron::modules::{Files, ModuleSource, ModuleText, SourceError};

/// The texts of modules that were read, a list that only grows at its end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    first: Arc<OnceLock<Node>>,
}

#[derive(Debug)]
struct Node {
    name: String,
    bytes: Vec<u8>,
    next: Seen,
}

impl Seen {
    /// Copies the texts to `texts`, and goes on where they end.
    pub(crate) fn take(&mut self, texts: &mut Texts) {
        while let Some(node) = self.first.get() {
            texts.add(node.name.clone(), node.bytes.clone());
            let next = node.next.clone();
            *self = next;
        }
    }

    fn note(&self, found: Result<ModuleText, SourceError>) -> Result<ModuleText, SourceError> {
        if let Ok(ModuleText { shown, text: Some(text), .. }) = &found {
            let mut end = self;
            loop {
                let new = || Node { name: shown.clone(), bytes: text.clone(), next: Seen::default() };
                let node = end.first.get_or_init(new);
                if node.name == *shown {
                    break;
                }
                end = &node.next;
            }
        }
        found
    }
}

/// Files that are remembered when they are read.
pub(crate) struct SeenFiles {
    pub(crate) files: Files,
    pub(crate) seen: Seen,
}

impl ModuleSource for SeenFiles {
    fn find(&self, name: &str, place: Option<&str>) -> Result<ModuleText, SourceError> {
        self.seen.note(self.files.find(name, place))
    }

    fn open(&self, path: &str) -> Result<ModuleText, SourceError> {
        self.seen.note(self.files.open(path))
    }

    fn fetch(&self, url: &str, commit: Option<&str>) -> Result<ModuleText, SourceError> {
        self.seen.note(self.files.fetch(url, commit))
    }
}
