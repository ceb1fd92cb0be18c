//! Polls and unparks: waiting, not waiting, and being told to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bibelot_reactor::Op;

use crate::backends::everywhere;
use crate::streams::{receive_into, send};

#[test]
fn a_wake_before_a_poll_ends_it() {
    everywhere(|world| {
        let unparker = world.unparker();
        for _ in 0..3 {
            unparker.wake_by_ref();
            world.poll(None);
        }
        // Many wakes are one.
        unparker.wake_by_ref();
        unparker.wake_by_ref();
        world.poll(None);
        unparker.wake_by_ref();
        world.poll(Some(Duration::MAX));
    });
}

#[test]
fn what_comes_ends_the_stillness_of_a_reactor() {
    everywhere(|world| {
        let (ours, theirs) = world.pair();
        let waiting = world.submit(receive_into(&theirs, 1));
        // Whether it is still now is its own affair; a poll has begun the receive in any case.
        world.poll(Some(Duration::ZERO));
        let sending = world.submit(send(&ours, b"x"));
        // Nobody polls, and yet it is seen that somebody should.
        let begin = Instant::now();
        while world.is_still() {
            assert!(begin.elapsed() < Duration::from_secs(20), "it stays still");
            thread::yield_now();
        }
        let _ = world.next(sending);
        let _ = world.next(waiting);
        let cancelled = world.submit(receive_into(&theirs, 1));
        world.poll(Some(Duration::ZERO));
        world.cancel(cancelled);
        assert!(
            !world.is_still(),
            "the end of what was cancelled is to be had"
        );
        let _ = world.next(cancelled);
    });
}

#[test]
fn a_wake_during_a_poll_ends_it() {
    everywhere(|world| {
        let (_ours, theirs) = world.pair();
        let waiting = world.submit(receive_into(&theirs, 1));
        let woken = Arc::new(AtomicUsize::new(0));
        for round in 1..=5 {
            let (unparker, woken) = (world.unparker(), woken.clone());
            let waking = thread::spawn({
                let woken = woken.clone();
                move || {
                    thread::sleep(Duration::from_millis(5));
                    woken.store(round, Ordering::Release);
                    unparker.wake();
                }
            });
            while woken.load(Ordering::Acquire) < round {
                world.poll(None);
            }
            waking.join().unwrap();
        }
        assert!(!world.has(waiting));
    });
}

#[test]
fn no_wake_of_many_threads_is_lost() {
    everywhere(|world| {
        let messages = Arc::new(AtomicUsize::new(0));
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let (unparker, messages) = (world.unparker(), messages.clone());
                thread::spawn(move || {
                    for round in 0..500 {
                        messages.fetch_add(1, Ordering::Relaxed);
                        unparker.wake_by_ref();
                        if round % 7 == 0 {
                            thread::yield_now();
                        }
                    }
                })
            })
            .collect();
        while messages.load(Ordering::Relaxed) < 2_000 {
            world.poll(None);
        }
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn a_wake_does_not_hide_a_completion() {
    everywhere(|world| {
        let (ours, theirs) = world.pair();
        for _ in 0..20 {
            let waiting = world.submit(receive_into(&theirs, 1));
            world.unparker().wake();
            world.send_all(&ours, b"x");
            assert!(world.next(waiting).result.is_ok());
        }
    });
}

#[test]
fn polls_return_when_their_time_is_up() {
    everywhere(|world| {
        let (_ours, theirs) = world.pair();
        for waits in [false, true] {
            let waiting = waits.then(|| world.submit(receive_into(&theirs, 1)));
            for timeout_ns in [0, 1, 999_999, 1_000_000, 1_500_000] {
                world.poll(Some(Duration::from_nanos(timeout_ns)));
            }
            assert!(!waiting.is_some_and(|waiting| world.has(waiting)));
        }
    });
}

#[test]
fn a_poll_has_what_is_there_without_waiting() {
    everywhere(|world| {
        let token = world.submit(Op::Nop);
        for _ in 0..100 {
            if world.has(token) {
                return;
            }
            world.poll(Some(Duration::ZERO));
        }
        panic!("a Nop has not ended in 100 polls");
    });
}

#[test]
fn an_unparker_outlives_its_reactor() {
    let kept = std::sync::Mutex::new(Vec::new());
    everywhere(|world| kept.lock().unwrap().push(world.unparker()));
    for unparker in kept.into_inner().unwrap() {
        unparker.wake_by_ref();
        unparker.wake();
    }
}
