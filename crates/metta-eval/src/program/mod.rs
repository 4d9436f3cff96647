//! Clauses and types of the heads that a machine has met, compiled on first use.
//!
//! An entry is checked against the space once per evaluation and whenever the
//! evaluation itself changes a declaration of that head; the check compares
//! pointers, and only clauses that were never seen are compiled.

pub(crate) mod clause;
mod rules;

use std::sync::Arc;

use metta_atom::{Atom, OPERATION_MARK, SpaceId, Symbol};
use metta_space::{Declaration, Declared, Key, Relation, Snapshot};

use crate::library::{Builtin, Library, documentation};
use crate::machine::{NO_RULE, Rule, RuleId};
use crate::modules::{bare_space, main_space};
use crate::program::clause::Clause;
use crate::terms::cell::SymbolId;
use crate::terms::heap::Heap;
use crate::terms::shared::{Shared, SharedMap};
use crate::terms::symbols::is_documentation;
use crate::world::World;

pub(crate) use rules::Rules;

/// Compiled declarations, in the order in which their alternatives come.
pub(crate) type Clauses = Arc<[Arc<Clause>]>;

type Source = Option<Declared>;

/// What is declared about one head symbol, or about all heads that are not symbols.
#[derive(Debug)]
pub(crate) struct Head {
    /// Rules for calls `(head ...)`.
    pub(crate) calls: Rules,
    /// Rules for the bare symbol.
    pub(crate) bare: Rules,
    /// Types of the symbol.
    pub(crate) types: Clauses,
    /// Types declared for expressions `(head ...)`.
    pub(crate) call_types: Clauses,
    /// Supertypes of the symbol as a type.
    pub(crate) supertypes: Clauses,
    /// Supertypes of types `(head ...)`.
    pub(crate) call_supertypes: Clauses,
    pub(crate) builtin: Option<&'static Builtin>,
    /// Whether there are rules for calls of this very head.
    pub(crate) own: bool,
    /// For each group and each visible space what names the head, and what is open.
    sources: Vec<Source>,
}

impl Head {
    /// Reports whether both say the same to who asks for types, and for which calls there are rules.
    pub(crate) fn means_the_same(&self, other: &Head) -> bool {
        let same = |a: &Clauses, b: &Clauses| {
            Arc::ptr_eq(a, b) || a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| Arc::ptr_eq(a, b))
        };
        self.calls.arities() == other.calls.arities()
            && same(&self.types, &other.types)
            && same(&self.call_types, &other.call_types)
            && same(&self.supertypes, &other.supertypes)
            && self.builtin.map(|builtin| builtin.name) == other.builtin.map(|builtin| builtin.name)
    }
}

/// The key of the heads that are not symbols.
pub(crate) const OPEN: SymbolId = SymbolId(u32::MAX);

/// Stands for the head of a rule that is called only once, and by no name.
pub(crate) const NAMELESS: SymbolId = SymbolId(u32::MAX - 1);

/// The groups of declarations in an entry, and whether the left side is a call.
const GROUPS: [(Relation, bool); 6] = [
    (Relation::Equation, true),
    (Relation::Equation, false),
    (Relation::HasType, false),
    (Relation::HasType, true),
    (Relation::SubType, false),
    (Relation::SubType, true),
];

/// What is known about one head.
#[derive(Clone, Debug)]
struct Entry {
    head: Arc<Head>,
    /// The epoch at which it was the right one.
    epoch: u64,
    /// Whether declarations that name the head have changed since, in the space itself.
    changed: bool,
}

/// The cache.
#[derive(Clone, Debug, Default)]
pub(crate) struct Program {
    heads: SharedMap<(SpaceId, SymbolId), Entry>,
    /// By address of the declaration, and space.
    compiled: SharedMap<(usize, SpaceId), Arc<Clause>>,
    /// What was compiled, from rule 1 on.
    rules: Shared<(Arc<Declaration>, SpaceId)>,
    epoch: u64,
    /// How many lists of rules were made that are not the continuation of another.
    lists: u64,
    builtins: SharedMap<SymbolId, &'static Builtin>,
    operation_types: SharedMap<SymbolId, Clauses>,
    /// The heads for which nothing is declared, one for each number of spaces.
    nothing: Vec<Arc<Head>>,
    /// What the library has for documentation, once it was asked for.
    documentation: Option<Snapshot>,
}

impl Program {
    pub(crate) fn new(heap: &mut Heap) -> Self {
        let mut program = Program::default();
        for builtin in crate::library::natives() {
            program.builtins.insert(heap.symbols.intern(builtin.name), builtin);
        }
        program
    }

