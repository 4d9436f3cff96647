//! What nobody should ask for, and what is much: an answer or a clear error, and nothing left behind.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use metta_atom::Atom;
use metta_config::EvalConfig;
use metta_eval::Effect;
use metta_sched::{
    CancelToken, Forking, Library, MettaState, Run, RunError, RunLimits, run_state, run_state_async,
    run_state_sync,
};
use tokio::task::LocalSet;

use crate::common::{compile, host, runtime, transcript};

const TEXT: &str =
    "(= (bit) 0) (= (bit) 1) (a b) !(+ 1 1) !((bit) (bit)) !(add-atom &self c) !(match &self (a $x) $x)";

fn start(library: &Library, text: &str) -> (MettaState, MettaState) {
    (MettaState::new(library.clone()), compile(library, text))
}

#[test]
fn numbers_of_threads_and_chunks_may_be_anything() {
    let library = Library::new();
    let (accumulated, compiled) = start(&library, TEXT);
    let expected = transcript(Run::new(), |run| run.sequential(accumulated, compiled));
    let runtime = runtime();
    for max_blocking_threads in [0, 1, 2, usize::MAX] {
        for batch_size_hint in [0, 1, usize::MAX] {
            for forking in [Forking::Off, Forking::Automatic, Forking::Everything] {
                let config = EvalConfig { max_blocking_threads, batch_size_hint };
                let (accumulated, compiled) = start(&library, TEXT);
                let run = Run::new().config(config).forking(forking);
                let found = transcript(run, |run| run.on(runtime.handle(), accumulated, compiled));
                assert_eq!(found, expected, "{config:?}, {forking:?}");
            }
        }
    }
}

#[test]
fn a_deadline_that_is_over_and_a_token_that_is_cancelled_stop_at_once() {
    let library = Library::new();
    let runtime = runtime();
    let token = CancelToken::new();
    token.cancel();
    let limits = RunLimits { time: Some(Duration::ZERO), ..RunLimits::default() };
    for sequential in [true, false] {
        let go = |run: Run| {
            let (accumulated, compiled) = start(&library, TEXT);
            match sequential {
                true => run.sequential(accumulated, compiled),
                false => run.on(runtime.handle(), accumulated, compiled),
            }
        };
        let late = go(Run::new().limits(limits.clone()));
        assert!(matches!(late.error, Some(RunError::OutOfTime { .. })), "{:?}", late.error);
        let cancelled = go(Run::new().cancel(token.clone()));
        assert!(matches!(cancelled.error, Some(RunError::Cancelled)), "{:?}", cancelled.error);
        assert!(late.state.output.is_empty() && cancelled.state.output.is_empty());
    }
}

#[test]
fn an_asynchronous_run_without_a_runtime_says_so() {
    let (accumulated, compiled) = start(&Library::new(), TEXT);
    let mut run = pin!(run_state_async(accumulated, compiled));
    let answer = run.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(answer, Poll::Ready(Err(RunError::NoRuntime))), "{answer:?}");
}

#[test]
fn a_synchronous_run_in_a_local_set_says_so() {
    let library = Library::new();
    let (accumulated, compiled) = start(&library, TEXT);
    let refused = LocalSet::new().block_on(&runtime(), async { run_state_sync(accumulated, compiled) });
    assert!(matches!(refused, Err(RunError::LocalSet)), "{refused:?}");
    let (accumulated, compiled) = start(&library, TEXT);
    let awaited = LocalSet::new().block_on(&runtime(), run_state_async(accumulated, compiled));
    assert_eq!(awaited.unwrap().output.len(), 4);
}

