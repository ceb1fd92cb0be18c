//! The smallest rings, full queues, dry pools.

mod common;

use std::collections::HashMap;
use std::io::Write;
use std::time::Duration;

use bibelot_reactor::{Buf, Fd, Op, Outcome, Reactor, Token};
use bibelot_uring::{Abilities, Ability, UringConfig};
use common::{Desk, accepted, is_paused, received, worlds};

fn tiny(hide: Abilities) -> Desk {
    Desk::new(UringConfig {
        entries: 2,
        completions: 4,
        hide,
        ..UringConfig::default()
    })
}

#[test]
fn a_ring_of_two_entries_serves_a_thousand_operations_at_once() {
    for hide in worlds() {
        let mut desk = tiny(hide);
        let tokens: Vec<Token> = (0..1000).map(|_| desk.submit(Op::Nop)).collect();
        let mut ends: Vec<Token> = desk.take(1000).iter().map(|end| end.token).collect();
        ends.sort_unstable();
        let mut sorted = tokens;
        sorted.sort_unstable();
        assert_eq!(ends, sorted);
        desk.look();
        assert!(desk.ends.is_empty());
    }
}

#[test]
fn a_ring_of_two_entries_cancels_a_thousand_operations_at_once() {
    for hide in worlds() {
        let mut desk = tiny(hide);
        let (socket, _peer) = desk.pair();
        let (listener, _) = desk.listen();
        let tokens: Vec<Token> = (0..1000)
            .map(|number| match number % 2 {
                0 => desk.submit(Op::Accept {
                    listener: listener.clone(),
                    many: true,
                }),
                _ => desk.submit(Op::Receive {
                    socket: socket.clone(),
                }),
            })
            .collect();
        desk.look();
        tokens.iter().for_each(|token| desk.uring.cancel(*token));
        let ends = desk.take(1000);
        assert!(ends.iter().all(is_paused));
        assert_eq!(desk.uring.in_flight(), 0);
    }
}

#[test]
fn what_overflows_the_completion_queue_is_not_lost() {
    for hide in worlds() {
        let mut desk = tiny(hide);
        let (listener, address) = desk.listen();
        let pairs: Vec<_> = (0..100).map(|_| desk.pair()).collect();
        let tokens: HashMap<Token, usize> = pairs
            .iter()
            .enumerate()
            .map(|(place, (socket, _))| {
                (
                    desk.submit(Op::Receive {
                        socket: socket.clone(),
                    }),
                    place,
                )
            })
            .collect();
        let accept = desk.submit(Op::Accept {
            listener: listener.clone(),
            many: true,
        });
        desk.look();
        let peers: Vec<_> = (0..50)
            .map(|_| std::net::TcpStream::connect(address))
            .collect();
        for (place, (_, peer)) in pairs.iter().enumerate() {
            (&*peer).write_all(&[place as u8; 3]).unwrap();
        }
        let mut sockets = Vec::new();
        let mut accept = Some(accept);
        let mut got = 0;
        while got < pairs.len() || sockets.len() < peers.len() {
            for end in desk.take(1) {
                let more = end.more;
                match tokens.get(&end.token) {
                    Some(place) => {
                        assert_eq!(received(end), [*place as u8; 3]);
                        got += 1;
                    }
                    None => {
                        assert_eq!(Some(end.token), accept);
                        if !more {
                            accept = None;
                        }
                        sockets.push(accepted(end));
                    }
                }
            }
            if accept.is_none() && sockets.len() < peers.len() {
                let listener = listener.clone();
                accept = Some(desk.submit(Op::Accept {
                    listener,
                    many: true,
                }));
            }
        }
    }
}

/// A desk whose receives share four buffers.
fn dry(hide: Abilities) -> Desk {
    Desk::new(UringConfig {
        receive_len: 1024,
        receive_ready_max: 4,
        receive_buffers_max: 4,
        hide,
        ..UringConfig::default()
    })
}

