//! Columns of bytes and numbers, in memory or in a mapped file.

use std::ops::Range;

use crate::files::mapped::Area;

/// A number of fixed width.
pub(crate) trait Word: Copy {
    /// How many bytes it takes in a file.
    const SIZE: usize;

    /// Reads the number, little endian; 0 where there are fewer bytes.
    fn read(bytes: &[u8]) -> Self;

    /// Writes the number, little endian.
    fn write(self, out: &mut Vec<u8>);
}

macro_rules! words {
    ($($word:ty),*) => { $(
        impl Word for $word {
            const SIZE: usize = size_of::<$word>();

            fn read(bytes: &[u8]) -> Self {
                bytes.first_chunk().map_or(0, |bytes| <$word>::from_le_bytes(*bytes))
            }

            fn write(self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
        }
    )* };
}

words!(u8, u32, u64);

/// Numbers of one width, one behind the other.
#[derive(Clone)]
pub(crate) enum Column<T> {
    Owned(Vec<T>),
    Mapped(Area),
}

impl<T: Word> Column<T> {
    pub(super) fn with_room(n: usize) -> Self {
        Column::Owned(Vec::with_capacity(n))
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        match self {
            Column::Owned(words) => words.len(),
            Column::Mapped(area) => area.len() / T::SIZE,
        }
    }

    /// Returns a number that is there.
    #[inline]
    pub(crate) fn get(&self, at: usize) -> T {
        match self {
            Column::Owned(words) => words[at],
            Column::Mapped(area) => T::read(area.bytes(at * T::SIZE..(at + 1) * T::SIZE)),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = T> {
        (0..self.len()).map(|at| self.get(at))
    }

    /// The numbers for writing, where they are in memory.
    pub(super) fn owned(&mut self) -> &mut Vec<T> {
        if let Column::Mapped(_) = self {
            *self = Column::Owned(self.iter().collect());
        }
        match self {
            Column::Owned(words) => words,
            Column::Mapped(_) => unreachable!("it was copied"),
        }
    }

    /// Finds a number in a column that rises.
    pub(super) fn binary_search(&self, word: T) -> Option<usize>
    where
        T: Ord,
    {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.get(middle).cmp(&word) {
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// The bytes that are allocated.
    pub(super) fn allocated(&self) -> usize {
        match self {
            Column::Owned(words) => words.capacity() * T::SIZE,
            Column::Mapped(_) => 0,
        }
    }

    /// Gives `take` the column as bytes, a piece at a time.
    pub(crate) fn pieces<E>(&self, mut take: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        const PIECE: usize = 1 << 13;
        let mut piece = Vec::with_capacity(PIECE * T::SIZE);
        let mut at = 0;
        while at < self.len() {
            let end = (at + PIECE).min(self.len());
            piece.clear();
            (at..end).for_each(|at| self.get(at).write(&mut piece));
            take(&piece)?;
            at = end;
        }
        Ok(())
    }
}

impl Column<u8> {
    /// Returns some of the bytes; none where a mapped file does not have them.
    #[inline]
    pub(super) fn slice(&self, range: Range<usize>) -> &[u8] {
        match self {
            Column::Owned(bytes) => &bytes[range],
            Column::Mapped(area) => area.bytes(range),
        }
    }
}