#[test]
fn an_operation_may_run_programs() {
    let text = "!(+ 1 1) !(word 3)";
    let rules = "(= (bit) 0) (= (bit) 1) (= (word $n) (if (== $n 0) () (let $b (bit) (let $r (word (- $n 1)) ($b $r)))))";
    let inner = format!("{rules} {text}");
    for effect in [Effect::Pure, Effect::Outside] {
        let mut library = Library::new();
        let program = inner.clone();
        host(&mut library, "inside", effect, move |_| {
            let library = Library::new();
            let (accumulated, compiled) = start(&library, &program);
            let state = run_state(accumulated, compiled).unwrap();
            let (accumulated, compiled) = start(&library, &program);
            let same = run_state_sync(accumulated, compiled).unwrap();
            assert_eq!(state.output, same.output);
            Ok(vec![Atom::integer(state.output[1].len() as i64)])
        });
        let text = format!("{rules} !(inside) !(let $w (word 3) ($w (inside))) !(inside)");
        let (accumulated, compiled) = start(&library, &text);
        let expected = run_state(accumulated, compiled).unwrap().output;
        assert_eq!(expected[0], [Atom::integer(8)]);
        for forking in [Forking::Off, Forking::Everything] {
            let (accumulated, compiled) = start(&library, &text);
            let run = Run::new().config(EvalConfig { max_blocking_threads: 3, batch_size_hint: 1 });
            let run = run.forking(forking).spawn(accumulated, compiled);
            assert_eq!(runtime().block_on(run).unwrap().state.output, expected);
        }
    }
}

#[test]
fn an_operation_may_await_a_run_where_the_pool_has_one_thread() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(1)
        .build()
        .unwrap();
    let mut library = Library::new();
    let handle = runtime.handle().clone();
    let inner = "(= (work $n) (if (== $n 0) done (work (- $n 1)))) !(work 10000) !(+ 1 1) !(work 20000)";
    host(&mut library, "inside", Effect::Pure, move |_| {
        let (accumulated, compiled) = start(&Library::new(), inner);
        let state = handle.block_on(run_state_async(accumulated, compiled)).unwrap();
        Ok(vec![Atom::integer(state.output.len() as i64)])
    });
    for threads in [1, 4] {
        let (accumulated, compiled) = start(&library, "!(inside) !(inside) !(pair (inside) (inside))");
        let config = EvalConfig { max_blocking_threads: threads, batch_size_hint: 1 };
        let outcome = runtime.block_on(Run::new().config(config).spawn(accumulated, compiled)).unwrap();
        let seen: Vec<String> = outcome.state.output.iter().flatten().map(Atom::to_string).collect();
        assert_eq!(seen, ["3", "3", "(pair 3 3)"]);
    }
}

#[test]
fn ten_thousand_expressions_on_a_thousand_threads_lose_nothing() {
    let mut library = Library::new();
    host(&mut library, "explode", Effect::Pure, |_| panic!("boom"));
    let mut text = "(= (bit) 0) (= (bit) 1) (city a)".to_owned();
    for i in 0..10_000 {
        text += &match i % 10 {
            0 => format!("!(add-atom &self (seen {i}))"),
            1 => format!("!(explode {i})"),
            2 => format!("!(let $b (bit) ({i} $b))"),
            3 => format!("!(match &self (city $x) ($x {i}))"),
            _ => format!("!(+ {i} 1)"),
        };
    }
    text += "!(let $all (collapse (match &self (seen $x) $x)) (size-atom $all))";
    let fresh = || start(&library, &text);
    let (accumulated, compiled) = fresh();
    let expected = transcript(Run::new().keep_going(true), |run| run.sequential(accumulated, compiled));
    let config = EvalConfig { max_blocking_threads: 1024, batch_size_hint: 1 };
    let builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = metta_sched::apply_to_runtime_builder(builder, config).build().unwrap();
    let (accumulated, compiled) = fresh();
    let run = Run::new().keep_going(true).config(config).forking(Forking::Everything);
    assert_eq!(transcript(run, |run| run.on(runtime.handle(), accumulated, compiled)), expected);
}

#[test]
fn cancelled_batches_leave_no_thread_at_work() {
    let library = Library::new();
    let text =
        "(= (bit) 0) (= (bit) 1) (= (forever) (let $b (bit) (forever))) !(forever) !(forever) !(forever)";
    let runtime = runtime();
    for _ in 0..1_000 {
        let limits = RunLimits { time: Some(Duration::from_micros(300)), ..RunLimits::default() };
        let config = EvalConfig { max_blocking_threads: 4, batch_size_hint: 1 };
        let run = Run::new().limits(limits).config(config).forking(Forking::Everything);
        let (accumulated, compiled) = start(&library, text);
        let outcome = run.on(runtime.handle(), accumulated, compiled);
        assert!(matches!(outcome.error, Some(RunError::OutOfTime { .. })), "{:?}", outcome.error);
    }
    // A runtime that shuts down waits for its blocking threads: this would not end.
    drop(runtime);
}
