//! Files of spaces.

use std::path::Path;

use anyhow::{Context, Result};
use mettatron::space::bytes::{Item, Reader};
use mettatron::space::{FileError, Snapshot};

/// Writes a space to a file, in the place of the space that was there.
///
/// # Errors
/// When it cannot be written; names the first atom that no file can hold.
pub(crate) fn save(space: &Snapshot, path: &Path) -> Result<()> {
    let saved = space.save(path);
    if !matches!(saved, Err(FileError::Content { .. })) {
        return Ok(saved?);
    }
    let refers = |item| matches!(item, Item::Space(_) | Item::State(_) | Item::Handle(_));
    let culprit = space.iter().find(|fact| Reader::new(fact.bytes).any(refers));
    let culprit = culprit.map(|fact| space.decode(fact.bytes, fact.variables()).to_string());
    saved.with_context(|| match culprit {
        // In a program it is `&self`, most of the time.
        Some(atom) => format!("cannot keep `{}`", atom.replace("GroundingSpace-0x0", "&self")),
        None => "cannot keep the space".to_owned(),
    })
}
