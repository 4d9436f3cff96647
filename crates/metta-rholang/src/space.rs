//! The content of a space as bytes: tables of records, a record for every fact.
//!
//! ```text
//! space           "MTTS" | u64 length of a symbol table | the table | u64 n | n records
//! large_exprs     "MTTL" | u64 n | n records
//! order           "MTTO" | u64 n | n places, u64 each
//! multiplicities  "MTTM" | u64 n | n x (u32 length | rule as text | u64 copies)
//! record          u32 length | encoded atom | u64 copies    (without copies in a space of the older layout)
//! own             "MTTA" | version | u64 n | n records      (see `own`)
//! ```
//! Numbers are big endian. The first four are the node's, but for `order`; `text` says how atoms stand in them.
//! The last one is that of the strict dialect.
//!
//! Invariant S1: nothing is allocated for a length before the bytes that it counts were
//! seen to be there.
//! Invariant S2: facts stand in definition order, and are added in it.
//! Invariant S3: equal facts in an equal order have equal bytes.

mod own;
mod symbols;
mod table;
mod textual;
mod wide;

use std::fmt;

use bytes::Bytes;
use metta_atom::{Atom, Grounded, SpaceId, Variable};
use metta_eval::World;
use metta_space::bytes::{Item, Reader};
use metta_space::{Fact, Snapshot};

use crate::{Codec, Dialect, Layout};

/// Why bytes are not a space, or a space cannot be bytes.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpaceError {
    /// Other bytes where a table should begin.
    #[error("the bytes do not begin with `{expected}`")]
    Magic {
        /// The letters that were expected.
        expected: String,
    },
    /// A form of a table that this release does not know.
    #[error("version {found} of a space, expected {expected}")]
    Version {
        /// The number in the bytes.
        found: u8,
        /// The number that this release writes.
        expected: u8,
    },
    /// A length or a number of records that the bytes do not have.
    #[error("the bytes end inside a record, at offset {at}")]
    Truncated {
        /// Where more was expected.
        at: usize,
    },
    /// Bytes behind the last record.
    #[error("the last record ends at offset {at}, before the bytes do")]
    Trailing {
        /// The offset behind the record.
        at: usize,
    },
    /// A path that is not an atom.
    #[error("record {record}: {error}")]
    Path {
        /// The number of the record, from 0.
        record: usize,
        /// What is wrong with it.
        error: metta_space::DecodeError,
    },
    /// A record of a form that has no such record.
    #[error("record {record} is malformed")]
    Record {
        /// The number of the record, from 0.
        record: usize,
    },
    /// A record of no copies.
    #[error("record {record} has no copies")]
    NoCopies {
        /// The number of the record, from 0.
        record: usize,
    },
    /// More copies of atoms than were allowed.
    #[error("more than {limit} copies of atoms beside the first of each")]
    TooManyCopies {
        /// The limit.
        limit: u64,
    },
    /// A symbol table, which gives paths their words, that cannot be read.
    #[error("the table of symbols: {reason}")]
    SymbolTable {
        /// What is wrong with it.
        reason: String,
    },
    /// Places of large expressions that do not fit the tables.
    #[error("the places of large expressions do not fit the tables")]
    Order,
    /// Copies of a rule that the space does not have.
    #[error("copies of the rule `{rule}`, which is not in the space")]
    UnknownRule {
        /// The rule.
        rule: String,
    },
    /// A value that has a meaning only where it was made.
    #[error("an atom refers to `{value}`, which is not part of the space")]
    Reference {
        /// How the value prints.
        value: String,
    },
    /// An atom that the older layout has no place for.
    #[error("`{atom}` is too large for the older layout")]
    TooLarge {
        /// How the atom prints, shortened.
        atom: String,
    },
    /// Names of variables that do not fit an atom.
    #[error("the names of variables do not fit the atom")]
    Names,
}

/// The tables of a space as they stand in a state.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Tables {
    pub(crate) layout: Layout,
    pub(crate) space: Bytes,
    /// The large expressions, or the copies of rules in the older layout.
    pub(crate) other: Bytes,
    pub(crate) order: Option<Bytes>,
}

impl fmt::Debug for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes = (self.space.len(), self.other.len());
        f.debug_struct("Tables").field("layout", &self.layout).field("sizes", &sizes).finish_non_exhaustive()
    }
}

impl Tables {
    /// The name of the second table.
    pub(crate) fn other_name(&self) -> &'static str {
        match self.layout {
            Layout::Lists => "large_exprs",
            Layout::Tuples => "multiplicities",
        }
    }

    pub(crate) fn size_bytes(&self) -> usize {
        self.space.len() + self.other.len() + self.order.as_ref().map_or(0, Bytes::len)
    }
}

