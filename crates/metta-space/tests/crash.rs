//! Processes that write: killed at random points, with a full disk, without the right to.
//!
//! ```text
//! writer    two threads, each: change, wait until it is kept, say so ── and now and then a compaction
//! this one  reads what is said, kills the writer, opens the file, compares
//! ```
//! K2, K3: the changes of a thread follow from a seed, so what the file must hold is known: of each thread all changes that
//! were acknowledged, perhaps the one that was on its way, and nothing else.
//!
//! `cargo test -p metta-space --test crash` kills a few times, `... --test crash -- 1000` a thousand times.

#![cfg_attr(metta_loom, allow(unused))]
#![expect(clippy::print_stdout, reason = "a program of its own, which talks to the one that kills it")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use metta_atom::Atom;
use metta_space::{FileError, FileOptions, Snapshot, SpaceFile, Sync};

const THREADS: u64 = 2;

/// How often a writer is killed unless it is said.
const KILLS: u64 = 20;

/// A number that follows from others (SplitMix64).
fn mixed(parts: &[u64]) -> u64 {
    parts.iter().fold(0x9E37_79B9_7F4A_7C15, |state, part| {
        let mut z = (state ^ part).wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    })
}

/// What a change does: copies of these are added and removed.
struct Change {
    adds: Vec<u64>,
    removes: Vec<u64>,
}

/// The change of a thread with this number.
fn change(thread: u64, number: u64) -> Change {
    let pick = |salt| mixed(&[thread, number, salt]);
    let key = |salt| pick(salt) % 40;
    match pick(0) % 10 {
        0..=5 => Change { adds: vec![key(1)], removes: Vec::new() },
        6..=7 => Change { adds: Vec::new(), removes: vec![key(1)] },
        _ => Change { adds: vec![key(1), key(2), 1_000 + number % 500], removes: vec![key(3)] },
    }
}

fn atom(thread: u64, key: u64) -> Atom {
    // Some are longer than a page.
    let padding = if key.is_multiple_of(13) { "x".repeat(5_000) } else { String::new() };
    let name = Atom::symbol(format!("k{key}{padding}").as_str());
    Atom::expression([Atom::symbol(format!("t{thread}").as_str()), name, Atom::variable("v")])
}

/// The facts of a thread in insertion order, with their copies.
#[derive(Clone, Default, Debug, PartialEq)]
struct Model(Vec<(u64, u64)>);

impl Model {
    fn apply(&mut self, change: &Change) {
        for key in &change.adds {
            match self.0.iter_mut().find(|(known, _)| known == key) {
                Some((_, count)) => *count += 1,
                None => self.0.push((*key, 1)),
            }
        }
        for key in &change.removes {
            if let Some(at) = self.0.iter().position(|(known, _)| known == key) {
                self.0[at].1 -= 1;
                if self.0[at].1 == 0 {
                    self.0.remove(at);
                }
            }
        }
    }

    /// What a space has of a thread.
    fn of(space: &Snapshot, thread: u64) -> Model {
        let mut model = Model::default();
        for fact in space.iter() {
            let atom = space.decode(fact.bytes, fact.variables());
            let children = atom.children().expect("an expression");
            if children[0].as_symbol() == Some(&format!("t{thread}")) {
                let key = children[1].as_symbol().expect("a symbol").trim_matches(['k', 'x']);
                model.0.push((key.parse().expect("a number"), fact.count));
            }
        }
        model
    }
}

/// Changes a file until it is killed.
fn write(path: &Path, sync: Sync, done: &[u64]) {
    let options = FileOptions::default().with_sync(sync);
    let file = SpaceFile::open(path, options).expect("the file opens");
    std::thread::scope(|scope| {
        for (thread, first) in (0..).zip(done) {
            let file = &file;
            scope.spawn(move || {
                for number in *first.. {
                    let change = change(thread, number);
                    let made = file.transact(|edit| {
                        change.adds.iter().for_each(|key| edit.add(&atom(thread, *key)));
                        change.removes.iter().for_each(|key| {
                            edit.remove(&atom(thread, *key));
                        });
                    });
                    made.expect("the change is kept");
                    println!("{thread} {number}");
                    if thread == 0 && number.is_multiple_of(29) {
                        file.compact().expect("the file is compacted");
                    }
                }
            });
        }
    });
}

