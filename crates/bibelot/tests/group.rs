//! Groups: what they wait for, what they leave, and that nobody survives them.

#[path = "group/crowds.rs"]
mod crowds;
#[path = "group/members.rs"]
mod members;
#[path = "group/policies.rs"]
mod policies;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use bibelot::{Error, clock, sleep};
use bibelot_sim::Sim;

type Log = Rc<RefCell<Vec<String>>>;

fn run<F: Future<Output = bibelot::Result<()>>>(main: F) {
    Sim::calm().block_on(main).unwrap();
}

async fn ms(n: u64) -> bibelot::Result<()> {
    sleep(Duration::from_millis(n)).await?;
    Ok(())
}

fn now() -> u64 {
    clock().as_nanos() / 1_000_000
}

async fn after<T>(n: u64, value: T) -> bibelot::Result<T> {
    ms(n).await?;
    Ok(value)
}

async fn failing(n: u64, what: &'static str) -> bibelot::Result<u32> {
    ms(n).await?;
    Err(Error::from(std::io::Error::other(what)))
}
