//! Faults: what the operating system may answer and hardly ever does, put into its mouth.
//!
//! Answers to enters are queued in the ring. A completion is made up for an operation that was put into a
//! slot and not submitted, so that what the reactor does about it is the operation's first real entry.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use bibelot_reactor::{Buf, Call, Completion, Fd, Op, Outcome, Reactor, Token};

use crate::ring::Cqe;
use crate::slots::{Extra, Stage};
use crate::{Uring, UringConfig};

/// How many polls may bring nothing before a test gives up.
const POLLS_MAX: usize = 200;

fn uring() -> Uring {
    Uring::new(UringConfig::default()).expect("these tests need io_uring")
}

fn tiny() -> Uring {
    let config = UringConfig {
        entries: 2,
        completions: 4,
        ..UringConfig::default()
    };
    Uring::new(config).expect("these tests need io_uring")
}

fn token(slot: u32) -> Token {
    Token::new(slot, 0)
}

/// Whether an event descriptor of this process has been counted up.
fn is_rung(fd: RawFd) -> bool {
    let shown = std::fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).unwrap();
    let count = shown
        .lines()
        .find_map(|line| line.strip_prefix("eventfd-count:"))
        .expect("it is an event descriptor");
    u64::from_str_radix(count.trim(), 16).unwrap() > 0
}

fn collect(uring: &mut Uring, count: usize) -> Vec<Completion> {
    let mut ends = Vec::new();
    for _ in 0..POLLS_MAX {
        if ends.len() >= count {
            break;
        }
        uring
            .poll(Some(Duration::from_millis(100)), &mut ends)
            .unwrap();
    }
    assert_eq!(ends.len(), count, "{uring:?}");
    ends
}

/// Puts an operation into a slot as if its entry were under way.
fn pretend(uring: &mut Uring, token: Token, op: Op) -> u32 {
    let index = uring.slots.insert(token, op);
    if let Some(lane) = uring.slots.at(index).lane {
        assert!(uring.lanes.join(&mut uring.slots, lane, index));
    }
    uring.slots.set_stage(index, Stage::Flying);
    index
}

/// Lets an operation's entry complete with an error.
fn fail(uring: &mut Uring, index: u32, errno: i32) {
    let user_data = uring.slots.tag(index).bits();
    uring.settle(&Cqe {
        user_data,
        result: -errno,
        flags: 0,
    });
    uring.settle_all().unwrap();
}

fn listener() -> (Fd, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (Fd::from(OwnedFd::from(listener)), peer)
}

fn pair() -> (Fd, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let theirs = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (ours, _) = listener.accept().unwrap();
    ours.set_nonblocking(true).unwrap();
    (Fd::from(OwnedFd::from(ours)), theirs)
}

#[test]
fn nothing_is_lost_when_enters_are_refused() {
    for errno in [libc::EINTR, libc::EAGAIN, libc::EBUSY, libc::ETIME] {
        let mut uring = tiny();
        uring.ring.faults = (0..60)
            .map(|turn| if turn % 3 == 0 { 0 } else { errno })
            .collect();
        for slot in 0..40 {
            assert!(uring.submit(token(slot), Op::Nop).is_none());
            uring.cancel(token(slot));
        }
        let mut ended: Vec<Token> = collect(&mut uring, 40)
            .iter()
            .map(|end| end.token)
            .collect();
        ended.sort_unstable();
        assert!(ended.iter().copied().eq((0..40).map(token)));
    }
}

#[test]
fn a_wake_is_not_lost_when_the_watch_for_it_is_refused() {
    let (says, said) = mpsc::channel();
    let is_over = Arc::new(AtomicBool::new(false));
    let over = is_over.clone();
    thread::spawn(move || {
        let mut uring = tiny();
        let (socket, _peer) = pair();
        let (other, _others_peer) = pair();
        // Both places of the queue are taken, by what never ends, when the first sleep is prepared.
        for (slot, socket) in [(0, &socket), (1, &other)] {
            let (socket, buf) = (socket.clone(), Buf::with_capacity(1));
            uring.submit(token(slot), Op::ReceiveInto { socket, buf });
        }
        uring.ring.faults = vec![libc::EAGAIN];
        says.send(Some(uring.unparker())).unwrap();
        // A sleep may end for no reason, so what counts is that the wake ends the one it comes into.
        while !is_over.load(Ordering::Relaxed) {
            uring.poll(None, &mut Vec::new()).unwrap();
        }
        says.send(None).unwrap();
    });
    let unparker = said.recv().unwrap().expect("first it says how to wake it");
    thread::sleep(Duration::from_millis(50));
    over.store(true, Ordering::Relaxed);
    unparker.wake();
    let woken = said.recv_timeout(Duration::from_secs(20));
    assert!(matches!(woken, Ok(None)), "it sleeps on");
}

