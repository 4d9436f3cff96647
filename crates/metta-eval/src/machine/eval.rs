//! Evaluation of a term with an expected type (`metta-semantics.md` 4.1 to 4.4b).

use crate::cell::{Cell, View};
use crate::machine::choices::Alternatives;
use crate::machine::frames::Kind;
use crate::machine::{Machine, Task};
use crate::symbols::{self, cell};
use crate::types::{Applicability, TypeOf, is_function_type};

impl Machine {
    /// Evaluates `term`; its results go to the current frame.
    pub(super) fn eval(&mut self, term: Cell, expected: Cell) {
        let term = self.heap.deref(term);
        let expected = self.heap.deref(expected);
        match self.evaluate_leaf(term, expected) {
            Leaf::Itself => self.task = Task::Return(term),
            Leaf::Errors(errors) => self.return_all(&errors),
            Leaf::No => self.evaluate_expression(term, expected),
        }
    }

    /// Everything but an expression that has to be reduced.
    fn evaluate_leaf(&mut self, term: Cell, expected: Cell) -> Leaf {
        if expected == cell(symbols::ATOM) || term.is_reference() {
            return Leaf::Itself;
        }
        let metatype = match term.view() {
            View::Expression { length, .. } => {
                if expected == cell(symbols::EXPRESSION) || length == 0 || self.is_still_evaluated(term) {
                    return Leaf::Itself;
                }
                return Leaf::No;
            }
            View::Symbol(_) => symbols::SYMBOL,
            _ => symbols::GROUNDED,
        };
        if expected == cell(symbols::UNDEFINED) || expected == cell(metatype) {
            return Leaf::Itself;
        }
        match self.cast(term, expected) {
            Ok(()) => Leaf::Itself,
            Err(errors) => Leaf::Errors(errors),
        }
    }

    /// Reports whether a marked expression is as it was when it got the mark.
    fn is_still_evaluated(&self, term: Cell) -> bool {
        if !term.is_evaluated() {
            return false;
        }
        if term.is_ground() {
            return true;
        }
        // It was copied with bindings applied, so a bound variable in it was bound since.
        let mut pending = vec![term];
        while let Some(cell) = pending.pop() {
            match cell.view() {
                View::Ref(address) if !matches!(self.heap.get(address).view(), View::Variable { .. }) => return false,
                View::Expression { address, length } => {
                    pending.extend(self.heap.slice(address, length).iter().filter(|cell| !cell.is_ground()));
                }
                _ => {}
            }
        }
        true
    }

    /// Puts the "already evaluated" mark on an expression (`metta-semantics.md` 4.6).
    pub(super) fn marked(&mut self, term: Cell) -> Cell {
        if term.is_ground() { term.evaluated() } else { self.heap.resolved(term).evaluated() }
    }

    /// Reads an expression as a tuple, as a function call, or as both in turn.
    fn evaluate_expression(&mut self, expression: Cell, expected: Cell) {
        let Some((address, _)) = expression.slice() else { return };
        let head = self.heap.element(address, 0);
        if let View::Symbol(id) = head.view()
            && self.head(id).types.is_empty()
        {
            self.read_as_tuple(expression, expected);
            return;
        }
        let types = self.types_or_undefined(head);
        let valid: Vec<Cell> = types.iter().filter_map(|found| found.valid()).collect();
        if valid.is_empty() {
            let errors: Vec<Cell> = types
                .into_iter()
                .filter_map(|found| match found {
                    TypeOf::Misapplied { error, .. } => Some(error),
                    TypeOf::Valid(_) => None,
                })
                .collect();
            self.return_all(&errors);
            return;
        }
        let is_function = valid.iter().any(|found| is_function_type(&self.heap, *found));
        let is_tuple = valid.iter().any(|found| !is_function_type(&self.heap, *found));
        if is_tuple {
            if is_function {
                self.choose(Alternatives::FunctionReading { expression, expected });
            }
            self.read_as_tuple(expression, expected);
        } else {
            self.call_typed(expression, expected, &valid);
        }
    }

