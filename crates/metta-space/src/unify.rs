//! Telling by their bytes that two atoms do not unify.
//!
//! Both are read side by side. A variable stands for a place in one of them, and terms that variables stand for are
//! compared where they are: nothing is decoded and nothing copied. What takes long is left to who can decide it.
//!
//! Invariant U1: atoms that unify are never told apart. Loops are not looked for, and values that
//! are compared by what they hold may equal anything.

use crate::bytes::{Token, is_handle, is_plain_payload, term_end, token};
use crate::walk::same_number;

/// How many items are compared before it is left open: variables that contain themselves would go on for ever.
const MOST: usize = 10_000;

/// A term: which of the two atoms it is in, and where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Place {
    side: usize,
    at: usize,
}

/// What is known about the variables of one of the two atoms.
#[derive(Debug, Default)]
struct Variables {
    /// Where each is introduced.
    introduced: Vec<usize>,
    /// What each stands for.
    bound: Vec<Option<Place>>,
}

impl Variables {
    fn of(&mut self, atom: &[u8]) {
        let mut at = 0;
        self.introduced.clear();
        while let Some((item, next)) = token(atom, at) {
            if item == Token::NewVar {
                self.introduced.push(at);
            }
            at = next;
        }
        self.forget();
    }

    fn forget(&mut self) {
        self.bound.clear();
        self.bound.resize(self.introduced.len(), None);
    }
}

/// An encoded atom that others are compared with.
#[derive(Debug)]
pub(crate) struct Unifier {
    atom: Vec<u8>,
    variables: [Variables; 2],
    /// Places from which on some terms are to be equal, and how many.
    pending: Vec<([Place; 2], usize)>,
}

impl Unifier {
    pub(crate) fn new(atom: Vec<u8>) -> Self {
        let mut variables = [Variables::default(), Variables::default()];
        variables[0].of(&atom);
        Unifier { atom, variables, pending: Vec::new() }
    }

    /// Reports whether another encoded atom, with variables of its own, may unify with this one (U1).
    pub(crate) fn may_unify(&mut self, other: &[u8]) -> bool {
        let Unifier { atom, variables, pending } = self;
        variables[0].forget();
        variables[1].of(other);
        pending.clear();
        pending.push(([Place { side: 0, at: 0 }, Place { side: 1, at: 0 }], 1));
        Pair { atoms: [atom, other], variables, pending }.may_unify()
    }
}

struct Pair<'a> {
    atoms: [&'a [u8]; 2],
    variables: &'a mut [Variables; 2],
    pending: &'a mut Vec<([Place; 2], usize)>,
}

