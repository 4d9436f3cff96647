//! Garbage collection and limits.

use metta_atom::SpaceId;

use crate::code::{Code, Resume};
use crate::facts::FactTables;
use crate::library::Outcome;
use crate::machine::choices::Alternatives;
use crate::machine::code::LeafFrame;
use crate::machine::frames::{Frame, Kind};
use crate::machine::{Machine, Task};
use crate::program::Program;
use crate::terms::cell::Cell;
use crate::terms::collect::Marks;
use crate::terms::heap::{Heap, MAX_CELLS};
use crate::terms::parcel::Parcel;
use crate::{EvalError, Interrupt};

/// Cells at which the first collection happens: 4 MiB.
pub(super) const FIRST_COLLECTION: usize = 512 << 10;
/// Bytes of strings at which the first collection happens.
pub(super) const FIRST_OUTSIDE: usize = 16 << 20;
/// A stack or heap keeps at most this much storage from one evaluation to the next.
const KEPT: usize = 1 << 20;
/// Cells of compiled code and symbols after which a machine forgets what it has compiled.
const MOST_CODE: usize = 8 << 20;

/// Gives storage back that only an unusual evaluation needed.
pub(super) fn release<T>(storage: &mut Vec<T>) {
    if storage.capacity() > KEPT {
        storage.shrink_to(0);
    }
}

impl Machine {
    /// Forgets compiled code when there is very much of it.
    pub(super) fn forget_old_code(&mut self) {
        let tables = self.facts.cells();
        if self.heap.code.len() - tables + self.heap.symbols.len() + self.code.cells() > MOST_CODE {
            self.heap = Heap::new();
            self.program = Program::new(&mut self.heap);
            self.code = Code::default();
            self.goal_code = None;
            self.facts = FactTables::default();
            self.plain.clear();
            self.instances = super::instances::Instances::default();
        }
    }

    /// Frees garbage, unless the heap grew because lists got room in front: a collection would take that from
    /// them, and the next element would cost another copy.
    pub(super) fn collect_if_due(&mut self) {
        let granted = std::mem::take(&mut self.heap.copied).min(self.room);
        self.room -= granted;
        self.collect_at = self.capped(self.collect_at + granted, self.collect_at);
        if self.heap.cells.len() >= self.collect_at || self.is_stressed() {
            self.collect_garbage();
        }
    }

    /// The number of cells at which garbage is collected, which `wanted` may be if a limit on memory allows.
    fn capped(&self, wanted: usize, least: usize) -> usize {
        match self.limits.memory_bytes {
            // Stay below the limit as long as what lives does.
            Some(limit) => {
                let cells = usize::try_from(limit / 8).unwrap_or(usize::MAX);
                wanted.min(least.max(cells.saturating_sub(cells / 4)))
            }
            None => wanted,
        }
    }

    /// Frees what no root reaches, unless it is interrupted: then the machine fails (U1). Cost: O(live cells +
    /// heap / 64).
    pub(super) fn collect_garbage(&mut self) {
        self.stats.collections += 1;
        self.note_peak();
        self.untyped.clear();
        self.typed.clear();
        self.compact_tables();
        let definitions = self.choices.iter().filter_map(|choice| choice.alternatives.definition());
        self.code.free_definitions(definitions);
        let interrupt = self.interrupt.clone();
        let mut marks = self.mark_roots(&interrupt);
        if !marks.is_over() {
            marks.seal();
            self.names.forward(&marks);
            self.current.forward(|address| marks.forward(address));
            self.update_roots(&mut marks);
        }
        if marks.is_over() {
            self.fail(EvalError::Interrupted);
            return;
        }
        let live = self.heap.cells.len();
        self.collect_at = self.capped((2 * live).max(live + FIRST_COLLECTION), live + FIRST_COLLECTION / 8);
        (self.heap.copied, self.room) = (0, 2 * live);
        let outside = self.heap.outside();
        self.collect_outside_at = (2 * outside).max(outside + FIRST_OUTSIDE);
        self.check_limits();
    }

