//! Finding the stored atoms that a pattern may unify with.
//!
//! Sorted strings are walked like a trie: a range of strings that are equal so far is a node.
//! Ground parts of the pattern narrow the range; a variable of the pattern passes over any
//! stored term, and a variable of a stored atom passes over any term of the pattern. What
//! variables are bound to is not compared, so the answer is a superset, left to unification.
//!
//! Invariant W1: nothing that may unify is left out. Numbers are tried in every
//! encoding of an equal number.
//! Invariant W2: the ranges that the walk goes into are disjoint, so each stored atom is
//! found once.

use std::ops::Range;

use crate::bytes::{
    FIRST_REFERENCE, HANDLE_BEGINS, Item, LONG_REFERENCE, NEW_VARIABLE, Token, equal_numbers, is_handle,
    is_number, term_end, token, value,
};
use crate::facts::{Facts, Found, Index, Keys, Layout, Run, hash_of, tail};

/// A pattern, and what is asked of it for every run.
struct Goal<'p> {
    pattern: &'p [u8],
    tail: usize,
    /// Whether a stored handle may stand for anything.
    handles_match: bool,
    /// The hash of the only ground atom that matches, if there is only one.
    hash: Option<u64>,
}

impl<'p> Goal<'p> {
    fn new(pattern: &'p [u8], handles_match: bool) -> Self {
        let hash = (!handles_match && has_one_encoding(pattern)).then(|| hash_of(pattern, &[]));
        // All of a ground pattern is known.
        let tail = if hash.is_some() { pattern.len() } else { known_end(pattern) };
        Goal { pattern, tail, handles_match, hash }
    }

    /// Gives `take` the rows of a run that may match, as ranges of rows or of places in an index.
    fn visit(&self, run: &Run, take: &mut dyn FnMut(Range<u32>, Option<&Index>)) {
        let shape = Shape { open: run.has_open(), handles_match: self.handles_match };
        match rearranged(run, self.handles_match, self.pattern) {
            Some((index, prefix, pattern)) => {
                // The index has the rows that begin as the pattern does; others may have variables there.
                let mut walk = Walk::new(run.keys(), shape, prefix, |rows| take(rows, None));
                walk.go_to_variables();
                let mut walk = Walk::new(index.keys(), shape, &pattern, |rows| take(rows, Some(index)));
                let entry = shape.only_known_terms(&pattern, 0).zip(index.directory());
                match entry.map(|(end, directory)| (directory.find(index.keys(), &pattern[..end]), end)) {
                    Some((rows, end)) => walk.go_on(rows, end),
                    None => walk.go(index.keys().all()),
                }
            }
            None => {
                let mut walk = Walk::new(run.keys(), shape, self.pattern, |rows| take(rows, None));
                match first_term(run, shape, self.pattern) {
                    Some((rows, end)) => walk.go_on(rows, end),
                    None => walk.go(run.keys().all()),
                }
            }
        }
    }

    fn fits(&self, bytes: &[u8]) -> bool {
        fits(self.pattern, 0, self.tail, bytes, 0, self.handles_match)
    }
}

/// Returns the candidates for `pattern`, in insertion order.
///
/// Where `handles_match`, a stored handle may stand for anything.
pub(crate) fn candidates(facts: &Facts, handles_match: bool, pattern: &[u8]) -> Vec<Found> {
    let goal = Goal::new(pattern, handles_match);
    let mut found = Vec::new();
    for (part, run) in facts.runs() {
        if let (Some(hash), false) = (goal.hash, run.has_open()) {
            found.extend(facts.find(part, run, hash, pattern));
            continue;
        }
        goal.visit(run, &mut |rows, index| match index {
            Some(index) => facts.collect(part, run, rows.map(|key| index.row(key)), &mut found),
            None => facts.collect(part, run, rows, &mut found),
        });
    }
    found.extend(facts.loose_rows().filter(|(_, bytes)| goal.fits(bytes)).map(|(found, _)| found));
    found.sort_unstable_by_key(|found| found.sequence);
    found
}

