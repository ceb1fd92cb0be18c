//! Tasks that wait for ever, to see how much memory they take.
//!
//! Somebody has to hold their wakers, or a runtime may drop them; where those lie is not counted for the tasks.

use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

/// The wakers of tasks that wait for ever.
static PARKED: Mutex<Vec<Waker>> = Mutex::new(Vec::new());

/// Makes room for so many wakers, so that their memory is not counted for the tasks.
pub fn make_room(count: usize) {
    let mut parked = PARKED.lock().expect("nobody panics in here");
    parked.resize(count, Waker::noop().clone());
    parked.clear();
}

/// Leaves its waker where it keeps the task, and waits for ever.
pub struct Parked(pub bool);

impl Future for Parked {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if !std::mem::replace(&mut self.0, true) {
            let mut parked = PARKED.lock().expect("nobody panics in here");
            parked.push(context.waker().clone());
        }
        Poll::Pending
    }
}
