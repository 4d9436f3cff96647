//! The machine on small programs, through one function: text in, printed results out.

use metta_atom::SpaceId;
use metta_eval::{Effect, Library, Limits, Machine, Step, World};
use metta_syntax::parse;

/// Runs a program, one line of results for each `!`.
fn run(program: &str) -> Vec<String> {
    run_limited(program, &Limits::default(), 1_000).expect("no limit was hit")
}

fn run_limited(program: &str, limits: &Limits, budget: u64) -> Result<Vec<String>, String> {
    let library = Library::new();
    let parsed = parse(program, &library);
    assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
    let mut world = World::new();
    let mut machine = Machine::new(library);
    let mut lines = Vec::new();
    for form in parsed.forms {
        let atom = world.resolve(&form.atom);
        if !form.run {
            world.add(SpaceId::TOP, &atom);
            continue;
        }
        machine.begin(&atom, SpaceId::TOP, world, limits, Effect::Outside);
        let step = loop {
            match machine.step(budget) {
                Step::Yield => {}
                step => break step,
            }
        };
        let results = machine.take_results();
        lines.extend(machine.take_output());
        world = machine.end();
        match step {
            Step::Done => {}
            other => return Err(format!("{other:?}")),
        }
        let printed: Vec<String> = results.iter().map(|atom| world.print(atom)).collect();
        lines.push(format!("[{}]", printed.join(", ")));
    }
    Ok(lines)
}

#[track_caller]
fn check(program: &str, expected: &[&str]) {
    assert_eq!(run(program), expected, "{program}");
}

#[test]
fn alternatives_come_in_definition_order() {
    check("(= (color) red) (= (color) blue) !(color)", &["[red, blue]"]);
    check("(= (a) 1) (= (a) 2) (= (b) 10) (= (b) 20) !(+ (a) (b))", &["[11, 21, 12, 22]"]);
    check("(= (f) 1) (= (f) 2) (= (f) 3) !((f) (f))", &[
        "[(1 1), (1 2), (1 3), (2 1), (2 2), (2 3), (3 1), (3 2), (3 3)]",
    ]);
}

#[test]
fn errors_count_only_when_nothing_succeeds() {
    check("!(superpose ((Error a b) 1 2))", &["[1, 2]"]);
    check("!(superpose ((Error a b) (Error c d)))", &["[(Error a b), (Error c d)]"]);
    check("!(let $x (superpose (1 2 3)) (if (== $x 2) (Error bad $x) $x))", &["[1, 3]"]);
    check("!(/ 1 0)", &["[(Error (/ 1 0) DivisionByZero)]"]);
    check("!(case (/ 1 0) (((Error $a $m) (caught $m)) ($x ok)))", &["[(caught DivisionByZero)]"]);
    check("(= (f) (Error a 1)) (= (f) (Error b 2)) !(case (f) (((Error $a $m) (caught $m))))", &[
        "[(caught 1), (caught 2)]",
    ]);
}

#[test]
fn deep_recursion_needs_no_native_stack() {
    check("(= (count $n) (if (== $n 0) done (count (- $n 1)))) !(count 20000)", &["[done]"]);
    check("(= (depth $n) (if (== $n 0) 0 (+ 1 (depth (- $n 1))))) !(depth 20000)", &["[20000]"]);
}

#[test]
fn narrowing_binds_the_caller() {
    check("(= (foo A) 1) (= (foo B) 2) !(let $r (foo $x) ($x $r))", &["[(A 1), (B 2)]"]);
    check("(p 1) (p 2) !((match &self (p $x) $x) $x)", &["[(1 1), (2 2)]"]);
}

#[test]
fn minimal_instructions() {
    check("(= (sign $x) (function (chain (eval (> $x 0)) $p (unify $p True (return pos) (return nonpos))))) !(sign 3)", &[
        "[pos]",
    ]);
    check("!(collapse-bind (eval (superpose (1 2))))", &["[((1 {  }) (2 {  }))]"]);
}
