//! From a clause to instructions: slots, labels, templates, and the head.

use std::sync::Arc;

use metta_atom::SpaceId;

use super::asides::Aside;
use super::instr::*;
use super::{Compiled, Purpose, Template, first_argument};
use crate::machine::Machine;
use crate::program::clause::Clause;
use crate::program::{Head, NAMELESS};
use crate::terms::cell::{CODE, Cell, SymbolId, View};
use crate::terms::symbols;

/// Patterns and bodies that nest deeper than this are left to the general evaluator.
pub(super) const MOST_NESTING: u32 = 48;

/// A place in the code that is not known yet.
pub(super) type Label = u32;

/// The code of a clause would be too big, or needs what compiled code has not got.
pub(super) struct TooBig;

pub(super) type Outcome<T> = Result<T, TooBig>;

/// Where the value of an expression goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dest {
    /// It is the result of the activation.
    Tail,
    /// It is the result of the block.
    Block,
    Slot(Slot),
}

/// Compiles one clause.
pub(crate) struct Compiler<'m> {
    pub(super) machine: &'m mut Machine,
    pub(super) space: SpaceId,
    pub(super) clause: Arc<Clause>,
    /// Its number in the table of compiled clauses.
    pub(super) code: u32,
    pub(super) arity: u32,
    /// The instance of the type of the function that it is compiled for, or `NONE`.
    pub(super) instance: Cell,
    pub(super) purpose: Purpose,
    /// The `chain`s for whose variables slots stand.
    pub(super) chained: Vec<Cell>,
    /// The slots of `chain`s that the code is behind.
    pub(super) retired: Live,
    /// See [`Signature::lenient`](super::types::Signature): of the call whose arguments are looked at.
    pub(super) lenient: bool,
    /// The slot of each variable of the clause.
    pub(super) slots: Vec<Slot>,
    /// Slots that hold a value here.
    pub(super) assigned: Live,
    pub(super) known: [Known; MAX_SLOTS],
    first_temporary: u32,
    temporaries: Live,
    /// Temporaries that hold something where the activation can be left, so that it can come back there.
    spent: Live,
    size: u32,
    pub(super) start: usize,
    pub(super) labels: Vec<u32>,
    pub(super) asides: Vec<Aside>,
    assumed: Vec<(SymbolId, Arc<Head>)>,
    /// How often each variable occurs in the clause.
    pub(super) totals: Vec<u32>,
    /// Which of them only stand for elements of lists.
    elements: Vec<bool>,
    /// The types that the declaration of the function says variables have, `NONE` where it says nothing.
    pub(super) declared: Vec<Cell>,
    /// Declarations may have changed since the last check.
    pub(super) dirty: bool,
    /// Something was evaluated that can have several results.
    pub(super) forked: bool,
    /// Where it is noted whether the call was one that is evaluated.
    pub(super) kept: Option<Slot>,
    /// Variables that are made before the body is run.
    early: Vec<u32>,
    /// Variables that are made after something was evaluated: each of its results would get one of its own.
    late: Vec<u32>,
    pub(super) nesting: u32,
    /// The nodes whose types are looked at before they are evaluated, as arguments for any type.
    pub(super) judged: Vec<Cell>,
}

impl<'m> Compiler<'m> {
    /// Compiles a clause for calls of a symbol; `None` when it is left to the general evaluator.
    pub(crate) fn compile(
        machine: &mut Machine,
        space: SpaceId,
        clause: &Arc<Clause>,
        (symbol, arity, instance): (SymbolId, u32, Cell),
        code: u32,
    ) -> Option<Compiled> {
        let mut early = Vec::new();
        loop {
            match Compiler::compile_with(
                machine,
                space,
                clause,
                (symbol, arity, instance),
                code,
                early.clone(),
            ) {
                Err(late) => early.extend(late),
                Ok(compiled) => return compiled,
            }
        }
    }

