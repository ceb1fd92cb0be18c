//! Cancels at every stage: each operation ends once, and what it did is in its end.

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;

use bibelot_reactor::{Buf, Call, Interest, Job, Op, Outcome, Reactor, Token};
use bibelot_uring::{PoolLimits, UringConfig};
use common::{Desk, accepted, count, data, everywhere, fill, is_paused, read_exactly, received};

/// Lets an operation get as far as `stage` before it is cancelled.
fn cancel_at(desk: &mut Desk, stage: usize, op: Op) -> Token {
    let token = desk.submit(op);
    if stage > 0 {
        desk.look();
    }
    desk.uring.cancel(token);
    if stage > 1 {
        desk.look();
        desk.uring.cancel(token);
    }
    token
}

#[test]
fn what_waits_ends_as_cancelled_at_each_stage() {
    everywhere(|desk| {
        for stage in 0..3 {
            let (listener, _) = desk.listen();
            let (socket, _peer) = desk.pair();
            for many in [false, true] {
                let listener = listener.clone();
                let token = cancel_at(desk, stage, Op::Accept { listener, many });
                let end = desk.end_of(token);
                assert!(is_paused(&end), "{end:?}");
            }
            let token = cancel_at(
                desk,
                stage,
                Op::Receive {
                    socket: socket.clone(),
                },
            );
            let end = desk.end_of(token);
            assert!(is_paused(&end), "{end:?}");

            let buf = Buf::with_capacity(5);
            let token = cancel_at(
                desk,
                stage,
                Op::ReceiveInto {
                    socket: socket.clone(),
                    buf,
                },
            );
            let end = desk.end_of(token);
            assert!(end.is_cancelled(), "{end:?}");
            assert_eq!(end.buf.unwrap().spare_len(), 5);

            let watch = Op::Ready {
                fd: socket.clone(),
                interest: Interest::Readable,
            };
            let token = cancel_at(desk, stage, watch);
            assert!(desk.end_of(token).is_cancelled());

            let (socket, _full) = desk.local_pair();
            fill(desk, &socket);
            let token = cancel_at(
                desk,
                stage,
                Op::Send {
                    socket,
                    buf: data(b"no room"),
                },
            );
            let end = desk.end_of(token);
            assert!(end.is_cancelled(), "{end:?}");
            assert_eq!(&*end.buf.unwrap(), b"no room");
        }
    });
}

#[test]
fn what_waits_for_its_turn_ends_at_once_and_the_others_keep_their_order() {
    everywhere(|desk| {
        let (socket, mut peer) = desk.pair();
        let [first, second, third] = [0; 3].map(|_| {
            let buf = Buf::with_capacity(1);
            desk.submit(Op::ReceiveInto {
                socket: socket.clone(),
                buf,
            })
        });
        let flow = desk.submit(Op::Receive {
            socket: socket.clone(),
        });
        desk.look();
        desk.uring.cancel(second);
        desk.uring.cancel(flow);
        assert!(desk.end_of(second).is_cancelled());
        assert!(is_paused(&desk.end_of(flow)));
        peer.write_all(b"ab").unwrap();
        assert_eq!(&*desk.end_of(first).buf.unwrap(), b"a");
        assert_eq!(&*desk.end_of(third).buf.unwrap(), b"b");
        // The tokens of what was withdrawn may be used again while its place is still in line.
        assert!(desk.uring.submit(second, Op::Nop).is_none());
        assert!(desk.end_of(second).result.is_ok());
    });
}

#[test]
fn an_unknown_or_ended_token_is_ignored() {
    everywhere(|desk| {
        desk.uring.cancel(Token::new(77, 7));
        let token = desk.submit(Op::Nop);
        desk.end_of(token);
        desk.uring.cancel(token);
        desk.look();
        assert!(desk.ends.is_empty());
        assert!(desk.run(Op::Nop).result.is_ok());
    });
}

#[test]
fn a_close_is_carried_out_all_the_same() {
    everywhere(|desk| {
        for stage in 0..2 {
            let (fd, mut peer) = desk.pair();
            let token = cancel_at(desk, stage, Op::Close { fd });
            assert!(matches!(desk.end_of(token).result, Ok(Outcome::Done)));
            assert_eq!(peer.read(&mut [0; 1]).unwrap(), 0);
        }
    });
}

#[test]
fn a_connect_that_is_cancelled_has_one_end() {
    everywhere(|desk| {
        let (_listener, peer) = desk.listen();
        for stage in 0..3 {
            let socket = desk
                .uring
                .call(Call::Socket { peer })
                .unwrap()
                .into_fd()
                .unwrap();
            let token = cancel_at(desk, stage, Op::Connect { socket, peer });
            let end = desk.end_of(token);
            assert!(end.is_cancelled() || end.result.is_ok(), "{end:?}");
        }
    });
}

