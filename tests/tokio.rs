//! Universal objects beside tokio: its tasks, ours and plain threads on one object, and its poller on the
//! descriptor of a queue.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use bibelot::bridge::{run_at, run_on};
use bibelot::universal::{Event, OnceResult, Queue, oneshot};
use bibelot::{AsCancelled, KernelHandle, spawn, timeout_after};
use tokio::io::unix::AsyncFd;

/// Runs a body in a tokio of its own thread.
fn in_tokio<F: Future<Output: Send> + Send + 'static>(body: F) -> thread::JoinHandle<F::Output> {
    thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread();
        runtime_with_io(runtime).block_on(body)
    })
}

fn runtime_with_io(mut builder: tokio::runtime::Builder) -> tokio::runtime::Runtime {
    builder.enable_io().build().unwrap()
}

#[test]
fn tasks_of_two_kernels_a_tokio_task_and_a_thread_share_one_queue() {
    const ITEMS: u32 = 4_000;
    let queue = Queue::bounded(2);
    let (got, all) = mpsc::channel();
    let mut threads = Vec::new();
    for _ in 0..2 {
        let (queue, got) = (queue.clone(), got.clone());
        threads.push(thread::spawn(move || {
            bibelot::run(async move {
                loop {
                    let limit = Duration::from_micros(50);
                    match timeout_after(limit, queue.get_guard()).await {
                        Ok(item) => got.send(*item).unwrap(),
                        Err(bibelot::GetError::Closed) => return,
                        Err(_) => {}
                    }
                }
            });
        }));
    }
    threads.push(in_tokio({
        let (queue, got) = (queue.clone(), got.clone());
        async move {
            let tasks = [0, 1].map(|_| {
                let (queue, got) = (queue.clone(), got.clone());
                tokio::spawn(async move {
                    while let Ok(item) = queue.get_guard().await {
                        got.send(*item).unwrap();
                        drop(item);
                        // One that is dropped after a poll, as the loser of a select is.
                        let dropped = async { drop(queue.get().await.map(|it| got.send(it))) };
                        let _ = poll_once(dropped).await;
                    }
                })
            });
            for task in tasks {
                task.await.unwrap();
            }
        }
    }));
    let putter = in_tokio({
        let queue = queue.clone();
        async move {
            for item in 0..ITEMS {
                queue.put(item).await.unwrap();
            }
        }
    });
    putter.join().unwrap();
    while !queue.is_empty() {
        thread::yield_now();
    }
    queue.close();
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    drop(got);
    let mut items: Vec<_> = all.into_iter().collect();
    items.sort_unstable();
    assert!(items.into_iter().eq(0..ITEMS));
}

/// Polls a future once and drops it.
async fn poll_once<F: Future>(future: F) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match future.as_mut().poll(context) {
            std::task::Poll::Ready(out) => Some(out),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

#[test]
fn tokio_polls_the_descriptor_of_a_queue_that_a_kernel_fills() {
    const ITEMS: usize = 1_000;
    let queue = Queue::bounded(8);
    let poller = in_tokio({
        let queue = queue.clone();
        async move {
            #[expect(deprecated, reason = "its successor asks for unsafe code")]
            let fd = AsyncFd::new(queue.with_fd().unwrap()).unwrap();
            let mut count = 0;
            loop {
                let mut ready = fd.readable().await.unwrap();
                loop {
                    match queue.try_get() {
                        Ok(_) => count += 1,
                        Err(bibelot::sync::TryGetError::Closed) => return count,
                        Err(_) => break,
                    }
                }
                ready.clear_ready();
            }
        }
    });
    bibelot::run(async move {
        let task = spawn({
            let queue = queue.clone();
            async move {
                for item in 0..ITEMS {
                    queue.put(item).await?;
                }
                bibelot::Ok(())
            }
        });
        task.await??;
        queue.close();
        bibelot::Ok(())
    })
    .unwrap();
    assert_eq!(poller.join().unwrap(), ITEMS);
}

#[test]
fn events_results_and_oneshots_go_from_one_runtime_to_the_other() {
    let (open, answer) = (Event::new(), OnceResult::<u32, String>::new());
    let (sender, receiver) = oneshot();
    let theirs = in_tokio({
        let (open, answer) = (open.clone(), answer.clone());
        async move {
            open.wait().await.unwrap();
            sender.send("from tokio").unwrap();
            answer.get().await.unwrap().clone()
        }
    });
    let said = bibelot::run(async move {
        open.set();
        let said = receiver.await?;
        answer.set(Ok(42)).unwrap();
        bibelot::Ok(said)
    });
    assert_eq!(said.unwrap(), "from tokio");
    assert_eq!(theirs.join().unwrap(), Ok(42));
}

#[test]
fn a_future_of_tokios_is_awaited_here_and_a_task_of_ours_there() {
    let (tell, told) = mpsc::channel();
    let (stop, stopped) = oneshot::<()>();
    let tokio_thread = in_tokio(async move {
        tell.send(tokio::runtime::Handle::current()).unwrap();
        let _ = stopped.await;
    });
    let handle = told.recv().unwrap();
    let timed_out = bibelot::run(async move {
        let kernel = KernelHandle::try_current().unwrap();
        let onto = handle.clone();
        let theirs = async move {
            // It needs tokio's reactor, and asks back for a task of ours.
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let ours = tokio::spawn(run_at(&kernel, move || async move {
                bibelot::TcpStream::connect(address).await.is_ok()
            }));
            let accepted = listener.accept().await;
            accepted.is_ok() && ours.await.unwrap().unwrap()
        };
        assert!(
            run_on(move |job| drop(handle.spawn(job)), theirs)
                .await
                .unwrap()
        );
        let deaf = run_on(
            move |job| drop(onto.spawn(job)),
            std::future::pending::<()>(),
        );
        timeout_after(Duration::from_millis(5), deaf)
            .await
            .unwrap_err()
            .timed_out()
    });
    assert!(timed_out);
    stop.send(()).unwrap();
    tokio_thread.join().unwrap();
}
