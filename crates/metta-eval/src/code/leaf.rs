//! Code for functions on leaves: numbers, truth values, symbols.
//!
//! A function with one clause that matches every call, whose body only computes, compares, branches and calls,
//! has no choice points, makes no terms and looks nothing up. The reachable part of its code is translated to
//! [`Op`]s for a loop with frames of a few words (`machine/code/leaf.rs`). Slots, sites and the count of reductions are
//! those of the instructions, so the loop can be left for them before any operation.

use rustc_hash::FxHashMap;

use super::{Code, Expected, Instr, Known, MAX_SLOTS, Operand, Resume, Slot, Task, Test};
use crate::library::{Binary, Logical};
use crate::terms::cell::Cell;
use crate::terms::shared::{Shared, SharedMap};
use crate::terms::symbols::{self, cell};

/// One operation. Jumps lead to operations.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    /// Adds a constant small integer, given as [`Cell::step`].
    Step {
        to: Slot,
        a: Slot,
        by: i64,
    },
    Add {
        to: Slot,
        a: Slot,
        b: Slot,
    },
    Subtract {
        to: Slot,
        a: Slot,
        b: Slot,
    },
    Arithmetic {
        operation: Binary,
        to: Slot,
        a: Operand,
        b: Operand,
    },
    Logical {
        operation: Logical,
        to: Slot,
        a: Operand,
        b: Operand,
    },
    /// An operation that is left to the machine.
    Native,
    Compare {
        test: Test,
        to: Slot,
        a: Operand,
        b: Operand,
    },
    // Of the jumps those are here that small integers decide; all else is left to `JumpUnless`.
    /// Goes on if the first is less than the second, else at `to`.
    UnlessLess {
        a: Slot,
        b: Slot,
        to: u32,
    },
    UnlessLessThan {
        a: Slot,
        to: u32,
        constant: Cell,
    },
    /// Goes on unless the first is less than the second.
    IfLess {
        a: Slot,
        b: Slot,
        to: u32,
    },
    IfLessThan {
        a: Slot,
        to: u32,
        constant: Cell,
    },
    UnlessEqual {
        a: Slot,
        to: u32,
        constant: Cell,
    },
    JumpUnless {
        test: Test,
        a: Operand,
        b: Operand,
        to: u32,
    },
    Branch {
        slot: Slot,
        to: u32,
    },
    Jump {
        to: u32,
    },
    Copy {
        to: Slot,
        from: Slot,
    },
    Constant {
        to: Slot,
        constant: Cell,
    },
    /// Copies this many operands of a last call, which are behind the activation, to its beginning.
    Shift {
        from: Slot,
        count: u8,
    },
    /// The value of a slot where a number, or with `any` also a truth value, is expected: it evaluates to itself.
    Eval {
        from: Slot,
        to: Slot,
        any: bool,
    },
    /// The value of a slot is a number, or a truth value.
    Guard {
        slot: Slot,
        truth: bool,
    },
    GuardExpected {
        constant: Cell,
    },
    /// Calls a function whose arguments are in place, `size` slots behind the activation's.
    Call {
        size: u8,
        call: u32,
    },
    /// A call whose result is that of the block.
    LastCall {
        size: u8,
        call: u32,
    },
    /// A call whose result is that of the activation, which ends: the arguments are where its own were.
    TailCall {
        call: u32,
    },
    /// Takes the result of the call before it.
    Result {
        to: Slot,
    },
    /// The operations up to the next result are an evaluation of their own.
    Block {
        site: u32,
        after: u32,
    },
    Return {
        value: Operand,
        expected: Cell,
    },
    Give {
        value: Operand,
    },
}

impl Op {
    /// Where a jump leads.
    pub(crate) fn target(mut self) -> Option<u32> {
        self.target_mut().copied()
    }

