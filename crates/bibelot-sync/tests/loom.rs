//! The universal shell under loom: all interleavings of two or three threads at its wait queue.
//!
//! ```sh
//! RUSTFLAGS="--cfg loom" cargo test --release -p bibelot-sync --test loom
//! ```

#![cfg(loom)]

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use bibelot_sync::{
    Barrier, BroadcastError, CapacityLimiter, Condition, Event, Lock, Notify, OnceCell, Queue,
    ReentrantLock, RwLock, Semaphore, TryGetError, TryPutError, broadcast, channel, oneshot, watch,
};
use loom::thread;

fn model(body: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(body);
}

/// Polls once, with a waker that does nothing: a waiter that is about to be cut.
fn glance<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

struct Unpark(thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future + Unpin>(mut future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match Pin::new(&mut future).poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(out) => return out,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn a_set_is_not_missed_by_one_that_is_about_to_wait() {
    model(|| {
        let event = Event::new();
        let waiter = thread::spawn({
            let event = event.clone();
            move || event.wait_blocking()
        });
        event.set();
        waiter.join().unwrap();
    });
}

#[test]
fn set_and_clear_release_a_waiter_or_leave_it_waiting() {
    model(|| {
        let event = Event::new();
        let waiter = thread::spawn({
            let event = event.clone();
            move || event.wait_blocking()
        });
        event.set();
        event.clear();
        event.set();
        waiter.join().unwrap();
    });
}

#[test]
fn an_item_is_not_lost_when_its_getter_is_cut() {
    model(|| {
        let queue = Queue::unbounded();
        let cut = thread::spawn({
            let queue = queue.clone();
            move || match glance(&mut queue.get()) {
                Poll::Ready(item) => item.ok(),
                Poll::Pending => None,
            }
        });
        let other = thread::spawn({
            let queue = queue.clone();
            move || queue.try_put(1).unwrap()
        });
        let taken = cut.join().unwrap();
        other.join().unwrap();
        let left = queue.try_get();
        match taken {
            Some(item) => assert_eq!((item, left), (1, Err(TryGetError::Empty))),
            None => assert_eq!(left, Ok(1)),
        }
    });
}

#[test]
fn an_item_of_a_cut_getter_wakes_the_next() {
    model(|| {
        let queue = Queue::unbounded();
        let cut = thread::spawn({
            let queue = queue.clone();
            move || {
                let mut get = queue.get();
                if let Poll::Ready(item) = glance(&mut get) {
                    queue.try_put(item.unwrap()).unwrap();
                }
            }
        });
        let next = thread::spawn({
            let queue = queue.clone();
            move || queue.get_blocking()
        });
        queue.try_put(1).unwrap();
        cut.join().unwrap();
        assert_eq!(next.join().unwrap(), Ok(1));
    });
}

#[test]
fn room_of_a_cut_putter_wakes_the_next() {
    model(|| {
        let queue = Queue::bounded(1);
        queue.try_put(0).unwrap();
        let cut = thread::spawn({
            let queue = queue.clone();
            move || {
                let mut put = queue.put(1);
                let _ = glance(&mut put);
                put.into_item()
            }
        });
        let next = thread::spawn({
            let queue = queue.clone();
            move || queue.put_blocking(2)
        });
        assert_eq!(queue.get_blocking(), Ok(0));
        let put = match cut.join().unwrap() {
            Some(1) => vec![2],
            _ => vec![1, 2],
        };
        for _ in &put {
            queue.get_blocking().unwrap();
        }
        next.join().unwrap().unwrap();
        assert_eq!(queue.undone(), put.len() as u64 + 1);
    });
}

#[test]
fn close_reaches_a_getter_and_gives_a_putter_its_item_back() {
    model(|| {
        let queue = Queue::bounded(1);
        let getter = thread::spawn({
            let queue = queue.clone();
            move || queue.get_blocking()
        });
        let putter = thread::spawn({
            let queue = queue.clone();
            move || queue.put_blocking(1)
        });
        queue.close();
        match putter.join().unwrap() {
            Ok(()) => assert_eq!(getter.join().unwrap(), Ok(1)),
            Err(_) => assert!(getter.join().unwrap().is_err()),
        }
    });
}

#[test]
fn join_is_released_by_the_last_that_is_done() {
    model(|| {
        let queue = Queue::unbounded();
        queue.try_put(1).unwrap();
        let worker = thread::spawn({
            let queue = queue.clone();
            move || {
                queue.get_blocking().unwrap();
                queue.task_done().unwrap();
            }
        });
        queue.join_blocking();
        worker.join().unwrap();
    });
}

#[test]
fn a_lock_excludes_and_is_handed_over() {
    model(|| {
        let lock = Lock::new(0);
        let other = thread::spawn({
            let lock = lock.clone();
            move || *lock.lock_blocking() += 1
        });
        *lock.lock_blocking() += 1;
        other.join().unwrap();
        assert_eq!(*lock.lock_blocking(), 2);
    });
}

#[test]
fn a_lock_granted_to_a_cut_waiter_goes_on() {
    model(|| {
        let lock = Lock::new(0);
        let guard = lock.try_lock().unwrap();
        let cut = thread::spawn({
            let lock = lock.clone();
            move || drop(glance(&mut lock.lock()))
        });
        let next = thread::spawn({
            let lock = lock.clone();
            move || *lock.lock_blocking() += 1
        });
        drop(guard);
        cut.join().unwrap();
        next.join().unwrap();
        assert!(!lock.is_locked());
    });
}

#[test]
fn permits_of_a_cut_waiter_serve_those_behind_it() {
    model(|| {
        let semaphore = Semaphore::new(2);
        let held = semaphore.try_acquire().unwrap();
        let cut = thread::spawn({
            let semaphore = semaphore.clone();
            move || drop(glance(&mut semaphore.acquire_many(2)))
        });
        let next = thread::spawn({
            let semaphore = semaphore.clone();
            move || drop(semaphore.acquire_blocking().unwrap())
        });
        drop(held);
        cut.join().unwrap();
        next.join().unwrap();
        assert_eq!(semaphore.available_permits(), 2);
    });
}

#[test]
fn one_notification_releases_one_also_past_a_cut_waiter() {
    model(|| {
        let notify = Notify::new();
        let cut = thread::spawn({
            let notify = notify.clone();
            move || glance(&mut notify.notified()).is_ready()
        });
        let next = thread::spawn({
            let notify = notify.clone();
            move || notify.notified_blocking()
        });
        notify.notify_one();
        if cut.join().unwrap() {
            notify.notify_one();
        }
        next.join().unwrap();
    });
}

#[test]
fn a_change_under_the_lock_is_not_missed_by_a_condition() {
    model(|| {
        let (lock, changed) = (Lock::new(false), Condition::new());
        let other = thread::spawn({
            let (lock, changed) = (lock.clone(), changed.clone());
            move || {
                *lock.lock_blocking() = true;
                changed.notify(1);
            }
        });
        let guard = changed.wait_while_blocking(lock.lock_blocking(), |ready| !*ready);
        assert!(*guard);
        drop(guard);
        other.join().unwrap();
    });
}

#[test]
fn a_oneshot_ends_with_its_value_or_without() {
    model(|| {
        let (sender, receiver) = oneshot();
        let other = thread::spawn(move || receiver.recv_blocking());
        sender.send(1).unwrap();
        assert_eq!(other.join().unwrap(), Ok(1));

        let (sender, receiver) = oneshot::<u32>();
        let other = thread::spawn(move || receiver.recv_blocking());
        drop(sender);
        assert!(other.join().unwrap().is_err());
    });
}

#[test]
fn a_waiter_that_moves_to_another_waker_is_woken_there() {
    model(|| {
        let event = Event::new();
        let other = thread::spawn({
            let event = event.clone();
            move || event.set()
        });
        let mut wait = event.wait();
        if glance(&mut wait).is_pending() {
            block_on(wait);
        }
        other.join().unwrap();
    });
}

#[test]
fn a_writer_is_alone_also_when_a_reader_is_cut() {
    model(|| {
        let lock = RwLock::new(0);
        let cut = thread::spawn({
            let lock = lock.clone();
            move || drop(glance(&mut lock.read()))
        });
        let writer = thread::spawn({
            let lock = lock.clone();
            move || *lock.write_blocking() += 1
        });
        *lock.write_blocking() += 1;
        cut.join().unwrap();
        writer.join().unwrap();
        assert_eq!(*lock.try_read().unwrap(), 2);
    });
}

#[test]
fn readers_behind_a_cut_writer_are_let_in() {
    model(|| {
        let lock = RwLock::new(0);
        let held = lock.try_read().unwrap();
        let cut = thread::spawn({
            let lock = lock.clone();
            move || drop(glance(&mut lock.write()))
        });
        assert_eq!(*lock.read_blocking(), 0);
        drop(held);
        cut.join().unwrap();
        assert!(lock.try_write().is_some());
    });
}

#[test]
fn a_reentrant_lock_granted_to_a_cut_waiter_goes_on() {
    model(|| {
        let lock = ReentrantLock::new(());
        let held = lock.try_lock(1_u64).unwrap();
        let cut = thread::spawn({
            let lock = lock.clone();
            move || drop(glance(&mut lock.lock(2_u64)))
        });
        let next = thread::spawn({
            let lock = lock.clone();
            move || {
                let outer = lock.lock_blocking(3_u64);
                drop((lock.lock_blocking(3_u64), outer));
            }
        });
        drop(held);
        cut.join().unwrap();
        next.join().unwrap();
        assert_eq!(lock.owner(), None);
    });
}

#[test]
fn a_token_of_a_cut_borrower_goes_on_and_a_raised_total_wakes() {
    model(|| {
        let limiter = CapacityLimiter::new(0);
        let cut = thread::spawn({
            let limiter = limiter.clone();
            move || drop(glance(&mut limiter.borrow(1_u64)))
        });
        let next = thread::spawn({
            let limiter = limiter.clone();
            move || drop(limiter.borrow_blocking(2_u64).unwrap())
        });
        limiter.set_total(1);
        cut.join().unwrap();
        next.join().unwrap();
        assert_eq!(limiter.borrowed(), 0);
    });
}

#[test]
fn one_of_a_round_is_the_last() {
    model(|| {
        let barrier = Barrier::new(2);
        let other = thread::spawn({
            let barrier = barrier.clone();
            move || barrier.wait_blocking().unwrap().is_last
        });
        let is_last = barrier.wait_blocking().unwrap().is_last;
        assert!(is_last != other.join().unwrap());
    });
}

#[test]
fn a_once_cell_is_made_once_also_when_the_first_is_cut() {
    model(|| {
        let cell = OnceCell::new();
        let cut = thread::spawn({
            let cell = cell.clone();
            move || {
                let making = cell.get_or_init(std::future::pending::<u32>);
                assert!(glance(&mut { making }).is_pending() || cell.get().is_some());
            }
        });
        let other = thread::spawn({
            let cell = cell.clone();
            move || *cell.get_or_init_blocking(|| 1)
        });
        let made = *cell.get_or_init_blocking(|| 2);
        cut.join().unwrap();
        assert_eq!(other.join().unwrap(), made);
    });
}

#[test]
fn a_change_of_a_watch_is_not_missed_nor_its_end() {
    model(|| {
        let (sender, mut receiver) = watch(0);
        let reader = thread::spawn(move || {
            receiver.changed_blocking().unwrap();
            let first = *receiver.latest();
            while receiver.changed_blocking().is_ok() {}
            (first, *receiver.latest())
        });
        sender.send(1);
        sender.send(2);
        drop(sender);
        let (first, last) = reader.join().unwrap();
        assert!((1..=2).contains(&first));
        assert_eq!(last, 2);
    });
}

#[test]
fn every_item_of_a_broadcast_is_received_or_counted_missed() {
    model(|| {
        let (sender, mut receiver) = broadcast(1);
        let other = receiver.clone();
        let reader = thread::spawn(move || {
            let mut next = 0;
            loop {
                match receiver.recv_blocking() {
                    Ok(item) if item == next => next += 1,
                    Ok(item) => panic!("{item} instead of {next}"),
                    Err(BroadcastError::Lagged(missed)) => next += missed,
                    Err(_) => return next,
                }
            }
        });
        let leaves = thread::spawn(move || drop(other));
        sender.send(0).unwrap();
        sender.send(1).unwrap();
        drop(sender);
        leaves.join().unwrap();
        assert_eq!(reader.join().unwrap(), 2);
    });
}

#[test]
fn a_rendezvous_meets_past_a_cut_getter() {
    model(|| {
        let queue = Queue::rendezvous();
        let cut = thread::spawn({
            let queue = queue.clone();
            move || match glance(&mut queue.get()) {
                Poll::Ready(item) => queue.put_blocking(item.unwrap()).unwrap(),
                Poll::Pending => {}
            }
        });
        let getter = thread::spawn({
            let queue = queue.clone();
            move || queue.get_blocking()
        });
        queue.put_blocking(1).unwrap();
        cut.join().unwrap();
        assert_eq!(getter.join().unwrap(), Ok(1));
    });
}

#[test]
fn room_of_a_dropped_permit_serves_a_putter_and_a_close_waits_for_it() {
    model(|| {
        let queue = Queue::bounded(1);
        let permit = queue.try_reserve().unwrap();
        let putter = thread::spawn({
            let queue = queue.clone();
            move || queue.put_blocking(1)
        });
        let getter = thread::spawn({
            let queue = queue.clone();
            move || queue.get_blocking()
        });
        drop(permit);
        queue.close();
        let put = putter.join().unwrap();
        assert_eq!(getter.join().unwrap().is_ok(), put.is_ok());
    });
}

#[test]
fn a_channel_ends_when_the_last_of_a_side_goes() {
    model(|| {
        let (sender, receiver) = channel(1);
        let other = sender.clone();
        let sending = thread::spawn(move || other.try_send(1));
        let waiting = thread::spawn(move || {
            let first = receiver.recv_blocking();
            (first, receiver.recv_blocking())
        });
        drop(sender);
        sending.join().unwrap().unwrap();
        let (first, second) = waiting.join().unwrap();
        assert!(first == Ok(1) && second.is_err());

        let (sender, receiver) = channel(1);
        let gone = thread::spawn(move || drop(receiver));
        let end = match sender.try_send(1) {
            Ok(()) => sender.send_blocking(2).map_err(|error| error.0),
            Err(TryPutError::Closed(_)) => Err(2),
            Err(error) => panic!("{error}"),
        };
        assert_eq!(end, Err(2));
        gone.join().unwrap();
    });
}

/// The blocking twins park by themselves: a wake may come before the park, in it, or between two looks.
#[test]
fn a_thread_that_blocks_hears_its_wake() {
    model(|| {
        let event = Event::new();
        let setter = thread::spawn({
            let event = event.clone();
            move || event.set()
        });
        event.wait_blocking();
        setter.join().unwrap();
    });
}
