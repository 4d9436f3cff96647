//! Generated programs: a seed gives the same program everywhere and always.
//!
//! A program declares a few types, facts and functions, whose rules overlap and whose calls may
//! fit or not, and evaluates expressions from a grammar that covers the standard library. A rule
//! calls only functions declared before its own, and what recurs is called with ground arguments
//! that get smaller, so programs end. `grammar.rs` lists what is left out and why.

mod canonical;
mod expand;
mod forms;
mod functions;
mod grammar;
mod instructions;
mod polymorphic;
mod random;
mod record;
mod shrink;
mod siblings;
mod term;

pub use canonical::{canonical, in_order};
pub use forms::generate_forms;
pub use instructions::generate_instructions;
pub use polymorphic::generate_polymorphic;
pub use record::{RecordError, Recorded, read_records, write_records};
pub use shrink::shrink;
pub use term::Term;

use expand::{Expander, UNBOUND};
use functions::{Function, NAMES, PARAMETERS, RESULTS, STRUCTURAL, TYPES};
use random::Random;
use siblings::{Siblings, variables};

/// A program as the top-level forms it consists of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Program {
    /// Its forms, in order.
    pub forms: Vec<ProgramForm>,
}

/// A form of a [`Program`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProgramForm {
    /// Whether a `!` stands before it.
    pub run: bool,
    /// The atom.
    pub atom: String,
}

impl Program {
    /// Returns the text of the program, one form on each line.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for ProgramForm { run, atom } in &self.forms {
            out.push_str(if *run { "!" } else { "" });
            // `!x` would be a word.
            out.push_str(if *run && !atom.starts_with('(') { " " } else { "" });
            out.push_str(atom);
            out.push('\n');
        }
        out
    }

    fn store(&mut self, atom: impl Into<String>) {
        self.forms.push(ProgramForm { run: false, atom: atom.into() });
    }

    fn run(&mut self, atom: impl Into<String>) {
        self.forms.push(ProgramForm { run: true, atom: atom.into() });
    }

    /// The names of the functions with types.
    fn typed(&self) -> Vec<String> {
        let stored = self.forms.iter().filter(|form| !form.run);
        let declared = stored.filter_map(|form| form.atom.strip_prefix("(: ")?.split_once(" (->"));
        declared.map(|(name, _)| name.to_owned()).collect()
    }

    /// An atom whose tuples have elements that share no unbound variable; in a program in which functions
    /// are called with such variables, those of the left side of a rule are among them.
    fn with_siblings_apart(&self, atom: &str, is_open: bool) -> String {
        let Some(term) = Term::read(atom) else { return atom.to_owned() };
        let mut open: Vec<String> = UNBOUND.iter().map(|&name| name.to_owned()).collect();
        let typed = self.typed();
        match term {
            Term::Tuple(mut rule) if rule.len() == 3 && rule[0].is("=") => {
                if is_open {
                    variables(&rule[1], &mut open);
                }
                rule[2] = Siblings::new(&typed, open).part(rule[2].clone());
                Term::Tuple(rule).to_string()
            }
            term @ (Term::Word(_) | Term::Tuple(_)) => Siblings::new(&typed, open).part(term).to_string(),
        }
    }
}

/// Makes the program of a seed.
pub fn generate(seed: u64) -> Program {
    let mut random = Random::new(seed);
    let wild = random.pick(&[0, 0, 0, 6, 15]);
    let is_open = random.chance(50);
    let mut expander = Expander::new(random, wild, is_open);
    let mut program = Program { forms: Vec::new() };
    declare(&mut expander, &mut program);
    let n_functions = 1 + expander.random.below(4);
    for index in 0..n_functions {
        define(&mut expander, &mut program, index);
        expander.callable = index + 1;
        if expander.random.chance(50) {
            evaluate(&mut expander, &mut program, "call");
        }
    }
    let stored = program.forms.iter().filter(|form| !form.run).map(|form| form.atom.clone());
    expander.stored = stored.collect();
    for _ in 0..2 + expander.random.below(5) {
        if expander.random.chance(12) {
            let stored = expander.random.pick(&["rule", "fact"]);
            let atom = expander.form(stored, 2);
            let atom = program.with_siblings_apart(&atom, expander.is_open);
            program.store(atom);
        }
        evaluate(&mut expander, &mut program, "form");
    }
    program
}

