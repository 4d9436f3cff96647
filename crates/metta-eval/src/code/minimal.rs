//! The instructions of Minimal MeTTa (semantics section 10) in code: `chain`, `eval`, and what stands in a `function`.
//!
//! What an instruction comes to is not evaluated: it is a term like any other, `Empty` and errors included. So the
//! instructions of a body run one after the other, and only what the last of them comes to is looked at as the
//! result of a call.
//!
//! The variable of a `chain` is a slot that is assigned, where the general evaluator puts its value in the template.
//! So it must occur nowhere else that this code goes through (N1); a `chain` of which that is not known is left to the
//! general evaluator.

use super::arithmetic::{arithmetic_named, test_named};
use super::body::*;
use super::calls::are_ordered;
use super::compiler::{Compiler, Dest, Label, Outcome, TooBig};
use super::instr::*;
use super::types::Conditions;
use crate::terms::cell::{Cell, SymbolId, View};
use crate::terms::symbols::{self, cell, is_instruction};

/// The type of what `eval` and `function` return.
const ATOM: Cell = cell(symbols::ATOM);
/// Says that a result is wanted as it comes.
const RAW: Expected = Expected::Type(Cell::NONE);

/// What a clause is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Its body is evaluated.
    Evaluation,
    /// Its body is wanted as it stands, as by `eval`; but a `function` is run.
    Step,
    /// Like `Step`, where a `function` waits: an instruction is run.
    Steps,
}

impl Purpose {
    /// The purpose of the function of a symbol that is listed under an instance.
    pub(crate) fn of(instance: Cell) -> Purpose {
        match instance.view() {
            View::Symbol(symbols::EVAL) => Purpose::Step,
            View::Symbol(symbols::FUNCTION) => Purpose::Steps,
            _ => Purpose::Evaluation,
        }
    }

    /// Under which instance the function of a symbol is listed.
    fn instance(self) -> Cell {
        match self {
            Purpose::Evaluation => Cell::NONE,
            Purpose::Step => cell(symbols::EVAL),
            Purpose::Steps => cell(symbols::FUNCTION),
        }
    }
}

/// Who runs instructions.
#[derive(Clone, Copy)]
enum Runner {
    /// A `chain`, which takes what they come to as it is.
    Chain,
    /// The `function` that is this call, which goes on until something is returned.
    Function(Cell),
    /// A `function` that waits for the activation.
    Caller,
}

/// What is done with what instructions come to.
#[derive(Clone, Copy)]
enum End {
    /// It goes to a slot.
    Slot(Slot),
    /// The activation gives it to the one that waits.
    Give,
    /// It is the result of a call, to be evaluated further.
    Result { call: Cell, dest: Dest, expected: Expected, resume: Option<Label> },
}

impl End {
    /// Reports whether the activation ends here.
    fn ends(self) -> bool {
        matches!(self, End::Give | End::Result { dest: Dest::Tail, .. })
    }
}

