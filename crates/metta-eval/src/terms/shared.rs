//! Vectors and maps that a machine shares with the parts it gives away, until one of them changes.
//!
//! A clone costs O(1) and reading as much as from a vector of one's own; the first change after a clone copies.

use std::hash::Hash;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use ecow::EcoVec;
use rustc_hash::FxHashMap;

/// A vector.
#[derive(Clone, Debug)]
pub(crate) struct Shared<T>(EcoVec<T>);

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Shared(EcoVec::new())
    }
}

impl<T> Shared<T> {
    pub(crate) const fn new() -> Self {
        Shared(EcoVec::new())
    }

    pub(crate) fn capacity(&self) -> usize {
        self.0.capacity()
    }
}

impl<T: Clone> Shared<T> {
    #[inline]
    pub(crate) fn push(&mut self, value: T) {
        self.0.push(value);
    }

    pub(crate) fn extend_from_slice(&mut self, values: &[T]) {
        self.0.extend_from_slice(values);
    }

    pub(crate) fn truncate(&mut self, length: usize) {
        self.0.truncate(length);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

impl<T: Copy> Shared<T> {
    /// Makes the vector longer by copies of `value`.
    #[inline]
    pub(crate) fn lengthen(&mut self, mut more: usize, value: T) {
        let block = [value; 8];
        while more > block.len() {
            self.0.extend_from_slice(&block);
            more -= block.len();
        }
        self.0.extend_from_slice(&block[..more]);
    }
}

impl<T> Deref for Shared<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Clone> DerefMut for Shared<T> {
    /// Copies what others share. Cost: O(length) then, else O(1).
    fn deref_mut(&mut self) -> &mut [T] {
        self.0.make_mut()
    }
}

impl<T: Clone> Extend<T> for Shared<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, values: I) {
        self.0.extend(values);
    }
}

impl<T: Clone> From<Vec<T>> for Shared<T> {
    fn from(values: Vec<T>) -> Self {
        Shared(values.into())
    }
}

impl<'a, T> IntoIterator for &'a Shared<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// A map.
#[derive(Clone, Debug)]
pub(crate) struct SharedMap<K, V>(Arc<FxHashMap<K, V>>);

impl<K, V> Default for SharedMap<K, V> {
    fn default() -> Self {
        SharedMap(Arc::default())
    }
}

impl<K, V> Deref for SharedMap<K, V> {
    type Target = FxHashMap<K, V>;

    #[inline(always)]
    fn deref(&self) -> &FxHashMap<K, V> {
        &self.0
    }
}

impl<K: Clone + Eq + Hash, V: Clone> DerefMut for SharedMap<K, V> {
    /// Copies what others share. Cost: O(entries) then, else O(1).
    fn deref_mut(&mut self) -> &mut FxHashMap<K, V> {
        Arc::make_mut(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_seen_by_nobody_else() {
        let mut first = Shared::from(vec![1, 2, 3]);
        let second = first.clone();
        assert_eq!(first.as_ptr(), second.as_ptr());
        first[1] = 5;
        first.lengthen(9, 9);
        first.truncate(4);
        assert_eq!((&first[..], &second[..]), (&[1, 5, 3, 9][..], &[1, 2, 3][..]));

        let mut first = SharedMap::default();
        first.insert(1, 'a');
        let second = first.clone();
        first.insert(1, 'b');
        assert_eq!((first[&1], second[&1]), ('b', 'a'));
    }
}
