//! Chunks: what arrived, sent on as it lies.

use std::io;
use std::net::Shutdown;
use std::time::Duration;

use bibelot::{AsCancelled, TcpListener, TcpStream, spawn, timeout_after};

async fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let caller = TcpStream::connect(listener.local_addr()?).await?;
    Ok((caller, listener.accept().await?.0))
}

fn pattern(start: usize, len: usize) -> Vec<u8> {
    (start..start + len)
        .map(|at| (at / 3 % 251) as u8)
        .collect()
}

#[bibelot::test(uring, poll, sim)]
async fn chunks_of_every_length_go_through_in_order() -> io::Result<()> {
    let (mut source, mut relay) = pair().await?;
    let (mut onward, mut sink) = pair().await?;
    let relaying = spawn(async move {
        let mut bytes = 0_u64;
        while let Some(chunk) = relay.read_chunk().await? {
            bytes += chunk.len() as u64;
            onward.write_chunk(chunk).await?;
            if bytes.is_multiple_of(3) {
                onward.write(b"").await?;
            }
        }
        assert_eq!(onward.bytes_written()?, bytes);
        onward.close().await?;
        io::Result::Ok(())
    });
    let writing = spawn(async move {
        let mut start = 0;
        for len in [1, 4096, 20_000, 7, 100_000, 4095, 16_384, 300_000, 3] {
            source.write(&pattern(start, len)).await?;
            start += len;
        }
        source.close().await?;
        io::Result::Ok(start)
    });
    let mut got = Vec::new();
    sink.read_to_end(&mut got).await?;
    let len = writing.await.unwrap()?;
    relaying.await.unwrap()?;
    assert_eq!(got.len(), len);
    assert!(got == pattern(0, len));
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn chunks_and_copies_keep_their_order() -> io::Result<()> {
    let (mut source, mut sink) = pair().await?;
    let writing = spawn(async move {
        let mut start = 0;
        for round in 0..40 {
            for len in [5_000, 300 * round + 1, 9_000] {
                source.write_chunk(pattern(start, len).into()).await?;
                start += len;
                source.write(&pattern(start, 11)).await?;
                start += 11;
            }
        }
        source.close().await?;
        io::Result::Ok(start)
    });
    let mut got = Vec::new();
    sink.read_to_end(&mut got).await?;
    let len = writing.await.unwrap()?;
    assert_eq!(got.len(), len);
    assert!(got == pattern(0, len));
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn a_cut_chunk_says_how_much_was_taken() -> io::Result<()> {
    let (mut source, mut sink) = pair().await?;
    // More than an outbox takes, and all sockets between.
    let len = 20 << 20;
    let chunk = pattern(0, len).into();
    let cut = timeout_after(Duration::from_millis(20), source.write_chunk(chunk));
    let error = cut.await.unwrap_err();
    assert!(error.timed_out());
    let accepted = error.as_cancelled().unwrap().progress().unwrap() as usize;
    assert_eq!(source.bytes_written()?, accepted as u64);
    assert!(accepted > 0 && accepted < len);
    let closing = spawn(source.close());
    let mut got = Vec::new();
    sink.read_to_end(&mut got).await?;
    closing.await.unwrap()?;
    assert_eq!(got.len(), accepted);
    assert!(got == pattern(0, accepted));
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn a_chunk_after_the_end_is_refused() -> io::Result<()> {
    let (mut source, mut sink) = pair().await?;
    source.write_chunk(pattern(0, 5_000).into()).await?;
    source.shutdown(Shutdown::Write).await?;
    assert!(source.write_chunk(pattern(0, 5_000).into()).await.is_err());
    let mut got = Vec::new();
    sink.read_to_end(&mut got).await?;
    assert!(got == pattern(0, 5_000));
    Ok(())
}
