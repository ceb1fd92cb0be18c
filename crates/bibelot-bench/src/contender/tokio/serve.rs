//! tokio's servers.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::contender::ADDRESS;
use crate::contender::serving::serving;

serving! {
    listen: TcpListener::bind(ADDRESS).await,
    accept: accept,
    spawn: tokio::spawn,
    join: join,
    echo: echo,
    lines: lines,
}

pub async fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
    Ok(listener.accept().await?.0)
}

pub async fn join(task: JoinHandle<io::Result<()>>) -> io::Result<()> {
    task.await?
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

async fn lines(mut stream: TcpStream) -> io::Result<()> {
    let (reader, mut writer) = stream.split();
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).await? > 0 {
        writer.write_all(&line).await?;
        line.clear();
    }
    Ok(())
}
