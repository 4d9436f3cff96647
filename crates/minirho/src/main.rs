//! `minirho FILE...`: runs programs and prints what they print.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is a command")]

use std::process::ExitCode;

fn main() -> ExitCode {
    let files: Vec<String> = std::env::args().skip(1).collect();
    if files.is_empty() {
        eprintln!("usage: minirho FILE...");
        return ExitCode::from(2);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("cannot start a runtime: {error}");
            return ExitCode::from(2);
        }
    };
    for file in files {
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) => {
                eprintln!("{file}: {error}");
                return ExitCode::from(2);
            }
        };
        let interpreter = minirho::Interpreter::new();
        if let Err(error) = runtime.block_on(interpreter.run(&text, |line| println!("{line}"))) {
            eprintln!("{file}:{error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
