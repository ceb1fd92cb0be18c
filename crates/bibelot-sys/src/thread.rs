//! A thread for a kernel: one that lives as long as what runs on it, and may be bound to a processor.
//!
//! The threads of the [`Pool`](crate::Pool) do the jobs of a reactor; these have a reactor of their own.

use std::fmt;
use std::io;
use std::thread::{self, JoinHandle};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::raw::block_signals;

/// A thread that was started with [`start_thread`]. Dropped, it lets the thread go on by itself.
pub struct Started(JoinHandle<()>);

/// Starts a thread under a name, which is cut to what the operating system keeps of one.
///
/// Signals sent to the process are left to other threads, as by the workers of a [`Pool`](crate::Pool).
///
/// # Errors
///
/// The operating system's own, when no thread can be had, and
/// [`InvalidInput`](io::ErrorKind::InvalidInput) for a name with a zero byte; `body` is dropped then.
pub fn start_thread(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<Started> {
    if name.contains('\0') {
        let message = format!("a thread cannot be called {name:?}");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let thread = thread::Builder::new().name(name.to_owned());
    let started = thread.spawn(move || {
        block_signals();
        body();
    });
    started.map(Started)
}

impl Started {
    /// Whether its body has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.0.is_finished()
    }

    /// Waits for the thread's end; whether its body returned, rather than panicked.
    pub fn join(self) -> bool {
        self.0.join().is_ok()
    }
}

impl fmt::Debug for Started {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Started")
            .field("name", &self.0.thread().name())
            .field("is_finished", &self.is_finished())
            .finish()
    }
}

/// The numbers of the processors that this thread may run on, in ascending order.
///
/// # Errors
///
/// The operating system's own.
pub fn processors() -> io::Result<Vec<usize>> {
    let allowed = sched_getaffinity(None)?;
    Ok((0..CpuSet::MAX_CPU)
        .filter(|&number| allowed.is_set(number))
        .collect())
}

/// Binds this thread to the processor with this number.
///
/// # Errors
///
/// [`InvalidInput`](io::ErrorKind::InvalidInput) when there is no such processor, or this process may not
/// use it.
pub fn bind_to_processor(number: usize) -> io::Result<()> {
    if number >= CpuSet::MAX_CPU {
        let message = format!("there is no processor {number}");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let mut only = CpuSet::new();
    only.set(number);
    Ok(sched_setaffinity(None, &only)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn a_thread_is_bound_to_one_processor_and_no_other_thread_is() {
        let all = processors().unwrap();
        let last = *all.last().unwrap();
        let (tell, told) = channel();
        let started = start_thread("bound", move || {
            bind_to_processor(last).unwrap();
            tell.send((
                processors().unwrap(),
                thread::current().name().unwrap().to_owned(),
            ))
            .unwrap();
        })
        .unwrap();
        assert_eq!(told.recv().unwrap(), (vec![last], "bound".to_owned()));
        assert!(started.join());
        assert_eq!(processors().unwrap(), all);
    }

    #[test]
    fn a_processor_that_is_not_there_is_refused() {
        let error = bind_to_processor(CpuSet::MAX_CPU - 1).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(bind_to_processor(usize::MAX).is_err());
    }

    #[test]
    fn a_body_that_panics_says_so() {
        let started = start_thread("panics", || std::panic::resume_unwind(Box::new(()))).unwrap();
        assert!(!started.join());
    }

    #[test]
    fn a_name_with_a_zero_byte_is_refused() {
        let refused = start_thread("a\0b", || ()).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
    }
}