    /// Compiles a clause with some variables made before its body runs; the error names others that must be.
    fn compile_with(
        machine: &'m mut Machine,
        space: SpaceId,
        clause: &Arc<Clause>,
        (symbol, arity, instance): (SymbolId, u32, Cell),
        code: u32,
        early: Vec<u32>,
    ) -> Result<Option<Compiled>, Vec<u32>> {
        let first_site = machine.code.sites.len();
        let first_query = machine.code.queries.len();
        let first_each = machine.code.eaches.len();
        let start = machine.code.instrs.len();
        let purpose = Purpose::of(instance);
        let mut compiler = Compiler {
            machine,
            space,
            clause: Arc::clone(clause),
            code,
            arity,
            instance: if purpose == Purpose::Evaluation { instance } else { Cell::NONE },
            purpose,
            chained: Vec::new(),
            retired: 0,
            lenient: false,
            slots: Vec::new(),
            assigned: 0,
            known: [Known::Nothing; MAX_SLOTS],
            first_temporary: 0,
            temporaries: 0,
            spent: 0,
            size: 0,
            start,
            labels: Vec::new(),
            asides: Vec::new(),
            assumed: Vec::new(),
            totals: Vec::new(),
            elements: Vec::new(),
            declared: Vec::new(),
            dirty: false,
            forked: false,
            kept: None,
            early,
            late: Vec::new(),
            nesting: 0,
            judged: Vec::new(),
        };
        match compiler.clause(symbol) {
            Ok(()) if compiler.late.iter().any(|local| !compiler.early.contains(local)) => {
                compiler.machine.code.instrs.truncate(start);
                compiler.machine.code.sites.truncate(first_site);
                compiler.machine.code.queries.truncate(first_query);
                compiler.machine.code.eaches.truncate(first_each);
                Err(compiler.late)
            }
            Ok(()) => {
                compiler.link();
                for site in &mut compiler.machine.code.sites[first_site..] {
                    site.size = compiler.size as u8;
                }
                for query in &mut compiler.machine.code.queries[first_query..] {
                    query.size = compiler.size as u8;
                }
                for each in &mut compiler.machine.code.eaches[first_each..] {
                    each.size = compiler.size as u8;
                }
                let stamp = compiler.machine.code.stamp;
                let (size, rule) = (compiler.size, compiler.clause.rule);
                let branches = compiler.calls_itself(symbol) > 1;
                let assumed = compiler.assumed.into();
                Ok(Some(Compiled {
                    pc: Some(start as u32),
                    stamp,
                    assumed,
                    size,
                    rule,
                    branches,
                    leaf: None,
                }))
            }
            Err(TooBig) => {
                compiler.machine.code.instrs.truncate(start);
                Ok(None)
            }
        }
    }

    fn clause(&mut self, symbol: SymbolId) -> Outcome<()> {
        let head = self.clause.head();
        let Some((address, length)) = head.slice() else { return Err(TooBig) };
        let first = first_argument(symbol);
        if length != self.arity + first {
            return Err(TooBig);
        }
        self.place_variables(address + first, self.arity)?;
        self.assigned = (2 << self.arity) - 1;
        // The head of a nameless rule only says where its variables are.
        let mut totals = if symbol == NAMELESS { vec![0; self.slots.len()] } else { self.occurrences(head) };
        self.count(self.clause.body(), &mut totals);
        self.totals = totals;
        self.elements = self.element_variables();
        self.declared = self.declared_variables(symbol);
        match self.machine.heap.get(address).view() {
            _ if first == 0 || symbol == NAMELESS => {}
            View::Symbol(id) if id == symbol => {}
            View::Local(local) => {
                let constant = self.constant(Cell::symbol(symbol));
                let slot = self.slots[local as usize];
                if self.is_assigned(slot) {
                    self.emit(Instr::MatchConstant { slot, constant });
                } else {
                    self.emit(Instr::Copy { to: slot, from: Operand::constant(constant) });
                    self.assign(slot, Known::Nothing);
                }
            }
            _ => return Err(TooBig),
        }
        for index in 0..self.arity {
            let pattern = self.machine.heap.get(address + first + index);
            self.match_argument(index as Slot + 1, pattern)?;
        }
        self.emit(Instr::Body);
        for local in self.early.clone() {
            self.fresh(local);
            self.assign(self.slot_of(local), Known::Nothing);
        }
        let root = self.clause.body();
        if symbol == NAMELESS {
            self.expression(root, Dest::Tail, Expected::Type(symbols::cell(symbols::UNDEFINED)))?;
        } else {
            self.body(root)?;
        }
        self.forked = false;
        self.emit_asides()
    }

    /// Gives every variable a slot: that of the argument that it is, or one of its own.
    fn place_variables(&mut self, address: u32, count: u32) -> Outcome<()> {
        let names = self.clause.names().len();
        let mut slots: Vec<Option<Slot>> = vec![None; names];
        if 1 + self.arity as usize + names > MAX_SLOTS - 8 {
            return Err(TooBig);
        }
        for index in 0..count {
            if let View::Local(local) = self.machine.heap.get(address + index).view() {
                let slot = &mut slots[local as usize];
                if slot.is_none() {
                    *slot = Some(index as Slot + 1);
                }
            }
        }
        let mut next = self.arity as Slot + 1;
        self.slots = slots
            .into_iter()
            .map(|slot| {
                slot.unwrap_or_else(|| {
                    next += 1;
                    next - 1
                })
            })
            .collect();
        self.first_temporary = u32::from(next);
        self.size = self.first_temporary;
        Ok(())
    }

    // Slots.

    pub(super) fn slot_of(&self, local: u32) -> Slot {
        self.slots[local as usize]
    }

