//! The slack: how late the operating system may wake a thread.
//!
//! Linux wakes an ordinary thread up to 50 us late to save power. While somebody waits here the thread's
//! slack is 1 us, and afterwards what it was. The slack belongs to the thread, so the count of those who
//! want it sharp does too: two reactors on one thread may begin and end in any order.
//!
//! # Invariants
//!
//! - A thread's slack is sharp exactly while its count is above zero.
//! - A [`Slack`] gives back what it took on the thread where it took it, and only there.

use std::cell::Cell;
use std::num::NonZeroU64;
use std::thread::{self, ThreadId};

use rustix::thread::{current_timer_slack, set_current_timer_slack};

/// How late a sharpened thread may be woken, in nanoseconds.
const SHARP_NS: NonZeroU64 = NonZeroU64::new(1_000).unwrap();

thread_local! {
    static THREAD: Cell<Sharpness> = const { Cell::new(Sharpness { wanted: 0, before_ns: None }) };
}

/// Who wants a thread sharp, and how it was before.
#[derive(Clone, Copy)]
struct Sharpness {
    wanted: usize,
    before_ns: Option<NonZeroU64>,
}

/// One reactor's claim on the timer slack of the thread that waits in it.
#[derive(Debug, Default)]
pub struct Slack {
    depth: usize,
    thread: Option<ThreadId>,
}

impl Slack {
    /// No claim yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes this thread's slack 1 us until [`restore`](Self::restore) was called as often as this.
    ///
    /// Where the operating system refuses, timers are merely less sharp.
    pub fn sharpen(&mut self) {
        self.thread = Some(thread::current().id());
        self.depth += 1;
        THREAD.with(|thread| {
            let mut now = thread.get();
            if now.wanted == 0 {
                now.before_ns = current_timer_slack().ok().and_then(NonZeroU64::new);
                let _ = set_current_timer_slack(Some(SHARP_NS));
            }
            now.wanted += 1;
            thread.set(now);
        });
    }

    /// Takes one [`sharpen`](Self::sharpen) back; without one it does nothing.
    pub fn restore(&mut self) {
        if self.depth == 0 {
            return;
        }
        self.depth -= 1;
        if self.thread != Some(thread::current().id()) {
            return;
        }
        // A thread that is ending has no count left, and nothing to restore.
        let _ = THREAD.try_with(|thread| {
            let mut now = thread.get();
            now.wanted = now.wanted.saturating_sub(1);
            thread.set(now);
            if now.wanted == 0 {
                let _ = set_current_timer_slack(now.before_ns);
            }
        });
    }
}

impl Drop for Slack {
    fn drop(&mut self) {
        while self.depth > 0 {
            self.restore();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slack_is_sharp_while_anybody_wants_it() {
        thread::spawn(|| {
            let before = current_timer_slack().unwrap();
            let (mut first, mut second) = (Slack::new(), Slack::new());
            first.sharpen();
            first.sharpen();
            second.sharpen();
            first.restore();
            first.restore();
            assert_eq!(current_timer_slack().unwrap(), SHARP_NS.get());
            drop(second);
            assert_eq!(current_timer_slack().unwrap(), before);
            assert_ne!(before, SHARP_NS.get());
        })
        .join()
        .unwrap();
    }
}
