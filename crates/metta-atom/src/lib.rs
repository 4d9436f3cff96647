#![doc = include_str!("../README.md")]

mod alpha;
mod atom;
mod bindings;
mod expression;
mod grounded;
mod number;
mod print;
mod symbol;
mod variables;

pub use alpha::alpha_eq;
pub use atom::{Atom, MetaType};
pub use bindings::{Bindings, unify};
pub use expression::Expression;
pub use grounded::{BindingSet, Foreign, Grounded, Matching, OPERATION_MARK, SpaceId, StateId};
pub use number::Number;
pub use print::write_string_literal;
pub use symbol::{Symbol, Variable};
pub use variables::Variables;
