//! `cargo xtask campaign`: generated programs on our engine and on the reference.
//!
//! The engine is not a dependency of this crate, so that the other commands do not wait for it
//! to compile; the campaign is a program of its own.

use anyhow::Result;

use crate::{conform, shell, workspace};

/// Runs the command with its arguments.
///
/// # Errors
/// When the reference cannot be installed, and when the engines disagree.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let mut campaign =
        shell::cargo(&["run", "--quiet", "--package", "conformance", "--example", "campaign", "--"]);
    campaign.args(args);
    let asks = !args.iter().any(|arg| ["--help", "-h", "--show", "--python"].contains(&arg.as_str()));
    if asks {
        campaign.arg("--python").arg(conform::install(&workspace::root().join("target/conform-venv"))?);
    }
    shell::run(&mut campaign)
}
