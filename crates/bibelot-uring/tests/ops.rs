//! Each operation, with each ability of the ring taken away.

mod common;

use std::fs;
use std::io::{ErrorKind, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use bibelot_reactor::{Buf, Call, Fd, Interest, Job, Op, OpenHow, Outcome, Reactor, Reply};
use common::{accepted, count, data, everywhere, read_exactly, received};

#[test]
fn nothing_ends_as_done() {
    everywhere(|desk| {
        assert!(matches!(desk.run(Op::Nop).result, Ok(Outcome::Done)));
    });
}

#[test]
fn accepts_bring_each_connection_once() {
    everywhere(|desk| {
        let (listener, address) = desk.listen();
        let peers: Vec<TcpStream> = (0..5)
            .map(|_| TcpStream::connect(address).unwrap())
            .collect();
        let mut ours = Vec::new();
        let mut token = None;
        while ours.len() < peers.len() {
            let listener = listener.clone();
            let current = *token.get_or_insert_with(|| {
                desk.submit(Op::Accept {
                    listener,
                    many: true,
                })
            });
            let end = desk.next_of(current);
            if !end.more {
                token = None;
            }
            ours.push(accepted(end));
        }
        let mut ports: Vec<u16> = ours
            .iter()
            .map(|socket| {
                let call = Call::PeerAddress {
                    socket: socket.clone(),
                };
                desk.uring
                    .call(call)
                    .unwrap()
                    .into_address()
                    .unwrap()
                    .port()
            })
            .collect();
        let mut theirs: Vec<u16> = peers
            .iter()
            .map(|peer| peer.local_addr().unwrap().port())
            .collect();
        ports.sort_unstable();
        theirs.sort_unstable();
        assert_eq!(ports, theirs);
    });
}

#[test]
fn an_accept_of_one_ends_with_it() {
    everywhere(|desk| {
        let (listener, address) = desk.listen();
        let token = desk.submit(Op::Accept {
            listener,
            many: false,
        });
        let _peers = [
            TcpStream::connect(address).unwrap(),
            TcpStream::connect(address).unwrap(),
        ];
        accepted(desk.end_of(token));
        desk.look();
        assert!(desk.ends.is_empty());
    });
}

#[test]
fn a_receive_brings_what_arrives_and_then_the_end() {
    everywhere(|desk| {
        let (socket, mut peer) = desk.pair();
        let message: Vec<u8> = (0..100_000_u32).map(|i| i as u8).collect();
        let (sent, writer) = (message.clone(), &mut peer);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                writer.write_all(&sent).unwrap();
                writer.shutdown(Shutdown::Write).unwrap();
            });
            let mut got = Vec::new();
            let mut token = desk.submit(Op::Receive {
                socket: socket.clone(),
            });
            loop {
                let end = desk.next_of(token);
                let more = end.more;
                match end.result {
                    Ok(Outcome::EndOfStream) => break assert!(!more),
                    Ok(Outcome::Paused) => {}
                    Ok(Outcome::Received(buf)) => got.extend_from_slice(&buf),
                    other => panic!("{other:?}"),
                }
                if !more {
                    token = desk.submit(Op::Receive {
                        socket: socket.clone(),
                    });
                }
            }
            assert!(got == message);
        });
    });
}

#[test]
fn a_receive_of_a_reset_connection_is_an_error() {
    everywhere(|desk| {
        let (socket, peer) = desk.pair();
        let token = desk.submit(Op::Receive { socket });
        desk.look();
        socket2::SockRef::from(&peer)
            .set_linger(Some(std::time::Duration::ZERO))
            .unwrap();
        drop(peer);
        let end = desk.end_of(token);
        assert_eq!(end.result.unwrap_err().kind(), ErrorKind::ConnectionReset);
    });
}

