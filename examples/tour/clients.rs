//! Streams: a line echo server and its clients, over three runs of one kernel.

use bibelot::{AllCompleted, Kernel, TcpStream, open_connection, spawn, start_server, wait};

use crate::chapter;

const CHEESES: [&str; 7] = [
    "oxford",
    "stilton",
    "kikorangi",
    "danish",
    "cheddar",
    "roquefort",
    "gorgonzola",
];

async fn handle_echo(mut client: TcpStream) -> bibelot::Result<()> {
    while let Some(line) = client.next_line().await? {
        client.write(&line).await?;
        client.drain().await?;
    }
    Ok(())
}

async fn echo_client(message: &str, port: u16) -> bibelot::Result<()> {
    let mut stream = open_connection(("127.0.0.1", port)).await?;
    for i in 0..4 {
        stream.write(format!("{message}\n").as_bytes()).await?;
        let line = stream.next_line().await?.ok_or(bibelot::Error::Closed)?;
        println!("{:?} [{i}]", String::from_utf8_lossy(line.trim_ascii_end()));
    }
    stream.close().await?;
    Ok(())
}

/// Serves in the first run, talks in the second while the server answers, and closes in the third.
pub fn serve_and_close(kernel: &mut Kernel) -> bibelot::Result<()> {
    chapter("A server");
    let server = kernel.block_on(start_server(
        "127.0.0.1:0",
        async |client: TcpStream, _peer| handle_echo(client).await,
    ))?;
    let port = server.local_addr().port();
    println!("Serving on {port}");

    chapter("Its clients");
    kernel.block_on(async {
        let clients = CHEESES.map(|cheese| spawn(echo_client(cheese, port)));
        let (done, _) = wait(clients, AllCompleted).await?;
        for client in done {
            client.await??;
        }
        bibelot::Ok(())
    })?;

    // Close the server.
    server.close();
    kernel.block_on(server.wait_closed())?;
    println!("Closed");
    Ok(())
}
