//! How evaluation scales with threads: `cargo xtask bench --scaling`.
//!
//! For each work the speed-up S over the sequential evaluator stands beside the ceiling C that the machine itself has: as
//! many sequential copies of the work as there are threads, which share nothing. Rules and facts are there before the clock
//! starts; what is made of them on demand is made in each run anew. Runs are interleaved, short ones repeated until
//! their medians hold still, and each answer is compared with the sequential one. For more threads than there are
//! processors a run on one thread is replayed.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program for the terminal that ends at any mistake"
)]

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use cpu_time::ProcessTime;
use mettatron::config::EvalConfig;
use mettatron::syntax::{Form, parse};
use mettatron::{
    CancelToken, Effect, Environment, Function, Library, MettaState, Outcome, Run, RunError, Statistics,
    run_state,
};
use tokio::runtime::{Builder, Runtime};

/// A program and what is asked of it.
struct Work {
    name: &'static str,
    text: String,
    /// What S has to reach.
    bound: Bound,
    /// Whether it is made of many expressions, so that a run can be replayed.
    batch: bool,
}

/// What the speed-up has to reach: a part of the ceiling, or of the sequential evaluator.
#[derive(Clone, Copy)]
enum Bound {
    OfCeiling(f64),
    OfSequential(f64),
}

impl Bound {
    /// What is compared, and with what.
    fn of(self, measured: &Measured) -> (f64, f64) {
        match self {
            Bound::OfCeiling(part) => (measured.ratio, part),
            // One thread waits for nobody: its processor time is what it takes, whatever else the machine does.
            Bound::OfSequential(part) if measured.threads == 1 => (1.0 / measured.work, part),
            Bound::OfSequential(part) => (measured.speedup, part),
        }
    }

    /// How the bound is written.
    fn text(self) -> String {
        match self {
            Bound::OfCeiling(part) => format!("{part:.2} C"),
            Bound::OfSequential(part) => format!("{part:.2}  "),
        }
    }
}

/// A run on one thread takes at most this part longer than the sequential evaluator.
const ONE_THREAD: f64 = 1.0 / 1.03;

/// The medians of the runs on some threads.
struct Measured {
    threads: usize,
    speedup: f64,
    ceiling: f64,
    /// The median of S / C, each of runs that followed each other.
    ratio: f64,
    sequential: Duration,
    /// The processor time of all threads as a part of that of the sequential evaluator. It says what a run costs also
    /// where others are at work.
    work: f64,
    statistics: Statistics,
}

struct Program {
    library: Library,
    /// With what stands before the first `!`.
    environment: Environment,
    forms: Vec<Form>,
}

impl Program {
    fn read(text: &str) -> Program {
        let mut library = Library::new();
        let send = |args: &[_]| Ok(args.to_vec());
        library.register(Arc::new(Function::new("send!", "(-> Atom Atom)", Effect::Outside, send)));
        let parsed = parse(text, &library);
        assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
        let mut before = parsed.forms;
        let first = before.iter().position(|form| form.run).unwrap_or(before.len());
        let forms = before.split_off(first);
        let before = MettaState::compiled(library.clone(), before);
        let environment = run_state(MettaState::new(library.clone()), before).unwrap().environment;
        Program { library, environment, forms }
    }

    /// The world as it is before the run, and what is to be run. Machines are new: they know nothing of earlier runs.
    fn states(&self) -> (MettaState, MettaState) {
        let environment = Environment::from_world(self.library.clone(), self.environment.world());
        let accumulated = MettaState { environment, ..MettaState::default() };
        (accumulated, MettaState::compiled(self.library.clone(), self.forms.clone()))
    }

    fn run(&self, how: impl FnOnce(MettaState, MettaState) -> Outcome) -> (Duration, Outcome) {
        let (accumulated, compiled) = self.states();
        let begun = Instant::now();
        let outcome = how(accumulated, compiled);
        let spent = begun.elapsed();
        assert!(outcome.error.is_none(), "{:?}", outcome.error);
        (spent, outcome)
    }

    fn sequential(&self) -> (Duration, Outcome) {
        self.run(|accumulated, compiled| Run::new().sequential(accumulated, compiled))
    }

