//! A long computation in a thread, while the kernel goes on.
//!
//! `cargo run --example in_thread`

use std::cell::Cell;
use std::rc::Rc;
use std::sync::mpsc;

use bibelot::universal::Event;
use bibelot::{AsCancelled, is_abandoned, run_in_thread, spawn, yield_now};

fn fib(n: u64) -> u64 {
    if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
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
    println!("fib(27) is {}", run_in_thread(|| fib(27)).await?);
    println!("the kernel went on meanwhile: {}", ticks.get() > 0);
    ticker.cancel().await?;

    // What goes wrong there is an error here.
    let failed = run_in_thread(|| -> u64 { std::panic::resume_unwind(Box::new("no such number")) });
    println!("{}", failed.await.unwrap_err());

    // A cancel frees the caller at once. The thread hears of it if it asks; what it gives is not lost.
    let (late, arrives) = mpsc::channel();
    let begun = Event::new();
    let endless = spawn({
        let begun = begun.clone();
        let job = run_in_thread(move || {
            begun.set();
            loop {
                let value = fib(10);
                if is_abandoned() {
                    break value;
                }
            }
        });
        job.on_abandon(move |value| late.send(value).expect("somebody listens"))
    });
    begun.wait().await?;
    endless.cancel().await?;
    println!("given up: {}", endless.await?.unwrap_err().is_cancelled());
    let value = run_in_thread(move || arrives.recv()).await?;
    println!("and the late value was {}", value.expect("it was sent"));
    Ok(())
}
