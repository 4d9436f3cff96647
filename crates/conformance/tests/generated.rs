//! Generated programs: the recorded answers of the reference hold in every mode, and no limit
//! makes an answer wrong.

#![expect(clippy::unwrap_used, reason = "functions of a test")]

mod engine;

use std::path::Path;

use conformance::generate::{
    Program, ProgramForm, Recorded, canonical, generate, generate_forms, generate_instructions,
    generate_polymorphic, in_order, read_records,
};
use conformance::{Answer, CorpusFile, Outcome};
use engine::{Mode, Ran, run};
use mettatron::syntax::{Words, parse};
use mettatron::{Atom, RunLimits};
use tokio::runtime::{Builder, Runtime};

/// How many programs of random forms are run.
const FORM_PROGRAMS: u64 = 1000;

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).build().unwrap()
}

/// Runs a program to its end, whatever its forms answer, or until it meets a limit.
fn answers(program: &Program, mode: Mode, limits: RunLimits, runtime: &Runtime) -> Ran {
    let mut file = CorpusFile::parse(&program.text()).unwrap();
    file.keep_going = true;
    let ran = run(&file, Path::new("files"), mode, limits, runtime.handle());
    ran.unwrap_or_else(|why| panic!("{why}\nin\n{}", program.text()))
}

#[test]
fn the_answers_are_those_of_the_reference() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/generated/answers.txt");
    let records = read_records(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(records.len() >= 200, "{} programs are recorded", records.len());
    let runtime = runtime();
    for record in &records {
        let program = generate(record.seed);
        assert!(
            record.is_of(&program),
            "the generator makes another program of seed {} than the one whose answers were recorded; \
             `cargo xtask campaign --record` asks the reference anew",
            record.seed
        );
        for mode in Mode::ALL {
            check(record, &program, mode, &answers(&program, mode, RunLimits::default(), &runtime));
        }
    }
}

fn check(record: &Recorded, program: &Program, mode: Mode, ran: &Ran) {
    let seed = record.seed;
    assert!(ran.stopped.is_none(), "seed {seed}, {}: {:?}", mode.name(), ran.stopped);
    for (index, expected) in &record.answers {
        let found = &ran.answers[*index];
        assert_eq!(
            canonical(found),
            canonical(expected),
            "seed {seed}, {}: !{}\nin\n{}",
            mode.name(),
            program.forms[*index].atom,
            program.text()
        );
    }
}

/// Compiled and interpreted rules agree, in order, on programs whose answers nobody recorded.
fn check_engines(seed: u64, program: &Program, runtime: &Runtime) {
    let compiled = answers(program, Mode::Sequential, generous(), runtime);
    let interpreted = answers(program, Mode::General, generous(), runtime);
    if compiled.stopped.is_some() || interpreted.stopped.is_some() {
        return;
    }
    for (index, (found, expected)) in compiled.answers.iter().zip(&interpreted.answers).enumerate() {
        assert_eq!(
            in_order(found),
            in_order(expected),
            "seed {seed}: {}\nin\n{}",
            program.forms[index].atom,
            program.text()
        );
    }
}

#[test]
fn compiled_rules_answer_as_interpreted_ones() {
    let runtime = runtime();
    for seed in 20_000..20_600 {
        check_engines(seed, &generate(seed), &runtime);
    }
}

#[test]
fn compiled_forms_answer_as_interpreted_ones() {
    let runtime = runtime();
    for seed in 0..FORM_PROGRAMS {
        check_engines(seed, &generate_forms(seed, 6), &runtime);
    }
}

#[test]
fn types_found_when_code_runs_are_those_that_are_unified() {
    let runtime = runtime();
    for seed in 0..FORM_PROGRAMS {
        check_engines(seed, &generate_polymorphic(seed, 6), &runtime);
    }
}

#[test]
fn instructions_in_code_come_to_what_they_come_to_one_by_one() {
    let runtime = runtime();
    for seed in 0..FORM_PROGRAMS {
        check_engines(seed, &generate_instructions(seed, 6), &runtime);
    }
}

