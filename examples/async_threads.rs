//! Async threads on a queue: plain blocking code that awaits where it likes.
//!
//! `cargo run --example async_threads`
//!
//! A consumer is a thread, with a stack of its own and whatever blocks in it. Yet its gets are waits of
//! the kernel: they can be timed out, and a cancel of the thread is heard there.

use bibelot::universal::Queue;
use bibelot::{AsCancelled, GetError, Wait, spawn_thread, task_group};

fn consumer(queue: &Queue<u32>, cx: &bibelot::ThreadCx) -> (u32, bool) {
    let mut sum = 0;
    loop {
        // What the kernel polls is the kernel's, so the queue's handle goes along.
        let next = queue.clone();
        match cx.block_on(async move { next.get().await }) {
            Ok(item) => {
                sum += item;
                queue.task_done().expect("once for each item");
            }
            Err(GetError::Cancelled(_)) => return (sum, true),
            Err(_closed) => return (sum, false),
        }
    }
}

#[bibelot::main]
async fn main() -> bibelot::Result<()> {
    let queue = Queue::bounded(2);
    let consumers: Vec<_> = (0..3)
        .map(|_| {
            let queue = queue.clone();
            spawn_thread(move |cx| consumer(&queue, cx))
        })
        .collect();
    let producers = task_group(Wait::All, async |group| {
        for tens in 0..5 {
            let queue = queue.clone();
            group.spawn(async move {
                for item in 1..=10 {
                    queue.put(tens * 10 + item).await?;
                }
                bibelot::Ok(())
            })?;
        }
        bibelot::Ok(())
    });
    producers.await?.into_results()?;
    queue.join().await?;
    println!("everything has been worked off: {}", queue.is_empty());

    let mut total = 0;
    for consumer in consumers {
        consumer.cancel().await?;
        let (sum, was_told) = consumer.await?;
        println!("a consumer was told to stop: {was_told}");
        total += sum;
    }
    println!("together they got {total}");

    // A thread may have limits and groups like any task.
    let limited = spawn_thread(|cx| {
        let limit = std::time::Duration::from_millis(5);
        cx.block_on(bibelot::timeout_after(limit, async {
            std::future::pending::<()>().await;
            Ok::<_, bibelot::Cancelled>(())
        }))
    });
    println!("timed out: {}", limited.await?.unwrap_err().timed_out());
    // And whoever has no kernel at all uses the same queue.
    queue.close();
    let left = std::thread::spawn(move || queue.get_blocking());
    println!(
        "closed: {}",
        left.join().expect("it does not panic").is_err()
    );
    Ok(())
}
