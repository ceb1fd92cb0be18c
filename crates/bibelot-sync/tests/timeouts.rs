//! Blocking waits with a limit: in time, out of time, and what is left in place then.
//!
//! Limits that are to pass are short, those that are not are an hour: nothing is said about how long a
//! wait takes.

use bibelot_sync::{
    Barrier, BroadcastError, CapacityLimiter, Condition, Event, Lock, Notify, OnceResult, Owner,
    Queue, ReentrantLock, RwLock, Semaphore, SendersGone, TryAcquireError, TryBorrowError,
    TryBroadcastError, TryGetError, TryPutError, TryRecvError, block_on_timeout, broadcast,
    channel, oneshot, rendezvous, watch,
};
use std::future::{pending, ready};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(2);
const LONG: Duration = Duration::from_secs(3600);

#[test]
fn a_future_that_is_ready_needs_no_time() {
    assert_eq!(block_on_timeout(&mut ready(1), Duration::ZERO), Some(1));
    assert_eq!(
        block_on_timeout(&mut pin!(pending::<()>()), Duration::ZERO),
        None
    );
}

#[test]
fn a_limit_beyond_the_clock_waits_for_ever() {
    let event = Event::new();
    thread::scope(|scope| {
        let waiter = scope.spawn(|| event.wait_timeout(Duration::MAX));
        event.set();
        assert!(waiter.join().unwrap());
    });
}

#[test]
fn events_and_notifications_tell_whether_they_came() {
    let (event, notify) = (Event::new(), Notify::new());
    assert!(!event.wait_timeout(SHORT) && !notify.notified_timeout(SHORT));
    event.set();
    notify.notify_one();
    assert!(event.wait_timeout(LONG) && notify.notified_timeout(LONG));
    let (result, answer) = (OnceResult::<u8, ()>::new(), Ok(1));
    assert_eq!(result.get_timeout(SHORT), None);
    result.set(answer).unwrap();
    assert_eq!(result.get_timeout(LONG), Some(&answer));
}

#[test]
fn a_lock_that_was_not_had_in_time_is_not_waited_for() {
    let (lock, shared, own) = (Lock::new(0), RwLock::new(0), ReentrantLock::new(0));
    let guard = lock.lock_timeout(LONG).unwrap();
    assert!(lock.lock_timeout(SHORT).is_none());
    drop(guard);
    assert!(lock.try_lock().is_some());

    let guard = shared.read_timeout(LONG).unwrap();
    assert!(shared.write_timeout(SHORT).is_none() && shared.read_timeout(LONG).is_some());
    drop(guard);
    let guard = shared.write_timeout(LONG).unwrap();
    assert!(shared.read_timeout(SHORT).is_none());
    drop(guard);

    let guard = own.lock_timeout(1_u64, LONG).unwrap();
    assert!(own.lock_timeout(1_u64, LONG).is_some() && own.lock_timeout(2_u64, SHORT).is_none());
    drop(guard);
    assert_eq!(own.owner(), None);
}

#[test]
fn permits_and_tokens_say_why_they_were_not_given() {
    let (semaphore, limiter) = (Semaphore::new(1), CapacityLimiter::new(1));
    let permit = semaphore.acquire_many_timeout(1, LONG).unwrap();
    let late = semaphore.acquire_many_timeout(1, SHORT).unwrap_err();
    assert_eq!(late, TryAcquireError::NoPermits);
    drop(permit);
    assert_eq!(semaphore.available_permits(), 1);
    semaphore.close();
    let closed = semaphore.acquire_many_timeout(1, LONG).unwrap_err();
    assert_eq!(closed, TryAcquireError::Closed);

    let token = limiter.borrow_timeout(1_u64, LONG).unwrap();
    let late = limiter.borrow_timeout(2_u64, SHORT).unwrap_err();
    let twice = limiter.borrow_timeout(1_u64, LONG).unwrap_err();
    assert_eq!(
        (late, twice),
        (TryBorrowError::NoTokens, TryBorrowError::AlreadyBorrowed)
    );
    assert_eq!(token.owner(), Owner::from(1_u64));
}

#[test]
fn a_barrier_does_not_count_who_gave_up() {
    let barrier = Barrier::new(2);
    assert!(barrier.wait_timeout(SHORT).is_none());
    assert_eq!(barrier.arrived(), 0);
    thread::scope(|scope| {
        scope.spawn(|| barrier.wait_blocking().unwrap());
        assert!(barrier.wait_timeout(LONG).unwrap().is_ok());
    });
}

