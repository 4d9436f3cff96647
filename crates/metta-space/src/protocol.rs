//! How writers and readers of a shared content meet.
//!
//! A content has two parts, each with its lock: the registry of what is known about
//! facts (declarations, multiplicities), and the facts.
//!
//! ```text
//! writer ── registry (1) ── facts (2) ── copy, change, store both ── publish ── unlock
//! reader ── load ── the last published content, whole, for as long as it likes
//! ```
//!
//! Invariant P1: the locks are taken in rising rank, registry first; another order does
//! not compile.
//! Invariant P2: both parts are published together, in the order of the writes.
//! Invariant P3: no lock is held while code of the caller runs that may take locks or
//! not return: [`Shared::transact`] runs it before locking and again after a conflict.
//! Invariant P4: a write that panics leaves no trace.

use std::sync::Arc;

use metta_sync::{Held, Ranked, Snapshots};

/// Says how a content that is read as a whole is written in two parts.
pub trait Content {
    /// The content that readers see.
    type Whole: Clone;
    /// The part behind the first lock.
    type Registry: Clone;
    /// The part behind the second lock.
    type Facts: Clone;

    /// Puts the parts together.
    fn join(registry: Self::Registry, facts: Self::Facts) -> Self::Whole;

    /// Takes the parts apart.
    fn split(whole: Self::Whole) -> (Self::Registry, Self::Facts);

    /// Returns a number that differs for contents that were written to differently.
    fn version(whole: &Self::Whole) -> u64;
}

/// The content has changed since it was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the space has changed: it is at version {current} and not at {expected}")]
pub struct Conflict {
    /// The version that the change was based on.
    pub expected: u64,
    /// The version that is there.
    pub current: u64,
}

/// A content shared by many readers and writers.
pub struct Shared<C: Content> {
    registry: Ranked<C::Registry, 1>,
    facts: Ranked<C::Facts, 2>,
    published: Snapshots<C::Whole>,
}

impl<C: Content> Shared<C> {
    /// Shares `content`.
    pub fn new(content: C::Whole) -> Self {
        let (registry, facts) = C::split(content.clone());
        Shared {
            registry: Ranked::new(registry),
            facts: Ranked::new(facts),
            published: Snapshots::new(Arc::new(content)),
        }
    }

    /// Returns the last published content. Never waits.
    pub fn load(&self) -> Arc<C::Whole> {
        self.published.load()
    }

    /// Changes both parts under their locks and publishes them.
    ///
    /// Blocks: while another writer is at work. `change` neither takes locks nor runs
    /// code from outside.
    pub fn write<R>(&self, change: impl FnOnce(&mut C::Registry, &mut C::Facts) -> R) -> R {
        // Dropped last: giving up an old content may run code of the host (P3).
        let _old = self.published.load();
        let mut task = Held::root();
        let (mut registry, mut held) = self.registry.lock(&mut task);
        let (mut facts, _) = self.facts.lock(&mut held);
        // P4: the change is made to copies.
        let (mut new_registry, mut new_facts) = (registry.clone(), facts.clone());
        let result = change(&mut new_registry, &mut new_facts);
        *registry = new_registry.clone();
        *facts = new_facts.clone();
        // P2: published before either lock is given back.
        self.published.publish(Arc::new(C::join(new_registry, new_facts)));
        result
    }

    /// Publishes `next` if the content is still at version `base`.
    ///
    /// Blocks: while another writer is at work.
    ///
    /// # Errors
    /// [`Conflict`] when it is not; nothing has changed then.
    pub fn replace(&self, base: u64, next: C::Whole) -> Result<(), Conflict> {
        let _old = self.published.load();
        let (new_registry, new_facts) = C::split(next.clone());
        let next = Arc::new(next);
        let mut task = Held::root();
        let (mut registry, mut held) = self.registry.lock(&mut task);
        let (mut facts, _) = self.facts.lock(&mut held);
        let current = C::version(&self.published.load());
        if current != base {
            return Err(Conflict { expected: base, current });
        }
        *registry = new_registry;
        *facts = new_facts;
        self.published.publish(next);
        Ok(())
    }

    /// Runs `change` on a copy and publishes it, all or nothing.
    ///
    /// No lock is held while `change` runs. When another writer was faster it runs again
    /// on the newer content, so what it does beside changing its argument may happen more
    /// than once.
    pub fn transact<R>(&self, mut change: impl FnMut(&mut C::Whole) -> R) -> R {
        loop {
            let base = self.load();
            let mut next = (*base).clone();
            let result = change(&mut next);
            let version = C::version(&base);
            if C::version(&next) == version || self.replace(version, next).is_ok() {
                return result;
            }
        }
    }
}

impl<C: Content<Whole: std::fmt::Debug>> std::fmt::Debug for Shared<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Shared").field(&self.load()).finish()
    }
}
