//! Repositories as folders of modules, by the `git` program.
//!
//! A clone is made beside its final place and then renamed, so that a folder in the cache is complete.
//! What the program wrote reaches `git` only as a checked URL behind `--` and as a hexadecimal number.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use metta_eval::SourceError;

use super::{trouble, unavailable};

/// How a URL begins.
const SCHEMES: [&str; 5] = ["https://", "http://", "ssh://", "git://", "file://"];

/// Returns the folder with the files of a repository and the name of its module.
pub(super) fn checkout(
    cache: &Path,
    url: &str,
    commit: Option<&str>,
) -> Result<(PathBuf, String), SourceError> {
    check_url(url)?;
    if let Some(commit) = commit {
        check_commit(commit)?;
    }
    let cache = &std::path::absolute(cache).map_err(|error| trouble("find", cache, &error))?;
    let name = url.trim_end_matches('/').trim_end_matches(".git");
    let name = name.rsplit(['/', ':']).next().unwrap_or(name).to_owned();
    let folder = cache.join(folder_name(url, &name, commit));
    if !folder.is_dir() {
        clone(cache, &folder, url, commit)?;
    } else if commit.is_none() {
        // A clone from before serves when nothing newer can be had.
        let _ = run(git(&folder).args(["fetch", "--quiet", "--no-tags", "origin", "HEAD"]))
            .and_then(|()| run(git(&folder).args(["checkout", "--quiet", "--detach", "FETCH_HEAD"])));
    }
    Ok((folder, name))
}

fn check_url(url: &str) -> Result<(), SourceError> {
    let known = SCHEMES.iter().any(|scheme| url.len() > scheme.len() && url.starts_with(scheme));
    let host = url.split_once("://").map_or("", |(_, rest)| rest);
    if !known || host.starts_with('-') || url.chars().any(|c| c.is_control() || c.is_whitespace()) {
        let schemes = SCHEMES.join(", ");
        return Err(unavailable(format!("expected a URL that begins with one of {schemes}; found {url}")));
    }
    Ok(())
}

fn check_commit(commit: &str) -> Result<(), SourceError> {
    if (7..=64).contains(&commit.len()) && commit.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(());
    }
    Err(unavailable(format!("expected a commit, 7 to 64 hexadecimal digits; found {commit}")))
}

/// A name for the clone in the cache: readable, and different for each URL and commit.
fn folder_name(url: &str, name: &str, commit: Option<&str>) -> String {
    let mut hasher = DefaultHasher::new();
    url.hash(&mut hasher);
    let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect();
    match commit {
        Some(commit) => format!("{name}-{:016x}-{commit}", hasher.finish()),
        None => format!("{name}-{:016x}", hasher.finish()),
    }
}

fn clone(cache: &Path, folder: &Path, url: &str, commit: Option<&str>) -> Result<(), SourceError> {
    std::fs::create_dir_all(cache).map_err(|error| trouble("make", cache, &error))?;
    let partial = folder.with_extension(format!("partial-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&partial);
    let made = run(git(cache).args(["clone", "--quiet", "--no-checkout", "--", url]).arg(&partial))
        .and_then(|()| {
            let wanted = commit.unwrap_or("HEAD");
            run(git(&partial).args(["checkout", "--quiet", "--detach", wanted, "--"]))
        })
        .and_then(|()| match std::fs::rename(&partial, folder) {
            // Somebody else was faster.
            Err(_) if folder.is_dir() => Ok(()),
            Err(error) => Err(trouble("make", folder, &error)),
            Ok(()) => Ok(()),
        });
    let _ = std::fs::remove_dir_all(&partial);
    made.map_err(|error| unavailable(format!("cannot fetch {url}: {error}")))
}

/// The program in a folder, asking nobody and running nothing from the repository.
fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .args(["-c", "core.hooksPath=/dev/null", "-c", "protocol.ext.allow=never"])
        .arg("-C")
        .arg(folder)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_SSH_COMMAND", "ssh -oBatchMode=yes")
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .stdin(Stdio::null());
    command
}

fn run(command: &mut Command) -> Result<(), SourceError> {
    let output =
        command.output().map_err(|error| unavailable(format!("cannot run the program `git`: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let line = text.lines().find(|line| line.starts_with("fatal: ") || line.starts_with("error: "));
    Err(unavailable(line.unwrap_or("git failed").trim_start_matches("fatal: ").to_owned()))
}
