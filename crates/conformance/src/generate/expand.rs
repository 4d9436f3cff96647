//! From the grammar to text: nonterminals, scopes, calls that fit what a program declares.

use super::functions::{Function, RELATIONS};
use super::grammar::{Alternatives, alternatives};
use super::random::Random;

const CONSTANTS: &[&str] = &["a", "b", "c", "d"];
const INTEGERS: &[&str] = &["0", "1", "2", "3", "-1", "7"];
const STRINGS: &[&str] = &["\"\"", "\"s\"", "\"t u\""];
/// Variables that nothing binds unless a call does.
pub(super) const UNBOUND: &[&str] = &["$u", "$w"];

/// Makes text from the grammar for one program.
#[derive(Debug)]
pub(super) struct Expander {
    pub(super) random: Random,
    pub(super) functions: Vec<Function>,
    /// How many of the functions may be called: those before the one whose rule is being made.
    pub(super) callable: usize,
    /// The calls of the functions that recur.
    pub(super) structural: Vec<&'static str>,
    /// The atoms that the program stored.
    pub(super) stored: Vec<String>,
    /// Whether a state has a name.
    pub(super) has_state: bool,
    /// The spaces that have a name.
    pub(super) spaces: Vec<&'static str>,
    /// How many of 100 typed places hold something of any kind.
    pub(super) wild: usize,
    /// Whether expressions and facts have variables that nothing binds.
    pub(super) is_open: bool,
    /// The variables that the expression being made knows.
    scope: Vec<String>,
    /// The variables of patterns before they are known.
    pending: Vec<String>,
    /// Those that hold the result of an evaluation.
    evaluated: Vec<String>,
    n_variables: usize,
}

impl Expander {
    pub(super) fn new(random: Random, wild: usize, is_open: bool) -> Self {
        Expander {
            random,
            functions: Vec::new(),
            callable: 0,
            structural: Vec::new(),
            stored: Vec::new(),
            has_state: false,
            spaces: vec!["&self"],
            wild,
            is_open,
            scope: Vec::new(),
            pending: Vec::new(),
            evaluated: Vec::new(),
            n_variables: 0,
        }
    }

    /// Makes a form of its own: its variables are its own too.
    pub(super) fn form(&mut self, name: &str, depth: usize) -> String {
        self.scope.clear();
        self.pending.clear();
        self.evaluated.clear();
        self.n_variables = 0;
        self.expand(name, depth)
    }

    /// Makes what a nonterminal stands for, nested at most `depth` deep.
    pub(super) fn expand(&mut self, name: &str, depth: usize) -> String {
        let typed = matches!(name, "num" | "bool" | "str" | "list");
        if typed && depth > 0 && self.random.chance(self.wild) {
            return self.expand("any", depth);
        }
        match alternatives(name) {
            Some(rows) => {
                let template = self.choose(rows, depth);
                self.fill(template, depth)
            }
            None => self.special(name, depth),
        }
    }

