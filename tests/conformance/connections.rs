//! Listeners, accepts and connects.

use std::io::ErrorKind;

use bibelot_reactor::{Call, Fd, ListenHow, Op, Outcome};

use crate::backends::everywhere;
use crate::streams::Reader;
use crate::world::World;

fn accept(listener: &Fd, many: bool) -> Op {
    Op::Accept {
        listener: listener.clone(),
        many,
    }
}

/// Accepts until there are `count` connections, submitting the flow again whenever it ends.
fn accept_some(world: &mut World, listener: &Fd, count: usize, many: bool) -> Vec<Fd> {
    let mut sockets = Vec::new();
    let mut flow = world.submit(accept(listener, many));
    loop {
        let completion = world.next(flow);
        match completion.result {
            Ok(Outcome::Accepted { socket, .. }) => sockets.push(socket),
            Ok(Outcome::Paused) => {}
            other => panic!("expected a connection, came {other:?}"),
        }
        match (completion.more, sockets.len() < count) {
            (true, true) => {}
            (false, true) => flow = world.submit(accept(listener, many)),
            (false, false) => return sockets,
            (true, false) => {
                assert_eq!(world.stop(flow).len(), 0);
                return sockets;
            }
        }
    }
}

#[test]
fn a_connection_carries_bytes_both_ways() {
    everywhere(|world| {
        let (ours, theirs) = world.pair();
        for (from, to, data) in [(&ours, &theirs, b"ping"), (&theirs, &ours, b"pong")] {
            world.send_all(from, data);
            let mut reader = Reader::new(to);
            reader.read_to(world, 4);
            assert_eq!(reader.bytes, data);
            reader.stop(world);
        }
        world.close(ours);
        world.close(theirs);
    });
}

#[test]
fn both_ends_know_each_other() {
    everywhere(|world| {
        let (listener, address) = world.listen();
        let ours = world.connect(address);
        let end = world.run(accept(&listener, false));
        let Ok(Outcome::Accepted { socket, peer }) = end.result else {
            panic!("unexpected: {end:?}");
        };
        let our_address = world.local_address(&ours);
        assert!(peer.is_none_or(|peer| peer == our_address));
        let mut peer_of = |socket: &Fd| {
            let socket = socket.clone();
            let reply = world.call(Call::PeerAddress { socket }).unwrap();
            reply.into_address().unwrap()
        };
        assert_eq!(peer_of(&socket), our_address);
        assert_eq!(peer_of(&ours), address);
        assert_eq!(world.local_address(&socket), address);
    });
}

#[test]
fn an_accept_of_one_takes_one() {
    everywhere(|world| {
        let (listener, address) = world.listen();
        let callers: Vec<Fd> = (0..2).map(|_| world.connect(address)).collect();
        let end = world.run(accept(&listener, false));
        assert!(
            matches!(end.result, Ok(Outcome::Accepted { .. })),
            "{end:?}"
        );
        world.settle();
        assert_eq!(world.in_flight(), 0);
        world.accept(&listener);
        drop(callers);
    });
}

#[test]
fn the_backlog_is_served_in_its_order() {
    for many in [false, true] {
        everywhere(|world| {
            let (listener, address) = world.listen();
            let callers: Vec<Fd> = (0..20).map(|_| world.connect(address)).collect();
            let sockets = accept_some(world, &listener, 20, many);
            for (caller, socket) in callers.iter().zip(&sockets) {
                let socket = socket.clone();
                let peer = world.call(Call::PeerAddress { socket }).unwrap();
                assert_eq!(peer.into_address().unwrap(), world.local_address(caller));
            }
        });
    }
}

#[test]
fn an_accept_that_waits_is_served_by_later_callers() {
    everywhere(|world| {
        let (listener, address) = world.listen();
        let flow = world.submit(accept(&listener, true));
        world.settle();
        assert!(!world.has(flow));
        let caller = world.connect(address);
        let completion = world.next(flow);
        assert!(matches!(completion.result, Ok(Outcome::Accepted { .. })));
        if completion.more {
            world.stop(flow);
        }
        drop(caller);
    });
}

#[test]
fn two_accepts_share_what_comes() {
    everywhere(|world| {
        let (listener, address) = world.listen();
        let first = world.submit(accept(&listener, false));
        let second = world.submit(accept(&listener, false));
        let callers = [world.connect(address), world.connect(address)];
        for accept in [first, second] {
            let end = world.next(accept);
            assert!(
                matches!(end.result, Ok(Outcome::Accepted { .. })),
                "{end:?}"
            );
        }
        drop(callers);
    });
}

#[test]
fn a_cancelled_accept_loses_no_connection() {
    everywhere(|world| {
        let (listener, address) = world.listen();
        let mut sockets = Vec::new();
        let mut callers = Vec::new();
        for round in 0..60 {
            let flow = world.submit(accept(&listener, round % 2 == 0));
            if round % 3 == 0 {
                world.poll(Some(std::time::Duration::ZERO));
            }
            let socket = world.socket(address);
            let connect = world.submit(Op::Connect {
                socket: socket.clone(),
                peer: address,
            });
            if round % 5 < 3 {
                world.poll(Some(std::time::Duration::ZERO));
            }
            for completion in world.stop(flow) {
                match completion.result {
                    Ok(Outcome::Accepted { socket, .. }) => sockets.push(socket),
                    other => panic!("unexpected: {other:?}"),
                }
            }
            assert!(world.next(connect).result.is_ok());
            callers.push(socket);
        }
        let left = callers.len() - sockets.len();
        if left > 0 {
            sockets.append(&mut accept_some(world, &listener, left, true));
        }
        assert_eq!(sockets.len(), callers.len());
        world.settle();
        assert_eq!(world.in_flight(), 0);
    });
}

#[test]
fn nobody_listening_is_refused() {
    everywhere(|world| {
        let (listener, peer) = world.listen();
        world.close(listener);
        let socket = world.socket(peer);
        let error = world.error(Op::Connect { socket, peer });
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn a_connected_socket_does_not_connect_again() {
    everywhere(|world| {
        let (listener, peer) = world.listen();
        let socket = world.connect(peer);
        let error = world.error(Op::Connect { socket, peer });
        assert_eq!(error.raw_os_error(), Some(106), "EISCONN, not {error}");
        drop(listener);
    });
}

#[test]
fn a_connect_that_waits_can_be_cancelled() {
    everywhere(|world| {
        let how = ListenHow {
            backlog: 1,
            ..ListenHow::default()
        };
        let (listener, peer) = world.listen_how(how);
        let mut sockets = Vec::new();
        // Only so many fit into the backlog; the next one waits.
        let waiting = (0..32).find_map(|_| {
            let socket = world.socket(peer);
            sockets.push(socket.clone());
            let connect = world.submit(Op::Connect { socket, peer });
            world.settle();
            match world.take(connect) {
                Some(end) => {
                    assert!(end.result.is_ok(), "{end:?}");
                    None
                }
                None => Some(connect),
            }
        });
        let waiting = waiting.expect("a backlog of 1 does not hold 32");
        world.cancel(waiting);
        let end = world.next(waiting);
        assert!(end.is_cancelled(), "{end:?}");
        world.settle();
        assert_eq!(world.in_flight(), 0);
        drop(listener);
    });
}

#[test]
fn what_is_no_listener_does_not_accept() {
    everywhere(|world| {
        let (ours, _theirs) = world.pair();
        let error = world.error(accept(&ours, true));
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    });
}