    fn parallel(&self, runtime: &Runtime, threads: usize) -> (Duration, Outcome) {
        let config = EvalConfig { max_blocking_threads: threads, ..EvalConfig::default() };
        let run = Run::new().config(config);
        self.run(|accumulated, compiled| run.on(runtime.handle(), accumulated, compiled))
    }

    /// The time until the last of so many copies has ended.
    fn copies(&self, threads: usize) -> Duration {
        let begun = Instant::now();
        std::thread::scope(|scope| {
            (0..threads).for_each(|_| drop(scope.spawn(|| self.sequential())));
        });
        begun.elapsed()
    }

    /// What each expression costs on one thread.
    fn costs(&self) -> Vec<Duration> {
        let (sender, receiver) = channel();
        let run = Run::new().on_event(move |_| {
            // Sending fails only when nobody listens any more.
            let _ = sender.send(Instant::now());
        });
        let begun = Instant::now();
        self.run(|accumulated, compiled| run.sequential(accumulated, compiled));
        let mut before = begun;
        receiver.iter().map(|now| now - std::mem::replace(&mut before, now)).collect()
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// For how long short runs are repeated, and how often at most.
const STILL: Duration = Duration::from_secs(2);
const MOST_RUNS: usize = 31;

fn measure(program: &Program, runtime: &Runtime, threads: usize, runs: usize) -> Measured {
    let expected = program.sequential().1.state.output;
    let (mut speedups, mut ceilings, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let (mut works, mut statistics) = (Vec::new(), Statistics::default());
    let mut sequential = Duration::MAX;
    let begun = Instant::now();
    while ratios.len() < runs || ratios.len() < MOST_RUNS && begun.elapsed() < STILL {
        let begun = ProcessTime::now();
        let before = program.sequential().0;
        let alone = begun.elapsed();
        let begun = ProcessTime::now();
        let (many, outcome) = program.parallel(runtime, threads);
        works.push(begun.elapsed().as_secs_f64() / alone.as_secs_f64());
        assert_eq!(outcome.state.output, expected, "the answers differ on {threads} threads");
        let copies = program.copies(threads).as_secs_f64();
        let after = program.sequential().0;
        sequential = sequential.min(before).min(after);
        let one = (before + after).as_secs_f64() / 2.0;
        let (speedup, ceiling) = (one / many.as_secs_f64(), threads as f64 * one / copies);
        speedups.push(speedup);
        ceilings.push(ceiling);
        ratios.push(speedup / ceiling);
        statistics = outcome.statistics;
    }
    Measured {
        threads,
        speedup: median(speedups),
        ceiling: median(ceilings),
        ratio: median(ratios),
        work: median(works),
        sequential,
        statistics,
    }
}

/// Work in rounds of a loop.
const LOOP: &str = "(= (work $n) (if (== $n 0) done (work (- $n 1))))";

const QUEENS: &str = "
(= (upto $n $list) (if (== $n 0) $list (let $more (cons-atom $n $list) (upto (- $n 1) $more))))
(= (safe $queen $distance $placed)
   (if (== $placed ()) True
       (let* (($other (car-atom $placed)) ($rest (cdr-atom $placed)))
          (if (== $other $queen) False
              (if (== $other (+ $queen $distance)) False
                  (if (== $other (- $queen $distance)) False
                      (safe $queen (+ $distance 1) $rest)))))))
(= (queens $k $columns $placed)
   (if (== $k 0) $placed
       (let $queen (superpose $columns)
          (if (safe $queen 1 $placed)
              (let $more (cons-atom $queen $placed) (queens (- $k 1) $columns $more))
              (empty)))))";

const PATHS: &str = "
(= (find_any_path $from $to $left)
   (if (== $from $to) ($to)
       (if (== $left 0) (empty)
           (let $next (match &self (road $from $next) $next)
              (let $rest (find_any_path $next $to (- $left 1)) (cons-atom $from $rest))))))\n";

/// All paths of bounded length in a map.
fn map(nodes: u32, roads: u32, length: u32) -> String {
    let mut text = PATHS.to_owned();
    // A linear congruence makes the same map everywhere.
    let mut seed = 12_345u32;
    for from in 0..nodes {
        for _ in 0..roads {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            writeln!(text, "(road {from} {})", (seed >> 8) % nodes).unwrap();
        }
    }
    text + &format!("!(let $all (collapse (find_any_path 0 1 {length})) (size-atom $all))")
}

fn batch(n: u32, rounds: u32, expression: impl Fn(u32, u32) -> String) -> String {
    (0..n).fold(LOOP.to_owned(), |text, i| text + "\n!" + &expression(i, rounds + i % 7))
}

/// How many rounds take a microsecond.
fn rounds_per_microsecond() -> f64 {
    let rounds = 2_000_000;
    let program = Program::read(&format!("{LOOP} !(work {rounds})"));
    program.sequential();
    f64::from(rounds) / (program.sequential().0.as_secs_f64() * 1e6)
}

fn works() -> Vec<Work> {
    let speed = rounds_per_microsecond();
    let rounds = |microseconds: f64| (microseconds * speed) as u32;
    let plain = |_: u32, rounds: u32| format!("(work {rounds})");
    let noting = |i: u32, rounds: u32| match i % 2 {
        0 => format!("(let $done (work {rounds}) (add-atom &self (seen {i} $done)))"),
        _ => plain(i, rounds),
    };
    let sending = |i: u32, rounds: u32| match i % 2 {
        0 => format!("(report {i} {rounds})"),
        _ => plain(i, rounds),
    };
    let outside = format!(
        "(= (report $i $n) (let $done (work $n) (send! ($i $done))))\n{}",
        batch(2_000, rounds(100.0), sending)
    );
    let counting = |_: u32, rounds: u32| {
        format!(
            "(let* (($n (match &self (counter $n) $n)) ($done (work {rounds})) ($m (+ $n 1)) \
             ($gone (remove-atom &self (counter $n)))) (add-atom &self (counter $m)))"
        )
    };
    let queens = |n: u32| format!("{QUEENS}\n!(queens {n} (upto {n} ()) ())");
    let collapsed = format!("{QUEENS}\n!(let $all (collapse (queens 10 (upto 10 ()) ())) (size-atom $all))");
    let counter = format!("(counter 0)\n{}", batch(2_000, rounds(100.0), counting));
    let deterministic = format!("{LOOP}\n!(work {})", rounds(400_000.0));
    let work = |name, text, bound, batch| Work { name, text, bound: Bound::OfCeiling(bound), batch };
    let alone = |name, text, bound, batch| Work { name, text, bound: Bound::OfSequential(bound), batch };
    vec![
        work("1,000 of 100 µs", batch(1_000, rounds(100.0), plain), 0.97, true),
        work("10,000 of 10 µs", batch(10_000, rounds(10.0), plain), 0.93, true),
        alone("50,000 of 1 µs", batch(50_000, rounds(0.5), plain), 1.0, true),
        work("half write", batch(2_000, rounds(100.0), noting), 0.8, true),
        // One thread has half of the work, whatever the others do.
        work("half outside", outside, 0.8, false),
        // At most 10 % slower.
        alone("all conflict", counter, 1.0 / 1.1, false),
        work("8 queens", queens(8), 0.9, false),
        work("10 queens", queens(10), 0.9, false),
        work("10 queens, collapsed", collapsed, 0.9, false),
        work("paths on a map", map(2_000, 7, 6), 0.9, false),
        work("longer paths", map(2_000, 7, 7), 0.9, false),
        // It loses at most 2 %.
        alone("deterministic", deterministic, 0.98, false),
    ]
}

/// Replays costs on some threads: whoever is free takes a chunk, as long as the scheduler would make it.
fn replay(costs: &[Duration], threads: usize, chunk_cost: Duration) -> f64 {
    let mut busy = vec![Duration::ZERO; threads];
    let total: Duration = costs.iter().sum();
    let mean = total.as_nanos() / costs.len().max(1) as u128;
    let mut next = 0;
    while next < costs.len() {
        let worker = (0..threads).min_by_key(|worker| busy[*worker]).unwrap();
        let by_cost = (200_000 / mean.max(1)) as usize;
        let fair = (costs.len() - next).div_ceil(2 * threads);
        let end = costs.len().min(next + by_cost.clamp(1, fair));
        busy[worker] += costs[next..end].iter().sum::<Duration>() + chunk_cost;
        next = end;
    }
    total.as_secs_f64() / busy.iter().max().unwrap().as_secs_f64()
}

/// Prints what a replay says of more threads, if it agrees with what was measured.
fn simulate(program: &Program, measured: &[Measured]) {
    const CHUNK_COST: Duration = Duration::from_micros(2);
    let costs = program.costs();
    let agrees = measured.iter().all(|it| {
        // The replay has processors to itself: what it says is a part of the ceiling.
        let predicted = replay(&costs, it.threads, CHUNK_COST) / it.threads as f64;
        (predicted - it.ratio).abs() <= 0.05
    });
    if !agrees {
        println!("{:<22}no simulation: a replay does not agree with what was measured", "");
        return;
    }
    let predicted = [4, 8, 16, 32, 64].map(|n| format!("{n}: {:.2}", replay(&costs, n, CHUNK_COST)));
    println!("{:<22}simulated, not measured: S on {}", "", predicted.join("  "));
}

fn report(work: &Work, measured: &Measured) {
    let Measured { threads, speedup, ceiling, ratio, sequential, work: cost, statistics } = measured;
    let n = *threads as f64;
    let serial = match threads {
        1 => "     -".to_owned(),
        _ => format!("{:5.1}%", 100.0 * (1.0 / speedup - 1.0 / n) / (1.0 - 1.0 / n)),
    };
    let bound = if *threads > 1 { work.bound } else { Bound::OfSequential(ONE_THREAD) };
    let (reached, wanted) = bound.of(measured);
    let shown = if *threads > 1 { *ratio } else { reached };
    let missed = if reached < wanted { "missed" } else { "" };
    println!(
        "{:<22}{threads:>3}{:>9.1} ms{speedup:>7.2}{ceiling:>7.2}{shown:>7.3} /{} {missed:<7}{serial}{:>8.3}%",
        work.name,
        sequential.as_secs_f64() * 1e3,
        bound.text(),
        100.0 * statistics.locked.as_secs_f64() / (sequential.as_secs_f64()),
    );
    if *threads > 1 {
        let Statistics { chunks, retries, conflicts, blocked, vain, forks, merged, forking, .. } = statistics;
        println!(
            "{:<22}work {cost:.3}, chunks {chunks}, retries {retries}, conflicts {conflicts}, blocked {blocked}, vain {vain}, \
             forks {forks}, merged {merged}, forking {forking:.1?}",
            ""
        );
    }
}

/// A drawing of S and C by threads.
fn drawing(name: &str, measured: &[Measured]) -> String {
    let most = measured.last().map_or(1, |it| it.threads) as f64;
    let line = |color: &str, value: fn(&Measured) -> f64| {
        let mut points = String::new();
        for it in measured {
            let (x, y) = (40.0 + 300.0 * it.threads as f64 / most, 220.0 - 180.0 * value(it) / most);
            write!(points, "{x:.1},{y:.1} ").unwrap();
        }
        format!("<polyline fill=\"none\" stroke=\"{color}\" stroke-width=\"2\" points=\"{points}\"/>")
    };
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"380\" height=\"250\" font-family=\"sans-serif\" \
         font-size=\"12\"><text x=\"40\" y=\"20\">{name}: S (blue) and C (grey) on 1 to {most} threads</text>\
         <path d=\"M40 40V220H350\" stroke=\"black\" fill=\"none\"/>{}{}</svg>\n",
        line("grey", |it| it.ceiling),
        line("blue", |it| it.speedup),
    )
}

/// The processor time that something takes, on all threads.
fn work_of(work: impl FnOnce()) -> Duration {
    let begun = ProcessTime::now();
    work();
    begun.elapsed()
}

/// Prints what it costs to wait for a run. Times are of the processor; blocks of both kinds of runs take turns.
fn waiting(runtime: &Runtime, runs: usize) {
    let one = Program::read("!(+ 1 1)");
    let many = Program::read(&"!(+ 1 1)\n".repeat(10_000));
    for (name, program, n, bound) in
        [("one expression, async", &one, 200, 20.0), ("10,000, async", &many, 1, 1.0)]
    {
        let each = (program.forms.len() * n) as f64;
        let overheads = (0..runs.max(15)).map(|_| {
            let plain = || work_of(|| (0..n).for_each(|_| drop(program.sequential())));
            let before = plain();
            let awaited = work_of(|| {
                for _ in 0..n {
                    let (accumulated, compiled) = program.states();
                    let run = Run::new().spawn(accumulated, compiled);
                    let outcome = runtime.block_on(run).unwrap();
                    assert_eq!(outcome.state.output.len(), program.forms.len());
                }
            });
            let plain = (before + plain()).as_secs_f64() / 2.0;
            (awaited.as_secs_f64() - plain) * 1e6 / each
        });
        let overhead = median(overheads.collect());
        let missed = if overhead > bound { "missed" } else { "" };
        println!(
            "{name:<22}{overhead:>15.2} µs each over the sequential run, at most {bound:.0} µs {missed}"
        );
    }
}

/// Prints how far a run goes that was cancelled.
fn cancelling(runtime: &Runtime, runs: usize) {
    let endless = "(= (forever $n) (forever (+ $n 1))) !(forever 0)";
    // Much is alive when garbage is collected.
    let tree = "
        (= (tree $n $k)
           (if (== $n 0) (leaf $k) (node (tree (- $n 1) (* 2 $k)) (tree (- $n 1) (+ 1 (* 2 $k))))))
        (= (trees $k) (let $tree (tree 15 $k) (trees (+ $k 1))))
        !(trees 1)";
    // Long lists are put together.
    let list = "
        (= (most $n) $n)
        (= (most $n) (if (== $n 0) (empty) (most (- $n 1))))
        (= (lists $k) (let $list (collapse (most 200000)) (lists (+ $k 1))))
        !(lists 1)";
    for (name, text, every) in
        [("cancel, endless", endless, 1), ("cancel, tree", tree, 37), ("cancel, list", list, 41)]
    {
        let program = Program::read(text);
        let after = (0..runs.max(21)).map(|n| {
            let token = CancelToken::new();
            let (accumulated, compiled) = program.states();
            let run = Run::new().cancel(token.clone());
            std::thread::scope(|scope| {
                let thread = scope.spawn(|| run.on(runtime.handle(), accumulated, compiled));
                // Nobody answers.
                let (_open, silent) = channel::<()>();
                let _ = silent.recv_timeout(Duration::from_millis(20 + every * n as u64));
                let (cancelled, processor) = (Instant::now(), ProcessTime::now());
                token.cancel();
                let outcome = thread.join().unwrap();
                assert!(matches!(outcome.error, Some(RunError::Cancelled)), "{:?}", outcome.error);
                // One thread has worked, for neither longer than this. The clock of the process counts what other
                // threads do at the ticks of the system: up to some milliseconds of it are from before.
                cancelled.elapsed().min(processor.elapsed()).as_secs_f64() * 1e3
            })
        });
        let mut after: Vec<f64> = after.collect();
        after.sort_by(f64::total_cmp);
        let (middle, worst) = (after[after.len() / 2], after[after.len() - 1]);
        let missed = if worst > 1.0 { "missed" } else { "" };
        println!(
            "{name:<22}{middle:>15.2} ms of work in the middle, {worst:.2} ms at most, of 1 ms {missed}"
        );
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        arguments.get(place + 1).cloned()
    };
    let runs: usize = value("--runs").map_or(5, |runs| runs.parse().unwrap());
    let only = value("--only").unwrap_or_default();
    let processors = available_parallelism().map_or(1, usize::from);
    let most: usize = value("--threads").map_or(processors, |threads| threads.parse().unwrap());
    let runtime = Builder::new_multi_thread().worker_threads(1).build().unwrap();
    println!(
        "{:<22}{:>3}{:>12}{:>7}{:>7}{:>13}{:>14}{:>9}",
        "work", "n", "sequential", "S", "C", "S/C /bound  ", "serial", "locked"
    );
    if "waiting".contains(&only) {
        waiting(&runtime, runs);
    }
    if "cancelling".contains(&only) {
        cancelling(&runtime, runs);
    }
    for work in works().iter().filter(|work| work.name.contains(&only)) {
        let program = Program::read(&work.text);
        let measured: Vec<Measured> =
            (1..=most).map(|threads| measure(&program, &runtime, threads, runs)).collect();
        measured.iter().for_each(|it| report(work, it));
        if work.batch {
            simulate(&program, &measured);
        }
        if let Some(folder) = value("--svg") {
            let file = work.name.replace([' ', ',', 'µ'], "_");
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(format!("{folder}/{file}.svg"), drawing(work.name, &measured)).unwrap();
        }
    }
}
