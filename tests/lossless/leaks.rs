//! Leaks: after every end, descriptors and memory are as before.
//!
//! Memory is counted by thread: a kernel's is taken and given back on its own. Descriptors are the
//! process's, so these tests run alone.

#![allow(unsafe_code, reason = "an allocator that counts is an unsafe trait's")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs;
use std::io;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use bibelot::{TcpListener, TcpStream, sleep, spawn};
use bibelot_kernel::io::{call, operate};
use bibelot_reactor::{Call, Interest, ListenHow, Op};

use crate::run::{BACKENDS, pair};

static ALONE: RwLock<()> = RwLock::new(());

/// Others may run at the same time.
pub fn together() -> RwLockReadGuard<'static, ()> {
    ALONE.read().unwrap_or_else(PoisonError::into_inner)
}

/// Nobody else runs.
pub fn alone() -> RwLockWriteGuard<'static, ()> {
    ALONE.write().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
}

/// Counts the allocations that live, by thread.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

fn count(by: isize) {
    // It has no drop, so it is there as long as the thread is.
    let _counted = LIVE.try_with(|live| live.set(live.get() + by));
}

// SAFETY: every call goes to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(1);
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-1);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, len: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { System.realloc(pointer, layout, len) }
    }
}

/// The open descriptors of this process.
pub fn descriptors() -> usize {
    let listed = fs::read_dir("/proc/self/fd").expect("it is Linux");
    // The listing itself has one.
    listed.count() - 1
}

/// What there is: descriptors of the process, allocations of the thread.
fn counts() -> (usize, isize) {
    (descriptors(), LIVE.get())
}

/// Runs `life` in a kernel on each backend, several times, and compares what there is before and after.
fn leaves_nothing(life: impl AsyncFn() -> io::Result<()>) {
    let _nobody_else_runs = alone();
    for backend in BACKENDS {
        let live = || {
            let Some(mut kernel) = backend.kernel() else {
                return false;
            };
            kernel.block_on(life()).expect("nothing fails");
            let report = kernel.shutdown();
            assert!(report.failure.is_none(), "{report:?}");
            true
        };
        // What is made once and kept for all kernels is made by the first.
        if !live() || !live() {
            continue;
        }
        let before = counts();
        for _ in 0..3 {
            live();
        }
        assert_eq!(counts(), before, "on {}", backend.name);
    }
}

#[test]
fn dropped_listeners_leave_nothing() {
    leaves_nothing(async || {
        for _ in 0..100 {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let address = listener.local_addr()?;
            let mut callers = Vec::new();
            for _ in 0..3 {
                callers.push(TcpStream::connect(address).await?);
            }
            // The others wait in its inbox or in its backlog.
            let _one = listener.accept().await?;
        }
        Ok(())
    });
}

#[test]
fn dropped_streams_leave_nothing() {
    leaves_nothing(async || {
        for n in 0..100 {
            let (mut caller, mut callee) = pair().await?;
            caller.write(&[7; 100_000]).await?;
            callee.fill_buf().await?;
            match n % 3 {
                0 => drop((caller, callee)),
                1 => drop(spawn(async move {
                    let _kept = caller;
                    callee.read_to_end(&mut Vec::new()).await
                })),
                _ => {
                    let (mut read, write) = callee.into_split();
                    let reader = spawn(async move { read.read_exact(&mut vec![0; 1 << 20]).await });
                    drop(spawn(async move {
                        sleep(Duration::from_micros(200)).await.map(|_| write)
                    }));
                    drop((caller, reader));
                }
            }
        }
        Ok(())
    });
}

const IN_FLIGHT: usize = 10_000;

#[test]
fn a_kernel_with_ten_thousand_operations_in_flight_leaves_nothing() {
    leaves_nothing(async || {
        let mut kept = Vec::new();
        for _ in 0..50 {
            let (mut caller, mut callee) = pair().await?;
            // More than the system takes, so that sends are in flight, too.
            let writer = spawn(async move { caller.write(&vec![7; 16 << 20]).await });
            callee.fill_buf().await?;
            kept.push((writer, callee));
        }
        for _ in 0..100 {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            spawn(async move { listener.accept().await.map(drop) }).detach();
        }
        for _ in 0..50 {
            let (caller, mut callee) = pair().await?;
            spawn(async move {
                let _kept = caller;
                callee.next_line().await.map(drop)
            })
            .detach();
        }
        let address = "127.0.0.1:0".parse().expect("it is an address");
        let how = ListenHow::default();
        let mut fds = Vec::new();
        for _ in 0..10 {
            fds.push(call(Call::Listen { address, how })?.into_fd()?);
        }
        for n in 0..IN_FLIGHT {
            let fd = fds[n % fds.len()].clone();
            let interest = Interest::Readable;
            spawn(operate(Op::Ready { fd, interest })).detach();
        }
        sleep(Duration::from_millis(1)).await?;
        Ok(())
    });
}

#[test]
fn streams_that_outlive_their_kernel_leave_nothing() {
    let _nobody_else_runs = alone();
    for backend in BACKENDS {
        let live = || {
            let Some(mut kernel) = backend.kernel() else {
                return false;
            };
            let kept = kernel.block_on(async {
                let (mut caller, mut callee) = pair().await.unwrap();
                caller.write(b"abc").await.unwrap();
                let chunk = callee.read_chunk().await.unwrap().unwrap();
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                (caller, callee, listener, chunk)
            });
            drop(kernel);
            assert_eq!(*kept.3, *b"abc", "a buffer outlives its pool");
            true
        };
        if !live() || !live() {
            continue;
        }
        let before = counts();
        live();
        assert_eq!(counts(), before, "on {}", backend.name);
    }
}

#[test]
fn a_kernel_that_ends_by_a_panic_leaves_nothing() {
    let _nobody_else_runs = alone();
    for backend in BACKENDS {
        let live = || {
            let panicked = std::panic::catch_unwind(|| {
                let mut kernel = backend.kernel()?;
                kernel.block_on(async {
                    let (mut caller, mut callee) = pair().await.unwrap();
                    spawn(async move { callee.next_line().await.map(drop) }).detach();
                    caller.write(b"abc").await.unwrap();
                    panic!("as planned");
                });
                Some(())
            });
            panicked.is_err()
        };
        if !live() || !live() {
            continue;
        }
        let before = counts();
        live();
        assert_eq!(counts(), before, "on {}", backend.name);
    }
}

/// Guards the guard: a leak is seen.
#[test]
fn a_leak_is_seen() {
    let _nobody_else_runs = alone();
    let before = counts();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let boxed = Box::new(7);
    let after = counts();
    assert_eq!((after.0, after.1), (before.0 + 1, before.1 + 1));
    drop((listener, boxed));
    assert_eq!(counts(), before);
}
