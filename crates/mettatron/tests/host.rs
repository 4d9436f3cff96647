//! Values, literals and operations of an embedding program.

use std::any::Any;
use std::fmt;

use mettatron::{
    Atom, BindingSet, Effect, Engine, EngineError, Foreign, Function, Matching, Operation, OperationError,
    RunLimits,
};

/// A value that matches each of its rows: `row` tuples of symbols.
#[derive(Debug, PartialEq)]
struct Table(Vec<Vec<&'static str>>);

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "table-{}", self.0.len())
    }
}

impl Foreign for Table {
    fn type_atom(&self) -> Atom {
        Atom::symbol("Table")
    }

    fn equals(&self, other: &dyn Foreign) -> bool {
        other.as_any().downcast_ref() == Some(self)
    }

    fn matching(&self) -> Option<&dyn Matching> {
        Some(self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Matching for Table {
    fn ways(&self, other: &Atom) -> Vec<BindingSet> {
        let Some(pattern) = other.children() else { return Vec::new() };
        let row_ways = self.0.iter().filter(|row| row.len() == pattern.len()).map(|row| {
            let mut bindings = BindingSet::default();
            for (element, name) in pattern.iter().zip(row) {
                match element {
                    Atom::Variable(variable) => bindings.0.push((variable.clone(), Atom::symbol(*name))),
                    Atom::Symbol(symbol) if symbol.name() == *name => {}
                    Atom::Symbol(_) | Atom::Expression(_) | Atom::Grounded(_) => return None,
                }
            }
            Some(bindings)
        });
        row_ways.flatten().collect()
    }
}

/// A value without a way of its own to match.
#[derive(Debug, PartialEq)]
struct Date(u32);

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}", self.0)
    }
}

impl Foreign for Date {
    fn type_atom(&self) -> Atom {
        Atom::symbol("Date")
    }

