//! Reading and storing, one layer at a time. `cargo xtask bench` measures whole programs.
//!
//! Every answer is checked before it is timed. For numbers to compare, run base and change on
//! the same idle machine: `cargo bench -p metta-benches -- --save-baseline base`, then with
//! the change `cargo bench -p metta-benches -- --baseline base`.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use metta_benches::facts;
use metta_space::Snapshot;
use mettatron::Atom;

const N_FACTS: u32 = 10_000;

fn atoms(text: &str) -> Vec<Atom> {
    metta_syntax::parse(text, &()).forms.into_iter().map(|form| form.atom).collect()
}

fn filled(atoms: &[Atom]) -> Snapshot {
    let mut space = Snapshot::new();
    for atom in atoms {
        space.add(atom);
    }
    space
}

fn reading(c: &mut Criterion) {
    let text = facts(N_FACTS);
    assert_eq!(atoms(&text).len(), N_FACTS as usize);
    let mut group = c.benchmark_group("syntax");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("parse facts", |b| b.iter(|| metta_syntax::parse(black_box(&text), &())));
    group.finish();
}

fn storing(c: &mut Criterion) {
    let atoms = atoms(&facts(N_FACTS));
    let space = filled(&atoms);
    assert_eq!(space.len(), u64::from(N_FACTS));
    let pattern = Atom::expression([
        Atom::symbol("edge"),
        Atom::symbol("node42"),
        Atom::variable("to"),
        Atom::variable("id"),
    ]);
    assert_eq!(space.query(&pattern).len(), N_FACTS as usize / 100);

    let mut group = c.benchmark_group("space");
    group.throughput(Throughput::Elements(u64::from(N_FACTS)));
    group.bench_function("add facts", |b| b.iter(|| filled(black_box(&atoms))));
    group.throughput(Throughput::Elements(u64::from(N_FACTS) / 100));
    group.bench_function("query by prefix", |b| b.iter(|| space.query(black_box(&pattern))));
    group.throughput(Throughput::Elements(1));
    group.bench_function("copy", |b| b.iter_batched(|| (), |()| space.clone(), BatchSize::SmallInput));
    group.finish();
}

criterion_group!(benches, reading, storing);
criterion_main!(benches);
