//! What polling promises beyond the contract: few system calls, registrations that hold nothing, and
//! edges that are not missed.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use bibelot_poll::{Poll, PollConfig};
use bibelot_reactor::{
    Buf, Call, Completion, Counters, Fd, Interest, Job, Op, Outcome, Reactor, Reply, Token,
};

fn reactor() -> Poll {
    Poll::new(PollConfig::default()).unwrap()
}

fn token(slot: u32) -> Token {
    Token::new(slot, 0)
}

fn adopt(poll: &mut Poll, socket: impl Into<OwnedFd>) -> Fd {
    let socket = socket.into();
    poll.call(Call::Adopt { socket })
        .unwrap()
        .into_fd()
        .unwrap()
}

fn counters(poll: &mut Poll) -> Counters {
    match poll.call(Call::Counters).unwrap() {
        Reply::Counters(counters) => counters,
        other => panic!("unexpected: {other:?}"),
    }
}

/// A connection: the reactor's end and ours.
fn tcp_pair(poll: &mut Poll) -> (Fd, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    ours.set_nodelay(true).unwrap();
    let (theirs, _) = listener.accept().unwrap();
    (adopt(poll, theirs), ours)
}

/// Polls until there are `count` completions: all that may come, since those that come along would be lost.
fn ends(poll: &mut Poll, count: usize) -> Vec<Completion> {
    let mut ends = Vec::new();
    while ends.len() < count {
        poll.poll(None, &mut ends).unwrap();
    }
    assert_eq!(ends.len(), count, "more came than was asked for");
    ends
}

fn received(completion: Completion) -> Vec<u8> {
    match completion.result {
        Ok(Outcome::Received(buf)) => buf.to_vec(),
        other => panic!("unexpected: {other:?}"),
    }
}

/// Submits a receive and waits for its end.
fn receive(poll: &mut Poll, socket: &Fd) -> Completion {
    let socket = socket.clone();
    match poll.submit(token(0), Op::Receive { socket }) {
        Some(end) => end,
        None => ends(poll, 1).remove(0),
    }
}

#[test]
fn an_echo_costs_a_receive_a_send_and_its_share_of_a_wait() {
    let mut poll = reactor();
    let (socket, mut ours) = tcp_pair(&mut poll);
    let mut echo = |poll: &mut Poll| {
        assert!(
            poll.submit(
                token(0),
                Op::Receive {
                    socket: socket.clone()
                }
            )
            .is_none()
        );
        ours.write_all(b"a line\n").unwrap();
        let line = received(ends(poll, 1).remove(0));
        let send = Op::Send {
            socket: socket.clone(),
            buf: Buf::from(line),
        };
        assert!(poll.submit(token(1), send).is_some());
        ours.read_exact(&mut [0; 7]).unwrap();
    };
    // The first tells that there is nothing, registers, and hears that there is room to write.
    echo(&mut poll);
    let before = counters(&mut poll).system_calls;
    for _ in 0..100 {
        echo(&mut poll);
    }
    assert_eq!(counters(&mut poll).system_calls - before, 300);
}

#[test]
fn messages_that_fill_the_usual_buffers_cost_one_receive_each() {
    let mut poll = reactor();
    let (socket, mut ours) = tcp_pair(&mut poll);
    let message = vec![7; PollConfig::default().receive_len];
    let mut calls = [0; 10];
    for calls in &mut calls {
        let before = counters(&mut poll).system_calls;
        let begun = poll.submit(
            token(0),
            Op::Receive {
                socket: socket.clone(),
            },
        );
        assert!(begun.is_none());
        ours.write_all(&message).unwrap();
        let mut len = received(ends(&mut poll, 1).remove(0)).len();
        while len < message.len() {
            len += received(receive(&mut poll, &socket)).len();
        }
        *calls = counters(&mut poll).system_calls - before;
    }
    // A wait and a receive; the second asks in vain first, others where a message came in two parts.
    assert_eq!(calls[2..].iter().min(), Some(&2), "{calls:?}");
}

