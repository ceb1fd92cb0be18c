//! Sends whose success nobody waits for.

mod common;

use std::io::{ErrorKind, Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use bibelot_reactor::{Buf, Call, Op, Reactor, Reply};
use bibelot_uring::UringConfig;
use common::{Desk, count, data, everywhere, fill, read_exactly, received};

fn system_calls(desk: &mut Desk) -> u64 {
    match desk.uring.call(Call::Counters).unwrap() {
        Reply::Counters(counters) => counters.system_calls,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_answer_leaves_with_the_wait_for_the_next_question() {
    let mut desk = Desk::new(UringConfig {
        look_max: Duration::ZERO,
        ..UringConfig::default()
    });
    let (socket, mut peer) = desk.pair();
    let echo = thread::spawn(move || {
        for _ in 0..100 {
            let bytes = read_exactly(&mut peer, 5);
            peer.write_all(&bytes).unwrap();
        }
        peer
    });
    let receive = desk.submit(Op::Receive {
        socket: socket.clone(),
    });
    desk.look();
    let before = system_calls(&mut desk);
    for _ in 0..100 {
        let sent = desk.submit_quietly(Op::Send {
            socket: socket.clone(),
            buf: data(b"hello"),
        });
        desk.uring.poll(None, &mut desk.ends).unwrap();
        assert_eq!(count(&desk.end_of(sent)), 5);
        assert_eq!(received(desk.next_of(receive)), b"hello");
    }
    assert_eq!(system_calls(&mut desk) - before, 100);
    echo.join().unwrap();
}

#[test]
fn its_end_is_there_when_it_is_asked_for() {
    everywhere(|desk| {
        let (socket, mut peer) = desk.pair();
        let sent = desk.submit_quietly(Op::Send {
            socket,
            buf: data(b"hello"),
        });
        desk.uring
            .poll(Some(Duration::ZERO), &mut desk.ends)
            .unwrap();
        assert!(desk.ends.iter().any(|end| end.token == sent));
        assert_eq!(count(&desk.end_of(sent)), 5);
        assert_eq!(read_exactly(&mut peer, 5), b"hello");
    });
}

#[test]
fn what_is_submitted_behind_one_is_not_held_up() {
    everywhere(|desk| {
        let (socket, mut peer) = desk.pair();
        let sends = [&b"one"[..], b"two", b"three"].map(|bytes| Op::Send {
            socket: socket.clone(),
            buf: data(bytes),
        });
        let [first, second, third] = sends;
        let first = desk.submit_quietly(first);
        let second = desk.submit(second);
        assert_eq!(count(&desk.end_of(second)), 3);
        let third = desk.submit_quietly(third);
        assert_eq!(count(&desk.end_of(first)), 3);
        desk.look();
        assert_eq!(count(&desk.end_of(third)), 5);
        assert_eq!(read_exactly(&mut peer, 11), b"onetwothree");
    });
}

#[test]
fn one_that_finds_no_room_ends_when_there_is_some() {
    everywhere(|desk| {
        let (socket, mut peer) = desk.local_pair();
        let filled = fill(desk, &socket);
        let send = Op::Send {
            socket: socket.clone(),
            buf: data(b"last"),
        };
        let waiting = desk.submit_quietly(send);
        desk.look();
        assert!(desk.ends.is_empty());
        let mut bytes = vec![0; filled + 4];
        let reader = thread::spawn(move || {
            peer.read_exact(&mut bytes).unwrap();
            bytes
        });
        assert_eq!(count(&desk.end_of(waiting)), 4);
        assert!(reader.join().unwrap().ends_with(b"last"));
    });
}

#[test]
fn one_that_finds_little_room_counts_what_was_sent() {
    everywhere(|desk| {
        let (socket, mut peer) = desk.pair();
        let len = 64 << 20;
        let sent = desk.submit_quietly(Op::Send {
            socket: socket.clone(),
            buf: Buf::from(vec![7; len]),
        });
        let taken = count(&desk.end_of(sent));
        assert!(taken > 0 && taken < len);
        drop(socket);
        desk.look();
        let mut bytes = Vec::new();
        peer.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes.len(), taken);
    });
}

#[test]
fn one_that_waits_for_room_can_be_cancelled() {
    everywhere(|desk| {
        let (socket, _peer) = desk.local_pair();
        fill(desk, &socket);
        for looks in [true, false] {
            let waiting = desk.submit_quietly(Op::Send {
                socket: socket.clone(),
                buf: data(b"last"),
            });
            if looks {
                desk.look();
            }
            desk.uring.cancel(waiting);
            assert!(desk.end_of(waiting).is_cancelled());
        }
    });
}

#[test]
fn a_failure_is_heard_of() {
    everywhere(|desk| {
        let (socket, peer) = desk.local_pair();
        drop(peer);
        let sent = desk.submit_quietly(Op::Send {
            socket,
            buf: data(b"hello"),
        });
        if desk.ends.is_empty() {
            // Without limit: a failure ends the sleep.
            desk.uring.poll(None, &mut desk.ends).unwrap();
        }
        let end = desk.end_of(sent);
        assert_eq!(end.result.unwrap_err().kind(), ErrorKind::BrokenPipe);
        assert_eq!(end.buf.as_deref(), Some(&b"hello"[..]));
    });
}

#[test]
fn more_than_the_queues_hold_are_all_heard_of() {
    let mut desk = Desk::new(UringConfig {
        entries: 4,
        completions: 8,
        ..UringConfig::default()
    });
    let (good, mut peer) = desk.pair();
    let mut ends = 0;
    for round in 0..50 {
        let mut tokens = Vec::new();
        for n in 0..20 {
            // Every other one fails, and each failure is a completion.
            let (bad, gone) = desk.local_pair();
            drop(gone);
            let socket = if n % 2 == 0 { good.clone() } else { bad };
            let buf = data(&[round, n]);
            tokens.push(desk.submit_quietly(Op::Send { socket, buf }));
        }
        desk.look();
        for (n, token) in tokens.into_iter().enumerate() {
            let end = desk.end_of(token);
            assert_eq!(end.result.is_ok(), n % 2 == 0, "{end:?}");
            ends += 1;
        }
        for n in (0..20).step_by(2) {
            assert_eq!(read_exactly(&mut peer, 2), [round, n]);
        }
    }
    assert_eq!(ends, 1000);
    assert!(desk.uring.close().left.is_empty());
}

#[test]
fn those_that_were_not_submitted_do_not_hold_the_end_up() {
    let mut desk = Desk::new(UringConfig::default());
    let (socket, mut peer) = desk.pair();
    desk.submit_quietly(Op::Send {
        socket,
        buf: data(b"hello"),
    });
    let begin = Instant::now();
    assert!(desk.uring.close().left.is_empty());
    assert!(begin.elapsed() < UringConfig::default().drain);
    assert_eq!(read_exactly(&mut peer, 5), b"hello");
}
