//! Prints how fast states are written, read and run, after checking that what came of it is right.
//!
//! `cargo run --release -p metta-rholang --example rates [FACTS]`

#![expect(clippy::print_stdout, reason = "the program is there to print")]

use std::time::{Duration, Instant};

use bytes::Bytes;
use metta_atom::SpaceId;
use metta_rholang::par::{self, Par};
use metta_rholang::{Bridge, Codec};
use metta_sched::{Environment, Library, MettaState};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let n = std::env::args().nth(1).map_or(Ok(100_000), |n| n.parse::<usize>())?;
    println!("{n} facts, medians of 5");
    for (name, codec) in [("legacy", Codec::default()), ("strict", Codec::default().strict())] {
        rates(name, &codec, n)?;
        calls(name, &codec, n)?;
    }
    Ok(())
}

fn program(n: usize) -> String {
    let mut text = "(= (edges $x) (match &self (edge $x $y) $y))\n".to_owned();
    for i in 0..n {
        text.push_str(&format!("(edge node{} {})\n", i / 3, i));
    }
    text
}

/// Writing and reading a state, as a struct and as bytes.
fn rates(name: &str, codec: &Codec, n: usize) -> Result<(), Box<dyn std::error::Error>> {
    let forms = metta_syntax::parse(&program(n), &Library::new()).forms;
    let mut environment = Environment::new(Library::new());
    forms.iter().for_each(|form| environment.add(&form.atom));
    let state = MettaState { source: Vec::new(), environment, output: Vec::new() };
    let atoms = state.environment.snapshot(SpaceId::TOP).ok_or("a main space")?.distinct() as f64;
    let rate = |what: &str, time: Duration| {
        println!("{name}: {what:<26}{:>8.2} million facts/s", atoms / time.as_secs_f64() / 1e6);
    };
    let (written, bytes) = median(|| codec.state_to_bytes(&state))?;
    let bytes = Bytes::from(bytes);
    let (read, again) = median(|| codec.state_from_bytes(&bytes))?;
    check(codec.state_to_bytes(&again)? == bytes[..], "what is read is what was written")?;
    rate("encode to bytes", written);
    rate("decode from bytes", read);
    let (written, par) = median(|| codec.state_to_par(&state).map(|par| (par::encode(&par), par)))?;
    check(par.0 == bytes[..], "structs encode to the same bytes")?;
    let (read, again) = median(|| {
        let par = par::decode_shared(bytes.clone(), par::DEFAULT_DEPTH)?;
        Ok::<_, Box<dyn std::error::Error>>(codec.state_from_par(&par)?)
    })?;
    check(codec.state_to_bytes(&again)? == bytes[..], "what is read is what was written")?;
    rate("encode through structs", written);
    rate("decode through structs", read);
    let compiled = MettaState::compiled(Library::new(), forms);
    let (written, bytes) = median(|| codec.state_to_bytes(&compiled))?;
    let bytes = Bytes::from(bytes);
    let (read, again) = median(|| codec.state_from_bytes(&bytes))?;
    check(again.source.len() == compiled.source.len(), "every form is read")?;
    rate("encode as forms", written);
    rate("decode as forms", read);
    Ok(())
}

/// Running cheap programs on a large state.
fn calls(name: &str, codec: &Codec, n: usize) -> Result<(), Box<dyn std::error::Error>> {
    let bridge = Bridge::builder().codec(codec.clone()).build();
    let compile = |text: &str| bridge.compile_par(&Par::string(text));
    let rules = MettaState::compiled(Library::new(), metta_syntax::parse(&program(n), &Library::new()).forms);
    let loaded = bridge.run_with_cost(&Par::path_map(vec![]), &codec.state_to_par(&rules)?).result?;
    let query = compile("!(edges node7)");
    let begun = Instant::now();
    let first = bridge.run_with_cost(&loaded, &query).result?;
    println!("{name}: {:<26}{:>8.2} ms", "first query", millis(begun.elapsed()));
    let mut state = first;
    let (later, _) = median(|| {
        state = bridge.run_with_cost(&state, &query).result?;
        let output = codec.state_from_par(&state)?.output;
        check(output[0].len() == 3 && output[0][0].to_string() == "21", "the answers are the edges")
    })?;
    println!("{name}: {:<26}{:>8.2} ms, its answer read whole", "query, answer checked", millis(later));
    let (later, _) = median(|| {
        state = bridge.run_with_cost(&state, &query).result?;
        Ok::<_, metta_rholang::CallError>(())
    })?;
    println!("{name}: {:<26}{:>8.2} ms", "later query", millis(later));
    let encoded = Bytes::from(par::encode(&state));
    let compiled = Bytes::from(par::encode(&query));
    let (later, _) = median(|| bridge.run_bytes(encoded.clone(), compiled.clone()).result)?;
    println!("{name}: {:<26}{:>8.2} ms", "later query, as bytes", millis(later));
    let mut next = 0;
    state = bridge.run_with_cost(&state, &compile("(edge first 0)")).result?;
    let (grown, _) = median(|| {
        next += 1;
        let add = compile(&format!("!(add-atom &self (edge new {next})) !(edges new)"));
        state = bridge.run_with_cost(&state, &add).result?;
        Ok::<_, metta_rholang::CallError>(())
    })?;
    let output =
        codec.state_from_par(&bridge.run_with_cost(&state, &compile("!(edges new)")).result?)?.output;
    check(output[0].len() == 5, "every addition is there")?;
    println!("{name}: {:<26}{:>8.2} ms", "query that adds a fact", millis(grown));
    Ok(())
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn check(holds: bool, what: &str) -> Result<(), Box<dyn std::error::Error>> {
    if holds { Ok(()) } else { Err(format!("wrong: {what}").into()) }
}

/// Does it five times; returns the median time and the last result.
fn median<T, E>(mut work: impl FnMut() -> Result<T, E>) -> Result<(Duration, T), E> {
    let mut times = Vec::new();
    loop {
        let begun = Instant::now();
        let result = work()?;
        times.push(begun.elapsed());
        if times.len() == 5 {
            times.sort_unstable();
            return Ok((times[2], result));
        }
    }
}
