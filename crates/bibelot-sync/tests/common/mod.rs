//! What the tests of this crate share: a waker that notes its wakes, and tests that run in both shells.

#![allow(
    dead_code,
    unused_macros,
    unused_imports,
    reason = "each test file uses its part"
)]

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// Counts the wakes of one waiter.
#[derive(Clone, Debug)]
pub struct Flag(Arc<Wakes>);

#[derive(Debug)]
struct Wakes(AtomicUsize);

impl Flag {
    pub fn new() -> Self {
        Self(Arc::new(Wakes(AtomicUsize::new(0))))
    }

    pub fn waker(&self) -> Waker {
        Waker::from(self.0.clone())
    }

    /// Whether a wake has come since the last look.
    pub fn take(&self) -> bool {
        self.0.0.swap(0, Ordering::SeqCst) != 0
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

pub fn poll<F: Future + Unpin>(future: &mut F, woken: &Flag) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(&woken.waker()))
}

/// Makes two tests of each function that is generic over the shell.
macro_rules! in_both_shells {
    ($($name:ident),* $(,)?) => {
        mod local {
            $(#[test] fn $name() { super::$name::<bibelot_sync::generic::Local>(); })*
        }
        mod universal {
            $(#[test] fn $name() { super::$name::<bibelot_sync::generic::Universal>(); })*
        }
    };
}
pub(crate) use in_both_shells;

/// The value of a future that is ready at once.
pub fn now<F: Future + Unpin>(mut future: F) -> F::Output {
    match poll(&mut future, &Flag::new()) {
        Poll::Ready(out) => out,
        Poll::Pending => panic!("it was to be ready at once"),
    }
}
