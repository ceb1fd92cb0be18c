//! Listeners and streams, over every backend.

use std::io;

use bibelot::{TcpListener, TcpStream, spawn};

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
