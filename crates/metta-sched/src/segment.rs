//! A piece of a batch that several threads evaluate ahead of its commit.
//!
//! ```text
//! coordinator  claim 0..4 ─ eval ─ commit 0,1,.. ─ claim ─ eval ─ commit ...
//! helper       claim 4..8 ─ eval ─ report ─ claim ─ eval ─ report
//! ```
//!
//! All expressions of a segment start from one world. Indices count from its first
//! expression. Threads claim them in rising order and in chunks: small at first, then
//! as large as the measured cost suggests. A chunk is meant to be short: when an
//! expression of it takes long, the rest goes back, so that it waits for nobody.
//!
//! Invariant S1: every index below `end` is claimed, and at most one thread has it. `end`
//! only falls, and only to a place behind an expression after which the others are not
//! wanted.

use std::ops::{ControlFlow, Range};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use metta_atom::Atom;
use metta_eval::{Effect, Interrupt, Limits, World};
use metta_sync::{Claims, Held, Places, Ranked};
use tokio::runtime::Handle;

use crate::forks::{Current, Forks, Place};
use crate::monitor::{Monitor, Role};
use crate::worker::{Ended, Finished, Machines, Output, Task, Worker};

/// A claim of a chunk, and a report, should be a small part of this.
const CHUNK: Duration = Duration::from_micros(200);
/// A helper that has worked for so long lets other tasks of the runtime come first.
const SHIFT: Duration = Duration::from_millis(10);
/// A chunk that takes longer is shared.
const LONG_CHUNK: Duration = Duration::from_millis(2);

/// The expressions and where their evaluation starts.
pub(crate) struct Segment {
    pub(crate) goals: Vec<Atom>,
    /// The position of the first in the program.
    base: usize,
    pub(crate) world: World,
    pub(crate) limits: Limits,
    time: Option<Duration>,
    interrupt: Interrupt,
    /// Whether an `Error` among the results makes the later ones unwanted.
    pub(crate) stop_at_error: bool,
    first_chunk: usize,
    threads: usize,
    forks: Option<Forks>,
    /// Which expressions are not evaluated ahead of their turn.
    in_turn: Vec<bool>,
    /// How many threads evaluate at this moment.
    pub(crate) evaluating: Places,
    queue: Ranked<Queue, 1>,
}

struct Queue {
    claims: Claims,
    chunks: u64,
    finished: u32,
    spent: Duration,
    /// Time that claims waited for and held the lock, and how often else it was held.
    locked: Duration,
    looks: u32,
    largest: usize,
    /// How many helpers should leave.
    surplus: usize,
}

/// What a helper tells the coordinator.
pub(crate) enum Report {
    /// Lines of an expression that goes on.
    Output(usize, Output),
    /// The end of one; the flag tells whether a step of it took long.
    Ended(usize, Speculated, bool),
}

/// How an evaluation ahead of its commit ended.
pub(crate) enum Speculated {
    /// With all results.
    Done { finished: Finished, change: Change },
    /// Without; never `Ended::Done`.
    Not(Ended),
    /// Not at all: it waits for its turn.
    InTurn,
}

/// What an evaluation did to the world.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    None,
    /// Facts were added or removed; the footprint has them.
    Facts,
    Other,
}

impl Change {
    fn of(finished: &Finished, before: &World) -> Change {
        if finished.world.same_as(before) {
            return Change::None;
        }
        let noted = finished.footprint.writes.as_ref().zip(finished.world.spaces_changed_since(before));
        let all = noted.is_some_and(|(writes, spaces)| {
            spaces.iter().all(|changed| writes.iter().any(|(space, ..)| space == changed))
        });
        if all { Change::Facts } else { Change::Other }
    }
}

/// How a segment is to be evaluated.
pub(crate) struct Plan {
    /// The position of the first expression in the program.
    pub(crate) base: usize,
    pub(crate) limits: Limits,
    pub(crate) time: Option<Duration>,
    pub(crate) interrupt: Interrupt,
    pub(crate) stop_at_error: bool,
    /// How many expressions a thread takes at once while their cost is unknown.
    pub(crate) first_chunk: usize,
    /// How many threads there may be, the coordinator included.
    pub(crate) threads: usize,
    /// How one expression may spread over threads that have none.
    pub(crate) forks: Option<Forks>,
    /// Which expressions are not evaluated ahead of their turn.
    pub(crate) in_turn: Vec<bool>,
}

