//! Limits: what happens when the operating system gives no more.

use std::fs::File;
use std::net::TcpStream;
use std::os::fd::AsRawFd;

use bibelot_reactor::{Call, Fd, Op, OpenHow, Outcome};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::backends::everywhere;
use crate::world::World;

/// Lets this process have no descriptors but those that are open, until it is dropped. No other test
/// runs meanwhile: each waits for its turn.
struct NoMoreDescriptors(Rlimit);

impl NoMoreDescriptors {
    fn new() -> Self {
        let before = getrlimit(Resource::Nofile);
        // The lowest free number is the one that the next descriptor would get.
        let next = File::open("/dev/null").unwrap().as_raw_fd();
        let limit = Rlimit {
            current: u64::try_from(next).ok(),
            ..before
        };
        setrlimit(Resource::Nofile, limit).expect("less is allowed");
        Self(before)
    }
}

impl Drop for NoMoreDescriptors {
    fn drop(&mut self) {
        setrlimit(Resource::Nofile, self.0).expect("it is what it was");
    }
}

fn accept_error(world: &mut World, listener: &Fd, many: bool) -> i32 {
    let accept = Op::Accept {
        listener: listener.clone(),
        many,
    };
    let error = world.error(accept);
    error.raw_os_error().unwrap_or_default()
}

#[test]
fn an_accept_without_a_descriptor_fails_and_loses_no_connection() {
    everywhere(|world| {
        if !world.backend.is_real() {
            return;
        }
        let (listener, address) = world.listen();
        let callers: Vec<_> = (0..3)
            .map(|_| TcpStream::connect(address).unwrap())
            .collect();
        let nothing_left = NoMoreDescriptors::new();
        for many in [false, true] {
            assert_eq!(accept_error(world, &listener, many), 24, "EMFILE");
        }
        drop(nothing_left);
        for _ in &callers {
            world.accept(&listener);
        }
    });
}

#[test]
fn an_accept_that_waits_while_descriptors_run_out_loses_no_connection() {
    everywhere(|world| {
        if !world.backend.is_real() {
            return;
        }
        let (listener, address) = world.listen();
        // The caller's descriptor is made beforehand, and connected when none is left.
        let socket = world.socket(address);
        let waiting = world.submit(Op::Accept {
            listener: listener.clone(),
            many: true,
        });
        world.settle();
        let nothing_left = NoMoreDescriptors::new();
        let connect = world.submit(Op::Connect {
            socket: socket.clone(),
            peer: address,
        });
        let completion = world.next(waiting);
        assert!(world.next(connect).result.is_ok());
        drop(nothing_left);
        match completion.result {
            // The operating system may hold an accept to the limit of when it began.
            Ok(Outcome::Accepted { .. }) if completion.more => {
                assert!(world.stop(waiting).is_empty());
            }
            Ok(Outcome::Accepted { .. }) => {}
            Ok(other) => panic!("expected a connection or an error, came {other:?}"),
            Err(error) => {
                assert_eq!(error.raw_os_error(), Some(24), "EMFILE, not {error}");
                world.accept(&listener);
            }
        }
    });
}

#[test]
fn calls_and_files_say_that_there_is_no_descriptor() {
    everywhere(|world| {
        if !world.backend.is_real() {
            return;
        }
        // Once before, so that a worker thread is there if one is needed.
        let open = || Op::Open {
            path: "/dev/null".into(),
            how: OpenHow {
                read: true,
                ..Default::default()
            },
        };
        assert!(world.run(open()).result.is_ok());
        let nothing_left = NoMoreDescriptors::new();
        assert_eq!(world.error(open()).raw_os_error(), Some(24));
        let peer = "127.0.0.1:1".parse().unwrap();
        let error = world.call(Call::Socket { peer }).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(24));
        drop(nothing_left);
    });
}
