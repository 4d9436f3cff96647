//! The expression behind a `!`, compiled like the body of a rule without a name.
//!
//! That pays where the expression itself goes through alternatives or over lists. Its variables are arguments
//! of that rule, so that they stay the variables that were read.

use std::sync::Arc;

use metta_atom::{Atom, Grounded, Variable};
use metta_space::Declaration;
use rustc_hash::FxHashMap;

use crate::code::{Compiled, Compiler, MAX_SLOTS};
use crate::machine::{Machine, NO_RULE, Task};
use crate::program::NAMELESS;
use crate::program::clause::Clause;
use crate::terms::cell::Cell;
use crate::terms::symbols::{self, cell};

/// What may go through alternatives or over a list.
const LOOPS: [&str; 6] = ["superpose", "match", "collapse", "map-atom", "filter-atom", "foldl-atom"];

/// The functions whose calls are worth it where one of [`LOOPS`] is in them.
const FORMS: [&str; 7] = ["let", "let*", "case", "collapse", "map-atom", "filter-atom", "foldl-atom"];

/// Larger expressions are data for the most part.
const MOST_ATOMS: usize = 2000;

impl Machine {
    /// The task of evaluating an expression as code, if that is worth it.
    pub(in crate::machine) fn compiled_goal(
        &mut self,
        goal: &Atom,
        variables: &FxHashMap<Variable, Cell>,
    ) -> Option<Task> {
        let plain = self.compiles && !self.heap.has_matchers && self.stack_depth == u32::MAX;
        if !plain || !is_form(goal) || variables.len() + 8 > MAX_SLOTS {
            return None;
        }
        let mut arguments: Vec<(&Variable, Cell)> =
            variables.iter().map(|(variable, cell)| (variable, *cell)).collect();
        arguments.sort_by_key(|(_, cell)| cell.bits());
        let names = arguments.iter().map(|(variable, _)| Atom::Variable((*variable).clone()));
        let left = Atom::expression(std::iter::once(Atom::symbol("!")).chain(names).collect::<Vec<_>>());
        let before = self.code.extent();
        let declaration = Declaration { sequence: 0, left, right: goal.clone() };
        let clause = Arc::new(Clause::compile(&mut self.heap, &declaration, NO_RULE));
        let code = self.code.clauses.len() as u32;
        self.code.clauses.push(Compiled::default());
        let (space, arity) = (self.space, arguments.len() as u32);
        let compiled = Compiler::compile(self, space, &clause, (NAMELESS, arity, Cell::NONE), code)?;
        let (pc, size) = (compiled.pc?, compiled.size);
        self.code.clauses[code as usize] = compiled;
        self.goal_code = Some((before, self.code.extent()));
        self.reserve(size);
        self.env[0] = cell(symbols::UNDEFINED);
        for (slot, (_, variable)) in self.env[1..].iter_mut().zip(&arguments) {
            *slot = *variable;
        }
        Some(Task::Run { pc, base: 0 })
    }
}

impl Machine {
    /// Forgets the code of the expression that was evaluated, unless other code came behind it.
    pub(in crate::machine) fn forget_goal(&mut self) {
        if let Some((before, after)) = self.goal_code.take()
            && self.code.extent() == after
        {
            self.code.truncate(before);
        }
    }
}

/// Reports whether an expression is a call of one of [`FORMS`] with one of [`LOOPS`] in it, and not too large.
fn is_form(goal: &Atom) -> bool {
    match goal.children() {
        Some([Atom::Symbol(head), ..]) => FORMS.contains(&head.name()) && has_loop(goal),
        _ => false,
    }
}

fn has_loop(goal: &Atom) -> bool {
    let mut pending = vec![goal];
    let (mut seen, mut found) = (0, false);
    while let Some(atom) = pending.pop() {
        seen += 1;
        let children = atom.children().unwrap_or_default();
        if seen + pending.len() + children.len() > MOST_ATOMS {
            return false;
        }
        found |= match atom {
            Atom::Symbol(symbol) | Atom::Grounded(Grounded::Operation(symbol)) => {
                LOOPS.contains(&symbol.name())
            }
            _ => false,
        };
        pending.extend(children);
    }
    found
}
