//! Closes in virtual time: how long a stream lingers, and whom it leaves alone.

use std::io;
use std::time::Duration;

use bibelot_kernel::io::{Arrival, Object, call, operate};
use bibelot_kernel::{Kernel, clock, sleep};
use bibelot_reactor::{Buf, Call, Fd, ListenHow, Op, Outcome};
use bibelot_sim::Sim;

const MS: Duration = Duration::from_millis(1);

/// Two ends of a connection.
async fn pair() -> (Object, Object) {
    let address = "127.0.0.1:0".parse().unwrap();
    let how = ListenHow::default();
    let listener = call(Call::Listen { address, how }).unwrap();
    let listener = listener.into_fd().unwrap();
    let socket = listener.clone();
    let peer = call(Call::LocalAddress { socket }).unwrap();
    let peer = peer.into_address().unwrap();
    let socket = call(Call::Socket { peer }).unwrap().into_fd().unwrap();
    let ours = Object::stream(socket.clone());
    let connected = operate(Op::Connect { socket, peer }).await.unwrap();
    connected.0.unwrap();
    let many = false;
    match operate(Op::Accept { listener, many }).await.unwrap().0 {
        Ok(Outcome::Accepted { socket, .. }) => (ours, Object::stream(socket)),
        other => panic!("expected a connection, came {other:?}"),
    }
}

async fn say(stream: &Object, bytes: &[u8]) {
    assert_eq!(stream.push(bytes).unwrap(), bytes.len());
    stream.room(0).await.unwrap().unwrap();
}

async fn hear(stream: &Object) -> Option<Vec<u8>> {
    match stream.receive().await.unwrap().unwrap() {
        Some(Arrival::Bytes(buf)) => Some(buf.to_vec()),
        Some(Arrival::Connection(..)) => panic!("a stream brings no connections"),
        None => None,
    }
}

/// How long a close takes.
async fn close(stream: Object) -> (Duration, io::Result<()>) {
    let begun = clock();
    let closed = stream.close().await.unwrap();
    (clock() - begun, closed)
}

fn run<F: Future<Output = ()>>(body: impl FnOnce() -> F) -> bibelot_kernel::ShutdownReport {
    let mut kernel = Kernel::builder().backend(Sim::calm()).build().unwrap();
    kernel.block_on(async { body().await });
    kernel.shutdown()
}

#[test]
fn a_stream_at_rest_is_closed_at_once() {
    let report = run(async || {
        let (ours, theirs) = pair().await;
        say(&ours, b"question").await;
        assert_eq!(hear(&theirs).await.unwrap(), b"question");
        say(&theirs, b"answer").await;
        assert_eq!(hear(&ours).await.unwrap(), b"answer");
        let (took, closed) = close(ours).await;
        closed.unwrap();
        assert!(took < MS, "{took:?}");
        assert!(hear(&theirs).await.is_none());
    });
    assert!(report.is_clean());
}

#[test]
fn a_stream_with_something_unread_is_closed_when_its_peer_ends() {
    run(async || {
        let (ours, theirs) = pair().await;
        say(&theirs, b"never read").await;
        sleep(MS).await.unwrap();
        say(&ours, b"answer").await;
        let theirs = bibelot_kernel::spawn(async move {
            assert_eq!(hear(&theirs).await.unwrap(), b"answer");
            assert!(hear(&theirs).await.is_none(), "it is not reset");
            let unacknowledged = close(theirs).await.1;
            unacknowledged.unwrap();
        });
        let (took, closed) = close(ours).await;
        closed.unwrap();
        assert!(took < 10 * MS, "{took:?}");
        theirs.await.unwrap();
    });
}

#[test]
fn a_stream_whose_peer_stays_is_closed_at_the_first_look() {
    run(async || {
        let (ours, theirs) = pair().await;
        say(&theirs, b"never read").await;
        sleep(MS).await.unwrap();
        say(&ours, b"answer").await;
        let (took, closed) = close(ours).await;
        closed.unwrap();
        assert!(took >= 10 * MS && took < 11 * MS, "{took:?}");
        assert_eq!(hear(&theirs).await.unwrap(), b"answer");
        assert!(hear(&theirs).await.is_none());
    });
}

#[test]
fn whoever_sent_nothing_resets_at_once() {
    run(async || {
        let (ours, theirs) = pair().await;
        say(&theirs, b"never read").await;
        sleep(MS).await.unwrap();
        let (took, closed) = close(ours).await;
        closed.unwrap();
        assert!(took < MS, "{took:?}");
        let told = theirs.receive().await.unwrap();
        assert_eq!(told.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    });
}

#[test]
fn what_others_hold_is_neither_read_from_nor_ended() {
    run(async || {
        let (ours, theirs) = pair().await;
        say(&theirs, b"for another").await;
        sleep(MS).await.unwrap();
        say(&ours, b"from here").await;
        let kept: Fd = ours.fd().unwrap();
        let (took, closed) = close(ours).await;
        closed.unwrap();
        assert!(took < MS, "{took:?}");
        let socket = kept.clone();
        let buf = Buf::with_capacity(64);
        let received = operate(Op::ReceiveInto { socket, buf }).await.unwrap();
        assert_eq!(&*received.1.unwrap(), b"for another");
        let buf = Buf::from(b"from there".to_vec());
        let sent = operate(Op::Send { socket: kept, buf }).await.unwrap();
        assert!(matches!(sent.0, Ok(Outcome::Count(10))));
        sleep(MS).await.unwrap();
        assert_eq!(hear(&theirs).await.unwrap(), b"from herefrom there");
    });
}

#[test]
fn ten_thousand_that_linger_are_closed_in_the_time_of_one() {
    const CROWD: usize = 10_000;
    let report = run(async || {
        let mut peers = Vec::new();
        let mut ours = Vec::new();
        for _ in 0..CROWD {
            let (one, other) = pair().await;
            other.push(b"never read").unwrap();
            one.push(b"answer").unwrap();
            ours.push(one);
            peers.push(other);
        }
        sleep(MS).await.unwrap();
        let begun = clock();
        let last = ours.pop().unwrap();
        drop(ours);
        let (_, closed) = close(last).await;
        closed.unwrap();
        assert!(clock() - begun < 20 * MS, "{:?}", clock() - begun);
        for peer in &peers {
            assert_eq!(hear(peer).await.unwrap(), b"answer");
            assert!(hear(peer).await.is_none());
        }
    });
    assert!(report.is_clean(), "{report:?}");
}
