//! Generated programs: all that can be seen of a run is that of one thread.

use std::sync::OnceLock;

use metta_atom::Atom;
use metta_eval::{Effect, EvalError, Tabling};
use metta_sched::{Environment, Forking, Library, MettaState, Run, RunError, RunLimits};
use proptest::prelude::*;
use tokio::runtime::Runtime;

use crate::common::{compile, everything, host, threads, transcript_with};

const RULES: &str = "
    !(bind! &cell (new-state 0))
    !(bind! &other (new-space))
    (= (bit) 0) (= (bit) 1)
    (= (word $n) (if (< $n 1) () (let $bit (bit) (let $rest (word (- $n 1)) (cons-atom $bit $rest)))))
    (= (up $n) (if (> $n 3) (empty) $n)) (= (up $n) (if (> $n 3) (empty) (up (+ $n 1))))
    (= (odd $x) (if (== (% $x 2) 1) $x (Error $x even)))
    (= (note $x) (add-atom &self (seen $x)))
    (= (drop $x) (let $y (match &self (seen $y) $y) (remove-atom &self (seen $y))))
    (= (bump $x) (change-state! &cell (+ 1 (get-state &cell))))
    (= (say $x) (let $done (println! (said $x)) $x))
    (= (tree) leaf) (= (tree) (node $x leaf))
    (a 1) (a 2) (b 1) (b 2) (b 3) (seen 0)";

/// An expression whose results are numbers for the most part.
fn expression() -> impl Strategy<Value = String> {
    let n = || 0..5u8;
    let leaf = prop_oneof![
        4 => n().prop_map(|n| n.to_string()),
        2 => Just("(bit)".to_owned()),
        2 => n().prop_map(|n| format!("(up {n})")),
        1 => (0..3u8).prop_map(|n| format!("(word {n})")),
        1 => Just("(tree)".to_owned()),
        1 => Just("(get-state &cell)".to_owned()),
        2 => Just("(match &self (a $x) $x)".to_owned()),
        1 => Just("(match &self (b $x) $x)".to_owned()),
        1 => Just("(match &self (seen $x) $x)".to_owned()),
        1 => Just("(match &other (seen $x) $x)".to_owned()),
        1 => Just("(match &self ($h 2) 2)".to_owned()),
        1 => Just("(empty)".to_owned()),
        1 => Just("(unknown 1)".to_owned()),
        1 => Just("(explode)".to_owned()),
    ];
    leaf.prop_recursive(2, 10, 3, move |inner| {
        let e = inner;
        let (f, g) = (e.clone(), e.clone());
        prop_oneof![
            2 => (e.clone(), f.clone()).prop_map(|(a, b)| format!("(+ {a} {b})")),
            2 => (e.clone(), f.clone(), g).prop_map(|(a, b, c)| format!("(superpose ({a} {b} {c}))")),
            2 => (e.clone(), f.clone()).prop_map(|(a, b)| format!("(let $v {a} (pair $v {b}))")),
            2 => e.clone().prop_map(|a| format!("(collapse {a})")),
            2 => (e.clone(), f.clone()).prop_map(|(a, b)| format!("(if (== {a} 1) {b} 0)")),
            1 => (e.clone(), f.clone()).prop_map(|(a, b)| format!("(case {a} ((1 {b}) ($x (other $x))))")),
            1 => e.clone().prop_map(|a| format!("(odd {a})")),
            1 => e.clone().prop_map(|a| format!("(once {a})")),
            1 => e.clone().prop_map(|a| format!("(with-limit 2 results {a})")),
            1 => e.clone().prop_map(|a| format!("(note (once {a}))")),
            1 => e.clone().prop_map(|a| format!("(drop {a})")),
            1 => e.clone().prop_map(|a| format!("(add-atom &other (seen (once {a})))")),
            1 => e.clone().prop_map(|a| format!("(bump {a})")),
            1 => e.clone().prop_map(|a| format!("(say {a})")),
            1 => e.clone().prop_map(|a| format!("(outside {a})")),
            1 => (e.clone(), f).prop_map(|(a, b)| format!("({a} {b} $free)")),
        ]
    })
}

fn form() -> impl Strategy<Value = String> {
    prop_oneof![
        10 => expression().prop_map(|e| format!("!{e}")),
        1 => (0..4u8).prop_map(|n| format!("(seen {n})")),
        1 => (0..4u8).prop_map(|n| format!("(= (up {n}) up)")),
        1 => (0..4u8).prop_map(|n| format!("!(add-atom &self (= (bit) {n}))")),
    ]
}

