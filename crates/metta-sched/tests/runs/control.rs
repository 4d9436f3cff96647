//! Stopping a run, running it in every kind of place, and writing beside it.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::common::{atoms, check, compile, host, runtime, threads};
use metta_atom::{Atom, SpaceId};
use metta_eval::{Action, Effect, Machine};
use metta_sched::{
    CancelToken, Event, Library, MettaState, Observer, Outcome, Run, RunError, RunLimits, run_state,
    run_state_async, run_state_sync,
};
use metta_space::Space;

const ENDLESS: &str = "(= (forever) (forever)) !(+ 1 1) !(forever) !(+ 2 2)";

fn everywhere(run: impl Fn() -> Run, library: &Library, text: &str, look: impl Fn(Outcome)) {
    let start = || (MettaState::new(library.clone()), compile(library, text));
    let (accumulated, compiled) = start();
    look(run().sequential(accumulated, compiled));
    for n in [1, 2, 8] {
        let (accumulated, compiled) = start();
        look(runtime().block_on(run().config(threads(n)).spawn(accumulated, compiled)).unwrap());
        let (accumulated, compiled) = start();
        let current_thread = tokio::runtime::Builder::new_current_thread().build().unwrap();
        look(current_thread.block_on(run().config(threads(n)).spawn(accumulated, compiled)).unwrap());
    }
}

#[test]
fn a_time_limit_stops_an_endless_expression() {
    let limits = RunLimits { time: Some(Duration::from_millis(30)), ..RunLimits::default() };
    everywhere(
        || Run::new().limits(limits.clone()),
        &Library::new(),
        ENDLESS,
        |outcome| {
            assert!(matches!(outcome.error, Some(RunError::OutOfTime { .. })));
            // How far it came depends on the machine, but it did not end the endless one.
            let results = outcome.state.output.len();
            assert!(results <= 1);
            assert!(outcome.completed <= results + 1);
        },
    );
}

#[test]
fn an_expression_has_its_own_time() {
    let limits = RunLimits { expression_time: Some(Duration::from_millis(30)), ..RunLimits::default() };
    everywhere(
        || Run::new().limits(limits.clone()),
        &Library::new(),
        ENDLESS,
        |outcome| {
            let Some(RunError::OutOfTime { limit }) = outcome.error else { panic!("{:?}", outcome.error) };
            assert_eq!((limit, outcome.completed), (Duration::from_millis(30), 2));
        },
    );
}

#[test]
fn the_steps_of_a_run_are_those_of_its_expressions() {
    let rules = "(= (down $n) (if (== $n 0) done (down (- $n 1))))
        (= (say $n) (let $d (down $n) (let $p (println! $n) (let $e (down $n) (println! again)))))
        (= (loud $n) (if (== $n 0) done (let $p (println! $n) (loud (- $n 1)))))";
    let forms = (0..30).fold(String::new(), |text, n| match n % 5 {
        0 => format!("{text} !(say {n})"),
        1 => format!("{text} !(add-atom &self (seen {n}))"),
        2 => format!("{text} !(loud 9)"),
        _ => format!("{text} !(down {n})"),
    });
    let text = format!("{rules} {forms}");
    let library = Library::new();
    let all = Run::new()
        .limits(RunLimits { run_steps: Some(u64::MAX), ..RunLimits::default() })
        .sequential(MettaState::new(library.clone()), compile(&library, &text));
    let all = all.statistics.reductions;
    for run_steps in [0, 1, 7, all / 4, all / 2, all - 1, all, all + 1] {
        let limits = RunLimits { run_steps: Some(run_steps), ..RunLimits::default() };
        let seen = check(&library, &text, |run| run.limits(limits.clone()));
        assert_eq!(seen.contains("! E0301"), run_steps < all, "{run_steps} of {all}: {seen}");
    }
    // The limit of an expression is told from that of the run.
    for (steps, run_steps, told) in [(Some(50), 5_000, 50), (Some(5_000), 60, 60), (None, 70, 70)] {
        let limits = RunLimits { steps, run_steps: Some(run_steps), ..RunLimits::default() };
        let outcome = Run::new().limits(limits).sequential(
            MettaState::new(library.clone()),
            compile(&library, &format!("{rules} !(down 9) !(down 900)")),
        );
        let error = outcome.error.map(|error| error.to_string());
        assert_eq!(error, Some(format!("stopped after {told} reductions, the step limit")));
    }
}

