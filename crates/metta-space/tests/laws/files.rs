//! Spaces in files: opened, changed, damaged.

use std::fs;
use std::path::{Path, PathBuf};

use metta_atom::{Atom, SpaceId};
use metta_space::{FileError, FileOptions, Key, Relation, Snapshot, SpaceFile, StoredError, Sync};

use crate::generator::{Random, atom as generated};
use crate::stored::{content, random_space};

fn system() -> FileOptions {
    FileOptions::default().with_sync(Sync::System)
}

fn atom(n: i64) -> Atom {
    Atom::expression([Atom::symbol("edge"), Atom::integer(n), Atom::variable("x")])
}

fn rule(right: i64) -> Atom {
    let left = Atom::expression([Atom::symbol("f"), Atom::variable("x")]);
    Atom::expression([Atom::symbol("="), left, Atom::integer(right)])
}

fn rights(space: &Snapshot) -> Vec<String> {
    let rules = space.declarations(Relation::Equation, Key::Call("f")).unwrap_or_default();
    rules.iter().map(|rule| rule.right.to_string()).collect()
}

/// A folder, and the name of a file in it.
fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("kb.space");
    (folder, path)
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("a file").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn spaces_come_back_from_files_as_they_were() {
    let (folder, path) = place();
    for seed in 0..60 {
        let space = random_space(seed, [0, 3, 40, 300][seed as usize % 4]);
        space.save(&path).expect("the space is saved");
        let bytes = fs::read(&path).expect("the file is there");
        let back = Snapshot::open(&path).expect("the file opens");
        assert_eq!(content(&back), content(&space), "seed {seed}");
        assert_eq!(back.to_bytes(), space.to_bytes(), "seed {seed}");
        assert_eq!((back.len(), back.distinct()), (space.len(), space.distinct()));
        back.check().expect("all is as it was written");
        // The bytes depend on nothing but facts and order.
        back.save(&path).expect("it is saved while it is mapped");
        assert_eq!(fs::read(&path).expect("the file is there"), bytes, "seed {seed}");
        for fact in space.iter() {
            assert_eq!(back.candidates(fact.bytes).len(), space.candidates(fact.bytes).len());
        }
        // It goes on living.
        let mut back = back;
        back.add(&Atom::symbol("more"));
        for fact in space.iter() {
            (0..fact.count).for_each(|_| assert!(back.remove_encoded(fact.bytes, fact.variables())));
        }
        assert_eq!(content(&back), [("more".to_owned(), 1)], "seed {seed}");
    }
    assert_eq!(files(folder.path()), ["kb.space"]);
}

#[test]
fn copies_of_rules_keep_their_places() {
    let (_folder, path) = place();
    let file = SpaceFile::open(&path, system()).expect("the file opens");
    for right in [1, 2, 1, 3, 1, 2] {
        file.add(&rule(right)).expect("it is kept");
    }
    assert!(file.remove(&rule(1)).expect("it is kept"));
    file.compact().expect("the file is compacted");
    let expected = ["1", "2", "1", "3", "2"];
    assert_eq!(rights(&file.snapshot()), expected);
    assert_eq!(rights(&Snapshot::open(&path).expect("the file opens")), expected);
    drop(file);
    let file = SpaceFile::open(&path, system()).expect("the file opens");
    assert!(file.remove(&rule(2)).expect("it is kept"));
    assert_eq!(rights(&file.snapshot()), ["1", "2", "1", "3"]);
}

/// K1.
#[test]
fn what_is_acknowledged_is_there_after_reopening() {
    let (folder, path) = place();
    for round in 0..6 {
        let file = SpaceFile::open(&path, system()).expect("the file opens");
        assert_eq!(file.dropped(), None);
        (0..50).for_each(|n| file.add(&atom(round * 50 + n)).expect("it is kept"));
        assert!(file.remove(&atom(round * 50)).expect("it is kept"));
        assert!(!file.remove(&atom(-1)).expect("nothing changes"));
        if round % 2 == 1 {
            file.compact().expect("the file is compacted");
            assert_eq!(files(folder.path()).len(), 2);
        }
        let expected: Vec<(String, u64)> =
            (0..round * 50 + 50).filter(|n| n % 50 > 0).map(|n| (atom(n).to_string(), 1)).collect();
        assert_eq!(content(&file.snapshot()), expected);
        assert_eq!(content(&Snapshot::open(&path).expect("others read")), expected);
    }
}

