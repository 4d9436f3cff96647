//! Asides: what is rare stands behind the code of a clause, and goes back into it.

use super::compiler::{Compiler, Dest, Label, Outcome};
use super::instr::*;
use crate::terms::cell::Cell;
use crate::terms::symbols;

/// Instructions to be placed behind the others, for what is rare.
pub(super) struct Aside {
    label: Label,
    assigned: Live,
    work: Work,
}

pub(super) enum Work {
    /// Does it in the general way: some elements of a call may have been evaluated. The variables of what was
    /// not evaluated get values first.
    General { site: Site, node: Cell, evaluated: Option<Vec<(u32, Operand)>>, resume: Option<Label> },
    /// Takes the result of something done in the general way, and goes on. An error that is what
    /// the slot `from` holds is a value like any other.
    Resume { to: Slot, from: Option<Slot>, join: Label },
    /// Evaluates the value of a binding in the general way.
    Value { value: Cell, to: Slot, join: Label },
    /// Runs an instruction in the general way, or goes on with the value of a slot as what the body of a `function`
    /// came to.
    Exec { node: Cell, value: Option<Slot>, to: Slot, join: Label },
    /// Looks a pattern up in the space that a slot holds.
    Space { slot: Slot, pattern: Cell, join: Label },
    /// Binds a variable to a pattern.
    Pattern { slot: Slot, pattern: Cell, join: Label },
}

