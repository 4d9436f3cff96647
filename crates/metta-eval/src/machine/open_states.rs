//! Contents of states that hold variables, while the evaluation that wrote them runs.
//!
//! A world keeps contents as atoms. A variable in one would come back as another variable,
//! so the machine also keeps the term itself, as long as the branch that wrote it lasts.
//! Afterwards the variables of the evaluated atom are still found by their names.

use metta_atom::{StateId, Variable};
use rustc_hash::FxHashMap;

use crate::machine::Machine;
use crate::terms::cell::Cell;

/// The terms of contents, and the variables of the evaluated atom.
#[derive(Debug, Default)]
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
        let type_atom = metta_atom::Atom::expression([metta_atom::Atom::symbol("StateMonad"), type_atom]);
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

    fn stored_content(&mut self, id: StateId, content: Cell) -> metta_atom::Atom {
        let content = self.heap.resolved(content);
        if content.is_ground() {
            self.open_states.contents.remove(&id);
        } else {
            self.open_states.contents.insert(id, (content, self.choices_made));
        }
        let before = self.names.made;
        let atom = self.export(content);
        let made = self.names.made - before;
        self.count_stored(made * size_of::<metta_atom::Atom>() as u64);
        atom
    }
}
