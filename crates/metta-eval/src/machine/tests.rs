//! The machine on small programs, through one function: text in, printed results out.

mod forms;
mod leaves;
mod modules;
mod steps;
mod tabling;

use std::path::{Path, PathBuf};
use std::time::Duration;

use metta_atom::{Atom, SpaceId};
use metta_syntax::parse;

use crate::{Effect, EvalError, Fault, Library, Limits, Machine, Step, Tabling, World};

/// Runs a program, one line of results for each `!`.
fn run(program: &str) -> Vec<String> {
    Run::default().lines(program)
}

/// How to run a program.
#[derive(Default)]
struct Run {
    limits: Limits,
    /// Collect garbage before every task.
    stress: bool,
    /// Go on after a result list with an error.
    keep_going: bool,
    library: Library,
}

impl Run {
    #[track_caller]
    fn lines(&self, program: &str) -> Vec<String> {
        let (lines, failure) = self.until_failure(program);
        assert_eq!(failure, None, "{program}");
        lines
    }

    /// The lines up to the first expression that hits a limit, and that failure.
    fn until_failure(&self, program: &str) -> (Vec<String>, Option<EvalError>) {
        let mut lines = Vec::new();
        let mut too_long = None;
        let failure = self.each(program, |world, output, results, _| {
            lines.extend(output);
            let Some(results) = results else { return true };
            match world.print_results(results, &self.limits) {
                Ok(printed) => lines.push(format!("[{}]", printed.join(", "))),
                Err(error) => too_long = Some(error),
            }
            too_long.is_none() && (self.keep_going || !results.iter().any(Atom::is_error))
        });
        (lines, failure.or(too_long))
    }

    /// Gives what each expression printed, its results unless it hit a limit, and its faults
    /// to `see`, as long as that answers true.
    fn each(
        &self,
        program: &str,
        mut see: impl FnMut(&World, Vec<String>, Option<&[Atom]>, Vec<Fault>) -> bool,
    ) -> Option<EvalError> {
        let mut library = self.library.clone();
        if self.stress {
            library.set_tabling(Tabling::Everything);
        }
        let mut world = World::new();
        let mut machine = Machine::new(library.clone());
        machine.stress = self.stress;
        machine.facts.eager = self.stress;
        for form in parse(program, &library).forms {
            let atom = world.resolve(&form.atom);
            if !form.run {
                world.add(SpaceId::TOP, &atom);
                continue;
            }
            machine.begin(&atom, SpaceId::TOP, world, &self.limits, Effect::Outside);
            let step = loop {
                match machine.step(1_000) {
                    Step::Yield => {}
                    step => break step,
                }
            };
            let (results, faults, output) =
                (machine.take_results(), machine.take_faults(), machine.take_output());
            world = machine.end();
            if let Step::Failed(error) = step {
                see(&world, output, None, faults);
                return Some(error);
            }
            assert_eq!(faults.len(), results.iter().filter(|atom| atom.is_error()).count());
            if !see(&world, output, Some(&results), faults) {
                break;
            }
        }
        None
    }
}

#[track_caller]
fn check(program: &str, expected: &[&str]) {
    assert_eq!(run(program), expected, "{program}");
}

#[test]
fn alternatives_come_in_definition_order() {
    check("(= (color) red) (= (color) blue) !(color)", &["[red, blue]"]);
    check("(= (a) 1) (= (a) 2) (= (b) 10) (= (b) 20) !(+ (a) (b))", &["[11, 21, 12, 22]"]);
    check(
        "(= (f) 1) (= (f) 2) (= (f) 3) !((f) (f))",
        &["[(1 1), (1 2), (1 3), (2 1), (2 2), (2 3), (3 1), (3 2), (3 3)]"],
    );
}

/// A call goes on with the clauses that there were when it began.
#[test]
fn rules_added_while_a_call_runs_are_for_later_calls() {
    let program = "(= (f $x) (add-atom &self (= (f $y) (new $x)))) (= (f $x) (old $x)) !(f 1) !(f 2)";
    let both = ["[(), (old 1)]", "[(), (old 2), (new 1)]"];
    check(program, &both);
    let mut library = Library::new();
    library.compile_rules(true);
    assert_eq!(Run { library, ..Run::default() }.lines(program), both);
}

