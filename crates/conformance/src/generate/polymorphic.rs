//! Programs of functions whose types have variables, called with arguments that fit or not: by themselves, and
//! from rules without types, where the types of the arguments are known only when they run.

use super::Program;
use super::random::Random;

const DECLARATIONS: &[&str] = &[
    "(: List (-> Type Type))",
    "(: Nil (List $t))",
    "(: Cons (-> $t (List $t) (List $t)))",
    "(: Maybe (-> Type Type))",
    "(: Nothing (Maybe $t))",
    "(: Just (-> $t (Maybe $t)))",
    "(: Pair (-> $a $b (Both $a $b)))",
    "(: A Name)",
    "(: B Name)",
    "(: U Other)",
    "(: named (-> Number Name))",
    "(: same (-> $a $a Bool))",
    "(= (same $x $x) True)",
    "(= (same $x $y) no)",
    "(: first (-> $a $b $a))",
    "(= (first $x $y) $x)",
    "(: each (-> (-> $a $b) (List $a) (List $b)))",
    "(= (each $f Nil) Nil)",
    "(= (each $f (Cons $h $t)) (Cons ($f $h) (each $f $t)))",
    "(: inc (-> Number Number))",
    "(= (inc $x) (+ $x 1))",
    "(: rename (-> Name Other))",
    "(= (rename A) U)",
    "(: or-else (-> (Maybe $t) $t $t))",
    "(= (or-else Nothing $d) $d)",
    "(= (or-else (Just $x) $d) $x)",
    "(: swap (-> (Both $a $b) (Both $b $a)))",
    "(= (swap (Pair $x $y)) (Pair $y $x))",
    "(: length (-> (List $t) Number))",
    "(= (length Nil) 0)",
    "(= (length (Cons $h $t)) (+ 1 (length $t)))",
    "(: onto (-> (List $t) (List $t) (List $t)))",
    "(= (onto Nil $a) $a)",
    "(= (onto (Cons $h $t) $a) (onto $t (Cons $h $a)))",
    "(: twice (-> $t $t))",
    "(= (twice $x) $x)",
    "(= (twice $x) other)",
    "(= (free $x) $x)",
    "(= (any) 1)",
    "(= (any) foo)",
];

/// Functions with the number of their arguments.
const FUNCTIONS: &[(&str, usize)] = &[
    ("same", 2),
    ("first", 2),
    ("each", 2),
    ("or-else", 2),
    ("swap", 1),
    ("length", 1),
    ("onto", 2),
    ("twice", 1),
    ("free", 1),
    ("rename", 1),
];

const CONSTRUCTORS: &[(&str, usize)] =
    &[("Cons", 2), ("Cons", 2), ("Just", 1), ("Pair", 2), ("foo", 1), ("named", 1)];

const LEAVES: &[&str] = &[
    "0", "1", "A", "B", "U", "foo", "bar", "\"s\"", "True", "Nil", "Nil", "Nothing", "()", "inc", "rename",
    "free",
];

const CALLS: &[&str] = &["(any)", "(free A)", "(+ 1 2)", "(1 2)", "Empty"];

/// Makes a program of `rules` rules, each of which is called once, and as many calls by themselves.
pub fn generate_polymorphic(seed: u64, rules: usize) -> Program {
    let mut random = Random::new(seed);
    let mut program = Program { forms: Vec::new() };
    DECLARATIONS.iter().for_each(|form| program.store(*form));
    for index in 0..rules {
        let call = call(&mut random, 1, &["$x", "$y"]);
        let body = match random.below(5) {
            0 => call,
            1 => format!("(let $r {call} $r)"),
            2 => format!("(let $r {call} (got $r))"),
            3 => format!("(wrap {call})"),
            _ => format!("(if (== 1 1) {call} no)"),
        };
        program.store(format!("(= (r{index} $x $y) {body})"));
        let (x, y) = (value(&mut random, 2, &[]), value(&mut random, 1, &[]));
        program.run(format!("(r{index} {x} {y})"));
        let call = self::call(&mut random, 2, &[]);
        program.run(call);
    }
    program
}

/// A value, or an expression for one, in which some variables may occur.
fn value(random: &mut Random, depth: usize, variables: &[&str]) -> String {
    if !variables.is_empty() && random.chance(40) {
        return random.pick(variables).to_owned();
    }
    match random.below(if depth > 0 { 10 } else { 4 }) {
        0..4 => random.pick(LEAVES).to_owned(),
        4..8 => application(random, CONSTRUCTORS, depth, variables),
        8 => random.pick(CALLS).to_owned(),
        _ => call(random, depth - 1, variables),
    }
}

fn call(random: &mut Random, depth: usize, variables: &[&str]) -> String {
    application(random, FUNCTIONS, depth + 1, variables)
}

fn application(random: &mut Random, heads: &[(&str, usize)], depth: usize, variables: &[&str]) -> String {
    let (head, arity) = random.pick(heads);
    let more = usize::from(random.chance(3));
    let mut text = format!("({head}");
    for index in 0..arity + more {
        let argument = match (head, index) {
            ("each", 0) if random.chance(70) => {
                random.pick(&["inc", "rename", "free", "Just", "twice"]).to_owned()
            }
            _ => value(random, depth - 1, variables),
        };
        text.push(' ');
        text.push_str(&argument);
    }
    text.push(')');
    text
}
