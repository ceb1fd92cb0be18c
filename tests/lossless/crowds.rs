//! Crowds: a dry pool of buffers, a task that never waits, many that are cancelled together.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use bibelot::testing::{on, on_poll, on_uring};
use bibelot::{Kernel, TcpListener, TcpStream, sleep, spawn, start_server, yield_now};
use bibelot_kernel::{Backend, World};
use bibelot_poll::{Poll, PollConfig};
use bibelot_sim::Sim;
use bibelot_timer::Monotonic;
use bibelot_uring::{Uring, UringConfig};
use futures_util::stream::{FuturesUnordered, StreamExt};

use crate::leaks::together;
use crate::run::{BACKENDS, everywhere, pair};

/// A reactor with four buffers for what arrives.
enum FourBuffers {
    Uring,
    Poll,
}

impl Backend for FourBuffers {
    fn build(self: Box<Self>) -> io::Result<World> {
        Ok(World {
            reactor: match *self {
                Self::Uring => Box::new(
                    Uring::new(UringConfig {
                        receive_ready_max: 4,
                        receive_buffers_max: 4,
                        receive_len: 1024,
                        ..UringConfig::default()
                    })
                    .map_err(io::Error::from)?,
                ),
                Self::Poll => Box::new(Poll::new(PollConfig {
                    receive_kept_max: 4,
                    receive_len: 1024,
                    ..PollConfig::default()
                })?),
            },
            clock: Box::new(Monotonic::new()),
            choice: None,
            reason: "four buffers".to_owned(),
        })
    }
}

const UNREAD: usize = 999;

/// Passes on what comes, in both directions, until one of them ends.
async fn proxy(client: TcpStream, upstream: TcpStream) -> io::Result<()> {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_upstream, mut to_upstream) = upstream.into_split();
    let back = spawn(async move {
        while let Some(chunk) = from_upstream.read_chunk().await? {
            to_client.write(&chunk).await?;
        }
        io::Result::Ok(())
    });
    while let Some(chunk) = from_client.read_chunk().await? {
        to_upstream.write(&chunk).await?;
    }
    drop(to_upstream);
    back.await.expect("it does not panic")
}

#[test]
fn a_proxy_over_a_dry_pool_goes_on() {
    let _others_may_run = together();
    for (named, backend) in BACKENDS
        .into_iter()
        .zip([FourBuffers::Uring, FourBuffers::Poll])
    {
        if named.kernel().is_none() {
            continue;
        }
        let ended = Kernel::builder().backend(backend).run(async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let address = listener.local_addr()?;
            // Each holds what arrived, and reads no more of it than its first byte.
            let mut unread = Vec::new();
            for _ in 0..UNREAD {
                let mut caller = TcpStream::connect(address).await?;
                let (mut callee, _) = listener.accept().await?;
                caller.write(&[7; 5_000]).await?;
                callee.fill_buf().await?;
                callee.consume(1);
                unread.push((caller, callee));
            }
            let upstream = start_server("127.0.0.1:0", async |mut stream: TcpStream, _| {
                while let Some(chunk) = stream.read_chunk().await? {
                    stream.write(&chunk).await?;
                }
                bibelot::Ok(())
            })
            .await?;
            let upstream_address = upstream.local_addr();
            let mut client = TcpStream::connect(address).await?;
            let (inner, _) = listener.accept().await?;
            let outer = TcpStream::connect(upstream_address).await?;
            let proxy = spawn(proxy(inner, outer));
            let mut sent: usize = 0;
            for round in 0..200_usize {
                let piece = vec![round as u8; 1 + round * 50];
                client.write(&piece).await?;
                let mut answer = vec![0; piece.len()];
                client.read_exact(&mut answer).await?;
                assert_eq!(answer, piece);
                sent += piece.len();
            }
            assert_eq!(client.bytes_written()?, sent as u64);
            drop(client);
            proxy.await.expect("it does not panic")?;
            // And what was never read is still there.
            for (caller, mut callee) in unread {
                drop(caller);
                let mut rest = Vec::new();
                assert_eq!(callee.read_to_end(&mut rest).await?, 4_999);
            }
            upstream.close();
            upstream.wait_closed().await
        });
        ended.expect("it is built").expect("nothing fails");
    }
}

async fn echo_beside_one_who_yields() {
    let has_ended = Rc::new(Cell::new(false));
    let flag = has_ended.clone();
    let yields = spawn(async move {
        let mut yields = 0_u64;
        while !flag.get() && yield_now().await.is_ok() {
            yields += 1;
        }
        yields
    });
    let (mut caller, mut callee) = pair().await.unwrap();
    let echo = spawn(async move {
        while let Some(line) = callee.next_line().await? {
            callee.write(&line).await?;
        }
        io::Result::Ok(())
    });
    for n in 0..100 {
        let line = format!("{n}\n");
        caller.write(line.as_bytes()).await.unwrap();
        let answer = caller.next_line().await.unwrap();
        assert_eq!(answer.as_deref(), Some(line.as_bytes()));
        sleep(Duration::from_micros(10)).await.unwrap();
    }
    drop(caller);
    echo.await.unwrap().unwrap();
    has_ended.set(true);
    assert!(yields.await.unwrap() > 100);
}

#[test]
fn a_task_that_yields_for_ever_starves_nobody() {
    let _others_may_run = together();
    on_uring(echo_beside_one_who_yields);
    on_poll(echo_beside_one_who_yields);
    // Time passes in a simulated world while nobody waits only if turns take some.
    let world = Sim::new(7).turn_cost(Duration::from_micros(1));
    on(world, "sim", echo_beside_one_who_yields);
}

#[test]
fn a_cancel_reaches_every_sleep_in_a_set_of_futures() {
    everywhere(async |_, _| {
        let sleeper = spawn(async {
            let mut sleeps: FuturesUnordered<_> =
                (0..50).map(|_| sleep(Duration::from_secs(3600))).collect();
            let mut cut = 0;
            while let Some(slept) = sleeps.next().await {
                assert!(slept.expect_err("an hour is long").is_live());
                cut += 1;
            }
            cut
        });
        sleep(Duration::from_millis(1)).await?;
        sleeper.cancel().await?;
        assert_eq!(sleeper.await.expect("it does not panic"), 50);
        Ok(())
    });
}