    fn target_mut(&mut self) -> Option<&mut u32> {
        match self {
            Op::UnlessLess { to, .. }
            | Op::UnlessLessThan { to, .. }
            | Op::IfLess { to, .. }
            | Op::IfLessThan { to, .. }
            | Op::UnlessEqual { to, .. }
            | Op::JumpUnless { to, .. }
            | Op::Branch { to, .. }
            | Op::Jump { to }
            | Op::Block { after: to, .. } => Some(to),
            _ => None,
        }
    }
}

/// A call from one function on leaves, most often to another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeafCall {
    /// The first operation of the function that is called, as long as `linked` is [`Leaves::links`].
    pub(crate) target: u32,
    pub(crate) linked: u32,
    pub(crate) site: u32,
    pub(crate) function: u32,
    pub(crate) count: u8,
    /// The type expected of the result, `NONE` for the one that the caller has to give.
    pub(crate) expected: Cell,
}

/// What an operation stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    /// The instruction.
    pub(crate) pc: u32,
    /// Its clause, by its number in [`Code::clauses`].
    pub(crate) clause: u32,
}

/// The code of all functions on leaves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leaves {
    pub(crate) ops: Shared<Op>,
    /// One for each operation.
    pub(crate) origins: Shared<Origin>,
    pub(crate) calls: Vec<LeafCall>,
    /// Changes when a function may no longer be one on leaves.
    pub(crate) links: u32,
    /// The operations at which code goes on behind calls, by instruction.
    returns: SharedMap<u32, u32>,
}

impl Leaves {
    /// The operation for an instruction behind a call, if there is one.
    pub(crate) fn behind_call(&self, pc: u32) -> Option<u32> {
        self.returns.get(&pc).copied()
    }
}

impl Code {
    /// Translates the body of a clause, the number of which is `clause`; the place of the first operation, or `None` where
    /// something in it is no matter of leaves.
    pub(crate) fn translate(&mut self, body: u32, clause: u32) -> Option<u32> {
        let start = self.leaves.ops.len();
        let translated = self.translate_reached(body, clause);
        if translated.is_none() {
            self.leaves.ops.truncate(start);
            self.leaves.origins.truncate(start);
        }
        translated.map(|()| start as u32)
    }

    fn translate_reached(&mut self, body: u32, clause: u32) -> Option<()> {
        // The operations for each instruction; those for the ones that need none are those of the next.
        let mut places = FxHashMap::default();
        for pc in self.reached(body)? {
            places.insert(pc, self.leaves.ops.len() as u32);
            if !self.is_settled(pc, clause) {
                self.operations(pc)?;
                let more = self.leaves.ops.len() - self.leaves.origins.len();
                self.leaves.origins.lengthen(more, Origin { pc, clause });
            }
        }
        let first = *places.get(&body)? as usize;
        let mut returns = Vec::new();
        for index in first..self.leaves.ops.len() {
            if let Some(to) = self.leaves.ops[index].target_mut() {
                *to = *places.get(to)?;
            }
            if let Op::Result { .. } = self.leaves.ops[index] {
                let behind = self.leaves.origins[index].pc + 1;
                returns.push((behind, *places.get(&behind)?));
            }
        }
        self.leaves.returns.extend(returns);
        Some(())
    }

    /// The instructions that are reached from a place on without going aside, in order.
    fn reached(&self, body: u32) -> Option<Vec<u32>> {
        let mut seen = rustc_hash::FxHashSet::default();
        let mut open = vec![body];
        while let Some(pc) = open.pop() {
            if !seen.insert(pc) {
                continue;
            }
            match self.instrs[pc as usize] {
                Instr::Jump { to } => open.push(to),
                Instr::JumpUnless { to, .. } | Instr::Branch { to, .. } => open.extend([pc + 1, to]),
                Instr::Call { site } => match self.sites[site as usize].resume {
                    Resume::At { pc: next, .. } if next == pc + 1 => open.push(next),
                    _ => return None,
                },
                Instr::Block { site } => match self.sites[site as usize].resume {
                    Resume::At { pc: next, .. } => open.extend([pc + 1, next]),
                    Resume::Tail | Resume::Block => return None,
                },
                Instr::LastCall { .. }
                | Instr::TailCall { .. }
                | Instr::Return { .. }
                | Instr::Give { .. } => {}
                Instr::Arithmetic { .. }
                | Instr::Compare { .. }
                | Instr::Logical { .. }
                | Instr::Native { .. }
                | Instr::Copy { .. }
                | Instr::Eval { .. }
                | Instr::Guard { .. }
                | Instr::GuardExpected { .. }
                | Instr::GuardDeclared { .. }
                | Instr::Result { .. }
                | Instr::ResultOf { .. } => open.push(pc + 1),
                _ => return None,
            }
        }
        let mut reached: Vec<u32> = seen.into_iter().collect();
        reached.sort_unstable();
        Some(reached)
    }

