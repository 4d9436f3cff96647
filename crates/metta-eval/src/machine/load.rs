//! Loading modules: the forms of a text, one after the other, in the middle of an evaluation.
//!
//! ```text
//!  import! ──► pursue ──► which module is missing? ──none──► grant: the wish comes true
//!                ▲                 │ one
//!                │             begin: text, forms, a new space
//!                └── end ◄── step: add a form, or collect its results
//! ```
//!
//! Loads nest like calls: a form that imports waits for the inner load. Each form is evaluated under
//! a choice point of its own and all its results are collected, so that nothing that was chosen
//! before a load is taken up again while it lasts.
//!
//! Invariant L1: a load that fails leaves the modules of the world as they were before it.

use std::sync::Arc;

use metta_atom::{Atom, SpaceId};
use metta_syntax::{Form, LineIndex, Words, parse_bytes};

use crate::library::Outcome;
use crate::machine::choices::Alternatives;
use crate::machine::frames::Kind;
use crate::machine::{Machine, NO_RULE, RuleId, Task};
use crate::modules::path::{ModulePath, is_legal, legal};
use crate::modules::source::{ModuleText, SourceError};
use crate::modules::{Modules, local_operation};
use crate::terms::cell::{Cell, View};
use crate::terms::parcel::Parcel;

/// How many forms are added in one task.
const PORTION: usize = 64;
/// About how much memory a form takes for each byte of its text.
const FORM_BYTES: u64 = 16;

/// What a program wants of a module.
#[derive(Clone, Debug)]
pub(crate) enum Wish {
    /// Its atoms in the current module.
    Visible,
    /// A token for its space.
    Named(String),
    /// Its space as a result.
    Space,
    /// That it is loaded.
    Loaded,
    /// Its text in the current module.
    Included {
        /// The name as the program has it.
        written: String,
    },
}

/// A module and what it is wanted for.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) path: ModulePath,
    pub(crate) wish: Wish,
}

/// A text under way.
#[derive(Debug)]
pub(super) struct Load {
    path: ModulePath,
    identity: Arc<str>,
    /// The module in which the forms stand.
    module: SpaceId,
    /// Whether the text is part of a module that was there before.
    included: bool,
    forms: std::vec::IntoIter<Form>,
    /// What ends the text, with its place.
    mistake: Option<String>,
    /// The space, the context and the rule to come back to.
    outer: (SpaceId, SpaceId, RuleId),
    /// The modules as they were.
    before: Arc<Modules>,
    request: Request,
    pub(super) bytes: u64,
}

/// Why a module cannot be had: the reason in the Error of the call.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refused(String);

/// What came of looking for a module.
enum Found {
    /// It was loaded before, maybe under another name.
    Known,
    /// Here is its text.
    Text(ModuleText, Vec<(String, Atom)>),
}

/// The words of a module's text.
struct ModuleWords<'a> {
    machine: &'a Machine,
    module: SpaceId,
}

impl Words for ModuleWords<'_> {
    fn atom(&self, word: &str) -> Option<Atom> {
        if word == "&self" {
            return Some(Atom::space(self.module));
        }
        let local = (self.module != self.machine.home).then(|| local_operation(word, self.module)).flatten();
        local.or_else(|| self.machine.library.atom(word))
    }
}

impl Machine {
    /// Loads what is missing of a module and the modules above it, then grants the wish.
    pub(crate) fn pursue(&mut self, request: Request, call: Cell, expected: Cell) -> Outcome {
        let needed = match &request.wish {
            Wish::Included { .. } => request.path.parent().unwrap_or_else(ModulePath::top),
            _ => request.path.clone(),
        };
        for path in needed.with_parents() {
            if self.world.modules.named(&path).is_some() {
                continue;
            }
            match self.find(&path) {
                Ok(Found::Known) => {}
                Ok(Found::Text(text, exports)) => {
                    return self.begin_module(path, text, exports, request, call, expected);
                }
                Err(Refused(message)) => return Outcome::Failed(message),
            }
        }
        self.grant(request, call, expected)
    }

