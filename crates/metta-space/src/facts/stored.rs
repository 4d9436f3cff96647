//! The columns of a run in a file.
//!
//! The columns are written as they are in memory, one after the other, so reading them is mapping them. Only
//! sequence numbers are written anew: as ranks, which do not depend on what was removed before.

use std::collections::HashSet;
use std::io::{self, Write};
use std::sync::{Arc, OnceLock};

use metta_atom::Variable;

use super::column::{Column, Word};
use super::keys::{BLOCK, Ends, Keys};
use super::run::{Counts, Rows, Run, Sequences, Spellings};
use super::table::Table;
use super::{Facts, Found, Names, Part, hash_of};
use crate::files::mapped::{Area, Mapped};
use crate::files::sections::{Section, Sections};
use crate::stored::{Cursor, StoredError, check_atom, write_name};

/// How many columns there are.
pub(crate) const COLUMNS: usize = 13;

/// Strings are not short: where each ends is a number of eight bytes.
const LONG_STRINGS: u32 = 1;
/// Ranks do not fit four bytes.
const MANY_RANKS: u32 = 2;

/// What a file says about a run beside its columns.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Shape {
    pub(crate) kinds: u32,
    pub(crate) rows: u64,
    pub(crate) copies: u64,
    pub(crate) open: u64,
    /// The next sequence number.
    pub(crate) next: u64,
}

/// The names of variables in a file, read when they are asked for.
pub(crate) struct MappedNames {
    rows: Column<u32>,
    ends: Column<u64>,
    text: Area,
    read: OnceLock<Vec<(u32, Names)>>,
}

impl MappedNames {
    pub(super) fn is_empty(&self) -> bool {
        self.rows.len() == 0
    }

    pub(super) fn all(&self) -> &[(u32, Names)] {
        if self.is_empty() {
            return &[];
        }
        self.read.get_or_init(|| {
            let mut start = 0;
            let names = self.rows.iter().zip(self.ends.iter()).map(|(row, end)| {
                let end = usize::try_from(end).unwrap_or(usize::MAX);
                let names = Cursor::new(self.text.bytes(start..end)).all_names();
                start = end;
                // A damaged record has no names, and the damage was noted.
                (row, (!names.is_empty()).then(|| Arc::from(names)))
            });
            names.collect()
        })
    }
}

/// Later copies of facts whose copies have places of their own among others: rules and types.
pub(crate) struct LaterCopies {
    rows: Column<u32>,
    ranks: Column<u64>,
}

impl LaterCopies {
    /// The fact of each later copy, and when that was added.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, u64)> {
        self.rows.iter().zip(self.ranks.iter())
    }
}

impl Facts {
    /// Writes the columns of a settled space. `later` has the fact and the sequence number of later copies
    /// that have a place of their own.
    pub(crate) fn write_columns<W: Write>(
        &self,
        later: &[(Found, u64)],
        out: &mut Sections<W>,
    ) -> io::Result<Shape> {
        let empty;
        let run = match &self.parts[..] {
            [part] => &*part.run,
            _ => {
                empty = Run::build(std::iter::empty(), &super::Room { rows: 0, size_bytes: 0, first: 1 });
                &empty
            }
        };
        let (ranks, later) = ranks(run, later);
        let mut kinds = 0;
        column(run.keys.arena(), out)?;
        match run.keys.ends() {
            Ends::Blocks { lengths, starts } => {
                column(lengths, out)?;
                column(starts, out)?;
            }
            Ends::Ends(ends) => {
                kinds |= LONG_STRINGS;
                out.empty();
                column(ends, out)?;
            }
        }
        match &ranks {
            Sequences::Near { steps, .. } => column(steps, out)?,
            Sequences::Far(sequences) => {
                kinds |= MANY_RANKS;
                column(sequences, out)?;
            }
        }
        column(&run.counts.rows, out)?;
        column(&run.counts.counts, out)?;
        write_names(run, out)?;
        column(&run.table.tags, out)?;
        column(&run.table.rows, out)?;
        let next = 1 + run.len() as u64 + later.len() as u64;
        let (rows, later): (Vec<u32>, Vec<u64>) = later.into_iter().unzip();
        column(&Column::Owned(rows), out)?;
        column(&Column::Owned(later), out)?;
        Ok(Shape { kinds, rows: run.len() as u64, copies: self.copies, open: self.open, next })
    }