impl Segment {
    pub(crate) fn new(goals: Vec<Atom>, world: World, plan: Plan) -> Self {
        let queue = Queue {
            claims: Claims::new(goals.len()),
            chunks: 0,
            finished: 0,
            spent: Duration::ZERO,
            locked: Duration::ZERO,
            looks: 0,
            largest: 0,
            surplus: 0,
        };
        Segment {
            goals,
            base: plan.base,
            evaluating: Places::new(),
            world,
            limits: plan.limits,
            time: plan.time,
            interrupt: plan.interrupt,
            stop_at_error: plan.stop_at_error,
            first_chunk: plan.first_chunk.max(1),
            threads: plan.threads.max(1),
            forks: plan.forks,
            in_turn: plan.in_turn,
            queue: Ranked::new(queue),
        }
    }

    fn with_queue<T>(&self, f: impl FnOnce(&mut Queue) -> T) -> T {
        f(&mut self.queue.lock(&mut Held::root()).0)
    }

    /// Claims the next chunk, and adds what the last one cost to the measure.
    pub(crate) fn claim(&self, spent: Duration, finished: u32) -> Option<Range<usize>> {
        let asked = Instant::now();
        self.with_queue(|queue| {
            queue.spent += spent;
            queue.finished += finished;
            let by_cost = match queue.average() {
                None => self.first_chunk,
                Some(average) => {
                    usize::try_from(CHUNK.as_nanos() / average.as_nanos().max(1)).unwrap_or(usize::MAX)
                }
            };
            // The last chunks are small, so that the threads end together.
            let fair = queue.claims.unclaimed().div_ceil(self.threads.saturating_mul(2));
            let claimed = queue.take(by_cost.clamp(1, fair.max(1)));
            queue.largest = queue.largest.max(claimed.as_ref().map_or(0, Range::len));
            queue.locked += asked.elapsed();
            claimed
        })
    }

    /// Lets so many helpers more leave, or fewer.
    pub(crate) fn dismiss(&self, more: usize, fewer: usize) {
        self.with_queue(|queue| queue.surplus = (queue.surplus + more).saturating_sub(fewer));
    }

    /// Reports whether a helper should leave, which it then has to do.
    fn dismisses(&self) -> bool {
        self.with_queue(|queue| {
            let leaves = queue.surplus > 0;
            queue.surplus -= usize::from(leaves);
            leaves
        })
    }

    /// Adds what the last chunk of a thread that leaves cost to the measure.
    fn note(&self, chunk: &Chunk<'_>) {
        self.with_queue(|queue| {
            queue.spent += chunk.started.elapsed();
            queue.finished += chunk.finished;
        });
    }

    /// Gives back the rest of a chunk; later expressions come after earlier ones.
    pub(crate) fn give_back(&self, rest: Range<usize>) {
        self.with_queue(|queue| queue.claims.give_back(rest));
    }

    /// Declares indices from `end` on unwanted (S1).
    pub(crate) fn cut(&self, end: usize) {
        self.with_queue(|queue| queue.claims.cut(end));
    }

    /// Reports whether the result at `index` may still be needed.
    pub(crate) fn wants(&self, index: usize) -> bool {
        self.with_queue(|queue| {
            queue.looks += 1;
            queue.claims.wants(index)
        })
    }

    /// Returns how many expressions nobody has claimed.
    pub(crate) fn unclaimed(&self) -> usize {
        self.with_queue(|queue| queue.claims.unclaimed())
    }

    /// Returns the mean cost of an expression, once one is known.
    pub(crate) fn average(&self) -> Option<Duration> {
        self.with_queue(|queue| queue.average())
    }

    /// Returns the time under the lock, where only claims are measured, and the length of the longest chunk.
    pub(crate) fn locked(&self) -> (Duration, usize) {
        self.with_queue(|queue| {
            let claims = u32::try_from(queue.chunks).unwrap_or(u32::MAX).max(1);
            (queue.locked + queue.locked / claims * queue.looks, queue.largest)
        })
    }

