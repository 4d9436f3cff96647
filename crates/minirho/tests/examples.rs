//! The examples print what stands beside them, in every run and on every kind of runtime.

mod lines;

use std::path::Path;

use lines::Lines;
use mettatron::{Atom, Engine};
use minirho::Interpreter;
use tokio::runtime::{Builder, Runtime};
use tokio::task::LocalSet;

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn multi_thread(blocking: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(3).max_blocking_threads(blocking).build().expect("a runtime")
}

async fn output(text: &str) -> String {
    let lines = Lines::new();
    let report =
        Interpreter::new().run(text, lines.printer()).await.unwrap_or_else(|error| panic!("{error}"));
    assert!(report.steps > 0);
    lines.text()
}

const EXAMPLES: [&str; 4] = ["robots", "learning", "mistakes", "processes"];

#[test]
fn twenty_runs_have_one_output() {
    for name in EXAMPLES {
        let (text, expected) = (read(&format!("{name}.rho")), read(&format!("{name}.out")));
        for run in 0..20 {
            let runtime = multi_thread([1, 2, 4][run % 3]);
            assert_eq!(runtime.block_on(output(&text)), expected, "{name}");
        }
    }
}

#[test]
fn every_kind_of_runtime_will_do() {
    for name in EXAMPLES {
        let (text, expected) = (read(&format!("{name}.rho")), read(&format!("{name}.out")));
        for blocking in [1, 4] {
            let single =
                Builder::new_current_thread().max_blocking_threads(blocking).build().expect("a runtime");
            assert_eq!(single.block_on(output(&text)), expected, "{name}");
            assert_eq!(LocalSet::new().block_on(&single, output(&text)), expected, "{name}");
            let multi = multi_thread(blocking);
            assert_eq!(LocalSet::new().block_on(&multi, output(&text)), expected, "{name}");
        }
    }
}

#[test]
fn eight_programs_run_side_by_side() {
    let (text, expected) = (read("robots.rho"), read("robots.out"));
    for blocking in [1, 2, 4] {
        multi_thread(blocking).block_on(async {
            let runs: Vec<_> = (0..8)
                .map(|_| {
                    let text = text.clone();
                    tokio::spawn(async move { output(&text).await })
                })
                .collect();
            for run in runs {
                assert_eq!(run.await.expect("no panic"), expected);
            }
        });
    }
}

/// An atom as the messages of a node show it.
fn shown(atom: &Atom) -> String {
    match (atom.children(), atom.as_number()) {
        (Some(children), _) => format!("[{}]", children.iter().map(shown).collect::<Vec<_>>().join(", ")),
        (None, Some(number)) => number.to_string(),
        (None, None) => format!("\"{atom}\""),
    }
}

/// The longest string of a program: the knowledge.
fn knowledge(text: &str) -> String {
    let text = text.replace("\\\"", "\u{0}");
    let strings = text.split('"').skip(1).step_by(2);
    strings.max_by_key(|string| string.len()).expect("a string").replace('\u{0}', "\"")
}

#[test]
fn the_robots_say_what_the_engine_says() {
    let mut engine = Engine::new();
    let rules = knowledge(&read("robots.rho"));
    assert!(rules.contains("(= (fetch"));
    engine.run(&rules).expect("rules");
    let mut ask = |question: &str| {
        let results = engine.run(&format!("!({question})")).expect("results");
        results[0].iter().map(shown).collect::<Vec<_>>()
    };
    let expected = read("robots.out");
    let mut lines = expected.lines();
    for question in ["next hall", "match &self (label attic $l) $l"] {
        assert_eq!(lines.next(), Some(&*format!("[{}]", ask(question).join(", "))), "{question}");
    }
    for question in ["fetch ada rope", "fetch bob lamp", "fetch cyd lamp"] {
        assert_eq!(lines.next(), Some(&*ask(question).join(", ")), "{question}");
    }
}
