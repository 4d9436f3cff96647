//! States to `Par` and back.

use metta_atom::{Atom, SpaceId};
use metta_rholang::par::{self, ExprKind, List, Par};
use metta_rholang::{Codec, SpaceError, StateError, metta_state_to_pathmap_par, pathmap_par_to_metta_state};
use metta_sched::{Library, MettaState, run_state_sync};
use proptest::prelude::*;

fn compile(text: &str) -> MettaState {
    let parsed = metta_syntax::parse(text, &Library::new());
    assert!(parsed.diagnostics.is_empty(), "{text}");
    MettaState::compiled(Library::new(), parsed.forms)
}

fn run(accumulated: MettaState, compiled: MettaState) -> MettaState {
    run_state_sync(accumulated, compiled).expect("it runs")
}

fn vector(name: &str) -> Vec<u8> {
    let mut lines = include_str!("vectors.txt").lines();
    let line = lines.find(|line| line.starts_with(name)).expect("a vector of this name");
    let (_, digits) = line.rsplit_once(": ").expect("a name and digits");
    (0..digits.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&digits[i..i + 2], 16).expect("hexadecimal digits"))
        .collect()
}

fn through_bytes(codec: &Codec, state: &MettaState) -> MettaState {
    let bytes = par::encode(&codec.state_to_par(state).expect("it can be written"));
    codec.state_from_par(&par::decode(&bytes).expect("what was written")).expect("a state")
}

/// The atoms of the main space with their copies, in order.
fn facts(state: &MettaState) -> Vec<(String, u64)> {
    let space = state.environment.snapshot(SpaceId::TOP).expect("the main space");
    space.iter().map(|fact| (space.decode(fact.bytes, fact.variables()).to_string(), fact.count)).collect()
}

fn forms(state: &MettaState) -> Vec<(Atom, bool)> {
    state.source.iter().map(|form| (form.atom.clone(), form.run)).collect()
}

#[test]
fn compiled_states_of_the_node_are_read_and_run() {
    for name in ["compiled state v1", "compiled state v2"] {
        let state = pathmap_par_to_metta_state(&par::decode(&vector(name)).unwrap()).unwrap();
        assert_eq!(forms(&state), forms(&compile("!(+ 1 2)")), "{name}");
        assert!(state.output.is_empty());
        assert_eq!(run(MettaState::default(), state).output, [[Atom::integer(3)]], "{name}");
    }
}

#[test]
fn a_compiled_state_is_the_bytes_of_the_node() {
    let par = metta_state_to_pathmap_par(&compile("!(+ 1 2)")).unwrap();
    assert_eq!(par::encode(&par), vector("compiled state v2"));
}

#[test]
fn the_empty_path_map_is_the_empty_state() {
    let state = pathmap_par_to_metta_state(&par::decode(&vector("empty pathmap")).unwrap()).unwrap();
    assert!(state.source.is_empty() && state.output.is_empty() && state.environment.is_fresh());
}

const PROGRAM: &str = r#"
    (= (pick $x) (first $x))
    (= (pick $y) (second "a \"b\" \\ c"))
    (: pick (-> Atom Atom))
    (z-comes-first 1 2.5 -3.0 True)
    (a-comes-later) (a-comes-later)
    &self
    (a long-symbol-of-more-than-sixty-three-bytes-so-that-no-short-tag-of-the-encoding-fits ())
    !(pick 1)
    !(+ 1 "x")
"#;

/// S2: definition order and copies survive, and so does what the rules mean.
#[test]
fn a_run_state_survives_both_dialects() {
    let state = run(MettaState::default(), compile(PROGRAM));
    let picked = [&state.output[0][..]];
    for codec in [Codec::default(), Codec::default().strict()] {
        let again = through_bytes(&codec, &state);
        let spelled = |facts: Vec<(String, u64)>| {
            let plain = |text: String| text.replace("$x", "$a").replace("$y", "$a");
            facts.into_iter().map(|(text, count)| (plain(text), count)).collect::<Vec<_>>()
        };
        assert_eq!(spelled(facts(&again)), spelled(facts(&state)));
        assert_eq!(facts(&state)[4], ("(a-comes-later)".to_owned(), 2));
        assert_eq!(run(again, compile("!(pick 1)")).output, picked);
    }
    let strict = through_bytes(&Codec::default().strict(), &state);
    assert_eq!(facts(&strict), facts(&state), "names of variables too");
    assert_eq!(strict.output, state.output);
    let legacy = through_bytes(&Codec::default(), &state);
    assert_eq!(legacy.output[0][..2], state.output[0][..]);
    assert!(legacy.output[0][2].is_error());
}

