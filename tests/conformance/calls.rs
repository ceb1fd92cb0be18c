//! Calls: what is answered at once, and what is not known.

use std::io::ErrorKind;
use std::net::{Shutdown, TcpListener};
use std::os::fd::OwnedFd;

use bibelot_reactor::{Buf, Call, Fd, Interest, ListenHow, Op, Reply, VirtualFd};

use crate::backends::everywhere;
use crate::world::World;

#[test]
fn an_address_is_taken_once() {
    everywhere(|world| {
        let (_listener, address) = world.listen();
        assert_ne!(address.port(), 0);
        let how = ListenHow::default();
        let error = world.call(Call::Listen { address, how }).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
    });
}

#[test]
fn what_is_not_connected_has_no_peer_and_cannot_be_shut_down() {
    everywhere(|world| {
        let (listener, address) = world.listen();
        let socket = world.socket(address);
        let peer = Call::PeerAddress {
            socket: socket.clone(),
        };
        assert_eq!(
            world.call(peer).unwrap_err().kind(),
            ErrorKind::NotConnected
        );
        let how = Shutdown::Write;
        let error = world.call(Call::Shutdown { socket, how }).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotConnected);
        drop(listener);
    });
}

#[test]
fn sending_at_once_can_be_chosen() {
    everywhere(|world| {
        let (ours, _theirs) = world.pair();
        for on in [true, false, true] {
            let socket = ours.clone();
            world.call(Call::NoDelay { socket, on }).unwrap();
            let socket = ours.clone();
            match world.call(Call::IsNoDelay { socket }).unwrap() {
                Reply::Flag(flag) => assert_eq!(flag, on),
                other => panic!("unexpected: {other:?}"),
            }
        }
    });
}

fn counters(world: &mut World) -> (u64, u64) {
    match world.call(Call::Counters).unwrap() {
        Reply::Counters(counters) => (counters.operations, counters.completions),
        other => panic!("unexpected: {other:?}"),
    }
}

#[test]
fn operations_and_completions_are_counted() {
    everywhere(|world| {
        let before = counters(world);
        for _ in 0..5 {
            world.done(Op::Nop);
        }
        let after = counters(world);
        assert_eq!((after.0 - before.0, after.1 - before.1), (5, 5));
    });
}

#[test]
fn attending_can_be_nested_and_left_too_often() {
    everywhere(|world| {
        for begin in [true, true, false, false, false, true] {
            world.call(Call::Attend { begin }).unwrap();
        }
    });
}

#[derive(Debug)]
struct Stranger;

impl VirtualFd for Stranger {
    fn id(&self) -> u64 {
        4711
    }
}

/// A descriptor of a world that is not this reactor's.
fn stranger(world: &World) -> Fd {
    if world.backend.is_real() {
        return Fd::from_virtual(Box::new(Stranger));
    }
    Fd::from(OwnedFd::from(TcpListener::bind("127.0.0.1:0").unwrap()))
}

#[test]
fn a_descriptor_of_another_world_is_not_supported() {
    everywhere(|world| {
        let fd = stranger(world);
        let buf = || Buf::from(b"abc".to_vec());
        let peer = "127.0.0.1:9".parse().unwrap();
        let interest = Interest::Readable;
        let ops = [
            Op::Accept {
                listener: fd.clone(),
                many: true,
            },
            Op::Receive { socket: fd.clone() },
            Op::ReceiveInto {
                socket: fd.clone(),
                buf: Buf::with_capacity(4),
            },
            Op::Send {
                socket: fd.clone(),
                buf: buf(),
            },
            Op::Connect {
                socket: fd.clone(),
                peer,
            },
            Op::Ready {
                fd: fd.clone(),
                interest,
            },
            Op::ReadAt {
                file: fd.clone(),
                buf: Buf::with_capacity(4),
                offset: 0,
            },
            Op::WriteAt {
                file: fd.clone(),
                buf: buf(),
                offset: 0,
            },
            Op::Sync {
                file: fd.clone(),
                data_only: true,
            },
            Op::Close { fd: fd.clone() },
        ];
        for op in ops {
            let kind = op.kind();
            let end = world.run(op);
            let error = end.result.expect_err("it is not of this world");
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{kind:?}: {error}");
        }
        let calls = [
            Call::LocalAddress { socket: fd.clone() },
            Call::PeerAddress { socket: fd.clone() },
            Call::NoDelay {
                socket: fd.clone(),
                on: true,
            },
            Call::IsNoDelay { socket: fd.clone() },
            Call::Pending { socket: fd.clone() },
            Call::Shutdown {
                socket: fd,
                how: Shutdown::Both,
            },
        ];
        for call in calls {
            let what = format!("{call:?}");
            let error = world.call(call).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{what}: {error}");
        }
    });
}
