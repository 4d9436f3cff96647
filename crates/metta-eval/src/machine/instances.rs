//! Functions and constructors whose types have variables: what their types are in one use.
//!
//! ```text
//! (: Cons (-> $t (List $t) (List $t)))
//! (Cons 1 Nil): Number, (List $a)  ─►  (-> Number (List Number) (List Number))    an instance
//! ```
//!
//! An instance is found by unification once, and kept under the types of the arguments.
//!
//! Invariant I1: a *known* type stands in the code area, and equal ones without variables are one cell. Its
//! variables are `Local` cells, numbered as they occur.

use metta_atom::SpaceId;
use smallvec::SmallVec;

use crate::machine::Machine;
use crate::machine::data::returned;
use crate::terms::cell::{CODE, Cell, SymbolId, View};
use crate::terms::heap::Heap;
use crate::terms::shared::SharedMap;
use crate::terms::symbols::{self, cell};
use crate::types::is_function_type;

/// Types with more parts are not known.
const LONGEST: usize = 64;
/// So many types are enough: a program that makes more makes one for each number.
const MOST: usize = 1 << 14;
/// How deep data is looked into for its type.
const DEEPEST: u32 = 32;

const UNDEFINED: Cell = cell(symbols::UNDEFINED);

type Arguments = SmallVec<[Cell; 4]>;
type Key = SmallVec<[Cell; 16]>;
type Names = SmallVec<[SymbolId; 4]>;

/// The known types, and instances of those with variables.
#[derive(Clone, Debug, Default)]
pub(super) struct Instances {
    /// By what they are, from the outside in, and the names of their variables.
    types: SharedMap<Box<[Cell]>, Cell>,
    /// The names of the variables of those that have some.
    names: SharedMap<Cell, Box<[SymbolId]>>,
    /// By the head and the types of its first arguments.
    functions: SharedMap<(SymbolId, Arguments), Option<Cell>>,
    /// Whether a type with variables fits one without.
    fitting: SharedMap<(Cell, Cell), bool>,
    /// The declarations and the space that `functions` are from.
    valid: Option<(u64, SpaceId)>,
}

impl Machine {
    /// The known type that equals a type; `None` when it is too long, or no plain term.
    pub(crate) fn known_type(&mut self, term: Cell) -> Option<Cell> {
        let term = self.heap.deref(term);
        if let View::Symbol(id) = term.view() {
            return (id != symbols::FITTING).then_some(term);
        }
        let (mut key, names) = key_of(&self.heap, term)?;
        let parts = key.len();
        key.extend(names.iter().copied().map(Cell::symbol));
        if let Some(known) = self.instances.types.get(&key[..]) {
            return Some(*known);
        }
        if self.instances.types.len() >= MOST {
            return None;
        }
        let known = self.enter_type(&key[..parts], &mut 0);
        if !names.is_empty() {
            self.instances.types.insert(key.as_slice().into(), known);
            self.instances.names.insert(known, names.as_slice().into());
        }
        Some(known)
    }

    /// Puts a type with this key into the code area, and its parts without variables among the known ones.
    fn enter_type(&mut self, key: &[Cell], next: &mut usize) -> Cell {
        let start = *next;
        let part = key[start];
        *next += 1;
        let Some((_, length @ 1..)) = part.slice() else { return part };
        let place = self.heap.code.len() as u32;
        self.heap.code.lengthen(length as usize, Cell::UNIT);
        let mut ground = true;
        for index in 0..length {
            let element = self.enter_type(key, next);
            ground &= element.is_ground();
            self.heap.code[(place + index) as usize] = element;
        }
        // I1: a part that is known already is the one that was entered first.
        let entered = Cell::expression(place | CODE, length, ground);
        if !ground {
            return entered;
        }
        *self.instances.types.entry(key[start..*next].into()).or_insert(entered)
    }

    /// A known type with new variables of the same names.
    pub(crate) fn fresh_type(&mut self, known: Cell) -> Cell {
        if known.is_ground() {
            return known;
        }
        let names = self.instances.names.get(&known);
        let made: SmallVec<[Cell; 4]> = (0..locals(&self.heap, known) as usize)
            .map(|local| {
                let name = names.and_then(|names| names.get(local)).copied();
                self.heap.new_variable(name.unwrap_or(symbols::VARIABLE), false)
            })
            .collect();
        self.heap.rebuilt(known, |part| match part.view() {
            View::Local(local) => made[local as usize],
            _ => part,
        })
    }

