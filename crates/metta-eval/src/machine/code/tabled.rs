//! Calls whose answers are kept: see [`crate::answers`].

use super::Next;
use crate::answers::{Moment, Tabling, UNCOUNTABLE};
use crate::code::{Definitions, Purpose};
use crate::machine::Machine;
use crate::machine::frames::{Kind, RAW};
use crate::program::OPEN;
use crate::terms::cell::Cell;
use crate::terms::symbols::{self, cell};

impl Machine {
    /// Notes whether answers of the calls of a function are kept.
    pub(in crate::machine) fn note_tabled(&mut self, id: u32) {
        let function = &self.code.functions[id as usize];
        let wanted = match self.answers.tabling() {
            Tabling::Off => false,
            Tabling::Everything => true,
            Tabling::Automatic => {
                let named =
                    function.symbol != OPEN && self.world.is_tabled(self.heap.symbols.name(function.symbol));
                named || function.profile.is_promising()
            }
        };
        let evaluates = Purpose::of(function.instance) == Purpose::Evaluation;
        let tabled = wanted && evaluates && !function.native && function.definition != Definitions::NONE;
        let function = &mut self.code.functions[id as usize];
        function.tabled = tabled;
        if tabled {
            function.direct = None;
            self.code.unlink_leaves();
        }
    }

    /// Calls a function whose answers are kept.
    #[inline(never)]
    pub(in crate::machine) fn call_tabled(&mut self, id: u32, base: u32) -> Next {
        if self.code.functions[id as usize].stamp != self.code.stamp {
            self.prove(id);
        }
        let Some(hash) = self.take_call(id, base) else { return self.enter(id, base, None) };
        if let Some(answer) = self.find_answer(id, hash) {
            return self.give(answer);
        }
        self.await_answer(id, hash, base);
        self.enter(id, base, None)
    }

    /// The answer of a call in the general way, if it is known.
    pub(in crate::machine) fn known_answer(&mut self, id: u32, base: u32) -> Option<Cell> {
        let hash = self.take_call(id, base)?;
        let answer = self.find_answer(id, hash);
        if answer.is_none() {
            self.await_answer(id, hash, base);
        }
        answer
    }

    /// Awaits the answer of a call whose arguments are at `base`, if the current frame can do that.
    fn await_answer(&mut self, id: u32, hash: u64, base: u32) {
        let (index, moment) = (self.frame, self.moment());
        let frame = &mut self.frames[index as usize];
        // M1: without a choice point since it was made nobody comes back to the frame but by this call.
        let alone = frame.choices == self.choices.len() as u32 && !frame.exit.succeeded;
        if alone && let Kind::Code { site, base } = frame.kind {
            if let Some(note) = self.answers.wait(index, id, hash, moment) {
                frame.kind = Kind::Tabled { site, base, note };
            }
        } else if self.answers.tabling() == Tabling::Everything && frame.choices != RAW {
            // A frame of its own takes memory, which a last call does not otherwise.
            if let Some(note) = self.answers.wait(self.frames.len() as u32, id, hash, moment) {
                self.top = base;
                self.wait(Kind::Awaited { note });
            }
        }
    }

    /// Takes a call to look up; its hash.
    fn take_call(&mut self, id: u32, base: u32) -> Option<u64> {
        let function = &self.code.functions[id as usize];
        let usual = self.stack_depth == u32::MAX && !self.heap.has_matchers && self.context == self.home;
        if !function.tabled || !usual {
            return None;
        }
        let slots = &self.env[base as usize..=(base + function.arity) as usize];
        let hash = self.answers.take_call(&self.heap, id, slots);
        if hash.is_none() {
            self.note_call(id, None);
        }
        hash
    }

    /// The answer of the call that was taken, and its reductions counted. None if they would pass a limit: then
    /// the call is evaluated, as far as the limit allows.
    fn find_answer(&mut self, id: u32, hash: u64) -> Option<Cell> {
        let (answer, reductions) = self.answers.find(hash, self.code.stamp)?;
        let total = self.stats.reductions.saturating_add(reductions);
        if total > self.last_step {
            return None;
        }
        self.stats.reductions = total.min(UNCOUNTABLE).max(self.stats.reductions);
        self.note_call(id, Some(reductions));
        Some(self.answers.build(&mut self.heap, answer))
    }

    /// What the evaluation of a call is compared with when it has a result.
    fn moment(&self) -> Moment {
        Moment {
            reductions: self.stats.reductions,
            stamp: self.code.stamp,
            names: self.names.given(),
            effects: self.answers.effects(),
        }
    }

    /// A result for the current frame, which waits for the answer of a call: it is kept if it is all that there
    /// is to the call.
    pub(in crate::machine) fn note_answer(&mut self, note: u32, value: Cell) {
        let Some(awaited) = self.answers.take_awaited(note, self.frame) else { return };
        let frame = &self.frames[self.frame as usize];
        let single = !frame.exit.succeeded && self.choices.len() as u32 == frame.choices;
        let now = self.moment();
        let computed = Moment { reductions: now.reductions, ..awaited.before } == now;
        let reductions = match now.reductions {
            UNCOUNTABLE.. => UNCOUNTABLE,
            reductions => reductions - awaited.before.reductions,
        };
        let special = value == cell(symbols::EMPTY) || self.heap.is_error(value);
        if single && computed && !special && !self.is_irreducible(awaited.function, value) {
            self.answers.enter(&self.heap, &awaited, value, reductions);
        }
        self.note_call(awaited.function, None);
    }

    /// Reports whether a result may be the call itself. Such a result has the marks of the term of the call.
    fn is_irreducible(&self, id: u32, value: Cell) -> bool {
        let function = &self.code.functions[id as usize];
        value.slice().is_some_and(|(address, length)| match function.symbol {
            OPEN => length == function.arity,
            symbol => length == function.arity + 1 && self.heap.element(address, 0) == Cell::symbol(symbol),
        })
    }

    /// Gives a result to the current frame, which waits for the answer of a call.
    #[inline(never)]
    pub(in crate::machine) fn give_answer(&mut self, value: Cell) -> Next {
        let frame = &mut self.frames[self.frame as usize];
        let Kind::Tabled { site, base, note } = frame.kind else { return Next::Task };
        if value == cell(symbols::EMPTY) || self.heap.is_error(value) {
            self.task = crate::machine::Task::Return(value);
            return Next::Task;
        }
        if self.choices.len() as u32 > frame.choices {
            frame.exit.succeeded = true;
        }
        self.note_answer(note, value);
        self.resume_with(site, base, value)
    }

    /// Notes a call of a function, and the reductions that were saved if its answer was known. A function for
    /// which tabling does not pay is given up for a while.
    fn note_call(&mut self, id: u32, saved: Option<u64>) {
        let cost = self.answers.cost();
        let gives_up = self.code.functions[id as usize].profile.note_call(saved, cost);
        if gives_up {
            self.note_tabled(id);
            self.note_direct(id);
        }
    }

    /// The machine pauses at a call: a function that was given up may be tried again.
    pub(in crate::machine) fn note_pause(&mut self, id: u32) {
        if self.code.functions[id as usize].profile.note_pause() {
            self.note_tabled(id);
        }
    }
}
