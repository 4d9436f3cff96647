//! MORK's table of symbols, with which the node's own spaces are written.
//!
//! Paths then have a number of eight bytes in the place of each word. The table is a zip archive of files
//! `SharedMapping_0xNN.binary_data`, each a series of records: the lower six bytes of a number, the length of a word (one byte,
//! inverted, below 128; otherwise eight), the word. Its other files say nothing that is needed.

use std::collections::HashMap;
use std::io::{Cursor, Read as _};

use metta_space::bytes::Item;
use zip::ZipArchive;

use super::SpaceError;

/// MORK has a file for each of at most so many threads, and one more.
const MOST_FILES: u16 = 257;
/// How much larger than the archive its content may be, beside a little that is always allowed.
const MOST_GROWTH: u64 = 64;
const ALWAYS_ALLOWED: u64 = 1 << 16;
/// The end of an archive without a comment: a signature, four numbers of which the last counts files, and more.
const END: usize = 22;

/// Words by their numbers.
#[derive(Debug)]
pub(super) struct Symbols(HashMap<[u8; 8], String>);

impl Symbols {
    pub(super) fn read(archive: &[u8]) -> Result<Self, SpaceError> {
        let malformed = |reason: &str| SpaceError::SymbolTable { reason: reason.to_owned() };
        // The archive would be read with as much room as it says that it has files.
        let end = archive.len().checked_sub(END).and_then(|at| archive.get(at..)).unwrap_or_default();
        match end {
            [b'P', b'K', 5, 6, _, _, _, _, _, _, low, high, ..]
                if u16::from_le_bytes([*low, *high]) <= MOST_FILES => {}
            _ => return Err(malformed("it is no archive of at most 257 files")),
        }
        let mut room = archive.len() as u64 * MOST_GROWTH + ALWAYS_ALLOWED;
        let mut files =
            ZipArchive::new(Cursor::new(archive)).map_err(|error| malformed(&error.to_string()))?;
        let mut symbols = HashMap::new();
        for i in 0..files.len() {
            let file = files.by_index(i).map_err(|error| malformed(&error.to_string()))?;
            if !file.name().is_ok_and(|name| name.ends_with(".binary_data")) {
                continue;
            }
            let mut bytes = Vec::new();
            let read = file.take(room + 1).read_to_end(&mut bytes);
            let read = read.map_err(|error| malformed(&error.to_string()))? as u64;
            room = room.checked_sub(read).ok_or_else(|| malformed("it is too large when unpacked"))?;
            records(&bytes, &mut symbols).ok_or_else(|| malformed("a record is malformed"))?;
        }
        Ok(Symbols(symbols))
    }

    /// Reads a path; `None` when it is not one atom, or has a number that no word has.
    pub(super) fn items<'b>(&'b self, path: &'b [u8]) -> Option<Vec<Item<'b>>> {
        let mut items = Vec::new();
        let (mut at, mut pending, mut introduced) = (0, 1usize, 0usize);
        while pending > 0 {
            let tag = *path.get(at)?;
            at += 1;
            pending -= 1;
            items.push(match tag {
                0x00..=0x3F => {
                    pending += usize::from(tag);
                    Item::Arity(usize::from(tag))
                }
                0x80..=0xBF if usize::from(tag - 0x80) < introduced => Item::VarRef(usize::from(tag - 0x80)),
                0xC0 => {
                    introduced += 1;
                    Item::NewVar
                }
                0xC8 => {
                    let (number, _) = path.get(at..)?.split_first_chunk()?;
                    at += number.len();
                    Item::Symbol(self.0.get(number)?)
                }
                _ => return None,
            });
        }
        (at == path.len()).then_some(items)
    }
}

fn records(mut bytes: &[u8], symbols: &mut HashMap<[u8; 8], String>) -> Option<()> {
    while let Some((number, rest)) = bytes.split_first_chunk::<6>() {
        let [a, b, c, d, e, f] = *number;
        let first = *rest.first()?;
        let (length, rest) = if first >= 0x80 {
            (usize::from(!first), &rest[1..])
        } else {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::try_from(u64::from_be_bytes(*length)).ok()?, rest)
        };
        let (word, rest) = rest.split_at_checked(length)?;
        let is_new = symbols.insert([0, 0, a, b, c, d, e, f], std::str::from_utf8(word).ok()?.to_owned());
        is_new.is_none().then_some(())?;
        bytes = rest;
    }
    bytes.is_empty().then_some(())
}
