//! Names that nothing declares and that look like a known one.

use std::collections::{BTreeSet, HashMap, HashSet};

use metta_atom::{Atom, SpaceId};
use metta_eval::{Library, World};
use metta_syntax::{Span, parse_bytes, parts};

use super::{Place, Texts};

/// Heads of the expressions that a program answered, with the form that answered each first.
#[derive(Debug, Default)]
pub struct Mentions {
    heads: HashMap<String, usize>,
}

/// A name that nothing mentions, with known ones that are close to it, the closest first.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unknown {
    /// The name as written.
    pub name: String,
    /// The form that answered it first.
    pub form: usize,
    /// At least one name, at most three.
    pub suggestions: Vec<String>,
}

/// Heads beyond these many are passed over, and parts of an answer.
const MOST_HEADS: usize = 256;
const MOST_PARTS: usize = 1_024;
/// Spaces with more atoms are not searched: then every name counts as known.
const MOST_ATOMS: u64 = 1 << 14;
const MOST_SUGGESTIONS: usize = 3;

impl Mentions {
    /// Notes the symbols that head expressions in an answer. Cost: O(size of the atom), bounded.
    pub fn add(&mut self, answer: &Atom, form: usize) {
        let mut pending = vec![answer];
        for _ in 0..MOST_PARTS {
            let Some(atom) = pending.pop() else { break };
            let Some(children) = atom.children() else { continue };
            if let Some(head) = children.first().and_then(Atom::as_symbol)
                && self.heads.len() < MOST_HEADS
                && !self.heads.contains_key(head)
            {
                self.heads.insert(head.to_owned(), form);
            }
            pending.extend(children.iter().take(MOST_PARTS).rev());
        }
    }

    /// Returns the heads that nothing in `world` mentions and that are close to a function or
    /// head that is known, in the order of the forms that answered them.
    ///
    /// Cost: O(size of the world), bounded; nothing is searched, and nothing found, in a world
    /// with many thousands of atoms.
    pub fn unknown(&self, world: &World, library: &Library) -> Vec<Unknown> {
        if self.heads.is_empty() {
            return Vec::new();
        }
        let Some(known) = Known::of(world) else { return Vec::new() };
        let mut unknown: Vec<Unknown> = self
            .heads
            .iter()
            .filter(|(name, _)| library.effect(name).is_none())
            .map(|(name, form)| Unknown {
                name: name.clone(),
                form: *form,
                suggestions: known.suggestions(name),
            })
            .filter(|unknown| !unknown.suggestions.is_empty())
            .collect();
        unknown.sort_by(|a, b| (a.form, &a.name).cmp(&(b.form, &b.name)));
        unknown
    }
}

impl Texts {
    /// Returns where a symbol is written first on the right side of a rule.
    pub fn find_in_bodies(&mut self, name: &str) -> Option<Place> {
        let with_name = self.rules().filter(|(rule, _)| {
            rule.children().and_then(<[Atom]>::last).is_some_and(|body| mentions(body, name))
        });
        let first = with_name.map(|(_, place)| place).min_by_key(|place| (place.text, place.span.start));
        self.find_symbol(first?, name)
    }

    /// Returns where a symbol is written first in the form at `form`.
    pub fn find_symbol(&self, form: Place, name: &str) -> Option<Place> {
        let text = self.snippet(form)?;
        let parsed = parse_bytes(text, self.library());
        let parts = parts(text, parsed.forms.first()?);
        let span = parts.iter().find(|part| part.atom.as_symbol() == Some(name))?.span;
        let (start, end) = (form.span.start + span.start, form.span.start + span.end);
        Some(Place { text: form.text, span: Span { start, end } })
    }
}

/// What a world knows.
#[derive(Default)]
pub(crate) struct Known {
    /// All symbols but those that only right sides of rules mention.
    heard: HashSet<String>,
    /// Functions, and heads of facts and of what they hold.
    heads: BTreeSet<String>,
    /// What has rules, and what the library describes.
    functions: BTreeSet<String>,
    /// How often right sides of rules mention a symbol.
    bodies: HashMap<String, usize>,
}

impl Known {
    /// Looks through a world; `None` for one with many thousands of atoms.
    pub(crate) fn of(world: &World) -> Option<Self> {
        let own = world.space_ids().filter(|id| *id != SpaceId::CORELIB);
        let n_atoms: u64 = own.filter_map(|id| world.space(id)).map(|space| space.distinct()).sum();
        if n_atoms > MOST_ATOMS {
            return None;
        }
        let mut known = Known::default();
        let described = Library::areas().into_iter().flat_map(|area| area.descriptions);
        known.functions.extend(described.map(|function| function.item.to_string()));
        for space in world.space_ids().filter_map(|id| world.space(id)) {
            for fact in space.iter() {
                known.add(&space.decode(fact.bytes, fact.variables()));
            }
        }
        known.heads.extend(known.functions.iter().cloned());
        known.heard.extend(known.heads.iter().cloned());
        Some(known)
    }

