//! Cancels: at every moment, of everything, and of nothing.

use std::time::Duration;

use bibelot_reactor::{Interest, Op, Outcome, Token};

use crate::backends::everywhere;
use crate::streams::{pattern, receive, receive_into, send};
use crate::world::World;

/// Cancels at a moment: at once, after a look, or when everything is still.
fn wait_for_moment(world: &mut World, moment: usize) {
    match moment {
        0 => {}
        1 => drop(world.poll(Some(Duration::ZERO))),
        _ => world.settle(),
    }
}

#[test]
fn whatever_waits_ends_once_when_it_is_cancelled() {
    everywhere(|world| {
        for moment in 0..3 {
            let (ours, theirs) = world.pair();
            let (listener, _) = world.listen();
            let fd = theirs.clone();
            let interest = Interest::Readable;
            let calls = [
                world.submit(receive_into(&theirs, 8)),
                world.submit(Op::Ready { fd, interest }),
            ];
            let many = moment % 2 == 0;
            let flows = [
                world.submit(receive(&ours)),
                world.submit(Op::Accept { listener, many }),
            ];
            wait_for_moment(world, moment);
            for token in calls.into_iter().chain(flows) {
                world.cancel(token);
                world.cancel(token);
            }
            for token in calls {
                let end = world.next(token);
                assert!(end.is_cancelled(), "{end:?}");
            }
            for token in flows {
                let end = world.next(token);
                assert!(matches!(end.result, Ok(Outcome::Paused)), "{end:?}");
                assert!(!end.more);
            }
            world.settle();
            assert_eq!(world.in_flight(), 0);
        }
    });
}

#[test]
fn unknown_and_ended_tokens_are_ignored() {
    everywhere(|world| {
        let (ours, theirs) = world.pair();
        let never = Token::new(77_777, 3);
        world.cancel(never);
        let ended = world.submit(Op::Nop);
        world.next(ended);
        world.cancel(ended);
        // The slot's next tenant does not mind either.
        let waiting = world.submit(receive_into(&theirs, 8));
        assert_eq!(waiting.slot(), ended.slot());
        world.cancel(ended);
        world.cancel(never);
        world.settle();
        assert!(!world.has(waiting));
        world.send_all(&ours, b"abc");
        assert!(world.next(waiting).result.is_ok());
    });
}

#[test]
fn a_cancel_in_a_line_takes_out_that_one_only() {
    everywhere(|world| {
        let (ours, theirs) = world.pair();
        let line: Vec<Token> = (0..6)
            .map(|_| world.submit(receive_into(&theirs, 1)))
            .collect();
        world.settle();
        for at in [0, 3, 5] {
            world.cancel(line[at]);
            let end = world.next(line[at]);
            assert!(end.is_cancelled(), "{end:?}");
        }
        world.send_all(&ours, b"abc");
        for (at, byte) in [(1, b'a'), (2, b'b'), (4, b'c')] {
            let end = world.next(line[at]);
            assert_eq!(&*end.buf.unwrap(), [byte]);
        }
    });
}

#[test]
fn a_storm_of_cancelled_receives_loses_no_byte() {
    everywhere(|world| {
        let (ours, theirs) = world.pair();
        let (mut sent, mut got) = (0, Vec::new());
        for round in 0..300 {
            let op = match round % 2 {
                0 => receive(&theirs),
                _ => receive_into(&theirs, 5),
            };
            let token = world.submit(op);
            if round % 3 != 0 {
                wait_for_moment(world, round / 100);
            }
            let piece = pattern(sent, round % 4);
            let sending = world.submit(send(&ours, &piece));
            if round % 5 > 1 {
                wait_for_moment(world, round / 150);
            }
            world.cancel(token);
            loop {
                let completion = world.next(token);
                match (&completion.result, &completion.buf) {
                    (Ok(Outcome::Received(buf)), _) | (Ok(Outcome::Count(_)), Some(buf)) => {
                        got.extend_from_slice(buf);
                    }
                    (Ok(Outcome::Paused), _) => {}
                    _ => assert!(completion.is_cancelled(), "{completion:?}"),
                }
                if !completion.more {
                    break;
                }
            }
            match world.next(sending).result {
                Ok(Outcome::Count(count)) => sent += count,
                other => panic!("expected a count, came {other:?}"),
            }
        }
        while got.len() < sent {
            let (count, buf) = world.count(receive_into(&theirs, 64));
            assert!(count > 0);
            got.extend_from_slice(&buf);
        }
        assert!(got == pattern(0, sent));
    });
}

#[test]
fn a_success_that_won_the_race_is_a_success() {
    everywhere(|world| {
        let (ours, theirs) = world.pair();
        world.send_all(&ours, b"abc");
        world.done(Op::Ready {
            fd: theirs.clone(),
            interest: Interest::Readable,
        });
        let token = world.submit(receive_into(&theirs, 3));
        world.cancel(token);
        let end = world.next(token);
        let mut got = match &end.result {
            Ok(Outcome::Count(count)) => *count,
            _ => {
                assert!(end.is_cancelled(), "{end:?}");
                0
            }
        };
        // What it did not bring is still there.
        while got < 3 {
            got += world.count(receive_into(&theirs, 3 - got)).0;
        }
        assert_eq!(got, 3);
    });
}
