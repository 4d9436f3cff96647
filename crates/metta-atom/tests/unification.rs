//! Unification, renaming and variables of atoms.

use metta_atom::{Atom, BindingSet, Bindings, Grounded, Variable, alpha_eq, unify};
use proptest::prelude::*;

fn s(name: &str) -> Atom {
    Atom::symbol(name)
}

fn v(name: &str) -> Atom {
    Atom::variable(name)
}

fn e(children: impl Into<Vec<Atom>>) -> Atom {
    Atom::expression(children)
}

/// Unifies and compares the printed bindings; `no` when there are none.
#[track_caller]
fn check(left: Atom, right: Atom, expected: &str) {
    let found = match unify(&left, &right) {
        Some(bindings) => Atom::Grounded(Grounded::Bindings(bindings.to_set().into())).to_string(),
        None => "no".to_owned(),
    };
    assert_eq!(found, expected, "{left} with {right}");
}

#[test]
fn unification_is_two_sided() {
    check(s("a"), s("a"), "{  }");
    check(s("a"), s("b"), "no");
    check(v("x"), v("x"), "{  }");
    check(v("x"), v("y"), "{ $y = $x }");
    check(v("x"), s("a"), "{ $x <- a }");
    check(e([s("a"), v("x")]), e([v("y"), s("b")]), "{ $y <- a, $x <- b }");
    check(e([v("x"), v("x")]), e([v("y"), Atom::integer(1)]), "{ $x <- 1, $y <- 1 }");
    check(e([v("x"), v("x")]), e([s("a"), s("b")]), "no");
    check(e([v("x"), v("y"), v("x")]), e([v("y"), v("z"), s("a")]), "{ $x <- a, $y <- a, $z <- a }");
    check(e([s("a")]), e([s("a"), s("b")]), "no");
    check(e([]), e([]), "{  }");
    check(e([]), s("a"), "no");
}

#[test]
fn numbers_unify_by_value_and_other_values_within_their_type() {
    check(Atom::integer(1), Atom::float(1.0), "{  }");
    check(Atom::integer(1), Atom::float(1.5), "no");
    check(e([v("x"), v("x")]), e([Atom::integer(1), Atom::float(1.0)]), "{ $x <- 1 }");
    check(Atom::text("a"), s("a"), "no");
    check(Atom::bool(true), s("True"), "no");
}

#[test]
fn a_variable_does_not_contain_itself() {
    // B1
    let f = |atom| e([s("f"), atom]);
    check(v("x"), f(v("x")), "no");
    check(e([v("x"), v("y")]), e([f(v("y")), f(v("x"))]), "no");
    check(e([v("x"), v("x")]), e([f(v("y")), v("y")]), "no");
    // Comparing these values with each other goes on forever when nothing stops it.
    check(e([v("x"), v("y"), v("x")]), e([f(f(v("x"))), f(v("y")), f(v("y"))]), "no");
    check(e([v("x"), v("y"), v("x")]), e([f(f(v("x"))), f(f(f(v("y")))), v("y")]), "no");
}

#[test]
fn renamed_copies_are_other_variables() {
    let renamed = Atom::Variable(Variable::renamed("x", 1));
    check(v("x"), renamed.clone(), "{ $x#1 = $x }");
    check(e([v("x"), renamed]), e([s("a"), s("b")]), "{ $x <- a, $x#1 <- b }");
}

#[test]
fn bindings_grow_and_merge() {
    let bindings = unify(&v("x"), &e([v("y"), v("z")])).unwrap();
    let bindings = bindings.unify(&v("y"), &s("a")).unwrap();
    assert_eq!(bindings.get(&Variable::new("x")).unwrap().to_string(), "(a $z)");
    assert_eq!(bindings.get(&Variable::new("z")), None);
    assert_eq!(bindings.get(&Variable::new("unknown")), None);
    assert!(bindings.clone().unify(&v("y"), &s("b")).is_none());

    let other = unify(&e([v("z"), v("z")]), &e([v("w"), s("b")])).unwrap();
    let both = bindings.clone().merge(&other).unwrap();
    assert_eq!(both.apply(&e([v("x"), v("w")])).to_string(), "((a b) b)");
    assert!(bindings.merge(&unify(&v("x"), &s("a")).unwrap()).is_none());
    assert!(Bindings::new().is_empty() && unify(&v("x"), &v("x")).unwrap().is_empty() && !both.is_empty());
}