/// What a run that streams tells before and at the end of its expressions; it is cancelled when `enough` says so.
fn streamed(text: &str, enough: fn(&[String]) -> bool) -> (Vec<String>, Vec<Vec<String>>, Outcome) {
    let library = Library::new();
    let (token, (sender, events)) = (CancelToken::new(), channel());
    let cancel = token.clone();
    let mut found = Vec::new();
    let run = Run::new().stream(true).cancel(token).on_event(move |event| {
        if let Event::Found { text, .. } = &event {
            found.extend(text.iter().cloned());
            if enough(&found) {
                cancel.cancel();
            }
        }
        sender.send(event).unwrap();
    });
    let outcome = run.sequential(MettaState::new(library.clone()), compile(&library, text));
    let (mut found, mut ended) = (Vec::new(), Vec::new());
    for event in events {
        match event {
            Event::Found { text, .. } => found.extend(text),
            Event::Results { text, .. } => ended.push(text),
            Event::Printed(_) | Event::Traced(_) | _ => panic!("nothing is printed"),
        }
    }
    (found, ended, outcome)
}

#[test]
fn results_are_told_of_before_the_end() {
    let naturals = "(= (from $n) $n) (= (from $n) (from (+ $n 1))) !(from 0)";
    let (found, ended, outcome) = streamed(naturals, |found| found.len() >= 3);
    assert_eq!(found[..3], ["0", "1", "2"]);
    assert_eq!(ended, [[""; 0]; 0]);
    assert!(matches!(outcome.error, Some(RunError::Cancelled)));
}

#[test]
fn what_was_told_of_is_the_beginning_of_the_results() {
    let some = "(= (from $n $n) $n) (= (from $n $m) (if (== $n $m) (empty) $n))
        (= (from $n $m) (if (== $n $m) (empty) (from (+ $n 1) $m))) !(from 0 30000)";
    let (found, ended, outcome) = streamed(some, |_| false);
    assert!(outcome.error.is_none());
    assert!(!found.is_empty());
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].len(), 30_001);
    assert!(ended[0].starts_with(&found));
    // The text of a state is that at the end.
    let state = format!(
        "{} !(let $s (new-state 0) (superpose ($s (from 0 30000))))",
        some.replace("!(from 0 30000)", "")
    );
    let (found, ended, _) = streamed(&state, |_| false);
    assert_eq!(found, [""; 0]);
    assert_eq!(ended[0].len(), 30_002);
    assert_eq!(ended[0][0], "(State 0)");
}

/// Counts tasks, and what it saw being evaluated.
struct Looker {
    evaluated: Sender<String>,
}

impl Observer for Looker {
    fn begin(&mut self, index: usize, goal: &Atom, _: &Machine) {
        self.evaluated.send(format!("{index} {goal}")).unwrap();
    }

    fn budget(&mut self) -> u64 {
        0
    }

    fn look(&mut self, machine: &Machine) {
        let look = machine.look(9);
        if look.action == Action::Evaluate {
            self.evaluated.send(look.text).unwrap();
        }
    }
}

#[test]
fn an_observer_sees_every_task_of_the_general_evaluator() {
    let mut library = Library::new();
    library.compile_rules(false);
    let text = "(= (f $x) (g (+ $x 1))) (= (g 3) yes) !(f 2) !(f 5)";
    let (evaluated, seen) = channel();
    let run = Run::new().config(threads(4)).observe(Looker { evaluated });
    let outcome = run.on(runtime().handle(), MettaState::new(library.clone()), compile(&library, text));
    let shown: Vec<String> = outcome.state.output.iter().flatten().map(Atom::to_string).collect();
    assert_eq!(shown, ["yes", "(g 6)"]);
    let seen: Vec<String> = seen.into_iter().collect();
    assert_eq!(
        seen,
        ["2 (f 2)", "(g (+ 2 1...", "(+ 2 1)", "3", "yes", "3 (f 5)", "(g (+ 5 1...", "(+ 5 1)", "6"]
    );
}

#[test]
fn cancelling_stops_an_endless_expression() {
    let token = CancelToken::new();
    let mut library = Library::new();
    let cancel = token.clone();
    host(&mut library, "stop", Effect::Outside, move |_| {
        cancel.cancel();
        Ok(vec![Atom::unit()])
    });
    let text = "(= (forever) (forever)) !(stop) !(forever) fact";
    let outcome = Run::new()
        .cancel(token.clone())
        .sequential(MettaState::new(library.clone()), compile(&library, text));
    assert!(matches!(outcome.error, Some(RunError::Cancelled)));
    assert_eq!(atoms(&outcome.state.environment), "");
    // A cancelled token stops everything else as well.
    everywhere(
        || Run::new().cancel(token.clone()),
        &library,
        text,
        |outcome| assert!(matches!(outcome.error, Some(RunError::Cancelled))),
    );
}

#[test]
fn dropping_the_future_cancels_the_run() {
    let library = Library::new();
    let compiled = compile(&library, ENDLESS);
    let runtime = runtime();
    let task = runtime.spawn(run_state_async(MettaState::new(library), compiled));
    task.abort();
    // A runtime waits for its blocking tasks: this ends only if the run did.
    drop(runtime);
}

