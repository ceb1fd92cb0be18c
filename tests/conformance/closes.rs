//! Closes: with and without other holders.

use std::io::ErrorKind;

use bibelot_reactor::{Call, Op, Outcome};

use crate::backends::everywhere;
use crate::streams::{Reader, receive, receive_into};

#[test]
fn a_close_is_an_end_for_the_peer() {
    everywhere(|world| {
        let (ours, theirs) = world.pair();
        world.close(ours);
        let mut reader = Reader::new(&theirs);
        reader.read_to_end(world);
        assert!(reader.bytes.is_empty() && reader.end.unwrap().is_ok());
    });
}

#[test]
fn letting_go_is_a_close_too() {
    everywhere(|world| {
        for was_used in [false, true] {
            let (ours, theirs) = world.pair();
            if was_used {
                let waiting = world.submit(receive(&ours));
                world.settle();
                assert!(world.stop(waiting).is_empty());
            }
            drop(ours);
            let mut reader = Reader::new(&theirs);
            reader.read_to_end(world);
            assert!(reader.end.unwrap().is_ok());
        }
    });
}

#[test]
fn a_close_waits_for_no_other_holder() {
    everywhere(|world| {
        let (ours, theirs) = world.pair();
        let other = ours.clone();
        world.close(ours);
        world.send_all(&other, b"still here");
        let mut reader = Reader::new(&theirs);
        reader.read_to(world, 10);
        assert_eq!(reader.bytes, b"still here");
        world.close(other);
        reader.read_to_end(world);
        assert!(reader.end.unwrap().is_ok());
    });
}

#[test]
fn an_operation_in_flight_is_a_holder() {
    everywhere(|world| {
        let (ours, theirs) = world.pair();
        let waiting = world.submit(receive_into(&ours, 8));
        world.settle();
        world.close(ours);
        world.settle();
        assert!(!world.has(waiting));
        world.send_all(&theirs, b"x");
        let end = world.next(waiting);
        assert!(matches!(end.result, Ok(Outcome::Count(1))), "{end:?}");
        let mut reader = Reader::new(&theirs);
        reader.read_to_end(world);
        assert!(reader.end.unwrap().is_ok());
    });
}

#[test]
fn a_cancelled_operation_lets_go() {
    everywhere(|world| {
        let (ours, theirs) = world.pair();
        let waiting = world.submit(receive(&ours));
        world.settle();
        world.close(ours);
        assert!(world.stop(waiting).is_empty());
        let mut reader = Reader::new(&theirs);
        reader.read_to_end(world);
        assert!(reader.end.unwrap().is_ok());
    });
}

#[test]
fn a_closed_listener_listens_no_more() {
    everywhere(|world| {
        let (listener, peer) = world.listen();
        let accept = Op::Accept {
            listener: listener.clone(),
            many: true,
        };
        let waiting = world.submit(accept);
        world.settle();
        assert!(world.stop(waiting).is_empty());
        world.close(listener);
        let socket = world.socket(peer);
        let error = world.error(Op::Connect { socket, peer });
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        // The address is free again.
        let how = bibelot_reactor::ListenHow::default();
        world.call(Call::Listen { address: peer, how }).unwrap();
    });
}

#[test]
fn a_number_that_is_used_again_is_another_descriptor() {
    everywhere(|world| {
        for round in 0..20_u8 {
            let (ours, theirs) = world.pair();
            let waiting = world.submit(receive_into(&ours, 4));
            if round % 2 == 0 {
                world.settle();
            }
            world.send_all(&theirs, &[round]);
            let end = world.next(waiting);
            assert_eq!(&*end.buf.unwrap(), [round]);
            world.close(ours);
            drop(theirs);
        }
    });
}
