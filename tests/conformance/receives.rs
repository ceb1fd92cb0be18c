//! Receives: flows, receives into a buffer, ends of streams.

use std::io::ErrorKind;
use std::net::Shutdown;

use bibelot_reactor::{Buf, Call, Fd, Interest, Op, Outcome};

use crate::backends::everywhere;
use crate::streams::{Reader, pattern, receive, receive_into, send};

fn ready(fd: &Fd, interest: Interest) -> Op {
    Op::Ready {
        fd: fd.clone(),
        interest,
    }
}

#[test]
fn a_stream_arrives_in_order_and_then_ends() {
    everywhere(|world| {
        let (ours, theirs) = world.pair();
        let data = pattern(0, 20_000);
        let mut reader = Reader::new(&theirs);
        for piece in data.chunks(777) {
            world.send_all(&ours, piece);
            if piece[0] % 2 == 0 {
                reader.step(world);
            }
        }
        world.close(ours);
        reader.read_to_end(world);
        assert!(reader.bytes == data);
        assert!(reader.end.unwrap().is_ok());
        // The flow has ended; whoever asks again hears it again.
        world.settle();
        assert_eq!(world.in_flight(), 0);
        let end = world.run(receive(&theirs));
        assert!(matches!(end.result, Ok(Outcome::EndOfStream)), "{end:?}");
    });
}

#[test]
fn an_end_that_comes_with_the_last_bytes_is_not_missed() {
    everywhere(|world| {
        for waits_first in [false, true] {
            let (ours, theirs) = world.pair();
            let mut reader = Reader::new(&theirs);
            if waits_first {
                world.send_all(&ours, b"first");
                reader.read_to(world, 5);
            }
            world.send_all(&ours, b"last");
            world.close(ours);
            world.settle();
            reader.read_to_end(world);
            assert!(reader.bytes.ends_with(b"last"));
            assert!(reader.end.unwrap().is_ok());
        }
    });
}

#[test]
fn a_flow_can_be_stopped_and_taken_up_without_loss() {
    everywhere(|world| {
        let (ours, theirs) = world.pair();
        let mut reader = Reader::new(&theirs);
        let mut sent = Vec::new();
        for round in 0..50 {
            let data = pattern(sent.len(), round % 7 * 9 + 1);
            world.send_all(&ours, &data);
            sent.extend_from_slice(&data);
            if round % 3 == 0 {
                reader.step(world);
            }
            reader.stop(world);
        }
        reader.read_to(world, sent.len());
        assert!(reader.bytes == sent);
        reader.stop(world);
    });
}

