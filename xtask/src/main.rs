//! Every workflow of the project: `cargo xtask <command>`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a terminal program")]

mod bench;
mod book;
mod campaign;
mod ci;
mod conform;
mod data;
mod dist;
mod fuzz;
mod loom;
mod newcomer;
mod package;
mod reference;
mod sanitize;
mod shell;
mod source;
mod tidy;
mod timeline;
mod tools;
mod workspace;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask <command>

  ci [--full]     every check, in the order of the CI machine; --full asks for advisories,
                  builds packages and counts instructions, too
  tidy [--fix]    layers, sizes, errors, invariants, links; --fix redraws the layer diagram
  book            the manual as pages for a browser, with their links checked
  loom            the concurrency models, every interleaving up to three preemptions
  miri            tests of what is shared, interpreted; finds undefined behaviour
  tsan            the tests with many threads under the thread sanitizer
  fuzz ...        inputs that look for panics, hangs and broken promises
  reference [--check]  the pages of the book about the library, from its descriptions
  newcomer        what the README says to do first, in a copy of the repository
  conform ...     the corpus compared with the reference engine
  campaign ...    generated programs compared with the reference engine
  bench ...       what programs take: beside a base, other engines, the record
  timeline        the picture of the book that shows what threads do
  package [--no-verify]  what goes to the registry, packed and built from there
  dist            the command as a static program, in an archive
  data ...        data sets for examples and benchmarks
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some((command, rest)) = args.split_first() else {
        eprint!("{USAGE}");
        return ExitCode::from(2);
    };
    let result = match command.as_str() {
        "ci" => ci::run(rest),
        "tidy" => tidy::run(rest),
        "timeline" => timeline::run(rest),
        "dist" => dist::run(rest),
        "package" => package::run(rest),
        "loom" => loom::run(rest),
        "miri" => sanitize::miri(rest),
        "tsan" => sanitize::tsan(rest),
        "newcomer" => newcomer::run(rest),
        "reference" => reference::run(rest),
        "conform" => conform::run(rest),
        "fuzz" => fuzz::run(rest),
        "campaign" => campaign::run(rest),
        "bench" => bench::run(rest),
        "book" => book::run(rest),
        "data" => data::run(rest),
        _ => {
            eprint!("no command `{command}`\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask {command}: {error:#}");
            ExitCode::FAILURE
        }
    }
}
