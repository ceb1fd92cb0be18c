//! Sockets behave as on Linux: connecting, accepting, streams and their ends.

mod drive;

use std::io::ErrorKind;
use std::net::Shutdown;
use std::time::Duration;

use bibelot_reactor::{Buf, Call, Interest, ListenHow, Op, Outcome, Reactor, Reply};
use bibelot_sim::Sim;
use bibelot_timer::{Clock, Instant};
use drive::{Drive, count, kind};

/// Runs a test calmly and under a few seeds.
fn worlds(test: impl Fn(&mut Drive)) {
    test(&mut Drive::new(Sim::calm()));
    for seed in 0..50 {
        test(&mut Drive::new(Sim::new(seed)));
    }
}

#[test]
fn a_connection_carries_bytes_both_ways_and_ends_once() {
    worlds(|drive| {
        let (caller, called) = drive.pair();
        drive.send_all(&caller, b"question");
        drive.call(Call::Shutdown {
            socket: caller.clone(),
            how: Shutdown::Write,
        });
        assert_eq!(drive.receive_all(&called), b"question");
        drive.send_all(&called, b"answer");
        drive.close(called);
        assert_eq!(drive.receive_all(&caller), b"answer");
        let again = drive.receive_into(&caller, 8);
        assert_eq!(count(&drive.wait(again)), 0);
        let refused = drive.send(&caller, b"more");
        assert_eq!(kind(&drive.wait(refused)), ErrorKind::BrokenPipe);
    });
}

#[test]
fn both_ends_know_both_addresses() {
    let mut drive = Drive::new(Sim::calm());
    let (caller, called) = drive.pair();
    let local = drive.local(&caller);
    let remote = drive.local(&called);
    let peer = |drive: &mut Drive, socket: &_| {
        let socket = Clone::clone(socket);
        drive
            .call(Call::PeerAddress { socket })
            .into_address()
            .unwrap()
    };
    assert_eq!(peer(&mut drive, &caller), remote);
    assert_eq!(peer(&mut drive, &called), local);
    assert_ne!(local.port(), remote.port());
}

#[test]
fn nobody_listening_refuses_and_the_socket_may_call_again() {
    worlds(|drive| {
        let peer = "127.0.0.1:9".parse().unwrap();
        let socket = drive.socket(peer);
        let call = |socket: &bibelot_reactor::Fd| Op::Connect {
            socket: socket.clone(),
            peer,
        };
        let end = drive.run(call(&socket));
        assert_eq!(kind(&end), ErrorKind::ConnectionRefused);
        let _listener = drive.listen("127.0.0.1:9");
        let end = drive.run(call(&socket));
        assert!(matches!(end.result, Ok(Outcome::Done)), "{end:?}");
    });
}

#[test]
fn a_host_that_is_not_there_never_answers() {
    let mut drive = Drive::new(Sim::calm());
    let peer = "192.0.2.1:80".parse().unwrap();
    let socket = drive.socket(peer);
    let end = drive.run(Op::Connect { socket, peer });
    assert_eq!(kind(&end), ErrorKind::TimedOut);
    assert_eq!(drive.clock.now(), Instant::ZERO + Duration::from_secs(127));
}

#[test]
fn a_full_backlog_makes_callers_wait() {
    worlds(|drive| {
        let how = ListenHow {
            backlog: 1,
            ..ListenHow::default()
        };
        let (listener, address) = drive.listen_with("127.0.0.1:0", how);
        let _first = drive.connect(address);
        let _second = drive.connect(address);
        let third = drive.socket(address);
        let calling = drive.submit(Op::Connect {
            socket: third.clone(),
            peer: address,
        });
        drive.pass(Duration::from_secs(10));
        assert!(drive.take(calling).is_none());
        let _accepted = drive.accept(&listener);
        assert!(drive.wait(calling).result.is_ok());
    });
}

