//! Producer and consumers: a queue between tasks, and a gathering cancelled as one.

use bibelot::{AsCancelled, Kernel, Queue, gather, spawn};

use crate::chapter;

async fn producer(queue: &Queue<u32>) -> bibelot::Result<()> {
    for i in 0..20 {
        queue.put(i).await?;
        println!("producer put {i}");
    }
    // Wait for everything to be processed.
    queue.join().await?;
    Ok(())
}

async fn consumer(name: &str, queue: Queue<u32>) {
    println!("consumer {name} running");
    loop {
        match queue.get().await {
            Ok(value) => println!("consumer {name} got {value}"),
            Err(error) if error.is_cancelled() => {
                println!("consumer {name} cancelled");
                return;
            }
            Err(error) => panic!("nobody closes the queue: {error}"),
        }
        queue.task_done().expect("once for each item");
    }
}

/// A producer and three consumers over a queue of capacity 1; then the consumers are told to stop.
pub fn producer_consumer(kernel: &mut Kernel) -> bibelot::Result<()> {
    chapter("Producer, consumers");
    kernel.block_on(async {
        let queue = Queue::bounded(1);
        // Start some consumers, as one task.
        let consumers = spawn(gather(
            ["A", "B", "C"].map(|name| consumer(name, queue.clone())),
        ));
        // Start the producer and wait for it to finish.
        producer(&queue).await?;
        // All done: tell the consumers to stop.
        consumers.cancel().await?;
        Ok(())
    })
}