#[test]
fn one_direction_ends_and_the_other_goes_on() {
    everywhere(|world| {
        let (ours, theirs) = world.pair();
        world.send_all(&ours, b"question");
        let (socket, how) = (ours.clone(), Shutdown::Write);
        world.call(Call::Shutdown { socket, how }).unwrap();
        let mut reader = Reader::new(&theirs);
        reader.read_to_end(world);
        assert_eq!(reader.bytes, b"question");
        world.send_all(&theirs, b"answer");
        world.close(theirs);
        drop(reader);
        let mut reader = Reader::new(&ours);
        reader.read_to_end(world);
        assert_eq!(reader.bytes, b"answer");
        let error = world.error(send(&ours, b"more"));
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn unread_bytes_at_a_close_reset_the_connection() {
    everywhere(|world| {
        let (ours, theirs) = world.pair();
        world.send_all(&ours, b"never read");
        world.done(ready(&theirs, Interest::Readable));
        world.close(theirs);
        let mut reader = Reader::new(&ours);
        reader.read_to_end(world);
        let error = reader
            .end
            .unwrap()
            .expect_err("a reset is no end of a stream");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        let error = world.error(send(&ours, b"more"));
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn a_receive_into_takes_what_is_there_up_to_its_room() {
    everywhere(|world| {
        let (ours, theirs) = world.pair();
        let waiting = world.submit(receive_into(&theirs, 8));
        world.settle();
        assert!(!world.has(waiting));
        world.send_all(&ours, b"abcdefghijkl");
        let mut got = world.next(waiting).buf.unwrap().to_vec();
        assert!(!got.is_empty() && got.len() <= 8, "{got:?}");
        while got.len() < 12 {
            let (count, buf) = world.count(receive_into(&theirs, 8));
            assert!(count == buf.len() && count > 0);
            got.extend_from_slice(&buf);
        }
        assert_eq!(got, b"abcdefghijkl");
        world.close(ours);
        let (count, buf) = world.count(receive_into(&theirs, 8));
        assert_eq!((count, buf.len()), (0, 0));
    });
}

#[test]
fn a_receive_into_puts_bytes_behind_what_the_buffer_holds() {
    everywhere(|world| {
        let (ours, theirs) = world.pair();
        let mut buf = Buf::with_capacity(8);
        buf.push(b"xab");
        buf.consume(1);
        world.send_all(&ours, b"c");
        let socket = theirs.clone();
        let (count, buf) = world.count(Op::ReceiveInto { socket, buf });
        assert_eq!((count, &*buf), (1, &b"abc"[..]));
    });
}

#[test]
fn a_receive_into_no_room_counts_nothing() {
    everywhere(|world| {
        let (ours, theirs) = world.pair();
        assert_eq!(
            world.count(receive_into(&theirs, 0)).0,
            0,
            "nothing is there"
        );
        world.send_all(&ours, b"abc");
        world.done(ready(&theirs, Interest::Readable));
        assert_eq!(
            world.count(receive_into(&theirs, 0)).0,
            0,
            "something is there"
        );
        let mut reader = Reader::new(&theirs);
        reader.read_to(world, 3);
        assert_eq!(reader.bytes, b"abc");
        reader.stop(world);
    });
}

#[test]
fn receives_of_one_socket_are_served_in_their_order() {
    everywhere(|world| {
        let (ours, theirs) = world.pair();
        let waiting: Vec<_> = (0..20)
            .map(|_| world.submit(receive_into(&theirs, 3)))
            .collect();
        let data = pattern(0, 60);
        world.send_all(&ours, &data[..30]);
        world.settle();
        world.send_all(&ours, &data[30..]);
        world.close(ours);
        let mut got = Vec::new();
        for token in waiting {
            let end = world.next(token);
            assert!(end.result.is_ok(), "{end:?}");
            got.extend_from_slice(&end.buf.unwrap());
        }
        // A receive may stop short, so some bytes may be left for another.
        let mut reader = Reader::new(&theirs);
        reader.read_to_end(world);
        got.append(&mut reader.bytes);
        assert!(got == data);
    });
}

#[test]
fn readiness_is_told_and_takes_nothing() {
    everywhere(|world| {
        let (ours, theirs) = world.pair();
        world.done(ready(&ours, Interest::Writable));
        let waiting = world.submit(ready(&theirs, Interest::Readable));
        world.settle();
        assert!(!world.has(waiting));
        world.send_all(&ours, b"abc");
        let end = world.next(waiting);
        assert!(matches!(end.result, Ok(Outcome::Done)), "{end:?}");
        world.done(ready(&theirs, Interest::Readable));
        let mut reader = Reader::new(&theirs);
        reader.read_to(world, 3);
        reader.stop(world);
        assert_eq!(reader.bytes, b"abc");
        let waiting = world.submit(ready(&theirs, Interest::Readable));
        world.settle();
        assert!(!world.has(waiting), "everything was read");
        world.close(ours);
        let end = world.next(waiting);
        assert!(matches!(end.result, Ok(Outcome::Done)), "{end:?}");
    });
}

#[test]
fn a_listener_is_ready_when_somebody_calls() {
    everywhere(|world| {
        let (listener, address) = world.listen();
        let waiting = world.submit(ready(&listener, Interest::Readable));
        let caller = world.connect(address);
        let end = world.next(waiting);
        assert!(matches!(end.result, Ok(Outcome::Done)), "{end:?}");
        world.accept(&listener);
        drop(caller);
    });
}

#[test]
fn an_unconnected_socket_has_nothing_to_say() {
    everywhere(|world| {
        let (listener, address) = world.listen();
        let socket = world.socket(address);
        for fd in [&listener, &socket] {
            let end = world.run(receive(fd));
            let error = end.result.expect_err("it is not connected");
            assert_eq!(error.kind(), ErrorKind::NotConnected);
            let error = world.error(receive_into(fd, 8));
            assert_eq!(error.kind(), ErrorKind::NotConnected);
        }
        let error = world.error(send(&socket, b"x"));
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    });
}