#[test]
fn a_transaction_is_kept_whole_or_not_at_all() {
    let (_folder, path) = place();
    let file = SpaceFile::open(&path, system()).expect("the file opens");
    let kept = file.transact(|edit| {
        edit.add(&atom(1));
        edit.add(&atom(2));
        edit.remove(&atom(1)) && edit.snapshot().len() == 1
    });
    assert!(kept.expect("it is kept"));
    let before = file.journal_bytes();
    let refused = file.transact(|edit| {
        edit.add(&atom(3));
        edit.add(&Atom::space(SpaceId(7)));
    });
    assert!(matches!(refused, Err(FileError::Content { error: StoredError::Reference { .. }, .. })));
    assert!(matches!(file.add(&Atom::space(SpaceId(7))), Err(FileError::Content { .. })));
    assert_eq!((file.snapshot().len(), file.journal_bytes()), (1, before));
}

#[test]
fn only_one_writes() {
    let (_folder, path) = place();
    let file = SpaceFile::open(&path, system()).expect("the file opens");
    file.add(&atom(1)).expect("it is kept");
    let refused = |error: FileError| {
        assert!(matches!(error, FileError::Locked { .. }), "{error}");
        assert!(error.to_string().ends_with("kb.space` is open for writing elsewhere"), "{error}");
    };
    refused(SpaceFile::open(&path, system()).expect_err("it is locked"));
    refused(Snapshot::new().save(&path).expect_err("it is locked"));
    // The lock goes with the name.
    file.compact().expect("the file is compacted");
    refused(SpaceFile::open(&path, system()).expect_err("it is locked"));
    assert_eq!(Snapshot::open(&path).expect("others read").len(), 1);
    drop(file);
    assert_eq!(SpaceFile::open(&path, system()).expect("it was given back").snapshot().len(), 1);
}

/// M1: a file that ends early is refused, wherever it ends.
#[test]
fn files_cut_off_are_refused() {
    let (_folder, path) = place();
    random_space(3, 60).save(&path).expect("the space is saved");
    let bytes = fs::read(&path).expect("the file is there");
    for length in 0..bytes.len() {
        fs::write(&path, &bytes[..length]).expect("it can be written");
        let error = Snapshot::open(&path).expect_err("it is not whole");
        assert!(matches!(error, FileError::Content { .. } | FileError::NotASpace { .. }), "{error}");
        SpaceFile::open(&path, system()).expect_err("it is not whole");
    }
}

/// M1: whatever byte is wrong, either opening or checking tells, and nothing panics.
#[test]
fn damaged_files_are_noticed() {
    let (_folder, path) = place();
    let space = random_space(8, 60);
    space.save(&path).expect("the space is saved");
    let bytes = fs::read(&path).expect("the file is there");
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x55;
        fs::write(&path, &damaged).expect("it can be written");
        let Ok(opened) = Snapshot::open(&path) else { continue };
        let asked = space.iter().map(|fact| opened.candidates(fact.bytes).len()).sum::<usize>();
        assert!(opened.damage().is_some() || asked > 0, "byte {at}");
        opened.check().expect_err("a byte is wrong");
        assert!(opened.damage().is_some(), "byte {at}");
        // What was not read is not written over.
        opened.save(&path).expect_err("a byte is wrong");
        let mut more = opened.clone();
        more.settle();
        more.save(&path).expect_err("a byte is wrong");
        assert_eq!(fs::read(&path).expect("the file is there"), damaged, "byte {at}");
    }
}

