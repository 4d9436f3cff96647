//! How many threads take part, and what they show.

use std::sync::Arc;

use metta_config::AdaptiveEvalConfig;
use metta_eval::Effect;
use metta_sched::{Library, MettaState, Monitor, Outcome, Role, Run, Statistics};
use metta_sync::Counter;

use crate::common::{compile, host, runtime, threads, transcript};

const LOOP: &str = "(= (work $n) (if (== $n 0) done (work (- $n 1))))";

fn batch(n: usize, rounds: u32) -> String {
    (0..n).fold(LOOP.to_owned(), |text, _| format!("{text} !(work {rounds})"))
}

fn adaptive(text: &str, min_threads: usize, max_threads: usize, target_utilization: f64) -> Statistics {
    let library = Library::new();
    let fresh = || MettaState::new(library.clone());
    let expected = transcript(Run::new(), |run| run.sequential(fresh(), compile(&library, text)));
    let runtime = runtime();
    let mut statistics = Statistics::default();
    let adaptive = AdaptiveEvalConfig { min_threads, max_threads, target_utilization };
    let found = transcript(Run::new().config(threads(64)).adaptive(adaptive), |run| {
        let outcome: Outcome = run.on(runtime.handle(), fresh(), compile(&library, text));
        statistics = outcome.statistics;
        outcome
    });
    assert_eq!(found, expected, "{adaptive:?}");
    statistics
}

#[test]
fn threads_are_added_under_load_up_to_the_most() {
    let text = batch(400, 20_000);
    let grown = adaptive(&text, 1, 3, 0.5);
    assert!(grown.resized >= 2 && grown.tasks >= 2, "{grown:?}");
    assert!((2..=3).contains(&grown.most_threads), "{grown:?}");
}

#[test]
fn one_thread_stays_one() {
    for (min, max) in [(1, 1), (0, 0), (1, 0)] {
        let statistics = adaptive(&batch(100, 20_000), min, max, 0.5);
        assert_eq!((statistics.tasks, statistics.resized), (0, 0), "{statistics:?}");
    }
}

#[test]
fn any_utilization_is_a_right_one() {
    for target in [0.0, -3.0, 1.0, 7.0, f64::NAN, f64::INFINITY] {
        adaptive(&batch(20, 1_000), 2, 4, target);
    }
}

#[test]
fn a_run_inside_of_a_run_shares_its_threads() {
    // Each operation runs a batch of its own; all of them together have no more threads than the outer run may have.
    let inner = Library::new();
    let (runtime, at_once, most) =
        (runtime(), Arc::new(metta_sync::Places::new()), Arc::new(Counter::new(0)));
    let mut measuring = inner.clone();
    let (now, top) = (Arc::clone(&at_once), Arc::clone(&most));
    host(&mut measuring, "measured", Effect::Pure, move |args| {
        now.take();
        top.at_least(now.taken());
        (0..2_000).for_each(|_| std::thread::yield_now());
        now.leave();
        Ok(args.to_vec())
    });
    let mut library = Library::new();
    let handle = runtime.handle().clone();
    host(&mut library, "nested", Effect::Pure, move |args| {
        let text = (0..12).fold(String::new(), |text, n| format!("{text} !(measured {n})"));
        let run = Run::new().config(threads(8));
        let outcome = run.on(&handle, MettaState::new(measuring.clone()), compile(&measuring, &text));
        assert!(outcome.error.is_none());
        Ok(args.to_vec())
    });
    let text = (0..8).fold(String::new(), |text, n| format!("{text} !(nested {n})"));
    let fresh = || MettaState::new(library.clone());
    let outcome = Run::new().config(threads(8)).on(runtime.handle(), fresh(), compile(&library, &text));
    assert_eq!(outcome.completed, 8);
    // Operations that take long make more threads useful, up to what the settings allow; one that waits lends its place.
    assert!(most.get() <= 12, "{} at once", most.get());
}

#[test]
fn others_get_a_thread_of_the_pool_while_a_batch_runs() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(1)
        .build()
        .unwrap();
    let library = Library::new();
    let committed = Arc::new(Counter::new(0));
    let (count, handle) = (Arc::clone(&committed), runtime.handle().clone());
    let (asked, seen) = (metta_sync::Flag::new(), Arc::new(Counter::new(0)));
    let others = Arc::clone(&seen);
    let run = Run::new().config(threads(2)).on_event(move |_| {
        let before = count.add(1);
        // The helper has the only thread of the pool by now.
        if before == 40 && !asked.is_raised() {
            asked.raise();
            let (count, others) = (Arc::clone(&count), Arc::clone(&others));
            drop(handle.spawn_blocking(move || others.at_least(count.get())));
        }
    });
    let text = batch(600, 60_000);
    let outcome = run.on(runtime.handle(), MettaState::new(library.clone()), compile(&library, &text));
    assert_eq!(outcome.completed, 601);
    assert!(outcome.statistics.stolen > 0, "{:?}", outcome.statistics);
    assert!((41..600).contains(&seen.get()), "after {} of {}", seen.get(), committed.get());
}

#[test]
fn a_monitor_shows_what_the_threads_do() {
    let (monitor, runtime) = (Monitor::new(), runtime());
    let mut library = Library::new();
    let (look, shown) = (monitor.clone(), Arc::new(Counter::new(0)));
    let most = Arc::clone(&shown);
    host(&mut library, "look", Effect::Outside, move |_| {
        let doing = look.look();
        let own = doing.iter().find(|doing| doing.role == Role::Coordinator).unwrap();
        most.at_least(own.reductions);
        assert!(own.index > 0 && !own.waits, "{own:?}");
        Ok(vec![metta_atom::Atom::symbol("seen")])
    });
    let text = format!("{LOOP} !(let $done (work 900000) (look))");
    let run = Run::new().config(threads(2)).monitor(&monitor);
    let outcome = run.on(runtime.handle(), MettaState::new(library.clone()), compile(&library, &text));
    assert_eq!(outcome.state.output[0][0].to_string(), "seen");
    assert!(shown.get() > 1_000, "{}", shown.get());
    assert_eq!(monitor.look(), []);
}
