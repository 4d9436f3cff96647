//! Beginning a run on the task that awaits it (ADR-0054).
//!
//! To hand a run to the blocking pool costs more than most single expressions do. So a short program in a small
//! world begins where it is awaited, one form after the other, for a bounded number of reductions. What has
//! not ended then, or comes to something that may take any time, goes on in the pool from where it is.
//!
//! Invariant H1: a thread that drives tasks calls nothing of the host, and does no more than [`LEAST`] at once.

use metta_atom::{Atom, SpaceId};
use metta_eval::Effect;
use metta_syntax::Form;

use crate::coordinator::{Coordinator, Stop};
use crate::forks::AtWork;
use crate::worker::Task;
use crate::{MettaState, RunError};

/// Reductions, and parts of atoms, that a run may take before it is handed on: some 50 µs of work.
const LEAST: u64 = 256;
/// A program with more forms goes to the pool at once.
const MOST_FORMS: usize = 16;
/// So does one whose spaces hold more atoms: the first query of a big space prepares it.
const MOST_ATOMS: u64 = 1_000;
const MOST_SPACES: usize = 8;
/// So many reductions are one unit of what the runtime lets a task do before others come.
const REDUCTIONS_PER_UNIT: u64 = 16;

/// What a run came to on the thread of a task.
pub(crate) enum Begun {
    Ended(Result<(), RunError>),
    /// It goes on on another thread.
    Leaves,
}

/// Reports whether a program is short enough to begin where it is awaited.
pub(crate) fn fits(compiled: &MettaState) -> bool {
    compiled.source.len() <= MOST_FORMS
}

impl Coordinator {
    /// Runs the forms for as long as that may be done on the thread of a task. Returns also for how many units of
    /// what the runtime lets a task do that was.
    pub(crate) fn begin_here(&mut self, forms: &[Form]) -> (Begun, u64) {
        if !self.is_small() {
            return (Begun::Leaves, 0);
        }
        self.here = Some(LEAST);
        self.at_work = Some(AtWork::begin(&self.shared));
        let ended = self.forms(forms);
        self.at_work = None;
        let left = self.here.take().unwrap_or_default();
        let begun = match ended {
            Ok(()) | Err(Stop::Answer) => Begun::Ended(Ok(())),
            Err(Stop::Error(error)) => Begun::Ended(Err(error)),
            Err(Stop::Elsewhere) => Begun::Leaves,
        };
        (begun, (LEAST - left.min(LEAST)) / REDUCTIONS_PER_UNIT)
    }

    fn is_small(&self) -> bool {
        let own = || self.world.space_ids().filter(|id| *id != SpaceId::CORELIB);
        let atoms = |id| self.world.space(id).map_or(0, |space| space.len());
        // Types are checked without a bound.
        own().take(MOST_SPACES + 1).count() <= MOST_SPACES
            && own().map(atoms).sum::<u64>() <= MOST_ATOMS
            && !self.world.checks_types()
    }

    /// Takes what a form costs by its size from what is left (H1).
    pub(super) fn afford(&mut self, form: &Form) -> Result<(), Stop> {
        let Some(left) = self.here else { return Ok(()) };
        let left = parts(&form.atom, left).and_then(|parts| left.checked_sub(parts)).filter(|left| *left > 0);
        self.here = Some(left.unwrap_or(0));
        if left.is_some() { Ok(()) } else { Err(Stop::Elsewhere) }
    }

    /// Evaluates one expression in its turn with the reductions that are left.
    pub(super) fn alone_here(&mut self, index: usize, goal: &Atom, left: u64) -> Result<Effect, Stop> {
        let mut worker = self.worker();
        let (limits, forks) = (self.limits(), self.forks.clone());
        let (forks, allowed) = (forks.as_ref(), Effect::Prints);
        let interrupt = &self.settings.interrupt.clone();
        let time = self.settings.time;
        let task = Task { goal, index, limits: &limits, time, allowed, forks, streams: false, interrupt };
        let underway = Box::new(worker.begin(task, self.world.clone(), Some(left)));
        if underway.goes_on() {
            self.here = Some(0);
            self.underway = Some(underway);
            return Err(Stop::Elsewhere);
        }
        if underway.is_blocked() {
            // Nothing of it can be seen: it begins anew.
            self.here = Some(0);
            worker.drop_underway(*underway);
            return Err(Stop::Elsewhere);
        }
        self.here = Some(left.saturating_sub(underway.reductions()));
        // Nobody listens to what is printed.
        let ended = worker.go_on(task, *underway, |_| std::ops::ControlFlow::Continue(()));
        let effect = ended.effect();
        self.commit(index, goal, ended)?;
        Ok(effect)
    }
}

/// How many parts an atom has, if no more than `most`.
fn parts(atom: &Atom, most: u64) -> Option<u64> {
    let mut pending = vec![atom];
    let mut count = 0;
    while let Some(atom) = pending.pop() {
        count += 1;
        let children = atom.children().unwrap_or_default();
        if count + children.len() as u64 > most {
            return None;
        }
        pending.extend(children);
    }
    Some(count)
}
