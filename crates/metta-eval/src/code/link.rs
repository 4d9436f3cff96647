//! From labels to places.

use super::compiler::Compiler;
use super::instr::*;

impl Compiler<'_> {
    /// Replaces labels by places.
    pub(super) fn link(&mut self) {
        let labels = &self.labels;
        let at = |label: &mut u32| *label = labels[*label as usize];
        let code = &mut self.machine.code;
        for instr in &mut code.instrs[self.start..] {
            match instr {
                Instr::MatchExpression { variable, .. }
                | Instr::MatchHead { variable, .. }
                | Instr::MatchParts { variable, .. } => at(variable),
                Instr::Expect { variable, otherwise, .. } => {
                    at(variable);
                    at(otherwise);
                }
                Instr::Arithmetic { otherwise, .. }
                | Instr::Compare { otherwise, .. }
                | Instr::Logical { otherwise, .. }
                | Instr::Native { otherwise, .. }
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
                | Instr::GuardData { otherwise, .. }
                | Instr::GuardOutcome { otherwise, .. }
                | Instr::Returned { otherwise, .. }
                | Instr::Prepare { otherwise, .. }
                | Instr::Query { otherwise, .. }
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
                | Instr::Cases { site }
                | Instr::Superpose { site, .. }
                | Instr::Either { site }
                | Instr::Collapse { site }
                | Instr::Exec { site }
                | Instr::CallStep { site }
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
                | Instr::NoteKept { .. }
                | Instr::Fresh { .. }
                | Instr::Copy { .. }
                | Instr::Build { .. }
                | Instr::Result { .. }
                | Instr::ResultOf { .. }
                | Instr::Give { .. }
                | Instr::Fail => {}
            }
        }
    }
}