impl Compiler<'_> {
    /// Where the result of something that leaves the activation is taken up, to go on at `join`.
    pub(super) fn resume(&mut self, to: Slot, join: Label) -> Label {
        self.aside(Work::Resume { to, from: None, join })
    }

    /// Like [`Compiler::resume`] for what the slot `from` was evaluated to.
    pub(super) fn resume_argument(&mut self, to: Slot, from: Slot, join: Label) -> Label {
        self.aside(Work::Resume { to, from: Some(from), join })
    }

    /// Where the value of a binding is evaluated in the general way.
    pub(super) fn otherwise_value(&mut self, value: Cell, to: Slot, join: Label) -> Label {
        self.aside(Work::Value { value, to, join })
    }

    /// Where the value of a slot is a space in which a pattern is looked up.
    pub(super) fn otherwise_space(&mut self, slot: Slot, pattern: Cell, join: Label) -> Label {
        self.aside(Work::Space { slot, pattern, join })
    }

    /// Where a variable that meets a pattern is bound to it.
    pub(super) fn bind_pattern(&mut self, slot: Slot, pattern: Cell, join: Label) -> Label {
        self.aside(Work::Pattern { slot, pattern, join })
    }

    /// Like [`Compiler::bind_pattern`], at a label of the head, where nothing has been left yet.
    pub(super) fn build_for_variable(&mut self, label: Label, slot: Slot, pattern: Cell, join: Label) {
        let work = Work::Pattern { slot, pattern, join };
        self.asides.push(Aside { label, assigned: self.assigned, work });
    }

    /// Where an instruction is run in the general way; what it comes to goes to a slot.
    pub(super) fn otherwise_exec(&mut self, node: Cell, to: Slot, join: Label) -> Label {
        self.aside(Work::Exec { node, value: None, to, join })
    }

    /// Where the `function` that is a call goes on with the value of a slot; what it returns goes there.
    pub(super) fn otherwise_steps(&mut self, call: Cell, slot: Slot, join: Label) -> Label {
        self.aside(Work::Exec { node: call, value: Some(slot), to: slot, join })
    }

    /// Where an operand is what the instructions that are a call came to.
    pub(super) fn otherwise_outcome(
        &mut self,
        value: Operand,
        call: Cell,
        expected: Expected,
        dest: Dest,
        resume: Option<Label>,
    ) -> Label {
        self.otherwise_call(Task::Outcome(value), call, Vec::new(), expected, dest, resume)
    }

    fn aside(&mut self, work: Work) -> Label {
        self.spend();
        let label = self.label();
        self.asides.push(Aside { label, assigned: self.assigned, work });
        label
    }

    /// Where an expression is evaluated in the general way.
    pub(super) fn otherwise(
        &mut self,
        node: Cell,
        expected: Expected,
        dest: Dest,
        resume: Option<Label>,
    ) -> Label {
        let judged = self.judged.contains(&node);
        let site = Site { judged, ..Site::new(Task::Evaluate, expected, to_label(dest)) };
        self.aside_general(site, node, None, resume)
    }

    /// Where a call with some evaluated elements is done in the general way.
    pub(super) fn otherwise_call(
        &mut self,
        task: Task,
        node: Cell,
        evaluated: Vec<(u32, Operand)>,
        expected: Expected,
        dest: Dest,
        resume: Option<Label>,
    ) -> Label {
        // Types of what parts of it have become say nothing.
        let leaves = evaluated.iter().all(|(index, _)| self.length(self.child(node, *index)) == 0);
        let judged = leaves && self.judged.contains(&node);
        let site = Site { judged, ..Site::new(task, expected, to_label(dest)) };
        self.aside_general(site, node, Some(evaluated), resume)
    }

    fn aside_general(
        &mut self,
        site: Site,
        node: Cell,
        evaluated: Option<Vec<(u32, Operand)>>,
        resume: Option<Label>,
    ) -> Label {
        self.aside(Work::General { site: Site { tuple: true, ..site }, node, evaluated, resume })
    }

    pub(super) fn emit_asides(&mut self) -> Outcome<()> {
        while let Some(Aside { label, assigned, work }) = self.asides.pop() {
            self.place(label);
            self.assigned = assigned;
            match work {
                Work::Resume { to, from, join } => {
                    match from {
                        None => self.emit(Instr::Result { to }),
                        Some(from) => self.emit(Instr::ResultOf { to, from }),
                    }
                    self.emit(Instr::Jump { to: join });
                }
                Work::Value { value, to, join } => self.emit_value(value, to, join)?,
                Work::Space { slot, pattern, join } => self.emit_space(slot, pattern, join)?,
                Work::Pattern { slot, pattern, join } => {
                    self.ensure(pattern);
                    let template = self.template(pattern);
                    let to = self.spare()?;
                    self.emit(Instr::Build { to, template });
                    self.emit(Instr::MatchSame { slot, with: to });
                    self.emit(Instr::Jump { to: join });
                }
                Work::Exec { node, value, to, join } => self.emit_exec(node, value, to, join)?,
                Work::General { mut site, node, evaluated, resume } => {
                    let whole = matches!(site.task, Task::Outcome(_));
                    // Nothing of an instruction was evaluated before it was run.
                    if whole && node != self.clause.head() {
                        site.keeps = Keeps::Straight;
                    }
                    if (whole || matches!(site.task, Task::ResultOf(_)))
                        && node == self.clause.head()
                        && let Some(slot) = self.kept
                    {
                        site.keeps = Keeps::Noted(slot);
                    }
                    let hidden = self.unchain(node, whole)?;
                    site.template = match evaluated {
                        Some(evaluated) => {
                            let known = |index: &u32| evaluated.iter().any(|(known, _)| known == index);
                            for index in (0..self.length(node)).filter(|index| !known(index)) {
                                self.ensure(self.child(node, index));
                            }
                            self.call_template(node, &evaluated)
                        }
                        None => {
                            self.ensure(node);
                            self.template(node)
                        }
                    };
                    self.chain_again(hidden);
                    if let Resume::At { pc, live } = &mut site.resume {
                        *pc = resume.unwrap_or(u32::MAX);
                        *live = self.assigned;
                    }
                    let site = self.site(site);
                    self.emit(Instr::General { site });
                }
            }
        }
        Ok(())
    }

    fn emit_exec(&mut self, node: Cell, value: Option<Slot>, to: Slot, join: Label) -> Outcome<()> {
        let hidden = self.unchain(node, value.is_some())?;
        self.ensure(node);
        let template = self.template(node);
        self.chain_again(hidden);
        let resume = self.label();
        let task = value.map_or(Task::Exec, |slot| Task::Steps(Operand::slot(slot)));
        let resume_at = Resume::At { pc: resume, live: self.assigned };
        let site = self.site(Site { template, ..Site::new(task, Expected::Type(Cell::NONE), resume_at) });
        self.emit(Instr::Exec { site });
        self.place(resume);
        self.emit(Instr::Take { to });
        self.emit(Instr::Jump { to: join });
        Ok(())
    }

    /// `(let $value value (quote $value))` in the general way: it judges the value as a binding does,
    /// and an error that is passed on as a value stays one.
    fn emit_value(&mut self, value: Cell, to: Slot, join: Label) -> Outcome<()> {
        self.ensure(value);
        let variable = self.spare()?;
        self.machine.code.names.push(symbols::VARIABLE);
        let name = self.machine.code.names.len() as u32 - 1;
        self.emit(Instr::Fresh { slot: variable, name });
        let variable = Cell::local(u32::from(variable));
        self.emit_let([variable, value, variable], Some(1), to, join)
    }

    /// `(let pattern space ())` in the general way.
    fn emit_space(&mut self, slot: Slot, pattern: Cell, join: Label) -> Outcome<()> {
        self.ensure(pattern);
        let space = Cell::local(u32::from(slot));
        let to = self.spare()?;
        self.emit_let([pattern, space, Cell::UNIT], Some(0), to, join)
    }

    /// Evaluates a `let` of which one part is a node and the others are cells of a template.
    fn emit_let(&mut self, parts: [Cell; 3], node: Option<usize>, to: Slot, join: Label) -> Outcome<()> {
        let start = self.machine.code.cells.len() as u32;
        let head = Cell::symbol(self.machine.heap.symbols.intern("let"));
        self.machine.code.cells.extend_from_slice(&[head, Cell::UNIT, Cell::UNIT, Cell::UNIT]);
        for (index, part) in parts.into_iter().enumerate() {
            let cell = if Some(index) == node { self.template_node(part, start) } else { part };
            self.machine.code.cells[start as usize + 1 + index] = cell;
        }
        if node == Some(1) {
            let place = self.machine.code.cells.len() as u32 - start;
            self.machine.code.cells.extend_from_slice(&[symbols::cell(symbols::QUOTE), parts[2]]);
            self.machine.code.cells[start as usize + 3] = Cell::expression(place, 2, false);
        }
        let template = self.finish_template(start, Cell::expression(0, 4, false));
        let resume = self.label();
        let expected = Expected::Type(symbols::cell(symbols::UNDEFINED));
        let live = self.assigned;
        let task = if node == Some(0) { Task::Call } else { Task::Evaluate };
        let site = Site { template, ..Site::new(task, expected, Resume::At { pc: resume, live }) };
        let site = self.site(site);
        self.emit(Instr::General { site });
        self.place(resume);
        self.emit(Instr::Result { to });
        if node == Some(1) {
            self.emit(Instr::Element { from: to, index: 1, to });
        }
        self.emit(Instr::Jump { to: join });
        Ok(())
    }
}

/// Where the result of something with a destination goes. The place in the code is not known yet.
fn to_label(dest: Dest) -> Resume {
    match dest {
        Dest::Tail => Resume::Tail,
        Dest::Block => Resume::Block,
        Dest::Slot(_) => Resume::At { pc: u32::MAX, live: 0 },
    }
}
