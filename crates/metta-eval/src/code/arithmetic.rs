//! Arithmetic and comparison.

use super::body::*;
use super::compiler::{Compiler, Dest, Label, MOST_NESTING, Outcome};
use super::instr::*;
use super::types::{Conditions, Reading, Signature};
use crate::Effect;
use crate::library::{Binary, Logical};
use crate::terms::cell::{Cell, SymbolId, View};
use crate::terms::symbols::{self, cell};

/// Operations with more operands are called in the general way.
const MOST_OPERANDS: usize = 8;

impl Compiler<'_> {
    /// Reports whether evaluating a node takes no call and has no effect, provided its variables hold numbers.
    pub(super) fn is_simple(&self, node: Cell) -> bool {
        match node.view() {
            View::Int(_) | View::Float(_) => true,
            View::Local(local) => self.is_assigned(self.slot_of(local)),
            View::Expression { length: 3, .. } => {
                self.arithmetic_of(node).is_some()
                    && self.nesting + 8 < MOST_NESTING
                    && depth_at_most(self, node, 6)
                    && self.is_simple(self.child(node, 1))
                    && self.is_simple(self.child(node, 2))
            }
            _ => false,
        }
    }

    /// The arithmetic operation at the head of a node.
    fn arithmetic_of(&self, node: Cell) -> Option<Binary> {
        match self.child(node, 0).view() {
            View::Operation(id) => arithmetic_named(self.machine.heap.symbols.name(id)),
            _ => None,
        }
    }

    /// An operand of a simple expression.
    pub(super) fn simple_operand(&mut self, node: Cell, otherwise: Label) -> Outcome<Operand> {
        match node.view() {
            View::Local(local) => Ok(Operand::slot(self.slot_of(local))),
            View::Expression { length, .. } if length > 0 => {
                let to = self.temporary()?;
                self.simple_arithmetic(node, to, otherwise)?;
                Ok(Operand::slot(to))
            }
            _ => Ok(self.constant_operand(node)),
        }
    }

    fn simple_arithmetic(&mut self, node: Cell, to: Slot, otherwise: Label) -> Outcome<()> {
        let operation = self.arithmetic_of(node).ok_or(super::compiler::TooBig)?;
        let a = self.simple_operand(self.child(node, 1), otherwise)?;
        let b = self.simple_operand(self.child(node, 2), otherwise)?;
        self.emit(Instr::Arithmetic { operation, to, a, b, otherwise });
        self.note_number(a);
        self.note_number(b);
        self.assign(to, Known::Number);
        Ok(())
    }

    pub(super) fn note_number(&mut self, operand: Operand) {
        if let Ok(slot) = operand.place() {
            self.known[slot as usize] = Known::Number;
        }
    }

    pub(super) fn arithmetic(
        &mut self,
        operation: Binary,
        node: Cell,
        dest: Dest,
        expected: Expected,
    ) -> Outcome<Option<()>> {
        let number = cell(symbols::NUMBER);
        let mut conditions = Conditions::new();
        if self.length(node) != 3 || !Self::can_accept(number, expected) || !self.has_plain_operands(node) {
            return Ok(None);
        }
        let (mark, before) = (self.temporaries(), self.known);
        let join = self.label();
        let resume = self.resume_for(dest, join);
        let restart = self.otherwise(node, expected, dest, resume);
        let (to, a, b, otherwise);
        if self.is_simple(node) {
            self.accepts(number, expected, restart);
            a = self.simple_operand(self.child(node, 1), restart)?;
            b = self.simple_operand(self.child(node, 2), restart)?;
            otherwise = restart;
        } else {
            for index in 1..3 {
                if self.passing(number, self.child(node, index), &mut conditions).is_none() {
                    return Ok(None);
                }
            }
            self.check(&conditions, restart);
            self.accepts(number, expected, restart);
            let wanted = Expected::Type(number);
            a = self.argument(self.child(node, 1), wanted, false)?.0;
            b = self.argument(self.child(node, 2), wanted, false)?.0;
            let evaluated = vec![(1, a), (2, b)];
            otherwise = self.otherwise_call(Task::Call, node, evaluated, wanted, dest, resume);
        }
        to = self.destination(dest)?;
        self.emit(Instr::Arithmetic { operation, to, a, b, otherwise });
        self.note_number(a);
        self.note_number(b);
        self.release(mark);
        self.assign(to, Known::Number);
        self.deliver(to, dest);
        self.join(join, before, dest);
        Ok(Some(()))
    }

    /// An operation on numbers and truth values.
    pub(super) fn native(
        &mut self,
        id: SymbolId,
        signature: &Signature,
        node: Cell,
        dest: Dest,
        expected: Expected,
    ) -> Outcome<Option<()>> {
        let Some(builtin) = self.machine.program.builtin(id).filter(|it| it.effect == Effect::Pure) else {
            return Ok(None);
        };
        let (parameters, returned) = (&signature.parameters, signature.returned);
        let (number, bool) = (cell(symbols::NUMBER), cell(symbols::BOOL));
        let is_leaf = |wanted: &Cell| *wanted == number || *wanted == bool;
        let mut conditions = Conditions::new();
        if !parameters.iter().chain([&returned]).all(is_leaf)
            || !(1..=MOST_OPERANDS).contains(&parameters.len())
            || !Self::can_accept(returned, expected)
            || self.passings(node, signature, &mut conditions).is_none()
        {
            return Ok(None);
        }
        let (mark, before) = (self.temporaries(), self.known);
        let (join, resume, restart) = self.begin_form(node, dest, expected, &conditions);
        self.accepts(returned, expected, restart);
        let mut evaluated = Vec::new();
        for (index, parameter) in (1..).zip(parameters) {
            evaluated
                .push((index, self.argument(self.child(node, index), Expected::Type(*parameter), false)?.0));
        }
        let called = Expected::Type(returned);
        let otherwise = self.otherwise_call(Task::Call, node, evaluated.clone(), called, dest, resume);
        let to = self.destination(dest)?;
        let operands: Vec<Operand> = evaluated.into_iter().map(|(_, operand)| operand).collect();
        match (logical_named(builtin.name), &operands[..]) {
            (Some(operation), [a]) => self.emit(Instr::Logical { operation, to, a: *a, b: *a, otherwise }),
            (Some(operation), [a, b]) => self.emit(Instr::Logical { operation, to, a: *a, b: *b, otherwise }),
            _ => {
                let truths = (0..).zip(parameters).map(|(at, it)| u8::from(*it == bool) << at).sum();
                let code = &mut self.machine.code;
                let first = code.arguments.len() as u32;
                let as_argument = |value| Argument { value, source: Source::Other };
                code.arguments.extend(operands.into_iter().map(as_argument));
                let (operation, count) = (Cell::operation(id), parameters.len() as u8);
                let native = code.natives.len() as u32;
                code.natives.push(Native { builtin, operation, operands: first, count, truths });
                self.emit(Instr::Native { to, native, otherwise });
            }
        }
        self.release(mark);
        self.assign(to, if returned == bool { Known::Bool } else { Known::Number });
        self.deliver(to, dest);
        self.join(join, before, dest);
        Ok(Some(()))
    }

    /// Operands that are neither strings nor truth values, which would be type errors.
    fn has_plain_operands(&self, node: Cell) -> bool {
        (1..self.length(node)).all(|index| {
            !matches!(
                self.child(node, index).view(),
                View::Bool(_) | View::Boxed(_) | View::Space(_) | View::Operation(_)
            )
        })
    }

    /// The slot in which a value is made: that of `dest`, or a temporary.
    pub(super) fn destination(&mut self, dest: Dest) -> Outcome<Slot> {
        match dest {
            Dest::Slot(slot) => Ok(slot),
            Dest::Tail | Dest::Block => self.temporary(),
        }
    }

    /// A value of the right type goes to where it is wanted.
    pub(super) fn deliver(&mut self, slot: Slot, dest: Dest) {
        if dest == Dest::Tail || dest == Dest::Block {
            self.emit(Instr::Give { value: Operand::slot(slot) });
        }
    }

    /// Code that comes from the general evaluator meets code that does not: what only the one has
    /// checked is forgotten.
    pub(super) fn join(&mut self, join: Label, before: [Known; MAX_SLOTS], dest: Dest) {
        self.place(join);
        self.known = before;
        self.finish(dest);
        self.dirty = true;
    }

    pub(super) fn comparison(
        &mut self,
        test: Test,
        node: Cell,
        dest: Dest,
        expected: Expected,
    ) -> Outcome<Option<()>> {
        let bool = cell(symbols::BOOL);
        if self.length(node) != 3 || !Self::can_accept(bool, expected) {
            return Ok(None);
        }
        let (mark, before) = (self.temporaries(), self.known);
        let join = self.label();
        let resume = self.resume_for(dest, join);
        let restart = self.otherwise(node, expected, dest, resume);
        self.accepts(bool, expected, restart);
        let Some((a, b, otherwise)) = self.operands(test, node, dest, resume, restart)? else {
            return Ok(None);
        };
        let to = self.destination(dest)?;
        self.emit(Instr::Compare { test, to, a, b, otherwise });
        self.release(mark);
        self.assign(to, Known::Bool);
        self.deliver(to, dest);
        self.join(join, before, dest);
        Ok(Some(()))
    }

    /// The operands of a comparison, and where to go when they are no operands for it.
    fn operands(
        &mut self,
        test: Test,
        node: Cell,
        dest: Dest,
        resume: Option<Label>,
        restart: Label,
    ) -> Outcome<Option<(Operand, Operand, Label)>> {
        let (left, right) = (self.child(node, 1), self.child(node, 2));
        if self.is_comparable_simply(test, left) && self.is_comparable_simply(test, right) {
            let a = self.simple_operand(left, restart)?;
            let b = self.simple_operand(right, restart)?;
            return Ok(Some((a, b, restart)));
        }
        let mut conditions = Conditions::new();
        let wanted = if test == Test::Equal {
            let Some(wanted) = self.comparable(node, &mut conditions) else { return Ok(None) };
            // What a variable holds is looked at before it is evaluated.
            for (index, other) in [(1, 2), (2, 1)] {
                if let View::Local(local) = self.child(node, index).view()
                    && self.is_assigned(self.slot_of(local))
                    && !matches!(self.known[usize::from(self.slot_of(local))], Known::Number | Known::Bool)
                    && !self.compares_with_typed(local, self.child(node, other), wanted, &mut conditions)
                {
                    return Ok(None);
                }
            }
            wanted
        } else {
            let number = cell(symbols::NUMBER);
            for operand in [left, right] {
                if self.passing(number, operand, &mut conditions).is_none() {
                    return Ok(None);
                }
            }
            number
        };
        self.check(&conditions, restart);
        let wanted = Expected::Type(wanted);
        let a = self.argument(left, wanted, false)?.0;
        let b = self.argument(right, wanted, false)?.0;
        let evaluated = vec![(1, a), (2, b)];
        let called = Expected::Type(cell(symbols::BOOL));
        let otherwise = self.otherwise_call(Task::Call, node, evaluated, called, dest, resume);
        Ok(Some((a, b, otherwise)))
    }

    /// Demands that the value of a variable can be compared with a call that is evaluated the same way whatever
    /// the type of the value is: one of a function with a declared type.
    fn compares_with_typed(
        &mut self,
        local: u32,
        other: Cell,
        wanted: Cell,
        conditions: &mut Conditions,
    ) -> bool {
        let typed = match self.child(other, 0).view() {
            View::Symbol(id) => matches!(self.reading(id), Some(Reading::Function(_) | Reading::Open)),
            View::Operation(_) => true,
            _ => false,
        };
        let known = match wanted.view() {
            View::Symbol(symbols::UNDEFINED) => Known::Sound,
            View::Symbol(symbols::NUMBER) => Known::Number,
            View::Symbol(symbols::BOOL) => Known::Bool,
            _ => return false,
        };
        typed && self.length(other) > 0 && self.condition(local, known, conditions).is_some()
    }

    pub(super) fn is_comparable_simply(&self, test: Test, node: Cell) -> bool {
        self.is_simple(node)
            || test == Test::Equal
                && match node.view() {
                    View::Symbol(id) => id != symbols::EMPTY && id != symbols::ERROR,
                    View::Bool(_) | View::Boxed(_) | View::Expression { length: 0, .. } => true,
                    _ => false,
                }
    }
}

pub(crate) fn arithmetic_named(name: &str) -> Option<Binary> {
    Some(match name {
        "+" => Binary::Add,
        "-" => Binary::Subtract,
        "*" => Binary::Multiply,
        "/" => Binary::Divide,
        "%" => Binary::Remainder,
        _ => return None,
    })
}

fn logical_named(name: &str) -> Option<Logical> {
    Some(match name {
        "and" => Logical::And,
        "or" => Logical::Or,
        "xor" => Logical::Xor,
        "not" => Logical::Not,
        _ => return None,
    })
}

pub(crate) fn test_named(name: &str) -> Option<Test> {
    Some(match name {
        "<" => Test::Less,
        ">" => Test::Greater,
        "<=" => Test::LessOrEqual,
        ">=" => Test::GreaterOrEqual,
        "==" => Test::Equal,
        _ => return None,
    })
}
