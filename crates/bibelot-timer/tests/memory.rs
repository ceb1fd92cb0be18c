//! The wheel's memory: flat in the steady state, and without a single allocation there.
//!
//! A test binary of its own, with one test, because it counts what the whole process allocates.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bibelot_timer::{Instant, Wheel};

/// Counts allocations and passes them on.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every request is passed on unchanged to the system's allocator, which keeps the contract.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: `block` came from `alloc` above, so from `System`, with this layout.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_wheel_as_full_as_it_was_before_allocates_nothing() {
    let mut wheel = Wheel::new(Instant::ZERO);
    let mut now = Instant::ZERO + Duration::from_secs(3600);
    for nth in 0..10_000 {
        wheel.insert(now - Duration::from_nanos(nth), nth);
    }
    while wheel.pop(now).is_some() {}

    let mut keys = Vec::with_capacity(100);
    let mut spans = (1..=1_000_u64)
        .map(|nth| Duration::from_nanos(nth * nth * 7_919 % 30_000_000))
        .cycle();
    let mut churn = |rounds: usize| {
        for _ in 0..rounds {
            for nth in 0..100_u64 {
                keys.push(wheel.insert(now + spans.next().unwrap(), nth));
            }
            for (nth, key) in keys.drain(..).enumerate() {
                if nth % 3 == 0 {
                    assert!(wheel.reset(key, now + spans.next().unwrap()));
                } else {
                    assert!(wheel.remove(key).is_some());
                }
            }
            now += Duration::from_micros(150);
            while wheel.pop(now).is_some() {}
        }
        // A jump that makes all that is left due at once, sorted in one go.
        now += Duration::from_secs(1);
        while wheel.pop(now).is_some() {}
        assert!(wheel.is_empty());
    };
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    churn(10_000);
    assert_eq!(ALLOCATIONS.load(Ordering::Relaxed) - before, 0);
}
