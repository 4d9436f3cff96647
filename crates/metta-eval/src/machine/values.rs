//! Native functions that evaluate parts of their arguments: lists, narrowing.

use metta_atom::SpaceId;

use crate::library::Call;
use crate::machine::frames::Kind;
use crate::machine::{Machine, Task};
use crate::terms::cell::{Cell, View};
use crate::terms::symbols::{self, cell};

impl Machine {
    /// Equality as `==` has it: structural; states are equal when their contents are.
    pub(crate) fn equal(&self, a: Cell, b: Cell) -> bool {
        self.heap.equal(a, b)
    }

    /// Makes alternatives that bind a variable to a value each and go on with a result of the call.
    pub(crate) fn narrow(&mut self, call: Call, variable: Cell, alternatives: &[(Cell, Cell)]) {
        self.return_to(call);
        self.choose_bindings(variable, alternatives);
    }

    /// Makes alternatives that bind a variable to the first of a pair and return the second.
    fn choose_bindings(&mut self, variable: Cell, alternatives: &[(Cell, Cell)]) {
        let mut pairs = Vec::new();
        for (value, result) in alternatives {
            let address = self.heap.top();
            self.heap.cells.extend_from_slice(&[variable, *value]);
            let pair = self.heap.expression(&[*result, Cell::bindings(address, 2)]);
            pairs.push(pair);
        }
        let list = self.heap.expression(&pairs);
        self.choose_pairs(list);
    }

    /// Makes results that come next the results of `call`.
    pub(super) fn return_to(&mut self, call: Call) {
        if call.expected != Cell::NONE {
            self.wait_raw(Kind::CallReturn { call: call.term, expected: call.expected });
        }
    }

    /// Evaluates a term in a module; its results are results of `call`.
    pub(crate) fn evaluate_apart(&mut self, call: Call, term: Cell, module: SpaceId) {
        self.return_to(call);
        self.wait(Kind::Leave { space: self.space, context: self.context });
        (self.space, self.context) = (module, module);
        self.current.stray();
        self.task = Task::Eval { term, expected: cell(symbols::UNDEFINED) };
    }

    pub(super) fn argument_of(&self, call: Cell, index: u32) -> Cell {
        match call.slice() {
            Some((address, length)) if index + 1 < length => self.heap.element(address, index + 1),
            _ => Cell::UNIT,
        }
    }

    /// Element `index` of the list that is the first argument.
    fn list_element(&self, call: Cell, index: u32) -> Option<Cell> {
        let (address, length) = self.argument_of(call, 0).slice()?;
        (index < length).then(|| self.heap.element(address, index))
    }

    /// A template with values for some variables and new names for all others.
    fn instance(&mut self, template: Cell, values: &[(Cell, Cell)]) -> Cell {
        let mut replaced = values.to_vec();
        for variable in self.heap.variables(template) {
            if !values.iter().any(|(known, _)| *known == variable) {
                let renamed = self.heap.renamed(variable);
                replaced.push((variable, renamed));
            }
        }
        self.heap.substituted(template, &replaced)
    }

    pub(crate) fn begin_map(&mut self, call: Call) {
        let length = self.argument_of(call.term, 0).slice().map_or(0, |(_, length)| length);
        let address = self.heap.allocate(length);
        self.map_step(call.term, Cell::expression(address, length, false), 0, call.expected);
    }

    /// Instantiates the template for the elements from `index` on; instructions are run at once.
    fn map_step(&mut self, call: Cell, block: Cell, mut index: u32, expected: Cell) {
        let (variable, template) = (self.argument_of(call, 1), self.argument_of(call, 2));
        let Some((target, _)) = block.slice() else { return };
        while let Some(element) = self.list_element(call, index) {
            let mapped = self.instance(template, &[(variable, element)]);
            if self.instruction(mapped).is_some() {
                self.wait_raw(Kind::Map { call, block, index, expected });
                self.task = Task::Exec(mapped);
                return;
            }
            self.heap.cells[(target + index) as usize] = mapped;
            index += 1;
        }
        self.finish_call(call, expected, block);
    }

    pub(super) fn map_result(&mut self, call: Cell, block: Cell, index: u32, expected: Cell, value: Cell) {
        if let Some((target, _)) = block.slice() {
            self.heap.cells[(target + index) as usize] = value;
        }
        self.map_step(call, block, index + 1, expected);
    }

    pub(crate) fn begin_filter(&mut self, call: Call) {
        self.filter_step(call.term, Cell::UNIT, 0, call.expected);
    }

    /// Asks for the verdict on element `index`. `kept` links the elements kept so far, newest first.
    fn filter_step(&mut self, call: Cell, kept: Cell, index: u32, expected: Cell) {
        let (variable, predicate) = (self.argument_of(call, 1), self.argument_of(call, 2));
        match self.list_element(call, index) {
            Some(element) => {
                let term = self.instance(predicate, &[(variable, element)]);
                self.wait(Kind::Filter { call, kept, index, expected });
                self.task = Task::Eval { term, expected: cell(symbols::UNDEFINED) };
            }
            None => {
                let list = self.linked(kept);
                self.finish_call(call, expected, list);
            }
        }
    }

    pub(super) fn filter_result(
        &mut self,
        call: Cell,
        kept: Cell,
        index: u32,
        expected: Cell,
        verdict: Cell,
    ) {
        match verdict.view() {
            View::Bool(true) => {
                let element = self.list_element(call, index).unwrap_or(Cell::UNIT);
                let kept = self.heap.expression(&[element, kept]);
                self.filter_step(call, kept, index + 1, expected);
            }
            View::Bool(false) => self.filter_step(call, kept, index + 1, expected),
            _ if self.heap.is_error(verdict) => self.finish_call(call, expected, verdict),
            // An open verdict is either, as it is for `if`.
            View::Ref(_) => {
                self.wait_raw(Kind::Filter { call, kept, index, expected });
                self.choose_verdict(verdict);
            }
            _ => {
                let reason = cell(symbols::NO_RETURN);
                let error = self.error(call, reason);
                self.finish_call(call, expected, error);
            }
        }
    }

    /// Makes alternatives of a verdict that is a variable.
    pub(super) fn choose_verdict(&mut self, verdict: Cell) {
        let verdicts = [true, false].map(|value| (Cell::bool(value), Cell::bool(value)));
        self.choose_bindings(verdict, &verdicts);
    }

    /// The elements of a linked list, oldest first.
    pub(super) fn linked(&mut self, mut link: Cell) -> Cell {
        let mut elements = Vec::new();
        while let Some((address, 2)) = link.slice() {
            elements.push(self.heap.element(address, 0));
            link = self.heap.element(address, 1);
        }
        elements.reverse();
        self.heap.expression(&elements)
    }

    pub(crate) fn begin_fold(&mut self, call: Call) {
        let first = self.argument_of(call.term, 1);
        self.fold_step(call.term, 0, call.expected, first);
    }

    /// Folds element `index` into the accumulator.
    pub(super) fn fold_step(&mut self, call: Cell, index: u32, expected: Cell, accumulator: Cell) {
        let Some(element) = self.list_element(call, index) else {
            self.finish_call(call, expected, accumulator);
            return;
        };
        let variables = (self.argument_of(call, 2), self.argument_of(call, 3));
        let operation = self.argument_of(call, 4);
        let term = self.instance(operation, &[(variables.0, accumulator), (variables.1, element)]);
        self.wait(Kind::Fold { call, index, expected });
        self.eval_in(self.context, term, cell(symbols::UNDEFINED));
    }
}
