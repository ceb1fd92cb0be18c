//! A job between the task that waits for it and the thread that works.
//!
//! Both sides hold the same job. The thread takes the body and leaves the result; the task takes the
//! result, or leaves, and what then becomes of the job depends on how far it was.
//!
//! # Invariants
//!
//! - The body is run or dropped, once: what was left before it began never begins.
//! - The result goes to one place: to whoever waits, to the late receiver, or it is dropped.
//! - No code of users runs under the lock.

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bibelot_kernel::{Crash, CrashKind, Panic};

use super::current;
use crate::contain::contain;

/// How a job ended: its value, or what it panicked with.
pub(super) type Ended<T> = Result<T, Box<dyn Any + Send>>;

pub(super) type Body<T> = Box<dyn FnOnce() -> T + Send>;

/// Gets the value of a job for which nobody waits any more.
pub(super) type Late<T> = Box<dyn FnOnce(T) + Send>;

/// A job, held by the future that waits for it and by the operation that does it.
pub(super) struct Job<T>(Mutex<State<T>>);

struct State<T> {
    stage: Stage<T>,
    late: Option<Late<T>>,
}

enum Stage<T> {
    /// No thread has begun it.
    Waits(Body<T>),
    /// A thread is at it.
    Runs,
    /// A thread is at it, and nobody waits.
    Abandoned,
    /// The result lies here.
    Ended(Ended<T>),
    /// The result was taken, or the job taken back.
    Over,
}

/// What a job was when whoever waited for it left.
#[must_use]
pub(super) enum Left<T> {
    /// It had ended; this is its result, and who is to have it if the caller will not.
    Ended(Ended<T>, Option<Late<T>>),
    /// It will never begin, goes on by itself, or was over.
    Left,
}

impl<T: Send + 'static> Job<T> {
    pub(super) fn new(body: impl FnOnce() -> T + Send + 'static) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            stage: Stage::Waits(Box::new(body)),
            late: None,
        })))
    }

    /// Names who gets the value if nobody waits for it any more.
    pub(super) fn set_late(&self, late: impl FnOnce(T) + Send + 'static) {
        let old = self.lock().late.replace(Box::new(late));
        drop(old);
    }

    /// Runs the body on this thread, if it is still wanted. Never unwinds.
    pub(super) fn run(self: &Arc<Self>) {
        let Some(body) = self.begin() else { return };
        let ended = {
            let _entered = current::enter(self.clone());
            catch_unwind(AssertUnwindSafe(body))
        };
        let Some((ended, late)) = self.end(ended) else {
            return;
        };
        // The thread is not the user's to end.
        contain("a late receiver", || deal(ended, late));
    }

    /// Takes the result, if it is there.
    pub(super) fn take(&self) -> Option<Ended<T>> {
        let mut state = self.lock();
        match mem::replace(&mut state.stage, Stage::Over) {
            Stage::Ended(ended) => {
                let late = state.late.take();
                drop(state);
                drop(late);
                Some(ended)
            }
            other => {
                state.stage = other;
                None
            }
        }
    }

    /// Leaves the job to itself: takes it back if it has not begun.
    pub(super) fn leave(&self) -> Left<T> {
        let mut state = self.lock();
        match mem::replace(&mut state.stage, Stage::Over) {
            Stage::Waits(body) => {
                let late = state.late.take();
                drop(state);
                drop((body, late));
                Left::Left
            }
            Stage::Runs | Stage::Abandoned => {
                state.stage = Stage::Abandoned;
                Left::Left
            }
            Stage::Ended(ended) => Left::Ended(ended, state.late.take()),
            Stage::Over => Left::Left,
        }
    }

    fn begin(&self) -> Option<Body<T>> {
        let mut state = self.lock();
        match mem::replace(&mut state.stage, Stage::Runs) {
            Stage::Waits(body) => Some(body),
            other => {
                state.stage = other;
                None
            }
        }
    }

    /// Leaves the result, or gives it back if nobody waits.
    fn end(&self, ended: Ended<T>) -> Option<(Ended<T>, Option<Late<T>>)> {
        let mut state = self.lock();
        match state.stage {
            Stage::Runs => {
                state.stage = Stage::Ended(ended);
                None
            }
            _ => {
                state.stage = Stage::Over;
                Some((ended, state.late.take()))
            }
        }
    }
}

impl<T> Job<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing under the lock can leave the state half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Send + 'static> current::Abandonable for Job<T> {
    fn is_abandoned(&self) -> bool {
        matches!(self.lock().stage, Stage::Abandoned)
    }
}

/// Gives a result that nobody waits for to whoever is to have it; a panic is the crash hook's.
pub(super) fn deal<T>(ended: Ended<T>, late: Option<Late<T>>) {
    match (ended, late) {
        (Ok(value), Some(late)) => late(value),
        (Ok(value), None) => drop(value),
        (Err(payload), late) => {
            let message = format!("{} (in a job that was left to itself)", Panic::new(payload));
            Crash::new(CrashKind::Panicked, &message).report();
            drop(late);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn a_job_that_was_left_before_it_began_never_begins() {
        let owned = Arc::new(());
        let held = owned.clone();
        let job = Job::new(move || {
            drop(held);
            panic!("it was taken back");
        });
        assert!(matches!(job.leave(), Left::<()>::Left));
        assert_eq!(Arc::strong_count(&owned), 1);
        job.run();
        assert!(job.take().is_none());
    }

    #[test]
    fn a_late_value_goes_to_whoever_was_named() {
        let got = Arc::new(AtomicU32::new(0));
        let (job, late) = (Arc::new(Mutex::new(None::<Arc<Job<u32>>>)), got.clone());
        let inner = job.clone();
        let made = Job::new(move || {
            let me = inner.lock().unwrap().clone().unwrap();
            assert!(!current::is_abandoned());
            assert!(matches!(me.leave(), Left::Left));
            assert!(current::is_abandoned());
            7
        });
        made.set_late(move |value| late.store(value, Ordering::Relaxed));
        *job.lock().unwrap() = Some(made.clone());
        made.run();
        assert_eq!(got.load(Ordering::Relaxed), 7);
        assert!(made.take().is_none() && !current::is_abandoned());
        *job.lock().unwrap() = None;
    }

    #[test]
    fn a_result_that_is_there_wins_over_leaving() {
        let job = Job::new(|| 7);
        job.run();
        let Left::Ended(Ok(7), None) = job.leave() else {
            panic!("it had ended");
        };
        assert!(job.take().is_none());
    }

    #[test]
    fn a_panic_in_the_late_receiver_stays_on_its_thread() {
        let job = Arc::new(Mutex::new(None::<Arc<Job<()>>>));
        let inner = job.clone();
        let made = Job::new(move || {
            let me = inner.lock().unwrap().take().unwrap();
            assert!(matches!(me.leave(), Left::Left));
        });
        made.set_late(|()| std::panic::resume_unwind(Box::new(())));
        *job.lock().unwrap() = Some(made.clone());
        made.run();
        assert!(made.take().is_none());
    }
}
