//! Calls: compile and run as a node does, with and without the cache.

use bytes::Bytes;
use metta_rholang::par::{self, ExprKind, List, Par};
use metta_rholang::{Bridge, CallError, Codec, Layout};
use metta_sched::{Library, RunLimits};
use proptest::prelude::*;

fn empty() -> Par {
    Par::path_map(vec![])
}

fn compiled(bridge: &Bridge, text: &str) -> Par {
    bridge.compile_par(&Par::string(text))
}

/// The results in the output of a state, as text.
fn output(bridge: &Bridge, state: &Par) -> Vec<String> {
    let state = bridge.codec().state_from_par(state).expect("a state");
    state.output.iter().flatten().map(ToString::to_string).collect()
}

fn failure(par: &Par) -> (String, String) {
    let Some(ExprKind::List(list)) = par.as_expr() else { panic!("{par:?}") };
    let text = |par: &Par| match par.as_expr() {
        Some(ExprKind::String(text)) => text.clone(),
        other => panic!("{other:?}"),
    };
    let [code, message] = &list.ps[..] else { panic!("{list:?}") };
    (text(code), text(message))
}

/// The bytes of the space of a state.
fn space_bytes(state: &Par) -> Bytes {
    fn find(par: &Par) -> Option<Bytes> {
        if let Some(ExprKind::ByteArray(bytes)) = par.as_expr() {
            return Some(bytes.clone());
        }
        let Some(ExprKind::List(List { ps, .. }) | ExprKind::PathMap(List { ps, .. })) = par.as_expr() else {
            return None;
        };
        ps.iter().find_map(find)
    }
    find(state).expect("a state has a space")
}

#[test]
fn a_state_is_compiled_once_and_asked_again_and_again() {
    let bridge = Bridge::default();
    let rules = "(edge a b) (edge b c) (= (next $x) (match & self (edge $x $y) $y))";
    let state = bridge.run_pars(&empty(), &compiled(&bridge, rules));
    assert!(output(&bridge, &state).is_empty());
    let answer = bridge.run_pars(&state, &compiled(&bridge, "!(next a)"));
    assert_eq!(output(&bridge, &answer), ["b"]);
    let answer = bridge.run_pars(&answer, &compiled(&bridge, "!(next b) !(next (next a)) !(next z)"));
    assert_eq!(output(&bridge, &answer), ["c", "c"]);
    // What did not change is the same bytes at the same place.
    assert_eq!(space_bytes(&answer).as_ptr(), space_bytes(&state).as_ptr());
    let grown = bridge.run_pars(&answer, &compiled(&bridge, "(edge c d) !(next c)"));
    assert_eq!(output(&bridge, &grown), ["d"]);
    let again = bridge.run_pars(&grown, &compiled(&bridge, "!(add-atom &self (edge d e)) !(next d)"));
    assert_eq!(output(&bridge, &again), ["()", "e"]);
    assert_eq!(output(&bridge, &bridge.run_pars(&again, &compiled(&bridge, "!(next d)"))), ["e"]);
    // Older states are values: they are what they were.
    assert_eq!(
        output(&bridge, &bridge.run_pars(&state, &compiled(&bridge, "!(next c)"))),
        Vec::<String>::new()
    );
}

#[test]
fn failures_are_a_code_and_a_message_and_leave_the_states_as_they_are() {
    let bridge = Bridge::builder().limits(RunLimits { steps: Some(1_000), ..RunLimits::default() }).build();
    let state = bridge.run_pars(&empty(), &compiled(&bridge, "(= (loop $n) (loop (+ $n 1)))"));
    let copy = state.clone();
    let code = |par: &Par| failure(par).0;
    assert_eq!(code(&bridge.run_pars(&Par::string("x"), &state)), "invalid_accumulated_state");
    assert_eq!(code(&bridge.run_pars(&state, &Par::default())), "invalid_compiled_state");
    let endless = bridge.run_with_cost(&state, &compiled(&bridge, "!(+ 1 1) !(loop 0)"));
    assert!(matches!(endless.result, Err(CallError::EvaluationFailed(_))));
    assert_eq!((endless.cost.reductions, endless.cost.expressions), (1, 1));
    let (code, message) = failure(&endless.into_par());
    assert_eq!(code, "evaluation_failed");
    assert!(message.contains("1000"), "{message}");
    let spaces = bridge.run_pars(&state, &compiled(&bridge, "!(bind! &kb (new-space))"));
    assert_eq!(failure(&spaces).0, "extraction_failed");
    assert_eq!(state, copy);
}

#[test]
fn what_is_no_program_is_a_state_that_says_so_and_hands_it_on() {
    let bridge = Bridge::default();
    for (source, words) in [
        (Par::string("(= (f) 1"), "line 1, column 1"),
        (Par::string("ok\n  )"), "line 2, column 3"),
        (Par::expr(ExprKind::Int(42)), "as a string"),
        (Par::list(vec![]), "as a string"),
    ] {
        let state = bridge.compile_par(&source);
        let run = bridge.run_pars(&empty(), &state);
        for state in [state, run] {
            let output = output(&bridge, &state);
            assert!(output.len() == 1 && output[0].contains(words), "{output:?}");
        }
    }
    assert!(matches!(bridge.metta_compile("("), Err(CallError::Syntax { line: 1, column: 1, .. })));
}

