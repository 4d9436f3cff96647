//! Programs that the workflows need, installed below `target/tools` if they are not in the path.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::{shell, workspace};

/// Returns a program of the registry, installed in this version if there is none.
pub(crate) fn find_or_install(name: &str, version: &str) -> Result<PathBuf> {
    let in_path = Command::new(name).arg("--version").output().is_ok_and(|it| it.status.success());
    if in_path {
        return Ok(PathBuf::from(name));
    }
    let tools = workspace::root().join("target/tools");
    let program = tools.join("bin").join(name);
    if !program.exists() {
        let mut install = shell::cargo(&["install", "--locked", name, "--version", version]);
        shell::run(install.arg("--root").arg(&tools))?;
    }
    Ok(program)
}