#[test]
fn what_one_look_found_is_received_in_batches() {
    let config = PollConfig {
        receive_batch: 8,
        ..PollConfig::default()
    };
    let mut poll = Poll::new(config).unwrap();
    let mut pairs: Vec<_> = (0..6).map(|_| tcp_pair(&mut poll)).collect();
    for (slot, (socket, _)) in pairs.iter().enumerate() {
        let socket = socket.clone();
        let begun = poll.submit(token(slot as u32), Op::Receive { socket });
        assert!(begun.is_none());
    }
    for (_, ours) in &mut pairs {
        ours.write_all(b"line\n").unwrap();
    }
    let before = counters(&mut poll).system_calls;
    for _ in 0..3 {
        assert_eq!(ends(&mut poll, 2).len(), 2);
    }
    // One wait and six receives.
    assert_eq!(counters(&mut poll).system_calls - before, 7);
}

#[test]
fn the_end_of_a_stream_that_came_with_the_last_bytes_is_not_missed() {
    for all_at_once in [true, false] {
        let mut poll = reactor();
        let (socket, mut ours) = tcp_pair(&mut poll);
        assert!(
            poll.submit(
                token(0),
                Op::Receive {
                    socket: socket.clone()
                }
            )
            .is_none()
        );
        if !all_at_once {
            ours.write_all(b"first").unwrap();
            assert_eq!(received(ends(&mut poll, 1).remove(0)), b"first");
            assert!(
                poll.submit(
                    token(0),
                    Op::Receive {
                        socket: socket.clone()
                    }
                )
                .is_none()
            );
        }
        ours.write_all(b"last").unwrap();
        drop(ours);
        // Both the bytes and the end have come before anybody looks.
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(received(ends(&mut poll, 1).remove(0)), b"last");
        for _ in 0..2 {
            let end = receive(&mut poll, &socket);
            assert!(matches!(end.result, Ok(Outcome::EndOfStream)), "{end:?}");
        }
    }
}

#[test]
fn a_socket_that_stops_short_is_tried_until_it_would_block() {
    let mut poll = reactor();
    // Datagrams: each receive is short, and one edge told of both.
    let (theirs, ours) = std::os::unix::net::UnixDatagram::pair().unwrap();
    let socket = adopt(&mut poll, theirs);
    assert!(
        poll.submit(
            token(0),
            Op::Receive {
                socket: socket.clone()
            }
        )
        .is_none()
    );
    ours.send(b"one").unwrap();
    ours.send(b"two").unwrap();
    assert_eq!(received(ends(&mut poll, 1).remove(0)), b"one");
    assert_eq!(received(receive(&mut poll, &socket)), b"two");
}

#[test]
fn one_edge_serves_many_waiting_accepts_in_their_order() {
    let mut poll = reactor();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let listener = adopt(&mut poll, listener);
    for slot in 0..5 {
        let accept = Op::Accept {
            listener: listener.clone(),
            many: slot % 2 == 0,
        };
        assert!(poll.submit(token(slot), accept).is_none());
    }
    let callers: Vec<_> = (0..3)
        .map(|_| TcpStream::connect(address).unwrap())
        .collect();
    let ends = ends(&mut poll, 3);
    assert_eq!(ends.len(), 3);
    for (slot, (end, caller)) in ends.iter().zip(&callers).enumerate() {
        assert_eq!(end.token, token(slot as u32));
        match &end.result {
            Ok(Outcome::Accepted { peer, .. }) => assert_eq!(*peer, caller.local_addr().ok()),
            other => panic!("unexpected: {other:?}"),
        }
    }
    assert_eq!(poll.in_flight(), 2);
}

#[test]
fn a_full_socket_takes_the_rest_when_there_is_room_again() {
    let mut poll = reactor();
    let (socket, mut ours) = tcp_pair(&mut poll);
    let data: Vec<u8> = (0..16 << 20).map(|i| (i % 251) as u8).collect();
    let reader = std::thread::spawn(move || {
        let mut got = Vec::new();
        ours.read_to_end(&mut got).map(|_| got)
    });
    let mut sent = 0;
    while sent < data.len() {
        let buf = Buf::from(data[sent..].to_vec());
        let end = match poll.submit(
            token(0),
            Op::Send {
                socket: socket.clone(),
                buf,
            },
        ) {
            Some(end) => end,
            None => ends(&mut poll, 1).remove(0),
        };
        match end.result {
            Ok(Outcome::Count(count)) => sent += count,
            other => panic!("unexpected: {other:?}"),
        }
    }
    assert!(poll.submit(token(1), Op::Close { fd: socket }).is_some());
    assert!(reader.join().unwrap().unwrap() == data);
}

