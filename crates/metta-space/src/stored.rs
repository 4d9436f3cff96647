//! A whole space as bytes.
//!
//! ```text
//! "MeTTaSPC" | u32 version | u64 facts | u64 length of the records | records | u128 checksum
//! record: shared | length | the other bytes of the atom | copies | rank | names
//! names:  for each variable that the atom introduces, length | text | number
//! ```
//! The numbers in front and the checksum, XXH3 of all before it, are little endian; those in records have
//! seven bits a byte, low ones first, the eighth set where more follow. Records stand in the order of their
//! atoms; `shared` is how many bytes an atom has in common with the one before. The rank of a fact
//! is its place in insertion order.
//!
//! Invariant S1: equal facts in an equal order have equal bytes, however they came to be.
//! Invariant S2: bytes that [`Snapshot::to_bytes`] does not make are refused, whatever they are, and no
//! memory is taken for a length that they claim.

use std::cmp::Ordering;
use std::collections::HashSet;

use metta_atom::Variable;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::bytes::{Checked, Checker, DecodeError, Token, inspect, reference_kind, token};
use crate::declarations::classify;
use crate::facts::Sorted;
use crate::files::mapped::Damage;
use crate::snapshot::Snapshot;

pub(crate) const MAGIC: &[u8; 8] = b"MeTTaSPC";
const VERSION: u32 = 1;
const HEADER: usize = MAGIC.len() + 4 + 8 + 8;
const CHECKSUM: usize = 16;

/// Why bytes are not a space, or a space cannot be bytes.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoredError {
    /// Other bytes where a space should begin.
    #[error("the bytes do not begin with `MeTTaSPC`")]
    Magic,
    /// A layout that this release does not know.
    #[error("layout {found} of a space, expected {VERSION}")]
    Version {
        /// The number of the layout.
        found: u32,
    },
    /// Fewer or more bytes than there should be.
    #[error("{found} bytes, expected {expected}")]
    Length {
        /// How many there should be.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// The bytes are not those that were written.
    #[error("the checksum does not fit the bytes")]
    Checksum,
    /// A record ends before it should.
    #[error("record {record} is not complete")]
    Record {
        /// The number of the record, from 0.
        record: u64,
    },
    /// A record that is not an atom.
    #[error("record {record}: {error}")]
    Atom {
        /// The number of the record, from 0.
        record: u64,
        /// What is wrong with it.
        error: DecodeError,
    },
    /// Records or ranks that are not in their one order.
    #[error("record {record} is out of order")]
    Order {
        /// The number of the record, from 0.
        record: u64,
    },
    /// A block of a mapped file that is not what was written.
    #[error("{0}")]
    Damaged(#[from] Damage),
    /// Columns of a mapped file that do not fit each other.
    #[error("the columns do not fit each other")]
    Columns,
    /// Too many copies of rules or types.
    #[error("more than {limit} copies of rules and types beside the first of each")]
    Copies {
        /// The limit.
        limit: u64,
    },
    /// A value that has a meaning only where it was made.
    #[error("an atom refers to `{value}`, which is not part of the space")]
    Reference {
        /// What kind of value.
        value: String,
    },
}

impl Snapshot {
    /// Writes the space as bytes, which [`Snapshot::from_bytes`] reads.
    ///
    /// Of a rule with several copies the later ones stand with the first.
    ///
    /// # Errors
    /// When an atom holds a space, a state or a value of the host.
    pub fn to_bytes(&self) -> Result<Vec<u8>, StoredError> {
        let mut sorted = self.clone();
        sorted.settle();
        let order = sorted.facts.in_byte_order();
        let mut by_sequence: Vec<(u64, u32)> = order.iter().map(|found| found.sequence).zip(0..).collect();
        by_sequence.sort_unstable();
        let mut ranks = vec![0; order.len()];
        by_sequence.iter().zip(0..).for_each(|((_, at), rank)| ranks[*at as usize] = rank);
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&(order.len() as u64).to_le_bytes());
        out.extend_from_slice(&[0; 8]);
        let mut before: &[u8] = &[];
        let mut spare = MOST_COPIES;
        for (found, rank) in order.iter().zip(ranks) {
            let fact = sorted.fact(found);
            spend_copies(&mut spare, fact.bytes, fact.count)?;
            refuse_references(fact.bytes)?;
            let shared = before.iter().zip(fact.bytes).take_while(|(a, b)| a == b).count();
            write_number(&mut out, shared as u64);
            write_text(&mut out, &fact.bytes[shared..]);
            write_number(&mut out, fact.count);
            write_number(&mut out, rank);
            fact.variables().iter().for_each(|variable| write_name(&mut out, variable));
            before = fact.bytes;
        }
        let length = (out.len() - HEADER) as u64;
        out[HEADER - 8..HEADER].copy_from_slice(&length.to_le_bytes());
        let checksum = xxh3_128(&out);
        out.extend_from_slice(&checksum.to_le_bytes());
        Ok(out)
    }

    /// Reads what [`Snapshot::to_bytes`] wrote.
    ///
    /// # Errors
    /// When the bytes are anything else (S2).
    pub fn from_bytes(bytes: &[u8]) -> Result<Snapshot, StoredError> {
        let (count, records) = records(bytes)?;
        let mut cursor = Cursor { bytes: records, record: 0 };
        let mut sorted = Sorted::with_room(count);
        // A bit for each rank that is taken.
        let mut ranks = vec![0u64; count.div_ceil(64)];
        let (mut atom, mut checker) = (Vec::new(), Checker::default());
        let mut spare = MOST_COPIES;
        for record in 0..count {
            cursor.record = record as u64;
            let Record { order, names, copies, rank } = cursor.fact(&mut atom, &mut checker)?;
            if copies > 1 {
                spend_copies(&mut spare, &atom, copies)?;
            }
            let at = usize::try_from(rank).ok().filter(|rank| *rank < count);
            let is_free = at.is_some_and(|at| {
                let (taken, bit) = (&mut ranks[at / 64], 1 << (at % 64));
                std::mem::replace(taken, *taken | bit) & bit == 0
            });
            if !is_free || !sorted.push(order, &atom, names, copies, rank) {
                return Err(StoredError::Order { record: record as u64 });
            }
        }
        if !cursor.bytes.is_empty() {
            return Err(cursor.incomplete());
        }
        Ok(Snapshot::from_facts(sorted.finish(), xxh3_64(bytes)))
    }
}

