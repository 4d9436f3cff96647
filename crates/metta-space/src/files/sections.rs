//! Writing the sections of a file, with a checksum for each block of bytes.

use std::io::{self, Write};

use super::mapped::{BLOCK, block_checksum};

/// Where a section of a file is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Section {
    pub(crate) start: u64,
    pub(crate) length: u64,
}

/// Writes sections one behind the other, each beginning at a multiple of eight bytes.
pub(crate) struct Sections<W> {
    out: W,
    block: Vec<u8>,
    checksums: Vec<u8>,
    /// The offset in the file.
    at: u64,
    start: u64,
    sections: Vec<Section>,
}

impl<W: Write> Sections<W> {
    /// Begins at an offset in the file.
    pub(crate) fn new(out: W, at: u64) -> Self {
        let block = Vec::with_capacity(BLOCK);
        Sections { out, block, checksums: Vec::new(), at, start: at, sections: Vec::new() }
    }

    pub(crate) fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        self.at += bytes.len() as u64;
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK - self.block.len()));
            self.block.extend_from_slice(now);
            bytes = later;
            if self.block.len() == BLOCK {
                self.end_block()?;
            }
        }
        Ok(())
    }

    fn end_block(&mut self) -> io::Result<()> {
        let checksum = block_checksum(self.checksums.len() / 8, &self.block);
        self.checksums.extend_from_slice(&checksum.to_le_bytes());
        self.out.write_all(&self.block)?;
        self.block.clear();
        Ok(())
    }

    /// Ends a section.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        self.sections.push(Section { start: self.start, length: self.at - self.start });
        let padding = self.at.next_multiple_of(8) - self.at;
        self.write(&[0; 8][..padding as usize])?;
        self.start = self.at;
        Ok(())
    }

    /// Writes a section without bytes.
    pub(crate) fn empty(&mut self) {
        self.sections.push(Section { start: self.at, length: 0 });
    }

    /// Writes the checksums of the blocks; returns the sections, where the checksums begin, and them.
    pub(crate) fn finish(mut self) -> io::Result<(Vec<Section>, u64, Vec<u8>)> {
        if !self.block.is_empty() {
            self.end_block()?;
        }
        self.out.write_all(&self.checksums)?;
        self.out.flush()?;
        Ok((self.sections, self.at, self.checksums))
    }
}
