//! From labels to places.

use super::compiler::Compiler;
use super::instr::*;
use crate::library::Binary;
use crate::terms::cell::{Cell, View};

impl Compiler<'_> {
    /// Replaces labels by places.
    pub(super) fn link(&mut self) {
        let labels = &self.labels;
        let at = |label: &mut u32| *label = labels[*label as usize];
        let code = &mut self.machine.code;
        for instr in &mut code.instrs[self.start..] {
            match instr {
                Instr::MatchExpression { variable, .. } | Instr::MatchHead { variable, .. } => at(variable),
                Instr::Expect { variable, otherwise, .. } => {
                    at(variable);
                    at(otherwise);
                }
                Instr::Arithmetic { otherwise, .. }
                | Instr::Compare { otherwise, .. }
                | Instr::Cons { otherwise, .. }
                | Instr::Uncons { otherwise, .. }
                | Instr::Decons { otherwise, .. }
                | Instr::Part { otherwise, .. }
                | Instr::GetState { otherwise, .. }
                | Instr::GuardState { otherwise, .. }
                | Instr::ContentFor { otherwise, .. }
                | Instr::ChangeState { otherwise, .. }
                | Instr::Unify { otherwise, .. }
                | Instr::Guard { otherwise, .. }
                | Instr::GuardExpected { otherwise, .. }
                | Instr::GuardDeclared { otherwise, .. }
                | Instr::GuardContext { otherwise }
                | Instr::GuardHead { otherwise, .. }
                | Instr::First { empty: otherwise, .. }
                | Instr::Quick { otherwise, .. }
                | Instr::GuardPlain { otherwise, .. }
                | Instr::Prepare { otherwise, .. }
                | Instr::Settle { otherwise, .. }
                | Instr::Return { otherwise, .. } => at(otherwise),
                Instr::JumpUnless { to, otherwise, .. } | Instr::Branch { to, otherwise, .. } => {
                    at(to);
                    at(otherwise);
                }
                Instr::Jump { to } | Instr::Try { next: to } | Instr::Skip { next: to, .. } => at(to),
                Instr::Each { each } => {
                    let site = code.eaches[*each as usize].site;
                    if let Resume::At { pc, .. } = &mut code.sites[site as usize].resume {
                        at(pc);
                    }
                }
                Instr::Apply { site, otherwise } | Instr::ApplyTyped { site, otherwise } => {
                    at(otherwise);
                    if let Resume::At { pc, .. } = &mut code.sites[*site as usize].resume {
                        at(pc);
                    }
                }
                Instr::Call { site }
                | Instr::TailCall { site }
                | Instr::LastCall { site }
                | Instr::Construct { site, .. }
                | Instr::Eval { site, .. }
                | Instr::Block { site }
                | Instr::Superpose { site, .. }
                | Instr::Either { site }
                | Instr::Collapse { site }
                | Instr::General { site } => {
                    if let Resume::At { pc, .. } = &mut code.sites[*site as usize].resume {
                        at(pc);
                    }
                }
                Instr::MatchConstant { .. }
                | Instr::Search { .. }
                | Instr::NoReturn { .. }
                | Instr::Take { .. }
                | Instr::MatchSame { .. }
                | Instr::Element { .. }
                | Instr::Elements { .. }
                | Instr::ElementConstant { .. }
                | Instr::Body
                | Instr::Fresh { .. }
                | Instr::Copy { .. }
                | Instr::Build { .. }
                | Instr::Result { .. }
                | Instr::ResultOf { .. }
                | Instr::Give { .. }
                | Instr::AddNumber { .. }
                | Instr::Add { .. }
                | Instr::Subtract { .. }
                | Instr::UnlessNumber { .. }
                | Instr::Unless { .. }
                | Instr::Fail => {}
            }
            if let Some(frequent) = frequent_form(*instr, &code.constants) {
                *instr = frequent;
            }
        }
    }
}

/// The form of an instruction that is for the operands it has, if there is one.
fn frequent_form(instr: Instr, constants: &[Cell]) -> Option<Instr> {
    let slot = |operand: Operand| operand.place().ok().map(|slot| slot as Slot);
    let number = |operand: Operand| match constants[operand.place().err()? as usize].view() {
        View::Int(number) => i32::try_from(number).ok(),
        _ => None,
    };
    match instr {
        Instr::Arithmetic { operation, to, a, b, otherwise } => {
            let sum = |a: Operand, b: Operand| {
                Some(Instr::AddNumber { to, a: slot(a)?, number: number(b)?, otherwise })
            };
            match operation {
                Binary::Add => match (slot(a), slot(b)) {
                    (Some(a), Some(b)) => Some(Instr::Add { to, a, b, otherwise }),
                    _ => sum(a, b).or_else(|| sum(b, a)),
                },
                Binary::Subtract => match (slot(a)?, slot(b)) {
                    (a, Some(b)) => Some(Instr::Subtract { to, a, b, otherwise }),
                    (a, None) => {
                        Some(Instr::AddNumber { to, a, number: number(b)?.checked_neg()?, otherwise })
                    }
                },
                Binary::Multiply | Binary::Divide | Binary::Remainder => None,
            }
        }
        Instr::JumpUnless { test, a, b, to, otherwise } => {
            let a = slot(a)?;
            Some(match slot(b) {
                Some(b) => Instr::Unless { test, a, b, to, otherwise },
                None => Instr::UnlessNumber { test, a, number: number(b)?, to, otherwise },
            })
        }
        _ => None,
    }
}