#[test]
fn a_send_that_fails_at_once_says_why() {
    let mut poll = reactor();
    let (socket, ours) = tcp_pair(&mut poll);
    assert_eq!(poll.send_now(&socket, b"never read").unwrap(), 10);
    // With something unread it resets the connection.
    drop(ours);
    let begin = std::time::Instant::now();
    let error = loop {
        if let Err(error) = poll.send_now(&socket, b"too late") {
            break error;
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "it is reset");
    };
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[test]
fn what_is_sent_now_goes_before_nothing_that_waits() {
    const LEN: usize = 40_000_000;
    let mut poll = reactor();
    let (socket, mut ours) = tcp_pair(&mut poll);
    let data: Vec<u8> = (0..LEN).map(|at| (at / 7) as u8).collect();
    let send = |poll: &mut Poll, sent: usize| {
        let socket = socket.clone();
        let buf = Buf::from(data[sent..].to_vec());
        poll.submit(token(0), Op::Send { socket, buf })
    };
    // The socket takes what it has room for, until a send has to wait.
    let mut sent = 0;
    loop {
        sent += poll.send_now(&socket, &data[sent..]).unwrap();
        match send(&mut poll, sent) {
            Some(end) => sent += count(&end),
            None => break,
        }
    }
    assert!(sent > 0 && sent < LEN);
    let reader = std::thread::spawn(move || {
        let mut all = vec![0; LEN];
        ours.read_exact(&mut all).map(|()| (all, ours))
    });
    while sent < LEN {
        assert_eq!(poll.send_now(&socket, b"before others").unwrap(), 0);
        sent += count(&ends(&mut poll, 1)[0]);
        // Between two sends it takes what there is room for, in order.
        sent += poll.send_now(&socket, &data[sent..]).unwrap();
        while sent < LEN
            && let Some(end) = send(&mut poll, sent)
        {
            sent += count(&end);
        }
    }
    let (all, ours) = reader.join().unwrap().unwrap();
    assert!(all == data);
    drop(ours);
}

fn count(end: &Completion) -> usize {
    match end.result {
        Ok(Outcome::Count(count)) => count,
        ref other => panic!("unexpected: {other:?}"),
    }
}

#[test]
fn a_registered_descriptor_is_closed_as_soon_as_nobody_holds_it() {
    let mut poll = reactor();
    for closes in [true, false] {
        let (socket, mut ours) = tcp_pair(&mut poll);
        let receive = Op::Receive {
            socket: socket.clone(),
        };
        assert!(poll.submit(token(0), receive).is_none());
        if closes {
            let end = poll.submit(token(1), Op::Close { fd: socket }).unwrap();
            assert!(matches!(end.result, Ok(Outcome::Done)));
        } else {
            drop(socket);
        }
        poll.cancel(token(0));
        let end = ends(&mut poll, 1).remove(0);
        assert!(matches!(end.result, Ok(Outcome::Paused)));
        assert_eq!(ours.read(&mut [0]).unwrap(), 0, "it is closed");
    }
}

#[test]
fn a_descriptor_can_be_taken_out_and_its_number_used_again() {
    let mut poll = reactor();
    let (theirs, mut ours) = UnixStream::pair().unwrap();
    let number = theirs.as_raw_fd();
    let mut socket = adopt(&mut poll, theirs);
    for round in 0..3_u8 {
        let receive = Op::Receive {
            socket: socket.clone(),
        };
        assert!(poll.submit(token(0), receive).is_none());
        ours.write_all(&[round]).unwrap();
        assert_eq!(received(ends(&mut poll, 1).remove(0)), [round]);
        let owned = socket.try_into_owned().expect("no registration holds it");
        assert_eq!(owned.as_raw_fd(), number);
        socket = adopt(&mut poll, owned);
    }
}

#[test]
fn what_never_waits_is_ready_at_once() {
    let mut poll = reactor();
    let file = Fd::from(OwnedFd::from(
        std::fs::File::open("/proc/self/exe").unwrap(),
    ));
    for interest in [Interest::Readable, Interest::Writable] {
        let end = poll.submit(
            token(0),
            Op::Ready {
                fd: file.clone(),
                interest,
            },
        );
        assert!(matches!(end.unwrap().result, Ok(Outcome::Done)));
    }
}

#[test]
fn watchers_and_a_reader_of_one_descriptor_all_hear_the_edge() {
    let mut poll = reactor();
    let (theirs, mut ours) = UnixStream::pair().unwrap();
    let fd = adopt(&mut poll, theirs);
    assert!(
        poll.submit(token(0), Op::Receive { socket: fd.clone() })
            .is_none()
    );
    for slot in 1..3 {
        let watch = Op::Ready {
            fd: fd.clone(),
            interest: Interest::Readable,
        };
        assert!(poll.submit(token(slot), watch).is_none());
    }
    ours.write_all(b"x").unwrap();
    let ends = ends(&mut poll, 3);
    let mut slots: Vec<u32> = ends.iter().map(|end| end.token.slot()).collect();
    slots.sort_unstable();
    assert_eq!(slots, [0, 1, 2]);
    assert!(ends.iter().all(|end| end.result.is_ok()), "{ends:?}");
}

#[test]
fn a_pipe_can_be_watched() {
    let mut poll = reactor();
    let (reader, mut writer) = std::io::pipe().unwrap();
    let fd = Fd::from(OwnedFd::from(reader));
    let watch = Op::Ready {
        fd,
        interest: Interest::Readable,
    };
    assert!(poll.submit(token(0), watch).is_none());
    writer.write_all(b"x").unwrap();
    assert!(matches!(
        ends(&mut poll, 1).remove(0).result,
        Ok(Outcome::Done)
    ));
}

#[test]
fn a_job_ends_a_wait_without_limit() {
    let mut poll = reactor();
    let job = Op::Job(Job::new(|| std::thread::sleep(Duration::from_millis(10))));
    assert!(poll.submit(token(0), job).is_none());
    let end = ends(&mut poll, 1).remove(0);
    assert!(matches!(end.result, Ok(Outcome::Finished(Ok(_)))));
}

#[test]
fn asked_not_to_wait_it_makes_no_system_call_while_nothing_waits() {
    let mut poll = reactor();
    poll.unparker().wake();
    let before = counters(&mut poll).system_calls;
    for _ in 0..3 {
        poll.poll(Some(Duration::ZERO), &mut Vec::new()).unwrap();
    }
    assert_eq!(counters(&mut poll).system_calls, before);
}

#[test]
fn short_waits_are_looked_through_and_idleness_is_not() {
    let config = PollConfig {
        look_max: Duration::from_millis(2),
        ..PollConfig::default()
    };
    let mut poll = Poll::new(config).unwrap();
    let (socket, mut ours) = tcp_pair(&mut poll);
    let peer = std::thread::spawn(move || {
        let mut byte = [0];
        for _ in 0..200 {
            ours.read_exact(&mut byte).unwrap();
            ours.write_all(&byte).unwrap();
        }
        ours
    });
    let mut calls = 0;
    for round in 0..200 {
        let before = counters(&mut poll).system_calls;
        let send = Op::Send {
            socket: socket.clone(),
            buf: Buf::from(vec![round as u8]),
        };
        assert!(poll.submit(token(1), send).is_some());
        assert_eq!(received(receive(&mut poll, &socket)), [round as u8]);
        calls = calls.max(counters(&mut poll).system_calls - before);
    }
    assert!(calls > 4, "it never looked");
    let ours = peer.join().unwrap();
    let socket = socket.clone();
    assert!(poll.submit(token(0), Op::Receive { socket }).is_none());
    let mut idle = || {
        let waker = poll.unparker();
        let before = counters(&mut poll).system_calls;
        let other = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            waker.wake();
        });
        poll.poll(None, &mut Vec::new()).unwrap();
        other.join().unwrap();
        counters(&mut poll).system_calls - before
    };
    // The first may look once more; the others only sleep.
    idle();
    assert_eq!([idle(), idle(), idle()], [1, 1, 1]);
    drop(ours);
}

#[test]
fn closing_names_what_would_not_stop() {
    let mut config = PollConfig::default();
    config.workers.drain = Duration::from_millis(10);
    let mut poll = Poll::new(config).unwrap();
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let (begun, begins) = std::sync::mpsc::channel();
    let job = Job::new(move || {
        begun.send(()).unwrap();
        let _ = held.recv();
    });
    assert!(poll.submit(token(7), Op::Job(job)).is_none());
    begins.recv().unwrap();
    assert_eq!(poll.close().left_running, [token(7)]);
    drop(hold);
}
