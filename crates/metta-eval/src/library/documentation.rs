//! The descriptions of the library's functions, and what looks them up.
//!
//! They are MeTTa facts, one text for each area of the library: `(@doc name ..)` as programs write
//! them, beside it `(@example name program results)`, `(@cost name text)` and `(@differs name text)`.
//! `get-doc` and `help!`, which `help.metta` defines, look them up, and so can programs; the reference
//! pages are made of them. All this is read when a program first names a word of it.

use metta_atom::{Atom, Grounded};
use metta_space::Snapshot;
use metta_syntax::parse;

use super::Library;

/// An area of the library: the name of its page, its title, its facts.
const AREAS: &[(&str, &str, &str)] = &[
    ("control", "Control of evaluation", include_str!("docs/control.metta")),
    ("minimal", "Minimal MeTTa", include_str!("docs/minimal.metta")),
    ("types", "Types and errors", include_str!("docs/types.metta")),
    ("numbers", "Equality, booleans and arithmetic", include_str!("docs/numbers.metta")),
    ("math", "Mathematics", include_str!("docs/math.metta")),
    ("expressions", "Expressions and sets", include_str!("docs/expressions.metta")),
    ("spaces", "Spaces and states", include_str!("docs/spaces.metta")),
    ("output", "Output", include_str!("docs/output.metta")),
    ("strings", "Strings and characters", include_str!("docs/strings.metta")),
    ("limits", "First results and limits", include_str!("docs/limits.metta")),
    ("assertions", "Assertions", include_str!("docs/assertions.metta")),
    ("modules", "Modules", include_str!("docs/modules.metta")),
    ("help", "Documentation", include_str!("docs/help.metta")),
];

/// The functions that look descriptions up and print them, with the types of descriptions.
const HELP: &str = include_str!("help.metta");

/// The words that documentation is about: what is known about them is in [`documentation`] and not in
/// the space of the library.
pub(crate) const WORDS: [&str; 22] = [
    // Heads of facts about functions.
    "@doc",
    "@example",
    "@cost",
    "@differs",
    // What else `HELP` declares.
    "@desc",
    "@params",
    "@param",
    "@return",
    "@doc-formal",
    "@item",
    "@kind",
    "@type",
    "get-doc",
    "get-doc-single-atom",
    "get-doc-function",
    "get-doc-atom",
    "get-doc-params",
    "undefined-doc-function-type",
    "help!",
    "help-internal!",
    "help-param!",
    "help-space!",
];

/// Makes the space of descriptions, types and rules that the library has for documentation.
pub(crate) fn documentation() -> Snapshot {
    let mut space = super::space_of(AREAS.iter().map(|(_, _, text)| *text));
    for form in parse(HELP, &Library::new()).forms {
        space.add(&form.atom);
    }
    space
}

/// A part of the library, as the reference shows it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Area {
    /// A word for it, as in the name of its page.
    pub name: &'static str,
    /// Its title.
    pub title: &'static str,
    /// What it holds, in the order of the reference.
    pub descriptions: Vec<Description>,
}

/// What the documentation says about a function or another atom of the library.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Description {
    /// What is described.
    pub item: Atom,
    /// Its meaning.
    pub meaning: String,
    /// The meaning of each parameter and of the result; `None` for what is no function.
    pub signature: Option<(Vec<String>, String)>,
    /// Programs, each with the result lists it prints, one a line.
    pub examples: Vec<(String, String)>,
    /// What a call costs, where there is something to say.
    pub cost: Option<String>,
    /// How it differs from the reference engine.
    pub differs: Option<String>,
}

impl Library {
    /// Reads the descriptions of the standard functions, area by area.
    ///
    /// Cost: O(length of all descriptions).
    pub fn areas() -> Vec<Area> {
        let read = |&(name, title, text)| Area { name, title, descriptions: descriptions(text) };
        AREAS.iter().map(read).collect()
    }
}

impl Description {
    /// Reads the descriptions in a text, which programs write like those of the library (`@doc`).
    ///
    /// Cost: O(length of the text) for each description.
    pub fn in_text(text: &str) -> Vec<Description> {
        descriptions(text)
    }
}

/// The descriptions in a text, each with the facts about it.
fn descriptions(text: &str) -> Vec<Description> {
    let facts = atoms(text);
    let about = |relation: &'static str, item: &Atom| -> Vec<Vec<String>> {
        let parts = facts.iter().filter_map(|fact| parts(fact, relation));
        parts.filter(|parts| parts.first() == Some(item)).map(|parts| texts(&parts[1..])).collect()
    };
    let first = |relation, item: &Atom| about(relation, item).concat().into_iter().next();
    let describe = |parts: &[Atom]| {
        let (item, sections) = parts.split_first()?;
        let section = |name| sections.iter().find_map(|section| self::parts(section, name));
        let parameters = section("@params").and_then(|list| list.first()?.children());
        let result = section("@return").and_then(|parts| texts(parts).pop());
        let parameter = |atom: &Atom| texts(self::parts(atom, "@param").unwrap_or_default()).concat();
        let examples = about("@example", item).into_iter();
        Some(Description {
            item: item.clone(),
            meaning: texts(section("@desc")?).concat(),
            signature: parameters.map(|list| list.iter().map(parameter).collect()).zip(result),
            examples: examples
                .filter_map(|mut example| example.pop().and_then(|results| Some((example.pop()?, results))))
                .collect(),
            cost: first("@cost", item),
            differs: first("@differs", item),
        })
    };
    facts.iter().filter_map(|fact| describe(parts(fact, "@doc")?)).collect()
}

