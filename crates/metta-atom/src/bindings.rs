//! Two-sided unification.
//!
//! Variables that were unified with each other form a class; a class has at most
//! one value. When two classes meet they become one before their values are
//! compared, so no pair of classes is compared twice, and values that double in
//! size with each variable cost no more than their shared parts. Loops are looked
//! for at the end; until then an atom is compared with the value of a class only
//! once, which also ends the comparison of values that contain themselves.
//!
//! Invariant B1: no class occurs in its own value, at any depth.

use std::fmt;

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};

use crate::{Atom, BindingSet, Expression, Variable};

/// What variables stand for: values, and which variables are the same.
///
/// ```
/// use metta_atom::{Atom, unify};
///
/// let left = Atom::expression([Atom::symbol("a"), Atom::variable("x")]);
/// let right = Atom::expression([Atom::variable("y"), Atom::symbol("b")]);
/// let bindings = unify(&left, &right).expect("they unify");
/// assert_eq!(bindings.apply(&left).to_string(), "(a b)");
/// ```
#[derive(Clone, Default)]
pub struct Bindings {
    nodes: Vec<Node>,
    index: HashMap<Variable, usize>,
}

/// A variable, and at the root of a class the class.
#[derive(Clone)]
struct Node {
    variable: Variable,
    /// Towards the root of the class, which is its own parent.
    parent: usize,
    size: usize,
    /// The variable of the class that was met first; it stands for a class without value.
    first: usize,
    value: Option<Atom>,
}

/// Unifies two atoms: finds the most general bindings that make them equal.
///
/// Numbers unify by value; other grounded atoms when they are equal. `None` when
/// there are no such bindings, also when a variable would have to contain itself.
///
/// Answers: at most one.
pub fn unify(left: &Atom, right: &Atom) -> Option<Bindings> {
    Bindings::default().unify(left, right)
}

impl Bindings {
    /// Makes the bindings that bind nothing.
    pub fn new() -> Self {
        Bindings::default()
    }

    /// Adds what makes two atoms equal; `None` when they contradict these bindings.
    pub fn unify(self, left: &Atom, right: &Atom) -> Option<Self> {
        self.unify_all(vec![(left.clone(), right.clone())])
    }

    /// Adds the bindings of `other`; `None` when they contradict these.
    pub fn merge(self, other: &Bindings) -> Option<Self> {
        let mut pairs = Vec::new();
        for node in &other.nodes {
            let class = &other.nodes[other.root(&node.variable)?];
            let variable = Atom::Variable(node.variable.clone());
            pairs.push((variable.clone(), Atom::Variable(other.nodes[class.first].variable.clone())));
            if let Some(value) = &node.value {
                pairs.push((variable, value.clone()));
            }
        }
        pairs.reverse();
        self.unify_all(pairs)
    }

    /// Reports whether nothing is bound.
    pub fn is_empty(&self) -> bool {
        self.to_set().0.is_empty()
    }

    /// Replaces the variables of an atom by what they stand for, at any depth.
    ///
    /// Variables that are the same become one of them, the one met first.
    /// The values of a variable that occurs often are shared.
    pub fn apply(&self, atom: &Atom) -> Atom {
        self.apply_with(atom, &mut HashMap::new())
    }

    /// Returns what a variable stands for, at any depth; `None` when it is free.
    pub fn get(&self, variable: &Variable) -> Option<Atom> {
        self.index.get(variable)?;
        let value = self.apply(&Atom::Variable(variable.clone()));
        (!is_variable(&value, variable)).then_some(value)
    }

    /// Lists the variables that stand for something else, in the order they were
    /// met, with what they stand for at any depth.
    pub fn to_set(&self) -> BindingSet {
        let mut known = HashMap::new();
        let mut pairs = Vec::new();
        for node in &self.nodes {
            let value = self.apply_with(&Atom::Variable(node.variable.clone()), &mut known);
            if !is_variable(&value, &node.variable) {
                pairs.push((node.variable.clone(), value));
            }
        }
        BindingSet(pairs)
    }

    /// Unifies pairs, from the last to the first.
    fn unify_all(mut self, mut pending: Vec<(Atom, Atom)>) -> Option<Self> {
        let mut changed = Vec::new();
        let mut compared = HashSet::new();
        while let Some(pair) = pending.pop() {
            match pair {
                (Atom::Variable(left), Atom::Variable(right)) => {
                    let (left, right) = (self.class_of(left), self.class_of(right));
                    if left != right {
                        changed.push(left);
                        pending.extend(self.join(left, right));
                    }
                }
                (Atom::Variable(variable), atom) | (atom, Atom::Variable(variable)) => {
                    let class = self.class_of(variable);
                    match &self.nodes[class].value {
                        Some(value) => {
                            if address(&atom).is_none_or(|place| compared.insert((class, place))) {
                                pending.push((value.clone(), atom));
                            }
                        }
                        None => {
                            self.nodes[class].value = Some(atom);
                            changed.push(class);
                        }
                    }
                }
                (Atom::Expression(left), Atom::Expression(right))
                    if !(left.is_ground() && right.is_ground()) =>
                {
                    if left.ptr_eq(&right) {
                        continue;
                    }
                    let (left, right) = (left.children(), right.children());
                    if left.len() != right.len() {
                        return None;
                    }
                    pending.extend(left.iter().cloned().zip(right.iter().cloned()).rev());
                }
                (left, right) => {
                    if left != right {
                        return None;
                    }
                }
            }
        }
        // B1: a new loop goes through a class that changed.
        self.is_free_of_loops(&changed).then_some(self)
    }

