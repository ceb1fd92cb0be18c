//! Shortage: fewer descriptors than connections.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use bibelot::{AsCancelled, TcpStream, sleep, spawn, start_server, timeout_after};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::leaks::{alone, descriptors};
use crate::run::BACKENDS;

const CLIENTS: u8 = 12;
const EMFILE: i32 = 24;

/// The process may open this many descriptors more, until this is dropped.
struct Fewer(Rlimit);

impl Fewer {
    fn than(more: usize) -> Self {
        let before = getrlimit(Resource::Nofile);
        let current = Some((descriptors() + more) as u64);
        setrlimit(Resource::Nofile, Rlimit { current, ..before }).expect("it may be lowered");
        Self(before)
    }
}

impl Drop for Fewer {
    fn drop(&mut self) {
        setrlimit(Resource::Nofile, self.0).expect("it may be raised again");
    }
}

/// Says something and hears it again.
async fn exchange(address: SocketAddr, n: u8) -> io::Result<()> {
    let mut client = TcpStream::connect(address).await?;
    client.write(&[n; 3]).await?;
    let mut answer = [0; 3];
    client.read_exact(&mut answer).await?;
    assert_eq!(answer, [n; 3]);
    Ok(())
}

#[test]
fn a_server_goes_on_when_descriptors_were_short() {
    let _nobody_else_runs = alone();
    for backend in BACKENDS {
        let Some(mut kernel) = backend.kernel() else {
            continue;
        };
        kernel.block_on(async {
            let server = start_server("127.0.0.1:0", async |mut stream: TcpStream, _| {
                while let Some(chunk) = stream.read_chunk().await? {
                    stream.write(&chunk).await?;
                }
                bibelot::Ok(())
            });
            let server = server.await.unwrap();
            let address = server.local_addr();
            // With all ends taken by clients none can be accepted, so that some must give up and come back.
            let fewer = Fewer::than(6);
            let given_up = Rc::new(Cell::new(0));
            let clients: Vec<_> = (0..CLIENTS)
                .map(|n| {
                    let given_up = given_up.clone();
                    spawn(async move {
                        let patience = Duration::from_millis(20 + 5 * u64::from(n));
                        while let Err(error) = timeout_after(patience, exchange(address, n)).await {
                            let is_short = error.raw_os_error() == Some(EMFILE);
                            assert!(error.timed_out() || is_short, "{error}");
                            given_up.set(given_up.get() + 1);
                            sleep(patience / 3).await.unwrap();
                        }
                    })
                })
                .collect();
            for client in clients {
                client.await.unwrap();
            }
            drop(fewer);
            assert!(given_up.get() > 0);
            server.close();
            server.wait_closed().await.unwrap();
        });
    }
}