    /// Returns how many expressions were claimed, and in how many chunks.
    pub(crate) fn claimed(&self) -> (usize, u64) {
        self.with_queue(|queue| (queue.claims.taken(), queue.chunks))
    }

    /// Evaluates the expression at `index` ahead of its turn, on a copy of the world.
    pub(crate) fn evaluate(
        &self,
        index: usize,
        worker: &mut Worker,
        between: impl FnMut(&mut Output) -> ControlFlow<()>,
    ) -> Speculated {
        if self.in_turn[index] {
            return Speculated::InTurn;
        }
        let task = Task {
            goal: &self.goals[index],
            index: self.base + index,
            limits: &self.limits,
            time: self.time,
            allowed: Effect::Prints,
            forks: self.forks.as_ref(),
            streams: false,
            interrupt: &self.interrupt,
        };
        self.evaluating.take();
        let ended = worker.evaluate(task, self.world.clone(), between);
        self.evaluating.leave();
        self.settle(index, ended)
    }

    /// Classifies an ending, and declares later expressions unwanted where it shows that.
    fn settle(&self, index: usize, ended: Ended) -> Speculated {
        let (settled, last) = match ended {
            Ended::Done(finished) => {
                let change = Change::of(&finished, &self.world);
                let wrong = self.stop_at_error && finished.atoms.iter().any(Atom::is_error);
                let last = change == Change::Other || wrong;
                (Speculated::Done { finished, change }, last)
            }
            Ended::Failed(..) | Ended::Late(_) => (Speculated::Not(ended), true),
            Ended::Panicked(_) => (Speculated::Not(ended), self.stop_at_error),
            Ended::Blocked(_) | Ended::Dropped => (Speculated::Not(ended), false),
        };
        if last {
            // If this result stands, it is the last one of the segment; if it does not,
            // then because an earlier one is.
            self.cut(index + 1);
        }
        settled
    }
}

impl Queue {
    /// Takes up to `size` of the first expressions that nobody has.
    fn take(&mut self, size: usize) -> Option<Range<usize>> {
        let (claimed, again) = self.claims.take(size)?;
        self.chunks += u64::from(!again);
        Some(claimed)
    }

    fn average(&self) -> Option<Duration> {
        self.spent.checked_div(self.finished)
    }
}

/// A chunk that one thread works through.
pub(crate) struct Chunk<'a> {
    segment: &'a Segment,
    started: Instant,
    finished: u32,
    next: usize,
    end: usize,
}

impl<'a> Chunk<'a> {
    /// Claims a chunk. `before` is the one that the same thread had before.
    pub(crate) fn claim(segment: &'a Segment, before: Option<Chunk<'a>>) -> Option<Self> {
        let claimed = match before {
            None => segment.claim(Duration::ZERO, 0),
            Some(chunk) => segment.claim(chunk.started.elapsed(), chunk.finished),
        };
        claimed.map(|range| Chunk {
            segment,
            started: Instant::now(),
            finished: 0,
            next: range.start,
            end: range.end,
        })
    }

    /// Takes the next expression out.
    pub(crate) fn next(&mut self) -> Option<usize> {
        let index = self.next;
        (index < self.end).then(|| {
            self.next += 1;
            self.finished += 1;
            index
        })
    }

    /// Gives back what is left when the chunk has become a long one.
    pub(crate) fn share(&mut self) {
        if self.next < self.end && self.started.elapsed() > LONG_CHUNK {
            self.segment.give_back(self.next..self.end);
            self.end = self.next;
        }
    }
}

/// One who evaluates chunks on the blocking pool.
pub(crate) struct Helper {
    pub(crate) segment: Arc<Segment>,
    pub(crate) machines: Arc<Machines>,
    pub(crate) place: Place,
    pub(crate) reports: Sender<Report>,
    pub(crate) monitor: Option<Monitor>,
    pub(crate) runtime: Handle,
    /// Held for as long as the helper counts as a task of its run.
    pub(crate) _in_flight: Arc<()>,
}

