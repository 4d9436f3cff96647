//! A step is short whatever is evaluated: who cancels waits for no more than one.

use metta_atom::SpaceId;
use metta_syntax::parse;

use crate::{Effect, Library, Limits, Machine, Step, World};

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
