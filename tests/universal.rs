//! Universal objects: one queue, event or lock for tasks of several kernels, for tasks of another executor, for
//! plain threads and for foreign pollers, at once.

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use bibelot::universal::{Barrier, Condition, Event, Lock, Queue, Semaphore};
use bibelot::{Kernel, sleep, spawn, timeout_after, yield_now};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{read, write};

/// A kernel of its own thread, on a backend by turns.
fn kernel(number: usize) -> Kernel {
    let builder = Kernel::builder();
    match number % 2 {
        0 => builder.backend(bibelot::Backend::Auto).build().unwrap(),
        _ => builder.backend(bibelot::Backend::Poll).build().unwrap(),
    }
}

#[test]
fn each_item_comes_out_once_though_getters_everywhere_are_cut() {
    const ITEMS: u32 = 3_000;
    const PUTTERS: u32 = 3;
    let queue = Queue::bounded(4);
    let (got, all) = mpsc::channel();
    let mut threads = Vec::new();
    for number in 0..2 {
        let (queue, got) = (queue.clone(), got.clone());
        threads.push(thread::spawn(move || {
            kernel(number).block_on(async move {
                let tasks = [0, 1, 2, 3].map(|task| {
                    let (queue, got) = (queue.clone(), got.clone());
                    spawn(async move { get_with_cuts(task, &queue, &got).await })
                });
                for task in tasks {
                    task.await.unwrap();
                }
            });
        }));
    }
    // Another executor, which asks nobody to stop.
    threads.push(thread::spawn({
        let (queue, got) = (queue.clone(), got.clone());
        move || {
            bibelot_sync::block_on(async {
                while let Ok(item) = queue.get().await {
                    got.send(item).unwrap();
                    queue.task_done().unwrap();
                }
            });
        }
    }));
    threads.push(thread::spawn({
        let (queue, got) = (queue.clone(), got.clone());
        move || {
            while let Ok(item) = queue.get_blocking() {
                got.send(item).unwrap();
                queue.task_done().unwrap();
            }
        }
    }));
    drop(got);
    let putters = (0..PUTTERS).map(|putter| {
        let queue = queue.clone();
        thread::spawn(move || {
            for number in 0..ITEMS / PUTTERS {
                queue.put_blocking((putter, number)).unwrap();
            }
        })
    });
    let putters: Vec<_> = putters.collect();
    putters
        .into_iter()
        .for_each(|putter| putter.join().unwrap());
    queue.join_blocking();
    queue.close();
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    let mut counts = BTreeMap::new();
    for item in all {
        *counts.entry(item).or_insert(0) += 1;
    }
    assert_eq!(counts.len() as u32, ITEMS);
    assert!(counts.values().all(|count| *count == 1), "{counts:?}");
}

/// Gets until the queue is closed, and is cut in every way meanwhile.
async fn get_with_cuts(mut turn: u32, queue: &Queue<(u32, u32)>, got: &mpsc::Sender<(u32, u32)>) {
    loop {
        turn = turn.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        let limit = Duration::from_micros(u64::from(turn >> 16) % 200);
        let end = match turn >> 30 {
            0 => timeout_after(limit, queue.get()).await,
            // A drop after one poll, whatever it was given meanwhile.
            1 => {
                let mut get = Box::pin(queue.get());
                let polled = std::future::poll_fn(|context| {
                    std::task::Poll::Ready(get.as_mut().poll(context))
                });
                match polled.await {
                    std::task::Poll::Ready(end) => end,
                    std::task::Poll::Pending => {
                        yield_now().await.unwrap();
                        continue;
                    }
                }
            }
            // A task that is asked to stop in the middle of it.
            2 => {
                let task = spawn({
                    let queue = queue.clone();
                    async move { queue.get().await }
                });
                yield_now().await.unwrap();
                task.cancel_nowait();
                task.await.unwrap()
            }
            _ => queue.get().await,
        };
        match end {
            Ok(item) => {
                got.send(item).unwrap();
                queue.task_done().unwrap();
            }
            Err(bibelot::GetError::Closed) => return,
            Err(_) => {}
        }
    }
}

#[test]
fn a_get_that_was_served_by_a_thread_and_is_dropped_puts_its_item_back_in_front() {
    kernel(0).block_on(async {
        let queue = Queue::unbounded();
        let getter = spawn({
            let queue = queue.clone();
            async move { queue.get().await.unwrap() }
        });
        yield_now().await.unwrap();
        let putter = thread::spawn({
            let queue = queue.clone();
            move || (1..=3).for_each(|item| queue.try_put(item).unwrap())
        });
        putter.join().unwrap();
        getter.abort();
        assert_eq!(queue.drain().collect::<Vec<_>>(), [1, 2, 3]);
    });
}

