//! Queries of spaces: `match`, and `unify`, `let` and `case` with a space on one side.

use std::sync::Arc;

use metta_atom::{Grounded, SpaceId};
use metta_space::bytes::Writer;
use metta_space::{Answers, Found, Snapshot};

use crate::facts::{FactTables, Search, Term};
use crate::library::Outcome;
use crate::machine::choices::{Alternatives, Then};
use crate::machine::{Machine, Task};
use crate::terms::cell::{Cell, View};
use crate::terms::matching::Matched;
use crate::terms::symbols::{self, cell, is_documentation};

/// The search for matches of a conjunction, at its first open conjunct.
#[derive(Clone, Debug)]
pub(super) struct FactSearch {
    source: Source,
    goal: Goal,
}

/// More answers than this are searched for one by one: a join has them all at once.
const MOST_JOINED: usize = 1 << 18;

/// Where facts come from.
#[derive(Clone, Debug)]
enum Source {
    /// From spaces: read when the search began.
    Read {
        /// Facts, with the index of the space that each is from.
        facts: Vec<(Found, usize)>,
        next: usize,
        /// How often the fact before `next` still has to be returned.
        copies: u64,
    },
    /// From a table. The search stands on the next fact, if `more`.
    Table { table: u32, search: Search, more: bool },
    /// From a join of all conjuncts: an answer has a fact of the first space for each.
    Join { answers: Answers, order: Vec<u32>, next: usize },
}

/// What is being searched for.
#[derive(Clone, Debug)]
pub(crate) struct Goal {
    /// The spaces as they were when the query began, the queried one first.
    spaces: Arc<[Snapshot]>,
    /// The queried space, and the time when the query began; `None` when its tables do not say all.
    at: Option<(SpaceId, u64)>,
    /// The conjunct that the facts are for.
    pattern: Cell,
    /// The conjuncts after it.
    rest: Cell,
    template: Cell,
    call: Cell,
    expected: Cell,
    /// How many of the spaces are not the library: a bare variable matches only what is in those.
    own: usize,
}

impl Goal {
    pub(super) fn each_cell(&mut self, visit: &mut dyn FnMut(&mut Cell)) {
        let Goal { pattern, rest, template, call, expected, .. } = self;
        for cell in [pattern, rest, template, call, expected] {
            visit(cell);
        }
    }
}

impl FactSearch {
    pub(super) fn each_cell(&mut self, visit: &mut dyn FnMut(&mut Cell)) {
        self.goal.each_cell(visit);
    }

    pub(super) fn bytes(&self) -> u64 {
        match &self.source {
            Source::Read { facts, .. } => (facts.capacity() * size_of::<(Found, usize)>()) as u64,
            Source::Table { .. } => 0,
            Source::Join { answers, order, .. } => {
                (answers.size_bytes() + order.capacity() * size_of::<u32>()) as u64
            }
        }
    }

    /// Reports whether a table is being searched, or may be for the conjuncts that follow.
    pub(super) fn searches_table(&self) -> bool {
        matches!(self.source, Source::Table { .. }) || self.goal.at.is_some()
    }

    /// Takes the second half of what is left away, as far as there is one.
    pub(super) fn divide(&mut self, tables: &FactTables) -> Option<FactSearch> {
        let source = match &mut self.source {
            Source::Read { facts, next, copies } => {
                // A fact that has copies left is an answer of its own.
                let middle = *next + (facts.len().checked_sub(*next)?) / 2;
                if middle == facts.len() || middle == *next && *copies == 0 {
                    return None;
                }
                Source::Read { facts: facts.split_off(middle), next: 0, copies: 0 }
            }
            Source::Table { table, search, .. } => {
                let search = tables.table(*table).divide(search)?;
                Source::Table { table: *table, search, more: true }
            }
            Source::Join { answers, order, next } => {
                let middle = *next + (order.len().checked_sub(*next)?) / 2;
                if middle == *next {
                    return None;
                }
                Source::Join { answers: answers.clone(), order: order.split_off(middle), next: 0 }
            }
        };
        Some(FactSearch { source, goal: self.goal.clone() })
    }

