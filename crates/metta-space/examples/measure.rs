//! Measures a space of a million facts, and checks every answer.
//!
//! `cargo run --release -p metta-space --example measure [facts] [part...]`, where the parts are `bytes`, `lookups`, `joins`,
//! `file`, `changes`, `cliques` and `axioms`; all of them where none is named.
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use metta_atom::{Atom, Variable};
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

/// Random edges, and how many each node has at either side.
struct Graph {
    nodes: u64,
    edges: Vec<(u64, u64)>,
    encoded: Vec<Vec<u8>>,
    degrees: (Vec<u64>, Vec<u64>),
}

impl Graph {
    fn new(n: u64) -> Self {
        let (nodes, random) = ((n / 20).max(1), &mut Random(1));
        let edges: Vec<(u64, u64)> = (0..n).map(|_| (random.below(nodes), random.below(nodes))).collect();
        let encoded = edges.iter().map(|(from, to)| edge(Some(*from), Some(*to))).collect();
        let mut degrees: (Vec<u64>, Vec<u64>) = (vec![0; nodes as usize], vec![0; nodes as usize]);
        for (from, to) in &edges {
            degrees.0[*from as usize] += 1;
            degrees.1[*to as usize] += 1;
        }
        Graph { nodes, edges, encoded, degrees }
    }
}

/// Measures a part.
type Part<'a> = (&'a str, &'a dyn Fn(&Snapshot, &Graph));

const PARTS: [&str; 7] = ["bytes", "lookups", "joins", "file", "changes", "cliques", "axioms"];

fn main() {
    let (numbers, named): (Vec<_>, Vec<_>) =
        std::env::args().skip(1).partition(|argument| argument.parse::<u64>().is_ok());
    if let Some(unknown) = named.iter().find(|part| !PARTS.contains(&part.as_str())) {
        return println!("no part `{unknown}`; there are {}", PARTS.join(", "));
    }
    let n = numbers.first().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let is_asked = |part: &str| named.is_empty() || named.iter().any(|named| named == part);
    if PARTS[..5].iter().any(|part| is_asked(part)) {
        let graph = Graph::new(n);
        let mut space = filled(&graph);
        let parts: [Part<'_>; 4] = [
            ("bytes", &to_and_from_bytes),
            ("lookups", &all_lookups),
            ("joins", &two_steps),
            ("file", &from_file),
        ];
        parts.iter().filter(|(part, _)| is_asked(part)).for_each(|(_, measure)| measure(&space, &graph));
        if is_asked("changes") {
            changes(&mut space, graph.nodes);
        }
    }
    if is_asked("cliques") {
        cliques();
    }
    if is_asked("axioms") {
        axioms();
    }
}

fn filled(graph: &Graph) -> Snapshot {
    let n = graph.encoded.len() as u64;
    let start = Moment::now();
    let mut space = Snapshot::new();
    graph.encoded.iter().for_each(|bytes| space.add_encoded(bytes, &[]));
    show("add", start.elapsed(), n, "fact");
    let start = Moment::now();
    space.settle();
    show("settle", start.elapsed(), n, "fact");
    assert_eq!(space.len(), n);
    println!("{:<44} {:>9.1} bytes a fact", "memory", space.size_bytes() as f64 / space.distinct() as f64);
    space
}

fn to_and_from_bytes(space: &Snapshot, graph: &Graph) {
    let n = graph.encoded.len() as u64;
    let start = Moment::now();
    let bytes = space.to_bytes().expect("edges are portable");
    show("to bytes", start.elapsed(), n, "fact");
    let start = Moment::now();
    let back = Snapshot::from_bytes(&bytes).expect("the bytes are those of a space");
    show("from bytes", start.elapsed(), n, "fact");
    assert_eq!(back.to_bytes(), Ok(bytes));
}

