//! What expressions are made of: a weighted grammar as text.
//!
//! In a template, `{name}` is a nonterminal, `{}` stands for itself, `%a` is a variable that is
//! fresh in this template, `^a` makes `%a` known to what follows, and `^p` does so for the
//! variables of the patterns and queries before it. Nonterminals without a row here are made in
//! `expand.rs`.
//!
//! What is left out, so that a program has one meaning and that meaning can be asked for:
//!
//! - Writes whose order would show: alternatives run in another order on the reference
//!   (ADR-0001). So spaces and states are written where nothing has alternatives (`{one}`), and the
//!   tuple of a `collapse` is only looked at as a bag: counted, spread out, or behind the word `bag`.
//! - A value of a wrong type for a state that a variable holds: whether the error names the type
//!   or an internal variable depends on how deep it is nested (ADR-0003).
//! - Floats where rules or facts are looked up, integers beyond 64 bits and `% 0` (ADR-0002).
//! - `(function ...)` as data in the arguments of library functions: the reference runs it when a
//!   rule of its library happens to have that argument as its whole body (ADR-0003).
//! - `collapse-bind` of what is badly typed: the error names a type of the host language (ADR-0003).
//! - `filter-atom` with a plain predicate, `function` without `return` or with what does not reduce, malformed pairs for
//!   `superpose-bind`, queries that find all of the standard library (ADR-0003).
//! - Rules whose head is a variable apply to calls inside of the reference's library, which ours
//!   does not make (ADR-0003). They are shaped like no call of the library.
//! - Unbound variables that elements of one tuple share: see `siblings.rs` (ADR-0011).
//! - Errors that are taken apart: the rest of a tuple that begins with `Error` counts as one in the
//!   reference (ADR-0011). So lists are no variables that a pattern or an instruction bound.
//! - Variables in the lists of `intersection-atom` and `subtraction-atom`: the reference keeps their
//!   elements in a table in which a variable stands for everything (ADR-0003).
//! - Steps of library functions: the test of `filter-atom` is an operation, and no `let*` without pairs has
//!   what is not reducible as its body (ADR-0013).
//! - Rules with only an unbound variable as their body: where it is evaluated, the reference takes it
//!   for a call of every rule, those of its library too (ADR-0003).
//! - Results that contain a space, since a space has no name of its own (ADR-0006).

/// The alternatives of a nonterminal, each with its weight.
pub(super) type Alternatives = &'static [(usize, &'static str)];

/// The rows of the grammar.
pub(super) fn alternatives(name: &str) -> Option<Alternatives> {
    Some(match name {
        "any" => ANY,
        "num" => NUM,
        "bool" => BOOL,
        "str" => STR,
        "one" => ONE,
        "list" => LIST,
        "grounds" => GROUNDS,
        "ground" => GROUND,
        "tuple" => TUPLE,
        "data" => DATA,
        "atom" => ATOM,
        "type" => TYPE,
        "predicate" => PREDICATE,
        "misfit" => MISFIT,
        "function" => FUNCTION,
        "typed" => TYPED,
        "peano" => PEANO,
        "conses" => CONSES,
        "form" => FORM,
        "float" => FLOAT,
        _ => return None,
    })
}

