//! What is pending: what a close now would lose.

use std::net::Shutdown;
use std::time::Duration;

use bibelot_reactor::{Call, Fd, Outcome, Pending, Reply};

use crate::backends::everywhere;
use crate::streams::{pattern, read_exact, read_to_end, send};
use crate::world::World;

fn pending(world: &mut World, socket: &Fd) -> Pending {
    let socket = socket.clone();
    match world.call(Call::Pending { socket }).unwrap() {
        Reply::Pending(pending) => pending,
        other => panic!("expected what is pending, came {other:?}"),
    }
}

/// Lets time pass until nothing is undelivered.
fn deliver(world: &mut World, socket: &Fd) {
    for _ in 0..2000 {
        if pending(world, socket).undelivered == 0 {
            return;
        }
        // Acknowledgements take their time, and nothing tells of them.
        world.poll(Some(Duration::from_millis(5)));
    }
    panic!("it is never delivered");
}

#[test]
fn nothing_is_pending_on_a_connection_at_rest() {
    everywhere(|world| {
        let (ours, theirs) = world.pair();
        world.settle();
        assert!(pending(world, &ours).is_nothing());
        world.send_all(&ours, b"question");
        assert_eq!(read_exact(world, &theirs, 8), b"question");
        world.send_all(&theirs, b"answer");
        assert_eq!(read_exact(world, &ours, 6), b"answer");
        deliver(world, &ours);
        assert!(pending(world, &ours).is_nothing());
    });
}

#[test]
fn what_has_arrived_is_unread_until_it_is_received() {
    everywhere(|world| {
        let (ours, theirs) = world.pair();
        world.send_all(&theirs, b"unread");
        world.settle();
        assert!(pending(world, &ours).unread);
        assert_eq!(read_exact(world, &ours, 6), b"unread");
        assert!(!pending(world, &ours).unread);
        // The end of a stream is nothing to be read.
        world.close(theirs);
        world.settle();
        assert!(pending(world, &ours).is_nothing());
    });
}

#[test]
fn what_is_sent_is_undelivered_until_the_other_side_has_it() {
    everywhere(|world| {
        let (ours, theirs) = world.pair();
        let sent = pattern(0, 200);
        world.send_all(&ours, &sent);
        // Looking changes nothing.
        let at_first = pending(world, &ours).undelivered;
        assert!(at_first <= 200);
        let how = Shutdown::Write;
        let socket = ours.clone();
        world.call(Call::Shutdown { socket, how }).unwrap();
        deliver(world, &ours);
        // Delivered is not the same as read.
        world.close(ours);
        assert_eq!(read_to_end(world, &theirs), sent);
    });
}

#[test]
fn what_a_full_peer_has_no_room_for_is_undelivered() {
    everywhere(|world| {
        if !world.backend.is_real() {
            // There the other end has room for everything.
            return;
        }
        let (ours, theirs) = world.pair();
        let mut taken = 0;
        let last = loop {
            let token = world.submit(send(&ours, &[7; 300_000]));
            if !world.has(token) {
                world.settle();
            }
            match world.take(token).map(|end| end.result) {
                Some(Ok(Outcome::Count(count))) => taken += count,
                Some(other) => panic!("expected a count, came {other:?}"),
                None => break token,
            }
        };
        world.cancel(last);
        if let Ok(Outcome::Count(count)) = world.next(last).result {
            taken += count;
        }
        assert!((1..=taken as u64).contains(&pending(world, &ours).undelivered));
        let got = read_exact(world, &theirs, taken);
        assert!(got.iter().all(|&byte| byte == 7));
        deliver(world, &ours);
    });
}

#[test]
fn a_listener_has_nothing_to_deliver() {
    everywhere(|world| {
        let (listener, _) = world.listen();
        world.call(Call::Pending { socket: listener }).unwrap_err();
    });
}
