//! Closes: what was written arrives although not everything that came was read.
//!
//! Linux resets a connection that is closed while bytes lie unread in it, or that bytes reach afterwards, and
//! drops what it had taken to be sent and the peer had no room for yet.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener as StdListener, TcpStream as StdStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bibelot::{Kernel, TcpListener, TcpStream, sleep, spawn, yield_now};
use bibelot_kernel::io::{Object, RawSender, call, operate};
use bibelot_reactor::{Call, ListenHow, Op, Outcome};

use crate::leaks::{alone, descriptors, together};
use crate::rng::Rng;
use crate::run::{BACKENDS, everywhere, pair};

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
    /// Before it reads anything, and then it says that nothing more comes.
    AndEnds,
}

const SENDS: [Sends; 4] = [Sends::First, Sends::Always, Sends::Late, Sends::AndEnds];

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
                Sends::AndEnds => {
                    asker.write_all(&request)?;
                    asker.shutdown(Shutdown::Write)?;
                }
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
            for sends in SENDS {
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

#[test]
fn what_raw_sends_have_sent_arrives_though_the_request_was_not_read() {
    let _others_may_run = together();
    let answer = Rng::new(12).bytes(ANSWER_LEN);
    for backend in BACKENDS {
        for sends in SENDS {
            let Some(mut kernel) = backend.kernel() else {
                continue;
            };
            let caller = kernel.block_on(async {
                let address = "127.0.0.1:0".parse().unwrap();
                let how = ListenHow::default();
                let listener = call(Call::Listen { address, how }).unwrap();
                let listener = listener.into_fd().unwrap();
                let socket = listener.clone();
                let address = call(Call::LocalAddress { socket }).unwrap();
                let caller = caller(address.into_address().unwrap(), sends);
                let many = false;
                let accepted = operate(Op::Accept { listener, many }).await.unwrap().0;
                let Ok(Outcome::Accepted { socket, .. }) = accepted else {
                    panic!("it is accepted: {accepted:?}");
                };
                let sender = RawSender::new(socket);
                sender.send_all(answer.clone()).await.unwrap();
                caller
            });
            let report = kernel.shutdown();
            let witness = format!("{}, {sends:?}: {report:?}", backend.name);
            assert!(report.is_clean(), "{witness}");
            let got = caller.join().unwrap();
            let got = got.unwrap_or_else(|error| panic!("{witness}: {error}"));
            assert!(got == answer, "{witness}: {} bytes", got.len());
        }
    }
}

#[test]
fn a_unix_stream_that_was_not_read_is_ended_and_not_reset() {
    let _others_may_run = together();
    for backend in BACKENDS {
        let Some(mut kernel) = backend.kernel() else {
            continue;
        };
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(b"never read").unwrap();
        kernel.block_on(async {
            let socket = OwnedFd::from(ours);
            let socket = call(Call::Adopt { socket }).unwrap().into_fd().unwrap();
            let stream = Object::stream(socket);
            stream.push(b"answer").unwrap();
            stream.close().await.unwrap().unwrap();
        });
        assert!(kernel.shutdown().is_clean());
        let mut answer = Vec::new();
        theirs.read_to_end(&mut answer).unwrap();
        assert_eq!(answer, b"answer");
    }
}

/// Both ends in one program, so in the simulated world, too: there a reset takes along what is on its way.
#[test]
fn an_answer_arrives_whole_from_whoever_hangs_up_on_a_talker() {
    everywhere(async |_, mut rng| {
        let (asker, answerer) = pair().await?;
        let answer = rng.bytes(100_000);
        let sent = answer.clone();
        let hang_up = spawn(async move { answer_and_leave(answerer, &sent, Leave::Drop).await });
        let (mut read, mut write) = asker.into_split();
        let mut pauses = rng.split();
        let talker = spawn(async move {
            for _ in 0..20 {
                // What it says is of no interest to anybody, and may be refused at the end.
                if write.write(&[b'?'; 3000]).await.is_err() {
                    break;
                }
                sleep(pauses.span()).await?;
            }
            io::Result::Ok(())
        });
        let mut got = Vec::new();
        while let Some(chunk) = read.read_chunk().await? {
            got.extend_from_slice(&chunk);
            sleep(rng.span()).await?;
        }
        assert!(got == answer, "{} of {} bytes", got.len(), answer.len());
        hang_up.await.expect("nobody cancels it")?;
        talker.await.expect("nobody cancels it")
    });
}

#[test]
fn a_peer_that_never_reads_is_waited_for_within_the_linger_time_and_counted() {
    let _others_may_run = together();
    for backend in BACKENDS {
        for closes in [true, false] {
            let builder = Kernel::builder().backend(backend.backend);
            let Ok(mut kernel) = builder.linger(Duration::from_millis(120)).build() else {
                continue;
            };
            // The operating system takes the answer, and nobody takes it from there.
            let peer = StdListener::bind("127.0.0.1:0").unwrap();
            let address = peer.local_addr().unwrap();
            let closed = kernel.block_on(async {
                let mut stream = TcpStream::connect(address).await.unwrap();
                stream.write(&[1; 1_500_000]).await.unwrap();
                stream.flush().await.unwrap();
                match closes {
                    true => stream.close().await,
                    false => Ok(()),
                }
            });
            let report = kernel.shutdown();
            let undelivered = report.io.undelivered_bytes;
            assert!((1..1_500_000).contains(&undelivered), "{report:?}");
            assert_eq!(report.io.unsent_bytes, 0);
            assert!(!report.is_clean());
            if closes {
                let error = closed.unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::TimedOut);
                assert!(error.to_string().starts_with(&undelivered.to_string()));
            }
        }
    }
}

