//! A hash table of row numbers, five bytes a slot.
//!
//! The rows themselves, and so the keys, live elsewhere. A tag of eight bits of the hash
//! keeps most probes from looking at them. Slots are filled in the order of insertion
//! along a probe, so the newest row can be taken out by emptying its slot.

use super::column::Column;

/// Slots for each row: room enough that probes stay short.
const fn slots_for(rows: usize) -> usize {
    rows + rows / 4 + 8
}

const EMPTY: u8 = 0;

/// How many slots are filled while they are in the cache.
const REGION: usize = 1 << 14;

#[derive(Clone)]
pub(super) struct Table {
    pub(super) tags: Column<u8>,
    pub(super) rows: Column<u32>,
    used: usize,
}

impl Default for Table {
    fn default() -> Self {
        Table { tags: Column::Owned(Vec::new()), rows: Column::Owned(Vec::new()), used: 0 }
    }
}

impl Table {
    pub(super) fn with_room(rows: usize) -> Self {
        let slots = slots_for(rows);
        Table { tags: Column::Owned(vec![EMPTY; slots]), rows: Column::Owned(vec![0; slots]), used: 0 }
    }

    /// Makes a table of the rows with these hashes, from row 0 on.
    ///
    /// Slots are filled region by region: in the order of the rows each would be a miss of the cache.
    pub(super) fn of(hashes: &[u64]) -> Self {
        let mut table = Table::with_room(hashes.len());
        let regions = table.tags.len().div_ceil(REGION);
        if regions < 2 {
            (0..).zip(hashes).for_each(|(row, hash)| table.insert(*hash, row));
            return table;
        }
        let mut ends = vec![0usize; regions + 1];
        hashes.iter().for_each(|hash| ends[table.first_slot(*hash) / REGION + 1] += 1);
        (1..=regions).for_each(|region| ends[region] += ends[region - 1]);
        let mut arranged = vec![(0u32, 0u32); hashes.len()];
        for (row, hash) in (0..).zip(hashes) {
            let slot = table.first_slot(*hash);
            let place = &mut ends[slot / REGION];
            // The slot within the region, and the tag.
            arranged[*place] = ((slot % REGION) as u32 | u32::from(tag(*hash)) << 24, row);
            *place += 1;
        }
        let mut start = 0;
        for (region, end) in ends.into_iter().take(regions).enumerate() {
            for (slot, row) in &arranged[start..end] {
                table.fill(region * REGION + (slot & 0xFF_FFFF) as usize, (slot >> 24) as u8, *row);
            }
            start = end;
        }
        table
    }

    /// A table of `used` rows that was made before; `None` when its columns do not fit each other.
    pub(super) fn from_columns(tags: Column<u8>, rows: Column<u32>, used: usize) -> Option<Self> {
        let fits = tags.len() == rows.len() && used < tags.len().max(1);
        fits.then_some(Table { tags, rows, used })
    }

    /// Reports whether another row fits.
    pub(super) fn has_room(&self) -> bool {
        slots_for(self.used + 1) <= self.tags.len()
    }

    /// Finds a row with this hash for which `is_it` holds.
    pub(super) fn find(&self, hash: u64, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let (tag, slots) = (tag(hash), self.tags.len());
        if slots == 0 {
            return None;
        }
        let mut slot = self.first_slot(hash);
        // One slot at least is empty, but in a file that was made to be odd.
        for _ in 0..slots {
            let known = self.tags.get(slot);
            if known == EMPTY {
                return None;
            }
            if known == tag {
                let row = self.rows.get(slot);
                if is_it(row) {
                    return Some(row);
                }
            }
            slot = self.next_slot(slot);
        }
        None
    }

    /// Enters a row; there is room for it.
    pub(super) fn insert(&mut self, hash: u64, row: u32) {
        self.fill(self.first_slot(hash), tag(hash), row);
    }

    /// Enters a row at the first slot from this one on that is empty.
    fn fill(&mut self, mut slot: usize, tag: u8, row: u32) {
        let slots = self.tags.len();
        let (tags, rows) = (self.tags.owned(), self.rows.owned());
        while tags[slot] != EMPTY {
            slot = if slot + 1 == slots { 0 } else { slot + 1 };
        }
        tags[slot] = tag;
        rows[slot] = row;
        self.used += 1;
    }

    /// Takes out the row that was entered last.
    pub(super) fn remove_newest(&mut self, hash: u64, row: u32) {
        let mut slot = self.first_slot(hash);
        while self.tags.get(slot) != EMPTY {
            if self.rows.get(slot) == row {
                self.tags.owned()[slot] = EMPTY;
                self.used -= 1;
                return;
            }
            slot = self.next_slot(slot);
        }
    }

    /// The bytes that are allocated.
    pub(super) fn allocated(&self) -> usize {
        self.tags.allocated() + self.rows.allocated()
    }

    fn first_slot(&self, hash: u64) -> usize {
        // Scales the lower half of the hash to the number of slots; tags are of the upper half.
        let scaled = u128::from(hash << 16) * self.tags.len() as u128;
        (scaled >> 64) as usize
    }

    fn next_slot(&self, slot: usize) -> usize {
        if slot + 1 == self.tags.len() { 0 } else { slot + 1 }
    }
}

fn tag(hash: u64) -> u8 {
    ((hash >> 56) as u8).max(EMPTY + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(n: u32) -> u64 {
        xxhash_rust::xxh3::xxh3_64(&n.to_le_bytes())
    }

    #[test]
    fn rows_are_found_until_they_are_taken_out() {
        let mut table = Table::with_room(1000);
        for n in 0..1000 {
            assert!(table.has_room());
            table.insert(hash(n), n);
        }
        assert!(!table.has_room());
        for n in (0..1000).rev() {
            assert_eq!(table.find(hash(n), |row| row == n), Some(n));
            table.remove_newest(hash(n), n);
            assert_eq!(table.find(hash(n), |row| row == n), None);
        }
        assert_eq!(Table::default().find(1, |_| true), None);
    }

    #[test]
    fn a_table_made_at_once_has_every_row() {
        for n in [0, 1, 1000, 3 * REGION as u32] {
            let hashes: Vec<u64> = (0..n).map(hash).collect();
            let mut table = Table::of(&hashes);
            assert!(!table.has_room() && table.find(hash(n), |row| row == n).is_none());
            for row in (0..n).rev() {
                assert_eq!(table.find(hash(row), |found| found == row), Some(row));
            }
            if n > 0 {
                table.remove_newest(hash(n - 1), n - 1);
                assert_eq!(table.find(hash(n - 1), |row| row == n - 1), None);
            }
        }
    }

    #[test]
    fn equal_hashes_are_told_apart_by_the_rows() {
        let mut table = Table::with_room(50);
        (0..50).for_each(|n| table.insert(7, n));
        assert!((0..50).all(|n| table.find(7, |row| row == n) == Some(n)));
        assert_eq!(table.find(7, |_| false), None);
    }
}
