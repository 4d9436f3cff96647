//! Where the reductions of a run go: samples of its stack, taken between two steps of its machine.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write as _};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use mettatron::eval::Machine;
use mettatron::{Atom, Observer};

use crate::progress::{bytes, count, seconds};

/// Reductions between two samples are at least these many,
const LEAST_BUDGET: u64 = 16;
/// at most these many,
const MOST_BUDGET: u64 = 1 << 13;
/// and in between so small a part of all so far.
const RESOLUTION: u64 = 1 << 12;
/// Of deeper stacks only the inner part is looked at.
const MOST_FRAMES: usize = 1 << 10;
/// An expression is known by so many letters.
const MOST_NAME: usize = 48;
/// So many functions are in the table.
const MOST_ROWS: usize = 24;

/// What was counted for a stack.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    reductions: u64,
    time: Duration,
    samples: u64,
    /// Most bytes that the machine held.
    peak_bytes: u64,
}

/// All samples of a run.
#[derive(Debug, Default)]
pub(crate) struct Profile {
    names: Vec<String>,
    /// Outermost first.
    stacks: HashMap<Vec<usize>, Tally>,
}

/// Takes the samples; gives them away when the run has dropped it.
pub(crate) struct Profiler {
    profile: Profile,
    known: HashMap<String, usize>,
    /// The expression under way.
    root: usize,
    /// The reductions of expressions that are over, and of this one at the last sample.
    before: u64,
    seen: u64,
    since: Instant,
    random: u64,
    home: Sender<Profile>,
}

impl Profiler {
    pub(crate) fn new() -> (Profiler, Receiver<Profile>) {
        let (home, receiver) = channel();
        let profiler = Profiler {
            profile: Profile::default(),
            known: HashMap::new(),
            root: 0,
            before: 0,
            seen: 0,
            since: Instant::now(),
            random: 1,
            home,
        };
        (profiler, receiver)
    }

    fn number(&mut self, name: &str) -> usize {
        if let Some(number) = self.known.get(name) {
            return *number;
        }
        let number = self.profile.names.len();
        self.profile.names.push(name.to_owned());
        self.known.insert(name.to_owned(), number);
        number
    }
}

impl Observer for Profiler {
    fn begin(&mut self, _: usize, goal: &Atom, _: &Machine) {
        self.before += std::mem::take(&mut self.seen);
        let name: String = format!("!{goal}").chars().take(MOST_NAME).collect();
        self.root = self.number(&folded(&name));
        self.since = Instant::now();
    }

    fn budget(&mut self) -> u64 {
        // A period would meet that of the program. (Knuth, MMIX)
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mean = ((self.before + self.seen) / RESOLUTION).clamp(LEAST_BUDGET, MOST_BUDGET);
        mean / 2 + (self.random >> 33) % mean
    }

    fn look(&mut self, machine: &Machine) {
        let time = self.since.elapsed();
        let reductions = machine.stats().reductions;
        let (names, deeper) = machine.stack(MOST_FRAMES);
        let mut stack = vec![self.root];
        if deeper {
            stack.push(self.number("..."));
        }
        for name in names.iter().rev() {
            let number = self.number(&folded(name.name()));
            stack.push(number);
        }
        let tally = self.profile.stacks.entry(stack).or_default();
        tally.reductions += reductions - self.seen;
        tally.time += time;
        tally.samples += 1;
        tally.peak_bytes = tally.peak_bytes.max(machine.held_bytes());
        self.seen = reductions;
        self.since = Instant::now();
    }
}

impl Drop for Profiler {
    fn drop(&mut self) {
        // The run may have been given up, with whoever asked.
        let _ = self.home.send(std::mem::take(&mut self.profile));
    }
}

/// A name as a stack of it can be folded: on one line, without the mark between names.
fn folded(name: &str) -> String {
    name.chars().map(|c| if c == ';' || c.is_whitespace() { '_' } else { c }).collect()
}

