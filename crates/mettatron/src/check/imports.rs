//! The modules that a program imports, read without running them.

use std::collections::HashSet;

use metta_atom::Atom;
use metta_eval::{ModuleSource, ModuleText, SourceError};
use metta_syntax::parts;

use super::{Program, head, name, read};
use crate::diagnosis::{Finding, Label, Place, Severity, nearest};

/// An import that is written in a text.
struct Import {
    module: String,
    at: Place,
    /// Where the text is looked for first.
    from: Option<String>,
}

/// Reads the modules of a program and theirs, and reports those that do not exist.
pub(super) fn follow(program: &mut Program<'_>, modules: &dyn ModuleSource) {
    let mut pending: Vec<Import> =
        (0..program.texts.len()).flat_map(|text| list(program, text, None)).collect();
    pending.reverse();
    let mut seen: HashSet<String> = HashSet::new();
    while let Some(import) = pending.pop() {
        let parts: Vec<&str> =
            import.module.split(':').filter(|part| !matches!(*part, "top" | "self" | "")).collect();
        if let [only] = parts[..]
            && program.texts.library().module_names().any(|name| name == only)
        {
            program.builtins.insert(only.to_owned());
            continue;
        }
        match find(modules, &parts, import.from.clone()) {
            Ok(found) if seen.insert(found.identity.clone()) => {
                let Some(bytes) = found.text else { continue };
                let text = program.texts.add(found.shown, bytes);
                let (forms, _) = read(program.texts, text);
                program.imported.extend(forms);
                pending.extend(list(program, text, found.place));
            }
            Ok(_) => {}
            Err(error) => missing(program, &import, &error),
        }
    }
}

/// Finds a module by the parts of its path; `None` parts name the program itself.
fn find(modules: &dyn ModuleSource, parts: &[&str], from: Option<String>) -> Result<ModuleText, SourceError> {
    let mut found = ModuleText { place: from, ..ModuleText::default() };
    for part in parts {
        found = modules.find(part, found.place.as_deref())?;
    }
    Ok(found)
}

/// Lists the imports in a text.
fn list(program: &mut Program<'_>, text: usize, from: Option<String>) -> Vec<Import> {
    let (forms, _) = read(program.texts, text);
    let Some(bytes) = program.texts.get(text).map(|text| text.bytes()) else { return Vec::new() };
    let mut imports = Vec::new();
    for written in &forms {
        // What is not run may be data; an import in a rule is looked at when it is called.
        if !written.form.run {
            continue;
        }
        let parts = parts(bytes, &written.form);
        for part in &parts {
            let argument = match head(part.atom) {
                Some("import!") => 2,
                Some("include" | "mod-space!") => 1,
                Some("register-module!" | "git-module!") => {
                    program.open = true;
                    continue;
                }
                _ => continue,
            };
            let module = part.atom.children().and_then(|children| children.get(argument));
            match module.and_then(name) {
                Some(module) => {
                    let at = parts
                        .iter()
                        .filter(|other| other.span.start > part.span.start && other.span.end < part.span.end)
                        .find(|other| name(other.atom) == Some(module))
                        .map_or(part.span, |other| other.span);
                    let at = Place { text, span: at };
                    imports.push(Import { module: module.to_owned(), at, from: from.clone() });
                }
                None => program.open |= !module.is_some_and(Atom::is_error),
            }
        }
    }
    imports
}

fn missing(program: &mut Program<'_>, import: &Import, error: &SourceError) {
    // A module may have been registered under the name.
    if program.open {
        return;
    }
    program.open = true;
    let module = &import.module;
    let near = nearest(module, program.texts.library().module_names());
    let (message, help) = match (error, near.first()) {
        (_, Some(near)) => {
            (format!("there is no module `{module}`"), Some(format!("did you mean `{near}`?")))
        }
        (SourceError::NotFound { looked_at }, None) => {
            let looked_at: Vec<String> = looked_at.iter().map(|place| format!("`{place}`")).collect();
            let help = format!("looked for {}", looked_at.join(", "));
            (format!("there is no module `{module}`"), Some(help).filter(|_| !looked_at.is_empty()))
        }
        (other, None) => (format!("the module `{module}` cannot be read: {other}"), None),
    };
    let labels = vec![Label { place: import.at, words: "imported here".to_owned() }];
    program.findings.push(Finding { code: "E0601", severity: Severity::Error, message, help, labels });
}
