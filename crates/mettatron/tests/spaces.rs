//! Spaces in files, as programs see them.

use std::fs;
use std::path::Path;

use mettatron::space::Snapshot;
use mettatron::{Engine, SpaceFiles};

/// Runs a program in an engine of its own; returns what it prints, with `HERE` for the folder.
fn run(folder: &Path, program: &str) -> String {
    let mut engine = Engine::builder().store(SpaceFiles::below(folder)).keep_going(true).build();
    shown(&mut engine, folder, program)
}

fn shown(engine: &mut Engine, folder: &Path, program: &str) -> String {
    let lists = engine.run(program).expect("a run to the end");
    let print = |list: &Vec<_>| list.iter().map(|atom| engine.print(atom)).collect::<Vec<_>>().join(", ");
    let printed: Vec<String> = lists.iter().map(print).collect();
    printed.join("\n").replace(&folder.display().to_string(), "HERE")
}

#[test]
fn a_space_outlives_its_engine() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let program = r#"(= (f x) (g x)) (a 1) (a 1) !(save-space! &self "kb.space")"#;
    assert_eq!(run(here, program), "()");
    let program = r#"!(let $s (open-space "kb.space") (collapse (get-atoms $s)))"#;
    assert_eq!(run(here, program), "((= (f x) (g x)) (a 1) (a 1))");
    // Saved again, what changed is appended.
    let change =
        r#"!(let $s (open-space "kb.space") (let () (add-atom $s (b 2)) (save-space! $s "kb.space")))"#;
    assert_eq!(run(here, change), "()");
    assert_eq!(run(here, change), "()");
    assert!(here.join("kb.space.journal-1").exists() || here.join("kb.space.journal-2").exists());
    assert_eq!(run(here, program), "((= (f x) (g x)) (a 1) (a 1) (b 2) (b 2))");
    assert_eq!(Snapshot::open(&here.join("kb.space")).expect("it opens").len(), 5);
}

#[test]
fn what_cannot_be_opened_or_saved_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    assert_eq!(
        run(here, r#"!(open-space "none")"#),
        "(Error (open-space \"none\") cannot open `HERE/none`: No such file or directory (os error 2))"
    );
    fs::write(here.join("text"), "(a fact)").expect("it can be written");
    assert_eq!(
        run(here, r#"!(save-space! &self "text")"#),
        "(Error (save-space! &self \"text\") `HERE/text` is not a space)"
            .replace("&self", "ModuleSpace(GroundingSpace-top)")
    );
    assert_eq!(fs::read_to_string(here.join("text")).expect("it is there"), "(a fact)");
    let mut engine = Engine::builder().keep_going(true).build();
    assert_eq!(
        shown(&mut engine, here, r#"!(open-space "kb.space")"#),
        "(Error (open-space \"kb.space\") this engine keeps no spaces in files)"
    );
}

#[test]
fn two_engines_do_not_write_over_each_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    run(here, r#"(a 1) !(save-space! &self "kb.space")"#);
    let engine = || Engine::builder().store(SpaceFiles::below(here)).keep_going(true).build();
    let (mut first, mut second) = (engine(), engine());
    for engine in [&mut first, &mut second] {
        shown(engine, here, r#"!(bind! &s (open-space "kb.space"))"#);
    }
    let add = r#"!(add-atom &s (a 2)) !(case (save-space! &s "kb.space") (((Error $c $reason) $reason) ($ok $ok)))"#;
    assert_eq!(shown(&mut first, here, add), "()\n()");
    assert_eq!(shown(&mut second, here, add), "()\n`HERE/kb.space` is open for writing elsewhere");
    drop(first);
    assert_eq!(
        shown(&mut second, here, r#"!(case (save-space! &s "kb.space") (((Error $c $reason) $reason)))"#),
        "`HERE/kb.space` was changed elsewhere since it was opened"
    );
    assert_eq!(Snapshot::open(&here.join("kb.space")).expect("it opens").len(), 2);
}

#[test]
fn damage_that_is_met_is_the_result() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let facts: String = (0..5_000).map(|n| format!("(edge n{n} m{n})\n")).collect();
    run(here, &format!(r#"{facts} !(save-space! &self "kb.space")"#));
    let path = here.join("kb.space");
    let mut bytes = fs::read(&path).expect("it is there");
    bytes[600] ^= 1;
    fs::write(&path, bytes).expect("it can be written");
    let program = r#"!(bind! &s (open-space "kb.space")) !(match &s (edge n1 $x) $x)"#;
    let printed = run(here, program);
    assert!(printed.contains("`HERE/kb.space` is damaged near byte 512"), "{printed}");
}

/// Speculation never touches a file, and sees files as one worker does.
#[test]
fn files_are_used_in_program_order() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().expect("a runtime");
    let mut program = String::from("!(bind! &s (new-space))\n");
    for n in 0..30 {
        program.push_str(&format!(
            "!(add-atom &s (a {n}))\n!(save-space! &s \"kb.space\")\n!(collapse (match (open-space \"kb.space\") (a $x) $x))\n"
        ));
        program.push_str("!(match &s (a $x) $x)\n");
    }
    let one = {
        let folder = tempfile::tempdir().expect("a folder");
        run(folder.path(), &program)
    };
    for _ in 0..5 {
        let folder = tempfile::tempdir().expect("a folder");
        let builder = Engine::builder().store(SpaceFiles::below(folder.path())).keep_going(true);
        let mut engine = builder.runtime(runtime.handle().clone()).build();
        assert_eq!(shown(&mut engine, folder.path(), &program), one);
    }
}
