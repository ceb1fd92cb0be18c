//! The universal shell under real threads: waits cut at random, nothing lost, nobody forgotten.

mod common;

use bibelot_sync::{Event, Lock, Queue, Semaphore, block_on, block_on_timeout};
use common::{Flag, poll};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::thread;
use std::time::Duration;

/// A small generator of numbers, for choices that need no quality.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

const PUTTERS: u64 = 3;
const ITEMS: u64 = 2000;

#[test]
fn storms_of_cut_gets_and_puts_lose_and_double_nothing() {
    for (capacity, getters) in [(1, 3), (2, 1), (7, 3), (1, 1)] {
        let queue = Queue::bounded(capacity);
        let got = thread::scope(|scope| {
            let putters: Vec<_> = (0..PUTTERS)
                .map(|putter| {
                    let queue = &queue;
                    scope.spawn(move || put_all(queue, putter))
                })
                .collect();
            let getters: Vec<_> = (0..getters)
                .map(|getter| {
                    let queue = &queue;
                    scope.spawn(move || get_all(queue, getter))
                })
                .collect();
            putters
                .into_iter()
                .for_each(|putter| putter.join().unwrap());
            queue.close();
            let got = getters.into_iter().map(|getter| getter.join().unwrap());
            got.collect::<Vec<_>>()
        });
        let mut all: Vec<_> = got.concat();
        all.sort_unstable();
        let count = PUTTERS * ITEMS;
        assert!(all.into_iter().eq(0..count), "capacity {capacity}");
        assert_eq!(queue.undone(), count);
        // Among several getters an item that one gave back may come after its successor.
        for putter in (0..PUTTERS).filter(|_| getters == 1) {
            let own = got[0].iter().filter(|item| *item / ITEMS == putter);
            assert!(own.is_sorted(), "capacity {capacity}");
        }
    }
}

/// Puts items in order; half of the waits are cut, and the item tried again.
fn put_all(queue: &Queue<u64>, putter: u64) {
    let mut dice = Dice(putter + 1);
    for item in putter * ITEMS..(putter + 1) * ITEMS {
        let mut item = Some(item);
        while let Some(again) = item.take() {
            if dice.roll(2) == 0 {
                queue.put_blocking(again).unwrap();
                continue;
            }
            let mut put = queue.put(again);
            if poll(&mut put, &Flag::new()).is_pending() {
                for _ in 0..dice.roll(4) {
                    thread::yield_now();
                }
                item = put.into_item();
            }
        }
    }
}

/// Takes items until the queue is closed; half of the waits are cut.
fn get_all(queue: &Queue<u64>, getter: u64) -> Vec<u64> {
    let mut dice = Dice(getter + 100);
    let mut got = Vec::new();
    loop {
        let end = if dice.roll(2) == 0 {
            Some(queue.get_blocking())
        } else {
            let mut get = queue.get();
            match poll(&mut get, &Flag::new()) {
                Poll::Ready(end) => Some(end),
                Poll::Pending => {
                    for _ in 0..dice.roll(4) {
                        thread::yield_now();
                    }
                    None
                }
            }
        };
        match end {
            Some(Ok(item)) => got.push(item),
            Some(Err(_)) => return got,
            None => {}
        }
    }
}

#[test]
fn storms_of_cut_locks_and_permits_leave_all_free() {
    let (lock, semaphore) = (Lock::new(0_u64), Semaphore::new(3));
    let taken = AtomicUsize::new(0);
    thread::scope(|scope| {
        for seed in 1..=4 {
            let (lock, semaphore, taken) = (&lock, &semaphore, &taken);
            scope.spawn(move || {
                let mut dice = Dice(seed);
                for _ in 0..2000 {
                    match dice.roll(4) {
                        0 => {
                            *lock.lock_blocking() += 1;
                            taken.fetch_add(1, Ordering::Relaxed);
                        }
                        1 => drop(poll(&mut lock.lock(), &Flag::new())),
                        2 => drop(semaphore.acquire_many_blocking(2).unwrap()),
                        _ => drop(poll(&mut semaphore.acquire_many(3), &Flag::new())),
                    }
                }
            });
        }
    });
    assert_eq!(*lock.lock_blocking(), taken.into_inner() as u64);
    assert_eq!(semaphore.available_permits(), 3);
}

/// Runs `body` on a thread of its own, and says if it does not come back.
fn comes_back(body: impl FnOnce() + Send + 'static) {
    let (done, all_done) = std::sync::mpsc::channel();
    let thread = thread::spawn(move || {
        body();
        done.send(()).unwrap();
    });
    all_done
        .recv_timeout(Duration::from_secs(60))
        .expect("a wake was lost");
    thread.join().unwrap();
}

/// A future that is pending once, and is woken before `then` runs.
fn woken_before<F: FnMut()>(mut then: F) -> impl Future<Output = ()> {
    let mut first = true;
    std::future::poll_fn(move |cx| {
        if !std::mem::take(&mut first) {
            return std::task::Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        then();
        std::task::Poll::Pending
    })
}

#[test]
fn a_wait_within_a_wait_does_not_use_up_its_wake() {
    comes_back(|| block_on(woken_before(|| block_on(woken_before(|| ())))));
    comes_back(|| {
        let inner = || {
            let mut inner = Box::pin(woken_before(|| ()));
            block_on_timeout(&mut inner, Duration::from_secs(600)).unwrap();
        };
        let mut outer = Box::pin(woken_before(inner));
        block_on_timeout(&mut outer, Duration::from_secs(600)).unwrap();
    });
}

#[test]
fn a_token_that_other_code_takes_is_no_lost_wake() {
    comes_back(|| block_on(woken_before(thread::park)));
}

#[test]
fn a_token_that_other_code_leaves_is_no_wake() {
    let polls = std::cell::Cell::new(0);
    let event = Event::new();
    let mut wait = event.wait();
    let mut counted = std::future::poll_fn(|cx| {
        polls.set(polls.get() + 1);
        thread::current().unpark();
        std::pin::Pin::new(&mut wait).poll(cx)
    });
    assert_eq!(
        block_on_timeout(&mut counted, Duration::from_millis(5)),
        None
    );
    assert_eq!(polls.get(), 1, "only a wake is a reason to look");
}