    /// Looks for a module that has no name yet, below one that has.
    fn find(&mut self, path: &ModulePath) -> Result<Found, Refused> {
        if !is_legal(path.name()) {
            return Err(Refused(format!("Illegal module name: {}", path.name())));
        }
        let parent = path.parent().and_then(|parent| self.world.modules.named(&parent));
        let builtin = self.library.module(path.name()).cloned();
        let sought = match (&builtin, parent) {
            (Some(_), Some(SpaceId::TOP)) => Err(SourceError::NotFound { looked_at: Vec::new() }),
            _ => self.ask_source(path, parent),
        };
        let (text, exports) = match (sought, builtin) {
            (Ok(text), _) => (text, Vec::new()),
            (Err(SourceError::NotFound { .. }), Some(module)) => {
                let text = ModuleText {
                    name: module.name().to_owned(),
                    identity: format!("built-in {}", module.name()),
                    shown: module.name().to_owned(),
                    place: None,
                    text: Some(module.text.as_bytes().to_vec()),
                };
                (text, module.words())
            }
            (Err(SourceError::NotFound { looked_at }), None) => {
                self.note_places(path, &looked_at);
                return Err(Refused(format!("Failed to resolve module {path}")));
            }
            (Err(SourceError::Unavailable(reason)), _) => {
                return Err(Refused(format!("Failed to load module {path}: {reason}")));
            }
        };
        self.check_cycle(&text.identity, path)?;
        if let Some(id) = self.world.modules.identified(&text.identity) {
            self.world.modules_mut().name(path.clone(), id);
            return Ok(Found::Known);
        }
        Ok(Found::Text(text, exports))
    }

    fn ask_source(&self, path: &ModulePath, parent: Option<SpaceId>) -> Result<ModuleText, SourceError> {
        let Some(source) = self.library.source() else {
            return Err(SourceError::NotFound { looked_at: Vec::new() });
        };
        let place = parent.and_then(|id| self.world.modules.module(id)?.place.as_deref());
        source.find(path.name(), place)
    }

    /// Tells the person in front of the program where a module was looked for.
    fn note_places(&mut self, path: &ModulePath, looked_at: &[String]) {
        let places = match looked_at {
            [] if self.library.source().is_none() => "this engine was given no source of modules".to_owned(),
            [] => "there is no place to look at".to_owned(),
            places => format!("looked at {}", places.join(", ")),
        };
        self.trace_line(format!("note: {path}: {places}"));
    }

    /// An Error if the text with this identity is being loaded.
    fn check_cycle(&self, identity: &str, path: &ModulePath) -> Result<(), Refused> {
        let Some(first) = self.loads.iter().position(|load| &*load.identity == identity) else {
            return Ok(());
        };
        let mut chain: Vec<String> = self.loads[first..].iter().map(|load| load.path.to_string()).collect();
        chain.push(match self.loads[first].path == *path {
            true => path.to_string(),
            false => format!("{path}, which is {}", self.loads[first].path),
        });
        Err(Refused(format!("Import cycle: {}", chain.join(" imports "))))
    }

    /// All modules that the request needs are there.
    fn grant(&mut self, request: Request, call: Cell, expected: Cell) -> Outcome {
        if let Wish::Included { written } = request.wish {
            return self.begin_include(request.path, written, call, expected);
        }
        let Some(id) = self.world.modules.named(&request.path) else { return Outcome::NotReducible };
        if let Some(load) = self.loads.iter().find(|load| load.module == id && !load.included)
            && let Err(Refused(message)) = self.check_cycle(&load.identity, &request.path)
        {
            return Outcome::Failed(message);
        }
        match request.wish {
            Wish::Space => return Outcome::Value(Cell::space(id.0)),
            Wish::Visible => {
                let module = self.context;
                self.world.modules_mut().import(module, id);
                self.program.invalidate();
                self.code.invalidate();
                self.untyped.clear();
            }
            Wish::Named(token) => {
                let module = self.context;
                if let Some(tokens) = self.world.modules_mut().tokens_mut(module)
                    && let Err(error) = tokens.bind(&token, Atom::space(id))
                {
                    return Outcome::Failed(crate::library::bad_token(&token, &error));
                }
            }
            Wish::Loaded | Wish::Included { .. } => {}
        }
        Outcome::Unit
    }

