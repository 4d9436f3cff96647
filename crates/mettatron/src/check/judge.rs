//! An engine with the declarations of a program, to be asked what it makes of calls.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::mpsc::channel;

use metta_atom::{Atom, SpaceId};
use metta_eval::{Fault, World};
use metta_sched::{Environment, Event, MettaState, Run, RunLimits};
use metta_syntax::{Form, Span, Words};

use super::calls::{Call, MOST_DEPTH};
use super::{Program, head, inside, name};
use crate::diagnosis::Finding;

/// What is known about the declarations of a program.
pub(super) struct Judge {
    /// What there is before the program begins: its modules.
    start: Environment,
    /// What there is when all of it has been added.
    environment: Environment,
    /// The types of every name that heads an expression.
    types: HashMap<String, Vec<Atom>>,
    /// Names that the program may declare while it runs.
    pub(super) dynamic: HashSet<String>,
}

/// Reductions for one question.
const MOST_STEPS: u64 = 100_000;

/// Functions that take a function in the place of a variable and a template.
const SHORT: [&str; 3] = ["map-atom", "filter-atom", "foldl-atom"];

const METATYPES: [&str; 5] = ["Atom", "Symbol", "Variable", "Expression", "Grounded"];

impl Judge {
    pub(super) fn of(program: &Program<'_>) -> Self {
        let all = || program.imported.iter().chain(&program.own).map(|written| &written.form);
        let start = Environment::new(program.texts.library().clone());
        let own = || program.own.iter().map(|written| &written.form);
        let mut judge = Judge {
            start: start.clone(),
            environment: start,
            types: HashMap::new(),
            dynamic: dynamic(all()),
        };
        let modules = program.builtins.iter().map(|name| {
            let own = Atom::space(SpaceId::TOP);
            question(Atom::expression([Atom::symbol("import!"), own, Atom::symbol(name.as_str())]))
        });
        let imported = program.imported.iter().map(|written| &written.form);
        judge.ask(modules.chain(declarations(imported)).collect());
        judge.start = judge.environment.clone();
        judge.ask(declarations(own()).collect());
        let heads: BTreeSet<&str> = all().flat_map(|form| inside(&form.atom)).filter_map(head).collect();
        let questions = heads.iter().map(|name| judge.type_of(judge.word(name))).collect();
        let types =
            judge.ask(questions).into_iter().map(|answer| answer.map_or_else(Vec::new, |it| it.atoms));
        judge.types = heads.iter().map(|name| (*name).to_owned()).zip(types).collect();
        judge
    }

    pub(super) fn world(&self) -> World {
        self.environment.world()
    }

    fn word(&self, word: &str) -> Atom {
        self.environment.library().atom(word).unwrap_or_else(|| Atom::symbol(word))
    }

    fn type_of(&self, atom: Atom) -> Form {
        question(Atom::expression([self.word("get-type"), atom]))
    }

    /// The declared types of a name.
    pub(super) fn types(&self, name: &str) -> &[Atom] {
        self.types.get(name).map_or(&[], Vec::as_slice)
    }

    /// Reports whether a type is declared for a name.
    pub(super) fn is_typed(&self, name: &str) -> bool {
        self.types(name).iter().any(|found| found.as_symbol() != Some("%Undefined%"))
    }

    /// Reports whether the element of a call with this number is evaluated before the call.
    pub(super) fn evaluates(&self, call: &Atom, number: usize) -> bool {
        let Some(name) = head(call) else { return true };
        let delays = |found: &Atom| {
            let parameter =
                found.children().filter(|_| head(found) == Some("->")).and_then(|it| it.get(number));
            parameter.and_then(Atom::as_symbol).is_some_and(|name| METATYPES.contains(&name))
        };
        number > 0 && !self.types(name).iter().any(delays)
    }

    /// Reports whether the results of rules with this left side are not evaluated.
    pub(super) fn returns_data(&self, left: &Atom) -> bool {
        let name = head(left).or_else(|| name(left));
        let result = |found: &Atom| found.children().and_then(<[Atom]>::last).cloned();
        let mut results = self.types(name.unwrap_or_default()).iter().filter_map(result);
        results.any(|result| result.as_symbol().is_some_and(|name| METATYPES.contains(&name)))
    }