    pub(super) fn is_assigned(&self, slot: Slot) -> bool {
        self.assigned >> slot & 1 == 1
    }

    pub(super) fn assign(&mut self, slot: Slot, known: Known) {
        self.assigned |= 1 << slot;
        self.known[usize::from(slot)] = known;
    }

    pub(super) fn temporary(&mut self) -> Outcome<Slot> {
        let taken = self.temporaries | self.spent;
        let slot = (self.first_temporary..MAX_SLOTS as u32).find(|slot| taken >> slot & 1 == 0);
        let slot = slot.ok_or(TooBig)?;
        self.temporaries |= 1 << slot;
        self.size = self.size.max(slot + 1);
        Ok(slot as Slot)
    }

    /// A slot that is not in use, for code aside.
    pub(super) fn spare(&mut self) -> Outcome<Slot> {
        let taken = self.assigned | self.spent;
        let mut free = self.first_temporary..MAX_SLOTS as u32;
        let slot = free.find(|slot| taken >> slot & 1 == 0).ok_or(TooBig)?;
        self.size = self.size.max(slot + 1);
        Ok(slot as Slot)
    }

    /// Forgets the temporaries made since `mark`, which [`Compiler::temporaries`] gave.
    pub(super) fn release(&mut self, mark: Live) {
        self.assigned &= !(self.temporaries & !mark);
        self.temporaries = mark;
    }

    pub(super) fn temporaries(&self) -> Live {
        self.temporaries
    }

    /// Gives the variables of a node values, if they have none.
    pub(super) fn ensure(&mut self, node: Cell) {
        for local in self.locals(node) {
            let slot = self.slot_of(local);
            if !self.is_assigned(slot) {
                self.fresh(local);
                self.assign(slot, Known::Nothing);
            }
        }
    }

    /// Reports whether a variable only stands for the elements of lists.
    pub(super) fn for_elements(&self, local: u32) -> bool {
        self.elements[local as usize]
    }

    /// Notes that the code goes on with a result of something that was evaluated elsewhere.
    pub(super) fn come_back(&mut self) {
        (self.dirty, self.forked) = (true, true);
    }

    fn fresh(&mut self, local: u32) {
        if self.forked {
            self.late.push(local);
        }
        let name = self.clause.names()[local as usize];
        let names = &mut self.machine.code.names;
        names.push(name);
        let name = names.len() as u32 - 1;
        let slot = self.slot_of(local);
        self.emit(Instr::Fresh { slot, name });
    }

    /// The variables of a node.
    pub(super) fn locals(&self, node: Cell) -> Vec<u32> {
        let mut found = Vec::new();
        let mut pending = vec![node];
        while let Some(node) = pending.pop() {
            match node.view() {
                View::Local(local) if !found.contains(&local) => found.push(local),
                View::Expression { length, .. } if !node.is_ground() => {
                    pending.extend((0..length).rev().map(|index| self.child(node, index)));
                }
                _ => {}
            }
        }
        found
    }

    // Nodes: cells of the clause.

    /// Element `index` of a node; the unit where the node has none, whose length then says so.
    pub(super) fn child(&self, node: Cell, index: u32) -> Cell {
        match node.slice() {
            Some((_, length)) if index >= length => Cell::UNIT,
            Some((address, _)) if address & CODE != 0 => self.machine.heap.get(address + index),
            Some((address, _)) => self.clause.body_cell(address + index),
            None => Cell::UNIT,
        }
    }

    pub(super) fn length(&self, node: Cell) -> u32 {
        node.slice().map_or(0, |(_, length)| length)
    }

    // Code.

    pub(super) fn emit(&mut self, instr: Instr) {
        self.machine.code.instrs.push(instr);
    }

    pub(super) fn label(&mut self) -> Label {
        self.labels.push(u32::MAX);
        self.labels.len() as Label - 1
    }

    /// The place of the next instruction.
    pub(super) fn place_in_code(&self) -> u32 {
        self.machine.code.instrs.len() as u32
    }

    pub(super) fn place(&mut self, label: Label) {
        self.labels[label as usize] = self.machine.code.instrs.len() as u32;
    }

    pub(super) fn constant(&mut self, cell: Cell) -> u32 {
        let constants = &mut self.machine.code.constants;
        let known = constants.iter().rev().take(64).position(|known| *known == cell);
        match known {
            Some(back) => (constants.len() - 1 - back) as u32,
            None => {
                constants.push(cell);
                constants.len() as u32 - 1
            }
        }
    }

    pub(super) fn constant_operand(&mut self, cell: Cell) -> Operand {
        Operand::constant(self.constant(cell))
    }

    pub(super) fn site(&mut self, site: Site) -> u32 {
        self.machine.code.sites.push(site);
        self.machine.code.sites.len() as u32 - 1
    }

