//! What clusters leave behind: in a process of its own, for it looks at what the process has.

#[path = "cluster/common.rs"]
#[expect(dead_code, reason = "the other tests use the rest")]
mod common;

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream as StdStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bibelot::cluster::Spread;
use bibelot::net::ListenOptions;
use bibelot::{Backend, Cluster, TcpStream, sleep};

use common::{Counted, LONG, each_backend, wait_for_no_threads};

async fn echo(mut client: TcpStream, _peer: SocketAddr) -> bibelot::Result<()> {
    while let Some(line) = client.next_line().await? {
        client.write(&line).await?;
    }
    Ok(())
}

/// How many descriptors this process has.
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// A life with everything in it.
fn life(backend: Backend, spread: Spread, live: &Arc<AtomicUsize>) {
    let cluster = Cluster::builder().kernels(3).backend(backend);
    let cluster = cluster.name("leaky").build().unwrap();
    let server = cluster.serve_with("127.0.0.1:0", spread, ListenOptions::new(), echo);
    let server = server.blocking().unwrap();
    let clients: Vec<_> = (0..10)
        .map(|_| {
            let mut client = StdStream::connect(server.local_addr()).unwrap();
            client.write_all(b"hello\n").unwrap();
            let mut line = String::new();
            BufReader::new(&client).read_line(&mut line).unwrap();
            assert_eq!(line, "hello\n");
            client
        })
        .collect();
    for kernel in 0..3 {
        let counted = Counted::new(live);
        let task = cluster.spawn_on(kernel, async move || {
            let _counted = counted;
            sleep(Duration::from_secs(3600)).await
        });
        task.unwrap().detach();
    }
    // Its tasks would stay, so they are cancelled.
    cluster.drain_blocking(0, Duration::ZERO);
    let unheard = StdStream::connect(server.local_addr()).unwrap();
    let report = cluster.shutdown(LONG);
    assert!(report.is_clean(), "{report:#?}");
    drop((clients, unheard));
}

#[test]
fn clusters_leave_neither_descriptors_nor_threads_nor_what_their_tasks_held() {
    each_backend(|backend| {
        let live = Arc::new(AtomicUsize::new(0));
        // What is made once in a process is made in the first one.
        life(backend, Spread::Dispatch, &live);
        let before = descriptors();
        for spread in [Spread::Dispatch, Spread::ReusePort] {
            for _ in 0..5 {
                life(backend, spread, &live);
            }
        }
        wait_for_no_threads("leaky-");
        assert_eq!(descriptors(), before);
        assert_eq!(live.load(Ordering::Relaxed), 0);
    });
}
