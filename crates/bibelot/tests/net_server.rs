//! Servers, over every backend.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use bibelot::{AsCancelled, Kernel, TcpStream, sleep, start_server, timeout_after};

async fn echo(mut client: TcpStream, _peer: SocketAddr) -> io::Result<()> {
    while let Some(chunk) = client.read_chunk().await? {
        client.write(&chunk).await?;
    }
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn a_server_serves_until_it_is_closed_and_ends_with_its_handlers() -> io::Result<()> {
    let server = start_server("127.0.0.1:0", echo).await?;
    let mut clients = Vec::new();
    for n in 0..20_u8 {
        let mut client = TcpStream::connect(server.local_addr()).await?;
        client.write(&[n; 10]).await?;
        clients.push(client);
    }
    for (n, client) in clients.iter_mut().enumerate() {
        let mut answer = [0; 10];
        client.read_exact(&mut answer).await?;
        assert_eq!(answer, [n as u8; 10]);
    }
    server.close();
    server.close();
    let waited = timeout_after(Duration::from_millis(5), server.wait_closed()).await;
    assert!(waited.unwrap_err().timed_out(), "handlers still run");
    clients[0].write(b"more").await?;
    clients[0].read_exact(&mut [0; 4]).await?;
    drop(clients);
    server.wait_closed().await?;
    server.wait_closed().await?;
    let refused = TcpStream::connect(server.local_addr()).await;
    assert_eq!(
        refused.map(drop).unwrap_err().kind(),
        io::ErrorKind::ConnectionRefused
    );
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn the_handlers_of_a_server_can_be_cancelled() -> io::Result<()> {
    let cut = Rc::new(Cell::new(0));
    let counter = cut.clone();
    let server = start_server("127.0.0.1:0", async move |mut client: TcpStream, _| {
        let error = client.read(&mut [0]).await.unwrap_err();
        assert!(error.is_cancelled());
        counter.set(counter.get() + 1);
    })
    .await?;
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(TcpStream::connect(server.local_addr()).await?);
    }
    sleep(Duration::from_millis(10)).await?;
    server.cancel_handlers();
    for client in &mut clients {
        assert_eq!(client.read(&mut [0]).await?, 0);
    }
    assert_eq!(cut.get(), 3);
    let mut late = TcpStream::connect(server.local_addr()).await?;
    sleep(Duration::from_millis(10)).await?;
    server.close();
    server.cancel_handlers();
    server.wait_closed().await?;
    assert_eq!(cut.get(), 4);
    assert_eq!(late.read(&mut [0]).await?, 0);
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn a_handler_that_panics_ends_its_own_connection_only() -> io::Result<()> {
    let server = start_server("127.0.0.1:0", |mut client: TcpStream, _| async move {
        let line = client.next_line().await.unwrap().unwrap();
        assert_ne!(line, b"panic\n");
        client.write(&line).await
    })
    .await?;
    let mut unlucky = TcpStream::connect(server.local_addr()).await?;
    unlucky.write(b"panic\n").await?;
    assert!(unlucky.next_line().await?.is_none());
    let mut client = TcpStream::connect(server.local_addr()).await?;
    client.write(b"calm\n").await?;
    assert_eq!(client.next_line().await?.unwrap(), b"calm\n");
    server.close();
    server.wait_closed().await
}

#[test]
fn a_dropped_server_ends_with_its_kernel() {
    let mut kernel = Kernel::new().unwrap();
    let mut client = kernel.block_on(async {
        let server = start_server("127.0.0.1:0", echo).await.unwrap();
        TcpStream::connect(server.local_addr()).await.unwrap()
    });
    kernel.block_on(async {
        client.write(b"still there").await.unwrap();
        client.read_exact(&mut [0; 11]).await.unwrap();
    });
    let report = kernel.shutdown();
    assert!(report.is_clean(), "{report:?}");
}