#[test]
fn added_rules_come_behind_what_is_known() {
    let mut library = Library::new();
    library.compile_rules(true);
    let mut machine = Machine::new(library.clone());
    let mut world = World::new();
    let text = "(= (known 0) 0) \
        (= (learn $n) (if (== (known (- $n 1)) $n) never (add-atom &self (= (known $n) (known (- $n 1)))))) \
        (= (from $n) (if (== $n 200) (known 199) (let () (learn $n) (from (+ $n 1)))))  !(from 1)";
    for form in parse(text, &library).forms {
        let atom = world.resolve(&form.atom);
        if !form.run {
            world.add(SpaceId::TOP, &atom);
            continue;
        }
        machine.begin(&atom, SpaceId::TOP, world, &Limits::default(), Effect::Outside);
        while !matches!(machine.step(1_000), Step::Done) {}
        assert_eq!(machine.take_results(), [Atom::integer(0)]);
        world = machine.end();
    }
    let known = machine.heap.symbols.intern("known");
    let function = machine.code.function(SpaceId::TOP, known, 1);
    assert_eq!(machine.code.definition(function).len(), 200);
    // Each list is made once; and what calls `known` is not compiled again for each rule of it.
    assert!(machine.program.lists_made() < 100, "{}", machine.program.lists_made());
    assert!(machine.code.instrs.len() < 4_000, "{}", machine.code.instrs.len());
}

#[test]
fn errors_count_only_when_nothing_succeeds() {
    check("!(superpose ((Error a b) 1 2))", &["[1, 2]"]);
    check("!(superpose ((Error a b) (Error c d)))", &["[(Error a b), (Error c d)]"]);
    check("!(let $x (superpose (1 2 3)) (if (== $x 2) (Error bad $x) $x))", &["[1, 3]"]);
    check("!(/ 1 0)", &["[(Error (/ 1 0) DivisionByZero)]"]);
    check("!(case (/ 1 0) (((Error $a $m) (caught $m)) ($x ok)))", &["[(caught DivisionByZero)]"]);
    check(
        "(= (f) (Error a 1)) (= (f) (Error b 2)) !(case (f) (((Error $a $m) (caught $m))))",
        &["[(caught 1), (caught 2)]"],
    );
}

#[test]
fn deep_recursion_needs_no_native_stack() {
    check("(= (count $n) (if (== $n 0) done (count (- $n 1)))) !(count 20000)", &["[done]"]);
    check("(= (depth $n) (if (== $n 0) 0 (+ 1 (depth (- $n 1))))) !(depth 20000)", &["[20000]"]);
}

#[test]
fn narrowing_binds_the_caller() {
    check("(= (foo A) 1) (= (foo B) 2) !(let $r (foo $x) ($x $r))", &["[(A 1), (B 2)]"]);
    check("(p 1) (p 2) !((match &self (p $x) $x) $x)", &["[(1 1), (2 2)]"]);
}

#[test]
fn minimal_instructions() {
    check(
        "(= (sign $x) (function (chain (eval (> $x 0)) $p (unify $p True (return pos) (return nonpos))))) !(sign 3)",
        &["[pos]"],
    );
    check("!(collapse-bind (eval (superpose (1 2))))", &["[((1 {  }) (2 {  }))]"]);
}

/// All programs of the conformance corpus.
fn corpus() -> Vec<(PathBuf, String)> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance/tests/corpus")];
    let mut programs = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the corpus is there") {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "metta") {
                let text = std::fs::read_to_string(&path).expect("a readable file");
                programs.push((path, text));
            }
        }
    }
    programs.sort();
    programs
}

/// H1, H2, P1, M1 and M2 together: no collection at any point changes any answer.
#[test]
fn collections_change_nothing_in_the_general_way() {
    let mut library = Library::new();
    library.compile_rules(false);
    compare_with_collections(&library);
}

/// C1 as well.
#[test]
fn collections_change_nothing_for_compiled_rules() {
    compare_with_collections(&Library::new());
}

#[track_caller]
fn compare_with_collections(library: &Library) {
    let programs = corpus();
    assert!(programs.len() > 50);
    for (path, program) in programs {
        // Collecting before every task costs the square of a long run.
        let limits = Limits { steps: Some(20_000), ..Limits::default() };
        let run = |stress| {
            let (limits, library) = (limits.clone(), library.clone());
            Run { limits, library, keep_going: true, stress }.until_failure(&program)
        };
        assert_eq!(run(false), run(true), "{}", path.display());
    }
}

