//! Slips that the engine takes for data: numbers of arguments, unused rules, misspelt names.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use metta_atom::Atom;

use super::calls::Call;
use super::judge::Judge;
use super::{Program, Written, head, inside, name, sides};
use crate::diagnosis::{Finding, Known, Label, Place, Severity};

/// A name with a number of arguments.
type Shape<'a> = (&'a str, usize);

fn shape(atom: &Atom) -> Option<Shape<'_>> {
    Some((head(atom)?, atom.children()?.len() - 1))
}

fn warning(code: &'static str, message: String, help: Option<String>, place: Place, words: &str) -> Finding {
    let labels = vec![Label { place, words: words.to_owned() }];
    Finding { code, severity: Severity::Warning, message, help, labels }
}

/// Reports calls with a number of arguments that no rule takes, where nothing else has that many.
pub(super) fn arities(program: &mut Program<'_>, calls: &[Call], judge: &Judge) {
    let mut rules: HashMap<&str, Option<BTreeSet<usize>>> = HashMap::new();
    let mut written: HashMap<Shape<'_>, usize> = HashMap::new();
    for Written { form, .. } in program.imported.iter().chain(&program.own) {
        for shape in inside(&form.atom).filter_map(shape) {
            *written.entry(shape).or_default() += 1;
        }
        let Some((left, _)) = sides(&form.atom).filter(|_| !form.run) else { continue };
        match shape(left) {
            Some((name, n)) => {
                if let Some(arities) = rules.entry(name).or_insert_with(|| Some(BTreeSet::new())) {
                    arities.insert(n);
                }
            }
            // A symbol with a rule becomes anything; so does what a variable heads.
            None => drop(name(left).and_then(|name| rules.insert(name, None))),
        }
    }
    let mut evaluated: HashMap<Shape<'_>, usize> = HashMap::new();
    for shape in calls.iter().filter_map(|call| shape(&call.atom)) {
        *evaluated.entry(shape).or_default() += 1;
    }
    let mut findings = Vec::new();
    for call in calls {
        let Some((name, n)) = shape(&call.atom) else { continue };
        let Some(Some(arities)) = rules.get(name) else { continue };
        let is_data = written.get(&(name, n)) > evaluated.get(&(name, n));
        let known = judge.is_typed(name) || judge.dynamic.contains(name) || arities.contains(&n);
        // A function that gives back its own name gives back data.
        let own = call.defines.as_deref() == Some(name);
        if is_data || known || own || call.asserted {
            continue;
        }
        let takes = counts(arities);
        let message = format!("no rule of `{name}` takes {}", arguments(n));
        let help = Some(format!("its rules take {takes}; the call stands for itself, as data"));
        findings.push(warning("E0602", message, help, call.place, "stays as it is"));
    }
    program.findings.extend(findings);
}

fn arguments(n: usize) -> String {
    match n {
        0 => "no arguments".to_owned(),
        1 => "1 argument".to_owned(),
        n => format!("{n} arguments"),
    }
}

fn counts(arities: &BTreeSet<usize>) -> String {
    match arities.iter().copied().collect::<Vec<_>>()[..] {
        [only] => arguments(only),
        ref several => {
            let several: Vec<String> = several.iter().map(usize::to_string).collect();
            format!("{} arguments", several.join(" or "))
        }
    }
}

/// Reports heads of calls that are written once and are close to a known name; returns the names they may be meant for.
pub(super) fn unknown(program: &mut Program<'_>, calls: &[Call], judge: &Judge) -> HashSet<String> {
    let mut meant = HashSet::new();
    let mut written: HashMap<&str, usize> = HashMap::new();
    for Written { form, .. } in program.imported.iter().chain(&program.own) {
        for name in inside(&form.atom).filter_map(name) {
            *written.entry(name).or_default() += 1;
        }
    }
    let library = program.texts.library();
    let once = |call: &&Call| {
        call.head().is_some_and(|name| {
            written.get(name) == Some(&1)
                && library.effect(name).is_none()
                && !judge.is_typed(name)
                && call.atom.children().is_some_and(|children| children[0].as_symbol().is_some())
        })
    };
    let suspects: Vec<&Call> = calls.iter().filter(once).collect();
    if suspects.is_empty() {
        return meant;
    }
    let Some(known) = Known::of(&judge.world()) else { return meant };
    let mut findings = Vec::new();
    for call in suspects {
        let Some(name) = call.head() else { continue };
        let mut near = known.suggestions(name);
        near.retain(|near| is_slip(name, near));
        meant.extend(near.iter().cloned());
        let near: Vec<String> = near.iter().map(|near| format!("`{near}`")).collect();
        if near.is_empty() {
            continue;
        }
        let place = program.texts.find_symbol(call.place, name).unwrap_or(call.place);
        let message = format!("`{name}` is not defined");
        let help = Some(format!("did you mean {}?", near.join(" or ")));
        findings.push(warning("E0604", message, help, place, "known nowhere else"));
    }
    program.findings.extend(findings);
    meant
}

