//! What an evaluation does: a tree of terms, what each is reduced to, and the alternatives.
//!
//! The machine has frames, terms to evaluate, results and failures; a node is an evaluation whose results go to
//! a frame. An evaluation that begins while another frame waits than that of the node under way is a part of it.

mod html;
mod text;

use std::sync::mpsc::{Receiver, Sender, channel};

use mettatron::eval::{Action, Look, Machine};
use mettatron::{Atom, Observer};

pub(crate) use html::{Shown, page};
pub(crate) use text::text;

/// Of a term so many letters are kept.
const MOST_LETTERS: usize = 240;
/// When nothing is recorded any more.
const FAST: u64 = 1 << 20;

/// A step of a node.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// It was reduced to another term.
    Became(String),
    /// A part of it is evaluated: another node.
    Part(usize),
    /// It has a result.
    Gave(String),
    /// This way leads nowhere.
    Failed,
    /// Another alternative begins.
    Or,
}

/// An evaluation.
#[derive(Debug)]
struct Node {
    term: String,
    /// The frame that waits for its results.
    frame: usize,
    steps: Vec<Step>,
}

/// The tree of an expression.
#[derive(Debug)]
pub(crate) struct Tree {
    /// Its position in the program.
    pub(crate) index: usize,
    nodes: Vec<Node>,
    /// Reductions that were recorded, and all.
    recorded: u64,
    reductions: u64,
}

/// Records trees; gives them away when the run has dropped it.
pub(crate) struct Recorder {
    /// How many steps may still be recorded.
    left: usize,
    tree: Option<Tree>,
    /// For each frame the node that made it, and the node whose results it takes.
    frames: Vec<(usize, usize)>,
    current: usize,
    /// The node that goes on with another alternative, if the machine has just failed.
    retried: Option<usize>,
    home: Sender<Tree>,
}

impl Recorder {
    /// Records so many steps at most.
    pub(crate) fn new(most: usize) -> (Recorder, Receiver<Tree>) {
        let (home, trees) = channel();
        let recorder =
            Recorder { left: most, tree: None, frames: Vec::new(), current: 0, retried: None, home };
        (recorder, trees)
    }

    fn step(&mut self, node: usize, step: Step) {
        if let Some(node) = self.tree.as_mut().and_then(|tree| tree.nodes.get_mut(node)) {
            node.steps.push(step);
            self.left = self.left.saturating_sub(1);
        }
    }

    fn node(&self, node: usize) -> Option<&Node> {
        self.tree.as_ref()?.nodes.get(node)
    }

    fn see(&mut self, look: Look) {
        let Look { action, text, frame, n_frames, n_kept, kept_frame, .. } = look;
        self.frames.truncate(n_frames);
        self.frames.resize(n_frames, (self.current, self.current));
        if matches!(action, Action::Evaluate | Action::Return)
            && let Some(node) = self.retried.take()
            && self.node(node).is_some_and(Node::has_tried)
        {
            self.step(node, Step::Or);
        }
        let (maker, taker) = self.frames.get(frame).copied().unwrap_or_default();
        match action {
            Action::Evaluate if self.node(self.current).is_some_and(|node| node.frame == frame) => {
                self.becomes(text);
            }
            Action::Evaluate => {
                let Some(tree) = &mut self.tree else { return };
                let part = tree.nodes.len();
                tree.nodes.push(Node { term: text, frame, steps: Vec::new() });
                self.step(self.current, Step::Part(part));
                if let Some(known) = self.frames.get_mut(frame) {
                    *known = (self.current, part);
                }
                self.current = part;
            }
            Action::Return => {
                if self.node(taker).is_some_and(|node| node.frame == frame) {
                    self.step(taker, Step::Gave(text));
                }
                self.current = maker;
            }
            Action::Fail => {
                let fails = |node: &Node| {
                    !matches!(node.steps.last(), Some(Step::Gave(_) | Step::Failed | Step::Part(_)))
                };
                if self.retried.is_none() && self.node(self.current).is_some_and(fails) {
                    self.step(self.current, Step::Failed);
                }
                let (_, node) = self.frames.get(kept_frame).copied().unwrap_or_default();
                self.frames.truncate(n_kept);
                self.current = node;
                self.retried = Some(node);
            }
            Action::Other | _ => {}
        }
    }

