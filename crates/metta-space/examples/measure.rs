//! Measures a space of a million facts, and checks every answer.
//!
//! `cargo run --release -p metta-space --example measure [facts]`
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use metta_space::Snapshot;
use metta_space::bytes::Writer;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % n
    }
}

/// Writes `(edge from to)`, with variables for what is not given.
fn edge(from: Option<u64>, to: Option<u64>) -> Vec<u8> {
    let mut out = Writer::new();
    out.arity(3);
    out.symbol("edge");
    for end in [from, to] {
        match end {
            Some(n) => out.symbol(&format!("n{n}")),
            None => out.new_var(),
        }
    }
    out.into_bytes()
}

/// A moment, in the time that this thread has been running if the system tells, else by the clock.
struct Moment(Instant, Option<u64>);

impl Moment {
    fn now() -> Self {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        Moment(Instant::now(), text.split_whitespace().next().and_then(|ns| ns.parse().ok()))
    }

    fn elapsed(&self) -> Duration {
        let now = Moment::now();
        match (self.1, now.1) {
            (Some(before), Some(after)) => Duration::from_nanos(after - before),
            _ => now.0 - self.0,
        }
    }
}

fn show(what: &str, time: Duration, n: u64, unit: &str) {
    println!("{what:<44} {:>9.3} µs a {unit}", time.as_secs_f64() * 1e6 / n as f64);
}

fn main() {
    let n: u64 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let nodes = (n / 20).max(1);
    let random = &mut Random(1);
    let edges: Vec<(u64, u64)> = (0..n).map(|_| (random.below(nodes), random.below(nodes))).collect();
    let encoded: Vec<Vec<u8>> = edges.iter().map(|(from, to)| edge(Some(*from), Some(*to))).collect();
    let mut degrees: (Vec<u64>, Vec<u64>) = (vec![0; nodes as usize], vec![0; nodes as usize]);
    for (from, to) in &edges {
        degrees.0[*from as usize] += 1;
        degrees.1[*to as usize] += 1;
    }

    let start = Moment::now();
    let mut space = Snapshot::new();
    encoded.iter().for_each(|bytes| space.add_encoded(bytes, &[]));
    show("add", start.elapsed(), n, "fact");
    let start = Moment::now();
    space.settle();
    show("settle", start.elapsed(), n, "fact");
    assert_eq!(space.len(), n);
    println!("{:<44} {:>9.1} bytes a fact", "memory", space.size_bytes() as f64 / space.distinct() as f64);

    lookups(&space, "first argument", random, &degrees.0, |node| edge(Some(node), None));
    let start = Moment::now();
    let pattern = edge(None, Some(0));
    for _ in 0..2 {
        assert_eq!(copies(&space, &pattern), degrees.1[0]);
    }
    println!("{:<44} {:>9.0} ms", "index by the second argument", start.elapsed().as_secs_f64() * 1e3);
    lookups(&space, "second argument", random, &degrees.1, |node| edge(None, Some(node)));
    let start = Moment::now();
    for _ in 0..LOOKUPS {
        let bytes = &encoded[random.below(n) as usize];
        assert_eq!(black_box(space.candidates(bytes)).len(), 1);
    }
    show("look up whole facts", start.elapsed(), LOOKUPS, "query");
    churn(&mut space, random, nodes);
}

const LOOKUPS: u64 = 200_000;

fn copies(space: &Snapshot, pattern: &[u8]) -> u64 {
    space.candidates(pattern).iter().map(|found| found.count).sum()
}

fn lookups(
    space: &Snapshot,
    what: &str,
    random: &mut Random,
    degrees: &[u64],
    pattern: impl Fn(u64) -> Vec<u8>,
) {
    let patterns: Vec<(u64, Vec<u8>)> = (0..LOOKUPS)
        .map(|_| random.below(degrees.len() as u64))
        .map(|node| (degrees[node as usize], pattern(node)))
        .collect();
    let start = Moment::now();
    for (expected, pattern) in &patterns {
        assert_eq!(copies(space, pattern), *expected);
    }
    show(&format!("look up by the {what}"), start.elapsed(), LOOKUPS, "query");
}

fn churn(space: &mut Snapshot, random: &mut Random, nodes: u64) {
    let fresh: Vec<Vec<u8>> =
        (0..LOOKUPS).map(|i| edge(Some(nodes + i), Some(random.below(nodes)))).collect();
    let start = Moment::now();
    for bytes in &fresh {
        space.add_encoded(bytes, &[]);
        assert!(space.remove_encoded(bytes, &[]));
    }
    show("add and remove", start.elapsed(), LOOKUPS, "pair");
    let start = Moment::now();
    for bytes in &fresh {
        let held = space.clone();
        space.add_encoded(bytes, &[]);
        black_box(held);
    }
    show("add while a clone is held", start.elapsed(), LOOKUPS, "fact");
    let start = Moment::now();
    for bytes in &fresh {
        assert!(space.remove_encoded(bytes, &[]));
    }
    show("remove", start.elapsed(), LOOKUPS, "fact");
    let start = Moment::now();
    for bytes in &fresh {
        space.add_encoded(bytes, &[]);
        assert_eq!(space.candidates(bytes).len(), 1);
    }
    show("add and look up", start.elapsed(), LOOKUPS, "pair");
}