    fn equals(&self, other: &dyn Foreign) -> bool {
        other.as_any().downcast_ref() == Some(self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `(divide-into n $a $b)` binds the variables to the factors of `n`.
struct Factors;

impl Operation for Factors {
    fn name(&self) -> &str {
        "factors"
    }

    fn type_atom(&self) -> Atom {
        let name = |name| Atom::symbol(name);
        Atom::expression([name("->"), name("Number"), name("Atom"), name("Atom"), name("Bool")])
    }

    fn effect(&self) -> Effect {
        Effect::Pure
    }

    fn call_with_bindings(&self, args: &[Atom]) -> Result<Vec<(Atom, BindingSet)>, OperationError> {
        let [number, Atom::Variable(a), Atom::Variable(b)] = args else {
            return Err(OperationError::NotReducible);
        };
        let n: i64 = number.to_string().parse().map_err(|_| OperationError::NotReducible)?;
        let pairs = (2..n).filter(|divisor| n % divisor == 0).map(|divisor| {
            let bindings = vec![(a.clone(), Atom::integer(divisor)), (b.clone(), Atom::integer(n / divisor))];
            (Atom::bool(true), BindingSet(bindings))
        });
        Ok(pairs.collect())
    }
}

fn engine() -> Engine {
    let towns = Table(vec![vec!["rome", "tiber"], vec!["pisa", "arno"], vec!["florence", "arno"]]);
    let same = |args: &[Atom]| Ok(args.to_vec());
    let length = |args: &[Atom]| {
        let text = args[0].to_string();
        Ok(vec![Atom::integer(text.chars().count() as i64)])
    };
    Engine::builder()
        .word("towns", Atom::foreign(towns))
        .token("@[0-9]+", |word| Some(Atom::foreign(Date(word[1..].parse().ok()?))))
        .expect("a pattern")
        .operation(Function::new("same", "(-> %Undefined% %Undefined%)", Effect::Pure, same))
        .operation(Function::new("unevaluated", "(-> Atom Atom)", Effect::Pure, same))
        .operation(Function::new("length", "(-> Number Number) (-> String Number)", Effect::Pure, length))
        .operation(Factors)
        .keep_going(true)
        .build()
}

/// Runs a program and compares the printed result lists.
#[track_caller]
fn check(program: &str, expected: &str) {
    let mut engine = engine();
    let lists = engine.run(program).expect("a run to the end");
    let printed: Vec<String> = lists
        .iter()
        .map(|list| list.iter().map(|atom| engine.print(atom)).collect::<Vec<_>>().join(", "))
        .collect();
    assert_eq!(printed.join("\n"), expected, "{program}");
}

#[test]
fn literals_are_values() {
    check("! @5 !(get-type @5) !(@5 @x) !(get-metatype @5)", "@5\nDate\n(@5 @x)\nGrounded");
    check("!(== @5 @5) !(== @5 @6)", "True\nFalse");
    check("! @99999999999999999999", "@99999999999999999999");
    let error = Engine::builder().token("(", |_| None).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("expected a regular expression, found `(`"), "{error}");
}

#[test]
fn values_go_through_spaces() {
    check(
        "(born ann @5) (born bob @6) (born cid @5) !(match &self (born $x @5) $x)
         !(remove-atom &self (born ann @5)) !(match &self (born $x $d) ($x $d))",
        "ann, cid\n()\n(bob @6), (cid @5)",
    );
    check("(= (f @5) five) (= (f $x) (other $x)) !(f @5) !(f @7)", "five, (other @5)\n(other @7)");
    check(
        "(: f (-> Date Number)) (= (f $x) 1) !(f @5) !(f 5)",
        "1\n(Error (f 5) (BadArgType 1 Date Number))",
    );
}

#[test]
fn many_values_are_told_apart_by_their_hashes() {
    let facts: String = (0..3000).map(|i| format!("(on @{i} {i})")).collect();
    check(&format!("{facts} !(match &self (on @2999 $x) $x)"), "2999");
}

#[test]
fn a_value_matches_in_its_own_way() {
    check("!(unify towns (rome $river) $river none)", "tiber");
    check("!(unify towns (paris $river) $river none)", "none");
    check("!(let ($town arno) towns $town)", "pisa, florence");
    check("!(case towns (((rome seine) no) (($town tiber) $town) ($x $x)))", "rome");
    // A variable becomes the value; a value matches itself.
    check("!(let $x towns $x) !(let towns towns yes)", "table-3\nyes");
    check("!(collapse (let ($a $river) towns ($a $river)))", "((rome tiber) (pisa arno) (florence arno))");
}

#[test]
fn ways_to_match_combine() {
    check("!(let ((x $a $r) $b) ((x $a $r) 1) $b)", "1");
    check(
        "!(let (($a $river) ($b $river)) (towns towns) ($a $b))",
        "(rome rome), (pisa pisa), (pisa florence), (florence pisa), (florence florence)",
    );
    check("!(unify (($a tiber) ($a arno)) (towns towns) $a none)", "none");
    check("!(+ 1 (let ($town arno) towns (length \"ab\")))", "5, 5");
}

#[test]
fn rules_and_facts_match_in_the_ways_of_values() {
    check("(= (on towns) yes) !(on (rome tiber)) !(on (rome arno))", "yes\n(on (rome arno))");
    check("(= (on ($town $river)) $town) !(on towns)", "rome, pisa, florence");
    check("(near towns) (near (bonn rhine)) !(match &self (near ($t $r)) $t)", "rome, pisa, florence, bonn");
    check("(near (rome tiber)) (near (bonn rhine)) !(match &self (near towns) found)", "found");
    check(
        "(near towns) (by arno 1) !(match &self (, (by $r $n) (near ($t $r))) ($t $n))",
        "(pisa 1), (florence 1)",
    );
    check("(x towns 1) (x (rome tiber) 2) !(match &self (x (rome tiber) $n) $n)", "1, 2");
}

#[test]
fn products_of_ways_end_at_the_memory_limit() {
    let pattern: String = (0..40).map(|i| format!(" ($a{i} $b{i})")).collect();
    let tables = " towns".repeat(40);
    let limits = RunLimits { memory_bytes: Some(1 << 20), ..RunLimits::default() };
    let mut engine = engine();
    let program = engine.compile(&format!("!(let ({pattern}) ({tables}) done)")).unwrap();
    let outcome = engine.execute(program, |run| run.limits(limits));
    assert!(outcome.error.is_some_and(|error| error.code() == "E0303"));
}

#[test]
fn operations_have_types_and_see_variables() {
    check(
        "!(length 100) !(length \"ab\") !(length @5)",
        "3\n4\n(Error (length @5) (BadArgType 1 Number Date)), (Error (length @5) (BadArgType 1 String Date))",
    );
    check("!(unevaluated (+ 1 2)) !(same (+ 1 2))", "(+ 1 2)\n3");
    // The variable that an operation returns is the one that it was given.
    check("!(let $y (same $x) (let $x 1 $y))", "1");
}

#[test]
fn operations_give_values_to_variables() {
    check("!(let True (factors 12 $a $b) ($a $b))", "(2 6), (3 4), (4 3), (6 2)");
    check("!(let (4 $t) ($a (factors 12 $a $b)) ($b $t))", "(3 True)");
    check("!(factors 7 $a $b)", "");
    check("!(factors 12 3 $b)", "(factors 12 3 $b)");
}

#[test]
fn a_panic_while_matching_is_an_error_of_the_expression() {
    #[derive(Debug)]
    struct Broken;
    impl fmt::Display for Broken {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("broken")
        }
    }
    impl Matching for Broken {
        fn ways(&self, _: &Atom) -> Vec<BindingSet> {
            panic!("no way")
        }
    }
    impl Foreign for Broken {
        fn type_atom(&self) -> Atom {
            Atom::symbol("%Undefined%")
        }
        fn equals(&self, other: &dyn Foreign) -> bool {
            other.as_any().is::<Broken>()
        }
        fn matching(&self) -> Option<&dyn Matching> {
            Some(self)
        }
        fn as_any(&self) -> &dyn Any {
            self
        }
    }
    let mut engine = Engine::builder().word("broken", Atom::foreign(Broken)).build();
    let answer = engine.run("!(let (a $x) broken $x)");
    assert!(matches!(&answer, Ok(lists) if lists[0][0].is_error()), "{answer:?}");
    assert!(!matches!(answer, Err(EngineError::Compile(_))));
    assert_eq!(engine.run("!(+ 1 1)").unwrap(), [[Atom::integer(2)]]);
}
