//! Unification, equality and equality up to variable names, on heap terms.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::terms::cell::{Cell, View};
use crate::terms::heap::Heap;
use crate::terms::symbols;
use crate::terms::visits::Visits;

/// How many nodes of a term its hash looks at.
const MOST_HASHED: u32 = 1 << 12;

/// Levels of a term that are looked into by recursion.
const NEAR: u32 = 4;

const UNDEFINED: Cell = symbols::cell(symbols::UNDEFINED);
/// What `%Undefined%` is as the value of a type variable.
const FITTING: Cell = symbols::cell(symbols::FITTING);

/// Two runs of elements still to be compared.
struct Pairs {
    a: u32,
    b: u32,
    left: u32,
}

impl Heap {
    /// Unifies two terms. A failure leaves bindings behind: see [`Heap::attempt`].
    pub(crate) fn unify(&mut self, a: Cell, b: Cell) -> bool {
        let mut pending: smallvec::SmallVec<[Pairs; 16]> = smallvec::SmallVec::new();
        let mut seen = Visits::default();
        let mut pair = Some((a, b));
        loop {
            let (a, b) = match pair.take() {
                Some(pair) => pair,
                None => match pending.last_mut() {
                    None => return true,
                    Some(run) if run.left == 0 => {
                        pending.pop();
                        continue;
                    }
                    Some(run) => {
                        let next = (run.a, run.b);
                        *run = Pairs { a: run.a + 1, b: run.b + 1, left: run.left - 1 };
                        (self.get(next.0), self.get(next.1))
                    }
                },
            };
            let (a, b) = (self.deref(a), self.deref(b));
            if a.same(b) {
                continue;
            }
            match (a.view(), b.view()) {
                (View::Ref(x), View::Ref(y)) => {
                    // The younger refers to the older, so references never point up the heap.
                    if x < y { self.bind(y, a) } else { self.bind(x, b) }
                }
                (View::Ref(x), _) => {
                    if self.occurs(x, b) {
                        return false;
                    }
                    self.bind(x, b);
                }
                (_, View::Ref(y)) => {
                    if self.occurs(y, a) {
                        return false;
                    }
                    self.bind(y, a);
                }
                (View::Expression { address: x, length: m }, View::Expression { address: y, length: n }) => {
                    if m != n {
                        return false;
                    }
                    if x != y && seen.first_visit(x, y) {
                        pending.push(Pairs { a: x, b: y, left: m });
                    }
                }
                _ => {
                    let fit = a == FITTING || b == FITTING;
                    if !fit && !self.leaves_equal(a, b) && !self.meet(a, b) {
                        return false;
                    }
                }
            }
        }
    }

    /// Like [`Heap::unify`], which is left out where it is clear what comes of it.
    #[inline]
    pub(crate) fn unify_quickly(&mut self, a: Cell, b: Cell) -> bool {
        let (a, b) = (self.deref(a), self.deref(b));
        match (a.view(), b.view()) {
            _ if a.same(b) => true,
            (View::Ref(x), View::Ref(y)) => {
                if x < y {
                    self.bind(y, a)
                } else {
                    self.bind(x, b)
                }
                true
            }
            (View::Ref(variable), _) => self.bind_unless_inside(variable, b),
            (_, View::Ref(variable)) => self.bind_unless_inside(variable, a),
            _ if a.is_canonical() && b.is_canonical() && a != FITTING && b != FITTING => false,
            _ => self.unify(a, b),
        }
    }

    fn bind_unless_inside(&mut self, variable: u32, value: Cell) -> bool {
        let fits = value.is_ground() || !self.occurs(variable, value);
        if fits {
            self.bind(variable, value);
        }
        fits
    }

    /// Unifies two dereferenced terms; a failure leaves no bindings behind. No value matches in its own way.
    #[inline]
    pub(crate) fn unify_or_undo(&mut self, a: Cell, b: Cell) -> bool {
        match (a.view(), b.view()) {
            (View::Ref(x), _) if b.is_ground() => {
                self.bind(x, b);
                true
            }
            (_, View::Ref(y)) if a.is_ground() => {
                self.bind(y, a);
                true
            }
            _ => self.attempt_once(|heap| heap.unify(a, b)),
        }
    }

    /// Unifies two types, for which `%Undefined%` at any depth fits everything.
    ///
    /// As the value of a variable it goes on fitting everything.
    pub(crate) fn unify_types(&mut self, a: Cell, b: Cell) -> bool {
        let (a, b) = (self.with_fitting(a), self.with_fitting(b));
        self.unify_known_types(a, b)
    }

    /// Unifies two types. Of several that it was matched with, some of which fit everything, a variable has
    /// the last.
    pub(crate) fn unify_known_types(&mut self, a: Cell, b: Cell) -> bool {
        if !self.has_fitting {
            return self.unify(a, b);
        }
        let known = self.values_met(a, b);
        if !self.unify(a, b) {
            return false;
        }
        for (variable, last) in known {
            if self.holds(Cell::reference(variable), FITTING) || self.holds(last, FITTING) {
                // What its variables turn out to be later, it is too, unless it would be part of itself.
                let last = if self.leads_to(last, variable) { self.resolved(last) } else { last };
                self.bind(variable, last);
            }
        }
        true
    }

