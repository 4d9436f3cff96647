//! Elements of one tuple share no unbound variable.
//!
//! What an earlier element binds, a later one sees (ADR-0011); the reference judges the types of a later
//! call before that, and leaves a later variable unevaluated. So a program in which an element of a
//! tuple mentions a variable that an earlier expression of it may bind has two meanings. Calls of
//! functions with types are read alike by both.

use super::term::Term;

/// Heads whose arguments are no siblings: both engines pass bindings on, or none is evaluated.
const CALLS: &[&str] = &[
    "let",
    "if",
    "unify",
    "match",
    "chain",
    "eval",
    "evalc",
    "metta",
    "return",
    "function",
    "quote",
    "unquote",
    "noeval",
    "id",
    "collapse",
    "superpose",
    "unique",
    "union",
    "intersection",
    "subtraction",
    "sealed",
    "atom-subst",
    "map-atom",
    "filter-atom",
    "foldl-atom",
    "cons-atom",
    "decons-atom",
    "car-atom",
    "cdr-atom",
    "index-atom",
    "size-atom",
    "unique-atom",
    "union-atom",
    "intersection-atom",
    "subtraction-atom",
    "if-equal",
    "if-decons-expr",
    "if-error",
    "return-on-error",
    "noreduce-eq",
    "get-type",
    "get-metatype",
    "get-type-space",
    "is-function",
    "capture",
    "println!",
    "format-args",
    "new-state",
    "get-state",
    "change-state!",
    "add-atom",
    "remove-atom",
    "add-reduct",
    "add-atoms",
    "assertEqual",
    "assertEqualToResult",
    "assertAlphaEqual",
    "assertAlphaEqualToResult",
    "assertEqualMsg",
    "assertIncludes",
    "assert",
    "collapse-bind",
    "superpose-bind",
    ",",
    "=",
    ":",
    "Error",
    "+",
    "-",
    "*",
    "/",
    "%",
    "<",
    ">",
    "<=",
    ">=",
    "==",
    "=alpha",
    "and",
    "or",
    "xor",
    "not",
];

/// Heads whose last argument is a list of pairs, each with a scope of its own, or whose first is.
const CASES: &[&str] = &["case", "switch", "switch-minimal", "let*"];

/// Functions that put an argument into a template as it is, as often as the template says: where the
/// arguments, the variables for them and the template are.
const TEMPLATES: &[(&str, &[usize], &[usize], usize)] = &[
    ("chain", &[1], &[2], 3),
    ("atom-subst", &[1], &[2], 3),
    ("map-atom", &[1], &[2], 3),
    ("filter-atom", &[1], &[2], 3),
    ("foldl-atom", &[1, 2], &[3, 4], 5),
];

/// A variable that may be unbound.
#[derive(Clone, Debug)]
struct Open {
    name: String,
    /// Whether it stands for an expression that is not evaluated yet.
    is_expression: bool,
}

/// Gives each later element of a tuple variables of its own for those that an earlier one may bind.
#[derive(Debug)]
pub(super) struct Siblings<'a> {
    /// Functions with declared types.
    typed: &'a [String],
    open: Vec<Open>,
    made: usize,
}

impl<'a> Siblings<'a> {
    /// `open` are the variables that may be unbound.
    pub(super) fn new(typed: &'a [String], open: Vec<String>) -> Self {
        let open = open.into_iter().map(|name| Open { name, is_expression: false }).collect();
        Siblings { typed, open, made: 0 }
    }

    /// The term with elements of tuples made independent.
    pub(super) fn part(&mut self, term: Term) -> Term {
        let Term::Tuple(elements) = term else { return term };
        let head = match elements.first() {
            Some(Term::Word(word)) => word.clone(),
            _ => String::new(),
        };
        let known = self.open.len();
        if let Some((_, from, to, _)) = TEMPLATES.iter().find(|(name, ..)| *name == head) {
            let holds_variables = from.iter().any(|at| elements.get(*at).is_some_and(has_variable));
            let variables = to.iter().filter_map(|at| elements.get(*at)).filter(|_| holds_variables);
            let open = variables.map(|variable| Open { name: variable.to_string(), is_expression: true });
            self.open.extend(open);
        }
        let mut elements: Vec<Term> = match CASES.contains(&head.as_str()) {
            true => elements.into_iter().map(|element| self.each(element)).collect(),
            false => elements.into_iter().map(|element| self.part(element)).collect(),
        };
        let is_call = CALLS.contains(&head.as_str())
            || CASES.contains(&head.as_str())
            || TEMPLATES.iter().any(|(name, ..)| *name == head)
            || self.typed.contains(&head);
        if !is_call {
            self.separate(&mut elements);
        }
        self.open.truncate(known);
        Term::Tuple(elements)
    }