    /// A site whose result goes to `dest`; with a slot it comes back at `resume`.
    pub(super) fn site_for(
        &mut self,
        task: Task,
        expected: Expected,
        dest: Dest,
        resume: Option<Label>,
        tuple: bool,
    ) -> u32 {
        self.spend();
        let resume = match dest {
            Dest::Tail => Resume::Tail,
            Dest::Block => Resume::Block,
            // A label for now.
            Dest::Slot(_) => Resume::At { pc: resume.unwrap_or(u32::MAX), live: self.assigned },
        };
        self.site(Site { tuple, ..Site::new(task, expected, resume) })
    }

    /// Notes that the activation can be left here.
    pub(super) fn spend(&mut self) {
        self.spent |= self.assigned;
    }

    // Templates.

    /// The template of a node whose variables have values.
    pub(super) fn template(&mut self, node: Cell) -> u32 {
        let start = self.machine.code.cells.len() as u32;
        let root = self.template_node(node, start);
        self.finish_template(start, root)
    }

    /// The template of a call in which some elements stand for what they were evaluated to.
    pub(super) fn call_template(&mut self, node: Cell, evaluated: &[(u32, Operand)]) -> u32 {
        let start = self.machine.code.cells.len() as u32;
        let length = self.length(node);
        for _ in 0..length {
            self.machine.code.cells.push(Cell::UNIT);
        }
        for index in 0..length {
            let cell = match evaluated.iter().find(|(known, _)| *known == index) {
                Some((_, operand)) => match operand.place() {
                    Ok(slot) => Cell::local(slot),
                    Err(constant) => self.machine.code.constants[constant as usize],
                },
                None => {
                    let child = self.child(node, index);
                    self.template_node(child, start)
                }
            };
            self.machine.code.cells[(start + index) as usize] = cell;
        }
        self.finish_template(start, Cell::expression(0, length, false))
    }

    pub(super) fn finish_template(&mut self, start: u32, root: Cell) -> u32 {
        let length = self.machine.code.cells.len() as u32 - start;
        self.machine.code.templates.push(Template { start, length, root });
        self.machine.code.templates.len() as u32 - 1
    }

    /// Adds the cells below a node; addresses count from `start`.
    pub(super) fn template_node(&mut self, node: Cell, start: u32) -> Cell {
        let mut pending: Vec<(Cell, u32)> = Vec::new();
        let root = self.template_cell(node, start, &mut pending);
        while let Some((node, place)) = pending.pop() {
            let cell = self.template_cell(node, start, &mut pending);
            self.machine.code.cells[place as usize] = cell;
        }
        root
    }

    fn template_cell(&mut self, node: Cell, start: u32, pending: &mut Vec<(Cell, u32)>) -> Cell {
        match node.view() {
            View::Local(local) => Cell::local(u32::from(self.slot_of(local))),
            View::Expression { length, .. } if !node.is_ground() => {
                let place = self.machine.code.cells.len() as u32;
                for index in 0..length {
                    self.machine.code.cells.push(Cell::UNIT);
                    pending.push((self.child(node, index), place + index));
                }
                Cell::expression(place - start, length, false)
            }
            _ => node,
        }
    }

    /// How often each of some variables occurs in a node.
    pub(super) fn occurrences(&self, node: Cell) -> Vec<u32> {
        let mut counts = vec![0; self.slots.len()];
        self.count(node, &mut counts);
        counts
    }

    fn count(&self, node: Cell, counts: &mut [u32]) {
        let mut pending = vec![node];
        while let Some(node) = pending.pop() {
            match node.view() {
                View::Local(local) => counts[local as usize] += 1,
                View::Expression { length, .. } if !node.is_ground() => {
                    pending.extend((0..length).map(|index| self.child(node, index)));
                }
                _ => {}
            }
        }
    }

    /// Gives values to the variables of nodes that also occur elsewhere in the clause.
    pub(super) fn ensure_shared(&mut self, nodes: &[Cell]) {
        let mut inside = vec![0; self.slots.len()];
        for node in nodes {
            self.count(*node, &mut inside);
        }
        for local in 0..self.slots.len() as u32 {
            let (inside, total) = (inside[local as usize], self.totals[local as usize]);
            let slot = self.slot_of(local);
            if inside > 0 && inside < total && !self.is_assigned(slot) && !self.for_elements(local) {
                self.fresh(local);
                self.assign(slot, Known::Nothing);
            }
        }
    }

    // What is taken for granted.

    /// What is declared about a symbol. The code is compiled again when that changes.
    pub(super) fn assume(&mut self, id: SymbolId) -> Arc<Head> {
        if let Some((_, head)) = self.assumed.iter().find(|(known, _)| *known == id) {
            return Arc::clone(head);
        }
        let head = self.machine.head_in(self.space, id);
        self.assumed.push((id, Arc::clone(&head)));
        head
    }
}
