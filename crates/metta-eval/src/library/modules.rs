//! Modules and the words they bind (semantics 12, 15.9).

use metta_atom::{Atom, Grounded, SpaceId};

use super::{Builtin, Call, Outcome};
use crate::machine::{Machine, Request, Wish};
use crate::modules::{bare_space, path::ModulePath};
use crate::operation::Effect::{Outside, Prints, Pure, State};
use crate::terms::cell::{Cell, View};

pub(super) const TABLE: &[Builtin] = &[
    Builtin::operation("import!", "(-> Atom Atom (->))", Outside, import),
    Builtin::operation("include", "(-> Atom %Undefined%)", Outside, include),
    Builtin::operation("mod-space!", "(-> Atom SpaceType)", Outside, module_space),
    Builtin::operation("module-space-no-deps", "(-> SpaceType SpaceType)", Pure, without_imports),
    Builtin::operation("print-mods!", "(-> (->))", Prints, print_modules),
    Builtin::operation("register-module!", "(-> Atom (->))", Outside, register),
    Builtin::operation("git-module!", "(-> Atom (->)) (-> Atom Atom (->))", Outside, fetch).taking(1, 2),
    Builtin::operation("bind!", "(-> Symbol %Undefined% (->))", State, bind_token)
        .usage("bind! expects two arguments: token and atom"),
];

/// The text of an argument that is a name: a symbol, a string or another word.
fn name(machine: &mut Machine, call: Call, index: u32) -> Option<String> {
    if index >= call.count {
        return None;
    }
    match machine.export(call.argument(machine, index)) {
        Atom::Symbol(symbol) => Some(symbol.name().to_owned()),
        Atom::Grounded(Grounded::Text(text)) => Some(text.to_string()),
        Atom::Grounded(value) => Some(value.to_string()),
        Atom::Variable(_) | Atom::Expression(_) => None,
    }
}

/// The module that a name means where the program runs.
fn path(machine: &Machine, name: &str) -> ModulePath {
    let here = machine.world.modules.module(machine.context);
    here.map_or_else(ModulePath::top, |module| module.path.clone()).resolve(name)
}

fn pursue(machine: &mut Machine, call: Call, name: &str, wish: Wish) -> Outcome {
    let request = Request { path: path(machine, name), wish };
    machine.pursue(request, call.term, call.expected)
}

fn import(machine: &mut Machine, call: Call) -> Outcome {
    let Some(name) = name(machine, call, 1) else {
        return Outcome::Failed("import! expects a destination &space and a module name argument".to_owned());
    };
    let destination = call.argument(machine, 0);
    let wish = match destination.view() {
        View::Symbol(id) => {
            let token = machine.heap.symbols.name(id);
            Wish::Named(if token.starts_with('&') { token.to_owned() } else { format!("&{token}") })
        }
        View::Space(id) if SpaceId(id) == machine.context => Wish::Visible,
        _ => {
            let found = machine.export(destination);
            let grounded = matches!(found, Atom::Grounded(_));
            let found = machine.world.print(&found);
            let found = if grounded { format!("{{{found}}}") } else { found };
            return Outcome::Failed(format!(
                "import! destination argument must be a symbol atom naming a new space, or &self.  Found: {found}"
            ));
        }
    };
    pursue(machine, call, &name, wish)
}

fn include(machine: &mut Machine, call: Call) -> Outcome {
    match name(machine, call, 0) {
        Some(written) => pursue(machine, call, &written.clone(), Wish::Included { written }),
        None => Outcome::Failed("include expects a module name argument".to_owned()),
    }
}

fn module_space(machine: &mut Machine, call: Call) -> Outcome {
    match name(machine, call, 0) {
        Some(name) => pursue(machine, call, &name, Wish::Space),
        None => Outcome::Failed("mod-space! expects a module name argument".to_owned()),
    }
}

fn without_imports(machine: &mut Machine, call: Call) -> Outcome {
    match machine.as_space(call.argument(machine, 0)) {
        Some(id) if machine.world.modules.module(id).is_some() => {
            Outcome::Value(Cell::space(bare_space(id).0))
        }
        Some(id) => Outcome::Value(Cell::space(id.0)),
        None => Outcome::Failed("module-space-no-deps expects a space as an argument".to_owned()),
    }
}

fn print_modules(machine: &mut Machine, call: Call) -> Outcome {
    if call.count > 0 {
        return Outcome::Failed("print-mods! expects no arguments".to_owned());
    }
    let tree = machine.world.modules.tree();
    machine.print_line(tree);
    Outcome::Unit
}

fn register(machine: &mut Machine, call: Call) -> Outcome {
    let Some(path) = name(machine, call, 0) else {
        return Outcome::Failed(
            "register-module! expects a file system path; use quotes if needed".to_owned(),
        );
    };
    let missing = format!("No module format able to interpret module at {path}");
    let Some(source) = machine.library.source().cloned() else { return Outcome::Failed(missing) };
    machine.load_text(source.open(&path), missing, call.term, call.expected)
}

fn fetch(machine: &mut Machine, call: Call) -> Outcome {
    let Some(url) = name(machine, call, 0) else {
        return Outcome::Failed("git-module! expects a URL; use quotes if needed".to_owned());
    };
    let commit = name(machine, call, 1);
    if call.count > 1 && commit.is_none() {
        return Outcome::Failed(
            "git-module! expects a commit after the URL; use quotes if needed".to_owned(),
        );
    }
    let Some(source) = machine.library.source().cloned() else {
        return Outcome::Failed("this engine was given no source of modules".to_owned());
    };
    let missing = format!("no module in {url}");
    machine.load_text(source.fetch(&url, commit.as_deref()), missing, call.term, call.expected)
}

fn bind_token(machine: &mut Machine, call: Call) -> Outcome {
    let Some(word) = machine.heap.symbol_of(call.argument(machine, 0)).cloned() else {
        return Outcome::Failed("bind! expects symbol atom as a token".to_owned());
    };
    let atom = machine.export(call.argument(machine, 1));
    let module = machine.module_of(call.term).unwrap_or(machine.home);
    let Some(tokens) = machine.world.modules_mut().tokens_mut(module) else { return Outcome::NotReducible };
    match tokens.bind(word.name(), atom) {
        Ok(()) => Outcome::Unit,
        Err(error) => Outcome::Failed(bad_token(word.name(), &error)),
    }
}

/// The message for a word that is not a regular expression.
pub(crate) fn bad_token(word: &str, error: &regex::Error) -> String {
    let text = error.to_string();
    let reason = text.lines().rev().find_map(|line| line.strip_prefix("error: ")).unwrap_or(&text);
    format!("Could not convert token {word} into a regular expression: {reason}")
}
