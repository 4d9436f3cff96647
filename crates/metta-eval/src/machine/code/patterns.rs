//! The slots of activations, patterns, and terms that are built.

use crate::code::{Instr, Operand, WHOLE};
use crate::machine::Machine;
use crate::terms::cell::{Cell, View};

/// What an instruction of a pattern came to.
pub(in crate::machine) enum Matched {
    Yes,
    No,
    /// The pattern ends here.
    Body,
    /// The value is an unbound variable: go on there.
    Variable(u32),
}

impl Machine {
    #[inline(always)]
    pub(in crate::machine) fn slot(&self, base: u32, slot: u8) -> Cell {
        self.env[base as usize + usize::from(slot)]
    }

    #[inline(always)]
    pub(in crate::machine) fn set_slot(&mut self, base: u32, slot: u8, value: Cell) {
        self.env[base as usize + usize::from(slot)] = value;
    }

    /// The value of an operand, dereferenced.
    #[inline(always)]
    pub(in crate::machine) fn operand(&self, base: u32, operand: Operand) -> Cell {
        match operand.place() {
            Ok(slot) => self.heap.deref(self.env[(base + slot) as usize]),
            Err(constant) => self.code.constants[constant as usize],
        }
    }

    /// Matches a head; the place of the body if it matches.
    #[inline]
    pub(in crate::machine) fn match_head(&mut self, mut pc: u32, base: u32) -> Option<u32> {
        loop {
            let at = pc;
            pc += 1;
            match self.match_step(at, base) {
                Matched::Yes => {}
                Matched::No => return None,
                Matched::Body => return Some(pc),
                Matched::Variable(to) => pc = to,
            }
        }
    }

    /// The instruction at `at`, one of a pattern. Its parts are read where they are needed.
    #[inline(always)]
    fn match_step(&mut self, at: u32, base: u32) -> Matched {
        match self.code.instrs[at as usize] {
            Instr::Body => Matched::Body,
            Instr::Jump { to } => Matched::Variable(to),
            Instr::MatchConstant { slot, constant } => {
                let value = self.heap.deref(self.slot(base, slot));
                self.match_constant(value, constant)
            }
            Instr::ElementConstant { from, index, constant } => {
                let Some((address, _)) = self.heap.deref(self.slot(base, from)).slice() else {
                    return Matched::No;
                };
                let value = self.heap.element(address, u32::from(index));
                self.match_constant(value, constant)
            }
            Instr::Element { from, index, to } => {
                let Some((address, _)) = self.heap.deref(self.slot(base, from)).slice() else {
                    return Matched::No;
                };
                let value = self.heap.element(address, u32::from(index));
                self.set_slot(base, to, value);
                Matched::Yes
            }
            Instr::Elements { from, first, to, count } => {
                let Some((address, _)) = self.heap.deref(self.slot(base, from)).slice() else {
                    return Matched::No;
                };
                let elements = self.heap.slice(address + u32::from(first), u32::from(count));
                let slots = self.env[(base + u32::from(to)) as usize..].iter_mut();
                for (slot, element) in slots.zip(elements) {
                    *slot = self.heap.deref(*element);
                }
                Matched::Yes
            }
            Instr::MatchHead { slot, length, head, variable } => {
                let value = self.heap.deref(self.slot(base, slot));
                match value.slice() {
                    Some((address, found)) if found == u32::from(length) => {
                        self.match_constant(self.heap.element(address, 0), head)
                    }
                    None if value.is_reference() => Matched::Variable(variable),
                    _ => Matched::No,
                }
            }
            Instr::MatchParts { slot, length, to, count, head, variable } => {
                let value = self.heap.deref(self.slot(base, slot));
                match value.slice() {
                    Some((address, found)) if found == u32::from(length) => {
                        self.match_parts(address, head, (base + u32::from(to), u32::from(count)))
                    }
                    None if value.is_reference() => Matched::Variable(variable),
                    _ => Matched::No,
                }
            }
            Instr::MatchExpression { slot, length, variable } => {
                match self.heap.deref(self.slot(base, slot)).view() {
                    View::Expression { length: found, .. } if found == length => Matched::Yes,
                    View::Ref(_) => Matched::Variable(variable),
                    _ => Matched::No,
                }
            }
            Instr::MatchSame { slot, with } => {
                let (a, b) = (self.slot(base, slot), self.slot(base, with));
                if self.heap.unify_quickly(a, b) { Matched::Yes } else { Matched::No }
            }
            Instr::Copy { to, from } => {
                let value = self.operand(base, from);
                self.set_slot(base, to, value);
                Matched::Yes
            }
            Instr::Fresh { slot, name } => {
                let variable = self.heap.new_variable(self.code.names[name as usize], false);
                self.set_slot(base, slot, variable);
                Matched::Yes
            }
            Instr::Build { to, template } => {
                let built = self.build(base, template);
                self.set_slot(base, to, built);
                Matched::Yes
            }
            _ => Matched::No,
        }
    }