#[test]
fn a_stream_with_a_reader_goes_on_when_others_hold_all_buffers() {
    for hide in worlds() {
        let mut desk = dry(hide);
        let quiet: Vec<_> = (0..200).map(|_| desk.pair()).collect();
        let (busy, peer) = desk.pair();
        let flows: Vec<Token> = quiet
            .iter()
            .map(|(socket, _)| {
                desk.submit(Op::Receive {
                    socket: socket.clone(),
                })
            })
            .collect();
        desk.look();
        for (_, peer) in &quiet {
            (&*peer).write_all(b"unread").unwrap();
        }
        let mut held = Vec::new();
        let message: Vec<u8> = (0..100_000_u32).map(|i| (i / 3) as u8).collect();
        let mut got = Vec::new();
        let mut flow = desk.submit(Op::Receive {
            socket: busy.clone(),
        });
        let mut sent = 0;
        while got.len() < message.len() {
            if sent < message.len() && got.len() == sent {
                let chunk = &message[sent..message.len().min(sent + 5000)];
                (&peer).write_all(chunk).unwrap();
                sent += chunk.len();
            }
            for end in desk.take(1) {
                if end.token != flow {
                    assert!(flows.contains(&end.token));
                    // Nobody reads it, so nobody asks for more.
                    held.push(end);
                    continue;
                }
                let more = end.more;
                if !is_paused(&end) {
                    got.extend(received(end));
                }
                if !more {
                    flow = desk.submit(Op::Receive {
                        socket: busy.clone(),
                    });
                }
            }
        }
        assert!(got == message);
        // Each of the others had its bytes.
        while held.len() < quiet.len() {
            held.extend(desk.take(1));
        }
        let total: usize = held.into_iter().map(|end| received(end).len()).sum();
        assert_eq!(total, 200 * b"unread".len());
    }
}

#[test]
fn a_dry_pool_does_not_spin() {
    let mut desk = dry(Abilities::NONE);
    let pairs: Vec<_> = (0..50).map(|_| desk.pair()).collect();
    let submit_all = |desk: &mut Desk| {
        for (socket, _) in &pairs {
            desk.submit(Op::Receive {
                socket: socket.clone(),
            });
        }
    };
    submit_all(&mut desk);
    for (_, peer) in &pairs {
        (&*peer).write_all(b"x").unwrap();
    }
    let mut held: Vec<(Fd, Buf)> = Vec::new();
    while held.len() < pairs.len() {
        for end in desk.take(1) {
            if let Ok(Outcome::Received(buf)) = end.result {
                held.push((pairs[0].0.clone(), buf));
            }
        }
    }
    // All four buffers are held, nothing arrives, many wait: nothing must happen.
    desk.look();
    let before = desk.uring.in_flight();
    for _ in 0..5 {
        desk.uring
            .poll(Some(Duration::from_millis(2)), &mut desk.ends)
            .unwrap();
    }
    assert!(desk.ends.is_empty());
    assert_eq!(desk.uring.in_flight(), before);
    let begin = calls(&mut desk);
    for _ in 0..5 {
        desk.uring
            .poll(Some(Duration::from_millis(2)), &mut desk.ends)
            .unwrap();
    }
    assert_eq!(calls(&mut desk) - begin, 5);
}

#[test]
fn buffers_outlive_the_reactor_that_lent_them() {
    let mut desk = Desk::hiding(Abilities::NONE);
    let (socket, mut peer) = desk.pair();
    let token = desk.submit(Op::Receive { socket });
    peer.write_all(b"kept").unwrap();
    let Ok(Outcome::Received(buf)) = desk.next_of(token).result else {
        panic!("not received")
    };
    drop(desk);
    let buf = std::thread::spawn(move || {
        assert_eq!(&*buf, b"kept");
        buf
    });
    drop(buf.join().unwrap());
}

#[test]
fn submit_does_not_enter_while_the_queue_has_room() {
    let mut desk = Desk::hiding(Ability::SkipSuccess.into());
    let before = calls(&mut desk);
    for _ in 0..1000 {
        desk.submit(Op::Nop);
    }
    assert_eq!(calls(&mut desk), before);
    desk.take(1000);
    assert_eq!(calls(&mut desk), before + 1);
    desk.look();
    assert_eq!(
        calls(&mut desk),
        before + 1,
        "nothing is queued, so nothing is entered"
    );
}

fn calls(desk: &mut Desk) -> u64 {
    match desk.uring.call(bibelot_reactor::Call::Counters) {
        Ok(bibelot_reactor::Reply::Counters(counters)) => counters.system_calls,
        other => panic!("{other:?}"),
    }
}
