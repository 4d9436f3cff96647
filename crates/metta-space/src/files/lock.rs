//! One writer for a file, across processes.
//!
//! The lock is on the base itself, so nothing is left over when a process ends. A base gives way to a
//! new one by renaming: the new one is locked before it has the name, and whoever waited for
//! the old one sees that the name is elsewhere, and tries again.

use std::fs::File;
use std::io;
use std::path::Path;

use fs4::fs_std::FileExt;

use super::{FileError, io_error};

/// The right to write a space; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// The base that is locked.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Locks a file that has no name of its own yet.
    pub(super) fn new(file: File) -> io::Result<Lock> {
        match file.try_lock_exclusive()? {
            true => Ok(Lock { file }),
            false => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

/// Locks a base, if there is one.
pub(super) fn existing(path: &Path) -> Result<Option<Lock>, FileError> {
    loop {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error("open", path)(error)),
        };
        if !file.metadata().map_err(io_error("open", path))?.is_file() {
            return Err(FileError::NotASpace { path: path.to_owned() });
        }
        if !file.try_lock_exclusive().map_err(io_error("lock", path))? {
            return Err(FileError::Locked { path: path.to_owned() });
        }
        if is_at(&file, path) {
            return Ok(Some(Lock { file }));
        }
    }
}

/// Reports whether an open file is the one with this name.
#[cfg(unix)]
pub(super) fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => false,
    }
}

/// Elsewhere a file that is open keeps its name.
#[cfg(not(unix))]
pub(super) fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}
