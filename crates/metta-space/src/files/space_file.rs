//! A space in a file, open for writing.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use metta_atom::{Atom, Variable};
use metta_sync::{Held, Ranked, Snapshots};

use super::journal::{self, Dropped, Segment};
use super::lock::{self, Lock};
use super::{FileError, base, io_error, sync_folder};
use crate::bytes::Encoded;
use crate::commits::{Commits, Log, Refused, Unwritten};
use crate::snapshot::Snapshot;
use crate::stored::{StoredError, refuse_references};
use crate::terms;

/// When a change counts as kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Sync {
    /// When it is on the disk: it outlives a loss of power. Writers that wait share the waiting.
    #[default]
    Disk,
    /// When the system has it: it outlives the process, however that ends.
    System,
}

/// How a file is opened.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct FileOptions {
    /// When a change counts as kept.
    pub sync: Sync,
    /// Whether a file that is not there is an error.
    pub must_exist: bool,
}

impl FileOptions {
    /// Says when a change counts as kept.
    #[must_use]
    pub fn with_sync(self, sync: Sync) -> Self {
        FileOptions { sync, ..self }
    }

    /// Says whether a file that is not there is an error; otherwise it is made.
    #[must_use]
    pub fn with_must_exist(self, must_exist: bool) -> Self {
        FileOptions { must_exist, ..self }
    }
}

/// A space in a file, open for writing, by this process alone.
///
/// Readers take [snapshots](SpaceFile::snapshot) and never wait. Every change is in the journal of the file before
/// it is acknowledged; [`compact`](SpaceFile::compact) brings the journal into the file.
///
/// ```
/// use metta_atom::Atom;
/// use metta_space::{FileOptions, Snapshot, SpaceFile};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("facts.space");
/// let file = SpaceFile::open(&path, FileOptions::default())?;
/// file.add(&Atom::symbol("kept"))?;
/// drop(file);
/// assert_eq!(Snapshot::open(&path)?.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SpaceFile {
    path: PathBuf,
    options: FileOptions,
    compaction: Ranked<Lock, 1>,
    commits: Commits<Journal>,
    published: Snapshots<Snapshot>,
    dropped: Option<Dropped>,
}

/// The journal, as what commits are appended to.
struct Journal {
    segment: Segment,
    sync: Sync,
}

impl Journal {
    fn new(segment: Segment, sync: Sync) -> Self {
        Journal { segment, sync }
    }
}

/// A place in the journal.
#[derive(Clone)]
struct Mark {
    segment: u64,
    /// Where the last record ends.
    end: u64,
    file: Arc<File>,
    path: Arc<Path>,
}

impl Log for Journal {
    type Mark = Mark;
    type Error = FileError;

    fn mark(&self) -> Mark {
        let Segment { number, file, path, .. } = &self.segment;
        let (file, path) = (Arc::clone(file), Arc::clone(path));
        Mark { segment: *number, end: self.segment.end(), file, path }
    }

    fn append(&mut self, record: &[u8], kept: &Mark) -> Result<(), Unwritten<FileError>> {
        let certain = match self.sync {
            Sync::Disk if kept.segment == self.segment.number => kept.end,
            Sync::Disk => Segment::START,
            Sync::System => self.segment.end(),
        };
        self.segment.append(record, certain).map_err(|(error, is_open)| {
            let error = io_error("write", &self.segment.path)(error);
            if is_open { Unwritten::Torn(error) } else { Unwritten::Whole(error) }
        })
    }

    fn bring_to_disk(mark: &Mark) -> Result<(), FileError> {
        mark.file.sync_data().map_err(io_error("write", &mark.path))
    }
}

impl SpaceFile {
    /// Opens a file, or makes it; what its journal has is replayed.
    ///
    /// Cost: O(length of the journal + number of rules and types).
    ///
    /// # Errors
    /// When another process or another handle has it open for writing, when the file or its journal is not what
    /// was written, and when the system refuses.
    pub fn open(path: &Path, options: FileOptions) -> Result<SpaceFile, FileError> {
        let lock = loop {
            if let Some(lock) = lock::existing(path)? {
                break lock;
            }
            if options.must_exist {
                return Err(io_error("open", path)(std::io::ErrorKind::NotFound.into()));
            }
            if let Some(lock) = base::create(path)? {
                break lock;
            }
        };
        let (mut snapshot, first) = base::read(path, lock.file())?;
        let replayed = journal::replay(path, first, &mut snapshot)?;
        let segment = Segment::go_on(path, first, &replayed)?;
        journal::remove_before(path, first);
        base::remove_unfinished(path);
        snapshot.freeze();
        Ok(SpaceFile {
            path: path.to_owned(),
            compaction: Ranked::new(lock),
            commits: Commits::new(Journal::new(segment, options.sync)),
            options,
            published: Snapshots::new(Arc::new(snapshot)),
            dropped: replayed.dropped,
        })
    }

