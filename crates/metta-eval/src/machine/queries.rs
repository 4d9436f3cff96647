//! Queries of compiled clauses: `match` on a table of facts.

use metta_atom::SpaceId;

use crate::Effect;
use crate::code::{Live, Query, Template};
use crate::facts::{self, Look, Search, Stored};
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
    template: Template,
    slots: &'a [Cell],
    bound: Live,
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
        let Query { space, head, length, .. } = self.code.queries[query as usize];
        let View::Space(space) = self.operand(base, space).view() else { return None };
        if self.heap.has_matchers || Effect::ReadsSpace > self.allowed {
            return None;
        }
        self.answers.note_effect();
        let asked = (SpaceId(space), head, length);
        self.note_query(SpaceId(space), head, length);
        let table = self.facts.find(&mut self.heap, &self.world, self.code.stamp, asked)?;
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
        let table = table as u32;
        let template = self.code.templates[site.template as usize];
        let pattern = Pattern {
            heap: &self.heap,
            cells: &self.code.cells,
            template,
            slots: &self.env[base as usize..],
            bound: site.bound,
        };
        let mut search = self.facts.table_mut(table).search(&self.heap, &pattern, time as u64);
        self.stats.reductions += 1;
        if !self.facts.table(table).advance(&mut search) {
            return self.fail_query();
        }
        self.search_facts(query, base, table, search, false)
    }

    fn fail_query(&mut self) -> Next {
        self.task = Task::Fail;
        Next::Task
    }

    /// The choice point of a query is the newest, and its state is restored.
    pub(super) fn retry_query(&mut self, query: u32, base: u32, table: u32, search: Search) {
        match self.search_facts(query, base, table, search, true) {
            Next::At(pc, base) => self.task = Task::Run { pc, base },
            Next::Task => {}
        }
    }

    /// Takes the first fact that matches, from the one on which the search stands.
    ///
    /// With `again` there is a choice point for the search, which is the newest.
    fn search_facts(&mut self, query: u32, base: u32, table: u32, mut search: Search, again: bool) -> Next {
        let (trail, heap) = (self.heap.trail.len(), self.heap.top());
        let mut tried = 0;
        loop {
            let stored = self.facts.table(table).stored(search.fact);
            let more = self.facts.table(table).advance(&mut search);
            let boundary = std::mem::replace(&mut self.heap.boundary, u32::MAX);
            let body = self.match_fact(query, base, table, stored);
            self.heap.boundary = boundary;
            if let Some(pc) = body {
                self.settle_query(query, base, table, search, again, more, (trail, heap));
                if self.heap.trail.len() > trail {
                    self.heap.tidy_trail(trail);
                }
                return Next::At(pc, base);
            }
            self.heap.undo(trail);
            self.heap.cells.truncate(heap as usize);
            tried += 1;
            if !more {
                if again {
                    self.exhaust();
                }
                self.work += u64::from(tried) / 8;
                return self.fail_query();
            }
            if tried == PORTION {
                self.settle_query(query, base, table, search, again, true, (trail, heap));
                self.work += u64::from(tried) / 8;
                return self.fail_query();
            }
        }
    }

    /// Keeps what is left of a search for later.
    #[expect(clippy::too_many_arguments, reason = "the parts of a choice point")]
    fn settle_query(
        &mut self,
        query: u32,
        base: u32,
        table: u32,
        search: Search,
        again: bool,
        more: bool,
        (trail, heap): (usize, u32),
    ) {
        let alternatives = Alternatives::Queried { query, base, table, search };
        match (again, more) {
            (false, false) => {}
            (false, true) => {
                self.top = base + u32::from(self.code.queries[query as usize].size);
                self.choose_before(alternatives, trail, heap);
            }
            (true, true) => {
                if let Some(choice) = self.choices.last_mut() {
                    choice.alternatives = alternatives;
                }
            }
            (true, false) => self.exhaust(),
        }
    }

    /// Matches the pattern with a fact; the place of the code that goes on.
    fn match_fact(&mut self, query: u32, base: u32, table: u32, stored: Stored) -> Option<u32> {
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