#[test]
fn connections_are_accepted_in_the_order_in_which_they_came() {
    worlds(|drive| {
        let (listener, address) = drive.listen("127.0.0.1:0");
        let callers: Vec<_> = (0..5).map(|_| drive.connect(address)).collect();
        let many = true;
        let mut peers = Vec::new();
        while peers.len() < 5 {
            let token = drive.submit(Op::Accept {
                listener: listener.clone(),
                many,
            });
            loop {
                let end = drive.wait(token);
                let Ok(Outcome::Accepted { peer, .. }) = end.result else {
                    panic!("{end:?}");
                };
                peers.push(peer.unwrap());
                if !end.more || peers.len() == 5 {
                    break;
                }
            }
            drive.reactor.cancel(token);
        }
        let locals: Vec<_> = callers.iter().map(|caller| drive.local(caller)).collect();
        assert_eq!(peers, locals);
    });
}

#[test]
fn closing_with_bytes_unread_resets_the_peer() {
    worlds(|drive| {
        let (caller, called) = drive.pair();
        drive.send_all(&called, b"before");
        drive.send_all(&caller, b"never read");
        drive.pass(Duration::from_secs(1));
        drive.close(called);
        drive.pass(Duration::from_secs(1));
        let token = drive.receive_into(&caller, 64);
        let mut got = count(&drive.wait(token));
        while got < 6 {
            let token = drive.receive_into(&caller, 64);
            got += count(&drive.wait(token));
        }
        let token = drive.receive_into(&caller, 64);
        assert_eq!(kind(&drive.wait(token)), ErrorKind::ConnectionReset);
        let token = drive.receive_into(&caller, 64);
        assert_eq!(count(&drive.wait(token)), 0);
        let token = drive.send(&caller, b"x");
        assert_eq!(kind(&drive.wait(token)), ErrorKind::BrokenPipe);
    });
}

#[test]
fn sending_to_an_end_that_is_gone_is_answered_with_a_reset() {
    worlds(|drive| {
        let (caller, called) = drive.pair();
        drive.close(called);
        assert_eq!(drive.receive_all(&caller), b"");
        drive.send_all(&caller, b"x");
        drive.pass(Duration::from_secs(1));
        let token = drive.send(&caller, b"y");
        assert_eq!(kind(&drive.wait(token)), ErrorKind::BrokenPipe);
    });
}

#[test]
fn bytes_that_reach_an_end_nobody_holds_are_answered_with_a_reset() {
    worlds(|drive| {
        let (caller, called) = drive.pair();
        drive.send_all(&caller, b"under way");
        drive.close(called);
        drive.pass(Duration::from_secs(1));
        let token = drive.send(&caller, b"x");
        assert_eq!(kind(&drive.wait(token)), ErrorKind::BrokenPipe);
    });
}

#[test]
fn what_comes_at_one_time_comes_in_any_order() {
    let mut firsts = [0; 2];
    for seed in 0..40 {
        let latency = Duration::from_micros(50);
        let mut drive = Drive::new(Sim::new(seed).latency(latency..=latency).split(false));
        let (caller, called) = drive.pair();
        let (other_caller, other_called) = drive.pair();
        let one = drive.receive_into(&called, 4);
        let other = drive.receive_into(&other_called, 4);
        drive.send_all(&caller, b"x");
        drive.send_all(&other_caller, b"y");
        let first = drive.next().token;
        assert!(first == one || first == other);
        firsts[usize::from(first == other)] += 1;
    }
    assert!(firsts.iter().all(|count| *count > 5), "{firsts:?}");
}

#[test]
fn a_full_stream_takes_what_fits_and_more_when_its_reader_has_read() {
    let mut drive = Drive::new(Sim::calm().send_buffer(10));
    let (caller, called) = drive.pair();
    let token = drive.send(&caller, &[1; 16]);
    assert_eq!(count(&drive.wait(token)), 10);
    let waits = drive.send(&caller, &[2; 16]);
    let behind = drive.send(&caller, &[3; 4]);
    drive.pass(Duration::from_secs(1));
    assert!(drive.take(waits).is_none());
    let token = drive.receive_into(&called, 4);
    assert_eq!(count(&drive.wait(token)), 4);
    assert_eq!(count(&drive.wait(waits)), 4);
    assert!(drive.take(behind).is_none());
    let token = drive.receive_into(&called, 64);
    assert_eq!(count(&drive.wait(token)), 6);
    assert_eq!(count(&drive.wait(behind)), 4);
}

