//! Spaces as bytes.

use metta_atom::{Atom, SpaceId, StateId};
use metta_space::{Key, Relation, Snapshot, StoredError};
use xxhash_rust::xxh3::xxh3_128;

use crate::generator::{Random, atom, binding_value};
use crate::matching::filled;

/// What a space is, in order.
pub(crate) fn content(snapshot: &Snapshot) -> Vec<(String, u64)> {
    let text = |fact: metta_space::Fact<'_>| snapshot.decode(fact.bytes, fact.variables()).to_string();
    snapshot.iter().map(|fact| (text(fact), fact.count)).collect()
}

pub(crate) fn is_portable(atom: &Atom) -> bool {
    let mut snapshot = Snapshot::new();
    snapshot.add(atom);
    snapshot.to_bytes().is_ok()
}

pub(crate) fn random_space(seed: u64, size: usize) -> Snapshot {
    let random = &mut Random::new(seed);
    let mut atoms: Vec<Atom> = (0..size).map(|_| atom(random, 3, true)).filter(is_portable).collect();
    let rules = atoms
        .iter()
        .take(6)
        .map(|atom| Atom::expression([Atom::symbol("="), Atom::symbol("f"), atom.clone()]));
    let rules: Vec<Atom> = rules.collect();
    atoms.extend(rules);
    let repeated: Vec<Atom> = (0..size / 4).map(|_| random.pick(&atoms)).collect();
    atoms.extend(repeated);
    filled(&atoms)
}

/// S1.
#[test]
fn spaces_come_back_from_bytes_as_they_were() {
    for seed in 0..150 {
        let space = random_space(seed, [3, 40, 300][seed as usize % 3]);
        let bytes = space.to_bytes().expect("atoms are portable");
        let back = Snapshot::from_bytes(&bytes).expect("bytes are a space");
        assert_eq!(content(&back), content(&space), "seed {seed}");
        assert_eq!((back.len(), back.distinct()), (space.len(), space.distinct()), "seed {seed}");
        assert_eq!(back.to_bytes().as_ref(), Ok(&bytes), "seed {seed}");
        let rules = |space: &Snapshot| {
            let list = space.declarations(Relation::Equation, Key::Symbol("f")).unwrap_or_default();
            let mut rights: Vec<String> = list.iter().map(|rule| rule.right.to_string()).collect();
            rights.sort();
            rights
        };
        assert_eq!(rules(&back), rules(&space), "seed {seed}");
        // Another history, the same content.
        let mut other = Snapshot::new();
        other.add(&Atom::symbol("first"));
        for fact in space.iter() {
            (0..fact.count).for_each(|_| other.add_encoded(fact.bytes, fact.variables()));
        }
        assert!(other.remove(&Atom::symbol("first")));
        assert_eq!(other.to_bytes(), Ok(bytes), "seed {seed}");
        // It goes on living.
        let mut back = back;
        let atoms: Vec<Atom> = space.iter().map(|fact| space.decode(fact.bytes, fact.variables())).collect();
        back.add(&Atom::symbol("more"));
        for atom in atoms {
            while back.remove(&atom) {}
        }
        assert_eq!(content(&back), [("more".to_owned(), 1)], "seed {seed}");
    }
}

/// S2.
#[test]
fn damaged_bytes_are_refused() {
    let bytes = random_space(4, 40).to_bytes().expect("atoms are portable");
    for length in 0..bytes.len() {
        assert!(Snapshot::from_bytes(&bytes[..length]).is_err(), "cut off at {length}");
    }
    let mut damaged = bytes.clone();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            damaged[at] ^= 1 << bit;
            assert!(Snapshot::from_bytes(&damaged).is_err(), "bit {bit} of byte {at}");
            damaged[at] ^= 1 << bit;
        }
    }
    damaged.push(0);
    assert!(matches!(Snapshot::from_bytes(&damaged), Err(StoredError::Length { .. })));
    damaged[8] = 9;
    assert_eq!(Snapshot::from_bytes(&damaged).err(), Some(StoredError::Version { found: 9 }));
    assert_eq!(Snapshot::from_bytes(b"(f x)").err(), Some(StoredError::Magic));
}

