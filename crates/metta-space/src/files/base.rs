//! The base of a space in a file: the columns of its facts, to be mapped.
//!
//! ```text
//! "MeTTaRUN" | u32 version | u32 kinds | u64 length of the file | u64 segment of the journal
//! u64 rows | u64 copies | u64 rows with variables | u64 next rank
//! for each column: u64 start | u64 length
//! u64 start of the checksums | u64 checksum of the checksums | zeros | u64 checksum of these 512 bytes
//! columns, each from a multiple of eight bytes on | checksums of blocks
//! ```
//! All numbers are little endian, all checksums XXH3 in 64 bits.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use tempfile::{Builder, NamedTempFile};
use xxhash_rust::xxh3::xxh3_64;

use super::journal::segments;
use super::lock::Lock;
use super::mapped::{BLOCK, Mapped};
use super::sections::{Section, Sections};
use super::{FileError, folder, io_error, sync_folder};
use crate::facts::Facts;
use crate::facts::stored::{COLUMNS, Shape};
use crate::snapshot::Snapshot;
use crate::stored::{MAGIC as CANONICAL, StoredError, refuse_references};

const MAGIC: &[u8; 8] = b"MeTTaRUN";
const VERSION: u32 = 1;
const HEADER: usize = 512;
const COLUMNS_AT: usize = 64;
const CHECKSUMS_AT: usize = COLUMNS_AT + COLUMNS * 16;

/// Reports a file that is not a space.
pub(super) fn must_be_space(path: &Path, mut file: &File) -> Result<(), FileError> {
    let mut magic = [0; 8];
    match file.rewind().and_then(|()| file.read_exact(&mut magic)) {
        Ok(()) if magic == *MAGIC || magic == *CANONICAL => Ok(()),
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => Err(io_error("read", path)(error)),
        _ => Err(FileError::NotASpace { path: path.to_owned() }),
    }
}

/// Puts a base in the place of the one that is there; returns it locked.
pub(super) fn replace(path: &Path, snapshot: &Snapshot, segment: u64) -> Result<Lock, FileError> {
    let file = write(path, snapshot, segment)?;
    let lock = file.as_file().try_clone().and_then(Lock::new).map_err(io_error("lock", path))?;
    file.persist(path).map_err(|failed| io_error("write", path)(failed.error))?;
    Ok(lock)
}

/// Removes what bases left that were never finished. The caller has the lock, so nobody is writing one.
pub(super) fn remove_unfinished(path: &Path) {
    let prefix = temporary_prefix(path);
    let entries = std::fs::read_dir(folder(path)).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        let rest = name.as_encoded_bytes().strip_prefix(prefix.as_encoded_bytes());
        let random = rest.and_then(|rest| rest.strip_suffix(SUFFIX.as_bytes()));
        if random.is_some_and(|random| random.len() == RANDOM) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// How many characters of the name of an unfinished base are chosen at random.
const RANDOM: usize = 8;
const SUFFIX: &str = ".unfinished";

fn temporary_prefix(path: &Path) -> OsString {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name
}

/// Makes a base of a space without facts; returns it locked, or `None` when there is a file meanwhile.
pub(super) fn create(path: &Path) -> Result<Option<Lock>, FileError> {
    // A journal without a base is what is left of another space.
    let first = segments(path)?.last().map_or(1, |last| last + 1);
    let file = write(path, &Snapshot::new(), first)?;
    let lock = file.as_file().try_clone().and_then(Lock::new).map_err(io_error("lock", path))?;
    match file.persist_noclobber(path) {
        // Whoever made the other file may have removed this one as unfinished.
        Err(failed)
            if [io::ErrorKind::AlreadyExists, io::ErrorKind::NotFound].contains(&failed.error.kind()) =>
        {
            return Ok(None);
        }
        Err(failed) => return Err(io_error("create", path)(failed.error)),
        Ok(_) => {}
    }
    sync_folder(path).map_err(io_error("create", path))?;
    Ok(Some(lock))
}

/// Writes a base beside the file and brings it to the disk.
fn write(path: &Path, snapshot: &Snapshot, segment: u64) -> Result<NamedTempFile, FileError> {
    let content = |error| FileError::Content { path: path.to_owned(), error };
    let mut settled = snapshot.clone();
    settled.settle();
    for found in settled.facts.in_byte_order() {
        refuse_references(settled.facts.fact(&found).bytes).map_err(content)?;
    }
    // What could not be read is not written over.
    if let Some(damage) = settled.facts.damage() {
        return Err(content(damage.clone().into()));
    }
    let mut file = temporary(path).map_err(io_error("write", path))?;
    write_columns(file.as_file_mut(), &settled, segment).map_err(io_error("write", path))?;
    if let Some(damage) = settled.facts.damage() {
        return Err(content(damage.clone().into()));
    }
    Ok(file)
}

/// A file beside another one, with its rights or else those of new files.
fn temporary(path: &Path) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    let prefix = temporary_prefix(path);
    builder.prefix(&prefix).suffix(SUFFIX).rand_bytes(RANDOM);
    #[cfg(unix)]
    let new = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    #[cfg(unix)]
    builder.permissions(new);
    let file = builder.tempfile_in(folder(path))?;
    if let Ok(old) = std::fs::metadata(path) {
        file.as_file().set_permissions(old.permissions())?;
    }
    Ok(file)
}

