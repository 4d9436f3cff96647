//! One expression on several threads.

use metta_eval::{Effect, OperationError, Tabling};
use metta_sched::{Forking, Library, MettaState, Outcome, Run, RunLimits, Statistics};

use crate::common::{compile, host, runtime, threads, transcript};

const QUEENS: &str = "
    (= (upto $n $list) (if (== $n 0) $list (let $more (cons-atom $n $list) (upto (- $n 1) $more))))
    (= (safe $queen $distance $placed)
       (if (== $placed ()) True
           (let* (($other (car-atom $placed)) ($rest (cdr-atom $placed)))
              (if (or (== $other $queen) (or (== $other (+ $queen $distance)) (== $other (- $queen $distance))))
                  False
                  (safe $queen (+ $distance 1) $rest)))))
    (= (queens $k $columns $placed)
       (if (== $k 0) $placed
           (let $queen (superpose $columns)
              (if (safe $queen 1 $placed)
                  (let $more (cons-atom $queen $placed) (queens (- $k 1) $columns $more))
                  (empty)))))
    (= (bit) 0)
    (= (bit) 1)
    (= (word $n) (if (== $n 0) () (let $bit (bit) (let $rest (word (- $n 1)) (cons-atom $bit $rest)))))
    (= (tree leaf) leaf)
    (= (tree node) (node (tree leaf) (tree leaf)))
    (= (tree node) (pair $x (tree leaf)))
    (edge a b) (edge b c) (edge c d) (edge a c) (edge b d) (edge d e)
    (= (path $x $y) (match &self (edge $x $y) (step $x $y)))
    (= (path $x $y) (match &self (edge $x $z) (let $rest (path $z $y) (step $x $rest))))
";

/// Runs `text` on one thread and, dividing all that can be divided, on several; what was forked.
fn forked(library: &Library, text: &str, configure: impl Fn(Run) -> Run) -> Statistics {
    let fresh = || MettaState::new(library.clone());
    let expected = transcript(configure(Run::new()), |run| run.sequential(fresh(), compile(library, text)));
    let runtime = runtime();
    let mut total = Statistics::default();
    for n in [2, 3, 8] {
        for _ in 0..4 {
            let run = configure(Run::new().config(threads(n)).forking(Forking::Everything));
            let parallel = transcript(run, |run| {
                let outcome: Outcome = run.on(runtime.handle(), fresh(), compile(library, text));
                total += outcome.statistics;
                outcome
            });
            assert_eq!(parallel, expected, "{n} threads");
        }
    }
    total
}

/// How often a program is run until a part is done before its giver asks for it: the pool may be slow to begin.
const ATTEMPTS: usize = 200;

fn divided(text: &str) {
    let mut forks = 0;
    for _ in 0..ATTEMPTS {
        let statistics = forked(&Library::new(), &format!("{QUEENS} {text}"), |run| run);
        forks += statistics.forks;
        if statistics.merged > 0 {
            return;
        }
    }
    panic!("of {forks} forks of {text} none was used");
}

/// Nothing that a part does is used, and nothing is different.
fn whole(text: &str) {
    let statistics = forked(&Library::new(), &format!("{QUEENS} {text}"), |run| run.keep_going(true));
    assert_eq!(statistics.merged, 0, "{text}");
}

#[test]
fn searches_are_divided() {
    divided("!(queens 5 (upto 5 ()) ())");
    divided("!(collapse (queens 5 (upto 5 ()) ()))");
    divided("!(let $all (collapse (queens 5 (upto 5 ()) ())) (size-atom $all))");
    divided("!(word 5)");
    divided("!(let $w (word 4) (let $end (path a $where) ($w $end)))");
    divided("!(match &self (edge $x $y) (queens 4 (upto 4 ()) ($x)))");
    divided(
        "!(let $x (superpose (1 2 3 4 5 6 7 8)) (let $y (superpose (1 2 3)) (let $w (word 2) (t $x $y $w))))",
    );
    divided("!(case (word 4) (((1 $x $y $z) (found $x $y $z)) ($other (other $other))))");
}

/// So many facts `(item n)`, and a rule that takes a while.
fn many(n: u32) -> String {
    (0..n).fold("(= (spin $n $x) (if (== $n 0) $x (spin (- $n 1) $x)))".to_owned(), |text, i| {
        format!("{text} (item {i})")
    })
}

#[test]
fn what_has_many_results_is_divided() {
    let facts = many(120);
    divided("!(hyperpose ((queens 4 (upto 4 ()) ()) (word 3) (+ 1 2) (path a $x) (word 2)))");
    divided("!(collapse (hyperpose ((word 3) (word 4) (word 2))))");
    divided(&format!("{facts} !(match &self (item $x) (spin 20 $x))"));
    divided(&format!("{facts} !(let ($x $y) (match &self (, (item $x) (item $y)) ($x $y)) (spin 2 $x))"));
    divided(&format!("{facts} !(collapse (spin 20 (match &self (item $x) $x)))"));
    let list: String = (0..200).map(|n| format!("{n} ")).collect();
    divided(&format!("{facts} !(spin 20 (superpose ({list})))"));
    divided(&format!("{facts} !(pair (superpose ({list})) (spin 3 (superpose (a b c d))))"));
}

