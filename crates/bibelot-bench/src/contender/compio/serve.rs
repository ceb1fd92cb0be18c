//! compio's servers.

use std::io;
use std::net::SocketAddr;

use compio::BufResult;
use compio::io::{AsyncBufRead, AsyncRead, AsyncWriteExt, BufReader};
use compio::net::{TcpListener, TcpStream};
use compio::runtime::JoinHandle;

use super::spawn;
use crate::contender::ADDRESS;
use crate::contender::joined::Joined;
use crate::contender::serving::serving;

serving! {
    listen: TcpListener::bind(SocketAddr::from(ADDRESS)).await,
    accept: accept,
    spawn: spawn,
    join: join,
    echo: echo,
    lines: lines,
}

async fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
    Ok(listener.accept().await?.0)
}

async fn join(task: Joined<JoinHandle<io::Result<()>>>) -> io::Result<()> {
    task.await.map_err(|_| io::ErrorKind::Other)?
}

async fn echo(mut stream: TcpStream, len: usize) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(len);
    loop {
        let BufResult(read, filled) = stream.read(bytes).await;
        if read? == 0 {
            return Ok(());
        }
        let BufResult(written, sent) = stream.write_all(filled).await;
        written?;
        bytes = sent;
        bytes.clear();
    }
}

async fn lines(stream: TcpStream) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    loop {
        let bytes = reader.fill_buf().await?;
        if bytes.is_empty() {
            return Ok(());
        }
        let end = bytes.iter().position(|&byte| byte == b'\n');
        let count = end.map_or(bytes.len(), |end| end + 1);
        line.extend_from_slice(&bytes[..count]);
        reader.consume(count);
        if end.is_some() {
            let BufResult(written, sent) = writer.write_all(line).await;
            written?;
            line = sent;
            line.clear();
        }
    }
}
