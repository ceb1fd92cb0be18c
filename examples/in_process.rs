//! Functions in processes of their own: they may take long, crash, and be stopped in the middle.
//!
//! `cargo run --example in_process`

use std::time::Duration;

use bibelot::process::ProcessError;
use bibelot::{AsCancelled, gather, process_fn, run_in_process, timeout_after};

#[process_fn]
fn fib(n: u64) -> u64 {
    if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
}

#[process_fn]
fn fail(why: String) {
    std::panic::resume_unwind(Box::new(why));
}

#[process_fn]
fn crash() {
    std::process::abort();
}

#[process_fn]
fn forever() {
    loop {
        std::thread::park();
    }
}

#[bibelot::main]
async fn main() -> bibelot::Result<()> {
    let numbers = gather((20..25).map(|n| run_in_process(fib, n))).await;
    let numbers: Result<Vec<_>, _> = numbers.into_iter().collect();
    println!("side by side: {:?}", numbers?);

    match run_in_process(fail, "no such number".to_owned()).await {
        Err(ProcessError::Panicked(panic)) => println!("it panicked: {}", panic.message()),
        other => println!("unexpected: {other:?}"),
    }
    match run_in_process(crash, ()).await {
        Err(ProcessError::Died(_)) => println!("it crashed, and we did not"),
        other => println!("unexpected: {other:?}"),
    }
    let limit = Duration::from_millis(50);
    let cut = timeout_after(limit, run_in_process(forever, ())).await;
    println!("stopped in the middle: {}", cut.unwrap_err().timed_out());
    println!(
        "and the next call is served: {}",
        run_in_process(fib, 10).await?
    );
    Ok(())
}