    fn read_as_tuple(&mut self, expression: Cell, expected: Cell) {
        self.begin_elements(expression, Cell::NONE, expected);
    }

    /// The second reading of an expression whose head has function types and others.
    pub(super) fn read_as_function(&mut self, expression: Cell, expected: Cell) {
        let Some((address, _)) = expression.slice() else { return };
        let head = self.heap.element(address, 0);
        let types: Vec<Cell> = self.types_or_undefined(head).into_iter().filter_map(TypeOf::valid).collect();
        self.call_typed(expression, expected, &types);
    }

    /// Evaluates a call with the first of its function types that is applicable.
    fn call_typed(&mut self, expression: Cell, expected: Cell, types: &[Cell]) {
        let mut errors = Vec::new();
        for function in types {
            if !is_function_type(&self.heap, *function) {
                continue;
            }
            match self.applicable(expression, *function, expected) {
                Applicability::Fits => {
                    let Some((address, length)) = function.slice() else { return };
                    let mut returned = self.heap.element(address, length - 1);
                    if returned == cell(symbols::EXPRESSION) {
                        returned = cell(symbols::UNDEFINED);
                    }
                    self.begin_elements(expression, *function, returned);
                    return;
                }
                Applicability::Errors(found) => errors.extend(found),
            }
        }
        self.return_all(&errors);
    }

    fn begin_elements(&mut self, expression: Cell, function: Cell, expected: Cell) {
        let Some((_, length)) = expression.slice() else { return };
        let address = self.heap.allocate(length);
        let block = Cell::expression(address, length, false);
        self.evaluate_elements(expression, function, expected, block, 0);
    }

    /// Evaluates the elements of an expression from `index` on, into `block`; then calls it.
    ///
    /// `expected` is the type expected of the call's result.
    pub(super) fn evaluate_elements(
        &mut self,
        expression: Cell,
        function: Cell,
        expected: Cell,
        block: Cell,
        mut index: u32,
    ) {
        let (Some((source, length)), Some((target, _))) = (expression.slice(), block.slice()) else { return };
        while index < length {
            let element = self.heap.element(source, index);
            let parameter = self.parameter(function, index);
            match self.evaluate_leaf(element, parameter) {
                Leaf::Itself => {
                    if function == Cell::NONE {
                        if element == cell(symbols::EMPTY) {
                            self.task = Task::Fail;
                            return;
                        }
                        if self.heap.is_error(element) {
                            self.task = Task::Return(element);
                            return;
                        }
                    }
                    self.heap.cells[(target + index) as usize] = element;
                    index += 1;
                }
                Leaf::Errors(errors) => {
                    self.return_all(&errors);
                    return;
                }
                Leaf::No => {
                    self.wait(Kind::Argument { expression, function, expected, block, index });
                    self.task = Task::Eval { term: element, expected: parameter };
                    return;
                }
            }
        }
        let call = self.finished_block(expression, source, target, length);
        self.call(call, expected);
    }

    /// The type with which element `index` is evaluated.
    fn parameter(&self, function: Cell, index: u32) -> Cell {
        match function.slice() {
            None => cell(symbols::UNDEFINED),
            // The head of a typed call: a symbol or operation has the type, a computed head must get it.
            Some(_) if index == 0 => function,
            Some((address, _)) => self.heap.element(address, index),
        }
    }

    /// The evaluated expression: the original when no element changed.
    fn finished_block(&mut self, expression: Cell, source: u32, target: u32, length: u32) -> Cell {
        let mut unchanged = true;
        let mut ground = true;
        for i in 0..length {
            let value = self.heap.get(target + i);
            ground &= value.is_ground();
            unchanged &= value.same(self.heap.element(source, i));
        }
        if !unchanged {
            return Cell::expression(target, length, ground);
        }
        if self.heap.top() == target + length && self.heap.boundary <= target {
            self.heap.cells.truncate(target as usize);
        }
        // A clause body is not known to be ground until its variables have values.
        if ground { expression.grounded() } else { expression }
    }
}

/// How a term evaluates when nothing has to be reduced.
enum Leaf {
    Itself,
    Errors(Vec<Cell>),
    No,
}
