//! Closes: what was written arrives although not everything that came was read.
//!
//! Linux resets a connection that is closed while bytes lie unread in it, or that bytes reach afterwards, and
//! drops what it had taken to be sent and the peer had no room for yet.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream as StdStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bibelot::{TcpListener, TcpStream, spawn, yield_now};

use crate::leaks::together;
use crate::rng::Rng;
use crate::run::BACKENDS;

const REQUEST_LEN: usize = 300_000;
const ANSWER_LEN: usize = 3 << 20;

/// How whoever answers goes away.
#[derive(Clone, Copy, Debug)]
enum Leave {
    Drop,
    Close,
    EndOfRun,
    DropHalves,
}

const LEAVES: [Leave; 4] = [
    Leave::Drop,
    Leave::Close,
    Leave::EndOfRun,
    Leave::DropHalves,
];

/// When the peer sends what nobody reads.
#[derive(Clone, Copy, Debug)]
enum Sends {
    /// Before it reads anything.
    First,
    /// All the while, and as much as is taken.
    Always,
    /// When the other side may have closed already.
    Late,
}

/// Somebody who asks at length, and takes a while to read the answer. What it got, up to the end.
fn caller(address: SocketAddr, sends: Sends) -> JoinHandle<io::Result<Vec<u8>>> {
    thread::spawn(move || {
        let mut stream = StdStream::connect(address)?;
        let request = vec![b'?'; REQUEST_LEN];
        let mut asker = stream.try_clone()?;
        asker.write_all(&request[..10])?;
        let asking = thread::spawn(move || -> io::Result<()> {
            match sends {
                Sends::First => asker.write_all(&request)?,
                Sends::Late => {
                    thread::sleep(Duration::from_millis(15));
                    asker.write_all(&request[..1000])?;
                }
                Sends::Always => while asker.write_all(&request[..10_000]).is_ok() {},
            }
            Ok(())
        });
        thread::sleep(Duration::from_millis(40));
        let mut answer = Vec::new();
        let mut piece = vec![0; 100_000];
        loop {
            match stream.read(&mut piece)? {
                0 => break,
                count => answer.extend_from_slice(&piece[..count]),
            }
            thread::sleep(Duration::from_millis(1));
        }
        stream.shutdown(Shutdown::Write).ok();
        asking.join().expect("it does not panic")?;
        Ok(answer)
    })
}

/// Reads the beginning, answers, and goes.
async fn answer_and_leave(mut stream: TcpStream, answer: &[u8], leave: Leave) -> io::Result<()> {
    stream.read_exact(&mut [0; 10]).await?;
    stream.write(answer).await?;
    match leave {
        Leave::Drop => {
            drop(stream);
            for _ in 0..10 {
                yield_now().await?;
            }
        }
        Leave::Close => stream.close().await?,
        Leave::EndOfRun => drop(spawn(async move {
            let _kept = stream;
            std::future::pending::<()>().await;
        })),
        Leave::DropHalves => {
            let (read, write) = stream.into_split();
            drop(read);
            drop(write);
        }
    }
    Ok(())
}

#[test]
fn an_answer_arrives_whole_though_the_request_was_not_read() {
    let _others_may_run = together();
    let answer = Rng::new(11).bytes(ANSWER_LEN);
    for backend in BACKENDS {
        for leave in LEAVES {
            for sends in [Sends::First, Sends::Always, Sends::Late] {
                let Some(mut kernel) = backend.kernel() else {
                    continue;
                };
                let (caller, answered) = kernel.block_on(async {
                    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                    let caller = caller(listener.local_addr().unwrap(), sends);
                    let (stream, _) = listener.accept().await.unwrap();
                    (caller, answer_and_leave(stream, &answer, leave).await)
                });
                answered.unwrap();
                let report = kernel.shutdown();
                let witness = format!("{}, {leave:?}, {sends:?}: {report:?}", backend.name);
                assert!(report.is_clean(), "{witness}");
                let got = caller.join().unwrap();
                let got = got.unwrap_or_else(|error| panic!("{witness}: {error}"));
                assert!(
                    got == answer,
                    "{witness}: {} of {ANSWER_LEN} bytes",
                    got.len()
                );
            }
        }
    }
}
