//! Values: what is sent, and what names stand for.
//!
//! A name is a quoted process, so names and processes are the same values here.
//!
//! Invariant V1: values nest no deeper than [`MOST_NESTED`], so whoever walks one by recursion fits a small stack.
//! Invariant V2: a value has at most [`MOST_BYTES`] bytes or elements in one place.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use metta_rholang::par::{ExprKind, KeyValue, List, Map, Name, Par, Unforgeable, UnforgeableKind};

use crate::ast::{Collection, Shared};
use crate::scope::Scope;

const MOST_NESTED: usize = 128;
pub(crate) const MOST_BYTES: usize = 64 << 20;

#[derive(Clone, Debug)]
pub(crate) enum Value {
    Nil,
    Bool(bool),
    Int(i64),
    String(Arc<str>),
    Uri(Arc<str>),
    Bytes(Bytes),
    Sequence(Collection, Arc<Sequence>),
    Map(Arc<Entries>),
    /// A name that no program can write.
    Private(u64),
    /// A channel of the system.
    System(System),
    /// A process that is no value yet.
    Process(Arc<Process>),
}

/// The elements of a list, tuple, set or path map; those of the last two are sorted and different.
#[derive(PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Sequence {
    pub(crate) elements: Vec<Value>,
    depth: usize,
}

#[derive(PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Entries {
    pub(crate) entries: BTreeMap<Value, Value>,
    depth: usize,
}

/// A process with the values of its variables.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) body: Shared,
    pub(crate) scope: Scope,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum System {
    Stdout,
    StdoutAcknowledged,
    Compile,
}

/// Why there is no such value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct TooMuch(pub(crate) String);

impl Value {
    pub(crate) fn string(text: impl Into<Arc<str>>) -> Self {
        Value::String(text.into())
    }

    pub(crate) fn list(elements: Vec<Value>) -> Result<Self, TooMuch> {
        Value::sequence(Collection::List, elements)
    }

    /// Makes a list, tuple, set or path map (V1, V2).
    pub(crate) fn sequence(kind: Collection, mut elements: Vec<Value>) -> Result<Self, TooMuch> {
        if matches!(kind, Collection::Set | Collection::PathMap) {
            elements.sort();
            elements.dedup();
        }
        let depth = deeper(elements.iter())?;
        let too_long = elements.len() > MOST_BYTES / size_of::<Value>();
        if too_long {
            Err(too_large())
        } else {
            Ok(Value::Sequence(kind, Arc::new(Sequence { elements, depth })))
        }
    }

    pub(crate) fn map(entries: BTreeMap<Value, Value>) -> Result<Self, TooMuch> {
        let depth = deeper(entries.iter().flat_map(|(key, value)| [key, value]))?;
        Ok(Value::Map(Arc::new(Entries { entries, depth })))
    }

    pub(crate) fn process(body: Shared, scope: Scope) -> Result<Self, TooMuch> {
        if scope.depth() >= MOST_NESTED {
            return Err(too_deep());
        }
        Ok(Value::Process(Arc::new(Process { body, scope })))
    }

    pub(crate) fn depth(&self) -> usize {
        match self {
            Value::Sequence(_, sequence) => sequence.depth,
            Value::Map(map) => map.depth,
            Value::Process(process) => process.scope.depth() + 1,
            _ => 0,
        }
    }

