//! An echo server for `nc`, until Ctrl-C.
//!
//! ```sh
//! cargo run --release --example echo              # 127.0.0.1:7777
//! cargo run --release --example echo -- [::1]:0   # anywhere else
//! nc 127.0.0.1 7777
//! ```
//!
//! Ctrl-C stops listening, and ends the connections when what they were given has been answered.

use std::net::SocketAddr;

use bibelot::{Kernel, TcpStream, ctrl_c, start_server};

/// Answers each line with itself.
async fn echo(mut client: TcpStream, peer: SocketAddr) -> bibelot::Result<()> {
    println!("{peer} is there");
    let mut line = Vec::new();
    while client.read_line(&mut line).await? > 0 {
        client.write(&line).await?;
        line.clear();
    }
    println!("{peer} is gone");
    client.close().await?;
    Ok(())
}

async fn serve(address: &str) -> bibelot::Result<()> {
    let stop = ctrl_c();
    let server = start_server(address, echo).await?;
    println!("listening at {}", server.local_addr());
    stop.await?;
    println!("closing");
    server.close();
    server.cancel_handlers();
    server.wait_closed().await?;
    println!("closed");
    Ok(())
}

fn main() -> bibelot::Result<()> {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:7777");
    let mut kernel = Kernel::new()?;
    println!("running on {}", kernel.backend());
    kernel.block_on(serve(address))?;
    let report = kernel.shutdown();
    assert!(report.is_clean(), "{report:?}");
    Ok(())
}
