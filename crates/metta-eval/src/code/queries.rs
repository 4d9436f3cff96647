//! `match` with a pattern that is known when the clause is compiled.

use super::compiler::{Compiler, Dest, Outcome};
use super::instr::*;
use super::types::Conditions;
use crate::terms::cell::{Cell, SymbolId, View};
use crate::terms::symbols;

/// Longer patterns are left to the general evaluator.
const LONGEST: u32 = 24;

impl Compiler<'_> {
    /// `(match space pattern template)`: the template is what follows each fact that matches.
    pub(super) fn match_form(
        &mut self,
        id: SymbolId,
        node: Cell,
        dest: Dest,
        expected: Expected,
    ) -> Outcome<Option<()>> {
        let mut conditions = Conditions::new();
        let Some(signature) = self.operation_signature(id) else { return Ok(None) };
        let known = self.passings(node, &signature, &mut conditions).is_some();
        let Some(conjuncts) = self.conjuncts(node).filter(|_| known) else { return Ok(None) };
        let space = match self.child(node, 1).view() {
            View::Local(local) => Operand::slot(self.slot_of(local)),
            _ => self.constant_operand(self.child(node, 1)),
        };
        let template = self.child(node, 3);
        let (mark, before) = (self.temporaries(), (self.assigned, self.known));
        let join = self.label();
        let resume = self.resume_for(dest, join);
        let restart = self.otherwise(node, expected, dest, resume);
        self.check(&conditions, restart);
        if let [(pattern, head)] = conjuncts[..] {
            let query = self.query(space, pattern, head, (0, 0));
            self.conjunct(query, pattern, Instr::Query { query, otherwise: restart })?;
        } else {
            let time = self.temporary()?;
            let mut queries = Vec::new();
            for (pattern, head) in &conjuncts {
                queries.push(self.prepare(space, *pattern, *head, time, restart)?);
            }
            for (query, (pattern, _)) in queries.into_iter().zip(&conjuncts) {
                self.conjunct(query, *pattern, Instr::Search { query })?;
            }
        }
        // What follows comes again, after the effects of what followed before.
        self.come_back();
        self.result_of(node, Vec::new(), template, dest, Expected::Type(symbols::cell(symbols::UNDEFINED)))?;
        self.release(mark);
        self.place(join);
        for slot in 0..MAX_SLOTS {
            let assigned_before = before.0 >> slot & 1 == 1;
            self.known[slot] = if assigned_before { before.1[slot] } else { Known::Nothing };
        }
        self.finish(dest);
        self.come_back();
        Ok(Some(()))
    }

    /// The patterns of a `match` with their heads, if all are calls of symbols.
    fn conjuncts(&self, node: Cell) -> Option<Vec<(Cell, SymbolId)>> {
        let pattern = self.child(node, 2);
        let all: Vec<Cell> =
            if self.length(pattern) > 1 && self.child(pattern, 0) == symbols::cell(symbols::COMMA) {
                (1..self.length(pattern)).map(|index| self.child(pattern, index)).collect()
            } else {
                vec![pattern]
            };
        let with_head = |pattern: Cell| {
            if self.length(pattern) == 0 || self.length(pattern) > LONGEST {
                return None;
            }
            match self.child(pattern, 0).view() {
                View::Symbol(id) if id != symbols::COMMA && !self.names_documentation(pattern, id) => {
                    Some((pattern, id))
                }
                _ => None,
            }
        };
        all.into_iter().map(with_head).collect()
    }

    /// Reports whether a pattern may ask for what the library has for documentation.
    fn names_documentation(&self, pattern: Cell, head: SymbolId) -> bool {
        let documents = |cell: Cell| matches!(cell.view(), View::Symbol(id) if symbols::is_documentation(id));
        let declares = matches!(head, symbols::EQUAL | symbols::HAS_TYPE) && self.length(pattern) == 3;
        symbols::is_documentation(head)
            || declares && {
                let left = self.child(pattern, 1);
                documents(left) || self.length(left) > 0 && documents(self.child(left, 0))
            }
    }

    /// Finds the table for a pattern. All are found before the first is searched, so that the query sees
    /// the space as it is when it begins.
    fn prepare(
        &mut self,
        space: Operand,
        pattern: Cell,
        head: SymbolId,
        time: Slot,
        otherwise: u32,
    ) -> Outcome<u32> {
        let table = self.temporary()?;
        let query = self.query(space, pattern, head, (table, time));
        self.emit(Instr::Prepare { query, otherwise });
        self.assign(table, Known::Nothing);
        self.assign(time, Known::Nothing);
        Ok(query)
    }

    /// A query whose table and time are kept in these slots.
    fn query(&mut self, space: Operand, pattern: Cell, head: SymbolId, (table, time): (Slot, Slot)) -> u32 {
        let length = self.length(pattern);
        let query = self.machine.code.queries.len() as u32;
        self.machine.code.queries.push(Query {
            space,
            head,
            length,
            table,
            time,
            template: 0,
            bound: 0,
            live: 0,
            size: 0,
            fact: 0,
            closed: 0,
            body: 0,
            fresh: (0, 0),
            columns: None,
            takes_all: false,
            wanted: 0,
        });
        query
    }

    /// Matches a pattern with each fact in turn.
    fn conjunct(&mut self, query: u32, pattern: Cell, begin: Instr) -> Outcome<()> {
        let fact = self.temporary()?;
        let template = self.template(pattern);
        let unbound: Vec<u32> = self
            .locals(pattern)
            .into_iter()
            .filter(|local| !self.is_assigned(self.slot_of(*local)))
            .collect();
        let fresh = self.machine.code.fresh.len() as u32;
        for local in &unbound {
            let name = self.clause.names()[*local as usize];
            let slot = self.slot_of(*local);
            self.machine.code.fresh.push((slot, name));
        }
        self.spend();
        let bound = self.assigned;
        let columns = self.columns(pattern);
        let (takes_all, wanted) = columns.map_or((false, 0), |(start, _)| {
            let columns = &self.machine.code.columns[start as usize..];
            let has_value = |column: &&Column| match column {
                Column::Take(_) => false,
                Column::Same(slot) => bound >> slot & 1 == 1,
                Column::Constant(_) => true,
            };
            let takes_all = columns.iter().all(|column| matches!(column, Column::Take(_)));
            (takes_all, columns.iter().filter(has_value).count() as u8)
        });
        self.emit(begin);
        let closed = self.place_in_code();
        match columns {
            Some(_) => {
                for local in &unbound {
                    self.assign(self.slot_of(*local), Known::Nothing);
                }
                // What follows is come to from elsewhere.
                let next = self.label();
                self.place(next);
            }
            None => {
                self.assign(fact, Known::Nothing);
                self.match_elements_from(1, fact, pattern)?;
                self.emit(Instr::Body);
            }
        }
        let body = self.place_in_code();
        let known = &mut self.machine.code.queries[query as usize];
        (known.template, known.fact, known.bound, known.live) = (template, fact, bound, bound);
        (known.closed, known.body, known.fresh) = (closed, body, (fresh, unbound.len() as u8));
        (known.columns, known.takes_all, known.wanted) = (columns, takes_all, wanted);
        Ok(())
    }

    /// What a pattern asks of each argument, if none has to be taken apart.
    fn columns(&mut self, pattern: Cell) -> Option<(u32, u8)> {
        let start = self.machine.code.columns.len() as u32;
        let (mut columns, mut taken) = (Vec::new(), self.assigned);
        for index in 1..self.length(pattern) {
            let element = self.child(pattern, index);
            columns.push(match element.view() {
                View::Local(local) => {
                    let slot = self.slot_of(local);
                    let known = taken >> slot & 1 == 1;
                    taken |= 1 << slot;
                    if known { Column::Same(slot) } else { Column::Take(slot) }
                }
                View::Expression { .. } if !element.is_ground() => return None,
                _ => Column::Constant(self.constant(element)),
            });
        }
        let count = u8::try_from(columns.len()).ok()?;
        self.machine.code.columns.extend_from_slice(&columns);
        Some((start, count))
    }
}
