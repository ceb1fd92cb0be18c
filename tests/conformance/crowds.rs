//! Crowds: many operations at once, and a reactor that is dropped amid them.

use std::io::Read;
use std::net::TcpStream;
use std::sync::Arc;

use bibelot_reactor::{Fd, Interest, Job, Op, Outcome, Token};

use crate::backends::everywhere;
use crate::streams::{pattern, receive, receive_into, send};
use crate::world::World;

#[test]
fn two_thousand_operations_wait_and_end() {
    everywhere(|world| {
        let pairs: Vec<(Fd, Fd)> = (0..50).map(|_| world.pair()).collect();
        let waiting: Vec<Vec<Token>> = pairs
            .iter()
            .map(|(_, theirs)| {
                let line = (0..40).map(|_| world.submit(receive_into(theirs, 1)));
                line.collect()
            })
            .collect();
        world.settle();
        assert_eq!(world.in_flight(), 2_000);
        for (at, (ours, _)) in pairs.iter().enumerate() {
            world.send_all(ours, &pattern(at, 40));
        }
        for (at, line) in waiting.into_iter().enumerate() {
            let bytes = line.into_iter().map(|token| {
                let buf = world.next(token).buf.unwrap();
                assert_eq!(buf.len(), 1);
                buf[0]
            });
            assert_eq!(bytes.collect::<Vec<_>>(), pattern(at, 40));
        }
        assert_eq!(world.in_flight(), 0);
    });
}

#[test]
fn two_thousand_operations_are_cancelled() {
    everywhere(|world| {
        let pairs: Vec<(Fd, Fd)> = (0..50).map(|_| world.pair()).collect();
        let waiting: Vec<Token> = (0..2_000)
            .map(|at| world.submit(receive_into(&pairs[at % 50].1, 1)))
            .collect();
        for token in &waiting {
            world.cancel(*token);
        }
        for token in waiting {
            let end = world.next(token);
            assert!(end.is_cancelled(), "{end:?}");
        }
        assert_eq!(world.in_flight(), 0);
    });
}

#[test]
fn many_streams_are_read_though_most_are_not() {
    everywhere(|world| {
        let pairs: Vec<(Fd, Fd)> = (0..30).map(|_| world.pair()).collect();
        // A receive on each; the bytes of all but the last are kept and never read.
        let flows: Vec<Token> = pairs
            .iter()
            .map(|(_, theirs)| world.submit(receive(theirs)))
            .collect();
        for (ours, _) in &pairs {
            world.send_all(ours, b"unread");
        }
        let mut kept = Vec::new();
        for flow in flows {
            let completion = world.next(flow);
            if completion.more {
                kept.append(&mut world.stop(flow));
            }
            kept.push(completion);
        }
        let (ours, theirs) = &pairs[29];
        for round in 0..100 {
            let data = pattern(round, 64);
            world.send_all(ours, &data);
            let mut got = 0;
            while got < 64 {
                let flow = world.submit(receive(theirs));
                let mut completions = vec![world.next(flow)];
                if completions[0].more {
                    completions.append(&mut world.stop(flow));
                }
                for completion in completions {
                    match completion.result {
                        Ok(Outcome::Received(buf)) => got += buf.len(),
                        Ok(Outcome::Paused) => {}
                        other => panic!("expected bytes, came {other:?}"),
                    }
                }
            }
            // What the first receive left of "unread" came first.
            assert!(got >= 64);
        }
        drop(kept);
    });
}

/// Submits one of everything that waits.
fn submit_all(world: &mut World, held: &Arc<()>) -> Vec<Fd> {
    let (ours, theirs) = world.pair();
    let (listener, _) = world.listen();
    let held = held.clone();
    let ops = [
        receive(&ours),
        receive_into(&theirs, 64),
        Op::Accept {
            listener,
            many: true,
        },
        Op::Ready {
            fd: theirs.clone(),
            interest: Interest::Readable,
        },
        Op::Job(Job::new(move || drop(held))),
        Op::Resolve {
            host: "localhost".to_owned(),
            port: 1,
        },
        send(&ours, b"never heard"),
    ];
    for op in ops {
        world.submit(op);
    }
    vec![ours, theirs]
}

#[test]
fn a_reactor_dropped_amid_operations_frees_everything() {
    let held = Arc::new(());
    everywhere(|world| {
        for round in 0..100 {
            let fds = submit_all(world, &held);
            if round % 2 == 0 {
                drop(fds);
            }
        }
        if world.backend.is_real() {
            world.poll(Some(std::time::Duration::ZERO));
        }
    });
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn a_dropped_reactor_closes_its_connections() {
    everywhere(|world| {
        if !world.backend.is_real() {
            return;
        }
        let (listener, address) = world.listen();
        let mut callers = Vec::new();
        for _ in 0..10 {
            callers.push(TcpStream::connect(address).unwrap());
            let socket = world.accept(&listener);
            world.submit(receive(&socket));
            world.submit(receive_into(&socket, 8));
            // Nobody but the reactor holds the socket from here on.
        }
        world.settle();
        world.end();
        for mut caller in callers {
            assert_eq!(caller.read(&mut [0]).unwrap(), 0, "its other end is closed");
        }
    });
}