impl Codec {
    /// Writes facts as tables (S2); the facts are in insertion order.
    pub(crate) fn write_tables<'f>(
        &self,
        facts: impl Iterator<Item = Fact<'f>>,
    ) -> Result<Tables, SpaceError> {
        match self.dialect {
            Dialect::Strict => {
                let mut table = own::begin();
                facts.into_iter().try_for_each(|fact| own::push(&mut table, &fact))?;
                Ok(self.own_tables(table))
            }
            Dialect::Legacy => textual::write(self.layout, facts),
        }
    }

    /// Writes the tables of a space that is what `tables` were written from, and these facts behind.
    pub(crate) fn append_tables(
        &self,
        tables: &Tables,
        facts: &[Fact<'_>],
    ) -> Result<Option<Tables>, SpaceError> {
        if tables.layout != self.layout || self.layout == Layout::Tuples {
            return Ok(None);
        }
        match self.dialect {
            Dialect::Strict => {
                let Ok(mut table) = own::resume(&tables.space) else { return Ok(None) };
                facts.iter().try_for_each(|fact| own::push(&mut table, fact))?;
                Ok(Some(self.own_tables(table)))
            }
            Dialect::Legacy => textual::append(tables, facts),
        }
    }

    /// Reports whether reading the records of these facts makes the same facts.
    pub(crate) fn reads_as(&self, facts: &[Fact<'_>]) -> bool {
        self.dialect == Dialect::Strict || textual::reads_as(facts, &self.library)
    }

    fn own_tables(&self, table: table::Growing) -> Tables {
        let other = match self.layout {
            Layout::Lists => textual::no_large_expressions(),
            Layout::Tuples => textual::no_copies(),
        };
        Tables { layout: self.layout, space: table.finish(), other, order: None }
    }

    /// Reads tables into the main space of a world; `None` when there are no facts.
    pub(crate) fn read_tables(&self, tables: &Tables) -> Result<Option<World>, SpaceError> {
        let mut facts = Facts::new(self.most_copies);
        if tables.space.starts_with(own::MAGIC) {
            own::read(&tables.space, &mut facts)?;
            textual::check_empty(tables)?;
        } else {
            textual::read(tables, &self.library, &mut facts)?;
        }
        Ok((facts.n > 0).then(|| facts.into_world()))
    }
}

/// Facts as they are read.
struct Facts {
    space: Snapshot,
    n: usize,
    /// How many more copies beside the first of each may come.
    spare: u64,
    limit: u64,
    has_spaces: bool,
}

impl Facts {
    fn new(most_copies: u64) -> Self {
        Facts { space: Snapshot::new(), n: 0, spare: most_copies, limit: most_copies, has_spaces: false }
    }

    /// Adds a fact; the bytes are valid, and refer to nothing.
    fn add(&mut self, bytes: &[u8], names: &[Variable], copies: u64) -> Result<(), SpaceError> {
        let extra = copies.checked_sub(1).ok_or(SpaceError::NoCopies { record: self.n })?;
        self.spare = self.spare.checked_sub(extra).ok_or(SpaceError::TooManyCopies { limit: self.limit })?;
        self.n += 1;
        self.has_spaces |= matches!(Reader::new(bytes).next(), Some(Item::Space(_)));
        (0..copies).for_each(|_| self.space.add_encoded(bytes, names));
        Ok(())
    }

    fn into_world(mut self) -> World {
        let mut world = World::new();
        if self.has_spaces {
            // A world keeps account of spaces inside of spaces.
            for fact in self.space.iter() {
                let atom: Atom = self.space.decode(fact.bytes, fact.variables());
                (0..fact.count).for_each(|_| world.add(SpaceId::TOP, &atom));
            }
        } else {
            // Once, for all who are going to share it.
            self.space.freeze();
            world.set_space(SpaceId::TOP, self.space);
        }
        world
    }
}

/// Refuses numbers that mean something only where they were made.
fn check_reference(item: &Item<'_>) -> Result<(), SpaceError> {
    let value = match item {
        Item::Space(id) if *id != SpaceId::TOP => Grounded::Space(*id).to_string(),
        Item::State(id) => Grounded::State(*id).to_string(),
        Item::Handle(id) => format!("a value of the host, number {id}"),
        Item::Space(_)
        | Item::Arity(_)
        | Item::NewVar
        | Item::VarRef(_)
        | Item::Symbol(_)
        | Item::Operation(_)
        | Item::Int(_)
        | Item::Big(_)
        | Item::Float(_)
        | Item::Text(_)
        | Item::Bool(_) => return Ok(()),
    };
    Err(SpaceError::Reference { value })
}
