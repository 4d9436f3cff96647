#![doc = include_str!("../README.md")]

mod algebra;
pub mod bytes;
pub mod commits;
mod declarations;
mod facts;
mod files;
mod handles;
mod join;
pub mod protocol;
mod query;
mod snapshot;
mod space;
mod stored;
mod terms;
mod unify;
mod walk;

pub use algebra::Difference;
pub use bytes::{DecodeError, Encoded};
pub use declarations::{Declaration, Declared, Key, Relation};
pub use facts::{Fact, Found};
pub use files::paths::PathsError;
pub use files::{Damage, Dropped, Edit, FileError, FileOptions, SpaceFile, Sync};
pub use join::Answers;
pub use protocol::Conflict;
pub use query::Matches;
pub use snapshot::Snapshot;
pub use space::Space;
pub use stored::StoredError;