    fn has_more(&self) -> bool {
        match &self.source {
            Source::Read { facts, next, copies } => *copies > 0 || *next < facts.len(),
            Source::Table { more, .. } => *more,
            Source::Join { order, next, .. } => *next < order.len(),
        }
    }
}

impl Machine {
    /// Looks a pattern up in a space; each match gives the template as a result of `call`.
    ///
    /// `None` as template gives the pattern itself. Answers `Empty` when nothing matches.
    pub(crate) fn search_space(
        &mut self,
        space: SpaceId,
        pattern: Cell,
        template: Option<Cell>,
        call: Cell,
        expected: Cell,
    ) -> Outcome {
        self.note_pattern(space, pattern);
        let documentation = self.documentation(space, pattern);
        let visible = self.world.visible(space);
        let own = visible.len();
        let at = documentation.is_none().then_some((space, self.facts.time));
        let imported = self.world.library(space).into_iter().cloned().chain(documentation);
        let spaces: Arc<[Snapshot]> = visible.into_iter().cloned().chain(imported).collect();
        let template = template.unwrap_or(pattern);
        let whole = pattern;
        let (pattern, rest) = match pattern.slice() {
            Some((address, length))
                if length > 0 && self.heap.element(address, 0) == cell(symbols::COMMA) =>
            {
                if length == 1 {
                    return Outcome::Value(template);
                }
                (self.heap.element(address, 1), Cell::expression(address + 2, length - 2, false))
            }
            _ => (pattern, Cell::UNIT),
        };
        let goal = Goal { spaces, at, pattern, rest, template, call, expected, own };
        let found = match self.join(whole, &goal) {
            Some(source) => self.take_first(source, goal),
            None => self.search(goal),
        };
        if found { Outcome::Scheduled } else { Outcome::Empty }
    }

    /// What the library has for documentation, when the space sees the library and the pattern, or a part
    /// of a conjunction, names a word of it.
    fn documentation(&mut self, space: SpaceId, pattern: Cell) -> Option<Snapshot> {
        let conjunction = self.heap.head_symbol(pattern) == Some(symbols::COMMA);
        let parts = self.heap.elements(pattern).filter(|_| conjunction).unwrap_or_default();
        let asked = self.names_documentation(pattern) || parts.iter().any(|it| self.names_documentation(*it));
        let documentation = asked.then(|| self.program.documentation(&self.world, space));
        documentation.flatten().cloned()
    }

    /// Reports whether the head of a pattern is a word of the documentation, or the pattern is of a rule
    /// or type for one.
    fn names_documentation(&self, pattern: Cell) -> bool {
        match (self.heap.head_symbol(pattern), pattern.slice()) {
            (Some(symbols::EQUAL | symbols::HAS_TYPE), Some((address, 3))) => {
                let left = self.heap.element(address, 1);
                match left.view() {
                    View::Symbol(id) => is_documentation(id),
                    _ => self.heap.head_symbol(left).is_some_and(is_documentation),
                }
            }
            (head, _) => head.is_some_and(is_documentation),
        }
    }

    /// Finds the facts for the first conjunct and takes the first that matches.
    fn search(&mut self, goal: Goal) -> bool {
        let source = match self.search_table(&goal) {
            Some(source) => source,
            None => self.read_facts(&goal),
        };
        self.take_first(source, goal)
    }

    /// Begins to search and takes the first match.
    fn take_first(&mut self, source: Source, goal: Goal) -> bool {
        let mut search = FactSearch { source, goal };
        // The choice point comes first, so that the bindings of a match are undone with it.
        self.choose(Alternatives::Exhausted);
        let found = self.take_fact(&mut search);
        self.note_search(search, found)
    }

