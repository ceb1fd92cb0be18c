//! What an operation costs, in both shells: nanoseconds, best of several rounds, without an executor.
//!
//! ```sh
//! cargo run --release -p bibelot-sync --example cost [part of a row's name]
//! ```

use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use bibelot_sync::generic::{
    Event, Fifo, Local, Lock, Queue, RwLock, Semaphore, Shell, Universal, broadcast, watch,
};

const ROUNDS: usize = 7;
const TIMES: u64 = 200_000;

fn main() {
    println!(
        "{:<40} {:>8} {:>10}",
        "ns per operation", "local", "universal"
    );
    let limit = (0..ROUNDS).map(|_| measure(bare)).fold(f64::MAX, f64::min);
    println!("{:<40} {limit:>8.1}", "a deque in a cell: push, pop");
    row(
        "queue, capacity 1024: put, get",
        queue_room::<Local>,
        queue_room::<Universal>,
    );
    row(
        "queue, capacity 1: put, get",
        queue_tight::<Local>,
        queue_tight::<Universal>,
    );
    row(
        "queue, capacity 1: parked put, get",
        queue_parked::<Local>,
        queue_parked::<Universal>,
    );
    row(
        "queue: parked get, put",
        queue_handed::<Local>,
        queue_handed::<Universal>,
    );
    row(
        "queue, capacity 1: two tasks in turn",
        queue_turns::<Local>,
        queue_turns::<Universal>,
    );
    row(
        "event: set, wait, clear",
        event_ready::<Local>,
        event_ready::<Universal>,
    );
    row(
        "event: parked wait, set, clear",
        event_parked::<Local>,
        event_parked::<Universal>,
    );
    row(
        "event: parked wait, dropped",
        event_left::<Local>,
        event_left::<Universal>,
    );
    row("lock: lock, let go", lock::<Local>, lock::<Universal>);
    row(
        "lock: parked, handed over",
        lock_handed::<Local>,
        lock_handed::<Universal>,
    );
    row(
        "semaphore: acquire, give back",
        semaphore::<Local>,
        semaphore::<Universal>,
    );
    row("rwlock: read, let go", read::<Local>, read::<Universal>);
    row("rwlock: write, let go", write::<Local>, write::<Universal>);
    row("watch: send, see", seen::<Local>, seen::<Universal>);
    row(
        "broadcast: send, received by two",
        heard::<Local>,
        heard::<Universal>,
    );
}

fn row(name: &str, local: fn() -> u64, universal: fn() -> u64) {
    if std::env::args()
        .nth(1)
        .is_some_and(|part| !name.contains(&part))
    {
        return;
    }
    let best = |body: fn() -> u64| (0..ROUNDS).map(|_| measure(body)).fold(f64::MAX, f64::min);
    println!("{name:<40} {:>8.1} {:>10.1}", best(local), best(universal));
}

/// `body` says how many operations it did.
fn measure(body: fn() -> u64) -> f64 {
    let start = Instant::now();
    let done = body();
    start.elapsed().as_nanos() as f64 / done as f64
}

#[inline]
fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[inline]
fn now<F: Future + Unpin>(mut future: F) -> F::Output {
    match poll(&mut future) {
        Poll::Ready(out) => out,
        Poll::Pending => panic!("it was to be ready"),
    }
}

fn bare() -> u64 {
    let queue = std::rc::Rc::new(std::cell::RefCell::new(
        std::collections::VecDeque::<u64>::new(),
    ));
    for _ in 0..TIMES / 1024 {
        for item in 0..1024 {
            queue.borrow_mut().push_back(black_box(item));
        }
        for _ in 0..1024 {
            black_box(queue.borrow_mut().pop_front().unwrap());
        }
    }
    TIMES / 1024 * 1024
}

fn queue_room<S: Shell>() -> u64 {
    let queue = Queue::<Fifo<u64>, S>::bounded(1024);
    for _ in 0..TIMES / 1024 {
        for item in 0..1024 {
            now(queue.put(black_box(item))).unwrap();
        }
        for _ in 0..1024 {
            black_box(now(queue.get()).unwrap());
        }
    }
    TIMES / 1024 * 1024
}

