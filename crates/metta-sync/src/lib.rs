#![doc = include_str!("../README.md")]
#![cfg_attr(
    not(metta_loom),
    expect(clippy::disallowed_types, reason = "this is the crate that wraps them for all others")
)]

mod claims;
mod errand;
mod flags;
mod ranked;
mod snapshots;

pub use claims::Claims;
pub use errand::{Errand, Met};
pub use flags::{Counter, Flag, Places};
pub use ranked::{Guard, Held, Ranked};
pub use snapshots::Snapshots;