/// Any expression.
const ANY: Alternatives = &[
    (10, "{atom}"),
    (16, "{call}"),
    (5, "{num}"),
    (3, "{bool}"),
    (2, "{str}"),
    (3, "{typed}"),
    (3, "{data}"),
    (4, "({const} {any} {any})"),
    (2, "({any} {any})"),
    (1, "({any})"),
    (2, "{structural}"),
    (1, "{misfit}"),
    (1, "{state}"),
    (1, "((superpose ({name} {name})) {any})"),
    (6, "(superpose {list})"),
    // Binding.
    (7, "(let %a {any} ^a{any})"),
    (4, "(let {pattern} {any} ^p{any})"),
    (1, "(let {any} {pattern} ^p{any})"),
    (3, "(let* ((%a {any}) ^a(%b {any})) ^b{any})"),
    (1, "(let* (({pattern} {any}) ^p({pattern} {any})) ^p{any})"),
    (1, "(let* () {data})"),
    (1, "(sealed ({var}) {data})"),
    (1, "(atom-subst {any} %a ^a{any})"),
    (1, "(let (%a %b) (sealed (%a) (%a %b)) ^a{any})"),
    // Choosing.
    (5, "(if {bool} {any} {any})"),
    (4, "(case {any} (({pattern} ^p{any}) ({pattern} ^p{any})))"),
    (2, "(case {any} (({pattern} ^p{any}) (Empty {any}) (%a ^a{any})))"),
    (2, "(switch {any} (({pattern} ^p{any}) (%a ^a{any})))"),
    (1, "(switch-minimal {any} (({pattern} ^p{any}) (%a ^a{any})))"),
    (4, "(unify {any} {pattern} ^p{any} {any})"),
    (1, "(unify {space} {query} ^p{any} {any})"),
    (1, "(if-equal {any} {any} {any} {any})"),
    (1, "(if-decons-expr {list} %a %b ^a^b{any} {any})"),
    // Querying.
    (6, "(match {space} {query} ^p{any})"),
    (2, "(match {space} (, {query} ^p{query}) ^p{any})"),
    (1, "(let {query} (match {space} {query} ^p{data}) ^p{any})"),
    (1, "((match {space} {query} ^p{data}) {any})"),
    // Instructions.
    (2, "(chain {any} %a ^a{any})"),
    (2, "(chain (eval {call}) %a ^a{any})"),
    (1, "(eval ({const} {any}))"),
    (1, "(eval (Error {const} {any}))"),
    (1, "(eval (+ {num} {num}))"),
    (2, "(eval {call})"),
    (1, "(return {any})"),
    (2, "(metta {any} {type} {space})"),
    (1, "(evalc {call} {space})"),
    // Delaying.
    (2, "(quote {any})"),
    (1, "(unquote (quote {any}))"),
    (1, "(let %a (quote {any}) (unquote %a))"),
    (1, "(noeval {any})"),
    (2, "(id {any})"),
    // Results as data.
    (2, "(let %a (collapse {any}) (cons-atom bag %a))"),
    (2, "(let %a (collapse {any}) (superpose %a))"),
    (1, "(let %a (collapse {any}) (size-atom %a))"),
    (1, "(let %a (collapse-bind (superpose {tuple})) (superpose-bind %a))"),
    (1, "(unique {any})"),
    (1, "(union {any} {any})"),
    (1, "(intersection (superpose {grounds}) (superpose {grounds}))"),
    (1, "(subtraction (superpose {grounds}) (superpose {grounds}))"),
    // Lists.
    (2, "(car-atom {list})"),
    (2, "(cdr-atom {list})"),
    (1, "(decons-atom {list})"),
    (1, "(cons-atom {any} {list})"),
    (1, "(index-atom {list} {int})"),
    (1, "(unique-atom {list})"),
    (1, "(union-atom {list} {list})"),
    (1, "(intersection-atom {grounds} {grounds})"),
    (1, "(subtraction-atom {grounds} {grounds})"),
    (3, "(map-atom {tuple} %a ^a{any})"),
    (1, "(filter-atom ({int} {int} {int}) %a ^a(eval {predicate}))"),
    (1, "(filter-atom ({data} {data}) %a (metta (=alpha %a {data}) %Undefined% &self))"),
    (1, "(foldl-atom {tuple} {any} %a %b ^a^b{any})"),
    (1, "(foldl-atom ({int} {int} {int}) {int} %a %b (+ %a %b))"),
    // Types.
    (2, "(get-type {any})"),
    (1, "(get-metatype {any})"),
    (1, "(type-cast {any} {type} &self)"),
    (1, "(match-types {type} {type} {any} {any})"),
    (1, "(get-type-space {space} {any})"),
    (1, "(is-function {type})"),
    (1, "(capture {any})"),
    // Failing.
    (1, "(Error {const} {const})"),
    (1, "(empty)"),
    (1, "Empty"),
    (1, "(if-error {any} {any} {any})"),
    (1, "(return-on-error {any} {any})"),
    (1, "(case {any} (((Error %a %b) ^b{any}) (%c ^c{any})))"),
    // Effects that any order shows alike.
    (1, "(nop {any})"),
    (1, "(println! {any})"),
    (1, "(let %a (println! {any}) {any})"),
    (1, "(let %a (new-state {one}) (get-state %a))"),
    (1, "(let %a (new-state {int}) (let %b (change-state! %a (+ {int} (get-state %a))) (get-state %a)))"),
    (1, "(let %a (new-state (c {int})) (let %b (change-state! %a (c {int})) (get-state %a)))"),
    (1, "(let %a (new-space) (let %b (add-atom %a {fact}) (match %a {query} ^p{any})))"),
];

const NUM: Alternatives = &[
    (8, "{int}"),
    (2, "{var}"),
    (4, "(+ {num} {num})"),
    (3, "(- {num} {num})"),
    (2, "(* {num} {num})"),
    (1, "(/ {num} {num})"),
    (1, "(% {num} {positive})"),
    (1, "(size-atom {list})"),
    (1, "(abs-math {num})"),
    (3, "{call Number}"),
    (2, "(if {bool} {num} {num})"),
    (2, "(superpose ({num} {num}))"),
    (2, "(let %a {num} ^a{num})"),
];

