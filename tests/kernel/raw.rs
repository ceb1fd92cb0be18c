//! Raw senders: one sender at a time, the end of a socket, other threads, the end of a kernel.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::thread;

use bibelot::{
    AsCancelled, Backend, Kernel, TcpStream, shield, sleep, spawn, timeout_after, yield_now,
};
use bibelot_kernel::io::{Busy, RawSender, WrongKernel, call, operate};
use bibelot_reactor::{Call, ListenHow, Op, Outcome};

use crate::lives::each_kernel;

/// More than any socket takes at once.
const MUCH: usize = 32 << 20;

async fn pair() -> io::Result<(RawSender, TcpStream)> {
    let address = "127.0.0.1:0".parse().expect("it is an address");
    let how = ListenHow::default();
    let listener = call(Call::Listen { address, how })?.into_fd()?;
    let socket = listener.clone();
    let peer = call(Call::LocalAddress { socket })?.into_address()?;
    let callee = spawn(TcpStream::connect(peer));
    let many = false;
    let (accepted, _) = operate(Op::Accept { listener, many }).await?;
    let Ok(Outcome::Accepted { socket, .. }) = accepted else {
        panic!("it is accepted: {accepted:?}");
    };
    let callee = callee.await.expect("nobody cancels it")?;
    Ok((RawSender::new(socket), callee))
}

/// Runs `test` on every backend.
fn each<F: Future<Output = io::Result<()>>>(test: impl Fn() -> F) {
    each_kernel(|builder| builder.run(test()).unwrap().unwrap());
}

/// Polls once, which begins it.
async fn begin<F: Future + Unpin>(future: &mut F) {
    let begun = poll_fn(|context| Poll::Ready(std::pin::Pin::new(&mut *future).poll(context)));
    assert!(begun.await.is_pending(), "it has to wait");
}

async fn read_all(mut peer: TcpStream) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    peer.read_to_end(&mut all).await?;
    Ok(all)
}

#[test]
fn a_second_raw_send_beside_one_is_refused_and_gets_its_buffer_back() {
    each(async || {
        let (sender, peer) = pair().await?;
        let mut first = sender.send_all(vec![1; MUCH]);
        begin(&mut first).await;
        let refused = sender.send(vec![2; 3]).await.unwrap_err();
        let why = refused.error().get_ref().unwrap();
        assert!(why.is::<Busy>(), "{why}");
        assert_eq!(refused.error().kind(), io::ErrorKind::ResourceBusy);
        assert_eq!(
            (refused.sent(), &*refused.into_buf().unwrap()),
            (0, &[2; 3][..])
        );
        let refused = sender.settled().await?.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ResourceBusy);
        let reader = spawn(read_all(peer));
        assert_eq!(first.await.unwrap().0, MUCH);
        assert_eq!(sender.send(vec![3; 3]).await.unwrap().0, 3);
        assert_eq!(sender.bytes_sent()?, MUCH as u64 + 3);
        drop(sender);
        assert_eq!(reader.await.unwrap()?.len(), MUCH + 3);
        Ok(())
    });
}

#[test]
fn a_raw_send_that_times_out_says_how_much_went_and_gives_the_rest_back() {
    each(async || {
        let (sender, peer) = pair().await?;
        let limit = std::time::Duration::from_millis(5);
        let cut = timeout_after(limit, sender.send_all(vec![1; MUCH]));
        let cut = cut.await.unwrap_err();
        assert!(cut.timed_out());
        let sent = cut.sent();
        assert!(sent > 0 && sent < MUCH);
        assert_eq!(cut.as_cancelled().unwrap().progress(), Some(sent as u64));
        assert_eq!(sender.bytes_sent()?, sent as u64);
        let mut rest = cut.into_buf().unwrap();
        assert_eq!(rest.len(), MUCH - sent);
        // On a busy machine the time may have been up before all was sent that fits.
        let cut = loop {
            match timeout_after(limit, sender.send(rest)).await {
                Ok((_, left)) => rest = left,
                Err(cut) => break cut,
            }
        };
        assert_eq!((cut.timed_out(), cut.sent()), (true, 0));
        let sent = sender.bytes_sent()? as usize;
        let rest = cut.into_buf().unwrap();
        assert_eq!(rest.len(), MUCH - sent);
        let error = io::Error::from(timeout_after(limit, sender.send(rest)).await.unwrap_err());
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(sender);
        assert_eq!(read_all(peer).await?.len(), sent);
        Ok(())
    });
}