fn queue_tight<S: Shell>() -> u64 {
    let queue = Queue::<Fifo<u64>, S>::bounded(1);
    for item in 0..TIMES {
        now(queue.put(black_box(item))).unwrap();
        black_box(now(queue.get()).unwrap());
    }
    TIMES
}

fn queue_parked<S: Shell>() -> u64 {
    let queue = Queue::<Fifo<u64>, S>::bounded(1);
    now(queue.put(0)).unwrap();
    for item in 0..TIMES {
        let mut put = queue.put(black_box(item));
        assert!(poll(&mut put).is_pending());
        black_box(now(queue.get()).unwrap());
        now(put).unwrap();
    }
    TIMES
}

fn queue_handed<S: Shell>() -> u64 {
    let queue = Queue::<Fifo<u64>, S>::bounded(1);
    for item in 0..TIMES {
        let mut get = queue.get();
        assert!(poll(&mut get).is_pending());
        now(queue.put(black_box(item))).unwrap();
        black_box(now(get).unwrap());
    }
    TIMES
}

/// A producer and a consumer that take turns.
fn queue_turns<S: Shell>() -> u64 {
    let queue = Queue::<Fifo<u64>, S>::bounded(1);
    let mut putter = pin!(async {
        for item in 0..TIMES {
            queue.put(black_box(item)).await.unwrap();
        }
    });
    let mut getter = pin!(async {
        for _ in 0..TIMES {
            black_box(queue.get().await.unwrap());
        }
    });
    while poll(&mut getter).is_pending() {
        let _ = poll(&mut putter);
    }
    TIMES
}

fn event_ready<S: Shell>() -> u64 {
    let event = Event::<S>::new();
    for _ in 0..TIMES {
        event.set();
        now(event.wait());
        event.clear();
    }
    TIMES
}

fn event_parked<S: Shell>() -> u64 {
    let event = Event::<S>::new();
    for _ in 0..TIMES {
        let mut wait = event.wait();
        assert!(poll(&mut wait).is_pending());
        event.set();
        now(wait);
        event.clear();
    }
    TIMES
}

fn event_left<S: Shell>() -> u64 {
    let event = Event::<S>::new();
    for _ in 0..TIMES {
        let mut wait = event.wait();
        assert!(poll(&mut wait).is_pending());
    }
    TIMES
}

fn lock<S: Shell>() -> u64 {
    let lock = Lock::<u64, S>::new(0);
    for _ in 0..TIMES {
        let mut guard = now(lock.lock());
        *guard = black_box(7);
    }
    TIMES
}

fn lock_handed<S: Shell>() -> u64 {
    let lock = Lock::<u64, S>::new(0);
    for _ in 0..TIMES {
        let guard = now(lock.lock());
        let mut wait = lock.lock();
        assert!(poll(&mut wait).is_pending());
        drop(guard);
        *now(wait) += 1;
    }
    TIMES
}

fn semaphore<S: Shell>() -> u64 {
    let semaphore = Semaphore::<S>::new(1);
    for _ in 0..TIMES {
        black_box(now(semaphore.acquire()).unwrap().count());
    }
    TIMES
}

fn read<S: Shell>() -> u64 {
    let lock = RwLock::<u64, S>::new(7);
    for _ in 0..TIMES {
        black_box(*now(lock.read()));
    }
    TIMES
}

fn write<S: Shell>() -> u64 {
    let lock = RwLock::<u64, S>::new(0);
    for _ in 0..TIMES {
        *now(lock.write()) = black_box(7);
    }
    TIMES
}

fn seen<S: Shell>() -> u64 {
    let (sender, mut receiver) = watch::<u64, S>(0);
    for value in 0..TIMES {
        sender.send(black_box(value));
        black_box(*receiver.see());
    }
    TIMES
}

fn heard<S: Shell>() -> u64 {
    let (sender, mut one) = broadcast::<u64, S>(16);
    let mut other = one.clone();
    for item in 0..TIMES {
        sender.send(black_box(item)).unwrap();
        black_box(now(one.recv()).unwrap() + now(other.recv()).unwrap());
    }
    TIMES
}
