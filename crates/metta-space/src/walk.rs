//! Finding the stored atoms that a pattern may unify with.
//!
//! The pattern and the trie are walked together. Ground parts of the pattern
//! select a branch; a variable of the pattern passes over any stored term, and a
//! variable of a stored atom passes over any term of the pattern. What variables
//! are bound to is not compared, so the answer is a superset, left to unification.
//!
//! Invariant W1: nothing that may unify is left out. Numbers are tried in every
//! encoding of an equal number.
//! Invariant W2: a path determines the state it is reached in, so each stored
//! atom is found once.

use pathmap::utils::ByteMask;
use pathmap::zipper::{
    ReadZipperUntracked, Zipper, ZipperForking, ZipperIteration, ZipperMoving, ZipperValues,
};

use crate::bytes::{
    FIRST_REFERENCE, HANDLE_BEGINS, LONG_ARITY, LONG_PAYLOAD, LONG_REFERENCE, NEW_VARIABLE, Token,
    equal_numbers, is_handle, is_number, term_end, token,
};
use crate::facts::{Entry, Fact, Facts, LONGEST_PATH};

/// Returns the candidates for `pattern`, in insertion order.
///
/// Where `handles_match`, a stored handle may stand for anything.
pub(crate) fn candidates(facts: &Facts, handles_match: bool, pattern: &[u8]) -> Vec<Fact> {
    let mut walk = Walk {
        facts,
        handles_match,
        zipper: facts.trie.read_zipper(),
        pattern,
        tail: tail(pattern),
        branches: Vec::new(),
        found: Vec::new(),
    };
    walk.follow(State { pattern: 0, terms: 0, raw: 0, then: Then::Nothing });
    while let Some(branch) = walk.branches.pop() {
        let above = walk.zipper.path().len() - branch.depth;
        walk.zipper.ascend(above);
        match branch.step {
            Step::Byte(byte) => walk.zipper.descend_to_byte(byte),
            Step::Bytes(bytes) => walk.zipper.descend_to(bytes),
        }
        walk.follow(branch.state);
    }
    let mut found = walk.found;
    found.sort_unstable_by_key(|fact| fact.sequence);
    found
}

/// Returns the offset from which the pattern has only variables.
fn tail(pattern: &[u8]) -> usize {
    let (mut at, mut tail) = (0, 0);
    while let Some((token, next)) = token(pattern, at) {
        if !matches!(token, Token::NewVar | Token::VarRef(_)) {
            tail = next;
        }
        at = next;
    }
    tail
}

/// More bytes than any number has that equals another one.
const NUMBER_ROOM: usize = 256;

/// The bytes of a handle.
const HANDLE_BYTES: usize = HANDLE_BEGINS.len() + 8;

/// How far the walk has come, apart from the place in the trie.
#[derive(Clone, Copy)]
struct State {
    /// The offset of the next item of the pattern.
    pattern: usize,
    /// How many stored terms to pass over before it.
    terms: usize,
    /// How many bytes of the trie to pass over before that.
    raw: usize,
    /// What these bytes mean.
    then: Then,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Nothing,
    /// They are the arity of a stored expression.
    Arity,
    /// They are the length of a stored payload.
    Length,
}

struct Branch {
    depth: usize,
    step: Step,
    state: State,
}

enum Step {
    Byte(u8),
    Bytes(Vec<u8>),
}

struct Walk<'a> {
    facts: &'a Facts,
    handles_match: bool,
    zipper: ReadZipperUntracked<'a, 'static, Entry>,
    pattern: &'a [u8],
    tail: usize,
    branches: Vec<Branch>,
    found: Vec<Fact>,
}