impl Pair<'_> {
    fn may_unify(&mut self) -> bool {
        let mut spare = MOST;
        while let Some((mut places, mut left)) = self.pending.pop() {
            while left > 0 {
                let [left_bytes, right_bytes] = places.map(|place| self.atoms[place.side]);
                let (Some((a, a_next)), Some((b, b_next))) =
                    (token(left_bytes, places[0].at), token(right_bytes, places[1].at))
                else {
                    return true;
                };
                spare -= 1;
                if spare == 0 {
                    return true;
                }
                left -= 1;
                let mut next = [a_next, b_next];
                match (a, b) {
                    (Token::Arity(n), Token::Arity(m)) if n == m => left += n,
                    (Token::Payload { start: a }, Token::Payload { start: b }) => {
                        if !may_be_equal(&left_bytes[a..a_next], &right_bytes[b..b_next]) {
                            return false;
                        }
                    }
                    (Token::NewVar | Token::VarRef(_), _) | (_, Token::NewVar | Token::VarRef(_)) => {
                        next = [term_end(left_bytes, places[0].at), term_end(right_bytes, places[1].at)];
                        let values = self.meet(places);
                        self.pending.extend(values.map(|values| (values, 1)));
                    }
                    // A value of the host may match expressions.
                    (Token::Payload { start }, Token::Arity(_)) => {
                        return is_handle(&left_bytes[start..a_next]);
                    }
                    (Token::Arity(_), Token::Payload { start }) => {
                        return is_handle(&right_bytes[start..b_next]);
                    }
                    (Token::Arity(_), Token::Arity(_)) => return false,
                }
                places.iter_mut().zip(next).for_each(|(place, next)| place.at = next);
            }
        }
        true
    }

    /// Makes two terms equal of which one is a variable; returns what they stand for if that is still to be compared.
    fn meet(&mut self, places: [Place; 2]) -> Option<[Place; 2]> {
        let [(a, a_variable), (b, b_variable)] = places.map(|place| self.resolve(place));
        match (a_variable, b_variable) {
            _ if a == b => None,
            (Some(variable), _) => {
                self.variables[a.side].bound[variable] = Some(b);
                None
            }
            (None, Some(variable)) => {
                self.variables[b.side].bound[variable] = Some(a);
                None
            }
            (None, None) => Some([a, b]),
        }
    }

    /// Follows variables to what they stand for; returns where that is, and which variable if it is one: then where it is
    /// introduced.
    fn resolve(&self, mut place: Place) -> (Place, Option<usize>) {
        loop {
            let Variables { introduced, bound } = &self.variables[place.side];
            let variable = match token(self.atoms[place.side], place.at) {
                Some((Token::NewVar, _)) => introduced.partition_point(|at| *at < place.at),
                Some((Token::VarRef(variable), _)) if variable < bound.len() => variable,
                _ => return (place, None),
            };
            match bound[variable] {
                Some(value) => place = value,
                None => return (Place { side: place.side, at: introduced[variable] }, Some(variable)),
            }
        }
    }
}

fn may_be_equal(a: &[u8], b: &[u8]) -> bool {
    a == b
        || same_number(a, b)
        || !is_plain_payload(a) && !is_plain_payload(b)
        || is_handle(a)
        || is_handle(b)
}

#[cfg(test)]
mod tests {
    use metta_atom::{Atom, unify};

    use super::*;
    use crate::bytes::Encoded;

    fn atom(random: &mut u64, depth: u32) -> Atom {
        *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        match (*random >> 40) % if depth == 0 { 5 } else { 9 } {
            0 => Atom::symbol("a"),
            1 => Atom::integer(1),
            2 => Atom::float(1.0),
            n @ 3..=4 => Atom::variable(["x", "y"][n as usize - 3]),
            _ => Atom::expression([Atom::symbol("f"), atom(random, depth - 1), atom(random, depth - 1)]),
        }
    }

    /// U1.
    #[test]
    fn only_atoms_that_do_not_unify_are_told_apart() {
        let (mut random, mut unified, mut refused, mut open) = (1, 0, 0, 0);
        for _ in 0..20_000 {
            let [left, right] = [atom(&mut random, 3), atom(&mut random, 3)];
            let [a, b] = [&left, &right].map(|atom| Encoded::of(atom).expect("no values of the host").bytes);
            // Each has variables of its own.
            let right = rename(&right, &["u", "v"].map(Atom::variable));
            match (unify(&left, &right).is_some(), Unifier::new(a).may_unify(&b)) {
                (true, may) => {
                    assert!(may, "{left} {right}");
                    unified += 1;
                }
                (false, false) => refused += 1,
                (false, true) => open += 1,
            }
        }
        assert!(unified > 2_000 && refused > 2_000 && open < 500, "{unified} {refused} {open}");
    }

    fn rename(atom: &Atom, [u, v]: &[Atom; 2]) -> Atom {
        match atom {
            Atom::Variable(variable) => if variable.name().name() == "x" { u } else { v }.clone(),
            Atom::Expression(it) => Atom::expression(
                it.children().iter().map(|it| rename(it, &[u.clone(), v.clone()])).collect::<Vec<_>>(),
            ),
            Atom::Symbol(_) | Atom::Grounded(_) => atom.clone(),
        }
    }
}
