//! compio's servers.

use std::io;
use std::net::SocketAddr;

use compio::BufResult;
use compio::io::{AsyncBufRead, AsyncRead, AsyncWriteExt, BufReader};
use compio::net::{TcpListener, TcpStream};

use super::spawn;
use crate::cell::Cell;
use crate::contender::ADDRESS;

/// Serves until all connections are closed.
pub async fn serve(cell: Cell, tell_port: fn(u16)) -> io::Result<()> {
    let listener = TcpListener::bind(SocketAddr::from(ADDRESS)).await?;
    tell_port(listener.local_addr()?.port());
    let mut tasks = Vec::new();
    for _ in 0..cell.connections() {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tasks.push(match cell {
            Cell::Lines { .. } => spawn(lines(stream)),
            _ => spawn(echo(stream, cell.message().0.len().max(1024))),
        });
    }
    for task in tasks {
        task.await.map_err(|_| io::ErrorKind::Other)??;
    }
    Ok(())
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
