//! A knowledge base in a file: made, changed, asked, compared, opened again.
//!
//! `cargo run -p metta-space --example knowledge [FILE]`

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::path::PathBuf;

use metta_atom::Atom;
use metta_space::{FileOptions, Snapshot, SpaceFile};

fn parent(older: &str, younger: &str) -> Atom {
    Atom::expression(["parent", older, younger].map(Atom::symbol))
}

/// `(, (parent $a $b) (parent $b $c))`
fn grandparents() -> Atom {
    let [a, b, c] = ["a", "b", "c"].map(Atom::variable);
    let pair = |older: &Atom, younger: &Atom| {
        Atom::expression([Atom::symbol("parent"), older.clone(), younger.clone()])
    };
    Atom::expression([Atom::symbol(","), pair(&a, &b), pair(&b, &c)])
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = std::env::args().nth(1).map_or_else(|| folder.path().join("family.space"), PathBuf::from);
    let file = SpaceFile::open(&path, FileOptions::default())?;
    if let Some(dropped) = file.dropped() {
        println!("{dropped}");
    }
    let before = file.snapshot();
    // Each call returns when the change is on the disk; what is in a transaction is kept whole or not at all.
    file.add(&parent("Tom", "Bob"))?;
    file.transact(|edit| {
        edit.add(&parent("Bob", "Ann"));
        edit.add(&parent("Bob", "Pat"));
        edit.remove(&parent("Bob", "Pat"));
        edit.add(&parent("Pam", "Bob"));
    })?;

    let space = file.snapshot();
    for answer in space.query(&grandparents()) {
        let [(_, a), _, (_, c)] = &answer.0[..] else { continue };
        println!("{a} is a grandparent of {c}");
    }
    let changes = space.changes_since(&before);
    println!("{} added, {} removed", changes.added.len(), changes.removed.len());

    // What the journal has goes into the file; readers and writers could go on meanwhile.
    file.compact()?;
    drop(file);
    let opened = Snapshot::open(&path)?;
    assert_eq!(opened.to_bytes()?, space.to_bytes()?);
    println!("{} facts in {}", opened.len(), path.display());
    Ok(())
}