#[test]
fn a_stopped_run_keeps_what_it_committed() {
    let text = "(= (forever) (forever))
                (= (bad) (all (add-atom &self half) (forever)))
                !(add-atom &self whole) !(bad)";
    let limits = RunLimits { steps: Some(10_000), ..RunLimits::default() };
    everywhere(
        || Run::new().limits(limits.clone()),
        &Library::new(),
        text,
        |outcome| {
            assert!(outcome.error.is_some());
            assert_eq!(atoms(&outcome.state.environment), "whole x1\n");
        },
    );
}

#[test]
fn states_accumulate() {
    let library = Library::new();
    let first = run_state(MettaState::default(), compile(&library, "(item a) !(+ 1 2)")).unwrap();
    assert_eq!(first.output, [[Atom::integer(3)]]);
    assert!(first.source.is_empty());
    let fork = first.clone();
    let second = run_state(first, compile(&library, "(item b) !(match &self (item $x) $x)")).unwrap();
    assert_eq!(second.output, [[Atom::symbol("a"), Atom::symbol("b")]]);
    assert_eq!(atoms(&fork.environment), "(item a) x1\n");
}

#[test]
fn the_library_of_a_compiled_state_serves_a_fresh_one() {
    let mut library = Library::new();
    host(&mut library, "seven", Effect::Pure, |_| Ok(vec![Atom::integer(7)]));
    let state = run_state(MettaState::default(), compile(&library, "!(seven)")).unwrap();
    assert_eq!(state.output, [[Atom::integer(7)]]);
}

#[test]
fn the_synchronous_wrapper_works_where_it_can() {
    let library = Library::new();
    let start = || (MettaState::default(), compile(&library, "!(+ 1 1) !(+ 2 2)"));
    let expected = [[Atom::integer(2)], [Atom::integer(4)]];
    let run = move |(accumulated, compiled)| run_state_sync(accumulated, compiled);
    assert_eq!(run(start()).unwrap().output, expected);

    let state = start();
    let joined = runtime().block_on(async { tokio::spawn(async move { run(state) }).await });
    assert_eq!(joined.unwrap().unwrap().output, expected);

    let current_thread = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let refused = current_thread.block_on(async { run(start()) }).unwrap_err();
    assert!(refused.to_string().contains("await `run_state_async`"), "{refused}");
}

#[test]
fn a_pool_of_one_thread_is_enough_for_many_runs() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(1)
        .build()
        .unwrap();
    let library = Library::new();
    let text: String = (0..50).map(|i| format!("!(+ {i} 0)")).collect();
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (accumulated, compiled) = (MettaState::default(), compile(&library, &text));
            runtime.spawn(Run::new().config(threads(4)).spawn(accumulated, compiled))
        })
        .collect();
    for task in tasks {
        let outcome = runtime.block_on(task).unwrap().unwrap();
        assert_eq!(outcome.state.output.len(), 50);
        assert_eq!(outcome.state.output[49], [Atom::integer(49)]);
    }
}

#[test]
fn a_writer_beside_the_run_loses_nothing() {
    // E1
    let handle: Arc<OnceLock<Space>> = Arc::default();
    let mut library = Library::new();
    let outside = Arc::clone(&handle);
    host(&mut library, "meanwhile", Effect::Outside, move |args| {
        let space = outside.get().unwrap();
        space.add(&args[0]);
        space.remove(&Atom::symbol("old"));
        Ok(vec![Atom::unit()])
    });
    let text = "old kept kept
                (= (write $x) (all (meanwhile $x) (add-atom &self mine) (remove-atom &self kept)))
                !(+ 1 1)
                !(meanwhile theirs)
                !(match &self theirs seen)
                !(write more)
                !(match &self more seen)";
    let mut accumulated = MettaState::new(library.clone());
    assert!(handle.set(accumulated.environment.space(SpaceId::TOP).unwrap()).is_ok());
    let outcome = Run::new().sequential(accumulated, compile(&library, text));
    assert_eq!(outcome.state.output[2], [Atom::symbol("seen")]);
    assert_eq!(outcome.state.output[4], [Atom::symbol("seen")]);
    assert_eq!(outcome.statistics.merges, 1);
    assert_eq!(atoms(&outcome.state.environment), "kept x1\ntheirs x1\nmore x1\nmine x1\n");
    let published = handle.get().unwrap().snapshot();
    assert_eq!(published.len(), outcome.state.environment.snapshot(SpaceId::TOP).unwrap().len());
}

#[test]
fn a_fork_has_its_own_spaces() {
    let mut state = MettaState::default();
    let space = state.environment.space(SpaceId::TOP).unwrap();
    space.add(&Atom::symbol("early"));
    let mut fork = state.environment.clone();
    space.add(&Atom::symbol("late"));
    fork.add(&Atom::symbol("forked"));
    assert_eq!(atoms(&state.environment), "early x1\nlate x1\n");
    assert_eq!(atoms(&fork), "early x1\nforked x1\n");
}
