//! Texts that are loaded into spaces, and spaces written as text.

use mettatron::space::Snapshot;
use mettatron::{Atom, Library, LoadError, Loaded, load_text, write_text};

/// Longer than one piece, with what pieces must not be cut in.
fn text(n: u64) -> String {
    let line = |n: u64| match n % 7 {
        0 => format!("(edge n{} \"a ) string ; {n}\") ; a (comment\n", n % 1_000),
        1 => format!("(= (f{n} $x)\n   (g $x {n} -1.5))\n"),
        2 => format!("(dup)(number {n})"),
        _ => format!("(edge n{} n{})\n", n % 1_000, n % 77),
    };
    (0..n).map(line).collect()
}

fn content(space: &Snapshot) -> Vec<(String, u64)> {
    let text = |fact: mettatron::space::Fact<'_>| space.decode(fact.bytes, fact.variables()).to_string();
    space.iter().map(|fact| (text(fact), fact.count)).collect()
}

fn load(text: &str, threads: usize) -> (Snapshot, Result<Loaded, LoadError>, Vec<Loaded>) {
    let (mut space, mut seen) = (Snapshot::new(), Vec::new());
    let loaded = load_text(&mut space, text.as_bytes(), &Library::new(), threads, |so_far| seen.push(so_far));
    (space, loaded, seen)
}

#[test]
fn threads_load_what_one_loads() {
    let text = text(60_000);
    let (expected, loaded, _) = load(&text, 0);
    let mut one = Snapshot::new();
    for form in mettatron::syntax::parse(&text, &Library::new()).forms {
        one.add(&form.atom);
    }
    assert_eq!(content(&expected), content(&one));
    let loaded = loaded.expect("a whole text");
    assert_eq!(loaded, Loaded { atoms: one.len(), bytes: text.len() as u64 });
    for threads in [1, 2, 5] {
        let (space, same, seen) = load(&text, threads);
        assert_eq!(same.expect("a whole text"), loaded);
        assert_eq!(content(&space), content(&expected), "{threads} threads");
        assert_eq!(space.to_bytes(), expected.to_bytes());
        assert!(seen.len() > 3 && seen.last() == Some(&loaded));
        assert!(seen.is_sorted_by_key(|so_far| (so_far.bytes, so_far.atoms)));
    }
}

#[test]
fn what_is_written_is_loaded_again() {
    let (space, ..) = load(&text(3_000), 0);
    let mut written = Vec::new();
    assert_eq!(write_text(&space, &mut written).expect("it is written"), space.len());
    let (back, ..) = load(std::str::from_utf8(&written).expect("text"), 1);
    assert_eq!(content(&back), content(&space));
}

#[test]
fn mistakes_are_told_with_their_line() {
    for threads in [0, 2] {
        for (bad, expected) in [
            ("(a b\n", "line 30002"),
            ("!(f)", "line 30002: expected atoms to add, found an expression to evaluate"),
            ("\n)", "line 30003"),
        ] {
            let lines = "(edge some-node another-node)\n".repeat(30_000);
            let (space, loaded, _) = load(&format!("{lines}\n{bad}\n{}", "(c)\n".repeat(9)), threads);
            let error = loaded.expect_err("a mistake").to_string();
            assert!(error.starts_with(expected), "{error}");
            assert!(space.query(&Atom::expression([Atom::symbol("c")])).is_empty());
        }
    }
}
