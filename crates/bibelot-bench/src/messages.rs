//! Messages from another thread, each with the time at which it was sent.
//!
//! The thread runs on the processor of the load. To a kernel that sleeps it sends with pauses, and what counts is how
//! long a message takes. To a kernel that is busy with a task that always gives way it sends every few
//! microseconds, and what counts is how many system calls of the sender that takes: a kernel that does not
//! sleep needs none to be woken.

use std::thread;
use std::time::{Duration, Instant};

use crate::calls::Calls;
use crate::histogram::Histogram;
use crate::pin::{Place, pin};
use crate::watch::Sample;

/// After such a pause whoever waits is asleep.
const PAUSE: Duration = Duration::from_micros(300);

/// Within such a pause a message is taken and the next one waited for.
const BREATH: Duration = Duration::from_micros(3);

/// After so long a thread that was not unparked looks whether the sender has ended.
pub const PATIENCE: Duration = Duration::from_millis(100);

/// Starts the sender, and takes all messages.
pub async fn receive(
    busy: bool,
    ops: u64,
    send: impl Fn(Instant) + Send + 'static,
    mut get: impl AsyncFnMut() -> Instant,
) -> Sample {
    let sender = thread::spawn(move || send_all(busy, ops, send));
    let mut latencies = Histogram::new();
    for _ in 0..ops {
        latencies.add(get().await.elapsed());
    }
    let calls = sender.join().expect("a sender that sends");
    if !busy {
        return Sample::median(&latencies);
    }
    match calls {
        Some(amount) => Sample { amount, ops },
        None => Sample { amount: 0, ops: 0 },
    }
}

/// Sends all messages; how many system calls that took, if it is known.
pub fn send_all(busy: bool, ops: u64, send: impl Fn(Instant)) -> Option<u64> {
    pin(Place::Load);
    let calls = if busy { Calls::of(0).ok() } else { None };
    for _ in 0..ops {
        if busy {
            let began = Instant::now();
            while began.elapsed() < BREATH {
                std::hint::spin_loop();
            }
        } else {
            thread::sleep(PAUSE);
        }
        send(Instant::now());
    }
    // Reading the count is one of those that are counted.
    Some(calls?.read().ok()?.saturating_sub(1))
}
