//! What a batch may not show: that it ran in parallel.

use std::sync::{Arc, mpsc};

use crate::common::{check, compile, host, runtime, threads, transcript};
use metta_atom::Atom;
use metta_eval::{Effect, OperationError};
use metta_sched::{Event, Library, MettaState, Run, RunLimits, Statistics};
use metta_sync::{Counter, Held, Ranked};
use proptest::prelude::*;

fn plain(run: Run) -> Run {
    run
}

#[test]
fn a_thousand_expressions_answer_in_order() {
    let mut text = "(= (sum $n) (if (== $n 0) 0 (+ $n (sum (- $n 1)))))".to_owned();
    for i in 0..1000 {
        text += &format!("!(sum {})", i % 7);
    }
    let seen = check(&Library::new(), &text, plain);
    let lines: Vec<&str> = seen.lines().collect();
    assert_eq!(lines.len(), 1000);
    assert_eq!((lines[0], lines[999]), ("1 [0]", "1000 [15]"));
}

#[test]
fn a_write_is_seen_by_later_expressions_only() {
    // C1
    let seen = check(
        &Library::new(),
        "(item a)
         !(match &self (item $x) $x)
         !(match &self (item $x) $x)
         !(add-atom &self (item b))
         !(match &self (item $x) $x)
         !(add-atom &self (item c))
         !(add-atom &self (item d))
         !(match &self (item $x) $x)
         !(remove-atom &self (item a))
         !(match &self (item $x) $x)",
        plain,
    );
    assert_eq!(
        seen,
        "1 [a]\n2 [a]\n3 [()]\n4 [a, b]\n5 [()]\n6 [()]\n7 [a, b, c, d]\n8 [()]\n9 [b, c, d]\n\
         (item b) x1\n(item c) x1\n(item d) x1\n"
    );
}

#[test]
fn a_rule_is_a_boundary() {
    let seen = check(&Library::new(), "!(f 1) !(f 2) (= (f $x) (+ $x 1)) !(f 1) !(f 2)", plain);
    assert_eq!(seen, "0 [(f 1)]\n1 [(f 2)]\n3 [2]\n4 [3]\n");
}

#[test]
fn printed_lines_come_before_their_results() {
    // C2
    let seen = check(&Library::new(), "!(+ 1 1) !(println! one) !(+ 2 2) !(println! two) !(+ 3 3)", plain);
    assert_eq!(seen, "0 [2]\n> one\n1 [()]\n2 [4]\n> two\n3 [()]\n4 [6]\n");
}

#[test]
fn printing_does_not_keep_expressions_apart() {
    let text: String = (0..100).map(|i| format!("!(println! {i}) !(tell {i})")).collect();
    let library = Library::new();
    let compiled = compile(&library, &format!("(= (tell $x) (println! $x)) {text}"));
    let run = Run::new().config(threads(8));
    let outcome = runtime().block_on(run.spawn(MettaState::new(library), compiled)).unwrap();
    assert_eq!(outcome.state.output, vec![vec![Atom::unit()]; 200]);
    assert_eq!((outcome.statistics.retries, outcome.statistics.blocked), (0, 0));
}

#[test]
fn an_error_ends_the_run() {
    let mut library = Library::new();
    host(&mut library, "fail", Effect::Pure, |_| Err(OperationError::Failed("no".to_owned())));
    let text = "!(+ 1 1) !(fail) !(add-atom &self later) !(+ 2 2) later-too";
    assert_eq!(check(&library, text, plain), "0 [2]\n1 [(Error (fail) no)]\n");
    let all = check(&library, text, |run| run.keep_going(true));
    assert_eq!(all, "0 [2]\n1 [(Error (fail) no)]\n2 [()]\n3 [4]\nlater x1\nlater-too x1\n");
}