/// How many copies of rules and types beside the first of each a space in bytes may have: each takes memory.
const MOST_COPIES: u64 = 1 << 20;

/// Counts the copies of a fact, if each of them takes memory.
fn spend_copies(spare: &mut u64, bytes: &[u8], copies: u64) -> Result<(), StoredError> {
    if classify(bytes).is_some() {
        let left = spare.checked_sub(copies.saturating_sub(1));
        *spare = left.ok_or(StoredError::Copies { limit: MOST_COPIES })?;
    }
    Ok(())
}

/// Checks the frame; returns the number of records, and the records.
fn records(bytes: &[u8]) -> Result<(usize, &[u8]), StoredError> {
    let found = bytes.len() as u64;
    if !bytes.starts_with(MAGIC) {
        return Err(StoredError::Magic);
    }
    let too_short = || StoredError::Length { expected: (HEADER + CHECKSUM) as u64, found };
    let (header, rest) = bytes.split_at_checked(HEADER).ok_or_else(too_short)?;
    let (count, length) = (HEADER - 16, HEADER - 8);
    let version = header[MAGIC.len()..].first_chunk().map_or(0, |word| u32::from_le_bytes(*word));
    if version != VERSION {
        return Err(StoredError::Version { found: version });
    }
    let word = |at: usize| header[at..].first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
    let expected = word(length).saturating_add((HEADER + CHECKSUM) as u64);
    let (records, checksum) = rest.split_last_chunk::<CHECKSUM>().ok_or_else(too_short)?;
    if expected != found {
        return Err(StoredError::Length { expected, found });
    }
    if xxh3_128(&bytes[..HEADER + records.len()]) != u128::from_le_bytes(*checksum) {
        return Err(StoredError::Checksum);
    }
    // S2: a record takes more than one byte.
    let count = usize::try_from(word(count)).ok().filter(|count| *count <= records.len());
    Ok((count.ok_or(StoredError::Record { record: records.len() as u64 })?, records))
}

/// A fact as it is read.
struct Record {
    /// How its bytes compare with those of the one before.
    order: Ordering,
    names: Vec<Variable>,
    copies: u64,
    rank: u64,
}

/// Reads records.
pub(crate) struct Cursor<'b> {
    bytes: &'b [u8],
    record: u64,
}

impl<'b> Cursor<'b> {
    /// Starts at the first of some bytes.
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Cursor { bytes, record: 0 }
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Reads one byte.
    pub(crate) fn byte(&mut self) -> Result<u8, StoredError> {
        let (&byte, rest) = self.bytes.split_first().ok_or_else(|| self.incomplete())?;
        self.bytes = rest;
        Ok(byte)
    }