/// Counts the copies of the candidates, where no atom of the space has variables.
pub(crate) fn count(facts: &Facts, pattern: &[u8]) -> u64 {
    let goal = Goal::new(pattern, false);
    let mut count = 0;
    for (part, run) in facts.runs() {
        goal.visit(run, &mut |rows, index| match index {
            _ if facts.is_single(part, run) => count += rows.len() as u64,
            Some(index) => count += facts.copies_of(part, run, rows.map(|key| index.row(key))),
            None => count += facts.copies_of(part, run, rows),
        });
    }
    let loose = facts.loose_rows().filter(|(_, bytes)| goal.fits(bytes));
    count + loose.map(|(found, _)| found.count).sum::<u64>()
}

/// Reports whether only atoms of the same bytes match, as far as those have no variables.
fn has_one_encoding(pattern: &[u8]) -> bool {
    ground_run(pattern, 0) == pattern.len()
}

/// Returns the offset from which the pattern has only variables.
fn known_end(pattern: &[u8]) -> usize {
    let (mut at, mut tail) = (0, 0);
    while let Some((token, next)) = token(pattern, at) {
        if !matches!(token, Token::NewVar | Token::VarRef(_)) {
            tail = next;
        }
        at = next;
    }
    tail
}

/// What the stored atoms are like.
#[derive(Clone, Copy)]
struct Shape {
    /// Some have variables.
    open: bool,
    handles_match: bool,
}

impl Shape {
    /// Returns the end of the term at `at` when only strings that have it there match.
    fn only_known_terms(self, pattern: &[u8], at: usize) -> Option<usize> {
        if self.open || self.handles_match {
            return None;
        }
        let end = term_end(pattern, at);
        (at < end && ground_run(pattern, at) >= end).then_some(end)
    }
}

/// Finds the rows with the head and the first element of a pattern by a directory, if there is one; returns them with the
/// end of that element.
fn first_term(run: &Run, shape: Shape, pattern: &[u8]) -> Option<(Range<u32>, usize)> {
    let Some((Token::Arity(2..), arity)) = token(pattern, 0) else { return None };
    let head = shape.only_known_terms(pattern, arity)?;
    let end = shape.only_known_terms(pattern, head)?;
    let directory = run.directory(&pattern[..head])?;
    Some((directory.find(run.keys(), &pattern[head..end]), end))
}

/// Strings that are equal up to `depth`, and how far the pattern was followed.
struct State {
    rows: Range<u32>,
    depth: usize,
    /// The offset of the next item of the pattern.
    at: usize,
    /// Whether to pass over one term on both sides.
    pass: bool,
}

/// Up to this many strings are compared one by one.
const FEW: usize = 4;

struct Walk<'a, F> {
    keys: &'a Keys,
    shape: Shape,
    pattern: &'a [u8],
    tail: usize,
    pending: Vec<State>,
    take: F,
}

impl<'a, F: FnMut(Range<u32>)> Walk<'a, F> {
    fn new(keys: &'a Keys, shape: Shape, pattern: &'a [u8], take: F) -> Self {
        Walk { keys, shape, pattern, tail: known_end(pattern), pending: Vec::new(), take }
    }

    /// Takes every row of `rows` that may match.
    fn go(&mut self, rows: Range<u32>) {
        self.follow(State { rows, depth: 0, at: 0, pass: false });
        self.finish();
    }

    /// Takes those of some rows that may match, which are all that have the pattern up to `end`.
    fn go_on(&mut self, rows: Range<u32>, end: usize) {
        self.follow(State { rows, depth: end, at: end, pass: false });
        self.finish();
    }

    /// Takes the rows that match the pattern, which is the beginning of one, by variables in its place.
    fn go_to_variables(&mut self) {
        let (mut rows, mut at) = (self.keys.all(), 0);
        while let Some((_, end)) = token(self.pattern, at).filter(|_| self.shape.open) {
            self.branch_to_variables(&State { rows: rows.clone(), depth: at, at, pass: false });
            rows = self.keys.narrow(rows, at, &self.pattern[at..end]);
            at = end;
        }
        // What follows in the whole pattern is not known here: the rows are a superset.
        self.finish();
    }

    fn finish(&mut self) {
        while let Some(state) = self.pending.pop() {
            self.follow(state);
        }
    }

