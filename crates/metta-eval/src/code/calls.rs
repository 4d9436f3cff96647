//! Calls of functions, and their arguments.

use super::body::*;
use super::compiler::{Compiler, Dest, Label, Outcome};
use super::instr::*;
use super::types::{Conditions, Passing, Signature};
use crate::program::Head;
use crate::terms::cell::{Cell, SymbolId, View};
use crate::terms::symbols::{self, cell};

/// An operand that needs no call, or the slot that a call left its result in.
type Value = (Operand, Source);

impl Compiler<'_> {
    /// Evaluates a node to a slot, as an evaluation of its own where that can make a difference.
    pub(super) fn value(&mut self, node: Cell, to: Slot, expected: Expected) -> Outcome<()> {
        if self.risks(node) < 2 {
            return self.expression(node, Dest::Slot(to), expected);
        }
        let join = self.label();
        let resume = self.resume(to, join);
        self.ensure_shared(&[node]);
        let site = self.site_for(Task::Evaluate, expected, Dest::Slot(to), Some(resume), true);
        self.emit(Instr::Block { site });
        let before = (self.assigned, self.known);
        self.expression(node, Dest::Block, expected)?;
        (self.assigned, self.known) = before;
        self.place(join);
        self.assign(to, Known::Nothing);
        self.come_back();
        Ok(())
    }

    /// How many things in a node can have several results or fail, up to two.
    ///
    /// With two of them an error of one alternative may have to be dropped for the success of another, before
    /// what stands around the node goes on.
    fn risks(&self, node: Cell) -> u32 {
        let mut risks = 0;
        let mut pending = vec![node];
        while let Some(node) = pending.pop() {
            if risks >= 2 {
                break;
            }
            if self.length(node) == 0 || self.is_simple(node) {
                continue;
            }
            match self.superposed(node) {
                Some(list) if self.is_leaves(list) => {
                    risks += 1;
                    continue;
                }
                // One of the elements may be an error.
                Some(_) => return 2,
                None => {}
            }
            risks += match self.child(node, 0).view() {
                View::Operation(id) => match self.machine.heap.symbols.name(id) {
                    "+" | "-" | "*" | "<" | ">" | "<=" | ">=" | "==" | "change-state!" => 0,
                    _ => 1,
                },
                _ => 1,
            };
            pending.extend((0..self.length(node)).map(|index| self.child(node, index)));
        }
        risks
    }

    /// Evaluates an argument.
    pub(super) fn argument(&mut self, node: Cell, expected: Expected, tuple: bool) -> Outcome<Value> {
        match node.view() {
            View::Local(local) => {
                let slot = self.slot_of(local);
                if !self.is_assigned(slot) {
                    self.ensure(node);
                    return Ok((Operand::slot(slot), Source::Same));
                }
                if matches!(self.known[usize::from(slot)], Known::Number | Known::Bool) {
                    return Ok((Operand::slot(slot), Source::Same));
                }
                let to = self.temporary()?;
                self.evaluate_slot(slot, to, expected, tuple)?;
                Ok((Operand::slot(to), Source::Slot(slot)))
            }
            View::Expression { length, .. } if length > 0 => {
                let to = self.temporary()?;
                let constructed = self.is_constructor(node);
                if self.is_simple(node) {
                    self.expression(node, Dest::Slot(to), expected)?;
                } else {
                    self.value(node, to, expected)?;
                }
                Ok((Operand::slot(to), if constructed { Source::Marked } else { Source::Other }))
            }
            _ if node == cell(symbols::EMPTY) => {
                if tuple {
                    self.emit(Instr::Fail);
                }
                Ok((self.constant_operand(node), Source::Same))
            }
            _ if self.is_cast(node, expected) => Ok((self.constant_operand(node), Source::Same)),
            _ => {
                let to = self.temporary()?;
                self.expression(node, Dest::Slot(to), expected)?;
                let constant = self.constant(node);
                Ok((Operand::slot(to), Source::Constant(constant)))
            }
        }
    }

    /// Reports whether no rule reduces the calls of the head of a node, as things are now.
    pub(super) fn is_constructor(&mut self, node: Cell) -> bool {
        match self.child(node, 0).view() {
            View::Symbol(id) => {
                let head = self.assume(id);
                head.builtin.is_none() && !self.has_rules(&head, id, self.length(node) - 1)
            }
            _ => false,
        }
    }

    /// Reports whether there are rules for calls of a symbol with so many arguments.
    pub(super) fn has_rules(&self, head: &Head, id: SymbolId, arity: u32) -> bool {
        head.calls.iter().any(|clause| clause.takes(&self.machine.heap, id, arity))
    }

    /// A call that is read as a tuple: all its arguments are evaluated.
    pub(super) fn untyped_call(
        &mut self,
        id: SymbolId,
        node: Cell,
        dest: Dest,
        expected: Expected,
    ) -> Outcome<()> {
        let join = self.label();
        let resume = self.resume_for(dest, join);
        if self.dirty {
            let restart = self.otherwise(node, expected, dest, resume);
            self.check(&Conditions::new(), restart);
        }
        let mark = self.temporaries();
        let mut arguments = Vec::new();
        for index in 1..self.length(node) {
            let (value, source) = self.argument(self.child(node, index), UNDEFINED, true)?;
            arguments.push(Argument { value, source });
        }
        self.call((id, Cell::NONE), node, &arguments, dest, expected, resume)?;
        self.release(mark);
        self.place(join);
        self.finish(dest);
        Ok(())
    }

    /// Calls a function, or an instance of it, with evaluated arguments.
    fn call(
        &mut self,
        (id, instance): (SymbolId, Cell),
        node: Cell,
        arguments: &[Argument],
        dest: Dest,
        expected: Expected,
        resume: Option<Label>,
    ) -> Outcome<()> {
        let count = u8::try_from(arguments.len()).map_err(|_| super::compiler::TooBig)?;
        if usize::from(count) + 1 >= MAX_SLOTS - 8 {
            return Err(super::compiler::TooBig);
        }
        let arity = u32::from(count);
        let code = &mut self.machine.code;
        let known = match instance {
            Cell::NONE => None,
            _ => code.instance(self.space, id, arity, instance),
        };
        let function = known.unwrap_or_else(|| code.function(self.space, id, arity));
        let operands = self.machine.code.arguments.len() as u32;
        self.machine.code.arguments.extend_from_slice(arguments);
        let task = Task::Function { id: function, operands, count };
        let constructs = self.is_constructor(node);
        let next = self.label();
        if constructs && matches!(dest, Dest::Tail | Dest::Block) {
            let to = self.temporary()?;
            let join = self.label();
            let resume = self.resume(to, join);
            let site = self.site_for(task, expected, Dest::Slot(to), Some(resume), true);
            self.emit(Instr::Construct { to, site });
            self.place(join);
            self.emit(Instr::Give { value: Operand::slot(to) });
            return Ok(());
        }
        let resume = if constructs { resume } else { Some(next) };
        let site = self.site_for(task, expected, dest, resume, true);
        let place = &mut self.machine.code.sites[site as usize];
        (place.ordered, place.keeps) = (are_ordered(arguments), keeps(arguments));
        match dest {
            Dest::Tail => self.emit(Instr::TailCall { site }),
            Dest::Block => self.emit(Instr::LastCall { site }),
            Dest::Slot(to) => {
                if constructs {
                    self.emit(Instr::Construct { to, site });
                } else {
                    self.emit(Instr::Call { site });
                    self.place(next);
                    self.emit(Instr::Result { to });
                }
                self.come_back();
            }
        }
        Ok(())
    }

    /// A call of a function with one type.
    pub(super) fn typed_call(
        &mut self,
        id: Option<SymbolId>,
        node: Cell,
        signature: &Signature,
        dest: Dest,
        expected: Expected,
    ) -> Outcome<Option<()>> {
        let mut conditions = Conditions::new();
        let variable = match self.child(node, 0).view() {
            View::Local(local) => Some(self.slot_of(local)),
            _ => None,
        };
        if let View::Local(local) = self.child(node, 0).view()
            && let Some((function, _)) = self.declared_function(local)
        {
            conditions.push((self.slot_of(local), Known::Of(self.constant(function))));
        }
        let Some(passings) = self.passings(node, signature, &mut conditions) else { return Ok(None) };
        let judged = self.is_judged_in_time(node, &passings, &mut conditions);
        if !judged || !Self::can_accept(signature.returned, expected) {
            return Ok(None);
        }
        let returned = match signature.returned.view() {
            View::Symbol(symbols::EXPRESSION) => cell(symbols::UNDEFINED),
            View::Symbol(_) | View::Expression { length: 1, .. } => signature.returned,
            View::Expression { .. } if self.machine.is_plain_type(signature.returned) => signature.returned,
            _ => return Ok(None),
        };
        let join = self.label();
        let resume = self.resume_for(dest, join);
        let restart = self.otherwise(node, expected, dest, resume);
        self.check(&conditions, restart);
        self.accepts(signature.returned, expected, restart);
        let mark = self.temporaries();
        let mut arguments = Vec::new();
        for (index, passing) in (1..).zip(passings) {
            let child = self.child(node, index);
            let (value, source) = match passing {
                Passing::Evaluated(wanted) => self.argument(child, Expected::Type(wanted), false)?,
                Passing::Unevaluated => (self.unevaluated(child)?, Source::Same),
            };
            arguments.push(Argument { value, source });
        }
        let wanted = Expected::Type(returned);
        let own = id.filter(|id| {
            let head = self.machine.head_in(self.space, *id);
            head.builtin.is_none() && returned != cell(symbols::ATOM) && !symbols::is_instruction(*id)
        });
        match (own, variable) {
            (Some(id), _) => {
                let constructs = self.is_constructor(node);
                let instance = if constructs { Cell::NONE } else { signature.instance };
                self.call((id, instance), node, &arguments, dest, wanted, resume)?;
            }
            (None, Some(head)) => {
                arguments.insert(0, Argument { value: Operand::slot(head), source: Source::Same });
                self.apply_to(node, &arguments, dest, wanted, resume);
            }
            (None, None) => {
                // The code has looked at its types.
                self.judged.retain(|judged| *judged != node);
                self.ensure(node);
                let evaluated = (1..).zip(arguments.iter().map(|argument| argument.value)).collect();
                let label = self.otherwise_call(Task::Call, node, evaluated, wanted, dest, resume);
                self.emit(Instr::Jump { to: label });
            }
        }
        self.release(mark);
        self.place(join);
        self.finish(dest);
        self.come_back();
        Ok(Some(()))
    }

    /// Reports whether type errors in the arguments of a call are found before any of them is evaluated.
    ///
    /// What is wrong in an argument for any type is found when its turn has come: that is too late but for the
    /// first.
    fn is_judged_in_time(&mut self, node: Cell, passings: &[Passing], conditions: &mut Conditions) -> bool {
        let mut first = true;
        (1..).zip(passings).all(|(index, passing)| {
            let argument = self.child(node, index);
            let in_time = first || *passing != Passing::Evaluated(cell(symbols::UNDEFINED)) || {
                self.length(argument) == 0 || self.static_type(argument, conditions).is_some()
            };
            let waits = self.length(argument) > 0 || matches!(argument.view(), View::Local(_));
            first &= *passing == Passing::Unevaluated || !waits;
            in_time
        })
    }

    /// The term of a node, as an operand.
    pub(super) fn unevaluated(&mut self, node: Cell) -> Outcome<Operand> {
        match node.view() {
            View::Local(local) => {
                self.ensure(node);
                Ok(Operand::slot(self.slot_of(local)))
            }
            View::Expression { .. } if !node.is_ground() => {
                self.ensure(node);
                let template = self.template(node);
                let to = self.temporary()?;
                self.emit(Instr::Build { to, template });
                self.assign(to, Known::Expression);
                Ok(Operand::slot(to))
            }
            _ => Ok(self.constant_operand(node)),
        }
    }
}

/// Reports whether operands can be moved to slots 1, 2, ... in this order: none is overwritten before it is read.
pub(super) fn are_ordered(arguments: &[Argument]) -> bool {
    (1..)
        .zip(arguments)
        .all(|(to, _)| arguments[to as usize..].iter().all(|later| later.value.place() != Ok(to)))
}

/// Whether evaluation leaves all operands as they are.
pub(super) fn keeps(arguments: &[Argument]) -> Keeps {
    arguments.iter().fold(Keeps::Straight, |keeps, argument| match (keeps, argument.source) {
        (Keeps::Not, _) | (_, Source::Other) => Keeps::Not,
        (keeps, Source::Same | Source::Slot(_)) => keeps,
        (Keeps::Straight, Source::Marked) => argument.value.slot_of().map_or(Keeps::Look, Keeps::Marked),
        _ => Keeps::Look,
    })
}
