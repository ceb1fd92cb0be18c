//! Peers that stall, reset or never come; closes that meet each other and those who wait.

use std::io;
use std::net::{self, Shutdown};
use std::rc::Rc;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bibelot::{
    AsCancelled, TcpListener, TcpStream, gather, join, sleep, spawn, start_server, timeout_after,
    yield_now,
};
use bibelot_kernel::io::{Object, call};
use bibelot_reactor::{Call, ListenHow};

use crate::run::{on_each, on_each_os};

/// The two ends of a new connection.
async fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let caller = spawn(TcpStream::connect(listener.local_addr()?));
    let (callee, _) = listener.accept().await?;
    let caller = caller.await.expect("nobody cancels it")?;
    Ok((caller, callee))
}

/// A connection to a thread's world: ours, and a plain socket.
async fn plain_pair() -> io::Result<(TcpStream, net::TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let caller = thread::spawn(move || net::TcpStream::connect(address));
    let (callee, _) = listener.accept().await?;
    Ok((callee, caller.join().expect("it connects")?))
}

#[test]
fn closes_of_one_object_by_several_handles_all_end_well() {
    on_each(|builder| {
        builder
            .run(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let closes = (0..5).map(|_| listener.close());
                for closed in gather(closes).await {
                    closed.unwrap();
                }
                listener.close().await.unwrap();
                // One of them is cut, and one dropped: the others end.
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let cut = timeout_after(Duration::ZERO, listener.close());
                let (_, first, second) = join((cut, listener.close(), listener.close())).await;
                first.unwrap();
                second.unwrap();
            })
            .unwrap();
    });
}

#[test]
fn a_close_ends_those_who_wait() {
    on_each(|builder| {
        builder
            .run(async {
                let listener = Rc::new(TcpListener::bind("127.0.0.1:0").await.unwrap());
                let acceptor = spawn({
                    let listener = listener.clone();
                    async move { listener.accept().await.map(drop) }
                });
                yield_now().await.unwrap();
                listener.close().await.unwrap();
                let error = acceptor.await.unwrap().unwrap_err();
                assert!(!error.is_cancelled(), "{error}");
                assert!(listener.accept().await.is_err());
                assert!(listener.local_addr().is_err());

                // The read half waits while the write half goes, and then the peer.
                let (near, mut far) = pair().await.unwrap();
                let (mut read, write) = near.into_split();
                let reader = spawn(async move {
                    let mut bytes = Vec::new();
                    read.read_to_end(&mut bytes).await.map(|_| bytes)
                });
                yield_now().await.unwrap();
                drop(write);
                assert_eq!(far.next_line().await.unwrap(), None);
                far.write(b"still here").await.unwrap();
                drop(far);
                assert_eq!(reader.await.unwrap().unwrap(), b"still here");
            })
            .unwrap();
    });
}

#[test]
fn a_peer_that_never_reads_holds_a_drop_up_for_the_linger_time_only() {
    on_each_os(|builder| {
        let linger = Duration::from_millis(200);
        let mut kernel = builder.linger(linger).build().unwrap();
        // It stays open and is never read.
        let peer = kernel.block_on(async {
            let (mut stream, peer) = plain_pair().await.unwrap();
            let filled = timeout_after(Duration::from_millis(100), async {
                loop {
                    stream.write(&[7; 64 * 1024]).await?;
                }
                #[allow(unreachable_code, reason = "it says the type")]
                bibelot::Ok(())
            });
            assert!(filled.await.unwrap_err().timed_out());
            // Dropped full.
            drop(stream);
            peer
        });
        let began = Instant::now();
        let report = kernel.shutdown();
        assert!(report.io.unsent_bytes > 0, "{report:?}");
        assert!(began.elapsed() < Duration::from_secs(10), "bounded");
        drop(peer);
    });
}

#[test]
fn a_close_of_a_full_stream_says_what_was_not_sent() {
    on_each_os(|builder| {
        let linger = Duration::from_millis(100);
        builder
            .linger(linger)
            .run(async {
                let (mut stream, peer) = plain_pair().await.unwrap();
                let filled = timeout_after(Duration::from_millis(50), async {
                    loop {
                        stream.write(&[7; 64 * 1024]).await?;
                    }
                    #[allow(unreachable_code, reason = "it says the type")]
                    bibelot::Ok(())
                });
                assert!(filled.await.is_err());
                let error = stream.close().await.unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{error}");
                drop(peer);
            })
            .unwrap();
    });
}

#[test]
fn a_reset_amid_a_write_is_told_once_and_then_it_is_closed() {
    on_each_os(|builder| {
        builder
            .run(async {
                let (mut stream, peer) = plain_pair().await.unwrap();
                let resetter = thread::spawn(move || {
                    thread::sleep(Duration::from_millis(30));
                    // What lies unread makes this a reset.
                    drop(peer);
                });
                let error = loop {
                    match stream.write(&[7; 256 * 1024]).await {
                        Ok(()) => {}
                        Err(error) => break error,
                    }
                };
                let told = [io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe];
                assert!(told.contains(&error.kind()), "{error}");
                let again = stream.write(b"more").await.unwrap_err();
                assert_eq!(again.kind(), io::ErrorKind::NotConnected, "{again}");
                assert!(stream.push(b"more").is_err());
                assert!(stream.flush().await.is_err());
                assert!(stream.drain().await.is_err());
                assert!(stream.bytes_written().unwrap() >= stream.bytes_sent().unwrap());
                let _told_already = stream.close().await;
                resetter.join().unwrap();
            })
            .unwrap();
    });
}

