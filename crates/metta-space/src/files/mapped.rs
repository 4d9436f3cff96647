//! Files that are read as memory, each block checked when it is first looked at.
//!
//! Invariant M1: no byte of a block is handed out before the checksum of the block was found right, but for
//! files that the caller chose not to have checked. What is damaged reads as nothing, and is remembered.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use memmap2::Mmap;
use metta_sync::Flag;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// How many bytes have a checksum together.
pub(crate) const BLOCK: usize = 1 << 15;

/// A damaged place of a mapped file.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{}` is damaged near byte {at}", path.display())]
pub struct Damage {
    /// The file.
    pub path: PathBuf,
    /// Where the damaged block begins, or what refers out of the file.
    pub at: u64,
}

/// The checksum of a block with this number.
pub(crate) fn block_checksum(number: usize, bytes: &[u8]) -> u64 {
    // Seeded, so that blocks that changed places are noticed.
    xxh3_64_with_seed(bytes, number as u64)
}

/// A file in memory.
pub(crate) struct Mapped {
    path: PathBuf,
    map: Mmap,
    /// What the blocks cover.
    body: Range<usize>,
    /// The checksums of the blocks, little endian; they were checked when the file was opened.
    checksums: Range<usize>,
    checked: Vec<Flag>,
    damage: OnceLock<Damage>,
}

impl Mapped {
    /// Maps a file. Nothing may be read but through [`Mapped::unchecked`] before [`Mapped::set_body`].
    pub(crate) fn open(path: &Path, file: &File) -> io::Result<Mapped> {
        // SAFETY: the memory must not change while it is borrowed. Files of spaces are never written in place:
        // whoever replaces one writes another file and renames it, and the mapping keeps the old one (ADR-0043).
        #[expect(unsafe_code, reason = "mapping a file is unsafe: others could write to it")]
        let map = unsafe { Mmap::map(file)? };
        let (body, checksums) = (0..0, 0..0);
        Ok(Mapped {
            path: path.to_owned(),
            map,
            body,
            checksums,
            checked: Vec::new(),
            damage: OnceLock::new(),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The bytes of the file as they are.
    pub(crate) fn unchecked(&self) -> &[u8] {
        &self.map
    }

    /// Says which part is in blocks, and where their checksums are. Both are in the file.
    pub(crate) fn set_body(&mut self, body: Range<usize>, checksums: Range<usize>) {
        self.checked = (0..body.len().div_ceil(BLOCK)).map(|_| Flag::new()).collect();
        (self.body, self.checksums) = (body, checksums);
    }

    /// Returns bytes of the body; none when they are damaged or not there.
    #[inline]
    fn bytes(&self, range: Range<usize>) -> &[u8] {
        if range.start < range.end {
            let first = (range.start - self.body.start) / BLOCK;
            let last = (range.end - 1 - self.body.start) / BLOCK;
            for block in first..=last {
                // M1
                if !self.checked[block].is_raised() && !self.check(block) {
                    return &[];
                }
            }
        }
        &self.map[range]
    }

    /// Checks a block; notes it when it is damaged.
    #[cold]
    fn check(&self, block: usize) -> bool {
        let start = self.body.start + block * BLOCK;
        let bytes = &self.map[start..(start + BLOCK).min(self.body.end)];
        let known = &self.map[self.checksums.start + block * 8..][..8];
        if block_checksum(block, bytes).to_le_bytes() == known {
            self.checked[block].raise();
            return true;
        }
        self.note_damage(start);
        false
    }

    fn note_damage(&self, at: usize) {
        // The first is told.
        let _ = self.damage.set(Damage { path: self.path.clone(), at: at as u64 });
    }

    /// What was found damaged so far.
    pub(crate) fn damage(&self) -> Option<&Damage> {
        self.damage.get()
    }

    /// Checks all blocks.
    pub(crate) fn check_all(&self) -> Result<(), Damage> {
        let fine = (0..self.checked.len()).all(|block| self.checked[block].is_raised() || self.check(block));
        if fine { Ok(()) } else { Err(self.damage.get().cloned().unwrap_or_else(|| self.nowhere())) }
    }

    fn nowhere(&self) -> Damage {
        Damage { path: self.path.clone(), at: 0 }
    }
}

/// A part of a mapped file.
#[derive(Clone)]
pub(crate) struct Area {
    file: Arc<Mapped>,
    range: Range<usize>,
}

impl Area {
    /// A part of the body of a file.
    pub(crate) fn new(file: &Arc<Mapped>, range: Range<usize>) -> Option<Self> {
        let body = &file.body;
        let inside = body.start <= range.start && range.start <= range.end && range.end <= body.end;
        inside.then(|| Area { file: Arc::clone(file), range })
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.range.len()
    }

    /// Returns some of the bytes; none when they are damaged, or are not in this part.
    #[inline]
    pub(crate) fn bytes(&self, range: Range<usize>) -> &[u8] {
        if range.start > range.end || range.end > self.range.len() {
            self.file.note_damage(self.range.start);
            return &[];
        }
        self.file.bytes(self.range.start + range.start..self.range.start + range.end)
    }
}