    /// A list of cases or pairs: its elements are no siblings of each other.
    fn each(&mut self, term: Term) -> Term {
        match term {
            Term::Tuple(pairs) if pairs.iter().all(|pair| pair.elements().len() == 2) => {
                let pair = |pair: Term| match pair {
                    Term::Tuple(elements) => {
                        Term::Tuple(elements.into_iter().map(|element| self.part(element)).collect())
                    }
                    word @ Term::Word(_) => word,
                };
                Term::Tuple(pairs.into_iter().map(pair).collect())
            }
            other @ (Term::Word(_) | Term::Tuple(_)) => self.part(other),
        }
    }

    fn separate(&mut self, elements: &mut [Term]) {
        for index in 1..elements.len() {
            let (earlier, later) = elements.split_at_mut(index);
            for Open { name, is_expression } in self.open.clone() {
                let may_bind = |element: &Term| {
                    mentions(element, &name) && (is_expression || !element.elements().is_empty())
                };
                if mentions(&later[0], &name) && earlier.iter().any(may_bind) {
                    self.made += 1;
                    rename(&mut later[0], &name, &format!("{name}{}", self.made));
                }
            }
        }
    }
}

fn has_variable(term: &Term) -> bool {
    match term {
        Term::Word(word) => word.starts_with('$'),
        Term::Tuple(elements) => elements.iter().any(has_variable),
    }
}

/// The variables of a term.
pub(super) fn variables(term: &Term, found: &mut Vec<String>) {
    match term {
        Term::Word(word) if word.starts_with('$') && !found.contains(word) => found.push(word.clone()),
        Term::Word(_) => {}
        Term::Tuple(elements) => elements.iter().for_each(|element| variables(element, found)),
    }
}

fn mentions(term: &Term, variable: &str) -> bool {
    term.is(variable) || term.elements().iter().any(|element| mentions(element, variable))
}

fn rename(term: &mut Term, from: &str, to: &str) {
    match term {
        Term::Word(word) if word == from => *word = to.to_owned(),
        Term::Word(_) => {}
        Term::Tuple(elements) => elements.iter_mut().for_each(|element| rename(element, from, to)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Siblings, Term};

    fn check(text: &str, expected: &str) {
        let typed = ["f".to_owned()];
        let mut siblings = Siblings::new(&typed, vec!["$u".to_owned(), "$w".to_owned()]);
        assert_eq!(siblings.part(Term::read(text).unwrap()).to_string(), expected);
    }

    #[test]
    fn a_later_element_has_variables_of_its_own() {
        check("(a (g $u) (g $u))", "(a (g $u) (g $u1))");
        check("(a (g $u) $u $u)", "(a (g $u) $u1 $u2)");
        check("(a $u (g $u))", "(a $u (g $u))");
        check("((g $u) (g $u $w) (g $w))", "((g $u) (g $u1 $w) (g $w2))");
        check("(let $a (c (g $u) (h $u)) $u)", "(let $a (c (g $u) (h $u1)) $u)");
    }

    #[test]
    fn arguments_of_functions_and_cases_share_variables() {
        check("(f (g $u) (g $u))", "(f (g $u) (g $u))");
        check("(let $a (g $u) (g $u))", "(let $a (g $u) (g $u))");
        check("(case $u ((1 (g $u)) (2 (g $u))))", "(case $u ((1 (g $u)) (2 (g $u))))");
        check("(let* (($a (g $u)) ($b (g $u))) $u)", "(let* (($a (g $u)) ($b (g $u))) $u)");
    }

    #[test]
    fn what_is_put_into_a_template_unevaluated_counts() {
        check("(chain (g $x) $a (c (g $a) (g $a)))", "(chain (g $x) $a (c (g $a) (g $a1)))");
        check(
            "(foldl-atom (1) (g $x) $a $b (c $a $a $b $b))",
            "(foldl-atom (1) (g $x) $a $b (c $a $a1 $b $b2))",
        );
        check("(chain 1 $a (c (g $a) (g $a)))", "(chain 1 $a (c (g $a) (g $a)))");
    }
}