impl Profile {
    /// Writes the stacks, folded: a line for each with its reductions, for programs that draw flame graphs.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn write(&self, mut file: File) -> io::Result<()> {
        let mut lines: Vec<String> = Vec::with_capacity(self.stacks.len());
        for (stack, tally) in self.stacks.iter().filter(|(_, tally)| tally.reductions > 0) {
            let names: Vec<&str> = stack.iter().map(|number| self.names[*number].as_str()).collect();
            lines.push(format!("{} {}\n", names.join(";"), tally.reductions));
        }
        lines.sort_unstable();
        file.write_all(lines.concat().as_bytes())
    }

    /// A table by function, and what it stands for.
    pub(crate) fn table(&self) -> String {
        let mut own: HashMap<usize, Tally> = HashMap::new();
        let mut total: HashMap<usize, Tally> = HashMap::new();
        let mut all = Tally::default();
        for (stack, tally) in &self.stacks {
            add(&mut all, tally);
            if let Some(innermost) = stack.last() {
                add(own.entry(*innermost).or_default(), tally);
            }
            for number in stack.iter().collect::<BTreeSet<_>>() {
                add(total.entry(*number).or_default(), tally);
            }
        }
        let mut rows: Vec<(usize, Tally, Tally)> = total
            .into_iter()
            .map(|(number, total)| (number, own.get(&number).copied().unwrap_or_default(), total))
            .collect();
        rows.sort_by(|(a, own_a, total_a), (b, own_b, total_b)| {
            (own_b.reductions, total_b.reductions, a).cmp(&(own_a.reductions, total_a.reductions, b))
        });
        let share = |part: u64| 100.0 * part as f64 / all.reductions.max(1) as f64;
        let mut text =
            String::from("        self             total            self time   most memory  function\n");
        for (number, own, total) in rows.iter().take(MOST_ROWS) {
            // Writing to a String does not fail.
            let _ = writeln!(
                text,
                "{:>12} {:>5.1}% {:>12} {:>5.1}% {:>10} {:>13}  {}",
                count(own.reductions),
                share(own.reductions),
                count(total.reductions),
                share(total.reductions),
                seconds(own.time),
                bytes(total.peak_bytes),
                self.names[*number],
            );
        }
        if rows.len() > MOST_ROWS {
            let _ = writeln!(text, "and {} more functions", rows.len() - MOST_ROWS);
        }
        let (reductions, samples) = (count(all.reductions), count(all.samples));
        let (time, memory) = (seconds(all.time), bytes(all.peak_bytes));
        let _ = writeln!(
            text,
            "{reductions} reductions in {time}, {samples} samples, at most {memory} of terms at one of them; one thread"
        );
        text
    }
}

fn add(sum: &mut Tally, tally: &Tally) {
    sum.reductions += tally.reductions;
    sum.time += tally.time;
    sum.samples += tally.samples;
    sum.peak_bytes = sum.peak_bytes.max(tally.peak_bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_have_what_is_theirs_and_what_they_call() {
        let tally = |reductions| Tally { reductions, samples: 1, ..Tally::default() };
        let names = ["!(f)", "f", "g", "h i;j"].map(folded).to_vec();
        let stacks = [(vec![0, 1], 10), (vec![0, 1, 2], 60), (vec![0, 1, 2, 1], 20), (vec![0, 3], 10)];
        let stacks = stacks.into_iter().map(|(stack, reductions)| (stack, tally(reductions))).collect();
        let table = Profile { names, stacks }.table();
        let columns = |name: &str| {
            let line = table.lines().find(|line| line.ends_with(name)).unwrap();
            line.split_whitespace().take(4).map(str::to_owned).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(columns(" f"), "30 30.0% 90 90.0%");
        assert_eq!(columns(" g"), "60 60.0% 80 80.0%");
        assert_eq!(columns(" !(f)"), "0 0.0% 100 100.0%");
        assert_eq!(columns(" h_i_j"), "10 10.0% 10 10.0%");
        assert!(table.contains("100 reductions in 0.00 s, 4 samples"));
    }
}
