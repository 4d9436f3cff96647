//! Instructions of single forms, apart from the loop of those that run all the time.

use super::Next;

use crate::code::Instr;
use crate::machine::Machine;
use crate::machine::choices::Alternatives;
use crate::terms::cell::Cell;
use crate::terms::symbols::{self, cell};

impl Machine {
    /// Runs an instruction, behind which is `pc`.
    #[inline(never)]
    pub(super) fn form_step(&mut self, instr: Instr, pc: u32, base: u32) -> Next {
        let place = |holds: bool, otherwise: u32| Next::At(if holds { pc } else { otherwise }, base);
        match instr {
            Instr::GuardHead { slot, arity, matters, otherwise } => {
                let head = self.heap.deref(self.slot(base, slot));
                place(self.is_head(head, u32::from(arity), matters), otherwise)
            }
            Instr::Apply { site, otherwise } => {
                self.apply(site, base).unwrap_or_else(|| place(false, otherwise))
            }
            Instr::ApplyTyped { site, otherwise } => {
                self.apply_typed(site, base).unwrap_or_else(|| place(false, otherwise))
            }
            Instr::Decons { to, list, otherwise } => {
                let list = self.heap.deref(self.slot(base, list));
                let Some((address, 1..)) = list.slice() else { return place(false, otherwise) };
                let parts = [self.heap.element(address, 0), self.heap.tail(list)];
                // The pair would be an error.
                if parts[0] == cell(symbols::ERROR) {
                    return place(false, otherwise);
                }
                self.stats.reductions += 1;
                let pair = self.heap.expression(&parts);
                self.set_slot(base, to, pair);
                Next::At(pc, base)
            }
            Instr::Superpose { list, to, site } => {
                let list = self.operand(base, list);
                self.begin_superpose(list, to, site, base)
            }
            Instr::Either { site } => {
                self.top = base + u32::from(self.code.sites[site as usize].size);
                self.choose(Alternatives::Branch { site, base });
                Next::At(pc, base)
            }
            Instr::Collapse { site } => {
                self.begin_collapse_at(site, base);
                Next::At(pc, base)
            }
            Instr::Quick { to, from, otherwise } => {
                let value = self.operand(base, from);
                let value = self.quick_result(value, cell(symbols::UNDEFINED));
                value.into_iter().for_each(|value| self.set_slot(base, to, value));
                place(value.is_some(), otherwise)
            }
            Instr::Cases { site } => {
                self.begin_cases(site, base);
                Next::At(pc, base)
            }
            Instr::Each { each } => self.begin_each(each, base),
            Instr::First { list, to, empty } => {
                let first = self.first_of(self.operand(base, list));
                first.into_iter().for_each(|first| self.set_slot(base, to, first));
                place(first.is_some(), empty)
            }
            Instr::Exec { site } => self.exec_at(site, base),
            Instr::CallStep { site } => self.call_step(site, base),
            Instr::Returned { slot, otherwise } => {
                let returned = self.returned(self.slot(base, slot));
                returned.into_iter().for_each(|value| self.set_slot(base, slot, value));
                place(returned.is_some(), otherwise)
            }
            Instr::GuardData { slot, otherwise } => {
                let value = self.slot(base, slot);
                place(!self.names_instruction(value), otherwise)
            }
            Instr::GuardOutcome { slot, otherwise } => {
                let value = self.slot(base, slot);
                place(self.is_result(value), otherwise)
            }
            Instr::NoReturn { to, call } => {
                let error = self.error(self.slot(base, call), cell(symbols::NO_RETURN));
                self.set_slot(base, to, error);
                Next::At(pc, base)
            }
            _ => Next::At(pc, base),
        }
    }

    fn first_of(&self, list: Cell) -> Option<Cell> {
        let (address, length) = list.slice()?;
        (length > 0).then(|| self.heap.element(address, 0))
    }
}