#[test]
fn alpha_equality_is_a_renaming_both_ways() {
    let pair = |a, b| e([v(a), v(b)]);
    assert!(alpha_eq(&pair("x", "x"), &pair("y", "y")));
    assert!(alpha_eq(&pair("x", "y"), &pair("y", "x")));
    assert!(!alpha_eq(&pair("x", "y"), &pair("x", "x")));
    assert!(!alpha_eq(&pair("x", "x"), &pair("x", "y")));
    assert!(!alpha_eq(&v("x"), &s("x")));
    assert!(!alpha_eq(&e([v("x")]), &e([v("x"), s("a")])));
    assert!(!alpha_eq(&e([v("x")]), &e([s("a")])));
    assert!(alpha_eq(&e([v("x"), Atom::integer(2)]), &e([v("y"), Atom::float(2.0)])));
}

#[test]
fn variables_come_left_to_right_as_often_as_they_occur() {
    let atom = e([v("b"), e([s("k"), v("a")]), e([s("no"), s("variable")]), v("b")]);
    let names: Vec<String> = atom.variables().map(ToString::to_string).collect();
    assert_eq!(names, ["$b", "$a", "$b"]);
    assert_eq!(s("a").variables().count(), 0);
}

/// `((( ... leaf ... )))`
fn nested(depth: usize, leaf: Atom) -> Atom {
    (0..depth).fold(leaf, |atom, _| e([atom]))
}

#[test]
fn depth_is_bounded_by_memory_only() {
    let depth = 100_000;
    let (left, right) = (nested(depth, v("x")), nested(depth, s("a")));
    let bindings = unify(&left, &right).unwrap();
    assert!(bindings.apply(&left) == right);
    assert!(unify(&left, &nested(depth, e([v("x")]))).is_none());
    assert!(alpha_eq(&left, &nested(depth, v("y"))));
    assert!(!alpha_eq(&left, &right));
    assert_eq!(left.variables().count(), 1);
    assert_eq!(left.to_string().len(), 2 * depth + 2);

    // A chain of variables, each the value of the one before.
    let variable = |i: usize| Atom::variable(format!("x{i}"));
    let names = e((0..depth).map(variable).collect::<Vec<_>>());
    let values = e((1..=depth).map(|i| e([variable(i)])).collect::<Vec<_>>());
    let bindings = unify(&names, &values).unwrap();
    let value = bindings.get(&Variable::new("x0")).unwrap();
    assert_eq!(value.variables().next().unwrap().to_string(), format!("$x{depth}"));
    assert!(bindings.unify(&variable(depth), &variable(0)).is_none());
}

#[test]
fn nested_bindings_are_dropped_without_recursion() {
    let bound = |value| Grounded::Bindings(BindingSet(vec![(Variable::new("x"), value)]).into());
    let nested = (0..100_000).fold(s("a"), |atom, _| e([Atom::Grounded(bound(atom))]));
    assert_eq!(nested.children().map(<[Atom]>::len), Some(1));
    drop(nested);
}

#[test]
fn values_that_double_are_shared() {
    // `$x1 = ($x0 $x0)`, `$x2 = ($x1 $x1)`, ... has 2^n leaves but n different parts.
    let n = 200;
    let variable = |name: &str, i: usize| Atom::variable(format!("{name}{i}"));
    let chain = |name: &str, other: &str| {
        let names = e((1..=n).map(|i| variable(name, i)).collect::<Vec<_>>());
        let values = (0..n).map(|i| e([variable(other, i), variable(other, i)])).collect::<Vec<_>>();
        (names, e(values))
    };
    let (x, to_x) = chain("x", "x");
    let (y, to_y) = chain("y", "y");
    let bindings = unify(&e([x, y]), &e([to_x, to_y])).unwrap();
    let bindings = bindings.unify(&variable("x", n), &variable("y", n)).unwrap();
    let first = bindings.apply(&variable("y", 0));
    assert_eq!(first, variable("x", 0));
    // Two copies that share nothing with each other are equal, and soon found to be.
    assert!(bindings.apply(&variable("x", n)) == bindings.apply(&variable("y", n)));
}

fn leaf() -> impl Strategy<Value = Atom> {
    prop_oneof![
        3 => "[x-z]".prop_map(Atom::variable),
        2 => "[ab]".prop_map(Atom::symbol),
        1 => (0_i64..2).prop_map(Atom::integer),
        1 => (0_i64..2).prop_map(|i| Atom::float(i as f64)),
    ]
}

