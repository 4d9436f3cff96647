//! The journal of a space in a file: what was added and removed since its base was written.
//!
//! ```text
//! segment: "MeTTaJRN" | u32 version | u64 number of the segment | u64 checksum of these
//! record:  "+rec" | u64 length | u64 certain | u64 checksum | changes
//! change:  '+' or '-' | length | atom | names
//! ```
//! A record is what one commit changes. Its checksum is seeded with its place, so bytes that are left over from
//! elsewhere are no record. `certain` is up to where the segment was known to be kept when
//! the record was written: what ends before that and cannot be read is damage, and not the torn end of a write.
//!
//! Invariant K4: a record is read whole or not at all.
//! Invariant K5: records are appended behind records; what a failed write leaves is cut off before the next.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use metta_atom::Variable;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::{FileError, folder, io_error, sync_folder};
use crate::snapshot::Snapshot;
use crate::stored::{Cursor, StoredError, write_name, write_text};

const MAGIC: &[u8; 8] = b"MeTTaJRN";
const VERSION: u32 = 1;
const HEADER: usize = 28;
const MARK: &[u8; 4] = b"+rec";
const RECORD: usize = 28;

/// What recovery left out: the torn end of a write that was never acknowledged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dropped {
    /// The segment of the journal.
    pub path: PathBuf,
    /// How many bytes.
    pub bytes: u64,
}

impl std::fmt::Display for Dropped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Dropped { path, bytes } = self;
        write!(f, "`{}`: dropped {bytes} bytes of a write that was not finished", path.display())
    }
}

/// The file of a segment.
pub(super) fn segment_path(base: &Path, number: u64) -> PathBuf {
    let mut name = base.file_name().unwrap_or_default().to_owned();
    name.push(format!(".journal-{number}"));
    base.with_file_name(name)
}

