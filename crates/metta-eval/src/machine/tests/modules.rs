//! Loading modules from memory, by the machine alone.

use std::sync::Arc;

use metta_atom::Atom;

use super::Run;
use crate::{BuiltinModule, EvalError, Library, Limits, ModuleTexts};

const TEXTS: [(&str, &str); 8] = [
    ("plain", "(color red) (= (f) own) !(bind! word bound) (uses word) !(add-atom &self (color blue))"),
    ("chain", "!(import! &self top:plain) (= (g) (match &self (color $c) $c))"),
    ("above:below", "(low 1)"),
    ("wrong", "!(import! &self top:plain) (half 1) !(+ 1 \"two\") (half 2)"),
    ("malformed", "(half 1)\n!(println! (half))\n  (half 2))\n(half 3)"),
    ("first", "!(import! &self top:second)"),
    ("second", "!(import! &self top:first)"),
    ("all", "!(println! (nested (collapse (superpose (1 2 3))))) (= (n 0) done) (= (n $x) (n (- $x 1)))"),
];

fn library() -> Library {
    let mut library = Library::new();
    library.set_modules(Arc::new(ModuleTexts::from(TEXTS)));
    library
}

fn lines(program: &str) -> Vec<String> {
    let run = |stress| Run { library: library(), keep_going: true, stress, ..Run::default() }.lines(program);
    let found = run(false);
    assert_eq!(run(true), found, "a collection before every task changes the answer of {program}");
    found
}

#[test]
fn an_import_shows_atoms_but_not_words() {
    assert_eq!(lines("!(import! &self plain) !(match &self (color $x) $x)"), ["[()]", "[red, blue]"]);
    assert_eq!(
        lines("!(import! &self plain) !(match &self (uses $x) $x) ! word"),
        ["[()]", "[bound]", "[word]"]
    );
    assert_eq!(lines("!(import! &self plain) !(f)"), ["[()]", "[own]"]);
    assert_eq!(
        lines("!(import! &self chain) !(g) !(import! &self plain) !(g)"),
        ["[()]", "[red, blue]", "[()]", "[red, blue]"]
    );
}

/// L1: a module that fails leaves no name and no import behind, and can be tried again.
#[test]
fn a_load_that_fails_leaves_the_modules_as_they_were() {
    let error = "[(Error (import! ModuleSpace(GroundingSpace-top) wrong) (BadArgType 2 Number String))]";
    let tree = "top = 0\n ├─corelib = 1\n └─stdlib = 1\n";
    let program = "!(import! &self wrong) !(print-mods!) !(match &self (half $x) $x) !(import! &self wrong)";
    assert_eq!(lines(program), [error, tree, "[()]", "[]", error]);
}

#[test]
fn a_mistake_is_reported_with_its_place_after_what_stands_before_it() {
    assert_eq!(
        lines("!(import! &self malformed)"),
        [
            "(half)",
            "[(Error (import! ModuleSpace(GroundingSpace-top) malformed) malformed:3:11: expected a form, found `)`)]"
        ]
    );
}

#[test]
fn a_cycle_names_its_chain() {
    assert_eq!(
        lines("!(import! &self first)"),
        ["[(Error (import! ModuleSpace(GroundingSpace-top) first) \
         Import cycle: top:first imports top:second imports top:first)]"]
    );
}

#[test]
fn modules_above_are_loaded_first() {
    let program = "!(import! &b above:below) !(match &b (low $x) $x) !(print-mods!) !(mod-space! above)";
    assert_eq!(
        lines(program),
        [
            "[()]",
            "[1]",
            "top = 0\n ├─above = 2\n │  └─below = 3\n ├─corelib = 1\n └─stdlib = 1\n",
            "[()]",
            "[ModuleSpace(GroundingSpace-top:above)]"
        ]
    );
}

#[test]
fn a_load_in_the_midst_of_alternatives_keeps_them() {
    let program = "!((superpose (a b)) (import! &self all) (superpose (c d)))";
    assert_eq!(lines(program), ["(nested (1 2 3))", "[(a () c), (a () d), (b () c), (b () d)]"]);
}

#[test]
fn without_a_source_there_are_built_in_modules_only() {
    let mut library = Library::new();
    library.add_module(BuiltinModule::new("mine", "(= (m) word)").token("word", Atom::symbol("meaning")));
    let lines = Run { library, ..Run::default() }.lines(
        "!(x word) !(import! &self mine) !(x word) !(m) !(import! &self skel) \
         !(skel-swap-pair-native (Pair 1 2)) !(import! &self plain)",
    );
    assert_eq!(
        lines,
        [
            "[(x word)]",
            "[()]",
            "[(x meaning)]",
            "[meaning]",
            "[()]",
            "[(Pair 2 1)]",
            "[(Error (import! ModuleSpace(GroundingSpace-top) plain) Failed to resolve module top:plain)]"
        ]
    );
}

#[test]
fn limits_count_inside_a_load() {
    let endless = Run {
        library: library(),
        limits: Limits { steps: Some(300), ..Limits::default() },
        ..Run::default()
    };
    let mut texts = ModuleTexts::new();
    texts.insert("many", "(fact)".repeat(1_000));
    let mut library = Library::new();
    library.set_modules(Arc::new(texts));
    let (_, failure) = Run { library, ..endless }.until_failure("!(import! &self many)");
    assert_eq!(failure, Some(EvalError::OutOfSteps { limit: 300 }));
}

/// L1: a limit that the program sets ends a load like an error.
#[test]
fn a_limit_of_the_program_ends_a_load() {
    let mut texts = ModuleTexts::new();
    texts.insert("endless", "(begun) (= (f $x) (f (+ $x 1))) !(f 0)");
    let mut library = Library::new();
    library.set_modules(Arc::new(texts));
    let lines = Run { library, keep_going: true, ..Run::default() }.lines(
        "!(with-limit (steps 500) (import! &self endless)) \
         !(match &self (begun) begun) !(context-space) !(print-mods!)",
    );
    let tree = "top = 0\n ├─corelib = 1\n └─stdlib = 1\n";
    let stopped = "[(Error (with-limit (steps 500) (import! ModuleSpace(GroundingSpace-top) endless)) \
                   stopped after 500 steps, the limit)]";
    assert_eq!(lines, [stopped, "[]", "[ModuleSpace(GroundingSpace-top)]", tree, "[()]"]);
}
