//! Evaluation of a term with an expected type (semantics 4.1 to 4.4b).

use metta_atom::SpaceId;

use crate::code::{arithmetic_named, test_named};
use crate::machine::choices::Alternatives;
use crate::machine::frames::Kind;
use crate::machine::{Machine, Task};
use crate::terms::cell::{Cell, View};
use crate::terms::symbols::{self, cell};
use crate::terms::visits::Visits;
use crate::types::{Applicability, TypeOf, is_function_type};

/// Operations on numbers that nest deeper are evaluated one by one.
const MOST_COMPUTED: u32 = 4;

impl Machine {
    /// Evaluates `term`; its results go to the current frame.
    pub(super) fn eval(&mut self, term: Cell, expected: Cell) {
        let term = self.heap.deref(term);
        match self.evaluate_leaf(term, expected) {
            // A literal `Empty` is a symbol like any other: it passes the exit of its evaluation.
            Leaf::Itself if term == cell(symbols::EMPTY) => self.task = Task::Deliver(term),
            Leaf::Itself => self.task = Task::Return(term),
            Leaf::Errors(errors) => self.return_errors(&errors),
            Leaf::No if self.frames[self.frame as usize].depth > self.stack_depth => {
                self.task = Task::Return(self.stack_overflow(term, expected));
            }
            Leaf::No => match self.computed(term, expected) {
                Some(value) => self.task = Task::Return(value),
                None => self.evaluate_expression(term, expected),
            },
        }
    }

    /// The value of an operation on numbers, if its operands are numbers or such operations: then neither types nor
    /// rules make a difference to it. The general evaluator alone finds that out in the long way.
    fn computed(&mut self, term: Cell, expected: Cell) -> Option<Cell> {
        let (address, length) = term.slice()?;
        let View::Operation(id) = self.heap.element(address, 0).view() else { return None };
        let name = self.heap.symbols.name(id);
        let is_number = arithmetic_named(name).is_some();
        let fits = |id| expected == cell(id);
        let wanted =
            fits(symbols::UNDEFINED) || fits(if is_number { symbols::NUMBER } else { symbols::BOOL });
        if length != 3 || !wanted || !self.compiles || self.heap.has_matchers || self.stack_depth < u32::MAX {
            return None;
        }
        let (value, reductions) = if is_number {
            self.number_of(term, MOST_COMPUTED)?
        } else {
            let test = test_named(name)?;
            let (a, b) = (self.heap.element(address, 1), self.heap.element(address, 2));
            let ((a, before), (b, behind)) =
                (self.number_of(a, MOST_COMPUTED)?, self.number_of(b, MOST_COMPUTED)?);
            (Cell::bool(self.compare(test, a, b)?), before + behind + 1)
        };
        if !self.has_no_open_types() {
            return None;
        }
        (0..reductions).for_each(|_| self.count_reduction());
        Some(value)
    }

    /// A number, or what an operation on such comes to, with the number of operations.
    fn number_of(&mut self, term: Cell, depth: u32) -> Option<(Cell, u32)> {
        match term.view() {
            View::Int(_) | View::Float(_) => Some((term, 0)),
            View::Expression { address, length: 3 } if depth > 0 => {
                let View::Operation(id) = self.heap.element(address, 0).view() else { return None };
                let operation = arithmetic_named(self.heap.symbols.name(id))?;
                let (a, before) = self.number_of(self.heap.element(address, 1), depth - 1)?;
                let (b, behind) = self.number_of(self.heap.element(address, 2), depth - 1)?;
                Some((self.compute(operation, a, b)?, before + behind + 1))
            }
            _ => None,
        }
    }

    /// The error of an evaluation that would nest too deep.
    fn stack_overflow(&mut self, term: Cell, expected: Cell) -> Cell {
        let space = Cell::space(self.space.0);
        let evaluation = self.heap.expression(&[cell(symbols::METTA), term, expected, space]);
        let reason = self.heap.symbols.intern("StackOverflow");
        self.error(evaluation, Cell::symbol(reason))
    }

    /// Evaluates `term` in another space, and comes back with its results.
    pub(super) fn eval_in(&mut self, space: SpaceId, term: Cell, expected: Cell) {
        self.wait(Kind::Leave { space: self.space, context: self.context });
        if space != self.space {
            self.current.stray();
        }
        self.space = space;
        self.task = Task::Eval { term, expected };
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
        let mut seen = Visits::default();
        while let Some(cell) = pending.pop() {
            match cell.view() {
                View::Ref(address) if !matches!(self.heap.get(address).view(), View::Variable { .. }) => {
                    return false;
                }
                View::Expression { address, length } if seen.first_visit(address, length) => {
                    pending.extend(self.heap.slice(address, length).iter().filter(|cell| !cell.is_ground()));
                }
                _ => {}
            }
        }
        true
    }

