//! Queries of compiled clauses: `match` on a table of facts.

use std::ops::Range;

use metta_atom::SpaceId;

use crate::Effect;
use crate::code::{Column, Live, Query, Template};
use crate::facts::{self, At, Look, Path, Stored};
use crate::machine::choices::Alternatives;
use crate::machine::code::Next;
use crate::machine::{Machine, Task};
use crate::terms::cell::{CODE, Cell, View};
use crate::terms::heap::Heap;

/// Facts that are tried in a row before limits are looked at.
const PORTION: u32 = 1024;

/// The pattern of a query with what the slots of the activation hold, as far as they hold something.
struct Pattern<'a> {
    heap: &'a Heap,
    cells: &'a [Cell],
    constants: &'a [Cell],
    template: Template,
    /// What is asked of the arguments, where none has to be taken apart.
    columns: &'a [Column],
    slots: &'a [Cell],
    bound: Live,
    wanted: Option<u8>,
}

/// A part of it: in the pattern as it is written, or in what a slot holds.
#[derive(Clone, Copy)]
enum Part {
    Written(Cell),
    Held(Cell),
}

impl Pattern<'_> {
    fn part(&self, cell: Cell) -> Part {
        match cell.view() {
            View::Local(slot) if self.bound >> slot & 1 == 1 => {
                Part::Held(self.heap.deref(self.slots[slot as usize]))
            }
            _ => Part::Written(cell),
        }
    }
}

impl Look for Pattern<'_> {
    type Part = Part;

    fn most_places(&self) -> Option<u8> {
        self.wanted
    }

    #[inline]
    fn at(&self, path: Path) -> At {
        let column = path.argument().and_then(|step| self.columns.get(step.wrapping_sub(1)));
        let held = match column {
            None => return self.walk(path),
            Some(Column::Constant(constant)) => self.constants[*constant as usize],
            Some(Column::Same(slot)) if self.bound >> slot & 1 == 1 => {
                self.heap.deref(self.slots[usize::from(*slot)])
            }
            Some(Column::Same(_) | Column::Take(_)) => return At::Open,
        };
        self.key(Part::Held(held))
    }

    fn root(&self) -> Part {
        self.part(self.template.root)
    }

    fn cell(&self, part: Part) -> Cell {
        match part {
            Part::Written(cell) | Part::Held(cell) => cell,
        }
    }

    fn element(&self, part: Part, index: u32) -> Part {
        match part {
            Part::Held(cell) => {
                Part::Held(cell.slice().map_or(Cell::UNIT, |(at, _)| self.heap.element(at, index)))
            }
            Part::Written(cell) => match cell.slice() {
                Some((address, _)) if address & CODE == 0 && !cell.is_ground() => {
                    self.part(self.cells[(self.template.start + address + index) as usize])
                }
                Some((address, _)) => Part::Held(self.heap.element(address, index)),
                None => Part::Held(Cell::UNIT),
            },
        }
    }
}

impl Machine {
    /// Finds the table for a query, and when the query begins; `None` when there is none.
    #[inline]
    pub(super) fn prepare_query(&mut self, query: u32, base: u32) -> Option<(u32, u64)> {
        let Query { space, head, length, takes_all, .. } = self.code.queries[query as usize];
        let View::Space(space) = self.operand(base, space).view() else { return None };
        if self.heap.has_matchers || Effect::ReadsSpace > self.allowed {
            return None;
        }
        self.answers.note_effect();
        let asked = (SpaceId(space), head, length);
        self.note_query(SpaceId(space), head, length);
        let table = self.facts.find(&mut self.heap, &self.world, self.code.stamp, asked, takes_all)?;
        (!self.facts.table(table).open_heads).then_some((table, self.facts.time))
    }

    /// Searches the table in a slot, as it was at the time in another one.
    pub(super) fn begin_query(&mut self, query: u32, base: u32) -> Next {
        let site = &self.code.queries[query as usize];
        let (View::Int(table), View::Int(time)) =
            (self.slot(base, site.table).view(), self.slot(base, site.time).view())
        else {
            return self.fail_query();
        };
        self.query_table(query, base, table as u32, time as u64)
    }

    /// Goes on with the first fact of a table that matches, as it was at a time.
    pub(super) fn query_table(&mut self, query: u32, base: u32, table: u32, time: u64) -> Next {
        let site = &self.code.queries[query as usize];
        let columns = site.columns.unwrap_or_default();
        let pattern = Pattern {
            heap: &self.heap,
            cells: &self.code.cells,
            constants: &self.code.constants,
            template: self.code.templates[site.template as usize],
            columns: &self.code.columns[columns.0 as usize..][..usize::from(columns.1)],
            slots: &self.env[base as usize..],
            bound: site.bound,
            wanted: site.columns.map(|_| site.wanted),
        };
        let size = u32::from(site.size);
        let mut search = self.facts.table_mut(table).search(&self.heap, &pattern, time);
        self.stats.reductions += 1;
        if !self.facts.table(table).advance(&mut search) {
            return self.fail_query();
        }
        let (trail, heap) = (self.heap.trail.len(), self.heap.top());
        let mut tried = 0;
        loop {
            let stored = self.facts.table(table).stored(search.fact);
            let more = self.facts.table(table).advance(&mut search);
            let body = self.try_fact(query, base, (table, stored), (trail, heap));
            tried += 1;
            if more && (body.is_some() || tried == PORTION) {
                self.top = base + size;
                self.choose_before(Alternatives::Queried { query, base, table, search }, trail, heap);
            }
            if let Some(next) = self.after_fact(body, base, trail, (more, tried)) {
                return next;
            }
        }
    }

