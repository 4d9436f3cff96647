//! Modules in files and repositories.

#![expect(clippy::unwrap_used, reason = "a failure fails the test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mettatron::modules::{BuiltinModule, Files, ModuleTexts};
use mettatron::{Atom, Engine};

/// A folder that is gone after the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("mettatron-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn run(engine: &mut Engine, program: &str) -> String {
    let lists = engine.run(program).unwrap();
    let lists = lists.iter().map(|list| {
        let atoms: Vec<String> = list.iter().map(|atom| engine.print(atom)).collect();
        format!("[{}]", atoms.join(", "))
    });
    lists.collect::<Vec<_>>().join(" ")
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=nobody", "-c", "user.email=nobody@example.org", "-C"])
        .arg(folder)
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_file_is_one_module_under_all_its_names() {
    let folder = Folder::new("names");
    folder.write("main/a.metta", "(a 1) !(import! &self b)");
    folder.write("main/b.metta", "(b 1) !(println! (b is read))");
    folder.write("main/pack/module.metta", "(pack 1) !(import! &self inner)");
    folder.write("main/pack/inner.metta", "(inner 1)");
    folder.write("shared/b.metta", "(b shadowed)");
    folder.write("shared/c.metta", "(c 1)");
    let files = Files::beside(folder.0.join("main")).search(folder.0.join("shared"));
    let mut engine = Engine::builder().modules(files).build();
    let program = "!(import! &self a) !(import! &self b) !(import! &self c) !(import! &self pack)
        !(match &self (b $x) $x) !(match &self (c $x) $x) !(match &self (inner $x) $x)
        !(register-module! pack/inner.metta) !(== (mod-space! inner) (mod-space! pack:inner))";
    assert_eq!(run(&mut engine, program), "[()] [()] [()] [()] [1] [1] [1] [()] [True]");
    // What a run imported, the next one has.
    assert_eq!(run(&mut engine, "!(match &self (a $x) $x)"), "[1]");
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_read_says_why() {
    let folder = Folder::new("unreadable");
    fs::create_dir_all(folder.0.join("odd/module.metta")).unwrap();
    std::os::unix::fs::symlink("loop.metta", folder.0.join("loop.metta")).unwrap();
    let mut engine = Engine::builder().modules(Files::beside(&folder.0)).keep_going(true).build();
    for (name, reason) in [("odd", "cannot read"), ("loop", "cannot look at")] {
        let answer = run(&mut engine, &format!("!(import! &self {name})"));
        let expected = format!("Failed to load module top:{name}: {reason} `");
        assert!(answer.contains(&expected), "{answer}");
    }
}

#[test]
fn hosts_give_modules_from_memory_and_of_their_own() {
    let mut engine = Engine::builder()
        .modules(ModuleTexts::from([("notes", "(note first)")]))
        .module(BuiltinModule::new("host", "(= (place) here)").token("here", Atom::symbol("Berlin")))
        .build();
    let program = "!(import! &self notes) !(match &self (note $n) $n) !(import! &self host) !(place) ! here";
    assert_eq!(run(&mut engine, program), "[()] [first] [()] [Berlin] [Berlin]");
}

#[test]
fn a_repository_is_a_module_at_a_commit_or_at_its_head() {
    let folder = Folder::new("git");
    let origin = folder.0.join("origin/colors");
    fs::create_dir_all(&origin).unwrap();
    git(&origin, &["init", "--quiet"]);
    folder.write("origin/colors/module.metta", "(color red)");
    git(&origin, &["add", "."]);
    git(&origin, &["commit", "--quiet", "-m", "red"]);
    let first = git(&origin, &["rev-parse", "HEAD"]);
    folder.write("origin/colors/module.metta", "(color blue)");
    git(&origin, &["commit", "--quiet", "-a", "-m", "blue"]);

    let url = format!("file://{}", origin.display());
    let files = || Files::beside(&folder.0).allow_git(folder.0.join("cache"));
    let answer = |program: &str| {
        let mut engine = Engine::builder().modules(files()).keep_going(true).build();
        run(&mut engine, &format!("{program} !(import! &self colors) !(match &self (color $c) $c)"))
    };
    assert_eq!(answer(&format!("!(git-module! \"{url}\")")), "[()] [()] [blue]");
    assert_eq!(answer(&format!("!(git-module! \"{url}\" \"{first}\")")), "[()] [()] [red]");
    // The head moves on, and a clone without its origin still serves.
    folder.write("origin/colors/module.metta", "(color green)");
    git(&origin, &["commit", "--quiet", "-a", "-m", "green"]);
    assert_eq!(answer(&format!("!(git-module! \"{url}\")")), "[()] [()] [green]");
    fs::rename(&origin, folder.0.join("moved")).unwrap();
    assert_eq!(answer(&format!("!(git-module! \"{url}\")")), "[()] [()] [green]");

    let missing = answer(&format!("!(git-module! \"{url}-two\" \"{first}\")"));
    assert!(missing.contains("cannot fetch file://"), "{missing}");
    let absent =
        answer(&format!("!(git-module! \"file://{}/moved\" \"{}\")", folder.0.display(), "0".repeat(40)));
    assert!(absent.contains("cannot fetch file://"), "{absent}");
}
