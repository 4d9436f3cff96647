//! The table of the strict dialect, which keeps types, copies, order and the names of variables.
//!
//! Its records are what bincode makes of [`Record`]: integers in as few bytes as they need, lengths in front of
//! byte strings and lists. The atom is in the encoding of [`metta_space::bytes`].

use bincode::Options as _;
use metta_atom::Variable;
use metta_space::Fact;
use metta_space::bytes::{Item, Reader};
use serde::{Deserialize, Serialize, Serializer};

use super::table::{Cursor, Growing};
use super::{Facts, SpaceError, check_reference};

pub(super) const MAGIC: &[u8; 4] = b"MTTA";
const VERSION: u8 = 1;
const BEGINNING: [u8; 5] = [b'M', b'T', b'T', b'A', VERSION];
/// A record of one byte, no length of which needs more.
const LEAST_RECORD: usize = 4;

#[derive(Serialize, Deserialize)]
struct Record<'b> {
    #[serde(borrow, serialize_with = "as_bytes")]
    atom: &'b [u8],
    copies: u64,
    #[serde(borrow)]
    names: Vec<Name<'b>>,
}

/// A variable: its name, and the number that tells it from others of the name.
#[derive(Serialize, Deserialize)]
struct Name<'b>(&'b str, u64);

fn as_bytes<S: Serializer>(bytes: &&[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

pub(super) fn begin() -> Growing {
    Growing::new(&BEGINNING)
}

/// Takes a table up again.
pub(super) fn resume(table: &[u8]) -> Result<Growing, SpaceError> {
    check_version(table)?;
    Growing::resume(table, &BEGINNING)
}

/// Adds a record.
pub(super) fn push(table: &mut Growing, fact: &Fact<'_>) -> Result<(), SpaceError> {
    Reader::new(fact.bytes).try_for_each(|item| check_reference(&item))?;
    let names = fact.variables().iter().map(|variable| Name(variable.name().name(), variable.number()));
    let record = Record { atom: fact.bytes, copies: fact.count, names: names.collect() };
    let at = table.bytes.len();
    bincode::DefaultOptions::new()
        .serialize_into(&mut table.bytes, &record)
        .map_err(|_| SpaceError::Truncated { at })?;
    table.records += 1;
    Ok(())
}

/// Reads the records.
pub(super) fn read(table: &[u8], facts: &mut Facts) -> Result<(), SpaceError> {
    check_version(table)?;
    let mut cursor = Cursor::new(table, &BEGINNING)?;
    let n = cursor.records(LEAST_RECORD)?;
    let rest = cursor.rest();
    // S1: strings are parts of the bytes, and a list grows as its elements are read.
    let options = bincode::DefaultOptions::new().with_limit(rest.len() as u64);
    let mut decoder = bincode::Deserializer::from_slice(rest, options);
    let mut names = Vec::new();
    let mut used = 0;
    for i in 0..n {
        let malformed = SpaceError::Record { record: i };
        let record = Record::deserialize(&mut decoder).map_err(|_| malformed)?;
        used += bincode::DefaultOptions::new()
            .serialized_size(&record)
            .map_err(|_| SpaceError::Record { record: i })?;
        metta_space::bytes::validate(record.atom).map_err(|error| SpaceError::Path { record: i, error })?;
        let mut variables = 0;
        for item in Reader::new(record.atom) {
            check_reference(&item)?;
            variables += usize::from(item == Item::NewVar);
        }
        names.clear();
        names.extend(record.names.iter().map(|Name(name, number)| Variable::renamed(*name, *number)));
        if names.len() != variables || has_duplicates(&names) {
            return Err(SpaceError::Names);
        }
        facts.add(record.atom, &names, record.copies)?;
    }
    let used = usize::try_from(used).unwrap_or(usize::MAX);
    if used != rest.len() { Err(SpaceError::Trailing { at: cursor.at.saturating_add(used) }) } else { Ok(()) }
}

fn check_version(table: &[u8]) -> Result<(), SpaceError> {
    Cursor::new(table, MAGIC)?;
    match table.get(MAGIC.len()) {
        None => Err(SpaceError::Truncated { at: table.len() }),
        Some(&VERSION) => Ok(()),
        Some(&found) => Err(SpaceError::Version { found, expected: VERSION }),
    }
}

fn has_duplicates(names: &[Variable]) -> bool {
    // Quadratic for a few, for which it is faster.
    if names.len() <= 8 {
        return (1..names.len()).any(|i| names[..i].contains(&names[i]));
    }
    let distinct: std::collections::HashSet<&Variable> = names.iter().collect();
    distinct.len() < names.len()
}
