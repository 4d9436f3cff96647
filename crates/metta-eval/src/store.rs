//! Where spaces are kept. The evaluator itself opens no files.

use metta_space::Snapshot;

/// A space from a store.
#[derive(Clone, Debug, Default)]
pub struct StoredSpace {
    /// The content.
    pub space: Snapshot,
    /// What the one who runs the program should know, such as a torn write that was left out.
    pub note: Option<String>,
}

/// Why a store did not open or save a space.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(pub String);

/// Opens and saves spaces for [`Library::set_store`](crate::Library::set_store).
///
/// Calls may come from any thread. They come in program order, and what they did is never done again.
pub trait SpaceStore: Send + Sync {
    /// Opens the space at a path that the program names (`open-space`).
    ///
    /// # Errors
    /// [`StoreError`] when there is none, or it cannot be read.
    fn open(&self, path: &str) -> Result<StoredSpace, StoreError>;

    /// Saves a space at a path that the program names (`save-space!`); it is kept when this returns.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be kept; what was kept before is kept then.
    fn save(&self, path: &str, space: &Snapshot) -> Result<(), StoreError>;
}
