//! Types found of ground expressions.
//!
//! A program with types asks again and again for the types of the same data, which grow at one end:
//! what was found of the parts is kept.
//!
//! Invariant Y1: an entry is of an expression that stands in the heap where it stood when its types were
//! found. So entries go when the heap is cut behind a choice point, and when cells move.

use metta_atom::SpaceId;
use rustc_hash::FxHashMap;

use crate::terms::cell::Cell;

/// So many entries are too many.
const MOST: usize = 1 << 20;

/// The address and length of an expression.
type Part = (u32, u32);

/// For ground expressions with one type that has no variables: that type.
#[derive(Clone, Debug, Default)]
pub(crate) struct FoundTypes {
    types: FxHashMap<Part, Cell>,
    /// The expressions in the order in which they were entered.
    entered: Vec<Part>,
    /// How many entries were forgotten before the first of `entered` came.
    forgotten: u64,
    /// The declarations and the space that the types are from.
    valid: Option<(u64, SpaceId)>,
}

impl FoundTypes {
    /// The type of an expression, if it is known for these declarations in this space.
    pub(crate) fn get(&self, part: Part, valid: (u64, SpaceId)) -> Option<Cell> {
        if self.valid != Some(valid) {
            return None;
        }
        self.types.get(&part).copied()
    }

    pub(crate) fn note(&mut self, part: Part, found: Cell, valid: (u64, SpaceId)) {
        if self.valid != Some(valid) || self.entered.len() >= MOST {
            self.clear();
            self.valid = Some(valid);
        }
        if self.types.insert(part, found).is_none() {
            self.entered.push(part);
        }
    }

    /// How many expressions were entered so far.
    pub(crate) fn count(&self) -> u64 {
        self.forgotten + self.entered.len() as u64
    }

    /// Forgets what was entered after the first `count` expressions.
    #[inline]
    pub(crate) fn truncate(&mut self, count: u64) {
        if self.count() > count {
            let kept = count.saturating_sub(self.forgotten) as usize;
            for part in self.entered.drain(kept..) {
                self.types.remove(&part);
            }
        }
    }

    pub(crate) fn clear(&mut self) {
        if !self.entered.is_empty() {
            self.forgotten += self.entered.len() as u64;
            self.entered.clear();
            self.types.clear();
        }
    }

    pub(crate) fn bytes(&self) -> u64 {
        let entry = size_of::<(Part, Cell)>() + 1 + size_of::<Part>();
        (self.entered.len() * entry * 8 / 7) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: (u64, SpaceId) = (1, SpaceId::TOP);

    fn found(types: &FoundTypes) -> Vec<u32> {
        (0..10).filter(|address| types.get((*address, 2), VALID).is_some()).collect()
    }

    #[test]
    fn what_was_entered_since_a_choice_point_is_forgotten() {
        let mut types = FoundTypes::default();
        let enter = |types: &mut FoundTypes, address| types.note((address, 2), Cell::UNIT, VALID);
        enter(&mut types, 1);
        let first = types.count();
        enter(&mut types, 2);
        let second = types.count();
        enter(&mut types, 3);
        types.truncate(second);
        assert_eq!(found(&types), [1, 2]);
        // After a collection nothing that is entered is from before the choice points.
        types.clear();
        enter(&mut types, 4);
        enter(&mut types, 5);
        assert_eq!(found(&types), [4, 5]);
        types.truncate(second);
        assert_eq!(found(&types), []);
        enter(&mut types, 6);
        types.truncate(first);
        assert_eq!(found(&types), []);
    }

    #[test]
    fn other_declarations_give_other_types() {
        let mut types = FoundTypes::default();
        types.note((1, 2), Cell::UNIT, VALID);
        assert_eq!(types.get((1, 2), (2, SpaceId::TOP)), None);
        assert_eq!(types.get((1, 2), (1, SpaceId::CORELIB)), None);
        types.note((2, 2), Cell::UNIT, (2, SpaceId::TOP));
        assert_eq!(types.get((1, 2), (2, SpaceId::TOP)), None);
        assert_eq!(types.get((1, 2), VALID), None);
    }
}
