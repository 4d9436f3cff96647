//! A step is short whatever is evaluated: who cancels waits for no more than one.

use std::sync::mpsc::{Receiver, sync_channel};

use metta_atom::SpaceId;
use metta_syntax::parse;

use crate::{Effect, EvalError, Interrupt, Library, Limits, Machine, Step, World};

/// The reductions of each step of the last form of a program.
fn steps(compiles: bool, program: &str, budget: u64) -> Vec<u64> {
    let mut library = Library::new();
    library.compile_rules(compiles);
    let mut forms = parse(program, &library).forms;
    let goal = forms.pop().unwrap().atom;
    let mut world = World::new();
    forms.iter().for_each(|form| world.add(SpaceId::TOP, &form.atom));
    let mut machine = Machine::new(library);
    machine.begin(&goal, SpaceId::TOP, world, &Limits::default(), Effect::Outside);
    let mut steps = Vec::new();
    let mut before = 0;
    loop {
        let step = machine.step(budget);
        steps.push(machine.stats().reductions - before);
        before = machine.stats().reductions;
        if step != Step::Yield {
            assert_eq!((step, machine.take_results().len()), (Step::Done, 1));
            return steps;
        }
    }
}

const DEEP: &str = "(= (deep $n) (if (== $n 0) 0 (+ 1 (deep (- $n 1)))))";
/// The same where what is done behind the call is no reduction.
const PLAIN: &str = "(= (deep $n) (if (== $n 0) done (let $done (deep (- $n 1)) (same $done))))
    (= (same $x) $x)";
/// The same where the rule is no function on leaves.
const LISTS: &str = "(= (deep $n) (if (== $n 0) () (let $rest (deep (- $n 1)) (cons-atom $n $rest))))
    (= (any $x) ok)";

#[test]
fn a_return_from_far_below_is_many_steps() {
    for (rules, goal) in [(DEEP, "(deep 300000)"), (PLAIN, "(deep 300000)"), (LISTS, "(any (deep 100000))")] {
        let found = steps(true, &format!("{rules} !{goal}"), 1_000);
        let longest = found.iter().max().unwrap();
        // Code looks at limits after 1,024 returns at the latest, each with a few reductions.
        assert!(*longest <= 1_000 + 8 * 1_024, "{goal}: {longest} reductions in a step");
    }
}

#[test]
fn a_step_of_the_general_evaluator_is_bounded_whatever_its_budget() {
    for (rules, goal) in [(DEEP, "(deep 20000)"), (LISTS, "(any (deep 5000))")] {
        let found = steps(false, &format!("{rules} !{goal}"), u64::MAX);
        let longest = found.iter().max().unwrap();
        assert!(found.len() > 4 && *longest <= 1 << 12, "{goal}: {longest} reductions in a step");
    }
}

/// An interrupt that is raised when it is asked for the time after so many, and what tells how often it was.
fn after(asks: usize) -> (Interrupt, Receiver<()>) {
    let (sender, receiver) = sync_channel(asks);
    (Interrupt::new(move || sender.try_send(()).is_err()), receiver)
}

/// Evaluates the last form of a program with an interrupt; returns how it ended, and its first result.
fn interrupted(machine: &mut Machine, program: &str, interrupt: Interrupt) -> (Step, Option<String>) {
    let mut forms = parse(program, &Library::new()).forms;
    let goal = forms.pop().unwrap().atom;
    let mut world = World::new();
    forms.iter().for_each(|form| world.add(SpaceId::TOP, &form.atom));
    machine.begin(&goal, SpaceId::TOP, world, &Limits::default(), Effect::Outside);
    machine.interrupt_by(interrupt);
    let ended = loop {
        match machine.step(10_000) {
            Step::Yield => {}
            ended => break ended,
        }
    };
    // U1: it stays as it is.
    assert!(ended == Step::Done || machine.step(10_000) == ended);
    let result = machine.take_results().first().map(ToString::to_string);
    machine.end();
    (ended, result)
}

#[test]
fn long_work_is_given_up_wherever_it_asks() {
    const TREE: &str = "(= (tree $n $k)
           (if (== $n 0) (leaf $k) (node (tree (- $n 1) (* 2 $k)) (tree (- $n 1) (+ 1 (* 2 $k))))))
        (= (size (leaf $k)) 1) (= (size (node $a $b)) (+ (size $a) (size $b)))";
    const FRAMES: &str = "(= (deep $n) (if (== $n 0) 0 (+ (deep (- $n 1)) (size-atom (list $n $n $n)))))";
    const MANY: &str = "(= (any $n) $n) (= (any $n) (if (== $n 0) (empty) (any (- $n 1))))";
    let cases = [
        (format!("{TREE} !(size (tree 17 1))"), 10, "131072"),
        (format!("{FRAMES} !(deep 100000)"), 10, "400000"),
        (format!("{MANY} !(let $all (collapse (any 30000)) (size-atom $all))"), 5, "30001"),
        (format!("{MANY} !(collapse (any 30000))"), 10, "(30000 29999 "),
    ];
    for (program, least, expected) in cases {
        let mut machine = Machine::new(Library::new());
        let mut asks = 0;
        let (n_asked, found) = loop {
            let (interrupt, asked) = after(asks);
            let (ended, result) = interrupted(&mut machine, &program, interrupt);
            if ended == Step::Done {
                break (asked.try_iter().count(), result.unwrap());
            }
            assert_eq!((ended, result), (Step::Failed(EvalError::Interrupted), None), "{program}");
            asks = asks * 2 + 1;
        };
        assert!(n_asked >= least && found.starts_with(expected), "{program}: {n_asked} asks, {found:.20}");
    }
}
