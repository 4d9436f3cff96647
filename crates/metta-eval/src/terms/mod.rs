//! Terms: cells in a heap, how they unify, how they come and go, and how garbage is collected.

pub(crate) mod cell;
pub(crate) mod collect;
pub(crate) mod convert;
pub(crate) mod heap;
pub(crate) mod matching;
pub(crate) mod parcel;
pub(crate) mod shared;
pub(crate) mod symbols;
mod unify;
pub(crate) mod visits;
