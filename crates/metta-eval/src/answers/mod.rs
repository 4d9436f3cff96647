//! Answers of calls that were evaluated before: tabling of pure functions.
//!
//! ```text
//!  call ─► known? ──yes─► its answer, its reductions counted
//!             └──no──► awaited: evaluated as ever ─► one result, nothing but computed ─► entered
//! ```
//!
//! An answer is entered when the frame that waits for it gets it, if that is all there is to the call: no
//! choice point is left, no other result came before, and nothing happened on the way that depends on
//! more than the arguments, or that someone else can see. So nothing about functions has to be inferred.
//!
//! Invariant A1: an answer is used only under the declarations and states under which it was found.
//! Invariant A2: calls that are awaited lie in the order of their frames. One whose frame is gone is
//! dropped when a frame of the same number is awaited.
//! Invariant A3: calls and answers are ground data known to be evaluated, at every depth. What is not is given
//! marks where it stands when it is evaluated, for all that share it to see.

mod profile;
mod store;
#[cfg(test)]
mod tests;

use metta_atom::Grounded;

use crate::terms::cell::{Cell, View};
use crate::terms::heap::Heap;
use crate::{Effect, Limits};
use store::Store;

pub(crate) use profile::Profile;

/// Which calls are tabled: their answers are kept, and used when the same call comes again.
///
/// Results, their order, and the number of reductions are those of an evaluation without tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tabling {
    /// None.
    Off,
    /// Those of functions that `pragma! table` names, and of functions that call themselves more than
    /// once, as long as it pays.
    #[default]
    Automatic,
    /// All that compiled rules make. For tests: it rarely pays.
    Everything,
}

/// Bytes that answers may take.
const MOST_BYTES: u64 = 32 << 20;
/// The part of the memory limit that answers may take.
const SHARE: u64 = 8;
/// Cells of the longest call whose answer is kept.
const LONGEST_CALL: usize = 64;
/// Cells of the longest answer.
const LONGEST_ANSWER: usize = 256;
/// Bytes of answers that a fork copies.
const MOST_COPIED: u64 = 1 << 20;
/// Awaited calls, and cells, for which storage is kept from one evaluation to the next.
const KEPT: usize = 1 << 12;

/// Counts of reductions end here: nobody has so much time.
pub(crate) const UNCOUNTABLE: u64 = 1 << 53;

/// Where an answer is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    Recent(u32),
    Earlier(u32),
}

/// A call whose answer is not known yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Awaited {
    /// The frame that waits for it.
    frame: u32,
    pub(crate) function: u32,
    hash: u64,
    /// Where its cells begin among those of all.
    start: u32,
    pub(crate) before: Moment,
}

/// What is compared to know what an evaluation did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) reductions: u64,
    /// The declarations.
    pub(crate) stamp: u64,
    /// How many variables have got names.
    pub(crate) names: u64,
    /// What else has happened.
    pub(crate) effects: u64,
}

/// The answers that a machine knows.
#[derive(Clone, Debug)]
pub(crate) struct Answers {
    tabling: Tabling,
    /// Whether answers may be used in this evaluation.
    open: bool,
    most_bytes: u64,
    /// The declarations under which all of them were found (A1).
    stamp: u64,
    /// Those entered last, and those before. When there are too many, the latter are forgotten.
    recent: Store,
    earlier: Store,
    /// The call that is looked up: its function, the type expected and the arguments, then their elements.
    call: Vec<Cell>,
    /// The answer that is entered.
    value: Vec<Cell>,
    awaited: Vec<Awaited>,
    awaited_cells: Vec<Cell>,
    effects: u64,
}

impl Answers {
    pub(crate) fn new(tabling: Tabling) -> Self {
        Answers {
            tabling,
            open: false,
            most_bytes: MOST_BYTES,
            stamp: 0,
            recent: Store::default(),
            earlier: Store::default(),
            call: Vec::new(),
            value: Vec::new(),
            awaited: Vec::new(),
            awaited_cells: Vec::new(),
            effects: 0,
        }
    }

    /// What a machine begins with that goes on with a part of the evaluation: a copy, unless that is long.
    pub(crate) fn fork(&self, limits: &Limits) -> Answers {
        if self.bytes() <= MOST_COPIED {
            return self.clone();
        }
        let mut answers = Answers::new(self.tabling);
        answers.begin(limits);
        answers.effects = self.effects;
        answers
    }

