//! The universal shell under real threads: waits cut at random, nothing lost, nobody forgotten.

mod common;

use bibelot_sync::{Lock, Queue, Semaphore};
use common::{Flag, poll};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::thread;

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
