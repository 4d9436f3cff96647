//! Answers that are kept: nothing changes but the work.

use metta_atom::{Atom, SpaceId};
use metta_syntax::parse;

use super::Run;
use crate::{Effect, Library, Limits, Machine, Step, Tabling, World};

/// What each `!` of a program came to, and the reductions that it took.
fn ran(program: &str, tabling: Tabling, limits: &Limits) -> Vec<(String, u64)> {
    let mut library = Library::new();
    library.set_tabling(tabling);
    let mut machine = Machine::new(library.clone());
    let mut world = World::new();
    let mut ran = Vec::new();
    for form in parse(program, &library).forms {
        let atom = world.resolve(&form.atom);
        if !form.run {
            world.add(SpaceId::TOP, &atom);
            continue;
        }
        machine.begin(&atom, SpaceId::TOP, world, limits, Effect::Outside);
        let step = loop {
            match machine.step(1_000) {
                Step::Yield => {}
                step => break step,
            }
        };
        let results: Vec<String> = machine.take_results().iter().map(Atom::to_string).collect();
        let text = match step {
            Step::Done => format!("[{}]", results.join(", ")),
            step => format!("{step:?}"),
        };
        let reductions = machine.stats().reductions;
        world = machine.end();
        ran.push((text, reductions));
    }
    ran
}

/// Checks that the answers of a program and the reductions that they take are the same however calls are
/// tabled; returns the answers.
#[track_caller]
fn check_under(program: &str, limits: &Limits) -> Vec<String> {
    let plain = ran(program, Tabling::Off, limits);
    for tabling in [Tabling::Automatic, Tabling::Everything] {
        assert_eq!(ran(program, tabling, limits), plain, "{tabling:?}, {limits:?}: {program}");
    }
    plain.into_iter().map(|(text, _)| text).collect()
}

#[track_caller]
fn check(program: &str, expected: &[&str]) {
    assert_eq!(check_under(program, &Limits::default()), expected, "{program}");
}

const FIB: &str = "(= (fib $n) (if (< $n 2) $n (+ (fib (- $n 1)) (fib (- $n 2)))))";

#[test]
fn reductions_are_counted_as_if_they_were_done() {
    check(&format!("{FIB} !(fib 15) !(fib 15)"), &["[610]", "[610]"]);
    let (text, reductions) =
        ran(&format!("{FIB} !(fib 100)"), Tabling::Automatic, &Limits::default()).remove(0);
    assert_eq!(text, "[354224848179261915075]");
    assert_eq!(reductions >> 53, 1, "more than can be counted");
}

#[test]
fn a_function_is_tabled_on_request() {
    // Neither calls itself.
    let program = "(= (f $n) (if (== $n 0) 1 (g $n))) (= (g $n) (+ (f (- $n 1)) (f (- $n 1)))) \
        !(pragma! table f) !(f 80)";
    let ran = ran(program, Tabling::Automatic, &Limits::default());
    assert_eq!(ran[1].0, "[1208925819614629174706176]");
}

#[test]
fn calls_with_data_are_tabled() {
    let program = "(= (paths (At $x $y)) (if (== $x 0) (Sum 1) (if (== $y 0) (Sum 1) \
          (add (paths (At (- $x 1) $y)) (paths (At $x (- $y 1))))))) \
        (= (add (Sum $a) (Sum $b)) (Sum (+ $a $b)))";
    check(&format!("{program} !(paths (At 4 4))"), &["[(Sum 70)]"]);
    let big = ran(&format!("{program} !(paths (At 30 30))"), Tabling::Automatic, &Limits::default());
    assert_eq!(big[0].0, "[(Sum 118264581564861424)]");
}