    fn choose(&mut self, rows: Alternatives, depth: usize) -> &'static str {
        let fits = |template: &str| depth > 0 || is_leaf(template);
        let total: usize = rows.iter().filter(|(_, it)| fits(it)).map(|(weight, _)| weight).sum();
        let mut at = self.random.below(total);
        for (weight, template) in rows.iter().filter(|(_, it)| fits(it)) {
            match at.checked_sub(*weight) {
                Some(rest) => at = rest,
                None => return template,
            }
        }
        rows[0].1
    }

    /// Replaces the marks of a template.
    fn fill(&mut self, template: &str, depth: usize) -> String {
        let (known, waiting) = (self.scope.len(), self.pending.len());
        let mut locals: Vec<(char, String)> = Vec::new();
        let mut out = String::new();
        let mut rest = template;
        while let Some(c) = rest.chars().next() {
            rest = &rest[c.len_utf8()..];
            let mut after = rest.chars();
            let letter = after.next().filter(char::is_ascii_lowercase);
            match (c, letter) {
                ('{', _) => {
                    let (name, tail) = rest.split_once('}').unwrap_or((rest, ""));
                    out.push_str(&if name.is_empty() {
                        "{}".to_owned()
                    } else {
                        self.expand(name, depth.saturating_sub(1))
                    });
                    rest = tail;
                }
                ('^', Some('p')) => {
                    let bound = self.pending.split_off(waiting);
                    self.scope.extend(bound);
                    rest = &rest[1..];
                }
                ('^', Some(letter)) => {
                    let variable = self.local(&mut locals, letter);
                    if template.starts_with("(let") {
                        self.evaluated.push(variable.clone());
                    }
                    self.scope.push(variable);
                    rest = &rest[1..];
                }
                ('%', Some(letter)) => {
                    out.push_str(&self.local(&mut locals, letter));
                    rest = &rest[1..];
                }
                (c, _) => out.push(c),
            }
        }
        self.scope.truncate(known);
        self.pending.truncate(waiting);
        out
    }

    fn local(&mut self, locals: &mut Vec<(char, String)>, letter: char) -> String {
        if let Some((_, variable)) = locals.iter().find(|(it, _)| *it == letter) {
            return variable.clone();
        }
        let variable = self.fresh();
        locals.push((letter, variable.clone()));
        variable
    }

    fn fresh(&mut self) -> String {
        self.n_variables += 1;
        match u8::try_from(self.n_variables) {
            Ok(number) if number <= 20 => format!("${}", char::from(b'a' + number - 1)),
            _ => format!("$v{}", self.n_variables),
        }
    }

    fn special(&mut self, name: &str, depth: usize) -> String {
        match name {
            "const" => self.random.pick(CONSTANTS).to_string(),
            "int" => self.random.pick(INTEGERS).to_string(),
            "positive" => self.random.pick(&["1", "2", "3"]).to_string(),
            "string" => self.random.pick(STRINGS).to_string(),
            "truth" => self.random.pick(&["True", "False"]).to_string(),
            "constant of type" => self.random.pick(&["ta", "tb", "ua", "Z", "Nil"]).to_string(),
            "var" => self.variable(),
            "evaluated" => self.evaluated_variable(),
            "space" => self.random.pick(&self.spaces).to_string(),
            "name" => self.function().map_or("f", |function| function.name).to_owned(),
            "pattern" => self.pattern(depth.min(2)),
            "query" => self.relation(depth.min(1), Expander::pattern),
            "fact" => self.relation(1, Expander::part_of_fact),
            "rule" => self.rule(),
            "left" => self.left(),
            "stored" if !self.stored.is_empty() => self.random.pick(&self.stored),
            "stored" => self.expand("fact", 0),
            "state" if self.has_state => "(get-state &st)".to_owned(),
            "state" => self.expand("int", 0),
            "write state" if self.has_state => self.fill("(change-state! &st (+ {int} (get-state &st)))", 1),
            "write state" => self.fill("(get-state (new-state {one}))", 2),
            "structural" => match self.structural.is_empty() {
                true => self.expand("call", depth),
                false => {
                    let call = self.random.pick(&self.structural);
                    self.fill(call, depth + 2)
                }
            },
            "call" => self.call(depth),
            name => match name.strip_prefix("call ") {
                Some(result) => self.call_for(result, depth),
                None => unreachable!("no nonterminal `{name}`"),
            },
        }
    }

    fn variable(&mut self) -> String {
        if self.scope.is_empty() || self.is_open && self.random.chance(8) {
            return self.unbound();
        }
        self.random.pick(&self.scope)
    }

    fn unbound(&mut self) -> String {
        if self.is_open { self.random.pick(UNBOUND).to_string() } else { self.expand("const", 0) }
    }

    /// A variable whose value was evaluated, so that it is no error that could be taken apart.
    fn evaluated_variable(&mut self) -> String {
        let known = |variable: &&String| self.evaluated.contains(*variable);
        let evaluated: Vec<String> = self.scope.iter().filter(known).cloned().collect();
        if evaluated.is_empty() { self.unbound() } else { self.random.pick(&evaluated) }
    }

    fn function(&mut self) -> Option<Function> {
        let functions = &self.functions[..self.callable];
        (!functions.is_empty()).then(|| self.random.pick(functions))
    }

    fn call(&mut self, depth: usize) -> String {
        match self.function() {
            Some(function) => self.call_of(&function, depth),
            None => self.expand("const", 0),
        }
    }

    /// A pattern that only rules of the program have on their left.
    fn left(&mut self) -> String {
        match self.function() {
            Some(function) => {
                let parameters: Vec<String> = function.parameters.iter().map(|_| self.pattern(1)).collect();
                function.apply(&parameters)
            }
            None => "(f)".to_owned(),
        }
    }

    /// A call that may have the type `result`, or something simple that has it.
    fn call_for(&mut self, result: &str, depth: usize) -> String {
        let fits = |it: &Function| it.result == result || matches!(it.result, "%Undefined%" | "$t");
        let fitting: Vec<Function> =
            self.functions[..self.callable].iter().filter(|it| fits(it)).cloned().collect();
        if fitting.is_empty() {
            return self.of_type(result, 0);
        }
        let function = self.random.pick(&fitting);
        self.call_of(&function, depth)
    }

    fn call_of(&mut self, function: &Function, depth: usize) -> String {
        let depth = depth.saturating_sub(1);
        let mut arguments: Vec<String> =
            function.parameters.iter().map(|parameter| self.argument(parameter, depth)).collect();
        if self.wild > 0 && self.random.chance(3) {
            arguments.pop();
        }
        function.apply(&arguments)
    }

    fn argument(&mut self, parameter: &str, depth: usize) -> String {
        if self.random.chance(self.wild + 4) {
            return self.expand("any", depth);
        }
        self.of_type(parameter, depth)
    }

    /// An expression that usually has a type.
    pub(super) fn of_type(&mut self, of: &str, depth: usize) -> String {
        let name = match of {
            "Number" => "num",
            "Bool" => "bool",
            "String" => "str",
            "Symbol" => "const",
            "Variable" => "var",
            "Grounded" => "int",
            "Expression" => "list",
            "(-> $t $s)" => "name",
            "Nat" => "peano",
            "(List $t)" => "conses",
            "T" => self.random.pick(&["ta", "tb", "{call T}"]),
            "U" => self.random.pick(&["ua", "(mk ta)", "{call U}"]),
            _ => "any",
        };
        if depth == 0 && name.starts_with('{') {
            return "ta".to_owned();
        }
        if matches!(of, "T" | "U") { self.fill(name, depth) } else { self.expand(name, depth) }
    }

    /// A pattern; its new variables wait to be known.
    fn pattern(&mut self, depth: usize) -> String {
        match self.random.below(if depth == 0 { 10 } else { 16 }) {
            0..=4 => {
                let variable = self.fresh();
                self.pending.push(variable.clone());
                variable
            }
            5 if !self.pending.is_empty() => self.random.pick(&self.pending),
            5 | 6 => self.expand("const", 0),
            7 => self.expand("int", 0),
            8 => self.variable(),
            9 => self.random.pick(&["True", "ta", "Z", "Nil", "\"s\"", "()"]).to_string(),
            10 | 11 => format!("(A {})", self.pattern(depth - 1)),
            12 => format!("(B {} {})", self.pattern(depth - 1), self.pattern(depth - 1)),
            13 => format!("(S {})", self.pattern(depth - 1)),
            14 => format!("(Cons {} {})", self.pattern(depth - 1), self.pattern(depth - 1)),
            _ => format!("({} {})", self.pattern(depth - 1), self.pattern(depth - 1)),
        }
    }

    fn relation(&mut self, depth: usize, element: fn(&mut Self, usize) -> String) -> String {
        let (name, arity) = self.random.pick(RELATIONS);
        let elements: Vec<String> = (0..arity).map(|_| element(self, depth)).collect();
        format!("({name} {})", elements.join(" "))
    }

    /// A part of a fact.
    fn part_of_fact(&mut self, depth: usize) -> String {
        match self.random.below(if depth == 0 { 8 } else { 10 }) {
            0..=3 => self.expand("const", 0),
            4..=6 => self.expand("int", 0),
            7 if self.is_open => self.random.pick(&["$x", "$y"]).to_string(),
            7 => self.random.pick(&["ta", "Z"]).to_string(),
            8 => format!("(A {})", self.part_of_fact(0)),
            _ => format!("(B {} {})", self.part_of_fact(0), self.part_of_fact(0)),
        }
    }

    /// A rule of one of the callable functions, whose body calls only functions before it.
    fn rule(&mut self) -> String {
        if self.callable == 0 {
            return "(= (f) a)".to_owned();
        }
        let index = self.random.below(self.callable);
        self.rule_of(index)
    }

    /// A rule of a function, in scopes of its own.
    pub(super) fn rule_of(&mut self, index: usize) -> String {
        let function = self.functions[index].clone();
        let scope = std::mem::take(&mut self.scope);
        let pending = std::mem::take(&mut self.pending);
        let callable = std::mem::replace(&mut self.callable, index);
        let parameters: Vec<String> =
            function.parameters.iter().map(|parameter| self.parameter(parameter)).collect();
        self.scope = std::mem::take(&mut self.pending);
        if function.parameters.iter().all(|parameter| *parameter == "%Undefined%") {
            self.evaluated.extend(self.scope.iter().cloned());
        }
        let depth = 1 + self.random.below(2);
        let body = match self.random.below(10) {
            0 => self.expand("function", depth),
            1 | 2 => self.expand("any", depth),
            _ => self.of_type(function.result, depth),
        };
        let is_unbound = UNBOUND.contains(&body.as_str()) && !self.scope.contains(&body);
        let body = if is_unbound { "a".to_owned() } else { body };
        (self.scope, self.pending, self.callable) = (scope, pending, callable);
        format!("(= {} {body})", function.apply(&parameters))
    }

    /// The pattern of a parameter.
    fn parameter(&mut self, parameter: &str) -> String {
        if self.random.chance(40) {
            let variable = self.fresh();
            self.pending.push(variable.clone());
            return variable;
        }
        match parameter {
            "Number" => self.expand("int", 0),
            "Bool" => self.expand("truth", 0),
            "String" => self.expand("string", 0),
            "Symbol" => self.expand("const", 0),
            "T" => self.random.pick(&["ta", "tb"]).to_string(),
            _ => self.pattern(2),
        }
    }
}

/// Whether a template nests nothing that could nest again.
fn is_leaf(template: &str) -> bool {
    template.split('{').skip(1).all(|rest| {
        let name = rest.split('}').next().unwrap_or_default();
        name.is_empty()
            || name == "atom"
            || (alternatives(name).is_none() && !name.starts_with("call") && name != "structural")
    })
}

#[cfg(test)]
mod tests {
    use super::{Expander, alternatives, is_leaf};
    use crate::generate::grammar;
    use crate::generate::random::Random;

    #[test]
    fn every_nonterminal_ends() {
        for name in grammar::NAMES {
            let rows = alternatives(name).unwrap();
            assert!(rows.iter().any(|(_, template)| is_leaf(template)), "{name} has no leaf");
            let mut expander = Expander::new(Random::new(0), 0, true);
            for (_, template) in rows {
                assert!(
                    !expander.fill(template, 1).contains(['{', '^']) || template.contains("{}"),
                    "{template}"
                );
            }
        }
    }
}