/// Kills a writer after some changes; returns how many each thread was told are kept.
fn kill_one(path: &Path, sync: &str, done: &[u64], point: u64) -> Vec<u64> {
    let this = std::env::current_exe().expect("this program has a name");
    let mut command = Command::new(this);
    command.arg("--write").arg(path).arg(sync).args(done.iter().map(u64::to_string)).stdout(Stdio::piped());
    let mut writer = command.spawn().expect("the writer starts");
    let mut said = BufReader::new(writer.stdout.take().expect("it has an output")).lines();
    let mut told = done.to_vec();
    let mut hear = |line: String| {
        let (thread, number) = line.split_once(' ').expect("two numbers");
        let (thread, number): (usize, u64) = (thread.parse().expect("it"), number.parse().expect("it"));
        assert_eq!(told[thread], number, "a thread says one after the other");
        told[thread] = number + 1;
    };
    let most = if point.is_multiple_of(3) { 400 } else { 60 };
    for line in said.by_ref().take(1 + (mixed(&[point, 1]) % most) as usize) {
        hear(line.expect("a line"));
    }
    // As long as it lives the file is its own.
    let second = SpaceFile::open(path, FileOptions::default()).map(|_| ());
    assert!(matches!(second, Err(FileError::Locked { .. })), "{second:?}");
    // Somewhere between two words of the writer.
    (0..mixed(&[point, 2]) % 50_000).for_each(|n| {
        std::hint::black_box(n);
    });
    writer.kill().expect("it can be killed");
    said.for_each(|line| hear(line.expect("a line")));
    writer.wait().expect("it ends");
    told
}

fn check(kills: u64, sync: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("kb.space");
    let mut models = vec![Model::default(); THREADS as usize];
    let mut done = vec![0; THREADS as usize];
    let mut dropped = 0;
    for point in 0..kills {
        let told = kill_one(&path, sync, &done, mixed(&[point, kills, sync.len() as u64]));
        if !path.exists() {
            assert_eq!(told, done, "nothing was said without a file");
            continue;
        }
        let read = Snapshot::open(&path).expect("the file opens for reading");
        let file = SpaceFile::open(&path, FileOptions::default()).expect("the file opens");
        dropped += u64::from(file.dropped().is_some());
        let space = file.snapshot();
        assert_eq!(read.to_bytes(), space.to_bytes(), "readers and writers find the same");
        for thread in 0..THREADS as usize {
            let found = Model::of(&space, thread as u64);
            while done[thread] < told[thread] {
                models[thread].apply(&change(thread as u64, done[thread]));
                done[thread] += 1;
            }
            if models[thread] != found {
                // The one that was on its way.
                models[thread].apply(&change(thread as u64, done[thread]));
                done[thread] += 1;
            }
            assert_eq!(models[thread], found, "point {point}, thread {thread}");
        }
        space.check().expect("the base is whole");
    }
    let file = SpaceFile::open(&path, FileOptions::default()).expect("the file opens");
    file.compact().expect("the file is compacted");
    let mut names: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(folder.path()).expect("the folder is there") {
        names.push(entry.expect("a file").file_name().to_string_lossy().into_owned());
    }
    assert!(names.len() == 2, "nothing is left over: {names:?}");
    let counts: BTreeMap<_, _> = (0..THREADS).zip(&done).collect();
    println!(
        "{kills} kills, kept by the {sync}: changes of each thread {counts:?}, {dropped} torn writes dropped"
    );
}

/// Fills a file until the system takes no more.
fn fill(path: &Path) {
    let file = SpaceFile::open(path, FileOptions::default()).expect("the file opens");
    let mut kept = 0;
    loop {
        while file.add(&atom(0, kept)).is_ok() {
            kept += 1;
        }
        assert_eq!(file.snapshot().len(), kept, "what failed is not there");
        // A base is shorter than the journal, up to a point.
        if file.compact().is_err() {
            break;
        }
    }
    assert!(file.snapshot().save(&path.with_extension("other")).is_err(), "nor for another file");
    println!("{kept}");
}

