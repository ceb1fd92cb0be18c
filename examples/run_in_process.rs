//! A long computation in a process of its own: it shares nothing, may crash, and is stopped when nobody
//! waits for it any more.
//!
//! `cargo run --example run_in_process`

use std::cell::Cell;
use std::process;
use std::rc::Rc;
use std::time::Duration;

use bibelot::{
    AsCancelled, ProcessError, process_fn, run_in_process, spawn, timeout_after, yield_now,
};

#[process_fn]
fn fib(n: u64) -> u64 {
    if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
}

#[process_fn]
fn lower(words: Vec<String>, but: String) -> Vec<String> {
    let others = words.into_iter().filter(|word| *word != but);
    others.map(|word| word.to_lowercase()).collect()
}

#[process_fn]
fn divide(a: i32, b: i32) -> i32 {
    a / b
}

#[process_fn]
fn crash() {
    process::exit(3);
}

#[bibelot::main]
async fn main() -> bibelot::Result<()> {
    let ticks = Rc::new(Cell::new(0_u64));
    let counter = ticks.clone();
    let ticker = spawn(async move {
        while yield_now().await.is_ok() {
            counter.set(counter.get() + 1);
        }
    });
    println!("fib(25) is {}", run_in_process(fib, 25).await?);
    println!("the kernel went on meanwhile: {}", ticks.get() > 0);
    ticker.cancel().await?;

    // A function is still a function, and several arguments go as a tuple.
    println!("fib(10) is {}", fib(10));
    let words = ["Oxford", "Stilton", "Danish"].map(String::from).to_vec();
    let words = run_in_process(lower, (words, "Danish".into())).await?;
    println!("{}", words.join(" and "));

    // What goes wrong there is an error here, and the next call is as good as ever.
    match run_in_process(divide, (1, 0)).await {
        Err(ProcessError::Panicked(panic)) => println!("it says: {}", panic.message()),
        other => println!("{other:?}"),
    }
    println!("{}", run_in_process(crash, ()).await.unwrap_err());
    println!("divided: {}", run_in_process(divide, (84, 2)).await?);

    // This one would go on for a very long time; its process is ended before the limit gives its error.
    let limit = Duration::from_millis(50);
    let error = timeout_after(limit, run_in_process(fib, 90)).await;
    println!("given up in time: {}", error.unwrap_err().timed_out());
    Ok(())
}
