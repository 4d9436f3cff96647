//! Forms that are compiled, with a collection of garbage before every task.

use super::*;

const RULES: &str = "
    (= ((adder $k) $x) (+ $x $k))
    (= (twice $f $x) ($f ($f $x)))
    (= (amb $x) (superpose ($x (- 0 $x) (S $x))))
    (= (mapped $k $l) (map-atom $l $x (pair $k (amb $x))))
    (= (kept $k $l) (filter-atom $l $x (> (amb-number $x) $k)))
    (= (amb-number $x) (superpose ($x 5)))
    (= (folded $l) (foldl-atom $l (start) $a $x (link $a (amb $x))))
    (= (all $l) (let $r (collapse (let $x (superpose $l) (amb $x))) (tagged $r $l)))
    (= (meet $a $b) (unify $a (p $x $y) (met $x $y (amb $b)) (apart $a)))
    (= (chosen $a) (switch (amb $a) ((1 (one $a)) ((S $n) (next $n (amb $n))) ($o (other $o)))))";

#[test]
fn garbage_may_be_collected_at_every_task_of_a_form() {
    let queries = [
        "(twice (adder (+ 1 1)) 3)",
        "(twice amb 2)",
        "(mapped (k $z) (1 2))",
        "(mapped (k (l)) (1 2))",
        "(kept 2 (1 3))",
        "(folded (1 2))",
        "(all (1 (inner 2) $v))",
        "(meet (p (q $u) $w) 4)",
        "(meet $open 4)",
        "(meet (r) 4)",
        "(chosen 1)",
        "(let* (($a (superpose (1 (b) $c))) ($d (collapse (amb $a)))) (got $d (map-atom $d $e (foo $e $a))))",
        "(let $f (superpose (amb (adder 4) data)) ($f 1))",
    ];
    for query in queries {
        let program = format!("{RULES} !{query}");
        let plain = Run::default().lines(&program);
        let mut general = Library::new();
        general.compile_rules(false);
        assert_eq!(Run { library: general, ..Run::default() }.lines(&program).len(), plain.len());
        assert_eq!(Run { stress: true, ..Run::default() }.lines(&program), plain, "{query}");
    }
}

/// What is known while an activation is not left is not taken for granted once it was (C4).
#[test]
fn what_is_declared_during_a_call_counts_behind_it() {
    let rules = "
        (= (declare) (add-atom &self (= (late $x) (done $x))))
        (= (same $x) $x)
        (= (quiet) (add-atom &self (: quoted (-> Atom Atom))))
        (= (quoted $x) (got $x))
        (= (typed $x) (let $d (quiet) (quoted (+ $x 1))))
        (= (before $x) (let $d (same ()) (late $x)))
        (= (behind $x) (let $d (declare) (late $x)))
        (= (taken $x) (let $v (late $x) (let $d (declare) (hold $v (late $x)))))";
    for (query, expected) in [
        ("(before 1)", "[(late 1)]"),
        ("(behind 1)", "[(done 1)]"),
        ("(typed 1)", "[(got (+ 1 1))]"),
        ("(taken 1)", "[(hold (late 1) (done 1))]"),
        ("(let $x (behind (late 2)) (before $x))", "[(done (done (late 2)))]"),
    ] {
        let program = format!("{rules} !{query}");
        let mut general = Library::new();
        general.compile_rules(false);
        let general = Run { library: general, ..Run::default() }.lines(&program);
        assert_eq!(Run::default().lines(&program), general, "{query}");
        assert_eq!(general.last().map(String::as_str), Some(expected), "{query}");
    }
}

/// What is compiled for one expression is forgotten with it, whatever functions were compiled meanwhile.
#[test]
fn code_of_expressions_does_not_pile_up() {
    let library = Library::new();
    let mut machine = Machine::new(library.clone());
    let mut world = World::new();
    let text = "(= (f $x) (* $x 2)) !(collapse (let $x (superpose (1 2)) (f $x)))";
    let forms = parse(text, &library).forms;
    world.add(SpaceId::TOP, &forms[0].atom);
    let mut extents = Vec::new();
    for _ in 0..4 {
        machine.begin(&forms[1].atom, SpaceId::TOP, world, &Limits::default(), Effect::Outside);
        while !matches!(machine.step(1_000), Step::Done) {}
        assert_eq!(machine.take_results().iter().map(Atom::to_string).collect::<Vec<_>>(), ["(2 4)"]);
        world = machine.end();
        extents.push(machine.code.extent());
    }
    assert_eq!(extents[1..], [extents[1]; 3]);
}

/// Too few and too many arguments, and cases that only a variable holds: an answer as in the general way.
#[test]
fn malformed_forms_are_left_to_the_general_evaluator() {
    let names = [
        "if",
        "let",
        "let*",
        "case",
        "switch",
        "collapse",
        "superpose",
        "unify",
        "map-atom",
        "filter-atom",
        "foldl-atom",
        "car-atom",
        "cdr-atom",
        "cons-atom",
        "match",
        "get-state",
        "change-state!",
        "+",
        "==",
    ];
    let mut program = String::new();
    for name in names {
        for arguments in ["", " 1", " 1 2", " 1 2 3", " 1 2 3 4", " 1 2 3 4 5", " 1 2 3 4 5 6"] {
            let rule = format!("(of-{name}-{})", arguments.len());
            program += &format!("(= {rule} ({name}{arguments})) !{rule} !(let $x 1 ({name}{arguments}))");
        }
        program += &format!("(= (given-{name} $a) ({name} 1 $a)) !(given-{name} ((1 a)))");
    }
    let mut general = Library::new();
    general.compile_rules(false);
    let expected = Run { library: general, keep_going: true, ..Run::default() }.lines(&program);
    assert!(expected.contains(&"[a]".to_owned()), "a case takes its cases from a variable");
    assert_eq!(Run { keep_going: true, ..Run::default() }.lines(&program), expected);
}