#[test]
fn a_foreign_loop_is_called_back_while_not_all_is_submitted() {
    let mut uring = tiny();
    let (socket, _peer) = pair();
    let (other, _others_peer) = pair();
    for (slot, socket) in [(0, &socket), (1, &other)] {
        let (socket, buf) = (socket.clone(), Buf::with_capacity(1));
        uring.submit(token(slot), Op::ReceiveInto { socket, buf });
    }
    uring.ring.faults = vec![libc::EAGAIN; 2];
    let fd = uring.wait_fd().expect("there is one");
    assert!(is_rung(fd), "the next turn is due at once");
    uring.poll(Some(Duration::ZERO), &mut Vec::new()).unwrap();
    assert_eq!(uring.wait_fd(), Some(fd));
    assert!(!is_rung(fd), "all is submitted, and nothing has come");
}

#[test]
fn a_reactor_ends_when_enters_are_refused() {
    let mut uring = tiny();
    let (socket, _peer) = pair();
    for slot in 0..20 {
        let buf = Buf::with_capacity(10);
        uring.submit(
            token(slot),
            Op::ReceiveInto {
                socket: socket.clone(),
                buf,
            },
        );
    }
    uring.ring.faults = [libc::EAGAIN, libc::EINTR, libc::EBUSY].repeat(5);
    assert!(uring.close().left.is_empty());
    assert_eq!(socket.holders(), 1);
}

#[test]
fn dropped_completions_and_a_broken_ring_are_errors() {
    let mut uring = uring();
    uring.submit(token(0), Op::Nop);
    uring.ring.faults = vec![libc::EBADR];
    let mut ends = Vec::new();
    assert!(uring.poll(Some(Duration::ZERO), &mut ends).is_err());
    assert!(
        uring.poll(Some(Duration::ZERO), &mut ends).is_err(),
        "it stays beyond use"
    );
    assert_eq!(ends.len(), 1, "what there is is still given out");

    let mut uring = self::uring();
    uring.submit(token(0), Op::Nop);
    uring.ring.faults = vec![libc::EBADFD];
    let error = uring.poll(Some(Duration::ZERO), &mut ends).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EBADFD));
}

#[test]
fn what_never_ends_is_leaked_and_named() {
    let config = UringConfig {
        drain: Duration::from_millis(5),
        ..UringConfig::default()
    };
    let mut uring = Uring::new(config).unwrap();
    let (socket, _peer) = pair();
    let op = Op::ReceiveInto {
        socket: socket.clone(),
        buf: Buf::default(),
    };
    pretend(&mut uring, token(7), op);
    assert_eq!(uring.close().left, [token(7)]);
    assert_eq!(socket.holders(), 2, "it is held for the operating system");
}

#[test]
fn a_cancel_that_found_nothing_is_sent_again_while_its_operation_goes_on() {
    let mut uring = uring();
    let (socket, _peer) = pair();
    uring.submit(token(0), Op::Receive { socket });
    uring.poll(Some(Duration::ZERO), &mut Vec::new()).unwrap();
    let index = uring.slots.find(token(0)).unwrap();
    // The cancel that is asked for finds nothing, and the operation is still armed.
    uring.slots.at(index).cancelled = true;
    let user_data = uring.slots.tag(index).cancel().bits();
    uring.settle(&Cqe {
        user_data,
        result: -libc::ENOENT,
        flags: 0,
    });
    let ends = collect(&mut uring, 1);
    assert!(matches!(ends[0].result, Ok(Outcome::Paused)));
}

#[test]
fn a_broken_connection_in_the_backlog_is_passed_over() {
    for errno in [libc::ECONNABORTED, libc::EPROTO, libc::EINTR, libc::EAGAIN] {
        let mut uring = uring();
        let (listener, _peer) = listener();
        let index = pretend(
            &mut uring,
            token(0),
            Op::Accept {
                listener,
                many: false,
            },
        );
        fail(&mut uring, index, errno);
        let ends = collect(&mut uring, 1);
        assert!(
            matches!(ends[0].result, Ok(Outcome::Accepted { .. })),
            "{ends:?}"
        );
    }
}

