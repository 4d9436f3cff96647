//! Intervals of integers as values of MeTTa.

#![expect(clippy::print_stdout, reason = "a terminal program")]

use std::any::Any;
use std::fmt;

use mettatron::OperationError::NotReducible;
use mettatron::{Atom, BindingSet, Effect::Pure, Engine, Foreign, Function, Matching, Number};

/// The integers from the first to the second; none when that is less.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Interval(i64, i64);

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.0, self.1)
    }
}

#[rustfmt::skip]
impl Foreign for Interval {
    fn type_atom(&self) -> Atom { Atom::symbol("Interval") }
    fn equals(&self, other: &dyn Foreign) -> bool { other.as_any().downcast_ref() == Some(self) }
    fn matching(&self) -> Option<&dyn Matching> { Some(self) }
    fn as_any(&self) -> &dyn Any { self }
}

impl Matching for Interval {
    fn ways(&self, other: &Atom) -> Vec<BindingSet> {
        let inside = matches!(other.as_number(), Some(Number::Int(n)) if (self.0..=self.1).contains(n));
        if inside { vec![BindingSet::default()] } else { vec![] }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let literal = |word: &str| {
        let (low, high) = word.split_once("..")?;
        Some(Atom::foreign(Interval(low.parse().ok()?, high.parse().ok()?)))
    };
    let get = |atom: &Atom| atom.as_foreign::<Interval>().copied().ok_or(NotReducible);
    let width = Function::new("width", "(-> Interval Number)", Pure, move |args| {
        get(&args[0]).map(|Interval(low, high)| vec![Atom::integer(high.saturating_sub(low))])
    });
    let overlap = Function::new("overlap", "(-> Interval Interval Interval)", Pure, move |args| {
        let (a, b) = (get(&args[0])?, get(&args[1])?);
        let both = Interval(a.0.max(b.0), a.1.min(b.1));
        Ok(if both.0 <= both.1 { vec![Atom::foreign(both)] } else { vec![] })
    });
    let each = Function::new("each", "(-> Interval Number)", Pure, move |args| {
        get(&args[0]).map(|Interval(low, high)| (low..=high).map(Atom::integer).collect())
    });
    let builder = Engine::builder().token(r"-?\d+\.\.-?\d+", literal)?;
    let mut engine = builder.operation(width).operation(overlap).operation(each).keep_going(true).build();
    for results in engine.run(include_str!("intervals.metta"))? {
        println!("{results:?}");
    }
    Ok(())
}
