//! bibelot's servers, with the plain streams of the facade.

use bibelot::{TcpListener, TcpStream, spawn};

use crate::cell::Cell;

/// Serves until all connections are closed.
pub async fn serve(cell: Cell, tell_port: fn(u16)) -> bibelot::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    tell_port(listener.local_addr()?.port());
    let mut tasks = Vec::new();
    for _ in 0..cell.connections() {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tasks.push(match cell {
            Cell::Lines { .. } => spawn(lines(stream)),
            _ => spawn(echo(stream)),
        });
    }
    for task in tasks {
        task.await??;
    }
    Ok(())
}

async fn echo(mut stream: TcpStream) -> bibelot::Result<()> {
    while let Some(chunk) = stream.read_chunk().await? {
        stream.write_chunk(chunk).await?;
    }
    Ok(())
}

async fn lines(mut stream: TcpStream) -> bibelot::Result<()> {
    let mut line = Vec::new();
    while stream.read_line(&mut line).await? > 0 {
        stream.write(&line).await?;
        line.clear();
    }
    Ok(())
}
