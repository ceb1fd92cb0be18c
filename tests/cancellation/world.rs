//! A world with nothing in it but time, which moves when the kernel waits and when a program burns it.

use std::io;
use std::task::Waker;
use std::time::Duration;

use bibelot_kernel::{Backend, Kernel, World};
use bibelot_reactor::{Call, Completion, Counters, Op, Reactor, Reply, Token};
use bibelot_timer::{Instant, Manual};

/// The backend.
#[derive(Clone, Debug, Default)]
pub struct Timely {
    clock: Manual,
}

impl Timely {
    /// Lets time pass while a program runs.
    pub fn burn(&self, ms: u64) {
        self.clock.advance(Duration::from_millis(ms));
    }

    /// Runs `main` in this world, on a kernel of its own.
    pub fn block_on<F: Future>(&self, main: F) -> F::Output {
        let mut kernel = Kernel::builder().backend(self.clone()).build().unwrap();
        let value = kernel.block_on(main);
        let report = kernel.shutdown();
        assert!(report.is_clean(), "{report:?}");
        value
    }
}

impl Backend for Timely {
    fn build(self: Box<Self>) -> io::Result<World> {
        Ok(World {
            reactor: Box::new(Nothing(self.clock.clone())),
            clock: Box::new(self.clock),
            choice: None,
            reason: String::new(),
        })
    }
}

/// The time of the turn in milliseconds.
pub fn now() -> u64 {
    now_ns() / 1_000_000
}

/// The time of the turn in nanoseconds.
pub fn now_ns() -> u64 {
    bibelot_kernel::clock().as_nanos()
}

/// This many milliseconds after the start.
pub fn at(ms: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(ms)
}

struct Nothing(Manual);

impl Reactor for Nothing {
    fn name(&self) -> &'static str {
        "nothing"
    }

    fn submit(&mut self, token: Token, _: Op) -> Option<Completion> {
        Some(Completion::end(
            token,
            Err(io::ErrorKind::Unsupported.into()),
            None,
        ))
    }

    fn cancel(&mut self, _: Token) {}

    fn call(&mut self, call: Call) -> io::Result<Reply> {
        match call {
            Call::Attend { .. } => Ok(Reply::Done),
            Call::Counters => Ok(Reply::Counters(Counters::default())),
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    fn poll(&mut self, timeout: Option<Duration>, _: &mut Vec<Completion>) -> io::Result<()> {
        let timeout = timeout.ok_or_else(|| io::Error::other("every task waits, for nothing"))?;
        self.0.advance(timeout);
        Ok(())
    }

    fn unparker(&self) -> Waker {
        Waker::noop().clone()
    }
}
