//! Vectors with a few bytes changed: no panic, and no memory for lengths that are only claimed (P1, P2, S1).

#![expect(unsafe_code, reason = "an allocator that counts")]

mod decoders;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use bytes::Bytes;
use metta_rholang::{Codec, par};

/// Counts what the thread holds.
struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

fn count(change: isize) {
    // A thread that ends has no counts any more.
    let held = HELD.try_with(|held| {
        held.set(held.get() + change);
        held.get()
    });
    MOST.try_with(|most| most.set(most.get().max(held.unwrap_or(0)))).ok();
}

// SAFETY: every call is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps what `alloc` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the pointer came from `alloc`, hence from the system's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How many bytes more than before are held at the worst moment of `work`.
fn most(work: impl FnOnce()) -> usize {
    let before = HELD.get();
    MOST.set(before);
    work();
    usize::try_from(MOST.get() - before).unwrap_or(0)
}

#[test]
fn damaged_vectors_are_read_or_refused() {
    for bytes in decoders::Mutations::new(1).take(20_000) {
        decoders::check(&bytes);
    }
}

/// A fact takes some memory of its own, and a world its library; a struct is larger than its message by a factor.
#[test]
fn memory_is_in_proportion_to_the_bytes() {
    const FIXED: usize = 256 << 10;
    let codecs = [Codec::default().most_copies(10), Codec::default().strict().most_copies(10)];
    // What is made once is not counted.
    decoders::vectors().iter().for_each(|bytes| decoders::check(bytes));
    for bytes in decoders::Mutations::new(2).take(4_000) {
        let shared = Bytes::from(bytes);
        let structs = most(|| drop(par::decode(&shared)));
        assert!(structs <= FIXED + 256 * shared.len(), "{structs} bytes for structs of {}", shared.len());
        for codec in &codecs {
            let state = most(|| drop(codec.state_from_bytes(&shared)));
            assert!(state <= FIXED + 64 * shared.len(), "{state} bytes for a state of {}", shared.len());
            let value = most(|| drop(codec.value_from_bytes(&shared)));
            assert!(value <= FIXED / 8 + 64 * shared.len(), "{value} bytes for a value of {}", shared.len());
        }
    }
}