    fn fail_query(&mut self) -> Next {
        self.task = Task::Fail;
        Next::Task
    }

    /// The choice point of a query is the newest, and its state is restored.
    pub(super) fn retry_query(&mut self) -> Next {
        let (trail, heap) = (self.heap.trail.len(), self.heap.top());
        let mut tried = 0;
        loop {
            let Some(Alternatives::Queried { query, base, table, search }) =
                self.choices.last_mut().map(|choice| &mut choice.alternatives)
            else {
                return self.fail_query();
            };
            let (query, base, table) = (*query, *base, *table);
            let stored = self.facts.table(table).stored(search.fact);
            let more = self.facts.table(table).advance(search);
            let body = self.try_fact(query, base, (table, stored), (trail, heap));
            tried += 1;
            if !more {
                self.exhaust();
            }
            if let Some(next) = self.after_fact(body, base, trail, (more, tried)) {
                return next;
            }
        }
    }

    /// Matches the pattern with a fact; if it does not match, nothing of that is left.
    #[inline(always)]
    fn try_fact(
        &mut self,
        query: u32,
        base: u32,
        (table, stored): (u32, Stored),
        (trail, heap): (usize, u32),
    ) -> Option<u32> {
        let body = self.match_fact(query, base, table, stored);
        if body.is_none() {
            self.heap.undo(trail);
            self.heap.cells.truncate(heap as usize);
        }
        body
    }

    /// Where to go on behind a fact, whose choice point is made; `None` for the next fact.
    #[inline(always)]
    fn after_fact(
        &mut self,
        body: Option<u32>,
        base: u32,
        trail: usize,
        (more, tried): (bool, u32),
    ) -> Option<Next> {
        if let Some(pc) = body {
            if self.heap.trail.len() > trail {
                self.heap.tidy_trail(trail);
            }
            return Some(Next::At(pc, base));
        }
        if more && tried < PORTION {
            return None;
        }
        self.work += u64::from(tried) / 8;
        Some(self.fail_query())
    }

    /// Matches the pattern with a fact; the place of the code that goes on.
    #[inline]
    fn match_fact(&mut self, query: u32, base: u32, table: u32, stored: Stored) -> Option<u32> {
        let boundary = std::mem::replace(&mut self.heap.boundary, u32::MAX);
        let Query { closed, columns, .. } = self.code.queries[query as usize];
        let body = match columns {
            Some(columns) if stored.root.is_ground() => {
                self.match_columns(columns, base, stored.root).then_some(closed)
            }
            _ => self.match_instance(query, base, table, stored),
        };
        self.heap.boundary = boundary;
        body
    }

    /// Matches the arguments of a fact without variables, which is stored.
    #[inline]
    fn match_columns(&mut self, (start, count): (u32, u8), base: u32, fact: Cell) -> bool {
        let Some((address, _)) = fact.slice() else { return false };
        let columns = &self.code.columns[start as usize..][..usize::from(count)];
        let arguments = self.heap.slice(address + 1, u32::from(count));
        let slots = &mut self.env[base as usize..];
        for (index, (column, value)) in columns.iter().zip(arguments).enumerate() {
            let held = match *column {
                Column::Take(slot) => {
                    slots[usize::from(slot)] = *value;
                    continue;
                }
                Column::Same(slot) => slots[usize::from(slot)],
                Column::Constant(constant) => self.code.constants[constant as usize],
            };
            if held == *value {
                continue;
            }
            if held.is_canonical() && value.is_canonical() {
                return false;
            }
            return self.unify_columns(start, index as u32..u32::from(count), base, address + 1);
        }
        true
    }

    /// Matches the arguments from one on that is not known to match.
    fn unify_columns(&mut self, start: u32, columns: Range<u32>, base: u32, arguments: u32) -> bool {
        columns.into_iter().all(|index| {
            let value = self.heap.get(arguments + index);
            match self.code.columns[(start + index) as usize] {
                Column::Take(slot) => {
                    self.set_slot(base, slot, value);
                    true
                }
                Column::Same(slot) => self.heap.unify_quickly(self.slot(base, slot), value),
                Column::Constant(constant) => {
                    self.heap.unify_quickly(self.code.constants[constant as usize], value)
                }
            }
        })
    }

    /// Matches the pattern with a fact by the code of the query.
    fn match_instance(&mut self, query: u32, base: u32, table: u32, stored: Stored) -> Option<u32> {
        let Query { fact, closed, body, fresh, template, .. } = self.code.queries[query as usize];
        if stored.root.is_ground() {
            self.set_slot(base, fact, stored.root);
            return self.match_head(closed, base);
        }
        // The variables of the pattern are older than those of the fact.
        for index in fresh.0..fresh.0 + u32::from(fresh.1) {
            let (slot, name) = self.code.fresh[index as usize];
            let variable = self.heap.new_variable(name, false);
            self.set_slot(base, slot, variable);
        }
        let Machine { heap, facts, code, env, .. } = self;
        let slots = &env[base as usize..];
        let pattern =
            facts::Pattern { cells: &code.cells, template: code.templates[template as usize], slots };
        let matched = facts.table(table).unify_pattern(heap, pattern, stored);
        self.set_slot(base, fact, Cell::UNIT);
        matched.then_some(body)
    }
}
