//! The table of values that have no bytes of their own.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use metta_atom::Grounded;
use pathmap::PathMap;

/// Grounded values by number, and back. Cloning is O(1).
#[derive(Clone)]
pub(crate) struct Handles {
    values: PathMap<Grounded>,
    /// The allocation of a value to its number: `values` keeps it alive, so the
    /// address stays its own.
    addresses: PathMap<u64>,
    /// The hash of a value to the numbers with that hash.
    hashes: PathMap<Arc<Vec<u64>>>,
    next: u64,
    /// Whether one of the values matches in its own way.
    matching: bool,
}

impl Handles {
    pub(crate) fn new() -> Self {
        let handles = Handles {
            values: PathMap::new(),
            addresses: PathMap::new(),
            hashes: PathMap::new(),
            next: 0,
            matching: false,
        };
        crate::snapshot::force_root(&handles.values);
        crate::snapshot::force_root(&handles.addresses);
        crate::snapshot::force_root(&handles.hashes);
        handles
    }

    /// Reports whether one of the values ever was one that matches in its own way.
    pub(crate) fn are_matching(&self) -> bool {
        self.matching
    }

    /// Reports whether there never was a value.
    pub(crate) fn is_empty(&self) -> bool {
        self.next == 0
    }

    pub(crate) fn get(&self, id: u64) -> Option<&Grounded> {
        self.values.get(id.to_be_bytes())
    }

    pub(crate) fn find(&self, value: &Grounded) -> Option<u64> {
        if let Some(id) = address(value).and_then(|address| self.addresses.get(address)) {
            return Some(*id);
        }
        let same_hash = self.hashes.get(hash(value))?;
        same_hash.iter().copied().find(|id| self.get(*id) == Some(value))
    }

    /// Enters a value that [`Handles::find`] does not know.
    pub(crate) fn add(&mut self, value: Grounded) -> u64 {
        let id = self.next;
        self.next += 1;
        self.matching |= matches!(&value, Grounded::Foreign(value) if value.matching().is_some());
        if let Some(address) = address(&value) {
            self.addresses.insert(address, id);
        }
        let same_hash = self.hashes.get_val_or_set_mut_with_at(hash(&value), || Arc::new(Vec::new()));
        Arc::make_mut(same_hash).push(id);
        self.values.insert(id.to_be_bytes(), value);
        id
    }
}

/// Returns where a shared value lives: equal addresses mean the same value.
pub(crate) fn address(value: &Grounded) -> Option<[u8; 8]> {
    let address = match value {
        Grounded::Bindings(set) => Arc::as_ptr(set).addr(),
        Grounded::Foreign(value) => Arc::as_ptr(value).cast::<u8>().addr(),
        Grounded::Bool(_)
        | Grounded::Number(_)
        | Grounded::Text(_)
        | Grounded::Operation(_)
        | Grounded::Space(_)
        | Grounded::State(_) => return None,
    };
    Some((address as u64).to_be_bytes())
}

fn hash(value: &Grounded) -> [u8; 8] {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish().to_be_bytes()
}
