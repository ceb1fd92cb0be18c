//! tokio's servers.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::cell::Cell;
use crate::contender::ADDRESS;

/// Serves until all connections are closed.
pub async fn serve(cell: Cell, tell_port: fn(u16)) -> io::Result<()> {
    let listener = TcpListener::bind(ADDRESS).await?;
    tell_port(listener.local_addr()?.port());
    let mut tasks = Vec::new();
    for _ in 0..cell.connections() {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tasks.push(match cell {
            Cell::Lines { .. } => tokio::spawn(lines(stream)),
            _ => tokio::spawn(echo(stream, cell.message().0.len().max(1024))),
        });
    }
    for task in tasks {
        task.await??;
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
