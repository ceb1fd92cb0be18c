//! The ways in which an operation can be cut off.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::Poll;

use bibelot::{AsCancelled, sleep, spawn, timeout_after, timeout_drop};

use crate::rng::Rng;

/// How an operation is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Its future is dropped when the time is up; what is ready then wins.
    Drop,
    /// Its future is dropped when the time is up, before anybody looks at what is ready.
    DropCutFirst,
    /// One future is kept, and polled again after each limit.
    Hold,
    /// A limit of the runtime's own cancels it, and it is awaited to its end.
    Cancel,
    /// The task that it runs in is cancelled, and awaited to its end.
    CancelTask,
}

impl Cut {
    pub const ALL: [Self; 5] = [
        Self::Drop,
        Self::DropCutFirst,
        Self::Hold,
        Self::Cancel,
        Self::CancelTask,
    ];
}

/// An operation under way.
pub type Ongoing<'a, T> = Pin<Box<dyn Future<Output = io::Result<T>> + 'a>>;

/// Does `op`, cutting it off and doing it again until it ends by itself.
pub async fn storm<S, T, F>(mut state: S, cut: Cut, rng: &mut Rng, op: F) -> (S, io::Result<T>)
where
    S: 'static,
    T: 'static,
    F: for<'a> Fn(&'a mut S) -> Ongoing<'a, T> + Clone + 'static,
{
    let mut held = (cut == Cut::Hold).then(|| rng.split());
    loop {
        if let Some(rng) = &mut held {
            let mut ongoing = op(&mut state);
            loop {
                if let Ok(ended) = timeout_drop(rng.span(), &mut ongoing).await {
                    drop(ongoing);
                    return (state, ended);
                }
            }
        }
        let span = rng.span();
        let ended = match cut {
            Cut::Drop => timeout_drop(span, op(&mut state)).await.ok(),
            Cut::DropCutFirst => {
                let mut cut = pin!(sleep(span));
                let mut ongoing = op(&mut state);
                let both = poll_fn(|context| {
                    if cut.as_mut().poll(context).is_ready() {
                        return Poll::Ready(None);
                    }
                    ongoing.as_mut().poll(context).map(Some)
                });
                both.await
            }
            Cut::Cancel => Some(timeout_after(span, op(&mut state)).await),
            Cut::CancelTask => {
                let op = op.clone();
                let task = spawn(async move {
                    let ended = op(&mut state).await;
                    (state, ended)
                });
                sleep(span).await.expect("nobody cancels the test");
                task.cancel().await.expect("nobody cancels the test");
                let ended;
                (state, ended) = task.await.expect("it hears and returns");
                Some(ended)
            }
            Cut::Hold => unreachable!("it was held"),
        };
        match ended {
            None => {}
            Some(Err(error)) if error.as_cancelled().is_some() => {}
            Some(ended) => return (state, ended),
        }
    }
}