#[test]
fn a_full_descriptor_table_is_told() {
    let mut uring = uring();
    let (listener, _peer) = listener();
    let index = pretend(
        &mut uring,
        token(0),
        Op::Accept {
            listener,
            many: true,
        },
    );
    fail(&mut uring, index, libc::ENFILE);
    let end = collect(&mut uring, 1).remove(0);
    assert_eq!(end.result.unwrap_err().raw_os_error(), Some(libc::ENFILE));
}

#[test]
fn operations_that_a_signal_cut_or_a_kernel_would_not_wait_for_go_on() {
    for errno in [libc::EINTR, libc::EAGAIN] {
        let mut uring = uring();
        let (socket, mut peer) = pair();
        let op = Op::ReceiveInto {
            socket: socket.clone(),
            buf: Buf::with_capacity(3),
        };
        let index = pretend(&mut uring, token(0), op);
        fail(&mut uring, index, errno);
        peer.write_all(b"abc").unwrap();
        let end = collect(&mut uring, 1).remove(0);
        assert_eq!(&*end.buf.unwrap(), b"abc");

        let index = pretend(
            &mut uring,
            token(1),
            Op::Send {
                socket,
                buf: Buf::from(vec![1]),
            },
        );
        fail(&mut uring, index, errno);
        let end = collect(&mut uring, 1).remove(0);
        assert!(matches!(end.result, Ok(Outcome::Count(1))));

        let file = std::fs::File::open("/dev/zero").unwrap();
        let file = Fd::from(OwnedFd::from(file));
        let op = Op::ReadAt {
            file,
            buf: Buf::with_capacity(5),
            offset: 0,
        };
        let index = pretend(&mut uring, token(2), op);
        fail(&mut uring, index, errno);
        let end = collect(&mut uring, 1).remove(0);
        assert_eq!(&*end.buf.unwrap(), [0; 5]);
    }
}

#[test]
fn a_connect_that_was_cut_off_goes_on_by_itself() {
    for errno in [libc::EINTR, libc::EINPROGRESS, libc::EAGAIN] {
        let mut uring = uring();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let peer = listener.local_addr().unwrap();
        let socket = uring
            .call(Call::Socket { peer })
            .unwrap()
            .into_fd()
            .unwrap();
        let index = pretend(
            &mut uring,
            token(0),
            Op::Connect {
                socket: socket.clone(),
                peer,
            },
        );
        // It is the first connect that a real one would have begun.
        let begun = rustix::net::connect(socket.as_fd().unwrap(), &peer);
        assert!(matches!(begun, Ok(()) | Err(rustix::io::Errno::INPROGRESS)));
        fail(&mut uring, index, errno);
        let end = collect(&mut uring, 1).remove(0);
        assert!(matches!(end.result, Ok(Outcome::Done)), "{end:?}");
    }
}

#[test]
fn what_was_cancelled_does_not_begin_again() {
    for errno in [libc::EINTR, libc::EAGAIN, libc::ENOBUFS, libc::ECANCELED] {
        let mut uring = uring();
        let (socket, _peer) = pair();
        let index = pretend(&mut uring, token(0), Op::Receive { socket });
        uring.slots.at(index).cancelled = true;
        fail(&mut uring, index, errno);
        let ends = collect(&mut uring, 1);
        assert!(matches!(ends[0].result, Ok(Outcome::Paused)));
        assert_eq!(uring.in_flight(), 0);
    }
}

#[test]
fn a_receive_that_found_no_buffer_finds_one_or_goes_without() {
    for ready in [0, 4] {
        let config = UringConfig {
            receive_buffers_max: ready,
            ..UringConfig::default()
        };
        let mut uring = Uring::new(config).unwrap();
        let (socket, mut peer) = pair();
        uring.lender.open(uring.ring.io()).unwrap();
        let index = pretend(&mut uring, token(0), Op::Receive { socket });
        fail(&mut uring, index, libc::ENOBUFS);
        peer.write_all(b"here").unwrap();
        let mut end = collect(&mut uring, 1).remove(0);
        assert_eq!(end.more, ready > 0);
        match &mut end.result {
            Ok(Outcome::Received(buf)) => assert_eq!(&**buf, b"here"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_close_that_was_not_carried_out_is_made_good() {
    let mut uring = uring();
    let (fd, mut peer) = pair();
    let index = pretend(&mut uring, token(0), Op::Nop);
    let slot = uring.slots.at(index);
    slot.op = None;
    slot.extra = Extra::Closing(fd.try_into_owned().unwrap());
    fail(&mut uring, index, libc::ECANCELED);
    assert!(matches!(
        collect(&mut uring, 1)[0].result,
        Ok(Outcome::Done)
    ));
    assert_eq!(peer.read(&mut [0; 1]).unwrap(), 0);
}
