//! What an evaluation reads and writes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;

use metta_atom::{Atom, Expression, Grounded, SpaceId, StateId};
use metta_space::Snapshot;

use crate::library::{self, Generators};
use crate::limits::Written;
use crate::modules::path::ModulePath;
use crate::modules::{Modules, bare_space, main_space};
use crate::states::States;
use crate::{EvalError, Limits};

/// Units of `max-stack-depth` for a continuation that waits: one waits for each call of a recursion like
/// `(+ 1 (f ...))`, for which the reference engine counts some forty.
const STACK_UNITS: i64 = 40;

/// Where states inside states are no longer printed.
const LONG_TEXT_BYTES: usize = 1 << 20;

/// The spaces, states, modules and pragmas of a program, as a plain value.
///
/// Cloning is O(1): parts are shared until one side writes. A machine takes a
/// world, reads and writes it, and gives it back.
#[derive(Clone, Debug)]
pub struct World {
    spaces: Arc<BTreeMap<SpaceId, Snapshot>>,
    pub(crate) states: States,
    pub(crate) modules: Arc<Modules>,
    pragmas: Arc<BTreeMap<String, Atom>>,
    /// The functions that `pragma! table` named.
    tabled: Arc<BTreeSet<String>>,
    /// Spaces that contain spaces, with those they contain.
    nested: Arc<BTreeMap<SpaceId, Vec<SpaceId>>>,
    /// Spaces as they were opened from files, which may turn out to be damaged.
    opened: Arc<Vec<Snapshot>>,
    generators: Arc<Generators>,
    next_space: u64,
    next_state: u64,
}

impl Default for World {
    fn default() -> Self {
        World::new()
    }
}

impl World {
    /// Makes a world with an empty main space and the standard library.
    pub fn new() -> Self {
        let spaces =
            BTreeMap::from([(SpaceId::TOP, Snapshot::new()), (SpaceId::CORELIB, library::corelib())]);
        World {
            spaces: Arc::new(spaces),
            states: States::default(),
            modules: Arc::new(Modules::new()),
            pragmas: Arc::default(),
            tabled: Arc::default(),
            nested: Arc::default(),
            opened: Arc::default(),
            generators: Arc::default(),
            next_space: 2,
            next_state: 0,
        }
    }

    /// Makes a world without any space, for a machine that has nothing to do.
    pub(crate) fn empty() -> Self {
        World {
            spaces: Arc::default(),
            states: States::default(),
            modules: Arc::default(),
            pragmas: Arc::default(),
            tabled: Arc::default(),
            nested: Arc::default(),
            opened: Arc::default(),
            generators: Arc::default(),
            next_space: 0,
            next_state: 0,
        }
    }

    /// Returns a space; `None` for an unknown identity.
    pub fn space(&self, id: SpaceId) -> Option<&Snapshot> {
        self.spaces.get(&main_space(id))
    }

    /// Returns a space for writing.
    pub fn space_mut(&mut self, id: SpaceId) -> Option<&mut Snapshot> {
        Arc::make_mut(&mut self.spaces).get_mut(&main_space(id))
    }

    /// Puts `space` in the place of the space `id`, or adds it.
    pub fn set_space(&mut self, id: SpaceId, space: Snapshot) {
        self.next_space = self.next_space.max(id.0 + 1);
        Arc::make_mut(&mut self.spaces).insert(id, space);
    }

