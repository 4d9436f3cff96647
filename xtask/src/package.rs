//! `cargo xtask package`: what goes to the registry can be built from what goes there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::{shell, workspace};

/// What a registry shows of a crate, and asks for.
const SHOWN: [&str; 7] =
    ["description", "license", "repository", "readme", "keywords", "categories", "rust_version"];

/// Packages every published crate and builds it from the package; with `--no-verify` only packages it.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let verify = match args {
        [] => true,
        [flag] if flag == "--no-verify" => false,
        _ => bail!("`package` takes only `--no-verify`"),
    };
    let published = published()?;
    // What was built of an earlier package of the same version would be taken for this one.
    let target = workspace::root().join("target/packages");
    if verify {
        forget(&published)?;
        if target.exists() {
            fs::remove_dir_all(&target)?;
        }
    }
    // What is not committed is packaged, too: this tells what a commit would do.
    let mut package = shell::cargo(&["package", "--quiet", "--allow-dirty"]);
    for name in &published {
        package.args(["--package", name]);
    }
    package.arg("--target-dir").arg(&target);
    if !verify {
        package.arg("--no-verify");
    }
    shell::run(&mut package)?;
    println!("package: {} crates", published.len());
    Ok(())
}

/// Removes what cargo unpacked of these crates in an earlier run.
///
/// It verifies with a registry of its own, and takes a package whose version it has unpacked before for the same one.
fn forget(names: &[String]) -> Result<()> {
    for kind in ["src", "cache"] {
        let registries = cargo_home()?.join("registry").join(kind);
        for registry in entries(&registries)? {
            // Registries of this machine have no host in their names.
            if !registry.file_name().is_some_and(|name| name.to_string_lossy().starts_with('-')) {
                continue;
            }
            for package in entries(&registry)? {
                let file = package.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let version = concat!("-", env!("CARGO_PKG_VERSION"));
                let is_ours = |name: &String| file.trim_end_matches(".crate") == format!("{name}{version}");
                if !names.iter().any(is_ours) {
                    continue;
                }
                if package.is_dir() { fs::remove_dir_all(package)? } else { fs::remove_file(package)? }
            }
        }
    }
    Ok(())
}

/// What is in a folder; nothing if there is no folder.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let entries: Result<Vec<_>, _> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect();
    Ok(entries?)
}

#[expect(clippy::disallowed_methods, reason = "cargo is told by its environment where it keeps packages")]
fn cargo_home() -> Result<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    home.or_else(|| Some(std::env::home_dir()?.join(".cargo"))).context("there is no home folder")
}

/// The names of the crates that are published, all of which say what a registry shows.
fn published() -> Result<Vec<String>> {
    let mut metadata = Command::new("cargo");
    metadata.args(["metadata", "--format-version=1", "--no-deps"]).current_dir(workspace::root());
    let metadata: Value =
        serde_json::from_slice(&metadata.output().context("cannot start `cargo metadata`")?.stdout)?;
    let mut names = Vec::new();
    for package in metadata["packages"].as_array().context("no packages")? {
        if package["publish"].is_null() {
            let name = package["name"].as_str().context("a package without a name")?;
            let lacks = lacks(package);
            ensure!(
                lacks.is_empty(),
                "{name} has no {}\n    mend: add it to its Cargo.toml",
                lacks.join(", ")
            );
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// What a package does not say although a registry shows it.
fn lacks(package: &Value) -> Vec<&'static str> {
    let is_there = |value: &Value| match value {
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    };
    SHOWN.into_iter().filter(|name| !is_there(&package[*name])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_say_what_a_registry_shows() {
        assert!(published().unwrap().contains(&"mettatron".to_owned()));
        let package =
            serde_json::json!({ "description": "", "license": "X", "keywords": [], "categories": ["a"] });
        assert_eq!(lacks(&package), ["description", "repository", "readme", "keywords", "rust_version"]);
    }
}
