//! Modules: texts with a space, bound words and imports of their own (semantics 12.1).
//!
//! A module is known by its space, which `&self` denotes in its text. An import makes the
//! atoms of the imported module and of all that it imported visible in queries and in the
//! lookup of rules and types, each once. Names form a tree from the main program down.

pub(crate) mod builtin;
pub(crate) mod path;
pub(crate) mod source;
pub(crate) mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use metta_atom::{Atom, SpaceId};

use path::ModulePath;
use tokens::Tokens;

/// The bit of an identity that stands for a module's space without what it imports.
const BARE: u64 = 1 << 40;

/// The space itself, whether or not its imports are to be seen.
pub(crate) fn main_space(id: SpaceId) -> SpaceId {
    SpaceId(id.0 & !BARE)
}

/// The space without its imports.
pub(crate) fn bare_space(id: SpaceId) -> SpaceId {
    SpaceId(id.0 | BARE)
}

/// Words that mean something else in the text of each module.
const LOCAL_WORDS: [&str; 3] = ["bind!", "capture", "get-type"];

/// What stands between the name of such an operation and its module; printing stops there.
const MARK: char = metta_atom::OPERATION_MARK;

/// The operation that a local word stands for in the text of a module.
pub(crate) fn local_operation(word: &str, module: SpaceId) -> Option<Atom> {
    LOCAL_WORDS.contains(&word).then(|| Atom::operation(format!("{word}{MARK}{}", module.0)))
}

/// The name of an operation without its module.
pub(crate) fn plain_name(name: &str) -> &str {
    name.split(MARK).next().unwrap_or(name)
}

/// The module of a local operation.
pub(crate) fn module_of(name: &str) -> Option<SpaceId> {
    name.split_once(MARK)?.1.parse().ok().map(SpaceId)
}

/// One module.
#[derive(Clone, Debug)]
pub(crate) struct Module {
    pub(crate) path: ModulePath,
    /// In the order of loading.
    number: usize,
    /// What it imported, directly or not, in order; the library is not listed.
    deps: Arc<Vec<SpaceId>>,
    tokens: Arc<Tokens>,
    /// Words that importing modules get.
    exports: Arc<Vec<(String, Atom)>>,
    /// Modules whose exported words it has.
    known: BTreeSet<SpaceId>,
    /// Where its submodules are looked for.
    pub(crate) place: Option<Arc<str>>,
}

impl Module {
    fn new(path: ModulePath, number: usize, place: Option<Arc<str>>) -> Self {
        Module {
            path,
            number,
            deps: Arc::default(),
            tokens: Arc::default(),
            exports: Arc::default(),
            known: BTreeSet::new(),
            place,
        }
    }
}

/// All modules of a world.
#[derive(Clone, Debug, Default)]
pub(crate) struct Modules {
    modules: BTreeMap<SpaceId, Module>,
    names: BTreeMap<ModulePath, SpaceId>,
    identities: BTreeMap<Arc<str>, SpaceId>,
    /// Modules that another one imported.
    imported: BTreeSet<SpaceId>,
}

impl Modules {
    /// The main program and the library.
    pub(crate) fn new() -> Self {
        let top = ModulePath::top();
        let (corelib, stdlib) = (top.child("corelib"), top.child("stdlib"));
        let modules = [(SpaceId::TOP, top.clone()), (SpaceId::CORELIB, corelib.clone())];
        let modules = modules.into_iter().enumerate();
        Modules {
            modules: modules.map(|(number, (id, path))| (id, Module::new(path, number, None))).collect(),
            names: BTreeMap::from([
                (top, SpaceId::TOP),
                (corelib, SpaceId::CORELIB),
                (stdlib, SpaceId::CORELIB),
            ]),
            identities: BTreeMap::new(),
            imported: BTreeSet::new(),
        }
    }

    pub(crate) fn module(&self, id: SpaceId) -> Option<&Module> {
        self.modules.get(&id)
    }