#[test]
fn other_layouts_and_other_files_are_refused() {
    let (_folder, path) = place();
    let told = |path: &Path| Snapshot::open(path).expect_err("it is no space").to_string();
    fs::write(&path, "(a fact)\n(another one)\n".repeat(100)).expect("it can be written");
    assert!(told(&path).ends_with("kb.space` is not a space"), "{}", told(&path));
    let error = random_space(1, 3).save(&path).expect_err("it is not a space");
    assert!(matches!(error, FileError::NotASpace { .. }), "{error}");
    fs::remove_file(&path).expect("it can be removed");
    random_space(1, 3).save(&path).expect("the space is saved");
    let mut bytes = fs::read(&path).expect("the file is there");
    bytes[8] = 9;
    fs::write(&path, bytes).expect("it can be written");
    assert!(told(&path).ends_with("layout 9 of a space, expected 1"), "{}", told(&path));
    let canonical = random_space(5, 40);
    fs::write(&path, canonical.to_bytes().expect("atoms are portable")).expect("it can be written");
    assert_eq!(content(&Snapshot::open(&path).expect("canonical bytes")), content(&canonical));
    let missing = path.with_file_name("missing").join("kb.space");
    assert!(matches!(SpaceFile::open(&missing, system()), Err(FileError::Io { .. })));
    assert!(SpaceFile::open(&path.with_file_name("other"), system().with_must_exist(true)).is_err());
    assert!(SpaceFile::open(path.parent().expect("a folder"), system()).is_err());
}

/// K4, K5: of a journal cut off at any byte all whole records are there, and writing goes on behind them.
#[test]
fn a_torn_end_is_dropped_and_told() {
    let (_folder, path) = place();
    let file = SpaceFile::open(&path, FileOptions::default()).expect("the file opens");
    let mut ends = vec![file.journal_bytes()];
    for n in 0..6 {
        file.add(&atom(n)).expect("it is kept");
        ends.push(file.journal_bytes());
    }
    drop(file);
    let journal = path.with_file_name("kb.space.journal-1");
    let bytes = fs::read(&journal).expect("the journal is there");
    assert_eq!(bytes.len() as u64, *ends.last().expect("records"));
    for length in 0..=bytes.len() {
        fs::write(&journal, &bytes[..length]).expect("it can be written");
        let whole = ends.iter().filter(|end| **end <= length as u64).count().saturating_sub(1);
        assert_eq!(Snapshot::open(&path).expect("it opens").len(), whole as u64, "cut off at {length}");
        let file = SpaceFile::open(&path, system()).expect("it opens");
        assert_eq!(file.snapshot().len(), whole as u64, "cut off at {length}");
        let is_torn = length > 0 && !ends.contains(&(length as u64));
        assert_eq!(file.dropped().is_some(), is_torn, "cut off at {length}");
        if let Some(dropped) = file.dropped() {
            assert!(dropped.to_string().contains("of a write that was not finished"), "{dropped}");
        }
        file.add(&atom(100)).expect("it is kept");
        drop(file);
        let file = SpaceFile::open(&path, system()).expect("it opens");
        assert_eq!((file.snapshot().len(), file.dropped()), (whole as u64 + 1, None));
    }
}

/// A journal damaged before its end is not taken for a torn one.
#[test]
fn a_damaged_journal_is_refused() {
    let (_folder, path) = place();
    let file = SpaceFile::open(&path, FileOptions::default()).expect("the file opens");
    (0..4).for_each(|n| file.add(&atom(n)).expect("it is kept"));
    let last = file.journal_bytes();
    file.add(&atom(4)).expect("it is kept");
    drop(file);
    let journal = path.with_file_name("kb.space.journal-1");
    let bytes = fs::read(&journal).expect("the journal is there");
    for at in 0..last as usize {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        fs::write(&journal, &damaged).expect("it can be written");
        let error = SpaceFile::open(&path, system()).expect_err("a byte is wrong");
        assert!(matches!(error, FileError::Journal { .. } | FileError::Content { .. }), "byte {at}: {error}");
        assert_eq!(fs::read(&journal).expect("the journal is there"), damaged, "byte {at}");
    }
    fs::write(&journal, &bytes).expect("it can be written");
    assert_eq!(Snapshot::open(&path).expect("it opens").len(), 5);
    // A segment that is not there.
    fs::rename(&journal, path.with_file_name("kb.space.journal-2")).expect("it can be renamed");
    assert!(matches!(SpaceFile::open(&path, system()), Err(FileError::Missing { .. })));
}

#[test]
fn a_journal_without_its_base_is_not_taken_for_one_of_another() {
    let (folder, path) = place();
    SpaceFile::open(&path, system()).expect("it opens").add(&atom(1)).expect("it is kept");
    fs::remove_file(&path).expect("it can be removed");
    let file = SpaceFile::open(&path, system()).expect("it opens");
    assert!(file.snapshot().is_empty());
    file.add(&atom(2)).expect("it is kept");
    drop(file);
    random_space(2, 30).save(&path).expect("the space is saved");
    assert_eq!(content(&Snapshot::open(&path).expect("it opens")), content(&random_space(2, 30)));
    assert_eq!(files(folder.path()), ["kb.space"]);
}