#[test]
fn a_receive_flow_ends_when_it_has_filled_enough_and_at_the_end() {
    let mut drive = Drive::new(Sim::calm().receive_buffer(4));
    let (caller, called) = drive.pair();
    drive.send_all(&caller, &[7; 18]);
    drive.close(caller);
    drive.pass(Duration::from_secs(1));
    let token = drive.submit(Op::Receive {
        socket: called.clone(),
    });
    for nth in 0..4 {
        let end = drive.wait(token);
        assert!(matches!(&end.result, Ok(Outcome::Received(buf)) if buf.len() == 4));
        assert_eq!(end.more, nth < 3);
    }
    let token = drive.submit(Op::Receive { socket: called });
    let end = drive.wait(token);
    assert!(matches!(&end.result, Ok(Outcome::Received(buf)) if buf.len() == 2));
    assert!(end.more);
    let end = drive.wait(token);
    assert!(matches!(end.result, Ok(Outcome::EndOfStream)));
    assert!(!end.more);
}

#[test]
fn readiness_is_told_for_each_direction() {
    let mut drive = Drive::new(Sim::calm().send_buffer(4));
    let (caller, called) = drive.pair();
    let ready = |fd: &bibelot_reactor::Fd, interest| Op::Ready {
        fd: fd.clone(),
        interest,
    };
    let readable = drive.submit(ready(&called, Interest::Readable));
    let end = drive.run(ready(&caller, Interest::Writable));
    assert!(end.result.is_ok());
    assert!(drive.take(readable).is_none());
    drive.send_all(&caller, b"full");
    let writable = drive.submit(ready(&caller, Interest::Writable));
    assert!(drive.wait(readable).result.is_ok());
    drive.pass(Duration::from_secs(1));
    assert!(drive.take(writable).is_none());
    let token = drive.receive_into(&called, 1);
    drive.wait(token);
    assert!(drive.wait(writable).result.is_ok());
}

#[test]
fn a_listener_that_goes_resets_who_waits_and_refuses_who_comes() {
    worlds(|drive| {
        let (listener, address) = drive.listen("127.0.0.1:0");
        let waiting = drive.connect(address);
        drop(listener);
        let peer = address;
        let socket = drive.socket(peer);
        let end = drive.run(Op::Connect { socket, peer });
        assert_eq!(kind(&end), ErrorKind::ConnectionRefused);
        let token = drive.receive_into(&waiting, 8);
        assert_eq!(kind(&drive.wait(token)), ErrorKind::ConnectionReset);
        let _again = drive.listen(&address.to_string());
    });
}

#[test]
fn a_cancelled_connect_has_no_effect_or_is_a_success() {
    let mut cancelled = 0;
    for seed in 0..100 {
        let mut drive = Drive::new(Sim::new(seed));
        let (listener, peer) = drive.listen("127.0.0.1:0");
        let socket = drive.socket(peer);
        let token = drive.submit(Op::Connect {
            socket: socket.clone(),
            peer,
        });
        drive.reactor.cancel(token);
        let end = drive.wait(token);
        if end.is_cancelled() {
            cancelled += 1;
            let token = drive.send(&socket, b"later");
            drive.close(socket);
            let _ = token;
        } else {
            assert!(end.result.is_ok(), "{end:?}");
            let called = drive.accept(&listener);
            drive.send_all(&socket, b"hello");
            drive.close(socket);
            assert_eq!(drive.receive_all(&called), b"hello");
        }
    }
    assert!((1..100).contains(&cancelled), "{cancelled} of 100");
}