    /// Marks what is reachable.
    ///
    /// The elements of an argument block from the awaited one on mean nothing to its
    /// frame (M2): after a failure they may even refer to cells that are gone. Where the
    /// frame is current they are cleared. Where it is only kept for a choice point, the
    /// block may by now be a finished term of the current branch, which then keeps it
    /// alive by itself; so such frames come last and keep the bare cells of the block.
    fn mark_roots<'a>(&mut self, interrupt: &'a Interrupt) -> Marks<'a> {
        let mut marks = Marks::new(&self.heap, interrupt);
        let current = self.current_frames();
        for (frame, current) in self.frames.iter().zip(&current) {
            if !marks.goes_on() {
                return marks;
            }
            if let Some((block, index)) = frame.kind.block().filter(|_| *current) {
                self.heap.clear_elements(block, index);
            }
        }
        for cell in task_cells(&mut self.task).into_iter().flatten() {
            marks.mark(&self.heap, *cell);
        }
        for slot in self.live_slots() {
            marks.mark(&self.heap, self.env[slot as usize]);
        }
        for (Frame { kind, .. }, current) in self.frames.iter_mut().zip(&current) {
            if !marks.goes_on() {
                return marks;
            }
            let unfinished = kind.block().filter(|_| !current).map(|(block, _)| block);
            for cell in kind.cells().into_iter().flatten() {
                if Some(*cell) != unfinished {
                    marks.mark(&self.heap, *cell);
                }
            }
        }
        self.open_states.each_cell(&mut |cell| marks.mark(&self.heap, *cell));
        for choice in &mut self.choices {
            if !marks.goes_on() {
                return marks;
            }
            choice.alternatives.each_cell(&mut |cell| marks.mark(&self.heap, *cell));
        }
        let barriers = self.barriers.iter_mut().map(|barrier| &mut barrier.errors);
        for parcel in self.parcels.iter_mut().chain(barriers) {
            for cell in parcel.cells() {
                if !marks.goes_on() {
                    return marks;
                }
                if !Parcel::is_outer(*cell) {
                    continue;
                }
                marks.mark(&self.heap, *cell);
            }
        }
        let others = || {
            let kept = self.frames.iter().zip(&current).filter(|(_, current)| !**current);
            kept.filter_map(|(frame, _)| frame.kind.block())
        };
        for (block, index) in others() {
            marks.mark_elements(&self.heap, block, index);
        }
        let mut blocks: Vec<(Cell, u32)> = others().collect();
        // Of frames that fill the same block the one that has come furthest decides.
        blocks.sort_by_key(|(_, index)| std::cmp::Reverse(*index));
        for (block, index) in blocks {
            marks.keep_slice(&mut self.heap, block, index);
        }
        marks
    }

    /// Which frames the current one leads to through its parents.
    fn current_frames(&self) -> Vec<bool> {
        let mut current = vec![false; self.frames.len()];
        let mut frame = self.frame as usize;
        while let Some(seen) = current.get_mut(frame)
            && !*seen
        {
            *seen = true;
            frame = self.frames[frame].parent as usize;
        }
        current
    }

    /// The slots in use, each once.
    fn live_slots(&self) -> Vec<u32> {
        let mut slots = Vec::new();
        for Frame { kind, .. } in &self.frames {
            let (live, base) = match *kind {
                Kind::Code { site, base }
                | Kind::Cases { site, base, .. }
                | Kind::Tabled { site, base, .. } => match self.code.sites[site as usize].resume {
                    Resume::At { live, .. } => (live, base),
                    Resume::Tail | Resume::Block => continue,
                },
                Kind::Mapped { each, base, .. } | Kind::Gathered { each, base, .. } => {
                    (self.code.eaches[each as usize].live, base)
                }
                _ => continue,
            };
            slots.push(base);
            slots.extend((1..64).filter(|slot| live >> slot & 1 == 1).map(|slot| base + slot));
        }
        for choice in &self.choices {
            let (live, base) = match *choice.alternatives.own() {
                Alternatives::Queried { query, base, .. } => (self.code.queries[query as usize].live, base),
                Alternatives::Superposed { site, base, .. } | Alternatives::Branch { site, base } => {
                    match self.code.sites[site as usize].resume {
                        Resume::At { live, .. } => (live, base),
                        Resume::Tail | Resume::Block => continue,
                    }
                }
                _ => continue,
            };
            slots.push(base);
            slots.extend((1..64).filter(|slot| live >> slot & 1 == 1).map(|slot| base + slot));
        }
        let mut arguments = |function: u32, base: u32| {
            slots.extend(base..=base + self.code.functions[function as usize].arity);
        };
        for choice in &self.choices {
            if let Alternatives::Code { function, base, .. } = *choice.alternatives.own() {
                arguments(function, base);
            }
        }
        if let Task::Enter { function, base, .. } = self.task {
            arguments(function, base);
        }
        slots.sort_unstable();
        slots.dedup();
        slots
    }

    /// Enters a write to a space, which had the version `before`, into the tables of facts.
    pub(crate) fn note_write(&mut self, space: SpaceId, term: Cell, added: bool, before: u64) {
        self.facts.note_write(&mut self.heap, &self.world, space, term, added, before);
        self.compact_tables();
    }

    /// Frees facts that are gone, unless a search that has begun may still find them.
    fn compact_tables(&mut self) {
        if !self.facts.is_wasteful() {
            return;
        }
        if self.choices.iter().any(|choice| choice.alternatives.searches_table()) {
            self.facts.postpone();
        } else {
            self.facts.compact();
        }
    }

    /// Reports whether what the machine works on is not wanted any more: then it fails (U1).
    pub(super) fn is_interrupted(&mut self) -> bool {
        let raised = self.interrupt.is_raised();
        if raised {
            self.fail(EvalError::Interrupted);
        }
        raised
    }

    fn update_roots(&mut self, marks: &mut Marks<'_>) {
        for slot in self.live_slots() {
            self.env[slot as usize] = marks.update(self.env[slot as usize]);
        }
        for cell in task_cells(&mut self.task).into_iter().flatten() {
            *cell = marks.update(*cell);
        }
        for Frame { kind, .. } in &mut self.frames {
            if !marks.goes_on() {
                return;
            }
            for cell in kind.cells().into_iter().flatten() {
                *cell = marks.update(*cell);
            }
        }
        self.open_states.each_cell(&mut |cell| *cell = marks.update(*cell));
        for choice in &mut self.choices {
            if !marks.goes_on() {
                return;
            }
            choice.alternatives.each_cell(&mut |cell| *cell = marks.update(*cell));
            choice.heap = marks.forward(choice.heap);
        }
        let barriers = self.barriers.iter_mut().map(|barrier| &mut barrier.errors);
        for parcel in self.parcels.iter_mut().chain(barriers) {
            for cell in parcel.cells() {
                if !marks.goes_on() {
                    return;
                }
                if Parcel::is_outer(*cell) {
                    *cell = marks.update(*cell);
                }
            }
        }
        let mut trails: Vec<&mut u32> = self.choices.iter_mut().map(|choice| &mut choice.trail).collect();
        marks.compact(&mut self.heap, &mut trails);
    }

    /// Makes a string of about `bytes` bytes, if there is room for it; else the machine stops.
    pub(crate) fn new_text(&mut self, bytes: usize, build: impl FnOnce() -> String) -> Outcome {
        if let Some(limit_bytes) = self.limits.memory_bytes
            && bytes as u64 > limit_bytes
        {
            self.fail(EvalError::OutOfMemory { limit_bytes });
            return Outcome::Scheduled;
        }
        self.work += bytes as u64 / 64;
        let text = self.heap.text(&build());
        // Strings are no cells, so they do not make the heap look full: long ones ask for a collection.
        if self.heap.outside() >= self.collect_outside_at {
            self.collect_at = 0;
        }
        Outcome::Value(text)
    }

    /// Bytes held for terms, frames, choice points and kept results.
    pub(super) fn bytes(&self) -> u64 {
        let slots = (self.env.capacity() * size_of::<Cell>()) as u64;
        let frames = (self.frames.capacity() * size_of::<Frame>()
            + self.leaf_frames.capacity() * size_of::<LeafFrame>()) as u64;
        let choices = (self.choices.capacity() * size_of::<super::Choice>()) as u64;
        let facts: u64 = self.choices.iter().map(|choice| choice.alternatives.bytes()).sum();
        let parcels: u64 = self.parcels.iter().map(crate::terms::parcel::Parcel::bytes).sum();
        let loads: u64 = self.loads.iter().map(|load| load.bytes).sum();
        let results = 64 * self.results.len() as u64 + self.result_bytes;
        let kept = results + self.line_bytes + self.stored_bytes + loads;
        self.heap.bytes()
            + self.facts.bytes()
            + self.answers.bytes()
            + self.typed.bytes()
            + slots
            + frames
            + choices
            + facts
            + parcels
            + kept
    }

    pub(super) fn note_peak(&mut self) {
        self.stats.peak_bytes = self.stats.peak_bytes.max(self.bytes());
    }

    /// Stops the machine when a task by itself has made more terms than memory may hold.
    pub(crate) fn is_out_of_memory(&mut self) -> bool {
        let limit_cells = self.limits.memory_bytes.map_or(MAX_CELLS as u64, |limit| limit / 8);
        let out = self.heap.cells.len() as u64 > limit_cells.min(MAX_CELLS as u64);
        if out {
            self.check_limits();
        }
        out
    }

    /// Enforces the limits of memory and depth. Garbage is collected before memory counts as full.
    pub(super) fn check_limits(&mut self) {
        if let Some(limit) = self.limits.depth
            && (self.frames.len() + self.leaf_frames.len()) as u64 > limit
        {
            self.failure = Some(EvalError::TooDeep { limit });
        }
        if let Some(limit_bytes) = self.limits.memory_bytes
            && self.bytes() > limit_bytes
        {
            self.answers.clear();
            if self.bytes() > limit_bytes {
                self.failure = Some(EvalError::OutOfMemory { limit_bytes });
            }
        }
        // Addresses have 31 bits: beyond that no limit helps.
        if std::mem::take(&mut self.heap.full)
            || self.heap.cells.len() >= MAX_CELLS
            || self.frames.len() + self.leaf_frames.len() >= 1 << 31
        {
            let limit_bytes = self.limits.memory_bytes.unwrap_or_else(|| self.bytes());
            self.failure = Some(EvalError::OutOfMemory { limit_bytes });
        }
    }
}

fn task_cells(task: &mut Task) -> [Option<&mut Cell>; 2] {
    match task {
        Task::Eval { term, expected } => [Some(term), Some(expected)],
        Task::Exec(cell) | Task::Return(cell) | Task::Deliver(cell) => [Some(cell), None],
        Task::Run { .. } | Task::Enter { .. } | Task::Fail | Task::Wait | Task::Done => [None, None],
    }
}