#[test]
fn escapes_of_the_node_are_undone_when_asked() {
    let source = Par::string(r#"!(id \"a\n\\\\\") ! x"#);
    let bridge = Bridge::builder().undo_escapes(true).build();
    let state = bridge.run_pars(&empty(), &bridge.compile_par(&source));
    assert_eq!(output(&bridge, &state), [r#""a\n\\""#, "x"]);
    assert_ne!(bridge.compile_par(&source), Bridge::default().compile_par(&source));
}

#[test]
fn the_older_layout_is_read_and_written() {
    let older = Bridge::builder().codec(Codec::default().layout(Layout::Tuples)).build();
    let newer = Bridge::default();
    let rules = compiled(&older, "(p 1) (p 2) (= (q) (match &self (p $x) $x)) (= (q) 9) (= (q) 9)");
    let state = older.run_pars(&empty(), &rules);
    for bridge in [&older, &newer] {
        let answer = bridge.run_pars(&state, &compiled(&older, "!(q)"));
        assert_eq!(output(bridge, &answer), ["1", "2", "9", "9"]);
        let Some(ExprKind::PathMap(map)) = answer.as_expr() else { panic!("{answer:?}") };
        let is_tuple = matches!(map.ps[0].as_expr(), Some(ExprKind::Tuple(_)));
        assert_eq!(is_tuple, std::ptr::eq(bridge, &older));
    }
}

#[test]
fn deep_states_go_as_bytes() {
    let bridge = Bridge::default();
    let rules = "(= (count Z) 0) (= (count (S $n)) (+ 1 (count $n)))";
    let numeral = format!("{}Z{}", "(S ".repeat(10_000), ")".repeat(10_000));
    let compile = |text: &str| {
        let state = bridge.metta_compile(text).expect("a program");
        Bytes::from(bridge.codec().state_to_bytes(&state).expect("a state"))
    };
    let state = bridge.run_bytes(compile(""), compile(&format!("{rules} (number {numeral})")));
    let state = Bytes::from(state.result.expect("a state"));
    let answer = bridge
        .run_bytes(state, compile("!(match &self (number $n) (count $n)) !(match &self (number $n) $n)"));
    assert!(answer.cost.reductions > 20_000 && answer.cost.written_bytes > 100_000);
    let answer = bridge.codec().state_from_bytes(&answer.result.expect("a state").into()).expect("a state");
    assert_eq!(answer.output[0][0].to_string(), "10000");
    assert_eq!(answer.output[0][1].to_string(), numeral);
}

/// Programs that write in every way, and leave behind what no state carries.
const STEPS: [&str; 16] = [
    "(p 1) (p 1.0) (p 2)",
    "(p 1)",
    "!(remove-atom &self (p 1))",
    "!(add-atom &self (r (+ 1 2) \"text\" 3.0))",
    "(= (f $x) (match &self (p $y) ($x $y)))",
    "(= (f $x) (again $x))",
    "!(f 1)",
    "!(match &self $x $x)",
    "!(bind! tok (p 7)) !(add-atom &self tok)",
    "!tok",
    "!(pragma! type-check auto)",
    "(: g (-> Number Number)) (= (g $x) $x) !(g \"no\")",
    "!(add-atom &self (car-atom (quote)))",
    "!(let $s (new-state 1) (get-state $s))",
    "!(match &self (p $x) (add-atom &self (q $x)))",
    "!(add-atom &self (w (parse \"a b\") (cons-atom = ())))",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// K1 and K2: a cache that keeps everything, one that keeps little, one that keeps nothing, and reading and writing
    /// by hand answer with the same bytes.
    #[test]
    fn nobody_can_tell_whether_a_state_was_kept(
        steps in proptest::collection::vec((0..STEPS.len(), any::<proptest::sample::Index>()), 1..12),
        strict in any::<bool>(),
    ) {
        let codec = if strict { Codec::default().strict() } else { Codec::default() };
        let bridge = |bytes| Bridge::builder().codec(codec.clone()).cache_bytes(bytes).keep_going(true).build();
        let bridges = [bridge(usize::MAX), bridge(20_000), bridge(0)];
        let mut states = vec![empty()];
        for (step, onto) in steps {
            let onto = onto.get(&states).clone();
            let replies = bridges.each_ref().map(|bridge| {
                let reply = bridge.run_with_cost(&onto, &compiled(bridge, STEPS[step]));
                (reply.cost, par::encode(&reply.into_par()))
            });
            prop_assert_eq!(&replies[0], &replies[1]);
            prop_assert_eq!(&replies[0], &replies[2]);
            let state = par::decode(&replies[0].1).expect("what was written");
            // Reading and writing does not change the state.
            if let Ok(read) = codec.state_from_par(&state) {
                prop_assert_eq!(codec.state_to_par(&read).expect("it was written before"), state.clone());
                states.push(state);
            }
        }
        prop_assert_eq!(bridges[2].cache_statistics().hits, 0);
        prop_assert!(bridges[1].cache_statistics().size_bytes <= 20_000);
    }
}

#[test]
fn a_library_of_the_host_is_used() {
    let bridge = Bridge::new(Library::new());
    assert_eq!(output(&bridge, &bridge.run_pars(&empty(), &compiled(&bridge, "!(+ 1 2)"))), ["3"]);
}

#[test]
fn the_calls_need_no_bridge() {
    use metta_rholang::{metta_compile, metta_compile_safe, run_pars, run_state, try_run_state};
    let rules = metta_compile("(= (f) 1)").expect("a program");
    let state = run_state(metta_sched::MettaState::default(), rules).expect("it runs");
    let answer = try_run_state(state.clone(), metta_compile_safe("!(f)")).expect("it runs");
    assert_eq!(answer.output[0][0].to_string(), "1");
    assert!(metta_compile_safe("(").output[0][0].is_error());
    let par = |state| metta_rholang::metta_state_to_pathmap_par(state).expect("a state");
    let answer = run_pars(&par(&state), &par(&metta_compile_safe("!(f)")));
    assert_eq!(output(&Bridge::default(), &answer), ["1"]);
}