    /// Looks the first conjunct up in the table for its head, if there is one.
    fn search_table(&mut self, goal: &Goal) -> Option<Source> {
        let (space, time) = goal.at?;
        let asked = (space, self.heap.head_symbol(goal.pattern)?, goal.pattern.slice()?.1);
        if self.heap.has_matchers {
            return None;
        }
        let table = self.facts.find(&mut self.heap, &self.world, self.code.stamp, asked, false)?;
        if self.facts.table(table).since > time {
            return None;
        }
        let query = Term { heap: &self.heap, root: goal.pattern };
        let mut search = self.facts.table_mut(table).search(&self.heap, &query, time);
        let more = self.facts.table(table).advance(&mut search);
        Some(Source::Table { table, search, more })
    }

    /// Reads the facts that may match the first conjunct.
    fn read_facts(&mut self, goal: &Goal) -> Source {
        let mut facts = Vec::new();
        let searched = if goal.pattern.is_reference() { goal.own } else { goal.spaces.len() };
        for (index, space) in goal.spaces.iter().take(searched).enumerate() {
            let mut out = Writer::new();
            let mut handle = |value: &Grounded| match value {
                Grounded::Foreign(value) if value.matching().is_some() => None,
                value => Some(space.handle_of(value).unwrap_or(u64::MAX)),
            };
            self.heap.encode_pattern(goal.pattern, &mut out, &mut handle);
            facts.extend(space.candidates(out.bytes()).into_iter().map(|fact| (fact, index)));
        }
        if let (Some((space, _)), Some(head), Some((address, length))) =
            (goal.at, self.heap.head_symbol(goal.pattern), goal.pattern.slice())
        {
            // A trie is searched from left to right: behind a variable all branches are.
            let selects = length > 1 && !self.heap.element(address, 1).is_reference();
            let all = self.world.space(space).map_or(0, Snapshot::distinct);
            let read = if selects { facts.len() as u64 } else { all };
            self.facts.note_work((space, head, length), read);
        }
        Source::Read { facts, next: 0, copies: 0 }
    }

    /// Tries the next fact of the newest choice point, whose state is restored.
    pub(super) fn next_fact(&mut self) {
        let Some(choice) = self.choices.last_mut() else { return };
        let Alternatives::Facts(search) =
            std::mem::replace(&mut choice.alternatives, Alternatives::Exhausted)
        else {
            return;
        };
        let mut search = *search;
        let found = self.take_fact(&mut search);
        if !self.note_search(search, found) {
            self.task = Task::Fail;
        }
    }

    /// Keeps the search for later if anything is left, and goes on with the match.
    fn note_search(&mut self, search: FactSearch, matched: Matched) -> bool {
        let found = matched != Matched::No;
        let more = search.has_more();
        let mut goal = search.goal.clone();
        if matches!(search.source, Source::Join { .. }) {
            goal.rest = Cell::UNIT;
        }
        if found && more {
            if let Some(choice) = self.choices.last_mut() {
                choice.alternatives = Alternatives::Facts(Box::new(search));
            }
        } else {
            self.cut_newest();
        }
        if found {
            match matched {
                Matched::InWays(_) => self.proceed(matched, Then::Query(Box::new(goal))),
                Matched::Once | Matched::No => self.matched(goal),
            }
        }
        found
    }

    /// Unifies the pattern with the next fact that fits.
    fn take_fact(&mut self, search: &mut FactSearch) -> Matched {
        let FactSearch { source, goal } = search;
        loop {
            let top = self.heap.top();
            if let Source::Join { answers, order, next } = source {
                let Some(answer) = order.get(*next) else { return Matched::No };
                *next += 1;
                if self.take_answer(goal, answers.get(*answer)) {
                    return Matched::Once;
                }
                self.heap.cells.truncate(top as usize);
                continue;
            }
            let term = match source {
                Source::Read { facts, next, copies } => {
                    if *copies == 0 {
                        let Some((fact, _)) = facts.get(*next) else { return Matched::No };
                        *next += 1;
                        *copies = fact.count;
                    }
                    *copies -= 1;
                    let (found, origin) = &facts[*next - 1];
                    let Some(space) = goal.spaces.get(*origin) else { return Matched::No };
                    let fact = space.fact(found);
                    self.heap.decode(fact.bytes, fact.variables(), space)
                }
                Source::Table { table, search, more } => {
                    if !*more {
                        return Matched::No;
                    }
                    let table = self.facts.table(*table);
                    let fact = search.fact;
                    *more = table.advance(search);
                    let pattern = goal.pattern;
                    let matched = self.heap.ways(|heap| table.unify(heap, pattern, fact));
                    if matched != Matched::No {
                        return matched;
                    }
                    self.heap.cells.truncate(top as usize);
                    continue;
                }
                Source::Join { .. } => return Matched::No,
            };
            let pattern = goal.pattern;
            let matched = self.heap.ways(|heap| heap.unify(pattern, term));
            if matched != Matched::No {
                return matched;
            }
            self.heap.cells.truncate(top as usize);
            if let Source::Read { copies, .. } = source {
                *copies = 0;
            }
        }
    }

