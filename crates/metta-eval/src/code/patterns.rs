//! Patterns: heads of clauses, and what values are matched with.

use super::compiler::{Compiler, MOST_NESTING, Outcome, TooBig};
use super::instr::*;
use crate::terms::cell::{Cell, View};

impl Compiler<'_> {
    pub(super) fn match_argument(&mut self, slot: Slot, pattern: Cell) -> Outcome<()> {
        match pattern.view() {
            View::Local(local) => {
                let own = self.slot_of(local);
                if own != slot {
                    if self.is_assigned(own) {
                        self.emit(Instr::MatchSame { slot, with: own });
                    } else {
                        self.emit(Instr::Copy { to: own, from: Operand::slot(slot) });
                        self.assign(own, Known::Nothing);
                    }
                }
                Ok(())
            }
            View::Expression { length, .. } if !pattern.is_ground() => {
                let (variable, join) = (self.label(), self.label());
                self.build_for_variable(variable, slot, pattern, join);
                let head = self.child(pattern, 0);
                match u16::try_from(length) {
                    Ok(length) if head.is_canonical() => {
                        let head = self.constant(head);
                        self.emit(Instr::MatchHead { slot, length, head, variable });
                        self.match_elements_from(1, slot, pattern)?;
                    }
                    _ => {
                        self.emit(Instr::MatchExpression { slot, length, variable });
                        self.match_elements(slot, pattern)?;
                    }
                }
                self.place(join);
                Ok(())
            }
            _ => {
                let constant = self.constant(pattern);
                self.emit(Instr::MatchConstant { slot, constant });
                Ok(())
            }
        }
    }

    pub(super) fn match_elements(&mut self, from: Slot, pattern: Cell) -> Outcome<()> {
        self.match_elements_from(0, from, pattern)
    }

    /// Matches the elements of a pattern from one on.
    pub(super) fn match_elements_from(&mut self, first: u32, from: Slot, pattern: Cell) -> Outcome<()> {
        let length = self.length(pattern);
        self.nesting += 1;
        if self.nesting > MOST_NESTING {
            return Err(TooBig);
        }
        for index in first..length {
            let element = self.child(pattern, index);
            let index = u16::try_from(index).map_err(|_| TooBig)?;
            match element.view() {
                View::Local(local) if !self.is_assigned(self.slot_of(local)) => {
                    let to = self.slot_of(local);
                    self.take_element(from, index, to);
                    self.assign(to, Known::Nothing);
                }
                View::Local(_) => {
                    let mark = self.temporaries();
                    let to = self.temporary()?;
                    self.emit(Instr::Element { from, index, to });
                    self.match_argument(to, element)?;
                    self.release(mark);
                }
                View::Expression { .. } if !element.is_ground() => {
                    let mark = self.temporaries();
                    let to = self.temporary()?;
                    self.emit(Instr::Element { from, index, to });
                    self.assign(to, Known::Nothing);
                    self.match_argument(to, element)?;
                    self.release(mark);
                }
                _ => {
                    let constant = self.constant(element);
                    self.emit(Instr::ElementConstant { from, index, constant });
                }
            }
        }
        self.nesting -= 1;
        Ok(())
    }

    /// Takes an element, together with what is done just before it if that is about the elements before.
    fn take_element(&mut self, from: Slot, index: u16, to: Slot) {
        let next = self.place_in_code();
        if !self.labels.contains(&next)
            && let Some(last) = self.machine.code.instrs[self.start..].last_mut()
            && let Some(both) = with_element(*last, from, index, to)
        {
            *last = both;
            return;
        }
        self.emit(Instr::Element { from, index, to });
    }
}

/// One instruction that does what `last` does and then takes an element.
fn with_element(last: Instr, from: Slot, index: u16, to: Slot) -> Option<Instr> {
    let (source, first, target, count) = match last {
        Instr::Element { from, index, to } => (from, index, to, 1),
        Instr::Elements { from, first, to, count } => (from, u16::from(first), to, count),
        Instr::MatchParts { slot, to, count, .. } => (slot, 1, to, count),
        Instr::MatchHead { slot, .. } => (slot, 1, to, 0),
        _ => return None,
    };
    if source != from || first + u16::from(count) != index || target + count != to {
        return None;
    }
    let count = count + 1;
    match last {
        Instr::MatchHead { slot, length, head, variable } => {
            let length = u8::try_from(length).ok()?;
            Some(Instr::MatchParts { slot, length, to, count, head, variable })
        }
        Instr::MatchParts { slot, length, head, variable, to, .. } => {
            Some(Instr::MatchParts { slot, length, to, count, head, variable })
        }
        _ => Some(Instr::Elements { from, first: u8::try_from(first).ok()?, to: target, count }),
    }
}
