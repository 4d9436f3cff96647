//! Changing a program as a tree, so that most of its parts stay meaningful.

use libfuzzer_sys::fuzzer_mutate;
use mettatron::syntax::{Words, parse_bytes};
use mettatron::{Atom, atom};

/// Changes the program in `data[..size]`; returns its new size.
///
/// One change in four is left to libFuzzer: of bytes, or of words by its dictionary.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32, words: &dyn Words) -> usize {
    let mut random = Random(u64::from(seed) | 1 << 32);
    let mut program: Vec<Atom> = Vec::new();
    for form in parse_bytes(&data[..size], words).forms {
        program.extend(form.run.then(|| Atom::symbol("!")));
        program.push(form.atom);
    }
    if program.is_empty() || random.below(4) == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    for _ in 0..=random.below(3) {
        change(&mut program, &mut random);
    }
    let mut text = String::new();
    for atom in &program {
        text.push_str(&atom.to_string());
        text.push(if atom.as_symbol() == Some("!") { ' ' } else { '\n' });
    }
    if text.len() > max_size.min(data.len()) {
        return fuzzer_mutate(data, size, max_size);
    }
    data[..text.len()].copy_from_slice(text.as_bytes());
    text.len()
}

/// Replaces, removes, copies or wraps one part of the program.
fn change(program: &mut Vec<Atom>, random: &mut Random) {
    let other = part(program, random).clone();
    let at = random.below(program.len());
    match random.below(8) {
        0 => program[at] = other,
        1 => program.insert(at, other),
        2 if program.len() > 1 => drop(program.remove(at)),
        _ => program[at] = rebuilt(&program[at], &other, random),
    }
}

/// Some atom of the program, at any depth.
fn part<'a>(program: &'a [Atom], random: &mut Random) -> &'a Atom {
    let mut found = &program[random.below(program.len())];
    while let Some(children) = found.children().filter(|children| !children.is_empty()) {
        if random.below(4) == 0 {
            break;
        }
        found = &children[random.below(children.len())];
    }
    found
}

/// A copy of an atom with one change somewhere inside, that may use `other`.
fn rebuilt(original: &Atom, other: &Atom, random: &mut Random) -> Atom {
    let mut path = Vec::new();
    let mut place = original;
    while let Some(children) = place.children().filter(|children| !children.is_empty()) {
        if random.below(3) == 0 {
            break;
        }
        let index = random.below(children.len());
        path.push((children, index));
        place = &children[index];
    }
    let mut children = place.children().map(<[Atom]>::to_vec).unwrap_or_default();
    let at = random.below(children.len() + 1);
    let changed = match random.below(6) {
        0 => Atom::expression([place.clone(), other.clone()]),
        1 if !children.is_empty() => {
            children.swap(0, at.min(place.children().map_or(0, <[Atom]>::len) - 1));
            Atom::expression(children)
        }
        2 if at < children.len() => {
            children.remove(at);
            Atom::expression(children)
        }
        3 if !children.is_empty() => {
            children.insert(at, other.clone());
            Atom::expression(children)
        }
        4 => Atom::Variable(atom::Variable::new(["x", "y", "z"][random.below(3)])),
        _ => other.clone(),
    };
    path.into_iter().rev().fold(changed, |inner, (children, index)| {
        let mut children = children.to_vec();
        children[index] = inner;
        Atom::expression(children)
    })
}

/// Xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n.max(1) as u64) as usize
    }
}
