//! What a walk over shared terms remembers.
//!
//! A term of few cells can be a tree of exponentially many nodes, since equal parts are
//! one part. A walk that keeps what it has met takes time in proportion to the cells.
//! Most walks are short, so the first few thousand steps are not remembered.

use rustc_hash::{FxHashMap, FxHashSet};

/// Steps of a walk after which it looks out for parts that it has seen before.
const FREE_VISITS: u32 = 1 << 12;

/// The parts, or pairs of parts, that a walk has met.
#[derive(Default)]
pub(crate) struct Visits {
    count: u32,
    seen: FxHashSet<(u32, u32)>,
}

impl Visits {
    /// Reports whether to go into a part.
    pub(crate) fn first_visit(&mut self, a: u32, b: u32) -> bool {
        if self.count < FREE_VISITS {
            self.count += 1;
            return true;
        }
        self.seen.insert((a, b))
    }
}

/// What a walk has made of the parts that it has met, by whatever tells parts apart.
pub(crate) struct Memo<K, V> {
    count: u32,
    made: FxHashMap<K, V>,
}

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Memo { count: 0, made: FxHashMap::default() }
    }
}

impl<K: Eq + std::hash::Hash, V: Clone> Memo<K, V> {
    /// What was made of a part, if that is remembered.
    pub(crate) fn get(&self, part: &K) -> Option<V> {
        if self.made.is_empty() { None } else { self.made.get(part).cloned() }
    }

    /// Remembers what was made of a part.
    pub(crate) fn note(&mut self, part: K, made: &V) {
        if self.count < FREE_VISITS {
            self.count += 1;
        } else {
            self.made.insert(part, made.clone());
        }
    }
}
