//! Instructions counted by callgrind, compared with those that are recorded.
//!
//! A count differs little from run to run where times on a shared machine differ by a tenth. It
//! depends on the compiler, so the record names it. The start-up is taken off, and has a line of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::engine::Engine;
use super::program::{Program, START};
use super::sample;

/// A program may take this much more than recorded, in parts of one.
const TOLERANCE: f64 = 0.05;
/// Fewer instructions than these are lost in the noise of memory management.
const NOISE: u64 = 200_000;
const LIMIT: Duration = Duration::from_secs(600);

/// The recorded counts.
#[derive(Debug, Default, Deserialize, PartialEq, Serialize)]
pub(super) struct Baseline {
    pub(super) toolchain: String,
    pub(super) programs: BTreeMap<String, Count>,
}

/// The instructions of a program at its smallest size.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(super) struct Count {
    pub(super) size: u64,
    pub(super) instructions: u64,
}

impl Baseline {
    /// Reads a record.
    ///
    /// # Errors
    /// When there is none, or it is malformed.
    pub(super) fn read(path: &Path) -> Result<Baseline> {
        let text = fs::read_to_string(path)
            .with_context(|| format!("cannot read {}: cargo xtask bench --record", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is malformed", path.display()))
    }

    /// Writes a record.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

/// What a count means beside the recorded one.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    Same(f64),
    /// Recording again keeps what was won.
    Faster(f64),
    Slower(f64),
    /// The baseline does not know the program at this size.
    Unknown,
}

/// Compares a count with the recorded one.
pub(super) fn judge(recorded: Option<&Count>, now: &Count) -> Verdict {
    let Some(recorded) = recorded.filter(|it| it.size == now.size) else { return Verdict::Unknown };
    let change = now.instructions as f64 / recorded.instructions as f64 - 1.0;
    if now.instructions.abs_diff(recorded.instructions) < NOISE {
        Verdict::Same(change)
    } else if change > TOLERANCE {
        Verdict::Slower(change)
    } else if change < -TOLERANCE {
        Verdict::Faster(change)
    } else {
        Verdict::Same(change)
    }
}

/// Counts programs, start-up first, which is taken off the others.
///
/// # Errors
/// When valgrind is missing, and when an answer is wrong.
pub(super) fn count_all(
    engine: &Engine,
    programs: &[&Program],
    folder: &Path,
) -> Result<Vec<(String, Count)>> {
    let Some((start, rest)) = programs.split_first().filter(|(first, _)| first.name == START) else {
        bail!("the program `{START}` comes first");
    };
    let base = count(engine, start, folder)?;
    let mut counts = vec![(start.name.clone(), base)];
    for program in rest {
        let Count { size, instructions } = count(engine, program, folder)?;
        let instructions = instructions.saturating_sub(base.instructions);
        counts.push((program.name.clone(), Count { size, instructions }));
    }
    Ok(counts)
}

fn count(engine: &Engine, program: &Program, folder: &Path) -> Result<Count> {
    let size = program.gate;
    let file = program.write(folder, engine.language, size)?;
    let profile = folder.join(format!("{}.callgrind", program.name));
    let (usage, printed) = sample::supervise(&mut engine.counted(&file, &profile), folder, LIMIT)
        .context("install valgrind to count instructions (`apt-get install valgrind`)")?
        .with_context(|| format!("{} takes too long", program.name))?;
    let answer = &program.sizes.get(&size).context("a size without an answer")?.answer;
    if let Some(wrong) = sample::check(engine.answer(&printed.output), answer, usage.status, &printed.errors)
    {
        bail!("{} {size}: {wrong}", program.name);
    }
    let instructions = collected(&printed.errors).context("callgrind says no count")?;
    Ok(Count { size, instructions })
}

/// The count in what callgrind prints: `==1234== Collected : 5678`.
fn collected(printed: &str) -> Option<u64> {
    let (_, rest) = printed.split_once("Collected : ")?;
    rest.split_whitespace().next()?.parse().ok()
}

/// The compiler of the engine. It is the one of this workspace.
pub(super) fn toolchain() -> Result<String> {
    let output = Command::new("rustc")
        .arg("--version")
        .arg("--verbose")
        .current_dir(crate::workspace::root())
        .output()
        .context("cannot start rustc")?;
    let text = String::from_utf8(output.stdout)?;
    let field = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
    match (field("release:"), field("host:")) {
        (Some(release), Some(host)) => Ok(format!("{release} {host}")),
        _ => bail!("rustc does not say its release"),
    }
}

/// Prints the comparison.
///
/// # Errors
/// When a program is slower or unknown, and when the record is of another compiler.
pub(super) fn compare(baseline: &Baseline, counts: &[(String, Count)], toolchain: &str) -> Result<()> {
    ensure!(
        baseline.toolchain == toolchain,
        "the baseline was recorded with {}, this is {toolchain}: check the change with --base, then --record",
        baseline.toolchain
    );
    let mut failures = Vec::new();
    println!("{:<13}{:>9}{:>16}{:>16}{:>9}", "program", "size", "recorded", "now", "change");
    for (name, now) in counts {
        let recorded = baseline.programs.get(name);
        let verdict = judge(recorded, now);
        let before = recorded.map_or_else(String::new, |it| it.instructions.to_string());
        let (change, note) = match verdict {
            Verdict::Same(change) => (Some(change), ""),
            Verdict::Faster(change) => (Some(change), "  faster: --record keeps it"),
            Verdict::Slower(change) => (Some(change), "  SLOWER"),
            Verdict::Unknown => (None, "  NOT RECORDED: --record"),
        };
        let change = change.map_or_else(String::new, |it| format!("{:+.1} %", 100.0 * it));
        println!("{name:<13}{:>9}{before:>16}{:>16}{change:>9}{note}", now.size, now.instructions);
        if matches!(verdict, Verdict::Slower(_) | Verdict::Unknown) {
            failures.push(name.as_str());
        }
    }
    ensure!(
        failures.is_empty(),
        "more than {:.0} % slower, or not recorded: {}; target/bench/NAME.callgrind are the profiles",
        100.0 * TOLERANCE,
        failures.join(", ")
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(instructions: u64) -> Count {
        Count { size: 20, instructions }
    }

    fn baseline() -> Baseline {
        let programs = [("fib".to_owned(), count(100_000_000))].into();
        Baseline { toolchain: "1.0 here".to_owned(), programs }
    }

    #[test]
    fn five_percent_more_is_slower() {
        let recorded = count(100_000_000);
        assert!(matches!(judge(Some(&recorded), &count(106_000_000)), Verdict::Slower(_)));
        assert!(matches!(judge(Some(&recorded), &count(104_000_000)), Verdict::Same(_)));
        assert!(matches!(judge(Some(&recorded), &count(94_000_000)), Verdict::Faster(_)));
        assert!(matches!(judge(Some(&count(1_000_000)), &count(1_100_000)), Verdict::Same(_)));
        assert_eq!(judge(None, &recorded), Verdict::Unknown);
        assert_eq!(judge(Some(&Count { size: 21, ..recorded }), &recorded), Verdict::Unknown);
    }

    #[test]
    fn the_gate_fails_for_what_is_slower_or_unknown() {
        let gate = |name: &str, instructions, toolchain| {
            compare(&baseline(), &[(name.to_owned(), count(instructions))], toolchain)
        };
        assert!(gate("fib", 104_000_000, "1.0 here").is_ok());
        assert!(gate("fib", 106_000_000, "1.0 here").unwrap_err().to_string().contains("fib"));
        assert!(gate("tak", 1, "1.0 here").is_err());
        assert!(gate("fib", 100_000_000, "1.1 here").unwrap_err().to_string().contains("1.1 here"));
    }

    #[test]
    fn a_baseline_is_what_was_written() {
        let path = std::env::temp_dir().join(format!("xtask-baseline-{}.json", std::process::id()));
        baseline().write(&path).unwrap();
        assert_eq!(Baseline::read(&path).unwrap(), baseline());
        fs::write(&path, "{\"toolchain\": 1}").unwrap();
        assert!(Baseline::read(&path).is_err());
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn the_count_of_callgrind_is_found() {
        assert_eq!(collected("==7== Events    : Ir\n==7== Collected : 5678\n"), Some(5678));
        assert_eq!(collected("nothing"), None);
    }
}
