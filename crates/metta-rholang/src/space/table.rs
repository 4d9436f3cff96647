//! Tables: a beginning, a number of records, the records.

use bytes::Bytes;

use crate::SpaceError;

/// A table that is being written; its number of records is known at the end.
pub(super) struct Growing {
    pub(super) bytes: Vec<u8>,
    /// Where the number of records stands.
    at: usize,
    pub(super) records: u64,
}

impl Growing {
    /// Begins a table with what stands before the number of records.
    pub(super) fn new(beginning: &[u8]) -> Self {
        let mut bytes = beginning.to_vec();
        bytes.extend_from_slice(&[0; 8]);
        Growing { bytes, at: beginning.len(), records: 0 }
    }

    /// Takes a table up again, to add records.
    pub(super) fn resume(table: &[u8], beginning: &[u8]) -> Result<Self, SpaceError> {
        let mut cursor = Cursor::new(table, beginning)?;
        let records = cursor.word()?;
        let mut bytes = Vec::with_capacity(table.len() + table.len() / 8);
        bytes.extend_from_slice(table);
        Ok(Growing { bytes, at: beginning.len(), records })
    }

    /// Writes bytes with their length in front.
    pub(super) fn sized(&mut self, part: &[u8]) -> Result<(), SpaceError> {
        let length = u32::try_from(part.len()).map_err(|_| SpaceError::Truncated { at: self.bytes.len() })?;
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(part);
        Ok(())
    }

    pub(super) fn word(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    pub(super) fn finish(mut self) -> Bytes {
        self.bytes[self.at..self.at + 8].copy_from_slice(&self.records.to_be_bytes());
        self.bytes.into()
    }
}

/// Reads numbers and sized parts.
#[derive(Clone)]
pub(crate) struct Cursor<'b> {
    bytes: &'b [u8],
    pub(super) at: usize,
}

impl<'b> Cursor<'b> {
    /// Starts behind what a table begins with.
    pub(super) fn new(bytes: &'b [u8], beginning: &[u8]) -> Result<Self, SpaceError> {
        let magic = &beginning[..beginning.len().min(4)];
        if !bytes.starts_with(magic) {
            return Err(SpaceError::Magic { expected: String::from_utf8_lossy(magic).into_owned() });
        }
        let mut cursor = Cursor { bytes, at: magic.len() };
        cursor.take(beginning.len() - magic.len())?;
        Ok(cursor)
    }

    /// S1: hands out only what is there.
    pub(super) fn take(&mut self, n: usize) -> Result<&'b [u8], SpaceError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let part = rest.get(..n).ok_or(SpaceError::Truncated { at: self.at })?;
        self.at += n;
        Ok(part)
    }

    pub(super) fn word(&mut self) -> Result<u64, SpaceError> {
        let (word, _) = self.take(8)?.split_first_chunk().ok_or(SpaceError::Truncated { at: self.at })?;
        Ok(u64::from_be_bytes(*word))
    }

    pub(super) fn sized(&mut self) -> Result<&'b [u8], SpaceError> {
        let (length, _) = self.take(4)?.split_first_chunk().ok_or(SpaceError::Truncated { at: self.at })?;
        self.take(u32::from_be_bytes(*length) as usize)
    }

    /// Reads a number of records of at least `least` bytes each (S1).
    pub(super) fn records(&mut self, least: usize) -> Result<usize, SpaceError> {
        let n = self.word()?;
        let room = (self.bytes.len() - self.at) / least;
        usize::try_from(n).ok().filter(|n| *n <= room).ok_or(SpaceError::Truncated { at: self.at })
    }

    pub(super) fn rest(&self) -> &'b [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub(super) fn end(&self) -> Result<(), SpaceError> {
        if self.at < self.bytes.len() { Err(SpaceError::Trailing { at: self.at }) } else { Ok(()) }
    }
}