    /// Begins to load a text that the program named by other means than a module name.
    pub(crate) fn load_text(
        &mut self,
        found: Result<ModuleText, SourceError>,
        missing: String,
        call: Cell,
        expected: Cell,
    ) -> Outcome {
        let text = match found {
            Ok(text) => text,
            Err(SourceError::NotFound { .. }) => return Outcome::Failed(missing),
            Err(SourceError::Unavailable(reason)) => return Outcome::Failed(reason),
        };
        let path = ModulePath::top().child(&legal(&text.name));
        if let Err(Refused(message)) = self.check_cycle(&text.identity, &path) {
            return Outcome::Failed(message);
        }
        let known = self.world.modules.identified(&text.identity);
        match (self.world.modules.named(&path), known) {
            (Some(named), Some(known)) if named == known => return Outcome::Unit,
            (Some(_), _) => {
                let name = path.name();
                return Outcome::Failed(format!(
                    "Attempt to create module alias with name that conflicts with existing module: {name}"
                ));
            }
            (None, Some(known)) => {
                self.world.modules_mut().name(path, known);
                return Outcome::Unit;
            }
            (None, None) => {}
        }
        let request = Request { path: path.clone(), wish: Wish::Loaded };
        self.begin_module(path, text, Vec::new(), request, call, expected)
    }

    fn begin_module(
        &mut self,
        path: ModulePath,
        text: ModuleText,
        exports: Vec<(String, Atom)>,
        request: Request,
        call: Cell,
        expected: Cell,
    ) -> Outcome {
        let before = Arc::clone(&self.world.modules);
        let id = self.world.new_space();
        let identity: Arc<str> = text.identity.as_str().into();
        let place = text.place.as_deref().map(Arc::from);
        self.world.modules_mut().add(id, path.clone(), Some(Arc::clone(&identity)), place, exports);
        self.begin_load(text, path, identity, (id, false), request, before, call, expected);
        Outcome::Scheduled
    }

