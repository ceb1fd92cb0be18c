//! The watchdog: does something about a thread that does not come back in time.
//!
//! It is a thread that waits by the real clock, so that it also bites when the one it watches is stuck in a
//! computation, in a call that blocks, or in a simulated world.

use std::fmt;
use std::io;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Bites unless it is dropped before its time.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use bibelot_sys::Watchdog;
///
/// let watchdog = Watchdog::new([(Duration::from_secs(60), || eprintln!("still busy?"))])?;
/// let sum: u64 = (1..=1000).sum();
/// drop(watchdog);
/// # assert_eq!(sum, 500_500);
/// # std::io::Result::Ok(())
/// ```
#[must_use = "dropping it calls it off"]
pub struct Watchdog {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    is_off: Mutex<bool>,
    off: Condvar,
}

impl Watchdog {
    /// Begins to watch: each of `bites` comes so long after the one before it.
    ///
    /// # Errors
    ///
    /// When no thread can be had.
    pub fn new<B>(bites: impl IntoIterator<Item = (Duration, B)>) -> io::Result<Self>
    where
        B: FnOnce() + Send + 'static,
    {
        let bites: Vec<(Duration, B)> = bites.into_iter().collect();
        let shared = Arc::new(Shared::default());
        let watched = shared.clone();
        let thread = thread::Builder::new().name("bibelot-watchdog".to_owned());
        let thread = thread.spawn(move || {
            for (span, bite) in bites {
                if watched.is_off_within(span) {
                    return;
                }
                bite();
            }
        })?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }
}

impl Shared {
    /// Waits for it to be called off, for so long; whether it was.
    fn is_off_within(&self, span: Duration) -> bool {
        let is_off = self.is_off.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .off
            .wait_timeout_while(is_off, span, |is_off| !*is_off)
            .unwrap_or_else(PoisonError::into_inner);
        *waited.0
    }
}

impl Drop for Watchdog {
    /// Calls it off; a bite that is under way is waited for.
    fn drop(&mut self) {
        *self
            .shared
            .is_off
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = true;
        self.shared.off.notify_one();
        if let Some(thread) = mem::take(&mut self.thread) {
            // Its panic was reported where it happened.
            let _panicked = thread.join();
        }
    }
}

impl fmt::Debug for Watchdog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watchdog").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn it_bites_in_order_unless_it_is_called_off() {
        let (send, receive) = mpsc::channel();
        let bites = [1, 2].map(|n| {
            let send = send.clone();
            (Duration::from_millis(1), move || send.send(n).unwrap())
        });
        let hour = Duration::from_secs(3600);
        let last = send.clone();
        let never = (
            hour,
            Box::new(move || last.send(3).unwrap()) as Box<dyn FnOnce() + Send>,
        );
        let bites = bites.map(|(span, bite)| (span, Box::new(bite) as Box<dyn FnOnce() + Send>));
        let watchdog = Watchdog::new(bites.into_iter().chain([never])).unwrap();
        assert_eq!((receive.recv(), receive.recv()), (Ok(1), Ok(2)));
        // Comes back at once.
        drop(watchdog);
        drop(send);
        assert!(receive.recv().is_err());
    }
}
