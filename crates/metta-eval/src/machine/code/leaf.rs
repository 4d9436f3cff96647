//! Runs functions on leaves: see `code/leaf.rs`.
//!
//! Invariant C3: between two operations of a function on leaves the machine's state is that of the instruction which the
//! operation stands for, but for the frames of calls under way, which are in `leaf_frames`. So the loop
//! is left by making frames of those. Nothing in it makes a choice point or a term.

use super::functions::reserve;
use super::{MOST_RETURNS, Next};
use crate::code::{Code, Instr, LeafCall, Leaves, MAX_SLOTS, Op, Operand, Origin};
use crate::library::{Binary, small, small_floats, two_floats};
use crate::machine::{Kept, Machine, RuleId, Task};
use crate::terms::cell::{Cell, View};
use crate::terms::symbols::{self, cell};

/// A call under way.
#[derive(Clone, Copy, Debug)]
pub(in crate::machine) struct LeafFrame {
    base: u32,
    /// The operation that takes the result.
    next: u32,
    /// The call or block.
    op: u32,
}

/// Where the loop is.
#[derive(Clone, Copy)]
struct Place {
    /// The next operation.
    pc: u32,
    base: u32,
}

/// Why the loop stops.
enum Stop {
    /// The operation at `pc` has to be done as the instruction that it stands for.
    Leave,
    /// The operation at `pc` has operands that are no small integers.
    Slow,
    /// It is time to look at limits, at the beginning of a call.
    Pause { call: u32 },
    /// A function that may be none on leaves is called.
    Enter { call: u32 },
    /// The first call has this result.
    Give(Cell),
}

impl Machine {
    /// Runs a function on leaves whose arguments are at `base`.
    #[inline(never)]
    pub(super) fn run_leaf(&mut self, op: u32, base: u32) -> Next {
        let mut place = Place { pc: op, base };
        let mut returns = 0;
        loop {
            let reductions = &mut self.stats.reductions;
            let next = match run(
                &self.code,
                &mut self.env,
                &mut self.leaf_frames,
                &mut place,
                reductions,
                self.pause_at,
            ) {
                Stop::Slow => self.slowly(place),
                Stop::Leave => None,
                Stop::Pause { call } if !self.pause_is_over(call) => return self.pause_in_leaf(call, place),
                Stop::Enter { call } | Stop::Pause { call } => match self.link(call) {
                    Some(op) => Some(op),
                    None => return self.call_from_leaf(call, place),
                },
                Stop::Give(value) => match self.give(value) {
                    Next::At(pc, base) => {
                        returns += 1;
                        match self.leaf_behind(pc) {
                            Some(_) if returns == MOST_RETURNS => {
                                self.pause_behind(pc, base);
                                return Next::Task;
                            }
                            Some(op) => {
                                place.base = base;
                                Some(op)
                            }
                            None => return Next::At(pc, base),
                        }
                    }
                    Next::Task => return Next::Task,
                },
            };
            let Some(pc) = next else { return self.leave_leaves(place) };
            place.pc = pc;
        }
    }

    /// Looks at the limits at a call; reports whether code may go on at once.
    fn pause_is_over(&mut self, call: u32) -> bool {
        if self.stats.reductions >= self.step_end || self.stats.reductions > self.last_step {
            return false;
        }
        self.check_limits();
        self.note_pause(self.code.leaves.calls[call as usize].function);
        self.pause_at = self.next_pause();
        self.failure.is_none()
    }

    /// Puts a call off until the loop of the machine has looked at limits.
    fn pause_in_leaf(&mut self, call: u32, place: Place) -> Next {
        self.make_frames(place.pc - 1);
        let LeafCall { function, count, .. } = self.code.leaves.calls[call as usize];
        self.top = place.base + 1 + u32::from(count);
        self.task = Task::Enter { function, base: place.base, kept: Kept::No };
        Next::Task
    }

    /// Calls a function that is none on leaves, or not any more.
    fn call_from_leaf(&mut self, call: u32, place: Place) -> Next {
        self.make_frames(place.pc - 1);
        self.kept = Kept::No;
        let function = self.code.leaves.calls[call as usize].function;
        self.enter_counted(function, place.base)
    }

    /// The operation where a function on leaves goes on behind a call, if all that it takes for granted still holds.
    fn leaf_behind(&self, pc: u32) -> Option<u32> {
        let op = self.code.leaves.behind_call(pc)?;
        let Origin { clause, .. } = self.code.leaves.origins[op as usize];
        let holds = self.code.clauses[clause as usize].stamp == self.code.stamp && !self.heap.has_matchers;
        holds.then_some(op)
    }