    /// Begins an evaluation. A limit of depth counts frames, which are not made for an answer that is
    /// known: under it there are none.
    pub(crate) fn begin(&mut self, limits: &Limits) {
        self.open = self.tabling != Tabling::Off && limits.depth.is_none();
        self.most_bytes = limits.memory_bytes.map_or(MOST_BYTES, |limit| MOST_BYTES.min(limit / SHARE));
    }

    /// Which calls are tabled in this evaluation.
    pub(crate) fn tabling(&self) -> Tabling {
        if self.open { self.tabling } else { Tabling::Off }
    }

    /// Forgets all answers and awaited calls, and gives most of their storage back.
    pub(crate) fn clear(&mut self) {
        self.forget();
        self.awaited.clear();
        self.awaited_cells.clear();
        self.awaited.shrink_to(KEPT);
        self.awaited_cells.shrink_to(KEPT);
    }

    fn forget(&mut self) {
        self.recent.clear();
        self.earlier.clear();
    }

    /// Notes that something happens that cannot be told from the arguments of the calls under way, or
    /// that is more than computing a result.
    #[inline(always)]
    pub(crate) fn note_effect(&mut self) {
        self.effects += 1;
    }

    /// Notes that a state changes: states are equal when their contents are.
    #[inline(always)]
    pub(crate) fn note_change(&mut self) {
        self.effects += 1;
        // A1
        if !self.recent.is_empty() || !self.earlier.is_empty() {
            self.forget();
        }
    }

    /// Notes what an operation does.
    #[inline]
    pub(crate) fn note(&mut self, effect: Effect) {
        match effect {
            Effect::Pure => {}
            Effect::State => self.note_change(),
            Effect::ReadsSpace | Effect::WritesSpace | Effect::Prints | Effect::Outside => {
                self.note_effect();
            }
        }
    }

    /// What has happened so far beside reductions.
    pub(crate) fn effects(&self) -> u64 {
        self.effects
    }

    /// Takes a call to look up: the type expected and the arguments are in `slots`. Returns its hash, unless
    /// it has variables, is too long, or has values that may be equal without being the same.
    pub(crate) fn take_call(&mut self, heap: &Heap, function: u32, slots: &[Cell]) -> Option<u64> {
        self.call.clear();
        self.call.push(Cell::local(function));
        self.call.extend(slots.iter().map(|cell| heap.deref(*cell)));
        flatten(heap, &mut self.call, 1, LONGEST_CALL, |_| None).then(|| store::hash(&self.call))
    }

    /// What looking the call up costs that was taken, in calls with a few numbers.
    pub(crate) fn cost(&self) -> u32 {
        1 + self.call.len() as u32 / 16
    }

    /// Finds the answer of the call that was taken, and how many reductions it took.
    pub(crate) fn find(&mut self, hash: u64, stamp: u64) -> Option<(Answer, u64)> {
        if self.stamp != stamp {
            // A1
            self.forget();
            self.stamp = stamp;
        }
        if let Some(index) = self.recent.find(hash, &self.call) {
            return Some((Answer::Recent(index), self.recent.reductions(index)));
        }
        let index = self.earlier.find(hash, &self.call)?;
        Some((Answer::Earlier(index), self.earlier.reductions(index)))
    }

    /// Builds the value of an answer.
    pub(crate) fn build(&self, heap: &mut Heap, answer: Answer) -> Cell {
        let (cells, boxes) = match answer {
            Answer::Recent(index) => self.recent.value(index),
            Answer::Earlier(index) => self.earlier.value(index),
        };
        let offset = heap.top();
        let place = |heap: &mut Heap, cell: Cell| match cell.view() {
            View::Expression { address, length } if length > 0 => cell.with_address(offset + address - 1),
            View::Boxed(index) => heap.grounded(boxes[index as usize].clone()),
            _ => cell,
        };
        for cell in &cells[1..] {
            let cell = place(heap, *cell);
            heap.cells.push(cell);
        }
        place(heap, cells[0])
    }

