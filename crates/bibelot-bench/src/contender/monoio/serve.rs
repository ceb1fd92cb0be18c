//! monoio's servers.

use std::io;
use std::net::SocketAddr;

use monoio::io::{AsyncBufReadExt, AsyncReadRent, AsyncWriteRentExt, BufReader, Splitable};
use monoio::net::{TcpListener, TcpStream};
use monoio::task::JoinHandle;

use crate::contender::ADDRESS;
use crate::contender::serving::serving;

serving! {
    listen: TcpListener::bind(SocketAddr::from(ADDRESS)),
    accept: accept,
    spawn: monoio::spawn,
    join: join,
    echo: echo,
    lines: lines,
}

async fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
    Ok(listener.accept().await?.0)
}

async fn join(task: JoinHandle<io::Result<()>>) -> io::Result<()> {
    task.await
}

async fn echo(mut stream: TcpStream, len: usize) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(len);
    loop {
        let (read, filled) = stream.read(bytes).await;
        if read? == 0 {
            return Ok(());
        }
        let (written, sent) = stream.write_all(filled).await;
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
        if reader.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let (written, sent) = writer.write_all(line).await;
        written?;
        line = sent;
        line.clear();
    }
}