/// Types, facts, named spaces, functions that recur, and a rule for calls of anything.
fn declare(expander: &mut Expander, program: &mut Program) {
    for group in TYPES {
        if expander.random.chance(35) {
            group.iter().for_each(|declaration| program.store(*declaration));
        }
    }
    for _ in 0..expander.random.below(6) {
        let fact = expander.form("fact", 2);
        program.store(fact);
    }
    if expander.random.chance(20) {
        program.run("(bind! &kb (new-space))");
        expander.spaces.push("&kb");
        for _ in 0..1 + expander.random.below(3) {
            let fact = expander.form("fact", 2);
            program.run(format!("(add-atom &kb {fact})"));
        }
    }
    if expander.random.chance(15) {
        program.run("(bind! &st (new-state 0))");
        expander.has_state = true;
    }
    if expander.random.chance(3) {
        program.run("(pragma! type-check auto)");
    }
    for (declaration, rules, call) in STRUCTURAL {
        if expander.random.chance(12) {
            if expander.random.chance(50) {
                program.store(*declaration);
            }
            rules.iter().for_each(|rule| program.store(*rule));
            expander.structural.push(call);
        }
    }
    if expander.random.chance(15) {
        let rule = expander.random.pick(&[
            "(= (($f vh) $x) (got $f $x))",
            "(= (($f vh) a) hit)",
            "(= ($f vh vh vh vh vh vh) (got $f))",
        ]);
        program.store(rule);
    }
}

/// A function: perhaps its types, and its rules.
fn define(expander: &mut Expander, program: &mut Program, index: usize) {
    let name = NAMES[index % NAMES.len()];
    let n_parameters = expander.random.pick(&[0, 1, 1, 1, 2, 2, 3]);
    let untyped = expander.random.chance(40);
    let mut draw = |from: &[&'static str]| if untyped { "%Undefined%" } else { expander.random.pick(from) };
    let parameters = (0..n_parameters).map(|_| draw(PARAMETERS)).collect();
    let result = draw(RESULTS);
    let curried = expander.random.chance(8);
    let function = Function { name, parameters, result, curried };
    if !untyped {
        program.store(function.declaration());
        if let Some(overload) = overload(&function).filter(|_| expander.random.chance(20)) {
            program.store(overload.declaration());
        }
    }
    expander.functions.push(function);
    for _ in 0..1 + expander.random.below(3) {
        expander.form("atom", 0);
        let rule = expander.rule_of(index);
        let rule = program.with_siblings_apart(&rule, expander.is_open);
        program.store(rule);
    }
}

/// The function with another type for one parameter. Only one of the two can fit a value: the
/// reference takes the first that fits in the order of its index, which is not the written one.
fn overload(function: &Function) -> Option<Function> {
    let other = |parameter: &str| match parameter {
        "Number" => Some("String"),
        "String" => Some("Bool"),
        "Bool" => Some("Number"),
        _ => None,
    };
    let (index, other) =
        function.parameters.iter().enumerate().find_map(|(index, it)| Some((index, other(it)?)))?;
    let mut overload = function.clone();
    overload.parameters[index] = other;
    Some(overload)
}

fn evaluate(expander: &mut Expander, program: &mut Program, name: &str) {
    let depth = expander.random.pick(&[1, 2, 2, 3, 3, 4]);
    let atom = expander.form(name, depth);
    let atom = program.with_siblings_apart(&atom, expander.is_open);
    program.run(atom);
}

#[cfg(test)]
mod tests {
    use super::{Term, generate};

    #[test]
    fn a_seed_gives_one_program() {
        for seed in 0..300 {
            let program = generate(seed);
            assert_eq!(program, generate(seed));
            assert!(program.forms.iter().filter(|form| form.run).count() >= 2, "{seed}");
            for form in &program.forms {
                assert_eq!(
                    Term::read(&form.atom).map(|it| it.to_string()).as_ref(),
                    Some(&form.atom),
                    "{seed}"
                );
            }
        }
        assert_ne!(generate(1), generate(2));
    }
}
