//! Laws of spaces, checked on random contents.
//!
//! Every failure names the seed of its case.

#![cfg(not(metta_loom))]

mod algebra;
mod bytes;
mod declarations;
mod files;
mod frozen;
mod generator;
mod handles;
mod history;
mod joins;
mod large;
mod matching;
mod model;
mod paths;
mod space;
mod stored;