#[test]
fn facts_headed_by_a_bang_stay_facts_in_the_strict_dialect() {
    let state = compile("(! x) !x !(! x)");
    let strict = through_bytes(&Codec::default().strict(), &state);
    assert_eq!(forms(&strict), forms(&state));
}

#[test]
fn what_has_no_place_in_the_layout_is_an_error() {
    let spaces = run(MettaState::default(), compile("!(bind! &kb (new-space))"));
    assert_eq!(metta_state_to_pathmap_par(&spaces), Err(StateError::OtherSpaces { spaces: 1 }));
    let cell = run(MettaState::default(), compile("!(let $s (new-state 1) (add-atom &self (cell $s)))"));
    let error = metta_state_to_pathmap_par(&cell).unwrap_err();
    assert!(matches!(error, StateError::Space(SpaceError::Reference { .. })), "{error}");
}

/// Makes a state whose space is these bytes; the older layout has tuples and a table of rules.
fn state_of(space: &[u8], rules: Option<&[u8]>) -> Par {
    let group = |ps| if rules.is_some() { Par::tuple(ps) } else { Par::list(ps) };
    let named = |name: &str, payload| group(vec![Par::string(name), payload]);
    let bytes = |bytes: &[u8]| Par::bytes(bytes.to_vec());
    let other = match rules {
        Some(rules) => named("multiplicities", bytes(rules)),
        None => named("large_exprs", bytes(b"MTTL\0\0\0\0\0\0\0\0")),
    };
    let parts = vec![
        named("source", Par::list(vec![])),
        named("environment", group(vec![named("space", bytes(space)), other])),
        named("output", Par::list(vec![])),
    ];
    Par::expr(ExprKind::PathMap(List { ps: vec![group(parts)], ..List::default() }))
}

/// Makes a space of these records.
fn space_of(records: &[(&[u8], Option<u64>)]) -> Vec<u8> {
    let mut bytes = b"MTTS\0\0\0\0\0\0\0\0".to_vec();
    bytes.extend_from_slice(&(records.len() as u64).to_be_bytes());
    for (path, copies) in records {
        bytes.extend_from_slice(&(path.len() as u32).to_be_bytes());
        bytes.extend_from_slice(path);
        bytes.extend(copies.iter().flat_map(|copies| copies.to_be_bytes()));
    }
    bytes
}

fn read_space(space: &[u8]) -> Result<Vec<(String, u64)>, StateError> {
    pathmap_par_to_metta_state(&state_of(space, None)).map(|state| facts(&state))
}

const RULE: &[u8] = b"\x03\xC1=\x02\xC1f\xC0\x80";

#[test]
fn paths_of_text_are_read_as_the_words_they_are() {
    let space = space_of(&[(RULE, Some(2)), (b"\x03\xC1+\xC11\xC3\"a\"", Some(1))]);
    let expected = [("(= (f $a) $a)".to_owned(), 2), ("(+ 1 \"a\")".to_owned(), 1)];
    assert_eq!(read_space(&space).unwrap(), expected);
    let state = pathmap_par_to_metta_state(&state_of(&space, None)).unwrap();
    let results = run(state, compile("!(f (+ 1 1))")).output;
    assert_eq!(results, [[Atom::integer(2), Atom::integer(2)]]);
}

