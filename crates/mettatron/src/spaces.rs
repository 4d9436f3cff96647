//! Spaces of programs in files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use metta_eval::{SpaceStore, StoreError, StoredSpace};
use metta_space::{FileError, FileOptions, Snapshot, SpaceFile, Sync};
use metta_sync::{Held, Ranked};

/// A journal longer than this, and than the file, is brought into the file.
const LONG_JOURNAL: u64 = 1 << 22;

/// Spaces in files, for [`Builder::store`](crate::Builder::store).
///
/// ```
/// use mettatron::{Engine, SpaceFiles};
///
/// let folder = tempfile::tempdir().unwrap();
/// let engine = || Engine::builder().store(SpaceFiles::below(folder.path())).build();
/// engine().run("!(let $s (new-space) (let () (add-atom $s (a 1)) (save-space! $s \"kept\")))")?;
/// assert_eq!(engine().run("!(match (open-space \"kept\") (a $n) $n)")?[0][0].to_string(), "1");
/// # Ok::<(), mettatron::EngineError>(())
/// ```
///
/// A file that a program saves is open for writing, by this store alone, until the store is dropped.
#[derive(Debug)]
pub struct SpaceFiles {
    folder: PathBuf,
    sync: Sync,
    known: Ranked<BTreeMap<PathBuf, Known>, 1>,
}

/// A file that was opened or saved.
#[derive(Debug)]
struct Known {
    /// What it had when it was opened or saved last.
    version: u64,
    /// Since it was saved.
    file: Option<SpaceFile>,
}

impl SpaceFiles {
    /// Makes a store whose relative paths begin at `folder`.
    pub fn below(folder: impl Into<PathBuf>) -> Self {
        SpaceFiles { folder: folder.into(), sync: Sync::Disk, known: Ranked::new(BTreeMap::new()) }
    }

    /// Says when a space counts as kept; on the disk unless it is said.
    #[must_use]
    pub fn with_sync(self, sync: Sync) -> Self {
        SpaceFiles { sync, ..self }
    }

    /// The path, and what is the same for all ways to write it.
    fn path(&self, path: &str) -> (PathBuf, PathBuf) {
        let path = self.folder.join(path);
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let identity = fs::canonicalize(&path).or_else(|_| {
            Ok::<_, std::io::Error>(fs::canonicalize(folder)?.join(path.file_name().unwrap_or_default()))
        });
        let identity = identity.unwrap_or_else(|_| path.clone());
        (path, identity)
    }

    fn open_for_writing(&self, path: &Path, known: Option<&Known>) -> Result<SpaceFile, StoreError> {
        let file = SpaceFile::open(path, FileOptions::default().with_sync(self.sync)).map_err(told)?;
        if known.is_some_and(|known| known.version != file.snapshot().version()) {
            let path = path.display();
            return Err(StoreError(format!("`{path}` was changed elsewhere since it was opened")));
        }
        Ok(file)
    }
}

impl Default for SpaceFiles {
    /// Makes a store whose relative paths begin at the folder that the process works in.
    fn default() -> Self {
        SpaceFiles::below("")
    }
}

impl SpaceStore for SpaceFiles {
    fn open(&self, path: &str) -> Result<StoredSpace, StoreError> {
        let (path, identity) = self.path(path);
        let mut task = Held::root();
        let (mut known, _) = self.known.lock(&mut task);
        if let Some(Known { file: Some(file), .. }) = known.get(&identity) {
            return Ok(StoredSpace { space: (*file.snapshot()).clone(), note: None });
        }
        let (space, dropped) = Snapshot::open_and_tell(&path).map_err(told)?;
        known.insert(identity, Known { version: space.version(), file: None });
        Ok(StoredSpace { space, note: dropped.map(|dropped| dropped.to_string()) })
    }

    fn save(&self, path: &str, space: &Snapshot) -> Result<(), StoreError> {
        let (path, identity) = self.path(path);
        let mut task = Held::root();
        let (mut known, _) = self.known.lock(&mut task);
        let before = known.remove(&identity);
        let file = match before {
            Some(Known { file: Some(file), .. }) => Ok(file),
            before => {
                let opened = self.open_for_writing(&path, before.as_ref());
                if let (Err(_), Some(before)) = (&opened, before) {
                    known.insert(identity.clone(), before);
                }
                opened
            }
        }?;
        let saved = file.set(space);
        let base = fs::metadata(&path).map_or(0, |base| base.len());
        if saved.is_ok() && file.journal_bytes() > LONG_JOURNAL.max(base) {
            // The space is kept already: a base that cannot be written is tried again later.
            let _ = file.compact();
        }
        // After another failure the file is opened again: then it is known what it has.
        if matches!(saved, Ok(()) | Err(FileError::Content { .. })) {
            let version = file.snapshot().version();
            known.insert(identity, Known { version, file: Some(file) });
        }
        saved.map_err(told)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn told(error: FileError) -> StoreError {
    StoreError(error.to_string())
}
