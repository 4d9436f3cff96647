//! The module `fileio`, which a host adds.

use mettatron::modules::file_module;
use mettatron::{Engine, Library};

/// Runs a program that may touch files, with `FILE` as the path of one in a folder of its own.
#[track_caller]
fn check(name: &str, program: &str, expected: &str) {
    let path = std::env::temp_dir().join(format!("mettatron-{}-{name}", std::process::id()));
    let mut library = Library::new();
    library.add_module(file_module());
    let mut engine = Engine::builder().library(library).keep_going(true).build();
    let shown_path = path.display().to_string();
    let program = program.replace("FILE", &shown_path.replace('\\', "\\\\"));
    let lists = engine.run(&format!("!(import! &self fileio) {program}"));
    // A file that was never made cannot be removed.
    let _ = std::fs::remove_file(&path);
    let lists = lists.expect("a run to the end");
    let print = |list: &Vec<_>| list.iter().map(|atom| engine.print(atom)).collect::<Vec<_>>().join(", ");
    let printed: Vec<String> = lists.iter().skip(1).map(print).collect();
    assert_eq!(printed.join("\n").replace(&shown_path, "FILE"), expected, "{program}");
}

#[test]
fn files_are_written_and_read() {
    check(
        "whole",
        r#"!(file-write! (file-open! "FILE" "rwc") "hello
world")
        !(file-read-to-string! (file-open! "FILE" "r"))
        !(file-get-size! (file-open! "FILE" "r"))
        !(bind! &f (file-open! "FILE" "r"))
        !(file-seek! &f 6) !(file-read-to-string! &f)
        !(file-seek! &f 3) !(file-read-exact! &f 4) !(file-read-exact! &f 400)
        !(file-write! (file-open! "FILE" "a") "!") !(file-read-to-string! (file-open! "FILE" "ra"))
        !(file-get-size! (file-open! "FILE" "wt"))
        !(get-type &f) !(== &f &f)"#,
        "()\n\"hello\\nworld\"\n11\n()\n()\n\"world\"\n()\n\"lo\\nw\"\n\"orld\"\n()\n\"hello\\nworld!\"\n0\nFileHandle\nTrue",
    );
}

#[test]
fn failures_are_errors() {
    let cannot = "Failed to open file with provided path=FILE and options=";
    check(
        "letters",
        r#"!(file-open! "FILE" "x")"#,
        &format!("(Error (file-open! \"FILE\" \"x\") {cannot}x)"),
    );
    check(
        "types",
        "!(file-open! foo \"r\") !(file-get-size! 5)",
        "(Error (file-open! foo \"r\") file-open! expects filepath and options in form of string atoms as an argument)\n(Error (file-get-size! 5) (BadArgType 1 FileHandle Number))",
    );
    check(
        "unreadable",
        r#"!(let $f (file-open! "FILE" "wc") (case (file-read-to-string! $f) (((Error $call $reason) failed) ($text read))))
           !(case (file-open! "FILE/none" "r") (((Error $call $reason) failed)))"#,
        "failed\nfailed",
    );
}

#[test]
fn there_is_no_such_module_unless_a_host_adds_it() {
    let lists = Engine::new().run("!(import! &self fileio)").unwrap();
    assert!(lists[0][0].is_error(), "{lists:?}");
}
