//! A space that many share.

use std::sync::Arc;

use metta_atom::Atom;

use crate::bytes::Encoded;
use crate::facts::Facts;
use crate::protocol::{Conflict, Content, Shared};
use crate::snapshot::{self, Registry, Snapshot};
use crate::terms;

/// The parts of a [`Snapshot`]; the version goes with the facts.
struct Parts;

impl Content for Parts {
    type Whole = Snapshot;
    type Registry = Registry;
    type Facts = (Facts, u64);

    fn join(registry: Registry, (facts, version): (Facts, u64)) -> Snapshot {
        Snapshot { registry, facts, version }
    }

    fn split(whole: Snapshot) -> (Registry, (Facts, u64)) {
        (whole.registry, (whole.facts, whole.version))
    }

    fn version(whole: &Snapshot) -> u64 {
        whole.version
    }
}

/// A shared space: a handle through which many threads read and write one series of
/// [`Snapshot`]s. Cloning gives another handle to the same space.
///
/// Readers never wait. Writers take two locks in one order and hold them for the time
/// of the write alone; see [`protocol`](crate::protocol).
#[derive(Clone)]
pub struct Space {
    shared: Arc<Shared<Parts>>,
}

impl Space {
    /// Makes an empty space.
    pub fn new() -> Self {
        Space::from_snapshot(Snapshot::new())
    }

    /// Makes a space with this content.
    pub fn from_snapshot(snapshot: Snapshot) -> Self {
        Space { shared: Arc::new(Shared::new(snapshot)) }
    }

    /// Returns the present content. Never waits; later writes do not change it.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.load()
    }

    /// Adds a copy of `atom` and publishes it.
    ///
    /// For many atoms at once [`Space::transact`] publishes once.
    pub fn add(&self, atom: &Atom) {
        if terms::needs_handle(atom) {
            // Comparing values of the host is code from outside: not under a lock.
            return self.transact(|snapshot| snapshot.add(atom));
        }
        let Encoded { bytes, variables } = terms::encode(atom, |_| u64::MAX);
        self.shared.write(|registry, (facts, version)| {
            *version = snapshot::add(registry, facts, *version, (&bytes, &variables), Some(atom));
        });
    }

    /// Removes one copy of exactly `atom`; reports whether there was one.
    pub fn remove(&self, atom: &Atom) -> bool {
        if terms::needs_handle(atom) {
            return self.transact(|snapshot| snapshot.remove(atom));
        }
        let Encoded { bytes, variables } = terms::encode(atom, |_| u64::MAX);
        self.shared.write(|registry, (facts, version)| {
            let next = snapshot::remove(registry, facts, *version, (&bytes, &variables));
            *version = next.unwrap_or(*version);
            next.is_some()
        })
    }

    /// Runs `change` on the content and publishes the outcome, all or nothing.
    ///
    /// No lock is held while `change` runs; it runs again when another writer was faster.
    pub fn transact<R>(&self, change: impl FnMut(&mut Snapshot) -> R) -> R {
        self.shared.transact(change)
    }

    /// Publishes `next` if the space is still at version `base_version`.
    ///
    /// # Errors
    /// [`Conflict`] when it is not; nothing has changed then.
    pub fn replace(&self, base_version: u64, next: Snapshot) -> Result<(), Conflict> {
        self.shared.replace(base_version, next)
    }

    /// Gives the memory of indexes back, when the last snapshot that shares them is dropped.
    pub fn drop_indexes(&self) {
        self.shared.write(|_, (facts, _)| facts.drop_indexes());
    }

    /// Makes a space of its own with the present content. Cost: O(1).
    pub fn fork(&self) -> Space {
        Space::from_snapshot((*self.snapshot()).clone())
    }
}

impl Default for Space {
    fn default() -> Self {
        Space::new()
    }
}

impl std::fmt::Debug for Space {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Space").field(&self.snapshot()).finish()
    }
}
