//! glommio's servers.

use std::io;
use std::net::SocketAddr;

use futures_lite::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use glommio::Task;
use glommio::net::{TcpListener, TcpStream};

use super::spawn;
use crate::contender::ADDRESS;
use crate::contender::joined::Joined;
use crate::contender::serving::serving;

serving! {
    listen: TcpListener::bind(SocketAddr::from(ADDRESS)),
    accept: accept,
    spawn: spawn,
    join: join,
    echo: echo,
    lines: lines,
}

async fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
    Ok(listener.accept().await?)
}

async fn join(task: Joined<Task<io::Result<()>>>) -> io::Result<()> {
    task.await
}

async fn echo(mut stream: TcpStream, len: usize) -> io::Result<()> {
    let mut bytes = vec![0; len];
    loop {
        let count = stream.read(&mut bytes).await?;
        if count == 0 {
            return Ok(());
        }
        stream.write_all(&bytes[..count]).await?;
    }
}

async fn lines(stream: TcpStream) -> io::Result<()> {
    let mut stream = stream.buffered();
    let mut line = Vec::new();
    while stream.read_until(b'\n', &mut line).await? > 0 {
        stream.write_all(&line).await?;
        line.clear();
    }
    Ok(())
}
