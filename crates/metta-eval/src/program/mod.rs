//! Clauses and types of the heads that a machine has met, compiled on first use.
//!
//! An entry is checked against the space once per evaluation and whenever the
//! evaluation itself changes a declaration of that head; the check compares
//! pointers, and only clauses that were never seen are compiled.

pub(crate) mod clause;

use std::sync::Arc;

use metta_atom::{Atom, OPERATION_MARK, SpaceId};
use metta_space::{Declaration, Key, Relation, Snapshot};
use rustc_hash::FxHashMap;

use crate::library::{Builtin, Library, documentation};
use crate::machine::{NO_RULE, Rule, RuleId};
use crate::modules::{bare_space, main_space};
use crate::program::clause::Clause;
use crate::terms::cell::SymbolId;
use crate::terms::heap::Heap;
use crate::terms::symbols::is_documentation;
use crate::world::World;

/// Compiled declarations, in the order in which their alternatives come.
pub(crate) type Clauses = Arc<[Arc<Clause>]>;

type Source = Option<Arc<Vec<Arc<Declaration>>>>;

/// What is declared about one head symbol, or about all heads that are not symbols.
#[derive(Debug)]
pub(crate) struct Head {
    /// Rules for calls `(head ...)`.
    pub(crate) calls: Clauses,
    /// Rules for the bare symbol.
    pub(crate) bare: Clauses,
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
    sources: Vec<Source>,
    epoch: u64,
}

impl Head {
    /// Reports whether both say the same.
    pub(crate) fn same_as(&self, other: &Head) -> bool {
        let same = |a: &Clauses, b: &Clauses| {
            Arc::ptr_eq(a, b) || a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| Arc::ptr_eq(a, b))
        };
        same(&self.calls, &other.calls)
            && same(&self.types, &other.types)
            && same(&self.call_types, &other.call_types)
            && same(&self.supertypes, &other.supertypes)
            && self.builtin.map(|builtin| builtin.name) == other.builtin.map(|builtin| builtin.name)
    }
}

/// The key of the heads that are not symbols.
pub(crate) const OPEN: SymbolId = SymbolId(u32::MAX);

/// The groups of declarations in an entry, and whether the left side is a call.
const GROUPS: [(Relation, bool); 6] = [
    (Relation::Equation, true),
    (Relation::Equation, false),
    (Relation::HasType, false),
    (Relation::HasType, true),
    (Relation::SubType, false),
    (Relation::SubType, true),
];

/// The cache.
#[derive(Debug, Default)]
pub(crate) struct Program {
    heads: FxHashMap<(SpaceId, SymbolId), Arc<Head>>,
    /// By address of the declaration, and space.
    compiled: FxHashMap<(usize, SpaceId), Arc<Clause>>,
    /// What was compiled, from rule 1 on.
    rules: Vec<(Arc<Declaration>, SpaceId)>,
    epoch: u64,
    builtins: FxHashMap<SymbolId, &'static Builtin>,
    operation_types: FxHashMap<SymbolId, Clauses>,
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

    /// Makes every entry prove itself again, for a new world.
    pub(crate) fn invalidate(&mut self) {
        self.epoch += 1;
    }

    /// Makes the entry of one head in `space` and in what imports it prove itself again.
    pub(crate) fn invalidate_head(&mut self, world: &World, space: SpaceId, head: Option<SymbolId>) {
        match head {
            Some(id) if !world.modules.is_imported(main_space(space)) => {
                self.heads.remove(&(main_space(space), id));
                self.heads.remove(&(bare_space(space), id));
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
        if let Some(head) = self.heads.get(&(space, id))
            && head.epoch == self.epoch
        {
            return Arc::clone(head);
        }
        let head = Arc::new(self.fetch(heap, world, space, id));
        self.heads.insert((space, id), Arc::clone(&head));
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

    fn fetch(&mut self, heap: &mut Heap, world: &World, space: SpaceId, id: SymbolId) -> Head {
        let name = (id != OPEN).then(|| heap.symbols.symbol(id).clone());
        let name = name.as_ref().map(|symbol| symbol.name());
        let late = if is_documentation(id) { self.documentation(world, space).cloned() } else { None };
        let spaces = visible(world, space, late.as_ref());
        let mut sources = Vec::new();
        let mut groups = Vec::new();
        for (relation, call) in GROUPS {
            let mut group = Vec::new();
            for (id, space) in &spaces {
                let named = name.and_then(|name| {
                    space.declarations(relation, if call { Key::Call(name) } else { Key::Symbol(name) })
                });
                let open = space.declarations(relation, Key::Open);
                group.push((*id, named.clone(), open.clone()));
                sources.push(named);
                sources.push(open);
            }
            groups.push(group);
        }
        if let Some(old) = self.heads.get(&(space, id))
            && same_sources(&old.sources, &sources)
        {
            return Head {
                calls: Arc::clone(&old.calls),
                bare: Arc::clone(&old.bare),
                types: Arc::clone(&old.types),
                call_types: Arc::clone(&old.call_types),
                supertypes: Arc::clone(&old.supertypes),
                call_supertypes: Arc::clone(&old.call_supertypes),
                builtin: old.builtin,
                own: old.own,
                sources,
                epoch: self.epoch,
            };
        }
        // An addition of the library gives way to a program's own function (ADR-0013).
        let has_rules = |named: &Source| named.as_ref().is_some_and(|rules| !rules.is_empty());
        let own = groups.first().is_some_and(|calls| calls.iter().any(|(_, named, _)| has_rules(named)));
        let mut groups = groups.into_iter();
        let mut next = || match groups.next() {
            Some(group) => self.compile_group(heap, group),
            None => Arc::new([]),
        };
        // In the order of GROUPS.
        let (calls, bare) = (next(), next());
        let (mut types, call_types) = (next(), next());
        let (supertypes, call_supertypes) = (next(), next());
        // The native functions that are symbols are rules of the library: a space that does not import it has none.
        let imported = space == SpaceId::CORELIB || world.uses_library(space);
        let builtin =
            self.builtin(id).filter(|builtin| builtin.grounded || imported && !(builtin.addition && own));
        if let Some(addition) = builtin.filter(|builtin| builtin.addition)
            && types.is_empty()
        {
            types = self.declared_types(heap, id, addition.types());
        }
        Head {
            calls,
            bare,
            types,
            call_types,
            supertypes,
            call_supertypes,
            builtin,
            own,
            sources,
            epoch: self.epoch,
        }
    }

    fn compile_group(&mut self, heap: &mut Heap, group: Vec<(SpaceId, Source, Source)>) -> Clauses {
        let mut clauses = Vec::new();
        for (space, named, open) in group {
            let start = clauses.len();
            for declaration in named.iter().chain(&open).flat_map(|source| source.iter()) {
                clauses.push(self.compile(heap, declaration, space));
            }
            if open.is_some() {
                clauses[start..].sort_by_key(|clause: &Arc<Clause>| clause.sequence);
            }
        }
        clauses.into()
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
    a.len() == b.len()
        && a.iter().zip(b).all(|pair| match pair {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        })
}
