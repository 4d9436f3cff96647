#![doc = include_str!("../README.md")]
#![expect(clippy::wildcard_enum_match_arm, reason = "what a table of forms does not name has one answer")]

mod ast;
mod check;
mod error;
mod eval;
mod lexer;
mod machine;
mod matching;
mod methods;
mod parser;
mod scope;
mod tuplespace;
mod value;

pub use error::ProgramError;
pub use machine::{Interpreter, Limits, Report};