#[test]
fn a_crowd_that_lingers_ends_when_its_peers_have_taken_everything() {
    const CROWD: usize = 1000;
    let _nobody_else_runs = alone();
    for backend in BACKENDS {
        let Some(mut kernel) = backend.kernel() else {
            continue;
        };
        let before = descriptors();
        kernel
            .block_on(async {
                let mut peers = Vec::new();
                for _ in 0..CROWD {
                    let (mut ours, mut theirs) = pair().await?;
                    theirs.write(&[b'?'; 100]).await?;
                    theirs.flush().await?;
                    ours.write(&[b'!'; 1000]).await?;
                    drop(ours);
                    peers.push(theirs);
                }
                // What they say now reaches streams that nobody holds.
                for peer in &mut peers {
                    peer.write(&[b'?'; 100]).await?;
                }
                sleep(Duration::from_millis(5)).await?;
                for mut peer in peers {
                    let mut got = 0;
                    while let Some(chunk) = peer.read_chunk().await? {
                        got += chunk.len();
                    }
                    assert_eq!(got, 1000);
                }
                io::Result::Ok(())
            })
            .unwrap();
        let report = kernel.shutdown();
        assert!(report.is_clean(), "{report:?}");
        assert!(descriptors() < before, "on {}", backend.name);
    }
}

/// One look at most where nothing can be lost, and none where nothing was sent or the peer has ended.
#[test]
fn a_close_that_can_lose_nothing_costs_a_look_at_most() {
    let _nobody_else_runs = alone();
    for backend in BACKENDS {
        let Some(mut kernel) = backend.kernel() else {
            continue;
        };
        let system_calls = |kernel: &Kernel| kernel.reactor_counters().system_calls;
        let mut costs = Vec::new();
        for kind in 0..3 {
            const ROUNDS: u64 = 200;
            let streams = kernel.block_on(async {
                let mut streams = Vec::new();
                for _ in 0..ROUNDS {
                    let (mut ours, mut theirs) = pair().await.unwrap();
                    match kind {
                        0 => {
                            theirs.write(b"news").await.unwrap();
                            ours.read_exact(&mut [0; 4]).await.unwrap();
                        }
                        1 => {
                            ours.write(b"question").await.unwrap();
                            theirs.read_exact(&mut [0; 8]).await.unwrap();
                            theirs.write(b"answer").await.unwrap();
                            ours.read_exact(&mut [0; 6]).await.unwrap();
                        }
                        _ => {
                            ours.write(b"question").await.unwrap();
                            theirs.read_exact(&mut [0; 8]).await.unwrap();
                            theirs.shutdown(Shutdown::Write).await.unwrap();
                            assert!(ours.read_chunk().await.unwrap().is_none());
                        }
                    }
                    streams.push((ours, theirs));
                }
                streams
            });
            let before = system_calls(&kernel);
            let theirs = kernel.block_on(async {
                let (ours, theirs): (Vec<_>, Vec<_>) = streams.into_iter().unzip();
                for stream in ours {
                    stream.close().await.unwrap();
                }
                theirs
            });
            costs.push((system_calls(&kernel) - before) as f64 / ROUNDS as f64);
            drop(theirs);
        }
        eprintln!("system calls a close on {}: {costs:?}", backend.name);
        let (plain, looked_at, ended) = (costs[0], costs[1], costs[2]);
        // A look is two calls: for what is unread, and for what is not acknowledged.
        assert!(ended <= plain + 0.1, "{costs:?}");
        assert!(looked_at <= plain + 2.1, "{costs:?}");
        // What is known to be a socket is closed without a question.
        let most = if kernel.backend().name == "uring" {
            2.1
        } else {
            3.1
        };
        assert!(plain <= most, "{costs:?}");
    }
}
