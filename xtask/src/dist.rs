//! `cargo xtask dist`: a program that needs nothing of the system that it runs on, in an archive.
//!
//! The program is linked with musl, whole. It is looked at before it is packed: it must ask for no dynamic linker, and
//! answer a query with nothing in its environment.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::{shell, workspace};

/// The shells that there are completions for.
const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

/// Builds, checks and packs the command.
pub(crate) fn run(args: &[String]) -> Result<()> {
    ensure!(args.is_empty(), "`dist` takes no arguments");
    let target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    let binary = build(&target)?;
    check(&binary)?;
    let name = format!("mettatron-{}-{target}", env!("CARGO_PKG_VERSION"));
    let archive = pack(&binary, &name)?;
    println!("\ndist: {} ({:.1} MB)", archive.display(), fs::metadata(&archive)?.len() as f64 / 1e6);
    Ok(())
}

fn build(target: &str) -> Result<PathBuf> {
    shell::run(Command::new("rustup").args(["target", "add", target]).current_dir(workspace::root()))
        .context("the standard library for musl is installed by `rustup`")?;
    let folder = workspace::root().join("target/dist");
    let mut build = shell::cargo(&["build", "--locked", "--profile", "dist", "--package", "mettatron-cli"]);
    build.args(["--target", target]).arg("--target-dir").arg(&folder);
    if !runs("musl-gcc") {
        // The allocator is written in C; without it musl's own is used, which is slower.
        println!("no `musl-gcc` (apt-get install musl-tools): building without mimalloc");
        build.arg("--no-default-features");
    }
    shell::run(&mut build)?;
    Ok(folder.join(target).join("dist/mettatron"))
}

fn runs(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Fails for a program that needs others, or that does not answer.
fn check(binary: &Path) -> Result<()> {
    ensure!(!asks_for_a_linker(&fs::read(binary)?)?, "{} is not static", binary.display());
    let mut query = Command::new(binary);
    query.args(["-e", "!(+ 1 2)"]).env_clear();
    shell::announce(&query);
    let output = query.output()?;
    let answer = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success() && answer == "[3]\n", "answers {answer:?} ({})", output.status);
    println!("[3]");
    Ok(())
}

/// Whether an ELF file of 64 bits names an interpreter: its program header has an entry of the type `PT_INTERP`.
fn asks_for_a_linker(file: &[u8]) -> Result<bool> {
    const PT_INTERP: u64 = 3;
    let number = |at: usize, bytes: usize| -> Result<u64> {
        let field = file.get(at..at + bytes).context("the program is cut short")?;
        Ok(field.iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte)))
    };
    ensure!(file.starts_with(b"\x7fELF\x02\x01"), "not a program of 64 bits with the low byte first");
    let (start, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
    for entry in 0..count {
        if number(usize::try_from(start + entry * size)?, 4)? == PT_INTERP {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Makes the archive: program, licence, texts, manual page, completions.
fn pack(binary: &Path, name: &str) -> Result<PathBuf> {
    let root = workspace::root();
    let dist = root.join("target/dist");
    let folder = dist.join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(folder.join("completions"))?;
    fs::copy(binary, folder.join("mettatron"))?;
    for text in ["LICENSE", "README.md", "CHANGELOG.md"] {
        fs::copy(root.join(text), folder.join(text))?;
    }
    let manual = folder.join("man");
    fs::create_dir_all(&manual)?;
    shell::run(Command::new(binary).args(["man", "--into"]).arg(&manual))?;
    ensure!(manual.join("mettatron.1").exists(), "there is no manual page");
    for shell in SHELLS {
        let file = folder.join("completions").join(format!("mettatron.{shell}"));
        fs::write(file, printed(binary, &["completions", shell])?)?;
    }
    let archive = dist.join(format!("{name}.tar.gz"));
    let mut tar = Command::new("tar");
    // Equal contents make equal archives.
    tar.args(["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "-czf"]);
    shell::run(tar.arg(&archive).arg("-C").arg(&dist).arg(name))?;
    Ok(archive)
}

/// What the program prints.
fn printed(binary: &Path, args: &[&str]) -> Result<Vec<u8>> {
    let output = Command::new(binary).args(args).output()?;
    if !output.status.success() || output.stdout.is_empty() {
        bail!("`mettatron {}` failed ({})", args.join(" "), output.status);
    }
    Ok(output.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header of an ELF file with one entry of a type.
    fn program(kind: u8) -> Vec<u8> {
        let mut file = vec![0; 64 + 56];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        (file[32], file[54], file[56], file[64]) = (64, 56, 1, kind);
        file
    }

    #[test]
    fn an_interpreter_is_noticed() {
        assert!(asks_for_a_linker(&program(3)).unwrap());
        assert!(!asks_for_a_linker(&program(1)).unwrap());
        assert!(asks_for_a_linker(&program(1)[..64]).is_err());
        assert!(asks_for_a_linker(b"#!/bin/sh").is_err());
        // Programs on this system are linked when they start, this one as well.
        #[cfg(all(target_os = "linux", target_env = "gnu"))]
        assert!(asks_for_a_linker(&fs::read(std::env::current_exe().unwrap()).unwrap()).unwrap());
    }
}