    /// Looks up the function of a call; its first operation, if it is one on leaves.
    fn link(&mut self, call: u32) -> Option<u32> {
        let called = &self.code.functions[self.code.leaves.calls[call as usize].function as usize];
        let target = called.direct.filter(|_| called.stamp == self.code.stamp)?.leaf?;
        let links = self.code.leaves.links;
        let call = &mut self.code.leaves.calls[call as usize];
        (call.target, call.linked) = (target, links);
        Some(target)
    }

    /// Goes on with the instruction that an operation stands for.
    fn leave_leaves(&mut self, place: Place) -> Next {
        self.make_frames(place.pc);
        self.straight = false;
        Next::At(self.code.leaves.origins[place.pc as usize].pc, place.base)
    }

    /// The rule to which an operation belongs.
    fn rule_at(&self, op: u32) -> RuleId {
        let clause = self.code.leaves.origins[op as usize].clause;
        self.code.clauses[clause as usize].rule
    }

    /// Makes frames of the machine of the calls under way (C3), and goes on in the rule of an operation.
    fn make_frames(&mut self, current: u32) {
        for index in 0..self.leaf_frames.len() {
            let LeafFrame { base, op, .. } = self.leaf_frames[index];
            let site = match self.code.leaves.ops[op as usize] {
                Op::Call { call, .. } => self.code.leaves.calls[call as usize].site,
                Op::Block { site, .. } => site,
                _ => continue,
            };
            self.rule = self.rule_at(op);
            self.push_code_frame(site, base);
        }
        self.leaf_frames.clear();
        self.rule = self.rule_at(current);
    }

    /// Does an operation whose operands are no small integers; the place of the next one.
    #[cold]
    fn slowly(&mut self, Place { pc, base, .. }: Place) -> Option<u32> {
        let (op, origin) = (self.code.leaves.ops[pc as usize], self.code.leaves.origins[pc as usize]);
        let mut next = pc + 1;
        match self.code.instrs[origin.pc as usize] {
            Instr::Arithmetic { operation, to, a, b, .. } => {
                let (a, b) = (self.operand(base, a), self.operand(base, b));
                let value = self.compute(operation, a, b)?;
                self.set_slot(base, to, value);
            }
            Instr::Compare { test, to, a, b, .. } => {
                let (a, b) = (self.operand(base, a), self.operand(base, b));
                let truth = self.compare(test, a, b)?;
                self.set_slot(base, to, Cell::bool(truth));
            }
            Instr::Native { to, native, .. } => {
                let value = self.run_native(native, base)?;
                self.set_slot(base, to, value);
            }
            Instr::JumpUnless { test, a, b, .. } => {
                let (a, b) = (self.operand(base, a), self.operand(base, b));
                if !self.compare(test, a, b)? {
                    next = op.target()?;
                }
            }
            _ => return None,
        }
        self.stats.reductions += 1;
        Some(next)
    }
}

/// The slots of the activation at `base`.
#[inline(always)]
fn activation(env: &mut [Cell], base: u32) -> Option<&mut [Cell; MAX_SLOTS]> {
    env.get_mut(base as usize..)?.first_chunk_mut()
}

/// What a slot holds: there are [`MAX_SLOTS`] of them.
#[inline(always)]
fn get(slots: &[Cell; MAX_SLOTS], slot: u8) -> Cell {
    slots[usize::from(slot) % MAX_SLOTS]
}

#[inline(always)]
fn set(slots: &mut [Cell; MAX_SLOTS], slot: u8, value: Cell) {
    slots[usize::from(slot) % MAX_SLOTS] = value;
}

#[inline(always)]
fn read(slots: &[Cell; MAX_SLOTS], constants: &[Cell], operand: Operand) -> Cell {
    match operand.place() {
        Ok(slot) => slots[slot as usize % MAX_SLOTS],
        Err(constant) => constants[constant as usize],
    }
}

