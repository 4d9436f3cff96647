//! Random atoms from a seed.

use metta_atom::{Atom, Grounded, Number, SpaceId, StateId, Symbol, Variable};

/// A small random number generator (SplitMix64).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Returns a number below `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub(crate) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }
}

pub(crate) fn big(text: &str) -> Atom {
    Atom::number(Number::from_big(text.parse().expect("digits")))
}

/// Leaves that are few, so that random atoms often agree, and hard to tell apart.
fn leaf(random: &mut Random) -> Atom {
    match random.below(24) {
        0..=3 => Atom::symbol("a"),
        4..=6 => Atom::symbol("b"),
        7 => Atom::symbol(""),
        8 => Atom::symbol("C".repeat(random.pick(&[62, 63, 64, 65]))),
        9 => Atom::symbol("é"),
        10 => Atom::text("a"),
        11 => Atom::text("s".repeat(random.pick(&[0, 61, 62, 63]))),
        12 | 13 => Atom::integer(random.pick(&[0, 1, -1, 1 << 53, i64::MAX, i64::MIN])),
        14 | 15 => Atom::float(random.pick(&[
            0.0,
            -0.0,
            1.0,
            -1.0,
            0.5,
            f64::NAN,
            f64::INFINITY,
            9_007_199_254_740_992.0,
            -9_223_372_036_854_775_808.0,
            9_223_372_036_854_775_808.0,
            1e30,
        ])),
        16 => big(random.pick(&[
            "9223372036854775808",
            "-9223372036854775809",
            "1000000000000000019884624838656",
        ])),
        17 => Atom::bool(random.below(2) == 0),
        18 => Atom::operation("a"),
        19 => Atom::space(SpaceId(1)),
        20 => Atom::state(StateId(1)),
        21 => binding_value(random.pick(&["a", "b"])),
        _ => Atom::unit(),
    }
}

/// A value that lives in a handle table.
pub(crate) fn binding_value(name: &str) -> Atom {
    let set = metta_atom::BindingSet(vec![(Variable::new("x"), Atom::symbol(name))]);
    Atom::Grounded(Grounded::Bindings(std::sync::Arc::new(set)))
}

pub(crate) fn variable(random: &mut Random) -> Atom {
    let name = Symbol::from(random.pick(&["x", "y", "z"]));
    Atom::Variable(Variable::renamed(name, random.pick(&[0, 0, 0, 7])))
}

/// An atom of at most this depth; one leaf in four is a variable when they are allowed.
pub(crate) fn atom(random: &mut Random, depth: usize, variables: bool) -> Atom {
    if depth > 0 && random.below(3) > 0 {
        let n = random.below(4);
        return Atom::expression((0..n).map(|_| atom(random, depth - 1, variables)).collect::<Vec<_>>());
    }
    if variables && random.below(4) == 0 { variable(random) } else { leaf(random) }
}
