//! Where the parts of a tree go.

use super::tree::{Content, Id, Tree};

/// Writes a tree.
pub(super) fn write(tree: &Tree<'_>, width: usize) -> String {
    let mut writer = Writer { tree, width, out: String::new(), column: 0, lines: 0, open: Vec::new() };
    writer.all();
    writer.out
}

/// A list that is being written on several lines.
struct Open<'t> {
    children: &'t [Id],
    next: usize,
    /// Where its bracket is.
    column: usize,
    /// Where children go that begin a line, up to the one with this number, and those behind it.
    aligned: usize,
    heads: usize,
    body: usize,
    /// Brackets that follow its own at once.
    after: usize,
    plan: Plan,
    /// The line on which the last child began.
    line: usize,
}

/// Where a list is broken besides the places where its author did, if it is too long for one line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Plan {
    /// Where a child does not fit any more: the author broke it, or it is a row of words.
    Fill,
    /// Before every child but the first ones, which stay with the head.
    Each,
}

struct Writer<'t> {
    tree: &'t Tree<'t>,
    width: usize,
    out: String,
    column: usize,
    lines: usize,
    open: Vec<Open<'t>>,
}

impl<'t> Writer<'t> {
    fn all(&mut self) {
        let mut before: Option<Id> = None;
        let mut line = 0;
        for id in &self.tree.top {
            self.between(before, *id, line);
            line = self.lines;
            self.node(*id, 0);
            before = Some(*id);
        }
        if before.is_some() {
            self.out.push('\n');
        }
    }

    /// Writes what is between two items outside of all lists; `line` is where the first one began.
    fn between(&mut self, before: Option<Id>, id: Id, line: usize) {
        let Some(before) = before else { return };
        let node = &self.tree.nodes[id];
        let is_mark = self.tree.leaf(before) == Some("!");
        if let Content::Comment(_, blanks) = node.content
            && node.newlines == 0
        {
            self.blanks(blanks.max(1));
        } else if is_mark && !self.tree.is_comment(id) {
            // Only a bracket ends the word `!`.
            let joined = matches!(node.content, Content::List(_));
            self.blanks(usize::from(!joined));
        } else {
            let fits = node.flat.is_some_and(|width| self.column + 1 + width <= self.width);
            let stays = node.newlines == 0 && fits && self.lines == line && !self.tree.is_comment(before);
            if stays { self.blanks(1) } else { self.line(node.newlines, 0) }
        }
    }

    /// Writes a node, and everything in it.
    fn node(&mut self, id: Id, after: usize) {
        self.begin(id, after);
        while let Some(mut list) = self.open.pop() {
            let Some(&child) = list.children.get(list.next) else {
                self.close(&list);
                continue;
            };
            self.separate(&list, child);
            list.line = self.lines;
            list.next += 1;
            let after = if list.next == list.children.len() { list.after + 1 } else { 0 };
            self.open.push(list);
            self.begin(child, after);
        }
    }

    /// Writes a node that fits on the line, or opens it.
    fn begin(&mut self, id: Id, after: usize) {
        let node = &self.tree.nodes[id];
        match &node.content {
            Content::Leaf(text) | Content::Comment(text, _) => self.text(text),
            Content::List(children) => {
                if node.flat.is_some_and(|width| self.column + width + after <= self.width) {
                    return self.flat(children);
                }
                let list = self.plan(children, after);
                self.text("(");
                self.open.push(list);
            }
        }
    }

    fn flat(&mut self, children: &'t [Id]) {
        self.text("(");
        let mut open = vec![children.iter()];
        let mut first = true;
        while let Some(children) = open.last_mut() {
            match children.next() {
                None => {
                    open.pop();
                    self.text(")");
                    first = false;
                }
                Some(child) => {
                    if !std::mem::replace(&mut first, false) {
                        self.blanks(1);
                    }
                    match &self.tree.nodes[*child].content {
                        Content::Leaf(text) | Content::Comment(text, _) => self.text(text),
                        Content::List(children) => {
                            self.text("(");
                            open.push(children.iter());
                            first = true;
                        }
                    }
                }
            }
        }
    }