/// Invariant A1.
#[test]
fn what_changes_between_calls_changes_answers() {
    let rules = "(= (base) 1) (= (sum $n) (if (< $n 2) (base) (+ (sum (- $n 1)) (sum (- $n 2)))))";
    let change = "(let* (($a (sum 10)) ($gone (remove-atom &self (= (base) 1))) \
        ($new (add-atom &self (= (base) 2))) ($b (sum 10))) ($a $b))";
    check(&format!("{rules} !{change} !(sum 10)"), &["[(89 178)]", "[178]"]);
    check(
        "(= (same $a $b) (== $a $b)) (= (kind $a) (get-type $a)) \
         (= (run) (let* (($s (new-state 1)) ($t (new-state 1)) ($x (same $s $t)) \
            ($changed (change-state! $s 2)) ($y (same $s $t))) ($x $y))) \
         (= (types) (let* (($x (kind a)) ($new (add-atom &self (: a A))) ($y (kind a))) ($x $y))) \
         !(run) !(types)",
        &["[(True False)]", "[(%Undefined% A)]"],
    );
}

#[test]
fn what_is_more_than_computing_is_done_each_time() {
    check(
        "(fact 1) (= (facts $x) (match &self (fact $y) (+ $x $y))) \
         (= (count $s $x) (change-state! $s (+ (get-state $s) $x))) \
         (= (both) (let* (($a (facts 1)) ($add (add-atom &self (fact 5))) ($b (collapse (facts 1)))) ($a $b))) \
         (= (counted) (let* (($s (new-state 0)) ($a (count $s 2)) ($b (count $s 2))) (get-state $s))) \
         !(both) !(counted)",
        &["[(2 (2 6))]", "[4]"],
    );
    let mut library = Library::new();
    library.set_tabling(Tabling::Everything);
    let printed = "(= (say $x) (let () (println! $x) $x)) (= (twice) (+ (say 1) (say 1))) !(twice)";
    assert_eq!(Run { library, ..Run::default() }.lines(printed), ["1", "1", "[2]"]);
}

#[test]
fn several_results_come_as_often_as_they_are() {
    check(
        "(= (pick $x) (superpose ($x 2))) (= (none $x) (empty)) (= (bad $x) (Error $x bad)) \
         (= (some $x) (if (== $x 0) (superpose ((Error a b) 7)) (let 3 (superpose (1 3)) 4))) \
         (= (picks) ((pick 1) (pick 1))) (= (errors) (collapse ((bad 1) (bad 1)))) \
         (= (once-each) ((some 0) (some 1) (some 0) (some 1))) (= (nothing) ((none 1) (none 1))) \
         !(picks) !(errors) !(once-each) !(nothing)",
        &["[(1 1), (1 2), (2 1), (2 2)]", "[((Error 1 bad))]", "[(7 4 7 4)]", "[]"],
    );
}

#[test]
fn limits_are_met_where_they_are_without() {
    for steps in (1..400).step_by(7) {
        let program = format!(
            "{FIB} (= (try $n) (case (with-limit (steps {steps}) (fib $n)) (((Error $a $b) stopped) ($x $x)))) \
             (= (all) ((try 9) (try 4) (try 9) (fib 8))) !(all)"
        );
        check_under(&program, &Limits::default());
        check_under(&format!("{FIB} !(fib 8)"), &Limits { steps: Some(steps), ..Limits::default() });
        check_under(&format!("{FIB} !(fib 8)"), &Limits { depth: Some(steps), ..Limits::default() });
    }
    let deep =
        "(= (deep $n) (if (== $n 0) 0 (+ 1 (deep (- $n 1))))) (= (all) ((deep 5) (deep 15) (deep 20)))";
    for depth in [200, 400, 600, 800, 1_000] {
        check_under(&format!("{deep} !(pragma! max-stack-depth {depth}) !(all)"), &Limits::default());
    }
}

#[test]
fn answers_are_given_up_before_memory_is_full() {
    let program = "(= (tree $n $k) (if (== $n 0) $k (+ (tree (- $n 1) $k) (tree (- $n 1) (+ $k 1))))) \
        (= (each $k $sum) (if (== $k 0) $sum (each (- $k 1) (+ $sum (tree 6 (* 100 $k)))))) !(each 300 0)";
    let plain = ran(program, Tabling::Off, &Limits::default());
    let mut limits = Limits::default();
    for memory_bytes in [1 << 18, 1 << 20, 1 << 24] {
        limits.memory_bytes = Some(memory_bytes);
        for tabling in [Tabling::Off, Tabling::Automatic, Tabling::Everything] {
            assert_eq!(ran(program, tabling, &limits), plain, "{tabling:?}, {memory_bytes} bytes");
        }
    }
}
