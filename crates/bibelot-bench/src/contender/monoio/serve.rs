//! monoio's servers.

use std::io;

use monoio::io::{AsyncBufReadExt, AsyncReadRent, AsyncWriteRentExt, BufReader, Splitable};
use monoio::net::{TcpListener, TcpStream};

use crate::cell::Cell;
use crate::contender::ADDRESS;

/// Serves until all connections are closed.
pub async fn serve(cell: Cell, tell_port: fn(u16)) -> io::Result<()> {
    let listener = TcpListener::bind(std::net::SocketAddr::from(ADDRESS))?;
    tell_port(listener.local_addr()?.port());
    let mut tasks = Vec::new();
    for _ in 0..cell.connections() {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tasks.push(match cell {
            Cell::Lines { .. } => monoio::spawn(lines(stream)),
            _ => monoio::spawn(echo(stream, cell.message().0.len().max(1024))),
        });
    }
    for task in tasks {
        task.await?;
    }
    Ok(())
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
