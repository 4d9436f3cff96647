//! Programs of random forms: each rule is built from the control forms and operations, with arguments that may
//! fit or not and sometimes one too many or too few. What they mean is of no interest, only that every way of
//! running them answers the same.

use super::Program;
use super::random::Random;

/// Forms with the number of their arguments.
const FORMS: &[(&str, usize)] = &[
    ("if", 3),
    ("let", 3),
    ("let*", 2),
    ("case", 2),
    ("switch", 2),
    ("collapse", 1),
    ("superpose", 1),
    ("unify", 4),
    ("chain", 3),
    ("map-atom", 3),
    ("filter-atom", 3),
    ("foldl-atom", 5),
    ("car-atom", 1),
    ("cdr-atom", 1),
    ("cons-atom", 2),
    ("decons-atom", 1),
    ("size-atom", 1),
    // The general evaluator gives each value of an expression for a space a pattern with variables of its own
    // where code does not take it (ADR-0022).
    ("match &self", 2),
    ("match $c", 2),
    ("get-state", 1),
    ("add-reduct", 2),
    ("get-type", 1),
    ("eval", 1),
    ("empty", 0),
    ("once", 1),
    ("id", 1),
    ("quote", 1),
    ("sealed", 2),
    ("==", 2),
    ("+", 2),
    ("<", 2),
    ("g", 1),
    ("$x", 1),
];

const LEAVES: &[&str] = &[
    "$x",
    "$c",
    "$d",
    "$u",
    "1",
    "2",
    "a",
    "typed",
    "\"s\"",
    "True",
    "()",
    "Empty",
    "&self",
    "$p",
    "(1 2)",
    "((1 a) (2 b))",
    "(($p (got $p)))",
    "(($p (inc 1)) ($u $p))",
    "((Empty none) ($p (got $p)))",
    "(a $x)",
    "(S $u)",
    "(S $p)",
    "((S $p) $q)",
    "(Error a b)",
    "(inc 1)",
    "(amb)",
    "((amb) (inc 2))",
    "(f $x)",
    "(fact $p)",
    "(n typed)",
];

const CALLS: &[&str] = &[
    "1 ((1 a) ($q other)) (S 3)",
    "(S 2) (1 2) $w",
    "(inc 1) () fact",
    "a (((S $p) $p)) (amb)",
    "$w 1 2",
    "inc (1 2) typed",
];

const DECLARATIONS: &[&str] = &[
    "(: typed Name)",
    "(: n (-> Name Number))",
    "(= (n typed) 7)",
    "(= (inc $x) (+ $x 1))",
    "(= (amb) 1)",
    "(= (amb) (S 2))",
    "(= (f 1) one)",
    "(= (f (S $z)) (two $z))",
    "(= (g 1) 2)",
    "(fact 1)",
    "(fact (S 2))",
];

/// Makes a program of `rules` rules, each of which is called twice.
pub fn generate_forms(seed: u64, rules: usize) -> Program {
    let mut random = Random::new(seed);
    let mut program = Program { forms: Vec::new() };
    DECLARATIONS.iter().for_each(|form| program.store(*form));
    for index in 0..rules {
        let body = form(&mut random, 2);
        program.store(format!("(= (r{index} $x $c $d) {body})"));
    }
    for index in 0..rules {
        for _ in 0..2 {
            program.run(format!("(r{index} {})", random.pick(CALLS)));
        }
    }
    program
}

fn form(random: &mut Random, depth: usize) -> String {
    let (head, arity) = random.pick(FORMS);
    let arity = match random.below(20) {
        0 => arity + 1,
        1 => arity.saturating_sub(1),
        _ => arity,
    };
    let mut text = format!("({head}");
    for _ in 0..arity {
        let deeper = depth > 0 && random.chance(25);
        let argument = if deeper { form(random, depth - 1) } else { random.pick(LEAVES).to_owned() };
        text.push(' ');
        text.push_str(&argument);
    }
    text.push(')');
    text
}
