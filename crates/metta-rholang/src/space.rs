//! The content of a space as bytes: a header, then a record for every fact.
//!
//! ```text
//! "MTTS" | u64 length of a symbol table | the table | u64 n | n records
//! record: u32 length of the path | path | u64 copies        (without copies in the older layout)
//! ```
//! Numbers are big endian. A path is an encoded atom. In the legacy dialect every leaf is
//! the symbol of its text; the strict dialect keeps all that [`metta_space::bytes`] can say.
//!
//! Invariant S1: nothing is allocated for a length before the bytes that it counts were
//! seen to be there.
//! Invariant S2: records stand in definition order, and are added in it.

use metta_atom::{Atom, Grounded, Number, SpaceId, Variable};
use metta_space::bytes::{Item, Reader, Writer};
use metta_space::{Fact, Snapshot};

use crate::{Codec, Dialect, text};

const SPACE: &[u8; 4] = b"MTTS";
const RULES: &[u8; 4] = b"MTTM";
const LARGE: &[u8; 4] = b"MTTL";

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
    /// A symbol table, which gives paths another meaning.
    #[error("the paths use a symbol table of {size_bytes} bytes")]
    SymbolTable {
        /// Its size.
        size_bytes: usize,
    },
    /// Records in the table of large expressions.
    #[error("{records} large expressions in a table of their own")]
    LargeExpressions {
        /// How many there are.
        records: u64,
    },
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
    /// Names of variables that do not fit the records.
    #[error("the names of variables do not fit the records")]
    Names,
}

/// A record: an encoded atom and how many copies there are.
pub(crate) struct Record<'b> {
    pub(crate) path: &'b [u8],
    pub(crate) copies: u64,
}

