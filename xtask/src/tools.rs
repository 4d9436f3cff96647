//! Programs that the workflows need: others, installed below `target/tools` if they are not in the path,
//! and our own, built.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{shell, workspace};

/// Returns a program of the registry, installed in this version and with these features if there is none.
pub(crate) fn find_or_install(name: &str, version: &str, features: &[&str]) -> Result<PathBuf> {
    let in_path = Command::new(name).arg("--version").output().is_ok_and(|it| it.status.success());
    if in_path {
        return Ok(PathBuf::from(name));
    }
    let tools = workspace::root().join("target/tools");
    let program = tools.join("bin").join(name);
    if !program.exists() {
        let mut install = shell::cargo(&["install", "--locked", name, "--version", version]);
        install.args(features);
        // They are run once or twice: what optimises across crates would take longer than it saves.
        install.args([
            "--config",
            "profile.release.lto=\"off\"",
            "--config",
            "profile.release.codegen-units=16",
        ]);
        shell::run(install.arg("--root").arg(&tools))?;
    }
    Ok(program)
}

/// Builds the command `mettatron` with `--release` in a work tree, and returns the binary.
///
/// # Errors
/// When it does not build.
pub(crate) fn build_engine(tree: &Path, target: Option<&Path>) -> Result<PathBuf> {
    let mut build = Command::new("cargo");
    build
        .args(["build", "--release", "--package", "mettatron-cli", "--bin", "mettatron"])
        .args(["--message-format", "json-render-diagnostics"])
        .current_dir(tree)
        .stderr(Stdio::inherit());
    if let Some(target) = target {
        build.arg("--target-dir").arg(target);
    }
    shell::announce(&build);
    let output = build.output().context("cannot start cargo")?;
    ensure!(output.status.success(), "the command does not build in {}", tree.display());
    let messages = String::from_utf8(output.stdout)?;
    let binary = messages.lines().rev().find_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        Some(PathBuf::from(message["executable"].as_str()?))
    });
    binary.context("cargo names no executable")
}
