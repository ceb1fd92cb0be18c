//! The contract: what every way to the world promises.

use std::io;
use std::os::fd::RawFd;
use std::task::Waker;
use std::time::Duration;

use crate::{Call, Completion, Fd, Op, Reply, Token};

/// A way to the world: takes owned operations, gives completions.
///
/// # Promises
///
/// 1. *Each token ends once.* Every submitted operation has exactly one completion with `more` false,
///    also after a cancel or an error, given either by [`submit`](Self::submit) itself or by a later
///    [`poll`](Self::poll); nothing of that token follows it.
/// 2. *Nothing is lost.* A completion says exactly what happened: a descriptor that was accepted or
///    opened, bytes that were received, and counts that were sent are in a completion, cancel or not.
/// 3. *What an operation owned comes back*: its buffer in its last completion; its descriptor is let go
///    of after its end, never before.
/// 4. *Nothing blocks but `poll`.* `submit`, `cancel` and `call` return without waiting.
/// 5. *An unpark is never lost.* After a wake of [`unparker`](Self::unparker), the poll under way or
///    else the next one returns without waiting for anything more.
/// 6. *Order.* Sends on one socket are begun in the order of their submission, and so are receives.
/// 7. *A flow may end whenever it likes*, without an error; it is submitted again by whoever wants
///    more. It never spins: a flow that is submitted and ends with [`Outcome::Paused`] each time
///    without anything having changed breaks the contract.
/// 8. *Dropping the reactor ends every operation before it frees anything* that one of them owned.
///    Those ends are not reported.
///
/// [`Lawful`](crate::Lawful) asserts these on any reactor.
///
/// [`Outcome::Paused`]: crate::Outcome::Paused
pub trait Reactor {
    /// A short name: `"uring"`, `"poll"`, `"sim"`.
    fn name(&self) -> &'static str;

    /// Begins `op` under the name `token`, which must not be in use.
    ///
    /// `Some` is a completion that came at once: with `more` false the operation has ended and nothing
    /// more is heard of it. An operation that this reactor does not know ends at once with an error
    /// of kind [`Unsupported`](io::ErrorKind::Unsupported). The reactor may put off the system call
    /// to the next [`poll`](Self::poll).
    fn submit(&mut self, token: Token, op: Op) -> Option<Completion>;

    /// Begins `op` as [`submit`](Self::submit) does, for somebody who does not wait for its success.
    ///
    /// A [`poll`](Self::poll) that waits need not return because `op` has ended well; it gives that end
    /// along with the next one, or when it returns for another reason. A poll that is asked not to wait
    /// gives every end there is. So whoever wants to know after all polls once without waiting.
    fn submit_quietly(&mut self, token: Token, op: Op) -> Option<Completion> {
        self.submit(token, op)
    }

    /// Asks the operation `token` to end early. Its end is still to come and says what it did: a
    /// success that won the race is a success. An unknown or ended token is ignored.
    fn cancel(&mut self, token: Token);

    /// Sends what of `bytes` can leave at once, without an operation and without copying; how much that
    /// was. Only while no send of this socket is under way. A reactor that has no such way always answers 0.
    ///
    /// # Errors
    ///
    /// That of a send that failed, which is told once.
    fn send_now(&mut self, socket: &Fd, bytes: &[u8]) -> io::Result<usize> {
        let _ = (socket, bytes);
        Ok(0)
    }

    /// Does what never waits.
    ///
    /// # Errors
    ///
    /// The operating system's own, and [`Unsupported`](io::ErrorKind::Unsupported) for an unknown call.
    fn call(&mut self, call: Call) -> io::Result<Reply>;

    /// Submits what is queued and collects completions into `ends`, waiting for the first one for at
    /// most `timeout` (`None`: without limit; zero: not at all).
    ///
    /// It returns when there is a completion, when the time is up, after an unpark, and sometimes for
    /// no reason. Asked not to wait, it touches the operating system only if it has to: when something
    /// is queued or a completion may be there.
    ///
    /// # Errors
    ///
    /// Only when the reactor is beyond use. Interruptions by signals are not errors.
    fn poll(&mut self, timeout: Option<Duration>, ends: &mut Vec<Completion>) -> io::Result<()>;

    /// Whether a [`poll`](Self::poll) without waiting would find nothing and do nothing now, as far as that is
    /// seen without a system call. Who has other work then leaves it out. `false` is always right.
    fn is_still(&mut self) -> bool {
        false
    }

    /// A waker that ends a poll from any thread. It stays valid, and without effect, after the reactor
    /// is gone.
    fn unparker(&self) -> Waker;

    /// A descriptor that is readable when a [`poll`](Self::poll) would bring something, or an unpark has
    /// come, for loops that belong to somebody else. It is good for one wait: ask again after each
    /// poll. It is the reactor's, which closes it. `None` if there is none.
    fn wait_fd(&mut self) -> Option<RawFd> {
        None
    }
}

impl<R: Reactor + ?Sized> Reactor for Box<R> {
    fn name(&self) -> &'static str {
        (**self).name()
    }

    fn submit(&mut self, token: Token, op: Op) -> Option<Completion> {
        (**self).submit(token, op)
    }

    fn submit_quietly(&mut self, token: Token, op: Op) -> Option<Completion> {
        (**self).submit_quietly(token, op)
    }

    fn cancel(&mut self, token: Token) {
        (**self).cancel(token);
    }

    fn send_now(&mut self, socket: &Fd, bytes: &[u8]) -> io::Result<usize> {
        (**self).send_now(socket, bytes)
    }

    fn call(&mut self, call: Call) -> io::Result<Reply> {
        (**self).call(call)
    }

    fn poll(&mut self, timeout: Option<Duration>, ends: &mut Vec<Completion>) -> io::Result<()> {
        (**self).poll(timeout, ends)
    }

    fn is_still(&mut self) -> bool {
        (**self).is_still()
    }

    fn unparker(&self) -> Waker {
        (**self).unparker()
    }

    fn wait_fd(&mut self) -> Option<RawFd> {
        (**self).wait_fd()
    }
}