    /// Returns the identities of all spaces, in rising order.
    pub fn space_ids(&self) -> impl Iterator<Item = SpaceId> + '_ {
        self.spaces.keys().copied()
    }

    /// Reports whether nothing was written since one of the two was cloned from the other.
    ///
    /// A write that changed nothing may count. Cost: O(1).
    pub fn same_as(&self, other: &World) -> bool {
        Arc::ptr_eq(&self.spaces, &other.spaces)
            && self.states.same_as(&other.states)
            && Arc::ptr_eq(&self.modules, &other.modules)
            && Arc::ptr_eq(&self.pragmas, &other.pragmas)
            && Arc::ptr_eq(&self.tabled, &other.tabled)
            && Arc::ptr_eq(&self.nested, &other.nested)
            && Arc::ptr_eq(&self.opened, &other.opened)
            && Arc::ptr_eq(&self.generators, &other.generators)
            && (self.next_space, self.next_state) == (other.next_space, other.next_state)
    }

    /// Reports whether the two differ in the content of some spaces at most, if one was cloned from the other, and returns
    /// which these are.
    pub fn spaces_changed_since(&self, other: &World) -> Option<Vec<SpaceId>> {
        let spaces = Arc::clone(&other.spaces);
        let rest = World { spaces: Arc::clone(&self.spaces), ..other.clone() };
        if !self.same_as(&rest) || self.spaces.len() != spaces.len() {
            return None;
        }
        let pairs = self.spaces.iter().zip(spaces.iter());
        let changed = pairs.filter(|((_, own), (_, other))| own.version() != other.version());
        changed.map(|((id, _), (other, _))| (id == other).then_some(*id)).collect()
    }

    /// Adds an atom to a space, as a top-level form does. Unknown spaces are ignored.
    pub fn add(&mut self, id: SpaceId, atom: &Atom) {
        if let Some(space) = self.space_mut(id) {
            space.add(atom);
        }
        if let Atom::Grounded(Grounded::Space(inner)) = atom {
            self.nest(id, *inner);
        }
    }

    /// Brings spaces that have grown into the form in which they are queried, before they are shared.
    pub fn freeze(&mut self) {
        if self.spaces.values().any(Snapshot::is_growing) {
            Arc::make_mut(&mut self.spaces).values_mut().for_each(Snapshot::freeze);
        }
    }

    /// Drops the indexes of all spaces when they take more than `limit_bytes` together; queries build them again.
    pub fn relieve(&mut self, limit_bytes: u64) {
        let taken: usize = self.spaces.values().map(Snapshot::index_bytes).sum();
        if taken as u64 > limit_bytes {
            Arc::make_mut(&mut self.spaces).values_mut().for_each(Snapshot::drop_indexes);
        }
    }

    /// Reports whether `pragma! type-check auto` is on: see [`Machine::ill_typed`](crate::Machine::ill_typed).
    pub fn checks_types(&self) -> bool {
        self.pragma("type-check").and_then(Atom::as_symbol) == Some("auto")
    }

    /// How many threads may evaluate one expression by `pragma! parallel`: `None` leaves it to the host.
    pub fn parallel(&self) -> Option<usize> {
        match self.pragma("parallel")? {
            Atom::Grounded(Grounded::Number(metta_atom::Number::Int(threads))) => {
                Some(usize::try_from(*threads).unwrap_or(1).max(1))
            }
            Atom::Grounded(Grounded::Bool(false)) => Some(1),
            other => (other.as_symbol() == Some("off")).then_some(1),
        }
    }

    /// Reports whether `pragma! interpreter bare-minimal` is on.
    pub(crate) fn is_bare_minimal(&self) -> bool {
        self.pragma("interpreter").and_then(Atom::as_symbol) == Some("bare-minimal")
    }

    /// How deep continuations may nest by `pragma! max-stack-depth`, which counts finer (ADR-0012).
    pub(crate) fn stack_depth(&self) -> u32 {
        let depth = match self.pragma("max-stack-depth") {
            Some(Atom::Grounded(Grounded::Number(metta_atom::Number::Int(depth)))) => *depth,
            _ => 0,
        };
        match depth {
            ..=0 => u32::MAX,
            _ => u32::try_from(depth / STACK_UNITS).unwrap_or(u32::MAX),
        }
    }

    /// Makes an empty space.
    pub(crate) fn new_space(&mut self) -> SpaceId {
        self.add_space(Snapshot::new())
    }

    /// Makes a space with this content.
    pub(crate) fn add_space(&mut self, content: Snapshot) -> SpaceId {
        let id = SpaceId(self.next_space);
        self.set_space(id, content);
        id
    }

    /// Notes a space that was opened from a file.
    pub(crate) fn watch(&mut self, opened: &Snapshot) {
        Arc::make_mut(&mut self.opened).push(opened.clone());
    }

    /// Returns what is wrong with a file that a space was opened from, as far as that was met: what was read from
    /// that space since then may lack facts.
    pub fn damage(&self) -> Option<String> {
        self.opened.iter().find_map(Snapshot::damage).map(ToString::to_string)
    }

    /// Reports whether rules and types of the library hold in a space, as they do in modules.
    pub(crate) fn uses_library(&self, id: SpaceId) -> bool {
        id != SpaceId::CORELIB && self.modules.module(id).is_some()
    }

    /// Returns the spaces of what the module imported, in order, the library left out.
    pub(crate) fn imports(&self, id: SpaceId) -> impl Iterator<Item = (SpaceId, &Snapshot)> {
        self.modules.deps(id).iter().filter_map(|id| Some((*id, self.spaces.get(id)?)))
    }

    /// Returns the library if it holds in a space.
    pub(crate) fn library(&self, id: SpaceId) -> Option<&Snapshot> {
        self.uses_library(id).then(|| self.spaces.get(&SpaceId::CORELIB)).flatten()
    }

    /// Returns the spaces that a query of `id` sees: its own atoms, those of imported modules, in
    /// order, and after each those of spaces stored in it.
    pub(crate) fn visible(&self, id: SpaceId) -> Vec<&Snapshot> {
        self.visible_ids(id).into_iter().filter_map(|id| self.space(id)).collect()
    }

    /// The identities of those spaces.
    pub(crate) fn visible_ids(&self, id: SpaceId) -> Vec<SpaceId> {
        let mut seen = Vec::new();
        for id in std::iter::once(main_space(id)).chain(self.modules.deps(id).iter().copied()) {
            let mut next = seen.len();
            if !seen.contains(&id) {
                seen.push(id);
            }
            while let Some(outer) = seen.get(next) {
                next += 1;
                for inner in self.nested.get(outer).into_iter().flatten() {
                    if !seen.contains(inner) {
                        seen.push(*inner);
                    }
                }
            }
        }
        seen
    }

    /// Notes that the space `inner` was stored in the space `outer`.
    pub(crate) fn nest(&mut self, outer: SpaceId, inner: SpaceId) {
        Arc::make_mut(&mut self.nested).entry(main_space(outer)).or_default().push(inner);
    }

    /// Notes that one copy of the space `inner` was removed from the space `outer`.
    pub(crate) fn unnest(&mut self, outer: SpaceId, inner: SpaceId) {
        if let Some(list) = Arc::make_mut(&mut self.nested).get_mut(&main_space(outer))
            && let Some(index) = list.iter().rposition(|id| *id == inner)
        {
            list.remove(index);
        }
    }

    /// Returns the modules for writing.
    pub(crate) fn modules_mut(&mut self) -> &mut Modules {
        Arc::make_mut(&mut self.modules)
    }

    /// An identity for a new state.
    pub(crate) fn next_state_id(&mut self) -> StateId {
        self.next_state += 1;
        StateId(self.next_state - 1)
    }

    /// Returns the random generators for writing.
    pub(crate) fn generators_mut(&mut self) -> &mut Generators {
        Arc::make_mut(&mut self.generators)
    }

    pub(crate) fn pragma(&self, key: &str) -> Option<&Atom> {
        self.pragmas.get(key)
    }

    /// Reports whether `pragma! table` named a function.
    pub(crate) fn is_tabled(&self, name: &str) -> bool {
        self.tabled.contains(name)
    }

    pub(crate) fn set_pragma(&mut self, key: &str, value: Atom) {
        if let ("table", Some(name)) = (key, value.as_symbol()) {
            Arc::make_mut(&mut self.tabled).insert(name.to_owned());
        }
        Arc::make_mut(&mut self.pragmas).insert(key.to_owned(), value);
    }

    /// Replaces the words bound in the main program in an atom that was read before, latest binding first.
    ///
    /// Cost: O(1) while nothing is bound, else O(leaves of `atom` × bindings).
    pub fn resolve(&self, atom: &Atom) -> Atom {
        self.resolve_in(SpaceId::TOP, atom)
    }

    /// Replaces the words bound in a module in an atom of its text.
    pub(crate) fn resolve_in(&self, module: SpaceId, atom: &Atom) -> Atom {
        self.modules.tokens(module).map_or_else(|| atom.clone(), |tokens| tokens.resolve(atom, module))
    }

    /// Prints an atom as a result: states show their content, module spaces their name.
    ///
    /// A state inside its own content is `(State ...)`, and so is one inside another where the
    /// text has grown long: states that hold each other may have no end, or one beyond all memory.
    ///
    /// Cost: O(length of the text), which is exponential in the memory of an atom whose parts are
    /// shared again and again; [`World::print_results`] has a limit.
    pub fn print(&self, atom: &Atom) -> String {
        let mut out = String::new();
        self.print_into(&mut out, atom, u64::MAX);
        out
    }

    /// Prints the results of one expression, each as [`World::print`] does.
    ///
    /// # Errors
    /// When all texts together are longer than the memory limit in `limits`, or without
    /// one than a fixed limit.
    pub fn print_results(&self, results: &[Atom], limits: &Limits) -> Result<Vec<String>, EvalError> {
        let written = Written::within(limits.memory_bytes);
        let mut left = written.limit_bytes;
        let mut texts = Vec::with_capacity(results.len());
        for result in results {
            let mut text = String::new();
            if !self.print_into(&mut text, result, left) {
                return Err(written.error());
            }
            left = left.saturating_sub(text.len() as u64);
            texts.push(text);
        }
        Ok(texts)
    }

    /// Prints an atom, but stops soon after `limit_bytes`, and reports whether that was not needed.
    pub(crate) fn print_into(&self, out: &mut String, atom: &Atom, limit_bytes: u64) -> bool {
        enum Piece<'a> {
            Atom(&'a Atom),
            Text(&'static str),
            EndOfState,
        }
        let end = limit_bytes.saturating_add(out.len() as u64);
        let mut looked = (LONG_TEXT_BYTES as u64).saturating_add(out.len() as u64);
        let mut pending = vec![Piece::Atom(atom)];
        // The states whose content is being printed, outermost first.
        let mut open: Vec<StateId> = Vec::new();
        while let Some(piece) = pending.pop() {
            if out.len() as u64 > end {
                return false;
            }
            if out.len() as u64 > looked && !self.is_shorter(atom, limit_bytes) {
                return false;
            }
            looked = if out.len() as u64 > looked { u64::MAX } else { looked };
            match piece {
                Piece::Atom(Atom::Symbol(symbol)) => out.push_str(symbol.name()),
                Piece::Text(text) => out.push_str(text),
                Piece::EndOfState => {
                    out.push(')');
                    open.pop();
                }
                Piece::Atom(Atom::Expression(expression)) => {
                    out.push('(');
                    pending.push(Piece::Text(")"));
                    for (i, child) in expression.children().iter().enumerate().rev() {
                        pending.push(Piece::Atom(child));
                        if i > 0 {
                            pending.push(Piece::Text(" "));
                        }
                    }
                }
                Piece::Atom(Atom::Grounded(Grounded::State(id))) => {
                    if open.contains(id) || !open.is_empty() && out.len() > LONG_TEXT_BYTES {
                        out.push_str("(State ...)");
                    } else if let Some(cell) = self.states.get(*id) {
                        out.push_str("(State ");
                        open.push(*id);
                        pending.push(Piece::EndOfState);
                        pending.push(Piece::Atom(&cell.content));
                    } else {
                        out.push_str("(State)");
                    }
                }
                Piece::Atom(leaf) => drop(match self.module_name(leaf) {
                    // Writing to a String cannot fail.
                    Some((path, false)) => write!(out, "ModuleSpace(GroundingSpace-{path})"),
                    Some((path, true)) => write!(out, "GroundingSpace-{path}"),
                    None => write!(out, "{leaf}"),
                }),
            }
        }
        out.len() as u64 <= end
    }

    /// Reports whether the tree of an atom may have a text of `limit_bytes`, in time that depends on
    /// its parts: a shared part is looked at once.
    fn is_shorter(&self, atom: &Atom, limit_bytes: u64) -> bool {
        enum Visit<'a> {
            Enter(&'a Atom),
            Leave(&'a Expression, usize),
        }
        let mut known: HashMap<usize, u64> = HashMap::new();
        let mut lengths: Vec<u64> = Vec::new();
        let mut pending = vec![Visit::Enter(atom)];
        while let Some(visit) = pending.pop() {
            match visit {
                Visit::Enter(Atom::Expression(expression)) => match known.get(&expression.address()) {
                    Some(length) => lengths.push(*length),
                    None => {
                        pending.push(Visit::Leave(expression, lengths.len()));
                        pending.extend(expression.children().iter().map(Visit::Enter));
                    }
                },
                // A leaf has a byte at least, and what separates it from the next.
                Visit::Enter(_) => lengths.push(1),
                Visit::Leave(expression, start) => {
                    let inner = lengths
                        .drain(start..)
                        .fold(1u64, |sum, length| sum.saturating_add(length).saturating_add(1));
                    known.insert(expression.address(), inner);
                    lengths.push(inner);
                }
            }
        }
        lengths.first().is_none_or(|length| *length <= limit_bytes)
    }

    /// The name of the module whose space an atom is, and whether it is the bare one.
    fn module_name(&self, atom: &Atom) -> Option<(&ModulePath, bool)> {
        let Atom::Grounded(Grounded::Space(id)) = atom else { return None };
        let module = self.modules.module(main_space(*id))?;
        Some((&module.path, *id == bare_space(*id)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_give_way_and_come_back() {
        let mut world = World::new();
        let edge = |from: Atom, to: Atom| Atom::expression([Atom::symbol("edge"), from, to]);
        (0..1_000).for_each(|n| world.add(SpaceId::TOP, &edge(Atom::integer(n), Atom::integer(n % 50))));
        world.freeze();
        let answers = |world: &World| {
            let space = world.space(SpaceId::TOP).unwrap();
            let found = [(); 2].map(|()| space.query(&edge(Atom::variable("x"), Atom::integer(7))).len());
            (found, space.index_bytes())
        };
        let (found, taken) = answers(&world);
        assert_eq!(found, [20, 20]);
        assert!(taken > 0);
        world.relieve(taken as u64);
        assert_eq!(world.space(SpaceId::TOP).unwrap().index_bytes(), taken);
        world.relieve(taken as u64 - 1);
        assert_eq!(world.space(SpaceId::TOP).unwrap().index_bytes(), 0);
        assert_eq!(answers(&world), (found, taken));
    }

    #[test]
    fn states_that_hold_each_other_print_in_bounds() {
        let mut world = World::new();
        let undefined = Atom::symbol("%Undefined%");
        let mut state = Atom::integer(1);
        for _ in 0..64 {
            let pair = Atom::expression([state.clone(), state]);
            let id = world.next_state_id();
            world.states.insert(id, pair, undefined.clone());
            state = Atom::state(id);
        }
        assert!(world.print(&state).len() < 2 * LONG_TEXT_BYTES);
    }
}
