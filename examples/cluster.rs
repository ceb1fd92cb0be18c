//! One server on three kernels, and what happens when one of them leaves.
//!
//! `cargo run --example cluster`
//!
//! Each kernel has a thread of its own. One of them listens, and hands each connection to the kernel with
//! the least to do. When a kernel is drained, another one listens in its place; its clients go on until they
//! have said what they had to say.

use std::cell::Cell;
use std::net::SocketAddr;
use std::time::Duration;

use bibelot::cluster::ClusterHandle;
use bibelot::{Cluster, TcpStream, gather};

const KERNELS: usize = 3;
const CLIENTS: usize = 30;

thread_local! {
    /// What the tasks of one kernel share needs no lock.
    static SERVED: Cell<usize> = const { Cell::new(0) };
}

/// Adds up the numbers that a client sends, and tells it the sum and who added.
async fn adds(mut client: TcpStream, _peer: SocketAddr) -> bibelot::Result<()> {
    let here = ClusterHandle::current().current_kernel().unwrap_or(0);
    SERVED.set(SERVED.get() + 1);
    let mut sum = 0;
    while let Some(line) = client.next_line().await? {
        let number = String::from_utf8_lossy(&line).trim().parse::<u64>();
        sum += number.unwrap_or(0);
        client.write(format!("{sum} {here}\n").as_bytes()).await?;
    }
    Ok(())
}

/// A client that has said one number and will say more.
struct Client(TcpStream);

impl Client {
    async fn call(server: SocketAddr) -> bibelot::Result<(Self, usize)> {
        let mut client = Self(TcpStream::connect(server).await?);
        let (_, kernel) = client.say(1).await?;
        Ok((client, kernel))
    }

    /// The sum so far, and the kernel that answers.
    async fn say(&mut self, number: u64) -> bibelot::Result<(u64, usize)> {
        self.0.write(format!("{number}\n").as_bytes()).await?;
        let answer = self.0.next_line().await?.unwrap_or_default();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let mut parts = answer.split_whitespace().map(str::parse);
        match (parts.next(), parts.next()) {
            (Some(Ok(sum)), Some(Ok(kernel))) => Ok((sum, kernel as usize)),
            _ => Err(bibelot::Error::Closed),
        }
    }
}

/// Calls the server from many clients at once; how many each kernel serves.
async fn calls(server: SocketAddr) -> bibelot::Result<(Vec<Client>, [usize; KERNELS])> {
    let calls = (0..CLIENTS).map(|_| Box::pin(Client::call(server)));
    let mut served = [0; KERNELS];
    let mut clients = Vec::new();
    for called in gather(calls).await {
        let (client, kernel) = called?;
        served[kernel] += 1;
        clients.push(client);
    }
    Ok((clients, served))
}

fn main() -> bibelot::Result<()> {
    let cluster = Cluster::builder().kernels(KERNELS).build()?;
    let server = cluster.serve("127.0.0.1:0", adds).blocking()?;
    let address = server.local_addr();
    let handle = cluster.handle();

    // The clients run on a kernel of their own, that of this thread.
    bibelot::run(async move {
        let (mut clients, served) = calls(address).await?;
        let (least, most) = (served.iter().min(), served.iter().max());
        let is_even = least
            .zip(most)
            .is_some_and(|(least, most)| most - least <= 2);
        println!("{CLIENTS} clients on {KERNELS} kernels, spread evenly: {is_even}");

        // It listens, or it does not; somebody will.
        let drain = handle.drain(0, Duration::from_secs(10));
        let (more, served) = calls(address).await?;
        println!(
            "{CLIENTS} more while one leaves, of which it gets {}",
            served[0]
        );
        clients.extend(more);

        let mut sums = Vec::new();
        for client in &mut clients {
            sums.push(client.say(41).await?.0);
        }
        println!(
            "all {} go on where they were: {}",
            sums.len(),
            sums.iter().all(|sum| *sum == 42)
        );
        drop(clients);
        println!("it has left: {}", drain.await?);
        bibelot::Ok(())
    })?;

    // A closure builds its task on the kernel that is asked, and its value comes back.
    let mut count = 0;
    for kernel in 1..KERNELS {
        count += cluster
            .spawn_on(kernel, async || SERVED.get())?
            .join_blocking()?;
    }
    println!("the others have served at least half: {}", count >= CLIENTS);
    server.close();
    server.wait_closed().blocking()?;
    for report in cluster.shutdown(Duration::from_secs(5)).kernels {
        println!("{report}");
    }
    Ok(())
}
