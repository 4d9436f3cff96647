//! The garbage collector: mark, then slide the live cells down.
//!
//! Sliding keeps the order of cells, so the heap mark of every choice point
//! becomes the number of live cells below it, and cutting the heap back on
//! failure still works. The new address of a cell is the number of live cells
//! before it, read off a bitmap with running counts.

use crate::interrupt::{Interrupt, Pulse};
use crate::terms::cell::{CODE, Cell, View};
use crate::terms::heap::Heap;

/// Which cells live, and where they go.
pub(crate) struct Marks<'a> {
    bits: Vec<u64>,
    /// Live cells before each word of `bits`; filled once marking is over.
    before: Vec<u32>,
    boxes: Vec<bool>,
    box_moves: Vec<u32>,
    pending: Vec<Cell>,
    pulse: Pulse<'a>,
}

impl<'a> Marks<'a> {
    pub(crate) fn new(heap: &Heap, interrupt: &'a Interrupt) -> Self {
        Marks {
            bits: vec![0; heap.cells.len() / 64 + 1],
            before: Vec::new(),
            boxes: vec![false; heap.boxes.len()],
            box_moves: Vec::new(),
            pending: Vec::new(),
            pulse: Pulse::new(interrupt),
        }
    }

    /// Counts a cell, or what takes as long; reports whether the collection goes on. If not, it is given up as soon as
    /// may be: what was marked, or moved, means nothing any more.
    #[inline]
    pub(crate) fn goes_on(&mut self) -> bool {
        self.pulse.goes_on(1)
    }

    /// Reports whether the collection was given up.
    pub(crate) fn is_over(&self) -> bool {
        self.pulse.is_over()
    }

    fn set(&mut self, address: u32) -> bool {
        let word = &mut self.bits[address as usize / 64];
        let bit = 1 << (address % 64);
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    /// Reports whether the cell at `address` was marked.
    pub(crate) fn is_live(&self, address: u32) -> bool {
        let word = self.bits.get(address as usize / 64);
        word.is_some_and(|bits| bits >> (address % 64) & 1 == 1)
    }

    /// Marks everything that `root` reaches.
    pub(crate) fn mark(&mut self, heap: &Heap, root: Cell) {
        self.visit(root);
        while let Some(cell) = self.pending.pop() {
            if !self.goes_on() {
                return;
            }
            match cell.view() {
                View::Ref(address) | View::Local(address) if self.set(address) => {
                    self.visit(heap.cells[address as usize]);
                }
                View::Expression { address, length } | View::Bindings { address, length } => {
                    for i in address..address + length {
                        // H1: overlapping expressions end at the same cell, so the rest is marked too.
                        if !self.set(i) || !self.goes_on() {
                            break;
                        }
                        self.visit(heap.cells[i as usize]);
                    }
                }
                View::Boxed(index) => self.boxes[index as usize] = true,
                _ => {}
            }
        }
    }

    /// Marks what the first `count` elements of a slice reach, but not the slice itself.
    pub(crate) fn mark_elements(&mut self, heap: &Heap, slice: Cell, count: u32) {
        if let Some((address, length)) = slice.slice() {
            for i in address..address + count.min(length) {
                self.mark(heap, heap.cells[i as usize]);
            }
        }
    }

    /// Keeps the cells of a slice. Elements that nothing else has marked are cleared,
    /// unless they are among the elements marked one by one.
    pub(crate) fn keep_slice(&mut self, heap: &mut Heap, slice: Cell, count: u32) {
        if let Some((address, length)) = slice.slice() {
            for i in address..address + length {
                if self.set(i) && i >= address + count {
                    heap.cells[i as usize] = Cell::UNIT;
                }
            }
        }
    }

    fn visit(&mut self, cell: Cell) {
        match cell.view() {
            View::Expression { length: 0, .. } | View::Bindings { length: 0, .. } => {}
            View::Expression { address, .. } | View::Bindings { address, .. } if address & CODE != 0 => {}
            View::Boxed(index) if index & CODE != 0 => {}
            View::Ref(_)
            | View::Local(_)
            | View::Expression { .. }
            | View::Bindings { .. }
            | View::Boxed(_) => {
                self.pending.push(cell);
            }
            _ => {}
        }
    }

    /// Ends marking: from here on addresses can be forwarded.
    pub(crate) fn seal(&mut self) {
        let mut count = 0;
        self.before = self
            .bits
            .iter()
            .map(|word| {
                let before = count;
                count += word.count_ones();
                before
            })
            .collect();
        let mut kept = 0;
        self.box_moves = self
            .boxes
            .iter()
            .map(|live| {
                let index = kept;
                kept += u32::from(*live);
                index
            })
            .collect();
    }

    /// The number of live cells below `address`: its new value as a cell or as a heap mark.
    pub(crate) fn forward(&self, address: u32) -> u32 {
        let word = address as usize / 64;
        let below = (1u64 << (address % 64)) - 1;
        match self.bits.get(word) {
            Some(bits) => self.before[word] + (bits & below).count_ones(),
            None => {
                self.before.last().copied().unwrap_or(0)
                    + self.bits.last().map_or(0, |bits| bits.count_ones())
            }
        }
    }

    /// The cell with its address forwarded.
    pub(crate) fn update(&self, cell: Cell) -> Cell {
        match cell.view() {
            View::Expression { length: 0, .. } | View::Bindings { length: 0, .. } => cell,
            View::Local(address) => Cell::local(self.forward(address)),
            View::Boxed(index) if index & CODE == 0 => Cell::boxed(self.box_moves[index as usize]),
            _ => match cell.address() {
                Some(address) if address & CODE == 0 => cell.with_address(self.forward(address)),
                _ => cell,
            },
        }
    }

    /// Slides the live cells of the heap down and drops dead trail entries.
    ///
    /// `trail_marks` are trail lengths kept elsewhere, in rising order; they are made to fit.
    pub(crate) fn compact(&mut self, heap: &mut Heap, trail_marks: &mut [&mut u32]) {
        let mut to = 0;
        for index in 0..self.bits.len() {
            let mut bits = self.bits[index];
            if !self.pulse.goes_on(1 + bits.count_ones()) {
                return;
            }
            while bits != 0 {
                let from = index * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                heap.cells[to] = self.update(heap.cells[from]);
                to += 1;
            }
        }
        heap.cells.truncate(to);
        self.compact_trail(heap, trail_marks);
        let mut index = 0;
        heap.boxes.retain(|_| {
            index += 1;
            self.boxes[index - 1]
        });
        heap.recount_outside();
        heap.boundary = if heap.boundary == u32::MAX { u32::MAX } else { self.forward(heap.boundary) };
    }

    fn compact_trail(&mut self, heap: &mut Heap, trail_marks: &mut [&mut u32]) {
        let mut kept = 0;
        let mut mark = 0;
        for i in 0..heap.trail.len() {
            if !self.goes_on() {
                return;
            }
            while mark < trail_marks.len() && *trail_marks[mark] as usize <= i {
                *trail_marks[mark] = kept as u32;
                mark += 1;
            }
            let (address, old) = heap.trail[i];
            if self.is_live(address) {
                heap.trail[kept] = (self.forward(address), old);
                kept += 1;
            }
        }
        for mark in &mut trail_marks[mark..] {
            **mark = kept as u32;
        }
        heap.trail.truncate(kept);
    }
}