#[test]
fn a_write_after_the_end_of_writing_is_refused() {
    on_each(|builder| {
        builder
            .run(async {
                let (mut near, mut far) = pair().await.unwrap();
                near.write(b"last").await.unwrap();
                near.shutdown(Shutdown::Write).await.unwrap();
                near.shutdown(Shutdown::Write).await.unwrap();
                assert!(near.write(b"more").await.is_err());
                assert!(near.push(b"more").is_err());
                let mut bytes = Vec::new();
                far.read_to_end(&mut bytes).await.unwrap();
                assert_eq!(bytes, b"last");
                // The other direction goes on.
                far.write(b"and back\n").await.unwrap();
                assert_eq!(near.next_line().await.unwrap().unwrap(), b"and back\n");
            })
            .unwrap();
    });
}

#[test]
fn the_smallest_sizes_work() {
    on_each(|builder| {
        builder
            .write_marks(0, 100)
            .write_mark_of_kernel(0)
            .unread_max(0, 0)
            .max_park(Duration::from_millis(1))
            .run(async {
                let (mut near, mut far) = pair().await.unwrap();
                let (_, echoed) = join((near.write(b"by the byte\n"), far.next_line())).await;
                assert_eq!(echoed.unwrap().unwrap(), b"by the byte\n");
                assert!(far.push(b"two").is_err());
                far.push(b"1").unwrap();
                far.flush().await.unwrap();
                near.close().await.unwrap();
            })
            .unwrap();
    });
}

#[test]
fn a_stalled_peer_keeps_nobody_else_waiting() {
    on_each_os(|builder| {
        builder
            .write_mark_of_kernel(1024 * 1024)
            .linger(Duration::from_millis(50))
            .run(async {
                let (mut stalled, _peer) = plain_pair().await.unwrap();
                let writer = spawn(async move {
                    loop {
                        stalled.write(&[7; 64 * 1024]).await?;
                    }
                    #[allow(unreachable_code, reason = "it says the type")]
                    bibelot::Ok(())
                });
                let (mut near, mut far) = pair().await.unwrap();
                for _ in 0..1000 {
                    near.write(b"ping\n").await.unwrap();
                    assert_eq!(far.next_line().await.unwrap().unwrap(), b"ping\n");
                }
                writer.cancel().await.unwrap();
            })
            .unwrap();
    });
}

#[test]
fn an_object_cloned_elsewhere_lives_as_long_as_its_last_handle() {
    on_each_os(|builder| {
        builder
            .run(async {
                let fd = call(Call::Listen {
                    address: "127.0.0.1:0".parse().unwrap(),
                    how: ListenHow::default(),
                })
                .unwrap()
                .into_fd()
                .unwrap();
                let original = Arc::new(Object::listener(fd, 1));
                for _ in 0..1000 {
                    // Cloned on another thread; the clone is dropped here before the kernel looks at
                    // what other threads sent.
                    let elsewhere = original.clone();
                    let clone = thread::spawn(move || Object::clone(&elsewhere))
                        .join()
                        .unwrap();
                    drop(clone);
                    assert!(original.fd().is_ok(), "a handle is still there");
                    if original.unsent_len().is_err() {
                        break;
                    }
                }
                yield_now().await.unwrap();
                assert!(original.fd().is_ok());
            })
            .unwrap();
    });
}

#[test]
fn a_handler_that_panics_or_fails_ends_its_own_connection_only() {
    on_each(|builder| {
        builder
            .run(async {
                let server =
                    start_server("127.0.0.1:0", async |mut stream: TcpStream, _| match stream
                        .next_line()
                        .await?
                        .as_deref()
                    {
                        Some(b"panic\n") => panic!("a handler panics"),
                        Some(line) => stream.write(line).await,
                        None => Err(io::Error::other("nothing came")),
                    })
                    .await
                    .unwrap();
                for line in [&b"panic\n"[..], b"oxford\n", b"panic\n", b"stilton\n"] {
                    let mut stream = TcpStream::connect(server.local_addr()).await.unwrap();
                    stream.write(line).await.unwrap();
                    match stream.next_line().await {
                        Ok(Some(answer)) => assert_eq!(answer, line),
                        _ => assert_eq!(line, b"panic\n"),
                    }
                }
                // One that says nothing at all keeps a close waiting, until handlers are cancelled.
                let silent = TcpStream::connect(server.local_addr()).await.unwrap();
                sleep(Duration::from_millis(5)).await.unwrap();
                server.close();
                server.cancel_handlers();
                server.wait_closed().await.unwrap();
                server.wait_closed().await.unwrap();
                drop(silent);
                assert!(TcpStream::connect(server.local_addr()).await.is_err());
            })
            .unwrap();
    });
}
