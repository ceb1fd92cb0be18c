//! Memory that stays flat however long a kernel runs.

#![allow(unsafe_code, reason = "an allocator that counts is an unsafe trait's")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::future::{Future, pending};
use std::io;
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Duration;

use bibelot::{
    AsCancelled, CancelScope, TaskGroup, TcpListener, TcpStream, Wait, gather, sleep, spawn,
    timeout_after, yield_now,
};

use crate::run::{on_each, on_each_os};

thread_local! {
    static BYTES: Cell<isize> = const { Cell::new(0) };
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

/// Counts the bytes that are allocated, and how often, by thread.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

fn count(by: isize) {
    // It has no drop, so it is there as long as the thread is.
    let _counted = BYTES.try_with(|bytes| bytes.set(bytes.get() + by));
    if by > 0 {
        let _counted = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
    }
}

// SAFETY: every call goes to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, len: usize) -> *mut u8 {
        count(len as isize - layout.size() as isize);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(pointer, layout, len) }
    }
}

/// Runs `round` until tables have their size, and then often, and compares.
async fn is_flat(what: &str, rounds: usize, mut round: impl AsyncFnMut()) {
    for _ in 0..rounds / 10 {
        round().await;
    }
    let before = BYTES.get();
    for _ in 0..rounds {
        round().await;
    }
    let grown = BYTES.get() - before;
    assert!(
        grown < 4096,
        "{what}: {grown} bytes more after {rounds} rounds"
    );
}

#[test]
fn memory_stays_flat() {
    on_each(|builder| {
        let value = builder.run(async {
            is_flat("spawned and joined", 20_000, async || {
                assert_eq!(spawn(async { 7 }).await.unwrap(), 7);
            })
            .await;
            is_flat("named, detached", 2_000, async || {
                let named = bibelot::TaskBuilder::new().name("a name of some length");
                named.spawn(async {}).detach();
                yield_now().await.unwrap();
            })
            .await;
            is_flat("aborted", 10_000, async || {
                spawn(pending::<()>()).abort();
                yield_now().await.unwrap();
            })
            .await;
            is_flat("cancelled", 5_000, async || {
                let task = spawn(sleep(Duration::from_secs(3600)));
                yield_now().await.unwrap();
                task.cancel().await.unwrap();
            })
            .await;
            is_flat("timers set and dropped", 50_000, async || {
                let mut slept = sleep(Duration::from_secs(3600));
                let mut context = Context::from_waker(Waker::noop());
                assert!(Pin::new(&mut slept).poll(&mut context).is_pending());
            })
            .await;
            is_flat("limits that pass", 2_000, async || {
                let cut = timeout_after(Duration::ZERO, sleep(Duration::from_secs(3600))).await;
                assert!(cut.unwrap_err().timed_out());
            })
            .await;
            is_flat("expiries taken by hand", 2_000, async || {
                let taken = timeout_after(Duration::ZERO, async {
                    assert!(bibelot::take_pending(|_| true).is_some());
                    yield_now().await
                });
                taken.await.unwrap();
            })
            .await;
            is_flat("gathers with wakers of their own", 200, async || {
                let arms = (0..20).map(|_| timeout_after(Duration::ZERO, yield_now()));
                assert_eq!(gather(arms).await.len(), 20);
            })
            .await;
            let target = spawn(pending::<()>());
            is_flat("joins that are cut", 2_000, async || {
                let cut = timeout_after(Duration::ZERO, async { target.wait().await });
                assert!(cut.await.is_err());
                let arms = gather((0..18).map(|_| timeout_after(Duration::ZERO, target.wait())));
                assert_eq!(arms.await.len(), 18);
            })
            .await;
            target.abort();
            let scope = CancelScope::new();
            is_flat("scopes and their children", 2_000, async || {
                let child = scope.child();
                child.run(yield_now()).await.unwrap();
                scope.run(yield_now()).await.unwrap();
            })
            .await;
            is_flat("groups", 500, async || {
                let group: TaskGroup<(), bibelot::Error> = TaskGroup::new(Wait::All);
                for _ in 0..5 {
                    group.spawn(async { Ok(yield_now().await?) }).unwrap();
                }
                assert_eq!(group.join().await.unwrap().len(), 5);
            })
            .await;
            let queue = bibelot::Queue::bounded(1);
            is_flat("queues whose getters are cut", 2_000, async || {
                assert!(timeout_after(Duration::ZERO, queue.get()).await.is_err());
                queue.put(1).await.unwrap();
                assert!(timeout_after(Duration::ZERO, queue.put(2)).await.is_err());
                queue.get().await.unwrap();
            })
            .await;
        });
        value.unwrap();
    });
}

#[test]
fn one_group_spawns_ten_million_members_in_flat_memory() {
    // Ten million with optimisation; without it that would take minutes and show no more.
    let rounds = if cfg!(debug_assertions) { 100 } else { 10_000 };
    on_each(move |builder| {
        let value = builder.run(async move {
            let group = TaskGroup::<(), bibelot::Error>::new(Wait::All).discard_values();
            let spawned = Cell::new(0);
            is_flat("members of one group", rounds, async || {
                for _ in 0..1000 {
                    group.spawn(async { Ok(()) }).unwrap();
                    spawned.set(spawned.get() + 1);
                }
                while group.running() > 0 {
                    yield_now().await.unwrap();
                }
            })
            .await;
            assert!(spawned.get() >= rounds * 1000);
            assert!(group.join().await.unwrap().is_empty());
        });
        value.unwrap();
    });
}

/// Sends back whatever comes.
async fn echo(mut stream: TcpStream) -> io::Result<()> {
    while let Some(chunk) = stream.read_chunk().await? {
        stream.write_chunk(chunk).await?;
    }
    Ok(())
}

#[test]
fn an_echo_that_is_under_way_allocates_nothing() {
    on_each_os(|builder| {
        let allocations = builder.run(async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let address = listener.local_addr()?;
            let (mut callers, mut echoes) = (Vec::new(), Vec::new());
            for len in [64, 64, 1024, 5000] {
                let caller = TcpStream::connect(address).await?;
                echoes.push(spawn(echo(listener.accept().await?.0)));
                callers.push((caller, vec![7; len], vec![0; len]));
            }
            let mut before = 0;
            for round in 0..2_000 {
                if round == 1_000 {
                    before = ALLOCATIONS.get();
                }
                for (caller, question, _) in &mut callers {
                    caller.write(question).await?;
                }
                for (caller, question, answer) in &mut callers {
                    caller.read_exact(answer).await?;
                    assert!(question == answer);
                }
            }
            let allocations = ALLOCATIONS.get() - before;
            drop(callers);
            for echo in echoes {
                echo.await.unwrap()?;
            }
            io::Result::Ok(allocations)
        });
        // Of 4000 echoes; a table may still grow when more comes at once than before.
        let allocations = allocations.unwrap().unwrap();
        assert!(allocations < 8, "{allocations} allocations");
    });
}
