//! Histories of threads that write and read one space.
//!
//! Every operation notes when it began and when it ended, on a clock that all share. Afterwards there must be one
//! order of all writes that agrees with what each of them was told and with the clock (they are
//! linearizable), and every snapshot must be the content after some number of them (readers are isolated).

use std::collections::HashMap;

use metta_atom::Atom;
use metta_space::{Snapshot, Space};
use metta_sync::Counter;

use crate::generator::Random;

const WRITERS: u64 = 3;
const READERS: u64 = 2;
const WRITES: u64 = 25_000;
const READS: u64 = 12_500;
const ATOMS: usize = 50;

fn atom(n: usize) -> Atom {
    Atom::expression([Atom::symbol("counter"), Atom::integer(n as i64)])
}

/// How many copies of an atom there are.
fn copies(snapshot: &Snapshot, n: usize) -> u64 {
    snapshot.count(&atom(n))
}

/// A write, as the one who made it saw it.
struct Write {
    began: u64,
    ended: u64,
    /// The versions before and after it.
    versions: (u64, u64),
    atom: usize,
    /// Whether a copy was added, removed, or not there to be removed.
    change: Option<bool>,
    /// How many there were then.
    copies: u64,
}

/// A snapshot, as its reader saw it.
struct Read {
    began: u64,
    ended: u64,
    version: u64,
    len: u64,
    atom: usize,
    copies: u64,
}

fn write(space: &Space, clock: &Counter, random: &mut Random) -> Write {
    let (n, adds) = (random.below(ATOMS), random.below(2) == 0);
    let began = clock.add(1);
    let (versions, change, copies) = space.transact(|snapshot| {
        let before = snapshot.version();
        let change = if adds {
            snapshot.add(&atom(n));
            Some(true)
        } else {
            snapshot.remove(&atom(n)).then_some(false)
        };
        ((before, snapshot.version()), change, copies(snapshot, n))
    });
    Write { began, ended: clock.add(1), versions, atom: n, change, copies }
}

fn read(space: &Space, clock: &Counter, random: &mut Random) -> Read {
    let n = random.below(ATOMS);
    let began = clock.add(1);
    let snapshot = space.snapshot();
    let ended = clock.add(1);
    Read {
        began,
        ended,
        version: snapshot.version(),
        len: snapshot.len(),
        atom: n,
        copies: copies(&snapshot, n),
    }
}

/// Checks that an order of operations is one that the clock allows: none ended before an earlier one began.
fn check_clock<'a>(times: impl Iterator<Item = (u64, u64)> + 'a, what: &str) {
    let mut latest_begin = 0;
    for (began, ended) in times {
        assert!(
            ended > latest_begin,
            "{what}: an operation that had ended comes behind one that began later"
        );
        latest_begin = latest_begin.max(began);
    }
}

/// P1, P2.
#[test]
fn concurrent_writes_have_one_order_and_readers_see_its_states() {
    let (space, clock) = (Space::new(), Counter::new(1));
    let first = space.snapshot().version();
    let (writes, reads): (Vec<Write>, Vec<Vec<Read>>) = std::thread::scope(|scope| {
        let (space, clock) = (&space, &clock);
        let writers: Vec<_> = (0..WRITERS)
            .map(|thread| {
                scope.spawn(move || {
                    let random = &mut Random::new(thread);
                    (0..WRITES).map(|_| write(space, clock, random)).collect::<Vec<_>>()
                })
            })
            .collect();
        let readers: Vec<_> = (0..READERS)
            .map(|thread| {
                scope.spawn(move || {
                    let random = &mut Random::new(100 + thread);
                    (0..READS).map(|_| read(space, clock, random)).collect::<Vec<_>>()
                })
            })
            .collect();
        let writes = writers.into_iter().flat_map(|writer| writer.join().expect("it writes")).collect();
        (writes, readers.into_iter().map(|reader| reader.join().expect("it reads")).collect())
    });
    // Each write says on which version it was made: that is the order.
    let made: Vec<&Write> = writes.iter().filter(|write| write.change.is_some()).collect();
    let mut next: HashMap<u64, &Write> = HashMap::new();
    for write in &made {
        assert!(next.insert(write.versions.0, write).is_none(), "two writes were made on one version");
    }
    let mut order: Vec<&Write> = Vec::with_capacity(made.len());
    let mut version = first;
    let mut places = HashMap::from([(first, 0)]);
    while let Some(write) = next.remove(&version) {
        version = write.versions.1;
        order.push(write);
        places.insert(version, order.len());
    }
    assert!(next.is_empty(), "{} writes are lost", next.len());
    assert_eq!(space.snapshot().version(), version);
    check_clock(order.iter().map(|write| (write.began, write.ended)), "writes");

    // What each was told is what it would have been told alone.
    let mut counts = vec![0u64; ATOMS];
    let mut states: Vec<(u64, Vec<u64>)> = vec![(0, counts.clone())];
    for write in &order {
        let count = &mut counts[write.atom];
        *count = if write.change == Some(true) { *count + 1 } else { *count - 1 };
        assert_eq!(*count, write.copies);
        states.push((counts.iter().sum(), counts.clone()));
    }
    for write in writes.iter().filter(|write| write.change.is_none()) {
        let place = places[&write.versions.0];
        assert_eq!((states[place].1[write.atom], write.versions.1), (0, write.versions.0));
    }

    // Every snapshot is a state, as new as what had ended, and never older than the one before.
    let mut ended_before: Vec<(u64, usize)> =
        order.iter().zip(1..).map(|(write, place)| (write.ended, place)).collect();
    ended_before.sort_unstable();
    let mut newest = 0;
    ended_before.iter_mut().for_each(|(_, place)| {
        newest = newest.max(*place);
        *place = newest;
    });
    for reads in &reads {
        let mut last = 0;
        for read in reads {
            let place = *places.get(&read.version).expect("a snapshot is a published content");
            assert_eq!((states[place].0, states[place].1[read.atom]), (read.len, read.copies));
            let ended = ended_before.partition_point(|(ended, _)| *ended < read.began);
            let least = ended.checked_sub(1).map_or(0, |at| ended_before[at].1);
            assert!(place >= least.max(last), "a write that had ended is not seen");
            assert!(place == 0 || order[place - 1].began < read.ended, "a write is seen before it began");
            last = place;
        }
    }
}

/// P1: without transactions, the order in which atoms were added is that of the clock, and none is lost.
#[test]
fn concurrent_additions_stand_in_the_order_of_the_clock() {
    let (space, clock) = (Space::new(), Counter::new(1));
    let name =
        |thread: u64, n: u64| Atom::expression([Atom::integer(thread as i64), Atom::integer(n as i64)]);
    let times: HashMap<String, (u64, u64)> = std::thread::scope(|scope| {
        let (space, clock) = (&space, &clock);
        let one = |thread: u64, n: u64| {
            let atom = name(thread, n);
            let began = clock.add(1);
            space.add(&atom);
            (atom.to_string(), (began, clock.add(1)))
        };
        let writers: Vec<_> = (0..WRITERS)
            .map(|thread| scope.spawn(move || (0..5_000).map(|n| one(thread, n)).collect::<Vec<_>>()))
            .collect();
        writers.into_iter().flat_map(|writer| writer.join().expect("it writes")).collect()
    });
    let space = space.snapshot();
    let order: Vec<(u64, u64)> =
        space.iter().map(|fact| times[&space.decode(fact.bytes, fact.variables()).to_string()]).collect();
    assert_eq!(order.len(), times.len());
    check_clock(order.into_iter(), "additions");
}