#[test]
fn a_put_that_is_late_has_its_item_and_a_get_that_is_late_takes_none() {
    let queue = Queue::bounded(1);
    assert_eq!(queue.get_timeout(SHORT), Err(TryGetError::Empty));
    assert_eq!(queue.put_timeout(1, LONG), Ok(()));
    assert_eq!(queue.put_timeout(2, SHORT), Err(TryPutError::Full(2)));
    assert!(!queue.join_timeout(SHORT));
    assert_eq!(queue.get_timeout(LONG), Ok(1));
    queue.task_done().unwrap();
    assert!(queue.join_timeout(LONG));
    queue.close();
    assert_eq!(queue.put_timeout(3, LONG), Err(TryPutError::Closed(3)));
    assert_eq!(queue.get_timeout(LONG), Err(TryGetError::Closed));
}

#[test]
fn channels_and_oneshots_keep_to_their_limits() {
    let (sender, receiver) = channel(1);
    assert_eq!(sender.send_timeout(1, LONG), Ok(()));
    assert_eq!(sender.send_timeout(2, SHORT), Err(TryPutError::Full(2)));
    assert_eq!(receiver.recv_timeout(LONG), Ok(1));
    assert_eq!(receiver.recv_timeout(SHORT), Err(TryGetError::Empty));
    let (sender, mut receiver) = oneshot();
    assert_eq!(receiver.recv_timeout(SHORT), Err(TryRecvError::Empty));
    sender.send(1).unwrap();
    assert_eq!(receiver.recv_timeout(LONG), Ok(1));
    assert_eq!(receiver.recv_timeout(LONG), Err(TryRecvError::Gone));
}

#[test]
fn what_changes_or_is_said_in_time_is_heard() {
    let (sender, mut receiver) = watch(0);
    assert_eq!(receiver.changed_timeout(SHORT), Ok(false));
    sender.send(1);
    assert_eq!(receiver.changed_timeout(LONG), Ok(true));
    drop(sender);
    assert_eq!(receiver.changed_timeout(LONG), Err(SendersGone));

    let (sender, mut receiver) = broadcast(1);
    assert_eq!(receiver.recv_timeout(SHORT), Err(TryBroadcastError::Empty));
    sender.send(1).unwrap();
    sender.send(2).unwrap();
    assert_eq!(
        receiver.recv_timeout(LONG),
        Err(TryBroadcastError::Lagged(1))
    );
    assert_eq!(receiver.recv_timeout(LONG), Ok(2));
    drop(sender);
    assert_eq!(receiver.recv_timeout(LONG), Err(TryBroadcastError::Closed));
    assert_eq!(receiver.recv_blocking(), Err(BroadcastError::Closed));
}

#[test]
fn a_condition_gives_the_guard_back_in_any_case() {
    let (lock, changed) = (Lock::new(0), Condition::new());
    let (guard, notified) = changed.wait_timeout(lock.lock_blocking(), SHORT);
    assert!(!notified && lock.is_locked());
    let (guard, met) = changed.wait_while_timeout(guard, SHORT, |value| *value == 0);
    assert!(!met);
    thread::scope(|scope| {
        scope.spawn(|| {
            *lock.lock_blocking() = 1;
            changed.notify_all();
        });
        let (guard, met) = changed.wait_while_timeout(guard, LONG, |value| *value == 0);
        assert!(met && *guard == 1);
        scope.spawn(|| {
            // Whoever has this lock finds the waiter in line.
            drop(lock.lock_blocking());
            changed.notify(1);
        });
        let (_guard, notified) = changed.wait_timeout(guard, LONG);
        assert!(notified);
    });
}

/// Limits that pass at about the moment when the wait ends, on both sides of a rendezvous.
#[test]
fn an_item_is_either_received_or_kept_however_close_the_limit() {
    let (sender, receiver) = rendezvous();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let getter = scope.spawn(|| {
            let mut got = Vec::new();
            while !over.load(Ordering::Acquire) {
                got.extend(receiver.recv_timeout(Duration::from_micros(30)));
            }
            got.extend(receiver.drain());
            got
        });
        let mut sent = Vec::new();
        for item in 0..2000 {
            match sender.send_timeout(item, Duration::from_micros(30)) {
                Ok(()) => sent.push(item),
                Err(error) => assert_eq!(error.into_item(), item),
            }
        }
        over.store(true, Ordering::Release);
        assert_eq!(getter.join().unwrap(), sent);
    });
}