/// A writer for whom files end early, as on a full disk: what it was told is kept stays, and others go on.
#[cfg(unix)]
fn check_full_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("kb.space");
    let this = std::env::current_exe().expect("this program has a name");
    // In blocks of 512 or 1024 bytes. The signal that would end the program is an error instead.
    let script = "ulimit -f 40; trap '' XFSZ; exec \"$0\" --fill \"$1\"";
    let output = Command::new("sh").arg("-c").arg(script).arg(this).arg(&path).output().expect("a shell");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let kept: u64 = String::from_utf8_lossy(&output.stdout).trim().parse().expect("a number");
    assert!(kept > 10, "{kept}");
    let file = SpaceFile::open(&path, FileOptions::default()).expect("the file opens");
    assert_eq!((file.snapshot().len(), file.dropped()), (kept, None));
    file.add(&atom(1, 1)).expect("there is room");
    file.compact().expect("there is room");
    assert_eq!(Snapshot::open(&path).expect("the file opens").len(), kept + 1);
    assert!(!path.with_extension("other").exists());
    println!("a full disk: {kept} additions kept");
}

/// What a process finds that may read a file and its folder, and not write them.
fn look(path: &Path) {
    let said = |error: FileError| {
        let what = error.to_string();
        assert!(matches!(error, FileError::Io { .. }) && what.contains("ermission denied"), "{what}");
        what
    };
    let space = Snapshot::open(path).expect("it may be read");
    assert_eq!(space.len(), 3);
    // There is no journal yet, and none can be made.
    let error = said(SpaceFile::open(path, FileOptions::default()).expect_err("it may not be written"));
    assert!(error.starts_with("cannot create `") && error.contains(".journal-"), "{error}");
    let error = said(space.save(path).expect_err("nor put in its place"));
    assert!(error.starts_with("cannot write `") && error.contains("kb.space`"), "{error}");
    let other = path.with_file_name("other.space");
    said(SpaceFile::open(&other, FileOptions::default()).expect_err("nor may another be made"));
    said(Snapshot::open(&path.with_file_name("secret.space")).expect_err("nor is all to be read"));
}

/// A folder that is there to be read alone. Whoever may do everything has somebody else look at it.
#[cfg(unix)]
fn check_read_only() {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;

    const NOBODY: u32 = 65_534;
    let folder = tempfile::tempdir().expect("a folder");
    let set =
        |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).expect("it is mine");
    let mut space = Snapshot::new();
    (0..3).for_each(|key| space.add(&atom(0, key)));
    let (path, secret) = (folder.path().join("kb.space"), folder.path().join("secret.space"));
    space.save(&path).expect("the space is saved");
    space.save(&secret).expect("the space is saved");
    // Others may not reach the program where it is.
    let this = folder.path().join("program");
    fs::copy(std::env::current_exe().expect("this program has a name"), &this).expect("it can be read");
    for (path, mode) in [(&*this, 0o555), (&*path, 0o444), (&*secret, 0o000), (folder.path(), 0o555)] {
        set(path, mode);
    }
    let listed = || fs::read_dir(folder.path()).expect("a folder").count();
    let before = (listed(), fs::read(&path).expect("a file"));
    let mut command = Command::new(&this);
    if fs::metadata(folder.path()).expect("a folder").uid() == 0 {
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = command.arg("--look").arg(&path).output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!((listed(), fs::read(&path).expect("a file")), before);
    set(folder.path(), 0o755);
    println!("a folder that may only be read: told, and nothing changed");
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, path, sync, done @ ..] = &arguments[..]
        && mode == "--write"
    {
        let done: Vec<u64> = done.iter().map(|number| number.parse().expect("a number")).collect();
        let sync = if sync == "disk" { Sync::Disk } else { Sync::System };
        std::io::stdout().flush().expect("an output");
        return write(Path::new(path), sync, &done);
    }
    if let [mode, path] = &arguments[..]
        && mode == "--fill"
    {
        return fill(Path::new(path));
    }
    if let [mode, path] = &arguments[..]
        && mode == "--look"
    {
        return look(Path::new(path));
    }
    #[cfg(unix)]
    check_full_disk();
    #[cfg(unix)]
    check_read_only();
    let kills = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(KILLS);
    check(kills.div_ceil(2), "disk");
    check(kills.div_ceil(2), "system");
}
