//! `case` and `switch` with cases that are known when the clause is compiled.

use super::compiler::{Compiler, Dest, Label, Outcome};
use super::instr::*;
use super::types::Conditions;
use crate::terms::cell::{Cell, View};
use crate::terms::symbols::{self, cell};

const UNDEFINED: Expected = Expected::Type(cell(symbols::UNDEFINED));

/// How the term of a `case` is evaluated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Evaluation {
    /// It may have any number of results; no pattern matches `Empty`.
    Any,
    /// It may have any number of results, and without one the value is `Empty`.
    OrEmpty,
    /// It has one.
    Value,
    /// It is an argument of a call.
    Argument,
}

impl Compiler<'_> {
    /// `(case term ((pattern template) ...))`. Where no pattern matches `Empty` there is no result of the `case`
    /// without one of the term.
    pub(super) fn case_form(&mut self, node: Cell, dest: Dest, expected: Expected) -> Outcome<Option<()>> {
        let (term, cases) = (self.child(node, 1), self.child(node, 2));
        if self.length(node) != 3 {
            return Ok(None);
        }
        if let Some(cases) = self.cases(cases, false) {
            return self.cases_form(node, &cases, Evaluation::Any, dest, expected);
        }
        let has_value = match term.view() {
            View::Expression { length: 1.., .. } => {
                matches!(self.child(term, 0).view(), View::Symbol(_) | View::Local(_))
                    && self.may_be_data(term)
            }
            _ => true,
        };
        let evaluation = if has_value { Evaluation::Value } else { Evaluation::OrEmpty };
        match self.cases(cases, true) {
            Some(cases) => self.cases_form(node, &cases, evaluation, dest, expected),
            None => Ok(None),
        }
    }

    /// `(switch term ((pattern template) ...))`.
    pub(super) fn switch_form(&mut self, node: Cell, dest: Dest, expected: Expected) -> Outcome<Option<()>> {
        match self.cases(self.child(node, 2), true).filter(|_| self.length(node) == 3) {
            Some(cases) => self.cases_form(node, &cases, Evaluation::Argument, dest, expected),
            None => Ok(None),
        }
    }

    fn cases_form(
        &mut self,
        node: Cell,
        cases: &[(Cell, Cell)],
        evaluation: Evaluation,
        dest: Dest,
        expected: Expected,
    ) -> Outcome<Option<()>> {
        let term = self.child(node, 1);
        let (mark, before) = (self.temporaries(), self.known);
        let join = self.label();
        let resume = self.resume_for(dest, join);
        let restart = self.otherwise(node, expected, dest, resume);
        let mut conditions = Conditions::new();
        if evaluation == Evaluation::Argument
            && self.passing(cell(symbols::UNDEFINED), term, &mut conditions).is_none()
        {
            return Ok(None);
        }
        self.check(&conditions, restart);
        self.emit(Instr::GuardContext { otherwise: restart });
        if let Dest::Slot(_) = dest {
            // The branches come together again: what one of them may bind exists before.
            for (pattern, template) in cases {
                self.ensure_shared(&[*pattern, *template]);
            }
        }
        let value = self.temporary()?;
        let mut seen = Vec::new();
        match evaluation {
            Evaluation::Any => self.scrutinee(term, value, |site| Instr::Block { site })?,
            Evaluation::OrEmpty => self.scrutinee(term, value, |site| Instr::Cases { site })?,
            Evaluation::Value => self.sure_scrutinee(term, value, restart),
            Evaluation::Argument => {
                let (from, _) = self.argument(term, UNDEFINED, false)?;
                self.emit(Instr::Copy { to: value, from });
                self.assign(value, Known::Nothing);
                seen.push((1, Operand::slot(value)));
            }
        }
        let evaluated = vec![(1, Operand::slot(value))];
        let otherwise = self.otherwise_call(Task::Call, node, evaluated, UNDEFINED, dest, resume);
        self.emit(Instr::GuardPlain { slot: value, otherwise });
        let (assigned, known) = (self.assigned, self.known);
        let mut always = None;
        for (pattern, template) in cases.iter().copied() {
            let next = self.label();
            (self.assigned, self.known, self.dirty) = (assigned, known, true);
            self.skip_unless(value, pattern, next);
            self.emit(Instr::Try { next });
            self.match_argument(value, pattern)?;
            self.emit(Instr::Body);
            self.branch_of_case(node, seen.clone(), template, dest)?;
            if let Dest::Slot(_) = dest {
                self.emit(Instr::Jump { to: join });
            }
            always = Some(always.unwrap_or(self.assigned) & self.assigned);
            self.place(next);
        }
        self.emit(Instr::Fail);
        self.assigned = always.unwrap_or(assigned);
        self.release(mark);
        self.join(join, before, dest);
        Ok(Some(()))
    }

    /// Goes on at `next` for most values that cannot match a pattern, without trying.
    fn skip_unless(&mut self, slot: Slot, pattern: Cell, next: Label) {
        let skip = |compiler: &mut Self, element: u8, part: Cell| {
            let (length, head) = match compiler.length(part) {
                0 if part.is_canonical() => (0, part),
                0 => return,
                length => (length, compiler.child(part, 0)),
            };
            if let Ok(length) = u16::try_from(length)
                && head.is_canonical()
            {
                let head = compiler.constant(head);
                compiler.emit(Instr::Skip { slot, element, length, head, next });
            }
        };
        skip(self, WHOLE, pattern);
        for element in 0..self.length(pattern).min(8) {
            let part = self.child(pattern, element);
            if element > 0 || self.length(part) > 0 {
                skip(self, element as u8, part);
            }
        }
    }

    /// The pairs of pattern and template. Unless `any` pattern will do they can be told apart from `Empty`.
    fn cases(&self, cases: Cell, any: bool) -> Option<Vec<(Cell, Cell)>> {
        let pair = |index| {
            let case = self.child(cases, index);
            let pattern = self.child(case, 0);
            let plain = match pattern.view() {
                View::Local(local) => any && !self.is_assigned(self.slot_of(local)),
                View::Space(_) | View::State(_) => false,
                View::Symbol(id) => any || id != symbols::EMPTY,
                _ => true,
            };
            (self.length(case) == 2 && plain).then(|| (pattern, self.child(case, 1)))
        };
        // What a variable holds is not known here.
        let written = self.length(cases) > 0;
        written.then(|| (0..self.length(cases)).map(pair).collect()).flatten()
    }

    /// Evaluates the term of a `case` in a block; an error is a value like any other.
    pub(super) fn scrutinee(&mut self, term: Cell, to: Slot, block: fn(u32) -> Instr) -> Outcome<()> {
        let taken = self.label();
        match term.view() {
            View::Expression { length: 1.., .. } => {
                self.ensure_shared(&[term]);
                let site = self.site_for(Task::Evaluate, UNDEFINED, Dest::Slot(to), Some(taken), false);
                self.emit(block(site));
                let before = (self.assigned, self.known);
                self.expression(term, Dest::Block, UNDEFINED)?;
                (self.assigned, self.known) = before;
                self.place(taken);
                self.emit(Instr::Take { to });
            }
            View::Local(local) => {
                self.ensure(term);
                let join = self.label();
                let from = self.slot_of(local);
                let site = self.site_for(Task::Evaluate, UNDEFINED, Dest::Slot(to), Some(taken), false);
                self.emit(Instr::Eval { from, to, site, plain: true });
                self.emit(Instr::Jump { to: join });
                self.place(taken);
                self.emit(Instr::Take { to });
                self.place(join);
            }
            _ => {
                let from = self.constant_operand(term);
                self.emit(Instr::Copy { to, from });
            }
        }
        self.assign(to, Known::Nothing);
        self.come_back();
        Ok(())
    }

    /// Evaluates a term that is likely to need no reduction.
    fn sure_scrutinee(&mut self, term: Cell, to: Slot, otherwise: Label) {
        self.ensure(term);
        match term.view() {
            View::Expression { length: 1.., .. } => {
                let template = self.template(term);
                self.emit(Instr::Settle { to, template, otherwise });
            }
            View::Local(local) => {
                let from = Operand::slot(self.slot_of(local));
                self.emit(Instr::Quick { to, from, otherwise });
            }
            _ => {
                let from = self.constant_operand(term);
                self.emit(Instr::Copy { to, from });
            }
        }
        self.assign(to, Known::Nothing);
    }

    fn branch_of_case(
        &mut self,
        node: Cell,
        evaluated: Vec<(u32, Operand)>,
        template: Cell,
        dest: Dest,
    ) -> Outcome<()> {
        let mark = self.temporaries();
        if template == cell(symbols::NOT_REDUCIBLE) {
            self.emit(Instr::Fail);
        } else {
            self.result_of(node, evaluated, template, dest, UNDEFINED)?;
        }
        self.release(mark);
        Ok(())
    }
}