impl Compiler<'_> {
    /// `(chain atom $variable template)`, evaluated.
    pub(super) fn chain_form(&mut self, node: Cell, dest: Dest, expected: Expected) -> Outcome<Option<()>> {
        match self.chained_variable(node, dest == Dest::Tail) {
            Some(_) => self.instructions_form(node, dest, expected, UNDEFINED),
            None => Ok(None),
        }
    }

    /// `(eval atom)` or `(function body)`, evaluated.
    pub(super) fn step_form(&mut self, node: Cell, dest: Dest, expected: Expected) -> Outcome<Option<()>> {
        if self.length(node) != 2 || self.locals(node).iter().any(|local| self.for_elements(*local)) {
            return Ok(None);
        }
        self.instructions_form(node, dest, expected, Expected::Type(ATOM))
    }

    fn instructions_form(
        &mut self,
        node: Cell,
        dest: Dest,
        expected: Expected,
        returned: Expected,
    ) -> Outcome<Option<()>> {
        let View::Symbol(id) = self.child(node, 0).view() else { return Ok(None) };
        if self.assume(id).types.len() != 1 || !self.has_closed_types() {
            return Ok(None);
        }
        let (mark, before) = (self.temporaries(), self.known);
        let (join, resume, restart) = self.begin_form(node, dest, expected, &Conditions::new());
        self.emit(Instr::GuardContext { otherwise: restart });
        let end = End::Result { call: node, dest, expected: returned, resume };
        self.instructions(node, Runner::Chain, end)?;
        self.release(mark);
        self.join(join, before, dest);
        self.come_back();
        Ok(Some(()))
    }

    /// A body that is a `function`, or that is not to be evaluated.
    pub(super) fn body_of_instructions(&mut self, root: Cell) -> Outcome<()> {
        let call = self.clause.head();
        let inner = self.child(root, 1);
        let is_function = self.instruction(root) == Some(symbols::FUNCTION) && inner.is_expression();
        match self.purpose {
            // The general evaluator notes who made an error.
            Purpose::Step | Purpose::Steps if self.clause.makes_error() => Err(TooBig),
            Purpose::Step | Purpose::Steps if is_function => {
                self.instructions(inner, Runner::Function(call), End::Give)
            }
            Purpose::Step => self.step(root),
            Purpose::Steps => self.instructions(root, Runner::Caller, End::Give),
            Purpose::Evaluation if is_function => {
                self.note_kept()?;
                let (before, general) = ((self.assigned, self.known), self.label());
                self.emit(Instr::GuardContext { otherwise: general });
                let end = End::Result { call, dest: Dest::Tail, expected: self.outcome(), resume: None };
                self.instructions(inner, Runner::Function(call), end)?;
                (self.assigned, self.known) = before;
                // Nothing was evaluated on this way.
                self.forked = false;
                self.place(general);
                self.result_of_call(root)
            }
            Purpose::Evaluation => {
                self.note_kept()?;
                self.result_of_call(root)
            }
        }
    }

    /// A body that is the result of a step as it stands, unless it turns out to be a `function`.
    fn step(&mut self, root: Cell) -> Outcome<()> {
        let value = self.unevaluated(root)?;
        if let Some(slot) = value.slot_of()
            && self.may_be_instruction(root)
        {
            let (head, task) = (self.clause.head(), Task::ResultOf(value));
            let otherwise = self.otherwise_call(task, head, Vec::new(), RAW, Dest::Tail, None);
            self.emit(Instr::GuardData { slot, otherwise });
        }
        self.emit(Instr::Give { value });
        Ok(())
    }

    /// The instruction that a node is.
    fn instruction(&self, node: Cell) -> Option<SymbolId> {
        match self.child(node, 0).view() {
            View::Symbol(id) if self.length(node) > 0 && is_instruction(id) => Some(id),
            _ => None,
        }
    }

    /// Reports whether a node that is no instruction may become one.
    fn may_be_instruction(&self, node: Cell) -> bool {
        let part = if self.length(node) > 0 { self.child(node, 0) } else { node };
        matches!(part.view(), View::Local(_))
    }

    /// The variable of a `chain`, if a slot can stand for it (N1).
    ///
    /// Where the activation goes on behind the `chain`, and comes back when that fails, the slot must still hold
    /// what it held.
    fn chained_variable(&self, node: Cell, ends: bool) -> Option<u32> {
        let View::Local(local) = self.child(node, 2).view() else { return None };
        let slot = self.slot_of(local);
        let free = self.length(node) == 4
            && !self.is_assigned(slot)
            && self.retired >> slot & 1 == 0
            && !self.for_elements(local)
            && !self.locals(self.child(node, 1)).contains(&local);
        let alone = || self.occurrences(node)[local as usize] == self.totals[local as usize];
        (free && (ends || alone())).then_some(local)
    }

    /// Runs a node as an instruction; what is no instruction is taken as it is.
    fn instructions(&mut self, node: Cell, runner: Runner, end: End) -> Outcome<()> {
        self.nesting += 1;
        if self.nesting > super::compiler::MOST_NESTING {
            return Err(TooBig);
        }
        match (self.instruction(node), runner) {
            (Some(symbols::CHAIN), _) if self.chained_variable(node, end.ends()).is_some() => {
                self.chain(node, runner, end)?;
            }
            (Some(symbols::UNIFY), _) if self.unifies_values(node) => self.unify_step(node, runner, end)?,
            (Some(symbols::FUNCTION), Runner::Chain) if self.child(node, 1).is_expression() => {
                self.instructions(self.child(node, 1), Runner::Function(node), end)?;
            }
            (Some(symbols::EVAL), Runner::Function(_)) if self.stepped(node).is_some() => {
                let value = self.temporary()?;
                self.step_call(self.child(node, 1), Purpose::Steps, Some(value))?;
                self.behind(value, runner, end)?;
            }
            (Some(symbols::EVAL), Runner::Caller) if self.stepped(node).is_some() => {
                self.step_call(self.child(node, 1), Purpose::Steps, None)?;
            }
            (Some(_), _) => {
                let value = self.temporary()?;
                self.exec(node, value)?;
                self.behind(value, runner, end)?;
            }
            (None, Runner::Function(_)) if self.is_return(node) => self.end(self.child(node, 1), end)?,
            (None, Runner::Function(_)) => {
                let value = self.temporary()?;
                self.copy(node, value)?;
                self.behind(value, runner, end)?;
            }
            (None, Runner::Caller) => self.end(node, end)?,
            (None, Runner::Chain) => self.template_of_chain(node, end)?,
        }
        self.nesting -= 1;
        Ok(())
    }

    fn is_return(&self, node: Cell) -> bool {
        self.length(node) == 2 && self.child(node, 0) == cell(symbols::RETURN)
    }

    fn chain(&mut self, node: Cell, runner: Runner, end: End) -> Outcome<()> {
        let Some(local) = self.chained_variable(node, end.ends()) else { return Err(TooBig) };
        let to = self.slot_of(local);
        self.exec(self.child(node, 1), to)?;
        self.chained.push(node);
        self.instructions(self.child(node, 3), runner, end)?;
        if !end.ends() {
            self.assigned &= !(1 << to);
            self.retired |= 1 << to;
        }
        Ok(())
    }

    /// A template that is no instruction, as far as it is known.
    fn template_of_chain(&mut self, node: Cell, end: End) -> Outcome<()> {
        match self.child(node, 0).view() {
            View::Local(local) if self.length(node) > 0 && self.is_assigned(self.slot_of(local)) => {
                let slot = self.slot_of(local);
                self.or_generally(node, Runner::Chain, end, |compiler, otherwise| {
                    compiler.emit(Instr::GuardData { slot, otherwise });
                    compiler.end(node, end)
                })
            }
            _ if self.may_be_instruction(node) => {
                let value = self.temporary()?;
                self.exec(node, value)?;
                self.end_with(value, end)
            }
            _ => self.end(node, end),
        }
    }

    /// Runs code for an instruction, or leaves the instruction to the general evaluator.
    fn or_generally(
        &mut self,
        node: Cell,
        runner: Runner,
        end: End,
        code: impl FnOnce(&mut Self, Label) -> Outcome<()>,
    ) -> Outcome<()> {
        let (odd, done) = (self.label(), self.label());
        let value = self.temporary()?;
        let otherwise = self.otherwise_exec(node, value, odd);
        let before = (self.assigned, self.known);
        code(self, otherwise)?;
        if !end.ends() {
            self.emit(Instr::Jump { to: done });
        }
        let assigned = self.assigned;
        (self.assigned, self.known) = before;
        self.place(odd);
        self.assign(value, Known::Nothing);
        self.behind(value, runner, end)?;
        self.assigned &= assigned;
        self.place(done);
        self.come_back();
        Ok(())
    }

    /// Reports whether neither side of a `unify` is a space or a state.
    fn unifies_values(&self, node: Cell) -> bool {
        let is_value = |node: Cell| !matches!(node.view(), View::Space(_) | View::State(_));
        self.length(node) == 5 && is_value(self.child(node, 1)) && is_value(self.child(node, 2))
    }

    /// `(unify atom pattern then else)`: it comes to one of its branches.
    fn unify_step(&mut self, node: Cell, runner: Runner, end: End) -> Outcome<()> {
        let [atom, pattern, then, other] = [1, 2, 3, 4].map(|index| self.child(node, index));
        if !end.ends() {
            // The branches come together again: what one of them may bind exists before.
            self.ensure_shared(&[pattern, then]);
            self.ensure_shared(&[other]);
        }
        self.ensure(atom);
        let open = match pattern.view() {
            View::Local(local) => Some(self.slot_of(local)).filter(|slot| self.is_assigned(*slot)),
            _ => None,
        };
        self.or_generally(node, runner, end, |compiler, otherwise| {
            let slot = compiler.temporary()?;
            compiler.copy(atom, slot)?;
            for slot in [Some(slot), open].into_iter().flatten() {
                compiler.emit(Instr::GuardPlain { slot, otherwise });
            }
            let (assigned, known) = (compiler.assigned, compiler.known);
            let (next, join) = (compiler.label(), compiler.label());
            compiler.emit(Instr::Try { next });
            compiler.match_argument(slot, pattern)?;
            compiler.emit(Instr::Body);
            compiler.come_back();
            compiler.branch_of_unify(then, runner, end)?;
            if !end.ends() {
                compiler.emit(Instr::Jump { to: join });
            }
            let then_assigned = compiler.assigned;
            (compiler.assigned, compiler.known, compiler.dirty) = (assigned, known, true);
            compiler.place(next);
            compiler.branch_of_unify(other, runner, end)?;
            compiler.assigned &= then_assigned;
            compiler.place(join);
            Ok(())
        })
    }

    fn branch_of_unify(&mut self, branch: Cell, runner: Runner, end: End) -> Outcome<()> {
        let mark = self.temporaries();
        match runner {
            Runner::Chain => self.end(branch, end)?,
            Runner::Function(_) | Runner::Caller => self.instructions(branch, runner, end)?,
        }
        self.release(mark);
        Ok(())
    }

    /// The term of a node goes to a slot.
    fn copy(&mut self, node: Cell, to: Slot) -> Outcome<()> {
        let from = self.unevaluated(node)?;
        self.emit(Instr::Copy { to, from });
        self.assign(to, Known::Nothing);
        Ok(())
    }

    /// Runs one instruction; what it comes to goes to a slot.
    fn exec(&mut self, node: Cell, to: Slot) -> Outcome<()> {
        let (mark, join) = (self.temporaries(), self.label());
        match self.instruction(node) {
            None => {
                let otherwise = self.otherwise_exec(node, to, join);
                self.copy(node, to)?;
                if self.may_be_instruction(node) {
                    self.emit(Instr::GuardData { slot: to, otherwise });
                }
            }
            Some(symbols::EVAL) if self.length(node) == 2 => self.eval(node, to, join)?,
            Some(symbols::CHAIN) if self.chained_variable(node, false).is_some() => {
                self.chain(node, Runner::Chain, End::Slot(to))?;
            }
            Some(symbols::UNIFY) if self.unifies_values(node) => {
                self.unify_step(node, Runner::Chain, End::Slot(to))?;
            }
            Some(symbols::FUNCTION) if self.length(node) == 2 && self.child(node, 1).is_expression() => {
                self.instructions(self.child(node, 1), Runner::Function(node), End::Slot(to))?;
            }
            Some(symbols::CONS_ATOM) if self.length(node) == 3 => {
                let otherwise = self.otherwise_exec(node, to, join);
                let (head, tail) = (self.child(node, 1), self.child(node, 2));
                let (head, tail) = (self.unevaluated(head)?, self.unevaluated(tail)?);
                self.emit(Instr::Cons { to, head, tail, otherwise });
            }
            Some(symbols::DECONS_ATOM) if self.length(node) == 2 => {
                let otherwise = self.otherwise_exec(node, to, join);
                let list = self.temporary()?;
                self.copy(self.child(node, 1), list)?;
                self.emit(Instr::Decons { to, list, otherwise });
            }
            Some(symbols::METTA) if self.evaluates_here(node) => {
                self.scrutinee(self.child(node, 1), to, |site| Instr::Block { site })?
            }
            Some(_) => self.exec_generally(node, to, join),
        }
        self.release(mark);
        self.place(join);
        self.assign(to, Known::Nothing);
        self.come_back();
        Ok(())
    }

    fn exec_generally(&mut self, node: Cell, to: Slot, join: Label) {
        self.ensure(node);
        let otherwise = self.otherwise_exec(node, to, join);
        self.emit(Instr::Jump { to: otherwise });
    }

    /// Reports whether a node is `(metta atom %Undefined% space)` for the space of the code.
    fn evaluates_here(&self, node: Cell) -> bool {
        self.length(node) == 4
            && self.child(node, 2) == cell(symbols::UNDEFINED)
            && self.child(node, 3) == Cell::space(self.space.0)
    }

    /// `(eval atom)`: one step.
    fn eval(&mut self, node: Cell, to: Slot, join: Label) -> Outcome<()> {
        let atom = self.child(node, 1);
        if self.instruction(atom).is_some() {
            return self.exec(atom, to);
        }
        if self.stepped(node).is_some() {
            return self.step_call(atom, Purpose::Step, Some(to));
        }
        self.ensure(node);
        let otherwise = self.otherwise_exec(node, to, join);
        let name = match self.child(atom, 0).view() {
            View::Operation(id) => self.machine.heap.symbols.name(id),
            _ => "",
        };
        let (arithmetic, test) = (arithmetic_named(name), test_named(name));
        if self.length(atom) != 3 || arithmetic.is_none() && test.is_none() {
            self.emit(Instr::Jump { to: otherwise });
            return Ok(());
        }
        let (a, b) = (self.child(atom, 1), self.child(atom, 2));
        let (a, b) = (self.unevaluated(a)?, self.unevaluated(b)?);
        match (arithmetic, test) {
            (Some(operation), _) => self.emit(Instr::Arithmetic { operation, to, a, b, otherwise }),
            (None, Some(test)) => self.emit(Instr::Compare { test, to, a, b, otherwise }),
            (None, None) => {}
        }
        Ok(())
    }

    /// The function whose rules an `eval` looks up.
    fn stepped(&mut self, node: Cell) -> Option<SymbolId> {
        let atom = self.child(node, 1);
        let View::Symbol(id) = self.child(atom, 0).view() else { return None };
        let fits = self.length(node) == 2
            && (1..MAX_SLOTS as u32 - 8).contains(&self.length(atom))
            && !is_instruction(id)
            && id != symbols::ERROR;
        (fits && self.assume(id).builtin.is_none()).then_some(id)
    }

    /// Calls a function for what its rules come to; without a slot that is the result of the activation.
    fn step_call(&mut self, atom: Cell, purpose: Purpose, to: Option<Slot>) -> Outcome<()> {
        let View::Symbol(id) = self.child(atom, 0).view() else { return Err(TooBig) };
        let mark = self.temporaries();
        let mut arguments = Vec::new();
        for index in 1..self.length(atom) {
            let value = self.unevaluated(self.child(atom, index))?;
            arguments.push(Argument { value, source: Source::Same });
        }
        let count = u8::try_from(arguments.len()).map_err(|_| TooBig)?;
        let code = &mut self.machine.code;
        let function = code.function_for(self.space, id, u32::from(count), purpose.instance());
        let operands = code.arguments.len() as u32;
        code.arguments.extend_from_slice(&arguments);
        let task = Task::Function { id: function, operands, count };
        match to {
            None => {
                let site = self.site_for(task, RAW, Dest::Tail, None, false);
                self.machine.code.sites[site as usize].ordered = are_ordered(&arguments);
                self.emit(Instr::TailCall { site });
            }
            Some(to) => {
                let next = self.label();
                let site = self.site_for(task, RAW, Dest::Slot(to), Some(next), false);
                self.emit(Instr::CallStep { site });
                self.place(next);
                self.emit(Instr::Take { to });
                self.assign(to, Known::Nothing);
            }
        }
        self.release(mark | to.map_or(0, |to| self.temporaries() & 1 << to));
        self.come_back();
        Ok(())
    }

    /// Goes on with what an instruction came to.
    fn behind(&mut self, value: Slot, runner: Runner, end: End) -> Outcome<()> {
        if let Runner::Function(call) = runner {
            let join = self.label();
            let otherwise = self.otherwise_steps(call, value, join);
            self.emit(Instr::Returned { slot: value, otherwise });
            self.place(join);
            self.come_back();
        }
        self.end_with(value, end)
    }

    /// A term is what instructions come to.
    fn end(&mut self, node: Cell, end: End) -> Outcome<()> {
        let End::Result { dest, expected, .. } = end else {
            let value = self.unevaluated(node)?;
            match end {
                End::Slot(to) => {
                    self.emit(Instr::Copy { to, from: value });
                    self.assign(to, Known::Nothing);
                }
                End::Give | End::Result { .. } => self.emit(Instr::Give { value }),
            }
            return Ok(());
        };
        let is_open = matches!(node.view(), View::Local(local) if self.is_assigned(self.slot_of(local)));
        if is_open || self.says_something(node) || node == cell(symbols::EMPTY) {
            let value = self.temporary()?;
            self.copy(node, value)?;
            return self.end_with(value, end);
        }
        if expected != Expected::Type(ATOM) {
            return self.expression(node, dest, expected);
        }
        let value = self.unevaluated(node)?;
        self.hand_over(value, dest);
        Ok(())
    }

    /// What a slot holds is what instructions come to.
    fn end_with(&mut self, value: Slot, end: End) -> Outcome<()> {
        let operand = Operand::slot(value);
        let End::Result { call, dest, expected, resume } = end else {
            match end {
                End::Slot(to) => {
                    self.emit(Instr::Copy { to, from: operand });
                    self.assign(to, Known::Nothing);
                }
                End::Give | End::Result { .. } => self.emit(Instr::Give { value: operand }),
            }
            return Ok(());
        };
        let otherwise = self.otherwise_outcome(operand, call, expected, dest, resume);
        match dest {
            _ if expected == Expected::Type(ATOM) => {
                self.emit(Instr::GuardOutcome { slot: value, otherwise });
                self.hand_over(operand, dest);
            }
            Dest::Slot(to) => {
                self.emit(Instr::GuardOutcome { slot: value, otherwise });
                self.evaluate_slot(value, to, expected, true)?;
            }
            Dest::Tail | Dest::Block => self.give(operand, expected, otherwise),
        }
        Ok(())
    }

    fn hand_over(&mut self, value: Operand, dest: Dest) {
        match dest {
            Dest::Slot(to) => {
                self.emit(Instr::Copy { to, from: value });
                self.assign(to, Known::Nothing);
            }
            Dest::Tail | Dest::Block => self.emit(Instr::Give { value }),
        }
    }

    /// Gives variables of `chain`s in a node other slots, with new variables in them; those that they had.
    ///
    /// These are the variables of `chain`s that the code is behind, whose slots have to stay as they are, and for a
    /// `whole` call also those of the `chain`s in it, which it has still.
    pub(super) fn unchain(&mut self, node: Cell, whole: bool) -> Outcome<Vec<(u32, Slot)>> {
        let mut found = self.locals(node);
        found.retain(|local| {
            let slot = self.slot_of(*local);
            self.retired >> slot & 1 == 1 && !self.is_assigned(slot)
        });
        if whole && !self.chained.is_empty() {
            self.add_chained(node, &mut found);
        }
        let mut hidden = Vec::new();
        for local in found {
            hidden.push((local, self.slot_of(local)));
            let spare = self.spare()?;
            self.slots[local as usize] = spare;
            self.ensure(Cell::local(local));
        }
        Ok(hidden)
    }

    /// Adds the variables of the `chain`s in a node, as far as slots stand for them.
    fn add_chained(&self, node: Cell, found: &mut Vec<u32>) {
        let mut pending = vec![node];
        while let Some(node) = pending.pop() {
            if self.chained.contains(&node)
                && let View::Local(local) = self.child(node, 2).view()
                && self.is_assigned(self.slot_of(local))
                && !found.contains(&local)
            {
                found.push(local);
            }
            if !node.is_ground() {
                pending.extend((0..self.length(node)).map(|index| self.child(node, index)));
            }
        }
    }

    /// Takes back what [`Compiler::unchain`] did.
    pub(super) fn chain_again(&mut self, hidden: Vec<(u32, Slot)>) {
        for (local, slot) in hidden {
            self.slots[local as usize] = slot;
        }
    }
}