    /// Decides where the parts of a list go that begins here.
    fn plan(&self, children: &'t [Id], after: usize) -> Open<'t> {
        let column = self.column;
        let head = children.first().and_then(|first| self.tree.leaf(*first)).filter(|word| calls(word));
        let broken = |id: &Id| self.tree.nodes[*id].newlines > 0;
        // Deep lists stay within the line.
        let inside = |column: usize| column.min(self.width * 2 / 3);
        let (aligned, heads, body) = match head {
            None => (inside(column + 1), usize::MAX, column + 1),
            Some(_) if children.get(1).is_none_or(|id| broken(id) || self.tree.is_comment(*id)) => {
                (inside(column + 2), usize::MAX, column + 2)
            }
            Some(word) => match column + 2 + word.chars().count() {
                far if far > column + FAR => (inside(column + 2), usize::MAX, column + 2),
                aligned => (inside(aligned), parameters(word), inside(column + 2)),
            },
        };
        let words = children.iter().all(|id| self.tree.leaf(*id).is_some());
        let plan = match words || children.iter().skip(1).any(broken) {
            true => Plan::Fill,
            false => Plan::Each,
        };
        Open { children, next: 0, column, aligned, heads, body, after, plan, line: self.lines }
    }

    /// Writes what is before a child.
    fn separate(&mut self, list: &Open<'t>, child: Id) {
        let node = &self.tree.nodes[child];
        let number = list.next;
        if let Content::Comment(_, blanks) = node.content
            && (node.newlines == 0 || number == 0)
        {
            return self.blanks(if node.newlines == 0 { blanks.max(1) } else { 1 });
        }
        let Some(before) = number.checked_sub(1).map(|number| list.children[number]) else { return };
        let after = if number + 1 == list.children.len() { list.after + 1 } else { 0 };
        let fits = node.flat.is_some_and(|width| self.column + 1 + width + after <= self.width);
        let with_head = number == 1 && list.heads > 0 && self.has_head(list);
        let planned = match list.plan {
            _ if with_head => false,
            Plan::Fill => !fits,
            Plan::Each => !fits || number > list.heads || list.heads == usize::MAX,
        };
        let breaks = node.newlines > 0
            || self.tree.is_comment(child)
            || self.tree.is_comment(before)
            || self.lines > list.line
            || planned;
        if !breaks {
            return self.blanks(1);
        }
        let indent = if number <= list.heads { list.aligned } else { list.body };
        self.line(node.newlines, indent);
    }

    /// Whether a list begins with the name of something that is called.
    fn has_head(&self, list: &Open<'t>) -> bool {
        list.children.first().and_then(|first| self.tree.leaf(*first)).is_some_and(calls)
    }

    fn close(&mut self, list: &Open<'t>) {
        // A bracket behind a comment would be a part of it.
        if list.children.last().is_some_and(|last| self.tree.is_comment(*last)) {
            self.line(1, list.column.min(self.width * 2 / 3));
        }
        self.text(")");
    }

    fn text(&mut self, text: &str) {
        self.out.push_str(text);
        match text.rfind('\n') {
            None => self.column += text.chars().count(),
            Some(last) => {
                self.lines += text.matches('\n').count();
                self.column = text[last + 1..].chars().count();
            }
        }
    }

    fn blanks(&mut self, number: usize) {
        self.out.extend(std::iter::repeat_n(' ', number));
        self.column += number;
    }

    /// Begins a line, behind an empty one if the author left any.
    fn line(&mut self, newlines: usize, indent: usize) {
        self.out.push_str(if newlines > 1 { "\n\n" } else { "\n" });
        self.lines += 1;
        self.column = 0;
        self.blanks(indent);
    }
}

/// Arguments are not aligned with the first one when it is farther than this from the bracket.
const FAR: usize = 12;

/// Whether a word at the head of a list names something, as numbers and strings do not.
fn calls(word: &str) -> bool {
    let unsigned = word.strip_prefix(['+', '-']).unwrap_or(word);
    !unsigned.starts_with(|first: char| first == '"' || first.is_ascii_digit())
}

/// How many arguments of a function stay beside its name when those behind them go below.
fn parameters(word: &str) -> usize {
    match word {
        "let*" | "case" | "switch" | "sealed" | "function" | "with-limit" => 1,
        "let" | "chain" | "match" | "unify" | "map-atom" | "filter-atom" => 2,
        "foldl-atom" => 4,
        _ => usize::MAX,
    }
}