    /// Adds a finding for each call that the engine refuses, the innermost only.
    pub(super) fn refused(&mut self, program: &mut Program<'_>, calls: &[Call]) {
        let certain: Vec<&Call> = calls
            .iter()
            .filter(|call| !call.asserted && call.head().is_some_and(|name| self.is_typed(name)))
            .filter(|call| !call.has(|name| self.dynamic.contains(name)))
            .collect();
        let questions = certain.iter().map(|call| self.type_of(unknown_heads(&call.atom))).collect();
        let answers = self.ask_in_order(program, &certain, questions);
        let has_none =
            |answer: &Option<Answer>| answer.as_ref().is_some_and(|answer| answer.atoms.is_empty());
        let suspects = certain.iter().zip(&answers).filter(|(_, answer)| has_none(answer));
        let suspects: Vec<&Call> = suspects.map(|(call, _)| *call).collect();
        let innermost: Vec<&Call> = suspects
            .iter()
            .copied()
            .filter(|call| !suspects.iter().any(|other| !std::ptr::eq(*other, *call) && call.contains(other)))
            .collect();
        // Their arguments are not evaluated, since no type allows the call.
        let questions = innermost.iter().map(|call| question(unknown_heads(&call.atom))).collect();
        let answers = self.ask_in_order(program, &innermost, questions);
        for (call, answer) in innermost.into_iter().zip(answers) {
            let Some(answer) = answer else { continue };
            let Some(error) = answer.atoms.first().filter(|atom| atom.is_error()) else { continue };
            let fault = answer.faults.iter().find(|fault| fault.result == 0);
            let diagnosis = program.texts.diagnose(error, fault, Some(call.place));
            let short = diagnosis.code == "E0503" && call.head().is_some_and(|name| SHORT.contains(&name));
            if matches!(diagnosis.code, "E0502" | "E0503" | "E0504") && !short {
                program.findings.push(Finding::from(diagnosis));
            }
        }
    }

    /// Asks about each call what is known where it is evaluated: a `!` sees what is written before it.
    fn ask_in_order(
        &mut self,
        program: &Program<'_>,
        calls: &[&Call],
        questions: Vec<Form>,
    ) -> Vec<Option<Answer>> {
        let mut asked: BTreeMap<usize, Vec<(usize, Form)>> = BTreeMap::new();
        for (call, question) in questions.into_iter().enumerate() {
            asked.entry(calls[call].query.unwrap_or(usize::MAX)).or_default().push((call, question));
        }
        let mut forms = Vec::new();
        let mut places = vec![0; calls.len()];
        for number in (0..program.own.len()).chain([usize::MAX]) {
            forms.extend(program.own.get(number).map(|own| &own.form).filter(|form| !form.run).cloned());
            for (call, question) in asked.remove(&number).into_iter().flatten() {
                places[call] = forms.len();
                forms.push(question);
            }
        }
        let whole = std::mem::replace(&mut self.environment, self.start.clone());
        let mut answers = self.ask(forms);
        self.environment = whole;
        places.into_iter().map(|place| answers.get_mut(place).and_then(Option::take)).collect()
    }

    /// Runs forms; no answer for those that add something, and for those behind one that took too long.
    fn ask(&mut self, forms: Vec<Form>) -> Vec<Option<Answer>> {
        let mut answers: Vec<Option<Answer>> = forms.iter().map(|_| None).collect();
        let (sender, events) = channel();
        let run = Run::new()
            .keep_going(true)
            .limits(RunLimits { steps: Some(MOST_STEPS), ..RunLimits::default() })
            // Sending fails only when nobody listens any more, and `events` lives longer than the run.
            .on_event(move |event| drop(sender.send(event)));
        let library = self.environment.library().clone();
        let compiled = MettaState::compiled(library.clone(), forms);
        let environment = std::mem::replace(&mut self.environment, Environment::new(library));
        let accumulated = MettaState { source: Vec::new(), environment, output: Vec::new() };
        self.environment = run.sequential(accumulated, compiled).state.environment;
        for event in events.try_iter() {
            if let Event::Results { index, atoms, faults, .. } = event
                && let Some(answer) = answers.get_mut(index)
            {
                *answer = Some(Answer { atoms, faults });
            }
        }
        answers
    }
}

/// What the engine says.
struct Answer {
    atoms: Vec<Atom>,
    faults: Vec<Fault>,
}

fn declarations<'f>(forms: impl Iterator<Item = &'f Form>) -> impl Iterator<Item = Form> {
    forms.filter(|form| !form.run).cloned()
}

/// The call with a variable for each expression in it that has no name as its head: it may become anything.
fn unknown_heads(call: &Atom) -> Atom {
    replace_unknown(call, MOST_DEPTH, &mut 0)
}

fn replace_unknown(atom: &Atom, depth: usize, n_unknown: &mut usize) -> Atom {
    let Some(children) = atom.children() else { return atom.clone() };
    let is_known = children.first().is_none_or(|first| name(first).is_some());
    if !is_known && depth < MOST_DEPTH || depth == 0 {
        *n_unknown += 1;
        return Atom::variable(format!("unknown-{n_unknown}"));
    }
    let inner: Vec<Atom> =
        children.iter().map(|child| replace_unknown(child, depth - 1, n_unknown)).collect();
    Atom::expression(inner)
}

fn question(atom: Atom) -> Form {
    Form { atom, run: true, span: Span { start: 0, end: 0 } }
}

/// The names that a run may declare or bind: those in declarations that are no form of their own.
fn dynamic<'f>(forms: impl Iterator<Item = &'f Form>) -> HashSet<String> {
    let mut names = HashSet::new();
    for form in forms {
        for atom in inside(&form.atom).skip(usize::from(!form.run)) {
            let Some([kind, declared, ..]) = atom.children() else { continue };
            if matches!(name(kind), Some("=" | ":" | "bind!")) {
                names.extend(head(declared).or_else(|| name(declared)).map(str::to_owned));
            }
        }
    }
    names
}
