//! Puts the facts of a text into files, kills the writer again and again, and compares.
//!
//! `cargo run --release -p mettatron --example store -- check facts.metta` loads the text, saves, opens and queries it; then
//! another process writes it piece by piece and is killed on the way, and what it was told is kept must be there.

#![expect(clippy::print_stdout, reason = "a program")]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use mettatron::space::bytes::Encoded;
use mettatron::space::{FileOptions, Snapshot, SpaceFile, Sync};
use mettatron::{Atom, Library, load_text};

/// How many atoms are added at a time.
const TOGETHER: usize = 2_000;
const KILLS: usize = 6;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["check", text] => check(Path::new(text)),
        ["write", text, file] => write(Path::new(text), Path::new(file)),
        _ => Err("usage: store check TEXT".into()),
    }
}

/// Loads a text, with a last line that says how much and how fast.
fn load(text: &Path) -> Result<Snapshot, Box<dyn std::error::Error>> {
    let start = Instant::now();
    let mut space = Snapshot::new();
    let loaded = load_text(&mut space, File::open(text)?, &Library::new(), 1, |_| {})?;
    let seconds = start.elapsed().as_secs_f64();
    let (atoms, megabytes) = (loaded.atoms, loaded.bytes as f64 / 1e6);
    println!(
        "{atoms} atoms from {megabytes:.1} MB in {seconds:.2} s, {:.0} a second",
        atoms as f64 / seconds
    );
    Ok(space)
}

/// The atoms of a space in order, every copy.
fn atoms(space: &Snapshot) -> Vec<Encoded> {
    let copies = space.iter().flat_map(|fact| {
        let encoded = Encoded { bytes: fact.bytes.to_vec(), variables: fact.variables().to_vec() };
        std::iter::repeat_n(encoded, fact.count as usize)
    });
    copies.collect()
}

/// Adds what a file does not have yet, and says after each piece how much it has.
fn write(text: &Path, path: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let mut space = Snapshot::new();
    load_text(&mut space, File::open(text)?, &Library::new(), 0, |_| {})?;
    let file = SpaceFile::open(path, FileOptions::default().with_sync(Sync::System))?;
    let there = file.snapshot().len() as usize;
    for (piece, atoms) in atoms(&space)[there..].chunks(TOGETHER).enumerate() {
        file.transact(|edit| {
            atoms.iter().for_each(|atom| edit.add_encoded(&atom.bytes, &atom.variables));
        })?;
        println!("{}", file.snapshot().len());
        if piece % 20 == 10 {
            file.compact()?;
        }
    }
    Ok(())
}

fn check(text: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let space = load(text)?;
    let folder = tempfile::tempdir()?;
    let (saved, written) = (folder.path().join("saved.space"), folder.path().join("written.space"));
    space.save(&saved)?;
    let start = Instant::now();
    let opened = Snapshot::open(&saved)?;
    println!("opened in {:.2} ms", start.elapsed().as_secs_f64() * 1e3);
    compare_queries(&space, &opened);
    opened.check()?;
    assert_eq!(opened.to_bytes()?, space.to_bytes()?, "what is saved is what was loaded");

    let all = atoms(&space);
    for kill in 0..=KILLS {
        let this = std::env::current_exe()?;
        let mut writer =
            Command::new(this).arg("write").arg(text).arg(&written).stdout(Stdio::piped()).spawn()?;
        let mut said = BufReader::new(writer.stdout.take().ok_or("no output")?).lines();
        // The last one writes to the end.
        let most = if kill < KILLS { 1 + all.len() / TOGETHER / (KILLS + 2) } else { usize::MAX };
        let mut told = said.by_ref().take(most).last().transpose()?;
        if kill < KILLS {
            writer.kill()?;
        }
        if let Some(line) = said.last().transpose()? {
            told = Some(line);
        }
        writer.wait()?;
        let told: u64 = told.map_or(Ok(0), |line| line.parse())?;
        let found = Snapshot::open(&written)?;
        let n = found.len();
        assert!(told <= n && n <= told + TOGETHER as u64, "{told} atoms were kept, {n} are there");
        let mut expected = Snapshot::new();
        all[..n as usize].iter().for_each(|atom| expected.add_encoded(&atom.bytes, &atom.variables));
        assert_eq!(found.to_bytes()?, expected.to_bytes()?, "the first {n} atoms");
        println!("told of {told} atoms, found {n}");
    }
    assert_eq!(
        Snapshot::open(&written)?.to_bytes()?,
        space.to_bytes()?,
        "what is written is what was loaded"
    );
    Ok(())
}

/// Counts the facts of each relation by queries of one space and by looking at all of the other.
fn compare_queries(space: &Snapshot, opened: &Snapshot) {
    let mut relations: BTreeMap<(String, usize), (Atom, u64)> = BTreeMap::new();
    for fact in space.iter() {
        let atom = space.decode(fact.bytes, fact.variables());
        let Some([head, rest @ ..]) = atom.children() else { continue };
        let known = relations.entry((head.to_string(), rest.len())).or_insert_with(|| (head.clone(), 0));
        known.1 += fact.count;
    }
    for ((name, n), (head, count)) in &relations {
        let variables = (0..*n).map(|i| Atom::variable(format!("x{i}").as_str()));
        let pattern = Atom::expression(std::iter::once(head.clone()).chain(variables).collect::<Vec<_>>());
        assert_eq!(opened.count(&pattern), *count, "{pattern}");
        println!("{count:>8} ({name} ...) of {n} elements");
    }
    assert_eq!(opened.damage(), None);
}