#[test]
fn bytes_are_received_into_the_spare_room_and_sent_from_the_data() {
    everywhere(|desk| {
        let (socket, mut peer) = desk.pair();
        let end = desk.run(Op::Send {
            socket: socket.clone(),
            buf: data(b"hello"),
        });
        assert_eq!(count(&end), 5);
        assert_eq!(&*end.buf.unwrap(), b"hello");
        assert_eq!(read_exactly(&mut peer, 5), b"hello");

        let mut buf = Buf::with_capacity(8);
        buf.push(b"ab");
        let token = desk.submit(Op::ReceiveInto {
            socket: socket.clone(),
            buf,
        });
        desk.look();
        peer.write_all(b"cdefghij").unwrap();
        let end = desk.end_of(token);
        let first = count(&end);
        let buf = end.buf.unwrap();
        assert_eq!(&*buf, &b"abcdefgh"[..2 + first]);

        let full = data(b"full");
        let end = desk.run(Op::ReceiveInto {
            socket: socket.clone(),
            buf: full,
        });
        assert_eq!(count(&end), 0);
        drop(peer);
        let end = desk.run(Op::ReceiveInto {
            socket: socket.clone(),
            buf: Buf::with_capacity(64),
        });
        let rest = count(&end);
        assert_eq!(first + rest, 8);
        let end = desk.run(Op::ReceiveInto {
            socket,
            buf: Buf::with_capacity(1),
        });
        assert_eq!(count(&end), 0);
    });
}

#[test]
fn sends_on_one_socket_leave_in_their_order() {
    everywhere(|desk| {
        let (socket, mut peer) = desk.pair();
        let message: Vec<u8> = (0..300_000_u32).map(|i| (i / 1000) as u8).collect();
        let reader = std::thread::spawn(move || read_exactly(&mut peer, 300_000));
        let tokens: Vec<_> = message
            .chunks(1000)
            .map(|chunk| {
                desk.submit(Op::Send {
                    socket: socket.clone(),
                    buf: data(chunk),
                })
            })
            .collect();
        for token in tokens {
            assert_eq!(count(&desk.end_of(token)), 1000);
        }
        assert!(reader.join().unwrap() == message);
    });
}

#[test]
fn receives_on_one_socket_come_in_their_order() {
    everywhere(|desk| {
        let (socket, mut peer) = desk.pair();
        let tokens: Vec<_> = (0..50)
            .map(|_| {
                let buf = Buf::with_capacity(2);
                desk.submit(Op::ReceiveInto {
                    socket: socket.clone(),
                    buf,
                })
            })
            .collect();
        desk.look();
        let message: Vec<u8> = (0..100).collect();
        peer.write_all(&message).unwrap();
        let mut got = Vec::new();
        for token in tokens {
            got.extend_from_slice(&desk.end_of(token).buf.unwrap());
        }
        assert_eq!(got, message);
    });
}

