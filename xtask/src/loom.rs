//! `cargo xtask loom`: the models `tests/loom_*.rs` of every crate that has one.

use anyhow::{Result, bail};

use crate::{shell, workspace};

/// How many times a model may take the processor from a running thread. Three finds all
/// bugs known from the literature and keeps a run short; without a bound it may take hours.
const MAX_PREEMPTIONS: &str = "3";

/// Runs the models.
pub(crate) fn run(args: &[String]) -> Result<()> {
    if !args.is_empty() {
        bail!("`loom` takes no arguments");
    }
    let mut packages = Vec::new();
    for member in workspace::members()? {
        let tests = workspace::root().join(&member.dir).join("tests");
        let is_model = |path: &std::path::PathBuf| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("loom_"))
        };
        if tests.is_dir() && workspace::files(&tests, "rs")?.iter().any(is_model) {
            packages.push(member.name);
        }
    }
    if packages.is_empty() {
        bail!("no crate has a `tests/loom_*.rs`");
    }
    let mut command = shell::cargo(&["test"]);
    for package in &packages {
        command.args(["--package", package]);
    }
    command
        .args(["--test", "loom_*"])
        // The variable replaces the flags in .cargo/config.toml, so it repeats them.
        .env("RUSTFLAGS", format!("--cfg metta_loom -C target-feature={}", cpu_features()))
        .env("CARGO_TARGET_DIR", workspace::root().join("target/loom"))
        // Models run thousands of executions: some optimisation pays for itself.
        .env("CARGO_PROFILE_DEV_OPT_LEVEL", "1")
        .env("LOOM_MAX_PREEMPTIONS", MAX_PREEMPTIONS);
    shell::run(&mut command)
}

fn cpu_features() -> &'static str {
    if cfg!(target_arch = "aarch64") { "+aes,+neon" } else { "+aes,+sse2" }
}
