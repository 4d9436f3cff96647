//! Writers of a file that wait for the disk together, in every order that matters.
//!
//! ```text
//! writer 1   append ── publish ── disk ── acknowledged ──┐
//! writer 2   append ── publish ── disk ── acknowledged ──┤── all on the disk, in the order of publication
//! compaction         next segment ───────────────────────┘
//! ```
//!
//! The records are numbers and the disk is a count; the locks, their order and what is acknowledged are those of a file.
//! Run as `loom_space.rs` is.

#![cfg(metta_loom)]

use std::sync::Arc;

use metta_space::commits::{Commits, Log, Refused, Unwritten};
use metta_sync::{Counter, Flag, Held, Snapshots};

/// What a segment has, and how much of it is on the disk.
#[derive(Default)]
struct Segment {
    records: Snapshots<Vec<u8>>,
    on_disk: Snapshots<usize>,
    fsyncs: Counter,
    /// Whether the next fsync fails.
    is_broken: Flag,
}

/// A segment that is written to, with those before it.
struct Tiny {
    segments: Vec<Arc<Segment>>,
}

#[derive(Clone)]
struct Mark {
    segment: Arc<Segment>,
    number: usize,
    end: usize,
}

impl Tiny {
    fn new() -> Self {
        Tiny { segments: vec![Arc::default()] }
    }

    fn last(&self) -> &Arc<Segment> {
        &self.segments[self.segments.len() - 1]
    }
}

impl Log for Tiny {
    type Mark = Mark;
    type Error = &'static str;

    fn mark(&self) -> Mark {
        let segment = Arc::clone(self.last());
        Mark { number: self.segments.len(), end: segment.records.load().len(), segment }
    }

    fn append(&mut self, record: &[u8], kept: &Mark) -> Result<(), Unwritten<&'static str>> {
        let before = self.last().records.load();
        // What is said to be kept is.
        assert!(kept.end <= *kept.segment.on_disk.load() && kept.number <= self.segments.len());
        self.last().records.publish(Arc::new([&before[..], record].concat()));
        Ok(())
    }

    fn bring_to_disk(mark: &Mark) -> Result<(), &'static str> {
        mark.segment.fsyncs.add(1);
        if mark.segment.is_broken.is_raised() {
            return Err("broken");
        }
        // All that was written by now, but only what was written before the call is promised.
        let on_disk = (*mark.segment.on_disk.load()).max(mark.end);
        mark.segment.on_disk.publish(Arc::new(on_disk));
        Ok(())
    }
}

/// A file: the commits, and what readers see.
struct File {
    commits: Commits<Tiny>,
    published: Snapshots<Vec<u8>>,
    first: Arc<Segment>,
}

impl File {
    fn new() -> Arc<Self> {
        let log = Tiny::new();
        let first = Arc::clone(log.last());
        Arc::new(File { commits: Commits::new(log), published: Snapshots::new(Arc::default()), first })
    }

    /// Commits a record, as a change of a space does; says where it went if it is acknowledged.
    fn commit(&self, record: u8) -> Result<Mark, Refused<&'static str>> {
        let (commit, mark) = {
            let mut task = Held::root();
            let mut log = self.commits.lock(&mut task)?;
            let commit = self.commits.append(&mut log, &[record])?;
            let before = self.published.load();
            self.published.publish(Arc::new([&before[..], &[record]].concat()));
            (commit, log.mark())
        };
        self.commits.bring_to_disk(commit)?;
        Ok(mark)
    }
}

fn is_on_disk(mark: &Mark) -> bool {
    mark.end <= *mark.segment.on_disk.load()
}

/// K2, K3: what is acknowledged is on the disk by then, and the log is in the order of publication.
#[test]
fn two_writers_share_the_disk() {
    let (finished, runs) = std::sync::mpsc::channel();
    loom::model(move || {
        let file = File::new();
        let other = {
            let file = Arc::clone(&file);
            loom::thread::spawn(move || {
                let mark = file.commit(1).expect("it is kept");
                assert!(is_on_disk(&mark), "acknowledged before it was kept");
            })
        };
        let mark = file.commit(2).expect("it is kept");
        assert!(is_on_disk(&mark), "acknowledged before it was kept");
        other.join().expect("the writer ends");
        assert_eq!(*file.published.load(), *file.first.records.load());
        assert_eq!((file.commits.last(), *file.first.on_disk.load()), (2, 2));
        finished.send(file.first.fsyncs.get()).expect("the count is kept");
    });
    let fsyncs: Vec<u64> = runs.iter().collect();
    assert!(fsyncs.len() > 50, "only {} interleavings", fsyncs.len());
    // One fsync for both, and one for each.
    assert!(fsyncs.contains(&1) && fsyncs.contains(&2) && fsyncs.iter().all(|n| *n <= 2));
}

/// K1, K3: a compaction begins another segment while a writer waits; its record is in the old or in the new one, and kept.
#[test]
fn a_writer_beside_a_compaction() {
    let (finished, runs) = std::sync::mpsc::channel();
    loom::model(move || {
        let file = File::new();
        let writer = {
            let file = Arc::clone(&file);
            loom::thread::spawn(move || {
                let mark = file.commit(1).expect("it is kept");
                assert!(is_on_disk(&mark), "acknowledged before it was kept");
                mark.number
            })
        };
        {
            let mut task = Held::root();
            let mut log = file.commits.lock(&mut task).expect("nothing failed");
            let next = |log: &Tiny| Ok(Tiny { segments: [&log.segments[..], &[Arc::default()]].concat() });
            file.commits.go_on(&mut log, next).expect("the log goes on");
            let old = &log.segments[0];
            assert_eq!(
                old.records.load().len(),
                *old.on_disk.load(),
                "a segment was left before it was whole"
            );
        }
        let number = writer.join().expect("the writer ends");
        assert_eq!(file.commits.last(), 1);
        finished.send(number).expect("the count is kept");
    });
    let numbers: Vec<usize> = runs.iter().collect();
    assert!(numbers.contains(&1) && numbers.contains(&2), "the record is in either segment");
}

/// K6: when the disk fails nobody is told that something is kept, and nothing more is appended.
#[test]
fn nothing_is_acknowledged_after_a_failure() {
    let (finished, runs) = std::sync::mpsc::channel();
    loom::model(move || {
        let file = File::new();
        file.first.is_broken.raise();
        let other = {
            let file = Arc::clone(&file);
            loom::thread::spawn(move || file.commit(1).is_err())
        };
        assert!(file.commit(2).is_err() && other.join().expect("the writer ends"));
        assert!(matches!(file.commit(3), Err(Refused::Failed)));
        assert_eq!(*file.first.on_disk.load(), 0);
        // The disk is not asked again: an fsync after a failed one may say that all is well.
        assert_eq!(file.first.fsyncs.get(), 1);
        finished.send(file.first.records.load().len()).expect("the count is kept");
    });
    let written: Vec<usize> = runs.iter().collect();
    assert!(
        written.contains(&1) && written.contains(&2),
        "the second is appended before the failure or refused"
    );
}