    #[cfg(test)]
    pub(crate) fn lists_made(&self) -> u64 {
        self.lists
    }

    /// Makes every entry prove itself again, for a new world.
    pub(crate) fn invalidate(&mut self) {
        self.epoch += 1;
    }

    /// Makes the entry of one head in `space` and in what imports it prove itself again.
    pub(crate) fn invalidate_head(&mut self, world: &World, space: SpaceId, head: Option<SymbolId>) {
        match head {
            Some(id) if !world.modules.is_imported(main_space(space)) => {
                for space in [main_space(space), bare_space(space)] {
                    if let Some(entry) = self.heads.get_mut(&(space, id)) {
                        entry.changed = true;
                    }
                }
            }
            // What is open is part of every entry.
            _ => self.invalidate(),
        }
    }

    /// Returns a native function.
    pub(crate) fn builtin(&self, id: SymbolId) -> Option<&'static Builtin> {
        self.builtins.get(&id).copied()
    }

    /// Returns the native function of an operation, which may belong to a module.
    pub(crate) fn operation(&mut self, heap: &Heap, id: SymbolId) -> Option<&'static Builtin> {
        let known = self.builtin(id);
        if known.is_some() || !heap.symbols.name(id).contains(OPERATION_MARK) {
            return known;
        }
        let native = crate::library::native(heap.symbols.name(id))?;
        self.builtins.insert(id, native);
        Some(native)
    }

    /// Returns the types of a grounded operation.
    pub(crate) fn operation_types(&mut self, heap: &mut Heap, library: &Library, id: SymbolId) -> Clauses {
        if let Some(types) = self.operation_types.get(&id) {
            return Arc::clone(types);
        }
        let types = library.types(heap.symbols.name(id));
        self.declared_types(heap, id, types)
    }

    /// Compiles the types that the library declares for a word, once.
    fn declared_types(&mut self, heap: &mut Heap, id: SymbolId, types: Vec<Atom>) -> Clauses {
        if let Some(types) = self.operation_types.get(&id) {
            return Arc::clone(types);
        }
        let left = Atom::Symbol(heap.symbols.symbol(id).clone());
        let clauses = types.into_iter().map(|right| {
            let declaration = Declaration { sequence: 0, left: left.clone(), right };
            Arc::new(Clause::compile(heap, &declaration, NO_RULE))
        });
        let clauses: Clauses = clauses.collect();
        self.operation_types.insert(id, Arc::clone(&clauses));
        clauses
    }

    /// Returns what is declared about the symbol `id` in `space` and its imports.
    pub(crate) fn head(&mut self, heap: &mut Heap, world: &World, space: SpaceId, id: SymbolId) -> Arc<Head> {
        let known = self.heads.get(&(space, id));
        if let Some(Entry { head, epoch, changed: false }) = known
            && *epoch == self.epoch
        {
            return Arc::clone(head);
        }
        let head = self.fetch(heap, world, space, id);
        let entry = Entry { head: Arc::clone(&head), epoch: self.epoch, changed: false };
        self.heads.insert((space, id), entry);
        head
    }

    /// Returns what the library has for documentation, when the space sees the library.
    ///
    /// It is read on first use: a program that never asks does not pay for it.
    pub(crate) fn documentation(&mut self, world: &World, space: SpaceId) -> Option<&Snapshot> {
        let sees_library = main_space(space) == SpaceId::CORELIB || world.uses_library(space);
        if !sees_library {
            return None;
        }
        Some(self.documentation.get_or_insert_with(documentation))
    }

    /// Returns what is declared about heads that are not symbols.
    pub(crate) fn open(&mut self, heap: &mut Heap, world: &World, space: SpaceId) -> Arc<Head> {
        self.head(heap, world, space, OPEN)
    }

    /// Returns the types declared for expressions, whatever their heads are, in `space` and its imports.
    pub(crate) fn all_call_types(&mut self, heap: &mut Heap, world: &World, space: SpaceId) -> Clauses {
        let mut clauses = Vec::new();
        for (id, space) in visible(world, space, None) {
            let start = clauses.len();
            for list in space.call_declarations(Relation::HasType) {
                clauses.extend(list.iter().map(|declaration| self.compile(heap, declaration, id)));
            }
            clauses[start..].sort_by_key(|clause: &Arc<Clause>| clause.sequence);
        }
        clauses.into()
    }

    fn fetch(&mut self, heap: &mut Heap, world: &World, space: SpaceId, id: SymbolId) -> Arc<Head> {
        let name = (id != OPEN).then(|| heap.symbols.symbol(id).clone());
        let name = name.as_ref().map(|symbol| symbol.name());
        let late = if is_documentation(id) { self.documentation(world, space).cloned() } else { None };
        let spaces = visible(world, space, late.as_ref());
        if let Some(name) = name
            && self.builtin(id).is_none()
            && !spaces.iter().any(|(_, space)| space.may_declare(name))
        {
            return self.nothing(heap, spaces.len());
        }
        let known = self.heads.get(&(space, id));
        let old = known.map(|entry| Arc::clone(&entry.head));
        let old = old.filter(|old| old.sources.len() == GROUPS.len() * spaces.len() * 2);
        // All else is as it was, if it was looked at in this epoch.
        let kept = old.as_ref().filter(|_| known.is_some_and(|entry| entry.epoch == self.epoch));
        let mut sources = Vec::with_capacity(GROUPS.len() * spaces.len() * 2);
        for (relation, call) in GROUPS {
            for (position, (_, space)) in spaces.iter().enumerate() {
                if let Some(kept) = kept.filter(|_| position + 1 < spaces.len()) {
                    sources.extend_from_slice(&kept.sources[sources.len()..][..2]);
                    continue;
                }
                sources.push(name.and_then(|name| {
                    space.declarations(relation, if call { Key::Call(name) } else { Key::Symbol(name) })
                }));
                let open = kept.map(|kept| kept.sources[sources.len()].clone());
                sources.push(open.unwrap_or_else(|| space.declarations(relation, Key::Open)));
            }
        }
        let spaces: Vec<SpaceId> = spaces.into_iter().map(|(id, _)| id).collect();
        if let Some(old) = &old
            && same_sources(&old.sources, &sources)
        {
            return Arc::clone(old);
        }
        // What an entry of GROUPS had before, and has now.
        let group = |index: usize| {
            let range = index * spaces.len() * 2..(index + 1) * spaces.len() * 2;
            (old.as_ref().map_or(&[][..], |old| &old.sources[range.clone()]), &sources[range])
        };
        let mut clauses = |index: usize, known: Option<&Clauses>| match (group(index), known) {
            ((old, new), Some(known)) if same_sources(old, new) => Arc::clone(known),
            ((_, new), _) => self.compile_group(heap, &spaces, new).into(),
        };
        let old = old.as_deref();
        // Types that the library adds to those declared depend on the rules as well.
        let plain = old.filter(|old| !old.builtin.is_some_and(|builtin| builtin.addition));
        let mut types = clauses(2, plain.map(|old| &old.types));
        let call_types = clauses(3, old.map(|old| &old.call_types));
        let supertypes = clauses(4, old.map(|old| &old.supertypes));
        let call_supertypes = clauses(5, old.map(|old| &old.call_supertypes));
        let mut rules = |index: usize, known: Option<&Rules>| {
            let (old, new) = group(index);
            let added = known.and_then(|known| Some((known, additions(old, new)?)));
            // R1: one empty list is that of many heads, so what is added begins a new one.
            let added = added.filter(|(known, added)| !known.is_empty() || added.is_empty());
            match added {
                Some((known, added)) => {
                    let mut rules = known.clone();
                    for declaration in added {
                        // Only the last space has additions that come behind all others.
                        let clause = self.compile(heap, &declaration, spaces[spaces.len() - 1]);
                        rules.push(heap, clause);
                    }
                    rules
                }
                None => {
                    self.lists += 1;
                    let clauses = self.compile_group(heap, &spaces, new);
                    Rules::new(heap, self.lists, clauses)
                }
            }
        };
        let calls = rules(0, old.map(|old| &old.calls));
        let bare = rules(1, old.map(|old| &old.bare));
        // An addition of the library gives way to a program's own function (ADR-0013).
        let has_rules = |named: &Source| named.as_ref().is_some_and(|rules| !rules.is_empty());
        let own = group(0).1.iter().step_by(2).any(has_rules);
        // The native functions that are symbols are rules of the library: a space that does not import it has none.
        let imported = space == SpaceId::CORELIB || world.uses_library(space);
        let builtin =
            self.builtin(id).filter(|builtin| builtin.grounded || imported && !(builtin.addition && own));
        if let Some(addition) = builtin.filter(|builtin| builtin.addition)
            && types.is_empty()
        {
            types = self.declared_types(heap, id, addition.types());
        }
        let head =
            Head { calls, bare, types, call_types, supertypes, call_supertypes, builtin, own, sources };
        Arc::new(head)
    }

    /// What is known about a symbol for which nothing is declared in so many spaces.
    fn nothing(&mut self, heap: &Heap, spaces: usize) -> Arc<Head> {
        let sources = GROUPS.len() * spaces * 2;
        if let Some(nothing) = self.nothing.iter().find(|head| head.sources.len() == sources) {
            return Arc::clone(nothing);
        }
        self.lists += 1;
        let (rules, none) = (Rules::new(heap, self.lists, Vec::new()), Clauses::default());
        let head = Arc::new(Head {
            calls: rules.clone(),
            bare: rules,
            types: Arc::clone(&none),
            call_types: Arc::clone(&none),
            supertypes: Arc::clone(&none),
            call_supertypes: none,
            builtin: None,
            own: false,
            sources: vec![None; sources],
        });
        self.nothing.push(Arc::clone(&head));
        head
    }

    fn compile_group(&mut self, heap: &mut Heap, spaces: &[SpaceId], group: &[Source]) -> Vec<Arc<Clause>> {
        let mut clauses = Vec::new();
        for (space, sources) in spaces.iter().zip(group.chunks(2)) {
            let start = clauses.len();
            for declaration in sources.iter().flatten().flat_map(Declared::iter) {
                clauses.push(self.compile(heap, declaration, *space));
            }
            if sources.iter().all(Option::is_some) {
                clauses[start..].sort_by_key(|clause: &Arc<Clause>| clause.sequence);
            }
        }
        clauses
    }

    fn compile(&mut self, heap: &mut Heap, declaration: &Arc<Declaration>, space: SpaceId) -> Arc<Clause> {
        // The list of rules keeps the declaration alive, so its address names it.
        let key = (Arc::as_ptr(declaration) as usize, space);
        if let Some(clause) = self.compiled.get(&key) {
            return Arc::clone(clause);
        }
        self.rules.push((Arc::clone(declaration), space));
        let rule = if space == SpaceId::CORELIB { NO_RULE } else { self.rules.len() as RuleId };
        let clause = Arc::new(Clause::compile(heap, declaration, rule));
        self.compiled.insert(key, Arc::clone(&clause));
        clause
    }

    /// Returns the head of the rule with this number, if it is a symbol.
    pub(crate) fn function_of(&self, id: RuleId) -> Option<&Symbol> {
        let (declaration, _) = self.rules.get((id as usize).checked_sub(1)?)?;
        match declaration.left.children().map_or(Some(&declaration.left), <[Atom]>::first) {
            Some(Atom::Symbol(name)) => Some(name),
            _ => None,
        }
    }

    /// Returns the rule with this number.
    pub(crate) fn rule(&self, id: RuleId) -> Option<Rule> {
        let (declaration, space) = self.rules.get((id as usize).checked_sub(1)?)?;
        let Declaration { left, right, .. } = &**declaration;
        let atom = Atom::expression([Atom::symbol("="), left.clone(), right.clone()]);
        Some(Rule { atom, space: *space })
    }
}

