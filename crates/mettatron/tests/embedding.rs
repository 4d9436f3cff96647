//! What a program that embeds the engine relies on.

use mettatron::config::{EvalConfig, apply_to_runtime_builder};
use mettatron::{
    Atom, CancelToken, Effect, Engine, EngineError, Event, Operation, OperationError, RunError, RunLimits,
    SpaceId, compile, run_state,
};

/// `(greet name)` is `"hello, name"`; only symbols can be greeted.
struct Greet;

impl Operation for Greet {
    fn name(&self) -> &str {
        "greet"
    }

    fn type_atom(&self) -> Atom {
        Atom::expression([Atom::symbol("->"), Atom::symbol("Atom"), Atom::symbol("String")])
    }

    fn effect(&self) -> Effect {
        Effect::Pure
    }

    fn call(&self, args: &[Atom]) -> Result<Vec<Atom>, OperationError> {
        match args {
            [Atom::Symbol(name)] => Ok(vec![Atom::text(format!("hello, {name}"))]),
            _ => Err(OperationError::Failed("a symbol expected".to_owned())),
        }
    }
}

#[test]
fn an_engine_keeps_definitions_and_uses_host_operations() {
    let mut engine = Engine::builder().operation(Greet).jobs(1).build();
    assert_eq!(engine.run("(= (f $x) (+ $x 1)) (friend ann)").unwrap(), Vec::<Vec<Atom>>::new());
    engine.environment_mut().add(&Atom::expression([Atom::symbol("friend"), Atom::symbol("bob")]));
    let results = engine.run("!(f 1) !(greet world) !(match &self (friend $x) $x)").unwrap();
    assert_eq!(
        results,
        [
            vec![Atom::integer(2)],
            vec![Atom::text("hello, world")],
            vec![Atom::symbol("ann"), Atom::symbol("bob")]
        ]
    );
}

#[test]
fn an_error_is_an_answer_and_ends_the_program() {
    let mut engine = Engine::builder().operation(Greet).build();
    let results = engine.run("!(greet 1) !(+ 1 1)").unwrap();
    assert_eq!(results.len(), 1);
    assert!(results[0][0].is_error(), "{results:?}");
    let mut engine = Engine::builder().operation(Greet).keep_going(true).build();
    assert_eq!(engine.run("!(greet 1) !(+ 1 1)").unwrap().len(), 2);
}

#[test]
fn a_malformed_program_names_its_place_and_does_not_run() {
    let mut engine = Engine::new();
    let error = engine.run("early\n!(+ 1 1)\n  (unclosed").unwrap_err();
    assert!(matches!(&error, EngineError::Compile(error) if error.position() == (3, 3)), "{error}");
    assert!(error.to_string().contains("line 3, column 3"), "{error}");
    assert_eq!(engine.environment().snapshot(SpaceId::TOP).unwrap().len(), 0);
}

#[test]
fn a_limit_is_an_error_that_leaves_the_engine_usable() {
    let limits = RunLimits { steps: Some(10_000), ..RunLimits::default() };
    let mut engine = Engine::builder().limits(limits).build();
    let error = engine.run("(= (forever) (forever)) fact !(forever)").unwrap_err();
    assert!(matches!(&error, EngineError::Run(error) if error.is_limit()), "{error}");
    assert_eq!(engine.run("!(match &self fact yes)").unwrap(), [[Atom::symbol("yes")]]);
}

#[test]
fn events_and_cancellation_reach_a_run() {
    let mut engine = Engine::new();
    let token = CancelToken::new();
    let compiled = engine.compile("(= (forever) (forever)) !(println! \"hi\") !(forever)").unwrap();
    let stop = token.clone();
    let outcome = engine.execute(compiled, |run| {
        run.cancel(token).on_event(move |event| {
            if event == Event::Printed("hi".to_owned()) {
                stop.cancel();
            }
        })
    });
    assert!(matches!(outcome.error, Some(RunError::Cancelled)));
    assert_eq!(engine.environment().snapshot(SpaceId::TOP).unwrap().len(), 1);
}

#[test]
fn engines_use_a_runtime_that_they_are_given() {
    let config = EvalConfig { max_blocking_threads: 3, batch_size_hint: 2 };
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(1);
    let runtime = apply_to_runtime_builder(builder, config).build().unwrap();
    let program: String = (0..100).map(|i| format!("!(+ {i} 1)")).collect();
    let expected: Vec<Vec<Atom>> = (1..=100).map(|i| vec![Atom::integer(i)]).collect();

    let mut engine = Engine::builder().config(config).runtime(runtime.handle().clone()).build();
    assert_eq!(engine.run(&program).unwrap(), expected);

    let statistics = engine.stats();
    assert_eq!((statistics.batches, statistics.expressions), (1, 100));

    let mut engine = Engine::builder().config(config).build();
    runtime.block_on(async {
        engine.run("(= (one) 1)").unwrap();
        assert_eq!(engine.run_async(&program).await.unwrap(), expected);
        assert_eq!(engine.run_async("!(one)").await.unwrap(), [[Atom::integer(1)]]);
    });
}

#[test]
fn states_are_plain_values() {
    let rules = run_state(Default::default(), compile("(= (color) red) (= (color) blue)").unwrap()).unwrap();
    let answers = run_state(rules.clone(), compile("!(color)").unwrap()).unwrap();
    assert_eq!(answers.output, [[Atom::symbol("red"), Atom::symbol("blue")]]);
    assert!(rules.output.is_empty());
}

#[test]
fn values_cross_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Engine>();
    shared::<mettatron::MettaState>();
    shared::<mettatron::Library>();
}