    /// Returns the name of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the present content. Never waits; later writes do not change it.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.published.load()
    }

    /// Returns what was left out when the file was opened: the torn end of a write that nobody was told was done.
    pub fn dropped(&self) -> Option<&Dropped> {
        self.dropped.as_ref()
    }

    /// Adds a copy of `atom`, and returns when it is kept.
    ///
    /// # Errors
    /// When the atom holds a value that means something only in this process, and when the system refuses: then
    /// nothing has changed, unless the error is [`FileError::Failed`] or came from bringing it to the disk.
    pub fn add(&self, atom: &Atom) -> Result<(), FileError> {
        let Encoded { bytes, variables } = self.encode(atom)?;
        self.commit(|snapshot, changes| {
            snapshot.add_encoded(&bytes, &variables);
            journal::write_change(changes, true, &bytes, &variables);
        })
    }

    /// Removes one copy of exactly `atom`; reports whether there was one.
    ///
    /// # Errors
    /// As [`SpaceFile::add`].
    pub fn remove(&self, atom: &Atom) -> Result<bool, FileError> {
        let Encoded { bytes, variables } = self.encode(atom)?;
        self.commit(|snapshot, changes| {
            let removed = snapshot.remove_encoded(&bytes, &variables);
            if removed {
                journal::write_change(changes, false, &bytes, &variables);
            }
            removed
        })
    }

    fn encode(&self, atom: &Atom) -> Result<Encoded, FileError> {
        encode(atom).map_err(|error| FileError::Content { path: self.path.clone(), error })
    }

    /// Runs `change` on the content and publishes the outcome, all or nothing, in the journal too.
    ///
    /// No lock is held while `change` runs; it runs again when another writer was faster.
    ///
    /// # Errors
    /// As [`SpaceFile::add`].
    pub fn transact<R>(&self, mut change: impl FnMut(&mut Edit) -> R) -> Result<R, FileError> {
        loop {
            let base = self.snapshot();
            let mut edit = Edit { snapshot: (*base).clone(), changes: Vec::new(), refused: None };
            let result = change(&mut edit);
            if let Some(error) = edit.refused {
                return Err(FileError::Content { path: self.path.clone(), error });
            }
            let Edit { snapshot: next, changes: made, .. } = edit;
            let is_done = self.commit(|snapshot, changes| {
                let is_same = snapshot.version() == base.version();
                if is_same {
                    snapshot.clone_from(&next);
                    changes.extend_from_slice(&made);
                }
                is_same
            })?;
            if is_done {
                return Ok(result);
            }
        }
    }

    /// Makes a change, which writes down what it does, under the lock of writers.
    fn commit<R>(&self, change: impl FnOnce(&mut Snapshot, &mut Vec<u8>) -> R) -> Result<R, FileError> {
        let (result, commit) = {
            let mut task = Held::root();
            let mut journal = self.commits.lock(&mut task).map_err(|refused| self.error(refused))?;
            let mut next = (*self.published.load()).clone();
            let mut changes = Vec::new();
            let result = change(&mut next, &mut changes);
            if changes.is_empty() {
                return Ok(result);
            }
            // K2, K3
            let commit = self.append(&mut journal, &changes)?;
            self.published.publish(Arc::new(next));
            (result, commit)
        };
        if self.options.sync == Sync::Disk {
            self.bring_to_disk(commit)?;
        }
        Ok(result)
    }

    fn append(&self, journal: &mut Journal, changes: &[u8]) -> Result<u64, FileError> {
        self.commits.append(journal, changes).map_err(|refused| self.error(refused))
    }

    fn bring_to_disk(&self, commit: u64) -> Result<(), FileError> {
        self.commits.bring_to_disk(commit).map_err(|refused| self.error(refused))
    }

    fn error(&self, refused: Refused<FileError>) -> FileError {
        match refused {
            Refused::Failed => FileError::Failed { path: self.path.clone() },
            Refused::Error(error) => error,
        }
    }

    /// Brings all that was written to the disk, whatever [`Sync`] says.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn flush(&self) -> Result<(), FileError> {
        self.bring_to_disk(self.commits.last())
    }

    /// How long the journal is in bytes since the last compaction.
    pub fn journal_bytes(&self) -> u64 {
        self.commits.mark().end
    }

    /// Writes the present content as the base, so that the journal begins anew.
    ///
    /// Blocks: another compaction. Readers and writers go on; what is written meanwhile is in the new journal.
    ///
    /// # Errors
    /// When the system refuses; the file and its journal are as they were then.
    pub fn compact(&self) -> Result<(), FileError> {
        let mut task = Held::root();
        let (mut lock, mut held) = self.compaction.lock(&mut task);
        let (snapshot, first) = {
            let mut journal = self.commits.lock(&mut held).map_err(|refused| self.error(refused))?;
            self.begin_segment(&mut journal)?;
            (self.snapshot(), journal.segment.number)
        };
        *lock = base::replace(&self.path, &snapshot, first)?;
        sync_folder(&self.path).map_err(io_error("write", &self.path))?;
        journal::remove_before(&self.path, first);
        Ok(())
    }

    /// Ends the segment that is written to and begins another.
    fn begin_segment(&self, journal: &mut Journal) -> Result<(), FileError> {
        // K1: no segment is followed by another before it is whole on the disk.
        let next = |journal: &Journal| {
            let segment = Segment::create(&self.path, journal.segment.number + 1)?;
            Ok(Journal::new(segment, journal.sync))
        };
        self.commits.go_on(journal, next).map_err(|refused| self.error(refused))
    }

    /// Makes the content that of `next`, in the same order.
    ///
    /// Cost: O(what changed) when `next` came out of a [snapshot](SpaceFile::snapshot) of this file by additions
    /// and removals, few of them; else the file is written anew.
    ///
    /// # Errors
    /// As [`SpaceFile::add`].
    pub fn set(&self, next: &Snapshot) -> Result<(), FileError> {
        let commit = {
            let mut task = Held::root();
            let mut journal = self.commits.lock(&mut task).map_err(|refused| self.error(refused))?;
            match next.steps_from(&self.snapshot()) {
                Some(steps) => {
                    let content = |error| FileError::Content { path: self.path.clone(), error };
                    let mut changes = Vec::new();
                    for (is_addition, fact, copies) in steps {
                        refuse_references(fact.bytes).map_err(content)?;
                        for _ in 0..copies {
                            journal::write_change(&mut changes, is_addition, fact.bytes, fact.variables());
                        }
                    }
                    if changes.is_empty() {
                        return Ok(());
                    }
                    let commit = self.append(&mut journal, &changes)?;
                    self.published.publish(Arc::new(next.clone()));
                    Some(commit)
                }
                None => None,
            }
        };
        match commit {
            Some(commit) if self.options.sync == Sync::Disk => self.bring_to_disk(commit),
            Some(_) => Ok(()),
            None => self.write_anew(next),
        }
    }

    /// Writes a content as the base; other writers wait.
    fn write_anew(&self, next: &Snapshot) -> Result<(), FileError> {
        let mut task = Held::root();
        let (mut lock, mut held) = self.compaction.lock(&mut task);
        let mut journal = self.commits.lock(&mut held).map_err(|refused| self.error(refused))?;
        self.begin_segment(&mut journal)?;
        let first = journal.segment.number;
        *lock = base::replace(&self.path, next, first)?;
        self.published.publish(Arc::new(next.clone()));
        sync_folder(&self.path).map_err(io_error("write", &self.path))?;
        journal::remove_before(&self.path, first);
        Ok(())
    }
}

