//! Reads one `Par` in hexadecimal a line and prints it decoded and encoded again.

#![expect(clippy::print_stdout, reason = "the program is there to print")]

use std::io::BufRead as _;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for line in std::io::stdin().lock().lines() {
        let bytes = from_hex(line?.trim()).ok_or("expected pairs of hexadecimal digits")?;
        let par = metta_rholang::par::decode(&bytes)?;
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