#[test]
fn a_deterministic_loop_runs_in_constant_memory() {
    let limits = Limits { memory_bytes: Some(16 << 20), ..Limits::default() };
    let program = "(= (count $n) (if (== $n 0) done (count (- $n 1)))) !(count 200000)";
    assert_eq!(Run { limits, ..Run::default() }.lines(program), ["[done]"]);
}

#[test]
fn limits_stop_an_endless_recursion() {
    let failure = |limits| Run { limits, ..Run::default() }.until_failure("(= (f $x) (+ 1 (f $x))) !(f 1)").1;
    let limit = 10_000;
    assert_eq!(
        failure(Limits { steps: Some(limit), ..Limits::default() }),
        Some(EvalError::OutOfSteps { limit })
    );
    assert_eq!(
        failure(Limits { depth: Some(limit), ..Limits::default() }),
        Some(EvalError::TooDeep { limit })
    );
    let limit_bytes = 32 << 20;
    assert_eq!(
        failure(Limits { memory_bytes: Some(limit_bytes), ..Limits::default() }),
        Some(EvalError::OutOfMemory { limit_bytes })
    );
    let limits = Limits { results: Some(2), ..Limits::default() };
    let (_, failure) = Run { limits, ..Run::default() }.until_failure("!(superpose (1 2 3))");
    assert_eq!(failure, Some(EvalError::TooManyResults { limit: 2 }));
}

#[test]
fn an_effect_that_is_not_allowed_blocks() {
    let library = Library::new();
    let mut machine = Machine::new(library.clone());
    let forms = parse("!(+ 1 2) !(add-atom &self a) !(println! hi)", &library).forms;
    let steps: Vec<Step> = forms
        .iter()
        .map(|form| {
            machine.begin(&form.atom, SpaceId::TOP, World::new(), &Limits::default(), Effect::ReadsSpace);
            let step = machine.step(1_000);
            assert_eq!(machine.end().space(SpaceId::TOP).map(metta_space::Snapshot::len), Some(0));
            step
        })
        .collect();
    assert_eq!(steps, [Step::Done, Step::Blocked(Effect::WritesSpace), Step::Blocked(Effect::Prints)]);
}

#[test]
fn types_without_end_are_a_limit() {
    let limit = 1 << 10;
    let growing = "(:< (L $x) (L (L $x))) (: a (L A)) !(get-type a)";
    let bits: String = (0..20).map(|i| format!("(: b{i} A) (: b{i} B) ")).collect();
    let word: Vec<String> = (0..20).map(|i| format!("b{i}")).collect();
    let exploding = format!("{bits} !(get-type ({}))", word.join(" "));
    for program in [growing, &exploding] {
        assert_eq!(Run::default().until_failure(program).1, Some(EvalError::TooManyTypes { limit }));
    }
}

#[test]
fn terms_that_double_are_compared_by_their_cells() {
    let nested = format!("{}Z{}", "(S ".repeat(40), ")".repeat(40));
    let program = format!(
        "(= (g Z $x) $x) (= (g (S $n) $x) (g $n (b $x $x)))
         !(let* (($y (g {nested} A)) ($z (g {nested} A))) (== $y $z))
         !(let* (($y (g {nested} A)) ($z (g {nested} A))) (unify $y $z yes no))"
    );
    assert_eq!(run(&program), ["[True]", "[yes]"]);
}

#[test]
fn examples_in_the_documentation_are_true() {
    let run = Run { keep_going: true, ..Run::default() };
    for description in Library::areas().into_iter().flat_map(|area| area.descriptions) {
        for (program, expected) in description.examples {
            assert_eq!(run.lines(&program).join("\n"), expected, "{}: {program}", description.item);
        }
    }
}