const BOOL: Alternatives = &[
    (6, "{truth}"),
    (1, "{var}"),
    (2, "(> {num} {num})"),
    (2, "(< {num} {num})"),
    (1, "(<= {num} {num})"),
    (1, "(>= {num} {num})"),
    (2, "(== {num} {num})"),
    (2, "(== {any} {any})"),
    (1, "(=alpha {any} {any})"),
    (1, "(noreduce-eq {any} {any})"),
    (1, "(and {bool} {bool})"),
    (1, "(or {bool} {bool})"),
    (1, "(xor {bool} {bool})"),
    (1, "(not {bool})"),
    (2, "{call Bool}"),
    (1, "(superpose (True False))"),
    (1, "(is-function {type})"),
];

const STR: Alternatives =
    &[(5, "{string}"), (1, "{var}"), (1, "(format-args \"<{}|{}>\" {list})"), (2, "{call String}")];

/// An expression with exactly one result and no effect.
const ONE: Alternatives = &[
    (4, "{int}"),
    (2, "{const}"),
    (1, "{string}"),
    (1, "{truth}"),
    (2, "(+ {int} {int})"),
    (1, "({const} {one})"),
    (1, "({const} (* {int} {int}))"),
    (1, "(if {truth} {one} {one})"),
    (1, "(quote {data})"),
];

/// What stands where a tuple is expected and is not evaluated.
const LIST: Alternatives = &[(10, "{tuple}"), (1, "{evaluated}")];

/// Tuples without variables.
const GROUNDS: Alternatives = &[
    (1, "()"),
    (2, "({ground} {ground})"),
    (3, "({ground} {ground} {ground})"),
    (1, "({const} {const} {const} {const})"),
];

const GROUND: Alternatives = &[
    (6, "{const}"),
    (3, "{int}"),
    (1, "{string}"),
    (1, "{truth}"),
    (1, "(A {ground})"),
    (1, "(B {const} {ground})"),
    (1, "()"),
];

const TUPLE: Alternatives = &[
    (1, "()"),
    (2, "({any})"),
    (6, "({any} {any})"),
    (4, "({any} {any} {any})"),
    (2, "({int} {int} {int})"),
    (2, "({const} {const} {const})"),
    (1, "({data} {data} {data})"),
];

/// An atom without calls.
const DATA: Alternatives = &[
    (4, "{const}"),
    (3, "{int}"),
    (1, "{string}"),
    (1, "{truth}"),
    (2, "{var}"),
    (2, "(A {data})"),
    (1, "(B {data} {data})"),
    (1, "(S {data})"),
    (1, "(Cons {data} {data})"),
    (1, "()"),
];

const ATOM: Alternatives = &[
    (5, "{const}"),
    (4, "{int}"),
    (6, "{var}"),
    (2, "{string}"),
    (2, "{truth}"),
    (2, "{constant of type}"),
    (1, "{name}"),
    (1, "()"),
];

const TYPE: Alternatives = &[
    (4, "%Undefined%"),
    (2, "Atom"),
    (3, "Number"),
    (1, "Bool"),
    (1, "String"),
    (1, "Symbol"),
    (1, "Expression"),
    (2, "T"),
    (2, "U"),
    (1, "Nat"),
    (1, "(List Number)"),
    (1, "(-> Number T)"),
    (1, "{var}"),
];

/// A test of a number.
const PREDICATE: Alternatives = &[(2, "(> {var} {int})"), (2, "(== {var} {int})"), (1, "(< {int} {var})")];

/// Bodies of instructions, where they are run at once.
const FUNCTION: Alternatives = &[
    (2, "(function (chain (metta {call} %Undefined% {space}) %a (return %a)))"),
    (2, "(function (chain (eval (+ {int} {int})) %a (return %a)))"),
    (1, "(function (return {any}))"),
    (2, "(function (unify {any} {pattern} ^p(return {any}) (return {any})))"),
    (2, "(function (chain (cons-atom {any} {tuple}) %a (unify %a (%b %c) (return %c) (return %a))))"),
];

/// Wrong numbers of arguments.
const MISFIT: Alternatives = &[
    (1, "(if {bool} {any})"),
    (1, "(let %a {any})"),
    (1, "(+ {num})"),
    (1, "(- {num} {num} {num})"),
    (1, "(superpose {any} {any})"),
    (1, "(quote)"),
    (1, "(car-atom)"),
    (1, "(get-type)"),
    (1, "(nop {any} {any})"),
    (1, "(collapse)"),
    (1, "(== {any})"),
];

/// Applications of what the program declares types for.
const TYPED: Alternatives = &[
    (3, "{constant of type}"),
    (2, "{peano}"),
    (2, "(S {any})"),
    (2, "(Cons {any} {any})"),
    (1, "(Cons {any} Nil)"),
    (1, "(Cons {int} (Cons {any} Nil))"),
    (2, "(mk {any})"),
    (1, "(mk ta)"),
    (1, "(Pair {any} {any})"),
    (1, "(mk {call})"),
];

