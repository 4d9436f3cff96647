//! Looking at a machine while it works.

use metta_atom::Atom;
use metta_eval::Machine;

/// Looks at the machine of a run between its steps: a profiler, a tracer.
pub trait Observer: Send {
    /// An expression begins, with its position in the program; nothing of it is evaluated yet.
    fn begin(&mut self, index: usize, goal: &Atom, machine: &Machine);

    /// How many reductions there are about before the next look. With 0 it is one task of the machine.
    fn budget(&mut self) -> u64;

    /// Looks between two steps, and after the last.
    fn look(&mut self, machine: &Machine);
}
