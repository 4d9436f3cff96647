//! Running a program and writing down all that can be seen of the run.

use std::fmt::Write as _;
use std::sync::Arc;

use metta_atom::{Atom, SpaceId};
use metta_config::EvalConfig;
use metta_eval::{Effect, Fault, Operation, OperationError};
use metta_sched::{Environment, Event, Library, MettaState, Outcome, Run};
use metta_sync::{Held, Ranked};

type Call = dyn Fn(&[Atom]) -> Result<Vec<Atom>, OperationError> + Send + Sync;

/// A host operation made from a closure.
struct Host {
    name: &'static str,
    effect: Effect,
    call: Box<Call>,
}

impl Operation for Host {
    fn name(&self) -> &str {
        self.name
    }

    fn type_atom(&self) -> Atom {
        Atom::symbol("%Undefined%")
    }

    fn effect(&self) -> Effect {
        self.effect
    }

    fn call(&self, args: &[Atom]) -> Result<Vec<Atom>, OperationError> {
        (self.call)(args)
    }
}

pub(crate) fn host(
    library: &mut Library,
    name: &'static str,
    effect: Effect,
    call: impl Fn(&[Atom]) -> Result<Vec<Atom>, OperationError> + Send + Sync + 'static,
) {
    library.register(Arc::new(Host { name, effect, call: Box::new(call) }));
}

pub(crate) fn compile(library: &Library, text: &str) -> MettaState {
    let parsed = metta_syntax::parse(text, library);
    assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
    MettaState::compiled(library.clone(), parsed.forms)
}

pub(crate) fn threads(max_blocking_threads: usize) -> EvalConfig {
    EvalConfig { max_blocking_threads, batch_size_hint: 4 }
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap()
}

/// What a run shows, what it says at the end, and what it leaves in the main space.
pub(crate) fn transcript(run: Run, start: impl FnOnce(Run) -> Outcome) -> String {
    transcript_with(run, start, atoms)
}

/// What a run shows, what it says at the end, and what `left` says of what it leaves.
pub(crate) fn transcript_with(
    run: Run,
    start: impl FnOnce(Run) -> Outcome,
    left: impl FnOnce(&Environment) -> String,
) -> String {
    let log: Arc<Ranked<String, 9>> = Arc::new(Ranked::new(String::new()));
    let sink = Arc::clone(&log);
    let outcome = start(run.on_event(move |event| {
        let mut task = Held::root();
        let (mut log, _) = sink.lock(&mut task);
        match event {
            Event::Printed(line) => writeln!(log, "> {line}").unwrap(),
            Event::Traced(line) => writeln!(log, "? {line}").unwrap(),
            Event::Results { index, text, faults, .. } => {
                writeln!(log, "{index} [{}]", text.join(", ")).unwrap();
                for Fault { result, rule, .. } in faults {
                    if let Some(rule) = rule {
                        writeln!(log, "{index}.{result} in {}", rule.atom).unwrap();
                    }
                }
            }
            Event::Found { .. } | _ => panic!("unknown event"),
        }
    }));
    let mut log = std::mem::take(&mut *log.lock(&mut Held::root()).0);
    if let Some(error) = &outcome.error {
        writeln!(log, "! {} after {}", error.code(), outcome.completed).unwrap();
    }
    log + &left(&outcome.state.environment)
}

/// The atoms of every space but the library's, states in them by content, and what `words` stand for.
pub(crate) fn everything(environment: &Environment, words: &[&str]) -> String {
    let world = environment.world();
    let mut out = String::new();
    for id in world.space_ids().filter(|id| *id != SpaceId::CORELIB) {
        let space = world.space(id).unwrap();
        writeln!(out, "{id:?}:").unwrap();
        for fact in space.iter() {
            let text = world.print(&space.decode(fact.bytes, fact.variables()));
            writeln!(out, "{text} x{}", fact.count).unwrap();
        }
    }
    for word in words {
        writeln!(out, "{word} is {}", world.print(&world.resolve(&Atom::symbol(*word)))).unwrap();
    }
    out
}

/// The atoms of the main space, without the equations.
pub(crate) fn atoms(environment: &Environment) -> String {
    let space = environment.snapshot(SpaceId::TOP).unwrap();
    let mut out = String::new();
    for fact in space.iter() {
        let text = space.decode(fact.bytes, fact.variables()).to_string();
        if !text.starts_with("(= ") {
            writeln!(out, "{text} x{}", fact.count).unwrap();
        }
    }
    out
}

/// Runs `text` alone and with helpers, and compares.
pub(crate) fn check(library: &Library, text: &str, configure: impl Fn(Run) -> Run) -> String {
    let fresh = || MettaState::new(library.clone());
    let expected = transcript(configure(Run::new()), |run| run.sequential(fresh(), compile(library, text)));
    let runtime = runtime();
    for n in [1, 2, 8, 256, 1024] {
        let parallel = transcript(configure(Run::new().config(threads(n))), |run| {
            runtime.block_on(run.spawn(fresh(), compile(library, text))).unwrap()
        });
        assert_eq!(parallel, expected, "{n} threads");
    }
    // Where nobody listens a run may begin on the task that awaits it.
    let alone = configure(Run::new()).sequential(fresh(), compile(library, text));
    let awaited = configure(Run::new()).spawn(fresh(), compile(library, text));
    let awaited = runtime.block_on(awaited).unwrap();
    assert_eq!(awaited.state.output, alone.state.output);
    assert_eq!(atoms(&awaited.state.environment), atoms(&alone.state.environment));
    expected
}