    /// The variables with values that stand in one type where the other has something else, and what that is.
    fn values_met(&self, a: Cell, b: Cell) -> Vec<(u32, Cell)> {
        let mut met = Vec::new();
        let mut pending = vec![(a, b)];
        let mut seen = Visits::default();
        while let Some((a, b)) = pending.pop() {
            let (x, y) = (self.deref(a), self.deref(b));
            match (self.bound_variable(a), self.bound_variable(b)) {
                _ if x == y || x.is_reference() || y.is_reference() => {}
                (Some(variable), None) => met.push((variable, y)),
                (None, Some(variable)) => met.push((variable, x)),
                // Of two variables the one that knows less learns what the other one is.
                (Some(variable), Some(_)) if self.holds(x, FITTING) && !self.holds(y, FITTING) => {
                    met.push((variable, y));
                }
                (Some(_), Some(variable)) if self.holds(y, FITTING) && !self.holds(x, FITTING) => {
                    met.push((variable, x));
                }
                _ => {
                    if let (Some((x, m)), Some((y, n))) = (x.slice(), y.slice())
                        && m == n
                        && seen.first_visit(x, y)
                    {
                        let pairs = self.slice(x, m).iter().copied().zip(self.slice(y, n).iter().copied());
                        pending.extend(pairs.rev());
                    }
                }
            }
        }
        met
    }

    /// Reports whether the variable at `address`, which has a value, is mentioned in a term or in the values
    /// of its variables.
    fn leads_to(&self, term: Cell, address: u32) -> bool {
        let mut pending = vec![term];
        let mut seen = Visits::default();
        while let Some(cell) = pending.pop() {
            match cell.view() {
                View::Ref(at) if at == address => return true,
                View::Ref(at) if !matches!(self.get(at).view(), View::Variable { .. }) => {
                    pending.push(self.get(at));
                }
                View::Expression { address, length }
                    if !cell.is_ground() && seen.first_visit(address, length) =>
                {
                    pending.extend(self.slice(address, length));
                }
                _ => {}
            }
        }
        false
    }

    /// The variable that has a value behind a reference.
    fn bound_variable(&self, mut cell: Cell) -> Option<u32> {
        let mut variable = None;
        while let View::Ref(address) = cell.view() {
            cell = self.get(address);
            match cell.view() {
                View::Variable { .. } => return None,
                _ => variable = Some(address),
            }
        }
        variable
    }

    /// A type with what fits every other for each `%Undefined%` in it.
    fn with_fitting(&mut self, term: Cell) -> Cell {
        if !self.holds(term, UNDEFINED) {
            return term;
        }
        self.has_fitting = true;
        self.copied(term, |cell| if cell == UNDEFINED { FITTING } else { cell }, |_, _| true)
    }

    fn holds(&self, term: Cell, leaf: Cell) -> bool {
        let mut pending = vec![term];
        let mut seen = Visits::default();
        while let Some(cell) = pending.pop() {
            let cell = self.deref(cell);
            match cell.slice() {
                Some((address, length)) if seen.first_visit(address, length) => {
                    pending.extend(self.slice(address, length));
                }
                Some(_) => {}
                None if cell == leaf => return true,
                None => {}
            }
        }
        false
    }

    /// Reports whether the variable at `address` occurs in `term`.
    pub(crate) fn occurs(&self, address: u32, term: Cell) -> bool {
        let term = self.deref(term);
        match term.view() {
            View::Ref(x) => return x == address,
            _ if term.is_ground() => return false,
            _ => {}
        }
        if let Some(occurs) = self.occurs_near(address, term, NEAR) {
            return occurs;
        }
        let mut pending: smallvec::SmallVec<[Cell; 16]> = smallvec::smallvec![term];
        let mut seen = Visits::default();
        while let Some(term) = pending.pop() {
            match self.deref(term).view() {
                View::Ref(x) if x == address => return true,
                View::Expression { address, length } | View::Bindings { address, length }
                    if seen.first_visit(address, length) =>
                {
                    pending
                        .extend(self.slice(address, length).iter().copied().filter(|cell| !cell.is_ground()));
                }
                _ => {}
            }
        }
        false
    }

    /// Like [`Heap::occurs`] for terms of few levels, each with few elements; `None` for others.
    fn occurs_near(&self, variable: u32, term: Cell, levels: u32) -> Option<bool> {
        let elements = self.elements(term).filter(|elements| levels > 0 && elements.len() < 8)?;
        for element in elements.iter().filter(|element| !element.is_ground()) {
            let element = self.deref(*element);
            match element.view() {
                View::Ref(address) if address == variable => return Some(true),
                View::Expression { .. } if !element.is_ground() => {
                    match self.occurs_near(variable, element, levels - 1) {
                        Some(false) => {}
                        found => return found,
                    }
                }
                View::Bindings { .. } => return None,
                _ => {}
            }
        }
        Some(false)
    }