impl Walk<'_> {
    /// Walks on from the place of the zipper, leaving other ways as branches.
    fn follow(&mut self, state: State) {
        let mut next = Some(state);
        while let Some(state) = next {
            // Behind the last ground item of the pattern everything matches, and so
            // does everything behind the part of a long atom that is in the trie.
            if state.pattern >= self.tail || self.zipper.path().len() >= LONGEST_PATH {
                return self.take_all();
            }
            next = if state.raw > 0 {
                self.pass_bytes(state)
            } else if state.then != Then::Nothing {
                Some(self.read_length(state))
            } else if state.terms > 0 {
                self.pass_term(state)
            } else {
                self.match_item(state)
            };
        }
    }

    /// Passes over raw bytes, up to the first that has alternatives.
    fn pass_bytes(&mut self, state: State) -> Option<State> {
        let depth = self.zipper.path().len();
        // Atoms end where terms end, so no value stops this before its time (B2).
        self.zipper.descend_until_max_bytes(state.raw.min(LONGEST_PATH - depth));
        let raw = state.raw - (self.zipper.path().len() - depth);
        if raw < state.raw {
            return Some(State { raw, ..state });
        }
        let after = State { raw: raw - 1, ..state };
        self.choose(&self.zipper.child_mask(), |_| after)
    }

    /// Reads the eight bytes just passed as a length.
    fn read_length(&self, state: State) -> State {
        let (_, word) = self.zipper.path().split_last_chunk().unwrap_or((&[], &[0; 8]));
        let n = usize::try_from(u64::from_be_bytes(*word)).unwrap_or(usize::MAX);
        match state.then {
            Then::Length => State { raw: n, then: Then::Nothing, ..state },
            Then::Arity | Then::Nothing => {
                State { terms: state.terms.saturating_add(n), then: Then::Nothing, ..state }
            }
        }
    }

    fn pass_term(&mut self, state: State) -> Option<State> {
        let rest = State { terms: state.terms - 1, ..state };
        self.choose(&self.zipper.child_mask(), |tag| match tag {
            0..LONG_ARITY => State { terms: rest.terms + usize::from(tag), ..rest },
            LONG_ARITY => State { raw: 8, then: Then::Arity, ..rest },
            LONG_PAYLOAD => State { raw: 8, then: Then::Length, ..rest },
            LONG_REFERENCE => State { raw: 8, ..rest },
            0xC1.. => State { raw: usize::from(tag - NEW_VARIABLE), ..rest },
            _ => rest,
        })
    }

    /// Goes into the children in `mask`: into the first at once, into the others later.
    fn choose(&mut self, mask: &ByteMask, state: impl Fn(u8) -> State) -> Option<State> {
        let mut bytes = mask.iter();
        let first = bytes.next()?;
        let depth = self.zipper.path().len();
        self.branches.extend(bytes.map(|byte| Branch { depth, step: Step::Byte(byte), state: state(byte) }));
        self.zipper.descend_to_byte(first);
        Some(state(first))
    }

    fn match_item(&mut self, state: State) -> Option<State> {
        let at = state.pattern;
        // The pattern is longer than `tail`, so there is an item.
        let (item, mut end) = token(self.pattern, at)?;
        if matches!(item, Token::NewVar | Token::VarRef(_)) {
            return Some(State { pattern: end, terms: 1, ..state });
        }
        let number = match item {
            Token::Payload { start } if is_number(&self.pattern[start..end]) => Some(start),
            Token::Payload { .. } | Token::Arity(_) | Token::NewVar | Token::VarRef(_) => None,
        };
        if number.is_some() && self.zipper.path().len() + NUMBER_ROOM > LONGEST_PATH {
            // W2: cut off at the longest path, two encodings could be the same way.
            self.take_all();
            return None;
        }
        if self.facts.has_open() {
            self.branch_to_variables(state);
        }
        if self.handles_match {
            if self.zipper.path().len() + HANDLE_BYTES > LONGEST_PATH {
                self.take_all();
                return None;
            }
            self.branch_to_handles(state);
            if matches!(item, Token::Payload { start } if is_handle(&self.pattern[start..end])) {
                // W2: it is among them.
                return None;
            }
        }
        if let Some(start) = number {
            self.branch_to_equal_numbers(State { pattern: end, ..state }, start);
        }
        if !self.facts.has_open() && !self.handles_match {
            end = self.ground_run(end);
        }
        self.descend(&self.pattern[at..end]).then_some(State { pattern: end, ..state })
    }

    /// Leaves branches into the variables that stand here in stored atoms.
    fn branch_to_variables(&mut self, state: State) {
        let ByteMask(words) = self.zipper.child_mask();
        let variables = [0, words[1] & 1 << (LONG_REFERENCE - 0x40), words[2], words[3] & 1];
        if variables == [0; 4] {
            return;
        }
        let depth = self.zipper.path().len();
        let after = State { pattern: term_end(self.pattern, state.pattern), ..state };
        self.branches.extend(ByteMask(variables).iter().map(|tag| {
            let raw = if (FIRST_REFERENCE..=NEW_VARIABLE).contains(&tag) { 0 } else { 8 };
            Branch { depth, step: Step::Byte(tag), state: State { raw, ..after } }
        }));
    }

    /// Leaves a branch into the handles that stand here in stored atoms.
    fn branch_to_handles(&mut self, state: State) {
        let depth = self.zipper.path().len();
        let exists = self.descend(&HANDLE_BEGINS);
        let descended = self.zipper.path().len() - depth;
        self.zipper.ascend(descended);
        if exists {
            let after = State { pattern: term_end(self.pattern, state.pattern), raw: 8, ..state };
            self.branches.push(Branch { depth, step: Step::Bytes(HANDLE_BEGINS.to_vec()), state: after });
        }
    }

    /// Leaves branches into other encodings of the number in `self.pattern[start..]` (W1).
    fn branch_to_equal_numbers(&mut self, after: State, start: usize) {
        let depth = self.zipper.path().len();
        for bytes in equal_numbers(&self.pattern[start..after.pattern]) {
            let exists = self.descend(&bytes);
            let descended = self.zipper.path().len() - depth;
            self.zipper.ascend(descended);
            if exists {
                self.branches.push(Branch { depth, step: Step::Bytes(bytes), state: after });
            }
        }
    }

    /// Returns the end of the items from `at` on that have only one encoding.
    fn ground_run(&self, mut at: usize) -> usize {
        while let Some((item, next)) = token(self.pattern, at) {
            match item {
                Token::Arity(_) => {}
                Token::Payload { start } if !is_number(&self.pattern[start..next]) => {}
                Token::Payload { .. } | Token::NewVar | Token::VarRef(_) => break,
            }
            at = next;
        }
        at
    }

    /// Goes down along `bytes`, as far as paths reach (F2); reports whether there is such a way.
    fn descend(&mut self, bytes: &[u8]) -> bool {
        let room = LONGEST_PATH - self.zipper.path().len();
        let bytes = &bytes[..bytes.len().min(room)];
        self.zipper.descend_to_existing(bytes) == bytes.len()
    }

    /// Takes every fact at and below the place of the zipper.
    fn take_all(&mut self) {
        if let Some(entry) = self.zipper.val() {
            self.facts.read(self.zipper.path(), *entry, &mut self.found);
        }
        if self.zipper.child_count() == 0 {
            return;
        }
        let mut path = self.zipper.path().to_vec();
        let depth = path.len();
        let mut below = self.zipper.fork_read_zipper();
        while below.to_next_val() {
            if let Some(entry) = below.val() {
                path.truncate(depth);
                path.extend_from_slice(below.path());
                self.facts.read(&path, *entry, &mut self.found);
            }
        }
    }
}
