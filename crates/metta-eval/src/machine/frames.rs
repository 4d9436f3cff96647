//! Continuations.

use metta_atom::SpaceId;

use crate::machine::{Machine, RuleId, Task};
use crate::terms::cell::{Cell, View};
use crate::terms::symbols::{self, cell};

/// Marks a frame that takes results as they come, without the check of an evaluation's exit.
pub(super) const RAW: u32 = u32::MAX;

/// Somebody who waits for a result.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) parent: u32,
    /// The number of choice points when the awaited evaluation began, or [`RAW`].
    pub(super) choices: u32,
    /// How many continuations wait for this one.
    pub(super) depth: u32,
    /// The rule that goes on with the result (M3).
    pub(super) rule: RuleId,
    /// The first slot behind the activations in use when the frame was made.
    pub(super) env: u32,
    pub(super) exit: Exit,
    pub(super) kind: Kind,
}

/// What the evaluation awaited by a frame has come to so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Exit {
    /// One alternative gave a result that is not an error.
    pub(super) succeeded: bool,
}

/// Who waits, and for what.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// The evaluation as a whole.
    Top,
    /// An expression waits for its element `index`. `function` is its type, `NONE` for a tuple.
    Argument {
        expression: Cell,
        function: Cell,
        expected: Cell,
        block: Cell,
        index: u32,
    },
    /// Code waits, to go on at a site in the activation at `base`.
    Code {
        site: u32,
        base: u32,
    },
    /// Like `Code`, for the term of a `case`.
    Cases {
        site: u32,
        base: u32,
        found: bool,
    },
    /// Like `Code`, for the answer of a call that is awaited under the number `note`.
    Tabled {
        site: u32,
        base: u32,
        note: u32,
    },
    /// A call whose rule ran instructions waits for their outcome.
    CallReturn {
        call: Cell,
        expected: Cell,
    },
    /// Passes a result on as the answer of a call that is awaited under the number `note`.
    Awaited {
        note: u32,
    },
    Chain {
        variable: Cell,
        template: Cell,
    },
    Function {
        call: Cell,
    },
    /// A `collapse` waits for the next result.
    Collapse,
    /// An evaluation within a limit waits for the next result.
    Limited,
    /// A `collapse-bind` waits for the next raw result; `position` is its choice point.
    CollapseBind {
        position: u32,
    },
    /// Passes a result to the parent, past the check at the parent's exit.
    Deliver,
    Case {
        call: Cell,
        cases: Cell,
        expected: Cell,
        found: bool,
    },
    /// The end of an evaluation in another space.
    Leave {
        space: SpaceId,
        context: SpaceId,
    },
    /// A load waits for the results of a form, or is in the midst of adding forms.
    Load {
        call: Cell,
        expected: Cell,
        last: Cell,
        more: bool,
    },
    /// `map-atom` waits for the instruction of element `index`.
    Map {
        call: Cell,
        block: Cell,
        index: u32,
        expected: Cell,
    },
    /// `filter-atom` waits for the verdict on element `index`; `kept` are those so far.
    Filter {
        call: Cell,
        kept: Cell,
        index: u32,
        expected: Cell,
    },
    /// `foldl-atom` waits for the accumulator after element `index`.
    Fold {
        call: Cell,
        index: u32,
        expected: Cell,
    },
    /// Code waits for the value of a template for element `index`, which goes into `block`.
    Mapped {
        each: u32,
        base: u32,
        block: Cell,
        index: u32,
    },
    /// Code waits for the verdict on element `index`, or for the accumulator behind it.
    Gathered {
        each: u32,
        base: u32,
        gathered: Cell,
        index: u32,
    },
    /// An assertion waits for the results of its first expression.
    Assert {
        call: Cell,
    },
    /// An assertion waits for the results of its second expression.
    AssertSecond {
        call: Cell,
        actual: Cell,
    },
    /// `assert` waits for its truth value.
    AssertTrue {
        call: Cell,
    },
}

impl Kind {
    /// A block that is being filled, and the element awaited for it.
    pub(super) fn block(&self) -> Option<(Cell, u32)> {
        match self {
            Kind::Argument { block, index, .. }
            | Kind::Map { block, index, .. }
            | Kind::Mapped { block, index, .. } => Some((*block, *index)),
            _ => None,
        }
    }

