//! Looking before a sleep: no sleep is needed for what comes soon, and wakes are seen.

mod common;

use std::io::{Read, Write};
use std::thread;
use std::time::Duration;

use bibelot_reactor::{Buf, Call, Op, Outcome, Reactor, Reply};
use bibelot_uring::UringConfig;

use common::Desk;

fn desk(look_max: Duration) -> Desk {
    Desk::new(UringConfig {
        look_max,
        ..UringConfig::default()
    })
}

fn system_calls(desk: &mut Desk) -> u64 {
    match desk.uring.call(Call::Counters) {
        Ok(Reply::Counters(counters)) => counters.system_calls,
        other => panic!("unexpected: {other:?}"),
    }
}

#[test]
fn an_echo_is_byte_exact_with_looks_and_without() {
    for look_max in [Duration::ZERO, Duration::from_millis(2)] {
        let mut desk = desk(look_max);
        let (socket, mut ours) = desk.pair();
        let peer = thread::spawn(move || {
            let mut byte = [0];
            for _ in 0..500 {
                ours.read_exact(&mut byte).unwrap();
                ours.write_all(&byte).unwrap();
            }
            ours
        });
        let flow = desk.submit(Op::Receive {
            socket: socket.clone(),
        });
        for round in 0..500_u32 {
            let buf = Buf::from(vec![round as u8]);
            let socket = socket.clone();
            let sent = desk.run(Op::Send { socket, buf });
            assert!(matches!(sent.result, Ok(Outcome::Count(1))), "{sent:?}");
            match desk.next_of(flow).result {
                Ok(Outcome::Received(buf)) => assert_eq!(*buf, [round as u8]),
                other => panic!("unexpected: {other:?}"),
            }
        }
        drop(peer.join().unwrap());
    }
}

#[test]
fn a_wake_ends_a_look_and_a_sleep() {
    let mut desk = desk(Duration::from_millis(5));
    let waker = desk.uring.unparker();
    // Wakes at once, so that waits are short and looks begin, and late ones, which a sleep ends.
    for pause_ms in [0; 50].into_iter().chain([30; 3]) {
        let waker = waker.clone();
        let other = thread::spawn(move || {
            thread::sleep(Duration::from_millis(pause_ms));
            waker.wake();
        });
        desk.uring.poll(None, &mut desk.ends).unwrap();
        other.join().unwrap();
    }
    assert!(desk.ends.is_empty());
    // Nothing of all that is left: one call, which sleeps until the time is up.
    let before = system_calls(&mut desk);
    let timeout = Some(Duration::from_millis(1));
    desk.uring.poll(timeout, &mut desk.ends).unwrap();
    assert!(system_calls(&mut desk) - before <= 1);
}

#[test]
fn a_timeout_never_ends_early() {
    let mut desk = desk(Duration::from_millis(1));
    for wait_us in [300, 20, 1_500, 700].repeat(20) {
        let wait = Duration::from_micros(wait_us);
        let began = std::time::Instant::now();
        desk.uring.poll(Some(wait), &mut desk.ends).unwrap();
        assert!(began.elapsed() >= wait);
    }
}