fn write_columns(file: &mut File, settled: &Snapshot, segment: u64) -> io::Result<()> {
    file.write_all(&[0; HEADER])?;
    let mut out = Sections::new(BufWriter::new(&mut *file), HEADER as u64);
    let shape = settled.facts.write_columns(&settled.later_copies(), &mut out)?;
    let (columns, checksums_at, checksums) = out.finish()?;
    let mut header = MAGIC.to_vec();
    header.extend_from_slice(&VERSION.to_le_bytes());
    header.extend_from_slice(&shape.kinds.to_le_bytes());
    let length = checksums_at + checksums.len() as u64;
    let Shape { rows, copies, open, next, .. } = shape;
    let words = [length, segment, rows, copies, open, next].into_iter();
    let columns = columns.iter().flat_map(|column| [column.start, column.length]);
    for word in words.chain(columns).chain([checksums_at, xxh3_64(&checksums)]) {
        header.extend_from_slice(&word.to_le_bytes());
    }
    header.resize(HEADER - 8, 0);
    let checksum = xxh3_64(&header);
    header.extend_from_slice(&checksum.to_le_bytes());
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&header)?;
    file.sync_all()
}

/// Opens a base; returns it with the segment of the journal that goes on.
pub(super) fn read(path: &Path, file: &File) -> Result<(Snapshot, u64), FileError> {
    must_be_space(path, file)?;
    let content = |error| FileError::Content { path: path.to_owned(), error };
    let length = file.metadata().map_err(io_error("read", path))?.len();
    if length < HEADER as u64 {
        // Too short to be mapped, but perhaps canonical bytes.
        let bytes = std::fs::read(path).map_err(io_error("read", path))?;
        return read_short(&bytes).map_err(content);
    }
    let mapped = Mapped::open(path, file).map_err(io_error("map", path))?;
    if mapped.unchecked().starts_with(CANONICAL) {
        let snapshot = Snapshot::from_bytes(mapped.unchecked()).map_err(content)?;
        return Ok((snapshot, 1));
    }
    columns(mapped).map_err(content)
}

fn read_short(bytes: &[u8]) -> Result<(Snapshot, u64), StoredError> {
    if bytes.starts_with(MAGIC) {
        return Err(StoredError::Length { expected: HEADER as u64, found: bytes.len() as u64 });
    }
    Ok((Snapshot::from_bytes(bytes)?, 1))
}

fn columns(mut mapped: Mapped) -> Result<(Snapshot, u64), StoredError> {
    let bytes = mapped.unchecked();
    let word = |at: usize| bytes[at..].first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
    let half = |at: usize| bytes[at..].first_chunk().map_or(0, |word| u32::from_le_bytes(*word));
    if !bytes.starts_with(MAGIC) {
        return Err(StoredError::Magic);
    }
    if half(8) != VERSION {
        return Err(StoredError::Version { found: half(8) });
    }
    if xxh3_64(&bytes[..HEADER - 8]) != word(HEADER - 8) {
        return Err(StoredError::Checksum);
    }
    if word(16) != bytes.len() as u64 {
        return Err(StoredError::Length { expected: word(16), found: bytes.len() as u64 });
    }
    let shape = Shape { kinds: half(12), rows: word(32), copies: word(40), open: word(48), next: word(56) };
    let (segment, version) = (word(24), word(HEADER - 8));
    let sections: [Section; COLUMNS] = std::array::from_fn(|i| {
        let at = COLUMNS_AT + 16 * i;
        Section { start: word(at), length: word(at + 8) }
    });
    let checksums = usize::try_from(word(CHECKSUMS_AT)).ok().filter(|at| (HEADER..=bytes.len()).contains(at));
    let checksums = checksums.ok_or(StoredError::Columns)?..bytes.len();
    let body = HEADER..checksums.start;
    if checksums.len() != body.len().div_ceil(BLOCK) * 8 {
        return Err(StoredError::Columns);
    }
    if xxh3_64(&bytes[checksums.clone()]) != word(CHECKSUMS_AT + 8) {
        return Err(StoredError::Checksum);
    }
    mapped.set_body(body, checksums);
    let mapped = Arc::new(mapped);
    let (facts, later) = Facts::from_columns(&mapped, &shape, &sections).ok_or(StoredError::Columns)?;
    let snapshot = Snapshot::from_columns(facts, &later, version).ok_or(StoredError::Columns);
    let snapshot = mapped.damage().map_or(snapshot, |damage| Err(damage.clone().into()))?;
    Ok((snapshot, segment))
}
