#![doc = include_str!("../README.md")]

mod args;
mod memory;
mod output;
mod report;
mod run;
mod seen;
mod source;
mod timeline;

use std::process::ExitCode;

use clap::Parser;

// Evaluation makes and drops many small values, on several threads at once.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = args::Args::parse_from(args::without_command(std::env::args_os().collect()));
    let Err(error) = run::run(&args);
    report::usage(&error);
    ExitCode::from(run::Status::Input.code())
}