#[test]
fn the_older_layout_has_its_copies_in_a_table() {
    let space = space_of(&[(b"\xC1a", None), (RULE, None)]);
    let rules = |text: &str, copies: u64| {
        let mut bytes = b"MTTM\0\0\0\0\0\0\0\x01".to_vec();
        bytes.extend_from_slice(&(text.len() as u32).to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
        bytes.extend_from_slice(&copies.to_be_bytes());
        bytes
    };
    let read =
        |rules: &[u8]| pathmap_par_to_metta_state(&state_of(&space, Some(rules))).map(|state| facts(&state));
    let expected = [("a".to_owned(), 1), ("(= (f $a) $a)".to_owned(), 3)];
    assert_eq!(read(&rules("(= (f $other) $other)", 3)).unwrap(), expected);
    let unknown = SpaceError::UnknownRule { rule: "(= (g) 1)".to_owned() };
    assert_eq!(read(&rules("(= (g) 1)", 3)), Err(unknown.into()));
}

/// S1: lengths that the bytes do not have are errors, whatever they claim.
#[test]
fn malformed_spaces_are_errors() {
    let space = space_of(&[(RULE, Some(1)), (b"\xC1a", Some(1))]);
    for end in 0..space.len() {
        let error = read_space(&space[..end]).unwrap_err();
        let StateError::Space(SpaceError::Truncated { .. } | SpaceError::Magic { .. }) = error else {
            panic!("{end}: {error}");
        };
    }
    let with = |at: usize, bytes: &[u8]| {
        let mut space = space.clone();
        space[at..at + bytes.len()].copy_from_slice(bytes);
        read_space(&space).unwrap_err()
    };
    assert_eq!(with(12, &[0xff; 8]), SpaceError::Truncated { at: 20 }.into());
    assert_eq!(with(20, &[0xff; 4]), SpaceError::Truncated { at: 24 }.into());
    assert!(matches!(with(4, &[0, 0, 0, 0, 0, 0, 0, 4]), StateError::Space(SpaceError::SymbolTable { .. })));
    assert_eq!(with(4, &[0xff; 8]), SpaceError::Truncated { at: 12 }.into());
    assert!(matches!(with(24, &[0x42]), StateError::Space(SpaceError::Path { record: 0, .. })));
    let handle = space_of(&[(b"\xC9\xFC\0\0\0\0\0\0\0\0", Some(1))]);
    assert_eq!(read_space(&handle), Err(SpaceError::Record { record: 0 }.into()));
    let trailing = [&space[..], &[0]].concat();
    assert_eq!(read_space(&trailing), Err(SpaceError::Trailing { at: space.len() }.into()));
}

/// An archive of these files, as MORK's table of symbols is.
fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    use std::io::Write as _;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in files {
        let options = zip::write::FileOptions::<()>::default().large_file(true);
        zip.start_file::<&str, _>(name, options).and_then(|()| Ok(zip.write_all(content)?)).expect("a file");
    }
    zip.finish().expect("an archive").into_inner()
}

/// A space whose paths have numbers for the words of an archive.
fn space_with_symbols(archive: &[u8], records: &[(&[u8], Option<u64>)]) -> Vec<u8> {
    let mut bytes = b"MTTS".to_vec();
    bytes.extend_from_slice(&(archive.len() as u64).to_be_bytes());
    bytes.extend_from_slice(archive);
    bytes.extend_from_slice(&space_of(records)[12..]);
    bytes
}