#[test]
fn time_passes_when_the_caller_says_so() {
    // T1: the scope of the time ends with those inside it.
    let library = Library::new();
    let mut machine = Machine::new(library.clone());
    let program = "!(superpose (1 (collapse (with-limit (time 5)
        (with-limit (results 9) (superpose (2 (unify (loop $n) (loop 0) (metta (forever) %Undefined% &self) 3))))))))";
    let mut world = World::new();
    for form in parse(&format!("(= (forever) (forever)) {program}"), &library).forms {
        if form.run {
            machine.begin(&form.atom, SpaceId::TOP, world.clone(), &Limits::default(), Effect::Prints);
        } else {
            world.add(SpaceId::TOP, &form.atom);
        }
    }
    for seconds in [0, 3, 4] {
        machine.set_time(Duration::from_secs(seconds));
        assert_eq!(machine.step(1_000), Step::Yield);
    }
    machine.set_time(Duration::from_secs(5));
    assert_eq!(machine.step(1_000), Step::Done);
    let results: Vec<String> = machine.take_results().iter().map(ToString::to_string).collect();
    assert_eq!(results.len(), 2);
    assert_eq!(results[0], "1");
    assert!(results[1].ends_with("stopped after 5 seconds, the limit))"), "{}", results[1]);
}

