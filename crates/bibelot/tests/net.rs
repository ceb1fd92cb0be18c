//! Listeners and streams, over every backend.

use std::future::Future;
use std::io;
use std::net::Shutdown;
use std::rc::Rc;
use std::time::Duration;

use bibelot::{
    AsCancelled, Error, TcpListener, TcpStream, open_connection, sleep, spawn, timeout_after,
    yield_now,
};

/// Enough for all others to park, whatever the order in which they run.
const MS: Duration = Duration::from_millis(1);

/// The two ends of a new connection.
async fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let caller = spawn(TcpStream::connect(address));
    let (callee, peer) = listener.accept().await?;
    let caller = caller.await.expect("it is not cancelled")?;
    assert_eq!(caller.local_addr()?, peer);
    assert_eq!(callee.local_addr()?, address);
    Ok((caller, callee))
}

#[bibelot::test(uring, poll, sim)]
async fn lines_are_echoed() -> io::Result<()> {
    let (mut caller, mut callee) = pair().await?;
    let echo = spawn(async move {
        while let Some(line) = callee.next_line().await? {
            callee.write(&line).await?;
        }
        callee.close().await
    });
    let mut line = Vec::new();
    for n in 0..100 {
        let sent = format!("line {n}\n");
        caller.write(sent.as_bytes()).await?;
        line.clear();
        assert_eq!(caller.read_line(&mut line).await?, sent.len());
        assert_eq!(line, sent.as_bytes());
    }
    caller.close().await?;
    echo.await.unwrap()
}