/// Encodes an atom that can be in a file.
fn encode(atom: &Atom) -> Result<Encoded, StoredError> {
    let encoded = terms::encode(atom, |_| u64::MAX);
    refuse_references(&encoded.bytes)?;
    Ok(encoded)
}

/// A content that is being changed.
#[derive(Debug)]
pub struct Edit {
    snapshot: Snapshot,
    changes: Vec<u8>,
    refused: Option<StoredError>,
}

impl Edit {
    /// Returns the content with the changes so far.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Adds a copy of `atom`. One that cannot be in a file fails the whole change.
    pub fn add(&mut self, atom: &Atom) {
        match encode(atom) {
            Ok(Encoded { bytes, variables }) => self.add_encoded(&bytes, &variables),
            Err(error) => self.refused = Some(error),
        }
    }

    /// Adds a copy of an encoded atom; `bytes` are valid and `variables` are as many as they introduce.
    pub fn add_encoded(&mut self, bytes: &[u8], variables: &[Variable]) {
        if let Err(error) = refuse_references(bytes) {
            self.refused = Some(error);
            return;
        }
        self.snapshot.add_encoded(bytes, variables);
        journal::write_change(&mut self.changes, true, bytes, variables);
    }

    /// Removes one copy of exactly `atom`; reports whether there was one.
    pub fn remove(&mut self, atom: &Atom) -> bool {
        let Ok(Encoded { bytes, variables }) = encode(atom) else { return false };
        self.remove_encoded(&bytes, &variables)
    }

    /// Removes one copy of exactly this encoded atom; reports whether there was one.
    pub fn remove_encoded(&mut self, bytes: &[u8], variables: &[Variable]) -> bool {
        let removed = self.snapshot.remove_encoded(bytes, variables);
        if removed {
            journal::write_change(&mut self.changes, false, bytes, variables);
        }
        removed
    }
}