    /// Walks on, leaving other ways as pending.
    fn follow(&mut self, mut state: State) {
        while !state.rows.is_empty() {
            if state.pass {
                state = self.pass_term(state);
            }
            if state.at >= self.tail {
                return (self.take)(state.rows);
            }
            if state.rows.len() <= FEW {
                return self.compare(&state);
            }
            match self.match_item(state) {
                Some(next) => state = next,
                None => return,
            }
        }
    }

    fn compare(&mut self, state: &State) {
        for row in state.rows.clone() {
            let string = self.keys.get(row);
            if fits(self.pattern, state.at, self.tail, string, state.depth, self.shape.handles_match) {
                (self.take)(row..row + 1);
            }
        }
    }

    /// Goes on with the strings that have the same term as the first; the others are pending.
    fn pass_term(&mut self, state: State) -> State {
        let State { rows, depth, at, .. } = state;
        let first = self.keys.get(rows.start);
        let end = term_end(first, depth);
        let after = term_end(self.pattern, at);
        if after >= self.tail {
            return State { rows, depth, at: after, pass: false };
        }
        let term = tail(&first[..end], depth);
        let next = self.keys.leap(rows.clone(), |string| tail(string, depth).starts_with(term));
        if next < rows.end {
            self.pending.push(State { rows: next..rows.end, depth, at, pass: true });
        }
        State { rows: rows.start..next, depth: end, at: after, pass: false }
    }

    fn match_item(&mut self, state: State) -> Option<State> {
        let at = state.at;
        // The pattern is longer than `tail`, so there is an item.
        let (item, mut end) = token(self.pattern, at)?;
        if matches!(item, Token::NewVar | Token::VarRef(_)) {
            return Some(State { pass: true, ..state });
        }
        if self.shape.open {
            self.branch_to_variables(&state);
        }
        if self.shape.handles_match {
            let handles = self.keys.narrow(state.rows.clone(), state.depth, &HANDLE_BEGINS);
            self.push(State { rows: handles, pass: true, ..state });
            if matches!(item, Token::Payload { start } if is_handle(&self.pattern[start..end])) {
                // W2: it is among them.
                return None;
            }
        }
        if let Token::Payload { start } = item
            && is_number(&self.pattern[start..end])
        {
            for bytes in equal_numbers(&self.pattern[start..end]) {
                let rows = self.keys.narrow(state.rows.clone(), state.depth, &bytes);
                self.push(State { rows, depth: state.depth + bytes.len(), at: end, pass: false });
            }
        }
        if !self.shape.open && !self.shape.handles_match {
            end = ground_run(self.pattern, end);
        }
        let rows = self.keys.narrow(state.rows, state.depth, &self.pattern[at..end]);
        Some(State { rows, depth: state.depth + end - at, at: end, pass: false })
    }

    /// Leaves the strings that have variables here as pending.
    fn branch_to_variables(&mut self, state: &State) {
        for (first, last) in [(FIRST_REFERENCE, NEW_VARIABLE), (LONG_REFERENCE, LONG_REFERENCE)] {
            let start = self.keys.lower(state.rows.clone(), state.depth, &[first]);
            let end = self.keys.lower(start..state.rows.end, state.depth, &[last + 1]);
            self.push(State { rows: start..end, pass: true, ..*state });
        }
    }

    fn push(&mut self, state: State) {
        if !state.rows.is_empty() {
            self.pending.push(state);
        }
    }
}

/// Returns the end of the items from `at` on that have only one encoding.
fn ground_run(pattern: &[u8], mut at: usize) -> usize {
    while let Some((item, next)) = token(pattern, at) {
        match item {
            Token::Arity(_) => {}
            Token::Payload { start } if !is_number(&pattern[start..next]) => {}
            Token::Payload { .. } | Token::NewVar | Token::VarRef(_) => break,
        }
        at = next;
    }
    at
}

