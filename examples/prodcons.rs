//! A producer and three consumers over a queue with room for one, as in the talk that began this.
//!
//! `cargo run --example prodcons`
//!
//! The consumers are gathered into one task. When everything has been worked off that task is cancelled,
//! which reaches every consumer, and each says so before it ends.

use bibelot::{AsCancelled, GetError, Queue, gather, spawn};

async fn producer(queue: &Queue<u32>) -> bibelot::Result<()> {
    for item in 0..20 {
        queue.put(item).await?;
        println!("producer put {item}");
    }
    // Wait for everything to be worked off.
    queue.join().await?;
    Ok(())
}

async fn consumer(name: char, queue: Queue<u32>) -> Result<(), GetError> {
    println!("consumer {name} running");
    loop {
        let item = match queue.get().await {
            Ok(item) => item,
            Err(error) if error.is_cancelled() => {
                println!("consumer {name} cancelled");
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        println!("consumer {name} got {item}");
        queue.task_done().expect("once for each item");
    }
}

#[bibelot::main]
async fn main() -> bibelot::Result<()> {
    let queue = Queue::bounded(1);
    let consumers = spawn(gather(
        ['A', 'B', 'C'].map(|name| consumer(name, queue.clone())),
    ));
    producer(&queue).await?;
    consumers.cancel().await?;
    for ended in consumers.await? {
        ended?;
    }
    Ok(())
}
