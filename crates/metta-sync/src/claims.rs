//! Indices that several threads take in rising order, in pieces.
//!
//! ```text
//!  0 ......... next ............. end ......... of
//!  taken, but   │   nobody has it   │ unwanted
//!  what came back
//! ```
//!
//! It has no lock: whoever shares it puts one around it.
//!
//! Invariant C1: every index below `next` was taken or is unwanted, and at most one thread has it. `end` only falls: what
//! is behind it is not taken any more.

use std::ops::Range;

/// Indices below some number.
#[derive(Debug)]
pub struct Claims {
    next: usize,
    end: usize,
    /// Taken and given back.
    returned: Vec<Range<usize>>,
}

impl Claims {
    /// Makes the indices from 0 up to `of`, which nobody has.
    pub fn new(of: usize) -> Self {
        Claims { next: 0, end: of, returned: Vec::new() }
    }

    /// Takes up to `size` of the first indices that nobody has, and tells whether they were given back before.
    pub fn take(&mut self, size: usize) -> Option<(Range<usize>, bool)> {
        while let Some(mut rest) = self.returned.pop() {
            rest.end = rest.end.min(self.end);
            let split = rest.end.min(rest.start.saturating_add(size));
            if split < rest.end {
                self.returned.push(split..rest.end);
            }
            if rest.start < split {
                return Some((rest.start..split, true));
            }
        }
        let piece = self.next..self.end.min(self.next.saturating_add(size));
        if piece.is_empty() {
            return None;
        }
        self.next = piece.end;
        Some((piece, false))
    }

    /// Gives back the rest of a piece.
    pub fn give_back(&mut self, rest: Range<usize>) {
        self.returned.push(rest);
    }

    /// Declares the indices from `end` on unwanted (C1).
    pub fn cut(&mut self, end: usize) {
        self.end = self.end.min(end);
    }

    /// Reports whether an index is wanted.
    pub fn wants(&self, index: usize) -> bool {
        index < self.end
    }

    /// Returns how many indices are wanted and nobody has.
    pub fn unclaimed(&self) -> usize {
        let returned: usize =
            self.returned.iter().map(|rest| rest.end.min(self.end).saturating_sub(rest.start)).sum();
        returned + self.end.saturating_sub(self.next)
    }

    /// Returns how many indices were taken, those given back included.
    pub fn taken(&self) -> usize {
        self.next
    }
}

#[cfg(all(test, not(metta_loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_index_is_taken_once() {
        // C1
        let mut claims = Claims::new(100);
        let mut seen = Vec::new();
        while let Some((mut piece, again)) = claims.take(7) {
            if piece.len() > 2 && !again {
                claims.give_back(piece.start + 2..piece.end);
                piece.end = piece.start + 2;
            }
            seen.extend(piece);
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn nothing_behind_a_cut_is_taken() {
        let mut claims = Claims::new(100);
        assert_eq!(claims.take(10), Some((0..10, false)));
        claims.give_back(5..10);
        claims.cut(7);
        claims.cut(50);
        assert_eq!((claims.unclaimed(), claims.taken()), (2, 10));
        assert!(claims.wants(6) && !claims.wants(7));
        assert_eq!(claims.take(10), Some((5..7, true)));
        assert_eq!(claims.take(10), None);
    }
}
