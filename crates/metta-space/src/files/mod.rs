//! Spaces in files.
//!
//! ```text
//! kb.space             the base: the columns of one run, mapped
//! kb.space.journal-3   what was added and removed since, in order
//! kb.space.journal-4   and since a compaction began
//! ```
//! The base says with which segment of the journal to go on; segments before that one are old. A base is never
//! changed: another one takes its name, so after a crash there is the old file or the new one.
//!
//! Invariant K1: what was acknowledged is in the base or in a segment that the base asks for.

mod base;
mod journal;
mod lock;
pub(crate) mod mapped;
pub(crate) mod paths;
pub(crate) mod sections;
mod space_file;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::snapshot::Snapshot;
use crate::stored::StoredError;

pub use journal::Dropped;
pub use space_file::{Edit, FileOptions, SpaceFile, Sync};

/// Why a file was not written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The system refused.
    #[error("cannot {action} `{}`: {error}", path.display())]
    Io {
        /// What was to be done.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The space or the file is not what can be written or read.
    #[error("`{}`: {error}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: StoredError,
    },
    /// Somebody else has the file open for writing.
    #[error("`{}` is open for writing elsewhere", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// What would be read or replaced is not a space.
    #[error("`{}` is not a space", path.display())]
    NotASpace {
        /// The file.
        path: PathBuf,
    },
    /// A journal that was damaged after it was written.
    #[error("`{}` is damaged at byte {at}: what follows was written and cannot be read", path.display())]
    Journal {
        /// The segment of the journal.
        path: PathBuf,
        /// Where the first record begins that is not what was written.
        at: u64,
    },
    /// A segment of the journal is not there.
    #[error("`{}` is missing", path.display())]
    Missing {
        /// The segment of the journal.
        path: PathBuf,
    },
    /// An earlier write failed in a way that leaves open what is on the disk.
    #[error("an earlier write to `{}` failed: open the file again", path.display())]
    Failed {
        /// The file.
        path: PathBuf,
    },
}

impl Snapshot {
    /// Writes the space to a file, in the place of the space that was there.
    ///
    /// # Errors
    /// When the space holds values that mean something only in this process, when the file is open for
    /// writing elsewhere or is not a space, and when the system refuses; what was there is there then.
    pub fn save(&self, path: &Path) -> Result<(), FileError> {
        let held = lock::existing(path)?;
        held.as_ref().map_or(Ok(()), |lock| base::must_be_space(path, lock.file()))?;
        // K1: what the journal of the old base has is not asked for by the new one.
        let first = journal::segments(path)?.last().map_or(1, |last| last + 1);
        let _lock = base::replace(path, self, first)?;
        sync_folder(path).map_err(io_error("write", path))?;
        journal::remove_before(path, first);
        Ok(())
    }

    /// Opens a space in a file, with what its journal has, for reading.
    ///
    /// The file is mapped: it is read where it is looked at. It may be replaced meanwhile, and changes that others
    /// write later are not seen. Cost: O(length of the journal + number of rules and types).
    ///
    /// # Errors
    /// When the system refuses or the file is not a space. Damage that is met later is told by
    /// [`Snapshot::damage`]; [`Snapshot::check`] looks for it everywhere.
    pub fn open(path: &Path) -> Result<Snapshot, FileError> {
        Ok(Snapshot::open_and_tell(path)?.0)
    }

    /// Opens a space as [`Snapshot::open`] does, and tells what was left out of its journal: the end of a write
    /// that is still on its way, or that was torn and never acknowledged.
    ///
    /// # Errors
    /// As [`Snapshot::open`].
    pub fn open_and_tell(path: &Path) -> Result<(Snapshot, Option<Dropped>), FileError> {
        loop {
            let file = File::open(path).map_err(io_error("open", path))?;
            let read = base::read(path, &file).and_then(|(mut snapshot, first)| {
                let replayed = journal::replay(path, first, &mut snapshot)?;
                Ok((snapshot, replayed.dropped))
            });
            // A compaction may have replaced the base, and removed the journal of the old one.
            if lock::is_at(&file, path) || !path.exists() {
                return read;
            }
        }
    }

    /// What was found damaged so far of the file that the space is read from.
    ///
    /// Facts of a damaged block are missing in answers: who asks a space from a file looks here afterwards.
    pub fn damage(&self) -> Option<&Damage> {
        self.facts.damage()
    }

    /// Reads all of the file that the space was opened from, and checks every atom in it.
    ///
    /// # Errors
    /// When something is not as [`Snapshot::save`] writes it.
    pub fn check(&self) -> Result<(), FileError> {
        let Some(file) = self.facts.file() else { return Ok(()) };
        let content = |error| FileError::Content { path: file.path().to_owned(), error };
        file.check_all().map_err(|damage| content(damage.into()))?;
        self.facts.check().map_err(content)
    }
}

pub use mapped::Damage;

/// Makes an error of what the system says.
fn io_error(action: &'static str, path: &Path) -> impl Fn(io::Error) -> FileError {
    move |error| FileError::Io { action, path: path.to_owned(), error }
}

/// The folder that a file is in.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Brings new and removed names to the disk, where folders are files.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder(path))?.sync_all() } else { Ok(()) }
}
