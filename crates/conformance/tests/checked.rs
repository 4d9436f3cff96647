//! What `check` says about the corpus is true: every program here is meant as it is.

mod engine;

use std::path::{Path, PathBuf};

use conformance::{Answer, CorpusFile, Form, Outcome, compare, files, modules_of};
use engine::{Mode, run};
use mettatron::check::check;
use mettatron::diagnosis::{Finding, Texts};
use mettatron::modules::Files;
use mettatron::{Library, RunLimits};

#[cfg(test)]
fn findings(text: &str, modules: &Path) -> (Texts, Vec<Finding>) {
    let mut texts = Texts::new(Library::new());
    texts.add("program", text.as_bytes().to_vec());
    let findings = check(&mut texts, &Files::beside(modules));
    (texts, findings)
}

/// The results that a file states for a form.
#[cfg(test)]
fn results(form: &Form) -> Vec<String> {
    match form.required() {
        Answer { outcome: Outcome::Results(results), .. } => results,
        Answer { outcome: Outcome::NotRun, .. } => Vec::new(),
    }
}

/// Whether a finding is true of a file: a call that is refused is answered by an `Error`, one that no rule takes is
/// answered by itself, a rule that is never used can be left out.
#[cfg(test)]
fn is_true(file: &CorpusFile, modules: &Path, texts: &Texts, finding: &Finding) -> bool {
    let place = finding.place().unwrap();
    let text = texts.get(place.text).unwrap();
    let (line, _) = text.position(place.span.start);
    let at = file.forms.iter().rposition(|form| form.line <= line).unwrap();
    let errors = |form: &Form| results(form).iter().any(|result| result.contains("(Error "));
    match finding.code {
        "E0502" | "E0503" | "E0504" | "E0601" => {
            let form = &file.forms[at];
            let reached = form.required().outcome != Outcome::NotRun;
            if form.run { errors(form) || !reached } else { file.forms.iter().any(errors) }
        }
        "E0602" => {
            let call = &file.text[place.span.start..place.span.end];
            let head = call.split([' ', ')']).next().unwrap();
            results(&file.forms[at]).iter().any(|result| result.contains(head))
        }
        "E0603" => can_be_left_out(file, modules, finding),
        _ => false,
    }
}

/// Whether a file answers the same without the rules for the name that a finding is about.
#[cfg(test)]
fn can_be_left_out(file: &CorpusFile, modules: &Path, finding: &Finding) -> bool {
    let name = finding.message.split('`').nth(1).unwrap();
    let mut text = file.text.clone();
    for rule in [format!("(= ({name} "), format!("(= ({name})"), format!("(= {name} ")] {
        // A call that nothing makes has no effect under another name either.
        text = text.replace(&rule, &rule.replacen(name, "left-out", 1));
    }
    assert_ne!(text, file.text);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let changed = CorpusFile::parse_complete(&text).unwrap();
    Mode::ALL[..1].iter().all(|mode| {
        let ran = run(&changed, modules, *mode, RunLimits::default(), runtime.handle());
        let ran = ran.unwrap_or_else(|error| panic!("{}: {error}", mode.name()));
        assert!(ran.stopped.is_none(), "{:?}", ran.stopped);
        let mut pairs = file.forms.iter().zip(&ran.answers);
        pairs.all(|(form, answer)| !form.run || compare(&form.required(), answer, form.order).is_ok())
    })
}

#[test]
fn there_is_no_false_alarm_on_the_corpus() {
    let (mut n_findings, mut wrong) = (0, Vec::new());
    for path in files(Path::new("tests/corpus")).unwrap() {
        let file = CorpusFile::parse_complete(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let modules = modules_of(&path);
        let (texts, found) = findings(&file.text, &modules);
        n_findings += found.len();
        for finding in found {
            let place = finding.place().unwrap();
            // A text of a module is checked for itself.
            if place.text == 0 && !is_true(&file, &modules, &texts, &finding) {
                let (line, column) = texts.get(0).unwrap().position(place.span.start);
                wrong.push(format!(
                    "{}:{line}:{column}: {} {}",
                    path.display(),
                    finding.code,
                    finding.message
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // The corpus has calls that are refused on purpose: most of them need no run to be seen.
    assert!(n_findings > 50, "{n_findings} findings");
}

#[test]
fn there_is_nothing_to_say_about_the_examples() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let entries = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let programs: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "metta")).collect();
    assert!(!programs.is_empty());
    for path in programs {
        let (_, found) = findings(&std::fs::read_to_string(&path).unwrap(), &folder);
        assert_eq!(found, [], "{}", path.display());
    }
}