fn all_lookups(space: &Snapshot, graph: &Graph) {
    let Graph { encoded, degrees, .. } = graph;
    let random = &mut Random(2);
    lookups(space, "first argument", random, &degrees.0, |node| edge(Some(node), None));
    let start = Moment::now();
    let pattern = edge(None, Some(0));
    for _ in 0..2 {
        assert_eq!(copies(space, &pattern), degrees.1[0]);
    }
    println!("{:<44} {:>9.0} ms", "index by the second argument", start.elapsed().as_secs_f64() * 1e3);
    lookups(space, "second argument", random, &degrees.1, |node| edge(None, Some(node)));
    whole(space, "look up whole facts", random, encoded);
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

fn whole(space: &Snapshot, what: &str, random: &mut Random, encoded: &[Vec<u8>]) {
    let n = encoded.len() as u64;
    let patterns: Vec<Vec<u8>> = (0..LOOKUPS).map(|_| encoded[random.below(n) as usize].clone()).collect();
    let start = Moment::now();
    for pattern in &patterns {
        assert_eq!(black_box(space.candidates(pattern)).len(), 1);
    }
    show(what, start.elapsed(), LOOKUPS, "query");
}

/// A space in a file: saved, opened without reading it, queried.
fn from_file(space: &Snapshot, graph: &Graph) {
    let (degrees, encoded, random) = (&graph.degrees.0, &graph.encoded, &mut Random(4));
    let folder = tempfile::tempdir().expect("a folder for a file");
    let path = folder.path().join("edges.space");
    let start = Moment::now();
    space.save(&path).expect("edges are portable");
    show("save a file", start.elapsed(), space.distinct(), "fact");
    // By the clock: the system tells running time in steps that are too long for these.
    let start = Instant::now();
    let opened = Snapshot::open(&path).expect("it was saved");
    println!("{:<44} {:>9.3} ms", "open the file", start.elapsed().as_secs_f64() * 1e3);
    let node = random.below(degrees.len() as u64);
    let start = Instant::now();
    assert_eq!(copies(&opened, &edge(Some(node), None)), degrees[node as usize]);
    println!("{:<44} {:>9.3} ms", "first query of it", start.elapsed().as_secs_f64() * 1e3);
    lookups(&opened, "first argument, in the file", random, degrees, |node| edge(Some(node), None));
    whole(&opened, "look up whole facts, in the file", random, encoded);
    assert_eq!(opened.damage(), None);
    let start = Moment::now();
    opened.check().expect("it is what was saved");
    show("check all of the file", start.elapsed(), space.distinct(), "fact");
}

/// The end of an edge in a conjunction.
#[derive(Clone, Copy)]
enum End {
    Variable(usize),
    Node(u64),
}

/// Writes the conjunction of edges.
fn edges_between(pairs: &[(End, End)]) -> Vec<u8> {
    let mut out = Writer::new();
    out.arity(1 + pairs.len());
    out.symbol(",");
    let mut introduced = Vec::new();
    for (from, to) in pairs {
        out.arity(3);
        out.symbol("edge");
        for end in [from, to] {
            match end {
                End::Node(n) => out.symbol(&format!("n{n}")),
                End::Variable(variable) => match introduced.iter().position(|known| known == variable) {
                    Some(i) => out.var_ref(i),
                    None => {
                        introduced.push(*variable);
                        out.new_var();
                    }
                },
            }
        }
    }
    out.into_bytes()
}

/// Joins of two edges, from a known node and in all.
fn two_steps(space: &Snapshot, graph: &Graph) {
    let (nodes, edges, random) = (graph.nodes, &graph.edges, &mut Random(3));
    let mut next: Vec<Vec<u64>> = vec![Vec::new(); nodes as usize];
    edges.iter().for_each(|(from, to)| next[*from as usize].push(*to));
    let steps =
        |node: u64| next[node as usize].iter().map(|middle| next[*middle as usize].len() as u64).sum::<u64>();
    let starts: Vec<u64> = (0..2_000).map(|_| random.below(nodes)).collect();
    let mut answers = 0;
    let mut time = Duration::ZERO;
    for (i, node) in starts.iter().enumerate() {
        let pattern =
            edges_between(&[(End::Node(*node), End::Variable(0)), (End::Variable(0), End::Variable(1))]);
        let start = Moment::now();
        let found = space.join(&pattern, usize::MAX).map(|answers| answers.count());
        // The first one builds the indexes.
        time += if i == 0 { Duration::ZERO } else { start.elapsed() };
        assert_eq!(found, Some(steps(*node)));
        answers += steps(*node);
    }
    show("join two steps from a node", time, answers, "answer");
    let all: u64 = (0..nodes).map(steps).sum();
    if all < 5_000_000 {
        let pattern =
            edges_between(&[(End::Variable(0), End::Variable(1)), (End::Variable(1), End::Variable(2))]);
        let start = Moment::now();
        assert_eq!(space.join(&pattern, usize::MAX).map(|answers| answers.count()), Some(all));
        show("join all two steps", start.elapsed(), all, "answer");
    }
}

/// How often cliques are looked for: running time is told in steps of milliseconds.
const CLIQUES: u32 = 20;

/// All cliques of a graph of 200 nodes and 3,600 edges.
fn cliques() {
    let random = &mut Random(6);
    const NODES: usize = 200;
    let mut linked = vec![vec![false; NODES]; NODES];
    let mut space = Snapshot::new();
    while space.len() < 3_600 {
        let (a, b) = (random.below(NODES as u64), random.below(NODES as u64));
        if a < b && !linked[a as usize][b as usize] {
            linked[a as usize][b as usize] = true;
            space.add_encoded(&edge(Some(a), Some(b)), &[]);
        }
    }
    let mut known: Vec<Vec<usize>> = (0..NODES).map(|n| vec![n]).collect();
    for size in 2..=5 {
        let grown = |clique: &Vec<usize>| {
            let clique = clique.clone();
            let joins = |n: &usize| clique.iter().all(|m| linked[*m][*n]);
            (0..NODES).filter(joins).map(|n| [&clique[..], &[n]].concat()).collect::<Vec<_>>()
        };
        known = known.iter().flat_map(grown).collect();
        let pairs: Vec<_> = (0..size)
            .flat_map(|i| (i + 1..size).map(move |j| (End::Variable(i), End::Variable(j))))
            .collect();
        let pattern = edges_between(&pairs);
        let mut time = Duration::ZERO;
        for _ in 0..CLIQUES {
            // Without the indexes that earlier ones have left.
            let mut fresh = Snapshot::new();
            space.iter().for_each(|fact| fresh.add_encoded(fact.bytes, &[]));
            let start = Moment::now();
            let found = fresh.join(&pattern, usize::MAX).map(|answers| answers.distinct());
            time += start.elapsed();
            assert_eq!(found, Some(known.len()));
        }
        let time = time / CLIQUES;
        println!(
            "{:<44} {:>9.1} ms, {} answers",
            format!("cliques of {size}"),
            time.as_secs_f64() * 1e3,
            known.len()
        );
    }
}

/// A random term over four symbols, three variables and a function of two arguments.
fn term(random: &mut Random, depth: u64) -> Atom {
    match random.below(if depth == 0 { 7 } else { 18 }) {
        n @ 0..=3 => Atom::symbol(["a", "b", "c", "d"][n as usize]),
        n @ 4..=6 => Atom::variable(["x", "y", "z"][n as usize - 4]),
        _ => {
            let (left, right) = (term(random, depth - 1), term(random, depth - 1));
            Atom::expression([Atom::symbol("f"), left, right])
        }
    }
}

/// `(, (axiom (= $l $r)) (axiom (= $r $l)))` over axioms with variables.
fn axioms() {
    let random = &mut Random(7);
    let mut space = Snapshot::new();
    let axiom = |l, r| Atom::expression([Atom::symbol("axiom"), Atom::expression([Atom::symbol("="), l, r])]);
    while space.distinct() < 1_500 {
        let (left, right) = (term(random, 4), term(random, 4));
        let known = axiom(left, right);
        let encoded = space.encode(&known);
        if space.candidates(&encoded.bytes).iter().all(|found| space.fact(found).bytes != encoded.bytes) {
            space.add(&known);
        }
    }
    let (l, r) = (Atom::variable("l"), Atom::variable("r"));
    let pattern = Atom::expression([Atom::symbol(","), axiom(l.clone(), r.clone()), axiom(r, l)]);
    let start = Moment::now();
    let answers = space.query(&pattern).len();
    let time = start.elapsed();
    println!(
        "{:<44} {:>9.0} ms, {answers} answers",
        "axioms that hold in both directions",
        time.as_secs_f64() * 1e3
    );
    assert_eq!(answers, by_loops(&space));
}

/// The number of pairs of axioms that unify when one is turned round, by comparing all.
fn by_loops(space: &Snapshot) -> usize {
    let mut fresh = 1;
    let mut sides = Vec::new();
    for fact in space.iter() {
        let rename = |fresh: &mut u64| {
            let number = |it: &Variable| {
                *fresh += 1;
                Variable::renamed(it.name().clone(), *fresh)
            };
            space.decode(fact.bytes, &fact.variables().iter().map(number).collect::<Vec<_>>())
        };
        sides.push([rename(&mut fresh), rename(&mut fresh)]);
    }
    let turned = |atom: &Atom| {
        let equation = atom.children().and_then(|children| children[1].children()).unwrap_or_default();
        Atom::expression([equation[2].clone(), equation[1].clone()])
    };
    let straight = |atom: &Atom| {
        let equation = atom.children().and_then(|children| children[1].children()).unwrap_or_default();
        Atom::expression([equation[1].clone(), equation[2].clone()])
    };
    let turned: Vec<Atom> = sides.iter().map(|[_, second]| turned(second)).collect();
    let straight: Vec<Atom> = sides.iter().map(|[first, _]| straight(first)).collect();
    let unifying =
        |atom: &Atom| turned.iter().filter(|other| metta_atom::unify(atom, other).is_some()).count();
    straight.iter().map(unifying).sum()
}

fn changes(space: &mut Snapshot, nodes: u64) {
    let random = &mut Random(5);
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