    /// Puts the "already evaluated" mark on an expression (semantics 4.6).
    pub(super) fn marked(&mut self, term: Cell) -> Cell {
        if term.is_ground() { term.evaluated() } else { self.heap.resolved(term).evaluated() }
    }

    /// Reads an expression as a call if a function type of its head is applicable, else as a tuple.
    fn evaluate_expression(&mut self, expression: Cell, expected: Cell) {
        let expression = self.written_out(expression);
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
            self.return_errors(&errors);
            return;
        }
        let mut errors = Vec::new();
        for function in &valid {
            if !is_function_type(&self.heap, *function) {
                continue;
            }
            match self.applicable(expression, *function, expected) {
                Applicability::Fits => {
                    self.evaluate_call(expression, *function);
                    return;
                }
                Applicability::Errors(found) => errors.extend(found),
            }
        }
        if valid.iter().all(|found| is_function_type(&self.heap, *found)) {
            self.return_errors(&errors);
            return;
        }
        // Read as a tuple, with the errors of the other reading as further alternatives.
        if !errors.is_empty() {
            errors.iter().for_each(|error| self.blame(*error));
            let list = self.heap.expression(&errors);
            self.choose(Alternatives::Results { list, next: 0 });
        }
        self.read_as_tuple(expression, expected);
    }

    /// Makes type errors the results.
    pub(super) fn return_errors(&mut self, errors: &[Cell]) {
        errors.iter().for_each(|error| self.blame(*error));
        self.return_all(errors);
    }

    fn read_as_tuple(&mut self, expression: Cell, expected: Cell) {
        if expression.has_evaluated_elements() {
            self.call(expression.evaluated(), expected);
        } else {
            self.begin_elements(expression, Cell::NONE, expected);
        }
    }

    /// Reads an expression as a call of a function with an applicable type.
    fn evaluate_call(&mut self, expression: Cell, function: Cell) {
        let Some((address, length)) = function.slice() else { return };
        let mut returned = self.heap.get(address + length - 1);
        if returned == cell(symbols::EXPRESSION) {
            returned = cell(symbols::UNDEFINED);
        }
        self.begin_elements(expression, function, returned);
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
                    self.return_errors(&errors);
                    return;
                }
                Leaf::No => {
                    if let Some(value) = self.computed(element, parameter) {
                        self.heap.cells[(target + index) as usize] = value;
                        index += 1;
                        continue;
                    }
                    self.wait(Kind::Argument { expression, function, expected, block, index });
                    self.task = Task::Eval { term: element, expected: parameter };
                    return;
                }
            }
        }
        let call = self.finished_block(expression, function, source, target, length);
        self.call(call, expected);
    }

    /// The type with which element `index` is evaluated.
    fn parameter(&self, function: Cell, index: u32) -> Cell {
        match function.slice() {
            None => cell(symbols::UNDEFINED),
            // The head of a typed call: a symbol or operation has the type, a computed head must get it.
            Some(_) if index == 0 => function,
            // A type variable that the return type mentions stays open for the first argument: bound to
            // a metatype it does not keep that argument from being evaluated.
            Some((address, length)) if index == 1 => {
                let (parameter, returned) = (self.heap.get(address + 1), self.heap.get(address + length - 1));
                if parameter.is_reference() && self.heap.mentions(returned, parameter) {
                    parameter
                } else {
                    self.heap.deref(parameter)
                }
            }
            Some((address, _)) => self.heap.element(address, index),
        }
    }

    /// The evaluated expression. One that has not changed bears the mark of an evaluated one,
    /// which counts when it turns out not to be reducible either.
    fn finished_block(
        &mut self,
        expression: Cell,
        function: Cell,
        source: u32,
        target: u32,
        length: u32,
    ) -> Cell {
        let (mut same, mut unchanged) = (true, true);
        let mut ground = true;
        let mut inert = function == Cell::NONE;
        for i in 0..length {
            let value = self.heap.get(target + i);
            ground &= value.is_ground();
            inert &= value.is_inert_element();
            let element = self.heap.element(source, i);
            same &= value.same(element);
            // A marked value may be a copy, with bindings applied, of what it was.
            unchanged =
                unchanged && (value.same(element) || value.is_evaluated() && self.heap.equal(value, element));
        }
        let mut call = Cell::expression(target, length, ground);
        if same && self.heap.keep_marks(source, target, length) {
            call = expression;
            if self.heap.top() == target + length && self.heap.boundary <= target {
                self.heap.cells.truncate(target as usize);
            }
        }
        if unchanged {
            call = call.evaluated();
        }
        // A clause body is not known to be ground until its variables have values.
        if ground {
            call = call.grounded();
        }
        if inert { call.with_evaluated_elements() } else { call }
    }
}

/// How a term evaluates when nothing has to be reduced.
enum Leaf {
    Itself,
    Errors(Vec<Cell>),
    No,
}
