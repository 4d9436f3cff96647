//! The module `random` (semantics 15.10).
//!
//! What a generator will give is part of the world, so that evaluations which are done again
//! see the same numbers. SplitMix64 (Steele, Lea, Flood 2014) makes them.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;

use metta_atom::{Atom, Foreign, Grounded};

use super::{Builtin, Call, Outcome};
use crate::machine::Machine;
use crate::modules::builtin::BuiltinModule;
use crate::operation::Effect::State;
use crate::terms::cell::{Cell, View};

pub(super) const TABLE: &[Builtin] = &[
    Builtin::operation("new-random-generator", "(-> Number RandomGenerator)", State, new_generator),
    Builtin::operation("random-int", "(-> RandomGenerator Number Number Number)", State, random_int),
    Builtin::operation("random-float", "(-> RandomGenerator Number Number Number)", State, random_float),
    Builtin::operation("set-random-seed", "(-> RandomGenerator Number (->))", State, set_seed),
    Builtin::operation("reset-random-generator", "(-> RandomGenerator ())", State, reset),
    Builtin::operation("flip", "(-> Bool)", State, flip),
];

pub(super) fn module() -> BuiltinModule {
    let shared = Atom::foreign(RandomGenerator(SHARED));
    BuiltinModule::new("random", include_str!("random.metta")).natives(TABLE).token("&rng", shared)
}

/// The generator `&rng`.
const SHARED: u64 = 0;

/// A generator, by its number in the world.
#[derive(Debug, PartialEq, Eq)]
struct RandomGenerator(u64);

impl fmt::Display for RandomGenerator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RandomGenerator-{:#x}", self.0)
    }
}

impl Foreign for RandomGenerator {
    fn type_atom(&self) -> Atom {
        Atom::symbol("RandomGenerator")
    }

    fn equals(&self, other: &dyn Foreign) -> bool {
        other.as_any().downcast_ref() == Some(self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Where generators are in their sequences.
#[derive(Clone, Debug, Default)]
pub(crate) struct Generators {
    states: BTreeMap<u64, u64>,
    /// How many generators were made, `&rng` aside.
    made: u64,
    /// How often generators started without a seed of their own.
    unseeded: u64,
}

impl Generators {
    fn add(&mut self, seed: u64) -> u64 {
        self.made += 1;
        self.states.insert(self.made, seed);
        self.made
    }

    /// The next number of a generator; one without a seed of its own starts from `seed`.
    fn next(&mut self, id: u64, seed: u64) -> u64 {
        let state = self.states.entry(id).or_insert_with(|| {
            self.unseeded += 1;
            mixed(seed ^ mixed(self.unseeded))
        });
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mixed(*state)
    }
}

fn mixed(mut word: u64) -> u64 {
    word = (word ^ word >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    word = (word ^ word >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ word >> 31
}

impl Machine {
    fn next_random(&mut self, generator: u64) -> u64 {
        let seed = self.library.random_seed();
        self.world.generators_mut().next(generator, seed)
    }

    /// The generator that an argument is.
    fn generator(&self, cell: Cell) -> Option<u64> {
        match cell.view() {
            View::Boxed(index) => match self.heap.boxed(index) {
                Grounded::Foreign(value) => value.as_any().downcast_ref().map(|RandomGenerator(id)| *id),
                _ => None,
            },
            _ => None,
        }
    }
}

/// A number as a seed: integers by their last 64 bits, floats without their fraction.
fn seed(machine: &Machine, cell: Cell) -> Option<u64> {
    let number = machine.heap.as_number(cell)?;
    Some(match machine.heap.as_i64(cell) {
        Some(value) => value as u64,
        None => number.to_f64() as i64 as u64,
    })
}

fn new_generator(machine: &mut Machine, call: Call) -> Outcome {
    let Some(seed) = seed(machine, call.argument(machine, 0)) else {
        return Outcome::Failed("new-random-generator expects one argument: number (seed)".to_owned());
    };
    let id = machine.world.generators_mut().add(seed);
    Outcome::Value(machine.heap.import_alone(&Atom::foreign(RandomGenerator(id))))
}

fn random_int(machine: &mut Machine, call: Call) -> Outcome {
    let [generator, start, end] = [0, 1, 2].map(|index| call.argument(machine, index));
    let whole = |cell| match machine.heap.as_i64(cell) {
        Some(value) => Some(value),
        None => machine.heap.as_number(cell).map(|number| number.to_f64() as i64),
    };
    let (start, end) = (whole(start), whole(end));
    let Some(generator) = machine.generator(generator) else { return no_generator("random-int") };
    let (Some(start), Some(end)) = (start, end) else { return no_range("random-int") };
    if start >= end {
        return Outcome::Failed("RangeIsEmpty".to_owned());
    }
    let width = end.abs_diff(start);
    // The high half of the product is below `width`, every value as often as any other but for one in 2^64.
    let offset = (u128::from(machine.next_random(generator)) * u128::from(width)) >> 64;
    Outcome::Value(machine.heap.number(metta_atom::Number::Int(start.wrapping_add(offset as i64))))
}

fn random_float(machine: &mut Machine, call: Call) -> Outcome {
    let [generator, start, end] = [0, 1, 2].map(|index| call.argument(machine, index));
    let bound = |cell| machine.heap.as_number(cell).map(|number| number.to_f64());
    let (start, end) = (bound(start), bound(end));
    let Some(generator) = machine.generator(generator) else { return no_generator("random-float") };
    let (Some(start), Some(end)) = (start, end) else { return no_range("random-float") };
    if start.partial_cmp(&end) != Some(std::cmp::Ordering::Less) {
        return Outcome::Failed("RangeIsEmpty".to_owned());
    }
    // 53 bits make a float below 1; rounding may still reach the upper bound.
    let share = (machine.next_random(generator) >> 11) as f64 / (1u64 << 53) as f64;
    let value = start * (1.0 - share) + end * share;
    let value = if value < end { value.max(start) } else { start };
    Outcome::Value(machine.heap.number(metta_atom::Number::Float(value)))
}

fn set_seed(machine: &mut Machine, call: Call) -> Outcome {
    let Some(generator) = machine.generator(call.argument(machine, 0)) else {
        return no_generator("set-random-seed");
    };
    let Some(seed) = seed(machine, call.argument(machine, 1)) else {
        let message = "set-random-seed expects two arguments: random generator and number (seed)";
        return Outcome::Failed(message.to_owned());
    };
    machine.world.generators_mut().states.insert(generator, seed);
    Outcome::Unit
}

fn reset(machine: &mut Machine, call: Call) -> Outcome {
    let Some(generator) = machine.generator(call.argument(machine, 0)) else {
        return no_generator("reset-random-generator");
    };
    machine.world.generators_mut().states.remove(&generator);
    Outcome::Unit
}

fn flip(machine: &mut Machine, _: Call) -> Outcome {
    Outcome::Value(Cell::bool(machine.next_random(SHARED) >> 63 == 1))
}

fn no_generator(name: &str) -> Outcome {
    Outcome::Failed(format!("{name} expects a random generator as its argument"))
}

fn no_range(name: &str) -> Outcome {
    Outcome::Failed(format!(
        "{name} expects three arguments: random generator, number (start) and number (end)"
    ))
}