#[test]
fn the_last_holder_closes_also_from_another_thread() {
    let mut drive = Drive::new(Sim::calm());
    let (caller, called) = drive.pair();
    let clone = called.clone();
    drive.close(called);
    let token = drive.receive_into(&caller, 8);
    drive.pass(Duration::from_secs(1));
    assert!(drive.take(token).is_none());
    std::thread::spawn(move || drop(clone)).join().unwrap();
    assert_eq!(count(&drive.wait(token)), 0);
}

#[test]
fn a_deaf_listener_answers_that_it_is() {
    let mut drive = Drive::new(Sim::calm());
    let (listener, _) = drive.listen("127.0.0.1:0");
    let token = drive.submit(Op::Accept {
        listener: listener.clone(),
        many: true,
    });
    drive.call(Call::Shutdown {
        socket: listener,
        how: Shutdown::Both,
    });
    assert_eq!(kind(&drive.wait(token)), ErrorKind::InvalidInput);
}

#[test]
fn too_many_descriptors_are_an_error_that_passes() {
    let mut drive = Drive::new(Sim::calm().descriptors(3));
    let (listener, peer) = drive.listen("127.0.0.1:0");
    let caller = drive.connect(peer);
    let third = drive.socket(peer);
    assert!(drive.reactor.call(Call::Socket { peer }).is_err());
    let accept = Op::Accept {
        listener: listener.clone(),
        many: false,
    };
    let end = drive.run(accept);
    assert_eq!(end.result.unwrap_err().raw_os_error(), Some(24));
    drop(third);
    // The last that may be held: the connection waited, and counted for nothing meanwhile.
    let called = drive.accept(&listener);
    assert!(drive.reactor.call(Call::Socket { peer }).is_err());
    drop((caller, called));
    let _again = [drive.socket(peer), drive.socket(peer)];
}

#[test]
fn no_delay_is_kept_and_handed_down() {
    let mut drive = Drive::new(Sim::calm());
    let (caller, _called) = drive.pair();
    let socket = caller.clone();
    drive.call(Call::NoDelay { socket, on: true });
    let reply = drive.call(Call::IsNoDelay { socket: caller });
    assert!(matches!(reply, Reply::Flag(true)));
}

#[test]
fn operations_on_the_wrong_things_fail_and_give_their_buffers_back() {
    let mut drive = Drive::new(Sim::calm());
    let (listener, address) = drive.listen("127.0.0.1:0");
    let token = drive.send(&listener, b"x");
    let end = drive.wait(token);
    assert_eq!(kind(&end), ErrorKind::BrokenPipe);
    assert_eq!(&*end.buf.unwrap(), b"x");
    let idle = drive.socket(address);
    let token = drive.receive_into(&idle, 3);
    let end = drive.wait(token);
    assert_eq!(kind(&end), ErrorKind::NotConnected);
    assert_eq!(end.buf.unwrap().spare_len(), 3);
    let foreign = {
        let mut other = Drive::new(Sim::calm());
        other.socket(address)
    };
    let token = drive.send(&foreign, b"x");
    assert_eq!(kind(&drive.wait(token)), ErrorKind::Unsupported);
    let end = drive.run(Op::ReadAt {
        file: idle,
        buf: Buf::with_capacity(4),
        offset: 0,
    });
    assert_eq!(end.result.unwrap_err().raw_os_error(), Some(29));
    assert!(end.buf.is_some());
}

#[test]
fn a_v4_call_reaches_a_listener_for_all_of_v6() {
    let mut drive = Drive::new(Sim::calm());
    let (listener, address) = drive.listen("[::]:0");
    let peer = std::net::SocketAddr::new("127.0.0.1".parse().unwrap(), address.port());
    let caller = drive.connect(peer);
    let called = drive.accept(&listener);
    let seen = drive.local(&called);
    assert_eq!(seen.ip().to_string(), "::ffff:127.0.0.1");
    drive.send_all(&called, b"hi");
    drive.close(called);
    assert_eq!(drive.receive_all(&caller), b"hi");
}
