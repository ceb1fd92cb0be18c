//! Time jumps while nothing is ready and stands still otherwise; wakes from outside are heeded.

mod drive;

use std::io::ErrorKind;
use std::sync::mpsc;
use std::time::Duration;

use bibelot_reactor::{Op, Outcome, Reactor};
use bibelot_sim::{Deadlock, Sim};
use bibelot_timer::{Clock, Instant};
use drive::Drive;

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn an_idle_century_passes_at_once() {
    let mut drive = Drive::new(Sim::new(1));
    let century = HOUR * 24 * 365 * 100;
    drive.poll(Some(century)).unwrap();
    assert_eq!(drive.clock.now(), Instant::ZERO + century);
}

#[test]
fn a_poll_that_does_not_wait_moves_no_time() {
    let mut drive = Drive::new(Sim::new(1));
    let (_caller, called) = drive.pair();
    let before = drive.clock.now();
    drive.receive_into(&called, 4);
    for _ in 0..100 {
        assert!(!drive.poll(Some(Duration::ZERO)).unwrap());
    }
    assert_eq!(drive.clock.now(), before);
}

#[test]
fn time_stops_at_what_happens_first() {
    let mut drive = Drive::new(Sim::calm().latency(HOUR..=HOUR));
    let (caller, called) = drive.pair();
    let start = drive.clock.now();
    drive.send_all(&caller, b"x");
    drive.receive_into(&called, 4);
    assert!(!drive.poll(Some(HOUR / 2)).unwrap());
    assert_eq!(drive.clock.now(), start + HOUR / 2);
    assert!(drive.poll(Some(HOUR * 5)).unwrap());
    assert_eq!(drive.clock.now(), start + HOUR);
}

#[test]
fn a_turn_may_cost_time() {
    let mut drive = Drive::new(Sim::calm().turn_cost(Duration::from_nanos(50)));
    for _ in 0..10 {
        drive.poll(Some(Duration::ZERO)).unwrap();
    }
    assert_eq!(drive.clock.now(), Instant::from_nanos(500));
}

#[test]
fn a_world_in_which_nothing_can_happen_says_so() {
    let mut drive = Drive::new(Sim::new(3));
    let (listener, _) = drive.listen("127.0.0.1:0");
    drive.submit(Op::Accept {
        listener,
        many: true,
    });
    for limit in [None, Some(Duration::MAX)] {
        let error = drive.poll(limit).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Deadlock);
        let text = error.to_string();
        assert!(text.contains("1 Accept"), "{text}");
        let deadlock = error.into_inner().unwrap().downcast::<Deadlock>().unwrap();
        assert_eq!(deadlock.at, Instant::ZERO);
    }
}

#[test]
fn a_wake_before_the_poll_makes_it_a_look() {
    let mut drive = Drive::new(Sim::new(3));
    let waker = drive.reactor.unparker();
    waker.wake_by_ref();
    assert!(!drive.poll(None).unwrap());
    assert!(!drive.poll(Some(Duration::ZERO)).unwrap());
    assert_eq!(drive.clock.now(), Instant::ZERO);
    assert!(drive.poll(None).is_err());
}

#[test]
fn a_thread_outside_wakes_a_world_in_which_nothing_can_happen() {
    let mut drive = Drive::new(Sim::new(3).deadlock_is_error(false));
    let waker = drive.reactor.unparker();
    let (go, wait) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        for () in wait {
            waker.wake_by_ref();
        }
    });
    for _ in 0..500 {
        go.send(()).unwrap();
        assert!(!drive.poll(None).unwrap());
    }
    drop(go);
    thread.join().unwrap();
}

#[test]
fn a_descriptor_let_go_of_outside_wakes_its_world() {
    let mut drive = Drive::new(Sim::new(3).deadlock_is_error(false));
    let (caller, called) = drive.pair();
    let token = drive.receive_into(&caller, 4);
    drive.poll(Some(HOUR)).unwrap();
    let thread = std::thread::spawn(move || drop(called));
    assert_eq!(drive::count(&drive.wait(token)), 0);
    thread.join().unwrap();
}

#[test]
fn a_waker_outlives_its_world() {
    let drive = Drive::new(Sim::new(3));
    let waker = drive.reactor.unparker();
    drop(drive);
    waker.wake();
}

#[test]
fn a_descriptor_outlives_its_world() {
    let mut drive = Drive::new(Sim::new(3));
    let (caller, _called) = drive.pair();
    let token = drive.receive_into(&caller, 4);
    let _ = token;
    drop(drive);
    drop(caller);
}

#[test]
fn nop_is_done_at_once() {
    let mut drive = Drive::new(Sim::new(3));
    let end = drive.run(Op::Nop);
    assert!(matches!(end.result, Ok(Outcome::Done)));
    assert_eq!(drive.clock.now(), Instant::ZERO);
}
