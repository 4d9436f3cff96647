#![doc = include_str!("../README.md")]

mod compare;
mod corpus;
mod directive;
pub mod generate;
mod scan;

pub use compare::{Answer, Difference, Outcome, compare};
pub use corpus::{CorpusError, CorpusFile, Form, files, modules_of};
pub use directive::Order;