#[test]
fn a_raw_send_that_is_dropped_is_waited_for_by_the_next() {
    each(async || {
        let (sender, peer) = pair().await?;
        let mut first = sender.send_all(vec![1; MUCH]);
        begin(&mut first).await;
        drop(first);
        let second = sender.send_all(vec![2; 1000]);
        let reader = spawn(read_all(peer));
        assert_eq!(second.await.unwrap().0, 1000);
        assert!(!sender.is_draining()?);
        let sent = sender.settled().await??;
        drop(sender);
        let got = reader.await.unwrap()?;
        assert_eq!(got.len() as u64, sent);
        let (ones, twos) = got.split_at(got.len() - 1000);
        assert!(ones.iter().all(|&byte| byte == 1));
        assert!(twos.iter().all(|&byte| byte == 2));
        Ok(())
    });
}

#[test]
fn a_raw_send_that_never_began_sends_nothing() {
    each(async || {
        let (sender, peer) = pair().await?;
        drop(sender.send(vec![1; 10]));
        let mut first = sender.send_all(vec![1; MUCH]);
        begin(&mut first).await;
        drop(first);
        // Cut while it waits for the first, if it has to.
        let task = spawn(async move {
            let none = sender.send(vec![2; 10]).await;
            (sender, none.map(|(sent, _)| sent))
        });
        task.cancel().await?;
        let (sender, cut) = task.await.unwrap();
        let sent = cut.unwrap_or_else(|error| error.sent());
        let reader = spawn(read_all(peer));
        drop(sender);
        let got = reader.await.unwrap()?;
        assert_eq!(got.iter().filter(|&&byte| byte == 2).count(), sent);
        Ok(())
    });
}

#[test]
fn a_peer_sees_the_end_when_a_raw_sender_is_dropped_also_elsewhere() {
    each(async || {
        for elsewhere in [false, true] {
            for with_orphan in [false, true] {
                let (sender, peer) = pair().await?;
                if with_orphan {
                    let mut first = sender.send_all(vec![1; MUCH]);
                    begin(&mut first).await;
                    if elsewhere {
                        thread::spawn(move || drop(first)).join().unwrap();
                    } else {
                        drop(first);
                    }
                }
                if elsewhere {
                    thread::spawn(move || drop(sender)).join().unwrap();
                } else {
                    drop(sender);
                }
                let got = read_all(peer).await?;
                assert!(got.len() < MUCH && got.is_empty() != with_orphan);
            }
        }
        Ok(())
    });
}

#[test]
fn a_raw_send_goes_on_when_its_sender_is_dropped() {
    each(async || {
        let (sender, peer) = pair().await?;
        let mut all = sender.send_all(vec![1; MUCH]);
        begin(&mut all).await;
        drop(sender);
        let reader = spawn(read_all(peer));
        assert_eq!(all.await.unwrap().0, MUCH);
        assert_eq!(reader.await.unwrap()?.len(), MUCH);
        Ok(())
    });
}

#[test]
fn a_raw_send_to_nobody_fails_and_gives_its_buffer_back() {
    each(async || {
        let (sender, peer) = pair().await?;
        drop(peer);
        let error = loop {
            if let Err(error) = sender.send_all(vec![1; 100_000]).await {
                break error;
            }
            yield_now().await?;
        };
        assert!(error.as_cancelled().is_none());
        let sent = error.sent();
        assert_eq!(error.into_buf().unwrap().len(), 100_000 - sent);
        Ok(())
    });
}

