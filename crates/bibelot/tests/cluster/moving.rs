//! Connections taken from one kernel to another, and queues between kernels.

use std::io::{Read, Write};
use std::net::TcpStream as StdStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bibelot::cluster::ClusterHandle;
use bibelot::{TcpListener, TcpStream, set_crash_hook, sleep, timeout_after, yield_now};

use crate::common::each_cluster;

#[test]
fn a_connection_moves_with_what_has_arrived_meanwhile() {
    each_cluster(2, |cluster| {
        let task = cluster.spawn_on(0, async || {
            let cluster = ClusterHandle::current();
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let address = listener.local_addr()?;
            let client = std::thread::spawn(move || {
                let mut client = StdStream::connect(address).unwrap();
                client.write_all(&[7; 100_000]).unwrap();
                client.shutdown(std::net::Shutdown::Write).unwrap();
                let mut answer = Vec::new();
                client.read_to_end(&mut answer).unwrap();
                answer
            });
            let (stream, _) = listener.accept().await?;
            // Meanwhile its bytes arrive, at a descriptor of no kernel's.
            let moving = stream.try_into_moving().unwrap();
            sleep(Duration::from_millis(5)).await?;
            let echo = cluster.spawn_on(1, async move || {
                let mut stream = moving.into_stream();
                let mut bytes = Vec::new();
                stream.read_to_end(&mut bytes).await?;
                stream.write(&bytes).await?;
                stream.close().await?;
                bibelot::Ok(bytes.len())
            })?;
            assert_eq!(echo.await??, 100_000);
            bibelot::Ok(client)
        });
        let client = task.unwrap().join_blocking().unwrap().unwrap();
        assert_eq!(client.join().unwrap(), [7; 100_000]);
    });
}

#[test]
fn a_connection_that_was_used_stays_where_it_is() {
    each_cluster(1, |cluster| {
        let task = cluster.spawn(async || {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let mut client = TcpStream::connect(listener.local_addr()?).await?;
            let (mut stream, _) = listener.accept().await?;
            // Waited for in vain: a receive is under way from now on.
            let waits = timeout_after(Duration::from_millis(1), stream.next_line());
            assert!(waits.await.is_err());
            let mut stream = stream.try_into_moving().unwrap_err();
            client.write(b"still here\n").await?;
            let mut client = client.try_into_moving().unwrap_err();
            assert_eq!(stream.next_line().await?.unwrap(), b"still here\n");
            stream.write(b"and back\n").await?;
            assert_eq!(client.next_line().await?.unwrap(), b"and back\n");
            // Nor does one that is split.
            let fresh = TcpStream::connect(listener.local_addr()?).await?;
            let (read, write) = fresh.into_split();
            let fresh = read.reunite(write).unwrap();
            assert!(fresh.try_into_moving().is_ok(), "in one piece again");
            bibelot::Ok(())
        });
        task.unwrap().join_blocking().unwrap().unwrap();
    });
}

#[test]
fn a_moving_connection_that_is_dropped_is_closed() {
    each_cluster(1, |cluster| {
        let task = cluster.spawn(async || {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let mut client = TcpStream::connect(listener.local_addr()?).await?;
            let (stream, _) = listener.accept().await?;
            drop(stream.try_into_moving().unwrap());
            assert!(client.next_line().await?.is_none());
            bibelot::Ok(())
        });
        task.unwrap().join_blocking().unwrap().unwrap();
    });
}

#[test]
fn a_queue_joins_kernels_threads_and_keeps_every_item() {
    each_cluster(3, |cluster| {
        let (orders, served) = (
            bibelot_sync::Queue::bounded(4),
            bibelot_sync::Queue::unbounded(),
        );
        let cooks: Vec<_> = (0..3)
            .map(|kernel| {
                let (orders, served) = (orders.clone(), served.clone());
                let cook = cluster.spawn_on(kernel, async move || {
                    while let Ok(order) = orders.get().await {
                        yield_now().await.unwrap();
                        served.try_put(order).unwrap();
                    }
                });
                cook.unwrap()
            })
            .collect();
        let waiter = cluster.spawn_on(0, {
            let orders = orders.clone();
            async move || {
                for order in 0..200 {
                    orders.put(order).await.unwrap();
                }
            }
        });
        for order in 200..400 {
            orders.put_blocking(order).unwrap();
        }
        waiter.unwrap().join_blocking().unwrap();
        orders.close();
        for cook in cooks {
            cook.join_blocking().unwrap();
        }
        let mut all: Vec<i32> = served.drain().collect();
        all.sort_unstable();
        assert_eq!(all, Vec::from_iter(0..400));
    });
}

#[test]
fn failures_that_nobody_is_given_are_told() {
    let told = Arc::new(Mutex::new(Vec::<String>::new()));
    let hears = told.clone();
    set_crash_hook(move |crash| hears.lock().unwrap().push(crash.message.to_owned()));
    let count = |what: &str| {
        let told = told.lock().unwrap();
        told.iter().filter(|message| message.contains(what)).count()
    };
    let wait_for = |what: &str| {
        for _ in 0..10_000 {
            if count(what) > 0 {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(count(what), 1, "{what}");
    };
    each_cluster(2, |cluster| {
        told.lock().unwrap().clear();
        let panics = |what: &'static str| std::panic::resume_unwind(Box::new(what));
        cluster
            .spawn(async move || panics("left early"))
            .unwrap()
            .detach();
        wait_for("left early");
        let late = cluster.spawn(async move || panics("left late")).unwrap();
        bibelot_sync::block_on(late.wait()).unwrap();
        assert_eq!(count("left late"), 0);
        drop(late);
        wait_for("left late");
        let fails = async || Err::<(), _>(std::io::Error::other("failed alone"));
        cluster.spawn(fails).unwrap().detach();
        wait_for("failed alone");
        let joined = cluster.spawn(async move || panics("joined")).unwrap();
        assert!(joined.join_blocking().is_err());
        drop(joined);
        let server = cluster.serve("127.0.0.1:0", async |_, _| {
            Err::<(), _>(std::io::Error::other("a handler failed"))
        });
        let server = server.blocking().unwrap();
        drop(StdStream::connect(server.local_addr()).unwrap());
        wait_for("a handler failed");
        assert_eq!(count("joined"), 0);
    });
}
