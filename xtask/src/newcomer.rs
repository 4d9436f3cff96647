//! `cargo xtask newcomer`: what the README promises to somebody who has just cloned the repository.
//!
//! The commands are read from the README and run in a copy of what git knows, with a folder of programs of
//! their own: nothing that this machine has built is found.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::workspace;

/// The fence of the commands.
const FENCE: &str = "```console,newcomer\n";

/// Runs the commands of the README, and compares what the last one prints.
pub(crate) fn run(args: &[String]) -> Result<()> {
    ensure!(args.is_empty(), "`newcomer` takes no arguments");
    let shown = shown()?;
    let place = workspace::root().join("target/newcomer");
    let (clone, programs) = (place.join("clone"), place.join("programs"));
    for folder in [&clone, &programs] {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
    }
    copy(&clone)?;
    for (command, expected) in &shown {
        let found = in_shell(command, &clone, &programs)?;
        ensure!(
            expected.is_empty() || found == *expected,
            "`{command}` prints\n{found}\nand not\n{expected}"
        );
    }
    fs::remove_dir_all(&place)?;
    println!("newcomer: {} commands of the README do what it says", shown.len());
    Ok(())
}

/// The commands with what they print, which every page that has them must show in the same way.
fn shown() -> Result<Vec<(String, String)>> {
    let root = workspace::root();
    let readme = fs::read_to_string(root.join("README.md"))?;
    let block = block(&readme).context("the README has no commands for newcomers")?;
    for path in workspace::files(&root.join("docs/book/src"), "md")? {
        if let Some(other) = self::block(&fs::read_to_string(&path)?)
            && other != block
        {
            bail!("{} shows other commands than the README", path.display());
        }
    }
    let commands = format!("\n{block}");
    let commands = commands.split("\n$ ").skip(1).map(|it| it.split_once('\n').unwrap_or((it, "")));
    Ok(commands.map(|(command, output)| (command.to_owned(), output.trim_end().to_owned())).collect())
}

fn block(markdown: &str) -> Option<&str> {
    let (_, rest) = markdown.split_once(FENCE)?;
    Some(rest.split_once("```")?.0)
}

/// Copies what a commit of everything would contain: a clone as it will be.
fn copy(clone: &Path) -> Result<()> {
    let root = workspace::root();
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("cannot start git")?;
    ensure!(listed.status.success(), "git lists no files");
    for name in String::from_utf8(listed.stdout)?.split_terminator('\0') {
        let (from, to) = (root.join(name), clone.join(name));
        // What was removed and not committed is still listed.
        if !from.exists() {
            continue;
        }
        fs::create_dir_all(to.parent().unwrap_or(clone))?;
        copy_one(&from, &to).with_context(|| format!("cannot copy {name}"))?;
    }
    Ok(())
}

/// Copies a file, or a link as such.
fn copy_one(from: &Path, to: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    if from.is_symlink() {
        return std::os::unix::fs::symlink(fs::read_link(from)?, to);
    }
    fs::copy(from, to).map(drop)
}

/// Runs a line as typed, and returns what it prints on the standard output.
fn in_shell(line: &str, clone: &Path, programs: &Path) -> Result<String> {
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("PATH=\"{}/bin:$PATH\"\n{line}", programs.display())])
        .current_dir(clone)
        .env("CARGO_INSTALL_ROOT", programs)
        .env_remove("CARGO_TARGET_DIR")
        // The way is checked, not how fast its end is.
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "0")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .stderr(std::process::Stdio::inherit());
    println!("\n$ {line}");
    let output = command.output().context("cannot start sh")?;
    ensure!(output.status.success(), "`{line}` failed ({})", output.status);
    Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_shows_two_commands_and_an_answer() {
        let shown = shown().unwrap();
        assert_eq!(shown.len(), 2);
        assert!(shown[0].0.starts_with("cargo install") && shown[0].1.is_empty());
        assert_eq!(shown[1].1, "[Bob]");
    }
}