    fn becomes(&mut self, term: String) {
        if self.node(self.current).is_some_and(|node| node.latest() != Some(&term)) {
            self.step(self.current, Step::Became(term));
        }
    }

    fn end(&mut self) {
        if let Some(tree) = self.tree.take() {
            // The run may have been given up, with whoever asked.
            let _ = self.home.send(tree);
        }
    }
}

impl Node {
    /// Reports whether it has come to anything by itself.
    fn has_tried(&self) -> bool {
        self.steps.iter().any(|step| !matches!(step, Step::Part(_)))
    }

    /// What it is now, as long as it is a term.
    fn latest(&self) -> Option<&String> {
        match self.steps.last() {
            None => Some(&self.term),
            Some(Step::Became(term)) => Some(term),
            Some(Step::Part(_) | Step::Gave(_) | Step::Failed | Step::Or) => None,
        }
    }
}

impl Observer for Recorder {
    fn begin(&mut self, index: usize, goal: &Atom, machine: &Machine) {
        self.end();
        let look = machine.look(MOST_LETTERS);
        let term = if look.text.is_empty() { goal.to_string() } else { look.text };
        let root = Node { term, frame: look.frame, steps: Vec::new() };
        self.tree = Some(Tree { index, nodes: vec![root], recorded: 0, reductions: 0 });
        self.frames = vec![(0, 0); look.n_frames];
        self.current = 0;
        self.retried = None;
    }

    fn budget(&mut self) -> u64 {
        if self.left > 0 { 0 } else { FAST }
    }

    fn look(&mut self, machine: &Machine) {
        let reductions = machine.stats().reductions;
        let records = self.left > 0;
        if let Some(tree) = &mut self.tree {
            tree.reductions = reductions;
            if records {
                tree.recorded = reductions;
            }
        }
        if records {
            self.see(machine.look(MOST_LETTERS));
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.end();
    }
}

/// What a line of a trace tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A term begins to be evaluated.
    Term,
    /// A term with its one result.
    Leaf,
    /// What it becomes.
    Became,
    /// A result.
    Gave,
    Failed,
    Or,
}

/// A line of a trace.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    depth: usize,
    kind: Kind,
    text: String,
}

impl Tree {
    /// How many reductions are not in the tree.
    pub(crate) fn left_out(&self) -> u64 {
        self.reductions.saturating_sub(self.recorded)
    }

    /// The tree line by line, what belongs to a line deeper and behind it.
    fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        // Nodes under way: number, next step, depth.
        let mut open: Vec<(usize, usize, usize)> = Vec::new();
        self.begin_node(0, 0, &mut lines, &mut open);
        while let Some((node, next, depth)) = open.last_mut() {
            let (steps, depth) = (&self.nodes[*node].steps, *depth);
            let Some(step) = steps.get(*next) else {
                open.pop();
                continue;
            };
            let following = steps.get(*next + 1);
            *next += 1;
            let (kind, text) = match step {
                Step::Part(part) => {
                    self.begin_node(*part, depth + 1, &mut lines, &mut open);
                    continue;
                }
                // A result that is only passed on is told once.
                Step::Became(term) if matches!(following, Some(Step::Gave(value)) if value == term) => {
                    continue;
                }
                Step::Became(term) => (Kind::Became, term.clone()),
                Step::Gave(value) => (Kind::Gave, value.clone()),
                Step::Failed => (Kind::Failed, String::new()),
                Step::Or => (Kind::Or, String::new()),
            };
            lines.push(Line { depth: depth + 1, kind, text });
        }
        lines
    }

    fn begin_node(
        &self,
        number: usize,
        depth: usize,
        lines: &mut Vec<Line>,
        open: &mut Vec<(usize, usize, usize)>,
    ) {
        let Node { term, steps, .. } = &self.nodes[number];
        let one = match steps.as_slice() {
            [Step::Gave(value)] => Some(value),
            [Step::Became(became), Step::Gave(value)] if became == value => Some(value),
            _ => None,
        };
        match one {
            Some(value) if value == term => lines.push(Line { depth, kind: Kind::Leaf, text: term.clone() }),
            Some(value) => lines.push(Line { depth, kind: Kind::Leaf, text: format!("{term} => {value}") }),
            None => {
                lines.push(Line { depth, kind: Kind::Term, text: term.clone() });
                open.push((number, 0, depth));
            }
        }
    }
}