/// The value of an operation on numbers that the loop has no code for: floats, and what is rare.
#[inline(never)]
fn value_of(op: Op, slots: &[Cell; MAX_SLOTS], constants: &[Cell]) -> Option<Cell> {
    let any = |operation, a, b| small(operation, a, b).or_else(|| small_floats(operation, a, b));
    let less = |a, b| two_floats(a, b).map(|(a, b)| Cell::bool(a < b));
    match op {
        Op::Arithmetic { operation, a, b, .. } => {
            any(operation, read(slots, constants, a), read(slots, constants, b))
        }
        Op::Step { a, by, .. } => any(Binary::Add, get(slots, a), Cell::of_step(by)),
        Op::Add { a, b, .. } => any(Binary::Add, get(slots, a), get(slots, b)),
        Op::Subtract { a, b, .. } => any(Binary::Subtract, get(slots, a), get(slots, b)),
        Op::UnlessLess { a, b, .. } | Op::IfLess { a, b, .. } => less(get(slots, a), get(slots, b)),
        Op::UnlessLessThan { a, constant, .. } | Op::IfLessThan { a, constant, .. } => {
            less(get(slots, a), constant)
        }
        Op::Compare { test, a, b, .. } | Op::JumpUnless { test, a, b, .. } => {
            let order = read(slots, constants, a).compare_ints(read(slots, constants, b))?;
            Some(Cell::bool(test.holds(order)))
        }
        Op::Logical { operation, a, b, .. } => {
            operation.of(read(slots, constants, a), read(slots, constants, b))
        }
        _ => None,
    }
}

/// Does an operation on numbers that are not small integers, in front of `next`; the place of the one behind it.
#[inline(never)]
fn odd(op: Op, slots: &mut [Cell; MAX_SLOTS], constants: &[Cell], next: u32) -> Option<u32> {
    let value = value_of(op, slots, constants)?;
    let jumps = value == Cell::bool(matches!(op, Op::IfLess { .. } | Op::IfLessThan { .. }));
    match op {
        Op::Step { to, .. }
        | Op::Add { to, .. }
        | Op::Subtract { to, .. }
        | Op::Arithmetic { to, .. }
        | Op::Compare { to, .. } => set(slots, to, value),
        _ if jumps => return op.target(),
        _ => {}
    }
    Some(next)
}

/// Reports whether a leaf evaluates to itself where a type is expected.
#[inline(never)]
fn fits(value: Cell, expected: Cell) -> bool {
    let any = expected == cell(symbols::UNDEFINED);
    match value.view() {
        View::Int(_) | View::Float(_) => any || expected == cell(symbols::NUMBER),
        View::Bool(_) => any || expected == cell(symbols::BOOL),
        View::Symbol(id) => any && id != symbols::EMPTY && id != symbols::NOT_REDUCIBLE,
        _ => false,
    }
}

