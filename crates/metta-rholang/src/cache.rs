//! States that were seen lately, by the bytes of their spaces.
//!
//! Invariant K1: what is found for bytes is what reading those bytes would make. So nobody can tell whether a
//! state was in the cache, but by the time that it took.
//! Invariant K2: an entry is found by its whole content; a hash only says where to look.

use std::collections::HashMap;

use bytes::Bytes;
use metta_sched::Environment;
use metta_space::Snapshot;
use xxhash_rust::xxh3::Xxh3;

use crate::space::Tables;

/// How many states there are room for, whatever their sizes.
const MOST_ENTRIES: usize = 256;

/// What is known about the bytes of a space.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) environment: Environment,
    /// The main space; `None` when there are no facts.
    pub(crate) space: Option<Snapshot>,
    /// Whether the bytes are those that we write for this space.
    pub(crate) canonical: bool,
}

struct Entry {
    tables: Tables,
    /// `None` for bytes that we wrote and nobody asked for yet.
    known: Option<Known>,
    size_bytes: usize,
    used: u64,
}

/// How the cache of a bridge was used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct CacheStatistics {
    /// States that were found.
    pub hits: u64,
    /// States that had to be read.
    pub misses: u64,
    /// States that were given up for others.
    pub evictions: u64,
    /// States in the cache.
    pub entries: u64,
    /// About how many bytes they hold.
    pub size_bytes: u64,
}

pub(crate) struct Cache {
    entries: HashMap<u64, Entry>,
    clock: u64,
    size_bytes: usize,
    limit_bytes: usize,
    statistics: CacheStatistics,
}

/// What was found for some bytes.
pub(crate) enum Found {
    Known(Box<Known>),
    /// Bytes that we wrote.
    Written,
    Nothing,
}

impl Cache {
    pub(crate) fn new(limit_bytes: usize) -> Self {
        Cache {
            entries: HashMap::new(),
            clock: 0,
            size_bytes: 0,
            limit_bytes,
            statistics: CacheStatistics::default(),
        }
    }

    pub(crate) fn find(&mut self, tables: &Tables, key: u64) -> Found {
        self.clock += 1;
        // K2
        let entry = self.entries.get_mut(&key).filter(|entry| same(&entry.tables, tables));
        let Some(entry) = entry else {
            self.statistics.misses += 1;
            return Found::Nothing;
        };
        entry.used = self.clock;
        match &entry.known {
            Some(known) => {
                self.statistics.hits += 1;
                Found::Known(Box::new(known.clone()))
            }
            None => {
                self.statistics.misses += 1;
                Found::Written
            }
        }
    }

    /// Enters a state; those not used for the longest time make room.
    pub(crate) fn insert(&mut self, tables: Tables, key: u64, known: Option<Known>) {
        let space = known.as_ref().and_then(|known| known.space.as_ref());
        let size_bytes = tables.size_bytes() + space.map_or(0, Snapshot::size_bytes);
        if size_bytes > self.limit_bytes {
            return;
        }
        self.clock += 1;
        let entry = Entry { tables, known, size_bytes, used: self.clock };
        self.size_bytes += size_bytes;
        if let Some(old) = self.entries.insert(key, entry) {
            self.size_bytes -= old.size_bytes;
        }
        while self.size_bytes > self.limit_bytes || self.entries.len() > MOST_ENTRIES {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.used).map(|(key, _)| *key);
            let Some(entry) = oldest.and_then(|key| self.entries.remove(&key)) else { break };
            self.size_bytes -= entry.size_bytes;
            self.statistics.evictions += 1;
        }
    }

    pub(crate) fn statistics(&self) -> CacheStatistics {
        let (entries, size_bytes) = (self.entries.len() as u64, self.size_bytes as u64);
        CacheStatistics { entries, size_bytes, ..self.statistics }
    }
}

/// Where tables are looked for. Cost: O(bytes), some ten gigabytes a second.
pub(crate) fn key(tables: &Tables) -> u64 {
    let mut hasher = Xxh3::new();
    for part in [Some(&tables.space), Some(&tables.other), tables.order.as_ref()].into_iter().flatten() {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.digest()
}

fn same(a: &Tables, b: &Tables) -> bool {
    let same = |a: &Bytes, b: &Bytes| a.len() == b.len() && (a.as_ptr() == b.as_ptr() || a == b);
    let order = match (&a.order, &b.order) {
        (Some(a), Some(b)) => same(a, b),
        (None, None) => true,
        _ => false,
    };
    a.layout == b.layout && order && same(&a.space, &b.space) && same(&a.other, &b.other)
}