/// Reports whether a name may be meant for another: data is often named after a function.
fn is_slip(name: &str, near: &str) -> bool {
    const SHORTEST: usize = 5;
    let (name, near) = (name.to_lowercase(), near.to_lowercase());
    name.chars().count() >= SHORTEST && !name.starts_with(&near) && !near.starts_with(&name)
}

/// Reports rules that no `!` of the program reaches, when it is one: a module is used from elsewhere.
///
/// `meant` are names that something misspelt may be meant for.
pub(super) fn unused(program: &mut Program<'_>, meant: &HashSet<String>) {
    let n_queries =
        program.own.iter().filter(|written| written.form.run && !prepares(&written.form.atom)).count();
    if n_queries == 0
        || program.own.iter().any(|written| looks_at_rules(&written.form.atom, written.form.run))
    {
        return;
    }
    let mut bodies: HashMap<&str, Vec<&str>> = HashMap::new();
    let mut reached: Vec<&str> = Vec::new();
    let mut rules: BTreeMap<&str, Place> = BTreeMap::new();
    for Written { text, form } in &program.own {
        let names = inside(&form.atom).filter_map(name);
        let declared = declared(&form.atom).filter(|_| !form.run);
        match declared {
            Some(declared) => {
                bodies.entry(declared).or_default().extend(names.filter(|name| *name != declared));
                if sides(&form.atom).is_some() {
                    rules.entry(declared).or_insert(Place { text: *text, span: form.span });
                }
            }
            None => reached.extend(names),
        }
    }
    reached.extend(program.imported.iter().flat_map(|written| inside(&written.form.atom)).filter_map(name));
    let mut used: HashSet<&str> = HashSet::new();
    while let Some(name) = reached.pop() {
        if used.insert(name) {
            reached.extend(bodies.get(name).into_iter().flatten());
        }
    }
    let library = program.texts.library();
    let unused = rules
        .into_iter()
        .filter(|(name, _)| !used.contains(name) && !meant.contains(*name) && library.effect(name).is_none());
    let findings: Vec<Finding> = unused
        .map(|(name, place)| {
            let message = format!("`{name}` is never used");
            let help = Some("nothing that is evaluated leads to its rules: use or remove them".to_owned());
            warning("E0603", message, help, place, "its first rule")
        })
        .collect();
    program.findings.extend(findings);
}

/// Reports whether a `!` form sets something up, as modules do too.
fn prepares(atom: &Atom) -> bool {
    head(atom).is_some_and(|name| name.ends_with('!') && !matches!(name, "println!" | "trace!"))
}

/// The name that a rule, a type declaration or a documentation is about.
fn declared(atom: &Atom) -> Option<&str> {
    let about = match (head(atom)?, atom.children()?) {
        ("=" | ":" | "@doc", [_, about, ..]) => about,
        _ => return None,
    };
    head(about).or_else(|| name(about))
}

/// Reports whether an atom may find rules by something else than the name of what they define.
fn looks_at_rules(atom: &Atom, run: bool) -> bool {
    const KNOWN: [&str; 8] =
        ["match", "add-atom", "remove-atom", "import!", "add-reduct", "add-atoms", "evalc", "unify"];
    inside(atom).enumerate().any(|(number, part)| {
        let Some([first, rest @ ..]) = part.children() else { return false };
        let own_rule = number == 0 && !run;
        let lists = match name(first) {
            Some("=" | ":") if !own_rule => {
                rest.first().is_some_and(|left| head(left).or_else(|| name(left)).is_none())
            }
            Some("match" | "unify") => {
                rest.iter().skip(1).take(1).any(|pattern| matches!(pattern, Atom::Variable(_)))
            }
            Some("parse" | "get-atoms" | "include" | "metta" | "eval") => true,
            other => rest.iter().any(is_space) && !other.is_some_and(|name| KNOWN.contains(&name)),
        };
        lists || matches!(first, Atom::Variable(_)) && number == 0
    })
}

fn is_space(atom: &Atom) -> bool {
    matches!(atom, Atom::Grounded(metta_atom::Grounded::Space(_)))
}