    /// The instance of the type of a symbol for first arguments of these types; `None` when they do not fit.
    pub(super) fn type_instance(&mut self, id: SymbolId, arguments: &[Cell]) -> Option<Cell> {
        let valid = (self.code.stamp, self.space);
        if self.instances.valid != Some(valid) {
            self.instances.functions.clear();
            self.instances.valid = Some(valid);
        }
        let key = (id, Arguments::from_slice(arguments));
        if let Some(found) = self.instances.functions.get(&key) {
            return *found;
        }
        let found = self.find_instance(id, arguments, UNDEFINED);
        self.instances.functions.insert(key, found);
        found
    }

    /// The instance of the type of a symbol for first arguments of these types where a type is expected. What
    /// is `%Undefined%` says nothing.
    pub(crate) fn find_instance(&mut self, id: SymbolId, arguments: &[Cell], expected: Cell) -> Option<Cell> {
        let own = self.own_type(id)?;
        if self.heap.has_fitting || !is_function_type(&self.heap, own) {
            return None;
        }
        let top = self.heap.top();
        let function = self.fresh_type(own);
        let (address, length) = function.slice()?;
        let mut wanted = Arguments::from_slice(arguments);
        wanted.resize(length as usize - 2, UNDEFINED);
        wanted.push(expected);
        let wanted: Arguments = wanted.into_iter().map(|known| self.fresh_type(known)).collect();
        let mut found = None;
        if arguments.len() + 2 <= length as usize {
            self.heap.attempt_once(|heap| {
                let fits = (1..).zip(&wanted).all(|(index, wanted)| {
                    *wanted == UNDEFINED || heap.unify(*wanted, heap.get(address + index))
                });
                found = fits.then(|| heap.resolved(function));
                false
            });
        }
        let found = found.and_then(|found| self.known_type(found));
        self.heap.cells.truncate(top as usize);
        found
    }

    /// Reports whether a known type fits another, and what the variables of that are stays open.
    pub(crate) fn fits_type(&mut self, found: Cell, wanted: Cell) -> bool {
        if found == wanted || found == UNDEFINED || wanted == UNDEFINED {
            return true;
        }
        if !wanted.is_ground() {
            return self.known_type(wanted) == Some(found);
        }
        if found.is_ground() {
            return self.is_same_type(found, wanted);
        }
        if let Some(fits) = self.instances.fitting.get(&(found, wanted)) {
            return *fits;
        }
        let top = self.heap.top();
        let fresh = self.fresh_type(found);
        let mut fits = false;
        self.heap.attempt_once(|heap| {
            fits = heap.unify(fresh, wanted);
            false
        });
        self.heap.cells.truncate(top as usize);
        if wanted.address().is_none_or(|address| address & CODE != 0) {
            self.instances.fitting.insert((found, wanted), fits);
        }
        fits
    }

    /// The type of a value that was evaluated, as far as it is known without a search; `%Undefined%` if it has
    /// none.
    pub(in crate::machine) fn type_of_value(&mut self, value: Cell) -> Option<Cell> {
        self.type_of_part(value, 0)
    }

    fn type_of_part(&mut self, value: Cell, depth: u32) -> Option<Cell> {
        match value.view() {
            View::Symbol(id) => self.own_type(id),
            View::Expression { length: 0, .. } => Some(UNDEFINED),
            View::Expression { .. } => self.type_of_marked(value, depth),
            _ => self.type_of_leaf(value).and_then(|found| self.known_type(found)),
        }
    }

    /// The type of data that bears the mark, by its head (K1).
    fn type_of_marked(&mut self, value: Cell, depth: u32) -> Option<Cell> {
        let (address, length) = value.slice()?;
        let View::Symbol(id) = self.heap.element(address, 0).view() else { return None };
        if self.is_untyped_symbol(id) {
            return Some(UNDEFINED);
        }
        if let Some(found) = self.type_at_once(value) {
            return Some(found);
        }
        let determining = self.open_constructor(id, length - 1)?;
        if !value.is_evaluated() || !value.is_ground() || address & CODE != 0 || depth > DEEPEST {
            return None;
        }
        let is_of_now = address >= self.current_from();
        if is_of_now && let Some(function) = self.instance_by_first(id, address, determining, depth) {
            return Some(returned(&self.heap, function));
        }
        let valid = (self.code.stamp, self.space);
        if let Some(found) = self.typed.get((address, length), valid) {
            let is_known = found.address().is_none_or(|address| address & CODE != 0);
            return if is_known { Some(found) } else { self.known_type(found) };
        }
        if !is_of_now {
            return None;
        }
        let arguments = self.types_of_elements(address, 1..length, depth)?;
        let found = self.type_instance(id, &arguments)?;
        let found = self.returned_type(found)?;
        self.typed.note((address, length), found, valid);
        Some(found)
    }