#[test]
fn a_job_that_has_not_begun_is_taken_back_and_one_that_has_ends() {
    let workers = PoolLimits {
        threads_max: 1,
        ..PoolLimits::default()
    };
    let mut desk = Desk::new(UringConfig {
        workers,
        ..UringConfig::default()
    });
    let (go, gone) = mpsc::channel();
    let (begun, began) = mpsc::channel();
    let first = desk.submit(Op::Job(Job::new(move || {
        begun.send(()).unwrap();
        gone.recv().unwrap();
    })));
    let second = desk.submit(Op::Job(Job::new(|| panic!("it was taken back"))));
    began.recv().unwrap();
    // In this order: once the first is cancelled, its place is free for the second.
    desk.uring.cancel(second);
    desk.uring.cancel(first);
    assert!(desk.end_of(second).is_cancelled());
    go.send(()).unwrap();
    assert!(matches!(
        desk.end_of(first).result,
        Ok(Outcome::Finished(Ok(_)))
    ));
    assert_eq!(desk.uring.in_flight(), 0);
}

#[test]
fn no_connection_is_lost_to_cancelled_accepts() {
    everywhere(|desk| {
        let (listener, address) = desk.listen();
        let connector = std::thread::spawn(move || {
            (0..200)
                .map(|_| TcpStream::connect(address).unwrap())
                .collect::<Vec<_>>()
        });
        let mut served = 0;
        let mut round = 0_u32;
        while served < 200 {
            round += 1;
            let token = desk.submit(Op::Accept {
                listener: listener.clone(),
                many: round.is_multiple_of(2),
            });
            for _ in 0..round % 4 {
                desk.uring
                    .poll(Some(std::time::Duration::ZERO), &mut desk.ends)
                    .unwrap();
            }
            desk.uring.cancel(token);
            loop {
                let end = desk.next_of(token);
                let more = end.more;
                if !is_paused(&end) {
                    accepted(end);
                    served += 1;
                }
                if !more {
                    break;
                }
            }
        }
        drop(connector.join().unwrap());
    });
}

#[test]
fn no_byte_is_lost_to_cancelled_receives() {
    everywhere(|desk| {
        let (socket, mut peer) = desk.pair();
        let message: Vec<u8> = (0..200_000_u32).map(|i| (i / 7) as u8).collect();
        let sent = message.clone();
        let writer = std::thread::spawn(move || {
            for chunk in sent.chunks(977) {
                peer.write_all(chunk).unwrap();
            }
            peer
        });
        let mut got = Vec::new();
        let mut round = 0_u32;
        while got.len() < message.len() {
            round += 1;
            let socket = socket.clone();
            let token = match round % 3 {
                0 => desk.submit(Op::ReceiveInto {
                    socket,
                    buf: Buf::with_capacity(1000),
                }),
                _ => desk.submit(Op::Receive { socket }),
            };
            for _ in 0..round % 4 {
                desk.uring
                    .poll(Some(std::time::Duration::ZERO), &mut desk.ends)
                    .unwrap();
            }
            desk.uring.cancel(token);
            loop {
                let end = desk.next_of(token);
                let more = end.more;
                match &end.result {
                    Ok(Outcome::Count(_)) => got.extend_from_slice(&end.buf.unwrap()),
                    Ok(Outcome::Received(_)) => got.extend_from_slice(&received(end)),
                    _ => assert!(is_paused(&end) || end.is_cancelled(), "{end:?}"),
                }
                if !more {
                    break;
                }
            }
        }
        assert!(got == message);
        writer.join().unwrap();
    });
}

#[test]
fn the_count_of_a_cancelled_send_is_exact() {
    everywhere(|desk| {
        let (socket, mut peer) = desk.pair();
        let message: Vec<u8> = (0..3_000_000_u32).map(|i| (i / 11) as u8).collect();
        let expected = message.clone();
        let reader = std::thread::spawn(move || {
            assert!(read_exactly(&mut peer, expected.len()) == expected);
        });
        let mut sent = 0;
        let mut round = 0_u32;
        while sent < message.len() {
            round += 1;
            let buf = data(&message[sent..message.len().min(sent + 50_000)]);
            let token = desk.submit(Op::Send {
                socket: socket.clone(),
                buf,
            });
            for _ in 0..round % 3 {
                desk.uring
                    .poll(Some(std::time::Duration::ZERO), &mut desk.ends)
                    .unwrap();
            }
            desk.uring.cancel(token);
            let end = desk.end_of(token);
            if !end.is_cancelled() {
                sent += count(&end);
            }
        }
        reader.join().unwrap();
    });
}
