//! Waiting, and what ends it.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bibelot_reactor::{Call, Job, Op, Reactor};
use bibelot_uring::{Abilities, Ability};
use common::{Desk, everywhere};

#[test]
fn a_wake_before_the_wait_ends_it() {
    everywhere(|desk| {
        let waker = desk.uring.unparker();
        for _ in 0..3 {
            waker.wake_by_ref();
            waker.wake_by_ref();
            // Without a timeout: this would never return if the wake were lost.
            desk.uring.poll(None, &mut desk.ends).unwrap();
        }
        assert!(desk.ends.is_empty());
    });
}

#[test]
fn a_wake_is_kept_through_polls_that_do_not_wait() {
    everywhere(|desk| {
        let waker = desk.uring.unparker();
        waker.wake();
        desk.run(Op::Nop);
        let waker = desk.uring.unparker();
        thread::spawn(move || waker.wake()).join().unwrap();
        desk.uring.poll(None, &mut desk.ends).unwrap();
    });
}

#[test]
fn no_wake_of_a_storm_is_lost() {
    const THREADS: usize = 4;
    const WAKES: usize = 300;
    everywhere(|desk| {
        let said = Arc::new(AtomicUsize::new(0));
        let heard = Arc::new(AtomicUsize::new(0));
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                let (waker, said, heard) = (desk.uring.unparker(), said.clone(), heard.clone());
                thread::spawn(move || {
                    for _ in 0..WAKES {
                        let number = said.fetch_add(1, Ordering::SeqCst) + 1;
                        waker.wake_by_ref();
                        // The next wake comes when this one was heard, so each must end a sleep.
                        while heard.load(Ordering::SeqCst) < number {
                            thread::yield_now();
                        }
                    }
                })
            })
            .collect();
        // Long enough that a lost wake is a test that does not end.
        let timeouts = [None, Some(Duration::from_secs(3600))];
        let mut timeouts = timeouts.into_iter().cycle();
        while heard.load(Ordering::SeqCst) < THREADS * WAKES {
            desk.uring
                .poll(timeouts.next().flatten(), &mut desk.ends)
                .unwrap();
            heard.store(said.load(Ordering::SeqCst), Ordering::SeqCst);
        }
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn a_waker_outlives_the_reactor() {
    let desk = Desk::hiding(Abilities::NONE);
    let waker = desk.uring.unparker();
    drop(desk);
    waker.wake_by_ref();
    thread::spawn(move || waker.wake()).join().unwrap();
}

#[test]
fn a_job_on_another_thread_ends_the_wait() {
    everywhere(|desk| {
        let token = desk.submit(Op::Job(Job::new(|| {
            thread::sleep(Duration::from_millis(1));
        })));
        while desk.ends.is_empty() {
            desk.uring.poll(None, &mut desk.ends).unwrap();
        }
        assert_eq!(desk.ends[0].token, token);
    });
}

#[test]
fn a_wait_lasts_as_long_as_asked_and_is_not_a_spin() {
    for hide in [Abilities::NONE, Ability::ExtArg.into(), Abilities::ALL] {
        let mut desk = Desk::hiding(hide);
        desk.uring.call(Call::Attend { begin: true }).unwrap();
        for wait in [1, 300_000, 2_000_000].map(Duration::from_nanos) {
            let begin = Instant::now();
            let mut polls = 0;
            while begin.elapsed() < wait {
                desk.uring.poll(Some(wait), &mut desk.ends).unwrap();
                polls += 1;
            }
            assert!(polls <= 8, "{polls} polls for {wait:?}");
        }
        desk.uring.call(Call::Attend { begin: false }).unwrap();
        assert!(desk.ends.is_empty());
    }
}

#[test]
fn the_longest_timeout_is_one() {
    for hide in [Abilities::NONE, Ability::ExtArg.into()] {
        let mut desk = Desk::hiding(hide);
        let (waker, done) = (desk.uring.unparker(), Arc::new(AtomicBool::new(false)));
        let told = done.clone();
        let thread = thread::spawn(move || {
            thread::sleep(Duration::from_millis(5));
            told.store(true, Ordering::SeqCst);
            waker.wake();
        });
        let mut polls = 0;
        while !done.load(Ordering::SeqCst) {
            desk.uring
                .poll(Some(Duration::MAX), &mut desk.ends)
                .unwrap();
            polls += 1;
        }
        assert!(polls <= 8, "{polls}");
        thread.join().unwrap();
    }
}
