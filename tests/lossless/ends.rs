//! Ends: what was written before one arrives, also at a reader that takes its time.

use std::io::{self, Read};
use std::net::TcpListener as StdListener;
use std::thread;
use std::time::Duration;

use bibelot::{Kernel, TcpStream, spawn, yield_now};

use crate::leaks::together;
use crate::rng::Rng;
use crate::run::BACKENDS;

const LEN: usize = 3 << 20;

/// How a writer goes away.
#[derive(Clone, Copy, Debug)]
enum Leave {
    /// The stream is dropped, and the program goes on.
    Drop,
    /// The stream is closed.
    Close,
    /// The run ends around it.
    EndOfRun,
    /// A task that holds the stream is aborted.
    Abort,
    /// The half that writes is dropped.
    DropHalf,
}

/// A reader on another thread that stops before the first byte and between others.
fn slow_reader() -> io::Result<(
    std::net::SocketAddr,
    thread::JoinHandle<io::Result<Vec<u8>>>,
)> {
    let listener = StdListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let reader = thread::spawn(move || {
        let (mut stream, _) = listener.accept()?;
        thread::sleep(Duration::from_millis(30));
        let mut whole = Vec::new();
        let mut piece = vec![0; 100_000];
        loop {
            match stream.read(&mut piece)? {
                0 => return Ok(whole),
                count => whole.extend_from_slice(&piece[..count]),
            }
            if whole.len() % 7 == 0 {
                thread::sleep(Duration::from_millis(1));
            }
        }
    });
    Ok((address, reader))
}

/// Hands everything to the outbox, leaves as much as possible unsent, and goes away.
async fn write_and_leave(
    address: std::net::SocketAddr,
    bytes: Vec<u8>,
    leave: Leave,
) -> io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    let (most, last) = bytes.split_at(LEN - 60_000);
    stream.write(most).await?;
    // What the reader has not taken yet may leave no room.
    while stream.push(last).is_err() {
        stream.drain().await?;
    }
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
        Leave::Abort => {
            let task = spawn(async move {
                let _kept = stream;
                std::future::pending::<()>().await;
            });
            yield_now().await?;
            task.abort();
        }
        Leave::DropHalf => {
            let (read, write) = stream.into_split();
            drop(write);
            drop(read);
        }
    }
    Ok(())
}

#[test]
fn what_was_written_before_an_end_arrives_at_a_slow_reader() {
    let _others_may_run = together();
    let leaves = [
        Leave::Drop,
        Leave::Close,
        Leave::EndOfRun,
        Leave::Abort,
        Leave::DropHalf,
    ];
    for backend in BACKENDS {
        for leave in leaves {
            let Some(mut kernel) = backend.kernel() else {
                continue;
            };
            let (address, reader) = slow_reader().unwrap();
            let bytes = Rng::new(7).bytes(LEN);
            let left = kernel.block_on(write_and_leave(address, bytes.clone(), leave));
            left.unwrap();
            let report = kernel.shutdown();
            assert!(report.io.unsent_bytes == 0, "{leave:?}: {report:?}");
            let got = reader.join().unwrap().unwrap();
            assert!(got == bytes, "{leave:?}: {} of {LEN} bytes", got.len());
        }
    }
}

#[test]
fn what_cannot_be_sent_within_the_linger_time_is_counted() {
    let _others_may_run = together();
    for backend in BACKENDS {
        let Ok(mut kernel) = Kernel::builder()
            .backend(backend.backend)
            .linger(Duration::from_millis(50))
            .build()
        else {
            continue;
        };
        let listener = StdListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let unsent = kernel.block_on(async {
            let mut stream = TcpStream::connect(address).await.unwrap();
            // Nobody reads: at some time the operating system takes nothing more.
            let mut stuck = 0;
            while stuck < 50 {
                match stream.push(&[7; 10_000]) {
                    Ok(()) => stuck = 0,
                    Err(_) => {
                        bibelot::sleep(Duration::from_millis(1)).await.unwrap();
                        stuck += 1;
                    }
                }
                yield_now().await.unwrap();
            }
            stream.bytes_written().unwrap() - stream.bytes_sent().unwrap()
        });
        let report = kernel.shutdown();
        assert!(unsent > 0);
        assert_eq!(report.io.unsent_bytes, unsent, "{report:?}");
    }
}
