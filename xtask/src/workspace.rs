//! What `cargo metadata` says about the members of the workspace.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// A member of the workspace.
pub(crate) struct Member {
    pub(crate) name: String,
    /// The directory, relative to the root.
    pub(crate) dir: PathBuf,
    pub(crate) layer: Option<u64>,
    pub(crate) is_library: bool,
    /// The members that it uses outside of its tests.
    pub(crate) uses: Vec<String>,
}

/// The root of the workspace.
pub(crate) fn root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}

/// All members, by name.
pub(crate) fn members() -> Result<Vec<Member>> {
    let output = Command::new("cargo")
        .args(["metadata", "--format-version=1", "--no-deps"])
        .current_dir(root())
        .output()
        .context("cannot start `cargo metadata`")?;
    if !output.status.success() {
        bail!("`cargo metadata` failed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let mut members = items(&metadata["packages"])
        .iter()
        .map(member)
        .collect::<Option<Vec<_>>>()
        .context("unexpected metadata")?;
    let names: Vec<_> = members.iter().map(|member| member.name.clone()).collect();
    for member in &mut members {
        member.uses.retain(|name| names.contains(name));
    }
    members.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(members)
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn member(package: &Value) -> Option<Member> {
    let manifest = Path::new(package["manifest_path"].as_str()?);
    let mut uses: Vec<_> = items(&package["dependencies"])
        .iter()
        .filter(|dependency| dependency["kind"].as_str() != Some("dev"))
        .filter_map(|dependency| dependency["name"].as_str().map(str::to_owned))
        .collect();
    uses.sort();
    uses.dedup();
    let dir = manifest.parent()?;
    Some(Member {
        name: package["name"].as_str()?.to_owned(),
        dir: dir.strip_prefix(root()).unwrap_or(dir).to_owned(),
        layer: package["metadata"]["layer"].as_u64(),
        is_library: items(&package["targets"])
            .iter()
            .any(|target| items(&target["kind"]).iter().any(|kind| kind == "lib")),
        uses,
    })
}

/// All files below `dir` whose name ends in `.{extension}`, sorted; build output and hidden directories excepted.
pub(crate) fn files(dir: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut pending = vec![dir.to_owned()];
    while let Some(dir) = pending.pop() {
        for entry in fs::read_dir(&dir).with_context(|| format!("cannot list {}", dir.display()))? {
            let entry = entry?;
            let (path, name) = (entry.path(), entry.file_name());
            if entry.file_type()?.is_dir() {
                if name != "target" && !name.to_string_lossy().starts_with('.') {
                    pending.push(path);
                }
            } else if path.extension().is_some_and(|end| end == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
