//! What a program declares: types, facts, functions with their rules.

/// A function of a program.
#[derive(Clone, Debug)]
pub(super) struct Function {
    pub(super) name: &'static str,
    /// The types of its parameters, declared or only kept to.
    pub(super) parameters: Vec<&'static str>,
    pub(super) result: &'static str,
    /// Whether it takes its arguments one after the other: `((f a) b)`.
    pub(super) curried: bool,
}

impl Function {
    /// The call with these arguments.
    pub(super) fn apply(&self, arguments: &[String]) -> String {
        match arguments.split_first() {
            Some((first, rest)) if self.curried && !rest.is_empty() => {
                format!("(({} {first}) {})", self.name, rest.join(" "))
            }
            None => format!("({})", self.name),
            Some(_) => format!("({} {})", self.name, arguments.join(" ")),
        }
    }

    /// The declaration of its type.
    pub(super) fn declaration(&self) -> String {
        match self.parameters.split_first() {
            Some((first, rest)) if self.curried && !rest.is_empty() => {
                format!("(: {} (-> {first} (-> {} {})))", self.name, rest.join(" "), self.result)
            }
            None => format!("(: {} (-> {}))", self.name, self.result),
            Some(_) => format!("(: {} (-> {} {}))", self.name, self.parameters.join(" "), self.result),
        }
    }
}

/// Names of functions.
pub(super) const NAMES: &[&str] = &["f", "g", "h", "k", "m"];

/// Types of parameters, the common ones several times.
pub(super) const PARAMETERS: &[&str] = &[
    "%Undefined%",
    "%Undefined%",
    "%Undefined%",
    "Number",
    "Number",
    "Number",
    "Atom",
    "Atom",
    "Bool",
    "String",
    "Expression",
    "Symbol",
    "Variable",
    "Grounded",
    "T",
    "T",
    "U",
    "Nat",
    "$t",
    "$t",
    "(List $t)",
    "(-> $t $s)",
];

/// Types of results.
pub(super) const RESULTS: &[&str] = &[
    "%Undefined%",
    "%Undefined%",
    "%Undefined%",
    "Number",
    "Number",
    "Atom",
    "Bool",
    "String",
    "Expression",
    "T",
    "U",
    "$t",
    "(List $t)",
    "Nat",
];

/// Groups of declarations; without them the same words are plain symbols.
pub(super) const TYPES: &[&[&str]] = &[
    &["(: T Type)", "(: U Type)", "(: ta T)", "(: tb T)", "(: ua U)"],
    &["(: mk (-> T U))"],
    &["(:< T U)"],
    &["(: Z Nat)", "(: S (-> Nat Nat))"],
    &["(: Nil (List $t))", "(: Cons (-> $t (List $t) (List $t)))"],
    &["(: Pair (-> $a $b (Pair $a $b)))"],
    &["(: ta V)"],
    &["(: mk (-> Number Number))"],
    &["(: a A)", "(: b A)"],
];

/// Functions with a shape of their own: a declaration, the rules, and a call. Where they recur, the
/// argument that gets smaller is ground, so that no variable in it can grow.
pub(super) const STRUCTURAL: &[(&str, &[&str], &str)] = &[
    (
        "(: len (-> (List $t) Nat))",
        &["(= (len Nil) Z)", "(= (len (Cons $h $t)) (S (len $t)))"],
        "(len {conses})",
    ),
    (
        "(: add (-> Nat Nat Nat))",
        &["(= (add Z $y) $y)", "(= (add (S $x) $y) (S (add $x $y)))"],
        "(add {peano} {any})",
    ),
    (
        "(: member (-> (List $t) $t))",
        &["(= (member (Cons $h $t)) $h)", "(= (member (Cons $h $t)) (member $t))"],
        "(member {conses})",
    ),
    (
        "(: down (-> Number %Undefined%))",
        &["(= (down $n) (if (> $n 0) (down (- $n 1)) done))"],
        "(down {positive})",
    ),
    (
        "(: upto (-> Number Number))",
        &["(= (upto $n) (if (> $n 0) (superpose ($n (upto (- $n 1)))) 0))"],
        "(upto {positive})",
    ),
    (
        "(: total (-> Expression Number))",
        &[
            "(= (total $l) (if (== $l ()) 0 (let* (($h (car-atom $l)) ($r (cdr-atom $l))) (+ $h (total $r)))))",
        ],
        "(total ({int} {int} {int}))",
    ),
    ("(: ap (-> Atom Atom %Undefined%))", &["(= (ap $f $x) ($f $x))"], "(ap {name} {any})"),
    (
        "(: add3 (-> Number (-> Number (-> Number Number))))",
        &["(= (((add3 $x) $y) $z) (+ $x (+ $y $z)))"],
        "(((add3 {num}) {num}) {num})",
    ),
    (
        "(: lambda (-> Number (-> Number Number)))",
        &["(= ((lambda $n) $x) (+ $x $n))"],
        "((lambda {num}) {num})",
    ),
    (
        "(: my-if (-> Bool Atom Atom %Undefined%))",
        &["(= (my-if True $x $y) $x)", "(= (my-if False $x $y) $y)"],
        "(my-if {bool} {any} {any})",
    ),
    ("(: 5 (-> Number T))", &["(= (5 $x) (five $x))"], "(5 {any})"),
    ("(: (A a) T)", &["(: (B a b) Number)"], "(+ 1 (B a b))"),
    (
        "(: swap (-> (Pair $a $b) (Pair $b $a)))",
        &["(= (swap (Pair $x $y)) (Pair $y $x))"],
        "(swap (Pair {any} {any}))",
    ),
    (
        "(: pick (-> %Undefined%))",
        &["(= (pick) a)", "(= (pick) (Error a b))", "(= (pick) (empty))", "(= (pick) 1)"],
        "(pick)",
    ),
];

/// Names of facts, with the number of arguments.
pub(super) const RELATIONS: &[(&str, usize)] = &[("p", 1), ("q", 2), ("r", 2), ("e", 3)];
