//! Reads one `Par` in hexadecimal a line and prints it decoded and encoded again.

#![expect(clippy::print_stdout, reason = "the program is there to print")]

use std::io::BufRead as _;

/// Structs are walked by recursion, so deep messages need a large stack.
const STACK_BYTES: usize = 64 << 20;
/// How many messages may nest. Encoding structs takes time that grows with the square of it.
const DEPTH: usize = 5_000;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(convert)?;
    thread.join().map_err(|_| "the conversion panicked")?
}

fn convert() -> Result<(), Failure> {
    for line in std::io::stdin().lock().lines() {
        let bytes = from_hex(line?.trim()).ok_or("expected pairs of hexadecimal digits")?;
        let par = metta_rholang::par::decode_within(&bytes, DEPTH)?;
        let digits: String =
            metta_rholang::par::encode(&par).iter().map(|byte| format!("{byte:02x}")).collect();
        println!("{digits}");
    }
    Ok(())
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> =
        text.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect::<Option<_>>()?;
    digits.len().is_multiple_of(2).then(|| digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}