#[test]
fn without_being_asked_to_a_long_search_is_divided() {
    let text = format!("{QUEENS} !(let $all (collapse (queens 8 (upto 8 ()) ())) (size-atom $all))");
    let library = Library::new();
    let runtime = runtime();
    // The other thread may be slow to begin: then the giver takes the work back.
    let merged = (0..ATTEMPTS).any(|_| {
        let run = Run::new().config(threads(2));
        let outcome = run.on(runtime.handle(), MettaState::new(library.clone()), compile(&library, &text));
        assert_eq!(outcome.state.output[0][0].to_string(), "92");
        outcome.statistics.merged > 0
    });
    assert!(merged || std::thread::available_parallelism().is_ok_and(|n| n.get() == 1));
}

#[test]
fn results_with_variables_keep_their_names() {
    let text = "!(let $w (word 3) (has $w $free)) !(collapse (let $w (word 3) (has $w $free)))
                !(let $w (word 2) (let $t (tree node) ($w $t))) !(path $from $to)";
    forked(&Library::new(), &format!("{QUEENS} {text}"), |run| run);
}

#[test]
// J1: while alternatives are away an error is held back as if they were there.
fn errors_beside_successes_are_held_back() {
    let text = "
        (= (odd $x) (if (== (% $x 2) 1) $x (Error $x even)))
        (= (never $x) (Error $x never))
        (= (late 7) fine)
        (= (late $x) (if (== $x 7) (empty) (Error $x late)))
        !(odd (superpose (1 2 3 4 5 6 7 8)))
        !(odd (superpose (2 4 6 8 2 4 6 8)))
        !(collapse (odd (superpose (2 4 6 8))))
        !(collapse (odd (superpose (2 4 6 7))))
        !(never (word 4))
        !(late (superpose (1 2 3 4 5 6 7 8)))
        !(let $x (superpose (1 2 3 4 5 6 7 8)) (late $x))
        !(case (odd (superpose (2 4 6 8 9 10))) (((Error $a $b) (bad $a)) ($x (good $x))))
        !(+ 1 (odd (superpose (2 3 4 5))))";
    forked(&Library::new(), &format!("{QUEENS} {text}"), |run| run.keep_going(true));
}

#[test]
// J2
fn changes_printing_and_chance_come_in_their_order() {
    whole("!(let $w (word 4) (add-atom &self (seen $w))) !(match &self (seen $w) $w)");
    whole("!(let $w (word 4) (println! $w))");
    whole(
        "!(bind! c (new-state 0)) !(let $w (word 4) (let $n (get-state c) (change-state! c (+ $n 1)))) !(get-state c)",
    );
    let text = "
        (limit 3)
        !(let $w (word 3) (let $n (collapse (match &self (limit $x) $x)) (last $w $n)))
        !(let $w (superpose (1 2 3 4 5 6)) (if (== $w 2) (add-atom &self (limit $w)) (match &self (limit $x) ($w $x))))
        !(match &self (limit $x) $x)
        !(collapse (let $w (superpose (1 2 3 4 5 6)) (if (== $w 1) (remove-atom &self (limit 2)) (match &self (limit $x) ($w $x)))))
        !(import! &self random) !(let $w (word 3) (random-int &rng 0 100))";
    forked(&Library::new(), &format!("{QUEENS} {text}"), |run| run.keep_going(true));
}

#[test]
fn limits_are_met_where_one_thread_meets_them() {
    let text = format!("{QUEENS} !(word 3) !(word 6) !(word 4)");
    for results in [0, 1, 8, 20, 64, 80] {
        let limits = RunLimits { results: Some(results), ..RunLimits::default() };
        forked(&Library::new(), &text, |run| run.limits(limits.clone()));
    }
    let inside = "!(with-limit 3 results (word 5)) !(once (word 5)) !(let $w (word 3) (let $v (once (word 4)) ($w $v)))
                  !(collapse (with-limit 40 steps (word 5)))";
    forked(&Library::new(), &format!("{QUEENS} {inside}"), |run| run.keep_going(true));
}

#[test]
fn a_panic_in_a_part_is_the_panic_of_its_expression() {
    let mut library = Library::new();
    host(&mut library, "explode", Effect::Pure, |_| panic!("boom"));
    host(&mut library, "refuse", Effect::Pure, |_| Err(OperationError::Failed("no".to_owned())));
    let text = format!(
        "{QUEENS} !(let $w (word 3) (if (== $w (1 1 0)) (explode) $w)) !(let $w (word 3) (refuse $w)) !(word 2)"
    );
    forked(&library, &text, |run| run.keep_going(true));
}

#[test]
fn tabled_calls_answer_the_same() {
    let text = "
        (= (fib $n) (if (< $n 2) $n (+ (fib (- $n 1)) (fib (- $n 2)))))
        (= (pick $n) (if (== $n 0) 0 (+ (superpose (1 2)) (pick (- $n 1)))))
        (= (twice $n) (+ (pick $n) (pick $n)))
        !(let $w (word 3) (let $n (fib 9) ($w $n))) !(twice 2) !(collapse (twice 2)) !(pick 4)";
    for tabling in [Tabling::Automatic, Tabling::Everything, Tabling::Off] {
        let mut library = Library::new();
        library.set_tabling(tabling);
        forked(&library, &format!("{QUEENS} {text}"), |run| run);
    }
}

#[test]
fn a_program_may_ask_for_one_thread() {
    let statistics =
        forked(&Library::new(), &format!("{QUEENS} !(pragma! parallel off)\n(a b)\n!(word 5)"), |run| run);
    assert_eq!(statistics.forks, 0);
    let statistics =
        forked(&Library::new(), &format!("{QUEENS} !(pragma! parallel 1)\n(a b)\n!(word 5)"), |run| run);
    assert_eq!(statistics.forks, 0);
}
