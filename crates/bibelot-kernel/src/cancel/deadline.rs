//! The deadline: a limit that can be moved while code runs under it.
//!
//! The point in time lies in a state that all handles share, with a list of the scopes that run under it.
//! A move changes the state; it changes the frames of those scopes that are around the code which moves it
//! on the spot, and wakes whoever polls the others if it comes earlier. Later moves wake nobody: a timer
//! that fires too early finds a new deadline and is set anew, so pushing it ahead at every sign of progress
//! costs no timer, however many scopes there are.
//!
//! # Invariants
//!
//! - A scope whose deadline had come when it was moved has expired, and stays so: it belongs to an earlier
//!   epoch than the state.
//! - No waker is cloned, woken or dropped under the lock.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use bibelot_timer::Instant;

use super::as_cancelled::AsCancelled;
use super::cancelled::Cancelled;
use super::frame::Kind;
use super::limit::Limit;
use super::path::{Moved, Path};
use super::until::{IgnoreUntil, TimeoutUntil};
use crate::core::{Core, wake_all};
use crate::home::{self, KernelId};

/// A limit that can be moved while code runs under it.
///
/// Clones are the same deadline. It may be moved from inside the body, from other tasks, and from other
/// threads: a protocol that gives its peer more time once a header has come, or a limit on silence that
/// starts again with every sign of life.
///
/// A scope that has expired when the deadline is moved stays expired, whether or not its body has heard;
/// all others, and those that begin later, have the new one. Of nested limits the earliest still wins.
///
/// asyncio: `timeout().reschedule()`; trio: `CancelScope.deadline`.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
/// use bibelot_kernel::{AsCancelled, Cancelled, Deadline, sleep};
///
/// # async fn example() {
/// const SILENCE: Duration = Duration::from_millis(50);
/// let silence = Deadline::new(SILENCE);
/// let served = silence.timeout(async {
///     for wait in [20, 40, 40, 900] {
///         sleep(Duration::from_millis(wait)).await?;
///         silence.set(SILENCE);
///     }
///     Ok::<_, Cancelled>(())
/// });
/// assert!(served.await.unwrap_err().timed_out());
/// # }
/// ```
#[derive(Clone)]
#[doc(alias = "reschedule")]
pub struct Deadline(Arc<Mutex<State>>);

struct State {
    /// The kernel that the scopes belong to.
    kernel: Option<KernelId>,
    /// Where it is; `None` until a scope has begun.
    at: Option<Instant>,
    /// Where it is to be, from the next time a scope looks.
    next: Option<Limit>,
    epoch: u64,
    /// The scopes that run under it, by their numbers, and who polls each, until that was woken.
    scopes: BTreeMap<u64, Option<Waker>>,
}

impl State {
    /// Moves it, at `now`.
    fn move_to(&mut self, limit: Limit, now: Instant) {
        if self.at.is_some_and(|at| at <= now) {
            self.epoch += 1;
        }
        self.at = Some(limit.deadline(now));
    }

    /// Those of its scopes that are around the code being polled.
    fn around(&self, path: &Path) -> Vec<u64> {
        path.look(|frames| {
            // A limit may have the number of a task, but not that of another limit.
            let limits = frames.iter().filter(|frame| frame.kind == Kind::Limit);
            let numbers = limits.map(|frame| frame.id);
            numbers
                .filter(|number| self.scopes.contains_key(number))
                .collect()
        })
    }

    /// Where it is, at `now`.
    fn look(&mut self, now: Instant) -> Instant {
        if let Some(limit) = self.next.take() {
            self.move_to(limit, now);
        }
        self.at.unwrap_or(Instant::FAR)
    }
}

impl Deadline {
    /// A deadline that comes after this span, at this instant, or never.
    ///
    /// A span counts from the turn in which the first scope under it is first polled.
    #[must_use]
    pub fn new(limit: impl Into<Limit>) -> Self {
        Self(Arc::new(Mutex::new(State {
            kernel: None,
            at: None,
            next: Some(limit.into()),
            epoch: 0,
            scopes: BTreeMap::new(),
        })))
    }

    /// Moves it, to earlier, later, or never.
    ///
    /// A span counts from the current turn; one given on a thread that does not serve the kernel of the
    /// scopes, or before there is one, from when a scope is next polled. Moved to the past it makes its
    /// scopes expire at once.
    pub fn set(&self, limit: impl Into<Limit>) {
        let limit = limit.into();
        let kernel = self.lock().kernel;
        let here = kernel.and_then(|kernel| home::with_kernel(kernel, Rc::clone));
        let wakers = match here {
            Some(core) => self.set_here(&core, limit),
            None => {
                let mut state = self.lock();
                state.next = Some(limit);
                let listed = state.scopes.values_mut();
                listed.filter_map(Option::take).collect()
            }
        };
        wake_all(wakers);
    }

