//! Runs that begin on the task that awaits them.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use metta_atom::Atom;
use metta_eval::Effect;
use metta_sched::{
    CancelToken, Library, MettaState, Outcome, Run, RunError, RunLimits, run_state, run_state_async,
};
use metta_sync::{Counter, Held, Ranked};
use tokio::runtime::{Builder, Runtime};
use tokio::task::LocalSet;

use crate::common::{atoms, compile, host, runtime};

const LOOP: &str = "(= (work $n) (if (== $n 0) done (work (- $n 1))))";

fn current_thread() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

/// Polls a run once, where the pool has no thread for it.
fn poll(run: Run, accumulated: MettaState, compiled: MettaState) -> Option<Outcome> {
    let runtime = Builder::new_multi_thread().worker_threads(1).max_blocking_threads(1).build().unwrap();
    let _context = runtime.enter();
    let (over, waits) = channel::<()>();
    drop(runtime.spawn_blocking(move || waits.recv()));
    let outcome = match pin!(run.spawn(accumulated, compiled)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => Some(outcome.unwrap()),
        Poll::Pending => None,
    };
    drop(over);
    outcome
}

fn once(run: Run, library: &Library, text: &str) -> Option<Outcome> {
    poll(run, MettaState::new(library.clone()), compile(library, text))
}

#[test]
fn what_is_short_ends_where_it_is_awaited() {
    let library = Library::new();
    for text in ["!(+ 1 1)", "", "(a b) (a c) !(match &self (a $x) $x) !(add-atom &self (a d))", LOOP] {
        let outcome = once(Run::new(), &library, text).unwrap();
        let expected = run_state(MettaState::default(), compile(&library, text)).unwrap();
        assert_eq!(outcome.state.output, expected.output);
        assert_eq!(atoms(&outcome.state.environment), atoms(&expected.environment));
        assert_eq!(outcome.statistics.tasks, 0);
    }
}

#[test]
fn what_is_long_or_large_or_heard_goes_to_the_pool() {
    let library = Library::new();
    // It would not end.
    assert!(once(Run::new(), &library, "(= (forever) (forever)) !(forever)").is_none());
    let forms = "(a b) ".repeat(17);
    assert!(once(Run::new(), &library, &forms).is_none());
    let large = format!("(a {})", "b ".repeat(300));
    assert!(once(Run::new(), &library, &large).is_none());
    assert!(once(Run::new().on_event(|_| ()), &library, "!(+ 1 1)").is_none());
    let mut full = MettaState::new(library.clone());
    (0..1_001).for_each(|n| full.environment.add(&Atom::integer(n)));
    assert!(poll(Run::new(), full, compile(&library, "!(+ 1 1)")).is_none());
}

#[test]
fn it_goes_on_from_where_it_is() {
    // What was done before the run left counts, and is not done again.
    let programs = [
        format!("{LOOP} !(work 10) !(+ 1 1) !(work 100000) !(+ 2 2)"),
        format!("{LOOP} (a b) !(add-atom &self (a c)) !(let $d (work 2000) (add-atom &self (a $d))) (a e)"),
        format!("{LOOP} !(bind! &s (new-state 0)) !(change-state! &s 1) !(work 500) !(get-state &s)"),
        format!("{LOOP} !(println! one) !(let $d (work 1000) (println! $d)) !(+ 1 a) !(+ 2 2)"),
        "(= (bit) 0) (= (bit) 1) !((bit) (bit) (bit) (bit) (bit) (bit) (bit) (bit) (bit)) !(bit)".to_owned(),
        format!("{LOOP} !(collapse (superpose ((work 100) (work 900) 3)))"),
    ];
    let library = Library::new();
    for (runtime, text) in programs.iter().flat_map(|text| [(runtime(), text), (current_thread(), text)]) {
        for keep_going in [true, false] {
            let run = || Run::new().keep_going(keep_going);
            let start = || (MettaState::new(library.clone()), compile(&library, text));
            let (accumulated, compiled) = start();
            let expected = run().sequential(accumulated, compiled);
            let (accumulated, compiled) = start();
            let found = runtime.block_on(run().spawn(accumulated, compiled)).unwrap();
            assert_eq!(found.state.output, expected.state.output, "{text}");
            assert_eq!(atoms(&found.state.environment), atoms(&expected.state.environment), "{text}");
            let counts = |outcome: &Outcome| {
                (outcome.completed, outcome.statistics.batches, outcome.statistics.expressions)
            };
            assert_eq!(counts(&found), counts(&expected), "{text}");
        }
    }
}

#[test]
fn limits_hold_here_and_there() {
    let library = Library::new();
    for steps in [1, 50, 255, 256, 257, 1_000, 10_000] {
        let limits = RunLimits { steps: Some(steps), ..RunLimits::default() };
        let run = || Run::new().limits(limits.clone());
        let start = || (MettaState::new(library.clone()), compile(&library, &format!("{LOOP} !(work 1000)")));
        let (accumulated, compiled) = start();
        let expected = run().sequential(accumulated, compiled).error.map(|error| error.to_string());
        let (accumulated, compiled) = start();
        let found = current_thread().block_on(run().spawn(accumulated, compiled)).unwrap();
        assert_eq!(found.error.map(|error| error.to_string()), expected, "{steps}");
    }
    let late = RunLimits { time: Some(Duration::ZERO), ..RunLimits::default() };
    let late = once(Run::new().limits(late), &library, "!(+ 1 1)").unwrap();
    assert!(matches!(late.error, Some(RunError::OutOfTime { .. })), "{:?}", late.error);
    let token = CancelToken::new();
    token.cancel();
    let cancelled = once(Run::new().cancel(token), &library, "!(+ 1 1)").unwrap();
    assert!(matches!(cancelled.error, Some(RunError::Cancelled)), "{:?}", cancelled.error);
    assert!(late.state.output.is_empty() && cancelled.state.output.is_empty());
}

#[test]
fn the_host_is_called_on_a_thread_that_may_wait() {
    // H1
    for effect in [Effect::Pure, Effect::Outside] {
        let calls: Arc<Ranked<Vec<thread::ThreadId>, 9>> = Arc::new(Ranked::new(Vec::new()));
        let mut library = Library::new();
        let log = Arc::clone(&calls);
        host(&mut library, "where", effect, move |_| {
            log.lock(&mut Held::root()).0.push(thread::current().id());
            Ok(vec![Atom::symbol("here")])
        });
        let run =
            run_state_async(MettaState::default(), compile(&library, "!(+ 1 1) !(where) !(id (where))"));
        let state = current_thread().block_on(run).unwrap();
        assert_eq!(state.output[2], [Atom::symbol("here")]);
        let calls = std::mem::take(&mut *calls.lock(&mut Held::root()).0);
        assert_eq!(calls.len(), 2);
        assert!(!calls.contains(&thread::current().id()));
    }
}

#[test]
fn a_task_that_awaits_short_runs_lets_others_work() {
    let library = Library::new();
    let runs = async || {
        let seen = Arc::new(Counter::new(0));
        let other = Arc::clone(&seen);
        let others = tokio::task::spawn_local(async move { other.add(1) });
        let mut before = 0u64;
        while seen.get() == 0 {
            assert!(before < 1_000, "nobody else has worked");
            run_state_async(MettaState::default(), compile(&library, "!(+ 1 1)")).await.unwrap();
            before += 1;
        }
        others.await.unwrap();
        before
    };
    // Few where each takes a unit of what the runtime lets a task do.
    let before = LocalSet::new().block_on(&current_thread(), runs());
    assert!(before > 0);
}
