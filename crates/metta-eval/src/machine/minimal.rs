//! The instructions of Minimal MeTTa (semantics section 10).

use metta_atom::SpaceId;

use crate::library::Outcome;
use crate::machine::choices::Then;
use crate::machine::frames::Kind;
use crate::machine::{Machine, Task};
use crate::terms::cell::{Cell, SymbolId, View};
use crate::terms::matching::Matched;
use crate::terms::symbols::{self, cell, is_instruction};

impl Machine {
    /// Runs a term if it is an instruction, else returns it as it is.
    pub(super) fn exec(&mut self, term: Cell) {
        let term = self.heap.deref(term);
        let (Some(id), Some((address, length))) = (self.instruction(term), term.slice()) else {
            self.task = Task::Return(term);
            return;
        };
        self.count_reduction();
        let argument = |index| self.heap.element(address, index);
        match (id, length) {
            (symbols::EVAL, 2) => self.eval_once(argument(1), self.context),
            (symbols::EVALC, 3) => match argument(2).view() {
                View::Space(space) => self.eval_once(argument(1), SpaceId(space)),
                _ => self.malformed(term, "(evalc <atom> <space>)"),
            },
            (symbols::CHAIN, 4) if argument(2).is_reference() => {
                let (nested, variable, template) = (argument(1), argument(2), argument(3));
                self.wait_raw(Kind::Chain { variable, template });
                self.task = Task::Exec(nested);
            }
            (symbols::UNIFY, 5) => {
                let (atom, pattern) = (argument(1), argument(2));
                let (then, otherwise) = (argument(3), argument(4));
                self.unify_instruction(atom, pattern, then, otherwise);
            }
            (symbols::CONS_ATOM, 3) if argument(2).is_expression() => {
                let (head, tail) = (argument(1), argument(2));
                match self.heap.cons(head, tail) {
                    Some(list) => self.task = Task::Return(list),
                    None => self.fail_instruction(term, "expression is too long"),
                }
            }
            (symbols::DECONS_ATOM, 2) => match argument(1).slice() {
                Some((list, n)) if n > 0 => {
                    let tail = self.heap.tail(argument(1));
                    let head = self.heap.element(list, 0);
                    let pair = self.heap.expression(&[head, tail]);
                    self.task = Task::Return(pair);
                }
                _ => self.malformed(term, "(decons-atom (: <expr> Expression))"),
            },
            (symbols::FUNCTION, 2) => self.begin_function(term, term),
            (symbols::COLLAPSE_BIND, 2) => self.begin_collapse_bind(argument(1)),
            (symbols::SUPERPOSE_BIND, 2) if argument(1).is_expression() => {
                let list = argument(1);
                self.choose_pairs(list);
            }
            (symbols::METTA, 4) => match argument(3).view() {
                View::Space(space) => {
                    let (term, expected) = (argument(1), argument(2));
                    self.eval_in(SpaceId(space), term, expected);
                }
                _ => self.malformed(term, "(metta atom type space)"),
            },
            (symbols::CONTEXT_SPACE, 1) => self.task = Task::Return(Cell::space(self.context.0)),
            _ => self.malformed(term, usage(id)),
        }
    }

    /// The instruction that a term is.
    pub(super) fn instruction(&self, term: Cell) -> Option<SymbolId> {
        self.heap.head_symbol(term).filter(|id| is_instruction(*id))
    }

    fn malformed(&mut self, term: Cell, usage: &str) {
        let found = self.text_of(term);
        self.fail_instruction(term, &format!("expected: {usage}, found: {found}"));
    }

    fn fail_instruction(&mut self, term: Cell, message: &str) {
        let reason = self.heap.symbols.intern(message);
        let error = self.error(term, Cell::symbol(reason));
        self.task = Task::Return(error);
    }

