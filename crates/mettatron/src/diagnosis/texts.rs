//! The texts of a program, and where its rules are written in them.

use std::collections::HashMap;

use metta_atom::{Atom, Variable};
use metta_eval::Library;
use metta_syntax::{LineIndex, parse_bytes, parts};

use super::{Place, find};

/// A text with its name.
#[derive(Debug)]
pub struct Text {
    name: String,
    bytes: Vec<u8>,
    lines: LineIndex,
}

impl Text {
    /// Returns the name to show, such as the path of a file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the text, which need not be UTF-8.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns line and column of a byte, both from 1.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        self.lines.position(offset)
    }
}

/// The texts that a program was read from.
///
/// Rules are looked for on demand: until then a text costs its bytes and an index of its lines.
#[derive(Debug, Default)]
pub struct Texts {
    library: Library,
    texts: Vec<Text>,
    /// How many of the texts `rules` covers.
    n_indexed: usize,
    /// The rules in the texts by the head of their left side, in the order of the texts.
    rules: HashMap<String, Vec<(Atom, Place)>>,
}

impl Texts {
    /// Makes an empty collection for programs that are read with `library`.
    pub fn new(library: Library) -> Self {
        Texts { library, ..Texts::default() }
    }

    /// Adds a text and returns its number.
    pub fn add(&mut self, name: impl Into<String>, bytes: Vec<u8>) -> usize {
        let lines = LineIndex::new(&bytes);
        self.texts.push(Text { name: name.into(), bytes, lines });
        self.texts.len() - 1
    }

    /// Returns the text with this number.
    pub fn get(&self, number: usize) -> Option<&Text> {
        self.texts.get(number)
    }

    /// Returns how many texts there are.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Reports whether there are none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    pub(crate) fn library(&self) -> &Library {
        &self.library
    }

    /// Returns the bytes at a place.
    pub(crate) fn snippet(&self, place: Place) -> Option<&[u8]> {
        self.get(place.text)?.bytes.get(place.span.start..place.span.end)
    }

    /// Returns where an equation is written: the first place of exactly this one, else of one
    /// that may have become it when variables were renamed or tokens got their meaning.
    pub(super) fn written(&mut self, rule: &Atom) -> Option<Place> {
        self.index();
        let written = self.rules.get(&key(rule)?)?;
        let exact = written.iter().find(|(atom, _)| atom == rule);
        let (_, place) = exact.or_else(|| written.iter().find(|(atom, _)| became(atom, rule)))?;
        Some(*place)
    }

    /// The rules in the texts with their places, in no order.
    pub(super) fn rules(&mut self) -> impl Iterator<Item = (&Atom, Place)> {
        self.index();
        self.rules.values().flatten().map(|(rule, place)| (rule, *place))
    }

    /// Lists the rules of texts that are new.
    fn index(&mut self) {
        for (number, text) in self.texts.iter().enumerate().skip(self.n_indexed) {
            for form in parse_bytes(&text.bytes, &self.library).forms {
                // Rules may also be arguments, as of `add-atom`. Facts are not searched.
                if !form.run && key(&form.atom).is_none() {
                    continue;
                }
                for part in parts(&text.bytes, &form) {
                    if let Some(key) = key(part.atom) {
                        let place = Place { text: number, span: part.span };
                        self.rules.entry(key).or_default().push((part.atom.clone(), place));
                    }
                }
            }
        }
        self.n_indexed = self.texts.len();
    }
}

/// The head of the left side of an equation; `None` for any other atom.
fn key(atom: &Atom) -> Option<String> {
    let [equal, left, _] = atom.children()? else { return None };
    if equal.as_symbol() != Some("=") {
        return None;
    }
    let head = left.children().map_or(Some(left), <[Atom]>::first);
    Some(match head {
        Some(Atom::Symbol(name)) => name.name().to_owned(),
        Some(Atom::Grounded(value)) => value.to_string(),
        Some(Atom::Variable(_) | Atom::Expression(_)) | None => String::new(),
    })
}

/// Reports whether a written rule may be this stored one.
fn became(written: &Atom, stored: &Atom) -> bool {
    let mut renamed: HashMap<&Variable, &Variable> = HashMap::new();
    let mut pending = vec![(written, stored)];
    while let Some((written, stored)) = pending.pop() {
        let same = match (written, stored) {
            (Atom::Variable(name), Atom::Variable(new)) => *renamed.entry(name).or_insert(new) == new,
            (Atom::Expression(_), Atom::Expression(_)) => {
                let (inner, others) = (written.children().unwrap_or(&[]), stored.children().unwrap_or(&[]));
                pending.extend(inner.iter().zip(others));
                inner.len() == others.len()
            }
            (Atom::Variable(_) | Atom::Expression(_), _) => false,
            _ => find::stands_for(written, stored),
        };
        if !same {
            return false;
        }
    }
    true
}