    /// When it comes; `None` if it never does, or is a span that no scope has begun to count.
    #[must_use]
    pub fn get(&self) -> Option<Instant> {
        let state = self.lock();
        let at = match state.next {
            Some(limit) => limit.instant(),
            None => state.at,
        };
        at.filter(|at| !at.is_never())
    }

    /// Runs `body` until the deadline at the latest, wherever that is moved to; see
    /// [`timeout_after`](crate::timeout_after).
    ///
    /// # Errors
    ///
    /// The body's own error; [`AsCancelled::timed_out`] tells whether this limit made it fail.
    ///
    /// # Panics
    ///
    /// When polled without a kernel on this thread, or with another than the deadline was first used with.
    ///
    /// # Cancellation
    ///
    /// As [`timeout_after`](crate::timeout_after).
    pub fn timeout<F, T, E, Via>(&self, body: F) -> TimeoutUntil<F, Via>
    where
        F: Future<Output = Result<T, E>>,
        E: AsCancelled<Via> + From<Cancelled>,
    {
        TimeoutUntil::new(self.clone(), body)
    }

    /// The same; that this limit passed is `Ok(None)`. See [`ignore_after`](crate::ignore_after).
    ///
    /// # Errors
    ///
    /// The body's own error, unless this limit made it fail.
    ///
    /// # Panics
    ///
    /// As [`timeout`](Self::timeout).
    ///
    /// # Cancellation
    ///
    /// As [`timeout_after`](crate::timeout_after).
    pub fn ignore<F, T, E, Via>(&self, body: F) -> IgnoreUntil<F, Via>
    where
        F: Future<Output = Result<T, E>>,
        E: AsCancelled<Via> + From<Cancelled>,
    {
        IgnoreUntil::new(self.clone(), body)
    }

    /// Moves it on the kernel's own thread; who is to be woken.
    fn set_here(&self, core: &Rc<Core>, limit: Limit) -> Vec<Waker> {
        let now = core.now();
        let mut wakers = Vec::new();
        let mut fired = Vec::new();
        {
            let mut state = self.lock();
            let before = state.look(now);
            state.move_to(limit, now);
            let at = state.look(now);
            let around = state.around(&core.path);
            for &scope in &around {
                let moved = core.path.move_limit(scope, at, now, || core.next_stamp());
                if moved == Moved::Fired {
                    fired.push(scope);
                }
            }
            // Whoever polls the others finds a later one in time.
            if at < before {
                let listed = state.scopes.iter_mut();
                let absent = listed.filter(|(scope, _)| !around.contains(scope));
                wakers.extend(absent.filter_map(|(_, waker)| waker.take()));
            }
        }
        for &scope in &fired {
            core.wake_inside(scope);
        }
        if let (false, Some(key)) = (fired.is_empty(), core.current.key()) {
            // What is parked beside this code has met the expiry, too.
            core.wake_task(key);
        }
        wakers
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock can leave the state half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Deadline").field(&self.get()).finish()
    }
}

/// A scope's place on the list of its deadline.
pub(super) struct Place {
    deadline: Deadline,
    /// The number of the scope, once it is on the list.
    scope: Option<u64>,
    epoch: u64,
}

impl Place {
    /// A place that is not taken yet.
    pub(super) fn new(deadline: Deadline) -> Self {
        Self {
            deadline,
            scope: None,
            epoch: 0,
        }
    }

    pub(super) fn deadline(&self) -> &Deadline {
        &self.deadline
    }

    /// When the deadline comes for this scope, whose poller has `waker` woken when it is moved to earlier;
    /// `None` if it had come when it was moved.
    ///
    /// # Panics
    ///
    /// On another kernel than the first.
    pub(super) fn look(&mut self, core: &Core, scope: u64, waker: &Waker) -> Option<Instant> {
        let is_kept = self.scope.is_some_and(|scope| {
            let state = self.deadline.lock();
            let kept = state.scopes.get(&scope).and_then(Option::as_ref);
            kept.is_some_and(|kept| kept.will_wake(waker))
        });
        let mut waker = (!is_kept).then(|| waker.clone());
        let mut state = self.deadline.lock();
        let kernel = *state.kernel.get_or_insert(core.id);
        let at = state.look(core.now());
        if waker.is_some() && kernel == core.id {
            if self.scope.is_none() {
                self.epoch = state.epoch;
            }
            self.scope = Some(scope);
            waker = state.scopes.insert(scope, waker.take()).flatten();
        }
        let is_of_now = self.epoch == state.epoch;
        drop(state);
        drop(waker);
        assert!(
            kernel == core.id,
            "a deadline belongs to the kernel it was first used with"
        );
        is_of_now.then_some(at)
    }

    /// Gives the place back.
    pub(super) fn leave(&mut self) {
        if let Some(scope) = self.scope.take() {
            let listed = self.deadline.lock().scopes.remove(&scope);
            drop(listed);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.leave();
    }
}
