//! The body of a clause: the evaluation of expressions that are known when it is compiled.

use super::Purpose;
use super::arithmetic::{arithmetic_named, test_named};
use super::compiler::{Compiler, Dest, Label, MOST_NESTING, Outcome};
use super::instr::*;
use super::types::{Conditions, Reading};
use crate::terms::cell::{Cell, SymbolId, View};
use crate::terms::symbols::{self, cell};
use crate::types::fits_all;

pub(super) const UNDEFINED: Expected = Expected::Type(cell(symbols::UNDEFINED));

/// Compiles a call of one library function; `None` when it is left to the general evaluator.
type Form = fn(&mut Compiler<'_>, Cell, Dest, Expected) -> Outcome<Option<()>>;

impl Compiler<'_> {
    /// The result of the call that the clause reduces.
    pub(super) fn body(&mut self, root: Cell) -> Outcome<()> {
        if self.purpose != Purpose::Evaluation || self.child(root, 0) == cell(symbols::FUNCTION) {
            return self.body_of_instructions(root);
        }
        let special = match root.view() {
            View::Symbol(symbols::EMPTY) => {
                self.emit(Instr::Fail);
                return Ok(());
            }
            View::Symbol(symbols::NOT_REDUCIBLE) => true,
            View::Expression { length, .. } if length > 0 => {
                matches!(self.child(root, 0).view(), View::Symbol(symbols::ERROR))
            }
            _ => false,
        };
        if special {
            if root == cell(symbols::NOT_REDUCIBLE) {
                self.note_kept()?;
            }
            return self.result_of_call(root);
        }
        match root.view() {
            View::Local(local) if self.is_assigned(self.slot_of(local)) => {
                let head = self.clause.head();
                self.give_variable(local, Dest::Tail, self.outcome(), head, Vec::new())
            }
            _ => self.expression(root, Dest::Tail, self.outcome()),
        }
    }

    /// Notes whether the call is one that was evaluated, should it turn out to be its own result.
    pub(super) fn note_kept(&mut self) -> Outcome<()> {
        let to = self.temporary()?;
        self.emit(Instr::NoteKept { to });
        self.assign(to, Known::Bool);
        self.kept = Some(to);
        Ok(())
    }

    /// A body that says something about the call itself.
    pub(super) fn result_of_call(&mut self, root: Cell) -> Outcome<()> {
        let value = self.unevaluated(root)?;
        let head = self.clause.head();
        let label =
            self.otherwise_call(Task::ResultOf(value), head, Vec::new(), Expected::Dynamic, Dest::Tail, None);
        self.emit(Instr::Jump { to: label });
        Ok(())
    }

    /// Evaluates a node; its value goes to `dest`.
    pub(super) fn expression(&mut self, node: Cell, dest: Dest, expected: Expected) -> Outcome<()> {
        if self.length(node) == 0 {
            return self.leaf(node, dest, expected);
        }
        self.nesting += 1;
        let before = (self.assigned, self.known, self.temporaries());
        let form = if self.nesting > MOST_NESTING { None } else { self.known_form(node, dest, expected)? };
        if form.is_none() {
            self.release(before.2);
            (self.assigned, self.known) = (before.0, before.1);
            self.general(node, dest, expected)?;
        }
        self.nesting -= 1;
        Ok(())
    }

    /// Leaves an expression to the general evaluator.
    pub(super) fn general(&mut self, node: Cell, dest: Dest, expected: Expected) -> Outcome<()> {
        let join = self.label();
        let resume = self.resume_for(dest, join);
        self.ensure(node);
        let label = self.otherwise(node, expected, dest, resume);
        self.emit(Instr::Jump { to: label });
        self.place(join);
        self.finish(dest);
        self.come_back();
        Ok(())
    }

    /// Begins a form under some conditions: where its value comes together, where it is taken up when the
    /// activation was left, and where the whole form is evaluated in the general way.
    pub(super) fn begin_form(
        &mut self,
        node: Cell,
        dest: Dest,
        expected: Expected,
        conditions: &Conditions,
    ) -> (Label, Option<Label>, Label) {
        let join = self.label();
        let resume = self.resume_for(dest, join);
        let restart = self.otherwise(node, expected, dest, resume);
        self.check(conditions, restart);
        (join, resume, restart)
    }

    pub(super) fn resume_for(&mut self, dest: Dest, join: Label) -> Option<Label> {
        match dest {
            Dest::Slot(to) => Some(self.resume(to, join)),
            Dest::Tail | Dest::Block => None,
        }
    }

    pub(super) fn finish(&mut self, dest: Dest) {
        if let Dest::Slot(slot) = dest {
            self.assign(slot, Known::Nothing);
        }
    }

    /// A symbol, number or variable.
    pub(super) fn leaf(&mut self, node: Cell, dest: Dest, expected: Expected) -> Outcome<()> {
        let is_special = matches!(node.view(), View::Symbol(symbols::EMPTY | symbols::NOT_REDUCIBLE));
        if is_special {
            return self.general(node, dest, expected);
        }
        match node.view() {
            View::Local(local) => {
                let slot = self.slot_of(local);
                if !self.is_assigned(slot) {
                    self.ensure(node);
                }
                match dest {
                    Dest::Slot(to) => self.evaluate_slot(slot, to, expected, true),
                    Dest::Tail | Dest::Block => self.give_variable(local, dest, expected, node, Vec::new()),
                }
            }
            _ => {
                let operand = self.constant_operand(node);
                match dest {
                    Dest::Slot(to) if self.is_cast(node, expected) => {
                        self.emit(Instr::Copy { to, from: operand });
                        self.assign(to, known_constant(node));
                        Ok(())
                    }
                    Dest::Slot(to) if self.is_of_type(node, expected) => {
                        self.emit(Instr::Copy { to, from: operand });
                        self.assign(to, Known::Nothing);
                        Ok(())
                    }
                    Dest::Slot(_) => self.general(node, dest, expected),
                    Dest::Tail | Dest::Block
                        if self.is_cast(node, expected) || self.is_of_type(node, expected) =>
                    {
                        self.emit(Instr::Give { value: operand });
                        Ok(())
                    }
                    Dest::Tail | Dest::Block => {
                        let otherwise = self.otherwise(node, expected, dest, None);
                        self.give(operand, expected, otherwise);
                        Ok(())
                    }
                }
            }
        }
    }

    /// Reports whether a constant is of the expected type without asking for its declarations.
    pub(super) fn is_cast(&self, node: Cell, expected: Expected) -> bool {
        let Expected::Type(wanted) = expected else { return false };
        wanted == cell(symbols::UNDEFINED)
            || match node.view() {
                View::Int(_) | View::Float(_) => wanted == cell(symbols::NUMBER),
                View::Bool(_) => wanted == cell(symbols::BOOL),
                View::Space(_) => wanted == cell(symbols::SPACE_TYPE),
                _ => false,
            }
    }

    /// Reports whether a symbol is declared to be of the expected type alone.
    fn is_of_type(&mut self, node: Cell, expected: Expected) -> bool {
        match (node.view(), expected) {
            (View::Symbol(id), Expected::Type(wanted)) if !self.dirty => {
                self.assume(id);
                let found = self.machine.own_type(id);
                !fits_all(wanted)
                    && wanted.is_ground()
                    && found.is_some_and(|found| {
                        found != cell(symbols::UNDEFINED) && self.machine.fits_type(found, wanted)
                    })
            }
            _ => false,
        }
    }

    pub(super) fn give(&mut self, value: Operand, expected: Expected, otherwise: Label) {
        let expected = match expected {
            Expected::Dynamic => Cell::NONE,
            Expected::Type(wanted) => wanted,
        };
        let expected = self.constant(expected);
        self.emit(Instr::Return { value, expected, otherwise });
    }

    /// The value of a variable is the result of the call `node`.
    pub(super) fn give_variable(
        &mut self,
        local: u32,
        dest: Dest,
        expected: Expected,
        node: Cell,
        evaluated: Vec<(u32, Operand)>,
    ) -> Outcome<()> {
        let value = Operand::slot(self.slot_of(local));
        let otherwise = match node.view() {
            View::Local(_) => self.otherwise(node, expected, dest, None),
            _ => self.otherwise_call(Task::ResultOf(value), node, evaluated, expected, dest, None),
        };
        self.give(value, expected, otherwise);
        Ok(())
    }

    /// Evaluates the value of a slot.
    ///
    /// In a tuple an error ends the evaluation, as an argument of a typed call it is passed on.
    pub(super) fn evaluate_slot(
        &mut self,
        from: Slot,
        to: Slot,
        expected: Expected,
        tuple: bool,
    ) -> Outcome<()> {
        let known = self.known[usize::from(from)];
        let Expected::Type(wanted) = expected else { return Err(super::compiler::TooBig) };
        let plain = match known {
            Known::Number => wanted == cell(symbols::NUMBER) || wanted == cell(symbols::UNDEFINED),
            Known::Bool => wanted == cell(symbols::BOOL) || wanted == cell(symbols::UNDEFINED),
            _ => false,
        };
        if plain {
            self.emit(Instr::Copy { to, from: Operand::slot(from) });
            self.assign(to, known);
            return Ok(());
        }
        let join = self.label();
        let resume = if tuple { self.resume(to, join) } else { self.resume_argument(to, from, join) };
        let site = self.site_for(Task::Evaluate, expected, Dest::Slot(to), Some(resume), tuple);
        let plain = wanted == cell(symbols::UNDEFINED);
        self.emit(Instr::Eval { from, to, site, plain });
        self.place(join);
        self.assign(to, Known::Nothing);
        Ok(())
    }

    /// Compiles an expression of a known form; `None` when it has none.
    fn known_form(&mut self, node: Cell, dest: Dest, expected: Expected) -> Outcome<Option<()>> {
        match self.child(node, 0).view() {
            View::Symbol(id) => self.symbol_form(id, node, dest, expected),
            View::Operation(id) => self.operation_form(id, node, dest, expected),
            View::Local(_) | View::Expression { .. } | View::Int(_) | View::Float(_) => {
                self.open_form(node, dest, expected)
            }
            _ => Ok(None),
        }
    }

    /// An expression that may be data, which is found out when it is built.
    pub(super) fn data_form(&mut self, node: Cell, dest: Dest, expected: Expected) -> Outcome<Option<()>> {
        let (mark, before) = (self.temporaries(), self.known);
        let join = self.label();
        let resume = self.resume_for(dest, join);
        self.ensure(node);
        let restart = self.otherwise(node, expected, dest, resume);
        let to = self.destination(dest)?;
        let template = self.template(node);
        self.emit(Instr::Settle { to, template, otherwise: restart });
        self.assign(to, Known::Nothing);
        self.release(mark);
        self.deliver(to, dest);
        self.join(join, before, dest);
        Ok(Some(()))
    }

    /// Reports whether an expression has no part that is a call as far as it is known.
    pub(super) fn may_be_data(&mut self, node: Cell) -> bool {
        let head_is_open = match self.child(node, 0).view() {
            View::Local(_) | View::Expression { .. } => true,
            View::Symbol(_) => self.is_constructor(node),
            _ => false,
        };
        head_is_open
            && (0..self.length(node)).all(|index| {
                let child = self.child(node, index);
                match child.view() {
                    View::Expression { length: 0, .. } => true,
                    View::Expression { .. } => depth_at_most(self, child, 6) && self.may_be_data(child),
                    _ => true,
                }
            })
    }

    fn symbol_form(
        &mut self,
        id: SymbolId,
        node: Cell,
        dest: Dest,
        expected: Expected,
    ) -> Outcome<Option<()>> {
        if id == symbols::ERROR || id == symbols::EMPTY {
            return Ok(None);
        }
        let head = self.assume(id);
        // A library function with rules of the program as well is left to the general evaluator.
        if head.builtin.is_some_and(|builtin| !builtin.grounded) {
            let name = self.machine.heap.symbols.name(id);
            let form: Option<Form> = match name {
                "if" => Some(|c, n, d, e| c.if_form(n, d, e)),
                "let" => Some(|c, n, d, e| c.let_form(n, d, e)),
                "let*" => Some(|c, n, d, e| c.let_star_form(n, d, e)),
                "case" => Some(|c, n, d, e| c.case_form(n, d, e)),
                "switch" => Some(|c, n, d, e| c.switch_form(n, d, e)),
                "collapse" => Some(|c, n, d, e| c.collapse_form(n, d, e)),
                "map-atom" | "filter-atom" | "foldl-atom" => Some(|c, n, d, e| c.each_form(n, d, e)),
                "car-atom" => Some(|c, n, d, e| c.part_form(true, n, d, e)),
                "cdr-atom" => Some(|c, n, d, e| c.part_form(false, n, d, e)),
                _ => None,
            };
            if self.has_rules(&head, id, self.length(node) - 1) {
                return Ok(None);
            }
            if name == "empty" && self.length(node) == 1 {
                self.emit(Instr::Fail);
                self.finish(dest);
                return Ok(Some(()));
            }
            if let Some(form) = form {
                return form(self, node, dest, expected);
            }
        }
        if id == symbols::CONS_ATOM {
            return self.cons_form(node, dest, expected);
        }
        if id == symbols::DECONS_ATOM {
            return self.decons_form(node, dest, expected);
        }
        if id == symbols::UNIFY {
            return self.unify_form(node, dest, expected);
        }
        if id == symbols::CHAIN {
            return self.chain_form(node, dest, expected);
        }
        if id == symbols::EVAL || id == symbols::FUNCTION {
            return self.step_form(node, dest, expected);
        }
        match self.reading(id) {
            Some(Reading::Tuple) if head.builtin.is_none() && !symbols::is_instruction(id) => {
                self.untyped_call(id, node, dest, expected)?;
                Ok(Some(()))
            }
            Some(Reading::Function(signature)) => self.typed_call(Some(id), node, &signature, dest, expected),
            Some(Reading::Open) => {
                if let Some(signature) = self.instance_signature(id, node, expected)
                    && let Some(()) = self.typed_call(Some(id), node, &signature, dest, expected)?
                {
                    return Ok(Some(()));
                }
                self.open_call(id, node, dest, expected)
            }
            _ => Ok(None),
        }
    }

    fn operation_form(
        &mut self,
        id: SymbolId,
        node: Cell,
        dest: Dest,
        expected: Expected,
    ) -> Outcome<Option<()>> {
        let name = self.machine.heap.symbols.name(id);
        if let Some(operation) = arithmetic_named(name) {
            return self.arithmetic(operation, node, dest, expected);
        }
        if let Some(test) = test_named(name) {
            return self.comparison(test, node, dest, expected);
        }
        match name {
            "match" => return self.match_form(id, node, dest, expected),
            "superpose" => return self.superpose_form(node, dest, expected),
            "get-state" => return self.get_state_form(node, dest, expected),
            "change-state!" => return self.change_state_form(node, dest, expected),
            _ => {}
        }
        let Some(signature) = self.operation_signature(id) else { return Ok(None) };
        if self.native(id, &signature, node, dest, expected)?.is_some() {
            return Ok(Some(()));
        }
        self.typed_call(None, node, &signature, dest, expected)
    }

    // Conditions.

    /// Checks conditions, and that declarations are as they were if that is in doubt.
    pub(super) fn check(&mut self, conditions: &Conditions, otherwise: Label) {
        if self.dirty {
            let clause = self.code;
            self.emit(Instr::GuardDeclared { clause, otherwise });
            self.dirty = false;
        }
        for (slot, known) in conditions {
            self.emit(Instr::Guard { slot: *slot, known: *known, otherwise });
            if *known != Known::Sound {
                self.known[usize::from(*slot)] = *known;
            }
        }
    }

    /// Checks at run time that a result type is expected, where that is not known before.
    pub(super) fn accepts(&mut self, returned: Cell, expected: Expected, otherwise: Label) {
        if expected == Expected::Dynamic && !fits_all(returned) {
            let constant = self.constant(returned);
            self.emit(Instr::GuardExpected { constant, otherwise });
        }
    }

    /// Reports whether the result type can be expected at all.
    pub(super) fn can_accept(returned: Cell, expected: Expected) -> bool {
        match expected {
            Expected::Dynamic => true,
            Expected::Type(wanted) => fits_all(returned) || fits_all(wanted) || wanted == returned,
        }
    }
}

fn known_constant(node: Cell) -> Known {
    match node.view() {
        View::Int(_) | View::Float(_) => Known::Number,
        View::Bool(_) => Known::Bool,
        View::Expression { .. } => Known::Expression,
        _ => Known::Nothing,
    }
}

pub(super) fn depth_at_most(compiler: &Compiler<'_>, node: Cell, depth: u32) -> bool {
    depth > 0
        && (0..compiler.length(node)).all(|index| {
            let child = compiler.child(node, index);
            compiler.length(child) == 0 || depth_at_most(compiler, child, depth - 1)
        })
}
