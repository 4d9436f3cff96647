//! Contents of states that hold variables, while the evaluation that wrote them runs.
//!
//! A world keeps contents as atoms. A variable in one would come back as another variable,
//! so the machine also keeps the term itself, as long as the branch that wrote it lasts.
//! Afterwards the variables of the evaluated atom are still found by their names.

use metta_atom::{Atom, Grounded, StateId, Variable};
use rustc_hash::FxHashMap;

use crate::code::Known;
use crate::machine::Machine;
use crate::machine::quick::Judged;
use crate::operation::Effect;
use crate::states::Plain;
use crate::terms::cell::{Cell, View};
use crate::terms::symbols::{self, cell};

/// The terms of contents, and the variables of the evaluated atom.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenStates {
    /// Each with the number of choice points made before it was written.
    contents: FxHashMap<StateId, (Cell, u64)>,
    pub(super) originals: FxHashMap<Variable, Cell>,
}

impl OpenStates {
    pub(super) fn clear(&mut self) {
        self.contents.clear();
        self.originals.clear();
    }

    /// Forgets what was written after the choice point with this number was made.
    pub(super) fn restore(&mut self, choice: u64) {
        if !self.contents.is_empty() {
            self.contents.retain(|_, (_, written)| *written < choice);
        }
    }

    /// The cells, for the collector.
    pub(super) fn each_cell(&mut self, visit: &mut dyn FnMut(&mut Cell)) {
        self.contents.values_mut().for_each(|(content, _)| visit(content));
        self.originals.values_mut().for_each(visit);
    }
}

impl Machine {
    /// Makes a state with a content and a type.
    pub(crate) fn new_state(&mut self, content: Cell, type_term: Cell) -> Cell {
        let type_atom = self.export(type_term);
        let type_atom = Atom::expression([Atom::symbol("StateMonad"), type_atom]);
        let id = self.world.next_state_id();
        let content = self.stored_content(id, content);
        self.heap.states.insert(id, content, type_atom);
        Cell::state(id.0)
    }

    /// Replaces the content of a state.
    pub(crate) fn change_state(&mut self, id: StateId, content: Cell) {
        let content = self.stored_content(id, content);
        self.heap.states.change(id, content);
    }

    /// The content of a state.
    pub(crate) fn state_content(&mut self, id: StateId) -> Option<Cell> {
        if let Some((content, _)) = self.open_states.contents.get(&id) {
            return Some(*content);
        }
        let content = self.heap.states.get(id)?.content.clone();
        if content.is_ground() {
            return Some(self.heap.import_alone(&content));
        }
        let mut variables = self.open_states.originals.clone();
        Some(self.heap.import(&content, &mut variables, false))
    }

    fn stored_content(&mut self, id: StateId, content: Cell) -> Atom {
        if let View::Int(number) = content.view()
            && self.open_states.contents.is_empty()
        {
            return Atom::integer(number);
        }
        let content = self.heap.resolved(content);
        if content.is_ground() {
            self.open_states.contents.remove(&id);
        } else {
            self.open_states.contents.insert(id, (content, self.choices_made));
        }
        let before = self.names.made;
        let atom = self.export(content);
        let made = self.names.made - before;
        self.count_stored(made * size_of::<Atom>() as u64);
        atom
    }

    /// A state, and the type of its contents if values of that are easily told.
    pub(crate) fn plain_state(&self, state: Cell) -> Option<(StateId, Cell)> {
        let View::State(id) = state.view() else { return None };
        let plain = self.heap.states.get(StateId(id))?.plain?;
        let wanted = match plain {
            Plain::Number => symbols::NUMBER,
            Plain::Bool => symbols::BOOL,
            Plain::Undefined => symbols::UNDEFINED,
        };
        Some((StateId(id), cell(wanted)))
    }

    /// The value of a term that needs no evaluation and is of a type easily told.
    fn plain_value(&mut self, value: Cell, wanted: Cell) -> Option<Cell> {
        match (value.view(), wanted.view()) {
            (View::Int(_) | View::Float(_), View::Symbol(symbols::NUMBER))
            | (View::Bool(_), View::Symbol(symbols::BOOL)) => Some(value),
            (View::Symbol(symbols::EMPTY), _) => None,
            (_, View::Symbol(symbols::UNDEFINED)) if self.is_known(value, Known::Sound) => {
                self.quick_result(value, wanted)
            }
            _ => None,
        }
    }

    /// A value as a content of a state, where it is easily told that the state takes it.
    pub(super) fn content_for(&mut self, state: Cell, value: Cell) -> Option<Cell> {
        let (_, wanted) = self.plain_state(state)?;
        // A type variable that is `%Undefined%` takes nothing that has a type.
        if wanted == cell(symbols::UNDEFINED) && self.judge(value)? != Judged::Untyped {
            return None;
        }
        self.plain_value(value, wanted)
    }

    /// The content of a state as `get-state` gives it, where the general evaluator is not needed.
    pub(super) fn plain_content(&mut self, state: Cell, expected: Cell) -> Option<Cell> {
        let (id, found) = self.plain_state(state)?;
        if Effect::ReadsSpace > self.allowed || expected != found && expected != cell(symbols::UNDEFINED) {
            return None;
        }
        let content = match &self.heap.states.get(id)?.content {
            Atom::Grounded(Grounded::Number(number)) => {
                self.heap.immediate(&Grounded::Number(number.clone()))
            }
            _ => None,
        };
        let content = match content.filter(|_| self.open_states.contents.is_empty()) {
            Some(content) => content,
            None => self.state_content(id)?,
        };
        self.plain_value(content, found)
    }

    /// Gives a state a content of the right type; reports whether it may be written and was.
    pub(super) fn change_plain_state(&mut self, state: Cell, content: Cell) -> bool {
        let View::State(id) = state.view() else { return false };
        let may = Effect::State <= self.allowed && self.heap.states.get(StateId(id)).is_some();
        if may {
            self.change_state(StateId(id), content);
        }
        may
    }
}
