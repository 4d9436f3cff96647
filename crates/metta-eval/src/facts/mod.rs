//! Facts as terms: what queries that come again and again are answered from.
//!
//! The first queries of a space go to the space itself. When they have done about as much work as reading all facts
//! with that head takes, the facts are copied into the code area, once, and further queries find them by an
//! index without decoding anything. A write of the evaluation itself is entered here as well.

mod index;
mod matching;
mod table;

use metta_atom::SpaceId;
use rustc_hash::FxHashMap;

use crate::modules::main_space;
use crate::terms::cell::{Cell, SymbolId, View};
use crate::terms::heap::Heap;
use crate::world::World;

pub(crate) use index::{At, FactId, Index, Look, Path, Term};
pub(crate) use matching::Pattern;
pub(crate) use table::{Search, Stored, Table};

/// What a query costs beside its answers, in facts.
const QUERY: u64 = 4;
/// Facts of a space that are read without asking whether it pays.
const FEW: u64 = 16;
/// A table will be asked for soon when the work for its queries is such a part of what it takes; one that is quickly made
/// may as well be made too early.
const SOON: u64 = 8;
const SOON_IF_SMALL: u64 = 32;
const SMALL: u64 = 1 << 15;
/// The number of tables that are found at once.
const RECENT: usize = 16;

/// In a space with more facts, a query that goes through all of them has a table only if it comes again: the
/// table takes more room than one answer after the other.
const MANY: u64 = 1 << 16;

/// What a table is wanted for.
#[derive(Clone, Copy)]
enum Want {
    /// A query that reads all facts, which is about what making the table takes.
    All,
    /// A query like those so far.
    Now,
    /// Queries like those so far, in several machines.
    Soon,
}

/// The facts of a space with one head and length.
type Asked = (SpaceId, SymbolId, u32);

/// The tables of a machine.
#[derive(Clone, Debug, Default)]
pub(crate) struct FactTables {
    tables: Vec<Table>,
    /// The table of the facts of one space.
    stored: FxHashMap<Asked, u32>,
    /// The table that has all facts that a query of a space sees; `None` when several would be needed.
    seen: FxHashMap<Asked, Option<u32>>,
    /// The tables that were asked for last, each at a place that its head says.
    recent: [Option<(Asked, u32)>; RECENT],
    /// The work of queries so far, for those without a table.
    work: FxHashMap<Asked, u64>,
    /// The versions of the spaces that the tables are of.
    versions: FxHashMap<SpaceId, u64>,
    /// The declarations under which the versions were compared with the spaces.
    stamp: u64,
    /// Whether a compaction would pay.
    wasteful: bool,
    /// How many writes there were.
    pub(crate) time: u64,
    /// Make a table for every query.
    #[cfg(test)]
    pub(crate) eager: bool,
}

impl FactTables {
    /// The table for the queries of a space, if it pays to have one.
    #[inline]
    pub(crate) fn find(
        &mut self,
        heap: &mut Heap,
        world: &World,
        stamp: u64,
        asked: Asked,
        reads_all: bool,
    ) -> Option<u32> {
        if self.stamp != stamp {
            self.check(world);
            self.stamp = stamp;
        }
        let place = asked.1.0 as usize % RECENT;
        if let Some((known, table)) = self.recent[place]
            && known == asked
        {
            return Some(table);
        }
        match self.seen.get(&asked) {
            Some(table) => {
                self.recent[place] = table.map(|table| (asked, table));
                *table
            }
            None => match self.make(heap, world, asked, if reads_all { Want::All } else { Want::Now }) {
                Some(table) => table,
                None => {
                    self.note_work(asked, 0);
                    None
                }
            },
        }
    }

    /// Makes the tables that seem to be asked for soon, for a machine that will be copied: the copies would make
    /// them each for itself.
    pub(crate) fn make_soon(&mut self, heap: &mut Heap, world: &World, stamp: u64) {
        if self.stamp != stamp {
            return;
        }
        let open: Vec<Asked> =
            self.work.keys().filter(|asked| !self.seen.contains_key(asked)).copied().collect();
        for asked in open {
            self.make(heap, world, asked, Want::Soon);
        }
    }

    pub(crate) fn table(&self, table: u32) -> &Table {
        &self.tables[table as usize]
    }

    pub(crate) fn table_mut(&mut self, table: u32) -> &mut Table {
        &mut self.tables[table as usize]
    }

    /// Notes that a query was answered from the space, where it looked at so many facts.
    pub(crate) fn note_work(&mut self, asked: Asked, facts: u64) {
        *self.work.entry(asked).or_default() += QUERY + facts;
    }

