//! What an evaluation asked of spaces and wrote to them, so that it stands although others wrote as well.
//!
//! Facts are told apart by space, head and length. A fact is *plain* when it declares nothing and its head is a symbol:
//! only queries with that head and length, or with an open one, can tell that it is there.

use metta_atom::{Atom, SpaceId, Symbol};
use rustc_hash::FxHashSet;

use crate::World;
use crate::machine::Machine;
use crate::modules::main_space;
use crate::terms::cell::{Cell, SymbolId};
use crate::terms::convert::VariableNames;
use crate::terms::symbols;

/// The facts of one space with the same head and length.
pub type FactKey = (SpaceId, Symbol, u32);

/// What one evaluation read and wrote.
#[derive(Clone, Debug, Default)]
pub struct Footprint {
    /// The facts that were asked for, whether or not there were any.
    pub reads: Vec<FactKey>,
    /// Spaces of which all was read.
    pub reads_all: Vec<SpaceId>,
    /// Atoms added (`true`) and removed, in order; `None` when something else was written as well.
    pub writes: Option<Vec<(SpaceId, Atom, bool)>>,
}

impl Footprint {
    /// The facts that were written.
    pub fn written(&self) -> impl Iterator<Item = FactKey> {
        let key = |(space, atom, _): &(SpaceId, Atom, bool)| {
            let children = atom.children().unwrap_or_default();
            let head = children.first().and_then(|head| match head {
                Atom::Symbol(head) => Some(head.clone()),
                _ => None,
            });
            // Only plain facts are noted.
            head.map(|head| (*space, head, children.len() as u32))
        };
        self.writes.iter().flatten().filter_map(key)
    }

    /// Reports whether something was asked for that was written.
    pub fn reads_any(&self, written: &FxHashSet<FactKey>) -> bool {
        self.reads.iter().any(|key| written.contains(key))
            || !self.reads_all.is_empty() && written.iter().any(|(space, ..)| self.reads_all.contains(space))
    }

    /// Does again what was written, in a world that differs from the one that was read in nothing that was asked for.
    pub fn replay(&self, world: &mut World) {
        for (space, atom, added) in self.writes.iter().flatten() {
            if *added {
                world.add(*space, atom);
            } else if let Some(space) = world.space_mut(*space) {
                space.remove(atom);
            }
        }
    }
}

/// What is noted while a machine runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes {
    is_on: bool,
    last: Option<(SpaceId, SymbolId, u32)>,
    reads: FxHashSet<(SpaceId, SymbolId, u32)>,
    reads_all: FxHashSet<SpaceId>,
    writes: Vec<(SpaceId, Atom, bool)>,
    /// Something was written that is no plain fact.
    others: bool,
}

impl Notes {
    /// Notes for a part of the evaluation, which writes nothing.
    pub(crate) fn fork(&self) -> Notes {
        Notes { is_on: self.is_on, ..Notes::default() }
    }
}

impl Machine {
    /// From now on notes what the evaluation asks of spaces and writes to them.
    pub fn note_footprint(&mut self) {
        self.notes.is_on = true;
    }

    /// Returns what was noted since the evaluation began.
    pub fn take_footprint(&mut self) -> Footprint {
        let notes = std::mem::take(&mut self.notes);
        let mut reads = Vec::new();
        for (space, head, length) in &notes.reads {
            let head = self.heap.symbols.symbol(*head);
            let seen = self.world.visible_ids(*space).into_iter();
            reads.extend(seen.map(|id| (main_space(id), head.clone(), *length)));
        }
        let all = notes.reads_all.iter().flat_map(|space| self.world.visible_ids(*space));
        let reads_all = all.map(main_space).collect();
        Footprint { reads, reads_all, writes: (!notes.others).then_some(notes.writes) }
    }

    /// Notes that a query of a space asks for facts with a head and a length.
    #[inline]
    pub(crate) fn note_query(&mut self, space: SpaceId, head: SymbolId, length: u32) {
        let asked = (space, head, length);
        if self.notes.is_on && self.notes.last != Some(asked) {
            self.notes.last = Some(asked);
            self.notes.reads.insert(asked);
        }
    }

    /// Notes that everything in a space is read.
    pub(crate) fn note_reading(&mut self, space: SpaceId) {
        if self.notes.is_on {
            self.notes.reads_all.insert(space);
        }
    }

    /// Notes that everything in any space may be read.
    pub(crate) fn note_reading_all(&mut self) {
        if self.notes.is_on {
            self.notes.reads_all.extend(self.world.space_ids());
        }
    }

    /// Notes a query of a space for a pattern, which may be a conjunction.
    pub(crate) fn note_pattern(&mut self, space: SpaceId, pattern: Cell) {
        if !self.notes.is_on {
            return;
        }
        let conjuncts = match (self.heap.head_symbol(pattern), pattern.slice()) {
            (Some(symbols::COMMA), Some((address, length))) => {
                (1..length).map(|index| self.heap.element(address, index)).collect()
            }
            _ => vec![pattern],
        };
        for conjunct in conjuncts {
            match (self.heap.head_symbol(conjunct), conjunct.slice()) {
                (Some(symbols::COMMA), _) | (None, _) | (_, None) => self.note_reading(space),
                (Some(head), Some((_, length))) => self.note_query(space, head, length),
            }
        }
    }

    /// Notes that an atom is added to a space or removed.
    pub(crate) fn note_fact(&mut self, space: SpaceId, term: Cell, added: bool) {
        if !self.notes.is_on {
            return;
        }
        let head = self.heap.head_symbol(term);
        let declares = matches!(head, None | Some(symbols::EQUAL | symbols::HAS_TYPE | symbols::SUB_TYPE));
        let plain = !declares && !head.is_some_and(symbols::is_documentation);
        if plain {
            let atom = self.heap.export(term, &mut VariableNames::default());
            self.notes.writes.push((main_space(space), atom, added));
        } else {
            self.notes.others = true;
        }
    }

    /// Adds the notes of a part, whose symbols from `known` on are its own.
    pub(crate) fn merge_notes(&mut self, part: &Machine, known: usize) {
        for (space, head, length) in &part.notes.reads {
            let head = match (head.0 as usize) < known {
                true => *head,
                false => self.heap.symbols.intern_symbol(part.heap.symbols.symbol(*head)),
            };
            self.notes.reads.insert((*space, head, *length));
        }
        self.notes.reads_all.extend(&part.notes.reads_all);
    }
}
