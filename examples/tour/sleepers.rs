//! Several coroutines at once: sleepers that wake in the order of their spans.

use std::time::Duration;

use bibelot::{AllCompleted, FirstCompleted, Kernel, Task, sleep, spawn, wait};

use crate::chapter;

/// The talk's seconds, scaled down.
const SECOND: Duration = Duration::from_millis(100);

async fn loud(t: u32) -> bibelot::Result<()> {
    println!("sleeping {t}");
    sleep(t * SECOND).await?;
    println!("awake {t}");
    Ok(())
}

async fn sleepy(t: u32) -> bibelot::Result<u32> {
    sleep(t * SECOND).await?;
    Ok(t)
}

/// Sleepers 3, 1, 2 wake as 1, 2, 3.
pub fn all(kernel: &mut Kernel) -> bibelot::Result<()> {
    chapter("Running multiple coroutines");
    kernel.block_on(async {
        let (done, _) = wait([loud(3), loud(1), loud(2)].map(spawn), AllCompleted).await?;
        for task in done {
            task.await??;
        }
        Ok(())
    })
}

/// Their results, all at once.
pub fn collected(kernel: &mut Kernel) -> bibelot::Result<()> {
    chapter("Results, all at once");
    kernel.block_on(async {
        let (done, _) = wait([3, 1, 2].map(|t| spawn(sleepy(t))), AllCompleted).await?;
        for task in done {
            println!("{}", task.await??);
        }
        Ok(())
    })
}

/// Their results, as they complete.
pub fn as_they_complete(kernel: &mut Kernel) -> bibelot::Result<()> {
    chapter("Results, as they complete");
    kernel.block_on(async {
        let mut pending: Vec<Task<_>> = [3, 1, 2].map(|t| spawn(sleepy(t))).into();
        while !pending.is_empty() {
            let done;
            (done, pending) = wait(pending, FirstCompleted).await?;
            for task in done {
                println!("{}", task.await??);
            }
        }
        Ok(())
    })
}
