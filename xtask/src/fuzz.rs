//! `cargo xtask fuzz`: the targets in `fuzz/fuzz_targets`, on inputs that look for new code.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{shell, tools, workspace};

/// The version is fixed because a later one may need a later toolchain.
const VERSION: &str = "0.13.1";
const TARGETS: &[&str] = &["parser", "round_trip", "evaluate", DECODERS];
/// The target whose inputs are messages and not programs.
const DECODERS: &str = "decoders";
/// The messages that it starts from, in hexadecimal digits behind their names.
const VECTORS: &str = "crates/metta-rholang/tests/vectors.txt";
/// The programs that fuzzing starts from.
const SEEDS: &str = "crates/conformance/tests/corpus";
const DEFAULT_SECONDS: u64 = 60;

const USAGE: &str =
    "`fuzz [TARGET...] [--seconds N]`, `fuzz TARGET --input FILE` or `fuzz TARGET --shrink FILE`";

/// What to do with the targets.
enum Task {
    Search { seconds: u64 },
    Try(PathBuf),
    Shrink(PathBuf),
}

/// Runs targets one after the other; the first that fails ends the run.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let (targets, task) = parse(args)?;
    let program = tools::find_or_install("cargo-fuzz", VERSION, &[])?;
    let work = workspace::root().join("target/fuzz");
    fs::create_dir_all(&work).context("cannot make target/fuzz")?;
    let dictionary = work.join("words.dict");
    fs::write(&dictionary, words()?).context("cannot write the dictionary")?;
    if let Task::Search { .. } = task {
        shell::run(&mut cargo_fuzz(&program, "build"))?;
    }
    for target in targets {
        match &task {
            Task::Search { seconds } => search(&program, target, &work, &dictionary, *seconds)?,
            Task::Try(file) => shell::run(cargo_fuzz(&program, "run").arg(target).arg(file))?,
            Task::Shrink(file) => shell::run(cargo_fuzz(&program, "tmin").arg(target).arg(file))?,
        }
    }
    Ok(())
}

fn parse(args: &[String]) -> Result<(Vec<&'static str>, Task)> {
    let mut targets = Vec::new();
    let mut task = Task::Search { seconds: DEFAULT_SECONDS };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().with_context(|| format!("`{arg}` takes a value: {USAGE}"));
        match arg.as_str() {
            "--seconds" => {
                task = Task::Search { seconds: value()?.parse().context("`--seconds` takes a number")? }
            }
            "--input" => task = Task::Try(fs::canonicalize(value()?)?),
            "--shrink" => task = Task::Shrink(fs::canonicalize(value()?)?),
            name => match TARGETS.iter().find(|target| **target == name) {
                Some(target) => targets.push(*target),
                None => bail!("no target `{name}`, there are {}; {USAGE}", TARGETS.join(", ")),
            },
        }
    }
    if targets.is_empty() {
        targets = TARGETS.to_vec();
    }
    if !matches!(task, Task::Search { .. }) && targets.len() != 1 {
        bail!("one target is needed to try or shrink an input: {USAGE}");
    }
    Ok((targets, task))
}

/// Runs a target on the inputs of earlier runs, those of the corpus, and new ones.
fn search(program: &Path, target: &str, work: &Path, dictionary: &Path, seconds: u64) -> Result<()> {
    let found = work.join("corpus").join(target);
    let artifacts = work.join("artifacts").join(target);
    fs::create_dir_all(&found)?;
    fs::create_dir_all(&artifacts)?;
    let mut command = cargo_fuzz(program, "run");
    command.arg(target).arg(&found).arg(seeds(target, work)?).arg("--");
    command.arg(format!("-max_total_time={seconds}"));
    command.arg(format!("-dict={}", dictionary.display()));
    // The last of two prefixes counts; the first is that of `cargo fuzz`.
    command.arg(format!("-artifact_prefix={}/", artifacts.display()));
    // The clock of the time limit goes on where a machine is halted for a while: it is a generous one.
    command.args(["-timeout=300", "-rss_limit_mb=3000", "-max_len=4096"]);
    command.args(["-verbosity=0", "-print_final_stats=1"]);
    shell::run(&mut command)
}

/// Returns the folder of the inputs that a target starts from.
fn seeds(target: &str, work: &Path) -> Result<PathBuf> {
    if target != DECODERS {
        return Ok(workspace::root().join(SEEDS));
    }
    let seeds = work.join("seeds").join(target);
    fs::create_dir_all(&seeds)?;
    let vectors = fs::read_to_string(workspace::root().join(VECTORS)).context("cannot read the vectors")?;
    for (i, line) in vectors.lines().enumerate() {
        let (_, digits) = line.rsplit_once(": ").unwrap_or_default();
        let bytes = (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16));
        let bytes: Vec<u8> = bytes.collect::<Result<_, _>>().context("a vector is not hexadecimal")?;
        fs::write(seeds.join(i.to_string()), bytes)?;
    }
    Ok(seeds)
}

fn cargo_fuzz(program: &Path, command: &str) -> Command {
    let features = if cfg!(target_arch = "aarch64") { "+aes,+neon" } else { "+aes,+sse2" };
    let mut cargo_fuzz = Command::new(program);
    cargo_fuzz
        .args(["fuzz", command])
        .current_dir(workspace::root())
        .env("CARGO_TARGET_DIR", workspace::root().join("target/fuzz/build"))
        // Spaces pack their pointers, so what they hold looks like a leak.
        .env("ASAN_OPTIONS", "detect_leaks=0")
        // The address sanitizer is behind a flag that a stable compiler takes only like this.
        .env("RUSTC_BOOTSTRAP", "1")
        // The variable replaces the flags in .cargo/config.toml, so it repeats them.
        .env("RUSTFLAGS", format!("-C target-feature={features}"));
    cargo_fuzz
}

/// The words of the corpus that more than one of its files uses, as a dictionary of libFuzzer.
fn words() -> Result<String> {
    let mut files_with: BTreeMap<String, u32> = BTreeMap::new();
    for path in workspace::files(&workspace::root().join(SEEDS), "metta")? {
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let code = text.lines().filter(|line| !line.starts_with(';'));
        let mut words: Vec<&str> =
            code.flat_map(|line| line.split(|c: char| c.is_whitespace() || "()\"".contains(c))).collect();
        words.sort_unstable();
        words.dedup();
        words.iter().for_each(|word| *files_with.entry((*word).to_owned()).or_default() += 1);
    }
    let mut dictionary = String::new();
    for (word, _) in files_with.iter().filter(|(word, files)| !word.is_empty() && **files > 1) {
        dictionary.push('"');
        for byte in word.bytes() {
            match byte {
                b'\\' | b'"' | 0..b' ' | 0x7f.. => drop(write!(dictionary, "\\x{byte:02X}")),
                _ => dictionary.push(char::from(byte)),
            }
        }
        dictionary.push_str("\"\n");
    }
    Ok(dictionary)
}
