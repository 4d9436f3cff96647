//! Unification with a stored fact, of which only what a variable of the query stands for is made.

use smallvec::SmallVec;

use super::table::Stored;
use crate::code::Template;
use crate::terms::cell::{CODE, Cell, SymbolId, View};
use crate::terms::heap::Heap;

/// Facts of more cells are made before they are unified: parts are visited by recursion.
const MOST_CELLS: u32 = 512;

/// A pattern of code, whose variables are slots that all hold something.
#[derive(Clone, Copy)]
pub(crate) struct Pattern<'a> {
    pub(crate) cells: &'a [Cell],
    pub(crate) template: Template,
    pub(crate) slots: &'a [Cell],
}

/// The unification of one fact.
struct Matching<'a> {
    heap: &'a mut Heap,
    names: &'a [SymbolId],
    /// What the variables of the fact stand for, `NONE` before they are met.
    values: SmallVec<[Cell; 12]>,
    /// Whether a value that is not ground has become part of what is made.
    open: bool,
}

/// Unifies a term with a fact. A failure leaves bindings behind.
pub(super) fn unify(heap: &mut Heap, term: Cell, stored: Stored, names: &[SymbolId]) -> bool {
    if stored.root.is_ground() {
        return heap.unify(term, stored.root);
    }
    if stored.length > MOST_CELLS {
        let instance = super::table::instance(heap, stored, names);
        return heap.unify(term, instance);
    }
    let term = heap.deref(term);
    Matching::new(heap, names).value(term, stored.root)
}

/// Unifies a pattern with a fact that has variables. A failure leaves bindings behind.
pub(super) fn unify_pattern(
    heap: &mut Heap,
    pattern: Pattern<'_>,
    stored: Stored,
    names: &[SymbolId],
) -> bool {
    let mut matching = Matching::new(heap, names);
    if stored.length > MOST_CELLS {
        let term = matching.built(pattern, pattern.template.root);
        let instance = super::table::instance(heap, stored, names);
        return heap.unify(term, instance);
    }
    matching.pattern(pattern, pattern.template.root, stored.root)
}

impl Matching<'_> {
    fn new<'a>(heap: &'a mut Heap, names: &'a [SymbolId]) -> Matching<'a> {
        Matching { heap, names, values: smallvec::smallvec![Cell::NONE; names.len()], open: false }
    }

    /// Unifies a part of the pattern with a part of the fact.
    fn pattern(&mut self, pattern: Pattern<'_>, part: Cell, stored: Cell) -> bool {
        let Some((address, length)) = written(part) else {
            let value = self.heap.deref(pattern.held(part));
            return self.value(value, stored);
        };
        match stored.view() {
            View::Expression { address: other, length: found } => {
                found == length
                    && (0..length).all(|index| {
                        let part = pattern.cells[(pattern.template.start + address + index) as usize];
                        let stored = self.heap.get(other + index);
                        part == stored && part.is_canonical() || self.pattern(pattern, part, stored)
                    })
            }
            View::Local(_) => {
                let built = self.built(pattern, part);
                self.value(built, stored)
            }
            _ => false,
        }
    }

    /// Makes the term of a part of the pattern.
    fn built(&mut self, pattern: Pattern<'_>, part: Cell) -> Cell {
        let Some((address, length)) = written(part) else { return self.heap.deref(pattern.held(part)) };
        let start = (pattern.template.start + address) as usize;
        self.expression(length, |matching, index| {
            matching.built(pattern, pattern.cells[start + index as usize])
        })
    }

    /// Makes an expression of so many elements.
    #[inline(always)]
    fn expression(&mut self, length: u32, element: impl Fn(&mut Self, u32) -> Cell) -> Cell {
        let address = self.heap.top();
        self.heap.cells.resize((address + length) as usize, Cell::UNIT);
        let mut ground = true;
        for index in 0..length {
            let made = element(self, index);
            ground &= made.is_ground();
            self.heap.cells[(address + index) as usize] = made;
        }
        Cell::expression(address, length, ground)
    }

    /// Unifies a dereferenced term with a part of the fact.
    #[inline]
    fn value(&mut self, value: Cell, stored: Cell) -> bool {
        if let View::Local(variable) = stored.view() {
            return self.variable(value, variable);
        }
        if value == stored && value.is_canonical() {
            return true;
        }
        if let View::Ref(variable) = value.view() {
            return self.bind(variable, stored);
        }
        if stored.is_ground() {
            return self.heap.unify_quickly(value, stored);
        }
        self.expressions(value, stored)
    }

    /// Unifies a term with what a variable of the fact stands for.
    #[inline]
    fn variable(&mut self, value: Cell, variable: u32) -> bool {
        let known = self.values[variable as usize];
        if known != Cell::NONE {
            return self.heap.unify_quickly(known, value);
        }
        self.values[variable as usize] = value;
        true
    }

    /// Lets a variable of the query stand for a part of the fact.
    fn bind(&mut self, variable: u32, stored: Cell) -> bool {
        self.open = false;
        let instance = self.instance(stored);
        if self.open && !instance.is_ground() && self.heap.occurs(variable, instance) {
            return false;
        }
        self.heap.bind(variable, instance);
        true
    }

    /// Unifies a term with an expression of the fact that has variables.
    fn expressions(&mut self, value: Cell, stored: Cell) -> bool {
        let (Some((address, length)), Some((other, found))) = (value.slice(), stored.slice()) else {
            return false;
        };
        length == found
            && (0..length).all(|index| {
                let value = self.heap.element(address, index);
                self.value(value, self.heap.get(other + index))
            })
    }

    /// Makes a part of the fact.
    #[inline]
    fn instance(&mut self, stored: Cell) -> Cell {
        if stored.is_ground() {
            return stored;
        }
        match stored.view() {
            View::Local(variable) => self.value_of(variable),
            View::Expression { address, length } => self.copied(address, length),
            _ => stored,
        }
    }

    fn copied(&mut self, address: u32, length: u32) -> Cell {
        self.expression(length, |matching, index| matching.instance(matching.heap.get(address + index)))
    }

    /// What a variable of the fact stands for: a new one, if it was not met before.
    fn value_of(&mut self, variable: u32) -> Cell {
        let known = self.values[variable as usize];
        if known != Cell::NONE {
            let known = self.heap.deref(known);
            self.open |= !known.is_ground();
            return known;
        }
        let new = self.heap.new_variable(self.names[variable as usize], false);
        self.values[variable as usize] = new;
        new
    }
}