    /// Makes the facts whose columns are in a file; `None` when the columns do not fit each other.
    pub(crate) fn from_columns(
        file: &Arc<Mapped>,
        shape: &Shape,
        sections: &[Section; COLUMNS],
    ) -> Option<(Facts, LaterCopies)> {
        let mut sections = sections.iter();
        let mut area = || {
            let Section { start, length } = *sections.next()?;
            let (start, length) = (usize::try_from(start).ok()?, usize::try_from(length).ok()?);
            Area::new(file, start..start.checked_add(length)?)
        };
        let rows = usize::try_from(shape.rows).ok().filter(|rows| u32::try_from(*rows).is_ok())?;
        let arena = Column::Mapped(area()?);
        let lengths = mapped::<u8>(area()?)?;
        let ends = if shape.kinds & LONG_STRINGS == 0 {
            let starts = mapped::<u32>(area()?)?;
            (lengths.len() == rows && starts.len() == rows.div_ceil(BLOCK)).then_some(())?;
            Ends::Blocks { lengths, starts }
        } else {
            Ends::Ends(mapped(area()?).filter(|ends: &Column<u64>| ends.len() == rows)?)
        };
        let sequences = if shape.kinds & MANY_RANKS == 0 {
            let steps = mapped(area()?).filter(|steps: &Column<u32>| steps.len() == rows)?;
            Sequences::Near { first: 1, steps }
        } else {
            Sequences::Far(mapped(area()?).filter(|ranks: &Column<u64>| ranks.len() == rows)?)
        };
        let counts = Counts::new(mapped(area()?)?, mapped(area()?)?);
        (counts.rows.len() == counts.counts.len()).then_some(())?;
        let names = MappedNames {
            rows: mapped(area()?)?,
            ends: mapped(area()?)?,
            text: area()?,
            read: OnceLock::new(),
        };
        (names.rows.len() == names.ends.len() && names.rows.len() as u64 == shape.open).then_some(())?;
        let table = Table::from_columns(mapped(area()?)?, mapped(area()?)?, rows)?;
        let later = LaterCopies { rows: mapped(area()?)?, ranks: mapped(area()?)? };
        (later.rows.len() == later.ranks.len()).then_some(())?;
        let run = Rows {
            keys: Keys::new(arena, ends),
            sequences,
            first: 1,
            counts,
            names: Spellings::Mapped(names),
            table,
        };
        let mut facts = Facts::new();
        if rows > 0 {
            facts.parts =
                Arc::new(vec![Part { run: Arc::new(Run::new(Arc::new(run))), changed: 0, gone: 0 }]);
        }
        (facts.copies, facts.distinct, facts.open) = (shape.copies, shape.rows, shape.open);
        facts.next = shape.next;
        facts.file = Some(Arc::clone(file));
        Some((facts, later))
    }
}

impl Facts {
    /// Checks that all facts are as writing makes them, and as many as there should be.
    pub(crate) fn check(&self) -> Result<(), StoredError> {
        let (mut ranks, mut copies, mut open) = (HashSet::new(), 0u64, 0);
        for (part, run) in self.runs() {
            let mut before: Option<(&[u8], u64)> = None;
            let mut counted = run.counts.rows.iter().zip(run.counts.counts.iter());
            let counts_fit = counted.all(|(row, count)| (row as usize) < run.len() && count != 1);
            if !counts_fit || !run.counts.rows.iter().is_sorted_by(|a, b| a < b) {
                return Err(StoredError::Columns);
            }
            for row in run.keys.all() {
                let record = u64::from(row);
                let (bytes, rank) = (run.keys.get(row), run.sequence(row));
                let names = run.names(row).as_deref().unwrap_or_default();
                let introduced = check_atom(bytes, record)?;
                let different: HashSet<&Variable> = names.iter().collect();
                let is_found = run.find(hash_of(bytes, names), bytes, names, |_| true) == Some(row);
                let is_right = introduced == names.len()
                    && different.len() == names.len()
                    && is_found
                    && run.count(row) > 0
                    && (1..self.next).contains(&rank)
                    && ranks.insert(rank);
                if !is_right {
                    return Err(StoredError::Record { record });
                }
                if before.is_some_and(|before| before >= (bytes, rank)) {
                    return Err(StoredError::Order { record });
                }
                before = Some((bytes, rank));
                if let Some(found) = self.found(part, run, row) {
                    copies = copies.saturating_add(found.count);
                    open += u64::from(introduced > 0);
                }
            }
        }
        for (found, _) in self.loose_rows() {
            copies = copies.saturating_add(found.count);
            open += u64::from(!self.fact(&found).is_ground());
        }
        let is_right = (copies, open) == (self.copies, self.open);
        if is_right { Ok(()) } else { Err(StoredError::Columns) }
    }
}

fn mapped<T: Word>(area: Area) -> Option<Column<T>> {
    area.len().is_multiple_of(T::SIZE).then_some(Column::Mapped(area))
}

fn column<T: Word, W: Write>(column: &Column<T>, out: &mut Sections<W>) -> io::Result<()> {
    column.pieces(|piece| out.write(piece))?;
    out.end()
}

fn write_names<W: Write>(run: &Run, out: &mut Sections<W>) -> io::Result<()> {
    let (mut rows, mut ends, mut text) = (Vec::new(), Vec::new(), Vec::new());
    for (row, names) in run.names.iter() {
        rows.push(row);
        names.iter().for_each(|name| write_name(&mut text, name));
        ends.push(text.len() as u64);
    }
    column(&Column::Owned(rows), out)?;
    column(&Column::Owned(ends), out)?;
    column(&Column::Owned(text), out)
}

/// Numbers what was added from 1 on, in order: the rows of a run, and later copies.
fn ranks(run: &Run, later: &[(Found, u64)]) -> (Sequences, Vec<(u32, u64)>) {
    let rows = run.keys.all().map(|row| (run.sequence(row), row, true));
    let later = later.iter().map(|(found, sequence)| (*sequence, found.row, false));
    let mut order: Vec<(u64, u32, bool)> = rows.chain(later).collect();
    order.sort_unstable();
    let (mut ranks, mut later) = (vec![0u64; run.len()], Vec::new());
    for ((_, row, is_first), rank) in order.into_iter().zip(1..) {
        if is_first {
            ranks[row as usize] = rank;
        } else {
            later.push((row, rank));
        }
    }
    let mut sequences = Sequences::with_room(1, ranks.len());
    ranks.into_iter().for_each(|rank| sequences.push(rank));
    (sequences, later)
}