    /// What an instance returns, as a known type.
    fn returned_type(&mut self, instance: Cell) -> Option<Cell> {
        if instance.is_ground() {
            return Some(returned(&self.heap, instance));
        }
        let top = self.heap.top();
        let fresh = self.fresh_type(instance);
        let found = returned(&self.heap, fresh);
        let known = self.known_type(found);
        self.heap.cells.truncate(top as usize);
        known
    }

    /// The instance for data that bears the mark, if the types of its first arguments determine it. The others
    /// are known to fit.
    fn instance_by_first(&mut self, id: SymbolId, address: u32, count: u32, depth: u32) -> Option<Cell> {
        let mut arguments = Arguments::new();
        for index in 1..=count {
            let element = self.heap.element(address, index);
            if element.is_expression() && depth > 2 {
                return None;
            }
            let found = self.type_of_part(element, depth + 1)?;
            if found == UNDEFINED || !found.is_ground() {
                return None;
            }
            arguments.push(found);
        }
        self.type_instance(id, &arguments).filter(|function| function.is_ground())
    }

    fn types_of_elements(
        &mut self,
        address: u32,
        indices: std::ops::Range<u32>,
        depth: u32,
    ) -> Option<Arguments> {
        let mut found = Arguments::new();
        for index in indices {
            let element = self.heap.element(address, index);
            found.push(self.type_of_part(element, depth + 1)?);
        }
        Some(found)
    }

    /// Reports whether a constructor whose type has variables takes some settled values.
    pub(super) fn takes_values(&mut self, id: SymbolId, values: &[Cell]) -> bool {
        let mut arguments = Arguments::new();
        for value in values {
            match self.type_of_part(*value, 0) {
                Some(found) => arguments.push(found),
                None => return false,
            }
        }
        self.type_instance(id, &arguments).is_some()
    }

    /// The type of data, which is marked where it stands if it was not.
    pub(super) fn type_of_data(&mut self, value: Cell) -> Option<Cell> {
        let value = match value.slice() {
            Some((address, length @ 1..)) if !value.is_evaluated() => {
                let View::Symbol(id) = self.heap.element(address, 0).view() else { return None };
                self.open_constructor(id, length - 1)?;
                self.settled(value)?
            }
            _ => value,
        };
        self.type_of_value(value)
    }
}

/// The parts of a type from the outside in, with variables as `Local` cells, and their names; `None` if it is long or not plain.
fn key_of(heap: &Heap, term: Cell) -> Option<(Key, Names)> {
    let (mut key, mut names) = (Key::new(), Names::new());
    let mut variables: SmallVec<[u32; 8]> = SmallVec::new();
    let mut pending: SmallVec<[Cell; 16]> = SmallVec::from_slice(&[term]);
    while let Some(part) = pending.pop() {
        if key.len() + pending.len() >= LONGEST {
            return None;
        }
        let part = heap.deref(part);
        key.push(match part.view() {
            View::Expression { address, length } => {
                pending.extend(heap.slice(address, length).iter().rev().copied());
                Cell::expression(0, length, false)
            }
            View::Ref(address) => {
                let known = variables.iter().position(|variable| *variable == address);
                let local = known.unwrap_or_else(|| {
                    variables.push(address);
                    names.push(heap.name_of_variable(address));
                    variables.len() - 1
                });
                Cell::local(local as u32)
            }
            View::Symbol(symbols::FITTING) => return None,
            View::Symbol(_) | View::Int(_) | View::Bool(_) => part,
            _ => return None,
        });
    }
    Some((key, names))
}

/// How many variables a known type has.
fn locals(heap: &Heap, known: Cell) -> u32 {
    match known.view() {
        View::Local(local) => local + 1,
        View::Expression { address, length } if !known.is_ground() => {
            (0..length).map(|index| locals(heap, heap.get(address + index))).max().unwrap_or(0)
        }
        _ => 0,
    }
}

/// How many of the parameters of a function type, from the first on, mention all its variables.
pub(super) fn determining(heap: &Heap, function: Cell) -> u32 {
    let Some((address, length)) = function.slice() else { return 0 };
    let all = locals(heap, function);
    (0..length)
        .find(|count| {
            (1..=*count).map(|index| locals(heap, heap.get(address + index))).max().unwrap_or(0) == all
        })
        .unwrap_or(length)
}