    /// Structural equality; variables are equal only to themselves.
    pub(crate) fn equal(&self, a: Cell, b: Cell) -> bool {
        self.compare(a, b, |_, _| false)
    }

    /// Equality up to a consistent renaming of variables.
    pub(crate) fn alpha_equal(&self, a: Cell, b: Cell) -> bool {
        let mut forth: FxHashMap<u32, u32> = FxHashMap::default();
        let mut back: FxHashMap<u32, u32> = FxHashMap::default();
        let mut consistent = true;
        let same_shape = self.compare_all(a, b, &mut |x, y| {
            consistent &= *forth.entry(x).or_insert(y) == y && *back.entry(y).or_insert(x) == x;
            consistent
        });
        same_shape && consistent
    }

    fn compare(&self, a: Cell, b: Cell, mut variables: impl FnMut(u32, u32) -> bool) -> bool {
        if self.deref(a).same(self.deref(b)) {
            return true;
        }
        self.compare_all(a, b, &mut |x, y| x == y || variables(x, y))
    }

    fn compare_all(&self, a: Cell, b: Cell, variables: &mut dyn FnMut(u32, u32) -> bool) -> bool {
        let mut pending = vec![(a, b)];
        let mut seen = Visits::default();
        while let Some((a, b)) = pending.pop() {
            let (a, b) = (self.deref(a), self.deref(b));
            match (a.view(), b.view()) {
                (View::Ref(x), View::Ref(y)) => {
                    if !variables(x, y) {
                        return false;
                    }
                }
                (View::Expression { address: x, length: m }, View::Expression { address: y, length: n })
                | (View::Bindings { address: x, length: m }, View::Bindings { address: y, length: n }) => {
                    if m != n {
                        return false;
                    }
                    if (x != y || !a.is_ground()) && seen.first_visit(x, y) {
                        let pairs = self.slice(x, m).iter().copied().zip(self.slice(y, n).iter().copied());
                        pending.extend(pairs.rev());
                    }
                }
                _ => {
                    if a != b && !self.leaves_equal(a, b) {
                        return false;
                    }
                }
            }
        }
        true
    }

    /// Reports whether a reference is written in a term, whatever it is bound to.
    pub(crate) fn mentions(&self, term: Cell, reference: Cell) -> bool {
        let mut pending = vec![term];
        let mut seen = Visits::default();
        while let Some(cell) = pending.pop() {
            if cell == reference {
                return true;
            }
            if let View::Expression { address, length } = cell.view()
                && !cell.is_ground()
                && seen.first_visit(address, length)
            {
                pending.extend(self.slice(address, length));
            }
        }
        false
    }

    /// The variables of a term, in order of first occurrence.
    pub(crate) fn variables(&self, term: Cell) -> Vec<Cell> {
        let mut found: Vec<Cell> = Vec::new();
        let mut known: FxHashSet<Cell> = FxHashSet::default();
        let mut pending = vec![term];
        let mut seen = Visits::default();
        while let Some(cell) = pending.pop() {
            let cell = self.deref(cell);
            match cell.view() {
                View::Ref(_) if known.insert(cell) => found.push(cell),
                View::Expression { address, length }
                    if !cell.is_ground() && seen.first_visit(address, length) =>
                {
                    pending.extend(self.slice(address, length).iter().rev());
                }
                _ => {}
            }
        }
        found
    }

    /// A new variable with the name of another.
    pub(crate) fn renamed(&mut self, variable: Cell) -> Cell {
        let name = match variable.view() {
            View::Ref(address) => match self.get(address).view() {
                View::Variable { name, .. } => name,
                _ => symbols::VARIABLE,
            },
            _ => symbols::VARIABLE,
        };
        self.new_variable(name, false)
    }

    /// A hash that is equal for terms that are equal up to variable names. It looks at the beginning of a
    /// long term only.
    pub(crate) fn alpha_hash(&self, term: Cell) -> u64 {
        self.hash(term, |_| 0)
    }

    /// A hash that is equal for terms that are equal.
    pub(crate) fn exact_hash(&self, term: Cell) -> u64 {
        self.hash(term, |address| address)
    }

    fn hash(&self, term: Cell, variable: impl Fn(u32) -> u32) -> u64 {
        use std::hash::{Hash, Hasher};
        let mut hasher = rustc_hash::FxHasher::default();
        let mut pending = vec![term];
        let mut left = MOST_HASHED;
        while let Some(cell) = pending.pop().filter(|_| left > 0) {
            left -= 1;
            let cell = self.deref(cell);
            match cell.view() {
                View::Ref(address) => variable(address).hash(&mut hasher),
                View::Expression { address, length } | View::Bindings { address, length } => {
                    length.hash(&mut hasher);
                    pending.extend(self.slice(address, length).iter().rev());
                }
                // Equal numbers may be different cells.
                _ => match self.as_number(cell) {
                    Some(number) => number.hash(&mut hasher),
                    None => match cell.view() {
                        View::Boxed(index) => self.boxed(index).hash(&mut hasher),
                        View::State(_) => 1u8.hash(&mut hasher),
                        _ => cell.hash(&mut hasher),
                    },
                },
            }
        }
        hasher.finish()
    }
}