/// The spaces that are looked at for declarations. What is imported comes first, the library before all:
/// it was defined first.
fn visible<'a>(world: &'a World, space: SpaceId, late: Option<&'a Snapshot>) -> Vec<(SpaceId, &'a Snapshot)> {
    let library = world.library(space).into_iter().chain(late);
    let library = library.map(|library| (SpaceId::CORELIB, library));
    let own = world.space(space).map(|own| (main_space(space), own));
    library.chain(world.imports(space)).chain(own).collect()
}

fn same_sources(a: &[Source], b: &[Source]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a.as_ref(), b.as_ref()))
}

/// Reports whether two lists of declarations are known to be the same.
pub(crate) fn is_same(a: Option<&Declared>, b: Option<&Declared>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.len() == b.len() && b.extends(a),
        (None, None) => true,
        _ => false,
    }
}

/// What was added to the sources of a group, if that is all that has changed and comes behind all else.
fn additions(old: &[Source], new: &[Source]) -> Option<Vec<Arc<Declaration>>> {
    let (before, [old_named, old_open]) = old.split_last_chunk::<2>()?;
    let (others, [named, open]) = new.split_last_chunk::<2>()?;
    if !same_sources(before, others) {
        return None;
    }
    let added = |old: &Source, new: &Source| match (old, new) {
        (old, new) if is_same(old.as_ref(), new.as_ref()) => Some(Vec::new()),
        (Some(old), Some(new)) if new.extends(old) => {
            Some((old.len()..new.len()).filter_map(|index| new.get(index).cloned()).collect())
        }
        _ => None,
    };
    let (mut all, open) = (added(old_named, named)?, added(old_open, open)?);
    all.extend(open);
    all.sort_by_key(|declaration| declaration.sequence);
    Some(all)
}
