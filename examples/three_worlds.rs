//! One queue among three worlds: a task, a plain thread, and a task of a second kernel.
//!
//! `cargo run --example three_worlds`
//!
//! The universal queue awaits under any executor and blocks in any thread. Each of the three puts what it
//! has into it and gets what is there; every item comes out once.

use std::thread;

use bibelot::universal::{OnceResult, Queue};
use bibelot::{Backend, Kernel};

const EACH: u32 = 100;

/// A task of whatever kernel polls it.
async fn task(queue: Queue<u32>, first: u32) -> bibelot::Result<Vec<u32>> {
    let mut got = Vec::new();
    for item in first..first + EACH {
        queue.put(item).await?;
        got.push(queue.get().await?);
        queue.task_done().expect("once for each item");
    }
    Ok(got)
}

/// The same in a thread without a kernel.
fn plain(queue: &Queue<u32>, first: u32) -> Vec<u32> {
    let mut got = Vec::new();
    for item in first..first + EACH {
        queue.put_blocking(item).expect("it is open");
        got.push(queue.get_blocking().expect("it is open"));
        queue.task_done().expect("once for each item");
    }
    got
}

#[bibelot::main]
async fn main() -> bibelot::Result<()> {
    let queue = Queue::bounded(2);
    let name = OnceResult::<String, std::io::Error>::new();

    let plain_thread = thread::spawn({
        let queue = queue.clone();
        move || plain(&queue, 0)
    });
    let second_kernel = thread::spawn({
        let (queue, name) = (queue.clone(), name.clone());
        move || {
            let mut kernel = Kernel::builder().backend(Backend::Poll).build()?;
            let backend = kernel.backend().name.to_owned();
            name.set(Ok(backend)).expect("it is set once");
            kernel.block_on(task(queue, EACH))
        }
    });
    let mut all = task(queue.clone(), 2 * EACH).await?;
    // The others go on without this thread; when they are through, nobody puts anything any more.
    all.extend(plain_thread.join().expect("it does not panic"));
    all.extend(second_kernel.join().expect("it does not panic")?);
    queue.join().await?;
    println!(
        "the second kernel runs on {}",
        name.get().await?.as_ref().expect("it is built")
    );
    println!("left in the queue: {}", queue.len());
    all.sort_unstable();
    println!("each item once: {}", all.iter().copied().eq(0..3 * EACH));
    Ok(())
}