/// Runs operations from a place on.
#[inline(never)]
fn run(
    code: &Code,
    env: &mut Vec<Cell>,
    frames: &mut Vec<LeafFrame>,
    place: &mut Place,
    counted: &mut u64,
    pause_at: u64,
) -> Stop {
    let Leaves { ops, calls, links, .. } = &code.leaves;
    let constants = &code.constants[..];
    let Place { mut pc, mut base } = *place;
    let mut reductions = *counted;
    let Some(mut slots) = activation(env, base) else { return Stop::Leave };
    let stop = loop {
        let stop = loop {
            let op = &ops[pc as usize];
            pc += 1;
            match *op {
                Op::Step { to, a, by } => match get(slots, a).stepped(by) {
                    Some(value) => {
                        set(slots, to, value);
                        reductions += 1;
                    }
                    None => break Stop::Slow,
                },
                Op::Add { to, a, b } => match get(slots, a).plus(get(slots, b)) {
                    Some(value) => {
                        set(slots, to, value);
                        reductions += 1;
                    }
                    None => break Stop::Slow,
                },
                Op::Subtract { to, a, b } => match get(slots, a).minus(get(slots, b)) {
                    Some(value) => {
                        set(slots, to, value);
                        reductions += 1;
                    }
                    None => break Stop::Slow,
                },
                Op::Arithmetic { to, .. } | Op::Compare { to, .. } | Op::Logical { to, .. } => {
                    match value_of(*op, slots, constants) {
                        Some(value) => {
                            set(slots, to, value);
                            reductions += 1;
                        }
                        None => break Stop::Slow,
                    }
                }
                Op::UnlessLess { a, b, to } | Op::IfLess { a, b, to } => {
                    let Some(less) = get(slots, a).is_less(get(slots, b)) else { break Stop::Slow };
                    reductions += 1;
                    if less == matches!(op, Op::IfLess { .. }) {
                        pc = to;
                    }
                }
                Op::UnlessLessThan { a, to, constant } | Op::IfLessThan { a, to, constant } => {
                    let Some(less) = get(slots, a).is_less(constant) else { break Stop::Slow };
                    reductions += 1;
                    if less == matches!(op, Op::IfLessThan { .. }) {
                        pc = to;
                    }
                }
                Op::UnlessEqual { a, to, constant } => {
                    let value = get(slots, a);
                    if !value.is_small() {
                        break Stop::Slow;
                    }
                    reductions += 1;
                    if value != constant {
                        pc = to;
                    }
                }
                Op::JumpUnless { to, .. } => {
                    let Some(truth) = value_of(*op, slots, constants) else { break Stop::Slow };
                    reductions += 1;
                    if truth == Cell::bool(false) {
                        pc = to;
                    }
                }
                Op::Branch { slot, to } => {
                    let value = get(slots, slot);
                    if value == Cell::bool(false) {
                        pc = to;
                    } else if value != Cell::bool(true) {
                        break Stop::Leave;
                    }
                }
                Op::Native => break Stop::Slow,
                Op::Jump { to } => pc = to,
                Op::Copy { to, from } => set(slots, to, get(slots, from)),
                Op::Constant { to, constant } => set(slots, to, constant),
                Op::Shift { from, count } => {
                    let (from, count) = (usize::from(from), usize::from(count));
                    slots.copy_within(from..from + count, 1);
                }
                Op::Eval { from, to, any } => {
                    let value = get(slots, from);
                    let expected = if any { symbols::UNDEFINED } else { symbols::NUMBER };
                    if value.is_small() || fits(value, cell(expected)) {
                        set(slots, to, value);
                    } else {
                        break Stop::Leave;
                    }
                }
                Op::Guard { slot, truth } => {
                    let expected = if truth { symbols::BOOL } else { symbols::NUMBER };
                    if !fits(get(slots, slot), cell(expected)) {
                        break Stop::Leave;
                    }
                }
                Op::GuardExpected { constant } => {
                    let expected = slots[0];
                    if expected != cell(symbols::UNDEFINED) && expected != constant {
                        break Stop::Leave;
                    }
                }
                Op::Block { after, .. } => frames.push(LeafFrame { base, next: after, op: pc - 1 }),
                Op::Return { .. } | Op::Give { .. } => {
                    let value = match *op {
                        Op::Return { value, expected } => {
                            let value = read(slots, constants, value);
                            let expected = if expected == Cell::NONE { slots[0] } else { expected };
                            let any = expected == cell(symbols::UNDEFINED);
                            if !(any && value.is_small() || fits(value, expected)) {
                                break Stop::Leave;
                            }
                            value
                        }
                        Op::Give { value } => {
                            let value = read(slots, constants, value);
                            if !value.is_small() && !fits(value, cell(symbols::UNDEFINED)) {
                                break Stop::Leave;
                            }
                            value
                        }
                        _ => break Stop::Leave,
                    };
                    let Some(frame) = frames.pop() else { break Stop::Give(value) };
                    LeafFrame { base, next: pc, .. } = frame;
                    let Some(back) = activation(env, base) else { break Stop::Leave };
                    slots = back;
                    if let Op::Result { to } = ops[pc as usize] {
                        set(slots, to, value);
                        pc += 1;
                    }
                }
                // Only a call comes here, and it goes on behind this.
                Op::Result { .. } => break Stop::Leave,
                Op::Call { size, call } | Op::LastCall { size, call } => {
                    if let Op::Call { .. } = op {
                        frames.push(LeafFrame { base, next: pc, op: pc - 1 });
                    }
                    let LeafCall { target, linked, expected, .. } = calls[call as usize];
                    let expected = if expected == Cell::NONE { slots[0] } else { expected };
                    base += u32::from(size);
                    reserve(env, base);
                    let Some(fresh) = activation(env, base) else { break Stop::Leave };
                    slots = fresh;
                    slots[0] = expected;
                    reductions += 1;
                    if reductions >= pause_at {
                        break Stop::Pause { call };
                    }
                    if linked != *links {
                        break Stop::Enter { call };
                    }
                    pc = target;
                }
                Op::TailCall { call } => {
                    let LeafCall { target, linked, expected, .. } = calls[call as usize];
                    if expected != Cell::NONE {
                        slots[0] = expected;
                    }
                    reductions += 1;
                    if reductions >= pause_at {
                        break Stop::Pause { call };
                    }
                    if linked != *links {
                        break Stop::Enter { call };
                    }
                    pc = target;
                }
            }
        };
        // Out of the way of the others.
        let Some(again) = activation(env, base).filter(|_| matches!(stop, Stop::Slow)) else { break stop };
        slots = again;
        let Some(next) = odd(ops[pc as usize - 1], slots, constants, pc) else { break stop };
        pc = next;
        reductions += 1;
    };
    *place = Place { pc, base };
    *counted = reductions;
    if matches!(stop, Stop::Slow | Stop::Leave) {
        place.pc -= 1;
    }
    stop
}