    /// Notes that a frame waits for the answer of the call that was taken. Returns the number of the note;
    /// `None` when too many calls are awaited.
    pub(crate) fn wait(&mut self, frame: u32, function: u32, hash: u64, before: Moment) -> Option<u32> {
        // A2
        while let Some(last) = self.awaited.last().filter(|last| last.frame >= frame) {
            self.awaited_cells.truncate(last.start as usize);
            self.awaited.pop();
        }
        if self.awaited_bytes() > self.most_bytes {
            return None;
        }
        let start = self.awaited_cells.len() as u32;
        self.awaited_cells.extend_from_slice(&self.call);
        self.awaited.push(Awaited { frame, function, hash, start, before });
        Some(self.awaited.len() as u32 - 1)
    }

    /// Takes back the call that a frame waited for. Neither it nor any after it is awaited any more.
    pub(crate) fn take_awaited(&mut self, note: u32, frame: u32) -> Option<Awaited> {
        let awaited = self.awaited.get(note as usize).copied().filter(|awaited| awaited.frame == frame)?;
        let next = self.awaited.get(note as usize + 1);
        let end = next.map_or(self.awaited_cells.len(), |next| next.start as usize);
        self.call.clear();
        self.call.extend_from_slice(&self.awaited_cells[awaited.start as usize..end]);
        self.awaited.truncate(note as usize);
        self.awaited_cells.truncate(awaited.start as usize);
        Some(awaited)
    }

    /// Enters the answer of the call that was just taken back, unless it is too long or not ground.
    pub(crate) fn enter(&mut self, heap: &Heap, awaited: &Awaited, value: Cell, reductions: u64) {
        let (mut cells, mut boxes) = (std::mem::take(&mut self.value), Vec::new());
        cells.clear();
        cells.push(value);
        let keep = |value: &Grounded| {
            let kept = matches!(value, Grounded::Number(_) | Grounded::Text(_));
            kept.then(|| {
                boxes.push(value.clone());
                Cell::boxed(boxes.len() as u32 - 1)
            })
        };
        let kept = self.stamp == awaited.before.stamp && flatten(heap, &mut cells, 0, LONGEST_ANSWER, keep);
        if kept && self.recent.bytes() > self.most_bytes / 2 {
            self.earlier = std::mem::take(&mut self.recent);
        }
        if kept && self.recent.find(awaited.hash, &self.call).is_none() {
            self.recent.insert(awaited.hash, &self.call, &cells, boxes, reductions);
        }
        self.value = cells;
    }

    fn awaited_bytes(&self) -> u64 {
        (self.awaited.len() * size_of::<Awaited>() + self.awaited_cells.len() * size_of::<Cell>()) as u64
    }

    /// Bytes that answers and awaited calls take.
    pub(crate) fn bytes(&self) -> u64 {
        self.recent.bytes() + self.earlier.bytes() + self.awaited_bytes()
    }
}

/// Puts the elements of expressions behind the cells from `from` on, addresses counted from the first cell.
/// So equal terms with equal marks become equal cells.
///
/// Reports whether the terms are evaluated and together at most `longest` cells; `boxed` gives the cell of a
/// value that has a box, if it may be kept.
fn flatten(
    heap: &Heap,
    cells: &mut Vec<Cell>,
    from: usize,
    longest: usize,
    mut boxed: impl FnMut(&Grounded) -> Option<Cell>,
) -> bool {
    let mut next = from;
    while next < cells.len() {
        let cell = cells[next];
        match cell.view() {
            View::Symbol(_)
            | View::Int(_)
            | View::Float(_)
            | View::Bool(_)
            | View::Operation(_)
            | View::Space(_)
            | View::State(_)
            | View::Expression { length: 0, .. } => {}
            View::Expression { address, length } => {
                let end = cells.len();
                // A3
                let settled = cell.is_ground() && (cell.is_evaluated() || cell.has_evaluated_elements());
                if !settled || end + length as usize > longest {
                    return false;
                }
                cells[next] = cell.with_address(end as u32);
                cells.extend((0..length).map(|index| heap.element(address, index)));
            }
            View::Boxed(index) => match boxed(heap.boxed(index)) {
                Some(kept) => cells[next] = kept,
                None => return false,
            },
            View::Ref(_) | View::Variable { .. } | View::Bindings { .. } | View::Local(_) | View::Room(_) => {
                return false;
            }
        }
        next += 1;
    }
    true
}