    fn class_of(&mut self, variable: Variable) -> usize {
        if let Some(root) = self.root(&variable) {
            return root;
        }
        let new = self.nodes.len();
        self.index.insert(variable.clone(), new);
        self.nodes.push(Node { variable, parent: new, size: 1, first: new, value: None });
        new
    }

    fn root(&self, variable: &Variable) -> Option<usize> {
        let mut at = *self.index.get(variable)?;
        // The smaller class goes below the larger one, so the way is short.
        while self.nodes[at].parent != at {
            at = self.nodes[at].parent;
        }
        Some(at)
    }

    /// Makes two classes one; returns their values when both have one.
    fn join(&mut self, left: usize, right: usize) -> Option<(Atom, Atom)> {
        let (top, below) =
            if self.nodes[left].size < self.nodes[right].size { (right, left) } else { (left, right) };
        let value = self.nodes[below].value.take();
        self.nodes[below].parent = top;
        self.nodes[top].size += self.nodes[below].size;
        self.nodes[top].first = self.nodes[top].first.min(self.nodes[below].first);
        match (&self.nodes[top].value, value) {
            (Some(kept), Some(value)) => Some((kept.clone(), value)),
            (Some(_), None) => None,
            (None, value) => {
                self.nodes[top].value = value;
                None
            }
        }
    }

    /// Reports whether no class that can be reached from these is in its own value.
    fn is_free_of_loops(&self, from: &[usize]) -> bool {
        // Whether all below a class has been visited.
        let mut visited: HashMap<usize, bool> = HashMap::new();
        for &start in from {
            // A changed class may have gone below another one since.
            let Some(start) = self.root(&self.nodes[start].variable) else { continue };
            if visited.contains_key(&start) {
                continue;
            }
            let mut path = Vec::new();
            let mut enter = Some(start);
            loop {
                if let Some(class) = enter.take() {
                    visited.insert(class, false);
                    path.push((class, self.nodes[class].value.as_ref().map(Atom::variables)));
                }
                let Some((class, variables)) = path.last_mut() else { break };
                match variables.as_mut().and_then(Iterator::next) {
                    Some(variable) => {
                        let below = self.root(variable);
                        match below.map(|below| visited.get(&below)) {
                            Some(Some(false)) => return false,
                            Some(None) => enter = below,
                            Some(Some(true)) | None => {}
                        }
                    }
                    None => {
                        visited.insert(*class, true);
                        path.pop();
                    }
                }
            }
        }
        true
    }

    /// Applies the bindings; `known` keeps the values of classes.
    fn apply_with(&self, atom: &Atom, known: &mut HashMap<usize, Atom>) -> Atom {
        enum Step<'a> {
            Visit(&'a Atom),
            Build(usize),
            Know(usize),
        }
        let mut done: Vec<Atom> = Vec::with_capacity(FEW);
        let mut pending = Vec::with_capacity(FEW);
        pending.push(Step::Visit(atom));
        while let Some(step) = pending.pop() {
            match step {
                Step::Visit(Atom::Variable(variable)) => match self.root(variable) {
                    None => done.push(Atom::Variable(variable.clone())),
                    Some(class) => match (known.get(&class), &self.nodes[class].value) {
                        (Some(value), _) => done.push(value.clone()),
                        // B1: this ends.
                        (None, Some(value)) => pending.extend([Step::Know(class), Step::Visit(value)]),
                        (None, None) => {
                            let first = self.nodes[class].first;
                            done.push(Atom::Variable(self.nodes[first].variable.clone()));
                        }
                    },
                },
                Step::Visit(Atom::Expression(expression)) if !expression.is_ground() => {
                    let children = expression.children();
                    pending.push(Step::Build(children.len()));
                    pending.extend(children.iter().rev().map(Step::Visit));
                }
                Step::Visit(atom) => done.push(atom.clone()),
                Step::Build(length) => {
                    let children: Vec<Atom> = done.drain(done.len() - length..).collect();
                    done.push(Atom::Expression(Expression::new(children)));
                }
                Step::Know(class) => {
                    if let Some(value) = done.last() {
                        known.insert(class, value.clone());
                    }
                }
            }
        }
        // Every step leaves one atom for the one it takes, so one is left.
        done.pop().unwrap_or_else(|| atom.clone())
    }
}

/// Room for the atoms and steps of most values.
const FEW: usize = 16;

/// Tells expressions apart by where they are. They stay there during unification,
/// since the atoms that are unified own them.
fn address(atom: &Atom) -> Option<usize> {
    match atom {
        Atom::Expression(expression) => Some(expression.address()),
        Atom::Symbol(_) | Atom::Variable(_) | Atom::Grounded(_) => None,
    }
}

fn is_variable(atom: &Atom, variable: &Variable) -> bool {
    matches!(atom, Atom::Variable(other) if other == variable)
}

impl fmt::Debug for Bindings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.to_set().0).finish()
    }
}
