//! The tour: the talk that started this project, chapter by chapter, on both backends.
//!
//! `cargo run --release --example tour` walks through coroutines, chaining, the event loop, several
//! coroutines at once, producers and consumers, and a line echo server with its clients, and prints what
//! the talk prints. It does so on the backend that the machine offers, then on the other, and ends with a
//! line that compares the two.

#[path = "tour/clients.rs"]
mod clients;
#[path = "tour/coroutines.rs"]
mod coroutines;
#[path = "tour/producer.rs"]
mod producer;
#[path = "tour/sleepers.rs"]
mod sleepers;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use bibelot::{Backend, Kernel};

/// What one walk came to.
struct Walk {
    backend: String,
    took: Duration,
    turns: u64,
    polls: u64,
    system_calls: u64,
}

fn main() -> ExitCode {
    let first = match walk(Kernel::builder()) {
        Ok(walk) => walk,
        Err(error) => {
            eprintln!("the tour ended early: {error}");
            return ExitCode::FAILURE;
        }
    };
    let other = if first.backend == "uring" {
        Backend::Poll
    } else {
        Backend::Uring
    };
    match walk(Kernel::builder().backend(other)) {
        Ok(second) => {
            println!("\n{}; {}", first.line(), second.line());
            ExitCode::SUCCESS
        }
        Err(error) if other == Backend::Uring => {
            println!("\n{}; uring: cannot be had here ({error})", first.line());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("the tour ended early: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Goes through all chapters on one backend.
fn walk(builder: bibelot::Builder) -> bibelot::Result<Walk> {
    let mut kernel = builder.build()?;
    println!("\n###### On {}", kernel.backend());
    let began = Instant::now();
    coroutines::alone();
    coroutines::chained();
    coroutines::on_a_loop(&mut kernel);
    sleepers::all(&mut kernel)?;
    sleepers::collected(&mut kernel)?;
    sleepers::as_they_complete(&mut kernel)?;
    producer::producer_consumer(&mut kernel)?;
    clients::serve_and_close(&mut kernel)?;
    let (counters, reactor) = (kernel.counters(), kernel.reactor_counters());
    let backend = kernel.backend().name.to_owned();
    let report = kernel.shutdown();
    assert!(report.is_clean(), "something was left: {report:?}");
    Ok(Walk {
        backend,
        took: began.elapsed(),
        turns: counters.turns,
        polls: counters.polls,
        system_calls: reactor.system_calls,
    })
}

impl Walk {
    fn line(&self) -> String {
        let Self {
            backend,
            took,
            turns,
            polls,
            system_calls,
        } = self;
        let took = took.as_millis();
        format!("{backend}: {took} ms, {turns} turns, {polls} polls, {system_calls} system calls")
    }
}

/// Prints the heading of a chapter.
fn chapter(title: &str) {
    println!("\n# {title}\n");
}