    /// Reads all names that are left; none when something else is.
    pub(crate) fn all_names(&mut self) -> Vec<Variable> {
        let mut names = Vec::new();
        while !self.is_at_end() {
            match self.name() {
                Ok(name) => names.push(name),
                Err(_) => return Vec::new(),
            }
        }
        names
    }

    /// Reads an atom, with the names of its variables.
    pub(crate) fn atom(&mut self) -> Result<(&'b [u8], Vec<Variable>), StoredError> {
        let atom = self.text()?;
        let introduced = check_atom(atom, self.record)?;
        Ok((atom, self.names(introduced)?))
    }

    /// Reads the names of variables, which are different ones.
    fn names(&mut self, n: usize) -> Result<Vec<Variable>, StoredError> {
        let mut names = Vec::new();
        for _ in 0..n {
            names.push(self.name()?);
        }
        let mut known = HashSet::new();
        if n > 1 && !names.iter().all(|name| known.insert(name)) {
            return Err(self.incomplete());
        }
        Ok(names)
    }

    fn name(&mut self) -> Result<Variable, StoredError> {
        let name = std::str::from_utf8(self.text()?).map_err(|_| self.incomplete())?;
        Ok(Variable::renamed(name, self.number()?))
    }

    pub(crate) fn incomplete(&self) -> StoredError {
        StoredError::Record { record: self.record }
    }

    /// Reads a fact, whose atom takes the place of the one before.
    fn fact(&mut self, atom: &mut Vec<u8>, checker: &mut Checker) -> Result<Record, StoredError> {
        let shared = usize::try_from(self.number()?).ok().filter(|shared| *shared <= atom.len());
        let shared = shared.ok_or_else(|| self.incomplete())?;
        let next = atom.get(shared).copied();
        atom.truncate(shared);
        let rest = self.text()?;
        // What is shared is equal, so what comes first of the rest decides.
        let order = rest.first().copied().cmp(&next);
        // S1: all that is shared is said to be.
        if self.record > 0 && next.is_some() && order.is_eq() {
            return Err(self.incomplete());
        }
        atom.extend_from_slice(rest);
        let introduced = accept(checker.check(atom, shared), self.record)?;
        let (copies, rank) = (self.number()?, self.number()?);
        if copies == 0 {
            return Err(self.incomplete());
        }
        let names = self.names(introduced)?;
        Ok(Record { order, names, copies, rank })
    }

    pub(crate) fn text(&mut self) -> Result<&'b [u8], StoredError> {
        let length = self.number()?;
        let split = usize::try_from(length).ok().and_then(|length| self.bytes.split_at_checked(length));
        let (text, rest) = split.ok_or_else(|| self.incomplete())?;
        self.bytes = rest;
        Ok(text)
    }

    pub(crate) fn number(&mut self) -> Result<u64, StoredError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.bytes.split_first().ok_or_else(|| self.incomplete())?;
            self.bytes = rest;
            let bits = u64::from(byte & 0x7F);
            // S1: no zeros behind the last seven bits that count, and no bits beyond 64.
            if bits << shift >> shift != bits || byte == 0 && shift > 0 {
                return Err(self.incomplete());
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.incomplete())
    }
}

pub(crate) fn write_number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(crate) fn write_text(out: &mut Vec<u8>, text: &[u8]) {
    write_number(out, text.len() as u64);
    out.extend_from_slice(text);
}

/// Checks an atom; returns how many variables it introduces.
pub(crate) fn check_atom(atom: &[u8], record: u64) -> Result<usize, StoredError> {
    accept(inspect(atom), record)
}

/// Refuses what is not an atom, or holds a reference.
fn accept(checked: Result<Checked, DecodeError>, record: u64) -> Result<usize, StoredError> {
    let Checked { introduced, reference } = checked.map_err(|error| StoredError::Atom { record, error })?;
    match reference {
        Some(value) => Err(StoredError::Reference { value: value.to_owned() }),
        None => Ok(introduced),
    }
}

/// Writes the name of a variable.
pub(crate) fn write_name(out: &mut Vec<u8>, variable: &Variable) {
    write_text(out, variable.name().name().as_bytes());
    write_number(out, variable.number());
}

/// Reports a value that is a reference, if an atom has one.
pub(crate) fn refuse_references(atom: &[u8]) -> Result<(), StoredError> {
    let mut at = 0;
    while let Some((token, next)) = token(atom, at) {
        if let Token::Payload { start } = token
            && let Some(value) = reference_kind(&atom[start..next])
        {
            return Err(StoredError::Reference { value: value.to_owned() });
        }
        at = next;
    }
    Ok(())
}
