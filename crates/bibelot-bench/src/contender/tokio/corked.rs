//! tokio's server of lines, with a buffer for replies that is flushed when no request is left.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, BufWriter};
use tokio::net::{TcpListener, TcpStream};

use super::serve::{accept, join};
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

/// It is there for its lines.
async fn echo(_: TcpStream, _: usize) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

async fn lines(mut stream: TcpStream) -> io::Result<()> {
    let (reader, writer) = stream.split();
    let mut reader = BufReader::new(reader);
    let mut writer = BufWriter::new(writer);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).await? > 0 {
        writer.write_all(&line).await?;
        if reader.buffer().is_empty() {
            writer.flush().await?;
        }
        line.clear();
    }
    Ok(())
}