/// The numbers of the segments that are there, in rising order.
pub(super) fn segments(base: &Path) -> Result<Vec<u64>, FileError> {
    let folder = folder(base);
    let mut prefix = base.file_name().unwrap_or_default().to_owned();
    prefix.push(".journal-");
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io_error("list", folder))? {
        let name = entry.map_err(io_error("list", folder))?.file_name();
        let number = name.as_encoded_bytes().strip_prefix(prefix.as_encoded_bytes());
        let number = number.and_then(|number| std::str::from_utf8(number).ok()?.parse().ok());
        numbers.extend(number.filter(|number| segment_path(base, *number).file_name() == Some(&name)));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Removes old segments; what cannot be removed is old the next time too.
pub(super) fn remove_before(base: &Path, first: u64) {
    for number in segments(base).unwrap_or_default().into_iter().filter(|number| *number < first) {
        let _ = std::fs::remove_file(segment_path(base, number));
    }
}

/// A change of a space, written to `out`.
pub(super) fn write_change(out: &mut Vec<u8>, is_addition: bool, bytes: &[u8], variables: &[Variable]) {
    out.push(if is_addition { b'+' } else { b'-' });
    write_text(out, bytes);
    variables.iter().for_each(|variable| write_name(out, variable));
}

/// Makes the changes of a record; an atom to be removed is there.
fn apply(snapshot: &mut Snapshot, changes: &[u8]) -> Result<(), StoredError> {
    let mut cursor = Cursor::new(changes);
    while !cursor.is_at_end() {
        let kind = cursor.byte()?;
        let (atom, names) = cursor.atom()?;
        match kind {
            b'+' => snapshot.add_encoded(atom, &names),
            b'-' if snapshot.remove_encoded(atom, &names) => {}
            _ => return Err(cursor.incomplete()),
        }
    }
    Ok(())
}

/// How far a segment was read.
struct Extent {
    /// Where its last record ends.
    end: usize,
    length: usize,
}

/// What replaying found: the last segment, if there is one, and how far it can be read.
pub(super) struct Replayed {
    last: Option<(u64, Extent)>,
    pub(super) dropped: Option<Dropped>,
}

/// Makes the changes in all segments from `first` on.
pub(super) fn replay(base: &Path, first: u64, snapshot: &mut Snapshot) -> Result<Replayed, FileError> {
    let numbers = segments(base)?;
    let mut replayed = Replayed { last: None, dropped: None };
    let Some(last) = numbers.last().copied().filter(|last| *last >= first) else { return Ok(replayed) };
    for number in first..=last {
        let path = segment_path(base, number);
        if !numbers.contains(&number) {
            return Err(FileError::Missing { path });
        }
        let bytes = std::fs::read(&path).map_err(io_error("read", &path))?;
        let extent = read_segment(&path, number, &bytes, snapshot)?;
        let torn = (extent.length - extent.end) as u64;
        if torn > 0 && number < last {
            return Err(FileError::Journal { path, at: extent.end as u64 });
        }
        replayed.dropped = (torn > 0).then_some(Dropped { path, bytes: torn });
        replayed.last = Some((number, extent));
    }
    Ok(replayed)
}

fn read_segment(path: &Path, number: u64, bytes: &[u8], to: &mut Snapshot) -> Result<Extent, FileError> {
    let content = |error| FileError::Content { path: path.to_owned(), error };
    let length = bytes.len();
    let Some((header, _)) = bytes.split_at_checked(HEADER) else {
        // Its making was not finished, so nothing was written to it.
        return Ok(Extent { end: 0, length });
    };
    let expected = header_of(number);
    if header != expected {
        let version = header[8..].first_chunk().map_or(0, |word| u32::from_le_bytes(*word));
        return Err(content(match header {
            _ if !header.starts_with(MAGIC) => StoredError::Magic,
            _ if version != VERSION => StoredError::Version { found: version },
            _ => StoredError::Checksum,
        }));
    }
    let mut at = HEADER;
    while let Some((changes, _)) = record(bytes, at) {
        apply(to, changes).map_err(content)?;
        at += RECORD + changes.len();
    }
    if at < length && is_certain(bytes, at) {
        return Err(FileError::Journal { path: path.to_owned(), at: at as u64 });
    }
    Ok(Extent { end: at, length })
}

/// Reads the record at `at`; returns its changes, and up to where it says that the segment is kept (K4).
fn record(bytes: &[u8], at: usize) -> Option<(&[u8], u64)> {
    let rest = bytes.get(at..)?.strip_prefix(MARK)?;
    let (length, rest) = rest.split_first_chunk::<8>()?;
    let (certain, rest) = rest.split_first_chunk::<8>()?;
    let (checksum, rest) = rest.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let changes = rest.get(..length)?;
    let certain = u64::from_le_bytes(*certain);
    (u64::from_le_bytes(*checksum) == checksum_of(at as u64, certain, changes)).then_some((changes, certain))
}

fn checksum_of(at: u64, certain: u64, changes: &[u8]) -> u64 {
    xxh3_64_with_seed(changes, at ^ certain.rotate_left(32) ^ (changes.len() as u64).rotate_left(48))
}

/// Reports whether a record behind `at` says that what is at `at` was kept.
fn is_certain(bytes: &[u8], at: usize) -> bool {
    let marks = (at + 1..bytes.len()).filter(|place| bytes[*place..].starts_with(MARK));
    marks.into_iter().any(|place| record(bytes, place).is_some_and(|(_, certain)| certain > at as u64))
}

fn header_of(number: u64) -> Vec<u8> {
    let mut header = MAGIC.to_vec();
    header.extend_from_slice(&VERSION.to_le_bytes());
    header.extend_from_slice(&number.to_le_bytes());
    let checksum = xxh3_64(&header);
    header.extend_from_slice(&checksum.to_le_bytes());
    header
}

/// The segment that is written to.
pub(super) struct Segment {
    pub(super) number: u64,
    pub(super) path: Arc<Path>,
    pub(super) file: Arc<File>,
    /// Where the next record goes.
    end: u64,
    record: Vec<u8>,
}

impl Segment {
    /// Where the first record begins.
    pub(super) const START: u64 = HEADER as u64;

    /// Makes a new segment and brings it to the disk.
    pub(super) fn create(base: &Path, number: u64) -> Result<Segment, FileError> {
        let path = segment_path(base, number);
        let create = || {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&path)?;
            file.write_all(&header_of(number))?;
            file.sync_all()?;
            sync_folder(&path)?;
            Ok(file)
        };
        let file = create().map_err(|error| {
            // An empty one would be read as unfinished.
            let _ = std::fs::remove_file(&path);
            io_error("create", &path)(error)
        })?;
        let (path, file) = (path.into(), Arc::new(file));
        Ok(Segment { number, path, file, end: HEADER as u64, record: Vec::new() })
    }

    /// Goes on with the last segment that was replayed, what is torn cut off, or begins `first` (K5).
    pub(super) fn go_on(base: &Path, first: u64, replayed: &Replayed) -> Result<Segment, FileError> {
        let Some((number, extent)) = &replayed.last else { return Segment::create(base, first) };
        if extent.end < HEADER {
            return Segment::create(base, *number);
        }
        let (path, end) = (segment_path(base, *number), extent.end as u64);
        let open = || {
            let file = OpenOptions::new().write(true).open(&path)?;
            if replayed.dropped.is_some() {
                file.set_len(end)?;
            }
            // What was read is built upon, wherever it has got to.
            file.sync_all()?;
            Ok(file)
        };
        let file = open().map_err(io_error("open", &path))?;
        let (path, file) = (path.into(), Arc::new(file));
        Ok(Segment { number: *number, path, file, end, record: Vec::new() })
    }

    /// Where the last record ends.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Appends a record, after `certain` bytes that are kept.
    ///
    /// An error leaves the segment as it was; `Err(true)` says that this is not certain.
    pub(super) fn append(&mut self, changes: &[u8], certain: u64) -> Result<(), (io::Error, bool)> {
        self.record.clear();
        self.record.extend_from_slice(MARK);
        for word in [changes.len() as u64, certain, checksum_of(self.end, certain, changes)] {
            self.record.extend_from_slice(&word.to_le_bytes());
        }
        self.record.extend_from_slice(changes);
        let mut file = &*self.file;
        let written = file.seek(SeekFrom::Start(self.end)).and_then(|_| file.write_all(&self.record));
        if let Err(error) = written {
            // K5
            let is_cut = file.set_len(self.end).is_ok();
            return Err((error, !is_cut));
        }
        self.end += self.record.len() as u64;
        self.record.shrink_to(1 << 20);
        Ok(())
    }
}