    pub(crate) fn named(&self, path: &ModulePath) -> Option<SpaceId> {
        self.names.get(path).copied()
    }

    pub(crate) fn identified(&self, identity: &str) -> Option<SpaceId> {
        self.identities.get(identity).copied()
    }

    /// Gives a module another name.
    pub(crate) fn name(&mut self, path: ModulePath, id: SpaceId) {
        self.names.insert(path, id);
    }

    /// Adds a module whose space is `id`.
    pub(crate) fn add(
        &mut self,
        id: SpaceId,
        path: ModulePath,
        identity: Option<Arc<str>>,
        place: Option<Arc<str>>,
        exports: Vec<(String, Atom)>,
    ) {
        let mut module = Module::new(path.clone(), self.modules.len(), place);
        module.exports = Arc::new(exports);
        self.modules.insert(id, module);
        self.names.insert(path, id);
        self.identities.extend(identity.map(|identity| (identity, id)));
        self.export(id, id);
    }

    /// Makes what `from` has and has imported visible in `into`. Doing it again changes nothing.
    pub(crate) fn import(&mut self, into: SpaceId, from: SpaceId) {
        let Some(module) = self.modules.get(&from) else { return };
        let wanted: Vec<SpaceId> = std::iter::once(from).chain(module.deps.iter().copied()).collect();
        let Some(target) = self.modules.get_mut(&into) else { return };
        if from == into || from == SpaceId::CORELIB {
            return;
        }
        let deps = Arc::make_mut(&mut target.deps);
        for id in wanted {
            if id != into && !deps.contains(&id) {
                deps.push(id);
                self.imported.insert(id);
            }
        }
        self.export(from, into);
    }

    /// Gives `into` the words of `from`.
    fn export(&mut self, from: SpaceId, into: SpaceId) {
        let Some(words) = self.modules.get(&from).map(|module| Arc::clone(&module.exports)) else { return };
        if let Some(module) = self.modules.get_mut(&into)
            && module.known.insert(from)
            && !words.is_empty()
        {
            let tokens = Arc::make_mut(&mut module.tokens);
            for (word, atom) in words.iter() {
                tokens.bind_word(word, atom.clone());
            }
        }
    }

    /// What a module imported.
    pub(crate) fn deps(&self, id: SpaceId) -> &[SpaceId] {
        self.modules.get(&id).map_or(&[], |module| module.deps.as_slice())
    }

    /// Reports whether another module imported this one.
    pub(crate) fn is_imported(&self, id: SpaceId) -> bool {
        self.imported.contains(&id)
    }

    pub(crate) fn tokens(&self, id: SpaceId) -> Option<&Tokens> {
        self.modules.get(&id).map(|module| &*module.tokens)
    }

    pub(crate) fn tokens_mut(&mut self, id: SpaceId) -> Option<&mut Tokens> {
        self.modules.get_mut(&id).map(|module| Arc::make_mut(&mut module.tokens))
    }

    /// The tree of names, one line each, siblings in alphabetical order.
    pub(crate) fn tree(&self) -> String {
        let mut text = String::new();
        let names: Vec<(&ModulePath, &SpaceId)> = self.names.iter().collect();
        // Whether another sibling follows, for each ancestor below the top.
        let mut open: Vec<bool> = Vec::new();
        for (index, (path, id)) in names.iter().enumerate() {
            let number = self.modules.get(id).map_or(0, |module| module.number);
            let depth = path.depth();
            open.truncate(depth.saturating_sub(1));
            for more in &open {
                text.push_str(if *more { " │ " } else { "   " });
            }
            if depth > 0 {
                let parent = path.parent();
                let more = names[index + 1..]
                    .iter()
                    .take_while(|(other, _)| parent.as_ref().is_some_and(|parent| parent.contains(other)))
                    .any(|(other, _)| other.depth() == depth);
                text.push_str(if more { " ├─" } else { " └─" });
                open.push(more);
            }
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{} = {number}", path.name());
        }
        text
    }
}
