//! Sends: their order, their counts, and what a full socket does.

use std::time::Duration;

use bibelot_reactor::{Fd, Outcome, Token};

use crate::backends::everywhere;
use crate::streams::{Reader, pattern, read_exact, read_to_end, send};
use crate::world::World;

/// How large a piece is that fills a socket in not too many of them.
fn piece_len(world: &World) -> usize {
    if world.backend.is_real() {
        300_000
    } else {
        400
    }
}

/// Sends pieces of a pattern from `start` on until one has to wait: where the pattern has got to, and
/// the one that waits.
fn fill(world: &mut World, socket: &Fd, start: usize) -> (usize, Token) {
    let piece = piece_len(world);
    let mut taken = start;
    for _ in 0..10_000 {
        let token = world.submit(send(socket, &pattern(taken, piece)));
        if !world.has(token) {
            world.settle();
        }
        match world.take(token).map(|end| end.result) {
            None => return (taken, token),
            Some(Ok(Outcome::Count(count))) => taken += count,
            Some(other) => panic!("expected a count, came {other:?}"),
        }
    }
    panic!("a socket that nobody reads from took {taken} bytes");
}

#[test]
fn a_cancelled_send_counts_exactly_what_was_taken() {
    everywhere(|world| {
        let (ours, theirs) = world.pair();
        let (mut taken, mut got) = (0, Vec::new());
        for round in 0..4 {
            let (filled, waiting) = fill(world, &ours, taken);
            taken = filled;
            if round > 0 {
                // Makes room, so that the send may win the race.
                got.append(&mut read_exact(world, &theirs, (taken - got.len()) / 3));
            }
            world.cancel(waiting);
            let end = world.next(waiting);
            match &end.result {
                Ok(Outcome::Count(count)) => taken += count,
                _ => assert!(end.is_cancelled(), "{end:?}"),
            }
        }
        world.close(ours);
        got.append(&mut read_to_end(world, &theirs));
        assert_eq!(got.len(), taken);
        assert!(got == pattern(0, taken));
    });
}

#[test]
fn a_send_that_waited_goes_on_when_there_is_room() {
    everywhere(|world| {
        let (ours, theirs) = world.pair();
        let (mut taken, waiting) = fill(world, &ours, 0);
        let mut got = read_exact(world, &theirs, taken);
        match world.next(waiting).result {
            Ok(Outcome::Count(count)) => {
                assert!(count > 0 && count <= piece_len(world));
                taken += count;
            }
            other => panic!("expected a count, came {other:?}"),
        }
        world.close(ours);
        got.append(&mut read_to_end(world, &theirs));
        assert!(got == pattern(0, taken));
    });
}

#[test]
fn sends_leave_in_the_order_of_their_submission() {
    everywhere(|world| {
        let (ours, theirs) = world.pair();
        let scale = if world.backend.is_real() { 40_000 } else { 40 };
        let pieces: Vec<Vec<u8>> = (0..60_u8)
            .map(|at| vec![at; scale * usize::from(at % 5) + 1])
            .collect();
        let tokens: Vec<Token> = pieces
            .iter()
            .map(|piece| world.submit(send(&ours, piece)))
            .collect();
        let mut reader = Reader::new(&theirs);
        let mut expected = Vec::new();
        for (piece, token) in pieces.iter().zip(tokens) {
            while !world.has(token) {
                reader.step(world);
            }
            match world.next(token).result {
                Ok(Outcome::Count(count)) => expected.extend_from_slice(&piece[..count]),
                other => panic!("expected a count, came {other:?}"),
            }
        }
        reader.stop(world);
        world.close(ours);
        reader.read_to_end(world);
        assert!(reader.bytes == expected);
    });
}

#[test]
fn a_quiet_send_is_told_of_when_it_is_asked_for() {
    everywhere(|world| {
        let (ours, theirs) = world.pair();
        for round in 0..50 {
            let bytes = pattern(round * 7, 7);
            let quiet = world.submit_quietly(send(&ours, &bytes));
            if round % 3 == 0 {
                // What is submitted behind it is not held up.
                let loud = world.submit(send(&ours, b"!"));
                assert!(matches!(world.next(loud).result, Ok(Outcome::Count(1))));
            }
            if world.backend.is_real() {
                world.poll(Some(Duration::ZERO));
                assert!(world.has(quiet));
            }
            let Ok(Outcome::Count(count)) = world.next(quiet).result else {
                panic!("expected a count")
            };
            let mut expected = bytes[..count].to_vec();
            expected.extend((round % 3 == 0).then_some(b'!'));
            assert_eq!(read_exact(world, &theirs, expected.len()), expected);
        }
    });
}

#[test]
fn quiet_sends_that_find_no_room_lose_nothing() {
    everywhere(|world| {
        let (ours, theirs) = world.pair();
        let piece = piece_len(world);
        let (mut taken, mut got, mut waited) = (0, Vec::new(), 0);
        for _ in 0..10_000 {
            if waited == 5 {
                break;
            }
            let token = world.submit_quietly(send(&ours, &pattern(taken, piece)));
            world.settle();
            if !world.has(token) {
                // It waits for room, and then it is heard of.
                waited += 1;
                let there = taken - got.len();
                got.append(&mut read_exact(world, &theirs, there));
            }
            match world.next(token).result {
                Ok(Outcome::Count(count)) => taken += count,
                other => panic!("expected a count, came {other:?}"),
            }
        }
        assert_eq!(waited, 5);
        world.close(ours);
        got.append(&mut read_to_end(world, &theirs));
        assert_eq!(got.len(), taken);
        assert!(got == pattern(0, taken));
    });
}

#[test]
fn an_empty_send_counts_nothing() {
    everywhere(|world| {
        let (ours, _theirs) = world.pair();
        assert_eq!(world.count(send(&ours, b"")).0, 0);
    });
}

#[test]
fn both_directions_can_be_full_at_once() {
    everywhere(|world| {
        let (ours, theirs) = world.pair();
        let (out, out_waits) = fill(world, &ours, 0);
        let (back, back_waits) = fill(world, &theirs, 0);
        assert!(read_exact(world, &theirs, out) == pattern(0, out));
        assert!(read_exact(world, &ours, back) == pattern(0, back));
        for token in [out_waits, back_waits] {
            let end = world.next(token);
            let moved = matches!(end.result, Ok(Outcome::Count(count)) if count > 0);
            assert!(moved, "{end:?}");
        }
    });
}
