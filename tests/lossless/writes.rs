//! Writes: what was taken is sent once, and every count is exact.

use std::io;

use bibelot::{AsCancelled, Cancellation, Task, TcpStream, sleep, spawn};
use bibelot_kernel::io::{call, operate};
use bibelot_reactor::{Buf, Call, Fd, ListenHow, Op, Outcome};

use crate::cut::{Cut, storm};
use crate::rng::Rng;
use crate::run::{everywhere, pair};

const LEN: usize = 2 << 20;

/// Reads everything, and stops now and then, so that the writer has to wait.
pub fn slow_reader(mut stream: TcpStream, mut rng: Rng) -> Task<io::Result<Vec<u8>>> {
    spawn(async move {
        let mut whole = Vec::new();
        while let Some(chunk) = stream.read_chunk().await? {
            whole.extend_from_slice(&chunk);
            if rng.below(4) == 0 {
                sleep(rng.span()).await?;
            }
        }
        Ok(whole)
    })
}

struct Writer {
    stream: TcpStream,
    bytes: Vec<u8>,
}

#[test]
fn every_byte_that_was_taken_arrives_once_whatever_cuts_the_write() {
    everywhere(async |cut, mut rng| {
        let (stream, callee) = pair().await?;
        let bytes = rng.bytes(LEN);
        let reader = slow_reader(callee, rng.split());
        let writer = Writer { stream, bytes };
        let (writer, written) = storm(writer, cut, &mut rng, |writer| {
            Box::pin(async {
                let before = writer.stream.bytes_written()?;
                let rest = &writer.bytes[before as usize..];
                let written = writer.stream.write(rest).await;
                if let Err(error) = &written
                    && let Some(progress) = error.as_cancelled().and_then(Cancellation::progress)
                {
                    assert_eq!(before + progress, writer.stream.bytes_written()?);
                }
                written
            })
        })
        .await;
        written?;
        let Writer { mut stream, bytes } = writer;
        assert_eq!(stream.bytes_written()?, LEN as u64);
        stream.flush().await?;
        assert_eq!(stream.bytes_sent()?, LEN as u64);
        stream.close().await?;
        let got = reader.await.expect("it does not panic")?;
        assert!(got == bytes);
        Ok(())
    });
}

#[test]
fn flushes_and_drains_that_are_cut_change_nothing() {
    everywhere(async |cut, mut rng| {
        let (stream, callee) = pair().await?;
        let bytes = rng.bytes(LEN / 4);
        let reader = slow_reader(callee, rng.split());
        let mut state = stream;
        for piece in bytes.chunks(50_000) {
            state.write(piece).await?;
            let waited;
            (state, waited) = match rng.below(2) {
                0 => storm(state, cut, &mut rng, |stream| Box::pin(stream.drain())).await,
                _ => storm(state, cut, &mut rng, |stream| Box::pin(stream.flush())).await,
            };
            waited?;
        }
        state.close().await?;
        assert!(reader.await.expect("it does not panic")? == bytes);
        Ok(())
    });
}

/// A connection without an object: its sends are operations of their callers.
pub async fn raw_pair() -> io::Result<(Fd, TcpStream)> {
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
    Ok((socket, callee.await.expect("nobody cancels it")?))
}

/// What a raw send that is cancelled says: nothing went, or a success that won.
#[test]
fn a_raw_send_that_is_cancelled_says_exactly_how_much_went() {
    everywhere(async |cut, mut rng| {
        if matches!(cut, Cut::Drop | Cut::DropCutFirst) {
            // Dropped, it is an orphan that nobody hears of: that is why streams have an outbox.
            return Ok(());
        }
        let (socket, callee) = raw_pair().await?;
        let bytes = rng.bytes(LEN);
        let reader = slow_reader(callee, rng.split());
        let mut sent = 0;
        let mut state = (socket, bytes);
        while sent < LEN {
            let len = rng.below(200_000).min(LEN - sent).max(1);
            let count;
            (state, count) = storm(state, cut, &mut rng, move |(socket, bytes)| {
                let buf = Buf::from(bytes[sent..sent + len].to_vec());
                let socket = socket.clone();
                Box::pin(async {
                    match operate(Op::Send { socket, buf }).await? {
                        (Ok(Outcome::Count(count)), Some(_buf)) => Ok(count),
                        (result, buf) => panic!("no end of a send: {result:?}, {buf:?}"),
                    }
                })
            })
            .await;
            sent += count?;
        }
        let (fd, bytes) = state;
        operate(Op::Close { fd }).await?.0?;
        assert!(reader.await.expect("it does not panic")? == bytes);
        Ok(())
    });
}