#[bibelot::test(uring, poll, sim)]
async fn what_is_lent_stays_until_it_is_consumed() -> io::Result<()> {
    let (mut caller, mut callee) = pair().await?;
    caller.write(b"stilton").await?;
    caller.shutdown(Shutdown::Write).await?;
    let mut whole = Vec::new();
    while whole.len() < 7 {
        assert!(!callee.fill_buf().await?.is_empty());
        let lent = callee.fill_buf().await?[0];
        whole.push(lent);
        callee.consume(1);
    }
    assert_eq!(whole, b"stilton");
    assert!(callee.fill_buf().await?.is_empty());
    assert!(callee.fill_buf().await?.is_empty(), "the end stays the end");
    assert_eq!(callee.read(&mut [0; 8]).await?, 0);
    assert!(callee.read_chunk().await?.is_none());
    assert!(callee.next_line().await?.is_none());
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn an_exact_read_that_comes_too_short_leaves_the_bytes() -> io::Result<()> {
    let (mut caller, mut callee) = pair().await?;
    caller.write(b"abc").await?;
    caller.close().await?;
    let error = callee.read_exact(&mut [0; 8]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    let error = Error::from(error);
    assert!(matches!(error, Error::Eof { got: 3, wanted: 8 }), "{error}");
    let mut rest = Vec::new();
    assert_eq!(callee.read_to_end(&mut rest).await?, 3);
    assert_eq!(rest, b"abc");
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn a_line_that_is_too_long_leaves_the_stream_usable() -> io::Result<()> {
    let (mut caller, mut callee) = pair().await?;
    caller.write(b"0123456789\nnext\n").await?;
    callee.set_line_max(8);
    let mut line = Vec::new();
    let error = callee.read_line(&mut line).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert!(matches!(Error::from(error), Error::Limit(8)));
    assert!(line.is_empty());
    callee.set_line_max(11);
    assert_eq!(callee.read_line(&mut line).await?, 11);
    assert_eq!(callee.read_until(b'x', &mut line).await?, 3);
    assert_eq!(line, b"0123456789\nnex");
    caller.close().await?;
    assert_eq!(callee.next_line().await?.unwrap(), b"t\n");
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn a_write_waits_for_room_and_everything_arrives() -> io::Result<()> {
    const LEN: usize = 4 << 20;
    let (mut caller, mut callee) = pair().await?;
    let bytes: Vec<u8> = (0..LEN).map(|n| (n % 251) as u8).collect();
    let expected = bytes.clone();
    let writer = spawn(async move {
        caller.write(&bytes).await?;
        assert_eq!(caller.bytes_written()?, LEN as u64);
        caller.flush().await?;
        assert_eq!(caller.bytes_sent()?, LEN as u64);
        caller.close().await
    });
    let mut got = vec![0; LEN];
    callee.read_exact(&mut got).await?;
    assert!(got == expected);
    assert_eq!(callee.read(&mut [0]).await?, 0);
    writer.await.unwrap()
}

#[bibelot::test(uring, poll, sim)]
async fn small_and_large_writes_arrive_in_their_order() -> io::Result<()> {
    let (mut caller, mut callee) = pair().await?;
    let lengths = [1, 20_000, 3, 100_000, 8_192, 8_191, 300_000, 5];
    let mut expected = Vec::new();
    for round in 0..5_u8 {
        for (at, len) in lengths.into_iter().enumerate() {
            expected.extend(std::iter::repeat_n(round * 16 + at as u8, len));
        }
    }
    let whole = expected.clone();
    let writer = spawn(async move {
        let mut rest = &whole[..];
        for len in lengths.into_iter().cycle() {
            let (piece, behind) = rest.split_at(len.min(rest.len()));
            caller.write(piece).await?;
            assert_eq!(caller.bytes_written()?, (whole.len() - behind.len()) as u64);
            rest = behind;
            if rest.is_empty() {
                break;
            }
            // Now and then the outbox has left before the next piece comes.
            if piece.len() == 3 {
                caller.flush().await?;
                assert_eq!(caller.bytes_sent()?, caller.bytes_written()?);
            }
        }
        caller.close().await
    });
    let mut arrived = Vec::new();
    while let Some(chunk) = callee.read_chunk().await? {
        arrived.extend_from_slice(&chunk);
        yield_now().await?;
    }
    assert!(arrived == expected);
    writer.await.unwrap()
}

#[bibelot::test(uring, poll, sim)]
async fn a_push_takes_all_or_nothing() -> io::Result<()> {
    let (mut caller, mut callee) = pair().await?;
    let piece = vec![7; 60_000];
    let mut pushed = 0;
    // The peer does not read, so that at some time nothing fits any more.
    let full = loop {
        match caller.push(&piece) {
            Ok(()) => pushed += piece.len(),
            Err(error) => break error,
        }
        if pushed > 100 << 20 {
            panic!("it is never full");
        }
        yield_now().await?;
    };
    assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
    assert_eq!(caller.bytes_written()?, pushed as u64);
    let never = caller.push(&vec![7; 100_000]).unwrap_err();
    assert_eq!(never.kind(), io::ErrorKind::InvalidInput);
    let reader = spawn(async move {
        let mut whole = Vec::new();
        callee.read_to_end(&mut whole).await.map(|_| whole.len())
    });
    caller.drain().await?;
    // Up to 16 KiB may be left, so not all would fit.
    caller.push(&piece[..40_000])?;
    pushed += 40_000;
    caller.close().await?;
    assert_eq!(reader.await.unwrap()?, pushed);
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn the_halves_work_in_two_tasks_and_come_together_again() -> io::Result<()> {
    let (caller, mut callee) = pair().await?;
    let (mut read, mut write) = caller.into_split();
    let reader = spawn(async move {
        let line = read.next_line().await?;
        io::Result::Ok((line, read))
    });
    write.write(b"ping\n").await?;
    assert_eq!(callee.next_line().await?.unwrap(), b"ping\n");
    callee.write(b"pong\nrest").await?;
    let (line, read) = reader.await.unwrap()?;
    assert_eq!(line.unwrap(), b"pong\n");
    let mut caller = read.reunite(write).expect("they are one stream's");
    let mut rest = [0; 4];
    caller.read_exact(&mut rest).await?;
    assert_eq!(&rest, b"rest");
    let (mut read, write) = caller.into_split();
    drop(write);
    assert!(callee.next_line().await?.is_none(), "it is told the end");
    callee.write(b"more").await?;
    callee.close().await?;
    let mut more = Vec::new();
    read.read_to_end(&mut more).await?;
    assert_eq!(more, b"more");
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn a_direction_that_was_shut_down_takes_nothing_more() -> io::Result<()> {
    let (mut caller, mut callee) = pair().await?;
    caller.push(b"last words")?;
    caller.shutdown(Shutdown::Write).await?;
    assert!(caller.write(b"x").await.is_err());
    let mut whole = Vec::new();
    callee.read_to_end(&mut whole).await?;
    assert_eq!(whole, b"last words");
    callee.write(b"answer").await?;
    drop(callee);
    whole.clear();
    caller.read_to_end(&mut whole).await?;
    assert_eq!(whole, b"answer");
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn a_second_waiter_on_a_listener_is_told_that_it_is_busy() -> io::Result<()> {
    let listener = Rc::new(TcpListener::bind("127.0.0.1:0").await?);
    let address = listener.local_addr()?;
    let first = listener.clone();
    let first = spawn(async move { first.accept().await.map(drop) });
    sleep(MS).await?;
    let error = listener.accept().await.map(drop).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ResourceBusy);
    assert!(matches!(Error::from(error), Error::Busy(_)));
    let _caller = TcpStream::connect(address).await?;
    first.await.unwrap()
}

#[bibelot::test(uring, poll, sim)]
async fn a_closed_listener_gives_out_what_it_had_taken() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let mut callers = vec![TcpStream::connect(address).await?];
    let first = listener.accept().await?;
    for _ in 0..5 {
        callers.push(TcpStream::connect(address).await?);
    }
    listener.close().await?;
    let mut taken = vec![first];
    let error = loop {
        match listener.accept().await {
            Ok(connection) => taken.push(connection),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), io::ErrorKind::NotConnected);
    for (stream, _) in &mut taken {
        stream.write(b"served").await?;
    }
    drop(taken.pop());
    Ok(())
}

#[bibelot::test(uring, poll)]
async fn a_name_is_looked_up() -> io::Result<()> {
    let listener = TcpListener::bind(("localhost", 0)).await?;
    let port = listener.local_addr()?.port();
    let _caller = open_connection(("localhost", port)).await?;
    let _callee = listener.accept().await?;
    assert!(TcpStream::connect("no port").await.is_err());
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn of_several_addresses_the_first_that_answers_is_taken() -> io::Result<()> {
    let refusing = TcpListener::bind("127.0.0.1:0").await?;
    let nobody = refusing.local_addr()?;
    refusing.close().await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let caller = TcpStream::connect(vec![nobody, address]).await?;
    assert_eq!(caller.peer_addr()?, address);
    let error = TcpStream::connect(nobody).await.map(drop).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    let error = TcpStream::connect(Vec::new()).await.map(drop).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn small_pieces_go_out_at_once_unless_told_otherwise() -> io::Result<()> {
    let (caller, _callee) = pair().await?;
    assert!(caller.nodelay()?);
    caller.set_nodelay(false)?;
    assert!(!caller.nodelay()?);
    Ok(())
}

#[bibelot::test(uring, poll)]
async fn accepted_streams_inherit_that() -> io::Result<()> {
    let (_caller, callee) = pair().await?;
    assert!(callee.nodelay()?);
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn a_cut_write_says_how_much_was_taken() -> io::Result<()> {
    let (mut caller, mut callee) = pair().await?;
    let bytes = vec![7; 64 << 20];
    let error = timeout_after(Duration::from_millis(20), caller.write(&bytes))
        .await
        .unwrap_err();
    assert!(error.timed_out());
    let accepted = error.as_cancelled().unwrap().progress().unwrap();
    assert!(accepted > 0 && accepted < bytes.len() as u64);
    assert_eq!(caller.bytes_written()?, accepted);
    let reader = spawn(async move {
        let mut whole = Vec::new();
        callee.read_to_end(&mut whole).await.map(|_| whole.len())
    });
    caller.close().await?;
    assert_eq!(reader.await.unwrap()? as u64, accepted);
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn a_failed_send_is_told_to_the_next_writer() -> io::Result<()> {
    let (mut caller, callee) = pair().await?;
    drop(callee);
    // What is sent after the reset fails; when that is known depends on the system.
    let error = loop {
        if let Err(error) = caller.write(b"x").await {
            break error;
        }
        sleep(Duration::from_millis(1)).await?;
    };
    let kinds = [io::ErrorKind::BrokenPipe, io::ErrorKind::ConnectionReset];
    assert!(kinds.contains(&error.kind()), "{error}");
    assert!(caller.push(b"x").is_err() && caller.flush().await.is_err());
    Ok(())
}

#[test]
fn a_stream_of_another_kernel_says_so() {
    let mut stream = bibelot::run(async { pair().await.unwrap().0 });
    bibelot::run(async move {
        let read = stream.read(&mut [0]).await.unwrap_err();
        assert!(matches!(Error::from(read), Error::WrongKernel));
        let written = stream.write(b"x").await.unwrap_err();
        assert!(matches!(Error::from(written), Error::WrongKernel));
        assert!(stream.peer_addr().is_err() && stream.flush().await.is_err());
        assert!(stream.close().await.is_err());
    });
}

fn is_send<T: Send>(value: T) -> T {
    value
}

/// What axum, tower and `async_trait` ask of a handler.
#[expect(clippy::manual_async_fn, reason = "it is the signature that is tested")]
fn handler(mut stream: TcpStream) -> impl Future<Output = bibelot::Result<()>> + Send {
    async move {
        sleep(Duration::from_millis(1)).await?;
        let line = timeout_after(Duration::from_secs(5), stream.next_line()).await?;
        stream.write(&line.unwrap_or_default()).await?;
        let mut exact = [0; 1];
        stream.read_exact(&mut exact).await?;
        stream.flush().await?;
        stream.drain().await?;
        stream.shutdown(Shutdown::Write).await?;
        stream.close().await?;
        bibelot::Ok(())
    }
}

#[test]
fn everything_that_a_handler_holds_is_send() {
    let _unused = is_send::<Option<TcpListener>>(None);
    let _unused = is_send::<Option<bibelot::Server>>(None);
    let _unused = is_send::<Option<bibelot::net::ReadHalf>>(None);
    let _unused = is_send::<Option<bibelot::net::WriteHalf>>(None);
    let _unpolled = is_send(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (stream, _peer) = listener.accept().await?;
        let other = TcpStream::connect(listener.local_addr()?).await?;
        drop(other);
        listener.close().await?;
        handler(stream).await
    });
}
