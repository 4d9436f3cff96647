//! What a machine is about to do, for whoever looks at it between two steps.
//!
//! Nothing is kept for it: a look reads what is there, and changes nothing.

use metta_atom::Symbol;

use crate::machine::{Machine, Task};
use crate::terms::cell::{Cell, View};
use crate::terms::convert::VariableNames;

/// What a machine does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Evaluates a term.
    Evaluate,
    /// Gives a result to whoever waits for it.
    Return,
    /// Takes the next alternative.
    Fail,
    /// Goes on in compiled code, or ends.
    Other,
}

/// A machine between two tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Look {
    /// What it does next.
    pub action: Action,
    /// The term that this is about, shortened; empty when there is none.
    pub text: String,
    /// The number of the continuation that waits for the next result. Continuations that are gone leave their
    /// numbers to later ones.
    pub frame: usize,
    /// How many continuations there are.
    pub n_frames: usize,
    /// How many of them the next alternative finds.
    pub n_kept: usize,
    /// The one that waits for it.
    pub kept_frame: usize,
    /// How many continuations wait for the one in turn.
    pub depth: usize,
}

impl Machine {
    /// Says what is done next, with at most about so many letters of the term.
    ///
    /// Between steps of no reductions, of a machine that does not compile rules, there is every task.
    pub fn look(&self, most_letters: usize) -> Look {
        let (action, term) = match self.task {
            Task::Eval { term, .. } | Task::Exec(term) => (Action::Evaluate, Some(term)),
            Task::Return(value) | Task::Deliver(value) => (Action::Return, Some(value)),
            Task::Fail => (Action::Fail, None),
            Task::Run { .. } | Task::Enter { .. } | Task::Wait | Task::Done => (Action::Other, None),
        };
        Look {
            action,
            text: term.map(|term| self.outline(term, most_letters)).unwrap_or_default(),
            frame: self.frame as usize,
            n_frames: self.frames.len(),
            kept_frame: self.choices.last().map_or(0, |choice| choice.frame as usize),
            n_kept: self.choices.last().map_or(0, |choice| choice.frames as usize),
            depth: self.frames.get(self.frame as usize).map_or(0, |frame| frame.depth as usize),
        }
    }

    /// The functions whose rules are being evaluated, the innermost first, each once where it calls itself; rules of
    /// the library count for their callers. Only so many continuations are looked at: the second value
    /// says whether there are more.
    pub fn stack(&self, most_frames: usize) -> (Vec<Symbol>, bool) {
        let mut names: Vec<Symbol> = Vec::new();
        let mut add = |name: Option<&Symbol>| {
            names.extend(name.filter(|name| names.last() != Some(name)).cloned());
        };
        if let Task::Enter { function, .. } = self.task {
            let function = &self.code.functions[function as usize];
            add(Some(self.heap.symbols.symbol(function.symbol)).filter(|_| !function.native));
        }
        let mut before = self.rule;
        add(self.program.function_of(before));
        let mut frame = self.frame as usize;
        for _ in 0..most_frames {
            let Some(known) = self.frames.get(frame) else { break };
            if known.rule != before {
                before = known.rule;
                add(self.program.function_of(before));
            }
            if frame == 0 {
                return (names, false);
            }
            frame = known.parent as usize;
        }
        (names, !self.frames.is_empty())
    }

    /// About how many bytes the evaluation holds.
    pub fn held_bytes(&self) -> u64 {
        self.bytes()
    }

    /// The text of a term, without what is behind so many letters.
    fn outline(&self, term: Cell, most_letters: usize) -> String {
        enum Piece {
            Cell(Cell),
            Text(&'static str),
        }
        let mut text = String::new();
        let mut names = VariableNames::default();
        let mut pending = vec![Piece::Cell(term)];
        while let Some(piece) = pending.pop() {
            if text.len() > most_letters {
                let end = (0..=most_letters).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
                text.truncate(end);
                text.push_str("...");
                break;
            }
            let cell = match piece {
                Piece::Text(piece) => {
                    text.push_str(piece);
                    continue;
                }
                Piece::Cell(cell) => self.heap.deref(cell),
            };
            match cell.view() {
                View::Expression { address, length } => {
                    text.push('(');
                    pending.push(Piece::Text(")"));
                    // Elements behind the most letters are not shown anyhow.
                    let shown = length.min(u32::try_from(most_letters).unwrap_or(u32::MAX));
                    for index in (0..shown).rev() {
                        pending.push(Piece::Cell(self.heap.element(address, index)));
                        pending.extend((index > 0).then_some(Piece::Text(" ")));
                    }
                }
                View::Space(0) => text.push_str("&self"),
                View::Bindings { .. } => text.push_str("{...}"),
                _ => text.push_str(&self.heap.export(cell, &mut names).to_string()),
            }
        }
        text
    }
}