#[test]
fn strings_count_as_memory() {
    let limit_bytes = 32 << 20;
    let limits = Limits { memory_bytes: Some(limit_bytes), ..Limits::default() };
    let grow = "(= (grow $s) (grow (string-concat $s $s))) !(grow \"x\")";
    let (_, failure) = Run { limits: limits.clone(), ..Run::default() }.until_failure(grow);
    assert_eq!(failure, Some(EvalError::OutOfMemory { limit_bytes }));
    // What nobody needs any more does not count: half a gigabyte in all.
    let churn = "(= (double $n $s) (if (== $n 0) $s (double (- $n 1) (string-concat $s $s))))
        (= (churn $n $s) (if (== $n 0) done (let $t (string-concat $s $s) (churn (- $n 1) $s))))
        !(let $s (double 20 \"x\") (churn 250 $s))";
    assert_eq!(Run { limits, ..Run::default() }.lines(churn), ["[done]"]);
}

#[test]
fn help_lists_every_description_of_the_library() {
    let described = Library::areas().into_iter().flat_map(|area| area.descriptions);
    let mut expected: Vec<String> = described.map(|it| format!("{}\n\t{}", it.item, it.meaning)).collect();
    expected.push("[()]".to_owned());
    expected.sort_unstable();
    for program in ["!(help!)", "!(help! corelib)", "!(help! stdlib)"] {
        let mut lines = run(program);
        lines.sort_unstable();
        assert_eq!(lines, expected, "{program}");
    }
}

/// How much a machine looks at to evaluate the last form of a program.
fn work(program: &str) -> u64 {
    let library = Library::new();
    let (mut machine, mut world) = (Machine::new(library.clone()), World::new());
    let forms = parse(program, &library).forms;
    for form in forms.iter().filter(|form| !form.run) {
        world.add(SpaceId::TOP, &world.resolve(&form.atom));
    }
    let Some(last) = forms.last().map(|form| world.resolve(&form.atom)) else { return 0 };
    machine.begin(&last, SpaceId::TOP, world, &Limits::default(), Effect::Outside);
    let mut work = 0;
    loop {
        let step = machine.step(u64::MAX);
        work += machine.work;
        if step != Step::Yield {
            assert_eq!(step, Step::Done, "{program}");
            return work;
        }
    }
}

/// The types of data that grow by a constructor are not found anew from the ground up.
#[test]
fn the_types_of_parts_are_kept() {
    let program = |count: u32| {
        format!(
            "(: Z Nat) (: S (-> Nat Nat)) (: nat (-> Number Nat)) (: double (-> Nat Nat))
             (= (nat $n) (if (== $n 0) Z (S (nat (- $n 1)))))
             (= (double Z) Z) (= (double (S $n)) (S (S (double $n))))
             (: grow (-> Number Nat Nat))
             (= (grow $n $so-far) (if (== $n 0) $so-far (grow (- $n 1) (S $so-far))))
             !(double (grow {count} (nat {count})))"
        )
    };
    let (few, many) = (work(&program(40)), work(&program(160)));
    assert!(many < 6 * few, "{few} {many}");
}

/// I1: a function whose type has variables does the same work for each element of a list, whatever that is.
#[test]
fn functions_with_type_variables_do_not_look_at_all_of_a_list() {
    let program = |count: u32, element: &str| {
        format!(
            "(: Nil (List $t)) (: Cons (-> $t (List $t) (List $t))) (: blue Colour)
             (: map (-> (-> $a $b) (List $a) (List $b)))
             (= (map $f Nil) Nil)
             (= (map $f (Cons $x $xs)) (Cons ($f $x) (map $f $xs)))
             (: append (-> (List $t) (List $t) (List $t)))
             (= (append Nil $y) $y)
             (= (append (Cons $x $xs) $y) (Cons $x (append $xs $y)))
             (: repeat (-> Number $t (List $t)))
             (= (repeat $n $x) (if (== $n 0) Nil (Cons $x (repeat (- $n 1) $x))))
             (: pair (-> $t (Pair $t $t)))
             (: length (-> (List $t) Number))
             (= (length Nil) 0)
             (= (length (Cons $x $xs)) (+ 1 (length $xs)))
             !(length (map pair (append (repeat {count} {element}) (repeat {count} {element}))))"
        )
    };
    for element in ["1", "blue", "undeclared", "(Cons 1 Nil)", "Nil"] {
        let (few, many) = (work(&program(40, element)), work(&program(160, element)));
        assert!(many < 6 * few, "{element}: {few} {many}");
    }
}

/// Terms of some hundred cells whose trees have 2^60 leaves, by every way that copies or writes a term.
#[test]
fn terms_that_double_are_copied_by_their_cells() {
    let nested = format!("{}Z{}", "(S ".repeat(60), ")".repeat(60));
    let limit_bytes = 16 << 20;
    let limits = Limits { steps: Some(10_000), memory_bytes: Some(limit_bytes), ..Limits::default() };
    let run = |types: &str, body: &str| {
        let program = format!(
            "{types} (= (g Z $x) $x) (= (g (S $n) $x) (g $n (b $x $x)))
             !(let* (($y (g {nested} A)) ($v (g {nested} $open))) {body})"
        );
        Run { limits: limits.clone(), ..Run::default() }.until_failure(&program)
    };
    for (types, body, expected) in [
        ("", "(let $all (collapse (superpose ($y $v))) (size-atom $all))", "[2]"),
        ("", "(let $s (new-state $y) (let $t (new-state $y) (== $s $t)))", "[True]"),
        ("", "(match &self $y found)", "[]"),
        ("", "(match &self (p $v) found)", "[]"),
        ("", "(let $w (sealed () $v) (=alpha $v $w))", "[True]"),
        ("", "(let $all (unique-atom ($v $v $y)) (size-atom $all))", "[2]"),
        ("", "(let $all (map-atom (1 2) $k (pair $k $y)) (size-atom $all))", "[2]"),
        ("", "(unify $open A (=alpha $v $y) no)", "[True]"),
        ("", "(let $pairs (collapse-bind (eval (superpose ($y $v)))) (size-atom $pairs))", "[2]"),
        ("(: b (-> T T T)) (: A T)", "(get-type $y)", "[T]"),
        ("(: b (-> $t $t $t)) (: A T)", "(get-type $y)", "[T]"),
        ("", "(let $done (bind! word $y) ok)", "[ok]"),
    ] {
        let (lines, failure) = run(types, body);
        assert_eq!((lines, failure), (vec![expected.to_owned()], None), "{body}");
    }
    for (types, body) in [
        ("", "$y"),
        ("", "(println! $v)"),
        ("", "(trace! $y done)"),
        ("", "(format-args \"{}\" ($y))"),
        ("", "(add-atom &self $y)"),
        ("", "(add-atom &self (= (f) $y))"),
        ("", "(remove-atom &self $y)"),
        ("", "(assertEqual $y B)"),
        ("", "(Error $y reason)"),
        ("", "(new-state $y)"),
        ("(: b B) (: A T)", "(get-type $y)"),
        ("(: b (B $q)) (: A T)", "(get-type $y)"),
    ] {
        let (lines, failure) = run(types, body);
        assert_eq!(failure, Some(EvalError::OutOfMemory { limit_bytes }), "{types} {body}");
        assert!(lines.is_empty(), "{body}");
    }
}

#[test]
fn what_is_kept_counts_as_memory() {
    let limit_bytes = 8 << 20;
    let limits = Limits { memory_bytes: Some(limit_bytes), ..Limits::default() };
    for program in [
        "(= (fill $n) (let $done (add-atom &self (fact $n)) (fill (+ $n 1)))) !(fill 0)",
        "(= (many $n) (if (== $n 0) (a b c d e f g h) (superpose ((many (- $n 1)) (many (- $n 1)))))) !(many 30)",
    ] {
        let (_, failure) = Run { limits: limits.clone(), ..Run::default() }.until_failure(program);
        assert_eq!(failure, Some(EvalError::OutOfMemory { limit_bytes }), "{program}");
    }
}

#[test]
fn a_state_in_its_own_content_is_printed() {
    check("!(let $s (new-state 1) (change-state! $s (f $s)))", &["[(State (f (State ...)))]"]);
}

/// The left sides of the rules that the errors of the last expression are blamed on, `-` for none.
fn blamed(run: &Run, program: &str) -> Vec<String> {
    let mut blamed = Vec::new();
    let failure = run.each(program, |_, _, _, faults| {
        let left = |fault: &Fault| match fault.rule.as_ref().and_then(|rule| rule.atom.children()) {
            Some([_, left, _]) => left.to_string(),
            _ => "-".to_owned(),
        };
        blamed = faults.iter().map(left).collect();
        true
    });
    assert_eq!(failure, None, "{program}");
    blamed
}

#[track_caller]
fn check_blame(program: &str, expected: &[&str]) {
    for stress in [false, true] {
        let run = Run { stress, keep_going: true, ..Run::default() };
        assert_eq!(blamed(&run, program), expected, "{program}");
    }
}

/// M3: the rule is that of the body in which the error came into being.
#[test]
fn an_error_is_blamed_on_the_rule_that_made_it() {
    check_blame("!(/ 1 0)", &["-"]);
    check_blame("(= (f $x) (/ 1 $x)) !(f 0)", &["(f $x)"]);
    check_blame("(= (f) (/ (g) 0)) (= (g) 1) !(f)", &["(f)"]);
    check_blame("(= (f) (+ 1 (g))) (= (g) (/ 1 0)) !(f)", &["(g)"]);
    check_blame("(= (f) (let $x (g) (if (> $x 0) (/ $x 0) 2))) (= (g) 1) !(f)", &["(f)"]);
    check_blame("(= (f) (+ 1 \"one\")) !(f)", &["(f)"]);
    check_blame("(: g (-> Number Number)) (= (g $x) $x) (= (f) (g 1 2)) !(f)", &["(f)"]);
    check_blame("(= (f) (Error (f) wrong)) !(f)", &["(f)"]);
    check_blame("(= (f $x) (if $x (Error (f) wrong) (g))) (= (g) (f True)) !(f False)", &["(f $x)"]);
    check_blame("(= (f) (g)) (= (g) (function (eval (h)))) (= (h) 1) !(f)", &["(g)"]);
    check_blame("(= (f) (map-atom (0 1) $x (/ 1 $x))) !(f)", &["(f)"]);
}

#[test]
fn alternatives_are_blamed_one_by_one() {
    check_blame("(= (f) (/ 1 0)) (= (f) (g)) (= (g) (/ 2 0)) !(f)", &["(f)", "(g)"]);
    check_blame("(= (f) (+ (g) (/ 1 0))) (= (g) 1) (= (g) 2) !(f)", &["(f)", "(f)"]);
    check_blame(
        "(= (f) (superpose ((g 1) (g 2)))) (= (g $x) (Error (g $x) bad)) !(f)",
        &["(g $x)", "(g $x)"],
    );
}

#[test]
fn a_caught_error_is_blamed_on_its_maker() {
    let rules = "(= (a) (/ 1 0)) (= (b) (/ 1 0)) (= (id $x) $x)";
    check_blame(&format!("{rules} !(case (a) (((Error $c $r) (b)) ($x $x)))"), &["(b)"]);
    check_blame(&format!("{rules} (= (f) (case (a) (($x $x)))) !(f)"), &["(a)"]);
    check_blame(&format!("{rules} (= (f) (let $all (collapse (a)) (superpose $all))) !(f)"), &["(a)"]);
    check_blame(&format!("{rules} (= (f) (Error (f) why)) !(id (f))"), &["(f)"]);
}

#[test]
fn rules_of_other_spaces_are_blamed() {
    check_blame(
        "!(bind! &s (new-space)) !(add-atom &s (= (f $x) (/ $x 0))) !(metta (f 1) %Undefined% &s)",
        &["(f $x)"],
    );
    check_blame("(= (f) (unique (/ 1 0))) !(f)", &["(f)"]);
}

#[test]
fn what_is_noted_about_errors_is_bounded() {
    let deep = format!("{}0{}", "(S ".repeat(3_000), ")".repeat(3_000));
    check_blame(&format!("(= (f $x) (Error $x deep)) !(f {deep})"), &["(f $x)"]);
    // Far more errors than are remembered: what is remembered is still right.
    let program = "(= (try $n) (if (== $n 0) (last) (case (/ $n 0) (((Error $a $m) (try (- $n 1)))))))
                   (= (last) (/ 1 0)) !(try 3000)";
    let run = Run { keep_going: true, ..Run::default() };
    assert_eq!(blamed(&run, program), ["(last)"]);
}

/// Tables of facts are those of one world: a machine that goes on with another one begins anew.
#[test]
fn a_machine_forgets_the_facts_of_another_world() {
    let library = Library::new();
    let mut machine = Machine::new(library.clone());
    machine.facts.eager = true;
    let mut run = |text: &str, world: World| {
        let form = &parse(text, &library).forms[0];
        machine.begin(&form.atom, SpaceId::TOP, world, &Limits::default(), Effect::Outside);
        while machine.step(1_000) == Step::Yield {}
        let results = machine.take_results();
        (machine.end(), results.iter().map(Atom::to_string).collect::<Vec<_>>())
    };
    let start = World::new();
    for _ in 0..2 {
        let (world, _) = run("!(add-atom &self (item 1))", start.clone());
        let (world, found) = run("!(match &self (item $x) $x)", world);
        assert_eq!(found, ["1"]);
        let (world, _) = run("!(add-atom &self (item 2))", world);
        assert_eq!(run("!(match &self (item $x) $x)", world).1, ["1", "2"]);
    }
}

/// A fact that is replaced again and again does not leave its past in the table; a conjunction that began
/// before finds it as it was.
#[test]
fn tables_of_facts_forget_what_is_gone() {
    let library = Library::new();
    let mut machine = Machine::new(library.clone());
    machine.facts.eager = true;
    let mut run = |text: &str, world: World| {
        let form = parse(text, &library).forms.remove(0);
        machine.begin(&form.atom, SpaceId::TOP, world, &Limits::default(), Effect::Outside);
        while machine.step(1_000) == Step::Yield {}
        let results = machine.take_results();
        let bytes = machine.facts.bytes();
        (machine.end(), results.iter().map(Atom::to_string).collect::<Vec<_>>(), bytes)
    };
    let count = "(= (count $n) (if (== $n 0) (match &self (at $x) $x)
        (let ($x $_ $_) ((match &self (at $x) $x) (remove-atom &self (at $n)) (add-reduct &self (at (- $n 1))))
            (count (- $n 1)))))";
    let mut world = World::new();
    for text in [format!("!(add-atom &self {count})"), "!(add-atom &self (at 1500))".to_owned()] {
        world = run(&text, world).0;
    }
    let (world, found, bytes) = run("!(count 1500)", world);
    assert_eq!(found, ["0"]);
    assert!(bytes < 50_000, "{bytes}");
    let (world, _, _) = run("!(let $_ (remove-atom &self (at 0)) (add-atom &self (at 300)))", world);
    let (world, _, _) = run("!(add-atoms &self ((left a) (left b)))", world);
    // Both alternatives of the conjunction are from before the writes of the first.
    let query = "!(match &self (, (left $l) (at $n)) (if (== $l a) (let $_ (count $n) (a $n)) (b $n)))";
    let (world, found, _) = run(query, world);
    assert_eq!(found, ["(a 300)", "(b 300)"]);
    assert_eq!(run("!(match &self (at $n) $n)", world).1, ["0"]);
}

/// A collection does not take the room in front of a long list again and again.
#[test]
fn long_lists_are_built_in_few_collections() {
    let library = Library::new();
    let mut machine = Machine::new(library.clone());
    let mut world = World::new();
    let build = "(= (build $n $list) (if (== $n 0) (size-atom $list)
        (let $more (cons-atom $n $list) (build (- $n 1) $more))))";
    for text in [format!("!(add-atom &self {build})"), "!(build 600000 ())".to_owned()] {
        let form = parse(&text, &library).forms.remove(0);
        machine.begin(&form.atom, SpaceId::TOP, world, &Limits::default(), Effect::Outside);
        while machine.step(1_000_000) == Step::Yield {
            assert!(machine.stats.collections < 40, "{}", machine.stats.collections);
        }
        if text.contains("!(build") {
            assert_eq!(machine.take_results(), [Atom::integer(600_000)]);
        }
        world = machine.end();
    }
}