#[test]
fn a_connect_reaches_its_peer_or_says_why_not() {
    everywhere(|desk| {
        let (listener, address) = desk.listen();
        let socket = desk
            .uring
            .call(Call::Socket { peer: address })
            .unwrap()
            .into_fd()
            .unwrap();
        let end = desk.run(Op::Connect {
            socket: socket.clone(),
            peer: address,
        });
        assert!(matches!(end.result, Ok(Outcome::Done)), "{end:?}");
        let call = Call::PeerAddress { socket };
        assert_eq!(
            desk.uring.call(call).unwrap().into_address().unwrap(),
            address
        );

        let gone = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let socket = desk
            .uring
            .call(Call::Socket { peer: gone })
            .unwrap()
            .into_fd()
            .unwrap();
        let end = desk.run(Op::Connect { socket, peer: gone });
        assert_eq!(end.result.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        drop(listener);
    });
}

#[test]
fn a_close_closes_for_the_last_holder_only() {
    everywhere(|desk| {
        let (socket, mut peer) = desk.pair();
        let clone = socket.clone();
        assert!(matches!(
            desk.run(Op::Close { fd: clone }).result,
            Ok(Outcome::Done)
        ));
        assert_eq!(
            count(&desk.run(Op::Send {
                socket: socket.clone(),
                buf: data(b"x")
            })),
            1
        );
        read_exactly(&mut peer, 1);
        assert!(matches!(
            desk.run(Op::Close { fd: socket }).result,
            Ok(Outcome::Done)
        ));
        assert_eq!(std::io::Read::read(&mut peer, &mut [0; 1]).unwrap(), 0);
    });
}

#[test]
fn a_watch_ends_when_the_descriptor_is_ready() {
    everywhere(|desk| {
        let (socket, mut peer) = desk.pair();
        let writable = Op::Ready {
            fd: socket.clone(),
            interest: Interest::Writable,
        };
        assert!(matches!(desk.run(writable).result, Ok(Outcome::Done)));
        let readable = Op::Ready {
            fd: socket.clone(),
            interest: Interest::Readable,
        };
        let token = desk.submit(readable);
        desk.look();
        assert!(desk.ends.is_empty());
        peer.write_all(b"now").unwrap();
        assert!(matches!(desk.end_of(token).result, Ok(Outcome::Done)));
        let end = desk.run(Op::ReceiveInto {
            socket,
            buf: Buf::with_capacity(3),
        });
        assert_eq!(&*end.buf.unwrap(), b"now");
    });
}

#[test]
fn files_are_opened_written_synced_read_and_closed() {
    everywhere(|desk| {
        let directory = Directory::new();
        let path = directory.0.join("file");
        let how = OpenHow {
            read: true,
            write: true,
            create: true,
            ..OpenHow::default()
        };
        let Ok(Outcome::Opened(file)) = desk
            .run(Op::Open {
                path: path.clone(),
                how,
            })
            .result
        else {
            panic!("not opened")
        };
        let op = Op::WriteAt {
            file: file.clone(),
            buf: data(b"0123456789"),
            offset: 5,
        };
        let end = desk.run(op);
        assert_eq!(count(&end), 10);
        assert_eq!(&*end.buf.unwrap(), b"0123456789");
        for data_only in [true, false] {
            let end = desk.run(Op::Sync {
                file: file.clone(),
                data_only,
            });
            assert!(matches!(end.result, Ok(Outcome::Done)), "{end:?}");
        }
        let mut buf = Buf::with_capacity(100);
        buf.push(b">");
        let end = desk.run(Op::ReadAt {
            file: file.clone(),
            buf,
            offset: 3,
        });
        assert_eq!(count(&end), 12);
        assert_eq!(&*end.buf.unwrap(), b">\0\x000123456789");
        let buf = Buf::with_capacity(4);
        let end = desk.run(Op::ReadAt {
            file: file.clone(),
            buf,
            offset: 1000,
        });
        assert_eq!(count(&end), 0);
        let buf = Buf::with_capacity(4);
        let end = desk.run(Op::ReadAt {
            file: file.clone(),
            buf,
            offset: u64::MAX,
        });
        assert_eq!(end.result.unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(end.buf.unwrap().spare_len(), 4);
        assert!(matches!(
            desk.run(Op::Close { fd: file }).result,
            Ok(Outcome::Done)
        ));

        let how = OpenHow {
            write: true,
            create_new: true,
            ..OpenHow::default()
        };
        let end = desk.run(Op::Open { path, how });
        assert_eq!(end.result.unwrap_err().kind(), ErrorKind::AlreadyExists);
        let path = PathBuf::from("with\0zero");
        let how = OpenHow {
            read: true,
            ..OpenHow::default()
        };
        let end = desk.run(Op::Open { path, how });
        assert_eq!(end.result.unwrap_err().kind(), ErrorKind::InvalidInput);
    });
}

#[test]
fn names_are_resolved_and_jobs_run() {
    everywhere(|desk| {
        let Ok(Outcome::Resolved(found)) = desk
            .run(Op::Resolve {
                host: "127.0.0.1".into(),
                port: 80,
            })
            .result
        else {
            panic!("not resolved")
        };
        assert_eq!(found, ["127.0.0.1:80".parse().unwrap()]);
        let Ok(Outcome::Resolved(found)) = desk
            .run(Op::Resolve {
                host: "localhost".into(),
                port: 80,
            })
            .result
        else {
            panic!("not resolved")
        };
        assert!(found.iter().all(|address| address.ip().is_loopback()));

        let Ok(Outcome::Finished(Ok(value))) = desk.run(Op::Job(Job::new(|| 6 * 7))).result else {
            panic!("not finished")
        };
        assert_eq!(*value.downcast::<i32>().unwrap(), 42);
        let job = Job::new(|| std::panic::resume_unwind(Box::new("oops")));
        let Ok(Outcome::Finished(Err(payload))) = desk.run(Op::Job(job)).result else {
            panic!("it did not panic")
        };
        assert_eq!(*payload.downcast::<&str>().unwrap(), "oops");
    });
}

#[test]
fn a_wrong_descriptor_is_an_error_and_the_buffer_comes_back() {
    everywhere(|desk| {
        let file = Fd::from(OwnedFd::from(fs::File::open("/dev/null").unwrap()));
        let end = desk.run(Op::Send {
            socket: file.clone(),
            buf: data(b"x"),
        });
        assert_eq!(end.result.unwrap_err().raw_os_error(), Some(libc::ENOTSOCK));
        assert_eq!(&*end.buf.unwrap(), b"x");
        let end = desk.run(Op::Receive {
            socket: file.clone(),
        });
        assert_eq!(end.result.unwrap_err().raw_os_error(), Some(libc::ENOTSOCK));
        let end = desk.run(Op::Accept {
            listener: file,
            many: true,
        });
        assert_eq!(end.result.unwrap_err().raw_os_error(), Some(libc::ENOTSOCK));
        let (unconnected, _) = desk.listen();
        let end = desk.run(Op::Send {
            socket: unconnected,
            buf: data(b"x"),
        });
        assert!(end.result.is_err());
        assert_eq!(&*end.buf.unwrap(), b"x");
    });
}

#[test]
fn a_simulated_descriptor_is_refused_at_once() {
    #[derive(Debug)]
    struct Stand;
    impl bibelot_reactor::VirtualFd for Stand {
        fn id(&self) -> u64 {
            1
        }
    }
    everywhere(|desk| {
        let socket = Fd::from_virtual(Box::new(Stand));
        let end = desk.run(Op::Send {
            socket: socket.clone(),
            buf: data(b"x"),
        });
        assert_eq!(end.result.unwrap_err().kind(), ErrorKind::Unsupported);
        assert_eq!(&*end.buf.unwrap(), b"x");
        let end = desk.run(Op::Close { fd: socket });
        assert_eq!(end.result.unwrap_err().kind(), ErrorKind::Unsupported);
    });
}

#[test]
fn a_descriptor_is_held_until_its_operation_has_ended() {
    everywhere(|desk| {
        let (socket, mut peer) = desk.pair();
        let weak = socket.downgrade();
        let token = desk.submit(Op::Receive { socket });
        desk.look();
        assert_eq!(weak.holders(), 1);
        peer.write_all(b"still here").unwrap();
        let end = desk.next_of(token);
        if end.more {
            assert_eq!(weak.holders(), 1);
            desk.uring.cancel(token);
            desk.end_of(token);
        }
        assert_eq!(received(end), b"still here");
        assert_eq!(weak.holders(), 0);
    });
}

#[test]
fn counters_count() {
    everywhere(|desk| {
        for _ in 0..10 {
            desk.run(Op::Nop);
        }
        let Reply::Counters(counters) = desk.uring.call(Call::Counters).unwrap() else {
            panic!("no counters")
        };
        assert_eq!((counters.operations, counters.completions), (10, 10));
        assert!(counters.system_calls >= 10, "{counters}");
    });
}

struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "bibelot-uring-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