#[test]
fn a_raw_sender_on_a_thread_of_no_kernel_says_so() {
    each(async || {
        let (sender, _peer) = pair().await?;
        let (sender, refused) = thread::spawn(move || {
            assert!(sender.bytes_sent().is_err());
            let mut sending = pin!(sender.send(vec![7; 3]));
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            let Poll::Ready(refused) = sending.as_mut().poll(&mut context) else {
                panic!("it is refused at once");
            };
            (sender, refused.map(drop).unwrap_err())
        })
        .join()
        .unwrap();
        assert!(refused.error().get_ref().unwrap().is::<WrongKernel>());
        assert_eq!(&*refused.into_buf().unwrap(), &[7; 3]);
        assert_eq!(sender.send(vec![7; 3]).await.unwrap().0, 3);
        Ok(())
    });
}

#[test]
fn a_kernel_ends_cleanly_with_raw_sends_under_way_that_outlive_it() {
    each_kernel(|builder| {
        let mut kernel = builder.build().unwrap();
        let kept = kernel.block_on(async {
            let (sender, peer) = pair().await.unwrap();
            let mut kept = sender.send_all(vec![1; MUCH]);
            begin(&mut kept).await;
            let (orphaned, other) = pair().await.unwrap();
            let mut dropped = orphaned.send_all(vec![1; MUCH]);
            begin(&mut dropped).await;
            drop(dropped);
            (sender, kept, peer, orphaned, other)
        });
        let report = kernel.shutdown();
        assert!(report.is_clean(), "{report:?}");
        assert!(kept.0.bytes_sent().is_err());
    });
}

#[test]
fn a_raw_send_under_a_shield_is_not_cut() {
    each(async || {
        let (sender, peer) = pair().await?;
        let task = spawn(async move {
            let sent = shield(sender.send_all(vec![1; MUCH])).await;
            sent.map(|(sent, _)| sent).map_err(io::Error::from)
        });
        yield_now().await?;
        assert!(task.cancel_nowait());
        sleep(std::time::Duration::from_millis(1)).await?;
        let reader = spawn(read_all(peer));
        assert_eq!(task.await.unwrap()?, MUCH);
        assert_eq!(reader.await.unwrap()?.len(), MUCH);
        Ok(())
    });
}

#[test]
fn an_empty_raw_send_is_done() {
    each(async || {
        let (sender, peer) = pair().await?;
        assert_eq!(sender.send(Vec::new()).await.unwrap().0, 0);
        assert_eq!(sender.send_all(Vec::new()).await.unwrap().0, 0);
        drop(sender);
        assert!(read_all(peer).await?.is_empty());
        Ok(())
    });
}

#[test]
fn a_raw_send_that_has_ended_stands_in_nobodys_way_while_its_future_is_kept() {
    each(async || {
        let (sender, peer) = pair().await?;
        let mut kept = sender.send(vec![1; 3]);
        assert_eq!((&mut kept).await.unwrap().0, 3);
        assert_eq!(sender.send(vec![2; 3]).await.unwrap().0, 3);
        assert_eq!(sender.settled().await??, 6);
        drop((sender, kept));
        assert_eq!(read_all(peer).await?, [1, 1, 1, 2, 2, 2]);
        Ok(())
    });
}

#[test]
fn a_kernel_that_ends_asks_the_raw_sends_that_outlive_it_to_end() {
    for backend in [Backend::Uring, Backend::Poll] {
        let linger = std::time::Duration::from_millis(50);
        let builder = Kernel::builder().backend(backend).linger(linger);
        let Ok(mut kernel) = builder.build() else {
            eprintln!("skipped on {backend:?}");
            continue;
        };
        // The peer belongs to nobody's kernel, so that its end does not end the send.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let caller = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        caller.set_nonblocking(true).unwrap();
        let _peer = listener.accept().unwrap();
        let kept = kernel.block_on(async {
            let sender = RawSender::new(std::os::fd::OwnedFd::from(caller).into());
            let mut kept = sender.send_all(vec![1; MUCH]);
            begin(&mut kept).await;
            (sender, kept)
        });
        let report = kernel.shutdown();
        assert!(report.io.in_flight.is_empty(), "{report:?}");
        assert!(report.failure.is_none(), "{report:?}");
        // What the system had taken is nowhere, since the peer reads nothing.
        assert!(report.io.undelivered_bytes > 0, "{report:?}");
        drop(kept);
    }
}