    /// One step: an operation, an instruction, or the rules of a space.
    fn eval_once(&mut self, term: Cell, space: SpaceId) {
        if space != self.space {
            self.wait_raw(Kind::Leave { space: self.space, context: self.context });
            self.space = space;
            self.current.stray();
        }
        if self.instruction(term).is_some() {
            self.task = Task::Exec(term);
        } else if term.is_reference() {
            self.task = Task::Return(cell(symbols::NOT_REDUCIBLE));
        } else {
            let term = self.written_out(term);
            self.call(term, Cell::NONE);
        }
    }

    /// Puts a result in the place of the variable and goes on with the template. A variable that its own
    /// value holds stays as it is.
    pub(super) fn chain_result(&mut self, variable: Cell, template: Cell, value: Cell) {
        let variable = self.heap.deref(variable);
        let holds_itself = matches!(variable.view(), View::Ref(address) if value != variable && self.heap.occurs(address, value));
        let next =
            if holds_itself { template } else { self.heap.substituted(template, &[(variable, value)]) };
        self.task = Task::Exec(next);
    }

    /// Runs the body of `(function body)` until it becomes `(return result)`.
    pub(super) fn begin_function(&mut self, function: Cell, call: Cell) {
        match function.slice() {
            Some((address, 2)) if self.heap.element(address, 1).is_expression() => {
                let body = self.heap.element(address, 1);
                self.wait_raw(Kind::Function { call });
                self.task = Task::Exec(body);
            }
            _ => self.malformed(function, usage(symbols::FUNCTION)),
        }
    }

    pub(super) fn function_result(&mut self, call: Cell, value: Cell) {
        if let (Some(symbols::RETURN), Some((address, 2))) = (self.heap.head_symbol(value), value.slice()) {
            self.task = Task::Return(self.heap.element(address, 1));
        } else if self.instruction(value).is_some() {
            self.wait_raw(Kind::Function { call });
            self.task = Task::Exec(value);
        } else {
            let error = self.error(call, cell(symbols::NO_RETURN));
            self.task = Task::Return(error);
        }
    }

    /// `unify` as an instruction: the branch is the result, not evaluated here.
    fn unify_instruction(&mut self, atom: Cell, pattern: Cell, then: Cell, otherwise: Cell) {
        match self.space_and_pattern(atom, pattern) {
            Some((space, pattern)) => {
                if !self.permits(crate::Effect::ReadsSpace) {
                    return;
                }
                let found = self.search_space(space, pattern, Some(then), Cell::UNIT, Cell::NONE);
                if let Outcome::Empty = found {
                    self.task = Task::Return(otherwise);
                }
            }
            None => match self.heap.ways(|heap| heap.unify(atom, pattern)) {
                Matched::No => self.task = Task::Return(otherwise),
                matched => self.proceed(matched, Then::Return(then)),
            },
        }
    }

    /// When one side is a space, the other is a pattern to be looked up in it.
    pub(crate) fn space_and_pattern(&self, a: Cell, b: Cell) -> Option<(SpaceId, Cell)> {
        let (a, b) = (self.heap.deref(a), self.heap.deref(b));
        match (a.view(), b.view()) {
            (View::Space(_), View::Space(_) | View::Ref(_)) | (View::Ref(_), View::Space(_)) => None,
            (View::Space(space), _) => Some((SpaceId(space), b)),
            (_, View::Space(space)) => Some((SpaceId(space), a)),
            _ => None,
        }
    }
}

fn usage(id: SymbolId) -> &'static str {
    match id {
        symbols::EVAL => "(eval <atom>)",
        symbols::EVALC => "(evalc <atom> <space>)",
        symbols::CHAIN => "(chain <nested> (: <var> Variable) <templ>)",
        symbols::UNIFY => "(unify <atom> <pattern> <then> <else>)",
        symbols::CONS_ATOM => "(cons-atom <head> (: <tail> Expression))",
        symbols::DECONS_ATOM => "(decons-atom (: <expr> Expression))",
        symbols::FUNCTION => "(function (: <body> Expression))",
        symbols::COLLAPSE_BIND => "(collapse-bind <atom>)",
        symbols::SUPERPOSE_BIND => "(superpose-bind (: <collapsed> Expression))",
        symbols::METTA => "(metta atom type space)",
        _ => "(context-space)",
    }
}