/// Reports whether the pattern from `at` to `tail` may match the atom from `depth` on (W1).
pub(crate) fn fits(
    pattern: &[u8],
    mut at: usize,
    tail: usize,
    atom: &[u8],
    mut depth: usize,
    handles_match: bool,
) -> bool {
    while at < tail {
        let (Some((item, end)), Some((stored, next))) = (token(pattern, at), token(atom, depth)) else {
            return false;
        };
        let handle = |start: usize| handles_match && is_handle(&atom[start..next]);
        match (item, stored) {
            (Token::NewVar | Token::VarRef(_), _) => (at, depth) = (end, term_end(atom, depth)),
            (_, Token::NewVar | Token::VarRef(_)) => (at, depth) = (term_end(pattern, at), next),
            (_, Token::Payload { start }) if handle(start) => (at, depth) = (term_end(pattern, at), next),
            (Token::Arity(n), Token::Arity(m)) if n == m => (at, depth) = (end, next),
            (Token::Payload { start: a }, Token::Payload { start: b })
                if pattern[a..end] == atom[b..next] || same_number(&pattern[a..end], &atom[b..next]) =>
            {
                (at, depth) = (end, next);
            }
            _ => return false,
        }
    }
    true
}

/// Reports whether both payloads are numbers of one value.
pub(crate) fn same_number(a: &[u8], b: &[u8]) -> bool {
    is_number(a)
        && is_number(b)
        && match (value(a).and_then(Item::number), value(b).and_then(Item::number)) {
            (Some(a), Some(b)) => a == b,
            _ => false,
        }
}

/// From this many rows on an index is worth its making.
const WORTH_AN_INDEX: usize = 256;

/// Finds an index that has what the pattern knows in front of what it does not, where that
/// helps; returns it with the beginning that all its rows share and the pattern of their elements.
fn rearranged<'r, 'p>(
    run: &'r Run,
    handles_match: bool,
    pattern: &'p [u8],
) -> Option<(&'r Index, &'p [u8], Vec<u8>)> {
    if handles_match || run.len() < WORTH_AN_INDEX {
        return None;
    }
    let (prefix, elements) = elements(pattern)?;
    let is_open = |element: &&[u8]| matches!(token(element, 0), Some((Token::NewVar | Token::VarRef(_), _)));
    let lead = elements.iter().take_while(|element| !is_open(element)).count();
    if !elements[lead..].iter().any(|element| !is_open(element)) {
        return None;
    }
    let rows = run.keys().narrow(run.keys().all(), 0, prefix);
    if rows.len() < WORTH_AN_INDEX {
        return None;
    }
    if lead > 0 && !run.has_open() {
        let known = &pattern[..ground_run(pattern, prefix.len())];
        if run.keys().narrow(rows.clone(), prefix.len(), &known[prefix.len()..]).len() < WORTH_AN_INDEX {
            return None;
        }
    }
    let (known, open): (Vec<u8>, Vec<u8>) =
        (0..elements.len() as u8).partition(|place| !is_open(&elements[usize::from(*place)]));
    let layout = Layout { prefix: prefix.to_vec(), order: [known, open].concat() };
    let index = run.index(rows, &layout)?;
    let pattern = layout.order.iter().flat_map(|place| elements[usize::from(*place)]).copied().collect();
    Some((index, prefix, pattern))
}

/// Reports whether some string has a variable where `prefix` has an item.
pub(crate) fn has_variables_for(keys: &Keys, prefix: &[u8]) -> bool {
    let shape = Shape { open: true, handles_match: false };
    let mut any = false;
    Walk::new(keys, shape, prefix, |_| any = true).go_to_variables();
    any
}

/// How many elements an indexed atom may have.
const WIDEST: usize = 16;

/// Splits a pattern into the arity with a ground head, if it has one, and the elements behind.
pub(crate) fn elements(pattern: &[u8]) -> Option<(&[u8], Vec<&[u8]>)> {
    let (Token::Arity(n), mut at) = token(pattern, 0)? else { return None };
    if !(2..=WIDEST).contains(&n) {
        return None;
    }
    let mut left = n;
    if let Some((Token::Payload { start }, end)) = token(pattern, at)
        && !is_number(&pattern[start..end])
    {
        (at, left) = (end, left - 1);
    }
    let prefix = &pattern[..at];
    let elements = (0..left).map(|_| {
        let start = at;
        at = term_end(pattern, start);
        &pattern[start..at]
    });
    let elements = elements.collect();
    Some((prefix, elements))
}