impl Codec {
    /// Writes facts as records (S2); the facts are in insertion order.
    pub(crate) fn space_bytes(&self, facts: &[Fact<'_>]) -> Result<Vec<u8>, SpaceError> {
        let mut bytes = SPACE.to_vec();
        bytes.extend_from_slice(&0u64.to_be_bytes());
        bytes.extend_from_slice(&(facts.len() as u64).to_be_bytes());
        for fact in facts {
            let path = self.path(fact)?;
            let length = u32::try_from(path.len()).map_err(|_| SpaceError::Truncated { at: bytes.len() })?;
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(&path);
            bytes.extend_from_slice(&fact.count.to_be_bytes());
        }
        Ok(bytes)
    }

    fn path(&self, fact: &Fact<'_>) -> Result<Vec<u8>, SpaceError> {
        Reader::new(fact.bytes).try_for_each(|item| check_reference(&item))?;
        if self.dialect == Dialect::Strict {
            return Ok(fact.bytes.to_vec());
        }
        let mut writer = Writer::new();
        for item in Reader::new(fact.bytes) {
            match (leaf(&item), item) {
                (Some(leaf), _) => writer.symbol(&leaf),
                (None, Item::Arity(n)) => writer.arity(n),
                (None, Item::VarRef(i)) => writer.var_ref(i),
                (None, _) => writer.new_var(),
            }
        }
        Ok(writer.into_bytes())
    }

    /// Reads the atoms of records, with the names of the variables of each if they are known.
    pub(crate) fn atoms(
        &self,
        records: &[Record<'_>],
        names: Option<&[Vec<Variable>]>,
    ) -> Result<Vec<(Atom, u64)>, SpaceError> {
        let mut atoms = Vec::with_capacity(records.len());
        let mut spare = self.most_copies;
        let decoder = Snapshot::new();
        for (i, record) in records.iter().enumerate() {
            let error = |error| SpaceError::Path { record: i, error };
            metta_space::bytes::validate(record.path).map_err(error)?;
            let mut variables = 0;
            for item in Reader::new(record.path) {
                check_reference(&item)?;
                variables += usize::from(item == Item::NewVar);
            }
            let extra = record.copies.checked_sub(1).ok_or(SpaceError::NoCopies { record: i })?;
            spare = spare.checked_sub(extra).ok_or(SpaceError::TooManyCopies { limit: self.most_copies })?;
            let invented: Vec<Variable>;
            let names = match names {
                Some(names) => &names[i],
                None => {
                    invented = (0..variables).map(invented_name).collect();
                    &invented
                }
            };
            if names.len() != variables {
                return Err(SpaceError::Names);
            }
            let atom = decoder.decode(record.path, names);
            let atom = if self.dialect == Dialect::Legacy { self.reread(&atom) } else { atom };
            atoms.push((atom, record.copies));
        }
        Ok(atoms)
    }

    /// Replaces symbols by what their text means in a program.
    fn reread(&self, atom: &Atom) -> Atom {
        enum Visit<'a> {
            Enter(&'a Atom),
            Leave(usize),
        }
        let mut pending = vec![Visit::Enter(atom)];
        let mut done = Vec::new();
        while let Some(visit) = pending.pop() {
            match visit {
                Visit::Enter(Atom::Symbol(symbol)) => done.push(text::word(symbol.name(), &self.library)),
                Visit::Enter(Atom::Expression(expression)) => {
                    pending.push(Visit::Leave(done.len()));
                    pending.extend(expression.children().iter().rev().map(Visit::Enter));
                }
                Visit::Enter(leaf) => done.push(leaf.clone()),
                Visit::Leave(start) => {
                    let children = done.split_off(start);
                    done.push(Atom::expression(children));
                }
            }
        }
        done.pop().unwrap_or_else(Atom::unit)
    }

    /// Applies the older table of copies: `"MTTM" | u64 n | n x (u32 length | rule as text | u64 copies)`.
    pub(crate) fn apply_rule_copies(
        &self,
        bytes: &[u8],
        records: &mut [Record<'_>],
    ) -> Result<(), SpaceError> {
        let mut cursor = Cursor::new(bytes, RULES)?;
        let n = cursor.records(4 + 8)?;
        let mut encoder = Snapshot::new();
        let mut known = std::collections::HashMap::new();
        if n > 0 {
            // Rules are compared up to the names of their variables, as bytes are.
            for (i, (atom, _)) in self.atoms(records, None)?.iter().enumerate() {
                known.insert(encoder.encode(atom).bytes, i);
            }
        }
        for _ in 0..n {
            let rule = cursor.sized()?;
            let copies = cursor.word()?;
            let parsed = metta_syntax::parse_bytes(rule, &self.library);
            let index = parsed.forms.first().and_then(|form| known.get(&encoder.encode(&form.atom).bytes));
            match index {
                Some(&i) => records[i].copies = copies,
                None => {
                    return Err(SpaceError::UnknownRule { rule: String::from_utf8_lossy(rule).into_owned() });
                }
            }
        }
        cursor.end()
    }
}

/// Reads the records of a space; the older layout has no copies in them.
pub(crate) fn records(bytes: &[u8], with_copies: bool) -> Result<Vec<Record<'_>>, SpaceError> {
    let mut cursor = Cursor::new(bytes, SPACE)?;
    let table = cursor.word()?;
    if table > 0 {
        let size_bytes = usize::try_from(table).unwrap_or(usize::MAX);
        cursor.take(size_bytes)?;
        return Err(SpaceError::SymbolTable { size_bytes });
    }
    let n = cursor.records(if with_copies { 4 + 8 } else { 4 })?;
    let mut records = Vec::with_capacity(n);
    for _ in 0..n {
        let path = cursor.sized()?;
        let copies = if with_copies { cursor.word()? } else { 1 };
        records.push(Record { path, copies });
    }
    cursor.end()?;
    Ok(records)
}

/// Returns the table of large expressions that says there are none.
pub(crate) fn no_large_expressions() -> Vec<u8> {
    [&LARGE[..], &[0; 8]].concat()
}

/// Checks that a table of large expressions is empty.
pub(crate) fn check_large_expressions(bytes: &[u8]) -> Result<(), SpaceError> {
    let mut cursor = Cursor::new(bytes, LARGE)?;
    match cursor.word()? {
        0 => cursor.end(),
        records => Err(SpaceError::LargeExpressions { records }),
    }
}

/// Returns the text of a leaf.
fn leaf(item: &Item<'_>) -> Option<String> {
    let value = match item {
        Item::Symbol(name) => return Some((*name).to_owned()),
        Item::Operation(name) => return Some((*name).to_owned()),
        Item::Int(value) => Grounded::Number(Number::Int(*value)),
        Item::Big(value) => Grounded::Number(Number::from_big(value.clone())),
        Item::Float(value) => Grounded::Number(Number::Float(*value)),
        Item::Text(text) => Grounded::Text((*text).into()),
        Item::Bool(value) => Grounded::Bool(*value),
        Item::Space(id) => Grounded::Space(*id),
        Item::Arity(_) | Item::NewVar | Item::VarRef(_) | Item::State(_) | Item::Handle(_) => return None,
    };
    text::of(&value)
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

/// Names the `i`-th variable: `a` to `z`, then with numbers.
fn invented_name(i: usize) -> Variable {
    let letter = char::from(b'a' + (i % 26) as u8);
    match i / 26 {
        0 => Variable::new(letter.to_string().as_str()),
        round => Variable::new(format!("{letter}{round}").as_str()),
    }
}

/// Reads numbers and sized parts.
struct Cursor<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Cursor<'b> {
    fn new(bytes: &'b [u8], magic: &[u8; 4]) -> Result<Self, SpaceError> {
        if !bytes.starts_with(magic) {
            return Err(SpaceError::Magic { expected: String::from_utf8_lossy(magic).into_owned() });
        }
        Ok(Cursor { bytes, at: magic.len() })
    }

    /// S1: hands out only what is there.
    fn take(&mut self, n: usize) -> Result<&'b [u8], SpaceError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let part = rest.get(..n).ok_or(SpaceError::Truncated { at: self.at })?;
        self.at += n;
        Ok(part)
    }

    fn word(&mut self) -> Result<u64, SpaceError> {
        let bytes = self.take(8)?;
        Ok(bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    fn sized(&mut self) -> Result<&'b [u8], SpaceError> {
        let length = self.take(4)?.iter().fold(0, |value, byte| value << 8 | usize::from(*byte));
        self.take(length)
    }

    /// Reads a number of records of at least `least` bytes each (S1).
    fn records(&mut self, least: usize) -> Result<usize, SpaceError> {
        let n = self.word()?;
        let room = (self.bytes.len() - self.at) / least;
        usize::try_from(n).ok().filter(|n| *n <= room).ok_or(SpaceError::Truncated { at: self.at })
    }

    fn end(&self) -> Result<(), SpaceError> {
        if self.at < self.bytes.len() { Err(SpaceError::Trailing { at: self.at }) } else { Ok(()) }
    }
}