fn atom() -> impl Strategy<Value = Atom> {
    leaf().prop_recursive(4, 24, 3, |inner| prop::collection::vec(inner, 0..4).prop_map(Atom::expression))
}

/// Renames every variable.
fn renamed(atom: &Atom) -> Atom {
    let fresh = |variable: &Variable| Atom::Variable(Variable::renamed(variable.name().clone(), 7));
    let mut bindings = Bindings::new();
    for variable in atom.variables() {
        bindings =
            bindings.unify(&fresh(variable), &Atom::Variable(variable.clone())).expect("they are fresh");
    }
    bindings.apply(atom)
}

/// Unification as the textbook has it: one substitution after the other.
fn textbook(left: &Atom, right: &Atom) -> bool {
    let mut equations = vec![(left.clone(), right.clone())];
    while let Some((left, right)) = equations.pop() {
        match (&left, &right) {
            _ if left == right => {}
            (Atom::Variable(variable), other) | (other, Atom::Variable(variable)) => {
                if other.variables().any(|inner| inner == variable) {
                    return false;
                }
                for (left, right) in &mut equations {
                    *left = substitute(left, variable, other);
                    *right = substitute(right, variable, other);
                }
            }
            (Atom::Expression(left), Atom::Expression(right)) => {
                if left.children().len() != right.children().len() {
                    return false;
                }
                equations.extend(left.children().iter().cloned().zip(right.children().iter().cloned()));
            }
            _ => return false,
        }
    }
    true
}

fn substitute(atom: &Atom, variable: &Variable, value: &Atom) -> Atom {
    match atom {
        Atom::Variable(found) if found == variable => value.clone(),
        Atom::Expression(expression) => e(expression
            .children()
            .iter()
            .map(|child| substitute(child, variable, value))
            .collect::<Vec<_>>()),
        Atom::Variable(_) | Atom::Symbol(_) | Atom::Grounded(_) => atom.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn bindings_make_both_sides_equal(left in atom(), right in atom()) {
        let bindings = unify(&left, &right);
        prop_assert_eq!(bindings.is_some(), textbook(&left, &right));
        if let Some(bindings) = bindings {
            let applied = bindings.apply(&left);
            prop_assert_eq!(&applied, &bindings.apply(&right));
            prop_assert_eq!(&applied, &bindings.apply(&applied));
            for (variable, value) in bindings.to_set().0 {
                prop_assert_eq!(bindings.get(&variable), Some(value));
            }
        }
    }

    #[test]
    fn unification_is_symmetric(left in atom(), right in atom()) {
        match (unify(&left, &right), unify(&right, &left)) {
            (Some(there), Some(back)) => {
                prop_assert!(alpha_eq(&there.apply(&left), &back.apply(&left)));
            }
            (there, back) => prop_assert_eq!(there.is_some(), back.is_some()),
        }
    }

    #[test]
    fn merging_is_unifying_both(a in atom(), b in atom(), c in atom(), d in atom()) {
        if let (Some(first), Some(second)) = (unify(&a, &b), unify(&c, &d)) {
            let merged = first.merge(&second);
            let at_once = unify(&e([a.clone(), c.clone()]), &e([b, d]));
            prop_assert_eq!(merged.is_some(), at_once.is_some());
            if let (Some(merged), Some(at_once)) = (merged, at_once) {
                prop_assert!(alpha_eq(&merged.apply(&e([a.clone(), c.clone()])), &at_once.apply(&e([a, c]))));
            }
        }
    }

    #[test]
    fn alpha_equality_is_an_equivalence(a in atom(), b in atom(), c in atom()) {
        let copy = renamed(&a);
        prop_assert!(alpha_eq(&a, &a));
        prop_assert!(alpha_eq(&a, &copy) && alpha_eq(&copy, &a));
        prop_assert_eq!(a == copy, a.is_ground());
        prop_assert_eq!(alpha_eq(&a, &b), alpha_eq(&b, &a));
        prop_assert_eq!(alpha_eq(&a, &b), alpha_eq(&copy, &b));
        if alpha_eq(&a, &b) && alpha_eq(&b, &c) {
            prop_assert!(alpha_eq(&a, &c));
        }
    }
}
