//! Sends: their order, their counts, and what a full socket does.

use bibelot_reactor::{Fd, Outcome, Token};

use crate::backends::everywhere;
use crate::world::{Reader, World, pattern, send};

/// Sends pieces of a pattern until one has to wait; how much was taken, and the one that waits.
fn fill(world: &mut World, socket: &Fd, piece: usize) -> (usize, Token) {
    let mut taken = 0;
    for _ in 0..10_000 {
        let token = world.submit(send(socket, &pattern(taken, piece)));
        if !world.has(token) {
            world.settle();
        }
        match world.take(token) {
            None => return (taken, token),
            Some(end) => match end.result {
                Ok(Outcome::Count(count)) => taken += count,
                other => panic!("expected a count, came {other:?}"),
            },
        }
    }
    panic!("a socket that nobody reads from took {taken} bytes");
}

#[test]
fn a_cancelled_send_counts_exactly_what_was_taken() {
    everywhere(|world| {
        let (ours, theirs) = world.pair();
        let mut reader = Reader::new(&theirs);
        let mut taken = 0;
        for round in 0..3 {
            let (more, waiting) = fill_from(world, &ours, taken);
            taken = more;
            if round > 0 {
                // Makes room, so that the send may win the race.
                reader.read_to(world, taken / 2);
            }
            world.cancel(waiting);
            let end = world.next(waiting);
            match &end.result {
                Ok(Outcome::Count(count)) => taken += count,
                _ => assert!(end.is_cancelled(), "{end:?}"),
            }
        }
        reader.stop(world);
        world.close(ours);
        reader.read_to_end(world);
        assert_eq!(reader.bytes.len(), taken);
        assert!(reader.bytes == pattern(0, taken));
    });
}

fn fill_from(world: &mut World, socket: &Fd, start: usize) -> (usize, Token) {
    let piece = if world.backend.is_real() {
        300_000
    } else {
        500
    };
    let mut taken = start;
    loop {
        let token = world.submit(send(socket, &pattern(taken, piece)));
        if !world.has(token) {
            world.settle();
        }
        let Some(end) = world.take(token) else {
            return (taken, token);
        };
        match end.result {
            Ok(Outcome::Count(count)) => taken += count,
            other => panic!("expected a count, came {other:?}"),
        }
    }
}

#[test]
fn a_send_that_waited_goes_on_when_there_is_room() {
    everywhere(|world| {
        let (ours, theirs) = world.pair();
        let piece = if world.backend.is_real() {
            200_000
        } else {
            400
        };
        let (mut taken, waiting) = fill(world, &ours, piece);
        let mut reader = Reader::new(&theirs);
        reader.read_to(world, taken);
        match world.next(waiting).result {
            Ok(Outcome::Count(count)) => {
                assert!(count > 0 && count <= piece);
                taken += count;
            }
            other => panic!("expected a count, came {other:?}"),
        }
        world.close(ours);
        reader.read_to_end(world);
        assert!(reader.bytes == pattern(0, taken));
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
        let piece = if world.backend.is_real() {
            200_000
        } else {
            400
        };
        let (out, out_waits) = fill(world, &ours, piece);
        let (back, back_waits) = fill(world, &theirs, piece);
        for (to, len) in [(&theirs, out), (&ours, back)] {
            let mut reader = Reader::new(to);
            reader.read_to(world, len);
            reader.stop(world);
            assert!(reader.bytes[..len] == pattern(0, len));
        }
        for token in [out_waits, back_waits] {
            let end = world.next(token);
            assert!(
                matches!(end.result, Ok(Outcome::Count(count)) if count > 0),
                "{end:?}"
            );
        }
    });
}