fn library(tabling: Tabling) -> Library {
    let mut library = Library::new();
    library.set_tabling(tabling);
    host(&mut library, "explode", Effect::Pure, |_| panic!("boom"));
    host(&mut library, "outside", Effect::Outside, |args| Ok(args.to_vec()));
    library
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(crate::common::runtime)
}

/// What a run leaves, whatever ended it.
fn left(environment: &Environment) -> String {
    everything(environment, &["&cell", "&other"])
}

fn agree(text: &str, limits: &RunLimits, keep_going: bool, tabling: Tabling) {
    let library = library(tabling);
    let run = || Run::new().limits(limits.clone()).keep_going(keep_going);
    let fresh = || MettaState::new(library.clone());
    // Some programs have no end.
    let bounded = RunLimits { steps: Some(20_000), memory_bytes: Some(1 << 28), ..limits.clone() };
    let bounded = Run::new().limits(bounded).keep_going(keep_going);
    if let Some(RunError::Limit { error, .. }) = bounded.sequential(fresh(), compile(&library, text)).error
        && !matches!(error, EvalError::TooManyResults { .. })
    {
        return;
    }
    let expected = transcript_with(run(), |run| run.sequential(fresh(), compile(&library, text)), left);
    for n in [1, 2, 3, 8] {
        for forking in [Forking::Off, Forking::Everything] {
            let run = run().config(threads(n)).forking(forking);
            let start = |run: Run| run.on(runtime().handle(), fresh(), compile(&library, text));
            let parallel = transcript_with(run, start, left);
            assert_eq!(parallel, expected, "{n} threads, {forking:?}, in\n{text}");
        }
    }
    awaited_where_it_begins(run, keep_going, &library, text);
}

/// A few forms at a time: such a run begins on the task that awaits it.
fn awaited_where_it_begins(run: impl Fn() -> Run, keep_going: bool, library: &Library, text: &str) {
    let forms = compile(library, text).source;
    let (mut alone, mut awaited) = (MettaState::new(library.clone()), MettaState::new(library.clone()));
    for some in forms.chunks(7) {
        let some = || MettaState::compiled(library.clone(), some.to_vec());
        let expected = run().sequential(alone, some());
        let found = runtime().block_on(run().spawn(awaited, some())).unwrap();
        assert_eq!(found.state.output, expected.state.output, "in\n{text}");
        assert_eq!(found.completed, expected.completed, "in\n{text}");
        assert_eq!(left(&found.state.environment), left(&expected.state.environment), "in\n{text}");
        let codes = [&found, &expected].map(|outcome| outcome.error.as_ref().map(RunError::code));
        assert_eq!(codes[0], codes[1], "in\n{text}");
        let is_error = expected.state.output.last().is_some_and(|last| last.iter().any(Atom::is_error));
        if codes[1].is_some() || is_error && !keep_going {
            // What comes behind the end of a run may have no end.
            return;
        }
        (alone, awaited) = (expected.state, found.state);
    }
}

#[test]
fn what_is_left_tells_of_spaces_and_states() {
    let library = library(Tabling::Automatic);
    let text = format!("{RULES} !(bump 1) !(bump 1) !(add-atom &other (seen 7)) !(note 5)");
    let seen = transcript_with(
        Run::new(),
        |run| run.sequential(MettaState::new(library.clone()), compile(&library, &text)),
        left,
    );
    for part in ["\n&cell is (State 2)\n", "\n(seen 7) x1\n", "\n(seen 5) x1\n", "\n(= (bit) 1) x1\n"] {
        assert!(seen.contains(part), "{part:?} in\n{seen}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_can_tell_how_many_evaluate(
        forms in prop::collection::vec(form(), 0..12),
        keep_going in any::<bool>(),
        results in prop::option::weighted(0.3, 0..40u64),
        tables in any::<bool>(),
    ) {
        let limits = RunLimits { results, ..RunLimits::default() };
        let tabling = if tables { Tabling::Everything } else { Tabling::Automatic };
        let text = format!("{RULES} {} !(get-state &cell) !(get-atoms &other)", forms.join(" "));
        agree(&text, &limits, keep_going, tabling);
    }
}