#[test]
fn kernels_and_threads_meet_at_events_barriers_conditions_locks_and_semaphores() {
    let (open, party) = (Event::new(), Barrier::new(4));
    let (total, changed) = (Lock::new(0), Condition::new());
    let seats = Semaphore::new(2);
    let mut threads = Vec::new();
    for number in 0..2 {
        let (open, party, seats) = (open.clone(), party.clone(), seats.clone());
        let (total, changed) = (total.clone(), changed.clone());
        threads.push(thread::spawn(move || {
            kernel(number).block_on(async move {
                open.wait().await?;
                party.wait().await?;
                let _seat = seats.acquire().await?;
                *total.lock().await? += 1;
                changed.notify_all();
                bibelot::Ok(())
            })
        }));
    }
    let (there, blocked) = (party.clone(), open.clone());
    let adder = thread::spawn({
        let (total, changed, seats) = (total.clone(), changed.clone(), seats.clone());
        move || {
            blocked.wait_blocking();
            there.wait_blocking().unwrap();
            let _seat = seats.acquire_blocking().unwrap();
            *total.lock_blocking() += 1;
            changed.notify_all();
        }
    });
    open.set();
    party.wait_blocking().unwrap();
    let guard = total.lock_blocking();
    let guard = changed.wait_while_blocking(guard, |total| *total < 3);
    assert_eq!(*guard, 3);
    drop(guard);
    adder.join().unwrap();
    for thread in threads {
        thread.join().unwrap().unwrap();
    }
    assert_eq!(seats.available_permits(), 2);
}

fn is_readable(fd: &impl AsFd, limit: Duration) -> bool {
    let mut fds = [PollFd::new(fd, PollFlags::IN)];
    let limit = Timespec::try_from(limit).unwrap();
    poll(&mut fds, Some(&limit)).unwrap() == 1
}

#[test]
fn a_foreign_poller_finds_the_descriptor_readable_while_items_are_there() {
    let queue = Queue::bounded(2);
    let fd = queue.with_fd().unwrap();
    let is_up = || is_readable(&fd, Duration::ZERO);
    assert!(!is_up());
    queue.try_put('a').unwrap();
    queue.try_put('b').unwrap();
    assert!(is_up() && is_up());
    assert_eq!(queue.try_get(), Ok('a'));
    assert!(is_up());
    assert_eq!(queue.try_get(), Ok('b'));
    assert!(!is_up());
    queue.force_put('c').unwrap();
    assert!(is_up());
    assert_eq!(queue.drain().count(), 1);
    assert!(!is_up());
    // An item that goes straight to somebody who waits is not there for a poller.
    kernel(0).block_on(async {
        let getter = spawn({
            let queue = queue.clone();
            async move { queue.get().await.unwrap() }
        });
        yield_now().await.unwrap();
        queue.try_put('d').unwrap();
        assert!(!is_up());
        // Not taken, it is.
        getter.abort();
        assert!(is_up());
    });
    let other = queue.with_fd().unwrap();
    assert!(is_readable(&other, Duration::ZERO));
    drop(other);
    queue.close();
    assert_eq!(queue.try_get(), Ok('d'));
    assert!(is_up(), "the end is to be heard of too");
    assert!(queue.try_get().is_err());
}

#[test]
fn draining_or_filling_the_descriptor_does_not_break_the_queue() {
    let queue = Queue::unbounded();
    let fd = queue.with_fd().unwrap();
    for item in 0..3 {
        queue.try_put(item).unwrap();
        assert!(read(&fd, &mut [0; 64]).is_err());
        assert!(write(&fd, &u64::MAX.to_ne_bytes()).is_err());
        assert!(write(&fd, &[1; 64]).is_err());
    }
    assert!(is_readable(&fd, Duration::ZERO));
    assert_eq!(queue.drain().collect::<Vec<_>>(), [0, 1, 2]);
    assert!(write(&fd, &1_u64.to_ne_bytes()).is_err());
    assert!(!is_readable(&fd, Duration::ZERO));
    queue.try_put(3).unwrap();
    assert!(is_readable(&fd, Duration::ZERO));
}

#[test]
fn a_poller_that_sleeps_is_woken_by_every_first_item_whoever_puts_it() {
    const ITEMS: usize = 2_000;
    let queue = Queue::bounded(3);
    let putters: Vec<_> = (0..2)
        .map(|number| {
            let queue = queue.clone();
            thread::spawn(move || {
                kernel(number).block_on(async {
                    for item in 0..ITEMS {
                        queue.put(item).await.unwrap();
                        if item % 64 == 0 {
                            sleep(Duration::from_micros(50)).await.unwrap();
                        }
                    }
                });
            })
        })
        .collect();
    let fd = queue.with_fd().unwrap();
    let mut count = 0;
    while count < 2 * ITEMS {
        assert!(is_readable(&fd, Duration::from_secs(60)), "after {count}");
        while queue.try_get().is_ok() {
            count += 1;
        }
    }
    putters
        .into_iter()
        .for_each(|putter| putter.join().unwrap());
    assert!(!is_readable(&fd, Duration::ZERO));
}
