//! Runs every corpus file in every mode. `UPDATE_EXPECT=1` writes what the sequential mode
//! answers into the files instead, where it is not what they say.

mod engine;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use conformance::{Answer, CorpusFile, compare, files, modules_of};
use engine::{Mode, Ran, run};
use libtest_mimic::{Arguments, Failed, Trial};
use mettatron::RunLimits;
use tokio::runtime::{Builder, Handle};

#[expect(clippy::disallowed_methods, reason = "a test program is told by its environment to rewrite files")]
fn main() -> std::io::Result<ExitCode> {
    let arguments = Arguments::from_args();
    let runtime = Builder::new_multi_thread().worker_threads(2).build()?;
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    // Relative to the folder of the crate, in which tests run, so that messages that name files do not
    // depend on where it is.
    let corpus = PathBuf::from("tests/corpus");
    let mut trials = vec![Trial::test("harness::notices_wrong_answers", {
        let runtime = runtime.handle().clone();
        move || notices_wrong_answers(&runtime)
    })];
    for path in files(&corpus)? {
        let name = path.strip_prefix(&corpus).unwrap_or(&path).with_extension("").display().to_string();
        let path: Arc<Path> = path.into();
        let modes = if update { &Mode::ALL[..1] } else { &Mode::ALL[..] };
        for &mode in modes {
            let (path, runtime) = (Arc::clone(&path), runtime.handle().clone());
            let kind = mode.name();
            trials.push(Trial::test(format!("{name}::{kind}"), move || {
                if update { rewrite(&path, &runtime) } else { check(&path, mode, &runtime) }
            }));
        }
    }
    Ok(libtest_mimic::run(&arguments, trials).exit_code())
}

fn check(path: &Path, mode: Mode, runtime: &Handle) -> Result<(), Failed> {
    let file = CorpusFile::parse_complete(&std::fs::read_to_string(path)?)
        .map_err(|error| format!("{}, {error}", path.display()))?;
    let differences = differences(&file, &answers(&file, &modules_of(path), mode, runtime)?);
    if differences.is_empty() {
        return Ok(());
    }
    Err(differences
        .iter()
        .map(|(line, what)| format!("{}:{line}: {what}", path.display()))
        .collect::<String>()
        .into())
}

/// What each form of a file answers.
fn answers(file: &CorpusFile, modules: &Path, mode: Mode, runtime: &Handle) -> Result<Vec<Answer>, String> {
    match run(file, modules, mode, RunLimits::default(), runtime)? {
        Ran { answers, stopped: None, .. } => Ok(answers),
        Ran { stopped: Some(error), .. } => Err(format!("the run stopped: {error}")),
    }
}

/// The forms that answered otherwise, by line.
fn differences(file: &CorpusFile, answers: &[Answer]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (form, answer) in file.forms.iter().zip(answers) {
        // A form that is only stored says nothing, whether or not the run came so far.
        if !form.run && form.expected.is_none() && *answer == Answer::not_run() {
            continue;
        }
        if let Err(difference) = compare(&form.required(), answer, form.order) {
            found.push((form.line, format!("{}\n{difference}\n", form.atom)));
        }
    }
    found
}

fn rewrite(path: &Path, runtime: &Handle) -> Result<(), Failed> {
    let file = CorpusFile::parse(&std::fs::read_to_string(path)?)
        .map_err(|error| format!("{}, {error}", path.display()))?;
    let found = answers(&file, &modules_of(path), Mode::Sequential, runtime)?;
    let wrong = |(form, answer): (&conformance::Form, &Answer)| {
        let stated = if form.run { form.expected.is_some() } else { true };
        let right = stated && compare(&form.required(), answer, form.order).is_ok();
        (!right).then(|| answer.clone())
    };
    let replacements: Vec<Option<Answer>> = file.forms.iter().zip(&found).map(wrong).collect();
    let text = file.rewrite(&replacements);
    if text != file.text {
        std::fs::write(path, text)?;
    }
    Ok(())
}

/// A file whose every expectation is wrong in its own way, and one where all are right.
fn notices_wrong_answers(runtime: &Handle) -> Result<(), Failed> {
    let rules = "(= (f) 1)\n(= (f) 2)\n(= (p) (let $_ (println! a) (println! b)))\n";
    let wrong = [
        "!(f)\n;=> 1\n;=> 3\n",
        "!(f)\n;=> 1\n",
        "!(f)\n;=> 1\n;=> 2\n;=> 2\n",
        "!(f)\n;=> 2\n;=> 1\n",
        "!(f)\n;=>none\n",
        "!(f)\n;=>not-run\n",
        "!(p)\n;print> a\n;print> c\n;=> ()\n",
        "!(p)\n;print> a\n;=> ()\n",
        "!(p)\n;print> b\n;print> a\n;=> ()\n",
        "!(p)\n;=> ()\n",
        "! a\n;print> a\n;=> a\n",
        ";@ order: bag\n!(f)\n;=> 1\n;=> 1\n",
    ];
    let right = "!(f)\n;=> 1\n;=> 2\n;@ order: bag\n!(f)\n;=> 2\n;=> 1\n!(p)\n;print> a\n;print> b\n;=> ()\n";
    for mode in Mode::ALL {
        let count = |text: &str| -> Result<usize, Failed> {
            let file = CorpusFile::parse_complete(text).map_err(|error| error.to_string())?;
            Ok(differences(&file, &answers(&file, Path::new("files"), mode, runtime)?).len())
        };
        let found = count(&format!("{rules}{}", wrong.concat()))?;
        if found != wrong.len() {
            return Err(
                format!("{mode:?}: {found} of {} wrong expectations were noticed", wrong.len()).into()
            );
        }
        if count(&format!("{rules}{right}"))? != 0 {
            return Err(format!("{mode:?}: a right expectation was refused").into());
        }
    }
    Ok(())
}
