//! Programs of rules made of instructions of Minimal MeTTa: `chain`, `eval`, `unify`, `function` and the like, one
//! inside the other, called by expressions and by further instructions.

use super::Program;
use super::random::Random;

const DECLARATIONS: &[&str] = &[
    "(edge a b)",
    "(edge b c)",
    "(= (two) one)",
    "(= (two) (pair one $any))",
    "(= (next a) b)",
    "(= (next b) (next a))",
    "(= (none) Empty)",
    "(= (wrong) (Error here now))",
    "(= (quoted $x) (quote $x))",
    "(= (later $x) (eval (next $x)))",
    "(= (made $x) (function (return (got $x))))",
    "(= (endless) (function (next a)))",
    "(: number (-> Number Number))",
    "(= (number $n) (+ $n 1))",
    "(: held (-> Atom Atom))",
    "(= (held $x) (chain $x $y (holds $y)))",
    "(= (count 0) (return done))",
    "(= (count 1) (eval (count 0)))",
    "(= (count 2) (chain (eval (- 2 1)) $n (eval (count $n))))",
];

/// Expressions without variables of their own.
const LEAVES: &[&str] = &[
    "a",
    "b",
    "1",
    "2",
    "0",
    "()",
    "(a b)",
    "(1 2 3)",
    "(two)",
    "(next a)",
    "(+ 1 2)",
    "(eval (next b))",
    "Empty",
    "NotReducible",
    "(Error e r)",
    "(return a)",
    "True",
    "eval",
    "(none)",
    "$free",
];

/// What is evaluated in one step.
const STEPS: &[&str] = &[
    "(two)",
    "(next {})",
    "(none)",
    "(wrong)",
    "(quoted {})",
    "(later {})",
    "(made {})",
    "(endless)",
    "(number {})",
    "(held {})",
    "(+ {} 1)",
    "(== {} {})",
    "(> {} {})",
    "(superpose ({} {}))",
    "(unknown {})",
    "(if True {} {})",
    "(noeval {})",
    "(cons-atom {} ({}))",
    "(return {})",
    "(count {})",
    "({} a)",
    "{}",
];

/// Makes a program of `rules` rules, each of which is called once.
pub fn generate_instructions(seed: u64, rules: usize) -> Program {
    let mut random = Random::new(seed);
    let mut program = Program { forms: Vec::new() };
    DECLARATIONS.iter().for_each(|form| program.store(*form));
    for index in 0..rules {
        let mut scope = vec!["$x".to_owned(), "$y".to_owned()];
        let body = match random.below(6) {
            0 | 1 => format!("(function {})", steps(&mut random, &mut scope, 4, true)),
            2 => steps(&mut random, &mut scope, 3, true),
            3 => format!("(let $r {} (got $r $x))", steps(&mut random, &mut scope, 3, false)),
            4 => format!(
                "(if (== $x a) {} {})",
                steps(&mut random, &mut scope, 2, false),
                steps(&mut random, &mut scope, 2, false)
            ),
            _ => steps(&mut random, &mut scope, 4, false),
        };
        let is_function = body.starts_with("(function");
        program.store(format!("(= (r{index} $x $y) {body})"));
        let (x, y) = (leaf(&mut random, &[]), leaf(&mut random, &[]));
        program.run(match random.below(4) {
            0 => format!("(chain (eval (r{index} {x} {y})) $c (quote $c))"),
            1 => format!("(function (chain (eval (r{index} {x} {y})) $c (return $c)))"),
            // A call that its `function` says is not reducible does not count as evaluated in code (ADR-0075).
            2 if !is_function => format!("(let $c (r{index} {x} {y}) (value $c))"),
            _ => format!("(r{index} {x} {y})"),
        });
        program.store(format!("(= (later $x) (eval (r{index} $x a)))"));
    }
    program
}

/// Instructions one inside the other; `returns` says whether a `function` waits for what they return.
fn steps(random: &mut Random, scope: &mut Vec<String>, depth: usize, returns: bool) -> String {
    if depth == 0 {
        let value = leaf(random, scope);
        return match random.below(4) {
            0 if returns => format!("(eval {})", step(random, scope)),
            1..4 if returns => format!("(return {value})"),
            0 => format!("(got {value})"),
            1 => format!("({value} {})", leaf(random, scope)),
            2 => format!("(eval {})", step(random, scope)),
            _ => value,
        };
    }
    let length = scope.len();
    let text = match random.below(10) {
        0..6 => {
            let first = instruction(random, scope, depth - 1);
            let variable = if random.chance(8) { "$x".to_owned() } else { format!("$v{}", random.below(4)) };
            scope.push(variable.clone());
            format!("(chain {first} {variable} {})", steps(random, scope, depth - 1, returns))
        }
        6 | 7 => {
            let (atom, pattern) = (leaf(random, scope), pattern(random, scope));
            let then = steps(random, scope, depth - 1, returns);
            scope.truncate(length);
            format!("(unify {atom} {pattern} {then} {})", steps(random, scope, depth - 1, returns))
        }
        8 => instruction(random, scope, depth - 1),
        _ => steps(random, scope, 0, returns),
    };
    scope.truncate(length);
    text
}

/// One instruction, or what is taken as it stands.
fn instruction(random: &mut Random, scope: &mut Vec<String>, depth: usize) -> String {
    match random.below(12) {
        0..5 => format!("(eval {})", step(random, scope)),
        5 => format!("(cons-atom {} {})", leaf(random, scope), leaf(random, scope)),
        6 => format!("(decons-atom {})", leaf(random, scope)),
        7 => format!("(metta {} %Undefined% &self)", step(random, scope)),
        8 => format!("(function {})", steps(random, scope, depth, true)),
        9 => format!("(unify &self (edge $s $t) ($s $t) {})", leaf(random, scope)),
        10 => steps(random, scope, depth, false),
        _ => leaf(random, scope),
    }
}

fn step(random: &mut Random, scope: &[String]) -> String {
    let mut text = String::new();
    let mut parts = random.pick(STEPS).split("{}").peekable();
    while let Some(part) = parts.next() {
        text.push_str(part);
        if parts.peek().is_some() {
            text.push_str(&leaf(random, scope));
        }
    }
    text
}

fn pattern(random: &mut Random, scope: &mut Vec<String>) -> String {
    match random.below(4) {
        0 => {
            scope.extend(["$h".to_owned(), "$t".to_owned()]);
            random.pick(&["($h $t)", "(got $h)", "(pair $t $h)", "$h"]).to_owned()
        }
        1 => format!("({} {})", leaf(random, scope), leaf(random, scope)),
        _ => leaf(random, scope),
    }
}

fn leaf(random: &mut Random, scope: &[String]) -> String {
    if !scope.is_empty() && random.chance(60) { random.pick(scope) } else { random.pick(LEAVES).to_owned() }
}
