//! `cargo xtask ci`: what must hold before a change lands.

use std::process::Command;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::{bench, book, data, fuzz, loom, newcomer, package, sanitize, shell, tidy, tools, workspace};

/// Runs every check; the first that fails ends the run.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let full = match args {
        [] => false,
        [flag] if flag == "--full" => true,
        _ => bail!("`ci` takes only `--full`"),
    };
    let start = Instant::now();
    shell::run(&mut shell::cargo(&["fmt", "--all", "--check"]))?;
    // The fuzz targets are a workspace of their own.
    shell::run(&mut shell::cargo(&["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]))?;
    println!("\n$ cargo xtask tidy");
    tidy::run(&[])?;
    shell::run(&mut shell::cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    // What is off unless asked for has to build too.
    let console =
        ["clippy", "--package", "mettatron-cli", "--features", "tokio-console", "--", "-D", "warnings"];
    shell::run(&mut shell::cargo(&console))?;
    let mut doc = shell::cargo(&["doc", "--workspace", "--no-deps"]);
    shell::run(doc.env("RUSTDOCFLAGS", "-D warnings"))?;
    println!("\n$ cargo xtask book");
    book::run(&[])?;
    println!("\n$ cargo xtask package");
    // Building each crate from its package takes minutes.
    let quickly = if full { &[][..] } else { &["--no-verify".to_owned()] };
    package::run(quickly)?;
    println!("\n$ cargo xtask loom");
    loom::run(&[])?;
    deny(full)?;
    println!("\n$ cargo xtask fuzz");
    fuzz::run(&[])?;
    println!("\n$ cargo xtask newcomer");
    newcomer::run(&[])?;
    // Late, so that what is left on the screen is the outcome of the tests.
    shell::run(&mut shell::cargo(&["test", "--workspace"]))?;
    if full {
        println!("\n$ cargo xtask miri");
        sanitize::miri(&[])?;
        println!("\n$ cargo xtask tsan");
        sanitize::tsan(&[])?;
        println!("\n$ cargo xtask data store");
        data::run(&["store".to_owned()])?;
        println!("\n$ cargo xtask bench --gate");
        bench::run(&["--gate".to_owned()])?;
    }
    println!("\nall checks passed in {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// The version is fixed because a later one may need a later toolchain.
const DENY_VERSION: &str = "0.20.2";

/// Checks licences, bans and sources of all dependencies, after installing the tool if need be.
///
/// Advisories are part of `full`: their list comes from GitHub, and it changes without us.
fn deny(full: bool) -> Result<()> {
    let program = tools::find_or_install("cargo-deny", DENY_VERSION, &[])?;
    let mut check = Command::new(program);
    check
        .args(["--log-level", "warn", "check", "licenses", "bans", "sources"])
        .current_dir(workspace::root());
    if full {
        check.arg("advisories");
    }
    shell::run(&mut check)
}
