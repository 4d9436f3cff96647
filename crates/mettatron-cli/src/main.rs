#![doc = include_str!("../README.md")]

mod args;
mod commands;
mod config;
mod diff;
mod inspect;
mod markup;
mod memory;
mod output;
mod profile;
mod progress;
mod repl;
mod report;
mod seen;
mod settings;
mod source;
mod spaces;
mod status;
mod timeline;
mod trace;

use std::process::ExitCode;

// Evaluation makes and drops many small values, on several threads at once.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let command = commands::parse(std::env::args_os().collect());
    let status = commands::run(&command).unwrap_or_else(|error| {
        report::usage(&error);
        status::Status::Input
    });
    ExitCode::from(status.code())
}