    /// The known names that an answered head may be meant for; none when it is known itself.
    ///
    /// A name that the right side of one rule has, once, and that nothing else has, is a slip if it is close to
    /// a function; in other letters of the same name it may be data that the function is named after.
    pub(crate) fn suggestions(&self, name: &str) -> Vec<String> {
        if self.heard.contains(name) {
            return Vec::new();
        }
        match self.bodies.get(name) {
            None => nearest(name, self.heads.iter().chain(self.bodies.keys()).map(String::as_str)),
            Some(1) => {
                let is_other = |it: &&str| it.to_lowercase() != name.to_lowercase();
                nearest(name, self.functions.iter().map(String::as_str).filter(is_other))
            }
            Some(_) => Vec::new(),
        }
    }

    fn add(&mut self, atom: &Atom) {
        let Some([equal, left, right]) =
            atom.children().filter(|it| it.first().and_then(Atom::as_symbol) == Some("="))
        else {
            return self.hear(atom);
        };
        if let Some(name) = left.children().map_or(Some(left), <[Atom]>::first).and_then(Atom::as_symbol) {
            self.functions.insert(name.to_owned());
        }
        self.hear(equal);
        self.hear(left);
        let mut pending = vec![right];
        while let Some(atom) = pending.pop() {
            if let Some(name) = atom.as_symbol() {
                *self.bodies.entry(name.to_owned()).or_default() += 1;
            }
            pending.extend(atom.children().unwrap_or_default());
        }
    }

    /// Notes the symbols of an atom that is no rule.
    fn hear(&mut self, atom: &Atom) {
        if let Some([colon, Atom::Symbol(declared), _]) = atom.children()
            && colon.as_symbol() == Some(":")
        {
            self.heads.insert(declared.name().to_owned());
        }
        let mut pending = vec![atom];
        while let Some(atom) = pending.pop() {
            if let Some(name) = atom.as_symbol().filter(|name| !self.heard.contains(*name)) {
                self.heard.insert(name.to_owned());
            }
            let Some(children) = atom.children() else { continue };
            if let Some(head) =
                children.first().and_then(Atom::as_symbol).filter(|head| !self.heads.contains(*head))
            {
                self.heads.insert(head.to_owned());
            }
            pending.extend(children);
        }
    }
}

/// Reports whether a symbol is in an atom.
fn mentions(atom: &Atom, name: &str) -> bool {
    let mut pending = vec![atom];
    while let Some(atom) = pending.pop() {
        if atom.as_symbol() == Some(name) {
            return true;
        }
        pending.extend(atom.children().unwrap_or_default());
    }
    false
}

/// Returns the names closest to `word`, the closest first and then by name; none that is far from it.
pub fn nearest<'n>(word: &str, names: impl IntoIterator<Item = &'n str>) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    let most = match letters.len() {
        0..=3 => 0,
        4..=6 => 1,
        7..=11 => 2,
        12.. => 3,
    };
    let mut near: Vec<(usize, &str)> = Vec::new();
    for name in names {
        if name != word && name.to_lowercase() == word.to_lowercase() {
            near.push((0, name));
        } else if most > 0 && name.chars().count().abs_diff(letters.len()) <= most {
            let distance = distance(&letters, &name.chars().collect::<Vec<char>>());
            near.extend((1..=most).contains(&distance).then_some((distance, name)));
        }
    }
    near.sort_unstable();
    near.dedup();
    // What is farther than the closest ones is noise.
    let closest = near.first().map_or(0, |(distance, _)| *distance);
    let near = near.into_iter().filter(|(distance, _)| *distance <= closest + 1);
    near.take(MOST_SUGGESTIONS).map(|(_, name)| name.to_owned()).collect()
}

/// The number of letters to insert, remove, replace or swap with their neighbour to make `b`
/// of `a` (Damerau 1964, Levenshtein 1965; a pair is swapped at most once).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, other) in b.iter().enumerate() {
            let replaced = last[j] + usize::from(letter != other);
            let mut least = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *letter == b[j - 1] && a[i - 1] == *other {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_slips() {
        let distance =
            |a: &str, b: &str| distance(&a.chars().collect::<Vec<char>>(), &b.chars().collect::<Vec<char>>());
        assert_eq!(distance("facotrial", "factorial"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "ab"), 2);
        assert_eq!(distance("naïve", "naive"), 1);
    }

    #[test]
    fn names_are_close_in_proportion_to_their_length() {
        let names = ["factorial", "factorize", "True", "if", "id", "cons-atom", "car-atom", "cdr-atom"];
        assert_eq!(nearest("facotrial", names), ["factorial"]);
        assert_eq!(nearest("true", names), ["True"]);
        assert_eq!(nearest("iff", names), [""; 0]);
        assert_eq!(nearest("cxr-atom", names), ["car-atom", "cdr-atom"]);
        assert_eq!(nearest("point", ["print", "join"]), ["print"]);
    }
}
