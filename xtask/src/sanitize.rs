//! `cargo xtask miri` and `cargo xtask tsan`: tests under tools that see what a test does not.
//!
//! Miri interprets the tests of locks, of what machines share, and of the index of facts, and finds undefined
//! behaviour; it cannot map files, which is the one unsafe operation of our own. The thread sanitizer runs the tests of the
//! scheduler that have the most threads, and finds data races.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{shell, workspace};

/// What Miri runs: packages, and which of their unit tests.
const INTERPRETED: &[(&str, &[&str])] = &[("metta-sync", &[]), ("metta-eval", &["terms::shared", "facts::"])];

/// The tests with many threads: batches, forks, cancelling.
const STRESS: &[&str] = &["misuse", "forks", "here", "threads"];

/// Interprets tests.
pub(crate) fn miri(args: &[String]) -> Result<()> {
    if !args.is_empty() {
        bail!("`miri` takes no arguments");
    }
    component("miri")?;
    for (package, tests) in INTERPRETED {
        let mut command = nightly(&["miri", "test", "--package", package, "--lib", "--"]);
        command
            .args(*tests)
            // Time is read, and machines ask how many processors there are.
            .env("MIRIFLAGS", "-Zmiri-disable-isolation")
            .env("CARGO_TARGET_DIR", workspace::root().join("target/miri"));
        shell::run(&mut command)?;
    }
    Ok(())
}

/// Runs the tests with many threads under the thread sanitizer.
pub(crate) fn tsan(args: &[String]) -> Result<()> {
    if !args.is_empty() {
        bail!("`tsan` takes no arguments");
    }
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        bail!("the thread sanitizer is set up for x86-64 Linux only");
    }
    let suppressions = workspace::root().join("xtask/tsan.supp");
    let mut command = nightly(&[
        "test",
        "--package",
        "metta-sched",
        "--test",
        "runs",
        // The standard library has to be built with it, or its locks look like races.
        "-Zbuild-std",
        "--target",
        "x86_64-unknown-linux-gnu",
        "--",
    ]);
    command
        .args(STRESS)
        .env("RUSTFLAGS", "-Zsanitizer=thread -C target-feature=+aes,+sse2")
        .env("CARGO_TARGET_DIR", workspace::root().join("target/tsan"))
        .env("CARGO_PROFILE_DEV_OPT_LEVEL", "1")
        .env("TSAN_OPTIONS", format!("halt_on_error=1 suppressions={}", suppressions.display()));
    component("rust-src")?;
    shell::run(&mut command)
}

fn nightly(args: &[&str]) -> Command {
    // A `cargo` that was started by another one has the other's toolchain in its environment.
    let mut command = Command::new("rustup");
    command.args(["run", "nightly", "cargo"]).args(args).current_dir(workspace::root());
    command.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO").env_remove("RUSTC");
    command
}

/// Installs a part of the nightly toolchain, if need be.
fn component(name: &str) -> Result<()> {
    let mut command = Command::new("rustup");
    command.args(["component", "add", name, "--toolchain", "nightly"]);
    shell::run(&mut command).with_context(|| format!("cannot install {name} for nightly"))
}