impl Helper {
    /// Evaluates chunks until none is left. After a shift everything else that waits for a thread of the pool comes first.
    pub(crate) fn help(self) {
        if self.shift() {
            let runtime = self.runtime.clone();
            // A runtime that is shutting down drops the helper, and the coordinator does without.
            drop(runtime.spawn_blocking(move || self.help()));
        }
    }

    /// Evaluates chunks for a while; reports whether there may be more.
    fn shift(&self) -> bool {
        let Helper { segment, machines, place, reports, .. } = self;
        let begun = Instant::now();
        let mut worker = machines.seated_worker(self.monitor.as_ref(), Role::Helper);
        let _current = Current::enter(place.crew());
        let mut before = None;
        while let Some(mut chunk) = Chunk::claim(segment, before) {
            while let Some(index) = chunk.next() {
                if !segment.wants(index) || !evaluate(segment, &mut chunk, index, &mut worker, reports) {
                    return false;
                }
            }
            let over = begun.elapsed() > SHIFT;
            if over || segment.dismisses() {
                segment.note(&chunk);
                return over;
            }
            before = Some(chunk);
        }
        false
    }
}

/// Evaluates an expression and reports on it; answers whether a helper is still wanted.
fn evaluate(
    segment: &Segment,
    chunk: &mut Chunk<'_>,
    index: usize,
    worker: &mut Worker,
    reports: &Sender<Report>,
) -> bool {
    let ended = segment.evaluate(index, worker, |output| {
        chunk.share();
        // A coordinator that is gone wants nothing: `wants` says so.
        if !output.is_empty() {
            let _ = reports.send(Report::Output(index, std::mem::take(output)));
        }
        if segment.wants(index) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    let dropped = matches!(ended, Speculated::Not(Ended::Dropped));
    !dropped && reports.send(Report::Ended(index, ended, worker.take_waited())).is_ok()
}

#[cfg(test)]
mod tests {
    use metta_eval::World;

    use super::*;

    fn segment(n: usize, first_chunk: usize, threads: usize) -> Segment {
        let limits = Limits::default();
        let plan = Plan {
            base: 0,
            limits,
            time: None,
            interrupt: Interrupt::default(),
            stop_at_error: true,
            first_chunk,
            threads,
            forks: None,
            in_turn: vec![false; n],
        };
        Segment::new(vec![Atom::unit(); n], World::new(), plan)
    }

    #[test]
    fn every_index_is_claimed_once() {
        // S1, with cheap and with dear expressions, and some given back.
        for cost in [Duration::from_nanos(10), Duration::from_micros(30), Duration::from_millis(9)] {
            let segment = segment(1000, 32, 4);
            let (mut seen, mut finished) = (Vec::new(), 0);
            while let Some(mut chunk) = segment.claim(cost * finished, finished) {
                if chunk.len() > 3 && chunk.start % 3 == 0 {
                    segment.give_back(chunk.start + 2..chunk.end);
                    chunk.end = chunk.start + 2;
                }
                finished = u32::try_from(chunk.len()).unwrap();
                seen.extend(chunk);
            }
            seen.sort_unstable();
            assert_eq!(seen, (0..1000).collect::<Vec<_>>());
        }
    }

    #[test]
    fn chunks_follow_the_cost() {
        let segment = segment(1000, 32, 2);
        assert_eq!(segment.claim(Duration::ZERO, 0), Some(0..32));
        assert_eq!(segment.claim(CHUNK * 32, 32), Some(32..33));
        assert_eq!(segment.claim(Duration::ZERO, 10_000).map(|chunk| chunk.len()), Some(242));
    }

    #[test]
    fn nothing_behind_a_cut_is_claimed_or_wanted() {
        // S1
        let segment = segment(100, 10, 2);
        let chunk = segment.claim(Duration::ZERO, 0).unwrap();
        segment.give_back(5..chunk.end);
        segment.cut(7);
        segment.cut(50);
        assert_eq!(segment.unclaimed(), 2);
        assert!(segment.wants(6) && !segment.wants(7));
        assert_eq!(segment.claim(Duration::ZERO, 0).map(|chunk| chunk.start), Some(5));
        assert_eq!(segment.claim(Duration::ZERO, 0).map(|chunk| chunk.start), Some(6));
        assert_eq!(segment.claim(Duration::ZERO, 0), None);
    }
}