impl Pattern<'_> {
    /// What a part that is no expression with variables stands for.
    fn held(self, part: Cell) -> Cell {
        match part.view() {
            View::Local(slot) => self.slots[slot as usize],
            _ => part,
        }
    }
}

/// Address and length of an expression with variables, as it is written in a pattern.
fn written(part: Cell) -> Option<(u32, u32)> {
    part.slice().filter(|(address, _)| address & CODE == 0 && !part.is_ground())
}

#[cfg(test)]
mod tests {
    use metta_atom::Atom;

    use super::*;
    use crate::facts::Table;
    use crate::random::Random;
    use crate::terms::convert::VariableNames;

    impl Random {
        /// A term whose variables are some of a few with this name.
        fn part(&mut self, depth: u32, name: &str) -> Atom {
            match self.below(6) {
                0..=2 if depth > 0 => {
                    let length = 1 + self.below(3);
                    Atom::expression((0..length).map(|_| self.part(depth - 1, name)).collect::<Vec<_>>())
                }
                0 | 3 => Atom::symbol(["a", "b"][self.below(2) as usize]),
                1 => Atom::integer(self.below(2) as i64),
                _ => Atom::variable(format!("{name}{}", self.below(4))),
            }
        }

        fn fact(&mut self, name: &str) -> Atom {
            let arguments = (0..3).map(|_| self.part(3, name));
            Atom::expression(std::iter::once(Atom::symbol("p")).chain(arguments).collect::<Vec<_>>())
        }
    }

    /// What is matched without being made is what unification with the made fact gives.
    #[test]
    fn a_fact_is_matched_as_if_it_were_made() {
        let random = &mut Random(1);
        let mut matches = 0;
        for _ in 0..20_000 {
            let mut heap = Heap::new();
            let mut table = Table::default();
            let fact = heap.import_alone(&random.fact("f"));
            table.append(&mut heap, fact, 1, 1);
            let query = random.fact("q");
            let stored = table.stored(0);
            let mut answers = [false, true].map(|makes| {
                let term = heap.import_alone(&query);
                let matched = match makes {
                    false => unify(&mut heap, term, stored, table.names(stored)),
                    true => {
                        let made = super::super::table::instance(&mut heap, stored, table.names(stored));
                        heap.unify(term, made)
                    }
                };
                (matched, term)
            });
            matches += usize::from(answers[0].0);
            assert_eq!(answers[0].0, answers[1].0, "{query} with {fact:?}");
            if answers[0].0 {
                answers.iter_mut().for_each(|(_, term)| *term = heap.resolved(*term));
                let [first, second] =
                    answers.map(|(_, term)| heap.export(term, &mut VariableNames::default()));
                assert!(heap.alpha_equal(answers[0].1, answers[1].1), "{query}: {first} but {second}");
            }
        }
        assert!(matches > 500, "{matches}");
    }
}