#[test]
fn words_are_looked_up_in_a_table_of_symbols() {
    let long = "long".repeat(50);
    let number = |lane: u8, n: u8| [0, 0, lane, 0, 0, 0, 0, n];
    let record = |lane: u8, n: u8, word: &str| {
        let mut bytes = number(lane, n)[2..].to_vec();
        if word.len() < 128 {
            bytes.push(!(word.len() as u8))
        } else {
            bytes.extend((word.len() as u64).to_be_bytes())
        }
        [bytes, word.as_bytes().to_vec()].concat()
    };
    let first = [record(0, 1, "="), record(0, 2, "f"), record(0, 3, "$x"), record(0, 4, &long)].concat();
    let second = [record(0x7F, 1, "+"), record(0x7F, 2, "-7"), record(0x7F, 3, "\"a b\"")].concat();
    let table = archive(&[
        ("SharedMapping_0x00.binary_data", &first),
        ("SharedMapping_0x7F.binary_data", &second),
        ("FileSizes.meta", b"not needed"),
    ]);
    let word = |lane, n| [&[0xC8][..], &number(lane, n)].concat();
    // (= (f $x) (+ $x -7)), with a variable that is a word, and (f "a b" long $new $new).
    let rule = [
        &[3][..],
        &word(0, 1),
        &[2],
        &word(0, 2),
        &word(0, 3),
        &[3],
        &word(0x7F, 1),
        &word(0, 3),
        &word(0x7F, 2),
    ];
    let fact = [&[5][..], &word(0, 2), &word(0x7F, 3), &word(0, 4), &[0xC0, 0x80]];
    let (rule, fact) = (rule.concat(), fact.concat());
    let expected = [("(= (f $x) (+ $x -7))".to_owned(), 2), (format!("(f \"a b\" {long} $a $a)"), 1)];
    let space = space_with_symbols(&table, &[(&rule, Some(2)), (&fact, Some(1))]);
    assert_eq!(read_space(&space).unwrap(), expected);
    let older = space_with_symbols(&table, &[(&rule, None), (&fact, None)]);
    let older = pathmap_par_to_metta_state(&state_of(&older, Some(b"MTTM\0\0\0\0\0\0\0\0"))).unwrap();
    assert_eq!(facts(&older)[1], expected[1]);
    assert_eq!(run(older, compile("!(f 10)")).output, [[Atom::integer(3)]]);
    // A number that no word has, a path that ends too soon, a damaged archive, one that claims too much.
    for path in [word(0, 9), rule[..20].to_vec(), vec![0x42], vec![0x80]] {
        let space = space_with_symbols(&table, &[(&path, Some(1))]);
        assert_eq!(read_space(&space), Err(SpaceError::Record { record: 0 }.into()));
    }
    for at in 0..table.len() {
        let mut damaged = table.clone();
        damaged[at] ^= 0x55;
        // Some bytes of an archive say nothing.
        drop(read_space(&space_with_symbols(&damaged, &[(&rule, Some(1))])));
    }
    for end in 1..table.len() {
        let space = space_with_symbols(&table[..end], &[(&rule, Some(1))]);
        assert!(read_space(&space).is_err(), "{end}");
    }
    let mut many = table.clone();
    let at = many.len() - 22 + 10;
    many[at..at + 2].fill(0xFF);
    let bomb = archive(&[("SharedMapping_0x00.binary_data", &vec![0; 50 << 20])]);
    for table in [many, bomb, archive(&[("x.binary_data", &first[..5])])] {
        let error = read_space(&space_with_symbols(&table, &[])).unwrap_err();
        assert!(matches!(error, StateError::Space(SpaceError::SymbolTable { .. })), "{error}");
    }
}

#[test]
fn copies_are_counted_before_they_are_made() {
    let copies = |n| space_of(&[(b"\xC1a", Some(n))]);
    assert_eq!(read_space(&copies(0)), Err(SpaceError::NoCopies { record: 0 }.into()));
    let limit = 1 << 20;
    assert_eq!(read_space(&copies(u64::MAX)), Err(SpaceError::TooManyCopies { limit }.into()));
    let codec = Codec::default().most_copies(4);
    let read = |n| codec.state_from_par(&state_of(&copies(n), None)).map(|state| facts(&state));
    assert_eq!(read(5).unwrap(), [("a".to_owned(), 5)]);
    assert_eq!(read(6), Err(SpaceError::TooManyCopies { limit: 4 }.into()));
}

#[test]
fn other_shapes_are_refused() {
    let par = state_of(&space_of(&[]), None);
    let text = par::encode(&par);
    let at = text.windows(4).position(|window| window == b"MTTL").unwrap();
    let mut one = text.clone();
    one[at + 11] = 1;
    let error = pathmap_par_to_metta_state(&par::decode(&one).unwrap()).unwrap_err();
    assert_eq!(error, SpaceError::Truncated { at: 12 }.into());
    let mut renamed = text;
    let at = renamed.windows(6).position(|window| window == b"source").unwrap();
    renamed[at] = b'S';
    let error = pathmap_par_to_metta_state(&par::decode(&renamed).unwrap()).unwrap_err();
    assert_eq!(error, StateError::NotAState { part: "source" });
    for par in [Par::default(), Par::list(vec![]), par::decode(&vector("pathmap remainder")).unwrap()] {
        assert!(matches!(pathmap_par_to_metta_state(&par), Err(StateError::NotAState { .. })));
    }
}

proptest! {
    #[test]
    fn any_space_bytes_are_a_space_or_an_error(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..6),
        older in any::<bool>(),
    ) {
        let copies = (!older).then_some(1);
        let mut space = space_of(&[(RULE, copies), (b"\xC1a", copies), (b"\x02\xC0\xC0", copies)]);
        for (index, byte) in changes {
            let at = index.index(space.len());
            space[at] = byte;
        }
        let rules: &[u8] = b"MTTM\0\0\0\0\0\0\0\0";
        for codec in [Codec::default(), Codec::default().strict()] {
            if let Ok(state) = codec.state_from_par(&state_of(&space, older.then_some(rules))) {
                prop_assert!(codec.state_to_par(&state).is_ok());
            }
        }
    }
}