    fn begin_include(&mut self, path: ModulePath, written: String, call: Cell, expected: Cell) -> Outcome {
        let parent = path.parent().and_then(|parent| self.world.modules.named(&parent));
        if !is_legal(path.name()) {
            return Outcome::Failed(format!("Illegal module name: {}", path.name()));
        }
        if parent == Some(SpaceId::TOP) && self.library.module(path.name()).is_some() {
            return Outcome::Failed(format!("{} is built in: import it", path.name()));
        }
        let text = match self.ask_source(&path, parent) {
            Ok(text) if text.text.is_some() => text,
            Ok(text) => {
                return Outcome::Failed(format!("no module.metta file found in {} dir module", text.shown));
            }
            Err(SourceError::NotFound { looked_at }) => {
                self.note_places(&path, &looked_at);
                return Outcome::Failed(format!("Failed to resolve module {written}"));
            }
            Err(SourceError::Unavailable(reason)) => {
                return Outcome::Failed(format!("Failed to load module {path}: {reason}"));
            }
        };
        if let Err(Refused(message)) = self.check_cycle(&text.identity, &path) {
            return Outcome::Failed(message);
        }
        let (before, module) = (Arc::clone(&self.world.modules), self.context);
        let identity: Arc<str> = text.identity.as_str().into();
        let request = Request { path: path.clone(), wish: Wish::Included { written } };
        self.begin_load(text, path, identity, (module, true), request, before, call, expected);
        Outcome::Scheduled
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of a load, named by its fields")]
    fn begin_load(
        &mut self,
        text: ModuleText,
        path: ModulePath,
        identity: Arc<str>,
        (module, included): (SpaceId, bool),
        request: Request,
        before: Arc<Modules>,
        call: Cell,
        expected: Cell,
    ) {
        let bytes = text.text.unwrap_or_default();
        let mut parsed = parse_bytes(&bytes, &ModuleWords { machine: self, module });
        self.work += bytes.len() as u64 / 8;
        let mistake = parsed.diagnostics.first().map(|mistake| {
            let (line, column) = LineIndex::new(&bytes).position(mistake.span.start);
            format!("{}:{line}:{column}: {}", text.shown, mistake.message)
        });
        // What stands before a mistake is carried out, as in a main program.
        if let Some(mistake) = parsed.diagnostics.first() {
            parsed.forms.retain(|form| form.span.start < mistake.span.start);
        }
        self.loads.push(Load {
            path,
            identity,
            module,
            included,
            forms: parsed.forms.into_iter(),
            mistake,
            outer: (self.space, self.context, self.rule),
            before,
            request,
            bytes: bytes.len() as u64 * FORM_BYTES,
        });
        (self.space, self.context, self.rule) = (module, module, NO_RULE);
        self.current.stray();
        self.load_step(call, expected, Cell::UNIT);
    }

    /// Goes on with the forms of the innermost load. `last` are the results of the last evaluated one.
    pub(super) fn load_step(&mut self, call: Cell, expected: Cell, last: Cell) {
        for _ in 0..PORTION {
            let Some(load) = self.loads.last_mut() else { return };
            let module = load.module;
            let Some(form) = load.forms.next() else { return self.end_load(call, expected, last) };
            self.count_reduction();
            let atom = self.world.resolve_in(module, &form.atom);
            if form.run || self.world.checks_types() {
                self.program.invalidate();
                self.code.invalidate();
                self.untyped.clear();
                let term = self.heap.import(&atom, &mut rustc_hash::FxHashMap::default(), true);
                let errors = if self.world.checks_types() { self.type_errors(term) } else { Vec::new() };
                if !errors.is_empty() {
                    let list = self.heap.expression(&errors);
                    return self.load_result(call, expected, list);
                }
                if form.run {
                    self.wait_raw(Kind::Load { call, expected, last, more: false });
                    return self.run_form(term);
                }
            }
            self.world.add(module, &atom);
            self.count_stored((form.span.end - form.span.start) as u64);
        }
        self.wait_raw(Kind::Load { call, expected, last, more: true });
        self.task = Task::Deliver(Cell::UNIT);
    }

    /// Collects all results of a form for the current frame.
    fn run_form(&mut self, term: Cell) {
        if self.world.is_bare_minimal() {
            self.choose(Alternatives::Collapsed);
            self.parcels.push(Parcel::default());
            self.wait(Kind::Collapse);
            self.wait_raw(Kind::Deliver);
            self.task = Task::Exec(term);
        } else if term.is_expression() {
            self.begin_collapse(term);
        } else {
            let list = self.heap.expression(&[term]);
            self.task = Task::Deliver(list);
        }
    }

    /// The results of a form are known. An Error among them ends the text.
    pub(super) fn load_result(&mut self, call: Cell, expected: Cell, list: Cell) {
        let results: Vec<Cell> = self.heap.elements(list).unwrap_or(&[]).to_vec();
        let error =
            results.into_iter().map(|cell| self.heap.deref(cell)).find(|cell| self.heap.is_error(*cell));
        match error {
            None => self.load_step(call, expected, list),
            Some(_) if self.loads.last().is_some_and(|load| load.included) => {
                self.leave_load();
                self.conclude(Outcome::Values(list), call, expected);
            }
            Some(error) => self.fail_load(call, expected, error),
        }
    }

    fn end_load(&mut self, call: Cell, expected: Cell, last: Cell) {
        let Some(load) = self.leave_load() else { return };
        let outcome = match load.mistake {
            Some(mistake) => {
                if !load.included {
                    self.world.modules = load.before;
                }
                Outcome::Failed(mistake)
            }
            None if load.included => Outcome::Values(last),
            None => self.pursue(load.request, call, expected),
        };
        self.conclude(outcome, call, expected);
    }

    /// A form of a module answered an Error: its reason is that of the import.
    fn fail_load(&mut self, call: Cell, expected: Cell, error: Cell) {
        let Some(load) = self.leave_load() else { return };
        // L1: names, imports and words are those of before.
        self.world.modules = load.before;
        let reason = match error.slice() {
            Some((address, 3)) => self.heap.element(address, 2),
            _ => error,
        };
        let reason = match self.heap.as_text(reason).map(str::to_owned) {
            Some(text) => Cell::symbol(self.heap.symbols.intern(&text)),
            None => reason,
        };
        let error = self.error(call.unmarked(), reason);
        self.finish_call(call, expected, error);
    }

    /// Ends all but the first `kept` loads half way, as failed ones (L1).
    pub(super) fn abandon_loads(&mut self, kept: usize) {
        while self.loads.len() > kept {
            if let Some(load) = self.leave_load().filter(|load| !load.included) {
                self.world.modules = load.before;
            }
        }
    }

    fn leave_load(&mut self) -> Option<Load> {
        let load = self.loads.pop()?;
        (self.space, self.context, self.rule) = load.outer;
        self.program.invalidate();
        self.code.invalidate();
        self.untyped.clear();
        Some(load)
    }

    /// The module in whose text the operation of a call was read, if that was not the main program.
    pub(crate) fn module_of(&self, call: Cell) -> Option<SpaceId> {
        let (address, _) = call.slice()?;
        match self.heap.element(address, 0).view() {
            View::Operation(id) => crate::modules::module_of(self.heap.symbols.name(id)),
            _ => None,
        }
    }
}
