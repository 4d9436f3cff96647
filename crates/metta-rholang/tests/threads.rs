//! Eight calls at once, on every kind of runtime with few blocking threads, and without one: all end.

use std::future::Future;

use metta_rholang::Bridge;
use metta_rholang::par::{self, Par};
use tokio::runtime::{Builder, Runtime};
use tokio::task::LocalSet;

const CALLS: usize = 8;

/// A batch, so that every call wants helpers.
const QUERY: &str = "!(count 300) !(count 301) !(count 302) !(count 303) !(count 304) !(count 305)";

struct Case {
    bridge: Bridge,
    state: Par,
    query: Par,
    expected: Vec<u8>,
}

/// How a call is made.
#[derive(Clone, Copy, Debug)]
enum Call {
    Synchronous,
    GivingWay,
    Awaited,
}

impl Case {
    fn new() -> Self {
        let bridge = Bridge::default();
        let compile = |text: &str| bridge.compile_par(&Par::string(text));
        let rules = compile("(= (count $n) (if (== $n 0) (done) (count (- $n 1))))");
        let state = bridge.run_pars(&Par::path_map(vec![]), &rules);
        let query = compile(QUERY);
        let expected = par::encode(&bridge.run_pars(&state, &query));
        let answer = par::decode(&expected).map(|par| bridge.codec().state_from_par(&par));
        assert_eq!(answer.expect("a message").expect("a state").output[0].len(), 6);
        Case { bridge, state, query, expected }
    }

    fn blocking(&self, call: Call) {
        let reply = match call {
            Call::Synchronous => self.bridge.run_with_cost(&self.state, &self.query),
            Call::GivingWay | Call::Awaited => self.bridge.try_run_with_cost(&self.state, &self.query),
        };
        assert_eq!(par::encode(&reply.into_par()), self.expected);
    }

    async fn call(&self, call: Call) {
        match call {
            Call::Awaited => {
                let reply = self.bridge.run_async(self.state.clone(), self.query.clone()).await;
                assert_eq!(par::encode(&reply.into_par()), self.expected);
            }
            Call::Synchronous | Call::GivingWay => self.blocking(call),
        }
    }
}

/// Runs `make` for runtimes with 1, 2 and 4 blocking threads and every way to call.
fn everywhere(runtime: impl Fn() -> Builder, run: impl Fn(&Runtime, &'static Case, Call)) {
    let case: &'static Case = Box::leak(Box::new(Case::new()));
    for blocking in [1, 2, 4] {
        for call in [Call::Synchronous, Call::GivingWay, Call::Awaited] {
            let runtime = runtime().max_blocking_threads(blocking).build().expect("a runtime");
            run(&runtime, case, call);
        }
    }
}

fn multi_thread() -> Builder {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2);
    builder
}

async fn all(tasks: impl Iterator<Item = impl Future<Output = Result<(), tokio::task::JoinError>>>) {
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("no panic");
    }
}

fn spawned(runtime: &Runtime, case: &'static Case, call: Call) {
    runtime.block_on(all((0..CALLS).map(|_| tokio::spawn(case.call(call)))));
}

fn local(runtime: &Runtime, case: &'static Case, call: Call) {
    let tasks = LocalSet::new();
    runtime.block_on(tasks.run_until(all((0..CALLS).map(|_| tokio::task::spawn_local(case.call(call))))));
}

#[test]
fn tasks_of_a_multi_thread_runtime() {
    everywhere(multi_thread, spawned);
}

#[test]
fn tasks_of_a_multi_thread_runtime_whose_threads_have_other_names() {
    let named = || {
        let mut builder = multi_thread();
        builder.thread_name("node");
        builder
    };
    everywhere(named, spawned);
}

#[test]
fn tasks_of_a_current_thread_runtime() {
    everywhere(Builder::new_current_thread, spawned);
}

#[test]
fn local_tasks() {
    everywhere(multi_thread, local);
    everywhere(Builder::new_current_thread, local);
}

#[test]
fn tasks_on_the_blocking_pool() {
    everywhere(multi_thread, |runtime, case, call| {
        runtime.block_on(all((0..CALLS).map(|_| tokio::task::spawn_blocking(move || case.blocking(call)))));
    });
}

/// Such a thread has the name of a worker and runs a task, but cannot give way. It is the one that
/// awaited calls would need, so those are left out.
#[test]
fn local_tasks_on_the_blocking_pool() {
    everywhere(multi_thread, |runtime, case, call| {
        let drive = move || {
            let calls =
                async move { all((0..CALLS).map(|_| tokio::task::spawn_local(case.call(call)))).await };
            tokio::runtime::Handle::current().block_on(LocalSet::new().run_until(calls));
        };
        if !matches!(call, Call::Awaited) {
            runtime.block_on(async { all(std::iter::once(tokio::task::spawn_blocking(drive))).await });
        }
    });
}

#[test]
fn threads_outside_of_any_runtime() {
    let case = Case::new();
    for call in [Call::Synchronous, Call::GivingWay] {
        std::thread::scope(|scope| {
            for _ in 0..CALLS {
                scope.spawn(|| case.blocking(call));
            }
        });
    }
}

#[test]
fn an_abandoned_call_is_cancelled() {
    let runtime = multi_thread().max_blocking_threads(1).enable_time().build().expect("a runtime");
    let case = Case::new();
    let endless = case.bridge.compile_par(&Par::string("!(count -1)"));
    runtime.block_on(async {
        let call = case.bridge.run_async(case.state.clone(), endless);
        assert!(tokio::time::timeout(std::time::Duration::from_millis(20), call).await.is_err());
        // The only blocking thread is free again.
        case.call(Call::Awaited).await;
    });
}
