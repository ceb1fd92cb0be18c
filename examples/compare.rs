//! One program on all backends, changed by a value, and one table.
//!
//! The program is an echo server with ten clients that send four lines at a time. In the simulated world
//! the time is virtual, and there are no system calls.
//!
//! ```sh
//! cargo run --release --example compare
//! ```

use std::io;
use std::time::{Duration, Instant};

use bibelot::{Backend, Kernel, TcpStream, spawn, start_server};
use bibelot_kernel::io::call;
use bibelot_reactor::{Call, Counters, Reply};
use bibelot_sim::Sim;

const CLIENTS: usize = 10;
const ROUNDS: usize = 1_000;
const LINES: [&[u8]; 4] = [b"oxford\n", b"stilton\n", b"kikorangi\n", b"danish\n"];

/// The program: how many bytes were answered.
async fn program() -> bibelot::Result<usize> {
    let server = start_server("127.0.0.1:0", async |mut client: TcpStream, _| {
        while let Some(line) = client.next_line().await? {
            client.write(&line).await?;
        }
        bibelot::Ok(())
    })
    .await?;
    let address = server.local_addr();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            spawn(async move {
                let mut stream = TcpStream::connect(address).await?;
                let mut answered = 0;
                for _ in 0..ROUNDS {
                    for line in LINES {
                        stream.write(line).await?;
                    }
                    for line in LINES {
                        let answer = stream.next_line().await?;
                        assert_eq!(answer.as_deref(), Some(line));
                        answered += line.len();
                    }
                }
                stream.close().await?;
                bibelot::Ok(answered)
            })
        })
        .collect();
    let mut answered = 0;
    for client in clients {
        answered += client.await??;
    }
    server.close();
    server.wait_closed().await?;
    Ok(answered)
}

/// A line of the table.
struct Row {
    name: &'static str,
    answered: usize,
    turns: u64,
    world: Counters,
    real: Duration,
    own: Duration,
}

fn run(backend: impl bibelot_kernel::Backend + 'static) -> io::Result<Row> {
    let mut kernel = Kernel::builder().backend(backend).build()?;
    let name = kernel.backend().name;
    println!("{}", kernel.backend());
    let began = Instant::now();
    let (answered, world, own) = kernel.block_on(async {
        let answered = program().await?;
        let Reply::Counters(counters) = call(Call::Counters)? else {
            return Err(io::Error::other("these are no counters").into());
        };
        bibelot::Ok((answered, counters, bibelot::clock()))
    })?;
    Ok(Row {
        name,
        answered,
        turns: kernel.counters().turns,
        world,
        real: began.elapsed(),
        own: Duration::from_nanos(own.as_nanos()),
    })
}

fn main() -> io::Result<()> {
    let mut rows = Vec::new();
    for backend in [Backend::Uring, Backend::Poll] {
        match run(backend) {
            Ok(row) => rows.push(row),
            Err(error) => println!("{backend:?} is not to be had: {error}"),
        }
    }
    rows.push(run(Sim::new(7))?);
    println!();
    println!(
        "backend   result     turns       ops  system calls  per line      real  its own clock"
    );
    let lines = (CLIENTS * ROUNDS * LINES.len()) as f64;
    for row in &rows {
        println!(
            "{:<7} {:>8} {:>9} {:>9} {:>13} {:>9.3} {:>6} ms {:>11} ms",
            row.name,
            row.answered,
            row.turns,
            row.world.operations,
            row.world.system_calls,
            row.world.system_calls as f64 / lines,
            row.real.as_millis(),
            row.own.as_millis(),
        );
    }
    let is_same = rows.iter().all(|row| row.answered == rows[0].answered);
    assert!(is_same, "the same program has the same result");
    Ok(())
}
