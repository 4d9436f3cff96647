//! A text as nested lists, with everything that is not a blank.

use crate::lexer::{Kind, Lexer};

/// The number of a node in its tree.
pub(super) type Id = usize;

/// A token or a list.
pub(super) struct Node<'t> {
    pub(super) content: Content<'t>,
    /// Newlines before it, or rather before its `!`; for a comment and the first of a text too.
    pub(super) newlines: usize,
    /// Characters when it is written on one line; `None` when it cannot be, or was not.
    pub(super) flat: Option<usize>,
}

pub(super) enum Content<'t> {
    /// A word, variable or string.
    Leaf(&'t str),
    /// A comment without blanks at its end, and how many blanks are before it on its line.
    Comment(&'t str, usize),
    List(Vec<Id>),
}

/// All nodes of a text.
pub(super) struct Tree<'t> {
    pub(super) nodes: Vec<Node<'t>>,
    pub(super) top: Vec<Id>,
}

impl<'t> Tree<'t> {
    /// Reads a well-formed text.
    pub(super) fn of(text: &'t str) -> Self {
        let mut tree = Tree { nodes: Vec::new(), top: Vec::new() };
        // The lists that are open, each with the newlines before it.
        let mut open: Vec<(Vec<Id>, usize)> = Vec::new();
        let mut end = 0;
        for token in Lexer::new(text.as_bytes(), 0) {
            let blanks = &text[end..token.start];
            let newlines = blanks.matches('\n').count();
            let written = &text[token.start..token.end];
            end = token.end;
            let (content, newlines) = match token.kind {
                Kind::Open => {
                    open.push((Vec::new(), newlines));
                    continue;
                }
                Kind::Close => match open.pop() {
                    Some((children, newlines)) => (Content::List(children), newlines),
                    None => continue,
                },
                Kind::Comment => (Content::Comment(written.trim_end(), blanks.chars().count()), newlines),
                Kind::Text | Kind::UnclosedText | Kind::Variable | Kind::Word => {
                    (Content::Leaf(written), newlines)
                }
            };
            let id = tree.add(content, newlines);
            open.last_mut().map_or(&mut tree.top, |(children, _)| children).push(id);
        }
        tree
    }

    fn add(&mut self, content: Content<'t>, newlines: usize) -> Id {
        let flat = match &content {
            Content::Leaf(text) => (!text.contains('\n')).then(|| text.chars().count()),
            Content::Comment(..) => None,
            Content::List(children) => self.flat(children),
        };
        self.nodes.push(Node { content, newlines, flat });
        self.nodes.len() - 1
    }

    /// The width of a list on one line, when its author wrote it on one.
    fn flat(&self, children: &[Id]) -> Option<usize> {
        let mut width = 2 + children.len().saturating_sub(1);
        for (index, child) in children.iter().enumerate() {
            let child = &self.nodes[*child];
            if child.newlines > 0 && index > 0 {
                return None;
            }
            width += child.flat?;
        }
        Some(width)
    }

    pub(super) fn leaf(&self, id: Id) -> Option<&'t str> {
        match self.nodes[id].content {
            Content::Leaf(text) => Some(text),
            Content::Comment(..) | Content::List(_) => None,
        }
    }

    pub(super) fn is_comment(&self, id: Id) -> bool {
        matches!(self.nodes[id].content, Content::Comment(..))
    }
}
