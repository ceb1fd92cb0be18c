//! What a task costs: nanoseconds for spawn, run and join, and for a wake and its run.
//!
//! `cargo run -p bibelot-task --release --example speed`

#![allow(unsafe_code, reason = "implements `Schedule`")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::pending;
use std::hint::black_box;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bibelot_task::{Ran, Runnable, Schedule, spawn, spawn_joinable};

thread_local! {
    static HOME: Cell<u64> = const { Cell::new(0) };
    static READY: RefCell<VecDeque<Runnable<Tag>>> = const { RefCell::new(VecDeque::new()) };
}

static ARRIVED: Mutex<Vec<Runnable<Tag>>> = Mutex::new(Vec::new());

/// As an executor would have it: its number, and the task's.
struct Tag {
    home: u64,
    key: u32,
}

// SAFETY: this program has one home, on its main thread.
unsafe impl Schedule for Tag {
    #[inline]
    fn is_home(&self) -> bool {
        HOME.try_with(Cell::get).is_ok_and(|home| home == self.home)
    }
    #[inline]
    fn push(&self, runnable: Runnable<Self>) {
        black_box(self.key);
        READY.with_borrow_mut(|ready| ready.push_back(runnable));
    }
    fn push_foreign(&self, runnable: Runnable<Self>) {
        ARRIVED.lock().unwrap().push(runnable);
    }
}

fn tag() -> Tag {
    Tag { home: 1, key: 0 }
}

fn pop() -> Option<Runnable<Tag>> {
    READY.with_borrow_mut(VecDeque::pop_front)
}

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: passes on to the system.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.store(ALLOCATIONS.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        // SAFETY: the contract is the same.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the contract is the same.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static GLOBAL: Counting = Counting;

fn measure(name: &str, times: u64, mut body: impl FnMut()) {
    let mut best = f64::MAX;
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    for _ in 0..7 {
        let start = Instant::now();
        for _ in 0..times {
            body();
        }
        best = best.min(start.elapsed().as_secs_f64() * 1e9 / times as f64);
    }
    let allocations = (ALLOCATIONS.load(Ordering::Relaxed) - before) as f64 / (7 * times) as f64;
    println!("{name:44} {best:7.1} ns  {allocations:.1} allocations");
}

fn main() {
    HOME.set(1);
    measure("malloc and free of 64 bytes", 1_000_000, || {
        drop(black_box(Box::new([0_u64; 8])));
    });
    measure("spawn, run, take the output", 1_000_000, || {
        let (runnable, task) = spawn(async { black_box(7_u64) }, tag());
        let ran = runnable.run();
        black_box(matches!(ran, Ran::Returned));
        black_box(task.take_output::<u64>());
    });
    measure("spawn, queue, run, take the output", 1_000_000, || {
        let (runnable, task) = spawn(async { black_box(7_u64) }, tag());
        READY.with_borrow_mut(|ready| ready.push_back(runnable));
        let ran = pop().unwrap().run();
        black_box(matches!(ran, Ran::Returned));
        black_box(task.take_output::<u64>());
    });
    measure("spawn, run, await a join handle", 1_000_000, || {
        let (runnable, task, handle) = spawn_joinable(async { black_box(7_u64) }, tag());
        let ran = runnable.run();
        black_box(matches!(ran, Ran::Returned));
        drop(task);
        let mut handle = std::pin::pin!(handle);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        black_box(handle.as_mut().poll(&mut context).is_ready());
    });

    let (runnable, task) = spawn(pending::<()>(), tag());
    drop(runnable.run());
    let waker = task.waker();
    measure("wake by reference and run", 10_000_000, || {
        waker.wake_by_ref();
        let ran = pop().unwrap().run();
        black_box(matches!(ran, Ran::Parked));
    });
    waker.wake_by_ref();
    measure("wake of a queued task", 10_000_000, || waker.wake_by_ref());
    drop(pop().unwrap().run());
    measure("clone and drop of a waker", 10_000_000, || {
        drop(black_box(waker.clone()));
    });
    let (runnable, yielding) = spawn(
        std::future::poll_fn(|cx| {
            cx.waker().wake_by_ref();
            std::task::Poll::<()>::Pending
        }),
        tag(),
    );
    let mut next = Some(runnable);
    measure("a poll that yields", 10_000_000, || {
        let Ran::Woken(runnable) = next.take().unwrap().run() else {
            unreachable!()
        };
        next = Some(runnable);
    });
    let _ = yielding.end_home();
    drop(next);
    HOME.set(0);
    measure("wake from afar of a queued task", 10_000_000, || {
        waker.wake_by_ref();
    });
    measure("clone and drop of a waker, afar", 10_000_000, || {
        drop(black_box(waker.clone()));
    });
    HOME.set(1);
    let arrived = std::mem::take(&mut *ARRIVED.lock().unwrap());
    assert_eq!(arrived.len(), 1);
    for runnable in arrived {
        drop(runnable.run());
    }
    let _ = task.end_home();
}
