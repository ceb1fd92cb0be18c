//! Servers on several kernels: how connections are spread, and what becomes of them when a kernel ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream as StdStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use bibelot::cluster::{ClusterHandle, KernelPhase, Spread};
use bibelot::net::ListenOptions;
use bibelot::{AsCancelled, Cluster, TcpStream};

use crate::common::{LONG, each_backend, each_builder, each_cluster};

/// Answers each line with itself and the place of the kernel that serves it.
async fn echo(mut client: TcpStream, _peer: SocketAddr) -> bibelot::Result<()> {
    let place = ClusterHandle::current().current_kernel().unwrap();
    while let Some(line) = client.next_line().await? {
        client.write(line.trim_ascii_end()).await?;
        client.write(format!(" {place}\n").as_bytes()).await?;
    }
    Ok(())
}

/// A client, and the kernel that serves it.
fn call(address: SocketAddr) -> (StdStream, usize) {
    let mut stream = StdStream::connect(address).unwrap();
    stream.write_all(b"hello\n").unwrap();
    let mut line = String::new();
    BufReader::new(&stream).read_line(&mut line).unwrap();
    let place = line.trim_end().strip_prefix("hello ").expect(&line);
    let place = place.parse().unwrap();
    (stream, place)
}

#[test]
fn connections_go_to_the_kernels_with_the_least_to_do() {
    each_cluster(3, |cluster| {
        let server = cluster.serve("127.0.0.1:0", echo).blocking().unwrap();
        let mut counts = [0; 3];
        let clients: Vec<_> = (0..60).map(|_| call(server.local_addr())).collect();
        clients.iter().for_each(|(_, place)| counts[*place] += 1);
        assert!(
            counts.iter().all(|&count| (18..=22).contains(&count)),
            "{counts:?}"
        );
        drop(clients);
        server.close();
        server.wait_closed().blocking().unwrap();
        assert!(StdStream::connect(server.local_addr()).is_err());
    });
}

/// Ten thousand connections of very different lengths: the loads stay even, where a spread by turns would
/// put all that last on one kernel.
#[test]
fn ten_thousand_skewed_connections_load_the_kernels_evenly() {
    const KERNELS: usize = 4;
    const ROUNDS: usize = 100;
    const CALLS: usize = 100;
    let cluster = Cluster::builder().kernels(KERNELS).build().unwrap();
    let server = cluster.serve("127.0.0.1:0", echo).blocking().unwrap();
    // When so many connections are there, and no others; one more task listens.
    let settled = |connections: usize| loop {
        let loads: Vec<usize> = cluster.loads().iter().map(|load| load.total()).collect();
        if loads.iter().sum::<usize>() == connections + 1 {
            return loads;
        }
        thread::yield_now();
    };
    let skew = |loads: &[usize]| {
        let mean = loads.iter().sum::<usize>() as f64 / KERNELS as f64;
        *loads.iter().max().unwrap() as f64 / mean
    };
    let (mut long, mut worst, mut worst_by_turns) = (Vec::new(), 0_f64, 0_f64);
    for round in 0..ROUNDS {
        let clients: Vec<_> = (0..CALLS).map(|_| call(server.local_addr())).collect();
        let loads = settled(long.len() + CALLS);
        worst = worst.max(skew(&loads));
        let mut by_turns = [CALLS / KERNELS; KERNELS];
        by_turns[0] += long.len();
        worst_by_turns = worst_by_turns.max(skew(&by_turns));
        // Every fourth stays for many rounds.
        let stay = clients
            .into_iter()
            .step_by(KERNELS)
            .map(|(client, _)| client);
        long.extend(stay.take(300 - long.len()));
        settled(long.len());
        if round % 10 == 9 {
            long.drain(..long.len() / 3);
            settled(long.len());
        }
    }
    assert!(
        worst < 1.3 && worst_by_turns > 2.0,
        "{worst}, {worst_by_turns}"
    );
    drop(long);
    assert!(cluster.shutdown(LONG).is_clean());
}

#[test]
fn each_kernel_may_have_a_listener_of_its_own() {
    each_cluster(3, |cluster| {
        let listen = ListenOptions::new().backlog(64);
        let server = cluster
            .serve_with("127.0.0.1:0", Spread::ReusePort, listen, echo)
            .blocking()
            .unwrap();
        let mut counts = [0; 3];
        let clients: Vec<_> = (0..100).map(|_| call(server.local_addr())).collect();
        clients.iter().for_each(|(_, place)| counts[*place] += 1);
        // Spread by a hash: that a listener gets none of a hundred is no chance to speak of.
        assert!(counts.iter().all(|&count| count > 0), "{counts:?}");
        server.cancel_handlers();
        for (mut client, _) in clients {
            let mut rest = Vec::new();
            client.read_to_end(&mut rest).unwrap();
            assert!(rest.is_empty());
        }
        server.close();
        server.wait_closed().blocking().unwrap();
    });
}

/// Clients call without pause while one kernel after another is drained, whatever listens there.
#[test]
fn draining_kernels_resets_no_connection() {
    for spread in [Spread::Dispatch, Spread::ReusePort] {
        each_backend(|backend| drain_under_load(backend, spread));
    }
}

