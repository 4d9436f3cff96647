//! Tries the decoders on vectors with a few bytes changed: `cargo run --release -p metta-rholang --example mutations [N]`

#![expect(clippy::print_stdout, reason = "the program is there to print")]

#[path = "../tests/decoders/mod.rs"]
#[expect(clippy::expect_used, reason = "a check that fails ends the program")]
mod decoders;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let n = std::env::args().nth(1).map_or(Ok(1_000_000), |n| n.parse::<usize>())?;
    for bytes in decoders::Mutations::new(n as u64).take(n) {
        decoders::check(&bytes);
    }
    println!("{n} inputs, each read or refused");
    Ok(())
}
