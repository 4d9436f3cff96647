//! How writers of a file wait for the disk together.
//!
//! ```text
//! writer 1 ── lock ── append ── publish ── unlock ── disk lock ── fsync ──────── acknowledged
//! writer 2 ────────── lock ── append ── publish ── unlock ── disk lock ───────── acknowledged
//! writer 3 ─────────────────── lock ── append ── publish ── unlock ── disk ...
//! ```
//! While one writer waits for the disk others append; the next fsync is for all of them.
//!
//! Invariant K2: the journal has the commits in the order in which they were published.
//! Invariant K3: a commit is acknowledged after its record is kept as [`Sync`](crate::Sync) says; one that is not
//! published left no record.
//! Invariant K6: what was appended before an fsync failed is not acknowledged, and nothing is appended behind it.

use std::sync::Arc;

use metta_sync::{Flag, Guard, Held, Ranked, Snapshots};

/// What records are appended to.
pub trait Log: Sized {
    /// A place behind a record, and what brings all before it to the disk.
    type Mark: Clone;
    /// Why the system refused.
    type Error;

    /// Returns the place behind the last record.
    fn mark(&self) -> Self::Mark;

    /// Appends a record, when all before `kept` is on the disk.
    ///
    /// # Errors
    /// When the system refuses. The log is as it was then, unless it is [`Torn`](Unwritten::Torn).
    fn append(&mut self, record: &[u8], kept: &Self::Mark) -> Result<(), Unwritten<Self::Error>>;

    /// Brings all before a place to the disk.
    ///
    /// # Errors
    /// When the system refuses. What is on the disk is not known then.
    fn bring_to_disk(mark: &Self::Mark) -> Result<(), Self::Error>;
}

/// Why a record was not appended.
#[derive(Debug)]
pub enum Unwritten<E> {
    /// The log is as it was.
    Whole(E),
    /// A part of the record may be left.
    Torn(E),
}

/// Why a commit is not kept.
#[derive(Debug)]
pub enum Refused<E> {
    /// An earlier one failed in a way that leaves open what is on the disk (K6).
    Failed,
    /// The system refused this one.
    Error(E),
}

/// How far a log has got, with the number of commits.
struct Reached<M> {
    commits: u64,
    mark: M,
}

/// A log to which many writers append.
pub struct Commits<L: Log> {
    log: Ranked<L, 2>,
    disk: Ranked<(), 3>,
    written: Snapshots<Reached<L::Mark>>,
    kept: Snapshots<Reached<L::Mark>>,
    failed: Flag,
}

impl<L: Log> Commits<L> {
    /// Begins with a log that is on the disk as far as it goes.
    pub fn new(log: L) -> Self {
        let reached = || Snapshots::new(Arc::new(Reached { commits: 0, mark: log.mark() }));
        let (written, kept) = (reached(), reached());
        Commits { log: Ranked::new(log), disk: Ranked::new(()), written, kept, failed: Flag::new() }
    }

    /// Takes the lock of writers.
    ///
    /// Blocks: while another writer appends, never while one waits for the disk.
    ///
    /// # Errors
    /// After a failure (K6).
    pub fn lock<'a, const BELOW: u8>(
        &'a self,
        below: &'a mut Held<'_, BELOW>,
    ) -> Result<Guard<'a, L>, Refused<L::Error>> {
        let (log, _) = self.log.lock(below);
        self.must_work()?;
        Ok(log)
    }

    /// Appends a record, under the lock of writers; returns the number of the commit.
    ///
    /// What it changes is published under the same lock (K2).
    ///
    /// # Errors
    /// When the system refuses; nothing has changed then, but for K6.
    pub fn append(&self, log: &mut L, record: &[u8]) -> Result<u64, Refused<L::Error>> {
        log.append(record, &self.kept.load().mark).map_err(|unwritten| match unwritten {
            Unwritten::Whole(error) => Refused::Error(error),
            Unwritten::Torn(error) => {
                self.failed.raise();
                Refused::Error(error)
            }
        })?;
        let commits = self.written.load().commits + 1;
        self.written.publish(Arc::new(Reached { commits, mark: log.mark() }));
        Ok(commits)
    }

    /// Goes on with another log, under the lock of writers, when the one so far is whole on the disk.
    ///
    /// # Errors
    /// When the system refuses; the log goes on then, but for K6.
    pub fn go_on(
        &self,
        log: &mut L,
        next: impl FnOnce(&L) -> Result<L, L::Error>,
    ) -> Result<(), Refused<L::Error>> {
        self.sync(&log.mark())?;
        *log = next(log).map_err(Refused::Error)?;
        let commits = self.written.load().commits;
        self.written.publish(Arc::new(Reached { commits, mark: log.mark() }));
        Ok(())
    }

    /// Returns when a commit is on the disk, with all others that have been written by then.
    ///
    /// # Errors
    /// When the system refuses, and after it did (K6).
    pub fn bring_to_disk(&self, commit: u64) -> Result<(), Refused<L::Error>> {
        let mut task = Held::root();
        let (_one, _) = self.disk.lock(&mut task);
        if self.kept.load().commits >= commit {
            return Ok(());
        }
        self.must_work()?;
        let written = self.written.load();
        self.sync(&written.mark)?;
        self.kept.publish(written);
        Ok(())
    }

    fn sync(&self, mark: &L::Mark) -> Result<(), Refused<L::Error>> {
        L::bring_to_disk(mark).map_err(|error| {
            self.failed.raise();
            Refused::Error(error)
        })
    }

    /// Returns the number of the last commit.
    pub fn last(&self) -> u64 {
        self.written.load().commits
    }

    /// Returns the place behind the last record.
    pub fn mark(&self) -> L::Mark {
        self.written.load().mark.clone()
    }

    fn must_work(&self) -> Result<(), Refused<L::Error>> {
        if self.failed.is_raised() { Err(Refused::Failed) } else { Ok(()) }
    }
}

impl<L: Log> std::fmt::Debug for Commits<L> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (written, kept) = (self.last(), self.kept.load().commits);
        f.debug_struct("Commits").field("written", &written).field("kept", &kept).finish_non_exhaustive()
    }
}