fn drain_under_load(backend: bibelot::Backend, spread: Spread) {
    const KERNELS: usize = 4;
    let cluster = Cluster::builder().kernels(KERNELS).backend(backend);
    let cluster = cluster.build().unwrap();
    let server = cluster.serve_with("127.0.0.1:0", spread, ListenOptions::new(), echo);
    let server = server.blocking().unwrap();
    let address = server.local_addr();
    let (is_over, calls) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    // Three at a time, one of which says nothing for a while.
                    let mut quiet = StdStream::connect(address).unwrap();
                    let _others = [call(address), call(address)];
                    quiet.write_all(b"at last\n").unwrap();
                    quiet.shutdown(std::net::Shutdown::Write).unwrap();
                    let mut answer = String::new();
                    quiet.read_to_string(&mut answer).unwrap();
                    assert!(answer.starts_with("at last"), "{answer:?}");
                    calls.fetch_add(3, Ordering::Relaxed);
                }
            });
        }
        let until = |count: usize| {
            let aim = calls.load(Ordering::Relaxed) + count;
            let goes_on = (0..600_000).any(|_| {
                thread::sleep(Duration::from_micros(100));
                calls.load(Ordering::Relaxed) >= aim
            });
            assert!(goes_on, "nobody calls any more");
        };
        // All but the last, so every listener moves, some more than once.
        for kernel in 0..KERNELS - 1 {
            until(60);
            let report = cluster.drain_blocking(kernel, LONG);
            assert!(report.is_clean(), "{report:#?}");
            assert_eq!(cluster.phase(kernel), KernelPhase::Ended);
        }
        until(60);
        is_over.store(true, Ordering::Relaxed);
    });
    server.close();
    server.wait_closed().blocking().unwrap();
    assert!(cluster.shutdown(LONG).is_clean());
}

#[test]
fn what_waits_in_the_backlog_of_a_drained_kernel_is_served_by_another() {
    each_builder(|builder| {
        let builder = builder.kernels(2).choose(|loads| loads.len() - 1);
        let cluster = builder.build().unwrap();
        // The kernel that listens is busy, so everything stays in its backlog.
        let server = cluster.serve("127.0.0.1:0", echo).blocking().unwrap();
        let (busy, go) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
        let (tells, waits) = (busy.clone(), go.clone());
        let holds = cluster.spawn_on(1, async move || {
            tells.wait();
            waits.wait();
        });
        busy.wait();
        // More than are accepted ahead of the one that deals them out.
        let mut clients: Vec<_> = (0..200)
            .map(|_| StdStream::connect(server.local_addr()).unwrap())
            .collect();
        for client in &mut clients {
            client.write_all(b"waiting\n").unwrap();
        }
        let drain = cluster.drain(1, LONG);
        go.wait();
        for client in &clients {
            let mut line = String::new();
            BufReader::new(client).read_line(&mut line).unwrap();
            assert_eq!(line, "waiting 0\n");
        }
        holds.unwrap().join_blocking().unwrap();
        assert!(bibelot_sync::block_on(drain).unwrap().is_clean());
        assert!(cluster.shutdown(LONG).is_clean());
    });
}

#[test]
fn a_listener_outlives_the_kernel_that_panics_under_it() {
    each_builder(|builder| {
        let trap = Arc::new(AtomicBool::new(false));
        let springs = trap.clone();
        let builder = builder.kernels(2).configure(move |kernel, builder| {
            let springs = springs.clone();
            match kernel {
                1 => builder.scheduler(crate::ends::Panicky::new(springs)),
                _ => builder,
            }
        });
        let builder = builder.choose(|loads| loads.len() - 1);
        let cluster = builder.build().unwrap();
        let server = cluster.serve("127.0.0.1:0", echo).blocking().unwrap();
        let (mut client, place) = call(server.local_addr());
        assert_eq!(place, 1);
        trap.store(true, Ordering::Relaxed);
        let _wakes = cluster.spawn_on(1, async || ());
        // Its own connections end with it, and new ones are served elsewhere.
        let mut rest = Vec::new();
        let _ = client.read_to_end(&mut rest);
        assert!(rest.is_empty());
        while cluster.report(1).is_none() {
            thread::yield_now();
        }
        assert_eq!(call(server.local_addr()).1, 0);
        assert!(!cluster.shutdown(LONG).is_clean());
    });
}

#[test]
fn a_server_ends_with_its_cluster_and_says_when_it_cannot_be_had() {
    each_builder(|builder| {
        let cluster = builder.kernels(2).build().unwrap();
        let handle = cluster.handle();
        let taken = handle.serve("127.0.0.1:0", echo).blocking().unwrap();
        let twice = handle.serve(taken.local_addr(), echo).blocking();
        assert_eq!(twice.unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
        let malformed = handle.serve("nowhere", echo).blocking();
        assert!(!malformed.unwrap_err().is_cancelled());
        let (mut client, _) = call(taken.local_addr());
        assert!(cluster.shutdown(LONG).is_clean());
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).unwrap();
        taken.wait_closed().blocking().unwrap();
        assert!(StdStream::connect(taken.local_addr()).is_err());
        let late = handle.serve("127.0.0.1:0", echo).blocking();
        assert!(matches!(
            bibelot::Error::from(late.unwrap_err()),
            bibelot::Error::Closed
        ));
    });
}