    /// Joins the conjuncts if that is likely to save partial matches that come to nothing.
    fn join(&self, whole: Cell, goal: &Goal) -> Option<Source> {
        let (address, length) = goal.rest.slice()?;
        goal.at?;
        if self.heap.has_matchers || length < 2 || !self.closes_circle(goal.pattern, address, length) {
            return None;
        }
        let (own, others) = goal.spaces.split_first()?;
        let mut handle = |value: &Grounded| Some(own.handle_of(value).unwrap_or(u64::MAX));
        let conjuncts =
            std::iter::once(goal.pattern).chain((0..length).map(|i| self.heap.element(address, i)));
        for conjunct in conjuncts {
            let mut pattern = Writer::new();
            self.heap.encode_pattern(conjunct, &mut pattern, &mut handle);
            if others.iter().any(|space| !space.candidates(pattern.bytes()).is_empty()) {
                return None;
            }
        }
        let mut pattern = Writer::new();
        self.heap.encode_pattern(whole, &mut pattern, &mut handle);
        let answers = own.join(pattern.bytes(), MOST_JOINED)?;
        let order = answers.with_copies();
        Some(Source::Join { answers, order, next: 0 })
    }

    /// Reports whether some conjunct has only variables of earlier ones, two at least: a search would
    /// find matches of those before it that come to nothing.
    fn closes_circle(&self, first: Cell, address: u32, length: u32) -> bool {
        let mut known = self.heap.variables(first);
        (0..length).any(|i| {
            let variables = self.heap.variables(self.heap.element(address, i));
            let closes = variables.len() > 1 && variables.iter().all(|variable| known.contains(variable));
            known.extend(variables);
            closes
        })
    }

    /// Unifies the conjuncts with the facts of an answer.
    fn take_answer(&mut self, goal: &Goal, answer: &[Found]) -> bool {
        let (Some((address, _)), Some(space)) = (goal.rest.slice(), goal.spaces.first()) else {
            return false;
        };
        let matched = self.heap.ways(|heap| {
            answer.iter().zip(0..).all(|(found, i)| {
                let fact = space.fact(found);
                let term = heap.decode(fact.bytes, fact.variables(), space);
                let conjunct = if i == 0 { goal.pattern } else { heap.element(address, i - 1) };
                heap.unify(conjunct, term)
            })
        });
        matched != Matched::No
    }

    /// A conjunct is matched: on to the next, or to the template.
    pub(super) fn matched(&mut self, goal: Goal) {
        match goal.rest.slice() {
            Some((address, length)) if length > 0 => {
                let pattern = self.heap.element(address, 0);
                let rest = Cell::expression(address + 1, length - 1, false);
                if !self.search(Goal { pattern, rest, ..goal }) {
                    self.task = Task::Fail;
                }
            }
            _ => self.call_result(goal.call, goal.expected, goal.template),
        }
    }

    /// The space that a term refers to.
    pub(crate) fn as_space(&self, term: Cell) -> Option<SpaceId> {
        match term.view() {
            View::Space(id) => Some(SpaceId(id)),
            _ => None,
        }
    }
}