/// S2: with a checksum that fits, whatever is accepted is what would be written.
#[test]
fn forged_bytes_are_refused_or_canonical() {
    let (mut accepted, mut refused) = (0, 0);
    for seed in 0..30 {
        let bytes = random_space(seed, 8).to_bytes().expect("atoms are portable");
        let random = &mut Random::new(seed);
        for _ in 0..400 {
            let mut forged = bytes[..bytes.len() - 16].to_vec();
            for _ in 0..1 + random.below(2) {
                // Behind the magic and the number of the layout, the length left alone.
                let at = [12 + random.below(8), 28 + random.below(forged.len() - 28)][random.below(8).min(1)];
                forged[at] = random.pick(&[0, 1, 2, 0x7F, 0x80, 0xC0, 0xC1, 0xFF, forged[at] ^ 1]);
            }
            let checksum = xxh3_128(&forged);
            forged.extend_from_slice(&checksum.to_le_bytes());
            match Snapshot::from_bytes(&forged) {
                Ok(space) => {
                    accepted += 1;
                    assert_eq!(space.to_bytes(), Ok(forged), "seed {seed}");
                }
                Err(_) => refused += 1,
            }
        }
    }
    assert!(accepted > 100 && refused > 1000, "{accepted} accepted, {refused} refused");
}

#[test]
fn references_are_not_written() {
    for (value, name) in [
        (Atom::space(SpaceId(0)), "a space"),
        (Atom::state(StateId(0)), "a state"),
        (binding_value("a"), "a value of the host"),
    ] {
        let space = filled(&[Atom::expression([Atom::symbol("p"), value])]);
        assert_eq!(space.to_bytes(), Err(StoredError::Reference { value: name.to_owned() }));
    }
}

#[test]
fn so_many_copies_of_a_rule_are_not_written() {
    let rule = Atom::expression([Atom::symbol("="), Atom::symbol("f"), Atom::symbol("x")]);
    let mut space = filled(&[rule]);
    let bytes: Vec<u8> = space.iter().next().map(|fact| fact.bytes.to_vec()).unwrap_or_default();
    (0..1 << 20).for_each(|_| space.add_encoded(&bytes, &[]));
    assert!(space.to_bytes().is_ok());
    space.add_encoded(&bytes, &[]);
    assert_eq!(space.to_bytes(), Err(StoredError::Copies { limit: 1 << 20 }));
}

#[test]
fn files_are_replaced_as_a_whole() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("spaces");
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let path = folder.join("space");
    let (first, second) = (random_space(1, 30), random_space(2, 60));
    first.save(&path).expect("the file can be written");
    second.save(&path).expect("the file can be written");
    assert_eq!(content(&Snapshot::open(&path).expect("the file can be read")), content(&second));
    // What cannot be written leaves what was there.
    let unsayable = filled(&[Atom::space(SpaceId(0))]);
    let error = unsayable.save(&path).expect_err("a space refers to another").to_string();
    assert!(error.ends_with("an atom refers to `a space`, which is not part of the space"), "{error}");
    assert_eq!(content(&Snapshot::open(&path).expect("the file can be read")), content(&second));
    let names = || std::fs::read_dir(&folder).expect("the folder can be read").count();
    assert_eq!(names(), 1);
    let bytes = std::fs::read(&path).expect("the file can be read");
    std::fs::write(&path, &bytes[..bytes.len() / 2]).expect("the file can be written");
    let error = Snapshot::open(&path).expect_err("half a file").to_string();
    assert!(error.contains("bytes, expected"), "{error}");
    let missing = Snapshot::open(&folder.join("none")).expect_err("no file").to_string();
    assert!(missing.starts_with("cannot open"), "{missing}");
    assert!(first.save(&folder.join("none").join("space")).is_err());
    std::fs::remove_dir_all(&folder).expect("the folder can be removed");
}
