//! Running any program: under limits it ends, without a panic, and as if on one thread.

#![no_main]

use std::sync::{Arc, LazyLock, Mutex};

use libfuzzer_sys::{Corpus, fuzz_mutator, fuzz_target};
use mettatron::config::EvalConfig;
use mettatron::eval::World;
use mettatron::syntax::{Form, parse_bytes};
use mettatron::{Environment, Event, Library, MettaState, Outcome, Run, RunLimits, SpaceId};
use tokio::runtime::Runtime;

mod mutation;

/// Longer programs try the same things, only slower.
const MAX_FORMS: usize = 50;

static LIBRARY: LazyLock<Library> = LazyLock::new(Library::new);
/// What every program starts from; its copies share machines, as the programs of an engine do.
static START: LazyLock<Environment> =
    LazyLock::new(|| Environment::from_world(LIBRARY.clone(), World::new()));
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(2)
        .build()
        .expect("a runtime")
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutation::mutate(data, size, max_size, seed, &*LIBRARY)
});

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let mut forms = parse_bytes(bytes, &*LIBRARY).forms;
    forms.truncate(MAX_FORMS);
    if forms.is_empty() {
        return Corpus::Reject;
    }
    let alone = observe(&forms, |run, start, program| run.sequential(start, program));
    let config = EvalConfig { max_blocking_threads: 2, batch_size_hint: 1 };
    let beside =
        observe(&forms, |run, start, program| run.config(config).on(RUNTIME.handle(), start, program));
    assert_eq!(alone, beside);
    Corpus::Keep
});

/// Runs a program; returns all that can be seen of the run.
fn observe(forms: &[Form], go: impl FnOnce(Run, MettaState, MettaState) -> Outcome) -> Vec<String> {
    let start = MettaState { environment: START.clone(), ..MettaState::default() };
    let program = MettaState { source: forms.to_vec(), ..MettaState::default() };
    let limits = RunLimits {
        steps: Some(1_000),
        depth: Some(1_000),
        memory_bytes: Some(4 << 20),
        results: Some(100),
        ..RunLimits::default()
    };
    let events = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&events);
    let note = move |event: Event| sink.lock().expect("no panic").push(format!("{event:?}"));
    let outcome = go(Run::new().limits(limits).keep_going(true).on_event(note), start, program);

    let world = outcome.state.environment.world();
    let mut seen = std::mem::take(&mut *events.lock().expect("no panic"));
    seen.push(format!("{} done, {:?}", outcome.completed, outcome.error));
    for list in &outcome.state.output {
        seen.push(list.iter().map(|atom| world.print(atom)).collect::<Vec<_>>().join(", "));
    }
    let space = world.space(SpaceId::TOP).expect("the main space");
    seen.extend(space.iter().map(|fact| {
        let atom = space.decode(fact.bytes, fact.variables());
        format!("{} x {}", fact.count, world.print(&atom))
    }));
    seen
}