#[test]
fn readers_go_on_while_others_write_and_compact() {
    let (_folder, path) = place();
    let file = SpaceFile::open(&path, system()).expect("the file opens");
    (0..500).for_each(|n| file.add(&atom(n)).expect("it is kept"));
    let done = metta_sync::Flag::new();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2)
            .map(|thread| {
                let file = &file;
                scope.spawn(move || {
                    for n in 0..300 {
                        file.add(&atom(1_000 + thread * 1_000 + n)).expect("it is kept");
                    }
                })
            })
            .collect();
        for _ in 0..2 {
            scope.spawn(|| {
                let mut last = 0;
                while !done.is_raised() {
                    let (near, far) = (file.snapshot(), Snapshot::open(&path).expect("it opens"));
                    assert!(near.len() >= last.max(500) && far.len() >= near.len());
                    last = near.len();
                    assert_eq!(near.query(&atom(7)).len(), 1);
                    assert_eq!(far.query(&atom(7)).len(), 1);
                }
            });
        }
        (0..8).for_each(|_| file.compact().expect("the file is compacted"));
        threads.into_iter().for_each(|thread| thread.join().expect("it writes"));
        done.raise();
    });
    drop(file);
    let file = SpaceFile::open(&path, system()).expect("the file opens");
    assert_eq!((file.snapshot().len(), file.snapshot().distinct()), (1_100, 1_100));
    file.snapshot().check().expect("all is as it was written");
}

/// One that may only be read is a process of its own in the test `crash`.
#[cfg(unix)]
#[test]
fn a_folder_in_which_no_file_can_be_is_told() {
    let nowhere = Path::new("/proc/kb.space");
    if nowhere.parent().is_some_and(Path::exists) {
        assert!(matches!(SpaceFile::open(nowhere, system()), Err(FileError::Io { .. })));
        assert!(matches!(random_space(2, 3).save(nowhere), Err(FileError::Io { .. })));
    }
    let missing = place().1.with_file_name("missing").join("kb.space");
    let error = SpaceFile::open(&missing, system()).expect_err("there is no such folder");
    assert!(error.to_string().contains("missing"), "{error}");
}

/// What came out of a file goes back as what changed; anything else goes back as a whole.
#[test]
fn a_file_is_set_to_what_became_of_it() {
    let random = &mut Random::new(11);
    let (_folder, path) = place();
    let file = SpaceFile::open(&path, system()).expect("the file opens");
    let portable = |random: &mut Random| {
        std::iter::repeat_with(|| generated(random, 2, true)).find(crate::stored::is_portable).expect("one")
    };
    let mut atoms: Vec<Atom> = (0..200).map(|_| portable(random)).chain((0..5).map(rule)).collect();
    let mut lengths = Vec::new();
    for round in 0..60 {
        let mut space = (*file.snapshot()).clone();
        for _ in 0..random.below(40) {
            let atom = random.pick(&atoms);
            if random.below(3) == 0 {
                space.remove(&atom);
            } else {
                space.add(&atom);
            }
        }
        if round % 20 == 19 {
            // Another space altogether.
            space = random_space(round, 100);
            atoms.truncate(205);
            atoms.extend(space.iter().map(|fact| space.decode(fact.bytes, fact.variables())));
        }
        if round % 7 == 3 {
            file.compact().expect("the file is compacted");
        }
        let before = file.journal_bytes();
        file.set(&space).expect("it is kept");
        lengths.push(file.journal_bytes() as i64 - before as i64);
        let back = Snapshot::open(&path).expect("the file opens");
        assert_eq!(content(&back), content(&space), "round {round}");
        assert_eq!(rights(&back), rights(&space), "round {round}");
        assert_eq!(content(&file.snapshot()), content(&space), "round {round}");
        back.check().expect("all is as it was written");
    }
    assert!(lengths.iter().filter(|length| **length > 0).count() > 40, "most are appended: {lengths:?}");
    assert!(lengths.iter().any(|length| *length < 0), "some are written anew: {lengths:?}");
    let before = file.journal_bytes();
    file.set(&file.snapshot()).expect("nothing changes");
    assert_eq!(file.journal_bytes(), before);
}
