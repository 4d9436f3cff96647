//! `case` with cases that are known when the clause is compiled.

use super::compiler::{Compiler, Dest, Outcome};
use super::instr::*;
use super::types::Conditions;
use crate::terms::cell::{Cell, View};
use crate::terms::symbols::{self, cell};

const UNDEFINED: Expected = Expected::Type(cell(symbols::UNDEFINED));

impl Compiler<'_> {
    /// `(case term ((pattern template) ...))`, where no pattern matches `Empty`: without results of the
    /// term there is none of the `case` either.
    pub(super) fn case_form(&mut self, node: Cell, dest: Dest, expected: Expected) -> Outcome<Option<()>> {
        let (term, cases) = (self.child(node, 1), self.child(node, 2));
        let Some(cases) = self.cases(cases).filter(|_| self.length(node) == 3) else { return Ok(None) };
        let (mark, before) = (self.temporaries(), self.known);
        let join = self.label();
        let resume = self.resume_for(dest, join);
        let restart = self.otherwise(node, expected, dest, resume);
        self.check(&Conditions::new(), restart);
        self.emit(Instr::GuardContext { otherwise: restart });
        if let Dest::Slot(_) = dest {
            // The branches come together again: what one of them may bind exists before.
            for (pattern, template) in &cases {
                self.ensure_shared(&[*pattern, *template]);
            }
        }
        let value = self.temporary()?;
        self.scrutinee(term, value)?;
        let evaluated = vec![(1, Operand::slot(value))];
        let otherwise = self.otherwise_call(Task::Call, node, evaluated, UNDEFINED, dest, resume);
        self.emit(Instr::GuardPlain { slot: value, otherwise });
        let (assigned, known) = (self.assigned, self.known);
        let mut always = None;
        for (pattern, template) in cases {
            let next = self.label();
            (self.assigned, self.known, self.dirty) = (assigned, known, true);
            self.emit(Instr::Try { next });
            self.match_argument(value, pattern)?;
            self.emit(Instr::Body);
            self.branch_of_case(node, template, dest)?;
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

    /// The pairs of pattern and template, if they can be told apart from `Empty`.
    fn cases(&self, cases: Cell) -> Option<Vec<(Cell, Cell)>> {
        let pair = |index| {
            let case = self.child(cases, index);
            let pattern = self.child(case, 0);
            let plain = match pattern.view() {
                View::Local(_) | View::Space(_) | View::State(_) => false,
                View::Symbol(id) => id != symbols::EMPTY,
                _ => true,
            };
            (self.length(case) == 2 && plain).then(|| (pattern, self.child(case, 1)))
        };
        (0..self.length(cases)).map(pair).collect()
    }

    /// Evaluates the term of a `case`; an error is a value like any other.
    fn scrutinee(&mut self, term: Cell, to: Slot) -> Outcome<()> {
        let taken = self.label();
        match term.view() {
            View::Expression { length: 1.., .. } => {
                self.ensure_shared(&[term]);
                let site = self.site_for(Task::Evaluate, UNDEFINED, Dest::Slot(to), Some(taken), false);
                self.emit(Instr::Block { site });
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
                self.emit(Instr::Eval { from, to, site });
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
        self.dirty = true;
        Ok(())
    }

    fn branch_of_case(&mut self, node: Cell, template: Cell, dest: Dest) -> Outcome<()> {
        let mark = self.temporaries();
        if template == cell(symbols::NOT_REDUCIBLE) {
            self.emit(Instr::Fail);
        } else {
            self.result_of(node, Vec::new(), template, dest, UNDEFINED)?;
        }
        self.release(mark);
        Ok(())
    }
}