    /// The cells of a frame, for the collector.
    pub(super) fn cells(&mut self) -> [Option<&mut Cell>; 4] {
        match self {
            Kind::Top
            | Kind::Code { .. }
            | Kind::Cases { .. }
            | Kind::Tabled { .. }
            | Kind::Awaited { .. }
            | Kind::Collapse
            | Kind::Limited
            | Kind::CollapseBind { .. }
            | Kind::Deliver
            | Kind::Leave { .. } => [None, None, None, None],
            Kind::Argument { expression, function, expected, block, .. } => {
                [Some(expression), Some(function), Some(expected), Some(block)]
            }
            Kind::CallReturn { call, expected } | Kind::Fold { call, expected, .. } => {
                [Some(call), Some(expected), None, None]
            }
            Kind::Chain { variable, template } => [Some(variable), Some(template), None, None],
            Kind::Function { call } | Kind::Assert { call } | Kind::AssertTrue { call } => {
                [Some(call), None, None, None]
            }
            Kind::Load { call, expected, last, .. } => [Some(call), Some(expected), Some(last), None],
            Kind::Case { call, cases, expected, .. } => [Some(call), Some(cases), Some(expected), None],
            Kind::Map { call, block, expected, .. } => [Some(call), Some(block), Some(expected), None],
            Kind::Mapped { block: cell, .. } | Kind::Gathered { gathered: cell, .. } => {
                [Some(cell), None, None, None]
            }
            Kind::Filter { call, kept, expected, .. } => [Some(call), Some(kept), Some(expected), None],
            Kind::AssertSecond { call, actual } => [Some(call), Some(actual), None, None],
        }
    }
}

impl Machine {
    /// Makes a frame that waits for the results of an evaluation.
    #[inline]
    pub(super) fn wait(&mut self, kind: Kind) {
        self.push_frame(self.choices.len() as u32, kind);
    }

    /// Makes a frame that waits for raw results.
    pub(super) fn wait_raw(&mut self, kind: Kind) {
        self.push_frame(RAW, kind);
    }

    #[inline]
    fn push_frame(&mut self, choices: u32, kind: Kind) {
        let parent = self.frame;
        let depth = self.frames[parent as usize].depth + 1;
        self.frame = self.frames.len() as u32;
        let frame =
            Frame { parent, choices, depth, env: self.top, rule: self.rule, exit: Exit::default(), kind };
        self.frames.push(frame);
    }

    /// Leaves the current frame; its storage is freed unless a choice point may come back to it.
    #[inline]
    pub(super) fn leave_frame(&mut self) {
        let left = self.frame;
        let Frame { parent, rule, env, .. } = self.frames[left as usize];
        self.frame = parent;
        self.rule = rule;
        self.top = env;
        let kept = self.choices.last().map_or(0, |choice| choice.frames);
        if left >= kept {
            self.frames.truncate(left as usize);
        }
    }

    /// Gives a result to the current frame.
    ///
    /// An evaluation has no result `Empty`, and its errors count only when no
    /// alternative succeeds: they are held back while alternatives are left.
    pub(super) fn return_value(&mut self, value: Cell) {
        let frame = &mut self.frames[self.frame as usize];
        if frame.choices == RAW {
            return self.deliver(value);
        }
        if value == cell(symbols::EMPTY) {
            self.task = Task::Fail;
            return;
        }
        let alternatives = self.choices.len() as u32 > frame.choices;
        if !self.heap.is_error(value) {
            if alternatives {
                frame.exit.succeeded = true;
            }
            return self.deliver(value);
        }
        if frame.exit.succeeded {
            self.task = Task::Fail;
        } else if alternatives {
            self.hold_back(value);
            self.task = Task::Fail;
        } else {
            self.deliver(value);
        }
    }