const PEANO: Alternatives = &[(3, "Z"), (2, "(S Z)"), (2, "(S {peano})")];

const CONSES: Alternatives =
    &[(2, "Nil"), (2, "(Cons {int} Nil)"), (3, "(Cons {int} {conses})"), (1, "(Cons {const} {conses})")];

/// Numbers that are not whole, and what leads to them.
const FLOAT: Alternatives = &[
    (4, "0.5"),
    (2, "-1.25"),
    (1, "1e20"),
    (1, "2.0"),
    (3, "{int}"),
    (2, "(+ {float} {float})"),
    (2, "(- {float} {float})"),
    (2, "(* {float} {float})"),
    (1, "(/ {float} {float})"),
    (1, "(sqrt-math {float})"),
    (1, "(pow-math {float} {positive})"),
    (1, "(abs-math {float})"),
    (1, "(trunc-math {float})"),
    (1, "(ceil-math {float})"),
    (1, "(floor-math {float})"),
    (1, "(round-math {float})"),
    (1, "(min-atom ({float} {float}))"),
    (1, "(max-atom ({float} {float}))"),
    (1, "(superpose ({float} {float}))"),
];

/// What stands behind a `!`.
const FORM: Alternatives = &[
    (60, "{any}"),
    (12, "{call}"),
    (3, "{structural}"),
    (3, "{function}"),
    (1, "({const} {function})"),
    (1, "(let %a {function} ({const} %a))"),
    (2, "{float}"),
    (1, "(< {float} {float})"),
    (1, "(isnan-math {float})"),
    (2, "(({name} vh) {any})"),
    (1, "(({const} vh) {const})"),
    (1, "({name} vh vh vh vh vh vh)"),
    (2, "(add-atom &self {fact})"),
    (3, "(add-atom &self {rule})"),
    (2, "(remove-atom &self {stored})"),
    (1, "(remove-atom &self {fact})"),
    (1, "(add-reducts &self (({const} {one}) ({const} {one})))"),
    (2, "{write state}"),
    (1, "(sort-strings ({string} {string} \"b\" \"a\"))"),
    (1, "(print-alternatives! {const} ({int} {const}))"),
    (1, "(add-reduct &self ({const} {one}))"),
    (1, "(add-atoms &self ({fact} {fact}))"),
    (1, "(superpose ((add-atom &self {fact}) (add-atom &self {fact})))"),
    (2, "(get-atoms &self)"),
    (1, "(match &self (= {left} %a) %a)"),
    (1, "(match &self (: %a T) %a)"),
    (1, "(let %a (new-space) (let* ((%b (add-atom %a {fact})) (%c (add-atom %a {fact}))) (get-atoms %a)))"),
    (
        1,
        "(let %a (new-space) (let* ((%b (add-atom %a {rule})) (%c (add-atom %a {rule}))) (metta {call} %Undefined% %a)))",
    ),
    (1, "(let %a (new-space) (let %b (add-atom %a {rule}) (evalc {call} %a)))"),
    (
        1,
        "(let %a (new-space) (let* ((%b (add-atom %a {fact})) (%c (remove-atom %a {fact}))) (match %a {query} ^p{any})))",
    ),
    (
        1,
        "(let* ((%a (new-state {int})) (%b (change-state! %a {int})) (%c (change-state! %a (+ 1 (get-state %a))))) (get-state %a))",
    ),
    (1, "(change-state! (new-state {one}) {one})"),
    (1, "(let %a (new-state {one}) (get-type %a))"),
    (1, "(assertEqual {any} {any})"),
    (1, "(assertEqual {call} {call})"),
    (1, "(assertEqualToResult {any} ({data}))"),
    (1, "(assertAlphaEqual {any} {any})"),
    (1, "(assertEqualToResult (superpose ({int} {int})) ({int} {int}))"),
    (1, "(assertIncludes {one} ({const} {int}))"),
    (1, "(assertAlphaEqualToResult {any} ({data}))"),
    (1, "(assertEqualMsg {any} {any} {string})"),
    (1, "(assert {bool})"),
    (1, "(for-each-in-atom ({const} {int}) println!)"),
];

/// The names that have rows.
#[cfg(test)]
pub(super) const NAMES: &[&str] = &[
    "any",
    "num",
    "bool",
    "str",
    "one",
    "list",
    "grounds",
    "ground",
    "tuple",
    "data",
    "atom",
    "type",
    "predicate",
    "misfit",
    "function",
    "typed",
    "peano",
    "conses",
    "form",
    "float",
];