    /// Matches the head of an expression, and takes some elements behind it to slots.
    #[inline(always)]
    fn match_parts(&mut self, address: u32, head: u32, (to, count): (u32, u32)) -> Matched {
        let elements = self.heap.slice(address, count + 1);
        if elements[0] != self.code.constants[head as usize] {
            let first = self.heap.deref(elements[0]);
            if !matches!(self.match_constant(first, head), Matched::Yes) {
                return Matched::No;
            }
        }
        let elements = &self.heap.slice(address, count + 1)[1..];
        for (slot, element) in self.env[to as usize..].iter_mut().zip(elements) {
            *slot = self.heap.deref(*element);
        }
        Matched::Yes
    }

    #[inline(always)]
    fn match_constant(&mut self, value: Cell, constant: u32) -> Matched {
        let constant = self.code.constants[constant as usize];
        let told = value.is_canonical() && constant.is_canonical();
        if value == constant || !told && self.heap.unify(value, constant) {
            Matched::Yes
        } else {
            Matched::No
        }
    }

    /// Reports whether a value, or an element of it, is known not to match a pattern: see [`Instr::Skip`].
    #[inline]
    pub(super) fn differs(&self, value: Cell, element: u8, length: u32, head: u32) -> bool {
        let value = match value.slice() {
            _ if element == WHOLE => value,
            Some((address, length)) if u32::from(element) < length => {
                self.heap.element(address, u32::from(element))
            }
            _ => return false,
        };
        let head = self.code.constants[head as usize];
        match value.slice() {
            Some((address, found)) => {
                let first = if found > 0 { self.heap.element(address, 0) } else { head };
                found != length || first != head && first.is_canonical()
            }
            None => value.is_canonical() && (length > 0 || value != head),
        }
    }

    /// Builds a term from the slots of an activation.
    pub(in crate::machine) fn build(&mut self, base: u32, template: u32) -> Cell {
        let template = self.code.templates[template as usize];
        let offset = self.heap.top();
        for index in template.start..template.start + template.length {
            let cell = self.code.cells[index as usize];
            let built = self.placed(cell, base, offset);
            self.heap.cells.push(built);
        }
        self.placed(template.root, base, offset)
    }

    /// The value of a tuple of leaves without variables, if it has no type and no rule is for it.
    pub(super) fn settled_leaves(&mut self, tuple: Cell) -> Option<Cell> {
        let elements = self.heap.elements(tuple)?;
        let leaf = |cell: &Cell| !cell.is_expression() && cell.is_ground() && cell.is_inert_element();
        if !elements.iter().all(leaf) {
            return None;
        }
        let value = tuple.grounded().with_evaluated_elements();
        self.is_inert(value).then(|| value.evaluated())
    }

    #[inline(always)]
    pub(in crate::machine) fn placed(&self, cell: Cell, base: u32, offset: u32) -> Cell {
        match cell.view() {
            View::Local(slot) => self.heap.deref(self.env[(base + slot) as usize]),
            View::Expression { address, .. }
                if address & crate::terms::cell::CODE == 0 && !cell.is_ground() =>
            {
                cell.with_address(address + offset)
            }
            _ => cell,
        }
    }

    /// Matches the pattern at `pc`; the place behind it if it matches, else nothing is bound.
    #[inline]
    pub(super) fn try_pattern(&mut self, pc: u32, base: u32) -> Option<u32> {
        let boundary = std::mem::replace(&mut self.heap.boundary, u32::MAX);
        let mark = self.heap.trail.len();
        let body = self.match_head(pc, base);
        self.heap.boundary = boundary;
        match body {
            Some(_) if self.heap.trail.len() > mark => self.heap.tidy_trail(mark),
            Some(_) => {}
            None => self.heap.undo(mark),
        }
        body
    }

    /// An instruction of a pattern outside of a head.
    pub(super) fn match_in_body(&mut self, at: u32, base: u32) -> Matched {
        let boundary = std::mem::replace(&mut self.heap.boundary, u32::MAX);
        let mark = self.heap.trail.len();
        let matched = self.match_step(at, base);
        self.heap.boundary = boundary;
        if self.heap.trail.len() > mark {
            self.heap.tidy_trail(mark);
        }
        matched
    }
}