    /// Lets the current frame go on with a result.
    pub(super) fn deliver(&mut self, value: Cell) {
        let kind = self.frames[self.frame as usize].kind;
        match kind {
            Kind::Top => return self.report(value),
            Kind::Collapse => return self.collect_result(value),
            Kind::Limited => return self.collect_limited(value),
            Kind::CollapseBind { position } => return self.collect_pair(position, value),
            Kind::Case { .. } | Kind::Cases { .. } => return self.case_result(value),
            Kind::Tabled { note, .. } | Kind::Awaited { note } => {
                self.note_answer(note, value);
                self.leave_frame();
            }
            _ => self.leave_frame(),
        }
        match kind {
            Kind::Argument { expression, function, expected, block, index } => {
                self.argument_result(expression, function, expected, block, index, value);
            }
            Kind::CallReturn { call, expected } => self.finish_call(call, expected, value),
            Kind::Code { site, base } | Kind::Tabled { site, base, .. } => {
                self.acc = value;
                self.task = Task::Run { pc: self.resume_at(site), base };
            }
            Kind::Awaited { .. } => self.pass_on(value),
            Kind::Chain { variable, template } => self.chain_result(variable, template, value),
            Kind::Function { call } => self.function_result(call, value),
            Kind::Load { call, expected, last, more: true } => self.load_step(call, expected, last),
            Kind::Load { call, expected, .. } => self.load_result(call, expected, value),
            Kind::Leave { space, context } => {
                (self.space, self.context) = (space, context);
                self.pass_on(value);
            }
            Kind::Map { call, block, index, expected } => {
                self.map_result(call, block, index, expected, value)
            }
            Kind::Filter { call, kept, index, expected } => {
                self.filter_result(call, kept, index, expected, value)
            }
            Kind::Mapped { each, base, block, index } => self.map_value(each, base, block, index, value),
            Kind::Gathered { each, base, gathered, index } => {
                self.gathered_value(each, base, gathered, index, value);
            }
            Kind::Fold { call, index, expected } => self.fold_step(call, index + 1, expected, value),
            Kind::Assert { call } => self.assert_first(call, value),
            Kind::AssertSecond { call, actual } => self.assert_second(call, actual, value),
            Kind::AssertTrue { call } => self.assert_true(call, value),
            Kind::Deliver => self.task = Task::Deliver(value),
            Kind::Top
            | Kind::Collapse
            | Kind::Limited
            | Kind::CollapseBind { .. }
            | Kind::Case { .. }
            | Kind::Cases { .. } => {}
        }
    }

    /// Gives a result that passed the exit of its evaluation to the next frame.
    fn pass_on(&mut self, value: Cell) {
        // An `Empty` that gets here is a literal one: see `eval`.
        let literal = value == cell(symbols::EMPTY);
        self.task = if literal { Task::Deliver(value) } else { Task::Return(value) };
    }

    /// Reports a result of the whole evaluation.
    fn report(&mut self, value: Cell) {
        if let Some(limit) = self.limits.results
            && self.n_results >= limit
        {
            self.failure = Some(crate::EvalError::TooManyResults { limit });
            return;
        }
        if self.heap.is_error(value) {
            self.note_fault(value);
        }
        let before = self.names.made;
        let atom = self.export(value);
        if self.failure.is_some() {
            // It is no result (U1).
            return;
        }
        let made = self.names.made - before;
        self.work += made;
        self.result_bytes += made * size_of::<metta_atom::Atom>() as u64;
        self.results.push(atom);
        self.n_results += 1;
        self.task = Task::Fail;
    }

    /// An element of an expression is known: stop at an error, else go on to the next.
    fn argument_result(
        &mut self,
        expression: Cell,
        function: Cell,
        expected: Cell,
        block: Cell,
        index: u32,
        value: Cell,
    ) {
        let (View::Expression { address: source, .. }, View::Expression { address: target, .. }) =
            (expression.view(), block.view())
        else {
            return;
        };
        if self.heap.is_error(value) {
            // An argument that literally is the error is passed on; a tuple never holds one.
            let argument = self.heap.element(source, index);
            if function == Cell::NONE || !self.heap.equal(value, argument) {
                self.task = Task::Return(value);
                return;
            }
        }
        self.heap.cells[(target + index) as usize] = value;
        self.evaluate_elements(expression, function, expected, block, index + 1);
    }
}
