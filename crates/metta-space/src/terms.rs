//! Between atoms and bytes.

use std::collections::HashMap;

use metta_atom::{Atom, Grounded, Number, Variable};

use crate::bytes::{Encoded, Item, Reader, Writer};

/// How many variables are looked up by comparing with each.
const FEW: usize = 8;

/// The variables of an atom by the order in which they are introduced.
#[derive(Default)]
struct Names {
    order: Vec<Variable>,
    index: HashMap<Variable, usize>,
}

impl Names {
    /// Returns the index of a variable seen before, or enters it.
    fn find_or_add(&mut self, variable: &Variable) -> Option<usize> {
        let found = if self.order.len() <= FEW {
            self.order.iter().position(|known| known == variable)
        } else {
            if self.index.is_empty() {
                self.index.extend(self.order.iter().cloned().zip(0..));
            }
            self.index.get(variable).copied()
        };
        if found.is_none() {
            if !self.index.is_empty() {
                self.index.insert(variable.clone(), self.order.len());
            }
            self.order.push(variable.clone());
        }
        found
    }
}

/// Encodes `atom`; `handle` gives the number of a value that has no bytes of its own.
pub(crate) fn encode(atom: &Atom, mut handle: impl FnMut(&Grounded) -> u64) -> Encoded {
    let mut writer = Writer::with_capacity(64);
    let mut names = Names::default();
    let mut pending = vec![std::slice::from_ref(atom).iter()];
    while let Some(siblings) = pending.last_mut() {
        let Some(atom) = siblings.next() else {
            pending.pop();
            continue;
        };
        match atom {
            Atom::Symbol(symbol) => writer.symbol(symbol.name()),
            Atom::Variable(variable) => match names.find_or_add(variable) {
                Some(i) => writer.var_ref(i),
                None => writer.new_var(),
            },
            Atom::Expression(expression) => {
                writer.arity(expression.children().len());
                pending.push(expression.children().iter());
            }
            Atom::Grounded(value) => write_grounded(&mut writer, value, &mut handle),
        }
    }
    Encoded { bytes: writer.into_bytes(), variables: names.order }
}

fn write_grounded(writer: &mut Writer, value: &Grounded, handle: &mut impl FnMut(&Grounded) -> u64) {
    match value {
        Grounded::Bool(b) => writer.bool(*b),
        Grounded::Number(n) => writer.number(n),
        Grounded::Text(text) => writer.text(text),
        Grounded::Operation(name) => writer.operation(name.name()),
        Grounded::Space(id) => writer.space(*id),
        Grounded::State(id) => writer.state(*id),
        Grounded::Bindings(_) | Grounded::Foreign(_) => writer.handle(handle(value)),
    }
}

/// Reports whether `atom` holds a value that has no bytes of its own.
pub(crate) fn needs_handle(atom: &Atom) -> bool {
    let mut pending = vec![std::slice::from_ref(atom)];
    while let Some(atoms) = pending.pop() {
        for atom in atoms {
            match atom {
                Atom::Expression(expression) => pending.push(expression.children()),
                Atom::Grounded(Grounded::Bindings(_) | Grounded::Foreign(_)) => return true,
                Atom::Grounded(_) | Atom::Symbol(_) | Atom::Variable(_) => {}
            }
        }
    }
    false
}

/// Decodes one atom.
///
/// `variable` and `handle` give the meaning of variables, by order of
/// introduction, and of handles. Ill-formed bytes give a part of the atom.
pub(crate) fn decode(
    bytes: &[u8],
    mut variable: impl FnMut(usize) -> Atom,
    mut handle: impl FnMut(u64) -> Atom,
) -> Atom {
    let mut open: Vec<(usize, Vec<Atom>)> = Vec::with_capacity(8);
    let mut introduced = 0;
    for item in Reader::new(bytes) {
        let mut atom = match item {
            Item::Arity(0) => Atom::unit(),
            Item::Arity(n) => {
                // A claimed length is not memory: no more elements than bytes.
                open.push((n, Vec::with_capacity(n.min(bytes.len()))));
                continue;
            }
            Item::NewVar => {
                introduced += 1;
                variable(introduced - 1)
            }
            Item::VarRef(i) => variable(i),
            Item::Symbol(name) => Atom::symbol(name),
            Item::Operation(name) => Atom::operation(name),
            Item::Int(i) => Atom::integer(i),
            Item::Big(b) => Atom::number(Number::from_big(b)),
            Item::Float(f) => Atom::float(f),
            Item::Text(text) => Atom::text(text),
            Item::Bool(b) => Atom::bool(b),
            Item::Space(id) => Atom::space(id),
            Item::State(id) => Atom::state(id),
            Item::Handle(id) => handle(id),
        };
        loop {
            let Some((arity, children)) = open.last_mut() else { return atom };
            children.push(atom);
            if children.len() < *arity {
                break;
            }
            let children = open.pop().map(|(_, children)| children).unwrap_or_default();
            atom = Atom::expression(children);
        }
    }
    open.into_iter().rev().fold(Atom::unit(), |inner, (_, mut children)| {
        children.push(inner);
        Atom::expression(children)
    })
}