#[test]
fn an_ill_typed_fact_is_an_error_that_ends_the_run() {
    let text = "(: f (-> Number Number)) (f text)
                !(pragma! type-check auto)
                (f 1) (f \"no\") (f 2)
                !(match &self (f $x) $x)";
    let seen = check(&Library::new(), text, plain);
    let lines: Vec<&str> = seen.lines().collect();
    assert_eq!(lines[..2], ["2 [()]", "4 [(Error (f \"no\") (BadArgType 1 Number String))]"]);
    assert_eq!(lines.len(), 5, "{seen}");
    let all = check(&Library::new(), text, |run| run.keep_going(true));
    assert_eq!(all.lines().nth(2), Some("6 [text, 1, 2]"), "{all}");
}

#[test]
fn the_rule_at_fault_is_the_same_however_many_evaluate() {
    let rules = "(= (inverse $x) (/ 1 $x)) (= (both $x) (+ (inverse $x) (inverse 2)))
                 (= (total $x) (+ (both 1) (both $x)))";
    let calls: String = (0..60).map(|i| format!("!(total {}) ", i % 3)).collect();
    let seen = check(&Library::new(), &format!("{rules} {calls}"), |run| run.keep_going(true));
    let blamed: Vec<&str> = seen.lines().filter(|line| line.contains(" in ")).collect();
    assert_eq!(blamed.len(), 20);
    assert_eq!(blamed[1], "6.0 in (= (inverse $x) (/ 1 $x))");
}

#[test]
fn a_panic_is_an_error_of_its_expression() {
    let mut library = Library::new();
    host(&mut library, "burst", Effect::Pure, |_| panic!("ouch"));
    let text: String =
        (0..40).map(|i| if i % 9 == 4 { "!(burst)".to_owned() } else { format!("!(+ {i} 0)") }).collect();
    let seen = check(&library, &text, |run| run.keep_going(true));
    for (i, line) in seen.lines().enumerate() {
        if i % 9 == 4 {
            assert!(line.starts_with(&format!("{i} [(Error (burst)")), "{line}");
        } else {
            assert_eq!(line, format!("{i} [{i}]"));
        }
    }
    assert_eq!(seen.lines().count(), 40);
}

#[test]
fn the_outside_world_is_reached_once_and_in_order() {
    for n in [1, 2, 8] {
        let calls = Arc::new(Counter::new(0));
        let mut library = Library::new();
        let counter = Arc::clone(&calls);
        host(&mut library, "tick", Effect::Outside, move |_| {
            Ok(vec![Atom::integer(i64::try_from(counter.add(1)).unwrap())])
        });
        let text = "(= (both $x) ($x (println! $x) (tick)))
                    !(+ 1 1) !(tick) !(both a) !(+ 2 2) !(tick) !(both b) !(both c)";
        let runtime = runtime();
        let seen = transcript(Run::new().config(threads(n)), |run| {
            run.on(runtime.handle(), MettaState::new(library.clone()), compile(&library, text))
        });
        assert_eq!(
            seen,
            "1 [2]\n2 [0]\n> a\n3 [(a () 1)]\n4 [4]\n5 [2]\n> b\n6 [(b () 3)]\n> c\n7 [(c () 4)]\n"
        );
        assert_eq!(calls.get(), 5);
    }
}

/// What is said of a run in which `tick` reaches the outside world.
fn ticking(text: &str) -> (String, Statistics) {
    let mut library = Library::new();
    host(&mut library, "tick", Effect::Outside, |args| Ok(args.to_vec()));
    let expected = check(&library, text, plain);
    let runtime = runtime();
    let mut statistics = Statistics::default();
    let seen = transcript(Run::new().config(threads(4)), |run| {
        let outcome = run.on(runtime.handle(), MettaState::new(library.clone()), compile(&library, text));
        statistics = outcome.statistics;
        outcome
    });
    assert_eq!(seen, expected);
    (seen, statistics)
}

const LOOP: &str = "(= (work $n) (if (== $n 0) done (work (- $n 1))))";

#[test]
fn what_will_reach_the_outside_world_is_not_tried_before_its_turn() {
    let forms = (0..60).fold(String::new(), |text, i| format!("{text} !(save {i}) !(work {})", i + 300));
    let (_, statistics) = ticking(&format!(
        "{LOOP} (= (save $x) (let $done (work 500) (note ($x $done)))) (= (note $x) (tick $x)) {forms}"
    ));
    assert_eq!((statistics.blocked, statistics.vain, statistics.retries), (0, 0, 0), "{statistics:?}");
    // Where the rules do not tell, it is tried.
    let data = forms.replace("(save", "(let $save (match &self (saver $save) $save) ($save");
    let data = data.replace(") !(work", ")) !(work");
    let (_, statistics) =
        ticking(&format!("{LOOP} (saver save) (= (save $x) (let $done (work 500) (tick $x))) {data}"));
    assert!(statistics.blocked > 0 && statistics.vain > 0, "{statistics:?}");
}

#[test]
fn what_could_reach_the_outside_world_and_does_not_runs_beside_others() {
    let forms = (0..400).fold(String::new(), |text, i| format!("{text} !(careful {i})"));
    let rules = "(= (careful $x) (let $done (work 2000) (if (> $x 1000) (tick $x) $x)))";
    let (_, statistics) = ticking(&format!("{LOOP} {rules} {forms}"));
    // After each one that is suspected twice as many as before are not: 8, 16 and so on run in batches.
    assert!(statistics.chunks > 0, "{statistics:?}");
    assert_eq!((statistics.blocked, statistics.vain), (0, 0), "{statistics:?}");
}

#[test]
fn a_function_that_changes_states_by_its_rules_runs_alone() {
    let forms = (0..20).fold(String::new(), |text, i| format!("{text} !(work {}) !(bump)", i + 100));
    let rules = "!(bind! &s (new-state 0)) (= (bump) (let $n (get-state &s) (change-state! &s (+ 1 $n))))";
    let (seen, statistics) = ticking(&format!("{LOOP} {rules} {forms} !(get-state &s)"));
    assert!(seen.contains("[20]"), "{seen}");
    assert_eq!((statistics.retries, statistics.vain), (0, 0), "{statistics:?}");
}

#[test]
fn a_limit_stops_at_its_expression() {
    let text = "(= (down $n) (if (== $n 0) done (down (- $n 1))))
                !(down 2) !(down 3) !(down 100) !(down 1) fact";
    let limits = RunLimits { steps: Some(200), ..RunLimits::default() };
    let seen = check(&Library::new(), text, |run| run.limits(limits.clone()));
    assert_eq!(seen, "1 [done]\n2 [done]\n! E0301 after 3\n");
}

#[test]
fn no_more_threads_than_allowed_are_in_use() {
    for n in [1, 2, 3] {
        // How many calls there are now, and were at most.
        let calls = Arc::new(Ranked::<(usize, usize), 9>::new((0, 0)));
        let mut library = Library::new();
        let inside = Arc::clone(&calls);
        host(&mut library, "slow", Effect::Pure, move |args| {
            let count = |change: isize| {
                let mut task = Held::root();
                let (mut calls, _) = inside.lock(&mut task);
                calls.0 = calls.0.checked_add_signed(change).unwrap();
                calls.1 = calls.1.max(calls.0);
            };
            count(1);
            (0..2000).for_each(|_| std::thread::yield_now());
            count(-1);
            Ok(args.to_vec())
        });
        let text: String = (0..24).map(|i| format!("!(slow {i})")).collect();
        let runtime = runtime();
        let run = Run::new().config(threads(n));
        let outcome =
            runtime.block_on(run.spawn(MettaState::new(library.clone()), compile(&library, &text))).unwrap();
        let expected: Vec<Vec<Atom>> = (0..24).map(|i| vec![Atom::integer(i)]).collect();
        assert_eq!(outcome.state.output, expected);
        assert!(calls.lock(&mut Held::root()).0.1 <= n);
        assert_eq!(outcome.statistics.tasks > 0, n > 1);
    }
}

#[test]
fn results_are_delivered_while_later_expressions_run() {
    let (sender, receiver) = mpsc::channel();
    let mut library = Library::new();
    let receiver = Ranked::<_, 9>::new(receiver);
    // Ends only after the result of the first expression was delivered.
    host(&mut library, "wait", Effect::Pure, move |_| {
        let index: usize = receiver.lock(&mut Held::root()).0.recv().unwrap();
        Ok(vec![Atom::integer(i64::try_from(index).unwrap())])
    });
    let run = Run::new().config(threads(4)).on_event(move |event| {
        if let Event::Results { index, .. } = event {
            // The operation is gone when the last result comes.
            let _ = sender.send(index);
        }
    });
    let compiled = compile(&library, "!(+ 1 1) !(wait) !(+ 2 2)");
    let outcome = runtime().block_on(run.spawn(MettaState::new(library), compiled)).unwrap();
    assert_eq!(outcome.state.output, [[Atom::integer(2)], [Atom::integer(0)], [Atom::integer(4)]]);
}

#[test]
fn many_writers_cost_no_more_than_they_write() {
    let mut text = "(= (note $x) (add-atom &self (seen $x)))".to_owned();
    for i in 0..300 {
        text += &format!("!(note {i})");
    }
    let library = Library::new();
    let run = Run::new().config(threads(8));
    let outcome =
        runtime().block_on(run.spawn(MettaState::new(library.clone()), compile(&library, &text))).unwrap();
    assert_eq!(outcome.state.output.len(), 300);
    assert!(outcome.statistics.retries < 100, "{:?}", outcome.statistics);
}

/// How often an expression had asked for what an earlier one wrote, and evaluations thrown away.
fn conflicts(text: &str) -> (u64, u64) {
    let library = Library::new();
    check(&library, text, plain);
    let run = Run::new().config(threads(8));
    let runtime = runtime();
    let outcome =
        runtime.block_on(run.spawn(MettaState::new(library.clone()), compile(&library, text))).unwrap();
    (outcome.statistics.conflicts, outcome.statistics.retries)
}

#[test]
fn facts_that_nobody_asks_for_keep_nobody_apart() {
    let mut text = "(city a) (city b)".to_owned();
    for i in 0..200 {
        text += &format!(
            "!(add-atom &self (seen {i})) !(match &self (city $x) ($x {i})) !(remove-atom &self (old {i}))"
        );
    }
    assert_eq!(conflicts(&text), (0, 0));
    let mut text = "!(bind! &a (new-space)) !(bind! &b (new-space)) (start)".to_owned();
    for i in 0..100 {
        text += &format!("!(add-atom &a (seen {i})) !(match &b (seen $x) $x) !(get-atoms &b)");
    }
    assert_eq!(conflicts(&text), (0, 0));
}

#[test]
fn who_asks_for_what_was_written_sees_it() {
    // C1: each of these may be evaluated before what it asks for is there.
    let asks = [
        "(match &self (seen $x) $x)",
        "(match &self (seen $x $y) $x)",
        "(match &self ($any 7) $any)",
        "(match &self $all $all)",
        "(match &self (, (city $x) (seen $x)) $x)",
        "(match &self (, (city $x) ($y 7)) ($x $y))",
        "(get-atoms &self)",
        "(case &self (((seen $x) (found $x)) ($_ none)))",
        "(let (seen $x) &self $x)",
        "(unify &self (seen $x) $x none)",
        "(collapse (match &self (seen $x) $x))",
        "(asked)",
        "(json-encode &self)",
    ];
    for ask in asks {
        let mut text = "(city 7) (city 8) (= (asked) (match &self (seen $x) (asked $x)))".to_owned();
        for i in 5..12 {
            text +=
                &format!("!(add-atom &self (seen {i})) !{ask} !(remove-atom &self (seen {})) !{ask}", i - 2);
        }
        check(&Library::new(), &text, |run| run.keep_going(true));
    }
}

#[test]
fn a_fact_that_is_no_plain_one_is_seen() {
    for fact in ["(= (f) 1)", "(: a B)", "($x 7)", "a", "7", "((g) 7)", "&self", "(:< B C)", "(\"s\" 1)"] {
        let text = format!(
            "(= (g) g) !(g) !(add-atom &self {fact}) !(f) !(get-type a) !(match &self (seen $x) $x) \
             !(match &self ($y 7) $y) !(remove-atom &self {fact}) !(f) !(match &self (h 7) 1) !(get-type a)"
        );
        check(&Library::new(), &text, |run| run.keep_going(true));
    }
}

/// Forms that together have every kind of effect.
fn form() -> impl Strategy<Value = String> {
    let n = 0..4u8;
    prop_oneof![
        n.clone().prop_map(|n| format!("!(match &self (item $x) ($x {n}))")),
        n.clone().prop_map(|n| format!("!(+ {n} {n})")),
        n.clone().prop_map(|n| format!("!(add-atom &self (item {n}))")),
        n.clone().prop_map(|n| format!("!(remove-atom &self (item {n}))")),
        n.clone().prop_map(|n| format!("!(println! {n})")),
        n.clone().prop_map(|n| format!("!(put {n})")),
        n.clone().prop_map(|n| format!("!(maybe {n})")),
        n.clone().prop_map(|n| format!("(item {n})")),
        n.clone().prop_map(|n| format!("!(change-state! &cell {n})")),
        n.clone().prop_map(|n| format!("!(bump {n})")),
        n.clone().prop_map(|n| format!("!((get-state &cell) {n})")),
        n.prop_map(|n| format!("(= (put {n}) (println! put))")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parallel_runs_equal_the_sequential_one(forms in prop::collection::vec(form(), 0..40)) {
        let rules = "!(bind! &cell (new-state 0))
                     (= (bump $n) (change-state! &cell (+ $n (get-state &cell))))
                     (= (put $n) (add-atom &self (item $n)))
                     (= (maybe $n) (if (== $n 2) (add-atom &self (item two)) $n))";
        check(&Library::new(), &format!("{rules} {}", forms.join(" ")), plain);
    }
}
