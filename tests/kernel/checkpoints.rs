//! Cancel points: with `checkpoint_everywhere` every operation that could park is one, though it could end at
//! once; without it none of these is.

use std::io;
use std::net::Shutdown;
use std::rc::Rc;

use bibelot::{
    AsCancelled, Event, Kernel, LifoQueue, Lock, Queue, RwLock, Semaphore, TcpListener, TcpStream,
    Wait, current, spawn, task_group, wait,
};

/// Runs one operation that is ready in a task of its own, which was asked to stop; whether it was cut.
async fn is_cut<T, E, Via>(ready: impl Future<Output = Result<T, E>> + 'static) -> bool
where
    T: 'static,
    E: AsCancelled<Via> + std::fmt::Debug + 'static,
    Via: 'static,
{
    let task = spawn(async {
        current().cancel_nowait();
        match ready.await {
            Ok(_) => false,
            Err(error) => {
                assert!(error.is_cancelled(), "{error:?}");
                true
            }
        }
    });
    task.await.unwrap()
}

/// Which of the operations were cut, by name.
async fn cuts() -> io::Result<Vec<(&'static str, bool)>> {
    let mut found = Vec::new();
    macro_rules! each {
        ($($name:literal => $operation:expr;)*) => {
            $(found.push(($name, is_cut($operation).await));)*
        };
    }
    let (event, lock, both) = (
        Rc::new(Event::new()),
        Rc::new(Lock::new(1)),
        Rc::new(RwLock::new(1)),
    );
    event.set();
    let permits = Rc::new(Semaphore::new(4));
    let queue = Rc::new(Queue::unbounded());
    let last = Rc::new(LifoQueue::unbounded());
    for n in 0..4 {
        queue.put(n).await.unwrap();
        last.put(n).await.unwrap();
    }
    let done = Rc::new(Queue::<u32>::unbounded());
    macro_rules! with {
        ($shared:ident, $($body:tt)*) => {{
            let $shared = $shared.clone();
            async move { $($body)* }
        }};
    }
    each! {
        "event" => with!(event, event.wait().await);
        "lock" => with!(lock, lock.lock().await.map(drop));
        "read lock" => with!(both, both.read().await.map(drop));
        "write lock" => with!(both, both.write().await.map(drop));
        "permit" => with!(permits, permits.acquire().await.map(drop));
        "get" => with!(queue, queue.get().await.map(drop));
        "put" => with!(queue, queue.put(7).await);
        "last in" => with!(last, last.get().await.map(drop));
        "queue join" => with!(done, done.join().await);
    }
    let ended = Rc::new(spawn(async {}));
    ended.wait().await.unwrap();
    let shared = spawn(async {}).shared();
    shared.wait().await.unwrap();
    each! {
        "wait" => with!(ended, ended.wait().await);
        "join of a task" => with!(ended, ended.join().await);
        "shared join" => shared.join();
        "cancel" => with!(ended, ended.cancel().await);
    }
    each! {
        "empty group" => async {
            task_group(Wait::All, async |_: &bibelot::Group<(), bibelot::Error>| bibelot::Ok(())).await
        };
    }
    let listener = Rc::new(TcpListener::bind("127.0.0.1:0").await?);
    let address = listener.local_addr()?;
    let mut here = TcpStream::connect(address).await?;
    let (mut there, _) = listener.accept().await?;
    there.write(b"one\ntwo\nthree\nfour\n").await?;
    here.fill_buf().await?;
    let other = TcpStream::connect(address).await?;
    each! {
        "fill" => async move {
            let mut here = here;
            here.fill_buf().await.map(drop)?;
            Ok::<_, io::Error>(())
        };
        "write" => async move {
            let mut there = there;
            there.write(b"more").await.map(drop)
        };
        "flush" => async move {
            let mut other = other;
            other.shutdown(Shutdown::Write).await
        };
    }
    Ok(found)
}

#[test]
fn every_operation_is_a_cancel_point_where_that_is_asked() {
    let mut kernel = Kernel::builder()
        .checkpoint_everywhere(true)
        .build()
        .unwrap();
    let cuts = kernel.block_on(cuts()).unwrap();
    let missed: Vec<_> = cuts.iter().filter(|(_, is_cut)| !is_cut).collect();
    assert!(missed.is_empty() && cuts.len() > 15, "{missed:?}");
}

#[test]
fn what_is_ready_is_no_cancel_point_elsewhere() {
    let mut kernel = Kernel::new().unwrap();
    let cuts = kernel.block_on(cuts()).unwrap();
    let cut: Vec<_> = cuts.iter().filter(|(_, is_cut)| *is_cut).collect();
    assert!(cut.is_empty(), "{cut:?}");
}

#[test]
fn a_wait_for_tasks_that_have_ended_is_one_where_that_is_asked() {
    for asked in [true, false] {
        let builder = Kernel::builder().checkpoint_everywhere(asked);
        let mut kernel = builder.build().unwrap();
        kernel.block_on(async {
            let tasks = || async {
                let tasks = [spawn(async {}), spawn(async {})];
                for task in &tasks {
                    task.wait().await.unwrap();
                }
                tasks
            };
            let ended = tasks().await;
            let waited =
                is_cut(async move { wait(ended, bibelot::FirstCompleted).await.map(drop) });
            assert_eq!(waited.await, asked);
        });
    }
}