    /// What kind of value it is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Value::Nil => "Nil",
            Value::Bool(_) => "a truth value",
            Value::Int(_) => "an integer",
            Value::String(_) => "a string",
            Value::Uri(_) => "a URI",
            Value::Bytes(_) => "bytes",
            Value::Sequence(Collection::List, _) => "a list",
            Value::Sequence(Collection::Tuple, _) => "a tuple",
            Value::Sequence(Collection::Set, _) => "a set",
            Value::Sequence(Collection::PathMap, _) => "a path map",
            Value::Map(_) => "a map",
            Value::Private(_) | Value::System(_) => "a name",
            Value::Process(_) => "a process",
        }
    }

    /// Numbers the kinds, in the order of values of different kinds.
    fn rank(&self) -> u8 {
        match self {
            Value::Nil => 0,
            Value::Bool(_) => 1,
            Value::Int(_) => 2,
            Value::String(_) => 3,
            Value::Uri(_) => 4,
            Value::Bytes(_) => 5,
            Value::Sequence(Collection::List, _) => 6,
            Value::Sequence(Collection::Tuple, _) => 7,
            Value::Sequence(Collection::Set, _) => 8,
            Value::Sequence(Collection::PathMap, _) => 9,
            Value::Map(_) => 10,
            Value::Private(_) => 11,
            Value::System(_) => 12,
            Value::Process(_) => 13,
        }
    }

    /// Makes the message that a node would have for the value; `None` for what it has a name or a process in.
    pub(crate) fn to_par(&self) -> Option<Par> {
        let pars =
            |sequence: &Sequence| sequence.elements.iter().map(Value::to_par).collect::<Option<Vec<_>>>();
        Some(match self {
            Value::Nil => Par::default(),
            Value::Bool(value) => Par::expr(ExprKind::Bool(*value)),
            Value::Int(value) => Par::expr(ExprKind::Int(*value)),
            Value::String(text) => Par::string(&**text),
            Value::Uri(uri) => Par::expr(ExprKind::Uri(uri.to_string())),
            Value::Bytes(bytes) => Par::bytes(bytes.clone()),
            Value::Sequence(Collection::List, sequence) => Par::list(pars(sequence)?),
            Value::Sequence(Collection::Tuple, sequence) => Par::tuple(pars(sequence)?),
            Value::Sequence(Collection::Set, sequence) => {
                Par::expr(ExprKind::Set(List { ps: pars(sequence)?, ..List::default() }))
            }
            Value::Sequence(Collection::PathMap, sequence) => Par::path_map(pars(sequence)?),
            Value::Map(map) => {
                let entry = |(key, value): (&Value, &Value)| {
                    let (key, value) = (key.to_par()?.into(), value.to_par()?.into());
                    Some(KeyValue { key: Some(key), value: Some(value) })
                };
                let kvs = map.entries.iter().map(entry).collect::<Option<Vec<_>>>()?;
                Par::expr(ExprKind::Map(Map { kvs, ..Map::default() }))
            }
            Value::Private(id) => {
                let name = Name { id: id.to_be_bytes().to_vec() };
                let private = Unforgeable { kind: Some(UnforgeableKind::Private(name)) };
                Par { unforgeables: vec![private], ..Par::default() }
            }
            Value::System(_) | Value::Process(_) => return None,
        })
    }

    /// Makes the value of a message; `None` for one that is no value.
    pub(crate) fn from_par(par: &Par) -> Option<Self> {
        if par.is_nil() {
            return Some(Value::Nil);
        }
        let values = |ps: &[Par]| ps.iter().map(Value::from_par).collect::<Option<Vec<_>>>();
        let sequence = |kind, ps: &[Par]| Value::sequence(kind, values(ps)?).ok();
        match par.as_expr()? {
            ExprKind::Bool(value) => Some(Value::Bool(*value)),
            ExprKind::Int(value) => Some(Value::Int(*value)),
            ExprKind::String(text) => Some(Value::string(text.as_str())),
            ExprKind::Uri(uri) => Some(Value::Uri(uri.as_str().into())),
            ExprKind::ByteArray(bytes) => Some(Value::Bytes(bytes.clone())),
            ExprKind::List(list) => sequence(Collection::List, &list.ps),
            ExprKind::Tuple(tuple) => sequence(Collection::Tuple, &tuple.ps),
            ExprKind::Set(list) => sequence(Collection::Set, &list.ps),
            ExprKind::PathMap(list) => sequence(Collection::PathMap, &list.ps),
            _ => None,
        }
    }
}

/// V1: how deep something is that holds these values.
fn deeper<'v>(values: impl Iterator<Item = &'v Value>) -> Result<usize, TooMuch> {
    let depth = values.map(Value::depth).max().unwrap_or(0) + 1;
    if depth > MOST_NESTED { Err(too_deep()) } else { Ok(depth) }
}

fn too_deep() -> TooMuch {
    TooMuch(format!("a value with more than {MOST_NESTED} levels inside each other"))
}

pub(crate) fn too_large() -> TooMuch {
    TooMuch(format!("a value of more than {} MiB", MOST_BYTES >> 20))
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Value {}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
            (Value::Int(a), Value::Int(b)) => a.cmp(b),
            (Value::String(a), Value::String(b)) | (Value::Uri(a), Value::Uri(b)) => a.cmp(b),
            (Value::Bytes(a), Value::Bytes(b)) => a.cmp(b),
            (Value::Sequence(a, x), Value::Sequence(b, y)) if a == b => x.cmp(y),
            (Value::Map(a), Value::Map(b)) => a.cmp(b),
            (Value::Private(a), Value::Private(b)) => a.cmp(b),
            (Value::System(a), Value::System(b)) => a.cmp(b),
            // A process is the same only as itself.
            (Value::Process(a), Value::Process(b)) => Arc::as_ptr(a).cmp(&Arc::as_ptr(b)),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

/// As a program writes it; names and processes by a stand-in.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Nil => f.write_str("Nil"),
            Value::Bool(value) => write!(f, "{value}"),
            Value::Int(value) => write!(f, "{value}"),
            Value::String(text) => write!(f, "\"{text}\""),
            Value::Uri(uri) => write!(f, "`{uri}`"),
            Value::Bytes(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
            Value::Sequence(kind, sequence) => {
                let (open, close) = match kind {
                    Collection::List => ("[", "]"),
                    Collection::Tuple if sequence.elements.len() == 1 => ("(", ",)"),
                    Collection::Tuple => ("(", ")"),
                    Collection::Set => ("Set(", ")"),
                    Collection::PathMap => ("{|", "|}"),
                };
                f.write_str(open)?;
                for (i, element) in sequence.elements.iter().enumerate() {
                    f.write_str(if i > 0 { ", " } else { "" })?;
                    write!(f, "{element}")?;
                }
                f.write_str(close)
            }
            Value::Map(map) => {
                f.write_str("{")?;
                for (i, (key, value)) in map.entries.iter().enumerate() {
                    f.write_str(if i > 0 { ", " } else { "" })?;
                    write!(f, "{key} : {value}")?;
                }
                f.write_str("}")
            }
            Value::Private(_) => f.write_str("<name>"),
            Value::System(_) => f.write_str("<system>"),
            Value::Process(_) => f.write_str("<process>"),
        }
    }
}

/// The elements of a set or path map as a set.
pub(crate) fn as_set(sequence: &Sequence) -> BTreeSet<Value> {
    sequence.elements.iter().cloned().collect()
}