    /// Makes the table for a query, if it is worth one.
    fn make(
        &mut self,
        heap: &mut Heap,
        world: &World,
        (space, head, length): Asked,
        want: Want,
    ) -> Option<Option<u32>> {
        let mut spaces = world.visible_ids(space);
        spaces.extend(world.library(space).map(|_| SpaceId::CORELIB));
        let size: u64 = spaces.iter().filter_map(|id| Some(world.space(*id)?.distinct().min(1 << 32))).sum();
        let own: u64 = world.space(space).map_or(0, metta_space::Snapshot::distinct);
        let done = self.work.get(&(space, head, length)).copied().unwrap_or(0);
        let pays = match want {
            Want::All if own <= MANY => true,
            Want::All => done >= size.min(own),
            Want::Now => done >= size.min(own.max(FEW)),
            Want::Soon => {
                let times = if size <= SMALL { SOON_IF_SMALL } else { SOON };
                times * done >= size.min(own.max(FEW))
            }
        };
        if !pays && !self.is_eager() {
            return None;
        }
        let mut table = None;
        let mut several = false;
        for id in spaces {
            let next = self.stored_table(heap, world, (main_space(id), head, length))?;
            if !self.tables[next as usize].is_empty() || table.is_none() {
                several |= table.is_some_and(|table: u32| !self.tables[table as usize].is_empty());
                table = Some(next);
            }
        }
        let seen = table.filter(|_| !several);
        self.seen.insert((space, head, length), seen);
        Some(seen)
    }

    fn is_eager(&self) -> bool {
        #[cfg(test)]
        return self.eager;
        #[cfg(not(test))]
        false
    }

    fn stored_table(&mut self, heap: &mut Heap, world: &World, asked: Asked) -> Option<u32> {
        if let Some(table) = self.stored.get(&asked) {
            return Some(*table);
        }
        let space = world.space(asked.0)?;
        let table = Table::read(heap, space, asked.1, asked.2, self.time);
        self.tables.push(table);
        let number = self.tables.len() as u32 - 1;
        self.stored.insert(asked, number);
        self.versions.insert(asked.0, space.version());
        Some(number)
    }

    /// Forgets the tables of spaces that were written to in some other way.
    fn check(&mut self, world: &World) {
        let is_current =
            |id: &SpaceId, version: u64| world.space(*id).is_some_and(|it| it.version() == version);
        let stale: Vec<SpaceId> = self
            .versions
            .iter()
            .filter(|(id, version)| !is_current(id, **version))
            .map(|(id, _)| *id)
            .collect();
        for space in stale {
            self.forget(space);
        }
        // What a space sees may be another thing now.
        self.unsee();
    }

    /// Forgets the tables of a space. Searches that are under way still have them.
    fn forget(&mut self, space: SpaceId) {
        self.stored.retain(|(id, _, _), _| *id != space);
        self.work.retain(|(id, _, _), _| *id != space);
        self.versions.remove(&space);
        self.unsee();
    }

    /// Notes that a copy of `term` was added to or removed from a space, which is as it is after that and
    /// had the version `before`.
    pub(crate) fn note_write(
        &mut self,
        heap: &mut Heap,
        world: &World,
        space: SpaceId,
        term: Cell,
        added: bool,
        before: u64,
    ) {
        let space = main_space(space);
        let Some(version) = self.versions.get_mut(&space) else { return };
        let Some(written) = world.space(space) else { return };
        if *version != before {
            // The tables are of the space in another evaluation.
            return self.forget(space);
        }
        *version = written.version();
        self.time += 1;
        let asked = match term.view() {
            View::Expression { address, length } if length > 0 => match heap.element(address, 0).view() {
                View::Symbol(head) => (space, head, length),
                // It may match queries with every head.
                View::Ref(_) => return self.forget(space),
                _ => return,
            },
            View::Ref(_) => return self.forget(space),
            _ => return,
        };
        let Some(number) = self.stored.get(&asked) else { return };
        let table = &mut self.tables[*number as usize];
        let empty = table.is_empty();
        let open = !term.is_ground() && !heap.variables(term).is_empty();
        if open {
            return self.forget(space);
        }
        if added {
            table.add(heap, term, self.time);
        } else if !table.remove(heap, term, self.time) {
            return self.forget(space);
        }
        self.wasteful |= table.is_wasteful();
        if empty {
            self.unsee();
        }
    }

    /// Forgets which tables have what queries see.
    fn unsee(&mut self) {
        self.seen.clear();
        self.recent = [None; RECENT];
    }

    /// Notes that what spaces see has changed.
    pub(crate) fn note_nesting(&mut self) {
        self.unsee();
    }

    /// Frees what is dead. No search is under way.
    pub(crate) fn compact(&mut self) {
        let current: rustc_hash::FxHashSet<u32> = self.stored.values().copied().collect();
        for (number, table) in (0..).zip(&mut self.tables) {
            if current.contains(&number) {
                table.compact();
            } else {
                *table = Table::default();
            }
        }
        self.wasteful = false;
    }

    /// Does without a compaction for a while.
    pub(crate) fn postpone(&mut self) {
        self.tables.iter_mut().for_each(Table::postpone);
        self.wasteful = false;
    }

    /// Reports whether a compaction would pay.
    #[inline]
    pub(crate) fn is_wasteful(&self) -> bool {
        self.wasteful
    }

    /// Cells of the code area that belong to facts in use.
    pub(crate) fn cells(&self) -> usize {
        self.stored.values().map(|table| self.tables[*table as usize].cells()).sum()
    }

    /// Bytes that the tables take, their terms left out.
    pub(crate) fn bytes(&self) -> u64 {
        self.tables.iter().map(Table::bytes).sum()
    }
}
