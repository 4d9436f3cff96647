//! Spaces in files.
//!
//! A file holds what [`Snapshot::to_bytes`] writes. It is replaced as a whole: the bytes are written beside it
//! and brought to the disk before they take its name, so after a crash there is the old file or the new one.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::snapshot::Snapshot;
use crate::stored::StoredError;

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
}

impl Snapshot {
    /// Writes the space to a file, in the place of what was there.
    ///
    /// # Errors
    /// When the space cannot be bytes or the system refuses; what was there is there then.
    pub fn save(&self, path: &Path) -> Result<(), FileError> {
        let content = |error| FileError::Content { path: path.to_owned(), error };
        let bytes = self.to_bytes().map_err(content)?;
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.new", std::process::id()));
        let beside = path.with_file_name(name);
        let written = write(&beside, &bytes).and_then(|()| std::fs::rename(&beside, path));
        if let Err(error) = written {
            // What is left of it is of no use; that it cannot be removed changes nothing about the error.
            let _ = std::fs::remove_file(&beside);
            return Err(FileError::Io { action: "write", path: path.to_owned(), error });
        }
        sync_folder(path);
        Ok(())
    }

    /// Reads a space from a file.
    ///
    /// # Errors
    /// When the system refuses, or the file is not one that [`Snapshot::save`] wrote.
    pub fn open(path: &Path) -> Result<Snapshot, FileError> {
        let bytes = std::fs::read(path);
        let bytes = bytes.map_err(|error| FileError::Io { action: "read", path: path.to_owned(), error })?;
        Snapshot::from_bytes(&bytes).map_err(|error| FileError::Content { path: path.to_owned(), error })
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Brings the new name to the disk, where folders are files.
fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Elsewhere the rename alone has to do.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}
