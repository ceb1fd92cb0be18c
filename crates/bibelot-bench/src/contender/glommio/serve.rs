//! glommio's servers.

use std::io;
use std::net::SocketAddr;

use futures_lite::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use glommio::net::{TcpListener, TcpStream};

use super::spawn;
use crate::cell::Cell;
use crate::contender::ADDRESS;

/// Serves until all connections are closed.
pub async fn serve(cell: Cell, tell_port: fn(u16)) -> io::Result<()> {
    let listener = TcpListener::bind(SocketAddr::from(ADDRESS))?;
    tell_port(listener.local_addr()?.port());
    let mut tasks = Vec::new();
    for _ in 0..cell.connections() {
        let stream = listener.accept().await?;
        stream.set_nodelay(true)?;
        tasks.push(match cell {
            Cell::Lines { .. } => spawn(lines(stream)),
            _ => spawn(echo(stream, cell.message().0.len().max(1024))),
        });
    }
    for task in tasks {
        task.await?;
    }
    Ok(())
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