    /// Reports whether an instruction does nothing while a function on leaves runs: nothing is declared then.
    fn is_settled(&self, pc: u32, of: u32) -> bool {
        matches!(self.instrs[pc as usize], Instr::GuardDeclared { clause, .. } if clause == of)
    }

    /// Emits the operations for an instruction. Jumps lead to instructions as yet.
    fn operations(&mut self, pc: u32) -> Option<()> {
        let op = match self.instrs[pc as usize] {
            Instr::Arithmetic { operation, to, a, b, .. } => self.arithmetic(operation, to, a, b),
            Instr::Compare { test, to, a, b, .. } => Op::Compare { test, to, a, b },
            Instr::Logical { operation, to, a, b, .. } => Op::Logical { operation, to, a, b },
            Instr::Native { .. } => Op::Native,
            Instr::JumpUnless { test, a, b, to, .. } => self.jump_unless(test, a, b, to),
            Instr::Branch { slot, to, .. } => Op::Branch { slot, to },
            Instr::Jump { to } => Op::Jump { to },
            Instr::Copy { to, from } => self.copy(to, from),
            Instr::Eval { from, to, site, .. } => match self.sites[site as usize].expected {
                Expected::Type(wanted) if wanted == cell(symbols::UNDEFINED) => {
                    Op::Eval { from, to, any: true }
                }
                Expected::Type(wanted) if wanted == cell(symbols::NUMBER) => {
                    Op::Eval { from, to, any: false }
                }
                _ => return None,
            },
            Instr::Guard { slot, known: Known::Number, .. } => Op::Guard { slot, truth: false },
            Instr::Guard { slot, known: Known::Bool, .. } => Op::Guard { slot, truth: true },
            Instr::GuardExpected { constant, .. } => {
                Op::GuardExpected { constant: self.constants[constant as usize] }
            }
            Instr::Call { site } if self.is_result(pc + 1) => {
                let (size, call) = self.call_behind(site)?;
                Op::Call { size, call }
            }
            Instr::LastCall { site } => {
                let (size, call) = self.call_behind(site)?;
                Op::LastCall { size, call }
            }
            Instr::TailCall { site } => Op::TailCall { call: self.call_in_place(site)? },
            Instr::Result { to } | Instr::ResultOf { to, .. } => Op::Result { to },
            Instr::Block { site } => match self.sites[site as usize].resume {
                Resume::At { pc: after, .. } if self.is_result(after) => Op::Block { site, after },
                _ => return None,
            },
            Instr::Return { value, expected, .. } => {
                Op::Return { value, expected: self.constants[expected as usize] }
            }
            Instr::Give { value } => Op::Give { value },
            _ => return None,
        };
        self.leaves.ops.push(op);
        Some(())
    }

    /// Reports whether an instruction takes the result of a call.
    fn is_result(&self, pc: u32) -> bool {
        matches!(self.instrs[pc as usize], Instr::Result { .. } | Instr::ResultOf { .. })
    }

    /// A constant operand that is a small integer.
    fn small_constant(&self, operand: Operand) -> Option<Cell> {
        let constant = self.constants[operand.place().err()? as usize];
        constant.step().map(|_| constant)
    }

