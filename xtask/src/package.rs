//! `cargo xtask package`: what goes to the registry can be built from what goes there.

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
    // What is not committed is packaged, too: this tells what a commit would do.
    let mut package = shell::cargo(&["package", "--quiet", "--allow-dirty"]);
    for name in &published {
        package.args(["--package", name]);
    }
    if !verify {
        package.arg("--no-verify");
    }
    shell::run(&mut package)?;
    println!("package: {} crates", published.len());
    Ok(())
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