/// The atoms of a text.
fn atoms(text: &str) -> Vec<Atom> {
    parse(text, &Library::new()).forms.into_iter().map(|form| form.atom).collect()
}

/// What follows the head of an expression, if the head is `relation`.
fn parts<'a>(atom: &'a Atom, relation: &str) -> Option<&'a [Atom]> {
    match atom.children()? {
        [head, parts @ ..] if head.as_symbol() == Some(relation) => Some(parts),
        _ => None,
    }
}

/// The strings among some atoms.
fn texts(atoms: &[Atom]) -> Vec<String> {
    let text = |atom: &Atom| match atom {
        Atom::Grounded(Grounded::Text(text)) => Some(text.to_string()),
        Atom::Grounded(_) | Atom::Symbol(_) | Atom::Variable(_) | Atom::Expression(_) => None,
    };
    atoms.iter().filter_map(text).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::library::{CORELIB, builtins};

    /// The function types of what the library defines, by name; atoms without a type are there too.
    fn defined() -> BTreeMap<String, Vec<Atom>> {
        let mut types: BTreeMap<String, Vec<Atom>> = BTreeMap::new();
        for builtin in builtins() {
            types.insert(builtin.name.to_owned(), Library::new().types(builtin.name));
        }
        for atom in [CORELIB, HELP].into_iter().flat_map(atoms) {
            let (left, types_of_left) = match atom.children() {
                Some([colon, left, right]) if colon.as_symbol() == Some(":") => (left, vec![right.clone()]),
                Some([equal, left, _]) if equal.as_symbol() == Some("=") => {
                    (&left.children().unwrap()[0], Vec::new())
                }
                _ => panic!("neither a type nor a rule: {atom}"),
            };
            types.entry(left.to_string()).or_default().extend(types_of_left);
        }
        types.retain(|name, _| !name.starts_with('_'));
        types
    }

    #[test]
    fn what_help_declares_is_known_by_name() {
        assert!(parse(HELP, &Library::new()).diagnostics.is_empty());
        for atom in atoms(HELP) {
            let left = &atom.children().unwrap()[1];
            let head = left.children().map_or(left, |call| &call[0]);
            assert!(WORDS.contains(&head.as_symbol().unwrap()), "{head} is missing in WORDS");
        }
    }

    fn described() -> Vec<Description> {
        Library::areas().into_iter().flat_map(|area| area.descriptions).collect()
    }

    #[test]
    fn every_function_is_described_once() {
        let defined: BTreeSet<String> = defined().into_keys().collect();
        let mut names: Vec<String> = described().iter().map(|it| it.item.to_string()).collect();
        names.sort_unstable();
        let once: BTreeSet<String> = names.iter().cloned().collect();
        assert_eq!(names, once.iter().cloned().collect::<Vec<_>>(), "described twice");
        let missing: Vec<_> = defined.difference(&once).collect();
        assert!(missing.is_empty(), "not described in library/docs: {missing:?}");
        let unknown: Vec<_> = once.difference(&defined).collect();
        assert!(unknown.is_empty(), "described, but not in the library: {unknown:?}");
    }

    #[test]
    fn descriptions_have_the_parameters_of_the_types() {
        let defined = defined();
        for description in described() {
            let name = description.item.to_string();
            let arities: Vec<usize> =
                defined[&name].iter().filter_map(|it| parts(it, "->")).map(|it| it.len() - 1).collect();
            let described = description.signature.as_ref().map(|(parameters, _)| parameters.len());
            let fits = described.map_or(arities.is_empty(), |n| arities.is_empty() || arities.contains(&n));
            assert!(fits, "{name} takes {arities:?} arguments, described are {described:?}");
            let texts = description
                .signature
                .iter()
                .flat_map(|(parameters, result)| parameters.iter().chain([result]));
            assert!(texts.chain([&description.meaning]).all(|text| !text.is_empty()), "{name} lacks a text");
        }
    }

    #[test]
    fn facts_are_about_what_is_described() {
        for (area, _, text) in AREAS {
            assert!(parse(text, &Library::new()).diagnostics.is_empty(), "{area}");
            let items: Vec<Atom> = descriptions(text).into_iter().map(|it| it.item).collect();
            for atom in atoms(text) {
                let [head, item, ..] = atom.children().unwrap() else { panic!("{area}: {atom}") };
                assert!(WORDS[..4].contains(&head.as_symbol().unwrap()), "{area}: {atom}");
                assert!(items.contains(item), "{area}: {atom} is about nothing");
            }
            let count = |relation| atoms(text).iter().filter(|atom| parts(atom, relation).is_some()).count();
            let all = descriptions(text);
            assert_eq!(count("@doc"), all.len(), "{area}");
            assert_eq!(count("@example"), all.iter().map(|it| it.examples.len()).sum::<usize>(), "{area}");
        }
    }
}