/// See [`run`] for what is compared.
#[test]
fn forked_evaluations_answer_as_whole_ones() {
    let runtime = runtime();
    let ends = |program: &Program| answers(program, Mode::Sequential, generous(), &runtime).stopped.is_none();
    for seed in 40_000..40_600 {
        let (whole, forms) = (generate(seed), generate_forms(seed, 6));
        for program in [whole, forms].iter().filter(|program| ends(program)) {
            for workers in [2, 3, 8] {
                answers(program, Mode::Forked(workers), RunLimits::default(), &runtime);
            }
        }
    }
}

/// A program whose expressions are evaluated twice each, by a rule: what comes again may have been kept.
fn asked_twice(program: &Program) -> Program {
    let mut forms = Vec::new();
    for (index, form) in program.forms.iter().enumerate() {
        if !form.run {
            forms.push(form.clone());
            continue;
        }
        let rule = format!("(= (asked-{index}) (both {0} {0}))", form.atom);
        forms.push(ProgramForm { run: false, atom: rule });
        forms.push(ProgramForm { run: true, atom: format!("(asked-{index})") });
    }
    Program { forms }
}

/// See [`run`] for what is compared.
#[test]
fn answers_that_are_kept_change_nothing() {
    let runtime = runtime();
    for seed in 30_000..30_300 {
        let program = asked_twice(&generate(seed));
        for steps in [100_000, 1 + seed % 97] {
            let limits = RunLimits { steps: Some(steps), ..generous() };
            answers(&program, Mode::Tabled, limits, &runtime);
        }
    }
}

#[test]
fn a_limit_leaves_right_answers_or_none() {
    let runtime = runtime();
    for seed in 1000..1200 {
        let program = generate(seed);
        let full = answers(&program, Mode::Sequential, generous(), &runtime);
        let mut steps = generous();
        steps.steps = Some(1 + seed % 37);
        let mut memory = generous();
        memory.memory_bytes = Some(2_000 + 40 * (seed % 500));
        for limits in [steps, memory] {
            for mode in [Mode::Sequential, Mode::Workers(2)] {
                let limited = answers(&program, mode, limits.clone(), &runtime);
                check_prefix(&full, &limited, &format!("seed {seed}, {}, {limits:?}", mode.name()));
            }
        }
    }
}

/// Enough for all but the programs that never end.
fn generous() -> RunLimits {
    let mut limits = RunLimits::default();
    (limits.steps, limits.memory_bytes) = (Some(100_000), Some(1 << 28));
    limits
}

fn check_prefix(full: &Ran, limited: &Ran, place: &str) {
    let done = |answer: &&Answer| answer.outcome != Outcome::NotRun;
    let completed = limited.answers.iter().take_while(done).count();
    assert_eq!(limited.answers[..completed], full.answers[..completed], "{place}");
    match &limited.stopped {
        Some(error) => assert!(error.is_limit(), "{place}: {error}"),
        None => assert_eq!(completed, full.answers.len(), "{place}"),
    }
}

/// `&self` stays a name: a space has no written form.
struct SelfByName;

impl Words for SelfByName {
    fn atom(&self, word: &str) -> Option<Atom> {
        (word == "&self").then(|| Atom::symbol(word))
    }
}

#[test]
fn a_printed_program_reads_back() {
    for seed in 0..500 {
        let first = parse(&generate(seed).text(), &SelfByName);
        assert!(first.diagnostics.is_empty(), "{seed}: {:?}", first.diagnostics);
        let printed: String = first
            .forms
            .iter()
            .map(|form| format!("{}{}\n", if form.run { "! " } else { "" }, form.atom))
            .collect();
        let second = parse(&printed, &SelfByName);
        assert_eq!(first.forms.len(), second.forms.len(), "{seed}");
        for (one, other) in first.forms.iter().zip(&second.forms) {
            assert_eq!((one.run, &one.atom), (other.run, &other.atom), "{seed}");
        }
    }
}