    fn arithmetic(&self, operation: Binary, to: Slot, a: Operand, b: Operand) -> Op {
        let step = self.small_constant(b).and_then(Cell::step);
        match (operation, a.slot_of(), b.slot_of(), step) {
            (Binary::Add, Some(a), Some(b), _) => Op::Add { to, a, b },
            (Binary::Subtract, Some(a), Some(b), _) => Op::Subtract { to, a, b },
            (Binary::Add, Some(a), None, Some(by)) => Op::Step { to, a, by },
            // Of -0.0 and 0 sum and difference are not the same.
            (Binary::Subtract, Some(a), None, Some(by)) if by != 0 => Op::Step { to, a, by: -by },
            _ => Op::Arithmetic { operation, to, a, b },
        }
    }

    fn jump_unless(&self, test: Test, a: Operand, b: Operand, to: u32) -> Op {
        let (left, right, constant) = (a.slot_of(), b.slot_of(), self.small_constant(b));
        match (test, left, right, constant) {
            (Test::Less, Some(a), Some(b), _) => Op::UnlessLess { a, b, to },
            (Test::Greater, Some(b), Some(a), _) => Op::UnlessLess { a, b, to },
            (Test::GreaterOrEqual, Some(a), Some(b), _) => Op::IfLess { a, b, to },
            (Test::LessOrEqual, Some(b), Some(a), _) => Op::IfLess { a, b, to },
            (Test::Less, Some(a), None, Some(constant)) => Op::UnlessLessThan { a, to, constant },
            (Test::GreaterOrEqual, Some(a), None, Some(constant)) => Op::IfLessThan { a, to, constant },
            (Test::Equal, Some(a), None, Some(constant)) => Op::UnlessEqual { a, to, constant },
            _ => Op::JumpUnless { test, a, b, to },
        }
    }

    fn copy(&self, to: Slot, from: Operand) -> Op {
        match from.place() {
            Ok(slot) => Op::Copy { to, from: slot as Slot },
            Err(constant) => Op::Constant { to, constant: self.constants[constant as usize] },
        }
    }

    /// Emits what puts the operands of a call behind the activation; the size of that.
    fn call_behind(&mut self, site: u32) -> Option<(u8, u32)> {
        let (call, operands, size) = self.leaf_call(site)?;
        for (to, operand) in (size + 1..).zip(operands) {
            let op = self.copy(to, operand);
            self.leaves.ops.push(op);
        }
        Some((size, call))
    }

    /// Emits what puts the operands of a last call to where the activation begins.
    fn call_in_place(&mut self, site: u32) -> Option<u32> {
        let (call, operands, size) = self.leaf_call(site)?;
        let ordered = self.sites[site as usize].ordered;
        let count = operands.len() as u8;
        for (to, operand) in (1..).zip(operands) {
            let op = self.copy(if ordered { to } else { size + to }, operand);
            // What stays where it is need not be moved.
            if !matches!(op, Op::Copy { to, from } if to == from) {
                self.leaves.ops.push(op);
            }
        }
        if !ordered {
            self.leaves.ops.push(Op::Shift { from: size + 1, count });
        }
        Some(call)
    }

    /// Notes a call; its operands, and the slots of the activation that calls.
    fn leaf_call(&mut self, site: u32) -> Option<(u32, Vec<Operand>, u8)> {
        let place = self.sites[site as usize];
        let Task::Function { id, operands, count } = place.task else { return None };
        // What a call is given has to be within reach of the activation.
        if usize::from(place.size) + 1 + usize::from(count) > MAX_SLOTS {
            return None;
        }
        let expected = match place.expected {
            Expected::Dynamic => Cell::NONE,
            Expected::Type(wanted) => wanted,
        };
        let arguments = &self.arguments[operands as usize..][..usize::from(count)];
        let operands = arguments.iter().map(|argument| argument.value).collect();
        let (target, linked) = (0, u32::MAX);
        self.leaves.calls.push(LeafCall { target, linked, site, function: id, count, expected });
        Some((self.leaves.calls.len() as u32 - 1, operands, place.size))
    }
}
