//! What a program has built up: its world, and handles to share its spaces.
//!
//! Invariant E1: while a handle of a space exists, what the program committed is
//! published there, and what others wrote there reaches the program between two of
//! its forms. Nobody's write is lost: when both wrote, the program's own additions and
//! removals are applied to the newest published version.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use metta_atom::{Atom, SpaceId};
use metta_eval::{Library, World};
use metta_space::{Snapshot, Space};
use metta_syntax::Form;

use crate::worker::Machines;

/// Spaces, states, tokens and pragmas, together with the library they are used with.
///
/// A value: a clone is a fork that shares nothing which can change. Making one is
/// cheap, the standard library's space is built on first use.
pub struct Environment {
    world: OnceLock<World>,
    shared: Vec<Shared>,
    machines: Arc<Machines>,
}

/// A space with a handle outside.
struct Shared {
    id: SpaceId,
    space: Space,
    /// The version that the world's own version was made from.
    base: Arc<Snapshot>,
}

impl Environment {
    /// Makes an environment with an empty main space.
    pub fn new(library: Library) -> Self {
        Environment { world: OnceLock::new(), shared: Vec::new(), machines: Arc::new(Machines::new(library)) }
    }

    /// Makes an environment from a world.
    pub fn from_world(library: Library, world: World) -> Self {
        Environment { world: OnceLock::from(world), ..Environment::new(library) }
    }

    /// Returns the library.
    pub fn library(&self) -> &Library {
        self.machines.library()
    }

    /// Returns the world with everything that was published to its spaces. Cost: O(handles given out).
    pub fn world(&self) -> World {
        let mut world = self.world.get_or_init(World::new).clone();
        for shared in &self.shared {
            shared.refresh(&mut world);
        }
        world
    }

    /// Returns a space as it is now; `None` for an unknown identity.
    pub fn snapshot(&self, id: SpaceId) -> Option<Snapshot> {
        match self.shared.iter().find(|shared| shared.id == id) {
            Some(shared) => Some((*shared.space.snapshot()).clone()),
            None => self.world.get_or_init(World::new).space(id).cloned(),
        }
    }

    /// Returns the handle of a space, through which others read and write it while
    /// programs run; `None` for an unknown identity.
    ///
    /// An expression that is being evaluated does not see writes made meanwhile.
    pub fn space(&mut self, id: SpaceId) -> Option<Space> {
        if let Some(shared) = self.shared.iter().find(|shared| shared.id == id) {
            return Some(shared.space.clone());
        }
        let space = Space::from_snapshot(self.world.get_or_init(World::new).space(id)?.clone());
        self.shared.push(Shared { id, space: space.clone(), base: space.snapshot() });
        Some(space)
    }

    /// Adds an atom to the main space, unevaluated and without a type check.
    pub fn add(&mut self, atom: &Atom) {
        let mut world = self.take_world();
        if let Some(space) = world.space_mut(SpaceId::TOP) {
            space.add(atom);
        }
        self.synchronize(&mut world);
        self.put_world(world);
    }

    /// Reports whether nothing was ever done with the environment.
    pub fn is_fresh(&self) -> bool {
        self.world.get().is_none() && self.shared.is_empty()
    }

    /// Reports whether others have handles of its spaces.
    pub(crate) fn is_shared(&self) -> bool {
        !self.shared.is_empty()
    }

    pub(crate) fn machines(&self) -> &Arc<Machines> {
        &self.machines
    }

    /// Takes the world out, for a run; `put_world` gives it back.
    pub(crate) fn take_world(&mut self) -> World {
        let mut world = self.world.take().unwrap_or_default();
        self.synchronize(&mut world);
        world
    }

    pub(crate) fn put_world(&mut self, world: World) {
        self.world = OnceLock::from(world);
    }

    /// Publishes what `world` wrote and takes over what others published (E1).
    /// Returns how many spaces both sides had written.
    pub(crate) fn synchronize(&mut self, world: &mut World) -> u64 {
        self.shared.iter_mut().map(|shared| u64::from(shared.synchronize(world))).sum()
    }
}

impl Shared {
    fn refresh(&self, world: &mut World) {
        let latest = self.space.snapshot();
        if latest.version() != self.base.version() {
            world.set_space(self.id, (*latest).clone());
        }
    }

    /// Reports whether a merge was necessary.
    fn synchronize(&mut self, world: &mut World) -> bool {
        let mut merged = false;
        while let Some(ours) = world.space(self.id) {
            let latest = self.space.snapshot();
            let written = ours.version() != self.base.version();
            if latest.version() != self.base.version() {
                let next = if written { merge(&self.base, ours, &latest) } else { (*latest).clone() };
                merged |= written;
                self.base = latest;
                world.set_space(self.id, next);
                continue;
            }
            if !written {
                break;
            }
            if self.space.replace(self.base.version(), ours.clone()).is_ok() {
                self.base = Arc::new(ours.clone());
                break;
            }
        }
        merged
    }
}

/// Applies what changed from `base` to `ours` to `latest`.
fn merge(base: &Snapshot, ours: &Snapshot, latest: &Snapshot) -> Snapshot {
    let mut before: HashMap<Atom, u64> = HashMap::new();
    for fact in base.iter() {
        *before.entry(base.decode(fact.bytes, fact.variables())).or_default() += fact.count;
    }
    let mut result = latest.clone();
    for fact in ours.iter() {
        let atom = ours.decode(fact.bytes, fact.variables());
        let had = before.remove(&atom).unwrap_or(0);
        (had..fact.count).for_each(|_| result.add(&atom));
        before.extend((fact.count < had).then(|| (atom, had - fact.count)));
    }
    for (atom, count) in before {
        for _ in 0..count {
            result.remove(&atom);
        }
    }
    result
}

impl Clone for Environment {
    fn clone(&self) -> Self {
        let world = if self.is_fresh() { OnceLock::new() } else { OnceLock::from(self.world()) };
        Environment { world, shared: Vec::new(), machines: Arc::clone(&self.machines) }
    }
}

impl Default for Environment {
    fn default() -> Self {
        Environment::new(Library::new())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let atoms = self.snapshot(SpaceId::TOP).map_or(0, |space| space.len());
        f.debug_struct("Environment").field("atoms", &atoms).finish_non_exhaustive()
    }
}

/// A program, or what is left of it after a run.
#[derive(Clone, Debug, Default)]
pub struct MettaState {
    /// Forms that wait to be run.
    pub source: Vec<Form>,
    /// What earlier forms have built up.
    pub environment: Environment,
    /// The result lists of the last run, one for each `!` form.
    pub output: Vec<Vec<Atom>>,
}

impl MettaState {
    /// Makes the state in which nothing has run yet.
    pub fn new(library: Library) -> Self {
        MettaState::compiled(library, Vec::new())
    }

    /// Makes the state of a program that was read with `library` and has not run.
    pub fn compiled(library: Library, source: Vec<Form>) -> Self {
        MettaState { source, environment: Environment::new(library), output: Vec::new() }
    }
}
