//! Functions on leaves: what their loop does is what the instructions do, however often it is left.

use super::*;
use crate::code::Definitions;

const RULES: &str = "
    (= (fib $n) (if (< $n 2) $n (+ (fib (- $n 1)) (fib (- $n 2)))))
    (: typed (-> Number Number))
    (= (typed $n) (if (< $n 2) $n (+ (typed (- $n 1)) (typed (- $n 2)))))
    (= (ack $m $n)
       (if (== $m 0) (+ $n 1) (if (== $n 0) (ack (- $m 1) 1) (ack (- $m 1) (ack $m (- $n 1))))))
    (= (tak $x $y $z)
       (if (< $y $x) (tak (tak (- $x 1) $y $z) (tak (- $y 1) $z $x) (tak (- $z 1) $x $y)) $z))
    (= (turn $a $b $c $n) (if (<= $n 0) (- $a (* 10 $b)) (turn $b $c $a (- $n 1))))
    (= (half $x $n) (if (== 0 $n) $x (half (/ $x 2.5) (- $n 1))))
    (= (fact $n) (if (== $n 0) 1 (* $n (fact (- $n 1)))))
    (= (down $n) (if (== (% 100 $n) 7) $n (down (- $n 1))))
    (= (even $n) (if (== $n 0) True (odd (- $n 1))))
    (= (odd $n) (if (== $n 0) False (even (- $n 1))))
    (= (sign $n) (if (< $n 0) minus (if (> $n 0) plus zero)))
    (= (small $n) (if (>= $n 3) Empty $n))
    (= (amb) 1)
    (= (amb) 20)
    (= (walk $n) (if (== $n 0) (amb) (+ (walk (- $n 1)) (amb))))
    (= (count $i $end $found)
       (if (>= $i $end) $found (count (+ $i 1) $end (if (even (* $i 3)) (+ $found 1) $found))))
    (= (odds $n $c)
       (if (== $n 0)
           $c
           (if (or (not (== (% $n 2) 0)) (and (> $n 5) (xor (even $n) False)))
               (odds (- $n 1) (+ $c (abs-math (- $n 7))))
               (odds (- $n 1) (pow-math $c 1)))))
    (= (either $a $b) (if (and $a $b) (or $a False) (not $b)))
    (= (root $x) (if (isnan-math (sqrt-math $x)) (trunc-math (/ $x 2)) (sqrt-math $x)))
    (= (less-nothing $x) (- $x 0))
    (= (late $n) (if (== $n 0) (added 7) (+ 1 (late (- $n 1)))))
    (= (endless $n) (endless (+ $n 1)))";

const QUERIES: [&str; 29] = [
    "(fib 12)",
    "(typed 11)",
    "(ack 2 4)",
    "(tak 8 4 2)",
    "(turn 1 2 3 8)",
    "(turn 1 (superpose (2 2.5 b)) 3 8)",
    "(half 1 5)",
    "(half (superpose (1e300 7 a)) 9)",
    "(fact 30)",
    "(down 12)",
    "(even 13)",
    "(even (fact 3))",
    "(sign (superpose (-1 0 1 0.5 x \"s\")))",
    "(small (superpose (1 2 3 4)))",
    "(walk 3)",
    "(collapse (walk 2))",
    "(count 0 12 0)",
    "(count 0 $end 0)",
    "(fib $x)",
    "(fib (fib 6))",
    "(fib (small 9))",
    "(less-nothing -0.0)",
    "(odds 9 0)",
    "(odds (superpose (6 0)) (superpose (1 2.5)))",
    "(either (superpose (True False 1 x)) (superpose (True (> 1 2) $y)))",
    "(root (superpose (16 -9 2.25 \"s\" a)))",
    "(late 3)",
    "(let $x (add-atom &self (= (added $n) (* $n 2))) (late 4))",
    "(let $x (remove-atom &self (= (amb) 1)) (walk 2))",
];

/// What a program comes to in steps of a size: its results, how it failed, and its reductions.
fn outcome(
    query: &str,
    budget: u64,
    stress: bool,
    steps: Option<u64>,
) -> (Vec<String>, Option<EvalError>, u64) {
    let mut library = Library::new();
    library.set_tabling(Tabling::Off);
    let mut machine = Machine::new(library.clone());
    machine.stress = stress;
    let mut world = World::new();
    let limits = Limits { steps, ..Limits::default() };
    let mut results = Vec::new();
    for form in parse(&format!("{RULES} !{query}"), &library).forms {
        if !form.run {
            world.add(SpaceId::TOP, &form.atom);
            continue;
        }
        let atom = world.resolve(&form.atom);
        machine.begin(&atom, SpaceId::TOP, world, &limits, Effect::Outside);
        let step = loop {
            match machine.step(budget) {
                Step::Yield => {}
                step => break step,
            }
        };
        results.extend(machine.take_results().iter().map(Atom::to_string));
        let failure = if let Step::Failed(error) = step { Some(error) } else { None };
        return (results, failure, machine.stats().reductions);
    }
    unreachable!("the query is the last form")
}

/// The loop may be left before any operation (C3).
#[test]
fn steps_of_any_size_come_to_the_same() {
    for query in QUERIES {
        // Where garbage is collected all the time, the loop is not entered.
        let expected = outcome(query, 1_000, true, None);
        assert_eq!(expected.1, None, "{query}");
        for budget in [1, 2, 7, 1_000, 1 << 40] {
            assert_eq!(outcome(query, budget, false, None), expected, "{query} in steps of {budget}");
        }
    }
}

#[test]
fn a_limit_on_steps_is_met_at_the_same_step() {
    for query in ["(fib 6)", "(tak 5 3 1)", "(walk 2)", "(fact 25)", "(count 0 5 0)", "(endless 0)"] {
        for steps in (0..160).chain([1_023, 1_024, 1_025, 4_321]) {
            let expected = outcome(query, 1 << 40, true, Some(steps));
            assert_eq!(outcome(query, 1 << 40, false, Some(steps)), expected, "{query}, {steps} steps");
        }
    }
}

/// Most of the calls are functions on leaves, or the tests above say nothing.
#[test]
fn functions_on_leaves_are_recognised() {
    let mut library = Library::new();
    library.set_tabling(Tabling::Off);
    let mut machine = Machine::new(library.clone());
    let mut world = World::new();
    let program = format!("{RULES} !(superpose ({}))", QUERIES[..QUERIES.len() - 2].join(" "));
    for form in parse(&program, &library).forms {
        if !form.run {
            world.add(SpaceId::TOP, &form.atom);
            continue;
        }
        machine.begin(&form.atom, SpaceId::TOP, world, &Limits::default(), Effect::Outside);
        while !matches!(machine.step(1_000), Step::Done) {}
        world = machine.end();
    }
    let code = &machine.code;
    let functions = code.functions.iter().filter(|function| function.definition != Definitions::NONE);
    let others: Vec<&str> = functions
        .filter(|function| function.direct.is_none_or(|direct| direct.leaf.is_none()))
        .map(|function| machine.heap.symbols.name(function.symbol))
        .collect();
    assert_eq!(
        others,
        ["small", "amb", "late"],
        "an empty result, several clauses, a call that no rule is for"
    );
}
